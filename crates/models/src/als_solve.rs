//! One side of alternating least squares: each row's vector, the other side fixed and its Gram matrix diagonal.
//!
//! With D = α₀ × that diagonal + λ_u, Y the vectors of the row's m columns and X their weights, the vector solves
//! `(D + Yᵀ X Y) w = Yᵀ X 1`. Exactly: with as many unknowns as factors, or, where m is smaller, with m by
//! `w = D⁻¹ Yᵀ (X⁻¹ + Y D⁻¹ Yᵀ)⁻¹ 1`. Or nearly: conjugate gradients preconditioned by D, from the last vector on.

use crate::cholesky::System;
use crate::interactions::Interactions;
use crate::lanes::{Kernel, LANES, Lanes, Outer, axpy, dispatch, dot, fused, fused_scalar, load, total};
use serde::{Deserialize, Serialize};

/// How a row is solved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Solver {
    /// Exactly.
    Cholesky,
    /// A few steps of conjugate gradients from the last sweep's vector.
    Cg {
        /// So many.
        steps: u32,
    },
}

/// The side that is fixed.
pub(crate) struct Side<'a> {
    pub vectors: &'a [f32],
    /// The diagonal of its Gram matrix × α₀: as many as a vector is long.
    pub energies: &'a [f32],
    pub regularization: f32,
    /// α₀ × its number of vectors.
    pub all_pairs: f32,
    pub power: f32,
    pub solver: Solver,
}

impl Side<'_> {
    /// Length of a vector, in whole lanes.
    pub fn width(&self) -> usize {
        self.energies.len()
    }
}

/// Solves the rows from `first` on into `solved`, one vector after the other.
pub(crate) fn solve(side: &Side<'_>, rows: &Interactions, first: usize, solved: &mut [f32]) {
    dispatch(Rows { side, rows, first, solved });
}

struct Rows<'a> {
    side: &'a Side<'a>,
    rows: &'a Interactions,
    first: usize,
    solved: &'a mut [f32],
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.side.width();
        let mut work = Work::default();
        for (at, vector) in self.solved.chunks_exact_mut(width).enumerate() {
            let row = self.rows.row(self.first + at);
            if row.0.is_empty() {
                vector.fill(0.0);
                continue;
            }
            work.gather(self.side, row);
            match self.side.solver {
                Solver::Cg { steps } => match width / LANES {
                    1 => work.conjugate_in::<1>(row.1, vector, steps),
                    2 => work.conjugate_in::<2>(row.1, vector, steps),
                    4 => work.conjugate_in::<4>(row.1, vector, steps),
                    8 => work.conjugate_in::<8>(row.1, vector, steps),
                    _ => work.conjugate(row.1, vector, steps),
                },
                Solver::Cholesky if row.0.len() < width => work.by_columns(row.1, vector),
                Solver::Cholesky => work.by_factors(row.1, vector),
            }
        }
    }
}

/// Working memory of a thread.
#[derive(Default)]
struct Work {
    /// Y: the vectors of the row's columns.
    gathered: Vec<f32>,
    /// D.
    diagonal: Vec<f32>,
    scaled: Vec<f32>,
    system: System,
    residual: Vec<f32>,
    direction: Vec<f32>,
    product: Vec<f32>,
}

impl Work {
    #[inline(always)]
    fn gather(&mut self, side: &Side<'_>, row: (&[u32], &[f32])) {
        let width = side.width();
        self.gathered.clear();
        for &column in row.0 {
            self.gathered.extend_from_slice(&side.vectors[column as usize * width..][..width]);
        }
        let count = row.0.len() as f32 + side.all_pairs;
        let regularization = side.regularization * libm::powf(count, side.power);
        self.diagonal.clear();
        self.diagonal.extend(side.energies.iter().map(|energy| energy + regularization));
    }

    #[inline(always)]
    fn by_columns(&mut self, weights: &[f32], vector: &mut [f32]) {
        let (width, count) = (vector.len(), weights.len());
        self.system.reset(count);
        let across = self.system.width();
        self.scaled.clear();
        self.scaled.resize(width * across, 0.0);
        self.diagonal.iter_mut().for_each(|value| *value = 1.0 / value.sqrt());
        for (column, values) in self.gathered.chunks_exact(width).enumerate() {
            for (at, (value, scale)) in values.iter().zip(&self.diagonal).enumerate() {
                self.scaled[at * across + column] = value * scale;
            }
        }
        let rows = count.next_multiple_of(4);
        let product = Outer { left: (&self.scaled, across), right: (&self.scaled, across), rows };
        product.add_to(&mut self.system.matrix, |row| row / LANES * LANES);
        for (at, weight) in weights.iter().enumerate() {
            self.system.add_diagonal(at, 1.0 / weight);
            self.system.right[at] = 1.0;
        }
        self.system.solve();
        vector.fill(0.0);
        for (values, &share) in self.gathered.chunks_exact(width).zip(&self.system.right) {
            axpy(share, values, vector);
        }
        vector.iter_mut().zip(&self.diagonal).for_each(|(value, scale)| *value *= scale * scale);
    }

