//! The category that a query is about: how often one is told, and whether what is relevant stands in it. The products of Icecat come
//! without categories; rules by words of their titles give them some. That makes it easier than a shop's own would: the words
//! that are searched for decide both. `lab search --categories`.

use super::data::{Half, Judged, Store, judgments, open};
use super::served::Served;
use super::{SearchOptions, store};
use crate::error::Error;
use bespoke_domain::{Candidate, CategoryNo, ProductNo};
use bespoke_engine::Snapshot;
use bespoke_engine::predicted::Evidence;
use bespoke_models::learned::{EMBEDDED, TEXT_VECTORS};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::Path;

/// The least grade of what a query is about.
const GRADE_MIN: u8 = 2;
/// Among how many of the most likely categories the right one is looked for.
const TOP: usize = 5;

/// What came out for some of the queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PredictionOutcome {
    /// all, dev or test.
    pub part: &'static str,
    /// Queries with a relevant product that has a category.
    pub queries: usize,
    /// Of them those whose words name one, and the mean share of their relevant products that stand in it.
    pub named: (usize, f64),
    /// The same of those for which one was predicted; for the others none was told.
    pub predicted: (usize, f64),
    /// Share of all queries of which the category that most relevant products are in is the most likely one …
    pub top1: f64,
    /// … or one of the five most likely.
    pub top5: f64,
}

/// What was told of one query.
struct One {
    half: Half,
    /// The share of relevant products in what was told, and whether the words name it.
    told: Option<(f64, bool)>,
    /// The place of the right category among the most likely.
    place: Option<usize>,
}

/// Gives each product the category of the first rule of which its title has a phrase: `path: phrase, phrase`.
///
/// # Errors
/// A file that cannot be read, a line that is no rule.
pub fn assign(rules: &Path, store: &mut Store) -> Result<(), Error> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for (index, line) in open(rules)?.lines().enumerate() {
        let wrong = |reason: String| Error::Line { path: rules.to_owned(), line: index + 1, reason };
        let line = line.map_err(|error| wrong(error.to_string()))?;
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let (path, phrases) =
            line.split_once(": ").ok_or_else(|| wrong("is a path, a colon and phrases".to_owned()))?;
        all.push((path.to_owned(), phrases.split(", ").map(words).collect()));
    }
    for product in &mut store.products {
        let title = words(&product.title);
        let rule = all.iter().find(|(_, phrases)| phrases.iter().any(|phrase| title.contains(phrase)));
        product.category = rule.map(|(path, _)| path.clone()).unwrap_or_default();
    }
    Ok(())
}

/// The words of a text in lower case, each between blanks.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    format!(" {} ", words.collect::<Vec<_>>().join(" "))
}

/// Asks every judged query, by words alone, and compares what is told with where the relevant products stand.
///
/// # Errors
/// Files that cannot be read, lines that are not as they should be.
pub fn run(options: &SearchOptions) -> Result<Vec<PredictionOutcome>, Error> {
    let store = store(options)?;
    let judged = judgments(&options.judgments, &store)?;
    let served = Served::new(&store, &Default::default())?;
    let snapshot = served.snapshot();
    let all: Vec<One> = judged
        .iter()
        .filter_map(|one| {
            let about = told(&served, &snapshot, one)?;
            if options.each {
                eprintln!("predicted\t{:?}\t{}\t{:?}\t{:?}", one.half, one.query, about.told, about.place);
            }
            Some(about)
        })
        .collect();
    let parts = [("all", None), ("dev", Some(Half::Dev)), ("test", Some(Half::Test))];
    Ok(parts
        .map(|(part, half)| outcome(part, all.iter().filter(|one| half.is_none_or(|half| one.half == half))))
        .into())
}

/// `None` where no relevant product has a category.
fn told(served: &Served, snapshot: &Snapshot, judged: &Judged) -> Option<One> {
    let catalog = &snapshot.aggregates.catalog;
    let of = |product: ProductNo| catalog.row(product).map(|row| row.category).filter(|one| one.0 != 0);
    let graded = judged.grades.products().filter(|no| judged.grades.of(no) >= Some(GRADE_MIN));
    let relevant: Vec<CategoryNo> = graded.filter_map(|no| of(ProductNo(*no))).collect();
    let mut counts: BTreeMap<CategoryNo, usize> = BTreeMap::new();
    relevant.iter().for_each(|category| *counts.entry(*category).or_default() += 1);
    let right = *counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?.0;
    let decision = served.decide(&judged.query, &[TEXT_VECTORS, EMBEDDED[0]]);
    let met = decision.met.as_deref().cloned().unwrap_or_default();
    let about = met.understood.iter().find(|one| one.about == "category");
    let told = about.and_then(|one| Some((catalog.category(&one.value)?, one.basis.name() == "words")));
    let share = |category: CategoryNo| {
        let within = relevant.iter().filter(|own| catalog.is_within(**own, &[category])).count();
        within as f64 / relevant.len() as f64
    };
    let product = |candidate| match candidate {
        Candidate::Product(product) => Some(product),
        Candidate::Category(_) | Candidate::Content(_) => None,
    };
    let best: Vec<(f32, ProductNo)> =
        decision.slate.iter().filter_map(|slot| Some((slot.score, product(slot.candidate)?))).collect();
    let likely = Evidence::new(catalog, &best, None).most_likely();
    Some(One {
        half: judged.half,
        told: told.map(|(category, is_named)| (share(category), is_named)),
        place: likely.iter().position(|(category, _)| *category == right),
    })
}

fn outcome<'a>(part: &'static str, all: impl Iterator<Item = &'a One>) -> PredictionOutcome {
    let all: Vec<&One> = all.collect();
    let told = |by_name: bool| {
        let told = all.iter().filter_map(|one| one.told).filter(|(_, is_named)| *is_named == by_name);
        let shares: Vec<f64> = told.map(|(share, _)| share).collect();
        (shares.len(), shares.iter().sum::<f64>() / shares.len().max(1) as f64)
    };
    let within = |most: usize| {
        all.iter().filter(|one| one.place.is_some_and(|place| place < most)).count() as f64
            / all.len().max(1) as f64
    };
    PredictionOutcome {
        part,
        queries: all.len(),
        named: told(true),
        predicted: told(false),
        top1: within(1),
        top5: within(TOP),
    }
}
