//! How relevant a shop's search is, by a list of judgments: every query is asked as a shopper would ask it, and what is found is measured
//! over all queries and by segment; two placements are compared on the same queries.

/// Lists of judgments.
pub mod list;
/// What came out, in words.
mod table;
/// The layout of WANDS.
pub mod wands;

use crate::http::App;
use crate::intake::Caller;
use crate::wire::error::ApiError;
use crate::{recommend, search_api};
use anyhow::{Context as _, bail};
use bespoke_engine::backtest::resampled;
use bespoke_models::relevance::{DEPTH, MEASURES, Means};
use list::JudgedQuery;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use table::table;

/// Resamples of an interval.
const RESAMPLES: usize = 2000;
/// Classes of queries that are reported, the largest.
const CLASSES_MAX: usize = 10;
/// Products that the catalogue is asked about at once.
const IDS_AT_ONCE: usize = 500;
/// Products that the catalogue does not have and that are named.
const MISSING_SHOWN: usize = 10;

/// Posts a body to a path of the API, and gives the answer.
pub type Ask<'a> = dyn FnMut(&str, &Value) -> anyhow::Result<Value> + 'a;

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Placements<'a> {
    /// The placement that is judged.
    pub judged: &'a str,
    /// The one that it is compared with.
    pub against: Option<&'a str>,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Queries that were asked.
    pub queries: usize,
    /// Queries of the list that were not: the shop has no product that is relevant to them.
    pub queries_without_relevant: usize,
    /// Products that are judged.
    pub products: usize,
    /// Of these, those that the shop does not have; they count as if they were not in the list.
    pub products_missing: usize,
    /// The first of them.
    pub missing_ids: Vec<String>,
    /// By placement, all queries and the segments that hold any.
    pub results: Vec<Row>,
    /// What the judged placement is ahead of the other; segments by what the answers were like are left out, since the two differ in them.
    pub differences: Vec<Difference>,
    /// Each query by itself, in the order of their letters.
    pub each: Vec<Single>,
}

/// A placement's measures over some queries.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The placement.
    pub placement: String,
    /// Which queries.
    pub segment: String,
    /// How many.
    pub queries: usize,
    /// In the mean.
    #[serde(flatten)]
    pub means: Means,
}

/// By how much the judged placement is ahead, over some queries.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// Which queries.
    pub segment: String,
    /// How many.
    pub queries: usize,
    /// By measure.
    #[serde(flatten)]
    pub measures: BTreeMap<&'static str, Spread>,
}

/// A mean with its 95 % interval: paired bootstrap over queries (Efron 1979), seeded.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// Below it in 2.5 % of the resamples.
    pub low: f64,
    /// Above it in 2.5 %.
    pub high: f64,
}

/// What was found for one query.
#[derive(Clone, Debug, Serialize)]
pub struct Single {
    /// The placement.
    pub placement: String,
    /// The query.
    pub query: String,
    /// Products that match.
    pub total: u64,
    /// What was searched for instead, where a word was mistyped.
    pub corrected: Option<String>,
    /// Its measures.
    #[serde(flatten)]
    pub means: Means,
}

/// Asks every query, of each placement, and measures.
///
/// # Errors
/// When the shop does not answer, or has no such placement.
pub fn judge(
    mut queries: Vec<JudgedQuery>,
    placements: Placements<'_>,
    ask: &mut Ask<'_>,
) -> anyhow::Result<Report> {
    let products: BTreeSet<String> = queries.iter().flat_map(|one| one.grades.products().cloned()).collect();
    let missing = missing(&products, placements.judged, ask)?;
    queries.iter_mut().for_each(|one| one.grades.retain(|product| !missing.contains(product)));
    let listed = queries.len();
    queries.retain(|one| one.grades.has_relevant());
    if queries.is_empty() {
        bail!(
            "nothing can be judged: for none of {listed} queries the shop has a product that is graded above 0; {} of {} judged products are not in its catalogue: \
             check that their ids are the shop's",
            missing.len(),
            products.len()
        );
    }
    let mut report = Report {
        queries: queries.len(),
        queries_without_relevant: listed - queries.len(),
        products: products.len(),
        products_missing: missing.len(),
        missing_ids: missing.into_iter().take(MISSING_SHOWN).collect(),
        results: Vec::new(),
        differences: Vec::new(),
        each: Vec::new(),
    };
    for placement in std::iter::once(placements.judged).chain(placements.against) {
        let found = queries.iter().map(|one| single(one, placement, ask));
        let found = found.collect::<anyhow::Result<Vec<_>>>()?;
        report.results.extend(rows(&queries, &found, placement));
        report.each.extend(found);
    }
    if placements.against.is_some() {
        let (judged, against) = report.each.split_at(queries.len());
        report.differences = differences(&queries, judged, against);
    }
    Ok(report)
}

