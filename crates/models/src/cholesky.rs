//! Small symmetric positive definite systems, by Cholesky: `A = Uᵀ U` in place, then two triangular solves. For the
//! thousands of systems of up to a few hundred unknowns that alternating least squares and SLIM solve.

use crate::lanes::{LANES, axpy, dot, fused_scalar, load, padded};

/// Columns that are eliminated together.
const PANEL: usize = 4;

/// A system of `size` unknowns, a multiple of four; rows are as long as whole lanes, of which only what is on or right of
/// the diagonal counts.
#[derive(Default)]
pub struct System {
    /// Row by row.
    pub matrix: Vec<f32>,
    /// The right-hand side; after [`System::solve`] the solution.
    pub right: Vec<f32>,
    size: usize,
}

impl System {
    /// All nought, for `size` unknowns; unknowns that only round it up get a one on the diagonal.
    pub fn reset(&mut self, size: usize) {
        self.size = size.next_multiple_of(PANEL);
        self.matrix.clear();
        self.matrix.resize(self.size * self.width(), 0.0);
        self.right.clear();
        self.right.resize(self.width(), 0.0);
        (size..self.size).for_each(|at| self.add_diagonal(at, 1.0));
    }

    /// Length of a row.
    pub fn width(&self) -> usize {
        padded(self.size)
    }

    /// Adds to the diagonal.
    #[inline]
    pub fn add_diagonal(&mut self, at: usize, value: f32) {
        let width = self.width();
        self.matrix[at * width + at] += value;
    }

    /// Solves in place. A pivot that is not above nought, from rounding, is taken as tiny.
    #[inline(always)]
    pub fn solve(&mut self) {
        let width = self.width();
        for from in (0..self.size).step_by(PANEL) {
            let (done, rest) = self.matrix[from * width..].split_at_mut(PANEL * width);
            factor_panel(done, width, from);
            update(done, rest, width, from);
        }
        self.substitute();
    }

    #[inline(always)]
    fn substitute(&mut self) {
        let width = self.width();
        for row in 0..self.size {
            let line = &self.matrix[row * width..][..width];
            let value = self.right[row] / line[row];
            let from = row / LANES * LANES;
            // The rest of the lanes before the diagonal are done and are put back.
            let mut kept = [0.0; LANES];
            kept[..=row - from].copy_from_slice(&self.right[from..=row]);
            axpy(-value, &line[from..], &mut self.right[from..]);
            self.right[from..=row].copy_from_slice(&kept[..=row - from]);
            self.right[row] = value;
        }
        self.right[self.size..].fill(0.0);
        for row in (0..self.size).rev() {
            let line = &self.matrix[row * width..][..width];
            let from = row / LANES * LANES;
            let mut lanes = load(&line[from..]);
            lanes[..=row - from].fill(0.0);
            let sum = dot(&lanes, &self.right[from..from + LANES])
                + dot(&line[from + LANES..], &self.right[from + LANES..]);
            self.right[row] = (self.right[row] - sum) / line[row];
        }
    }
}

/// Factors four rows whose diagonal begins at `from`.
#[inline(always)]
fn factor_panel(panel: &mut [f32], width: usize, from: usize) {
    let aligned = from / LANES * LANES;
    for at in 0..PANEL {
        let (row, below) = panel[at * width..].split_at_mut(width);
        let pivot = row[from + at].max(1e-20).sqrt();
        let scale = 1.0 / pivot;
        row[aligned..].iter_mut().for_each(|value| *value *= scale);
        row[from + at] = pivot;
        for next in 0..PANEL - 1 - at {
            let line = &mut below[next * width..][..width];
            axpy(-row[from + at + 1 + next], &row[aligned..], &mut line[aligned..]);
        }
    }
}

/// Takes what the panel explains out of the rows below it, four at a time.
#[inline(always)]
fn update(panel: &[f32], rest: &mut [f32], width: usize, from: usize) {
    for (block, rows) in rest.chunks_exact_mut(PANEL * width).enumerate() {
        let first = from + PANEL + block * PANEL;
        let mut factors = [[0.0; PANEL]; PANEL];
        for (at, factors) in factors.iter_mut().enumerate() {
            for (row, factor) in factors.iter_mut().enumerate() {
                *factor = -panel[at * width + first + row];
            }
        }
        for column in (first / LANES * LANES..width).step_by(LANES) {
            let lanes: [_; PANEL] = std::array::from_fn(|at| load(&panel[at * width + column..]));
            for row in 0..PANEL {
                let place = &mut rows[row * width + column..][..LANES];
                let mut sum = load(place);
                for at in 0..PANEL {
                    fused_scalar(factors[at][row], &lanes[at], &mut sum);
                }
                place.copy_from_slice(&sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn solutions_solve() {
        let mut seeded = Seeded::new(3);
        for size in [1, 3, 4, 16, 17, 50, 64] {
            let factors: Vec<Vec<f32>> =
                (0..size).map(|_| (0..size).map(|_| seeded.normal() as f32).collect()).collect();
            let entry = |i: usize, j: usize| -> f32 {
                let product: f32 = factors.iter().map(|row| row[i] * row[j]).sum();
                product + if i == j { 2.0 } else { 0.0 }
            };
            let wanted: Vec<f32> = (0..size).map(|_| seeded.normal() as f32).collect();
            let mut system = System::default();
            system.reset(size);
            let width = system.width();
            for i in 0..size {
                for j in i..size {
                    system.matrix[i * width + j] += entry(i, j);
                }
                system.right[i] = (0..size).map(|j| entry(i, j) * wanted[j]).sum();
            }
            system.solve();
            for (at, wanted) in wanted.iter().enumerate() {
                assert!((system.right[at] - wanted).abs() < 2e-3, "{size}: {} {wanted}", system.right[at]);
            }
        }
    }
}
