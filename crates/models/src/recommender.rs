//! What every recommender offers: from the products that a shopper had to do with to those that come next. Scored from the
//! list alone, so that a shopper who came a minute after the fit is served like one who was in it.

use crate::lanes::padded;
use crate::nearest::{Found, Vectors};
use crate::parts;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use std::cell::RefCell;

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
    scores: Vec<f32>,
    /// Products whose score left nought, some of them more than once where a sum came back to it; what is beyond
    /// `touched_count` is room.
    touched: Vec<u32>,
    touched_count: usize,
    /// For models that work with vectors.
    pub(crate) vector: Vec<f32>,
    /// For models that also look at content.
    pub(crate) shared: Vec<f32>,
    /// For models that look for the nearest of many vectors.
    pub(crate) found: Found,
}

impl Scores {
    /// Works with this thread's own; `work` MUST NOT call it again.
    pub fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        thread_local! {
            static OWN: RefCell<Scores> = RefCell::default();
        }
        OWN.with_borrow_mut(work)
    }

    /// Makes room for `count` products.
    pub(crate) fn reserve(&mut self, count: usize) {
        if self.scores.len() < count {
            self.scores.resize(padded(count), 0.0);
        }
    }

    /// Adds `weight` × `values` to the scores of `columns`.
    #[inline(always)]
    pub(crate) fn add(&mut self, columns: &[u32], values: &[f32], weight: f32) {
        let room = self.touched_count + columns.len() + 1;
        if self.touched.len() < room {
            self.touched.resize(2 * room, 0);
        }
        let (scores, mut count) = (&mut self.scores[..], self.touched_count);
        for (&column, &value) in columns.iter().zip(values) {
            let score = &mut scores[column as usize];
            // Always written and seldom kept: whether a product is new is nothing that a processor could foresee.
            self.touched[count] = column;
            count += usize::from(*score == 0.0);
            *score += weight * value;
        }
        self.touched_count = count;
    }

    /// The score of a product for which there is room.
    pub(crate) fn of(&self, product: ProductNo) -> f32 {
        self.scores[product.index()]
    }

    /// Sets the score of a product for which there is room.
    pub(crate) fn set(&mut self, product: ProductNo, score: f32) {
        if self.of(product) == 0.0 {
            if self.touched.len() == self.touched_count {
                self.touched.resize(2 * self.touched_count + 1, 0);
            }
            self.touched[self.touched_count] = product.0;
            self.touched_count += 1;
        }
        self.scores[product.index()] = score;
    }

    /// How many there are to [`Scores::take`]; forgets them: MUST be followed by taking all.
    #[inline(always)]
    pub(crate) fn taking(&mut self) -> std::ops::Range<usize> {
        0..std::mem::take(&mut self.touched_count)
    }

    /// One that was touched, and its score, which is nought after. Steps of a loop, not a call with a closure, which would
    /// be compiled apart, for plain instructions.
    #[inline(always)]
    pub(crate) fn take(&mut self, at: usize) -> (u32, f32) {
        let column = self.touched[at];
        (column, std::mem::take(&mut self.scores[column as usize]))
    }

    /// Makes the score of `product` nought.
    #[inline(always)]
    pub(crate) fn forget(&mut self, product: ProductNo) {
        if let Some(score) = self.scores.get_mut(product.index()) {
            *score = 0.0;
        }
    }

    /// The best positive scores but for `excluded`; all are nought after.
    pub(crate) fn best(&mut self, excluded: &[ProductNo], limit: usize) -> Vec<(f32, ProductNo)> {
        excluded.iter().for_each(|product| self.forget(*product));
        let mut top = TopK::new(limit.min(self.touched_count));
        let mut bar = f32::MIN_POSITIVE;
        for at in self.taking() {
            let (column, score) = self.take(at);
            if score >= bar && score.is_finite() {
                top.push(score, ProductNo(column));
                bar = top.bar().max(f32::MIN_POSITIVE);
            }
        }
        top.into_sorted()
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
        for at in self.taking() {
            self.take(at);
        }
        best
    }
}
