//! Full ranking of the next order: of every product, repeats included, and of those that the shopper never bought. Recall,
//! binary NDCG (ideal within the cut-off) and hit rate, means over the shoppers with something to find.

use super::data::Fold;
use crate::topn::THREADS;
use bespoke_domain::ProductNo;
use bespoke_models::metrics::{ndcg, recall};
use bespoke_models::orders::FromOrders;
use bespoke_models::parts;
use bespoke_models::recommender::{Ask, Scores};
use serde::Serialize;

/// Means over shoppers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Measures {
    /// Share of the right answers that is within the cut-off.
    pub recall: f64,
    /// Discounted gain over that of an ideal ranking.
    pub ndcg: f64,
    /// Share of shoppers with a right answer within the cut-off.
    pub hit: f64,
    /// How many.
    pub shoppers: usize,
}

/// Of all products, and of those that are new to the shopper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Both {
    /// Nothing removed.
    pub all: Measures,
    /// What the shopper bought before removed from the ranking and from the order.
    pub new: Measures,
}

impl Both {
    /// What tuning makes large.
    pub fn score(&self) -> f64 {
        self.all.recall + self.all.ndcg + self.new.recall + self.new.ndcg
    }
}

impl Measures {
    fn add(&mut self, ranked: &[(f32, ProductNo)], right: &[ProductNo], cutoff: usize) {
        let ranked: Vec<_> = ranked.iter().map(|one| one.1).collect();
        let found = recall(&ranked, right, cutoff);
        self.recall += found;
        self.ndcg += ndcg(&ranked, right, cutoff);
        self.hit += if found > 0.0 { 1.0 } else { 0.0 };
        self.shoppers += 1;
    }

    fn sum(self, other: Self) -> Self {
        Self {
            recall: self.recall + other.recall,
            ndcg: self.ndcg + other.ndcg,
            hit: self.hit + other.hit,
            shoppers: self.shoppers + other.shoppers,
        }
    }

    fn mean(self) -> Self {
        let count = self.shoppers.max(1) as f64;
        Self { recall: self.recall / count, ndcg: self.ndcg / count, hit: self.hit / count, ..self }
    }
}

/// Shoppers of one part of the sums; fixed, so that they are added in the same order whatever the threads.
const PART: usize = 128;

/// How well `fitted` ranks the next orders of the fold.
pub fn measure(fitted: &dyn FromOrders, fold: &Fold, cutoff: usize) -> Both {
    let pairs = fold.orders.shoppers().iter().zip(&fold.next);
    let shoppers: Vec<_> = pairs.filter_map(|(orders, next)| Some((orders, next.as_ref()?))).collect();
    let parts = parts::map(shoppers.len().div_ceil(PART), THREADS, |part| {
        let mut scratch = Scores::default();
        let mut both = Both::default();
        for &(orders, right) in shoppers.iter().skip(part * PART).take(PART) {
            let history = fitted.history(orders);
            let bought: Vec<_> = orders.iter().flatten().copied().collect();
            let new: Vec<_> = right.iter().copied().filter(|one| !bought.contains(one)).collect();
            let mut ask = Ask { history: &history, excluded: &[], limit: cutoff };
            both.all.add(&fitted.recommend(&ask, &mut scratch), right, cutoff);
            if !new.is_empty() {
                ask.excluded = &bought;
                both.new.add(&fitted.recommend(&ask, &mut scratch), &new, cutoff);
            }
        }
        both
    });
    let sums = parts
        .into_iter()
        .fold(Both::default(), |sum, part| Both { all: sum.all.sum(part.all), new: sum.new.sum(part.new) });
    Both { all: sums.all.mean(), new: sums.new.mean() }
}
