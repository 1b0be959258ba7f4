//! A day that goes on: what is counted of it, and what that comes to when it is over.

use super::judge::Evidence;
use super::table::Watched;
use super::{Day, Key};
use crate::catalog::Catalog;
use crate::features::{self, wide};
use crate::kpis::table::Count;
use crate::kpis::{Kpis, Part, SEGMENTS, Tally};
use crate::source::SOURCES;
use bespoke_domain::event::KINDS;
use bespoke_domain::product::Content;
use bespoke_domain::{Event, EventKind, Millis, ProductNo, ProductPatch, Settings, ShopperNo};
use bespoke_models::statistics::drift::Foreseen;
use bespoke_models::statistics::spread::{entropy, gini};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Quarters of an octave by which prices are told apart: from 2⁻⁸ to 2¹⁶ of the currency's main unit.
const PRICE_BINS: usize = 96;
/// Bins of what a ranker is told, the middle one of what is missing.
const FEATURE_BINS: usize = 49;
/// Half octaves of probabilities, from 1 down.
const CHANCE_BINS: usize = 24;
/// Placements that are told apart on one day, and features of one.
const PLACEMENTS_MAX: usize = 200;
const FEATURE_SETS_MAX: usize = 20;
/// Shoppers whose categories are counted on one day.
const SHOPPERS_MAX: usize = 20_000;
/// Fewest slots of a shopper whose categories say anything.
const SLOTS_MIN: u64 = 12;
/// Brands that are looked at, those with most products.
const BRANDS_MAX: usize = 20;
/// Slots of which different products are expected.
const SAMPLE: f64 = 1_000.0;

