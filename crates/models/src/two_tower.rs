//! The sequence model with a product tower over what the catalogue says: `e_i = v_i + Σ_a w_ia u_a`. For whom: shops with new
//! products every week, which stand among those that share their values from their first minute on.
//!
//! The shopper tower is that of [`crate::sequence`]. A product that came after the fit gets `Σ_a w_ia u_a`: a function of the
//! fitted model and of what the catalogue says of it, so that a replay gives it the same vector.

use crate::attribute_values::AttributeValues;
use crate::recommender::{FitRun, Recommender, Scores};
use crate::sequence::{Sequence, SequenceData, SequenceParams};
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Both towers, and what the values of a product mean to them. A copy shares what was fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoTower {
    sequence: Sequence,
    values: Arc<AttributeValues>,
}

impl TwoTower {
    /// Fits it to `sequences` of products below `product_count`; `attributes` are keys of values, a row a product.
    pub fn fit(
        params: &SequenceParams,
        sequences: Vec<Vec<ProductNo>>,
        (product_count, attributes): (usize, &[Vec<u32>]),
        run: FitRun,
    ) -> Self {
        let values = AttributeValues::new(attributes);
        let data = SequenceData { sequences, product_count, attributes: values.rows(attributes) };
        Self { sequence: params.fit(&data, run), values: Arc::new(values) }
    }

    /// The towers.
    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// Gives a product that the fit knew nothing of the vector of its values, or none where it has no value that was learned.
    pub fn introduce(&mut self, product: ProductNo, keys: &[u32]) {
        self.sequence.introduce(product, &self.values.row(keys));
    }

    /// What comes next: [`Sequence::nearest`].
    pub fn nearest(
        &self,
        events: &[ProductNo],
        excluded: &[ProductNo],
        limit: usize,
        scratch: &mut Scores,
    ) -> Vec<(f32, ProductNo)> {
        self.sequence.nearest(events, excluded, limit, scratch)
    }

    /// Bytes that it takes.
    pub fn size_bytes(&self) -> usize {
        self.sequence.size_bytes() + self.values.size_bytes()
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        self.sequence.is_sound() && self.values.is_sound() && self.sequence.value_count() == self.values.len()
    }
}
