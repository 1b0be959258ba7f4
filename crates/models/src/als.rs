//! Implicit alternating least squares: every product and every shopper a vector, their inner product the score. For whom:
//! catalogues where taste is broader than "these two go together"; serves anyone from their list by folding in.
//!
//! Minimizes, over shopper vectors w and product vectors h (Hu, Koren, Volinsky 2008, as Rendle, Krichene, Zhang, Koren
//! 2022 write it: "Revisiting the performance of iALS on item recommendation benchmarks"),
//!
//! `Σ_observed x (w·h − 1)² + α₀ Σ_all (w·h)² + Σ_u λ_u ‖w_u‖² + Σ_i λ_i ‖h_i‖²`, `λ_u = λ (|I_u| + α₀ |I|)^ν`, λ_i alike.
//!
//! Before a side is solved, the other is rotated so that its Gram matrix is diagonal. Inner products stay; but the term over
//! all pairs now costs one multiplication a factor, and a shopper with m products needs a system of m unknowns, not of as
//! many as there are factors (Woodbury's identity).

use crate::als_solve::{Side, Solver, solve};
use crate::eigen;
use crate::interactions::Interactions;
use crate::lanes::{dot, padded};
use crate::nearest::Vectors;
use crate::parts;
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use crate::seeded::Seeded;
use crate::sound;
use crate::tall;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlsParams {
    /// Numbers a vector.
    pub factors: u32,
    /// Times that both sides are solved.
    pub sweeps: u32,
    /// λ: how short vectors are kept.
    pub regularization: f32,
    /// α₀: what a pair counts that was not observed, beside 1 for one that was.
    pub unobserved: f32,
    /// ν: how much more those with many pairs are held back; 1 as much as they have, 0 alike.
    pub power: f32,
    /// How a row is solved.
    pub solver: Solver,
}

impl Default for AlsParams {
    fn default() -> Self {
        Self {
            factors: 128,
            sweeps: 12,
            regularization: 0.003,
            unobserved: 0.03,
            power: 1.0,
            solver: Solver::Cholesky,
        }
    }
}

/// Product vectors, and what folding a shopper in needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Als {
    params: AlsParams,
    /// A row a product, rotated so that their Gram matrix is diagonal.
    products: Vectors,
    /// That diagonal × α₀.
    energies: Vec<f32>,
}

impl AlsParams {
    /// Fits vectors to `data`. As much memory as both sides' vectors.
    pub fn fit(&self, data: &Interactions, run: FitRun) -> Als {
        let turned = data.transposed();
        let width = padded(self.factors as usize);
        let mut seeded = Seeded::new(run.seed);
        let scale = 0.1 / f64::from(self.factors.max(1)).sqrt();
        let mut products = vec![0.0; data.column_count() * width];
        for row in products.chunks_exact_mut(width.max(1)) {
            row[..self.factors as usize].fill_with(|| (seeded.normal() * scale) as f32);
        }
        let mut shoppers = vec![0.0; data.row_count() * width];
        for _ in 0..self.sweeps {
            self.solve_side(&mut products, &mut shoppers, data, run.threads);
            self.solve_side(&mut shoppers, &mut products, &turned, run.threads);
        }
        let energies = self.rotate(&mut products, &mut [], run.threads);
        Als { params: *self, products: Vectors::new(products, width), energies }
    }

    /// Bytes that a fit to `data` takes at most.
    pub fn fit_bytes(&self, data: &Interactions) -> u64 {
        let width = padded(self.factors as usize);
        let (shoppers, products) = (4 * width * data.row_count(), (5 * width + 16) * data.column_count());
        (2 * data.size_bytes() + shoppers + products) as u64
    }

    fn solve_side(&self, fixed: &mut [f32], solved: &mut [f32], rows: &Interactions, threads: usize) {
        let warm: &mut [f32] = if matches!(self.solver, Solver::Cg { .. }) { solved } else { &mut [] };
        let energies = self.rotate(fixed, warm, threads);
        let side = self.side(fixed, &energies, rows.column_count());
        let width = side.width();
        parts::each_with(solved, 64 * width, threads, |from, part| {
            solve(&side, rows, from / width, part);
        });
    }

    fn side<'a>(&self, vectors: &'a [f32], energies: &'a [f32], count: usize) -> Side<'a> {
        Side {
            vectors,
            energies,
            regularization: self.regularization,
            all_pairs: self.unobserved * count as f32,
            power: self.power,
            solver: self.solver,
        }
    }

    /// Rotates `fixed` so that its Gram matrix is diagonal, and `with_it` likewise; gives the diagonal × α₀.
    fn rotate(&self, fixed: &mut [f32], with_it: &mut [f32], threads: usize) -> Vec<f32> {
        let width = padded(self.factors as usize);
        let eigen = eigen::symmetric(tall::gram(fixed, width, threads), width);
        let mut rotation = vec![0.0; width * width];
        for (at, vector) in eigen.vectors.chunks_exact(width).enumerate() {
            vector.iter().enumerate().for_each(|(row, value)| rotation[row * width + at] = *value as f32);
        }
        for side in [fixed, with_it] {
            tall::rotate(side, &rotation, width, threads);
        }
        eigen.values.iter().map(|value| self.unobserved * value.max(0.0) as f32).collect()
    }
}

impl Als {
    /// The score of a product for a shopper's vector; 0 for one that is not known.
    pub fn score(&self, vector: &[f32], product: ProductNo) -> f32 {
        self.row(product).map_or(0.0, |row| dot(row, vector))
    }

    /// The inner product of two products' vectors; 0 where one is not known.
    pub fn closeness(&self, one: ProductNo, other: ProductNo) -> f32 {
        self.row(one).map_or(0.0, |row| self.score(row, other))
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let params = &self.params;
        let numbers = [params.regularization, params.unobserved, params.power];
        let width = padded(params.factors as usize);
        params.factors > 0
            && numbers.iter().chain(&self.energies).all(|value| value.is_finite() && *value >= 0.0)
            && params.regularization > 0.0
            && self.energies.len() == width
            && sound::vectors(&self.products, width, self.products.count())
    }

    fn row(&self, product: ProductNo) -> Option<&[f32]> {
        let width = padded(self.params.factors as usize);
        self.products.rows().get(product.index() * width..(product.index() + 1) * width)
    }

    /// The vector of a shopper with this history, product vectors fixed; nought without any known product.
    pub fn fold_in(&self, history: &[(ProductNo, f32)]) -> Vec<f32> {
        let known = history.iter().filter(|one| one.0.index() < self.products.count()).copied();
        let rows = Interactions::new([known.collect::<Vec<_>>()]);
        let params = AlsParams { solver: Solver::Cholesky, ..self.params };
        let side = params.side(self.products.rows(), &self.energies, self.products.count());
        let mut vector = vec![0.0; side.width()];
        solve(&side, &rows, 0, &mut vector);
        vector
    }
}

impl Recommender for Als {
    fn product_count(&self) -> usize {
        self.products.count()
    }

    fn size_bytes(&self) -> usize {
        self.products.size_bytes() + 4 * self.energies.len()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let vector = self.fold_in(ask.history);
        self.products.best(&vector, ask.excluded, ask.limit, scratch)
    }
}
