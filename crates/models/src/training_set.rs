//! What a shop's log tells a model: at the fit of all shoppers, later of the one who asks. Each model reads what it needs.

use crate::interactions::Interactions;
use crate::orders::{Order, Orders};
use bespoke_domain::ProductNo;

/// What models are fitted on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSet {
    /// How strongly shoppers dealt with products, a row each; a column for every product there is.
    pub interactions: Interactions,
    /// A shopper's products each, oldest first, repeats kept.
    pub sequences: Vec<Vec<ProductNo>>,
    /// Their orders.
    pub orders: Orders,
    /// Keys of what the catalogue says of each product, none twice in one; the last products may be missing. A key means the
    /// same for as long as the catalogue lives.
    pub attributes: Vec<Vec<u32>>,
}

impl TrainingSet {
    /// Products: numbers below this.
    pub fn product_count(&self) -> usize {
        self.interactions.column_count()
    }
}

/// What is known of the shopper who asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// What they dealt with and how strongly; no product twice.
    pub weights: Vec<(ProductNo, f32)>,
    /// The same in the order in which it happened, oldest first, repeats kept.
    pub events: Vec<ProductNo>,
    /// What they ordered, oldest first.
    pub orders: Vec<Order>,
}

impl History {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty() && self.orders.is_empty()
    }
}
