//! EASE: every product predicted from all others, by least squares in closed form. For whom: shops of up to 20,000 products
//! that can spend a minute and a square of the catalogue's size in memory on one fit; a strong model without knobs but λ.
//!
//! `B = I − P · diagMat(1 / diag P)`, `P = (Xᵀ X + λ I)⁻¹` (Steck 2019, "Embarrassingly shallow autoencoders for sparse
//! data"): the weights that minimize `‖X − X B‖² + λ ‖B‖²` with nought on the diagonal. P by Cholesky, in blocks, in 32 bits.

use crate::dense;
use crate::interactions::Interactions;
use crate::lanes::{Kernel, LANES, axpy, dispatch, padded};
use crate::nearest::greatest;
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Products above which the fit is refused: the weights of more would take 1.6 GB, the fit minutes. Neighbours and SLIM
/// serve larger catalogues.
pub const PRODUCTS_MAX: usize = 20_000;

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EaseParams {
    /// λ: how small weights are kept. MUST be above nought.
    pub regularization: f32,
}

impl Default for EaseParams {
    fn default() -> Self {
        Self { regularization: 200.0 }
    }
}

/// Why there is no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More products than [`PRODUCTS_MAX`]; how many.
    TooManyProducts(usize),
    /// λ is not above nought.
    Regularization,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyProducts(count) => {
                write!(f, "EASE takes at most {PRODUCTS_MAX} products, not {count}; slim takes more")
            }
            Self::Regularization => write!(f, "EASE needs a regularization above nought"),
        }
    }
}

impl std::error::Error for Refused {}

/// Weights from every product to every other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ease {
    product_count: u32,
    /// Row i: from product i, in whole lanes.
    weights: Vec<f32>,
}

impl EaseParams {
    /// Fits weights to `data`. No randomness is in it: the seed is not looked at.
    ///
    /// # Errors
    /// [`Refused`] where the catalogue is too large.
    pub fn fit(&self, data: &Interactions, run: FitRun) -> Result<Ease, Refused> {
        let count = data.column_count();
        if count > PRODUCTS_MAX {
            return Err(Refused::TooManyProducts(count));
        }
        if self.regularization.is_nan() || self.regularization <= 0.0 {
            return Err(Refused::Regularization);
        }
        let width = padded(count);
        let mut matrix = gram(data, width);
        (0..width).for_each(|at| matrix[at * width + at] += self.regularization);
        dense::invert(&mut matrix, width, run.threads);
        let scales: Vec<f32> = (0..width).map(|at| -1.0 / matrix[at * width + at]).collect();
        for (row, line) in matrix.chunks_exact_mut(width.max(1)).enumerate() {
            line.iter_mut().zip(&scales).for_each(|(value, scale)| *value *= scale);
            line[row] = 0.0;
        }
        matrix.truncate(count * width);
        Ok(Ease { product_count: count as u32, weights: matrix })
    }
}

/// `Xᵀ X`, whole.
fn gram(data: &Interactions, width: usize) -> Vec<f32> {
    let mut gram = vec![0.0; width * width];
    for row in 0..data.row_count() {
        let (columns, weights) = data.row(row);
        for (&one, &weight) in columns.iter().zip(weights) {
            let line = &mut gram[one as usize * width..][..width];
            for (&other, &value) in columns.iter().zip(weights) {
                line[other as usize] += weight * value;
            }
        }
    }
    gram
}

impl Ease {
    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let count = self.product_count();
        count <= PRODUCTS_MAX
            && self.weights.len() == count * padded(count)
            && self.weights.iter().all(|weight| weight.is_finite())
    }

    /// What having `source` says for `target`; nought where either is not known.
    pub fn weight(&self, source: ProductNo, target: ProductNo) -> f32 {
        let count = self.product_count();
        if source.index().max(target.index()) >= count {
            return 0.0;
        }
        self.weights[source.index() * padded(count) + target.index()]
    }
}

struct Add<'a> {
    ease: &'a Ease,
    history: &'a [(ProductNo, f32)],
    scores: &'a mut [f32],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.scores.len();
        for &(product, weight) in self.history {
            if product.0 < self.ease.product_count && weight.is_finite() {
                axpy(weight, &self.ease.weights[product.index() * width..][..width], self.scores);
            }
        }
    }
}

impl Recommender for Ease {
    fn product_count(&self) -> usize {
        self.product_count as usize
    }

    fn size_bytes(&self) -> usize {
        4 * self.weights.len()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let scores = &mut scratch.vector;
        scores.clear();
        scores.resize(self.product_count().next_multiple_of(LANES), 0.0);
        dispatch(Add { ease: self, history: ask.history, scores });
        scores[self.product_count as usize..].fill(f32::NEG_INFINITY);
        for product in ask.excluded.iter().filter(|product| product.0 < self.product_count) {
            scores[product.index()] = f32::NEG_INFINITY;
        }
        greatest(scores, ask.limit)
    }
}
