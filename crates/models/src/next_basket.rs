//! What the next order holds: own habits, those of the shoppers most alike, and what goes with what was bought, in one sum.
//! For whom: shops where people come back; one list that reorders where they do and discovers where they do not.
//!
//! `s(i) = own · u(i) + alike · mean of the nearest(i) + linear · (1/|u|^busy) Σ_j W(j,i)` over the products j of u: the first two are
//! TIFU-kNN ([`crate::tifu_knn`], Hu and others 2020), the third SLIM ([`crate::slim`], Ning, Karypis 2011) on who bought what at
//! all, which knows nothing of repeats but is the strongest for products that are new to the shopper. Repeats and discoveries
//! have to share ten places: that is why their scores are added up and not their lists.

use crate::interactions::Interactions;
use crate::neighbours::Neighbours;
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use crate::slim::SlimParams;
use crate::tifu_knn::{TifuKnn, TifuKnnParams};
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// How much each part counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// Own habits, for a product bought before.
    pub own: f32,
    /// The shoppers most alike, for a product bought before.
    pub alike: f32,
    /// What goes with what was bought, for a product bought before.
    pub linear: f32,
    /// What goes with what was bought, for a product that is new; the shoppers most alike count 1.
    pub new_linear: f32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { own: 1.0, alike: 1.0, linear: 0.1, new_linear: 0.5 }
    }
}

/// What to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NextBasketParams {
    /// Habits. Their own share is not looked at: the mix has it.
    pub habits: TifuKnnParams,
    /// What goes with what.
    pub linear: SlimParams,
    /// How much each counts.
    pub mix: Mix,
}

/// The parts and how they are mixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextBasket {
    mix: Mix,
    habits: TifuKnn,
    linear: Neighbours,
}

impl NextBasketParams {
    /// Fits both parts to `data`, a row of [`crate::orders::Decay::weights`] a shopper.
    pub fn fit(&self, data: &Interactions, run: FitRun) -> NextBasket {
        let bought = data.clone().map(|_, _, _| 1.0);
        NextBasket { mix: self.mix, habits: self.habits.fit(data, run), linear: self.linear.fit(&bought, run) }
    }

    /// The same model as [`Self::fit`] gives, in less time: `linear` is what these parameters gave for the same data before.
    pub fn fit_with(&self, linear: Neighbours, data: &Interactions, run: FitRun) -> NextBasket {
        NextBasket { mix: self.mix, habits: self.habits.fit(data, run), linear }
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
        self.habits.size_bytes() + self.linear.size_bytes()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let history = self.habits.known(ask.history);
        let mix = &self.mix;
        self.habits.add_alike(&history, 1.0, scratch);
        let alike: Vec<f32> = history.iter().map(|one| scratch.of(one.0)).collect();
        for &(product, _) in &history {
            let (columns, weights) = self.linear.row(product);
            scratch.add(columns, weights, mix.new_linear);
        }
        for (&(product, weight), alike) in history.iter().zip(alike) {
            let sum = scratch.of(product);
            let linear = (sum - alike) / mix.new_linear;
            scratch.add(&[product.0], &[mix.own * weight + mix.alike * alike + mix.linear * linear - sum], 1.0);
        }
        scratch.best(ask.excluded, ask.limit)
    }
}
