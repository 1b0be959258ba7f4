//! What the next order holds: what the shopper reorders, and what is new to them. For whom: shops where people come back.
//!
//! TIFU-kNN ([`crate::tifu_knn`], Hu and others 2020) knows habits, SLIM ([`crate::slim`], Ning, Karypis 2011) on who bought
//! what at all knows what goes together; products bought before and new ones are scored apart, since habits say nothing of the
//! new ones and what goes together little of the others, but on one scale, since they share the places of one list. With u(i)
//! the shopper's own weight, n(i) the mean of the shoppers most alike, e(i) the sum of the SLIM rows of their products:
//! - bought before: `s(i) = repeat · ratio(i)^rebuy · (own · u(i) + (1 − own) · n(i) + linear · e(i))`, with [`Rebuys::ratio`];
//! - new: `s(i) = n(i) + new_linear · e(i)`.

use crate::neighbours::Neighbours;
use crate::orders::{Decay, FromOrders, Order, Orders, Rebuys};
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use crate::slim::SlimParams;
use crate::tifu_knn::{TifuKnn, TifuKnnParams};
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// How much each part counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// Products bought before, against new ones.
    pub repeat: f32,
    /// Power of how often a product is bought again.
    pub rebuy: f32,
    /// Own habits against those of the shoppers most alike, for a product bought before, 0 to 1.
    pub own: f32,
    /// What goes with what was bought, for a product bought before.
    pub linear: f32,
    /// What goes with what was bought, for a new product.
    pub new_linear: f32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { repeat: 4.0, rebuy: 0.3, own: 0.6, linear: 0.03, new_linear: 0.3 }
    }
}

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NextBasketParams {
    /// Habits. Their own share is not looked at: the mix has it.
    pub habits: TifuKnnParams,
    /// What goes with what.
    pub linear: SlimParams,
    /// How much each counts.
    pub mix: Mix,
}

impl Default for NextBasketParams {
    fn default() -> Self {
        let linear = SlimParams { regularization: 30.0, busy: 0.2, ..SlimParams::default() };
        Self { habits: TifuKnnParams::default(), linear, mix: Mix::default() }
    }
}

/// The parts and how they are mixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextBasket {
    mix: Mix,
    habits: TifuKnn,
    linear: Neighbours,
    rebuys: Rebuys,
}

impl NextBasketParams {
    /// Fits all parts. No randomness is in it: the seed is not looked at.
    pub fn fit(&self, orders: &Orders, run: FitRun) -> NextBasket {
        let bought = orders.weights(&Decay::default()).map(|_, _, _| 1.0);
        self.fit_with(self.linear.fit(&bought, run), orders, run)
    }

    /// The same model as [`Self::fit`] gives, in less time; `linear` MUST be what the same [`Self::linear`] gave for the same
    /// orders before.
    pub fn fit_with(&self, linear: Neighbours, orders: &Orders, run: FitRun) -> NextBasket {
        NextBasket { mix: self.mix, habits: self.habits.fit(orders, run), linear, rebuys: Rebuys::new(orders) }
    }
}

impl NextBasket {
    /// What goes with what.
    pub fn into_linear(self) -> Neighbours {
        self.linear
    }
}

impl Recommender for NextBasket {
    fn product_count(&self) -> usize {
        self.habits.product_count()
    }

    fn size_bytes(&self) -> usize {
        self.habits.size_bytes() + self.linear.size_bytes() + self.rebuys.size_bytes()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let history = self.habits.known(ask.history);
        self.habits.add_alike(&history, 1.0, scratch);
        let alike: Vec<f32> = history.iter().map(|one| scratch.of(one.0)).collect();
        let new_linear = self.mix.new_linear.max(1e-3);
        for &(product, _) in &history {
            let (columns, weights) = self.linear.row(product);
            scratch.add(columns, weights, new_linear);
        }
        for (&(product, own), alike) in history.iter().zip(alike) {
            let as_new = scratch.of(product);
            let linear = (as_new - alike) / new_linear;
            let score = self.mix.repeat(own, alike, linear) * libm::powf(self.rebuys.ratio(product), self.mix.rebuy);
            scratch.set(product, score);
        }
        scratch.best(ask.excluded, ask.limit)
    }
}

impl Mix {
    /// The score of a product bought before, but for how often it is bought again.
    fn repeat(&self, own: f32, alike: f32, linear: f32) -> f32 {
        self.repeat * (self.own * own + (1.0 - self.own) * alike + self.linear * linear)
    }
}

impl FromOrders for NextBasket {
    fn history(&self, orders: &[Order]) -> Vec<(ProductNo, f32)> {
        self.habits.history(orders)
    }
}
