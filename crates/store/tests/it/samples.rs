//! Entries, stores and shorthands that the tests share.

use bespoke_domain::decision::{Fallback, Personalization, Versions};
use bespoke_domain::entry::{Identity, IdentityKind};
use bespoke_domain::event::EventKind;
use bespoke_domain::{
    Body, Decision, DecisionId, Entry, Event, Millis, Offset, ProductPatch, Request, ShopperNo,
};
use bespoke_store::{Memory, Options, Reader, Sqlite, Store};
use std::ops::ControlFlow;
use std::path::Path;

/// When the tests begin.
pub const START: i64 = 1_780_000_000_000;

/// Runs `test` on an empty store of each implementation; segments have ten entries.
pub fn on_each_store(test: impl Fn(&mut dyn Store)) {
    eprintln!("in memory");
    test(&mut Memory::new());
    eprintln!("in SQLite");
    let directory = tempfile::tempdir().unwrap();
    test(&mut open(directory.path()));
}

/// A data directory with segments of ten entries.
pub fn open(directory: &Path) -> Sqlite {
    Sqlite::open_with(directory, Options { segment_entries: 10 }).unwrap()
}

/// An event received `ms` after the start.
pub fn event(ms: i64, shopper: Option<u32>) -> Entry {
    let mut event = Event::new(EventKind::ViewItem, Millis(START + ms - 40));
    event.key = ms as u64;
    Entry {
        received: Millis(START + ms),
        shopper: shopper.map(ShopperNo),
        body: Body::Event(Box::new(event)),
    }
}

/// `count` events one millisecond apart, by shoppers 0, 1, 2 and nobody in turn.
pub fn events(from_ms: i64, count: i64) -> Vec<Entry> {
    let shopper = |ms: i64| (ms % 4 < 3).then_some((ms % 4) as u32);
    (from_ms..from_ms + count).map(|ms| event(ms, shopper(ms))).collect()
}

/// A patch of `len` bytes at least.
pub fn large(ms: i64, len: usize) -> Entry {
    let patch = ProductPatch { id: "x".repeat(len), ..ProductPatch::default() };
    Entry { received: Millis(START + ms), shopper: None, body: Body::Catalog(Box::new(patch)) }
}

/// The id of a decision made `ms` after the start.
pub fn decision_id(ms: i64, random: u128) -> DecisionId {
    DecisionId((((START + ms) as u128) << 80) | random)
}

/// A decision received `ms` after the start.
pub fn decision(ms: i64, id: DecisionId) -> Entry {
    let decision = Decision {
        request: Request { id, placement: "home_hero".to_owned(), ..Request::default() },
        versions: Versions::default(),
        arms: Vec::new(),
        headline: "For you".to_owned(),
        slate: Vec::new(),
        personalization: Personalization::None,
        fallback: Fallback::None,
        draw: None,
        sources: Vec::new(),
        scorers: Vec::new(),
        objective: String::new(),
        feature_set: 0,
        candidate_count: 0,
        removed: Vec::new(),
        missing_ids: Vec::new(),
        met: None,
        rest: Vec::new(),
        considered: None,
    };
    Entry { received: Millis(START + ms), shopper: None, body: Body::Decision(Box::new(decision)) }
}

/// An identity.
pub fn identity(shopper: u32, kind: IdentityKind, external_id: &str) -> Identity {
    Identity { shopper: ShopperNo(shopper), kind, external_id: external_id.to_owned() }
}

/// Entries after `after` up to `until`.
pub fn read(reader: &dyn Reader, after: u64, until: u64) -> Vec<(u64, Entry)> {
    let mut found = Vec::new();
    let mut each = |offset: Offset, entry| {
        found.push((offset.0, entry));
        ControlFlow::Continue(())
    };
    reader.read(Offset(after), Offset(until), &mut each).unwrap();
    found
}

/// The whole log.
pub fn read_all(reader: &dyn Reader) -> Vec<Entry> {
    let (offsets, entries): (Vec<u64>, Vec<Entry>) = read(reader, 0, u64::MAX).into_iter().unzip();
    assert!(offsets.iter().copied().eq(1..=entries.len() as u64), "offsets have gaps: {offsets:?}");
    entries
}

/// One shopper's entries after `after` up to `until`.
pub fn read_shopper(reader: &dyn Reader, shopper: u32, after: u64, until: u64) -> Vec<(u64, Entry)> {
    let mut found = Vec::new();
    let mut each = |offset: Offset, entry| {
        found.push((offset.0, entry));
        ControlFlow::Continue(())
    };
    reader.read_shopper(ShopperNo(shopper), Offset(after), Offset(until), &mut each).unwrap();
    found
}
