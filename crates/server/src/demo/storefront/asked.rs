//! What a page of results is asked for, as its address says it, and the addresses of what can be asked next: all of it stands
//! in the address, so that a page can be kept, sent and gone back to. What makes no sense in one is left out.

use bespoke_domain::search::{Choice, REFINEMENTS_MAX, Sort};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Longest query in bytes.
const WORDS_MAX: usize = 500;
/// Most values of a facet, longest value and longest name in bytes.
const VALUES_MAX: usize = 50;
const VALUE_MAX: usize = 256;
const NAME_MAX: usize = 128;
/// Most parts of a query that are taken as words.
const PARTS_MAX: usize = 12;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// The page's address without anything asked.
    to: String,
    /// What is searched for.
    pub words: String,
    /// Whether they were too long and only their beginning stands.
    pub is_cut: bool,
    /// What was chosen, by facet.
    pub chosen: BTreeMap<String, Choice>,
    /// In which order.
    pub sort: Sort,
    /// Whether the words are meant as they are.
    pub literal: bool,
    /// Parts of the words that are words and nothing else.
    pub as_words: Vec<String>,
    /// The page, from 1.
    pub page: u32,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl Asked {
    /// Reads the query of an address.
    pub fn of(to: &str, query: &str) -> Self {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        let mut asked = Self { to: to.to_owned(), page: 1, ..Self::default() };
        pairs.iter().for_each(|(name, value)| asked.take(name, value.trim()));
        asked
    }

    fn take(&mut self, name: &str, value: &str) {
        let number = || value.parse::<f64>().ok().filter(|number| number.is_finite());
        match name {
            "q" => {
                let end = (0..=WORDS_MAX.min(value.len())).rev().find(|at| value.is_char_boundary(*at));
                let words = &value[..end.unwrap_or_default()];
                self.is_cut = words.len() < value.len();
                self.words = words.replace(char::is_control, " ").trim().to_owned();
            }
            "sort" => self.sort = Sort::parse(value).unwrap_or_default(),
            "literal" => self.literal = value == "true",
            "as_words" if self.as_words.len() < PARTS_MAX && (1..=WORDS_MAX).contains(&value.len()) => {
                self.as_words.push(value.to_owned());
            }
            "page" => self.page = value.parse().unwrap_or(1).max(1),
            "cursor" => self.cursor = (1..=NAME_MAX).contains(&value.len()).then(|| value.to_owned()),
            // The ends of a form's range.
            "price.from" => self.bound("price", |range| range.0 = number()),
            "price.to" => self.bound("price", |range| range.1 = number()),
            _ => {
                if let Some(facet) = name.strip_prefix("refine.") {
                    self.choose(facet, value);
                }
            }
        }
    }

    fn bound(&mut self, facet: &str, set: impl FnOnce(&mut (Option<f64>, Option<f64>))) {
        let mut range = match self.chosen.get(facet) {
            Some(Choice::Range(from, to)) => (*from, *to),
            _ => (None, None),
        };
        set(&mut range);
        match range {
            (None, None) => _ = self.chosen.remove(facet),
            (from, to) => _ = self.chosen.insert(facet.to_owned(), Choice::Range(from, to)),
        }
    }

    fn choose(&mut self, facet: &str, value: &str) {
        let has_room = self.chosen.contains_key(facet) || self.chosen.len() < REFINEMENTS_MAX;
        if !has_room || value.is_empty() || value.len() > VALUE_MAX || !(1..=NAME_MAX).contains(&facet.len())
        {
            return;
        }
        if let Some(range) = range(value) {
            self.chosen.insert(facet.to_owned(), range);
            return;
        }
        let fresh = || Choice::Values(Vec::new());
        if let Choice::Values(values) = self.chosen.entry(facet.to_owned()).or_insert_with(fresh)
            && values.len() < VALUES_MAX
            && !values.iter().any(|held| held == value)
        {
            values.push(value.to_owned());
        }
    }

    /// The same from the first page on, with or without a value.
    pub fn toggled(&self, facet: &str, value: &str) -> Self {
        let mut other = self.at(1);
        let is_same = |held: &String| held.to_lowercase() == value.to_lowercase();
        match other.chosen.get_mut(facet) {
            Some(Choice::Values(values)) if values.iter().any(is_same) => {
                values.retain(|held| !is_same(held));
                if values.is_empty() {
                    other.chosen.remove(facet);
                }
            }
            _ => other.choose(facet, value),
        }
        other
    }

    /// The same from the first page on, within these numbers; without them where they are chosen already.
    pub fn within(&self, facet: &str, range: &Choice) -> Self {
        let mut other = self.at(1);
        if other.chosen.remove(facet).as_ref() != Some(range) {
            other.chosen.insert(facet.to_owned(), range.clone());
        }
        other
    }

    /// The same from the first page on, with nothing chosen of a facet.
    pub fn without(&self, facet: &str) -> Self {
        let mut other = self.at(1);
        other.chosen.remove(facet);
        other
    }

    /// The same from the first page on, with nothing chosen at all.
    pub fn open(&self) -> Self {
        Self { chosen: BTreeMap::new(), ..self.at(1) }
    }

    /// The same words, meant as they are.
    pub fn literally(&self) -> Self {
        Self { literal: true, ..self.open() }
    }

    /// The same, where a part of the words is words and nothing else.
    pub fn taken_back(&self, part: &str) -> Self {
        let mut other = self.at(1);
        other.as_words.push(part.to_owned());
        other
    }

    /// The same words, mended where they are mistyped.
    pub fn helped(&self) -> Self {
        Self { literal: false, ..self.open() }
    }

    /// Another page.
    pub fn at(&self, page: u32) -> Self {
        Self { page, cursor: None, ..self.clone() }
    }

    /// The page after this one, which goes on where this one ended.
    pub fn next(&self, cursor: Option<&str>) -> Self {
        Self { cursor: cursor.map(str::to_owned), ..self.at(self.page + 1) }
    }

    /// The page without anything asked, where forms lead.
    pub fn action(&self) -> &str {
        &self.to
    }

    /// What stands in the address, for links and hidden fields.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut add = |name: &str, value: String| pairs.push((name.to_owned(), value));
        if !self.words.is_empty() {
            add("q", self.words.clone());
        }
        for (facet, choice) in &self.chosen {
            let name = format!("refine.{facet}");
            match choice {
                Choice::Values(values) => values.iter().for_each(|value| add(&name, value.clone())),
                Choice::Range(from, to) => add(&name, format!("{}..{}", text(*from), text(*to))),
            }
        }
        if self.sort != Sort::Relevance {
            add("sort", self.sort.name().to_owned());
        }
        if self.literal {
            add("literal", "true".to_owned());
        }
        self.as_words.iter().for_each(|part| add("as_words", part.clone()));
        if self.page > 1 {
            add("page", self.page.to_string());
        }
        self.cursor.iter().for_each(|cursor| add("cursor", cursor.clone()));
        pairs
    }

    /// The whole address.
    pub fn address(&self) -> String {
        let query = serde_urlencoded::to_string(self.pairs()).unwrap_or_default();
        if query.is_empty() { self.to.clone() } else { format!("{}?{query}", self.to) }
    }

    /// The body of the request.
    pub fn body(&self) -> Value {
        let chosen = |(facet, choice): (&String, &Choice)| {
            let choice = match choice {
                Choice::Values(values) => json!(values),
                Choice::Range(from, to) => json!({"from": from, "to": to}),
            };
            (facet.clone(), choice)
        };
        json!({
            "q": self.words,
            "refine": self.chosen.iter().map(chosen).collect::<Map<_, _>>(),
            "sort": self.sort.name(),
            "literal": self.literal,
            "as_words": self.as_words,
            "page": self.page,
            "cursor": self.cursor,
        })
    }
}

