//! The default placements on the seeded shop against popularity: what slates of ten would sell by the simulation's truth,
//! which no model has seen. Everything up to the split is folded in; after it, each moment is asked about before what
//! follows it is known. Simulated: the figures hold for shoppers who behave by the equations of `sim/truth`, and compare
//! placements with each other; they say nothing about real shops.
//!
//! Command: `lab seeded`. Peer: the source `popular` alone, asked at the same moments: for the whole shop, and for the
//! category of what was looked at or carted last.

use crate::args::SeededOptions;
use crate::error::Error;
use bespoke_domain::consent::{PURPOSES, Statement};
use bespoke_domain::event::PageType;
use bespoke_domain::settings::{Placement, Settings, SourceUse};
use bespoke_domain::{
    Body, Candidate, DecisionId, Entry, EventKind, Millis, Offset, Purpose, Request, ShopperNo,
};
use bespoke_engine::Engine;
use bespoke_sim::truth::{self, Moment};
use bespoke_sim::{Fact, Params, Product, Shop, Shopper, Stream};
use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;

/// Slots of a slate.
const SLOTS: u16 = 10;
/// Share of the days that come before the split.
const SPLIT: f64 = 0.8;
/// Every how many products one is held back until the split.
const NEW_EVERY: u32 = 20;
/// Viewable impressions within which new products are to have their share.
const IMPRESSIONS: f64 = 1_000.0;
/// Name of the peer's placement.
const PEER: &str = "peer_popular";

/// One line of the result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The situation.
    pub what: &'static str,
    /// Moments asked about.
    pub moments: u64,
    /// Expected purchases a slate, by the truth, of what the default placements show.
    pub ours: f64,
    /// The same of what is popular in the shop.
    pub popular: f64,
    /// The same of what is popular in the category of what was looked at or carted last.
    pub popular_in_category: f64,
    /// The same of the ten best by the truth, which nobody can know.
    pub best: f64,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seeded {
    /// The situations.
    pub compared: Vec<Compared>,
    /// Share of new products in the catalogue.
    pub new_share: f64,
    /// Their share of the first thousand viewable impressions, by kind of page.
    pub new_seen: Vec<(&'static str, f64)>,
}

/// Measures on the shop of `demo --shop simulated`.
///
/// # Errors
/// When the default placements cannot be read.
pub fn run(options: &SeededOptions) -> Result<Seeded, Error> {
    let shop = Shop::new(Params { seed: options.seed, ..Params::demo() });
    let mut bench = Bench::new(&shop, settings(options.placements.as_deref())?);
    Stream::new(&shop).for_each(|fact| bench.step(&fact));
    Ok(bench.result())
}

/// Situations in the order of the result.
const SITUATIONS: [&str; 4] = ["home", "product", "cart", "home, new after 3 clicks"];
/// Pages on which impressions of new products are counted, with their placements.
const PAGES: [(&str, PageType, &[&str]); 3] = [
    ("home", PageType::Home, &["home_hero", "home_trending", "home_new"]),
    (
        "product",
        PageType::Product,
        &["product_bundle", "product_related", "product_alternatives", "product_accessories"],
    ),
    ("category", PageType::Category, &["category_listing"]),
];

/// Moments, and what they add up to: ours, the peer's, the best.
#[derive(Clone, Copy, Default)]
struct Sums(u64, [f64; 4]);

struct Bench<'a> {
    shop: &'a Shop,
    engine: Engine,
    offset: Offset,
    split: Millis,
    is_split: bool,
    asked: u128,
    products: Vec<Product>,
    sums: [Sums; SITUATIONS.len()],
    seen: [(f64, f64); PAGES.len()],
    /// Products that each shopper first met after the split viewed.
    fresh: HashMap<u32, Vec<u32>>,
    met: HashMap<u32, u64>,
    carts: HashMap<u64, Vec<u32>>,
}

impl<'a> Bench<'a> {
    fn new(shop: &'a Shop, settings: Settings) -> Self {
        let days = (f64::from(shop.params.days) * SPLIT) as i64;
        let split = shop.params.start.plus(days * bespoke_domain::time::DAY_MS);
        let mut bench = Self {
            shop,
            engine: Engine::default(),
            offset: Offset(0),
            split,
            is_split: false,
            asked: 0,
            products: (0..shop.params.products).map(|no| shop.product(no)).collect(),
            sums: Default::default(),
            seen: Default::default(),
            fresh: HashMap::new(),
            met: HashMap::new(),
            carts: HashMap::new(),
        };
        bench.fold(shop.params.start, None, Body::Settings(Box::new(settings)));
        for no in (0..shop.params.products).filter(|no| !is_new(*no)) {
            bench.fold(shop.params.start, None, Body::Catalog(Box::new(shop.patch(no))));
        }
        bench
    }

