//! `/v1/search` and `/v1/categories/{path}/products`: what is asked and what is answered.

use super::field::{Fields, ID_MAX, object_of};
use super::recommend::{Asked, CURSOR_MAX, InArmBody, RecommendContext, SlotBody};
use bespoke_domain::Problem;
use bespoke_domain::event::PageType;
use bespoke_domain::search::{Choice, REFINEMENTS_MAX, RESULTS_MAX, Refinement, SORTS, Search, Sort};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// The placement that answers searches.
pub const PLACEMENT: &str = "search";
/// The placement that answers for categories.
pub const CATEGORY_PLACEMENT: &str = "category_listing";
/// Longest query in bytes.
pub(crate) const QUERY_MAX: usize = 500;
/// Most parts of a query that are taken as words.
const WORDS_MAX: usize = 12;
/// Most values chosen of one facet.
const VALUES_MAX: usize = 50;
/// Longest value of a facet in bytes.
const VALUE_MAX: usize = 256;
/// How results can be narrowed, for errors.
const REFINE: &str = "must name a facet with a list of at most 50 values, or with numbers `from`, `to` or both, `from` below `to`; `price` and `rating` are numbers";

/// What a shop searches for.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the request; AskedSearch reads it field by field for clear faults")]
pub struct SearchAsk {
    /// The words, at most 500 bytes.
    pub q: String,
    /// The placement whose sources, scorers and rules give the order; `search` where it is left out.
    pub placement: Option<String>,
    /// First-party id of the browser.
    pub anonymous_id: Option<String>,
    /// Customer number; needs a secret key.
    pub user_id: Option<String>,
    /// Where it will be shown; `page_type` is search where it is left out.
    pub context: Option<RecommendContext>,
    /// What results are narrowed by, by facet: a list of values of which one must be met, or numbers `from` (or more) and below `to`. Facets are
    /// attributes, `brand`, `category` (a path), `price` and `rating`; at most 16.
    #[schema(value_type = Option<Object>, example = json!({"brand": ["Acme"], "price": {"to": 50}}))]
    pub refine: Option<Value>,
    /// What everything shown must be like: `price < 50 AND NOT category:'Sale'`. Counts are of what remains.
    pub filter: Option<String>,
    /// The facets to count, at most 20; left out: those that shoppers use most on such results and that tell most of them apart.
    pub facets: Option<Vec<String>>,
    /// relevance, price_asc, price_desc, newest, rating or popular.
    pub sort: Option<String>,
    /// The page, from 1; `page` × `n` is at most 1000.
    pub page: Option<u32>,
    /// The `next` of the page before: nothing that it or those before it showed comes again, and nothing is skipped, whatever the
    /// shopper did in between. All else as it was asked there.
    pub cursor: Option<String>,
    /// Results on a page, at most 100; the placement's number where it is left out.
    pub n: Option<u16>,
    /// Whether the words are meant as they are: nothing is corrected.
    pub literal: Option<bool>,
    /// Parts of `q` that are words to search for and nothing else: the `text` of what is in `understood` and was not meant.
    pub as_words: Option<Vec<String>>,
    /// Ids that must not be shown, at most 500.
    pub exclude_ids: Option<Vec<String>>,
    /// Whether the log should keep every candidate with its score.
    pub explain: Option<bool>,
    /// Whether nobody will see the answer, as where it is judged: it is not logged and nothing is learnt from it. Needs a secret key.
    pub dry_run: Option<bool>,
}

/// A search that is as it must be.
#[derive(Clone, Debug)]
pub struct AskedSearch {
    /// What every request says.
    pub asked: Asked,
    /// What is searched for; [`Search::from`] is still to be worked out.
    pub search: Search,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// The page, from 1.
    pub page: u32,
}

impl AskedSearch {
    /// Reads a request's body; for a category's page where `category` names one.
    pub fn parse(body: &[u8], category: Option<&str>) -> Result<Self, Problem> {
        Self::of(object_of(body)?, category)
    }

