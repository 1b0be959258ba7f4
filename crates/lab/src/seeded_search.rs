//! Search on the seeded shop, by the simulation's truth: whether the facet that a department's shoppers go by is among the first three,
//! and whether shoppers find the product that fits their taste further up than strangers do. Everything is folded as a server logs
//! it: events, and the decisions of searches with what was chosen of facets. Simulated: the figures hold for shoppers who behave by
//! the equations of `sim/truth` and `sim/narrowing`.
//!
//! Command: `lab seeded-search`. Peers: the same shop that was never told of a search, for facets; the same search without a
//! shopper, for tastes.

use crate::error::Error;
use crate::seeded;
use bespoke_domain::consent::{PURPOSES, Statement};
use bespoke_domain::event::PageType;
use bespoke_domain::search::{Choice, Refinement, Search};
use bespoke_domain::settings::Settings;
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{
    Body, Candidate, Consent, Decision, DecisionId, Entry, Event, EventItem, EventKind, Millis, Offset,
    Purpose, Request, ShopperNo,
};
use bespoke_engine::Engine;
use bespoke_engine::facets::Facet;
use bespoke_sim::dice::{Dice, What};
use bespoke_sim::narrowing::{self, Narrowed};
use bespoke_sim::{Fact, Params, Product, Shop, Shopper, Stream, truth};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

/// Share of the days that come before facets are measured.
const SPLIT: f64 = 0.7;
/// Every how many shoppers one never narrows before the split, and is measured after it.
const HELD_OUT: u32 = 4;
/// Among how many the planted facet and value are looked for.
const TOP: usize = 3;
/// Acts that a shopper with a past has at least.
const ACTS_MIN: usize = 8;
/// Most shoppers of each kind whose searches are compared.
const COMPARED_MAX: usize = 1_000;
/// Products, any of the shop, that one without a taste looked at.
const WANDERED: u32 = 16;
/// Results of a first page.
const PAGE: usize = 24;
/// Results in which a product is looked for.
const SLOTS: u16 = 100;

/// How often what is planted is among the first three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Facets {
    /// Searches of held-out shoppers after the split.
    pub searches: usize,
    /// Different shoppers among them.
    pub shoppers: usize,
    /// Share of these shoppers in most of whose searches the facet of the department is among the first three.
    pub facet: f64,
    /// The same of the shop that knows no searches.
    pub facet_before: f64,
    /// Share of searches, of those whose results have the planted value, in which it is among the first three of its facet.
    pub value: f64,
    /// The same of a stranger in the shop that knows no searches.
    pub value_before: f64,
}

/// How far up shoppers find what they would choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// Searches compared.
    pub searches: usize,
    /// Mean reciprocal rank of the product of most utility in a leaf of which the shopper never dealt with anything.
    pub mrr: f64,
    /// The same, asked without the shopper.
    pub mrr_stranger: f64,
    /// Share of the first page that is what was searched for.
    pub relevant: f64,
    /// The same, asked without the shopper.
    pub relevant_stranger: f64,
}

