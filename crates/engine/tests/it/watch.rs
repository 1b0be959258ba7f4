//! What is watched every day: what is planted is seen within three days, what is not there is not, and the log alone says the same again.

use super::*;
use bespoke_domain::decision::{Personalization, Reason, Slot};
use bespoke_domain::entry::Delivery;
use bespoke_domain::event::PageType;
use bespoke_domain::search::{Met, Search};
use bespoke_domain::settings::{Objective, WatchSettings};
use bespoke_domain::{Money, ProductNo};
use bespoke_engine::features::narrow;
use bespoke_engine::watch::table::{WATCHES, WatchSpec};
use bespoke_engine::watch::{Change, Turn};
use bespoke_models::seeded::Seeded;

const PRODUCTS: u32 = 240;
const CATEGORIES: u32 = 8;
/// The day on which something changes.
const PLANTED: i64 = 20;
const DAY_MIN: i64 = 24 * 60;
/// Minutes from the start to the first midnight.
const MIDNIGHT: i64 = DAY_MIN - (START / 60_000) % DAY_MIN;

#[derive(Clone, Copy, PartialEq)]
enum Plant {
    Nothing,
    Prices,
    Images,
    Clicks,
    Bubble,
    Favourites,
    Named,
    Brand,
    Searches,
    Foresight,
    Fields,
    Features,
    /// Clicks are gone for five days only.
    Strike,
}

/// A shop on whose days the same things happen, but for what is planted.
struct World {
    bench: Bench,
    seeded: Seeded,
    /// What candidates are like: another feature must not change what shoppers do.
    described: Seeded,
    plant: Plant,
    id: u128,
    foresees_little: bool,
    loses_fields: bool,
    loses_a_feature: bool,
}

impl World {
    fn new(plant: Plant) -> Self {
        let mut bench = Bench::default();
        let objective = Objective { name: "clicks".to_owned(), click: 1.0, rows: 10, ..Objective::default() };
        bench
            .settings(vec![Placement { objective: Some(objective), ..placement("home", &["popular"], &[]) }]);
        Self {
            bench,
            seeded: Seeded::new(11),
            described: Seeded::new(12),
            plant,
            id: 1,
            foresees_little: false,
            loses_fields: false,
            loses_a_feature: false,
        }
    }

    fn time(day: i64, minute: i64) -> Millis {
        Millis(START + (MIDNIGHT + day * DAY_MIN + minute) * 60_000)
    }

    fn is_on(&self, plant: Plant, day: i64) -> bool {
        self.plant == plant && day >= PLANTED
    }

    /// The whole catalogue, as every night.
    fn feed(&mut self, day: i64) {
        let time = Self::time(day, 5);
        for no in 0..PRODUCTS {
            let dearer = if self.is_on(Plant::Prices, day) { 3 } else { 1 };
            let image = if self.is_on(Plant::Images, day) { "" } else { "https://shop.example/1.jpg" };
            let content = Content {
                title: format!("Product {no}"),
                brand: format!("Brand {}", no % 5),
                image_link: image.to_owned(),
                categories: vec![format!("Category {}", no % CATEGORIES)],
                ..Content::default()
            };
            let price = Money { minor: i64::from(500 + 37 * (no % 100)) * dearer, currency: Currency::EUR };
            let patch = ProductPatch {
                id: format!("p{no}"),
                as_of: time,
                price: Some(price),
                availability: Some(Availability::InStock),
                content: Some(Box::new(content)),
                ..ProductPatch::default()
            };
            self.at(time, None, Body::Catalog(Box::new(patch)));
        }
    }

    /// An entry that is received when it happened.
    fn at(&mut self, received: Millis, shopper: Option<u32>, body: Body) {
        self.bench.entries.push(Entry { received, shopper: shopper.map(ShopperNo), body });
        let offset = Offset(self.bench.entries.len() as u64);
        self.bench.engine.apply(offset, &self.bench.entries[self.bench.entries.len() - 1]);
    }

    /// The products of a slate.
    fn slate(&mut self, shopper: u32, day: i64) -> Vec<u32> {
        let (bubble, few) = (self.is_on(Plant::Bubble, day), self.is_on(Plant::Favourites, day));
        let of_brand = self.is_on(Plant::Brand, day);
        let pick = |seeded: &mut Seeded| match (bubble, few) {
            (true, _) => shopper % CATEGORIES + CATEGORIES * seeded.below(30) as u32,
            (_, true) => seeded.below(12) as u32,
            _ if of_brand => 5 * seeded.below(48) as u32,
            _ => seeded.below(PRODUCTS as usize) as u32,
        };
        (0..8).map(|_| pick(&mut self.seeded)).collect()
    }