    /// Reads the query of an address: as the body, `facets` with commas, `refine.NAME` once for each value, or as `from..to`.
    /// For a category's page where `category` names one.
    pub fn of_query(query: &str, category: Option<&str>) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|error| Problem::new("query", "invalid_query", error.to_string()))?;
        let (mut fields, mut context, mut refine) = (Map::new(), Map::new(), Map::new());
        for (name, value) in pairs.into_iter().filter(|(name, _)| name != "key") {
            let list = || value.split(',').filter(|id| !id.is_empty()).map(Value::from).collect();
            match name.as_str() {
                "facets" | "exclude_ids" | "as_words" => _ = fields.insert(name, Value::Array(list())),
                "literal" | "dry_run" => {
                    let flag = value.parse::<bool>().map_or_else(|_| Value::from(value), Value::from);
                    fields.insert(name, flag);
                }
                "market" | "locale" | "page_type" => _ = context.insert(name, Value::from(value)),
                "q" | "filter" | "sort" | "page" | "n" | "placement" | "anonymous_id" | "user_id"
                | "cursor" => {
                    fields.insert(name, Value::from(value));
                }
                _ => match name.strip_prefix("refine.") {
                    Some(facet) => chosen(&mut refine, facet, &value),
                    None => return Err(Problem::new(name, "unknown_field", "not known here; leave it out")),
                },
            }
        }
        fields.insert("refine".to_owned(), Value::Object(refine));
        fields.insert("context".to_owned(), Value::Object(context));
        Self::of(Fields(fields), category)
    }

    fn of(mut fields: Fields, category: Option<&str>) -> Result<Self, Problem> {
        let text = fields.text("q", QUERY_MAX)?.unwrap_or_default();
        match category {
            None if text.trim().is_empty() => {
                return Err(Problem::new("q", "missing", "must be the words that are searched for"));
            }
            Some(_) if !text.trim().is_empty() => {
                let detail = "not known here; search with `/v1/search` and narrow it by `refine.category`";
                return Err(Problem::new("q", "unknown_field", detail));
            }
            _ => {}
        }
        let placement = fields.id("placement")?;
        let default = if category.is_some() { CATEGORY_PLACEMENT } else { PLACEMENT };
        let sort = fields.text("sort", 32)?.map_or(Ok(Sort::Relevance), |name| sort(&name))?;
        let page = fields.count("page", RESULTS_MAX as u64)?.unwrap_or(1).max(1) as u32;
        let facets = fields.texts("facets", bespoke_engine::facets::FACETS_MAX, ID_MAX)?;
        let cursor = fields.text("cursor", CURSOR_MAX)?;
        let literal = fields.flag("literal")?.unwrap_or(false);
        let as_words = fields.texts("as_words", WORDS_MAX, QUERY_MAX)?;
        let refinements = refinements(fields.take("refine"))?;
        let mut asked = Asked::of(fields, placement.unwrap_or_else(|| default.to_owned()), Vec::new())?;
        if asked.page == PageType::Other {
            asked.page = if category.is_some() { PageType::Category } else { PageType::Search };
        }
        if let Some(path) = category {
            asked.category_path = Some(path.to_owned());
        }
        Ok(Self {
            asked,
            search: Search {
                text,
                refinements,
                sort,
                literal,
                as_words,
                facets: Some(facets),
                ..Search::default()
            },
            cursor,
            page,
        })
    }
}

/// Adds a value from an address to what is chosen of a facet.
fn chosen(refine: &mut Map<String, Value>, facet: &str, value: &str) {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    if let Some((from, to)) = value.split_once("..")
        && (number(from).is_some() || from.trim().is_empty())
        && (number(to).is_some() || to.trim().is_empty())
    {
        refine.insert(facet.to_owned(), json!({ "from": number(from), "to": number(to) }));
    } else if let Value::Array(list) = refine.entry(facet).or_insert_with(|| Value::Array(Vec::new())) {
        list.push(Value::from(value));
    }
}

fn sort(name: &str) -> Result<Sort, Problem> {
    Sort::parse(name).ok_or_else(|| {
        let names = SORTS.map(|(_, name)| name).join(", ");
        Problem::new("sort", "unknown_sort", format!("must be one of {names}"))
    })
}

fn refinements(value: Option<Value>) -> Result<Vec<Refinement>, Problem> {
    let all = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(all)) => all,
        Some(_) => return Err(Problem::new("refine", "wrong_type", REFINE)),
    };
    if all.len() > REFINEMENTS_MAX {
        let detail = format!("must name at most {REFINEMENTS_MAX} facets");
        return Err(Problem::new("refine", "too_many", detail));
    }
    all.into_iter().map(|(facet, value)| refinement(facet, value)).collect()
}

fn refinement(facet: String, value: Value) -> Result<Refinement, Problem> {
    let wrong = || Problem::new(format!("refine.{facet}"), "wrong_type", REFINE);
    let is_number = ["price", "rating"].iter().any(|one| facet.eq_ignore_ascii_case(one));
    let choice = match value {
        Value::Array(_) if is_number => return Err(wrong()),
        Value::Array(list) => {
            let text = |value: &Value| match value {
                Value::String(text) if text.len() <= VALUE_MAX => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            let values = list.iter().map(text).collect::<Option<Vec<String>>>();
            let values = values.filter(|values| !values.is_empty() && values.len() <= VALUES_MAX);
            Choice::Values(values.ok_or_else(wrong)?)
        }
        Value::Object(bounds) => {
            let number = |name: &str| match bounds.get(name) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => value.as_f64().map(Some).ok_or_else(wrong),
            };
            if bounds.keys().any(|name| name != "from" && name != "to") {
                return Err(wrong());
            }
            let (from, to) = (number("from")?, number("to")?);
            if from.is_none() && to.is_none() || from.zip(to).is_some_and(|(from, to)| from >= to) {
                return Err(wrong());
            }
            Choice::Range(from, to)
        }
        _ => return Err(wrong()),
    };
    Ok(Refinement { facet, choice })
}

