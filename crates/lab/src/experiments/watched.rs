//! Watches on the simulated shop (`bespoke_sim`): how often a shop in which nothing is planted raises an alarm in a year, and how many days it takes where
//! something is. Shoppers, lists, clicks and orders are the simulation's; each list in view is asked of the engine as a placement, and its
//! decision is logged, so that what is watched is what a server would watch. Day by day, in the engine, without HTTP.

use super::{Check, Wanted};
use crate::error::Error;
use bespoke_domain::event::PageType;
use bespoke_domain::search::Search;
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use bespoke_domain::{
    Body, Candidate, Decision, DecisionId, Entry, Event, EventItem, EventKind, Millis, Offset, ProductNo,
    Request, Settings, ShopperNo,
};
use bespoke_engine::watch::table::Watched;
use bespoke_engine::watch::{Change, Turn};
use bespoke_engine::{Engine, Live};
use bespoke_models::seeded::Seeded;
use bespoke_sim::{Fact, Params, Shop, Stream};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Products of the shop, and events of a day: about 200 visits.
const PRODUCTS: u32 = 800;
const EVENTS_A_DAY: u64 = 2_700;
/// Days of a year without anything planted.
const YEAR: u32 = 365;
/// The day on which something is planted, and days after it that are looked at.
const PLANTED: i64 = 40;
const AFTER: u32 = 8;
/// Days that it may take.
const DAYS_MAX: f64 = 3.0;
/// How often requests see what came in, and when the feed comes.
const PUBLISH_MS: i64 = 360 * MINUTE_MS;
/// Parts of the catalogue, one of which comes with each night's feed.
const FEED_PARTS: u32 = 8;

const SETTINGS: &str = r#"
[shop]
currency = "EUR"
time_zone = "UTC"
unknown_consent = "granted"

[[placement]]
name = "home"
headline = "For you"
fallback_headline = "Popular"
slots = 8
sources = [
    { source = "favourites", weight = 1.0, limit = 100 },
    { source = "co_viewed", weight = 1.0, limit = 100 },
    { source = "popular", weight = 0.5, limit = 200 },
]
filters = ["already_bought"]

[[placement]]
name = "search"
headline = "Found"
slots = 8
sources = [{ source = "matches", weight = 1.0, limit = 200 }]
"#;

/// What is planted.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Plant {
    /// Prices rise by 60 %.
    Prices,
    /// The feed loses images.
    Images,
    /// Six clicks in ten are lost.
    Clicks,
    /// Everyone sees products of one category only, each shopper of another.
    Bubble,
    /// Everyone sees the same few products.
    SameForAll,
    /// Half of the searches find nothing.
    Searches,
}

/// What is planted, in words, and what has to see it.
const PLANTS: [(Plant, &str, Watched); 6] = [
    (Plant::Prices, "prices rise by 60 %", Watched::PriceShown),
    (Plant::Images, "the feed loses images", Watched::MissingInFeed),
    (Plant::Clicks, "six clicks in ten are lost", Watched::ClickRate),
    (Plant::Bubble, "a filter bubble: one category for each shopper", Watched::CategoryEntropy),
    (Plant::SameForAll, "the same eight products for everyone", Watched::Coverage),
    (Plant::Searches, "half of the searches find nothing", Watched::NoResults),
];

/// A year of nothing for each of `runs` seeds, and each plant as often.
///
/// # Errors
/// Settings that are refused.
pub fn checks(seed: u64, runs: usize) -> Result<Vec<Check>, Error> {
    let mut checks = Vec::new();
    let mut by_watch: BTreeMap<&str, u32> = BTreeMap::new();
    let mut years = Vec::new();
    for run in 0..runs as u64 {
        let changes = played(seed + run, YEAR, None)?;
        let raised = raised(&changes);
        raised.iter().for_each(|change| *by_watch.entry(change.key.watch.spec().name).or_default() += 1);
        years.push(raised.len() as f64);
    }
    let mean = years.iter().sum::<f64>() / years.len().max(1) as f64;
    checks.push(Check::new(
        format!("alarms a year where nothing is planted, mean of {runs} shops"),
        mean,
        Wanted::AtMost(1.0),
    ));
    for (watch, count) in by_watch {
        checks.push(Check::new(format!("  of these: {watch}, in all"), f64::from(count), Wanted::Any));
    }
    for (plant, what, watch) in PLANTS {
        let mut slowest = 0.0_f64;
        for run in 0..runs as u64 {
            slowest = slowest.max(days_to_alarm(seed + run, plant, watch)?);
        }
        checks.push(Check::new(format!("days to the alarm: {what}"), slowest, Wanted::AtMost(DAYS_MAX)));
    }
    Ok(checks)
}

