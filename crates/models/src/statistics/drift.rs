//! Whether what comes in is still what it was: the population stability index (PSI) with bins that hold what is frequent by itself and thresholds that know
//! how many values there are; calibration.
//!
//! Without any drift the index of B bins has mean (B − 1)(1/n + 1/m) and the distribution of that times χ² over B − 1 (Yurdakul 2018): of 100
//! values it often passes 0.2. An alarm therefore needs both, more than chance gives and more than is tolerated.

use super::distributions::chi_squared_tail_quantile;
use serde::{Deserialize, Serialize};

/// An index that is tolerated, as is usual.
pub const TOLERATED: f64 = 0.1;
/// How often chance alone may pass the threshold.
const ALPHA: f64 = 0.001;
/// Counts that each bin has before any are counted, so that an empty one does not make the index infinite.
const SMOOTHING: f64 = 0.5;
/// A calibration error this many times that of the reference matters.
const CALIBRATION_TOLERATED: f64 = 3.0;

/// Bins of numbers: each holds what is above the one before and at most its own bound.
#[derive(Clone, PartialEq, Debug)]
pub struct Bins {
    /// The bounds, ascending; the last bin has none.
    bounds: Vec<f64>,
}

/// A measure with what chance would give.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Drift {
    /// The measure.
    pub value: f64,
    /// Its mean without drift.
    pub usual: f64,
    /// What it has to pass: the larger of what is tolerated and what chance passes once in a thousand times.
    pub threshold: f64,
}

impl Drift {
    /// Whether it passed.
    pub fn is_found(&self) -> bool {
        self.value > self.threshold
    }
}

impl Bins {
    /// At most `bins_max` bins with about the same number of values. A value as frequent as a bin should be – the many zeros of a count – is a bin by itself, and the
    /// others share the rest; of few different values each is a bin. Missing values (not a number) are left out.
    pub fn new(values: &[f64], bins_max: usize) -> Self {
        let mut sorted: Vec<f64> =
            values.iter().copied().filter(|value| !value.is_nan()).map(|value| value + 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let runs: Vec<(f64, u64)> =
            sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect();
        Self::of_runs(&runs, bins_max)
    }

    /// The same of different values in ascending order, each with how many there are.
    pub fn of_runs(runs: &[(f64, u64)], bins_max: usize) -> Self {
        let bins_max = bins_max.max(1);
        if runs.len() <= bins_max {
            return Self {
                bounds: runs.iter().take(runs.len().saturating_sub(1)).map(|run| run.0).collect(),
            };
        }
        let all: u64 = runs.iter().map(|run| run.1).sum();
        let is_heavy = |count: u64| count * bins_max as u64 >= all;
        let heavy: Vec<u64> = runs.iter().map(|run| run.1).filter(|count| is_heavy(*count)).collect();
        let light = all - heavy.iter().sum::<u64>();
        let size = light.div_ceil((bins_max - heavy.len().min(bins_max)).max(1) as u64).max(1);
        let (mut bounds, mut open, mut last) = (Vec::new(), 0, f64::NAN);
        for (value, count) in runs {
            if is_heavy(*count) && open > 0 {
                bounds.push(last);
            }
            open = if is_heavy(*count) { size } else { open + count };
            last = *value;
            if open >= size {
                bounds.push(last);
                open = 0;
            }
        }
        if bounds.last().is_some_and(|bound| *bound == last) {
            bounds.pop();
        }
        Self { bounds }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bounds.len() + 1
    }

    /// Never: there is always a last one.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bin of a value.
    pub fn of(&self, value: f64) -> usize {
        self.bounds.partition_point(|bound| *bound < value)
    }

    /// How many values are in each, without the missing.
    pub fn counts(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.len()];
        values.iter().filter(|value| !value.is_nan()).for_each(|value| counts[self.of(*value)] += 1);
        counts
    }
}

