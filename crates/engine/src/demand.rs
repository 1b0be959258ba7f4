//! What shoppers narrow results by: facets and their values, by the category that the results stand in and by all above it, so
//! that those who look for the same things say what is offered first. Facets in front are used more because they are in front:
//! uses are held against how often, and how far in front, each facet was offered.
//!
//! Only searches of shoppers who may be followed teach: without them a choice that stays through five pages would count five times.

use crate::catalog::Catalog;
use crate::queries::fold;
use bespoke_domain::search::{Choice, Search};
use bespoke_domain::time::SESSION_GAP_MS;
use bespoke_domain::{Candidate, CategoryNo, Decision, Millis, ProductNo, ShopperNo};
use bespoke_models::cow::CowVec;
use bespoke_models::decay::Decay;
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher as _};

/// Facets remembered of a category; the least offered gives way.
const FACETS_MAX: usize = 32;
/// Values remembered of a category, of all its facets; the least used gives way.
const VALUES_MAX: usize = 128;
/// Shoppers whose last search is remembered, the newest.
const FOLLOWED_MAX: usize = 50_000;
/// Results, the first, by which a search's category is told.
const LOOKED_AT: usize = 24;
/// Days after which a use counts half.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Uses whose weight has what is known of the category above: expected ones of facets, real ones of values.
const PRIOR_EXPECTED: f64 = 2.0;
const PRIOR_USED: f64 = 5.0;
/// How much less a facet is in front than the one before it, where nothing is known.
const STEP: f64 = 0.05;
/// How well every facet tells results apart at least.
const USEFUL_MIN: f64 = 0.05;

/// Numbers of the facets that are no attributes; those of attributes and brands are their tags.
const CATEGORY: u32 = u32::MAX;
const PRICE: u32 = u32::MAX - 1;
const RATING: u32 = u32::MAX - 2;

/// How much a facet at a place, from 0, is looked at: the discount of NDCG.
fn looked_at(place: usize) -> f64 {
    1.0 / libm::log2(place as f64 + 2.0)
}

/// A facet's number; `None` where the catalogue has no such attribute.
fn facet_no(catalog: &Catalog, name: &str) -> Option<u32> {
    match name {
        "category" => Some(CATEGORY),
        "price" => Some(PRICE),
        "rating" => Some(RATING),
        _ => catalog.tag(name, ""),
    }
}

/// What is known of a facet in a category; both decayed.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Facet {
    no: u32,
    /// Times offered, each as much as its place is looked at.
    offered: f64,
    used: f64,
}

/// What is known of a value of a facet.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Value {
    facet: u32,
    value: u32,
    used: f64,
}

/// What is known of a category's results.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Known {
    facets: Vec<Facet>,
    values: Vec<Value>,
}

impl Known {
    fn facet(&mut self, no: u32) -> &mut Facet {
        let at = self.facets.iter().position(|one| one.no == no).unwrap_or_else(|| {
            let new = Facet { no, offered: 0.0, used: 0.0 };
            if self.facets.len() < FACETS_MAX {
                self.facets.push(new);
                return self.facets.len() - 1;
            }
            let offered = |at: &usize| self.facets[*at].offered;
            let at = (0..FACETS_MAX).min_by(|a, b| offered(a).total_cmp(&offered(b))).unwrap_or(0);
            self.facets[at] = new;
            at
        });
        &mut self.facets[at]
    }

    fn value(&mut self, facet: u32, value: u32) -> &mut Value {
        let is_it = |one: &Value| (one.facet, one.value) == (facet, value);
        let at = self.values.iter().position(is_it).unwrap_or_else(|| {
            let new = Value { facet, value, used: 0.0 };
            if self.values.len() < VALUES_MAX {
                self.values.push(new);
                return self.values.len() - 1;
            }
            let used = |at: &usize| self.values[*at].used;
            let at = (0..VALUES_MAX).min_by(|a, b| used(a).total_cmp(&used(b))).unwrap_or(0);
            self.values[at] = new;
            at
        });
        &mut self.values[at]
    }

    fn shrink(&mut self, by: f64) {
        self.facets.iter_mut().for_each(|one| (one.offered, one.used) = (one.offered * by, one.used * by));
        self.values.iter_mut().for_each(|one| one.used *= by);
    }
}

/// A shopper's last search: what it asked, and what was chosen by then.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Last {
    time: Millis,
    asked: u64,
    chosen: Vec<u64>,
}

