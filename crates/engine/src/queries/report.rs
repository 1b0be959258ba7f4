//! What a merchant looks at: queries that find nothing, queries that find the wrong things, and words that may mean the same.
//! Only queries that [`Query::is_common`] are in it.

use super::{Next, Queries, Query};
use bespoke_domain::settings::Synonym;
use bespoke_domain::{Millis, ProductNo};
use std::collections::BTreeMap;

/// Fewest searches of which a share says something.
pub const FOLLOWED_MIN: u32 = 20;
/// A query is poor whose share of searches with a click is below this part of the shop's.
const CLICKED_PART: f64 = 0.5;
/// A query is poor of whose clicks so many are far down, at the tenth product or later.
const FAR_SHARE: f64 = 0.5;
/// Fewest times with a click that one query was asked instead of another.
const INSTEAD_CLICKED_MIN: u32 = 2;
/// Least cosine of what two queries lead to.
const ALIKE_MIN: f64 = 0.5;
/// Least of clicks, carts and purchases of a query that is compared, see [`super::Found::weight`].
const WEIGHT_MIN: f32 = 5.0;
/// Queries that are compared, the most asked; and queries of one product, beyond which it tells nothing.
const COMPARED_MAX: usize = 5_000;
const PER_PRODUCT_MAX: usize = 100;

/// A query that finds the wrong things.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Poor<'a> {
    /// The query.
    pub query: &'a Query,
    /// Share of its searches with a click.
    pub clicked: f64,
    /// Share of its clicks at the tenth product or later.
    pub far: f64,
}

/// Words that may mean the same, for review.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Alike<'a> {
    /// A query.
    pub one: &'a Query,
    /// Another.
    pub other: &'a Query,
    /// How often the other was asked instead, and how often something was clicked then.
    pub instead: (u32, u32),
    /// By how many different shoppers at least, see [`super::crowd::Crowd::count`].
    pub shoppers: u32,
    /// Cosine of what they lead to: clicks, carts and purchases by product.
    pub cosine: f64,
}

/// What speaks for two queries meaning the same.
#[derive(Default)]
struct Pair {
    instead: (u32, u32),
    shoppers: u32,
    cosine: f64,
}

impl Pair {
    /// Adds that one is asked instead of the other; who does so both ways round counts once.
    fn add(&mut self, next: &Next) {
        self.instead =
            (self.instead.0.saturating_add(next.times), self.instead.1.saturating_add(next.clicked));
        self.shoppers = self.shoppers.max(next.shoppers.count());
    }
}

impl Next {
    /// Whether so many different shoppers asked it instead, and clicked something then, that the two may mean the same.
    fn is_candidate(&self) -> bool {
        self.clicked >= INSTEAD_CLICKED_MIN && self.shoppers.is_enough()
    }
}

impl Queries {
    /// Those whose last search found nothing, the most asked first.
    pub fn without_results(&self, now: Millis, limit: usize) -> Vec<&Query> {
        let found = self.common().map(|(_, query)| query).filter(|query| query.results == Some(0));
        let mut found: Vec<&Query> = found.collect();
        self.sort(&mut found, now);
        found.truncate(limit);
        found
    }

