//! The models that a shop learns from its own log and puts into force: one line each, one type for what was fitted.

use crate::als::{Als, AlsParams};
use crate::item_knn::{ItemKnnParams, Similarity};
use crate::neighbours::Neighbours;
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use crate::slim::SlimParams;
use crate::training_set::{History, TrainingSet};
use bespoke_domain::ProductNo;
use bespoke_domain::settings::ParamSpec;
use serde::{Deserialize, Serialize};

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Learned {
    /// Weights from a product to others.
    Neighbours(Neighbours),
    /// A vector a product.
    Als(Als),
}

/// A model's line in the table.
#[derive(Debug)]
pub struct LearnedSpec {
    /// Its name: that of the source or scorer that reads it.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// What may be set of it, and searched for.
    pub params: &'static [ParamSpec],
    /// Fits it with these values of its parameters.
    pub fit: fn(&TrainingSet, &[f64], FitRun) -> Learned,
    /// Bytes that a fit takes at most, roughly.
    pub fit_bytes: fn(&TrainingSet, &[f64]) -> u64,
}

/// Every model that can be learnt from the log.
pub static LEARNED: [LearnedSpec; 3] = [
    LearnedSpec {
        name: "item_item",
        doc: "Products that the same shoppers deal with, by RP3β.",
        params: &[
            param("alpha", "Power of the steps of a walk.", 0.57, (0.1, 2.0)),
            param("beta", "How much what many deal with is held down.", 0.3, (0.0, 1.0)),
            param("neighbours", "Products kept for each.", 100.0, (10.0, 1_000.0)),
        ],
        fit: |data, values, run| Learned::Neighbours(item_item(values).fit(&data.interactions, run)),
        fit_bytes: |data, values| item_item(values).fit_bytes(&data.interactions),
    },
    LearnedSpec {
        name: "slim",
        doc: "Each product predicted from the few most like it, by least squares.",
        params: &[
            param("candidates", "Products that each is predicted from.", 100.0, (10.0, 400.0)),
            param("regularization", "How small weights are kept.", 50.0, (0.1, 10_000.0)),
            param("busy", "How much less a shopper of many products counts.", 0.4, (0.0, 1.0)),
        ],
        fit: |data, values, run| Learned::Neighbours(slim(values).fit(&data.interactions, run)),
        fit_bytes: |data, values| slim(values).fit_bytes(&data.interactions),
    },
    LearnedSpec {
        name: "als",
        doc: "A vector of tastes for each product, by implicit alternating least squares.",
        params: &[
            param("factors", "Numbers a vector.", 64.0, (8.0, 512.0)),
            param("sweeps", "Times that both sides are solved.", 8.0, (1.0, 50.0)),
            param("regularization", "How short vectors are kept.", 0.003, (1e-5, 1.0)),
            param(
                "unobserved",
                "What a pair that was not observed counts, in a shop of up to 10,000 products.",
                0.03,
                (1e-4, 1.0),
            ),
        ],
        fit: |data, values, run| Learned::Als(als(values, data).fit(&data.interactions, run)),
        fit_bytes: |data, values| als(values, data).fit_bytes(&data.interactions),
    },
];

const fn param(name: &'static str, doc: &'static str, default: f64, range: (f64, f64)) -> ParamSpec {
    ParamSpec { name, doc, default, range }
}

fn item_item(values: &[f64]) -> ItemKnnParams {
    let similarity = Similarity::Rp3Beta { alpha: values[0] as f32, beta: values[1] as f32 };
    ItemKnnParams { similarity, neighbours_max: values[2] as u32 }
}

fn slim(values: &[f64]) -> SlimParams {
    SlimParams {
        candidates_max: values[0] as u32,
        regularization: values[1] as f32,
        busy: values[2] as f32,
        ..SlimParams::default()
    }
}

/// Products of a shop from which on a pair that was not observed counts less, so that all of a shopper's count the same together.
/// Their sum grows with the catalogue, what was observed does not: at a million products it would drown.
const UNOBSERVED_PRODUCTS: f64 = 10_000.0;

fn als(values: &[f64], data: &TrainingSet) -> AlsParams {
    let share = (UNOBSERVED_PRODUCTS / data.product_count().max(1) as f64).min(1.0);
    AlsParams {
        factors: values[0] as u32,
        sweeps: values[1] as u32,
        regularization: values[2] as f32,
        unobserved: (share * values[3]) as f32,
        ..AlsParams::default()
    }
}

impl LearnedSpec {
    /// The values of its parameters: those given by name, within their ranges, and the defaults of the others.
    pub fn values(&self, given: &[(String, f64)]) -> Vec<f64> {
        self.params.iter().map(|param| param.value(given)).collect()
    }
}

impl Learned {
    /// The best products for a shopper, but for `excluded`, best first.
    pub fn recommend(
        &self,
        history: &History,
        excluded: &[ProductNo],
        limit: usize,
        scratch: &mut Scores,
    ) -> Vec<(f32, ProductNo)> {
        let ask = Ask { history: &history.weights, excluded, limit };
        self.recommender().recommend(&ask, scratch)
    }

    /// Bytes that it takes in memory.
    pub fn size_bytes(&self) -> usize {
        self.recommender().size_bytes()
    }

    fn recommender(&self) -> &dyn Recommender {
        match self {
            Self::Neighbours(model) => model,
            Self::Als(model) => model,
        }
    }

    /// How much `from` alone speaks for `to`.
    pub fn closeness(&self, from: ProductNo, to: ProductNo) -> f32 {
        match self {
            Self::Neighbours(model) => {
                let (columns, weights) = model.row(from);
                columns.binary_search(&to.0).map_or(0.0, |at| weights[at])
            }
            Self::Als(model) => model.closeness(from, to),
        }
    }
}
