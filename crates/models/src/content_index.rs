//! Which products share attribute values and words: for each value the newest products that have it. Similar content is
//! found by walking the rarest values of a product, each weighted by its inverse product frequency (TF-IDF, Salton 1988).

use crate::cow::CowVec;
use crate::scratch::Scratch;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Products listed for a value, the newest; up to twice as many between two cuts.
pub const POSTINGS_MAX: usize = 200;
/// Values of a product that are looked up, the rarest.
const VALUES_MAX: usize = 8;

/// The products that have a value.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Row {
    /// How many products got it, those that lost it since not taken off.
    count: u32,
    /// The newest of them, oldest first.
    newest: Vec<ProductNo>,
}

/// Products by value. A value costs 8 bytes until a product has it, then 48 and 4 a product listed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ContentIndex {
    rows: CowVec<Option<Arc<Row>>, 256>,
    product_count: u32,
}

impl ContentIndex {
    /// Notes that `product`, which had the values `before`, has the values `now`. Both are sorted.
    pub fn change(&mut self, product: ProductNo, before: &[u32], now: &[u32]) {
        self.product_count += u32::from(before.is_empty() && !now.is_empty());
        for &value in now.iter().filter(|value| before.binary_search(value).is_err()) {
            self.rows.grow_to(value as usize + 1, &None);
            let Some(slot) = self.rows.get_mut(value as usize) else { continue };
            let row = Arc::make_mut(slot.get_or_insert_default());
            row.count += 1;
            row.newest.push(product);
            if row.newest.len() > 2 * POSTINGS_MAX {
                row.newest.drain(..=POSTINGS_MAX);
            }
        }
    }

    /// The newest products that have a value, or had it once, newest first.
    pub fn with(&self, value: u32) -> impl Iterator<Item = ProductNo> + '_ {
        let row = self.rows.get(value as usize).and_then(Option::as_deref);
        row.into_iter().flat_map(|row| row.newest.iter().rev().take(POSTINGS_MAX)).copied()
    }

    /// How many products got a value, those that lost it since among them.
    pub fn count(&self, value: u32) -> u32 {
        self.rows.get(value as usize).and_then(Option::as_deref).map_or(0, |row| row.count)
    }

    /// `ln(products / products with it)`, never negative.
    pub fn weight(&self, value: u32) -> f32 {
        let count = self.count(value);
        if count == 0 {
            return 0.0;
        }
        libm::logf(self.product_count.max(1) as f32 / count as f32).max(0.0)
    }

    /// The `limit` products that share most with `values`, best first. Scores are shares of the weight of `values`, so that
    /// 1 is a product with all of them.
    pub fn similar(&self, values: &[u32], limit: usize, scratch: &mut Scratch) -> Vec<(f32, ProductNo)> {
        let mut weighted: Vec<(f32, u32)> = values.iter().map(|&value| (self.weight(value), value)).collect();
        weighted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        weighted.truncate(VALUES_MAX);
        let whole: f32 = weighted.iter().map(|(weight, _)| weight).sum();
        if whole <= 0.0 {
            return Vec::new();
        }
        scratch.sums.reset(weighted.len() * POSTINGS_MAX);
        for (weight, value) in weighted {
            self.with(value).for_each(|product| scratch.sums.add(product, weight / whole));
        }
        scratch.sums.best(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_values_count_most_and_old_products_give_way() {
        let mut index = ContentIndex::default();
        for no in 0..1_000_u32 {
            // Value 0: all. Value 1: every tenth. Value 2: every hundredth.
            let values: Vec<u32> = [(0, 1), (1, 10), (2, 100)]
                .into_iter()
                .filter(|(_, every)| no % every == 0)
                .map(|(value, _)| value)
                .collect();
            index.change(ProductNo(no), &[], &values);
        }
        assert!(index.weight(0) == 0.0 && index.weight(1) < index.weight(2));
        assert_eq!(index.with(0).count(), POSTINGS_MAX);
        assert_eq!(index.with(0).next(), Some(ProductNo(999)));
        let similar = index.similar(&[0, 1, 2], 3, &mut Scratch::default());
        let expected = [0, 100, 200].map(ProductNo);
        assert_eq!(similar.iter().map(|(_, product)| *product).collect::<Vec<_>>(), expected);
        assert!((similar[0].0 - 1.0).abs() < 1e-6, "all that tells apart is shared: {similar:?}");
        assert!(index.similar(&[7], 3, &mut Scratch::default()).is_empty());
    }
}