    /// A slate that foresees clicks on its first product.
    fn decision(&mut self, shopper: u32, time: Millis, slate: &[u32], named: bool) -> DecisionId {
        self.id += 1;
        let id = DecisionId(self.id);
        let asked = Request { id, now: time, page: PageType::Home, ..request("home", Some(shopper), 0) };
        let number = |no: &u32| self.bench.engine.live().snapshot().product(&format!("p{no}"));
        let slot = |product: ProductNo| Slot {
            candidate: Candidate::Product(product),
            score: 1.0,
            parts: Vec::new(),
            reason: Reason {
                code: "favourites".to_owned(),
                based_on: if named { vec![product] } else { Vec::new() },
                personal: true,
                ..Reason::default()
            },
            placed_by: None,
            moved_by: Vec::new(),
            probability: 1.0,
            team: None,
            foreseen: Vec::new(),
            features: Vec::new(),
        };
        let mut slots: Vec<Slot> = slate.iter().filter_map(number).map(slot).collect();
        // The first is clicked four times in ten, the next ones hardly ever.
        for (place, slot) in slots.iter_mut().take(4).enumerate() {
            let first = if self.foresees_little { 0.05 } else { 0.4 };
            slot.foreseen = vec![if place == 0 { first } else { 0.01 }];
        }
        let empty = self.bench.engine.live().decide(&asked);
        let feature_set = self.describe(&mut slots);
        let decision = Decision {
            slate: slots,
            personalization: Personalization::Full,
            considered: None,
            feature_set,
            ..empty
        };
        self.at(time, Some(shopper), Body::Decision(Box::new(decision)));
        id
    }

    /// Says what a ranker was told of each slot; the number of the list.
    fn describe(&mut self, slots: &mut [Slot]) -> u32 {
        let snapshot = self.bench.engine.live().snapshot();
        let planned = snapshot.plan.get("home").expect("it is set");
        for slot in slots {
            let values = planned.features.iter().map(|_| narrow(self.described.normal() as f32));
            slot.features = values.collect();
            if self.loses_a_feature {
                slot.features[0] = narrow(f32::NAN);
            }
        }
        planned.feature_set
    }

    fn event(
        &mut self,
        shopper: u32,
        time: Millis,
        kind: EventKind,
        (id, items): (Option<DecisionId>, &[u32]),
    ) {
        let item = |no: &u32| EventItem { item_id: format!("p{no}"), quantity: 1, ..EventItem::default() };
        let event = Event {
            consent: Consent::GRANTED,
            session: u64::from(!self.loses_fields),
            visible: true,
            decision: id,
            items: items.iter().map(item).collect(),
            ..Event::new(kind, time)
        };
        self.at(time, Some(shopper), Body::Event(Box::new(event)));
    }

    /// A search, one in twenty of which finds nothing.
    fn search(&mut self, shopper: u32, time: Millis, day: i64) {
        let finds_nothing = self.seeded.unit() < if self.is_on(Plant::Searches, day) { 0.5 } else { 0.05 };
        self.id += 1;
        let search = Search { text: "lamp".to_owned(), ..Search::default() };
        let search = Some(Box::new(search));
        let asked =
            Request { id: DecisionId(self.id), now: time, search, ..request("home", Some(shopper), 0) };
        let empty = self.bench.engine.live().decide(&asked);
        let met = Met { total: u32::from(!finds_nothing), ..Met::default() };
        let decision = Decision { slate: Vec::new(), met: Some(Box::new(met)), considered: None, ..empty };
        self.at(time, Some(shopper), Body::Decision(Box::new(decision)));
    }

    /// Forty shoppers with four slates each.
    fn day(&mut self, day: i64) {
        self.feed(day);
        self.bench.engine.publish();
        self.foresees_little = self.is_on(Plant::Foresight, day);
        self.loses_fields = self.is_on(Plant::Fields, day);
        self.loses_a_feature = self.is_on(Plant::Features, day);
        let no_clicks = self.is_on(Plant::Clicks, day) || self.is_on(Plant::Strike, day) && day < PLANTED + 5;
        for turn in 0..160_u32 {
            let (shopper, time) = (turn % 40, Self::time(day, 60 + i64::from(turn) * 8));
            let slate = self.slate(shopper, day);
            let named = self.is_on(Plant::Named, day);
            let id = self.decision(shopper, time, &slate, named);
            self.event(shopper, time, EventKind::ViewItemList, (Some(id), &slate));
            let clicks = if no_clicks { 0.1 } else { 0.4 };
            if self.seeded.unit() < clicks {
                self.event(shopper, time, EventKind::SelectItem, (Some(id), &slate[..1]));
            }
            self.search(shopper, time, day);
            for product in &slate[..3] {
                self.event(shopper, time, EventKind::ViewItem, (None, &[*product]));
            }
        }
    }

    fn live(&mut self, days: std::ops::Range<i64>) {
        days.for_each(|day| self.day(day));
    }

    fn changes(&mut self) -> Vec<Change> {
        self.bench.engine.publish();
        self.bench.engine.live().snapshot().aggregates.watch.changes().iter().cloned().collect()
    }