    fn fold(&mut self, received: Millis, shopper: Option<ShopperNo>, body: Body) {
        self.offset = self.offset.next();
        self.engine.apply(self.offset, &Entry { received, shopper, body });
    }

    /// New products come into the catalogue.
    fn begin_test(&mut self) {
        self.is_split = true;
        for no in (0..self.shop.params.products).filter(|no| is_new(*no)) {
            let mut patch = self.shop.patch(no);
            patch.as_of = self.split;
            if let Some(content) = &mut patch.content {
                content.published_at = Some(self.split);
                content.rating = None;
            }
            self.fold(self.split, None, Body::Catalog(Box::new(patch)));
        }
    }

    fn step(&mut self, fact: &Fact) {
        let mut event = fact.event.clone();
        // The shop sends what the shopper allows with every event.
        let says = |said: Statement, (purpose, _)| said.with(purpose, event.consent.allows(purpose));
        event.statement = PURPOSES.into_iter().fold(Statement::default(), says);
        if event.time >= self.split && !self.is_split {
            self.begin_test();
        }
        if !self.is_split {
            event.items.retain(|item| !self.shop.product_with_id(&item.item_id).is_some_and(is_new));
        }
        let (time, kind, session) = (event.time, event.kind, event.session);
        let is_first = !self.met.contains_key(&fact.shopper);
        let is_new_visit = self.met.insert(fact.shopper, session) != Some(session);
        let own = event.items.first().and_then(|item| self.shop.product_with_id(&item.item_id));
        let may_be_known =
            event.consent.allows(Purpose::Analytics) && event.consent.allows(Purpose::Personalization);
        if event.consent.allows(Purpose::Analytics) {
            self.fold(time, Some(ShopperNo(fact.shopper)), Body::Event(Box::new(event)));
        }
        if !self.is_split || !may_be_known {
            return;
        }
        if is_first {
            self.fresh.insert(fact.shopper, Vec::new());
        }
        self.ask_about(fact, own, is_new_visit);
        if kind == EventKind::Purchase {
            self.carts.remove(&session);
        }
    }

    fn ask_about(&mut self, fact: &Fact, own: Option<u32>, is_new_visit: bool) {
        let shopper = Shopper::new(self.shop, fact.shopper);
        if is_new_visit && !self.fresh.contains_key(&fact.shopper) {
            self.compare(0, "home_hero", &shopper, fact, &[]);
            self.count_new(0, fact, None);
        }
        let Some(own) = own else { return };
        match fact.event.kind {
            EventKind::ViewItem => {
                self.compare(1, "product_related", &shopper, fact, &[own]);
                self.count_new(1, fact, Some(own));
                if let Some(views) = self.fresh.get_mut(&fact.shopper) {
                    views.push(own);
                    let views = views.clone();
                    if views.len() == 3 {
                        self.compare(3, "home_hero", &shopper, fact, &views);
                    }
                }
            }
            EventKind::ViewItemList => self.count_new(2, fact, Some(own)),
            EventKind::AddToCart => {
                let cart = self.carts.entry(fact.event.session).or_default();
                cart.push(own);
                let cart = cart.clone();
                self.compare(2, "cart_addons", &shopper, fact, &cart);
            }
            _ => {}
        }
    }

    /// Asks for a slate of ours and one of the peer, and adds up what each would sell.
    fn compare(&mut self, situation: usize, placement: &str, shopper: &Shopper, fact: &Fact, about: &[u32]) {
        let ids: Vec<String> = about.iter().map(|no| self.shop.id(*no)).collect();
        let mut request = self.request(placement, fact);
        match situation {
            1 => (request.page, request.items) = (PageType::Product, ids),
            2 => (request.page, request.cart) = (PageType::Cart, ids),
            _ => request.page = PageType::Home,
        }
        let about: Vec<Product> = about.iter().map(|no| self.products[*no as usize].clone()).collect();
        let has = if situation == 3 { Vec::new() } else { about.clone() };
        let moment = Moment { about, has };
        let ours = self.worth(&request, shopper, &moment);
        let peer = Request { placement: PEER.to_owned(), ..request };
        let category = moment.about.last().map(|one| self.shop.path(one.leaf));
        let in_category = self.worth(&Request { category, ..peer.clone() }, shopper, &moment);
        let popular = self.worth(&Request { items: Vec::new(), ..peer }, shopper, &moment);
        let best = self.best(shopper, &moment);
        let Sums(moments, sums) = &mut self.sums[situation];
        *moments += 1;
        sums.iter_mut().zip([ours, popular, in_category, best]).for_each(|(sum, more)| *sum += more);
    }