/// Days from the beginning of the planted day to the alarm; not a number where there is none.
fn days_to_alarm(seed: u64, plant: Plant, watch: Watched) -> Result<f64, Error> {
    let start = Params::default().start.plus(PLANTED * DAY_MS);
    let changes = played(seed, PLANTED as u32 + AFTER, Some(plant))?;
    let first = raised(&changes).into_iter().find(|change| change.key.watch == watch && change.time >= start);
    Ok(first.map_or(f64::NAN, |change| change.time.since(start) as f64 / DAY_MS as f64))
}

fn raised(changes: &[Change]) -> Vec<&Change> {
    changes.iter().filter(|change| change.turn == Turn::Raised).collect()
}

/// Alarms of a shop that lived so many days.
fn played(seed: u64, days: u32, plant: Option<Plant>) -> Result<Vec<Change>, Error> {
    let params = Params {
        seed,
        products: PRODUCTS,
        shoppers: 3_000,
        events: EVENTS_A_DAY * u64::from(days),
        days,
        ..Params::default()
    };
    let settings = bespoke::placements::parse(SETTINGS);
    let settings = settings.map_err(|faults| Error::Bench(format!("settings are refused: {faults:?}")))?;
    let shop = Shop::new(params);
    let mut world = World::new(&shop, settings, plant);
    Stream::new(&shop).for_each(|fact| world.live(fact));
    world.engine.publish();
    Ok(world.live.snapshot().aggregates.watch.changes().iter().cloned().collect())
}

struct World<'a> {
    shop: &'a Shop,
    engine: Engine,
    live: Arc<Live>,
    offset: Offset,
    seeded: Seeded,
    plant: Option<Plant>,
    /// The newest decision of each visit.
    decisions: HashMap<u64, DecisionId>,
    next_id: u128,
    published: Millis,
    day: i64,
}

impl<'a> World<'a> {
    fn new(shop: &'a Shop, settings: Settings, plant: Option<Plant>) -> Self {
        let engine = Engine::default();
        let mut world = Self {
            shop,
            live: engine.live(),
            engine,
            offset: Offset(0),
            seeded: Seeded::new(shop.params.seed ^ 0x77),
            plant,
            decisions: HashMap::new(),
            next_id: 0,
            published: Millis(0),
            day: -1,
        };
        let start = shop.params.start;
        world.fold(start, None, Body::Settings(Box::new(settings)));
        shop.patches().for_each(|patch| world.fold(start, None, Body::Catalog(Box::new(patch))));
        world
    }

    fn fold(&mut self, received: Millis, shopper: Option<ShopperNo>, body: Body) {
        self.offset = self.offset.next();
        self.engine.apply(self.offset, &Entry { received, shopper, body });
    }

    fn has(&self, plant: Plant) -> bool {
        self.plant == Some(plant) && self.day >= PLANTED
    }

    /// What happened, as a shop that asks for slates would tell it.
    fn live(&mut self, fact: Fact) {
        let time = fact.event.time;
        let day = time.since(self.shop.params.start).div_euclid(DAY_MS);
        if day > self.day {
            self.day = day;
            self.feed(time);
        }
        if time.since(self.published) >= PUBLISH_MS {
            self.engine.publish();
            self.published = time;
        }
        let shopper = ShopperNo(fact.shopper);
        let Some(event) = self.event(shopper, fact.event) else { return };
        self.fold(time, Some(shopper), Body::Event(Box::new(event)));
    }

