//! What a shop's log tells a model: at the fit of all shoppers, later of the one who asks. Each model reads what it needs.

use crate::interactions::Interactions;
use crate::orders::{Order, Orders};
use bespoke_domain::ProductNo;

/// What products say, and what was asked before they were dealt with.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    /// Words, as they are after analysis, none twice.
    pub words: Vec<String>,
    /// How much each word (column) counts in the text of each product (row).
    pub texts: Interactions,
    /// How often shoppers who asked with a word (column) then dealt with a product (row).
    pub asked: Interactions,
}

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
    /// What products say; `None` where no model that reads texts is to be fitted.
    pub texts: Option<Texts>,
}

impl Texts {
    fn size_bytes(&self) -> usize {
        let words: usize = self.words.iter().map(|word| size_of::<String>() + word.len()).sum();
        words + self.texts.size_bytes() + self.asked.size_bytes()
    }
}

impl TrainingSet {
    /// Products: numbers below this.
    pub fn product_count(&self) -> usize {
        self.interactions.column_count()
    }

    /// Bytes that it takes, roughly.
    pub fn size_bytes(&self) -> usize {
        let lists = |lists: &[Vec<ProductNo>]| -> usize {
            lists.iter().map(|list| size_of::<Vec<ProductNo>>() + 4 * list.len()).sum()
        };
        let orders: usize = self.orders.shoppers().iter().map(|orders| lists(orders)).sum();
        self.interactions.size_bytes()
            + self.texts.as_ref().map_or(0, Texts::size_bytes)
            + self.attributes.iter().map(|keys| size_of::<Vec<u32>>() + 4 * keys.len()).sum::<usize>()
            + lists(&self.sequences)
            + size_of_val(self.orders.shoppers())
            + orders
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
