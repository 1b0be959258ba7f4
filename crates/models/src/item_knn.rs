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
use crate::neighbours::Neighbours;
use crate::parts;
use crate::recommender::{FitRun, Scores};
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

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
        let weighted = Weighted::new(self.similarity, data);
        let mut rows: Vec<Vec<(f32, ProductNo)>> = vec![Vec::new(); data.column_count()];
        parts::each_with(&mut rows, 256, run.threads, |from, part| {
            let mut scores = Scores::default();
            for (at, row) in part.iter_mut().enumerate() {
                *row = weighted.nearest(from + at, self.neighbours_max as usize, &mut scores);
            }
        });
        Neighbours::from_rows(&rows)
    }
}

/// Data as a similarity looks at it.
struct Weighted {
    /// `a(u,i)`, a row a product.
    by_product: Interactions,
    /// `b(u,j)`, a row a shopper.
    by_shopper: Interactions,
    /// `c(j)`.
    target_scale: Vec<f32>,
    /// Whether rows are made to add up to one.
    rows: Rows,
}

#[derive(Clone, Copy, PartialEq)]
enum Rows {
    AsTheyAre,
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
        let norms: Vec<f32> = (0..turned.row_count()).map(norm).collect();
        Self::plain(data.map(|_, product, weight| weight / norms[product].max(f32::MIN_POSITIVE)))
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

    /// The `limit` products most like `product`, in the order of their numbers.
    fn nearest(&self, product: usize, limit: usize, scores: &mut Scores) -> Vec<(f32, ProductNo)> {
        scores.reserve(self.by_product.row_count());
        let (shoppers, weights) = self.by_product.row(product);
        for (&shopper, &weight) in shoppers.iter().zip(weights) {
            let (columns, values) = self.by_shopper.row(shopper as usize);
            scores.add(columns, values, weight);
        }
        // Score above product number, as one number whose order is that of scores (ties: the smaller product is greater).
        let mut keys: Vec<u64> = Vec::new();
        scores.drain(|column, score| {
            let score = score * self.target_scale[column as usize];
            if column as usize != product && score > 0.0 && score.is_finite() {
                keys.push(u64::from(score.to_bits()) << 32 | u64::from(!column));
            }
        });
        if keys.len() > limit {
            keys.select_nth_unstable_by(limit, |a, b| b.cmp(a));
            keys.truncate(limit);
        }
        let score = |key: u64| f32::from_bits((key >> 32) as u32);
        let mut row: Vec<_> = keys.iter().map(|&key| (score(key), ProductNo(!(key as u32)))).collect();
        row.sort_unstable_by_key(|one| one.1);
        if self.rows == Rows::AddUpToOne {
            let sum: f32 = row.iter().map(|one| one.0).sum();
            row.iter_mut().for_each(|one| one.0 /= sum);
        }
        row
    }
}

fn idf(data: &Interactions, shopper: usize) -> f32 {
    let ratio = data.column_count() as f32 / (1.0 + data.row_len(shopper) as f32);
    libm::logf(ratio).max(0.0)
}
