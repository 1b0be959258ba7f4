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
    /// From rows in any order. Products in them MUST be below the number of rows.
    pub fn from_rows(rows: &[Vec<(f32, ProductNo)>]) -> Self {
        let count = rows.iter().map(Vec::len).sum();
        let mut built =
            Self { starts: vec![0], columns: Vec::with_capacity(count), weights: Vec::with_capacity(count) };
        let mut sorted = Vec::new();
        for row in rows {
            let mut row = row;
            if !row.is_sorted_by_key(|one| one.1) {
                sorted.clone_from(row);
                sorted.sort_unstable_by_key(|one: &(f32, ProductNo)| one.1);
                row = &sorted;
            }
            built.columns.extend(row.iter().map(|one| one.1.0));
            built.weights.extend(row.iter().map(|one| one.0));
            built.starts.push(built.columns.len() as u32);
        }
        built
    }

    /// The same weights from columns: `columns[j]` holds what goes to product j.
    pub fn from_columns(columns: &[Vec<(f32, ProductNo)>]) -> Self {
        let mut rows = vec![Vec::new(); columns.len()];
        for (target, column) in columns.iter().enumerate() {
            for &(weight, source) in column {
                rows[source.index()].push((weight, ProductNo(target as u32)));
            }
        }
        Self::from_rows(&rows)
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