impl Found {
    /// By which share the shopper's rank is better than a stranger's.
    pub fn lift(&self) -> f64 {
        self.mrr / self.mrr_stranger.max(1e-12) - 1.0
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SeededSearch {
    /// Facets.
    pub facets: Facets,
    /// Shoppers with a past, whose taste is planted.
    pub tasteful: Found,
    /// Shoppers with a past that follows no taste.
    pub wandering: Found,
}

/// Measures on a shop with the default placements.
///
/// # Errors
/// When the default placements cannot be read.
pub fn run(params: Params, placements: Option<&Path>) -> Result<SeededSearch, Error> {
    let shop = Shop::new(params);
    let mut bench = Bench::new(&shop, seeded::settings(placements)?);
    let mut last = shop.params.start;
    for fact in Stream::new(&shop) {
        last = last.max(fact.event.time);
        bench.step(fact);
    }
    let facets = bench.facets.result();
    bench.wander(last);
    let (mut tasteful, mut wandering) = (Sums::default(), Sums::default());
    for no in 0..shop.params.shoppers {
        if tasteful.count < COMPARED_MAX && bench.knows(no) {
            let shopper = Shopper::new(&shop, no);
            let Some(leaf) = bench.untouched(&shopper) else { continue };
            bench.compare(&shopper, leaf, last, &mut tasteful, |product| {
                truth::utility(&shop, &shopper, product)
            });
        }
    }
    for no in 0..COMPARED_MAX as u32 {
        let shopper = Shopper::new(&shop, shop.params.shoppers + no);
        let leaf =
            Dice::new(shop.params.seed, What::Narrow, u64::MAX - u64::from(no)).below(shop.leaf_count());
        // Without a taste: what is good, and not dear.
        bench.compare(&shopper, leaf, last, &mut wandering, |product| {
            0.4 * product.quality - product.price_ln
        });
    }
    Ok(SeededSearch { facets, tasteful: tasteful.result(), wandering: wandering.result() })
}

/// What both measures say, in lines.
pub fn text(result: &SeededSearch) -> String {
    let SeededSearch { facets, tasteful, wandering } = result;
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut text = format!(
        "facets: {} searches of {} held-out shoppers; planted facet in the top {TOP} for {} of them (without demand {}); planted value in the top {TOP} of it: {} (without {})\n",
        facets.searches,
        facets.shoppers,
        percent(facets.facet),
        percent(facets.facet_before),
        percent(facets.value),
        percent(facets.value_before),
    );
    for (name, found) in [("with a planted taste", tasteful), ("without a taste", wandering)] {
        _ = writeln!(
            text,
            "{name}: {} searches, MRR {:.4} (stranger {:.4}): {:+.1} %; first page relevant {} (stranger {})",
            found.searches,
            found.mrr,
            found.mrr_stranger,
            100.0 * found.lift(),
            percent(found.relevant),
            percent(found.relevant_stranger),
        );
    }
    text
}

/// Shares of what is planted among the first, by shopper.
#[derive(Default)]
struct Planted {
    /// Searches, those with the facet in front, and those so in the shop without demand.
    shoppers: HashMap<u32, [u32; 3]>,
    /// Searches whose facet has values; with the value in front, of both shops.
    values: [u32; 3],
}

impl Planted {
    fn note(&mut self, shopper: u32, planted: &Narrowed, [ours, plain]: [&[Facet]; 2]) {
        let place = |facets: &[Facet]| facets.iter().position(|facet| facet.name == planted.facet());
        let counts = self.shoppers.entry(shopper).or_default();
        counts[0] += 1;
        for (no, facets) in [ours, plain].into_iter().enumerate() {
            counts[no + 1] += u32::from(place(facets).is_some_and(|place| place < TOP));
        }
        let Narrowed::Value(name, value) = planted else { return };
        let rank = |facets: &[Facet]| {
            let facet = facets.iter().find(|facet| facet.name == *name)?;
            facet.values.iter().position(|one| one.value.eq_ignore_ascii_case(value))
        };
        // A value that no result has cannot be offered.
        if rank(plain).is_some() {
            self.values[0] += 1;
            for (no, facets) in [ours, plain].into_iter().enumerate() {
                self.values[no + 1] += u32::from(rank(facets).is_some_and(|rank| rank < TOP));
            }
        }
    }

    fn result(&self) -> Facets {
        let shoppers = self.shoppers.len();
        let most = |no: usize| self.shoppers.values().filter(|counts| 2 * counts[no] > counts[0]).count();
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        Facets {
            searches: self.shoppers.values().map(|counts| counts[0] as usize).sum(),
            shoppers,
            facet: share(most(1), shoppers),
            facet_before: share(most(2), shoppers),
            value: share(self.values[1] as usize, self.values[0] as usize),
            value_before: share(self.values[2] as usize, self.values[0] as usize),
        }
    }
}

#[derive(Default)]
struct Sums {
    count: usize,
    mrr: [f64; 2],
    relevant: [f64; 2],
}

impl Sums {
    fn result(&self) -> Found {
        let mean = |sum: f64| sum / self.count.max(1) as f64;
        Found {
            searches: self.count,
            mrr: mean(self.mrr[0]),
            mrr_stranger: mean(self.mrr[1]),
            relevant: mean(self.relevant[0]),
            relevant_stranger: mean(self.relevant[1]),
        }
    }
}

/// An engine with the place of the log's next entry.
#[derive(Default)]
struct Folded {
    engine: Engine,
    offset: Offset,
}

impl Folded {
    fn fold(&mut self, received: Millis, shopper: Option<ShopperNo>, body: Body) {
        self.offset = self.offset.next();
        self.engine.apply(self.offset, &Entry { received, shopper, body });
    }

    fn search(&mut self, request: &Request) -> (Decision, Vec<Facet>) {
        self.engine.publish();
        let live = self.engine.live();
        live.search_on(&live.snapshot(), request)
    }
}

struct Bench<'a> {
    shop: &'a Shop,
    /// The shop, and the same without what its searches say.
    ours: Folded,
    plain: Folded,
    split: Millis,
    asked: u128,
    /// The leaf that a name means, where it means one.
    leaves: HashMap<String, Option<u32>>,
    facets: Planted,
    met: HashMap<u32, HashSet<(u32, u32)>>,
}

impl<'a> Bench<'a> {
    fn new(shop: &'a Shop, settings: Settings) -> Self {
        let mut leaves: HashMap<String, Option<u32>> = HashMap::new();
        for leaf in 0..shop.leaf_count() {
            leaves.entry(leaf_name(shop, leaf)).and_modify(|one| *one = None).or_insert(Some(leaf));
        }
        let days = (f64::from(shop.params.days) * SPLIT) as i64;
        let mut bench = Self {
            shop,
            ours: Folded::default(),
            plain: Folded::default(),
            split: shop.params.start.plus(days * DAY_MS),
            asked: 0,
            leaves,
            facets: Planted::default(),
            met: HashMap::new(),
        };
        bench.fold(shop.params.start, None, &Body::Settings(Box::new(settings)));
        for patch in shop.patches() {
            bench.fold(shop.params.start, None, &Body::Catalog(Box::new(patch)));
        }
        bench
    }

