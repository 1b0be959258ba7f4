//! What is believed of an arm's mean reward: beta for clicks, normal for amounts; updated in batches, and discounted where the world moves.

use crate::statistics::distributions::{beta, beta_density, normal, normal_density};
use serde::{Deserialize, Serialize};

/// A distribution of an arm's mean.
pub trait Belief {
    /// Its mean.
    fn mean(&self) -> f64;
    /// Its standard deviation.
    fn deviation(&self) -> f64;
    /// Its density at x within the support.
    fn density(&self, x: f64) -> f64;
    /// P(mean ≤ x).
    fn below(&self, x: f64) -> f64;
    /// Where it may be.
    fn support(&self) -> (f64, f64);
}

/// Of a rate: 1 more than its successes and 1 more than its failures, to begin with both 1.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Beta {
    /// At least 1.
    pub alpha: f64,
    /// At least 1.
    pub beta: f64,
}

/// Of a mean of amounts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Normal {
    /// Where it is thought to be.
    pub mean: f64,
    /// How sure that is, above 0.
    pub deviation: f64,
}

impl Default for Beta {
    fn default() -> Self {
        Self { alpha: 1.0, beta: 1.0 }
    }
}

impl Beta {
    /// Learns from a batch: `chosen` choices whose windows are over, `rewarded` of them with a reward.
    pub fn learn(&mut self, chosen: u64, rewarded: u64) {
        self.alpha += rewarded as f64;
        self.beta += chosen.saturating_sub(rewarded) as f64;
    }

    /// Forgets a part of all that was learnt: what is left counts `keep` (0 to 1) of what it did. For arms whose rates move; where they do not it costs
    /// some regret.
    pub fn discount(&mut self, keep: f64) {
        self.alpha = 1.0 + (self.alpha - 1.0) * keep;
        self.beta = 1.0 + (self.beta - 1.0) * keep;
    }
}

impl Normal {
    /// The belief about a mean from `count` rewards with this sum and sum of squares, and a prior of `prior_count` rewards of `prior_mean` whose variance is
    /// `prior_variance`.
    pub fn learnt(count: f64, sum: f64, squares: f64, prior: (f64, f64, f64)) -> Self {
        let (prior_count, prior_mean, prior_variance) = prior;
        let n = count + prior_count;
        let mean = (sum + prior_count * prior_mean) / n;
        let prior_squares = prior_count * (prior_variance + prior_mean * prior_mean);
        let variance = ((squares + prior_squares) / n - mean * mean).max(f64::MIN_POSITIVE);
        Self { mean, deviation: (variance / n).sqrt() }
    }
}

impl Belief for Beta {
    fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    fn deviation(&self) -> f64 {
        let sum = self.alpha + self.beta;
        (self.alpha * self.beta / (sum * sum * (sum + 1.0))).sqrt()
    }

    fn density(&self, x: f64) -> f64 {
        beta_density(x, self.alpha, self.beta)
    }

    fn below(&self, x: f64) -> f64 {
        beta(x, self.alpha, self.beta)
    }

    fn support(&self) -> (f64, f64) {
        (0.0, 1.0)
    }
}

impl Belief for Normal {
    fn mean(&self) -> f64 {
        self.mean
    }

    fn deviation(&self) -> f64 {
        self.deviation
    }

    fn density(&self, x: f64) -> f64 {
        normal_density((x - self.mean) / self.deviation) / self.deviation
    }

    fn below(&self, x: f64) -> f64 {
        normal((x - self.mean) / self.deviation)
    }

    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beliefs_learn_and_forget() {
        let mut belief = Beta::default();
        belief.learn(100, 20);
        assert_eq!(belief, Beta { alpha: 21.0, beta: 81.0 });
        belief.discount(0.5);
        assert_eq!(belief, Beta { alpha: 11.0, beta: 41.0 });
        assert!((belief.mean() - 11.0 / 52.0).abs() < 1e-15);
        belief.discount(0.0);
        assert_eq!(belief, Beta::default());
    }

    #[test]
    fn amounts_are_pulled_towards_the_prior_and_get_surer() {
        // Ten rewards 0 and 4 alternately: mean 2, squares 80; a prior of 10 of mean 1 and variance 1.
        let belief = Normal::learnt(10.0, 20.0, 80.0, (10.0, 1.0, 1.0));
        assert!((belief.mean - 1.5).abs() < 1e-12);
        assert!((belief.deviation - ((100.0 / 20.0 - 2.25) / 20.0_f64).sqrt()).abs() < 1e-12);
    }
}
