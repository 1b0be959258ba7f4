//! The plain rival on products that nobody had: attribute values shared with what the shopper had, rare values and late
//! products counting more. `Σ_h decay^age · Σ_a∈h∩i idf(a)^p / (Σ_a∈i idf(a)^p)^n` (TF-IDF, Salton 1988; the divisor as
//! BM25 has for long documents).

use super::measure::Ranks;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use bespoke_models::interactions::Interactions;
use serde::Serialize;

/// What tuning turns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ContentParams {
    /// p: power of the inverse product frequency.
    pub idf_power: f32,
    /// n: how much a product with many values is held back.
    pub length_power: f32,
    /// What a product counts beside the one after it.
    pub decay: f32,
    /// Latest products that count.
    pub reach: usize,
}

impl Default for ContentParams {
    fn default() -> Self {
        Self { idf_power: 1.0, length_power: 0.5, decay: 0.8, reach: 20 }
    }
}

/// Sets a knob.
pub type Turn = fn(&mut ContentParams, f32);

/// The values that tuning tries, one knob after the other.
pub const SETTINGS: [(Turn, &[f32]); 4] = [
    (|params, value| params.idf_power = value, &[0.0, 0.5, 1.0, 1.5, 2.0, 3.0]),
    (|params, value| params.length_power = value, &[0.0, 0.25, 0.5, 0.75, 1.0]),
    (|params, value| params.decay = value, &[0.3, 0.5, 0.7, 0.8, 0.9, 1.0]),
    (|params, value| params.reach = value as usize, &[1.0, 3.0, 5.0, 10.0, 20.0, 50.0]),
];

/// Content similarity with everything it needs.
pub struct Content {
    params: ContentParams,
    /// Weighted values, a row a product.
    by_product: Interactions,
    /// The same, divided by length, a row a value.
    by_value: Interactions,
    /// Who may be ranked.
    offered: Vec<bool>,
}

impl Content {
    /// Among the products that are `offered`.
    pub fn new(params: ContentParams, attributes: &Interactions, offered: &[bool]) -> Self {
        let counts = attributes.transposed();
        let count = attributes.row_count() as f32;
        let idf = |value: usize| {
            let share = count / counts.row_len(value).max(1) as f32;
            share.ln().max(0.0).powf(params.idf_power)
        };
        let by_product = attributes.clone().map(|_, value, weight| weight * idf(value));
        let lengths: Vec<f32> =
            (0..by_product.row_count()).map(|row| by_product.row(row).1.iter().sum()).collect();
        let divided = attributes.clone().map(|product, _, weight| {
            weight / lengths[product].max(f32::MIN_POSITIVE).powf(params.length_power)
        });
        Self { params, by_product, by_value: divided.transposed(), offered: offered.to_vec() }
    }

    fn rank_one(&self, history: &[ProductNo], limit: usize, scores: &mut [f32]) -> Vec<ProductNo> {
        scores.fill(0.0);
        let mut weight = 1.0;
        for product in history.iter().rev().take(self.params.reach) {
            let (values, shares) = self.by_product.row(product.index());
            for (&value, &share) in values.iter().zip(shares) {
                let (products, weights) = self.by_value.row(value as usize);
                for (&other, &part) in products.iter().zip(weights) {
                    scores[other as usize] += weight * share * part;
                }
            }
            weight *= self.params.decay;
        }
        let mut top = TopK::new(limit);
        history.iter().for_each(|product| scores[product.index()] = 0.0);
        for (product, score) in scores.iter().enumerate() {
            if *score > 0.0 && self.offered[product] {
                top.push(*score, ProductNo(product as u32));
            }
        }
        top.into_sorted().into_iter().map(|one| one.1).collect()
    }
}

impl Ranks for Content {
    fn rank(&self, histories: &[Vec<ProductNo>], limit: usize) -> Vec<Vec<ProductNo>> {
        let mut scores = vec![0.0; self.offered.len()];
        histories.iter().map(|history| self.rank_one(history, limit, &mut scores)).collect()
    }
}
