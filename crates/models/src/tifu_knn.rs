//! Own habits and those of the shoppers most alike. For whom: shops where people buy the same things again; what they will
//! reorder, and what others like them do, in one list.
//!
//! `s(i) = own · u(i) + (1 − own) · Σ_v sim(u,v)^power · v(i) / Σ_v sim(u,v)^power` over the k shoppers v of the greatest cosine
//! `sim`: TIFU-kNN (Hu, He, Gao, Zhang 2020, "Modeling personalized item frequency information for next-basket recommendation")
//! with u from [`crate::orders::Decay`]; there the angle is a distance and power is nought.
//!
//! The search adds up the postings of the shopper's products, each at most `postings_max` long, so that it costs at most
//! `products_max · postings_max` additions whatever the number of shoppers. Where a product's list is cut, the shoppers stay for
//! whom it matters most.

use crate::interactions::Interactions;
use crate::orders::{Decay, FromOrders, Order, Orders};
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use serde::{Deserialize, Serialize};

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TifuKnnParams {
    /// How orders become weights.
    pub decay: Decay,
    /// k: shoppers that are looked at.
    pub neighbours: u32,
    /// Power of the cosine that a neighbour counts by.
    pub power: f32,
    /// Share of the own habits, 0 to 1.
    pub own: f32,
    /// Most products that a shopper is kept and asked with, the greatest weights first.
    pub products_max: u32,
    /// Most shoppers that a product leads to.
    pub postings_max: u32,
}

impl Default for TifuKnnParams {
    fn default() -> Self {
        Self {
            decay: Decay::default(),
            neighbours: 300,
            power: 2.0,
            own: 0.6,
            products_max: 256,
            postings_max: 2000,
        }
    }
}

/// Shoppers' weights, and which shoppers a product leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TifuKnn {
    params: TifuKnnParams,
    /// A row a shopper, as they came.
    shoppers: Interactions,
    /// A row a product: shoppers, with their weight over the length of their row.
    postings: Interactions,
}

impl TifuKnnParams {
    /// Keeps the weights of every shopper. No randomness is in it: the seed is not looked at.
    pub fn fit(&self, orders: &Orders, _run: FitRun) -> TifuKnn {
        let shoppers = orders.weights(&self.decay).bounded(self.products_max as usize);
        let length = |row| shoppers.row(row).1.iter().map(|weight| weight * weight).sum::<f32>().sqrt();
        let lengths: Vec<f32> = (0..shoppers.row_count()).map(length).collect();
        let even = shoppers.clone().map(|row, _, weight| weight / lengths[row]);
        let postings = even.transposed().bounded(self.postings_max as usize);
        TifuKnn { params: *self, shoppers, postings }
    }
}

impl TifuKnn {
    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let TifuKnnParams { decay, power, own, .. } = self.params;
        self.shoppers.is_sound()
            && self.postings.is_sound()
            && self.shoppers.row_count() == self.postings.column_count()
            && self.shoppers.column_count() == self.postings.row_count()
            && [decay.within, decay.across, power, own].iter().all(|value| value.is_finite())
    }

    /// The shoppers most like one with this history, best first; their similarity is a cosine but for one factor.
    fn nearest(&self, history: &[(ProductNo, f32)], scratch: &mut Scores) -> Vec<(f32, u32)> {
        scratch.reserve(self.shoppers.row_count());
        for &(product, weight) in history {
            let (shoppers, weights) = self.postings.row(product.index());
            scratch.add(shoppers, weights, weight);
        }
        let mut top = TopK::new((self.params.neighbours as usize).min(self.shoppers.row_count()));
        for at in scratch.taking() {
            let (shopper, similarity) = scratch.take(at);
            if similarity != 0.0 {
                top.push(similarity, shopper);
            }
        }
        top.into_sorted()
    }

    /// What of `history` is known and counts, the greatest weights first.
    pub(crate) fn known(&self, history: &[(ProductNo, f32)]) -> Vec<(ProductNo, f32)> {
        let mut top = TopK::new((self.params.products_max as usize).min(history.len()));
        let is_known = |one: &&(ProductNo, f32)| {
            one.0.index() < self.product_count() && one.1.is_finite() && one.1 > 0.0
        };
        history.iter().filter(is_known).for_each(|&(product, weight)| top.push(weight, product));
        top.into_sorted().into_iter().map(|(weight, product)| (product, weight)).collect()
    }

    /// The score of a product with the shopper's own weight and the mean of the shoppers most alike.
    pub(crate) fn mixed(&self, own: f32, alike: f32) -> f32 {
        self.params.own * own + (1.0 - self.params.own) * alike
    }

    /// Adds `share` × the mean of the shoppers most like one with this history to the scores.
    pub(crate) fn add_alike(&self, history: &[(ProductNo, f32)], share: f32, scratch: &mut Scores) {
        let nearest = self.nearest(history, scratch);
        scratch.reserve(self.product_count());
        let weigh = |similarity: f32| libm::powf(similarity, self.params.power);
        let sum: f32 = nearest.iter().map(|one| weigh(one.0)).sum();
        for (similarity, shopper) in nearest {
            let (columns, weights) = self.shoppers.row(shopper as usize);
            scratch.add(columns, weights, share * weigh(similarity) / sum);
        }
    }
}

impl Recommender for TifuKnn {
    fn product_count(&self) -> usize {
        self.shoppers.column_count()
    }

    fn size_bytes(&self) -> usize {
        self.shoppers.size_bytes() + self.postings.size_bytes()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let history = self.known(ask.history);
        self.add_alike(&history, 1.0 - self.params.own, scratch);
        for &(product, weight) in &history {
            scratch.add(&[product.0], &[weight], self.params.own);
        }
        scratch.best(ask.excluded, ask.limit)
    }
}

impl FromOrders for TifuKnn {
    fn history(&self, orders: &[Order]) -> Vec<(ProductNo, f32)> {
        self.params.decay.weights(orders)
    }
}
