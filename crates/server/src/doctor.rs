//! What is wrong with what the shop sends, each finding with its share and its fix: events without ids, clicks and orders that do
//! not say which decision they came from, products that nobody described, consent that is missing. Read from the last entries
//! of the log and the catalogue. What is wrong with the data directory itself comes first.

use crate::boot::Shop;
use crate::integrity::{self, Fault};
use crate::watchdog::{self, AlarmBody};
use crate::wire::canonical::{Tables, Unmapped};
use crate::writer::Counts;
use bespoke_domain::{Body, Event, EventKind, Offset, ProductNo, Purpose};
use bespoke_engine::Snapshot;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use utoipa::ToSchema;

/// Entries that are looked at, the last ones.
pub const ENTRIES_MAX: u64 = 500_000;
/// Cases that a finding names.
const EXAMPLES_MAX: usize = 10;
/// Words in order numbers and coupons of orders that are no shopper's.
const TEST_WORDS: [&str; 8] =
    ["test", "testing", "dummy", "demo", "staff", "employee", "mitarbeiter", "personal"];
/// Fewest cases of which a share says something.
const CASES_MIN: u64 = 20;

/// One thing that was looked at.
#[derive(Serialize, ToSchema, Debug, PartialEq)]
pub struct Finding {
    /// A stable code.
    pub code: String,
    /// `ok`, `warning`, or `unknown` where there are too few cases.
    pub level: String,
    /// What was found.
    pub text: String,
    /// Share of the cases at fault, 0 to 1.
    pub share: f64,
    /// Cases looked at.
    pub cases: u64,
    /// What to do about it; empty where nothing is.
    pub fix: String,
}

/// What the doctor says.
#[derive(Serialize, ToSchema, Debug)]
pub struct DoctorBody {
    /// Entries of the log that were looked at, at most 500,000.
    pub entries: u64,
    /// Days between the first and the last event of these.
    pub days: f64,
    /// Events by kind.
    pub kinds: BTreeMap<String, u64>,
    /// What has collapsed of what comes in.
    pub alarms: Vec<AlarmBody>,
    /// The findings.
    pub findings: Vec<Finding>,
}

/// One line of the table: what is counted, how much of it is too much, and the fix.
struct Check {
    code: &'static str,
    text: &'static str,
    most: f64,
    fix: &'static str,
}

const fn check(code: &'static str, text: &'static str, most: f64, fix: &'static str) -> Check {
    Check { code, text, most, fix }
}

/// Every check, in the order of [`Tally::faults`].
const CHECKS: [Check; 18] = [
    check(
        "events_without_id",
        "events have no event_id",
        0.01,
        "send an `event_id`: without one, what is sent twice counts twice",
    ),
    check(
        "impressions_without_token",
        "impressions name no decision",
        0.5,
        "send `rec_token` and `placement_id` with `view_item_list`",
    ),
    check(
        "clicks_without_token",
        "clicks name no decision",
        0.5,
        "send the module's `rec_token` with `select_item`",
    ),
    check(
        "orders_without_token",
        "carts and orders name no decision",
        0.95,
        "send the `rec_token` of the click with `add_to_cart` and `purchase`",
    ),
    check(
        "impressions_not_visible",
        "impressions are not told to be in view",
        0.9,
        "send `visible: true` when half of it was in view for a second",
    ),
    check(
        "orders_without_price",
        "order lines have no price",
        0.05,
        "send `price` and `currency` with each item",
    ),
    check(
        "unknown_products",
        "products in events are not in the catalogue",
        0.05,
        "send the same ids in events and in the catalogue (the variant's `id`)",
    ),
    check(
        "no_personal_consent",
        "events come without consent to personalization",
        0.7,
        "send `consent` with events, or set `unknown_consent` where the law allows",
    ),
    check(
        "late_events",
        "events since the start of the server came more than a day late",
        0.2,
        "send events when they happen; history belongs into `bespoke import`",
    ),
    check(
        "bot_events",
        "events come from programs; nothing is learnt from them",
        0.5,
        "see which programs crawl the shop; a server that speaks for shoppers sends each one's `user_agent`",
    ),
    check(
        "test_orders",
        "orders look like tests or staff's",
        0.02,
        "send tests to a shop of their own; for staff deny `personalization` and `analytics`",
    ),
    check(
        "clock_ahead",
        "events since the start of the server are of a clock that is ahead by more than a minute",
        0.05,
        "set the clock of what sends them, or leave `event_time` out",
    ),
    check(
        "duplicates",
        "events since the start of the server were sent before",
        0.05,
        "send each event once; a retry with the same `event_id` is right",
    ),
    check(
        "rejected_events",
        "events since the start of the server were not taken in",
        0.01,
        "read `rejected` in the answers of /v1/events",
    ),
    check(
        "unmapped_values",
        "values of attributes mean nothing to the tables",
        0.1,
        "name them in the placement file under [normalise.ATTRIBUTE]",
    ),
    check("products_without_price", "products have no price", 0.05, "send `price` in the feed"),
    check("products_without_image", "products have no picture", 0.1, "send `image_link` in the feed"),
    check(
        "products_without_category",
        "products have no category",
        0.1,
        "send `product_type` or `categories` in the feed",
    ),
];