/// The population stability index of two lists of counts of the same bins, or of the same categories: Σ (q − p) ln(q/p).
pub fn stability(reference: &[u64], now: &[u64]) -> Drift {
    let total = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
    let (n, m, bins) = (total(reference), total(now), reference.len() as f64);
    let share = |count: u64, total: f64| (count as f64 + SMOOTHING) / (total + SMOOTHING * bins);
    let part = |(before, after): (&u64, &u64)| {
        let (p, q) = (share(*before, n), share(*after, m));
        (q - p) * libm::log(q / p)
    };
    let value = reference.iter().zip(now).map(part).sum();
    let (spread, degrees) = (1.0 / n + 1.0 / m, bins - 1.0);
    if degrees < 1.0 || n == 0.0 || m == 0.0 {
        return Drift { value: 0.0, usual: 0.0, threshold: TOLERATED };
    }
    let by_chance = spread * chi_squared_tail_quantile(ALPHA, degrees);
    Drift { value, usual: degrees * spread, threshold: by_chance.max(TOLERATED) }
}

/// Cases of about the same probability, for what is kept in sums.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Foreseen {
    /// How many.
    pub cases: u64,
    /// The sum of their probabilities.
    pub expected: f64,
    /// How many came true.
    pub happened: u64,
}

impl Foreseen {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cases: self.cases + other.cases,
            expected: self.expected + other.expected,
            happened: self.happened + other.happened,
        }
    }

    fn variance(&self) -> f64 {
        let mean = self.expected / self.cases.max(1) as f64;
        self.expected * (1.0 - mean).max(0.0)
    }
}

