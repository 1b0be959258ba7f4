//! Thompson sampling where what an arm gets depends on the moment, each arm with its own weights of what is known of it. For amounts the mean is the weighted sum
//! (Agrawal and Goyal, ICML 2013); for clicks its logistic function, with Laplace's approximation batch by batch (Chapelle and Li, NIPS 2011, algorithm
//! 3). The belief about the weights is normal with mean m and precision Q: a batch moves m to the least of ½ (w − m)ᵀ Q (w − m) + its loss, and adds the loss's second
//! derivative to Q. That about the sum at x is normal too, with deviation v √(xᵀ Q⁻¹ x), so that the probability of being best is integrated as for arms without a context.

use super::posterior::Normal;
use super::probability::{of_being_best, with_floor};
use serde::{Deserialize, Serialize};

/// Newton steps for a batch of clicks.
const STEPS: usize = 8;
/// Times a step is halved at most.
const HALVES: usize = 30;

/// What rewards are.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub enum Reward {
    /// Any number.
    Amount,
    /// 0 or 1.
    Click {
        /// The share of 1 that is usual, between 0 and 1: what is thought where all weights are 0.
        usual: f64,
    },
}

/// How it learns.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct LinearParams {
    /// Length of a context, of which one entry should always be 1.
    pub features: usize,
    /// What is learnt from.
    pub reward: Reward,
    /// Precision of each weight about 0 before anything is known. Above 0.
    pub ridge: f64,
    /// What deviations are multiplied by, v: of amounts the deviation of a reward about its mean; of clicks 1 or less. Larger explores more.
    pub spread: f64,
    /// The least probability of an arm.
    pub floor: f64,
}

/// All arms.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LinearThompson {
    params: LinearParams,
    arms: Vec<Arm>,
}

/// What is believed of one arm.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Arm {
    /// m.
    weights: Vec<f64>,
    /// Q, row by row.
    precision: Vec<f64>,
    /// Q⁻¹.
    covariance: Vec<f64>,
    /// Contexts, one after the other, and rewards since the last refresh.
    contexts: Vec<f64>,
    rewards: Vec<f64>,
}

impl LinearThompson {
    /// Arms of which nothing is known.
    pub fn new(params: LinearParams, arms: usize) -> Self {
        let d = params.features;
        let precision: Vec<f64> =
            (0..d * d).map(|at| if at % (d + 1) == 0 { params.ridge } else { 0.0 }).collect();
        let arm = Arm {
            weights: vec![0.0; d],
            covariance: inverse(&precision, d),
            precision,
            contexts: Vec::new(),
            rewards: Vec::new(),
        };
        Self { params, arms: vec![arm; arms] }
    }

    /// The probability of each arm at a context, at least the floor; they sum to 1. What was learnt since the last refresh does not count yet.
    pub fn probabilities(&self, context: &[f64]) -> Vec<f64> {
        let beliefs: Vec<Normal> =
            self.arms.iter().map(|arm| arm.belief(context, self.params.spread)).collect();
        with_floor(&of_being_best(&beliefs), self.params.floor)
    }

    /// Learns from a choice whose window is over. `context` MUST have as many features as the others.
    pub fn learn(&mut self, arm: usize, context: &[f64], reward: f64) {
        self.arms[arm].contexts.extend_from_slice(context);
        self.arms[arm].rewards.push(reward);
    }

    /// Lets what was learnt count: after each batch. What is kept of the batch are means and precisions.
    pub fn refresh(&mut self) {
        let params = self.params;
        self.arms.iter_mut().filter(|arm| !arm.rewards.is_empty()).for_each(|arm| arm.refresh(&params));
    }
}

impl Reward {
    /// The mean of a reward where the weighted sum is `sum`, and its derivative.
    fn mean(self, sum: f64) -> (f64, f64) {
        match self {
            Self::Amount => (sum, 1.0),
            Self::Click { usual } => {
                let mean = 1.0 / (1.0 + libm::exp(-sum) * (1.0 - usual) / usual);
                (mean, mean * (1.0 - mean))
            }
        }
    }