/// Whether a row of the feed lacks a field.
type OfRow = (&'static str, fn(&Content) -> bool);

/// Fields of the feed.
const FEED_FIELDS: [OfRow; 6] = [
    ("title", |row| row.title.is_empty()),
    ("description", |row| row.description.is_empty()),
    ("image_link", |row| row.image_link.is_empty()),
    ("brand", |row| row.brand.is_empty()),
    ("category", |row| row.categories.is_empty()),
    ("cost_of_goods_sold", |row| row.cost.is_none()),
];

/// How many of an event lack a field, and how many should have it.
type OfEvent = (&'static str, fn(&Event) -> (u64, u64));

/// Fields of events.
const EVENT_FIELDS: [OfEvent; 4] = [
    ("session_id", |event| (u64::from(event.session == 0), 1)),
    ("price", |event| match event.kind {
        EventKind::AddToCart | EventKind::Purchase => {
            let missing = event.items.iter().filter(|item| item.price_minor.is_none());
            (missing.count() as u64, event.items.len() as u64)
        }
        _ => (0, 0),
    }),
    ("transaction_id", |event| {
        let has_id = event.details.as_deref().is_some_and(|details| details.transaction_id.is_some());
        if event.kind == EventKind::Purchase { (u64::from(!has_id), 1) } else { (0, 0) }
    }),
    ("search_term", |event| {
        let has_term = event.details.as_deref().is_some_and(|details| details.search_term.is_some());
        if event.kind == EventKind::Search { (u64::from(!has_term), 1) } else { (0, 0) }
    }),
];

/// Cases that count, and all.
type Cases = (u64, u64);

fn add(cases: &mut Cases, (hits, of): Cases) {
    *cases = (cases.0 + hits, cases.1 + of);
}

/// What is counted of a day.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Open {
    kinds: Vec<u64>,
    prices_shown: Vec<u64>,
    prices_ordered: Vec<u64>,
    feed: [Cases; FEED_FIELDS.len()],
    fields: [Cases; EVENT_FIELDS.len()],
    /// Items of events that the catalogue does not have.
    unknown: Cases,
    searches: Cases,
    fallbacks: BTreeMap<String, Cases>,
    shown: BTreeMap<ProductNo, u32>,
    /// By the number of the list of features.
    features: BTreeMap<u32, Vec<Vec<u64>>>,
    foreseen: BTreeMap<String, Vec<Foreseen>>,
    /// Slots of each shopper by category.
    tastes: BTreeMap<ShopperNo, BTreeMap<u32, u64>>,
    repeated: Cases,
    /// Slots of personal slates, and the distances of their reasons: sum and sum of squares.
    distances: (u64, u64, u64),
}

fn bump(counts: &mut Vec<u64>, len: usize, at: usize) {
    counts.resize(len, 0);
    if let Some(count) = counts.get_mut(at) {
        *count += 1;
    }
}

fn price_bin(octave: f64) -> usize {
    ((octave + 8.0) * 4.0).clamp(0.0, (PRICE_BINS - 1) as f64) as usize
}

fn feature_bin(half: u16) -> usize {
    let (value, middle) = (f64::from(wide(half)), (FEATURE_BINS / 2) as f64);
    if value.is_nan() {
        return FEATURE_BINS / 2;
    }
    let size = 1.0 + (libm::log2(1.0 + 16.0 * value.abs()) * 1.5).min(middle - 1.0).floor();
    if value < 0.0 { (middle - size) as usize } else { (middle + size) as usize }
}

fn chance_bin(chance: f64) -> usize {
    (-2.0 * libm::log2(chance.max(1e-9))).clamp(0.0, (CHANCE_BINS - 1) as f64) as usize
}

impl Open {
    /// Counts an event.
    pub fn event(&mut self, event: &Event, catalog: &Catalog, products: &[ProductNo]) {
        bump(&mut self.kinds, KINDS.len(), event.kind as usize);
        for (cases, (_, missing)) in self.fields.iter_mut().zip(EVENT_FIELDS) {
            add(cases, missing(event));
        }
        let unknown = products.iter().filter(|product| catalog.content_as_of(**product).is_none());
        add(&mut self.unknown, (unknown.count() as u64, products.len() as u64));
        if event.kind != EventKind::Purchase {
            return;
        }
        let unit = event.currency.map_or(100.0, |currency| f64::from(10_u32.pow(currency.exponent())));
        for minor in event.items.iter().filter_map(|item| item.price_minor).filter(|minor| *minor > 0) {
            bump(&mut self.prices_ordered, PRICE_BINS, price_bin(libm::log2(minor as f64 / unit)));
        }
    }

    /// Counts a row of the feed.
    pub fn patch(&mut self, patch: &ProductPatch) {
        let Some(content) = &patch.content else { return };
        for (cases, (_, is_missing)) in self.feed.iter_mut().zip(FEED_FIELDS) {
            add(cases, (u64::from(is_missing(content)), 1));
        }
    }

    /// Counts a search.
    pub fn search(&mut self, finds_nothing: bool) {
        add(&mut self.searches, (u64::from(finds_nothing), 1));
    }

    /// Counts what became of a decision.
    pub fn decision(&mut self, placement: &str, is_fallback: bool) {
        let case = (u64::from(is_fallback), 1);
        if let Some(cases) = self.fallbacks.get_mut(placement) {
            add(cases, case);
        } else if self.fallbacks.len() < PLACEMENTS_MAX {
            self.fallbacks.insert(placement.to_owned(), case);
        }
    }

    /// Counts a product that is shown.
    pub fn slot(&mut self, product: ProductNo, catalog: &Catalog) {
        let count = self.shown.entry(product).or_default();
        *count = count.saturating_add(1);
        let octave = catalog.row(product).map_or(f32::NAN, |row| row.octave);
        if !octave.is_nan() {
            bump(&mut self.prices_shown, PRICE_BINS, price_bin(f64::from(octave)));
        }
    }

    /// Counts what a ranker was told of a product.
    pub fn features(&mut self, set: u32, features: &[u16]) {
        if features.is_empty() || self.features.len() >= FEATURE_SETS_MAX && !self.features.contains_key(&set)
        {
            return;
        }
        let lists = self.features.entry(set).or_default();
        lists.resize_with(features.len().max(lists.len()), Vec::new);
        for (counts, half) in lists.iter_mut().zip(features) {
            bump(counts, FEATURE_BINS, feature_bin(*half));
        }
    }

    /// Counts a product in view of which a click was foreseen.
    pub fn foreseen(&mut self, placement: &str, chance: f32) {
        self.chance(placement, chance, |bin| {
            bin.cases += 1;
            bin.expected += f64::from(chance);
        });
    }

    /// Counts the click.
    pub fn clicked(&mut self, placement: &str, chance: f32) {
        self.chance(placement, chance, |bin| bin.happened += 1);
    }

    fn chance(&mut self, placement: &str, chance: f32, change: impl FnOnce(&mut Foreseen)) {
        if !self.foreseen.contains_key(placement) {
            if self.foreseen.len() >= PLACEMENTS_MAX {
                return;
            }
            self.foreseen.insert(placement.to_owned(), vec![Foreseen::default(); CHANCE_BINS]);
        }
        let bins = self.foreseen.get_mut(placement);
        if let Some(bin) = bins.and_then(|bins| bins.get_mut(chance_bin(f64::from(chance)))) {
            change(bin);
        }
    }

    /// Counts the categories of a personal slate.
    pub fn tastes(&mut self, shopper: ShopperNo, categories: impl Iterator<Item = u32>) {
        if self.tastes.len() >= SHOPPERS_MAX && !self.tastes.contains_key(&shopper) {
            return;
        }
        let held = self.tastes.entry(shopper).or_default();
        categories.for_each(|category| *held.entry(category).or_default() += 1);
    }

    /// Counts the slots of a personal slate, and those with what the shopper was shown lately.
    pub fn repeated(&mut self, again: u64, slots: u64) {
        add(&mut self.repeated, (again, slots));
    }

    /// Forgets a shopper.
    pub fn forget(&mut self, shopper: ShopperNo) {
        self.tastes.remove(&shopper);
    }

    /// Counts how much more personal a reason is than it is expected to be.
    pub fn distance(&mut self, distance: u8) {
        let distance = u64::from(distance);
        let (slots, sum, squares) = self.distances;
        self.distances = (slots + 1, sum + distance, squares + distance * distance);
    }

    /// What the day comes to.
    pub fn close(self, (day, now): (u16, Millis), shop: (&Catalog, &Kpis, &Settings)) -> Day {
        let mut all = Closing::default();
        all.put(Watched::EventMix, "", Evidence::Kinds(self.kinds));
        all.put(Watched::PriceShown, "", Evidence::Numbers(self.prices_shown));
        all.put(Watched::PriceOrdered, "", Evidence::Numbers(self.prices_ordered));
        for (cases, (field, _)) in self.feed.iter().zip(FEED_FIELDS) {
            all.share(Watched::MissingInFeed, field, *cases);
        }
        for (cases, (field, _)) in self.fields.iter().zip(EVENT_FIELDS) {
            all.share(Watched::MissingInEvents, field, *cases);
        }
        all.share(Watched::MissingInEvents, "product", self.unknown);
        all.share(Watched::NoResults, "", self.searches);
        self.fallbacks.iter().for_each(|(placement, cases)| all.share(Watched::Fallbacks, placement, *cases));
        all.features(self.features, shop.2);
        for (placement, bins) in self.foreseen {
            all.put(Watched::Calibration, &placement, Evidence::Foreseen(bins));
        }
        all.quality(day, shop.1);
        all.spread(&self.shown, shop.0, now);
        all.tastes(&self.tastes);
        all.share(Watched::Repetition, "", self.repeated);
        let (cases, sum, squares) = self.distances;
        let mean = Evidence::Mean { cases, sum: sum as f64, squares: squares as f64 };
        all.put(Watched::ReasonDistance, "", mean);
        all.0
    }
}

/// What a day comes to, as far as it is added up.
#[derive(Default)]
struct Closing(Day);

impl Closing {
    fn put(&mut self, watch: Watched, of: &str, evidence: Evidence) {
        if evidence.cases() > 0 {
            self.0.insert(Key { watch, of: of.into() }, evidence);
        }
    }

    fn share(&mut self, watch: Watched, of: &str, (hits, of_all): Cases) {
        self.put(watch, of, Evidence::Share { hits, of: of_all });
    }

    /// Features under their names, of the placements that are set now.
    fn features(&mut self, mut features: BTreeMap<u32, Vec<Vec<u64>>>, settings: &Settings) {
        for placement in settings.placements.iter().filter(|one| one.objective.is_some()) {
            let spec = |name: &str| SOURCES.iter().copied().find(|spec| spec.name == name);
            let sources = placement.sources.iter().filter_map(|used| spec(&used.source));
            let names = features::names(placement, sources);
            let Some(lists) = features.remove(&features::set(&names)) else { continue };
            for (name, counts) in names.iter().zip(lists) {
                let of = format!("{} {name}", placement.name);
                self.put(Watched::Features, &of, Evidence::Numbers(counts));
            }
        }
    }

    /// Rates that are KPIs.
    fn quality(&mut self, day: u16, kpis: &Kpis) {
        let Some((_, held)) = kpis.days(day, day).next() else { return };
        for (part, tally) in held {
            let of = match part {
                Part::Whole => String::new(),
                Part::Placement(name) => kpis.name(*name).to_owned(),
                Part::Segment(segment) => {
                    format!("segment {}", SEGMENTS.get(usize::from(*segment)).copied().unwrap_or_default())
                }
                _ => continue,
            };
            self.share(Watched::ClickRate, &of, rate(tally, Count::Clicks, Count::Lists));
            if *part == Part::Whole {
                self.share(Watched::Conversion, "", rate(tally, Count::Orders, Count::Visits));
            }
        }
    }

    /// How evenly what is shown is spread over products and brands.
    fn spread(&mut self, shown: &BTreeMap<ProductNo, u32>, catalog: &Catalog, now: Millis) {
        let slots: u64 = shown.values().map(|count| u64::from(*count)).sum();
        let mut brands: BTreeMap<u32, Cases> = BTreeMap::new();
        let mut available = 0_u64;
        let mut counts: Vec<u64> = shown.values().map(|count| u64::from(*count)).collect();
        for (product, row) in catalog.rows() {
            let is_available = row.is_available(now);
            let count = shown.get(&product).copied();
            if is_available && count.is_none() {
                counts.push(0);
            }
            available += u64::from(is_available);
            if row.brand.index() > 0 && (is_available || count.is_some()) {
                let count = u64::from(count.unwrap_or_default());
                add(brands.entry(row.brand.0).or_default(), (count, u64::from(is_available)));
            }
        }
        if slots == 0 || available == 0 {
            return;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let top = counts.iter().take((available as usize).div_ceil(100)).sum();
        self.share(Watched::TopShare, "", (top, slots));
        self.put(Watched::Gini, "", Evidence::Figure { cases: slots, value: gini(&counts) });
        // Hurlbert 1971, with replacement: a product with the share p is among the sample with 1 − (1 − p)^sample.
        let drawn = |count: &u64| -libm::expm1(SAMPLE * libm::log1p(-(*count as f64 / slots as f64)));
        let different = counts.iter().filter(|count| **count > 0).map(drawn).sum();
        self.put(Watched::Coverage, "", Evidence::Figure { cases: slots, value: different });
        let mut brands: Vec<(u32, Cases)> =
            brands.into_iter().filter(|(_, (_, supply))| *supply > 0).collect();
        brands.sort_by_key(|(brand, (_, supply))| (std::cmp::Reverse(*supply), *brand));
        for (brand, (shown, supply)) in brands.into_iter().take(BRANDS_MAX) {
            let supply = supply as f64 / available as f64;
            let name = catalog.brand(bespoke_domain::id::BrandNo(brand));
            self.put(Watched::Exposure, name, Evidence::Exposure { shown, slots, supply });
        }
    }

    fn tastes(&mut self, tastes: &BTreeMap<ShopperNo, BTreeMap<u32, u64>>) {
        let (mut cases, mut sum, mut squares) = (0, 0.0, 0.0);
        for counts in tastes.values().filter(|counts| counts.values().sum::<u64>() >= SLOTS_MIN) {
            let bits = entropy(&counts.values().copied().collect::<Vec<_>>());
            cases += 1;
            sum += bits;
            squares += bits * bits;
        }
        self.put(Watched::CategoryEntropy, "", Evidence::Mean { cases, sum, squares });
    }
}

fn rate(tally: &Tally, of: Count, over: Count) -> Cases {
    (tally[of as usize].max(0) as u64, tally[over as usize].max(0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::narrow;

    #[test]
    fn bins_keep_their_order_and_what_is_missing_apart() {
        let bins = [-1e9_f32, -3.0, -0.01, 0.0, 0.2, 5.0, 1e9].map(|value| feature_bin(narrow(value)));
        assert!(bins.windows(2).all(|pair| pair[0] <= pair[1]), "{bins:?}");
        let missing = feature_bin(narrow(f32::NAN));
        assert!(!bins.contains(&missing) && bins.iter().all(|bin| *bin < FEATURE_BINS), "{bins:?} {missing}");
        assert_eq!([0.5, 4.0, 1e-9, 1e9].map(|price| price_bin(libm::log2(price))), [28, 40, 0, 95]);
        assert_eq!([1.0, 0.5, 0.01, 0.0].map(chance_bin), [0, 2, 13, 23]);
    }
}
