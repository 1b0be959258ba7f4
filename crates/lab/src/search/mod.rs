//! Product search on a catalogue with judged queries: what the search that serves finds, beside plain BM25. `lab search`.

/// Queries that ask for attributes.
pub mod attributes;
/// The category that a query is about.
pub mod categories;
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
    /// Rules by which products get categories; without them they have none.
    pub categories: Option<PathBuf>,
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

/// A query as it is asked, and what the search by words says of it.
struct Asked {
    text: String,
    /// Whether a word was corrected.
    is_corrected: bool,
    /// Whether no product has all its words.
    is_relaxed: bool,
}

/// Which queries are in a segment.
type Segment = (&'static str, fn(&Asked) -> bool);

/// The segments of `bespoke judge` that hang on no system's results, and in place of "nothing found", which never happens to all, what
/// would be found by no product with all the words.
const SEGMENTS: [Segment; 7] = [
    ("1 word", |one| one.text.split_whitespace().count() == 1),
    ("2 words", |one| one.text.split_whitespace().count() == 2),
    ("3 words or more", |one| one.text.split_whitespace().count() > 2),
    ("with digits", |one| one.text.bytes().any(|byte| byte.is_ascii_digit())),
    ("without digits", |one| !one.text.bytes().any(|byte| byte.is_ascii_digit())),
    ("corrected", |one| one.is_corrected),
    ("relaxed: nothing has all words", |one| one.is_relaxed),
];

/// A search: the first [`DEPTH`] products for a query, as places in the store.
pub type Search<'a> = Box<dyn Fn(&str) -> Vec<u32> + 'a>;

/// Every search, by name.
fn searches<'a>(
    store: &'a Store,
    (served, vectors): (&Rc<Served>, &Vectors),
) -> Vec<(&'static str, Search<'a>)> {
    let plain = plain::Plain::new(store);
    let mut searches: Vec<(&'static str, Search<'a>)> =
        vec![("bm25", Box::new(move |query| plain.search(query)))];
    for (name, skipped) in WORDS.iter().filter(|(name, _)| vectors.is_wanted(name)) {
        let served = served.clone();
        searches.push((name, Box::new(move |query| served.search(query, skipped))));
    }
    searches
}

/// Reads the data and measures every search.
///
/// # Errors
/// Files that cannot be read, lines that are not as they should be.
pub fn run(options: &SearchOptions) -> Result<Vec<SearchOutcome>, Error> {
    let store = store(options)?;
    let judged = data::judgments(&options.judgments, &store)?;
    let served = Rc::new(Served::new(&store, &options.vectors)?);
    let asked: Vec<Asked> = judged.iter().map(|one| one.asked(options, &served)).collect();
    let mut outcomes = Vec::new();
    for (system, search) in &searches(&store, (&served, &options.vectors)) {
        let measure = |(one, asked): (&Judged, &Asked)| (one.half, one.measure(asked, search));
        let figures: Vec<(Half, Means)> = judged.iter().zip(&asked).map(measure).collect();
        if options.each {
            for (one, (_, means)) in judged.iter().zip(&figures) {
                eprintln!("{system}\t{}\t{:.3}\t{:.3}", one.query, means.ndcg10, means.recall100);
            }
        }
        let segments = SEGMENTS.iter().map(|segment| of_segment(segment, &asked, &figures)).collect();
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

fn store(options: &SearchOptions) -> Result<Store, Error> {
    let mut store = Store::read(&options.products)?;
    if let Some(rules) = &options.categories {
        categories::assign(rules, &mut store)?;
    }
    Ok(store)
}

fn of_segment(
    (name, holds): &Segment,
    asked: &[Asked],
    figures: &[(Half, Means)],
) -> (&'static str, usize, [f64; 3]) {
    let own = || asked.iter().zip(figures).filter(|(one, _)| holds(one)).map(|(_, figures)| figures);
    let mean = |of: &[Half]| {
        let those = own().filter(|(half, _)| of.contains(half)).map(|(_, means)| *means);
        Means::mean(&those.collect::<Vec<_>>()).ndcg10
    };
    (name, own().count(), [&[Half::Dev, Half::Test][..], &[Half::Dev], &[Half::Test]].map(mean))
}

impl Judged {
    fn asked(&self, options: &SearchOptions, served: &Served) -> Asked {
        let text = options.typos.map_or_else(|| self.query.clone(), |seed| data::mistyped(&self.query, seed));
        let (is_corrected, is_relaxed) = served.told(&text);
        Asked { text, is_corrected, is_relaxed }
    }

    fn measure(&self, asked: &Asked, search: &Search<'_>) -> Means {
        Means::of(&search(&asked.text), &self.grades)
    }
}
