//! Arbitrary bytes into everything that reads bytes from outside: each target is a line of [`TARGETS`], with seeds from
//! which libFuzzer starts. A target fails by panicking, by not ending, or by taking more memory than it may.

use bespoke::demo::convert;
use bespoke::wire::canonical::Tables;
use bespoke::wire::catalog::parse_patches;
use bespoke::wire::event::{ITEMS_MAX, parse_events};
use bespoke::wire::lines::{Shape, catalog_lines, event_lines};
use bespoke::wire::recommend::Asked;
use bespoke::{placements, wire};
use bespoke_domain::condition::TESTS_MAX;
use bespoke_domain::search::Search;
use bespoke_domain::{Currency, DecisionId, Millis, Offset, ProductNo, Request};
use bespoke_engine::{Engine, shelf};
use bespoke_lab::session_data::Items;
use bespoke_models::recommender::Scores;
use bespoke_models::training_set::History;
use bespoke_store::{decode_record, unframe};
use std::path::Path;
use std::sync::LazyLock;

/// Inputs to start from.
mod seeds;

/// Something that reads bytes.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What it reads.
    pub doc: &'static str,
    /// Reads the bytes, and checks what must hold whatever they are.
    pub run: fn(&[u8]),
    /// Inputs that get far.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

const fn target(
    name: &'static str,
    doc: &'static str,
    run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
) -> Target {
    Target { name, doc, run, seeds }
}

/// Every target.
pub const TARGETS: [Target; 19] = [
    target("events", "the body of POST /v1/events", events, seeds::events),
    target("patches", "the body of PATCH /v1/catalog/items", patches, seeds::patches),
    target("recommend", "the body of POST /v1/recommend", recommend, seeds::recommend),
    target("condition", "a filter, or the condition of a rule", condition, seeds::condition),
    target("rec_token", "a recommendation token", rec_token, seeds::rec_token),
    target("decision_id", "the name of a decision in a path", decision_id, seeds::decision_id),
    target("events_jsonl", "a file of events, JSON lines", events_jsonl, seeds::events),
    target("events_csv", "a file of events, CSV", events_csv, seeds::events_csv),
    target("catalog_jsonl", "a file of products, JSON lines", catalog_jsonl, seeds::patches),
    target("catalog_csv", "a file of products, CSV", catalog_csv, seeds::catalog_csv),
    target("catalog_tsv", "a file of products, TSV", catalog_tsv, seeds::catalog_tsv),
    target("catalog_xml", "a product feed, RSS or Atom", catalog_xml, seeds::catalog_xml),
    target("placements", "a placement file, TOML", settings, seeds::placements),
    target("order_lines", "the demo's order lines", order_lines, seeds::order_lines),
    target("record", "an entry of the log", record, seeds::record),
    target("checkpoint", "a checkpoint file and the state in it", checkpoint, seeds::checkpoint),
    target("artifact", "a fitted model", artifact, seeds::artifacts),
    target("query", "what a shopper types, in any language of a shop", query, seeds::queries),
    target("sessions", "session data of the lab", sessions, seeds::sessions),
];

pub(crate) const NOW: Millis = Millis(1_760_000_000_000);
pub(crate) const TOKEN_SECRET: [u8; 32] = [7; 32];
/// Rows of a request, as the server allows them.
const ROWS_MAX: usize = 500;

fn events(bytes: &[u8]) {
    let Ok(rows) = parse_events(bytes, ROWS_MAX) else { return };
    assert!(rows.len() <= ROWS_MAX, "{} events", rows.len());
    for row in rows.into_iter().flatten() {
        assert!(row.event.items.len() <= ITEMS_MAX, "{} items", row.event.items.len());
    }
}

fn patches(bytes: &[u8]) {
    let Ok(rows) = parse_patches(bytes, ROWS_MAX, Currency::EUR, NOW) else { return };
    assert!(rows.len() <= ROWS_MAX, "{} rows", rows.len());
    let tables = Tables::of(None);
    for mut row in rows.into_iter().flatten() {
        assert!(row.as_of <= NOW, "a row is of the future");
        let Some(content) = row.content.as_mut() else { continue };
        tables.apply(content);
        tables.unmapped(content, &mut |_, value| assert!(!value.is_empty()));
    }
}

fn recommend(bytes: &[u8]) {
    _ = Asked::of_query("home".to_owned(), &String::from_utf8_lossy(bytes));
    for asked in Asked::parse_batch(bytes).into_iter().flatten().chain(Asked::parse_rank(bytes)) {
        assert!(asked.given.len() <= 500 && asked.n <= 100, "{asked:?}");
    }
    let Ok(asked) = Asked::parse(bytes) else { return };
    assert!(asked.exclude_ids.len() <= 500 && asked.n <= 100, "{asked:?}");
}

