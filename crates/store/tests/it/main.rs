//! The store's tests: one conformance suite over both stores, the record format, migration, a full disk.

mod conformance;
mod format;
mod sqlite;

use bespoke_domain::decision::Versions;
use bespoke_domain::{Body, Decision, DecisionId, Entry, Event, EventKind, Millis, Request, ShopperNo};

/// An event of `shopper`, received at `ms`.
fn event(ms: i64, shopper: u32) -> Entry {
    let body = Body::Event(Box::new(Event::new(EventKind::PageView, Millis(ms))));
    Entry { received: Millis(ms), shopper: Some(ShopperNo(shopper)), body }
}

/// An empty decision named `id`.
fn decision(id: DecisionId) -> Decision {
    Decision {
        request: Request { id, ..Request::default() },
        versions: Versions::default(),
        headline: String::new(),
        slate: Vec::new(),
        personalization: Default::default(),
        fallback: Default::default(),
        sources: Vec::new(),
        candidate_count: 0,
        removed: Vec::new(),
        missing_ids: Vec::new(),
        considered: None,
    }
}
