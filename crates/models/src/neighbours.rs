//! Weights from a product to others, a bounded row each: what item–item models are once fitted. A shopper's scores are
//! the sum of the rows of what they had to do with.

use crate::recommender::{Ask, Recommender, Scores};
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Rows of (product, weight), each in the order of its products.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    /// Where each row begins; one more than there are rows.
    starts: Vec<u32>,
    columns: Vec<u32>,
    weights: Vec<f32>,
}

impl Neighbours {
    /// No row yet, and room for so many weights.
    pub(crate) fn with_room(weight_count: usize) -> Self {
        Self {
            starts: vec![0],
            columns: Vec::with_capacity(weight_count),
            weights: Vec::with_capacity(weight_count),
        }
    }

    /// Adds a row, put in the order of its products.
    pub(crate) fn push(&mut self, row: &mut [(f32, ProductNo)]) {
        if !row.is_sorted_by_key(|one| one.1) {
            row.sort_unstable_by_key(|one| one.1);
        }
        self.columns.extend(row.iter().map(|one| one.1.0));
        self.weights.extend(row.iter().map(|one| one.0));
        self.starts.push(self.columns.len() as u32);
    }

    /// From rows in any order. Products in them MUST be below the number of rows.
    pub fn from_rows(rows: &[Vec<(f32, ProductNo)>]) -> Self {
        let mut built = Self::with_room(rows.iter().map(Vec::len).sum());
        rows.iter().for_each(|row| built.push(&mut row.clone()));
        built
    }

    /// The same weights with source and target exchanged: row j holds what goes to product j.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let count = self.product_count();
        let mut starts = vec![0_u32; count + 1];
        for &column in &self.columns {
            starts[column as usize + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let (mut columns, mut weights) = (vec![0; self.columns.len()], vec![0.0; self.weights.len()]);
        for product in 0..count {
            let (from, values) = self.row(ProductNo(product as u32));
            for (&column, &weight) in from.iter().zip(values) {
                let at = &mut next[column as usize];
                columns[*at as usize] = product as u32;
                weights[*at as usize] = weight;
                *at += 1;
            }
        }
        Self { starts, columns, weights }
    }

    /// Products and weights of a row; empty for a product that is not known.
    #[inline]
    pub fn row(&self, product: ProductNo) -> (&[u32], &[f32]) {
        if product.index() >= self.product_count() {
            return (&[], &[]);
        }
        let range = self.starts[product.index()] as usize..self.starts[product.index() + 1] as usize;
        (&self.columns[range.clone()], &self.weights[range])
    }
}

impl Neighbours {
    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let count = self.product_count() as u32;
        let is_row = |pair: &[u32]| {
            let row = self.columns.get(pair[0] as usize..pair[1] as usize);
            row.is_some_and(|row| row.is_sorted_by(|a, b| a < b))
        };
        self.starts.first() == Some(&0)
            && self.starts.last().is_some_and(|last| *last as usize == self.columns.len())
            && self.columns.len() == self.weights.len()
            && self.starts.windows(2).all(is_row)
            && self.columns.iter().all(|column| *column < count)
            && self.weights.iter().all(|weight| weight.is_finite())
    }
}

impl Recommender for Neighbours {
    fn product_count(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    fn size_bytes(&self) -> usize {
        4 * (self.starts.len() + 2 * self.columns.len())
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        scratch.reserve(self.product_count());
        for &(product, weight) in ask.history.iter().filter(|one| one.1.is_finite()) {
            let (columns, weights) = self.row(product);
            scratch.add(columns, weights, weight);
        }
        scratch.best(ask.excluded, ask.limit)
    }
}
