//! What is to be made small: for each row the first and second derivative of the loss by its score.

use super::lambdarank::{LambdaRank, derivatives, mean_ndcg};
use super::{Error, Rows};
use serde::{Deserialize, Serialize};

/// Cut-off of the NDCG that a watched ranking is judged by.
const WATCHED_CUTOFF: usize = 10;
/// The largest grade of a ranking: its gain still counts exactly.
const GRADE_MAX: f32 = 30.0;
/// Least second derivative of a probability, so that a sure one can still be moved.
const HESSIAN_MIN: f32 = 1e-6;

/// What is to be made small.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `(score - label)² / 2`: amounts.
    Squared,
    /// `ln(1 + e^score) - label * score`, labels from 0 to 1: the score is the logarithm of the odds.
    Logistic,
    /// Pairs in the wrong order, each by what its exchange would do to NDCG; labels are whole grades, 0 for not relevant.
    LambdaRank(LambdaRank),
}

/// The probability with the log-odds `score`: `1 / (1 + e^-score)`.
pub fn sigmoid(score: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-score))
}

impl Loss {
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Squared | Self::Logistic => true,
            Self::LambdaRank(how) => how.truncation > 0 && how.steepness > 0.0 && how.steepness.is_finite(),
        }
    }

    /// Whether the rows have what this loss needs.
    pub(super) fn check(&self, rows: &Rows) -> Result<(), Error> {
        let is_one = |label: f32| match self {
            Self::Squared => true,
            Self::Logistic => (0.0..=1.0).contains(&label),
            Self::LambdaRank(_) => (0.0..=GRADE_MAX).contains(&label) && label == label.trunc(),
        };
        if let Some(row) = rows.labels().iter().position(|&label| !is_one(label)) {
            return Err(Error::Label(row, rows.labels()[row]));
        }
        let is_ranking = matches!(self, Self::LambdaRank(_));
        if is_ranking && rows.groups().is_empty() { Err(Error::NoGroups) } else { Ok(()) }
    }

    /// The score that all rows start from.
    pub(super) fn base(&self, rows: &Rows) -> f32 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (row, &label) in rows.labels().iter().enumerate() {
            let weight = f64::from(rows.weight(row));
            (sum, weights) = (sum + weight * f64::from(label), weights + weight);
        }
        let mean = if weights > 0.0 { sum / weights } else { 0.0 };
        match self {
            Self::Squared => mean as f32,
            Self::Logistic => {
                let mean = mean.clamp(1e-6, 1.0 - 1e-6);
                libm::log(mean / (1.0 - mean)) as f32
            }
            Self::LambdaRank(_) => 0.0,
        }
    }

    /// First and second derivative of each row, into `out`, which MUST be as long as the rows.
    pub(super) fn derivatives(&self, rows: &Rows, scores: &[f32], out: &mut [[f32; 2]], threads: usize) {
        let each = |out: &mut [[f32; 2]], of: fn(f32, f32) -> [f32; 2]| {
            for (row, (out, (&score, &label))) in
                out.iter_mut().zip(scores.iter().zip(rows.labels())).enumerate()
            {
                *out = of(score, label).map(|derivative| derivative * rows.weight(row));
            }
        };
        match self {
            Self::Squared => each(out, |score, label| [score - label, 1.0]),
            Self::Logistic => each(out, |score, label| {
                let probability = sigmoid(score);
                [probability - label, (probability * (1.0 - probability)).max(HESSIAN_MIN)]
            }),
            Self::LambdaRank(how) => derivatives(how, rows, scores, out, threads),
        }
    }

    /// How bad `scores` are: the mean loss, or 1 - NDCG@10 of a ranking.
    pub(super) fn badness(&self, rows: &Rows, scores: &[f32]) -> f64 {
        let mean = |loss: fn(f64, f64) -> f64| {
            let (mut sum, mut weights) = (0.0, 0.0);
            for (row, (&score, &label)) in scores.iter().zip(rows.labels()).enumerate() {
                let weight = f64::from(rows.weight(row));
                sum += weight * loss(f64::from(score), f64::from(label));
                weights += weight;
            }
            sum / f64::max(weights, f64::MIN_POSITIVE)
        };
        match self {
            Self::Squared => mean(|score, label| (score - label) * (score - label) / 2.0),
            Self::Logistic => mean(|score, label| {
                let softplus = score.max(0.0) + libm::log1p(libm::exp(-score.abs()));
                softplus - label * score
            }),
            Self::LambdaRank(_) => 1.0 - mean_ndcg(rows, scores, WATCHED_CUTOFF),
        }
    }
}
