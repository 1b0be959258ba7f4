//! Thompson sampling where an arm's mean is a weighted sum of what is known of the moment (Agrawal and Goyal, ICML 2013), each arm with its own
//! weights. The belief about them is normal with precision A = λI + Σ x xᵀ and mean A⁻¹ Σ r x; that about the mean at x is normal too, with deviation
//! v √(xᵀ A⁻¹ x), so that the probability of being best is integrated as for arms without a context.

use super::posterior::Normal;
use super::probability::{of_being_best, with_floor};
use serde::{Deserialize, Serialize};

/// How it learns.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct LinearParams {
    /// Length of a context, of which one entry should always be 1.
    pub features: usize,
    /// Weight of the prior, λ: observations of each feature with reward 0. Above 0.
    pub ridge: f64,
    /// Deviation of a reward about its mean, v: 0.3 for clicks of one in ten. Larger explores more.
    pub noise: f64,
    /// The least probability of an arm.
    pub floor: f64,
}

/// What is believed of one arm.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LinearArm {
    /// A, row by row.
    precision: Vec<f64>,
    /// Σ r x.
    rewards: Vec<f64>,
    /// A⁻¹, as of the last refresh.
    covariance: Vec<f64>,
    /// A⁻¹ Σ r x, as of the last refresh.
    weights: Vec<f64>,
}

/// All arms.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LinearThompson {
    params: LinearParams,
    arms: Vec<LinearArm>,
}

impl LinearThompson {
    /// Arms of which nothing is known.
    pub fn new(params: LinearParams, arms: usize) -> Self {
        let d = params.features;
        let precision: Vec<f64> =
            (0..d * d).map(|at| if at % (d + 1) == 0 { params.ridge } else { 0.0 }).collect();
        let mut arm =
            LinearArm { precision, rewards: vec![0.0; d], covariance: Vec::new(), weights: Vec::new() };
        arm.refresh(d);
        Self { params, arms: vec![arm; arms] }
    }

    /// The probability of each arm at a context, at least the floor; they sum to 1. What was learnt since the last refresh does not count yet.
    pub fn probabilities(&self, context: &[f64]) -> Vec<f64> {
        let beliefs: Vec<Normal> =
            self.arms.iter().map(|arm| arm.belief(context, self.params.noise)).collect();
        with_floor(&of_being_best(&beliefs), self.params.floor)
    }

    /// Learns from a choice whose window is over.
    pub fn learn(&mut self, arm: usize, context: &[f64], reward: f64) {
        let arm = &mut self.arms[arm];
        for (row, x) in context.iter().enumerate() {
            arm.rewards[row] += reward * x;
            let precision = &mut arm.precision[row * context.len()..][..context.len()];
            precision.iter_mut().zip(context).for_each(|(sum, y)| *sum += x * y);
        }
    }

    /// Lets what was learnt count: after each batch.
    pub fn refresh(&mut self) {
        self.arms.iter_mut().for_each(|arm| arm.refresh(self.params.features));
    }
}

impl LinearArm {
    fn belief(&self, context: &[f64], noise: f64) -> Normal {
        let dot = |row: &[f64]| row.iter().zip(context).map(|(a, b)| a * b).sum::<f64>();
        let spread: f64 =
            self.covariance.chunks_exact(context.len()).zip(context).map(|(row, x)| x * dot(row)).sum();
        Normal { mean: dot(&self.weights), deviation: noise * spread.max(1e-12).sqrt() }
    }

    fn refresh(&mut self, d: usize) {
        self.covariance = inverse(&self.precision, d);
        let dot = |row: &[f64]| row.iter().zip(&self.rewards).map(|(a, b)| a * b).sum::<f64>();
        self.weights = self.covariance.chunks_exact(d.max(1)).map(dot).collect();
    }
}

/// The inverse of a small symmetric positive definite matrix, row by row: by the sweep operator, as `dense` has it for large ones.
fn inverse(matrix: &[f64], d: usize) -> Vec<f64> {
    let mut swept = matrix.to_vec();
    for at in 0..d {
        let pivot = swept[at * d + at];
        let row: Vec<f64> = swept[at * d..][..d].to_vec();
        for i in (0..d).filter(|i| *i != at) {
            let factor = swept[i * d + at] / pivot;
            for j in (0..d).filter(|j| *j != at) {
                swept[i * d + j] -= factor * row[j];
            }
            swept[i * d + at] = factor;
            swept[at * d + i] = factor;
        }
        swept[at * d + at] = -1.0 / pivot;
    }
    swept.iter().map(|value| -value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    const PARAMS: LinearParams = LinearParams { features: 3, ridge: 1.0, noise: 0.3, floor: 0.02 };

    #[test]
    fn inverses_are_inverse() {
        let mut seeded = Seeded::new(2);
        for d in [1, 2, 5, 9] {
            let factor: Vec<f64> = (0..d * d).map(|_| seeded.normal()).collect();
            let entry = |i: usize, j: usize| -> f64 {
                (0..d).map(|k| factor[i * d + k] * factor[j * d + k]).sum::<f64>()
                    + f64::from(u8::from(i == j))
            };
            let matrix: Vec<f64> = (0..d * d).map(|at| entry(at / d, at % d)).collect();
            let inverse = inverse(&matrix, d);
            for i in 0..d {
                for j in 0..d {
                    let product: f64 = (0..d).map(|k| matrix[i * d + k] * inverse[k * d + j]).sum();
                    assert!((product - f64::from(u8::from(i == j))).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn an_arm_that_is_better_for_some_is_chosen_for_them() {
        let mut bandit = LinearThompson::new(PARAMS, 2);
        assert_eq!(bandit.probabilities(&[1.0, 0.0, 1.0]), [0.5, 0.5]);
        let mut seeded = Seeded::new(4);
        for _ in 0..4000 {
            let (kind, arm) = (seeded.below(2), seeded.below(2));
            let context = [1.0, kind as f64, 1.0 - kind as f64];
            let reward = f64::from(u8::from(seeded.unit() < if kind == arm { 0.2 } else { 0.1 }));
            bandit.learn(arm, &context, reward);
        }
        let before = bandit.probabilities(&[1.0, 1.0, 0.0]);
        assert_eq!(before, [0.5, 0.5], "not before a refresh");
        bandit.refresh();
        let (one, other) = (bandit.probabilities(&[1.0, 1.0, 0.0]), bandit.probabilities(&[1.0, 0.0, 1.0]));
        assert!(one[1] > 0.95 && other[0] > 0.95, "{one:?} {other:?}");
        assert!(one[0] >= 0.02 && (one[0] + one[1] - 1.0).abs() < 1e-12);
    }
}
