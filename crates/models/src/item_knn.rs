//! Item–item neighbours: two products are alike when the same shoppers had to do with both. For whom: the strongest model
//! per second of fitting; K rows of 8 bytes a product, a shopper's top in microseconds.
//!
//! All four similarities are one sum over the shoppers of both, `w(i,j) = r(i) · c(j) · Σ_u a(u,i) · b(u,j)`:
//! - cosine: `a = b = x / ‖x_i‖`;
//! - TF-IDF (Salton, Buckley 1988): cosine of `√x · idf(u)` with `idf(u) = ln(items / (1 + items of u))`, since a shopper
//!   who has had everything says little about what belongs together;
//! - BM25 (Robertson, Walker 1994): `x (k1 + 1) / (x + k1 (1 − b + b · shoppers of i / mean)) · idf(u)`;
//! - RP3β (Paudel, Christoffel, Newell, Bernstein 2017): a random walk product → shopper → product with transition
//!   probabilities to the power of α, over `shoppers(j)^β` so that the popular do not take all; each row adds up to one.

use crate::interactions::Interactions;
use crate::lanes::{Kernel, dispatch};
use crate::neighbours::Neighbours;
use crate::parts;
use crate::recommender::{FitRun, Scores};
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How alike two products are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// The angle between their shoppers.
    Cosine,
    /// The same, with busy shoppers counting less.
    TfIdf,
    /// Saturating in weight, with long columns counting less.
    Bm25 {
        /// How late weight saturates.
        k1: f32,
        /// How much the number of shoppers counts, 0 to 1.
        b: f32,
    },
    /// A random walk of three steps.
    Rp3Beta {
        /// Power of the transition probabilities.
        alpha: f32,
        /// Power of the popularity that a target is divided by.
        beta: f32,
    },
}

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemKnnParams {
    /// Of which kind.
    pub similarity: Similarity,
    /// Most neighbours that a product keeps.
    pub neighbours_max: u32,
}

impl Default for ItemKnnParams {
    fn default() -> Self {
        Self { similarity: Similarity::Rp3Beta { alpha: 0.57, beta: 0.3 }, neighbours_max: 500 }
    }
}

impl ItemKnnParams {
    /// Fits rows of neighbours to `data`. No randomness is in it: the seed is not looked at.
    pub fn fit(&self, data: &Interactions, run: FitRun) -> Neighbours {
        Weighted::new(self.similarity, data).neighbours(self.neighbours_max as usize, run.threads)
    }

    /// Bytes that a fit to `data` takes at most.
    pub fn fit_bytes(&self, data: &Interactions) -> u64 {
        let shared = data.shared_max();
        let weight_count: usize =
            shared.iter().map(|shared| (*shared).min(self.neighbours_max as usize)).sum();
        (3 * data.size_bytes() + 8 * weight_count + 24 * data.column_count()) as u64
    }
}

/// Data as a similarity looks at it.
pub(crate) struct Weighted {
    /// `a(u,i)`, a row a product.
    pub by_product: Interactions,
    /// `b(u,j)`, a row a shopper.
    pub by_shopper: Interactions,
    /// `c(j)`.
    pub target_scale: Vec<f32>,
    /// What is done to a row in the end.
    pub rows: Rows,
}

/// What is done to a row of neighbours once they are chosen.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rows {
    /// Nothing.
    AsTheyAre,
    /// It is divided by its sum.
    AddUpToOne,
}

impl Weighted {
    fn new(similarity: Similarity, data: &Interactions) -> Self {
        let turned = data.transposed();
        match similarity {
            Similarity::Cosine => Self::cosine(data.clone()),
            Similarity::TfIdf => {
                Self::cosine(data.clone().map(|shopper, _, weight| weight.sqrt() * idf(data, shopper)))
            }
            Similarity::Bm25 { k1, b } => {
                let mean = data.len() as f32 / data.column_count().max(1) as f32;
                let saturated = data.clone().map(|shopper, product, weight| {
                    let length = 1.0 - b + b * turned.row_len(product) as f32 / mean;
                    weight * (k1 + 1.0) / (weight + k1 * length) * idf(data, shopper)
                });
                Self::plain(saturated)
            }
            Similarity::Rp3Beta { alpha, beta } => Self::walk(data, &turned, alpha, beta),
        }
    }

    fn plain(by_shopper: Interactions) -> Self {
        let target_scale = vec![1.0; by_shopper.column_count()];
        Self { by_product: by_shopper.transposed(), by_shopper, target_scale, rows: Rows::AsTheyAre }
    }