fn condition(bytes: &[u8]) {
    if let Ok(condition) = wire::expression::parse(&String::from_utf8_lossy(bytes)) {
        assert!(condition.tests().len() <= TESTS_MAX);
    }
}

fn rec_token(bytes: &[u8]) {
    _ = wire::token::read(&TOKEN_SECRET, &String::from_utf8_lossy(bytes), NOW);
}

fn decision_id(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(id) = text.parse::<DecisionId>() {
        assert_eq!(id.to_string(), text.to_lowercase());
    }
}

fn events_jsonl(bytes: &[u8]) {
    in_order(event_lines(Shape::Jsonl, bytes).into_iter().flatten().map(|(line, _)| line));
}

fn events_csv(bytes: &[u8]) {
    in_order(event_lines(Shape::Csv, bytes).into_iter().flatten().map(|(line, _)| line));
}

fn catalog_jsonl(bytes: &[u8]) {
    in_order(
        catalog_lines(Shape::Jsonl, bytes, Currency::EUR, NOW).into_iter().flatten().map(|(line, _)| line),
    );
}

fn catalog_csv(bytes: &[u8]) {
    in_order(
        catalog_lines(Shape::Csv, bytes, Currency::EUR, NOW).into_iter().flatten().map(|(line, _)| line),
    );
}

fn catalog_tsv(bytes: &[u8]) {
    in_order(
        catalog_lines(Shape::Tsv, bytes, Currency::EUR, NOW).into_iter().flatten().map(|(line, _)| line),
    );
}

/// Several rows of a feed may stand on one line.
fn catalog_xml(bytes: &[u8]) {
    let rows = catalog_lines(Shape::Xml, bytes, Currency::EUR, NOW).into_iter().flatten();
    assert!(rows.map(|(line, _)| line).is_sorted());
}

fn in_order(numbers: impl Iterator<Item = u64>) {
    let mut last = 0;
    for number in numbers {
        assert!(number > last, "line {number} after {last}");
        last = number;
    }
}

fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let line_count = text.split('\n').count();
    if let Err(faults) = placements::parse(&text) {
        assert!(!faults.is_empty() && faults.iter().all(|fault| (1..=line_count).contains(&fault.line)));
    }
}

fn order_lines(bytes: &[u8]) {
    _ = convert(&seeds::packed(bytes), NOW, &mut |_, _| {});
}

fn record(bytes: &[u8]) {
    _ = decode_record(Offset(1), bytes);
}

/// The state without its frame, since no bytes but the right ones get past the frame's checksum.
fn checkpoint(bytes: &[u8]) {
    _ = unframe(Offset(1), bytes.to_vec());
    _ = Engine::restore(bytes);
}

/// What is read can be asked.
fn artifact(bytes: &[u8]) {
    let Some(model) = shelf::read(bytes) else { return };
    let events = [0, 2, 9, u32::MAX].map(ProductNo).to_vec();
    let weights = events.iter().map(|product| (*product, 1.0)).collect();
    let history = History { weights, orders: vec![events.clone()], events };
    let found = model.recommend(&history, &[ProductNo(1)], 5, &mut Scores::default());
    assert!(found.len() <= 5 && found.iter().all(|one| one.0.is_finite() && one.1.0 != 1), "{found:?}");
    _ = (model.closeness(ProductNo(0), ProductNo(u32::MAX)), model.size_bytes());
}

/// Read, planned, understood, looked for and counted, whatever it is; the first byte chooses the shop's language.
fn query(bytes: &[u8]) {
    static SHOPS: LazyLock<Vec<Engine>> = LazyLock::new(seeds::shops);
    let (first, text) = bytes.split_first().unwrap_or((&0, &[]));
    let live = SHOPS[usize::from(*first) % SHOPS.len()].live();
    let text = String::from_utf8_lossy(text).into_owned();
    for literal in [false, true] {
        let search = Search { text: text.clone(), literal, facets: Some(Vec::new()), ..Search::default() };
        let request = Request {
            placement: "search".to_owned(),
            now: NOW,
            slots: 24,
            search: Some(Box::new(search)),
            ..Request::default()
        };
        let (decision, facets) = live.search_on(&live.snapshot(), &request);
        let total = decision.met.map_or(0, |met| met.total);
        assert!(decision.slate.len() <= total as usize, "{} shown of {total}", decision.slate.len());
        let counts = facets.iter().flat_map(|facet| &facet.values).map(|value| value.count);
        assert!(counts.max().unwrap_or(0) <= total, "a facet counts more than there is");
    }
}

fn sessions(bytes: &[u8]) {
    _ = Items::default().parse(bytes, Path::new("sessions.tsv"));
}

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
