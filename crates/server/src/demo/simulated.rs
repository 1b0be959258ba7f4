//! The demo's other shop: seeded and made up, with every kind of event and field, where compatibility, stock, brands and
//! sizes act. What it sends goes through the public import, as a real shop's data would.

use bespoke_domain::Millis;
use bespoke_domain::time::DAY_MS;
use bespoke_sim::{Params, Shop, Shopper, Stream, json};
use std::io::Write as _;

/// The two streams of the simulated shop, and whom a visitor can be.
pub struct Simulated {
    /// The catalogue, a JSON object a line.
    pub catalog_jsonl: Vec<u8>,
    /// The events up to now, a JSON object a line.
    pub events_jsonl: Vec<u8>,
    /// Customer numbers of shoppers who come often and allow to be recognised.
    pub customers: Vec<String>,
}

/// What the shop is made from, its last day today.
pub fn params(now: Millis) -> Params {
    let midnight = Millis(now.0.div_euclid(DAY_MS) * DAY_MS);
    let params = Params::demo();
    Params { start: midnight.plus(-i64::from(params.days) * DAY_MS), ..params }
}

/// The shop with the seed 1, its last day today.
pub fn simulate(now: Millis) -> Simulated {
    let shop = Shop::new(params(now));
    let (mut catalog_jsonl, mut events_jsonl) = (Vec::new(), Vec::new());
    for patch in shop.patches() {
        push(&mut catalog_jsonl, &json::row(&patch));
    }
    for fact in Stream::new(&shop).filter(|fact| fact.event.time <= now) {
        push(&mut events_jsonl, &json::event(&shop, &fact));
    }
    let shoppers = (0..200).map(|no| Shopper::new(&shop, no));
    let known = shoppers
        .filter(|one| one.has_account && one.consent.allows(bespoke_domain::Purpose::Personalization));
    Simulated { catalog_jsonl, events_jsonl, customers: known.take(5).map(|one| one.user_id()).collect() }
}

fn push(lines: &mut Vec<u8>, line: &serde_json::Value) {
    // Writing to memory cannot fail.
    _ = writeln!(lines, "{line}");
}