    fn fold(&mut self, received: Millis, shopper: Option<ShopperNo>, body: &Body) {
        self.ours.fold(received, shopper, body.clone());
        self.plain.fold(received, shopper, body.clone());
    }

    fn step(&mut self, fact: Fact) {
        let mut event = fact.event;
        // The shop sends what the shopper allows with every event.
        let says = |said: Statement, (purpose, _)| said.with(purpose, event.consent.allows(purpose));
        event.statement = PURPOSES.into_iter().fold(Statement::default(), says);
        let consents = [Purpose::Analytics, Purpose::Personalization].map(|one| event.consent.allows(one));
        if event.kind != EventKind::ViewItemList {
            let products = event.items.iter().filter_map(|item| self.shop.product_with_id(&item.item_id));
            let groups = products.map(|no| self.shop.product(no)).map(|one| (one.leaf, one.group));
            self.met.entry(fact.shopper).or_default().extend(groups);
        }
        let term = event.details.as_ref().and_then(|details| details.search_term.clone());
        let (time, kind, key) = (event.time, event.kind, event.key);
        if consents[0] {
            self.fold(time, Some(ShopperNo(fact.shopper)), &Body::Event(Box::new(event)));
        }
        if let Some(term) = term.filter(|_| kind == EventKind::Search && consents == [true; 2])
            && let Some(leaf) = self.leaf_of(&term)
        {
            self.searched(fact.shopper, leaf, &term, (time, key));
        }
    }

    /// The leaf that a term names, with or without a word before it.
    fn leaf_of(&self, term: &str) -> Option<u32> {
        let rest = term.split_once(' ').map_or("", |(_, rest)| rest);
        self.leaves.get(term).or_else(|| self.leaves.get(rest)).copied().flatten()
    }

    /// A search, and what it is narrowed by.
    fn searched(&mut self, shopper: u32, leaf: u32, term: &str, (time, key): (Millis, u64)) {
        let held_out = shopper.is_multiple_of(HELD_OUT);
        let who = Shopper::new(self.shop, shopper);
        let request =
            self.request(Some(shopper), time, Search { text: term.to_owned(), ..Search::default() });
        let (decision, facets) = self.ours.search(&request);
        if held_out && time >= self.split {
            let planted = narrowing::own(self.shop, leaf);
            let (_, before) = self.plain.search(&Request { shopper: None, ..request });
            self.facets.note(shopper, &planted, [&facets, &before]);
        }
        self.ours.fold(time, Some(ShopperNo(shopper)), Body::Decision(Box::new(decision)));
        if held_out {
            return;
        }
        if let Some(narrowed) = narrowing::roll(self.shop, &who, leaf, key) {
            let refinements = vec![refinement(&narrowed)];
            let search = Search { text: term.to_owned(), refinements, ..Search::default() };
            let request = self.request(Some(shopper), time.plus(5_000), search);
            let (decision, _) = self.ours.search(&request);
            self.ours.fold(time.plus(5_000), Some(ShopperNo(shopper)), Body::Decision(Box::new(decision)));
        }
    }

    fn request(&mut self, shopper: Option<u32>, now: Millis, search: Search) -> Request {
        self.asked += 1;
        Request {
            id: DecisionId(self.asked),
            now,
            placement: "search".to_owned(),
            shopper: shopper.map(ShopperNo),
            page: PageType::Search,
            search: Some(Box::new(Search { facets: Some(Vec::new()), ..search })),
            ..Request::default()
        }
    }

