//! The attribute queries of `search/attributes.jsonl`: what is asked, and whether a product is what was asked for. What the fields mean
//! stands in `search/make_attributes.py`, which made the file.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A query with what it asks for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeQuery {
    /// As it is typed.
    pub query: String,
    /// Whether something is said in other words than the catalogue's.
    pub paraphrased: bool,
    /// Who wrote it: `hand` or `template`.
    pub by: String,
    /// What it asks for, all of it.
    pub constraints: Vec<Constraint>,
}

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// What it is about: `brand`, `type`, `colour`, `price`, …
    pub about: String,
    /// One of these is to hold, where there are any.
    #[serde(default)]
    pub any: Vec<Test>,
    /// None of these may hold.
    #[serde(default)]
    pub none: Vec<Test>,
}

/// A test of one field of a product.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The field's name in the catalogue.
    pub field: String,
    /// The value itself, or one of its parts between commas.
    pub is: Option<Value>,
    /// Whole words that stand in it in this order.
    pub has: Option<String>,
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
}

impl AttributeQuery {
    /// Whether a row of the catalogue is what was asked for.
    pub fn is_satisfied_by(&self, product: &Map<String, Value>) -> bool {
        self.missed_by(product).is_empty()
    }

    /// What a row of the catalogue is not of what was asked for.
    pub fn missed_by(&self, product: &Map<String, Value>) -> Vec<&str> {
        let missed = self.constraints.iter().filter(|constraint| !constraint.is_met_by(product));
        missed.map(|constraint| constraint.about.as_str()).collect()
    }
}

impl Constraint {
    fn is_met_by(&self, product: &Map<String, Value>) -> bool {
        let holds = |test: &Test| product.get(&test.field).is_some_and(|value| test.holds(value));
        (self.any.is_empty() || self.any.iter().any(holds)) && !self.none.iter().any(holds)
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        if let Some(words) = &self.has {
            return format!(" {} ", words_of(value)).contains(&format!(" {} ", folded(words)));
        }
        match (&self.is, value) {
            (Some(Value::String(wanted)), Value::String(value)) => {
                let is_wanted = |part: &str| part.trim().to_lowercase() == wanted.to_lowercase();
                is_wanted(value) || value.split(',').any(is_wanted)
            }
            (Some(wanted), value) => wanted == value,
            (None, value) => value.as_f64().is_some_and(|number| {
                self.min.is_none_or(|least| number >= least) && self.max.is_none_or(|most| number <= most)
            }),
        }
    }
}

fn words_of(value: &Value) -> String {
    value.as_str().map_or_else(|| folded(&value.to_string()), folded)
}

/// Runs of plain letters and digits, in lower case, with a blank between.
fn folded(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn product(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn every_committed_query_is_read_and_asks_for_something() {
        let lines = include_str!("../search/attributes.jsonl").lines();
        let queries: Vec<AttributeQuery> =
            lines.map(|line| serde_json::from_str(line).expect("a query")).collect();
        let paraphrased = queries.iter().filter(|query| query.paraphrased).count();
        assert!(
            queries.len() >= 220 && paraphrased * 2 >= queries.len() - 1,
            "{} {paraphrased}",
            queries.len()
        );
        assert!(queries.iter().filter(|query| query.by == "hand").count() >= 60);
        for query in &queries {
            let tests = |constraint: &Constraint| constraint.any.len() + constraint.none.len();
            assert!(
                query.constraints.len() > 1 && query.constraints.iter().all(|one| tests(one) > 0),
                "{query:?}"
            );
            assert!(!query.is_satisfied_by(&product(json!({ "title": "nothing of it" }))), "{query:?}");
        }
    }

    #[test]
    fn a_product_is_what_was_asked_for_if_every_constraint_is_met() {
        let query: AttributeQuery = serde_json::from_value(json!({
            "query": "black usb mouse under twenty", "paraphrased": true, "by": "hand",
            "constraints": [
                { "about": "type", "any": [{ "field": "title", "has": "mouse" }] },
                { "about": "type", "none": [{ "field": "title", "has": "mouse pad" }] },
                { "about": "colour", "any": [{ "field": "colour", "is": "Black" }, { "field": "title", "has": "black" }] },
                { "about": "price", "any": [{ "field": "price", "max": 2000 }] },
                { "about": "wheel", "any": [{ "field": "wheel", "is": true }] },
                { "about": "dpi", "any": [{ "field": "dpi", "min": 800, "max": 800 }] },
            ]
        }))
        .expect("a query");
        let good = json!({ "title": "Optical Mouse, USB", "colour": "silver,black", "price": 2000, "wheel": true, "dpi": 800.0 });
        assert!(query.is_satisfied_by(&product(good.clone())));
        let changes = [
            ("title", json!("Mousetrap")),
            ("title", json!("Mouse-Pad")),
            ("colour", json!("Blackish")),
            ("price", json!(2001)),
            ("price", Value::Null),
            ("wheel", json!(false)),
            ("wheel", json!("true")),
            ("dpi", json!(1600)),
        ];
        for (field, value) in changes {
            let mut changed = good.clone();
            changed[field] = value;
            assert!(!query.is_satisfied_by(&product(changed.clone())), "{changed}");
        }
    }
}
