//! Graph filtering: what a shopper had as a signal on the graph of products, smoothed twice: by the nearest neighbours and
//! by the leading singular vectors of the whole. For whom: broad taste, where near neighbours alone miss what is loosely tied.
//!
//! With d the weights of a shopper or a product added up, and V the leading right singular vectors of
//! `d_u^(−busy/2) x d_i^(−1/2)`, the score of j for the history x is
//!
//! `Σ_i x_i d_i^(−source) [ d_j^(−target) Σ_u d_u^(−busy) x_ui x_uj + smooth · (V Vᵀ)_ij d_j^(1/2) ]`,
//!
//! the first term kept for each i's greatest j only. With busy = 1 and source = target = 1/2 this is GF-CF (Shen, Wu, Zhang,
//! Shan, Zhang, Lee, Zhang 2021, "How powerful is graph convolution for recommendation?").

use crate::interactions::Interactions;
use crate::item_knn::{Rows, Weighted};
use crate::lanes::{Kernel, axpy, dispatch, dot, padded};
use crate::nearest::Vectors;
use crate::neighbours::Neighbours;
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use crate::singular;
use crate::sound;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraphFilterParams {
    /// Most neighbours that a product keeps.
    pub neighbours_max: u32,
    /// Singular vectors.
    pub factors: u32,
    /// What they count beside the neighbours.
    pub smooth: f32,
    /// Power of a shopper's weight that they count less by.
    pub busy: f32,
    /// Power of a product's weight that having had it counts less by.
    pub source: f32,
    /// Power of a product's weight that it is recommended less by.
    pub target: f32,
}

impl Default for GraphFilterParams {
    fn default() -> Self {
        Self { neighbours_max: 500, factors: 256, smooth: 0.6, busy: 0.6, source: 0.7, target: 0.3 }
    }
}

/// Neighbours, singular vectors and how a history becomes a vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphFilter {
    neighbours: Neighbours,
    /// `d_j^(1/2) V_j`, a row a product.
    vectors: Vectors,
    /// What a product's row counts for in a shopper's vector.
    sources: Vec<f32>,
    /// Length of a row.
    width: u32,
}

impl GraphFilterParams {
    /// Fits to `data`. The seed is where the search for singular vectors starts.
    pub fn fit(&self, data: &Interactions, run: FitRun) -> GraphFilter {
        let turned = data.transposed();
        let (shoppers, products) = (sums(data), sums(&turned));
        let power = |of: &[f32], power: f32| -> Vec<f32> {
            of.iter().map(|sum| if *sum > 0.0 { libm::powf(*sum, power) } else { 0.0 }).collect()
        };
        let (busy, source) = (power(&shoppers, -self.busy), power(&products, -self.source));
        let root = power(&products, 0.5);
        let weighted = Weighted {
            by_product: turned.map(|product, shopper, weight| weight * busy[shopper] * source[product]),
            by_shopper: data.clone(),
            target_scale: power(&products, -self.target),
            rows: Rows::AsTheyAre,
        };
        let neighbours = weighted.neighbours(self.neighbours_max as usize, run.threads);
        let halved =
            data.clone().map(|shopper, product, weight| weight * busy[shopper].sqrt() / root[product]);
        let mut vectors = singular::right(&halved, self.factors as usize, run.seed, run.threads);
        let width = padded(self.factors as usize);
        for (row, root) in vectors.chunks_exact_mut(width.max(1)).zip(&root) {
            row.iter_mut().for_each(|value| *value *= root);
        }
        let weight =
            |(source, root): (&f32, &f32)| if *root > 0.0 { self.smooth * source / root } else { 0.0 };
        let sources = source.iter().zip(&root).map(weight).collect();
        GraphFilter { neighbours, vectors: Vectors::new(vectors, width), sources, width: width as u32 }
    }
}

fn sums(of: &Interactions) -> Vec<f32> {
    (0..of.row_count()).map(|row| of.row(row).1.iter().sum()).collect()
}

impl GraphFilter {
    /// What having `source` says for `target`.
    pub fn closeness(&self, source: ProductNo, target: ProductNo) -> f32 {
        let (columns, weights) = self.neighbours.row(source);
        let near = columns.binary_search(&target.0).map_or(0.0, |at| weights[at]);
        let width = self.width as usize;
        let row = |product: ProductNo| self.vectors.rows().get(product.index() * width..)?.get(..width);
        match (row(source), row(target), self.sources.get(source.index())) {
            (Some(from), Some(to), Some(scale)) => near + scale * dot(from, to),
            _ => near,
        }
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let (count, width) = (self.sources.len(), self.width as usize);
        self.neighbours.product_count() == count
            && self.neighbours.is_sound()
            && width == padded(width)
            && sound::vectors(&self.vectors, width, count)
            && self.sources.iter().all(|source| source.is_finite())
    }
}

impl Recommender for GraphFilter {
    fn product_count(&self) -> usize {
        self.sources.len()
    }

    fn size_bytes(&self) -> usize {
        self.neighbours.size_bytes() + self.vectors.size_bytes() + 4 * self.sources.len()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        scratch.reserve(self.product_count());
        let mut vector = std::mem::take(&mut scratch.vector);
        vector.clear();
        vector.resize(self.width as usize, 0.0);
        dispatch(FoldIn { model: self, history: ask.history, scratch, vector: &mut vector });
        let best = scratch.best_with(&self.vectors, &vector, ask);
        scratch.vector = vector;
        best
    }
}

/// Writes the scores of the neighbours and the vector of a history.
struct FoldIn<'a> {
    model: &'a GraphFilter,
    history: &'a [(ProductNo, f32)],
    scratch: &'a mut Scores,
    vector: &'a mut [f32],
}

impl Kernel for FoldIn<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { model, history, scratch, vector } = self;
        let width = vector.len();
        let known = |one: &&(ProductNo, f32)| one.1.is_finite() && one.0.index() < model.product_count();
        for &(product, weight) in history.iter().filter(known) {
            let (columns, weights) = model.neighbours.row(product);
            scratch.add(columns, weights, weight);
            let row = &model.vectors.rows()[product.index() * width..][..width];
            axpy(weight * model.sources[product.index()], row, vector);
        }
    }
}
