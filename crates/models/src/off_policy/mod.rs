//! What a policy that never ran would have been worth, from the decisions that another one took and logged with their probabilities.
//!
//! Four estimates of the mean reward a row under the target policy π, from rows (action a, reward r, logged propensity e) with weight w = π(a)/e:
//! - **IPW**, mean of w r (Horvitz and Thompson 1952): unbiased, varies much;
//! - **SNIPS**, Σ w r / Σ w (Swaminathan and Joachims, NIPS 2015): a little biased, varies less;
//! - **DM**, mean of Σₐ π(a) q(a): as good as the reward model q, whose own error its interval does not know;
//! - **DR**, mean of Σₐ π(a) q(a) + w (r − q(a)) (Dudík, Langford and Li, ICML 2011): right if either is.
//!
//! With the estimate goes what it rests on – effective sample size (Kish 1965), largest weight, share of the largest term –, and where that is too little
//! there is no estimate but a refusal. Propensities MUST be those of the action at its position: the probability of its being anywhere on the
//! list is larger, and makes estimates three times too high on lists of three.

/// Intervals of means over units.
mod interval;
/// The reward model of DM and DR.
mod reward;

use crate::statistics::sample::Interval;
use thiserror::Error;

/// Effective rows below which nothing is said.
pub const EFFECTIVE_MIN: f64 = 100.0;
/// Share of the estimate that one row may have.
pub const LARGEST_SHARE_MAX: f64 = 0.3;
/// Share of the target policy's choices that the logged one must have been able to make, by the upper end of its interval.
pub const REACH_MIN: f64 = 0.9;

/// One action that was taken, and what the target policy would have done there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Row<'a> {
    /// What is independent of others: the shopper or the decision. Rows of a unit are kept together by the intervals.
    pub unit: u64,
    /// The place in the list.
    pub position: u32,
    /// What was shown there.
    pub action: u32,
    /// What came of it.
    pub reward: f64,
    /// The probability with which it was chosen for this position, above 0 and at most 1.
    pub propensity: f64,
    /// The target policy's probabilities for this position, by action; they sum to 1.
    pub target: &'a [(u32, f64)],
}

/// An estimate with two intervals of 95 %.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// Mean reward a row.
    pub value: f64,
    /// Its standard error over units.
    pub error: f64,
    /// By the normal distribution.
    pub normal: Interval,
    /// By the bootstrap over units (Efron 1979), percentiles of 1,000.
    pub bootstrap: Interval,
}

/// What the target policy would have been worth.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    /// Number of rows.
    pub rows: usize,
    /// Mean reward of the policy that was logged.
    pub logged: f64,
    #[allow(missing_docs, reason = "as the module says")]
    pub ipw: Estimate,
    #[allow(missing_docs, reason = "as the module says")]
    pub snips: Estimate,
    #[allow(missing_docs, reason = "as the module says")]
    pub dm: Estimate,
    #[allow(missing_docs, reason = "as the module says")]
    pub dr: Estimate,
    /// What it rests on.
    pub support: Support,
    /// Why none of the estimates is to be used.
    pub refusal: Option<Refusal>,
}

/// What an estimate rests on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Support {
    /// (Σ w)² / Σ w²: rows of equal weight that would tell as much.
    pub effective: f64,
    /// The largest w.
    pub largest_weight: f64,
    /// The largest |w r| in parts of Σ |w r|: how much of IPW one row is.
    pub largest_share: f64,
    /// Mean w: the share of what the target policy would do that the logged one could have done. 1 but for chance where it could all.
    pub reach: Estimate,
}

/// Why an estimate is not given.
#[derive(Clone, Copy, PartialEq, Debug, Error)]
pub enum Refusal {
    /// Nobody can tell a policy's value from so few.
    #[error(
        "the logged decisions that the policy would repeat count as {0:.1} rows, fewer than 100: let them be explored more, or test it on shoppers"
    )]
    FewRows(f64),
    /// One lucky row makes the estimate.
    #[error("one row makes {:.0} % of the estimate, more than 30 %: log more decisions, or test it on shoppers", 100.0 * .0)]
    OneRow(f64),
    /// What the target policy would do was never done: no weight can make up for it.
    #[error(
        "logged decisions reach only {:.0} % of what the policy would show, fewer than 90 %: let them be explored among more, or test it on shoppers", 100.0 * .0
    )]
    OutOfReach(f64),
    /// Without any reward the intervals would be nought wide.
    #[error("no logged decision had a reward: log more of them")]
    NoReward,
}

/// Rows that cannot be used.
#[derive(Clone, Copy, PartialEq, Debug, Error)]
#[allow(missing_docs, reason = "each says what it is")]
pub enum Error {
    #[error(
        "row {0}: `propensity` is {1}; it must be above 0 and at most 1: log the probability of each choice"
    )]
    Propensity(usize, f64),
    #[error("row {0}: `reward` is {1}; it must be a number")]
    Reward(usize, f64),
    #[error("row {0}: `target` sums to {1}; probabilities at a position must be at least 0 and sum to 1")]
    Target(usize, f64),
    #[error("there are no rows")]
    NoRows,
}