/// The calibration error of cases in bins by their probabilities, whatever the bins' sizes: Σ |expected − happened| over all cases. The
/// threshold is what chance gives, or three times the error of the reference.
pub fn calibration_of_sums(bins: &[Foreseen], reference_error: f64) -> Drift {
    let cases = bins.iter().map(|bin| bin.cases).sum::<u64>().max(1) as f64;
    let sum = |of: &dyn Fn(&Foreseen) -> f64| bins.iter().map(of).sum::<f64>();
    // The mean of |x| for a normal x is √(2/π) of its deviation, and its variance 1 − 2/π of that of x.
    let usual = std::f64::consts::FRAC_2_PI.sqrt() * sum(&|bin| bin.variance().sqrt()) / cases;
    let spread = ((1.0 - std::f64::consts::FRAC_2_PI) * sum(&Foreseen::variance)).sqrt() / cases;
    Drift {
        value: sum(&|bin| (bin.expected - bin.happened as f64).abs()) / cases,
        usual,
        threshold: (usual + 3.09 * spread).max(CALIBRATION_TOLERATED * reference_error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn sums_of_bins_tell_of_calibration_what_cases_do() {
        let mut seeded = Seeded::new(6);
        let mut bins = |cases: u64, odds: f64| -> Vec<Foreseen> {
            let bin = |at: u32| {
                let p = 0.01 * f64::from(at + 1);
                let happened = (0..cases).filter(|_| seeded.unit() < p * odds).count() as u64;
                Foreseen { cases, expected: p * cases as f64, happened }
            };
            (0..10).map(bin).collect()
        };
        let alarms = (0..1000).filter(|_| calibration_of_sums(&bins(300, 1.0), 0.0).is_found()).count();
        assert!(alarms <= 5, "{alarms}");
        assert!(calibration_of_sums(&bins(1000, 1.5), 0.002).is_found());
        let by_hand = calibration_of_sums(
            &[
                Foreseen { cases: 10, expected: 2.0, happened: 3 },
                Foreseen { cases: 30, expected: 12.0, happened: 9 },
            ],
            1.0,
        );
        assert!((by_hand.value - 0.1).abs() < 1e-12 && by_hand.threshold == 3.0);
    }

    #[test]
    fn bins_of_counts_are_those_of_the_values() {
        let values: Vec<f64> = (0..1000).map(|at| f64::from(at * at % 97)).collect();
        let mut counts = vec![0_u64; 97];
        values.iter().for_each(|value| counts[*value as usize] += 1);
        let runs = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let runs: Vec<(f64, u64)> = runs.map(|(value, count)| (value as f64, *count)).collect();
        assert_eq!(Bins::new(&values, 10), Bins::of_runs(&runs, 10));
    }

    fn normals(seeded: &mut Seeded, count: usize, mean: f64) -> Vec<f64> {
        (0..count).map(|_| mean + seeded.normal()).collect()
    }

    #[test]
    fn many_zeros_are_one_bin_and_the_rest_still_has_nine() {
        // As pages' values are: 78 % nought. Deciles would have four different edges.
        let values = |shift: f64| -> Vec<f64> {
            (0..10_000).map(|at| if at < 7800 { 0.0 } else { shift * f64::from(at - 7799) }).collect()
        };
        let bins = Bins::new(&values(1.0), 10);
        assert_eq!(bins.len(), 10);
        let counts = bins.counts(&values(1.0));
        assert_eq!((counts[0], counts.iter().sum::<u64>()), (7800, 10_000));
        assert!(counts[1..].iter().all(|count| (240..=250).contains(count)), "{counts:?}");
        // What changes beside the zeros is seen.
        assert!(stability(&counts, &bins.counts(&values(3.0))).is_found());
    }

    #[test]
    fn few_different_values_are_a_bin_each_and_new_ones_find_a_place() {
        let bins = Bins::new(&[3.0, 1.0, 1.0, 2.0, f64::NAN, -0.0, 0.0], 10);
        assert_eq!(bins.len(), 4);
        assert_eq!(bins.counts(&[0.0, 1.0, 2.0, 3.0, 3.0, f64::NAN]), [1, 1, 1, 2]);
        assert_eq!((bins.of(-7.0), bins.of(1.5), bins.of(99.0)), (0, 2, 3));
        let middle = Bins::new(&[vec![5.0; 60], (0..40).map(f64::from).collect()].concat(), 5);
        assert!(middle.bounds.windows(2).all(|pair| pair[0] < pair[1]) && middle.bounds.contains(&5.0));
        assert_eq!(Bins::new(&[], 10).len(), 1);
    }

    #[test]
    fn an_index_by_hand() {
        let drift = stability(&[500, 500], &[750, 250]);
        let (p, q) = (500.5 / 1001.0, [750.5 / 1001.0, 250.5 / 1001.0]);
        let wanted = (q[0] - p) * libm::log(q[0] / p) + (q[1] - p) * libm::log(q[1] / p);
        assert!((drift.value - wanted).abs() < 1e-12 && drift.is_found());
        assert!((drift.usual - 0.002).abs() < 1e-12);
        assert!(!stability(&[5], &[7]).is_found() && !stability(&[5, 1], &[0, 0]).is_found());
    }

    #[test]
    fn no_drift_gives_the_mean_it_should_and_no_alarm_however_few_there_are() {
        let mut seeded = Seeded::new(9);
        for count in [100, 200, 1000, 5000] {
            let (mut sum, mut alarms, mut above) = (0.0, 0, 0);
            for _ in 0..1000 {
                let reference = normals(&mut seeded, count, 0.0);
                let bins = Bins::new(&reference, 10);
                let now = normals(&mut seeded, count, 0.0);
                let drift = stability(&bins.counts(&reference), &bins.counts(&now));
                sum += drift.value;
                alarms += u32::from(drift.is_found());
                above += u32::from(drift.value > 0.2);
            }
            let usual = 9.0 * 2.0 / count as f64;
            assert!((sum / 1000.0 / usual - 1.0).abs() < 0.12, "{count}: {} {usual}", sum / 1000.0);
            assert!(alarms <= 8, "{count}: {alarms}");
            assert!((count == 100) == (above > 100), "the usual threshold fails for a hundred: {above}");
        }
        let (reference, now) = (normals(&mut seeded, 2000, 0.0), normals(&mut seeded, 500, 0.5));
        let bins = Bins::new(&reference, 10);
        assert!(stability(&bins.counts(&reference), &bins.counts(&now)).is_found());
    }

    #[test]
    fn calibration_drifts_when_buyers_change_and_not_by_chance() {
        let mut seeded = Seeded::new(4);
        let mut bins = |count: u64, odds: f64| -> Vec<Foreseen> {
            let mut bins = vec![Foreseen::default(); 15];
            for _ in 0..count {
                let at = seeded.unit();
                let p = 0.02 + 0.3 * at;
                let happened = u64::from(seeded.unit() < (p * odds).min(1.0));
                let bin = &mut bins[(15.0 * at) as usize];
                *bin = bin.plus(Foreseen { cases: 1, expected: p, happened });
            }
            bins
        };
        let quiet = (0..300).filter(|_| calibration_of_sums(&bins(400, 1.0), 0.008).is_found()).count();
        assert!(quiet <= 3, "{quiet}");
        let drift = calibration_of_sums(&bins(3000, 2.0), 0.008);
        assert!(drift.is_found() && drift.value > 0.1, "{drift:?}");
    }
}
