//! Sparse linear model: each product predicted from the few most like it, by least squares. For whom: the best single model
//! on every set measured, where a fit may take a minute; serves at the speed of neighbours.
//!
//! For each product j with candidates S, the `candidates_max` products that share the most (weighted) shoppers with it,
//! `w = (G_SS + Λ)⁻¹ G_Sj` with `G = Xᵀ D X`, `D = (mean / items(u))^busy`. This is SLIM on pre-selected features (Ning, Karypis
//! 2011, "fsSLIM") with the squared penalty of EASE (Steck 2019) in place of SLIM's L1, so that it has a closed form; with
//! every product as a candidate and busy = 0 it *is* EASE. Scores of j are divided by `shoppers(j)^popular`.

use crate::cholesky::System;
use crate::interactions::Interactions;
use crate::lanes::{Kernel, dispatch};
use crate::neighbours::Neighbours;
use crate::parts;
use crate::recommender::{FitRun, Scores};
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use serde::{Deserialize, Serialize};

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlimParams {
    /// Products that each is predicted from.
    pub candidates_max: u32,
    /// λ: how small weights are kept.
    pub regularization: f32,
    /// Power of a shopper's number of products that they count less by.
    pub busy: f32,
    /// Power of a product's number of shoppers that its score is divided by.
    pub popular: f32,
    /// Power of a product's number of shoppers that candidates are chosen less by.
    pub chosen: f32,
}

impl Default for SlimParams {
    fn default() -> Self {
        Self { candidates_max: 100, regularization: 50.0, busy: 0.4, popular: 0.0, chosen: 0.3 }
    }
}

impl SlimParams {
    /// Fits weights to `data`. No randomness is in it: the seed is not looked at.
    pub fn fit(&self, data: &Interactions, run: FitRun) -> Neighbours {
        let together = Together::new(self, data, run.threads);
        let mut columns: Vec<Row> = vec![Vec::new(); data.column_count()];
        parts::each_with(&mut columns, 64, run.threads, |from, part| {
            dispatch(Columns { params: self, together: &together, from, part });
        });
        Neighbours::from_columns(&columns)
    }
}

/// Weights with their products.
type Row = Vec<(f32, ProductNo)>;

/// G, as far as it is kept.
struct Together {
    /// Rows in the order of their products.
    rows: Neighbours,
    diagonal: Vec<f32>,
    /// The candidates of each product, best first.
    candidates: Vec<Vec<ProductNo>>,
    shoppers: Vec<f32>,
}

/// Greatest entries of a row of G that are kept; the others are taken as nought.
const TOGETHER_MAX: usize = 3000;

impl Together {
    fn new(params: &SlimParams, data: &Interactions, threads: usize) -> Self {
        let mean = data.len() as f32 / data.row_count().max(1) as f32;
        let weigh = |shopper: usize, _, weight: f32| {
            weight * libm::powf(mean / data.row_len(shopper) as f32, 0.5 * params.busy)
        };
        let by_shopper = data.clone().map(weigh);
        let by_product = by_shopper.transposed();
        let count = data.column_count();
        let shoppers: Vec<f32> = (0..count).map(|at| by_product.row_len(at).max(1) as f32).collect();
        let scales: Vec<f32> = shoppers.iter().map(|count| libm::powf(*count, -params.chosen)).collect();
        let mut made: Vec<(Row, Vec<ProductNo>)> = vec![Default::default(); count];
        parts::each_with(&mut made, 256, threads, |from, part| {
            let mut scores = Scores::default();
            scores.reserve(count);
            for (at, made) in part.iter_mut().enumerate() {
                let (rows, weights) = by_product.row(from + at);
                for (&shopper, &weight) in rows.iter().zip(weights) {
                    let (columns, values) = by_shopper.row(shopper as usize);
                    scores.add(columns, values, weight);
                }
                let mut kept = TopK::new(TOGETHER_MAX);
                let mut chosen = TopK::new(params.candidates_max as usize);
                scores.drain(|first, lanes| {
                    for (column, &score) in (first..).zip(lanes) {
                        if score != 0.0 && column != from + at {
                            kept.push(score, ProductNo(column as u32));
                            chosen.push(score * scales[column], ProductNo(column as u32));
                        }
                    }
                });
                made.0 = kept.into_sorted();
                made.1 = chosen.into_sorted().into_iter().map(|one| one.1).collect();
            }
        });
        let diagonal = |row| by_product.row(row).1.iter().map(|weight| weight * weight).sum();
        let diagonal = (0..count).map(diagonal).collect();
        let (rows, candidates): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        Self { rows: Neighbours::from_rows(&rows), diagonal, candidates, shoppers }
    }
}

struct Columns<'a> {
    params: &'a SlimParams,
    together: &'a Together,
    from: usize,
    part: &'a mut [Row],
}

impl Kernel for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { params, together, from, part } = self;
        let mut system = System::default();
        // 1 + the place of a product among the candidates, or 0.
        let mut places = vec![0_u16; together.diagonal.len()];
        for (at, column) in part.iter_mut().enumerate() {
            let target = from + at;
            let candidates = &together.candidates[target];
            system.reset(candidates.len());
            for (place, product) in candidates.iter().enumerate() {
                places[product.index()] = place as u16 + 1;
            }
            let width = system.width();
            for (place, &product) in candidates.iter().enumerate() {
                let (others, values) = together.rows.row(product);
                let line = &mut system.matrix[place * width..][..width];
                for (&other, &value) in others.iter().zip(values) {
                    let other = places[other as usize] as usize;
                    if other > place {
                        line[other - 1] = value;
                    }
                }
                line[place] = together.diagonal[product.index()] + params.regularization;
            }
            let (others, values) = together.rows.row(ProductNo(target as u32));
            for (&other, &value) in others.iter().zip(values) {
                if places[other as usize] > 0 {
                    system.right[places[other as usize] as usize - 1] = value;
                }
            }
            system.solve();
            let scale = libm::powf(together.shoppers[target], -params.popular);
            column.extend(candidates.iter().zip(&system.right).map(|(one, weight)| (weight * scale, *one)));
            candidates.iter().for_each(|product| places[product.index()] = 0);
        }
    }
}
