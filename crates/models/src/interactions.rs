//! Who had to do with what, and how strongly: shoppers as rows, products as columns, only what is there. The training
//! data of every recommender.

use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use serde::{Deserialize, Serialize};

/// Weights above nought by row and column (compressed sparse rows): each row's columns ascend without repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interactions {
    /// Where each row begins; one more than there are rows.
    starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f32>,
    column_count: usize,
}

impl Interactions {
    /// One row a shopper. Weights of a product named twice are added up; a weight that is not finite and above nought is
    /// left out.
    pub fn new<R: AsRef<[(ProductNo, f32)]>>(rows: impl IntoIterator<Item = R>) -> Self {
        let mut built = Self { starts: vec![0], columns: Vec::new(), weights: Vec::new(), column_count: 0 };
        let mut sorted: Vec<(ProductNo, f32)> = Vec::new();
        for row in rows {
            sorted.clear();
            sorted.extend(row.as_ref().iter().filter(|(_, weight)| weight.is_finite() && *weight > 0.0));
            sorted.sort_by_key(|&(product, _)| product);
            built.push(&sorted);
        }
        built
    }

    /// The same with at least `column_count` columns, for products that nobody had to do with.
    #[must_use]
    pub fn with_columns(mut self, column_count: usize) -> Self {
        self.column_count = self.column_count.max(column_count);
        self
    }

    fn push(&mut self, sorted: &[(ProductNo, f32)]) {
        let start = self.columns.len();
        for &(product, weight) in sorted {
            if self.columns.len() > start && self.columns.last() == Some(&product.0) {
                let last = self.weights.len() - 1;
                self.weights[last] += weight;
            } else {
                self.columns.push(product.0);
                self.weights.push(weight);
                self.column_count = self.column_count.max(product.index() + 1);
            }
        }
        self.starts.push(self.columns.len());
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub fn column_count(&self) -> usize {
        self.column_count
    }

    /// Number of weights.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether nobody had to do with anything.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Columns and weights of a row, the columns ascending.
    #[inline]
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.columns[range.clone()], &self.weights[range])
    }

    /// How many columns a row has.
    pub fn row_len(&self, row: usize) -> usize {
        self.starts[row + 1] - self.starts[row]
    }

    /// A row as a shopper's history.
    pub fn history(&self, row: usize) -> Vec<(ProductNo, f32)> {
        let (columns, weights) = self.row(row);
        columns.iter().zip(weights).map(|(&column, &weight)| (ProductNo(column), weight)).collect()
    }

    /// Every weight replaced by what `change` gives for its row, its column and itself.
    #[must_use]
    pub fn map(mut self, change: impl Fn(usize, usize, f32) -> f32) -> Self {
        for row in 0..self.row_count() {
            for at in self.starts[row]..self.starts[row + 1] {
                self.weights[at] = change(row, self.columns[at] as usize, self.weights[at]);
            }
        }
        self
    }

    /// Every row cut to its `row_max` greatest weights; of equal ones those of the smaller columns stay.
    #[must_use]
    pub fn bounded(&self, row_max: usize) -> Self {
        let rows = (0..self.row_count()).map(|row| {
            let (columns, weights) = self.row(row);
            let mut top = TopK::new(row_max.min(columns.len()));
            columns.iter().zip(weights).for_each(|(&column, &weight)| top.push(weight, ProductNo(column)));
            top.into_sorted().into_iter().map(|(weight, column)| (column, weight)).collect::<Vec<_>>()
        });
        Self::new(rows).with_columns(self.column_count)
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let is_row = |pair: &[usize]| {
            self.columns.get(pair[0]..pair[1]).is_some_and(|row| row.is_sorted_by(|a, b| a < b))
        };
        self.starts.first() == Some(&0)
            && self.starts.last() == Some(&self.columns.len())
            && self.columns.len() == self.weights.len()
            && self.starts.windows(2).all(is_row)
            && self.columns.iter().all(|column| (*column as usize) < self.column_count)
            && self.weights.iter().all(|weight| weight.is_finite())
    }

    /// Bytes that they take.
    pub fn size_bytes(&self) -> usize {
        size_of::<usize>() * self.starts.len() + 8 * self.len()
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut starts = vec![0; self.column_count + 1];
        for &column in &self.columns {
            starts[column as usize + 1] += 1;
        }
        for column in 0..self.column_count {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let (mut columns, mut weights) = (vec![0; self.len()], vec![0.0; self.len()]);
        for row in 0..self.row_count() {
            let (from, values) = self.row(row);
            for (&column, &weight) in from.iter().zip(values) {
                let at = &mut next[column as usize];
                columns[*at] = row as u32;
                weights[*at] = weight;
                *at += 1;
            }
        }
        Self { starts, columns, weights, column_count: self.row_count() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_summed_and_cleaned_and_turned() {
        let p = ProductNo;
        let rows = [
            vec![(p(2), 1.0), (p(0), 0.5), (p(2), 2.0)],
            vec![(p(1), f32::NAN), (p(1), -1.0)],
            vec![(p(0), 4.0)],
        ];
        let data = Interactions::new(&rows).with_columns(4);
        assert_eq!((data.row_count(), data.column_count(), data.len()), (3, 4, 3));
        assert_eq!(data.row(0), (&[0, 2][..], &[0.5, 3.0][..]));
        assert_eq!(data.row_len(1), 0);
        let turned = data.transposed();
        assert_eq!(turned.row(0), (&[0, 2][..], &[0.5, 4.0][..]));
        assert_eq!((turned.row_count(), turned.row_len(3)), (4, 0));
        assert_eq!(turned.transposed(), data);
        assert_eq!(data.bounded(1).row(0), (&[2][..], &[3.0][..]));
        assert_eq!((data.bounded(1).len(), data.bounded(1).column_count()), (2, 4));
        assert_eq!(data.map(|row, _, weight| weight * row as f32).row(2).1, [8.0]);
    }
}
