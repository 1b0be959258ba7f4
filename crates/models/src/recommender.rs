//! What every recommender offers: from the products that a shopper had to do with to those that come next. Scored from the
//! list alone, so that a shopper who came a minute after the fit is served like one who was in it.

use crate::lanes::{Kernel, LANES, dispatch, padded};
use crate::nearest::{Found, Vectors};
use crate::parts;
use bespoke_domain::ProductNo;
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
    /// For the best of them.
    keys: Keys,
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
        if limit == 0 {
            self.taking().for_each(|at| _ = self.take(at));
            return Vec::new();
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
        for at in self.taking() {
            self.take(at);
        }
        best
    }
}

/// Working memory of [`Best`].
#[derive(Default)]
struct Keys {
    /// Scores in bits, whose order is theirs; nought where it is not positive or not finite.
    bits: Vec<u32>,
    /// The greatest of parts of them.
    greatest: Vec<u32>,
    /// Bits and then the product, such that the smaller number is greater.
    kept: Vec<u64>,
}

/// The best positive scores; all are nought after. Without a guess at which score is better, that a processor would get
/// wrong: the `limit`th greatest of many parts is a score that as many reach, and few more do.
struct Best<'a> {
    scores: &'a mut Scores,
    limit: usize,
}

/// Parts for each that is wanted.
const PARTS: usize = 4;

impl Kernel for Best<'_> {
    type Output = Vec<(f32, ProductNo)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let Self { scores, limit } = self;
        let Keys { mut bits, mut greatest, mut kept } = std::mem::take(&mut scores.keys);
        let count = scores.touched_count;
        bits.resize(bits.len().max(padded(count)), 0);
        for at in scores.taking() {
            let score = scores.take(at).1;
            let is_fair = (f32::MIN_POSITIVE..f32::INFINITY).contains(&score);
            bits[at] = if is_fair { score.to_bits() } else { 0 };
        }
        bits[count..padded(count)].fill(0);
        let fair = &bits[..padded(count)];
        greatest.clear();
        let parts = (PARTS * limit).div_ceil(LANES);
        for part in fair.chunks((count.div_ceil(LANES) / parts).max(1) * LANES) {
            let mut most = [0; LANES];
            for lanes in part.chunks_exact(LANES) {
                for lane in 0..LANES {
                    most[lane] = most[lane].max(lanes[lane]);
                }
            }
            greatest.extend_from_slice(&most);
        }
        let mut bar = 1;
        if greatest.len() > limit {
            bar = (*greatest.select_nth_unstable_by(limit - 1, |a, b| b.cmp(a)).1).max(1);
        }
        kept.clear();
        for (block, lanes) in fair.chunks_exact(LANES).enumerate() {
            if lanes.iter().fold(false, |any, bits| any | (*bits >= bar)) {
                for (lane, &bits) in lanes.iter().enumerate().filter(|lane| *lane.1 >= bar) {
                    let product = scores.touched[block * LANES + lane];
                    kept.push(u64::from(bits) << 32 | u64::from(!product));
                }
            }
        }
        kept.sort_unstable_by(|a, b| b.cmp(a));
        kept.truncate(limit);
        let score = |key: &u64| (f32::from_bits((key >> 32) as u32), ProductNo(!(*key as u32)));
        let best = kept.iter().map(score).collect();
        scores.keys = Keys { bits, greatest, kept };
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nearest::greatest;
    use crate::seeded::Seeded;

    #[test]
    fn the_best_scores_are_those_of_looking_at_all() {
        let mut seeded = Seeded::new(6);
        let mut scratch = Scores::default();
        for count in [1, 15, 16, 300, 5000] {
            scratch.reserve(count);
            let columns: Vec<u32> = (0..count as u32).filter(|_| seeded.unit() < 0.7).collect();
            for limit in [0, 1, 20, 400] {
                // Few values, so that many are equal; some below nought, some without end.
                let values: Vec<f32> = columns.iter().map(|_| seeded.below(40) as f32 - 4.0).collect();
                let mut all = vec![0.0; count];
                for (&column, &value) in columns.iter().zip(&values) {
                    all[column as usize] = if value == 30.0 { f32::INFINITY } else { 0.5 * value };
                }
                for (&column, &value) in columns.iter().zip(&values) {
                    let value = if value == 30.0 { f32::INFINITY } else { value };
                    scratch.add(&[column], &[value], 0.5);
                }
                let excluded = [ProductNo(2), ProductNo(70_000)];
                if let Some(score) = all.get_mut(2) {
                    *score = 0.0;
                }
                assert_eq!(scratch.best(&excluded, limit), greatest(&all, limit), "{count} {limit}");
                assert!(scratch.scores.iter().all(|score| *score == 0.0), "all are nought after");
            }
        }
    }
}
