//! The layout of WANDS (Chen et al., ECIR 2022): a folder with a catalogue, queries and labels, tab-separated. The catalogue becomes
//! lines for the public import.

use super::list::{Faults, JudgedQuery, Judgments, each_row, product_id, query_text, text};
use crate::wire::lines::{Fields, Shape};
use anyhow::Context as _;
use bespoke_domain::Problem;
use bespoke_models::relevance::Grades;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What labels are worth.
const LABELS: [(&str, u8); 3] = [("exact", 2), ("partial", 1), ("irrelevant", 0)];

/// The files.
const PRODUCTS: &str = "product.csv";
const QUERIES: &str = "query.csv";
const JUDGED: &str = "label.csv";

/// A folder that was read.
#[derive(Debug, Default)]
pub struct Wands {
    /// Products as lines of JSON.
    pub catalogue: String,
    /// On which line of the file each of them stands.
    pub lines: Vec<u64>,
    /// Queries with their judgments.
    pub judgments: Judgments,
}

/// Reads the folder.
///
/// # Errors
/// When a file cannot be opened or lacks a column.
pub fn read(folder: &Path) -> anyhow::Result<Wands> {
    let mut wands = Wands::default();
    wands.read_products(&folder.join(PRODUCTS))?;
    let mut queries = queries(&folder.join(QUERIES), &mut wands.judgments.faults)?;
    labels(&folder.join(JUDGED), &mut queries, &mut wands.judgments.faults)?;
    let judged = queries.into_values().map(|one| JudgedQuery {
        query: one.query,
        class: one.class,
        grades: Grades::new(one.grades),
    });
    wands.judgments.queries = judged.collect();
    wands.judgments.queries.sort_by(|a, b| a.query.cmp(&b.query));
    Ok(wands)
}

impl Wands {
    fn read_products(&mut self, path: &Path) -> anyhow::Result<()> {
        each_row(path, Shape::Tsv, &[&["product_id"], &["product_name"]], &mut |line, row| {
            match row.and_then(|row| product(&row)) {
                Ok(product) => {
                    // Writing to a string cannot fail.
                    _ = writeln!(self.catalogue, "{product}");
                    self.lines.push(line);
                }
                Err(problem) => self.judgments.faults.add(PRODUCTS, line, problem),
            }
        })?;
        Ok(())
    }

    /// A fault that the import found, where it stands in the file.
    pub fn refuse(&mut self, line: u64, problem: Problem) {
        let at = self.lines.get((line as usize).saturating_sub(1)).copied().unwrap_or(line);
        self.judgments.faults.add(PRODUCTS, at, problem);
    }
}

/// A product as the import takes it. `review_count` says nothing that `rating_count` does not.
fn product(row: &Fields) -> Result<Value, Problem> {
    let field = |name: &str| text(row, &[name]).unwrap_or_default();
    let mut product = json!({
        "id": product_id(text(row, &["product_id"])?)?,
        "title": text(row, &["product_name"])?,
        "availability": "in_stock",
    });
    let path: Vec<&str> = field("category hierarchy").split('/').map(str::trim).collect();
    if !path.concat().is_empty() {
        product["product_type"] = Value::from(path.join(" > "));
    }
    if !field("product_description").is_empty() {
        product["description"] = Value::from(field("product_description"));
    }
    let classes = field("product_class").split('|').map(|class| ("product class", class));
    let features = field("product_features").split('|').filter_map(|pair| pair.split_once(':'));
    product["attributes"] = Value::Object(attributes(classes.chain(features)));
    if !field("average_rating").is_empty() {
        product["rating"] = Value::from(field("average_rating"));
        product["rating_count"] = Value::from(whole("rating_count", field("rating_count"))?);
    }
    Ok(product)
}

/// Names and values, each pair once.
fn attributes<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let mut attributes = Map::new();
    for (name, value) in pairs.map(|(name, value)| (name.trim(), Value::from(value.trim()))) {
        if name.is_empty() || value == "" {
            continue;
        }
        let values = attributes.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values
            && !values.contains(&value)
        {
            values.push(value);
        }
    }
    attributes
}

/// A count that may be written as `12.0`.
fn whole(name: &str, text: &str) -> Result<u64, Problem> {
    let number = if text.is_empty() { Some(0.0) } else { text.parse::<f64>().ok() };
    let number = number.filter(|number| *number >= 0.0 && number.fract() == 0.0);
    let wrong = || Problem::new(name, "invalid_count", format!("must be a whole number, not `{text}`"));
    number.map(|number| number as u64).ok_or_else(wrong)
}

/// A query while its labels are read.
struct Asked {
    query: String,
    class: Option<String>,
    grades: Vec<(String, u8)>,
}

fn queries(path: &Path, faults: &mut Faults) -> anyhow::Result<BTreeMap<String, Asked>> {
    let mut all = BTreeMap::new();
    each_row(path, Shape::Tsv, &[&["query_id"], &["query"]], &mut |line, row| {
        let asked = row.and_then(|row| {
            let class = text(&row, &["query_class"]).ok().map(str::to_owned);
            let query = query_text(text(&row, &["query"])?)?;
            Ok((text(&row, &["query_id"])?.to_owned(), Asked { query, class, grades: Vec::new() }))
        });
        match asked {
            Ok((id, asked)) => _ = all.insert(id, asked),
            Err(problem) => faults.add(QUERIES, line, problem),
        }
    })?;
    Ok(all)
}

fn labels(path: &Path, queries: &mut BTreeMap<String, Asked>, faults: &mut Faults) -> anyhow::Result<()> {
    each_row(path, Shape::Tsv, &[&["query_id"], &["product_id"], &["label"]], &mut |line, row| {
        let judged = row.and_then(|row| {
            let id = text(&row, &["query_id"])?;
            let unknown =
                || Problem::new("query_id", "unknown_query", format!("`{id}` is none of {QUERIES}"));
            let asked = queries.get_mut(id).ok_or_else(unknown)?;
            asked.grades.push((product_id(text(&row, &["product_id"])?)?, label(text(&row, &["label"])?)?));
            Ok(())
        });
        if let Err(problem) = judged {
            faults.add(JUDGED, line, problem);
        }
    })
    .with_context(|| "labels of the queries")
}

fn label(text: &str) -> Result<u8, Problem> {
    let found = LABELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let wrong = || {
        Problem::new("label", "unknown_label", format!("must be Exact, Partial or Irrelevant, not `{text}`"))
    };
    found.map(|(_, grade)| *grade).ok_or_else(wrong)
}
