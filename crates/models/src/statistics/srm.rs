//! Sample ratio mismatch: whether the arms got the units they were to get. Where they did not, something lost units of one arm, and no
//! number of the experiment is to be believed (Fabijan et al., KDD 2019).
//!
//! Looked at once, by Pearson's χ². Looked at every day, by a Bayes factor that holds at every look: the multinomial with the planned
//! shares against a Dirichlet mixture about them (Lindon and Malek, NeurIPS 2022). Under the planned shares it passes 1/α with probability α at
//! most, ever.

use super::distributions::chi_squared_tail;

/// How sure the mixture is of the planned shares, in units: about ± half a percentage point for two equal arms.
pub const CONCENTRATION: f64 = 10_000.0;
/// The p-value below which a gate closes.
pub const ALPHA: f64 = 0.01;

/// One arm: its planned weight, above 0, and the units it got.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arm {
    /// Its part of the traffic; weights need not sum to 1.
    pub weight: f64,
    /// Units that were exposed in it.
    pub count: u64,
}

/// Whether the arms have what they should.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mismatch {
    /// Valid at every look so far, where looks happened at each; at this one for χ².
    pub p: f64,
    /// The Bayes factor, or χ².
    pub statistic: f64,
}

impl Mismatch {
    /// Whether results are to be withheld.
    pub fn is_found(&self) -> bool {
        self.p < ALPHA
    }
}

/// Pearson's χ² of the counts: for one look at an end that was fixed before.
pub fn chi_squared(arms: &[Arm]) -> Mismatch {
    let (weights, total) = totals(arms);
    let part = |arm: &Arm| {
        let wanted = total * arm.weight / weights;
        let off = arm.count as f64 - wanted;
        if wanted > 0.0 { off * off / wanted } else { 0.0 }
    };
    let statistic: f64 = arms.iter().map(part).sum();
    let p = if arms.len() < 2 { 1.0 } else { chi_squared_tail(statistic, arms.len() as f64 - 1.0) };
    Mismatch { p, statistic }
}

/// The Bayes factor of the counts: for a look at any time. Its p-value is 1 over it, at most 1; over looks the least stays valid.
pub fn sequential(arms: &[Arm]) -> Mismatch {
    let (weights, total) = totals(arms);
    let part = |arm: &Arm| {
        let (share, count) = (arm.weight / weights, arm.count as f64);
        let prior = CONCENTRATION * share;
        libm::lgamma(prior + count) - libm::lgamma(prior) - count * libm::log(share)
    };
    let whole = libm::lgamma(CONCENTRATION) - libm::lgamma(CONCENTRATION + total);
    let log = whole + arms.iter().map(part).sum::<f64>();
    Mismatch { p: libm::exp(-log).min(1.0), statistic: libm::exp(log) }
}

fn totals(arms: &[Arm]) -> (f64, f64) {
    (arms.iter().map(|arm| arm.weight).sum(), arms.iter().map(|arm| arm.count as f64).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(counts: &[u64]) -> Vec<Arm> {
        counts.iter().map(|&count| Arm { weight: 1.0, count }).collect()
    }

    fn near(found: f64, wanted: f64, tolerance: f64) {
        assert!((found - wanted).abs() <= tolerance, "{found} is not {wanted}");
    }

    #[test]
    fn published_values() {
        near(chi_squared(&equal(&[50_000, 49_000])).p, 0.001_481_9, 5e-8);
        let bing = chi_squared(&equal(&[821_588, 815_482]));
        near(bing.statistic, 22.7744, 5e-5);
        near(bing.p, 1.82e-6, 5e-9);
        near(chi_squared(&equal(&[5_000, 5_100])).p, 0.3197, 5e-5);
        let mails = chi_squared(&equal(&[21_306, 21_307, 21_387]));
        near(mails.statistic, 0.202_531, 5e-7);
        near(mails.p, 0.903_693, 5e-7);
    }

    #[test]
    fn the_factor_is_the_ratio_of_the_likelihoods() {
        // One unit in the first of two arms: under the plan 1/4, under the mixture 1/4 as well. Two there: the mixture's is a touch more.
        let arms = |a, b| [Arm { weight: 1.0, count: a }, Arm { weight: 3.0, count: b }];
        near(sequential(&arms(1, 0)).statistic, 1.0, 1e-9);
        let prior = CONCENTRATION / 4.0;
        let wanted = 4.0 * (prior + 1.0) / (CONCENTRATION + 1.0);
        near(sequential(&arms(2, 0)).statistic, wanted, 1e-9);
        assert!(!sequential(&arms(0, 0)).is_found());
    }

    #[test]
    fn a_loss_of_units_is_found_and_equal_arms_are_not() {
        assert!(sequential(&equal(&[50_000, 48_500])).is_found());
        assert!(!sequential(&equal(&[50_000, 49_950])).is_found());
        assert!(sequential(&equal(&[821_588, 815_482])).is_found());
        assert_eq!(chi_squared(&equal(&[10])).p, 1.0);
    }
}