    /// Minus the logarithm of the likelihood, less a constant.
    fn loss(self, sum: f64, got: f64) -> f64 {
        match self {
            Self::Amount => 0.5 * (got - sum) * (got - sum),
            Self::Click { usual } => {
                let sum = sum + libm::log(usual / (1.0 - usual));
                sum.max(0.0) + libm::log1p(libm::exp(-sum.abs())) - got * sum
            }
        }
    }
}

impl Arm {
    fn belief(&self, context: &[f64], spread: f64) -> Normal {
        let rows = self.covariance.chunks_exact(context.len()).zip(context);
        let variance: f64 = rows.map(|(row, x)| x * dot(row, context)).sum();
        Normal { mean: dot(&self.weights, context), deviation: spread * variance.max(1e-12).sqrt() }
    }

    fn refresh(&mut self, params: &LinearParams) {
        let d = params.features;
        let before = self.weights.clone();
        let steps = if params.reward == Reward::Amount { 1 } else { STEPS };
        let mut precision = Vec::new();
        for _ in 0..steps {
            // The derivatives, with the prior's, at the weights.
            let off: Vec<f64> = self.weights.iter().zip(&before).map(|(now, before)| before - now).collect();
            let mut slope: Vec<f64> = self.precision.chunks_exact(d).map(|row| dot(row, &off)).collect();
            precision.clone_from(&self.precision);
            for (context, reward) in self.contexts.chunks_exact(d).zip(&self.rewards) {
                let (mean, weight) = params.reward.mean(dot(&self.weights, context));
                for (at, x) in context.iter().enumerate() {
                    slope[at] += (reward - mean) * x;
                    let row = &mut precision[at * d..][..d];
                    row.iter_mut().zip(context).for_each(|(sum, y)| *sum += weight * x * y);
                }
            }
            self.covariance = inverse(&precision, d);
            let step: Vec<f64> = self.covariance.chunks_exact(d).map(|row| dot(row, &slope)).collect();
            self.go(&step, &before, params);
        }
        self.precision = precision;
        self.contexts.clear();
        self.rewards.clear();
    }

    /// Goes the step, or the largest of its halves that does not make things worse: where clicks are rare, whole Newton steps may lead away.
    fn go(&mut self, step: &[f64], before: &[f64], params: &LinearParams) {
        let now = self.loss(&self.weights, before, params.reward);
        let mut part = 1.0;
        for _ in 0..HALVES {
            let there: Vec<f64> =
                self.weights.iter().zip(step).map(|(weight, step)| weight + part * step).collect();
            if self.loss(&there, before, params.reward) <= now {
                self.weights = there;
                return;
            }
            part *= 0.5;
        }
    }