/// How much a row is worth in each estimate.
struct Terms {
    weights: Vec<f64>,
    weighted: Vec<f64>,
    modelled: Vec<f64>,
    doubly: Vec<f64>,
}

/// The value of the target policy. `rows` are in the order of time: even ones teach the reward model for odd ones and odd ones for even ones.
///
/// # Errors
/// The first row that is not as [`Row`] says.
pub fn value(rows: &[Row]) -> Result<Value, Error> {
    check(rows)?;
    let terms = Terms::new(rows);
    let units: Vec<u64> = rows.iter().map(|row| row.unit).collect();
    let ones = vec![1.0; rows.len()];
    let estimate = |above: &[f64], below: &[f64]| interval::ratio(&units, above, below);
    let support = support(&terms, estimate(&terms.weights, &ones));
    Ok(Value {
        rows: rows.len(),
        logged: rows.iter().map(|row| row.reward).sum::<f64>() / rows.len() as f64,
        ipw: estimate(&terms.weighted, &ones),
        snips: estimate(&terms.weighted, &terms.weights),
        dm: estimate(&terms.modelled, &ones),
        dr: estimate(&terms.doubly, &ones),
        refusal: refusal(&support),
        support,
    })
}

impl Row<'_> {
    fn weight(&self) -> f64 {
        let wanted = self.target.iter().find(|(action, _)| *action == self.action);
        wanted.map_or(0.0, |(_, probability)| probability / self.propensity)
    }
}

impl Terms {
    fn new(rows: &[Row]) -> Self {
        let weights: Vec<f64> = rows.iter().map(Row::weight).collect();
        let weighted = rows.iter().zip(&weights).map(|(row, weight)| weight * row.reward).collect();
        let models = reward::cross_fitted(rows);
        let foreseen = |at: usize, row: &Row| -> f64 {
            row.target
                .iter()
                .map(|(action, chance)| chance * models[at % 2].mean(*action, row.position))
                .sum()
        };
        let modelled: Vec<f64> = rows.iter().enumerate().map(|(at, row)| foreseen(at, row)).collect();
        let doubly = rows.iter().enumerate().map(|(at, row)| {
            modelled[at] + weights[at] * (row.reward - models[at % 2].mean(row.action, row.position))
        });
        Self { doubly: doubly.collect(), weights, weighted, modelled }
    }
}

fn check(rows: &[Row]) -> Result<(), Error> {
    if rows.is_empty() {
        return Err(Error::NoRows);
    }
    for (at, row) in rows.iter().enumerate() {
        if !(row.propensity > 0.0 && row.propensity <= 1.0) {
            return Err(Error::Propensity(at, row.propensity));
        }
        if !row.reward.is_finite() {
            return Err(Error::Reward(at, row.reward));
        }
        let sum: f64 = row.target.iter().map(|(_, probability)| probability).sum();
        let is_negative = row.target.iter().any(|(_, probability)| *probability < 0.0);
        if is_negative || sum.is_nan() || (sum - 1.0).abs() > 1e-6 {
            return Err(Error::Target(at, sum));
        }
    }
    Ok(())
}

fn support(terms: &Terms, reach: Estimate) -> Support {
    let sum: f64 = terms.weights.iter().sum();
    let squares: f64 = terms.weights.iter().map(|weight| weight * weight).sum();
    let all: f64 = terms.weighted.iter().map(|term| term.abs()).sum();
    let largest = |terms: &[f64]| terms.iter().fold(0.0_f64, |most, term| most.max(term.abs()));
    Support {
        effective: if squares > 0.0 { sum * sum / squares } else { 0.0 },
        largest_weight: largest(&terms.weights),
        largest_share: if all > 0.0 { largest(&terms.weighted) / all } else { 0.0 },
        reach,
    }
}

