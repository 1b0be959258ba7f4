//! Means of arms, and their differences, from what a bandit collected: augmented inverse propensity weights (Robins, Rotnitzky and Zhao 1994; for adaptive data
//! Hadad, Hirshberg, Zhan, Wager and Athey, PNAS 2021, their unweighted form).
//!
//! For arm w at step t: Γ = m + 1[chosen w] / e · (r − m), with m the arm's mean from before the batch and e its logged probability. Each Γ is
//! unbiased whatever made e, and so is their mean, of however few; weights that even out variances (√e) are narrower and were measured to be too low: .0966 of .10 at a
//! thousand choices, where plain means are .0935. Γ is a martingale, no sample: intervals are to be read at [`Look::Always`], and only once every arm was chosen
//! often enough by its floor alone (`is_enough`); at one look they find too much (8 % for 5 at a thousand choices).
//!
//! [`Look::Always`]: crate::statistics::sample::Look::Always

use crate::statistics::sample::Effect;
use serde::{Deserialize, Serialize};

/// Choices of an arm that the floor alone makes, below which nothing is said.
pub const CHOICES_FLOORED: f64 = 50.0;

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

/// The mean of an arm, choice by choice, without keeping any: what [`mean`] says of the same choices.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Sums {
    /// Choices that it could have been.
    count: f64,
    /// Sum of Γ and of its squares.
    scores: f64,
    squares: f64,
    /// Times it was chosen and the sum of rewards, before this batch.
    chosen: f64,
    rewards: f64,
    /// The same in this batch.
    batch: (f64, f64),
}

impl Sums {
    /// Notes a choice that the arm could have been: `chance` is its logged probability where it was, and `reward` what came of it then.
    pub fn note(&mut self, chance: Option<f64>, reward: f64) {
        let usual = if self.chosen > 0.0 { self.rewards / self.chosen } else { 0.0 };
        let score = chance.map_or(usual, |chance| usual + (reward - usual) / chance);
        self.count += 1.0;
        (self.scores, self.squares) = (self.scores + score, self.squares + score * score);
        if chance.is_some() {
            self.batch = (self.batch.0 + 1.0, self.batch.1 + reward);
        }
    }

    /// What was noted counts for the mean that later choices are held against.
    pub fn end_batch(&mut self) {
        (self.chosen, self.rewards) = (self.chosen + self.batch.0, self.rewards + self.batch.1);
        self.batch = (0.0, 0.0);
    }

    /// Choices that it could have been.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// The mean reward, as an effect from nought.
    pub fn mean(&self) -> Effect {
        let estimate = self.scores / self.count;
        let squares = (self.squares - self.count * estimate * estimate).max(0.0);
        Effect { estimate, error: squares.sqrt() / self.count, degrees: f64::INFINITY, count: self.count }
    }
}

/// Whether there are choices enough for an interval: fifty of each arm even if it had been chosen by its floor alone.
pub fn is_enough(choices: usize, floor: f64) -> bool {
    choices as f64 * floor >= CHOICES_FLOORED
}

/// The mean reward of an arm, as an effect from nought.
pub fn mean(choices: &[Choice], arm: usize) -> Effect {
    of(&scores(choices, arm))
}

/// The mean reward of `treated` less that of `control`; that both come from the same choices is in the error.
pub fn difference(choices: &[Choice], control: usize, treated: usize) -> Effect {
    let (control, treated) = (scores(choices, control), scores(choices, treated));
    of(&treated.iter().zip(control).map(|(treated, control)| treated - control).collect::<Vec<_>>())
}

fn of(scores: &[f64]) -> Effect {
    let count = scores.len() as f64;
    let estimate = scores.iter().sum::<f64>() / count;
    let squares: f64 = scores.iter().map(|score| (score - estimate) * (score - estimate)).sum();
    Effect { estimate, error: squares.sqrt() / count, degrees: f64::INFINITY, count }
}

/// Γ of each choice.
fn scores(choices: &[Choice], arm: usize) -> Vec<f64> {
    let (mut count, mut sum) = (0.0, 0.0);
    let mut scores = Vec::with_capacity(choices.len());
    for batch in choices.chunk_by(|a, b| a.batch == b.batch) {
        let usual = if count > 0.0 { sum / count } else { 0.0 };
        for choice in batch {
            let is_chosen = choice.arm == arm;
            let correction =
                if is_chosen { (choice.reward - usual) / choice.probabilities[arm] } else { 0.0 };
            scores.push(usual + correction);
            if is_chosen {
                (count, sum) = (count + 1.0, sum + choice.reward);
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_even_probabilities_it_is_the_difference_of_means_corrected_by_batches() {
        let even = [0.5, 0.5];
        let choice = |batch, arm, reward| Choice { batch, arm, reward, probabilities: &even };
        let choices = [choice(0, 0, 1.0), choice(0, 1, 3.0), choice(1, 0, 2.0), choice(1, 1, 5.0)];
        for arm in [0, 1] {
            let mut sums = Sums::default();
            for batch in choices.chunk_by(|a, b| a.batch == b.batch) {
                for one in batch {
                    sums.note((one.arm == arm).then_some(0.5), one.reward);
                }
                sums.end_batch();
            }
            let (whole, kept) = (mean(&choices, arm), sums.mean());
            assert!(whole.estimate == kept.estimate && (whole.error - kept.error).abs() < 1e-12);
        }
        // Arm 0: Γ = 2, 0 in the first batch; then m = 1: 1 + 2·1 = 3 and 1. Arm 1: 0, 6, then m = 3: 3 and 7.
        let (control, treated) = (mean(&choices, 0), mean(&choices, 1));
        assert_eq!((control.estimate, treated.estimate), (1.5, 4.0));
        assert!((control.error - (5.0_f64).sqrt() / 4.0).abs() < 1e-12);
        let effect = difference(&choices, 0, 1);
        assert_eq!(effect.estimate, 2.5);
        assert!(is_enough(1000, 0.05) && !is_enough(1000, 0.02));
        // Γ₁ − Γ₀ = −2, 6, 0, 6 about 2.5.
        let squares = 4.5_f64.powi(2) + 3.5_f64.powi(2) + 2.5_f64.powi(2) + 3.5_f64.powi(2);
        assert!((effect.error - squares.sqrt() / 4.0).abs() < 1e-12);
    }
}