/// What was found.
#[derive(Serialize, ToSchema, Debug)]
pub struct SearchBody {
    /// The decision's id, `dec_…`.
    pub request_id: String,
    /// Send it back with clicks, carts and orders of these items.
    pub rec_token: String,
    /// The placement.
    pub placement: String,
    /// How the words were taken.
    pub query: QueryBody,
    /// Products that match, variants of one counted once.
    pub total: u32,
    /// The page, from 1.
    pub page: u32,
    /// Pages that can be asked for: of what is left by the placement's filters and rules too.
    pub pages: u32,
    /// Send it as `cursor` with the next page, so that nothing comes twice or is skipped; null on the last one.
    pub next: Option<String>,
    /// The page's results, in order.
    pub items: Vec<SlotBody>,
    /// What the results can be narrowed by.
    pub facets: Vec<FacetBody>,
    /// In which order they come.
    pub sort: String,
    /// none, session or full.
    pub personalization: String,
    /// none, popular, hidden, off, or external: the arm leaves it to something else.
    pub fallback: String,
    /// The arms that it was made in.
    pub arms: Vec<InArmBody>,
    /// Ids of the request that the catalogue does not know.
    pub missing_ids: Vec<String>,
    /// Sources that were left out for want of time; see `x-timeout-ms`.
    pub skipped: Vec<String>,
    /// Time to decide and count, in milliseconds.
    pub took_ms: u64,
}

/// How a query's words were taken.
#[derive(Serialize, ToSchema, Debug, Default)]
pub struct QueryBody {
    /// As they were typed.
    pub text: String,
    /// What was searched for instead, where a word was mistyped; `literal` searches for what was typed.
    pub corrected: Option<String>,
    /// Words that even the best result lacks: no product has all of them.
    pub given_up: Vec<String>,
    /// Words that no product has.
    pub unknown: Vec<String>,
    /// Parts of the text that say more than their words.
    pub understood: Vec<UnderstoodBody>,
    /// The vectors that results were compared by, beside words: text_vectors or embedded.
    pub vectors: Option<String>,
    /// Products of the total that are close in meaning and lack the words.
    pub by_meaning: u32,
}

/// A part of a query that says more than its words.
#[derive(Serialize, ToSchema, Debug)]
pub struct UnderstoodBody {
    /// The part; in `as_words` it is searched for as it stands.
    pub text: String,
    /// What it is about: an attribute, brand, category, price, a measure's unit, or without.
    pub about: String,
    /// The value, where it names one.
    pub value: Option<String>,
    /// Not less.
    pub from: Option<f64>,
    /// Not more.
    pub to: Option<f64>,
    /// Whether results must keep it; otherwise it raises those that do.
    pub filter: bool,
    /// How sure it is, 0 to 1: of the products with these words the share that has the value; of a category that the words do not name the share
    /// of the evidence that is in it.
    pub confidence: f32,
    /// What it rests on: `words` that say it, or, of a category that they do not name, `matches` (where most of the best results stand) or
    /// `clicks` (what five shoppers or more dealt with after these words).
    pub basis: String,
}

/// A facet with its values.
#[derive(Serialize, ToSchema, Debug)]
pub struct FacetBody {
    /// An attribute, `brand`, `category`, `price` or `rating`.
    pub name: String,
    /// Its values; none of numbers.
    pub values: Vec<FacetValueBody>,
    /// Of numbers: the least among the results.
    pub min: Option<f64>,
    /// Of numbers: the greatest.
    pub max: Option<f64>,
    /// Of numbers: stretches, from the first number on and below the second; the last one has no end.
    pub ranges: Vec<FacetRangeBody>,
}

/// A value of a facet.
#[derive(Serialize, ToSchema, Debug)]
pub struct FacetValueBody {
    /// As the catalogue writes it.
    pub value: String,
    /// Results that have it, as if the facet were not narrowed.
    pub count: u32,
    /// Whether the results are narrowed to it.
    pub chosen: bool,
}

/// A stretch of numbers.
#[derive(Serialize, ToSchema, Debug)]
pub struct FacetRangeBody {
    /// The least.
    pub from: f64,
    /// What all of it is below; null where it does not end.
    pub to: Option<f64>,
    /// Results in it.
    pub count: u32,
}