fn refusal(support: &Support) -> Option<Refusal> {
    if support.effective < EFFECTIVE_MIN {
        Some(Refusal::FewRows(support.effective))
    } else if support.reach.normal.high < REACH_MIN {
        Some(Refusal::OutOfReach(support.reach.value))
    } else if support.largest_share > LARGEST_SHARE_MAX {
        Some(Refusal::OneRow(support.largest_share))
    } else if support.largest_share == 0.0 {
        Some(Refusal::NoReward)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    const ALWAYS_ONE: &[(u32, f64)] = &[(0, 0.0), (1, 1.0)];
    const MIXED: &[(u32, f64)] = &[(0, 0.25), (1, 0.75)];

    fn row(unit: u64, action: u32, reward: f64, propensity: f64, target: &[(u32, f64)]) -> Row<'_> {
        Row { unit, position: 0, action, reward, propensity, target }
    }

    #[test]
    fn estimates_of_four_rows_by_hand() {
        let rows = [
            row(0, 1, 1.0, 0.5, MIXED),
            row(1, 0, 0.0, 0.5, MIXED),
            row(2, 1, 0.0, 0.25, MIXED),
            row(3, 0, 1.0, 0.75, MIXED),
        ];
        let found = value(&rows).expect("sound rows");
        let near =
            |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
        // Weights 1.5, 0.5, 3, 1/3.
        near(found.ipw.value, (1.5 + 1.0 / 3.0) / 4.0);
        near(found.snips.value, (1.5 + 1.0 / 3.0) / (1.5 + 0.5 + 3.0 + 1.0 / 3.0));
        near(found.support.largest_weight, 3.0);
        near(found.support.largest_share, 1.5 / (1.5 + 1.0 / 3.0));
        // Odd rows (rewards 0 and 1 of action 0) teach the model of even ones and the other way round: both means are one half.
        let (even, odd) = ((50.0 + 1.0) / 102.0, 50.0 / 100.0);
        let of_even = 0.25 * even + 0.75 * odd;
        near(found.dm.value, (2.0 * of_even + 2.0 * (0.25 * odd + 0.75 * even)) / 4.0);
        let corrections = 1.5 * (1.0 - odd) + 0.5 * (0.0 - odd) + 3.0 * (0.0 - odd) + (1.0 - odd) / 3.0;
        near(found.dr.value, found.dm.value + corrections / 4.0);
        assert!(matches!(found.refusal, Some(Refusal::FewRows(_))));
    }

    /// Rows of a policy that shows action 1 with this probability; its reward is 1 with chance 0.3, that of action 0 with 0.1.
    fn logged(seed: u64, count: usize, propensity: f64) -> Vec<Row<'static>> {
        let mut seeded = Seeded::new(seed);
        let one = |unit| {
            let action = u32::from(seeded.unit() < propensity);
            let reward = f64::from(u8::from(seeded.unit() < [0.1, 0.3][action as usize]));
            let chosen = if action == 1 { propensity } else { 1.0 - propensity };
            row(unit, action, reward, chosen, ALWAYS_ONE)
        };
        (0..count as u64).map(one).collect()
    }

    #[test]
    fn intervals_hold_what_the_policy_is_worth() {
        let (mut held, mut boot) = ([0; 3], 0);
        for seed in 0..200 {
            let found = value(&logged(seed, 2000, 0.4)).expect("sound rows");
            assert_eq!(found.refusal, None);
            for (held, estimate) in held.iter_mut().zip([found.ipw, found.snips, found.dr]) {
                *held += u32::from(estimate.normal.holds(0.3));
            }
            boot += u32::from(found.dr.bootstrap.holds(0.3));
        }
        assert!(held.iter().chain([&boot]).all(|held| (180..=200).contains(held)), "{held:?} {boot}");
    }

    #[test]
    fn too_little_is_refused() {
        // The logged policy hardly ever does what the target would.
        let rare = value(&logged(1, 5000, 0.01)).expect("sound rows");
        assert!(matches!(rare.refusal, Some(Refusal::FewRows(rows)) if rows < 100.0), "{:?}", rare.refusal);
        let mut one: Vec<Row> = (0..500).map(|unit| row(unit, 1, 0.0, 0.5, ALWAYS_ONE)).collect();
        assert_eq!(value(&one).expect("sound rows").refusal, Some(Refusal::NoReward));
        one[7].reward = 1.0;
        assert_eq!(value(&one).expect("sound rows").refusal, Some(Refusal::OneRow(1.0)));
        // Half of the time the policy would do what was never done.
        const HALF: &[(u32, f64)] = &[(0, 0.0), (1, 0.5), (2, 0.5)];
        let mut far = logged(2, 5000, 0.4);
        far.iter_mut().for_each(|row| row.target = HALF);
        let far = value(&far).expect("sound rows");
        assert!(matches!(far.refusal, Some(Refusal::OutOfReach(share)) if (share - 0.5).abs() < 0.05));
        let said = Refusal::OneRow(0.43).to_string();
        assert!(said.starts_with("one row makes 43 % of the estimate"), "{said}");
    }

    #[test]
    fn rows_of_a_unit_are_kept_together() {
        let rows = logged(3, 1000, 0.5);
        let same: Vec<Row> = rows.iter().flat_map(|row| [*row; 4]).collect();
        let (once, often) = (value(&rows).expect("sound"), value(&same).expect("sound"));
        assert!((often.ipw.error / once.ipw.error - 1.0).abs() < 1e-9, "four copies tell as much as one");
    }

    #[test]
    fn mistakes_are_named() {
        let mut rows = logged(5, 600, 0.5);
        rows[4].propensity = 0.0;
        assert_eq!(value(&rows), Err(Error::Propensity(4, 0.0)));
        rows[4] = Row { propensity: 1.0, target: &[(0, 0.5)], ..rows[4] };
        assert_eq!(value(&rows), Err(Error::Target(4, 0.5)));
        assert_eq!(value(&[]), Err(Error::NoRows));
    }
}