    fn cosine(data: Interactions) -> Self {
        let turned = data.transposed();
        let norm = |product| turned.row(product).1.iter().map(|weight| weight * weight).sum::<f32>().sqrt();
        let norms: Vec<f32> =
            (0..turned.row_count()).map(|product| f32::max(norm(product), f32::MIN_POSITIVE)).collect();
        Self {
            target_scale: vec![1.0; norms.len()],
            by_product: turned.map(|product, _, weight| weight / norms[product]),
            by_shopper: data.map(|_, product, weight| weight / norms[product]),
            rows: Rows::AsTheyAre,
        }
    }

    fn walk(data: &Interactions, turned: &Interactions, alpha: f32, beta: f32) -> Self {
        let sums = |of: &Interactions| -> Vec<f32> {
            (0..of.row_count()).map(|row| of.row(row).1.iter().sum::<f32>()).collect()
        };
        let (shopper_sums, product_sums) = (sums(data), sums(turned));
        let share = |sums: &[f32], row: usize, weight: f32| libm::powf(weight / sums[row], alpha);
        let popularity = |product| libm::powf((turned.row_len(product) as f32).max(1.0), -beta);
        Self {
            by_product: turned.clone().map(|product, _, weight| share(&product_sums, product, weight)),
            by_shopper: data.clone().map(|shopper, _, weight| share(&shopper_sums, shopper, weight)),
            target_scale: (0..turned.row_count()).map(popularity).collect(),
            rows: Rows::AddUpToOne,
        }
    }

    /// The `limit` neighbours of each product.
    pub fn neighbours(self, limit: usize, threads: usize) -> Neighbours {
        let count = self.by_product.row_count();
        let shared = self.by_shopper.shared_max();
        let mut rows = Neighbours::with_room(shared.iter().map(|shared| limit.min(*shared)).sum());
        let work = |part| Scores::with(|scores| dispatch(Nearest { weighted: &self, part, limit, scores }));
        parts::in_order(count, 256, threads, work, |made: Vec<Vec<(f32, ProductNo)>>| {
            made.into_iter().for_each(|mut row| rows.push(&mut row));
        });
        rows
    }
}

/// The `limit` products most like each of a part, in the order of their numbers.
struct Nearest<'a> {
    weighted: &'a Weighted,
    part: Range<usize>,
    limit: usize,
    scores: &'a mut Scores,
}

impl Kernel for Nearest<'_> {
    type Output = Vec<Vec<(f32, ProductNo)>>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let Self { weighted, part, limit, scores } = self;
        let mut all = Vec::with_capacity(part.len());
        scores.reserve(weighted.by_product.row_count());
        let mut keys = Keys { kept: Vec::with_capacity(8 * limit.min(4096)), bar: 0, limit };
        for product in part {
            let (shoppers, weights) = weighted.by_product.row(product);
            for (&shopper, &weight) in shoppers.iter().zip(weights) {
                let (columns, values) = weighted.by_shopper.row(shopper as usize);
                scores.add(columns, values, weight);
            }
            scores.forget(ProductNo(product as u32));
            for at in scores.taking() {
                let (column, score) = scores.take(at);
                keys.offer(column, score * weighted.target_scale[column as usize]);
            }
            let mut made = keys.take();
            if weighted.rows == Rows::AddUpToOne {
                let sum: f32 = made.iter().map(|one| one.0).sum();
                made.iter_mut().for_each(|one| one.0 /= sum);
            }
            all.push(made);
        }
        all
    }
}

/// The greatest scores so far: score above product number, as one number whose order is that of scores (ties: the smaller
/// product is greater).
struct Keys {
    kept: Vec<u64>,
    /// What does not beat it is not among the greatest.
    bar: u64,
    limit: usize,
}

impl Keys {
    #[inline(always)]
    fn offer(&mut self, column: u32, score: f32) {
        let key = u64::from(score.to_bits()) << 32 | u64::from(!column);
        if key > self.bar && score > 0.0 && score.is_finite() {
            self.kept.push(key);
            if self.kept.len() > 4 * self.limit {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        if self.kept.len() > self.limit {
            self.kept.select_nth_unstable_by(self.limit, |a, b| b.cmp(a));
            self.kept.truncate(self.limit);
            self.bar = self.kept.iter().min().copied().unwrap_or(u64::MAX);
        }
    }

    /// The greatest in the order of their products; none are left.
    fn take(&mut self) -> Vec<(f32, ProductNo)> {
        self.cut();
        self.bar = 0;
        self.kept.sort_unstable_by_key(|key| std::cmp::Reverse(*key as u32));
        self.kept
            .drain(..)
            .map(|key| (f32::from_bits((key >> 32) as u32), ProductNo(!(key as u32))))
            .collect()
    }
}

fn idf(data: &Interactions, shopper: usize) -> f32 {
    let ratio = data.column_count() as f32 / (1.0 + data.row_len(shopper) as f32);
    libm::logf(ratio).max(0.0)
}
