//! The models as the engine uses them: known answers, incremental = rebuilt, frozen clones, round trips, odd input.

mod calibration;
mod co_occurrence;
mod gbdt;
mod learned;
mod next_basket;
mod position_bias;
mod ranker;
mod recommenders;
mod rerank;
mod sequence;
mod session_knn;
mod text_vectors;

use bespoke_domain::ProductNo;
use proptest::prelude::*;

/// Product numbers from plain ones.
fn products(numbers: &[u32]) -> Vec<ProductNo> {
    numbers.iter().copied().map(ProductNo).collect()
}

/// Between 0 and 80 sessions of 1 to 8 out of 12 products.
fn any_sessions() -> impl Strategy<Value = Vec<Vec<ProductNo>>> {
    let session = prop::collection::vec((0..12_u32).prop_map(ProductNo), 1..8);
    prop::collection::vec(session, 0..80)
}

/// Whether `list` is in the product's score order, without repeats and at most `limit` long.
fn well_formed(list: &[(f32, ProductNo)], limit: usize) -> bool {
    let sorted = list.is_sorted_by(|a, b| bespoke_domain::order::by_score(*a, *b).is_lt());
    let mut items: Vec<_> = list.iter().map(|one| one.1).collect();
    items.sort_unstable();
    items.dedup();
    sorted && items.len() == list.len() && list.len() <= limit && list.iter().all(|one| one.0.is_finite())
}
