//! What every recommender offers: from the products that a shopper had to do with to those that come next. Scored from the
//! list alone, so that a shopper who came a minute after the fit is served like one who was in it.

use crate::lanes::{Kernel, LANES, Lanes, dispatch, load};
use crate::nearest::{Found, Vectors};
use crate::parts;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;

/// How a model is fitted, whatever its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitRun {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// Threads at work. They never change a result.
    pub threads: usize,
}

/// What is asked of a recommender.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What the shopper had to do with, and how strongly. Products that the model does not know say nothing.
    pub history: &'a [(ProductNo, f32)],
    /// What is not to be recommended, in any order.
    pub excluded: &'a [ProductNo],
    /// How many are wanted.
    pub limit: usize,
}

/// A fitted model that recommends products.
pub trait Recommender: Sync {
    /// Products that were in the training data: numbers below this.
    fn product_count(&self) -> usize;

    /// Bytes that the fitted model takes.
    fn size_bytes(&self) -> usize;

    /// At most `ask.limit` products in the order of [`bespoke_domain::order::by_score`]; MUST hold nothing excluded, no
    /// product twice and none that the model does not know, and MUST NOT depend on what `scratch` was used for before.
    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)>;
}

/// Answers to many questions, each as [`Recommender::recommend`] gives it alone.
pub fn recommend_each(
    model: &dyn Recommender,
    asks: &[Ask<'_>],
    threads: usize,
) -> Vec<Vec<(f32, ProductNo)>> {
    let mut answers = vec![Vec::new(); asks.len()];
    parts::each_with(&mut answers, 64, threads, |from, part| {
        let mut scratch = Scores::default();
        for (answer, ask) in part.iter_mut().zip(&asks[from..]) {
            *answer = model.recommend(ask, &mut scratch);
        }
    });
    answers
}

/// Working memory of a recommendation: a score a product. One a thread, reused; between uses every score is nought.
#[derive(Default)]
pub struct Scores {
    /// In whole groups of blocks.
    scores: Vec<f32>,
    /// Whether anything was added in a block of sixteen scores.
    touched: Vec<u8>,
    /// For models that work with vectors.
    pub(crate) vector: Vec<f32>,
    /// For models that look for the nearest of many vectors.
    pub(crate) found: Found,
}

/// Blocks that are looked at together.
const GROUP: usize = 8;

impl Scores {
    /// Makes room for `count` products.
    pub(crate) fn reserve(&mut self, count: usize) {
        if self.scores.len() < count {
            let blocks = count.div_ceil(LANES).next_multiple_of(GROUP);
            self.scores.resize(blocks * LANES, 0.0);
            self.touched.resize(blocks, 0);
        }
    }

    /// Adds `weight` × `values` to the scores of `columns`.
    #[inline]
    pub(crate) fn add(&mut self, columns: &[u32], values: &[f32], weight: f32) {
        let (scores, touched) = (&mut self.scores[..], &mut self.touched[..]);
        for (&column, &value) in columns.iter().zip(values) {
            scores[column as usize] += weight * value;
            touched[column as usize / LANES] = 1;
        }
    }

    /// Every block of scores in which something was added, with the first product's number, ascending; all are nought after.
    #[inline(always)]
    pub(crate) fn drain(&mut self, mut each: impl FnMut(usize, &Lanes)) {
        let groups = self.scores.chunks_exact_mut(GROUP * LANES).zip(self.touched.chunks_exact_mut(GROUP));
        for (group, (scores, touched)) in groups.enumerate() {
            if touched.iter().fold(0, |any, touched| any | touched) == 0 {
                continue;
            }
            for (block, lanes) in scores.chunks_exact_mut(LANES).enumerate() {
                if touched[block] != 0 {
                    each((group * GROUP + block) * LANES, &load(lanes));
                    lanes.fill(0.0);
                }
            }
            touched.fill(0);
        }
    }

    /// The best positive scores but for `excluded`; all are nought after.
    pub(crate) fn best(&mut self, excluded: &[ProductNo], limit: usize) -> Vec<(f32, ProductNo)> {
        for product in excluded {
            if let Some(score) = self.scores.get_mut(product.index()) {
                *score = 0.0;
            }
        }
        dispatch(Best { scores: self, limit })
    }

    /// The best positive sums of a score and the inner product of `vector` with the product's in `vectors`; all are nought
    /// after.
    pub(crate) fn best_with(
        &mut self,
        vectors: &Vectors,
        vector: &[f32],
        ask: &Ask<'_>,
    ) -> Vec<(f32, ProductNo)> {
        let best = vectors.best_with(&self.scores, vector, ask.excluded, ask.limit, &mut self.found);
        self.drain(|_, _| {});
        best
    }
}

struct Best<'a> {
    scores: &'a mut Scores,
    limit: usize,
}

impl Kernel for Best<'_> {
    type Output = Vec<(f32, ProductNo)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut top = TopK::new(self.limit.min(self.scores.scores.len()));
        let mut bar = 0.0;
        self.scores.drain(|first, lanes| {
            if lanes.iter().fold(false, |any, score| any | (*score > bar)) {
                for (at, &score) in lanes.iter().enumerate() {
                    if score > bar && score.is_finite() {
                        top.push(score, ProductNo((first + at) as u32));
                    }
                }
                bar = top.bar().max(0.0);
            }
        });
        top.into_sorted()
    }
}
