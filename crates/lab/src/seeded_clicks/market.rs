//! The simulated shop, its searches, and shoppers who look down the results.

use super::PLACEMENT;
use crate::seeded_search::leaf_name;
use bespoke_domain::consent::{PURPOSES, Statement};
use bespoke_domain::event::PageType;
use bespoke_domain::search::Search;
use bespoke_domain::settings::Settings;
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{
    Body, Candidate, Decision, DecisionId, Entry, Event, EventItem, EventKind, Millis, Offset, Purpose,
    Request, ShopperNo,
};
use bespoke_engine::Engine;
use bespoke_sim::dice::{Dice, What};
use bespoke_sim::shopper::FAVOURITES;
use bespoke_sim::{Product, Shop, Shopper, truth};
use std::collections::{HashMap, HashSet};

/// Results of a page.
pub const PAGE: usize = 24;
/// Results that are put in order.
pub const SLOTS: u16 = 100;
/// Share of searches that name the shopper's style beside the leaf, as in `sim/visit`.
const STYLED_SHARE: f64 = 0.3;
/// Searches after which what was folded is published.
const PUBLISH_EVERY: u128 = 10;
/// Different shoppers from whom on counts of clicks are used, as the engine does.
const CROWD: usize = 5;

/// What results are put in order by, beside all else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Nothing.
    Plain,
    /// The engine's scorer, with this weight.
    Expected(f32),
    /// How often each was clicked for this query, on a logarithmic scale up to 1, with this weight.
    Counted(f32),
}

/// A search.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its number.
    pub no: u32,
    /// Who.
    pub shopper: u32,
    /// What for.
    pub leaf: u32,
    /// In which words.
    pub term: String,
    /// When.
    pub time: Millis,
}

/// Searches over the days of the shop, in the order of time: for a favourite leaf or any other.
pub fn asked(shop: &Shop, count: usize) -> Vec<Asked> {
    let names: Vec<String> = (0..shop.leaf_count()).map(|leaf| leaf_name(shop, leaf)).collect();
    let mut known: HashMap<&str, usize> = HashMap::new();
    names.iter().for_each(|name| *known.entry(name).or_default() += 1);
    let step = i64::from(shop.params.days) * DAY_MS / count as i64;
    let one = |no: u32| {
        let mut dice = Dice::new(shop.params.seed, What::Search, u64::from(no));
        let shopper = Shopper::new(shop, dice.skewed(shop.params.shoppers, 1.7));
        let leaf = loop {
            let leaf = leaf_of(shop, &shopper, &mut dice);
            // A name that two leaves have means neither.
            if known[names[leaf as usize].as_str()] == 1 {
                break leaf;
            }
        };
        let name = &names[leaf as usize];
        let styled = dice.happens(STYLED_SHARE);
        let term = if styled { format!("{} {name}", shop.style_name(shopper.style)) } else { name.clone() };
        Asked { no, shopper: shopper.no, leaf, term, time: shop.params.start.plus(i64::from(no) * step) }
    };
    (0..count as u32).map(one).collect()
}

fn leaf_of(shop: &Shop, shopper: &Shopper, dice: &mut Dice) -> u32 {
    if !dice.happens(truth::ANY_LEAF_SHARE) {
        let mut roll = dice.unit();
        for (leaf, weight) in shopper.leaves.into_iter().zip(FAVOURITES) {
            roll -= weight;
            if roll < 0.0 {
                return leaf;
            }
        }
    }
    dice.skewed(shop.leaf_count(), truth::ANY_LEAF_POWER)
}

/// Clicks on the results of one query, by product.
#[derive(Default)]
struct Tally {
    shoppers: HashSet<u32>,
    clicks: HashMap<(u32, u32), f32>,
}

/// A shop that serves.
pub struct Market<'a> {
    shop: &'a Shop,
    engine: Engine,
    offset: Offset,
    order: Order,
    tallies: HashMap<String, Tally>,
    decided: u128,
    /// Clicks so far.
    pub clicks: u64,
}

impl<'a> Market<'a> {
    /// A shop with these settings that nobody was in yet.
    pub fn new(shop: &'a Shop, settings: Settings, order: Order) -> Self {
        let mut market = Self {
            shop,
            engine: Engine::default(),
            offset: Offset(0),
            order,
            tallies: HashMap::new(),
            decided: 0,
            clicks: 0,
        };
        market.fold(shop.params.start, None, Body::Settings(Box::new(settings)));
        for patch in shop.patches() {
            market.fold(shop.params.start, None, Body::Catalog(Box::new(patch)));
        }
        market.rest();
        market
    }

    fn fold(&mut self, received: Millis, shopper: Option<ShopperNo>, body: Body) {
        self.offset = self.offset.next();
        self.engine.apply(self.offset, &Entry { received, shopper, body });
    }