/// The products that the shop does not have.
fn missing(
    products: &BTreeSet<String>,
    placement: &str,
    ask: &mut Ask<'_>,
) -> anyhow::Result<BTreeSet<String>> {
    let all: Vec<&String> = products.iter().collect();
    let mut missing = BTreeSet::new();
    for ids in all.chunks(IDS_AT_ONCE) {
        let answer =
            ask("/v1/rank", &json!({ "placement": placement, "ids": ids, "n": 1, "dry_run": true }))?;
        let ids = answer["missing_ids"].as_array().context("the answer has no `missing_ids`")?;
        missing.extend(ids.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    Ok(missing)
}

fn single(one: &JudgedQuery, placement: &str, ask: &mut Ask<'_>) -> anyhow::Result<Single> {
    let body = json!({ "q": one.query, "placement": placement, "n": DEPTH, "page": 1, "facets": [], "dry_run": true });
    let answer = ask("/v1/search", &body).with_context(|| format!("query `{}`", one.query))?;
    let items = answer["items"].as_array().context("the answer has no `items`")?;
    if answer["skipped"].as_array().is_some_and(|skipped| !skipped.is_empty()) {
        bail!(
            "query `{}`: the server left out {} for want of time; try again when it has less to do",
            one.query,
            answer["skipped"]
        );
    }
    let ids = items.iter().filter_map(|item| item["id"].as_str()).map(str::to_owned);
    Ok(Single {
        placement: placement.to_owned(),
        query: one.query.clone(),
        total: answer["total"].as_u64().unwrap_or_default(),
        corrected: answer["query"]["corrected"].as_str().map(str::to_owned),
        means: Means::of(&ids.collect::<Vec<_>>(), &one.grades),
    })
}

/// A segment by what the answers are like.
type ByAnswer = (&'static str, fn(&Single) -> bool);

const BY_ANSWER: [ByAnswer; 2] =
    [("corrected", |one| one.corrected.is_some()), ("nothing found", |one| one.total == 0)];

/// Which queries belong to a segment.
type Holds<'a> = Box<dyn Fn(&JudgedQuery) -> bool + 'a>;

/// Segments by what the queries are like.
fn by_query(queries: &[JudgedQuery]) -> Vec<(String, Holds<'_>)> {
    let words = |one: &JudgedQuery| one.query.split_whitespace().count();
    let has_digit = |one: &JudgedQuery| one.query.chars().any(char::is_numeric);
    let mut segments: Vec<(String, Holds<'_>)> = vec![
        ("all".to_owned(), Box::new(|_| true)),
        ("1 word".to_owned(), Box::new(move |one| words(one) <= 1)),
        ("2 words".to_owned(), Box::new(move |one| words(one) == 2)),
        ("3 words or more".to_owned(), Box::new(move |one| words(one) > 2)),
        ("with digits".to_owned(), Box::new(has_digit)),
        ("without digits".to_owned(), Box::new(move |one| !has_digit(one))),
    ];
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    queries
        .iter()
        .filter_map(|one| one.class.as_deref())
        .for_each(|class| *classes.entry(class).or_default() += 1);
    let mut classes: Vec<(&str, usize)> = classes.into_iter().collect();
    // Stable: of classes of one size, the first by letter comes first.
    classes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (class, _) in classes.into_iter().take(CLASSES_MAX) {
        segments.push((format!("class {class}"), Box::new(move |one| one.class.as_deref() == Some(class))));
    }
    segments
}

/// The measures of all queries and of each segment that holds any.
fn rows(queries: &[JudgedQuery], found: &[Single], placement: &str) -> Vec<Row> {
    let row = |segment: String, held: Vec<Means>| Row {
        placement: placement.to_owned(),
        segment,
        queries: held.len(),
        means: Means::mean(&held),
    };
    let mut rows = Vec::new();
    for (segment, holds) in by_query(queries) {
        let held = queries.iter().zip(found).filter(|(one, _)| holds(one));
        rows.push(row(segment, held.map(|(_, found)| found.means).collect()));
    }
    for (segment, holds) in BY_ANSWER {
        let held = found.iter().filter(|one| holds(one)).map(|one| one.means);
        rows.push(row(segment.to_owned(), held.collect()));
    }
    rows.retain(|row| row.queries > 0);
    rows
}

fn differences(queries: &[JudgedQuery], judged: &[Single], against: &[Single]) -> Vec<Difference> {
    let mut all = Vec::new();
    for (segment, holds) in by_query(queries) {
        let pairs: Vec<(&Means, &Means)> = queries
            .iter()
            .zip(judged.iter().zip(against))
            .filter(|(one, _)| holds(one))
            .map(|(_, (judged, against))| (&judged.means, &against.means))
            .collect();
        let spread = |of: fn(&Means) -> f64| {
            let ahead: Vec<f64> = pairs.iter().map(|(judged, against)| of(judged) - of(against)).collect();
            let interval = resampled(&ahead, RESAMPLES);
            Spread { mean: interval.mean, low: interval.low, high: interval.high }
        };
        if !pairs.is_empty() {
            let measures = MEASURES.iter().map(|(name, _, of)| (*name, spread(*of))).collect();
            all.push(Difference { segment, queries: pairs.len(), measures });
        }
    }
    all
}

/// Asks a shop of this process.
///
/// # Errors
/// As the API answers.
pub fn ask_here(app: &App, path: &str, body: &Value) -> anyhow::Result<Value> {
    let text = body.to_string();
    let fault = |error: ApiError| anyhow::anyhow!("{error}");
    Ok(match path {
        "/v1/search" => serde_json::to_value(
            search_api::search_at_once(app, Caller::SERVER, Duration::MAX, text.as_bytes()).map_err(fault)?,
        )?,
        "/v1/rank" => serde_json::to_value(
            recommend::rank(app, Caller::SERVER, Duration::MAX, text.as_bytes()).map_err(fault)?,
        )?,
        _ => bail!("{path} is not asked for judging"),
    })
}