    /// A part of the catalogue each night; all of it when prices change.
    fn feed(&mut self, now: Millis) {
        let is_whole = self.has(Plant::Prices) && self.day == PLANTED;
        for no in 0..PRODUCTS {
            if !is_whole && i64::from(no % FEED_PARTS) != self.day % i64::from(FEED_PARTS) {
                continue;
            }
            let mut patch = self.shop.patch(no);
            patch.as_of = now;
            if let Some(price) = patch.price.as_mut().filter(|_| self.has(Plant::Prices)) {
                price.minor += price.minor * 6 / 10;
            }
            if let Some(content) = patch.content.as_mut() {
                // The simulation has no images: an address for each, until the feed loses it.
                let image = format!("https://shop.example/{no}.jpg");
                content.image_link = if self.has(Plant::Images) { String::new() } else { image };
            }
            self.fold(now, None, Body::Catalog(Box::new(patch)));
        }
    }

    fn event(&mut self, shopper: ShopperNo, event: Event) -> Option<Event> {
        match event.kind {
            EventKind::ViewItemList => {
                let home = self.request(shopper, &event, "home");
                Some(self.shown(event, shopper, &home))
            }
            EventKind::Search => {
                let text = event.details.as_deref().and_then(|details| details.search_term.as_deref());
                let mut text = text.unwrap_or_default().to_owned();
                if self.has(Plant::Searches) && self.seeded.unit() < 0.5 {
                    text = "qqzzxx".to_owned();
                }
                let search = Some(Box::new(Search { text, ..Search::default() }));
                let page = PageType::Search;
                let asked = Request { search, page, ..self.request(shopper, &event, "search") };
                let decision = self.live.decide(&asked);
                self.fold(event.time, Some(shopper), Body::Decision(Box::new(decision)));
                Some(event)
            }
            EventKind::SelectItem => {
                let is_lost = self.has(Plant::Clicks) && self.seeded.unit() < 0.6;
                let decision = self.decisions.get(&event.session).copied();
                (!is_lost).then_some(Event { decision, ..event })
            }
            _ => Some(event),
        }
    }

    fn request(&mut self, shopper: ShopperNo, event: &Event, placement: &str) -> Request {
        self.next_id += 1;
        Request {
            id: DecisionId(self.next_id),
            now: event.time,
            placement: placement.to_owned(),
            shopper: Some(shopper),
            session: event.session,
            page: PageType::Home,
            ..Request::default()
        }
    }

    /// Decides, logs, and says that it was in view.
    fn shown(&mut self, event: Event, shopper: ShopperNo, asked: &Request) -> Event {
        let mut decision = self.live.decide(asked);
        self.collapse(&mut decision, shopper);
        let snapshot = self.live.snapshot();
        let item = |slot: &bespoke_domain::decision::Slot| match slot.candidate {
            Candidate::Product(product) => Some(EventItem {
                item_id: snapshot.aggregates.catalog.id(product).to_owned(),
                quantity: 1,
                ..EventItem::default()
            }),
            Candidate::Category(_) | Candidate::Content(_) => None,
        };
        let items = decision.slate.iter().filter_map(item).collect();
        self.decisions.insert(event.session, asked.id);
        self.fold(event.time, Some(shopper), Body::Decision(Box::new(decision)));
        Event { decision: Some(asked.id), visible: true, items, ..event }
    }

    /// What a broken model would show.
    fn collapse(&mut self, decision: &mut Decision, shopper: ShopperNo) {
        let of_leaf = self.shop.products_of(shopper.0 % self.shop.leaf_count());
        for (place, slot) in (0..).zip(&mut decision.slate) {
            let product = if self.has(Plant::Bubble) {
                of_leaf.start + self.seeded.below(of_leaf.len().max(1)) as u32
            } else if self.has(Plant::SameForAll) {
                place
            } else {
                return;
            };
            let id = self.shop.id(product);
            let number = self.live.snapshot().product(&id);
            slot.candidate = Candidate::Product(number.unwrap_or(ProductNo(0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_filter_bubble_is_seen_within_three_days_and_nothing_before_it() {
        let changes = played(3, PLANTED as u32 + 4, Some(Plant::Bubble)).expect("it plays");
        let start = Params::default().start.plus(PLANTED * DAY_MS);
        let raised = raised(&changes);
        let early: Vec<_> = raised.iter().filter(|change| change.time < start).collect();
        assert!(early.is_empty(), "{early:?}");
        let first = raised.iter().find(|change| change.key.watch == Watched::CategoryEntropy);
        assert!(first.is_some_and(|change| change.time.since(start) <= 3 * DAY_MS), "{raised:?}");
    }
}
