//! How evenly attention is spread: over products (popularity bias), over what one shopper is shown (filter bubbles), over brands and sellers against what they
//! offer (fairness of exposure).

use super::distributions::normal_quantile;
use super::sample::Interval;

/// Gini coefficient of counts: 0 where all are alike, towards 1 where one has everything. Those with nothing MUST be among them. 0 without any.
pub fn gini(counts: &[u64]) -> f64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let total: f64 = sorted.iter().map(|count| *count as f64).sum();
    let n = sorted.len() as f64;
    let ranked: f64 = sorted.iter().enumerate().map(|(at, count)| (at + 1) as f64 * *count as f64).sum();
    if total > 0.0 { (2.0 * ranked / (n * total) - (n + 1.0) / n).max(0.0) } else { 0.0 }
}

/// Shannon's entropy of counts in bits: log₂ k where k are alike, 0 where there is one.
pub fn entropy(counts: &[u64]) -> f64 {
    let total: f64 = counts.iter().map(|count| *count as f64).sum();
    let part = |count: &u64| {
        let share = *count as f64 / total;
        -share * libm::log2(share)
    };
    counts.iter().filter(|count| **count > 0).map(part).sum::<f64>() + 0.0
}

/// Entropy in parts of the most that so many kinds allow, 0 to 1; 1 where there is one kind only, which cannot be spread.
pub fn evenness(counts: &[u64]) -> f64 {
    if counts.len() < 2 { 1.0 } else { entropy(counts) / libm::log2(counts.len() as f64) }
}

/// Share of those that could be shown that were.
pub fn coverage(counts: &[u64]) -> f64 {
    counts.iter().filter(|count| **count > 0).count() as f64 / counts.len().max(1) as f64
}

/// A group's exposure against its supply.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Exposure {
    /// Its share of what was shown over its share of what could be: 1 is in proportion, 0 never shown.
    pub ratio: f64,
    /// What the ratio may be (Wilson 1927, who knows that none of ten is not never).
    pub interval: Interval,
}

impl Exposure {
    /// `shown` of `slots` were the group's, as was the share `supply` of the eligible. Slots of a decision are not independent: where what varies is the
    /// decision, give decisions as `slots` and their mean share as `shown`.
    pub fn new(shown: u64, slots: u64, supply: f64, alpha: f64) -> Self {
        let (n, share) = (slots.max(1) as f64, shown as f64 / slots.max(1) as f64);
        let z = normal_quantile(1.0 - 0.5 * alpha);
        let pull = z * z / n;
        let middle = (share + 0.5 * pull) / (1.0 + pull);
        let half = (pull * (share * (1.0 - share) + 0.25 * pull)).sqrt() / (1.0 + pull);
        let interval = Interval { low: (middle - half) / supply, high: (middle + half) / supply };
        Self { ratio: share / supply, interval }
    }

    /// Whether it is beyond doubt shown less than 1/`times` or more than `times` its part.
    pub fn is_out_of_proportion(&self, times: f64) -> bool {
        self.interval.high < 1.0 / times || self.interval.low > times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_middles_by_hand() {
        assert_eq!((gini(&[5, 5, 5, 5]), gini(&[0, 0, 0, 8]), gini(&[])), (0.0, 0.75, 0.0));
        assert!((gini(&[1, 3]) - 0.25).abs() < 1e-12);
        assert_eq!((entropy(&[4, 4, 4, 4]), entropy(&[9, 0]), entropy(&[])), (2.0, 0.0, 0.0));
        assert_eq!((evenness(&[1, 1, 1]), evenness(&[7]), evenness(&[7, 0])), (1.0, 1.0, 0.0));
        assert_eq!((coverage(&[3, 0, 1, 0]), coverage(&[])), (0.5, 0.0));
    }

    #[test]
    fn exposure_is_held_against_supply_and_doubt() {
        let fair = Exposure::new(300, 1000, 0.3, 0.05);
        assert!((fair.ratio - 1.0).abs() < 1e-12 && !fair.is_out_of_proportion(1.25));
        assert!(Exposure::new(100, 1000, 0.3, 0.05).is_out_of_proportion(2.0));
        assert!(Exposure::new(90, 100, 0.3, 0.05).is_out_of_proportion(2.0));
        assert!(!Exposure::new(1, 10, 0.3, 0.05).is_out_of_proportion(2.0), "ten slots say little");
        assert!(!Exposure::new(0, 5, 0.3, 0.05).is_out_of_proportion(2.0), "and none of five is not never");
        // Wilson's interval of 10 of 100: .0552 to .1744.
        let tenth = Exposure::new(10, 100, 1.0, 0.05).interval;
        assert!((tenth.low - 0.055_229).abs() < 1e-5 && (tenth.high - 0.174_366).abs() < 1e-5, "{tenth:?}");
    }
}
