//! `/v1/suggest`: what is asked and what is answered.

use super::field::Fields;
use super::recommend::ItemBody;
use bespoke_domain::Problem;
use bespoke_search::suggest::TEXT_MAX;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Suggestions of each kind: where nothing is said, and at most.
const LIMIT: u64 = 6;
const LIMIT_MAX: u64 = 20;

/// What a shop asks.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "each is the parameter of its name")]
pub struct AskedSuggest {
    pub q: String,
    pub n: usize,
    pub anonymous_id: Option<String>,
    pub user_id: Option<String>,
    pub market: String,
    pub locale: String,
}

impl AskedSuggest {
    /// Reads the query of an address.
    pub fn of_query(query: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|error| Problem::new("query", "invalid_query", error.to_string()))?;
        let named = pairs.into_iter().filter(|(name, value)| name != "key" && !value.is_empty());
        let fields: Map<String, Value> = named.map(|(name, value)| (name, value.into())).collect();
        let mut fields = Fields(fields);
        let asked = Self {
            q: fields.text("q", TEXT_MAX)?.unwrap_or_default(),
            n: fields.count("n", LIMIT_MAX)?.unwrap_or(LIMIT) as usize,
            anonymous_id: fields.id("anonymous_id")?,
            user_id: fields.id("user_id")?,
            market: fields.text("market", 64)?.unwrap_or_default(),
            locale: fields.locale("locale")?.unwrap_or_default(),
        };
        fields.none_left()?;
        Ok(asked)
    }
}

/// What is answered: suggestions by kind, the best first.
#[derive(Serialize, ToSchema, Debug)]
pub struct SuggestBody {
    /// What was typed.
    pub q: String,
    /// Queries that many shoppers asked and that find something.
    pub queries: Vec<SuggestionBody>,
    /// Categories in which something can be bought.
    pub categories: Vec<SuggestionBody>,
    /// Brands of which something can be bought.
    pub brands: Vec<SuggestionBody>,
    /// Products that can be bought, one of each group of variants.
    pub products: Vec<SuggestionBody>,
    /// none or full: whether what the shopper did had a say in the order.
    pub personalization: String,
    /// Time to find them, in milliseconds.
    pub took_ms: u64,
}

/// One suggestion.
#[derive(Serialize, ToSchema, Debug)]
pub struct SuggestionBody {
    /// The product's id, the category's path, the brand, or the query.
    pub id: String,
    /// What to show.
    pub text: String,
    /// The text in parts: which of them were typed.
    pub parts: Vec<PartBody>,
    /// What else to show of a product.
    pub item: Option<ItemBody>,
}

/// A part of a text.
#[derive(Serialize, ToSchema, Debug, PartialEq)]
pub struct PartBody {
    /// The part.
    pub text: String,
    /// Whether it was typed.
    pub typed: bool,
}

/// A text in parts, of which those `marked`, as ranges of bytes in order, were typed.
pub fn parts(text: &str, marked: &[(usize, usize)]) -> Vec<PartBody> {
    let (mut parts, mut at) = (Vec::new(), 0);
    let mut push = |from: usize, to: usize, typed| {
        if let Some(part) = text.get(from..to).filter(|part| !part.is_empty()) {
            parts.push(PartBody { text: part.to_owned(), typed });
        }
    };
    for (from, to) in marked {
        push(at, *from, false);
        push(*from, *to, true);
        at = *to;
    }
    push(at, text.len(), false);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_text_again() {
        let part = |text: &str, typed| PartBody { text: text.to_owned(), typed };
        assert_eq!(
            parts("Red Mug", &[(0, 2), (4, 6)]),
            [part("Re", true), part("d ", false), part("Mu", true), part("g", false)]
        );
        assert_eq!(parts("Mug", &[(0, 3)]), [part("Mug", true)]);
        assert_eq!(parts("Mug", &[]), [part("Mug", false)]);
    }

    #[test]
    fn an_address_is_read_and_faults_are_named() {
        let asked = AskedSuggest::of_query("q=red+m&n=3&key=pk_1&anonymous_id=a").expect("it is good");
        assert_eq!((asked.q.as_str(), asked.n, asked.anonymous_id.as_deref()), ("red m", 3, Some("a")));
        assert_eq!(AskedSuggest::of_query("").expect("nothing is typed yet").n, 6);
        let long = format!("q={}", "a".repeat(201));
        assert_eq!(AskedSuggest::of_query("locale=DE-at").expect("a tag").locale, "de-AT");
        for (query, field) in
            [("n=21", "n"), ("limit=3", "limit"), ("locale=german", "locale"), (long.as_str(), "q")]
        {
            assert_eq!(AskedSuggest::of_query(query).expect_err("it has a fault").field, field);
        }
    }
}
