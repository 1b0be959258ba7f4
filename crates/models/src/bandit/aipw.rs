//! Means of arms, and their differences, from what a bandit collected: augmented inverse propensity weights, summed with weights that even out
//! how much they vary (Hadad, Hirshberg, Zhan, Wager and Athey, PNAS 2021).
//!
//! For arm w at step t: Γ = m + 1[chosen w] / e · (r − m), with m the arm's mean from before the batch and e its logged probability. Each Γ is unbiased,
//! whatever made e. The estimate is Σ h Γ / Σ h with h = √e, its error √(Σ h² (Γ − estimate)²) / Σ h, and the two together are normal, which plain means and
//! IPW of adaptive data are not. Probabilities need a floor.

use crate::statistics::sample::Effect;

/// One choice, in the order of time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Choice<'a> {
    /// The batch in which it was made; what is learnt in a batch counts for later ones only.
    pub batch: u32,
    /// The arm.
    pub arm: usize,
    /// What came of it.
    pub reward: f64,
    /// The logged probability of every arm.
    pub probabilities: &'a [f64],
}

/// The mean reward of an arm, as an effect from nought.
pub fn mean(choices: &[Choice], arm: usize) -> Effect {
    weighted(choices, arm, None)
}

/// The mean reward of `treated` less that of `control`; that both come from the same choices is in the error.
pub fn difference(choices: &[Choice], control: usize, treated: usize) -> Effect {
    weighted(choices, treated, Some(control))
}

fn weighted(choices: &[Choice], arm: usize, other: Option<usize>) -> Effect {
    let scores = Scores::new(choices, arm);
    let (mean, error) = scores.estimate();
    let count = choices.len() as f64;
    let Some(other) = other else {
        return Effect { estimate: mean, error, degrees: f64::INFINITY, count };
    };
    let others = Scores::new(choices, other);
    let (other_mean, other_error) = others.estimate();
    let joint = scores.covariance(mean, &others, other_mean);
    let variance = error * error + other_error * other_error - 2.0 * joint;
    Effect { estimate: mean - other_mean, error: variance.max(0.0).sqrt(), degrees: f64::INFINITY, count }
}

/// Γ and h of each choice.
struct Scores {
    rows: Vec<(f64, f64)>,
    total: f64,
}

impl Scores {
    fn new(choices: &[Choice], arm: usize) -> Self {
        let (mut count, mut sum) = (0.0, 0.0);
        let mut rows = Vec::with_capacity(choices.len());
        for batch in choices.chunk_by(|a, b| a.batch == b.batch) {
            let usual = if count > 0.0 { sum / count } else { 0.0 };
            for choice in batch {
                let probability = choice.probabilities[arm];
                let is_chosen = choice.arm == arm;
                let correction = if is_chosen { (choice.reward - usual) / probability } else { 0.0 };
                rows.push((usual + correction, probability.sqrt()));
                if is_chosen {
                    (count, sum) = (count + 1.0, sum + choice.reward);
                }
            }
        }
        let total = rows.iter().map(|(_, weight)| weight).sum();
        Self { rows, total }
    }

    fn estimate(&self) -> (f64, f64) {
        let mean = self.rows.iter().map(|(score, weight)| weight * score).sum::<f64>() / self.total;
        let squares: f64 =
            self.rows.iter().map(|(score, weight)| weight * weight * (score - mean) * (score - mean)).sum();
        (mean, squares.sqrt() / self.total)
    }

    fn covariance(&self, mean: f64, other: &Self, other_mean: f64) -> f64 {
        let both = self.rows.iter().zip(&other.rows);
        let products: f64 = both.map(|((a, h), (b, k))| h * k * (a - mean) * (b - other_mean)).sum();
        products / (self.total * other.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_even_probabilities_it_is_the_difference_of_means_corrected_by_batches() {
        let even = [0.5, 0.5];
        let choice = |batch, arm, reward| Choice { batch, arm, reward, probabilities: &even };
        let choices = [choice(0, 0, 1.0), choice(0, 1, 3.0), choice(1, 0, 2.0), choice(1, 1, 5.0)];
        // Arm 0: Γ = 2, 0 in the first batch; then m = 1: 1 + 2·1 = 3 and 1. Arm 1: 0, 6, then m = 3: 3 and 7.
        let (control, treated) = (mean(&choices, 0), mean(&choices, 1));
        assert_eq!((control.estimate, treated.estimate), (1.5, 4.0));
        assert!((control.error - (5.0_f64).sqrt() / 4.0).abs() < 1e-12);
        let effect = difference(&choices, 0, 1);
        assert_eq!(effect.estimate, 2.5);
        // Γ₁ − Γ₀ = −2, 6, 0, 6 about 2.5.
        let squares = 4.5_f64.powi(2) + 3.5_f64.powi(2) + 2.5_f64.powi(2) + 3.5_f64.powi(2);
        assert!((effect.error - squares.sqrt() / 4.0).abs() < 1e-12);
    }
}