/// Kinds that recommendations live on, with what is missing without them.
const NEEDED: [(EventKind, &str); 5] = [
    (EventKind::ViewItem, "nothing is known of what is looked at together"),
    (EventKind::ViewItemList, "nobody can tell what was seen and not clicked"),
    (EventKind::SelectItem, "nobody can tell which modules work"),
    (EventKind::AddToCart, "carts get no additions and nobody is reminded of them"),
    (EventKind::Purchase, "nothing is known of what is bought together, and nothing can be proven"),
];

#[derive(Default)]
struct Tally {
    entries: u64,
    first_and_last: Option<(i64, i64)>,
    kinds: BTreeMap<String, u64>,
    /// Cases and faults of each check.
    faults: [(u64, u64); CHECKS.len()],
    unmapped: Unmapped,
}

impl Tally {
    fn note(&mut self, code: &str, is_fault: bool) {
        self.note_many(code, 1, u64::from(is_fault));
    }

    fn note_many(&mut self, code: &str, cases: u64, faults: u64) {
        if let Some(at) = CHECKS.iter().position(|check| check.code == code) {
            self.faults[at].0 += cases;
            self.faults[at].1 += faults;
        }
    }

    fn event(&mut self, snapshot: &Snapshot, received_ms: i64, event: &Event) {
        *self.kinds.entry(event.kind.spec().name.to_owned()).or_default() += 1;
        let time = event.time.0;
        let (first, last) = self.first_and_last.unwrap_or((time, time));
        self.first_and_last = Some((first.min(time), last.max(time)));
        self.note("bot_events", event.is_bot());
        if event.kind == EventKind::Purchase {
            self.note("test_orders", looks_like_test(event));
        }
        self.note("events_without_id", event.key == 0);
        self.note("no_personal_consent", !event.consent.allows(Purpose::Personalization));
        // History came before there were decisions.
        let is_live = received_ms - time <= bespoke_domain::time::DAY_MS;
        let has_token = event.decision.is_some();
        match event.kind {
            _ if !is_live => {}
            EventKind::ViewItemList => {
                self.note("impressions_without_token", !has_token);
                self.note("impressions_not_visible", !event.visible);
            }
            EventKind::SelectItem => self.note("clicks_without_token", !has_token),
            EventKind::AddToCart | EventKind::Purchase => self.note("orders_without_token", !has_token),
            _ => {}
        }
        for item in &event.items {
            let known = snapshot.product(&item.item_id).and_then(|no| snapshot.aggregates.catalog.title(no));
            self.note("unknown_products", known.is_none());
            if event.kind == EventKind::Purchase {
                self.note("orders_without_price", item.price_minor.is_none());
            }
        }
    }

