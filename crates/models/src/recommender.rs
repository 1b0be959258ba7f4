//! What every recommender offers: from the products that a shopper had to do with to those that come next. Scored from the
//! list alone, so that a shopper who came a minute after the fit is served like one who was in it.

use crate::nearest::Found;
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
    /// Products whose score left nought, some of them twice where a sum came back to it.
    touched: Vec<u32>,
    /// For models that work with vectors.
    pub(crate) vector: Vec<f32>,
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
            self.scores.resize(count, 0.0);
        }
    }

    /// Adds `weight` × `values` to the scores of `columns`.
    #[inline]
    pub(crate) fn add(&mut self, columns: &[u32], values: &[f32], weight: f32) {
        for (&column, &value) in columns.iter().zip(values) {
            let score = &mut self.scores[column as usize];
            if *score == 0.0 {
                self.touched.push(column);
            }
            *score += weight * value;
        }
    }

    /// The score of a product for which there is room.
    pub(crate) fn of(&self, product: ProductNo) -> f32 {
        self.scores[product.index()]
    }

    /// Sets the score of a product for which there is room.
    pub(crate) fn set(&mut self, product: ProductNo, score: f32) {
        if self.of(product) == 0.0 {
            self.touched.push(product.0);
        }
        self.scores[product.index()] = score;
    }

    /// Every score that was touched and is not nought, in the order of first mention; all are nought after.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(u32, f32)) {
        for at in 0..self.touched.len() {
            let column = self.touched[at];
            let score = std::mem::take(&mut self.scores[column as usize]);
            if score != 0.0 {
                each(column, score);
            }
        }
        self.touched.clear();
    }

    /// The best positive scores but for `excluded`; all are nought after.
    pub(crate) fn best(&mut self, excluded: &[ProductNo], limit: usize) -> Vec<(f32, ProductNo)> {
        for product in excluded {
            if let Some(score) = self.scores.get_mut(product.index()) {
                *score = 0.0;
            }
        }
        let mut top = TopK::new(limit.min(self.touched.len()));
        self.drain(|column, score| {
            if score > 0.0 && score >= top.bar() && score.is_finite() {
                top.push(score, ProductNo(column));
            }
        });
        top.into_sorted()
    }
}
