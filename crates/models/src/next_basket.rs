//! What the next order holds: what the shopper reorders, and what is new to them. For whom: shops where people come back.
//!
//! TIFU-kNN ([`crate::tifu_knn`], Hu and others 2020) knows habits, SLIM ([`crate::slim`], Ning, Karypis 2011) on who bought
//! what at all knows what goes together. Products bought before and new ones are scored apart, since what goes together says
//! little of reorders, but on one scale, since they share the places of one list. With u(i) the shopper's own weight, n(i) the
//! mean of the shoppers most alike, e(i) the sum of the SLIM rows of their products:
//! - bought before: `s(i) = repeat · ratio(i)^rebuy · (own · u(i) + (1 − own) · n(i))`, ratio the rate of [`crate::orders::rebuys`] over
//!   the shop's: what nobody buys twice weighs little, however lately it was bought;
//! - new: `s(i) = n(i) + linear · e(i)`.
//!
//! How long a product usually lasts and when the shopper last bought it was tried as a factor and does not help: see
//! `docs/models.md`.

use crate::neighbours::Neighbours;
use crate::orders::{Decay, FromOrders, Order, Orders, rebuys};
use crate::rates::Rates;
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
    /// What goes with what was bought, for a new product, against the shoppers most alike.
    pub linear: f32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { repeat: 9.0, rebuy: 0.3, linear: 0.3 }
    }
}

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NextBasketParams {
    /// Habits.
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
    rebuys: Rates,
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
        NextBasket { mix: self.mix, habits: self.habits.fit(orders, run), linear, rebuys: rebuys(orders) }
    }
}

impl NextBasket {
    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let Mix { repeat, rebuy, linear } = self.mix;
        self.habits.is_sound()
            && self.linear.is_sound()
            && self.linear.product_count() == self.habits.product_count()
            && [repeat, rebuy, linear].iter().all(|value| value.is_finite())
    }

    /// What the habits of a product bought before are multiplied by.
    fn repeat(&self, product: ProductNo) -> f32 {
        let usual = self.rebuys.shop_rate();
        let ratio = if usual > 0.0 { self.rebuys.rate(product) / usual } else { 1.0 };
        self.mix.repeat * libm::powf(ratio, self.mix.rebuy)
    }

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
        self.habits.size_bytes() + self.linear.size_bytes() + 8 * self.product_count()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let history = self.habits.known(ask.history);
        self.habits.add_alike(&history, 1.0, scratch);
        let alike: Vec<f32> = history.iter().map(|one| scratch.of(one.0)).collect();
        for &(product, _) in &history {
            let (columns, weights) = self.linear.row(product);
            scratch.add(columns, weights, self.mix.linear);
        }
        for (&(product, own), alike) in history.iter().zip(alike) {
            scratch.set(product, self.repeat(product) * self.habits.mixed(own, alike));
        }
        scratch.best(ask.excluded, ask.limit)
    }
}

impl FromOrders for NextBasket {
    fn history(&self, orders: &[Order]) -> Vec<(ProductNo, f32)> {
        self.habits.history(orders)
    }
}
