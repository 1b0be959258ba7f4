//! The plain rival on products that nobody had: the content similarity of `bespoke_models`, by itself.

use super::measure::Ranks;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use bespoke_models::content_similarity::{ContentParams, ContentSimilarity};
use bespoke_models::interactions::Interactions;

/// Sets a knob.
pub type Turn = fn(&mut ContentParams, f32);

/// The values that tuning tries, one knob after the other.
pub const SETTINGS: [(Turn, &[f32]); 4] = [
    (|params, value| params.idf_power = value, &[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]),
    (|params, value| params.length_power = value, &[0.0, 0.25, 0.5, 0.75, 1.0]),
    (|params, value| params.decay = value, &[0.3, 0.5, 0.7, 0.8, 0.9, 1.0]),
    (|params, value| params.reach = value as u32, &[1.0, 3.0, 5.0, 10.0, 20.0, 50.0]),
];

/// Content similarity among some products.
pub struct Content {
    similarity: ContentSimilarity,
    /// Who may be ranked.
    offered: Vec<bool>,
}

impl Content {
    /// Among the products that are `offered`.
    pub fn new(params: ContentParams, attributes: &Interactions, offered: &[bool]) -> Self {
        Self { similarity: ContentSimilarity::new(params, attributes), offered: offered.to_vec() }
    }

    fn rank_one(&self, history: &[ProductNo], limit: usize, scores: &mut Vec<f32>) -> Vec<ProductNo> {
        self.similarity.score(history, scores);
        history.iter().for_each(|product| scores[product.index()] = 0.0);
        let mut top = TopK::new(limit);
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
        let mut scores = Vec::new();
        histories.iter().map(|history| self.rank_one(history, limit, &mut scores)).collect()
    }
}