/// Shoppers by the time of their last search.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Following {
    last: BTreeMap<ShopperNo, Last>,
    order: VecDeque<(Millis, ShopperNo)>,
}

impl Following {
    /// Notes a search; gives what was chosen before in the same search.
    fn follow(&mut self, shopper: ShopperNo, last: Last) -> Vec<u64> {
        self.order.push_back((last.time, shopper));
        let (time, asked) = (last.time, last.asked);
        let before = self.last.insert(shopper, last);
        while self.order.len() > FOLLOWED_MAX
            && let Some((time, shopper)) = self.order.pop_front()
        {
            if self.last.get(&shopper).is_some_and(|last| last.time == time) {
                self.last.remove(&shopper);
            }
        }
        let is_same = |last: &Last| last.asked == asked && time.since(last.time) <= SESSION_GAP_MS;
        before.filter(is_same).map(|last| last.chosen).unwrap_or_default()
    }
}

/// What shoppers narrow results by, by category; the first is that of the whole shop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Demand {
    categories: CowVec<Known, 16>,
    decay: Decay,
    /// Only the fold reads it.
    following: Following,
}

impl Default for Demand {
    fn default() -> Self {
        Self {
            categories: CowVec::default(),
            decay: Decay::new(HALF_LIFE_DAYS),
            following: Following::default(),
        }
    }
}

/// The deepest category that at least half of these products stand in or below; that of the whole shop where there is none.
pub fn category_of(catalog: &Catalog, products: impl Iterator<Item = ProductNo>) -> CategoryNo {
    let (mut counts, mut all): (BTreeMap<CategoryNo, (usize, usize)>, usize) = (BTreeMap::new(), 0);
    for row in products.take(LOOKED_AT).filter_map(|product| catalog.row(product)) {
        all += 1;
        let up = catalog.categories_up(row.category);
        for (above, category) in up.iter().enumerate() {
            counts.entry(*category).or_insert((0, up.len() - above)).0 += 1;
        }
    }
    let half = counts.into_iter().filter(|(_, (count, _))| count * 2 >= all.max(1));
    half.max_by_key(|(category, (count, depth))| (*depth, *count, std::cmp::Reverse(*category)))
        .map(|(category, _)| category)
        .unwrap_or_default()
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    of.hash(&mut hasher);
    hasher.finish()
}

/// What is chosen: facets with a value each, ranges without one.
fn chosen(search: &Search) -> Vec<(String, Option<String>, u64)> {
    let mut all = Vec::new();
    for one in &search.refinements {
        let facet = one.facet.to_lowercase();
        match &one.choice {
            Choice::Values(values) => all.extend(values.iter().map(|value| {
                let value = value.to_lowercase();
                let hash = hash((&facet, &value));
                (facet.clone(), Some(value), hash)
            })),
            Choice::Range(from, to) => {
                let hash = hash((&facet, from.map(f64::to_bits), to.map(f64::to_bits)));
                all.push((facet, None, hash));
            }
        }
    }
    all
}

impl Demand {
    /// Folds a decision in that answers a search: what it offered, and what was chosen that was not before. `shopper` is the one it
    /// was for, under the number under which they are kept now.
    pub fn fold(&mut self, catalog: &Catalog, decision: &Decision, shopper: ShopperNo) {
        let request = &decision.request;
        let Some(search) = request.search.as_deref().filter(|one| one.from == 0) else { return };
        let offered = decision.met.as_ref().map_or(&[][..], |met| &met.facets);
        let (time, now) = (request.now, chosen(search));
        let asked = hash((fold(&search.text), &request.category));
        let hashes = now.iter().map(|(.., hash)| *hash).collect();
        let before = self.following.follow(shopper, Last { time, asked, chosen: hashes });
        let new: Vec<_> = now.into_iter().filter(|(.., hash)| !before.contains(hash)).collect();
        if offered.is_empty() && new.is_empty() {
            return;
        }
        let products = decision.slate.iter().filter_map(|slot| match slot.candidate {
            Candidate::Product(product) => Some(product),
            Candidate::Category(_) | Candidate::Content(_) => None,
        });
        let mut up = catalog.categories_up(category_of(catalog, products));
        up.retain(|category| category.0 != 0);
        up.push(CategoryNo(0));
        let weight = self.weight(time);
        self.categories.grow_to(catalog.category_count().max(1), &Known::default());
        for category in up {
            let Some(known) = self.categories.get_mut(category.index()) else { continue };
            for (place, name) in offered.iter().enumerate() {
                if let Some(no) = facet_no(catalog, name) {
                    known.facet(no).offered += weight * looked_at(place);
                }
            }
            for (facet, value, _) in &new {
                let Some(no) = facet_no(catalog, facet) else { continue };
                known.facet(no).used += weight;
                let value = value.as_deref().and_then(|value| match no {
                    CATEGORY => catalog.category(value).map(|category| category.0),
                    _ => catalog.tag(facet, value),
                });
                if let Some(value) = value {
                    known.value(no, value).used += weight;
                }
            }
        }
    }