    /// `watch of what: what became of it after how many days`.
    fn told(&mut self) -> Vec<String> {
        let first = Self::time(0, 0).0.div_euclid(86_400_000);
        let told = |one: Change| {
            let after = i64::from(one.look.day) - first - PLANTED;
            format!("{} {} {:?} {after}", one.key.watch.spec().name, one.key.of, one.turn)
        };
        self.changes().into_iter().map(told).collect()
    }
}

fn check(plant: Plant, until: i64, expected: &[&str]) {
    let mut world = World::new(plant);
    world.live(0..until);
    let told = world.told();
    let all: Vec<&str> = told.iter().map(String::as_str).collect();
    assert_eq!(all, expected);
}

#[test]
fn what_does_not_change_raises_nothing() {
    check(Plant::Nothing, 60, &[]);
}

#[test]
fn planted_drift_is_seen_on_its_second_day() {
    check(Plant::Prices, PLANTED + 4, &["price_shown  Raised 1"]);
    check(Plant::Images, PLANTED + 4, &["missing_in_feed image_link Raised 1"]);
    check(
        Plant::Clicks,
        PLANTED + 4,
        &[
            "calibration home Raised 1",
            "click_rate  Raised 1",
            "click_rate home Raised 1",
            "click_rate segment low_intent Raised 1",
            "click_rate segment returning Raised 1",
        ],
    );
}

#[test]
fn searches_foresight_and_fields_that_fail_are_seen() {
    check(Plant::Searches, PLANTED + 4, &["no_results  Raised 1"]);
    check(Plant::Foresight, PLANTED + 4, &["calibration home Raised 1"]);
    check(Plant::Fields, PLANTED + 4, &["missing_in_events session_id Raised 1"]);
    check(Plant::Features, PLANTED + 4, &["features home source.popular Raised 1"]);
}

#[test]
fn a_brand_that_crowds_out_the_others_is_seen() {
    let mut world = World::new(Plant::Brand);
    world.live(0..PLANTED + 4);
    let told = world.told();
    for brand in 0..5 {
        let of_brand = format!("exposure Brand {brand} Raised 1");
        assert!(told.contains(&of_brand), "{of_brand}: {told:?}");
    }
}

#[test]
fn a_planted_filter_bubble_and_too_much_of_the_same_are_seen() {
    check(Plant::Bubble, PLANTED + 4, &["category_entropy  Raised 1", "repetition  Raised 1"]);
    let mut few = World::new(Plant::Favourites);
    few.live(0..PLANTED + 4);
    let told = few.told();
    for watch in ["top_share", "gini", "coverage", "repetition"] {
        assert!(told.iter().any(|one| *one == format!("{watch}  Raised 1")), "{watch}: {told:?}");
    }
    check(Plant::Named, PLANTED + 4, &["reason_distance  Raised 1"]);
}

#[test]
fn an_alarm_is_cleared_when_it_is_over_and_settles_when_it_stays() {
    let mut world = World::new(Plant::Strike);
    world.live(0..PLANTED + 12);
    let of_home = |told: Vec<String>| -> Vec<String> {
        told.into_iter().filter(|one| one.starts_with("click_rate home")).collect()
    };
    assert_eq!(of_home(world.told()), ["click_rate home Raised 1", "click_rate home Cleared 7"]);
    let mut world = World::new(Plant::Clicks);
    world.live(0..PLANTED + 40);
    assert_eq!(of_home(world.told()), ["click_rate home Raised 1", "click_rate home Settled 29"]);
}

#[test]
fn a_watch_that_is_off_says_nothing() {
    let mut world = World::new(Plant::Clicks);
    let off = ["click_rate", "calibration"].map(str::to_owned).to_vec();
    world.live(0..PLANTED);
    let settings =
        Settings { watch: WatchSettings { off, ..WatchSettings::default() }, ..world.bench.in_force() };
    world.at(World::time(PLANTED, 1), None, Body::Settings(Box::new(settings)));
    world.live(PLANTED..PLANTED + 4);
    assert_eq!(world.told(), [""; 0]);
}

#[test]
fn what_is_watched_is_the_same_from_a_checkpoint_on_and_deliveries_are_remembered() {
    let mut world = World::new(Plant::Clicks);
    world.live(0..PLANTED + 1);
    world.bench.restart();
    world.live(PLANTED + 1..PLANTED + 3);
    let change = world.changes().remove(0);
    assert!(change.turn == Turn::Raised && !change.is_delivered);
    let time = World::time(PLANTED + 3, 1);
    world.at(time, None, Body::Delivery(Delivery { change: change.number }));
    world.bench.restart();
    let changes = world.changes();
    assert!(changes[0].is_delivered && !changes[1].is_delivered);
    world.bench.check_against_log();
}

#[test]
fn every_watch_is_in_the_guide() {
    let guide = include_str!("../../../../docs/watch.md");
    for WatchSpec { name, doc, doubt, fix, .. } in &WATCHES {
        let row = format!("| `{name}` | {doc} | {doubt} |");
        assert!(guide.lines().any(|line| line.starts_with(&row)), "{row}");
        assert!(guide.contains(fix), "{name}: {fix}");
    }
}
