//! What is learned from: features, labels, weights and, for rankings, groups. Checked once, here.

use super::{Error, FEATURES_MAX, ROWS_MAX};
use std::ops::Range;

/// Rows to learn from. Everything in it fits together.
#[derive(Clone, PartialEq, Debug)]
pub struct Rows {
    feature_count: usize,
    /// Row after row; `NaN` is missing.
    values: Vec<f32>,
    labels: Vec<f32>,
    /// One a row; empty where all are 1.
    weights: Vec<f32>,
    /// Sizes of groups of neighbouring rows; empty where there are none.
    groups: Vec<u32>,
}

impl Rows {
    /// Rows of `feature_count` values each (`NaN` is missing) with one finite label a row.
    ///
    /// # Errors
    /// No rows or features, too many of them, lengths that do not fit, an infinite value, a label that is not finite.
    pub fn new(feature_count: usize, values: Vec<f32>, labels: Vec<f32>) -> Result<Self, Error> {
        match (feature_count, labels.len()) {
            (0, _) => return Err(Error::NoFeatures),
            (features, _) if features > FEATURES_MAX => return Err(Error::TooManyFeatures(features)),
            (_, 0) => return Err(Error::NoRows),
            (_, rows) if rows > ROWS_MAX => return Err(Error::TooManyRows(rows)),
            (features, rows) => fits("values", values.len(), rows.saturating_mul(features))?,
        }
        if let Some(at) = values.iter().position(|value| value.is_infinite()) {
            return Err(Error::Infinite(at / feature_count, at % feature_count));
        }
        if let Some(row) = labels.iter().position(|label| !label.is_finite()) {
            return Err(Error::Label(row, labels[row]));
        }
        Ok(Self { feature_count, values, labels, weights: Vec::new(), groups: Vec::new() })
    }

    /// The same rows, each counting by its weight. In a ranking it multiplies the row's gain, as inverse
    /// propensities of clicks ask for (Joachims et al., WSDM 2017; clip them, or single clicks rule).
    ///
    /// # Errors
    /// A number of weights other than that of the rows; a weight that is negative or not finite.
    pub fn weighted(mut self, weights: Vec<f32>) -> Result<Self, Error> {
        fits("weights", weights.len(), self.len())?;
        if let Some(row) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return Err(Error::Weight(row, weights[row]));
        }
        self.weights = weights;
        Ok(self)
    }

    /// The same rows in groups of these sizes, in order: the candidates of one request each.
    ///
    /// # Errors
    /// Sizes that do not sum to the number of rows.
    pub fn grouped(mut self, sizes: Vec<u32>) -> Result<Self, Error> {
        fits("the sum of group sizes", sizes.iter().map(|&size| size as usize).sum(), self.len())?;
        self.groups = sizes;
        Ok(self)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never: rows without any are refused.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values a row.
    pub fn feature_count(&self) -> usize {
        self.feature_count
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One a row.
    pub fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// Sizes of the groups; empty where there are none.
    pub fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// The values of one row.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.feature_count..][..self.feature_count]
    }

    pub(super) fn weight(&self, row: usize) -> f32 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }

    /// The rows of each group.
    pub(super) fn group_ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let mut end = 0;
        self.groups.iter().map(move |&size| {
            end += size as usize;
            end - size as usize..end
        })
    }
}

fn fits(what: &'static str, found: usize, wanted: usize) -> Result<(), Error> {
    if found == wanted { Ok(()) } else { Err(Error::Length { what, found, wanted }) }
}