    /// What the ten best of the shop would sell.
    fn best(&self, shopper: &Shopper, moment: &Moment) -> f64 {
        let worth = |k, product| truth::bought_if_shown(self.shop, shopper, product, moment, k);
        let mut all: Vec<(f64, &Product)> = self.products.iter().map(|one| (worth(0, one), one)).collect();
        all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.no.cmp(&b.1.no)));
        let mut groups: Vec<(u32, u32)> = Vec::new();
        all.retain(|(_, one)| {
            let is_first = groups.len() < usize::from(SLOTS) && !groups.contains(&(one.leaf, one.group));
            if is_first {
                groups.push((one.leaf, one.group));
            }
            is_first
        });
        (0..).zip(all).map(|(k, (_, one))| worth(k, one)).sum()
    }

    fn request(&mut self, placement: &str, fact: &Fact) -> Request {
        self.asked += 1;
        Request {
            id: DecisionId(self.asked),
            now: fact.event.time,
            placement: placement.to_owned(),
            shopper: Some(ShopperNo(fact.shopper)),
            slots: SLOTS,
            ..Request::default()
        }
    }

    fn shown(&mut self, request: &Request) -> Vec<u32> {
        self.engine.publish();
        let live = self.engine.live();
        let (decision, snapshot) = (live.decide(request), live.snapshot());
        let id = |candidate| match candidate {
            Candidate::Product(no) => self.shop.product_with_id(snapshot.aggregates.catalog.id(no)),
            Candidate::Category(_) | Candidate::Content(_) => None,
        };
        decision.slate.iter().filter_map(|slot| id(slot.candidate)).collect()
    }

    fn worth(&mut self, request: &Request, shopper: &Shopper, moment: &Moment) -> f64 {
        let shown = self.shown(request);
        let bought = |(k, no): (u32, &u32)| {
            truth::bought_if_shown(self.shop, shopper, &self.products[*no as usize], moment, k)
        };
        (0..).zip(&shown).map(bought).sum()
    }

    /// Counts impressions that come into view, until there are a thousand.
    fn count_new(&mut self, page: usize, fact: &Fact, about: Option<u32>) {
        if self.seen[page].0 >= IMPRESSIONS {
            return;
        }
        let (_, kind, placements) = PAGES[page];
        let mut exclude = Vec::new();
        for placement in placements {
            let mut request =
                Request { page: kind, slots: 0, exclude: exclude.clone(), ..self.request(placement, fact) };
            match (kind, about) {
                (PageType::Product, Some(no)) => request.items = vec![self.shop.id(no)],
                (PageType::Category, Some(no)) => {
                    request.category = Some(self.shop.path(self.shop.leaf_of(no)))
                }
                _ => {}
            }
            let shown = self.shown(&request);
            for (k, no) in (0..).zip(&shown) {
                let viewable = truth::examination(k);
                let (all, new) = &mut self.seen[page];
                *all += viewable;
                *new += if is_new(*no) { viewable } else { 0.0 };
            }
            exclude.extend(shown.into_iter().map(|no| self.shop.id(no)));
        }
    }

    fn result(self) -> Seeded {
        let compared = SITUATIONS.into_iter().zip(self.sums).map(|(what, Sums(moments, sums))| {
            let [ours, popular, popular_in_category, best] = sums.map(|sum| sum / moments.max(1) as f64);
            Compared { what, moments, ours, popular, popular_in_category, best }
        });
        let share = |((name, ..), (all, new)): (&(&'static str, PageType, &[&str]), &(f64, f64))| {
            (*name, new / all.max(1.0))
        };
        Seeded {
            compared: compared.collect(),
            new_share: 1.0 / f64::from(NEW_EVERY),
            new_seen: PAGES.iter().zip(&self.seen).map(share).collect(),
        }
    }
}

fn is_new(no: u32) -> bool {
    no % NEW_EVERY == 7
}

/// The placements of a file, or the default ones, and the peer's.
pub(crate) fn settings(file: Option<&Path>) -> Result<Settings, Error> {
    let text = match file {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?
        }
        None => bespoke::placements::DEFAULT.to_owned(),
    };
    let mut settings = bespoke::placements::parse(&text)
        .map_err(|faults| Error::Bench(format!("placements: {faults:?}")))?;
    let usual = settings.placements.iter().find(|one| one.name == "home_trending").cloned();
    let usual = usual.ok_or_else(|| Error::Bench("there is no placement home_trending".to_owned()))?;
    let popular = SourceUse {
        source: "popular".to_owned(),
        weight: 1.0,
        limit: 500,
        items: Vec::new(),
        params: Vec::new(),
    };
    settings.placements.push(Placement { name: PEER.to_owned(), sources: vec![popular], ..usual });
    Ok(settings)
}
