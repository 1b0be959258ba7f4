//! The inverse of a large symmetric positive definite matrix, in place, in blocks that fit the cache, on several threads.
//!
//! By the sweep operator (Beaton 1964; Goodnight 1979), a block of rows at a time: with K the block, `P = A_KK⁻¹` and
//! `C = P A_K·`, every other entry loses `A_iK C_Kj`, the block becomes C and its middle −P; when all are swept, A has become
//! −A⁻¹. It stays symmetric, so half of it is enough. Every entry is made by one sequence of operations, whatever the threads.

use crate::lanes::{Kernel, LANES, Outer, dispatch};
use crate::parts;

/// Rows that are swept together: whole lanes.
const BLOCK: usize = 128;
/// Rows that a thread works on at a time.
const GROUP: usize = 32;

/// Inverts the symmetric positive definite `matrix` of `size` rows, a multiple of the lanes.
pub fn invert(matrix: &mut [f32], size: usize, threads: usize) {
    debug_assert_eq!(size % LANES, 0, "rows are in whole lanes");
    for from in (0..size).step_by(BLOCK) {
        let len = BLOCK.min(size - from);
        let step = Step::new(matrix, size, from, len, threads);
        parts::each_with(matrix, GROUP * size, threads, |at, rows| {
            dispatch(Update { step: &step, rows, first: at / size });
        });
        step.put_back(matrix);
    }
    mirror_negated(matrix, size);
}

/// What one block of rows does to all others.
struct Step {
    size: usize,
    from: usize,
    len: usize,
    /// A_K·: the block's rows, whole.
    rows: Vec<f32>,
    /// C in blocks of columns, each row by row.
    solved: Vec<f32>,
    /// P.
    middle: Vec<f32>,
}

impl Step {
    fn new(matrix: &[f32], size: usize, from: usize, len: usize, threads: usize) -> Self {
        let mut rows = vec![0.0; len * size];
        for (at, row) in rows.chunks_exact_mut(size).enumerate() {
            let whole = &matrix[(from + at) * size..][..size];
            row[from + at..].copy_from_slice(&whole[from + at..]);
            (0..from + at).for_each(|column| row[column] = matrix[column * size + from + at]);
        }
        let middle = invert_small((0..len).map(|at| &rows[at * size + from..][..len]));
        let mut solved = vec![0.0; len * size];
        let (rows_ref, middle_ref) = (&rows, &middle);
        parts::each_with(&mut solved, len * BLOCK, threads, |at, part| {
            dispatch(Solve { rows: rows_ref, size, middle: middle_ref, len, first: at / len, part });
        });
        Self { size, from, len, rows, solved, middle }
    }

    /// Columns from `column` on of C, row by row, and how many.
    #[inline(always)]
    fn block(&self, column: usize) -> (&[f32], usize) {
        let wide = BLOCK.min(self.size - column);
        (&self.solved[column * self.len..][..wide * self.len], wide)
    }

    /// Writes C and −P where the block was, on and above the diagonal.
    fn put_back(&self, matrix: &mut [f32]) {
        let Self { size, from, len, .. } = *self;
        for column in (0..size).step_by(BLOCK) {
            let (block, wide) = self.block(column);
            for at in 0..len {
                for offset in 0..wide {
                    let (row, other) = (from + at, column + offset);
                    let value = block[at * wide + offset];
                    if other >= from + len {
                        matrix[row * size + other] = value;
                    } else if other < from {
                        matrix[other * size + row] = value;
                    }
                }
            }
        }
        for at in 0..len {
            for other in 0..len {
                matrix[(from + at) * size + from + other] = -self.middle[at * len + other];
            }
        }
    }
}

/// A block of columns of `C = P A_K·`.
struct Solve<'a> {
    rows: &'a [f32],
    size: usize,
    middle: &'a [f32],
    len: usize,
    first: usize,
    part: &'a mut [f32],
}

