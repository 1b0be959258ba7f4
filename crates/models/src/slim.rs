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
use bespoke_domain::order::{TopK, by_score};
use serde::{Deserialize, Serialize};
use std::ops::Range;

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
        let mut columns = Neighbours::with_room(together.candidates.len());
        let work = |part| dispatch(Columns { params: self, together: &together, part });
        parts::in_order(data.column_count(), 1024, run.threads, work, |made: Vec<Row>| {
            made.into_iter().for_each(|mut row| columns.push(&mut row));
        });
        drop(together);
        columns.transposed()
    }

    /// Bytes that a fit to `data` takes at most.
    pub fn fit_bytes(&self, data: &Interactions) -> u64 {
        let shared = data.shared_max();
        let weight_count = capped(&shared, self.candidates_max as usize);
        let together = 8 * capped(&shared, together_max(&shared)) + 4 * weight_count;
        // Weights by target, beside what they are computed from and then beside the same by source.
        let fitted = 8 * weight_count;
        (2 * data.size_bytes() + fitted + fitted.max(together) + 40 * data.column_count()) as u64
    }
}

/// Weights with their products.
type Row = Vec<(f32, ProductNo)>;

/// G, as far as it is kept.
struct Together {
    /// Rows in the order of their products.
    rows: Neighbours,
    diagonal: Vec<f32>,
    candidates: Candidates,
    shoppers: Vec<f32>,
}

/// The candidates of each product, best first.
struct Candidates {
    starts: Vec<usize>,
    products: Vec<ProductNo>,
}

impl Candidates {
    fn len(&self) -> usize {
        self.products.len()
    }

    fn of(&self, target: usize) -> &[ProductNo] {
        &self.products[self.starts[target]..self.starts[target + 1]]
    }

    fn push(&mut self, chosen: &[ProductNo]) {
        self.products.extend_from_slice(chosen);
        self.starts.push(self.products.len());
    }
}

/// Greatest entries of a row of G that are kept, and of all rows together; the others are taken as nought.
const TOGETHER_MAX: usize = 3000;
const ENTRIES_MAX: usize = 1 << 28;

/// Entries of a row that are kept, when rows have at most so many.
fn together_max(shared: &[usize]) -> usize {
    let (mut fits, mut above) = (1, TOGETHER_MAX + 1);
    while fits + 1 < above {
        let middle = usize::midpoint(fits, above);
        let within = capped(shared, middle) <= ENTRIES_MAX;
        *(if within { &mut fits } else { &mut above }) = middle;
    }
    fits
}

/// Entries in all rows when each is cut to `row_max`.
fn capped(shared: &[usize], row_max: usize) -> usize {
    shared.iter().map(|count| row_max.min(*count)).sum()
}

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
        let shared = data.shared_max();
        let row_max = together_max(&shared);
        let mut rows = Neighbours::with_room(capped(&shared, row_max));
        let products = Vec::with_capacity(capped(&shared, params.candidates_max as usize));
        let mut candidates = Candidates { starts: vec![0], products };
        let candidates_max = params.candidates_max as usize;
        let scan = Scan {
            by_shopper: &by_shopper,
            by_product: &by_product,
            scales: &scales,
            row_max,
            candidates_max,
        };
        parts::in_order(
            count,
            256,
            threads,
            |part| scan.rows(part),
            |made| {
                for (mut row, chosen) in made {
                    rows.push(&mut row);
                    candidates.push(&chosen);
                }
            },
        );
        let diagonal = |row| by_product.row(row).1.iter().map(|weight| weight * weight).sum();
        let diagonal = (0..count).map(diagonal).collect();
        Self { rows, diagonal, candidates, shoppers }
    }
}

/// What rows of G are made from.
struct Scan<'a> {
    by_shopper: &'a Interactions,
    by_product: &'a Interactions,
    /// What candidates are chosen less by.
    scales: &'a [f32],
    row_max: usize,
    candidates_max: usize,
}

impl Scan<'_> {
    /// Rows of G without the diagonal, with the candidates of their products.
    fn rows(&self, part: Range<usize>) -> Vec<(Row, Vec<ProductNo>)> {
        Scores::with(|scores| {
            scores.reserve(self.scales.len());
            part.map(|product| self.row(product, scores)).collect()
        })
    }

    fn row(&self, product: usize, scores: &mut Scores) -> (Row, Vec<ProductNo>) {
        let (shoppers, weights) = self.by_product.row(product);
        for (&shopper, &weight) in shoppers.iter().zip(weights) {
            let (columns, values) = self.by_shopper.row(shopper as usize);
            scores.add(columns, values, weight);
        }
        scores.forget(ProductNo(product as u32));
        let taken = scores.taking();
        let mut chosen = TopK::new(self.candidates_max.min(taken.len()));
        let mut row = Row::new();
        for touched in taken {
            let (column, score) = scores.take(touched);
            if score != 0.0 {
                row.push((score, ProductNo(column)));
                chosen.push(score * self.scales[column as usize], ProductNo(column));
            }
        }
        if row.len() > self.row_max {
            row.select_nth_unstable_by(self.row_max, |a, b| by_score(*a, *b));
            row.truncate(self.row_max);
        }
        (row, chosen.into_sorted().into_iter().map(|one| one.1).collect())
    }
}

struct Columns<'a> {
    params: &'a SlimParams,
    together: &'a Together,
    part: Range<usize>,
}

impl Kernel for Columns<'_> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn run(self) -> Vec<Row> {
        let Self { params, together, part } = self;
        let mut made = Vec::with_capacity(part.len());
        let mut system = System::default();
        // 1 + the place of a product among the candidates, or 0.
        let mut places = vec![0_u16; together.diagonal.len()];
        for target in part {
            let candidates = together.candidates.of(target);
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
            let weights = candidates.iter().zip(&system.right);
            made.push(weights.map(|(one, weight)| (weight * scale, *one)).collect());
            candidates.iter().for_each(|product| places[product.index()] = 0);
        }
        made
    }
}
