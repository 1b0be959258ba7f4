//! Gradient-boosted trees (Friedman, Annals of Statistics 2001) for ranking, probabilities and amounts: histograms over
//! quantile bins, leaves split by gain as in LightGBM (Ke et al., NeurIPS 2017), missing values with their own direction.
//! Sums of gradients are exact integers, so neither threads nor the order of rows change a bit of the artifact.

/// Values into at most 255 quantile bins.
mod bins;
/// Rounds of trees, sampling, early stopping.
mod boost;
/// One tree, leaf by leaf.
mod grow;
/// Exact sums of gradients by feature and bin.
mod histogram;
/// Gradients of a ranking.
mod lambdarank;
/// What is to be made small.
mod loss;
/// What is learned from.
mod rows;
/// The best place to cut a leaf.
mod split;
/// A grown tree, flat for scoring.
mod tree;

pub use boost::Gbdt;
pub use lambdarank::{LambdaRank, mean_ndcg};
pub use loss::{Loss, sigmoid};
pub use rows::Rows;

use serde::{Deserialize, Serialize};

/// Most rows of one fit: counts have 24 bits in a histogram.
pub const ROWS_MAX: usize = (1 << 24) - 1;
/// Most features.
pub const FEATURES_MAX: usize = 1 << 16;
/// Most leaves of a tree.
pub const LEAVES_MAX: u32 = 1024;
/// Most bins of a feature, the one for missing values not counted.
pub const BINS_MAX: u32 = 255;

/// How trees are grown and added up.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GbdtParams {
    /// What is to be made small.
    pub loss: Loss,
    /// Rounds of boosting, one tree each.
    pub trees: u32,
    /// Leaves of a tree, 2 to 1,024; scoring is fastest up to 32.
    pub leaves: u32,
    /// Factor on what each tree says.
    pub learning_rate: f32,
    /// Bins of a feature, 2 to 255.
    pub bins: u32,
    /// Fewest rows of a leaf.
    pub rows_in_leaf_min: u32,
    /// Least sum of second derivatives of a leaf.
    pub hessian_in_leaf_min: f32,
    /// Pull of a leaf's value to zero: its sum of second derivatives is taken to be this much larger.
    pub l2: f32,
    /// Share of the features that a tree may split by, drawn for each tree.
    pub feature_share: f32,
    /// Share of the rows (of the groups, where there are any) that a tree sees, drawn for each tree.
    pub row_share: f32,
    /// Rounds without a better result on the watched rows after which growing stops.
    pub patience: u32,
    /// Threads; they change the time and nothing else.
    pub threads: u32,
}

impl Default for GbdtParams {
    fn default() -> Self {
        Self {
            loss: Loss::Squared,
            trees: 100,
            leaves: 31,
            learning_rate: 0.08,
            bins: 63,
            rows_in_leaf_min: 20,
            hessian_in_leaf_min: 1e-3,
            l2: 0.0,
            feature_share: 1.0,
            row_share: 1.0,
            patience: 20,
            threads: 1,
        }
    }
}

impl GbdtParams {
    /// The first parameter that is out of its range.
    fn fault(&self) -> Option<&'static str> {
        let share = |value: f32| value > 0.0 && value <= 1.0;
        let not_negative = |value: f32| value >= 0.0 && value.is_finite();
        [
            ("leaves", (2..=LEAVES_MAX).contains(&self.leaves)),
            ("learning_rate", self.learning_rate > 0.0 && self.learning_rate.is_finite()),
            ("bins", (2..=BINS_MAX).contains(&self.bins)),
            ("hessian_in_leaf_min", not_negative(self.hessian_in_leaf_min)),
            ("l2", not_negative(self.l2)),
            ("feature_share", share(self.feature_share)),
            ("row_share", share(self.row_share)),
            ("loss", self.loss.is_sound()),
        ]
        .into_iter()
        .find_map(|(name, holds)| (!holds).then_some(name))
    }
}

/// Why something cannot be learned from.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Error {
    /// There are no rows.
    #[error("there are no rows")]
    NoRows,
    /// There are no features.
    #[error("there are no features")]
    NoFeatures,
    /// More features than a node can name.
    #[error("{0} features are more than {FEATURES_MAX}")]
    TooManyFeatures(usize),
    /// More rows than histograms can count.
    #[error("{0} rows are more than {ROWS_MAX}")]
    TooManyRows(usize),
    /// A list does not fit the rows.
    #[error("{what}: {found} instead of {wanted}")]
    Length {
        /// Which list.
        what: &'static str,
        /// Its length or sum.
        found: usize,
        /// What the rows ask for.
        wanted: usize,
    },
    /// The value of a row and feature is infinite; a missing one is `NaN`.
    #[error("row {0}: feature {1} is infinite")]
    Infinite(usize, usize),
    /// A row's label that the loss cannot mean: not finite, no probability, no grade from 0 to 30 of a ranking.
    #[error("row {0}: the label {1} is not one of this loss")]
    Label(usize, f32),
    /// A row's weight that is negative or not finite.
    #[error("row {0}: the weight {1} is not a finite number from 0")]
    Weight(usize, f32),
    /// A ranking without groups.
    #[error("a ranking needs the sizes of its groups")]
    NoGroups,
    /// A parameter is out of its range.
    #[error("the parameter {0} is out of its range")]
    Parameter(&'static str),
}
