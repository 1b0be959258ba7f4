//! The one ordering of scores in the product: higher first, non-finite last, ties by the smaller id. And the bounded
//! top list that keeps to it.

use std::cmp::Ordering;

/// Orders `a` before `b` when it has the higher score; `NaN` and infinities come last, ties go to the smaller id.
pub fn by_score<I: Ord>(a: (f32, I), b: (f32, I)) -> Ordering {
    match (a.0.is_finite(), b.0.is_finite()) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (true, true) => b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)),
        (false, false) => a.1.cmp(&b.1),
    }
}

/// Keeps the best `k` of what is pushed, in memory bounded by `2 k`.
pub struct TopK<I> {
    k: usize,
    kept: Vec<(f32, I)>,
    /// Whatever does not beat this cannot be among the best; set after the first cut.
    bar: Option<(f32, I)>,
}

impl<I: Ord + Copy> TopK<I> {
    /// An empty list that will hold at most `k`.
    pub fn new(k: usize) -> Self {
        Self { k, kept: Vec::with_capacity(2 * k), bar: None }
    }

    /// Offers one scored id.
    #[inline]
    pub fn push(&mut self, score: f32, id: I) {
        if let Some(bar) = self.bar
            && by_score((score, id), bar) != Ordering::Less
        {
            return;
        }
        self.kept.push((score, id));
        if self.kept.len() >= 2 * self.k.max(1) {
            self.cut();
        }
    }

    /// No score at or below this, nor one that is not finite, needs to be offered any more if its id is greater than all
    /// before it. Below every score until something was cut off.
    #[inline]
    pub fn bar(&self) -> f32 {
        self.bar.map_or(f32::NEG_INFINITY, |bar| if bar.0.is_finite() { bar.0 } else { f32::NEG_INFINITY })
    }

    fn cut(&mut self) {
        if self.k == 0 {
            self.kept.clear();
            return;
        }
        self.kept.select_nth_unstable_by(self.k - 1, |a, b| by_score(*a, *b));
        self.kept.truncate(self.k);
        self.bar = Some(self.kept[self.k - 1]);
    }

    /// The best, in order.
    pub fn into_sorted(mut self) -> Vec<(f32, I)> {
        self.kept.sort_unstable_by(|a, b| by_score(*a, *b));
        self.kept.truncate(self.k);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_k_equals_a_full_sort() {
        let scores: Vec<f32> = (0..500_u32).map(|i| ((i * 7919) % 101) as f32).collect();
        for k in [0, 1, 7, 100, 1000] {
            let mut top = TopK::new(k);
            let mut all: Vec<(f32, u32)> = Vec::new();
            for (id, &score) in scores.iter().enumerate() {
                let score = if id % 50 == 3 { f32::NAN } else { score };
                top.push(score, id as u32);
                all.push((score, id as u32));
            }
            all.sort_by(|a, b| by_score(*a, *b));
            all.truncate(k);
            let ids = |list: Vec<(f32, u32)>| list.into_iter().map(|(_, id)| id).collect::<Vec<_>>();
            assert_eq!(ids(top.into_sorted()), ids(all), "k = {k}");
        }
    }
}