impl Kernel for Solve<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { rows, size, middle, len, first, part } = self;
        let wide = part.len() / len;
        let right: Vec<f32> =
            rows.chunks_exact(size).flat_map(|row| row[first..first + wide].iter().copied()).collect();
        // P is symmetric: its rows are its columns.
        Outer { left: (middle, len), right: (&right, wide), rows: len }.add_to(part, |_| 0);
    }
}

/// Rows of the matrix, less what the block explains.
struct Update<'a> {
    step: &'a Step,
    rows: &'a mut [f32],
    first: usize,
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { step, rows, first } = self;
        let (size, len) = (step.size, step.len);
        let count = rows.len() / size;
        let mut left = vec![0.0; len * GROUP];
        for at in 0..len {
            for row in 0..count {
                left[at * GROUP + row] = -step.rows[at * size + first + row];
            }
        }
        let mut less = vec![0.0; GROUP * BLOCK];
        for column in (first / BLOCK * BLOCK..size).step_by(BLOCK) {
            let (right, wide) = step.block(column);
            less[..GROUP * wide].fill(0.0);
            let product =
                Outer { left: (&left, GROUP), right: (right, wide), rows: count.next_multiple_of(4) };
            product.add_to(&mut less, |_| 0);
            for (row, less) in less.chunks_exact(wide).take(count).enumerate() {
                let place = &mut rows[row * size + column..][..wide];
                place.iter_mut().zip(less).for_each(|(value, less)| *value += less);
            }
        }
    }
}

/// The inverse of a small symmetric positive definite matrix, by the same operator a row at a time, in 64 bits.
fn invert_small<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut matrix: Vec<f64> = rows.flat_map(|row| row.iter().map(|value| f64::from(*value))).collect();
    let size = (0..).find(|size| size * size >= matrix.len()).unwrap_or(0);
    for at in 0..size {
        let pivot = matrix[at * size + at].max(1e-30);
        let row: Vec<f64> = (0..size).map(|column| matrix[at * size + column]).collect();
        for other in (0..size).filter(|other| *other != at) {
            let factor = row[other] / pivot;
            let line = &mut matrix[other * size..][..size];
            line.iter_mut().zip(&row).for_each(|(value, from)| *value -= factor * from);
        }
        for other in 0..size {
            matrix[at * size + other] = row[other] / pivot;
            matrix[other * size + at] = row[other] / pivot;
        }
        matrix[at * size + at] = -1.0 / pivot;
    }
    matrix.iter().map(|value| -*value as f32).collect()
}

/// Negates what is on and above the diagonal, and copies it below.
fn mirror_negated(matrix: &mut [f32], size: usize) {
    for row in 0..size {
        for column in row..size {
            let value = -matrix[row * size + column];
            matrix[row * size + column] = value;
            matrix[column * size + row] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn a_matrix_times_its_inverse_is_one_whatever_the_threads() {
        for size in [16, 128, 144, 336] {
            let mut seeded = Seeded::new(size as u64);
            let mut matrix = vec![0.0; size * size];
            for row in 0..size {
                for column in 0..row {
                    let value = (0.3 * seeded.normal()) as f32;
                    matrix[row * size + column] = value;
                    matrix[column * size + row] = value;
                }
                matrix[row * size + row] = 20.0;
            }
            let (mut inverse, mut other) = (matrix.clone(), matrix.clone());
            invert(&mut inverse, size, 1);
            invert(&mut other, size, 3);
            assert_eq!(inverse, other);
            for row in 0..size {
                for column in 0..size {
                    let product =
                        |k: usize| f64::from(matrix[row * size + k]) * f64::from(inverse[k * size + column]);
                    let sum: f64 = (0..size).map(product).sum();
                    assert!(
                        (sum - f64::from(u8::from(row == column))).abs() < 1e-5,
                        "{size} {row} {column} {sum}"
                    );
                }
            }
        }
    }
}
