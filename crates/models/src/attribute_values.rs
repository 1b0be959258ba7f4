//! What products are like, as a model knows it: values that several products share get dense numbers and weigh the more the
//! rarer they are (inverse product frequency: Spärck Jones 1972). Values are named by keys that mean the same for as long as
//! the shop's catalogue lives, so that a product that came after the fit is described like one that was in it.

use crate::interactions::Interactions;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most values that are known, those of the most products.
const VALUES_MAX: usize = 50_000;
/// Fewest products that share a value: what one alone has says nothing of others.
const PRODUCTS_MIN: u32 = 2;
/// Most values that describe a product, the rarest.
const ROW_MAX: usize = 24;

/// Keys of values with their weights, numbered by their place. 8 bytes each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttributeValues {
    /// Ascending.
    keys: Vec<u32>,
    /// `ln(products / products with it)`, above nought.
    weights: Vec<f32>,
}

impl AttributeValues {
    /// From the keys of each product's values, none twice in one. A value that all products have tells nothing and is left out.
    pub fn new(products: &[Vec<u32>]) -> Self {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        products.iter().flatten().for_each(|key| *counts.entry(*key).or_default() += 1);
        let described = products.iter().filter(|keys| !keys.is_empty()).count() as u32;
        counts.retain(|_, count| *count >= PRODUCTS_MIN && *count < described);
        let mut top = TopK::new(VALUES_MAX.min(counts.len()));
        counts.iter().for_each(|(key, count)| top.push(*count as f32, *key));
        let mut keys: Vec<u32> = top.into_sorted().into_iter().map(|one| one.1).collect();
        keys.sort_unstable();
        let weight = |key| libm::logf(described as f32 / counts[key] as f32);
        Self { weights: keys.iter().map(weight).collect(), keys }
    }

    /// How many there are: numbers are below this.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The known values among `keys`, with their weights.
    pub fn row(&self, keys: &[u32]) -> Vec<(u32, f32)> {
        let known = keys.iter().filter_map(|key| self.keys.binary_search(key).ok());
        let mut top = TopK::new(ROW_MAX.min(keys.len()));
        known.for_each(|value| top.push(self.weights[value], value as u32));
        top.into_sorted().into_iter().map(|(weight, value)| (value, weight)).collect()
    }

    /// [`AttributeValues::row`] of every product.
    pub fn rows(&self, products: &[Vec<u32>]) -> Interactions {
        let row = |keys: &Vec<u32>| -> Vec<(ProductNo, f32)> {
            self.row(keys).into_iter().map(|(value, weight)| (ProductNo(value), weight)).collect()
        };
        Interactions::new(products.iter().map(row)).with_columns(self.len())
    }

    /// Bytes that they take.
    pub fn size_bytes(&self) -> usize {
        8 * self.len()
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        self.keys.len() == self.weights.len()
            && self.keys.is_sorted_by(|a, b| a < b)
            && self.weights.iter().all(|weight| weight.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_values_weigh_more_and_those_of_one_or_all_say_nothing() {
        let products = [vec![1, 5, 9], vec![1, 5], vec![1, 5], vec![1, 7, 30], vec![1, 7], vec![]];
        let values = AttributeValues::new(&products);
        assert_eq!((values.len(), values.is_sound(), values.size_bytes()), (2, true, 16));
        let row = values.row(&[7, 5, 9, 1, 1000]);
        assert_eq!(row.iter().map(|one| one.0).collect::<Vec<_>>(), [1, 0], "the rarer first: {row:?}");
        assert!((row[0].1 - (5.0_f32 / 2.0).ln()).abs() < 1e-6 && row[0].1 > row[1].1, "{row:?}");
        let rows = values.rows(&products);
        assert_eq!((rows.row_count(), rows.column_count(), rows.row_len(5)), (6, 2, 0));
        assert_eq!(AttributeValues::new(&[]), AttributeValues::default());
    }
}
