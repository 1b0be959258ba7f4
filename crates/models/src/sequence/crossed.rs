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
pub(crate) struct Crossed {
    /// Each with the smaller value first.
    pairs: BTreeMap<(u32, u32), u32>,
}

impl Crossed {
    /// Pairs that at least `products_min` rows of `attributes` have get the numbers after its columns; none where it is 0.
    pub fn new(attributes: &Interactions, products_min: u32) -> Self {
        let mut counts: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for row in (0..attributes.row_count()).filter(|_| products_min > 0) {
            let (values, weights) = attributes.row(row);
            let values: Vec<_> = values.iter().copied().zip(weights.iter().copied()).collect();
            pairs_of(&values).for_each(|pair| *counts.entry(pair.0).or_default() += 1);
        }
        counts.retain(|_, count| *count >= products_min);
        let numbers = attributes.column_count() as u32..;
        Self { pairs: counts.into_keys().zip(numbers).collect() }
    }

    /// A product's values with their weights, and the pairs of them that count, each with the product of both weights.
    pub fn row(&self, values: &[(u32, f32)]) -> Vec<(u32, f32)> {
        let mut sorted = values.to_vec();
        sorted.sort_by_key(|one| one.0);
        let pairs = pairs_of(&sorted).filter_map(|(pair, weight)| Some((*self.pairs.get(&pair)?, weight)));
        let pairs: Vec<_> = pairs.collect();
        sorted.extend(pairs);
        sorted
    }

    /// [`Crossed::row`] of every product.
    pub fn all(&self, attributes: &Interactions) -> Interactions {
        let row = |row| {
            let (values, weights) = attributes.row(row);
            let values: Vec<_> = values.iter().copied().zip(weights.iter().copied()).collect();
            self.row(&values).into_iter().map(|one| (ProductNo(one.0), one.1)).collect::<Vec<_>>()
        };
        Interactions::new((0..attributes.row_count()).map(row)).with_columns(attributes.column_count())
    }
}

/// Pairs of the first of ascending values, and what they weigh.
fn pairs_of(values: &[(u32, f32)]) -> impl Iterator<Item = ((u32, u32), f32)> + '_ {
    let values = &values[..values.len().min(VALUES_MAX)];
    let pairs = |(at, one): (usize, &(u32, f32))| {
        let one = *one;
        values[at + 1..].iter().map(move |other| ((one.0, other.0), one.1 * other.1))
    };
    values.iter().enumerate().flat_map(pairs)
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
        let all = [(0, 1.0), (1, 0.5), (2, 1.0), (3, 0.5), (4, 0.5)];
        assert_eq!(crossed.row(&[(2, 1.0), (0, 1.0), (1, 0.5)]), all);
        assert_eq!(crossed.row(&[(0, 1.0), (2, 1.0)]), [(0, 1.0), (2, 1.0)]);
        assert_eq!(crossed.all(&attributes).row(1).0, [0, 1, 3]);
        assert_eq!(Crossed::new(&attributes, 0).all(&attributes), attributes);
    }
}