    /// Makes all that is known known to requests.
    pub fn rest(&mut self) {
        self.engine.publish();
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the shop is asked.
    pub fn request(&self, asked: &Asked) -> Request {
        let consent = Shopper::new(self.shop, asked.shopper).consent;
        let may = [Purpose::Analytics, Purpose::Personalization].into_iter().all(|one| consent.allows(one));
        Request {
            id: DecisionId(u128::from(asked.no) + 1),
            now: asked.time,
            placement: PLACEMENT.to_owned(),
            shopper: may.then_some(ShopperNo(asked.shopper)),
            page: PageType::Search,
            slots: SLOTS,
            search: Some(Box::new(Search { text: asked.term.clone(), ..Search::default() })),
            ..Request::default()
        }
    }

    /// A first page.
    pub fn decide(&self, asked: &Asked) -> Decision {
        let mut decision = self.engine.live().decide(&self.request(asked));
        let tally = self.tallies.get(&asked.term).filter(|tally| tally.shoppers.len() >= CROWD);
        if let (Order::Counted(weight), Some(tally)) = (self.order, tally) {
            let most = tally.clicks.values().copied().fold(1.0, f32::max);
            for slot in &mut decision.slate {
                let clicks =
                    self.row(slot.candidate).and_then(|one| tally.clicks.get(&(one.leaf, one.group)));
                slot.score += weight * clicks.map_or(0.0, |clicks| clicks.ln_1p() / most.ln_1p());
            }
            decision.slate.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
        decision.slate.truncate(PAGE);
        decision
    }

    /// The product that a candidate is.
    pub fn row(&self, candidate: Candidate) -> Option<Product> {
        let Candidate::Product(no) = candidate else { return None };
        let snapshot = self.engine.live().snapshot();
        Some(self.shop.product(self.shop.product_with_id(snapshot.aggregates.catalog.id(no))?))
    }

    /// What a decision shows.
    pub fn shown(&self, decision: &Decision) -> Vec<Product> {
        decision.slate.iter().filter_map(|slot| self.row(slot.candidate)).collect()
    }

    /// Answers a search, and logs what the shopper does.
    pub fn serve(&mut self, asked: &Asked) {
        _ = self.watch(asked);
    }

    /// The same; the decision, and the places that were clicked.
    pub fn watch(&mut self, asked: &Asked) -> (Decision, Vec<usize>) {
        self.decided += 1;
        if self.decided.is_multiple_of(PUBLISH_EVERY) {
            self.rest();
        }
        let decision = self.decide(asked);
        let shown = self.shown(&decision);
        let shopper = Shopper::new(self.shop, asked.shopper);
        if shopper.consent.allows(Purpose::Analytics) {
            self.fold(asked.time, decision.request.shopper, Body::Decision(Box::new(decision.clone())));
        }
        let mut clicked = Vec::new();
        for (place, product) in shown.iter().enumerate() {
            let mut dice = self.dice(asked, product);
            let is_seen = dice.happens(truth::examination(place as u32));
            if dice.happens(self.wanted(&shopper, asked, product)) && is_seen {
                clicked.push(place);
                self.click(asked, &shopper, (&decision, product), &mut dice);
            }
        }
        (decision, clicked)
    }

    /// Rolls of one shopper about one product in one search, whoever serves it and wherever it stands.
    pub fn dice(&self, asked: &Asked, product: &Product) -> Dice {
        let no = u64::from(asked.no) << 32 | u64::from(product.leaf) << 16 | u64::from(product.group);
        Dice::new(self.shop.params.seed, What::Search, no | 1 << 63)
    }

    /// Probability that the shopper clicks a product that they look at.
    pub fn wanted(&self, shopper: &Shopper, asked: &Asked, product: &Product) -> f64 {
        let is_meant = product.leaf == asked.leaf;
        if is_meant { truth::click_if_seen(truth::utility(self.shop, shopper, product)) } else { 0.0 }
    }

    fn click(
        &mut self,
        asked: &Asked,
        shopper: &Shopper,
        (decision, product): (&Decision, &Product),
        dice: &mut Dice,
    ) {
        self.clicks += 1;
        if !shopper.consent.allows(Purpose::Analytics) {
            return;
        }
        if decision.request.shopper.is_some() {
            let tally = self.tallies.entry(asked.term.clone()).or_default();
            tally.shoppers.insert(asked.shopper);
            *tally.clicks.entry((product.leaf, product.group)).or_default() += 1.0;
        }
        let carts = dice.happens(truth::cart_if_viewed(truth::utility(self.shop, shopper, product)));
        let kinds = [EventKind::SelectItem, EventKind::ViewItem, EventKind::AddToCart];
        for (step, kind) in (1..).zip(kinds).take(if carts { 3 } else { 2 }) {
            let says = |said: Statement, (purpose, _)| said.with(purpose, shopper.consent.allows(purpose));
            let item = EventItem { item_id: self.shop.id(product.no), quantity: 1, ..EventItem::default() };
            let event = Event {
                consent: shopper.consent,
                statement: PURPOSES.into_iter().fold(Statement::default(), says),
                decision: Some(decision.request.id).filter(|_| kind == EventKind::SelectItem),
                page: PageType::Search,
                items: vec![item],
                ..Event::new(kind, asked.time.plus(step * 1_000))
            };
            self.fold(event.time, Some(ShopperNo(asked.shopper)), Body::Event(Box::new(event)));
        }
    }

    /// NDCG of the first ten by what the shopper would click of what they looked at; ideal are the ten best of the leaf in stock.
    pub fn ndcg10(&self, asked: &Asked, shown: &[Product]) -> f64 {
        let shopper = Shopper::new(self.shop, asked.shopper);
        let wanted = |product: &Product| self.wanted(&shopper, asked, product);
        let mut best: HashMap<u32, f64> = HashMap::new();
        for product in self.shop.products_of(asked.leaf).map(|no| self.shop.product(no)) {
            if product.stock > 0 {
                let held = best.entry(product.group).or_default();
                *held = held.max(wanted(&product));
            }
        }
        let mut ideal: Vec<f64> = best.into_values().collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        let sum = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
            gains.take(10).enumerate().map(|(place, gain)| gain / (place as f64 + 2.0).log2()).sum()
        };
        sum(&mut shown.iter().map(wanted)) / sum(&mut ideal.into_iter()).max(f64::MIN_POSITIVE)
    }
}