    fn weight(&mut self, time: Millis) -> f64 {
        let Self { decay, categories, .. } = self;
        decay.weight(time, |by| {
            for at in 0..categories.len() {
                if let Some(known) = categories.get_mut(at) {
                    known.shrink(by);
                }
            }
        })
    }

    /// Forgets a shopper's last search.
    pub fn forget(&mut self, shopper: ShopperNo) {
        self.following.last.remove(&shopper);
    }

    /// The copy a snapshot keeps: without what only the fold needs.
    pub fn freeze(&mut self) -> Self {
        let following = std::mem::take(&mut self.following);
        let frozen = self.clone();
        self.following = following;
        frozen
    }

    /// What is wanted of results in a category, as of `now`.
    pub fn of<'a>(&'a self, catalog: &'a Catalog, category: CategoryNo, now: Millis) -> Wanted<'a> {
        let mut up = catalog.categories_up(category);
        up.retain(|category| category.0 != 0);
        up.push(CategoryNo(0));
        let known = up.into_iter().rev().filter_map(|category| self.categories.get(category.index()));
        let whole = self.categories.get(0).map_or(&[][..], |known| &known.facets);
        let sum = |of: fn(&Facet) -> f64| whole.iter().map(of).sum::<f64>();
        let (offered, used) = (sum(|one| one.offered), sum(|one| one.used));
        let usual = if offered > 0.0 { used / offered } else { 0.0 };
        Wanted { catalog, known: known.collect(), scale: self.decay.at(now), usual }
    }
}

/// What is wanted of the results of one search.
pub struct Wanted<'a> {
    catalog: &'a Catalog,
    /// From the whole shop down to the category.
    known: Vec<&'a Known>,
    scale: f64,
    /// Uses of any facet in the shop, each time that it is offered in front.
    usual: f64,
}

impl Wanted<'_> {
    /// How much a facet should be in front: how often it is used for where it was offered (uses over expected uses, 1 is usual), times
    /// how well it tells the results apart (`useful`, 0 to 1). What is known of a category is held against what is known of those
    /// above it; where nothing is known facets come in the order of their `place`, from 0.
    pub fn facet(&self, name: &str, useful: f64, place: usize) -> f64 {
        let guess = 1.0 / (1.0 + STEP * place as f64);
        let Some(no) = facet_no(self.catalog, name) else { return guess };
        let useful = useful.max(USEFUL_MIN);
        let mut lift = guess / useful;
        for known in &self.known {
            if let Some(one) = known.facets.iter().find(|one| one.no == no) {
                let expected = one.offered * self.scale * self.usual;
                lift = (one.used * self.scale + PRIOR_EXPECTED * lift) / (expected + PRIOR_EXPECTED);
            }
        }
        lift * useful
    }

    /// Shares of a facet's values among its uses, by number, and what share of the weight the values' own counts keep: the share of a
    /// value is `shares[value] + kept * its share of the counts`.
    pub fn values(&self, name: &str) -> (BTreeMap<u32, f64>, f64) {
        let (mut shares, mut kept): (BTreeMap<u32, f64>, f64) = (BTreeMap::new(), 1.0);
        let Some(no) = facet_no(self.catalog, name) else { return (shares, kept) };
        for known in &self.known {
            let own = || known.values.iter().filter(|one| one.facet == no);
            let all = own().map(|one| one.used * self.scale).sum::<f64>() + PRIOR_USED;
            shares.values_mut().for_each(|share| *share *= PRIOR_USED / all);
            kept *= PRIOR_USED / all;
            for one in own() {
                *shares.entry(one.value).or_default() += one.used * self.scale / all;
            }
        }
        (shares, kept)
    }
}
