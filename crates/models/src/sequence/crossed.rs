//! Pairs of attribute values as values of their own: what two values say together that neither says alone (a brand in a
//! category), for products that are known by nothing else.

use crate::interactions::Interactions;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Values of a product that are paired, the first.
const VALUES_MAX: usize = 16;

/// Which pairs count, and their numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Crossed {
    /// Each with the smaller value first.
    pairs: BTreeMap<(u32, u32), u32>,
}

impl Crossed {
    /// Pairs that at least `products_min` rows of `attributes` have get the numbers after its columns.
    pub fn new(attributes: &Interactions, products_min: u32) -> Self {
        let mut counts: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for row in 0..attributes.row_count() {
            pairs_of(attributes.row(row).0).for_each(|pair| *counts.entry(pair).or_default() += 1);
        }
        counts.retain(|_, count| *count >= products_min);
        let numbers = attributes.column_count() as u32..;
        Self { pairs: counts.into_keys().zip(numbers).collect() }
    }

    /// A product's values, ascending, and the pairs of them that count.
    pub fn row(&self, values: &[u32]) -> Vec<(u32, f32)> {
        let pairs = pairs_of(values).filter_map(|pair| self.pairs.get(&pair).copied());
        values.iter().copied().chain(pairs).map(|value| (value, 1.0)).collect()
    }

    /// [`Crossed::row`] of every product.
    pub fn all(&self, attributes: &Interactions) -> Interactions {
        let row = |row| self.row(attributes.row(row).0).into_iter().map(|one| (ProductNo(one.0), one.1));
        Interactions::new((0..attributes.row_count()).map(|at| row(at).collect::<Vec<_>>()))
    }
}

fn pairs_of(values: &[u32]) -> impl Iterator<Item = (u32, u32)> + '_ {
    let values = &values[..values.len().min(VALUES_MAX)];
    values.iter().enumerate().flat_map(|(at, one)| values[at + 1..].iter().map(|other| (*one, *other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_enough_products_have_are_values() {
        let rows = [&[0, 1, 2][..], &[0, 1], &[1, 2], &[0, 2]];
        let row = |values: &&[u32]| values.iter().map(|value| (ProductNo(*value), 1.0)).collect::<Vec<_>>();
        let attributes = Interactions::new(rows[..3].iter().map(row));
        let crossed = Crossed::new(&attributes, 2);
        assert_eq!(crossed.row(rows[0]), [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
        assert_eq!(crossed.row(rows[3]), [(0, 1.0), (2, 1.0)]);
        assert_eq!(crossed.all(&attributes).row(1).0, [0, 1, 3]);
    }
}
