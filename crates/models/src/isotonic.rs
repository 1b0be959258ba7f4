//! Scores into probabilities: the increasing function closest to what happened, by pooling adjacent violators (Ayer et al.,
//! Annals of Mathematical Statistics 1955; for calibration Zadrozny and Elkan, KDD 2002). Fit it on rows that the model was
//! not fitted on.

use crate::gbdt::Error;
use serde::{Deserialize, Serialize};

/// A fitted increasing function, straight between its points and flat outside them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Isotonic {
    /// Strictly increasing.
    scores: Vec<f32>,
    /// Not decreasing, one a score.
    values: Vec<f32>,
}

/// Neighbouring cases with one mean.
#[derive(Clone, Copy)]
struct Pool {
    weight: f64,
    label_sum: f64,
    score_low: f32,
    score_high: f32,
}

impl Pool {
    fn mean(&self) -> f64 {
        self.label_sum / self.weight
    }

    fn with(self, next: Self) -> Self {
        Self {
            weight: self.weight + next.weight,
            label_sum: self.label_sum + next.label_sum,
            score_low: self.score_low,
            score_high: next.score_high,
        }
    }
}

impl Isotonic {
    /// The increasing function of the scores with the least squared distance to the labels.
    ///
    /// # Errors
    /// No cases, lists of different lengths, a score or label that is not finite.
    pub fn fit(scores: &[f32], labels: &[f32]) -> Result<Self, Error> {
        if scores.is_empty() {
            return Err(Error::NoRows);
        }
        if scores.len() != labels.len() {
            return Err(Error::Length { what: "labels", found: labels.len(), wanted: scores.len() });
        }
        if let Some(row) =
            (0..scores.len()).find(|&row| !(scores[row].is_finite() && labels[row].is_finite()))
        {
            return Err(Error::Label(row, labels[row]));
        }
        let mut cases: Vec<(f32, f32)> =
            scores.iter().map(|score| score + 0.0).zip(labels.iter().copied()).collect();
        cases.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut fitted = Self { scores: Vec::new(), values: Vec::new() };
        for pool in pools(&cases) {
            fitted.push(pool.score_low, pool.mean() as f32);
            if pool.score_high > pool.score_low {
                fitted.push(pool.score_high, pool.mean() as f32);
            }
        }
        Ok(fitted)
    }

    /// The value at `score`; never smaller for a larger score. What is not a number gets the smallest.
    pub fn value(&self, score: f32) -> f32 {
        let above = self.scores.partition_point(|&held| held <= score);
        let last = self.values.len() - 1;
        if above == 0 || above > last {
            return self.values[above.min(last)];
        }
        let (low, high) = (self.scores[above - 1], self.scores[above]);
        let (from, to) = (self.values[above - 1], self.values[above]);
        let share = ((f64::from(score) - f64::from(low)) / (f64::from(high) - f64::from(low))) as f32;
        (from + (to - from) * share).clamp(from, to)
    }

    /// Bytes that it takes in memory.
    pub fn size_bytes(&self) -> usize {
        8 * self.scores.len()
    }

    /// Whether it is such a function: what is read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let is_finite = self.scores.iter().chain(&self.values).all(|value| value.is_finite());
        let rises = self.scores.windows(2).all(|pair| pair[0] < pair[1]);
        let never_falls = self.values.windows(2).all(|pair| pair[0] <= pair[1]);
        !self.scores.is_empty() && self.scores.len() == self.values.len() && is_finite && rises && never_falls
    }

    fn push(&mut self, score: f32, value: f32) {
        self.scores.push(score);
        self.values.push(value);
    }
}

/// Cases in the order of their scores into pools with increasing means.
fn pools(cases: &[(f32, f32)]) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    for same in cases.chunk_by(|a, b| a.0 == b.0) {
        let mut pool = Pool {
            weight: same.len() as f64,
            label_sum: same.iter().map(|case| f64::from(case.1)).sum(),
            score_low: same[0].0,
            score_high: same[0].0,
        };
        while let Some(before) = pools.pop_if(|before| before.mean() >= pool.mean()) {
            pool = before.with(pool);
        }
        pools.push(pool);
    }
    pools
}
