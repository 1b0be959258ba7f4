//! Product search on a catalogue with judged queries: what the search that serves finds, beside plain BM25. `lab search`.

/// Queries that ask for attributes.
pub mod attributes;
/// Products and judgments.
pub mod data;
/// The baseline.
pub mod plain;
/// The search that serves.
pub mod served;
/// What it costs.
pub mod speed;

use crate::error::Error;
use bespoke_models::relevance::Means;
use data::{Half, Judged, Store};
use serde::Serialize;
use served::{Served, Vectors, WORDS};
use std::path::PathBuf;
use std::rc::Rc;

/// Results that are looked at.
pub const DEPTH: usize = 100;

/// What to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchOptions {
    /// JSON lines of products.
    pub products: PathBuf,
    /// Judgments: query, product, grade.
    pub judgments: PathBuf,
    /// Whether the output is for programs.
    pub json: bool,
    /// Whether each query's figures are printed.
    pub each: bool,
    /// Whether every word of five letters or more is mistyped, from this seed.
    pub typos: Option<u64>,
    /// The vectors that are measured beside words.
    pub vectors: Vectors,
}

/// What came out for one system.
#[derive(Clone, Debug, Serialize)]
pub struct SearchOutcome {
    /// Which search.
    pub system: &'static str,
    /// Queries with a relevant product.
    pub queries: usize,
    /// Over all of them.
    #[serde(flatten)]
    pub all: Means,
    /// Over the half that settings are chosen on.
    pub dev: Means,
    /// Over the other half.
    pub test: Means,
    /// Queries of each segment, and the mean NDCG@10 of theirs, over all and over both halves.
    pub segments: Vec<(&'static str, usize, [f64; 3])>,
}

/// Which queries are in a segment.
type Segment = (&'static str, fn(&str) -> bool);

/// The segments of `bespoke judge` that a query's text tells.
const SEGMENTS: [Segment; 5] = [
    ("1 word", |query| query.split_whitespace().count() == 1),
    ("2 words", |query| query.split_whitespace().count() == 2),
    ("3 words or more", |query| query.split_whitespace().count() > 2),
    ("with digits", |query| query.bytes().any(|byte| byte.is_ascii_digit())),
    ("without digits", |query| !query.bytes().any(|byte| byte.is_ascii_digit())),
];

/// A search: the first [`DEPTH`] products for a query, as places in the store.
pub type Search<'a> = Box<dyn Fn(&str) -> Vec<u32> + 'a>;

/// Every search, by name.
fn searches<'a>(store: &'a Store, vectors: &Vectors) -> Result<Vec<(&'static str, Search<'a>)>, Error> {
    let plain = plain::Plain::new(store);
    let served = Rc::new(Served::new(store, vectors)?);
    let mut searches: Vec<(&'static str, Search<'a>)> =
        vec![("bm25", Box::new(move |query| plain.search(query)))];
    for (name, skipped) in WORDS.iter().filter(|(name, _)| vectors.is_wanted(name)) {
        let served = served.clone();
        searches.push((name, Box::new(move |query| served.search(query, skipped))));
    }
    Ok(searches)
}

/// Reads the data and measures every search.
///
/// # Errors
/// Files that cannot be read, lines that are not as they should be.
pub fn run(options: &SearchOptions) -> Result<Vec<SearchOutcome>, Error> {
    let store = Store::read(&options.products)?;
    let judged = data::judgments(&options.judgments, &store)?;
    let mut outcomes = Vec::new();
    for (system, search) in &searches(&store, &options.vectors)? {
        let figures: Vec<(Half, Means)> =
            judged.iter().map(|one| (one.half, one.measure(options, search, system))).collect();
        let segments = SEGMENTS.iter().map(|segment| of_segment(segment, &judged, &figures)).collect();
        let mean = |of: &[Half]| {
            let those = figures.iter().filter(|(half, _)| of.contains(half));
            Means::mean(&those.map(|(_, means)| *means).collect::<Vec<_>>())
        };
        outcomes.push(SearchOutcome {
            system,
            segments,
            queries: judged.len(),
            all: mean(&[Half::Dev, Half::Test]),
            dev: mean(&[Half::Dev]),
            test: mean(&[Half::Test]),
        });
    }
    Ok(outcomes)
}

fn of_segment(
    (name, holds): &Segment,
    judged: &[Judged],
    figures: &[(Half, Means)],
) -> (&'static str, usize, [f64; 3]) {
    let own = || judged.iter().zip(figures).filter(|(one, _)| holds(&one.query)).map(|(_, figures)| figures);
    let mean = |of: &[Half]| {
        let those = own().filter(|(half, _)| of.contains(half)).map(|(_, means)| *means);
        Means::mean(&those.collect::<Vec<_>>()).ndcg10
    };
    (name, own().count(), [&[Half::Dev, Half::Test][..], &[Half::Dev], &[Half::Test]].map(mean))
}

impl Judged {
    fn measure(&self, options: &SearchOptions, search: &Search<'_>, system: &str) -> Means {
        let query =
            options.typos.map_or_else(|| self.query.clone(), |seed| data::mistyped(&self.query, seed));
        let means = Means::of(&search(&query), &self.grades);
        if options.each {
            eprintln!("{system}\t{query}\t{:.3}\t{:.3}", means.ndcg10, means.recall100);
        }
        means
    }
}