    /// Counts of the server since its start.
    fn counts(&mut self, counts: &Counts) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let fates: Vec<u64> = counts.events.iter().map(load).collect();
        let all: u64 = fates.iter().sum();
        for (code, faults) in [
            ("clock_ahead", load(&counts.ahead)),
            ("late_events", load(&counts.late)),
            ("duplicates", fates[1]),
            ("rejected_events", fates[2]),
        ] {
            self.note_many(code, all, faults);
        }
    }

    fn catalog(&mut self, snapshot: &Snapshot) {
        let catalog = &snapshot.aggregates.catalog;
        let tables = Tables::of(snapshot.aggregates.settings.as_deref());
        for no in (0..catalog.len() as u32).map(ProductNo) {
            let Some(content) = catalog.content(no) else { continue };
            tables.unmapped(&content, &mut |name, value| self.unmapped.note(name, value));
            self.note_many("unmapped_values", content.attributes.len() as u64, 0);
            self.note("products_without_price", catalog.price(no).is_none());
            self.note("products_without_image", content.image_link.is_empty());
            self.note("products_without_category", content.categories.is_empty());
        }
        self.note_many("unmapped_values", 0, self.unmapped.count());
    }

    /// The most frequent cases, where that is what helps.
    fn examples(&self, code: &str) -> String {
        let most = if code == "unmapped_values" { self.unmapped.most(EXAMPLES_MAX) } else { Vec::new() };
        let one = |(name, value, count): &(&str, &str, u64)| format!("{name} {value:?} ({count})");
        let texts: Vec<String> = most.iter().map(one).collect();
        if texts.is_empty() { String::new() } else { format!(": {}", texts.join(", ")) }
    }

    fn findings(&self) -> Vec<Finding> {
        let of_check = |(check, (cases, faults)): (&Check, &(u64, u64))| {
            let share = *faults as f64 / (*cases).max(1) as f64;
            let level = match (*cases < CASES_MIN, share > check.most) {
                (true, _) => "unknown",
                (false, true) => "warning",
                (false, false) => "ok",
            };
            Finding {
                code: check.code.to_owned(),
                level: level.to_owned(),
                text: format!(
                    "{:.1} % of {cases} {}{}",
                    100.0 * share,
                    check.text,
                    self.examples(check.code)
                ),
                share,
                cases: *cases,
                fix: if level == "warning" { check.fix.to_owned() } else { String::new() },
            }
        };
        let missing = |(kind, text): &(EventKind, &str)| {
            let name = kind.spec().name;
            (!self.kinds.contains_key(name) && self.entries > 0).then(|| Finding {
                code: format!("no_{name}"),
                level: "warning".to_owned(),
                text: format!("there is no {name}: {text}"),
                share: 1.0,
                cases: 0,
                fix: format!("send `{name}`"),
            })
        };
        let mut findings: Vec<Finding> = NEEDED.iter().filter_map(missing).collect();
        findings.extend(CHECKS.iter().zip(&self.faults).map(of_check));
        findings
    }
}

/// A fault of the data directory as a finding.
fn of_fault(fault: Fault) -> Finding {
    Finding {
        code: fault.code.to_owned(),
        level: "warning".to_owned(),
        text: fault.text,
        share: 1.0,
        cases: 0,
        fix: fault.fix,
    }
}

/// Whether an order says of itself that it is no shopper's.
fn looks_like_test(event: &Event) -> bool {
    let Some(details) = event.details.as_deref() else { return false };
    let texts = [&details.transaction_id, &details.coupon].into_iter().flatten();
    let is_word = |word: &str| TEST_WORDS.iter().any(|test| word.eq_ignore_ascii_case(test));
    texts.flat_map(|text| text.split(|c: char| !c.is_alphabetic())).any(is_word)
}

/// Looks at the last entries of the log, up to the first that cannot be read, and at the catalogue.
pub fn examine(shop: &Shop) -> DoctorBody {
    let snapshot = shop.live.snapshot();
    let mut tally = Tally::default();
    tally.catalog(&snapshot);
    tally.counts(&shop.queue.counts);
    let last = snapshot.aggregates.offset;
    let first = Offset(last.0.saturating_sub(ENTRIES_MAX));
    let mut seen = first;
    let read = shop.each_entry(
        (first, last),
        |_| Ok(()),
        |offset, entry| {
            seen = offset;
            tally.entries += 1;
            if let Body::Event(event) = &entry.body {
                tally.event(&snapshot, entry.received.0, event);
            }
        },
    );
    let mut faults = shop.faults();
    if let Err(error) = read
        && faults.iter().all(|fault| fault.code != integrity::UNREADABLE)
    {
        tracing::error!(%error, "the log cannot be read");
        faults.push(integrity::unreadable(Offset(seen.0 + 1), &error));
    }
    let days = tally
        .first_and_last
        .map_or(0.0, |(first, last)| (last - first) as f64 / bespoke_domain::time::DAY_MS as f64);
    let alarms = snapshot.aggregates.pulse.alarms(crate::clock::now());
    DoctorBody {
        entries: tally.entries,
        days,
        alarms: alarms.iter().map(watchdog::body).collect(),
        findings: faults.into_iter().map(of_fault).chain(tally.findings()).collect(),
        kinds: tally.kinds,
    }
}
