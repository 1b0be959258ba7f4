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
    /// The own habits.
    pub own: f32,
    /// Those of the shoppers most alike.
    pub alike: f32,
    /// What goes with what was bought.
    pub linear: f32,
    /// Power of the number of products bought that this last part is divided by.
    pub busy: f32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { own: 0.5, alike: 0.5, linear: 0.3, busy: 0.0 }
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
        self.habits.add(&history, [self.mix.own, self.mix.alike], scratch);
        let linear = self.mix.linear / libm::powf(history.len().max(1) as f32, self.mix.busy);
        for &(product, _) in &history {
            let (columns, weights) = self.linear.row(product);
            scratch.add(columns, weights, linear);
        }
        scratch.best(ask.excluded, ask.limit)
    }
}