    #[inline(always)]
    fn by_factors(&mut self, weights: &[f32], vector: &mut [f32]) {
        let width = vector.len();
        self.system.reset(width);
        for (values, &weight) in self.gathered.chunks_exact(width).zip(weights) {
            axpy(weight, values, &mut self.system.right);
        }
        self.scaled.clear();
        for (values, &weight) in self.gathered.chunks_exact(width).zip(weights) {
            self.scaled.extend(values.iter().map(|value| value * weight));
        }
        // Blocks that fit the first cache.
        let block = (4096 / width).max(16) * width;
        for (left, right) in self.gathered.chunks(block).zip(self.scaled.chunks(block)) {
            let product = Outer { left: (left, width), right: (right, width), rows: width };
            product.add_to(&mut self.system.matrix, |row| row / LANES * LANES);
        }
        for at in 0..width {
            self.system.add_diagonal(at, self.diagonal[at]);
        }
        self.system.solve();
        vector.copy_from_slice(&self.system.right[..width]);
    }

    #[inline(always)]
    fn conjugate(&mut self, weights: &[f32], vector: &mut [f32], steps: u32) {
        let width = vector.len();
        for part in [&mut self.residual, &mut self.direction, &mut self.product] {
            part.clear();
            part.resize(width, 0.0);
        }
        let Self { gathered, diagonal, residual, direction, product, .. } = self;
        for at in 0..width {
            residual[at] = -diagonal[at] * vector[at];
        }
        for (values, &weight) in gathered.chunks_exact(width).zip(weights) {
            axpy(weight * (1.0 - dot(values, vector)), values, residual);
        }
        for at in 0..width {
            direction[at] = residual[at] / diagonal[at];
        }
        let mut size = dot(residual, direction);
        for _ in 0..steps {
            if size < 1e-20 {
                break;
            }
            for at in 0..width {
                product[at] = diagonal[at] * direction[at];
            }
            for (values, &weight) in gathered.chunks_exact(width).zip(weights) {
                axpy(weight * dot(values, direction), values, product);
            }
            let step = size / dot(direction, product);
            axpy(step, direction, vector);
            axpy(-step, product, residual);
            for at in 0..width {
                product[at] = residual[at] / diagonal[at];
            }
            let next = dot(residual, product);
            let keep = next / size;
            for at in 0..width {
                direction[at] = keep.mul_add(direction[at], product[at]);
            }
            size = next;
        }
    }

    /// The same for vectors of `WIDE` times the lanes, which stay in registers.
    #[inline(always)]
    fn conjugate_in<const WIDE: usize>(&mut self, weights: &[f32], vector: &mut [f32], steps: u32) {
        let mut solution = Wide::<WIDE>::load(vector);
        let diagonal = Wide::<WIDE>::load(&self.diagonal);
        let over = diagonal.each(|value| 1.0 / value);
        let mut residual = diagonal.times(&solution).each(|value| -value);
        residual.add_rows(&self.gathered, weights, &solution, |weight, inner| weight * (1.0 - inner));
        let mut direction = residual.times(&over);
        let mut size = residual.dot(&direction);
        for _ in 0..steps {
            if size < 1e-20 {
                break;
            }
            let mut product = diagonal.times(&direction);
            product.add_rows(&self.gathered, weights, &direction, |weight, inner| weight * inner);
            let step = size / direction.dot(&product);
            solution.add(step, &direction);
            residual.add(-step, &product);
            let conditioned = residual.times(&over);
            let next = residual.dot(&conditioned);
            let last = direction;
            direction = conditioned;
            direction.add(next / size, &last);
            size = next;
        }
        vector.copy_from_slice(solution.0.as_flattened());
    }
}

/// A vector of `WIDE` times the lanes.
#[derive(Clone, Copy)]
struct Wide<const WIDE: usize>([Lanes; WIDE]);

/// Rows that are worked on side by side.
const ROWS: usize = 4;

impl<const WIDE: usize> Wide<WIDE> {
    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        let values = &values[..WIDE * LANES];
        Self(std::array::from_fn(|at| load(&values[at * LANES..])))
    }

    #[inline(always)]
    fn each(mut self, change: impl Fn(f32) -> f32) -> Self {
        self.0.as_flattened_mut().iter_mut().for_each(|value| *value = change(*value));
        self
    }

    #[inline(always)]
    fn times(mut self, other: &Self) -> Self {
        self.0.as_flattened_mut().iter_mut().zip(other.0.as_flattened()).for_each(|(a, b)| *a *= b);
        self
    }

    #[inline(always)]
    fn dot(&self, other: &Self) -> f32 {
        let mut sum = [0.0; LANES];
        (0..WIDE).for_each(|at| fused(&self.0[at], &other.0[at], &mut sum));
        total(&sum)
    }

    #[inline(always)]
    fn add(&mut self, scale: f32, other: &Self) {
        (0..WIDE).for_each(|at| fused_scalar(scale, &other.0[at], &mut self.0[at]));
    }

    /// Adds each row times `share(its weight, its inner product with by)`.
    #[inline(always)]
    fn add_rows(&mut self, rows: &[f32], weights: &[f32], by: &Self, share: impl Fn(f32, f32) -> f32) {
        let blocks = rows.chunks_exact(ROWS * WIDE * LANES).zip(weights.chunks_exact(ROWS));
        for (block, weights) in blocks {
            let rows: [Self; ROWS] = std::array::from_fn(|at| Self::load(&block[at * WIDE * LANES..]));
            let shares: [f32; ROWS] = std::array::from_fn(|at| share(weights[at], rows[at].dot(by)));
            (0..ROWS).for_each(|at| self.add(shares[at], &rows[at]));
        }
        let done = weights.len() / ROWS * ROWS;
        for (row, &weight) in rows.chunks_exact(WIDE * LANES).zip(weights).skip(done) {
            let row = Self::load(row);
            self.add(share(weight, row.dot(by)), &row);
        }
    }
}