    /// Those that find something and are clicked little or far down; first where most clicks are missed.
    pub fn poor(&self, now: Millis, limit: usize) -> Vec<Poor<'_>> {
        let asked = || self.common().map(|(_, query)| query).filter(|query| query.followed >= FOLLOWED_MIN);
        let sum = |count: fn(&Query) -> u32| asked().map(|query| f64::from(count(query))).sum::<f64>();
        let usual = sum(|query| query.clicked) / sum(|query| query.followed).max(1.0);
        let judge = |query| {
            let far: u32 = Query::far(query);
            let (clicks, followed) = (query.positions.iter().sum::<u32>(), f64::from(query.followed));
            let poor = Poor {
                query,
                clicked: f64::from(query.clicked) / followed,
                far: f64::from(far) / f64::from(clicks.max(1)),
            };
            let is_far = clicks >= FOLLOWED_MIN / 2 && poor.far >= FAR_SHARE;
            (poor.clicked < CLICKED_PART * usual || is_far).then_some(poor)
        };
        let mut poor: Vec<Poor<'_>> =
            asked().filter(|query| query.results != Some(0)).filter_map(judge).collect();
        let missed =
            |one: &Poor<'_>| self.popularity(one.query, now) * (usual - one.clicked).max(0.1 * usual);
        poor.sort_by(|a, b| missed(b).total_cmp(&missed(a)).then_with(|| a.query.key.cmp(&b.query.key)));
        poor.truncate(limit);
        poor
    }

    /// Words that may mean the same: one is asked instead of the other, by enough different shoppers, and leads to a click, or both lead
    /// to the same products. What is set already is left out, and what only says more ("mug", "red mug").
    pub fn alike(&self, known: &[Synonym], now: Millis, limit: usize) -> Vec<Alike<'_>> {
        let mut pairs: BTreeMap<(u32, u32), Pair> = self.same_products(now);
        for (no, query) in self.common() {
            for next in query.next.iter().filter(|next| next.is_candidate()) {
                let other = self.number(&next.key);
                let other = other.filter(|no| self.get(*no).is_some_and(Query::is_common));
                if let Some(other) = other {
                    pairs.entry((no, other)).or_default().add(next);
                }
            }
        }
        let alike = pairs.into_iter().filter_map(|((one, other), pair)| {
            let Pair { instead, shoppers, cosine } = pair;
            Some(Alike { one: self.get(one)?, other: self.get(other)?, instead, shoppers, cosine })
        });
        let mut alike: Vec<Alike<'_>> = alike.filter(|pair| is_new(pair.one, pair.other, known)).collect();
        let worth = |pair: &Alike<'_>| {
            f64::from(pair.instead.1)
                + pair.cosine * self.popularity(pair.one, now).min(self.popularity(pair.other, now))
        };
        alike.sort_by(|a, b| {
            let names = (&a.one.key, &a.other.key).cmp(&(&b.one.key, &b.other.key));
            worth(b).total_cmp(&worth(a)).then(names)
        });
        alike.truncate(limit);
        alike
    }

    /// Pairs of queries that lead to the same products.
    fn same_products(&self, now: Millis) -> BTreeMap<(u32, u32), Pair> {
        let weight = |query: &Query| query.found.iter().map(super::Found::weight).sum::<f32>();
        let mut asked: Vec<(f64, u32)> = self
            .common()
            .filter(|(_, query)| weight(query) >= WEIGHT_MIN)
            .map(|(no, query)| (self.popularity(query, now), no))
            .collect();
        asked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        asked.truncate(COMPARED_MAX);
        let mut by_product: BTreeMap<ProductNo, Vec<(u32, f64)>> = BTreeMap::new();
        for query in asked.iter().filter_map(|(_, no)| Some((*no, self.get(*no)?))) {
            let (no, query) = query;
            let squares: f64 = query.found.iter().map(|one| f64::from(one.weight()).powi(2)).sum();
            for one in &query.found {
                let share = f64::from(one.weight()) / squares.sqrt().max(f64::MIN_POSITIVE);
                by_product.entry(one.product).or_default().push((no, share));
            }
        }
        let mut pairs: BTreeMap<(u32, u32), Pair> = BTreeMap::new();
        for list in by_product.values().filter(|list| list.len() <= PER_PRODUCT_MAX) {
            for (at, (one, a)) in list.iter().enumerate() {
                for (other, b) in &list[at + 1..] {
                    pairs.entry((*one.min(other), *one.max(other))).or_default().cosine += a * b;
                }
            }
        }
        pairs.retain(|_, pair| pair.cosine >= ALIKE_MIN);
        pairs
    }

    fn sort(&self, queries: &mut [&Query], now: Millis) {
        let score = |query: &Query| self.popularity(query, now);
        queries.sort_by(|a, b| score(b).total_cmp(&score(a)).then_with(|| a.key.cmp(&b.key)));
    }
}

impl Query {
    /// Clicks at the tenth product or later.
    pub fn far(&self) -> u32 {
        self.positions.last().copied().unwrap_or_default()
    }
}

/// Whether neither says only more than the other, and the two are not set already.
fn is_new(one: &Query, other: &Query, known: &[Synonym]) -> bool {
    let words = |query: &Query| -> Vec<String> { query.key.split(' ').map(str::to_owned).collect() };
    let (a, b) = (words(one), words(other));
    let within = |few: &[String], many: &[String]| few.iter().all(|word| many.contains(word));
    let names = |list: &[String], query: &Query| {
        list.iter().any(|phrase| super::fold(phrase).as_deref() == Some(&query.key))
    };
    let is_set = |synonym: &Synonym| {
        let says = |query| names(&synonym.from, query) || names(&synonym.to, query);
        says(one) && says(other)
    };
    !within(&a, &b) && !within(&b, &a) && !known.iter().any(is_set)
}
