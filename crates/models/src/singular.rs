//! The leading right singular vectors of sparse data, by subspace iteration from a random start (Halko, Martinsson, Tropp
//! 2011): multiply by the matrix and back, make orthonormal, again. Every sum runs in one order, whatever the threads.

use crate::eigen;
use crate::interactions::Interactions;
use crate::lanes::{Kernel, axpy, dispatch, padded};
use crate::parts;
use crate::seeded::Seeded;
use crate::tall;

/// Vectors beyond those asked for: they take the error of stopping early.
const SPARE: usize = 16;
/// Times that the matrix is multiplied with.
const ROUNDS: usize = 8;
/// Share of the greatest eigenvalue below which a direction is rounding.
const NOUGHT: f64 = 1e-10;

/// The `count` leading right singular vectors of `matrix`: a row a column of it, as long as `count` in whole lanes. Those
/// that there are not are nought.
pub fn right(matrix: &Interactions, count: usize, seed: u64, threads: usize) -> Vec<f32> {
    let turned = matrix.transposed();
    let width = padded(count + SPARE);
    let mut seeded = Seeded::new(seed);
    let mut vectors: Vec<f32> = (0..matrix.column_count() * width).map(|_| seeded.normal() as f32).collect();
    for _ in 0..ROUNDS {
        let there = multiply(matrix, &vectors, width, threads);
        vectors = multiply(&turned, &there, width, threads);
        orthonormalize(&mut vectors, width, threads);
    }
    let kept = padded(count);
    let cut = vectors.chunks_exact(width).flat_map(|row| {
        row.iter().enumerate().take(kept).map(|(at, value)| if at < count { *value } else { 0.0 })
    });
    cut.collect()
}

/// `matrix · right`, whose rows are `width` long.
pub(crate) fn multiply(matrix: &Interactions, right: &[f32], width: usize, threads: usize) -> Vec<f32> {
    let mut product = vec![0.0; matrix.row_count() * width];
    parts::each_with(&mut product, 64 * width, threads, |from, part| {
        dispatch(Multiply { matrix, right, first: from / width, part, width });
    });
    product
}

struct Multiply<'a> {
    matrix: &'a Interactions,
    right: &'a [f32],
    first: usize,
    part: &'a mut [f32],
    width: usize,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { matrix, right, first, part, width } = self;
        for (at, sum) in part.chunks_exact_mut(width).enumerate() {
            let (columns, weights) = matrix.row(first + at);
            for (&column, &weight) in columns.iter().zip(weights) {
                axpy(weight, &right[column as usize * width..][..width], sum);
            }
        }
    }
}

/// Turns the columns to where their Gram matrix is diagonal, the greatest first, and makes them of length one.
fn orthonormalize(rows: &mut [f32], width: usize, threads: usize) {
    let eigen = eigen::symmetric(tall::gram(rows, width, threads), width);
    let least = NOUGHT * eigen.values[0].max(0.0);
    let mut rotation = vec![0.0; width * width];
    for (at, (vector, &value)) in eigen.vectors.chunks_exact(width).zip(&eigen.values).enumerate() {
        let scale = if value > least { 1.0 / value.sqrt() } else { 0.0 };
        for (row, one) in vector.iter().enumerate() {
            rotation[row * width + at] = (one * scale) as f32;
        }
    }
    tall::rotate(rows, &rotation, width, threads);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::ProductNo;

    #[test]
    fn blocks_that_do_not_mix_are_found_in_the_order_of_their_weight() {
        // Block b: products 4b..4b+4, shoppers alike; weight 3, 2, 1: singular values 3 · 4, 2 · 4, 1 · 4.
        let row =
            |block: u32| (0..4).map(|at| (ProductNo(4 * block + at), 3.0 - block as f32)).collect::<Vec<_>>();
        let data = Interactions::new((0..12).map(|shopper| row(shopper / 4)));
        let vectors = right(&data, 2, 1, 1);
        assert_eq!(vectors.len(), 12 * 16);
        for (product, vector) in vectors.chunks_exact(16).enumerate() {
            let wanted = |block: usize| if product / 4 == block { 0.5 } else { 0.0 };
            assert!((vector[0].abs() - wanted(0)).abs() < 1e-4, "{product} {vector:?}");
            assert!((vector[1].abs() - wanted(1)).abs() < 1e-4, "{product} {vector:?}");
            assert!(vector[2..].iter().all(|value| *value == 0.0));
        }
        assert_eq!(vectors, right(&data, 2, 1, 3));
    }
}