    /// Shoppers beyond the shop's own, who looked at this and that.
    fn wander(&mut self, now: Millis) {
        let shop = self.shop;
        for no in 0..COMPARED_MAX as u32 {
            let shopper = shop.params.shoppers + no;
            let mut dice = Dice::new(shop.params.seed, What::Narrow, u64::MAX / 2 + u64::from(no));
            for step in 0..WANDERED {
                let leaf = dice.below(shop.leaf_count());
                let product =
                    shop.product(shop.row_of(leaf, dice.below(shop.group_count(leaf)), dice.below(4)));
                let item = EventItem { item_id: shop.id(product.no), quantity: 1, ..EventItem::default() };
                let time = now.plus(i64::from(step) * 60_000 - DAY_MS);
                let event = Event {
                    consent: Consent::GRANTED,
                    statement: PURPOSES
                        .into_iter()
                        .fold(Statement::default(), |said, (one, _)| said.with(one, true)),
                    items: vec![item],
                    ..Event::new(EventKind::ViewItem, time)
                };
                self.met.entry(shopper).or_default().insert((product.leaf, product.group));
                self.fold(time, Some(ShopperNo(shopper)), &Body::Event(Box::new(event)));
            }
        }
        self.ours.engine.publish();
    }

    /// Whether the shopper may be recognised and has done enough to be known.
    fn knows(&self, shopper: u32) -> bool {
        let live = self.ours.engine.live();
        let may = Shopper::new(self.shop, shopper).consent.allows(Purpose::Personalization);
        may && live.profile(ShopperNo(shopper)).is_some_and(|profile| profile.recent().len() >= ACTS_MIN)
    }

    /// Another leaf of the department that the shopper likes most, of which they dealt with nothing.
    fn untouched(&self, shopper: &Shopper) -> Option<u32> {
        let shop = self.shop;
        let met = self.met.get(&shopper.no)?;
        let is_of_department = |leaf: &u32| shop.department(*leaf) == shop.department(shopper.leaves[0]);
        let is_met = |leaf: u32| met.iter().any(|(held, _)| *held == leaf);
        (0..shop.leaf_count()).filter(is_of_department).find(|leaf| !is_met(*leaf))
    }

    /// Searches for a leaf as the shopper and as a stranger, for the best product that the shopper never dealt with.
    fn compare(
        &mut self,
        shopper: &Shopper,
        leaf: u32,
        now: Millis,
        sums: &mut Sums,
        worth: impl Fn(&Product) -> f64,
    ) {
        let name = leaf_name(self.shop, leaf);
        if self.leaves.get(&name).copied().flatten() != Some(leaf) {
            return;
        }
        let none = HashSet::new();
        let met = self.met.get(&shopper.no).unwrap_or(&none);
        let products = self.shop.products_of(leaf).map(|no| self.shop.product(no));
        let open = products.filter(|one| one.stock > 0 && !met.contains(&(leaf, one.group)));
        let best = open.max_by(|a, b| worth(a).total_cmp(&worth(b)).then(b.no.cmp(&a.no)));
        let Some(target) = best.map(|one| (one.leaf, one.group)) else { return };
        let search = Search { text: name, ..Search::default() };
        let request = Request { slots: SLOTS, ..self.request(Some(shopper.no), now, search) };
        let stranger = Request { shopper: None, ..request.clone() };
        let live = self.ours.engine.live();
        let snapshot = live.snapshot();
        sums.count += 1;
        for (no, request) in [request, stranger].iter().enumerate() {
            let (decision, _) = live.search_on(&snapshot, request);
            let row = |candidate| match candidate {
                Candidate::Product(no) => self.shop.product_with_id(snapshot.aggregates.catalog.id(no)),
                Candidate::Category(_) | Candidate::Content(_) => None,
            };
            let rows = decision.slate.iter().filter_map(|slot| row(slot.candidate));
            let shown: Vec<Product> = rows.map(|no| self.shop.product(no)).collect();
            let place = shown.iter().position(|one| (one.leaf, one.group) == target);
            sums.mrr[no] += place.map_or(0.0, |place| 1.0 / (place + 1) as f64);
            let page = &shown[..shown.len().min(PAGE)];
            let relevant = page.iter().filter(|one| one.leaf == leaf).count();
            sums.relevant[no] += relevant as f64 / page.len().max(1) as f64;
        }
    }
}

/// What shoppers call a leaf.
pub(crate) fn leaf_name(shop: &Shop, leaf: u32) -> String {
    shop.path(leaf).rsplit(" > ").next().unwrap_or_default().to_lowercase()
}

fn refinement(narrowed: &Narrowed) -> Refinement {
    let choice = match narrowed {
        Narrowed::Value(_, value) => Choice::Values(vec![value.clone()]),
        Narrowed::PriceBelow(price) => Choice::Range(None, Some(*price)),
    };
    Refinement { facet: narrowed.facet().to_owned(), choice }
}
