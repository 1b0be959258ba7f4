//! The models that a shop learns from its own log and puts into force: one line each, one type for what was fitted.

use crate::als::{Als, AlsParams};
use crate::interactions::Interactions;
use crate::item_knn::{ItemKnnParams, Similarity};
use crate::neighbours::Neighbours;
use crate::recommender::{FitRun, Recommender};
use crate::slim::SlimParams;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Bytes that [`crate::slim`] may hold a product while it is fitted.
const SLIM_FIT_BYTES: u64 = 50_000;

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
    /// Fits it.
    pub fit: fn(&Interactions, FitRun) -> Learned,
    /// Bytes that a fit takes at most, roughly.
    pub fit_bytes: fn(&Interactions) -> u64,
}

/// Every model that can be learnt from the log.
pub static LEARNED: [LearnedSpec; 3] = [
    LearnedSpec {
        name: "item_item",
        doc: "Products that the same shoppers deal with: RP3β, 100 neighbours each.",
        fit: |data, run| Learned::Neighbours(ITEM_ITEM.fit(data, run)),
        fit_bytes: |data| 24 * data.len() as u64 + 1_000 * data.column_count() as u64,
    },
    LearnedSpec {
        name: "slim",
        doc: "Each product predicted from the few most like it, by least squares.",
        fit: |data, run| Learned::Neighbours(SlimParams::default().fit(data, run)),
        fit_bytes: |data| 24 * data.len() as u64 + SLIM_FIT_BYTES * data.column_count() as u64,
    },
    LearnedSpec {
        name: "als",
        doc: "A vector of tastes for each product, by implicit alternating least squares.",
        fit: |data, run| Learned::Als(ALS.fit(data, run)),
        fit_bytes: |data| {
            24 * data.len() as u64 + 4 * 64 * 3 * (data.row_count() + data.column_count()) as u64
        },
    },
];

const ITEM_ITEM: ItemKnnParams =
    ItemKnnParams { similarity: Similarity::Rp3Beta { alpha: 0.57, beta: 0.3 }, neighbours_max: 100 };
const ALS: AlsParams = AlsParams {
    factors: 64,
    sweeps: 8,
    regularization: 0.003,
    unobserved: 0.03,
    power: 1.0,
    solver: crate::als_solve::Solver::Cholesky,
};

impl Learned {
    /// The model as what recommends.
    pub fn recommender(&self) -> &dyn Recommender {
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
