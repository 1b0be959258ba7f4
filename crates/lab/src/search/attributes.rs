//! Whether the first product for an attribute query is what was asked for. `lab search --attributes`.

use super::data::{Half, Store, half, open};
use super::served::{Served, Vectors};
use super::{Search, searches};
use crate::attribute_queries::AttributeQuery;
use crate::error::Error;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeOptions {
    /// JSON lines of products.
    pub products: PathBuf,
    /// JSON lines of queries with what they ask for.
    pub queries: PathBuf,
    /// Whether the output is for programs.
    pub json: bool,
    /// Whether the queries whose first product is not what was asked for are printed, with the half that each belongs to.
    pub each: bool,
    /// The vectors that are measured beside words.
    pub vectors: Vectors,
}

/// What came out for some of the queries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributeOutcome {
    /// Which search.
    pub system: &'static str,
    /// Which queries.
    pub part: &'static str,
    /// How many.
    pub queries: usize,
    /// Of these, those whose first product is all that was asked for.
    pub satisfied: usize,
    /// Their share.
    pub share: f64,
}

/// Which queries are in a part.
type Part = (&'static str, fn(&AttributeQuery) -> bool);

const PARTS: [Part; 7] = [
    ("all", |_| true),
    ("dev", |query| half(&query.query) == Half::Dev),
    ("test", |query| half(&query.query) == Half::Test),
    ("literal", |query| !query.paraphrased),
    ("paraphrased", |query| query.paraphrased),
    ("by hand", |query| query.by == "hand"),
    ("generated", |query| query.by != "hand"),
];

/// Reads the data and asks every search.
///
/// # Errors
/// Files that cannot be read, lines that are not as they should be.
pub fn run(options: &AttributeOptions) -> Result<Vec<AttributeOutcome>, Error> {
    let store = Store::read(&options.products)?;
    let queries: Vec<AttributeQuery> = lines(&options.queries)?;
    let rows: Vec<Map<String, Value>> = lines(&options.products)?;
    let rows: HashMap<&str, &Map<String, Value>> =
        rows.iter().filter_map(|row| Some((row.get("id")?.as_str()?, row))).collect();
    let mut outcomes = Vec::new();
    let served = Rc::new(Served::new(&store, &options.vectors)?);
    for (system, search) in &searches(&store, (&served, &options.vectors)) {
        let found: Vec<bool> = queries
            .iter()
            .map(|query| is_first(query, (&store, &rows), search, options.each.then_some(*system)))
            .collect();
        for (part, holds) in PARTS {
            let of_part = || queries.iter().zip(&found).filter(|(query, _)| holds(query));
            let (queries, satisfied) = (of_part().count(), of_part().filter(|(_, found)| **found).count());
            let share = satisfied as f64 / queries.max(1) as f64;
            outcomes.push(AttributeOutcome { system, part, queries, satisfied, share });
        }
    }
    Ok(outcomes)
}

/// Whether the first product is what was asked for; where it is not, `told` is the system to say so of.
fn is_first(
    query: &AttributeQuery,
    (store, rows): (&Store, &HashMap<&str, &Map<String, Value>>),
    search: &Search<'_>,
    told: Option<&str>,
) -> bool {
    let first = search(&query.query).first().and_then(|place| store.products.get(*place as usize));
    let row = first.and_then(|product| rows.get(product.id.as_str()));
    let is_satisfied = row.is_some_and(|row| query.is_satisfied_by(row));
    if let (false, Some(system)) = (is_satisfied, told) {
        let title = first.map_or("nothing found", |product| product.title.as_str());
        let missed = row.map_or_else(Vec::new, |row| query.missed_by(row));
        let half = if half(&query.query) == Half::Dev { "dev" } else { "test" };
        eprintln!("{system}\t{half}\t{}\t{}\t{title}", query.query, missed.join(", "));
    }
    is_satisfied
}

fn lines<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, Error> {
    let line = |(index, line): (usize, std::io::Result<String>)| {
        let wrong = |reason: String| Error::Line { path: path.to_owned(), line: index + 1, reason };
        let line = line.map_err(|error| wrong(error.to_string()))?;
        serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))
    };
    open(path)?.lines().enumerate().map(line).collect()
}