/// `5..10`, with one end or both.
fn range(text: &str) -> Option<Choice> {
    let (from, to) = text.split_once("..")?;
    let end = |text: &str| match text.trim() {
        "" => Some(None),
        text => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Some),
    };
    let (from, to) = (end(from)?, end(to)?);
    (from.is_some() || to.is_some()).then_some(Choice::Range(from, to))
}

fn text(number: Option<f64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_stands_in_the_address_and_is_read_back() {
        let query = "q=red+mug&refine.brand=A&refine.brand=B%26C&refine.price=5..9.99&sort=price_asc&as_words=red&page=3";
        let asked = Asked::of("/search", query);
        assert_eq!(asked.address(), format!("/search?{query}"));
        assert_eq!(
            asked.toggled("brand", "a").address(),
            "/search?q=red+mug&refine.brand=B%26C&refine.price=5..9.99&sort=price_asc&as_words=red"
        );
        let range = Choice::Range(Some(5.0), Some(9.99));
        assert_eq!(asked.within("price", &range).within("price", &range), asked.at(1));
        assert_eq!(asked.open().address(), "/search?q=red+mug&sort=price_asc&as_words=red");
        assert_eq!(
            Asked::of("/search", "q=x&price.from=2&price.to=").address(),
            "/search?q=x&refine.price=2.."
        );
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let query =
            "q=%00x%0d%0a&sort=best&page=-1&literal=maybe&refine.=x&refine.brand=&other=1&price.from=cheap";
        assert_eq!(Asked::of("/search", query).address(), "/search?q=x");
        let long = Asked::of("/search", &format!("q={}", "ä".repeat(400)));
        assert_eq!((long.words.len(), long.is_cut), (500, true));
        let many: String = (0..100).map(|no| format!("refine.f{no}=x&refine.f0=v{no}&")).collect();
        let many = Asked::of("/search", &many);
        assert_eq!(many.chosen.len(), REFINEMENTS_MAX);
        assert!(matches!(&many.chosen["f0"], Choice::Values(values) if values.len() == VALUES_MAX));
    }
}