    /// What is to be least.
    fn loss(&self, weights: &[f64], before: &[f64], reward: Reward) -> f64 {
        let d = weights.len();
        let off: Vec<f64> = weights.iter().zip(before).map(|(now, before)| now - before).collect();
        let prior: f64 =
            self.precision.chunks_exact(d).zip(&off).map(|(row, x)| 0.5 * x * dot(row, &off)).sum();
        let rows = self.contexts.chunks_exact(d).zip(&self.rewards);
        prior + rows.map(|(context, got)| reward.loss(dot(weights, context), *got)).sum::<f64>()
    }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

/// The inverse of a small symmetric positive definite matrix, row by row: by the sweep operator, as `dense` has it for large ones.
fn inverse(matrix: &[f64], d: usize) -> Vec<f64> {
    let mut swept = matrix.to_vec();
    for at in 0..d {
        let pivot = swept[at * d + at];
        let row: Vec<f64> = swept[at * d..][..d].to_vec();
        for i in (0..d).filter(|i| *i != at) {
            let factor = row[i] / pivot;
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

    const CLICKS: LinearParams = LinearParams {
        features: 3,
        reward: Reward::Click { usual: 0.1 },
        ridge: 1.0,
        spread: 1.0,
        floor: 0.02,
    };
    const AMOUNTS: LinearParams = LinearParams { reward: Reward::Amount, spread: 0.3, ..CLICKS };

    #[test]
    fn inverses_are_inverse() {
        let mut seeded = Seeded::new(2);
        for d in [1, 2, 5, 9] {
            let factor: Vec<f64> = (0..d * d).map(|_| seeded.normal()).collect();
            let entry = |i: usize, j: usize| -> f64 {
                dot(&factor[i * d..][..d], &factor[j * d..][..d]) + f64::from(u8::from(i == j))
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
    fn amounts_are_learnt_by_ridge_regression_whatever_the_batches() {
        // One feature: Q = 1 + Σ x², m = Σ r x / Q.
        let params = LinearParams { features: 1, ..AMOUNTS };
        let rows = [(1.0, 2.0), (2.0, 3.0), (0.5, 4.0)];
        for batch in [1, 3] {
            let mut bandit = LinearThompson::new(params, 1);
            for rows in rows.chunks(batch) {
                rows.iter().for_each(|(x, r)| bandit.learn(0, &[*x], *r));
                bandit.refresh();
            }
            let belief = bandit.arms[0].belief(&[1.0], 0.3);
            assert!(
                (belief.mean - 10.0 / 6.25).abs() < 1e-12 && (belief.deviation - 0.3 / 2.5).abs() < 1e-12
            );
        }
    }

    #[test]
    fn clicks_are_learnt_by_logistic_regression() {
        // One feature that is always 1, and hardly a prior: 30 of 120 clicked, variance 1 / (n p (1 − p)).
        let params = LinearParams { features: 1, ridge: 1e-9, ..CLICKS };
        let mut bandit = LinearThompson::new(params, 1);
        (0..120).for_each(|at| bandit.learn(0, &[1.0], f64::from(u8::from(at % 4 == 0))));
        bandit.refresh();
        let belief = bandit.arms[0].belief(&[1.0], 1.0);
        let (mean, _) = params.reward.mean(belief.mean);
        assert!(
            (mean - 0.25).abs() < 1e-8 && (belief.deviation - 1.0 / 22.5_f64.sqrt()).abs() < 1e-6,
            "{belief:?}"
        );
    }

    #[test]
    fn a_surprise_does_not_lead_astray() {
        // Sure of hardly any clicks after a thousand without, then a batch of clicks only: a whole Newton step would go far beyond.
        let params = LinearParams { features: 1, ridge: 1e-4, ..CLICKS };
        let mut bandit = LinearThompson::new(params, 1);
        (0..1000).for_each(|_| bandit.learn(0, &[1.0], 0.0));
        bandit.refresh();
        (0..20).for_each(|_| bandit.learn(0, &[1.0], 1.0));
        bandit.refresh();
        let (mean, _) = params.reward.mean(bandit.arms[0].belief(&[1.0], 1.0).mean);
        assert!((0.001..0.9999).contains(&mean), "{mean}");
    }

    #[test]
    fn an_arm_that_is_better_for_some_is_chosen_for_them() {
        for params in [CLICKS, AMOUNTS] {
            let mut bandit = LinearThompson::new(params, 2);
            assert_eq!(bandit.probabilities(&[1.0, 0.0, 1.0]), [0.5, 0.5]);
            let mut seeded = Seeded::new(4);
            for _ in 0..4000 {
                let (kind, arm) = (seeded.below(2), seeded.below(2));
                let context = [1.0, kind as f64, 1.0 - kind as f64];
                let reward = f64::from(u8::from(seeded.unit() < if kind == arm { 0.2 } else { 0.1 }));
                bandit.learn(arm, &context, reward);
            }
            assert_eq!(bandit.probabilities(&[1.0, 1.0, 0.0]), [0.5, 0.5], "not before a refresh");
            bandit.refresh();
            let (one, other) =
                (bandit.probabilities(&[1.0, 1.0, 0.0]), bandit.probabilities(&[1.0, 0.0, 1.0]));
            assert!(one[1] > 0.95 && other[0] > 0.95, "{one:?} {other:?}");
            assert!((0.02..0.03).contains(&one[0]) && (one[0] + one[1] - 1.0).abs() < 1e-12);
        }
    }
}
