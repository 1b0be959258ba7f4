//! A day against the days before it. A change is told where it is more than is tolerated, more than so few cases give by chance, and more than
//! the days of the reference differ among themselves: shoppers come in visits and weeks, and a threshold from counts alone knows of neither.

use super::table::{Direction, Tolerated, WatchSpec};
use bespoke_domain::settings::Sensitivity;
use bespoke_models::statistics::distributions::student_two_sided_quantile;
use bespoke_models::statistics::drift::{Bins, Foreseen, calibration_of_sums, stability};
use serde::{Deserialize, Serialize};

/// Fewest days with enough cases that a day is held against.
pub const REFERENCE_MIN: usize = 7;
/// Bins of numbers.
const BINS: usize = 10;

/// What a day says of one thing that is watched.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Evidence {
    /// So many of all cases.
    Share {
        /// Cases that count.
        hits: u64,
        /// All cases.
        of: u64,
    },
    /// A mean over cases.
    Mean {
        /// How many.
        cases: u64,
        /// Their sum.
        sum: f64,
        /// The sum of their squares.
        squares: f64,
    },
    /// One number of the whole day.
    Figure {
        /// Out of how many cases it comes.
        cases: u64,
        /// The number.
        value: f64,
    },
    /// A group's share of slots, against its share of supply.
    Exposure {
        /// Slots of the group.
        shown: u64,
        /// All slots.
        slots: u64,
        /// Its share of what could be shown.
        supply: f64,
    },
    /// Counts of numbers, by fine bins in ascending order.
    Numbers(Vec<u64>),
    /// Counts of kinds.
    Kinds(Vec<u64>),
    /// What was foreseen and what came of it, by bins of probability.
    Foreseen(Vec<Foreseen>),
}

/// A day's measure beside what is usual.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Look {
    /// The local day, counted from 1970-01-01.
    pub day: u16,
    /// Cases of the day.
    pub cases: u64,
    /// The measure.
    pub value: f64,
    /// What it is on days of the reference.
    pub usual: f64,
    /// Below which it is bad.
    pub low: Option<f64>,
    /// Above which it is bad.
    pub high: Option<f64>,
}

impl Look {
    /// Whether it is out of bounds.
    pub fn is_bad(&self) -> bool {
        self.low.is_some_and(|low| self.value < low) || self.high.is_some_and(|high| self.value > high)
    }
}

impl Evidence {
    /// How many cases there are.
    pub fn cases(&self) -> u64 {
        match self {
            Self::Share { of, .. } => *of,
            Self::Mean { cases, .. } | Self::Figure { cases, .. } => *cases,
            Self::Exposure { slots, .. } => *slots,
            Self::Numbers(counts) | Self::Kinds(counts) => counts.iter().sum(),
            Self::Foreseen(bins) => bins.iter().map(|bin| bin.cases).sum(),
        }
    }

    /// The measure, where a day has one by itself.
    pub fn value(&self) -> Option<f64> {
        let cases = self.cases();
        if cases == 0 {
            return None;
        }
        match self {
            Self::Share { hits, of } => Some(*hits as f64 / *of as f64),
            Self::Mean { sum, .. } => Some(*sum / cases as f64),
            Self::Figure { value, .. } => Some(*value),
            Self::Exposure { shown, slots, supply } => {
                (*supply > 0.0).then(|| *shown as f64 / *slots as f64 / supply)
            }
            Self::Foreseen(bins) => Some(calibration_of_sums(bins, 0.0).value),
            Self::Numbers(_) | Self::Kinds(_) => None,
        }
    }

    /// The standard error of the measure where cases are independent and it is usually `usual`.
    fn error(&self, usual: f64) -> f64 {
        let cases = self.cases().max(1) as f64;
        let of_share = |share: f64| (share.clamp(0.0, 1.0) * (1.0 - share.clamp(0.0, 1.0)) / cases).sqrt();
        match self {
            Self::Share { .. } => of_share(usual),
            Self::Mean { sum, squares, .. } => {
                ((squares / cases - (sum / cases).powi(2)).max(0.0) / cases).sqrt()
            }
            Self::Exposure { supply, .. } if *supply > 0.0 => of_share(usual * supply) / supply,
            _ => 0.0,
        }
    }

    fn counts(&self) -> &[u64] {
        match self {
            Self::Numbers(counts) | Self::Kinds(counts) => counts,
            _ => &[],
        }
    }
}

/// How sure a look is, and how much it tolerates, by the sensitivity: the chance that a day without any change passes, and a factor.
fn strictness(sensitivity: Sensitivity) -> (f64, f64) {
    match sensitivity {
        Sensitivity::Low => (1e-4, 2.0),
        Sensitivity::Normal => (5e-4, 1.0),
        Sensitivity::High => (5e-3, 0.5),
    }
}

/// What is usual, and how far a day may be from it.
struct Usual {
    value: f64,
    usual: f64,
    /// By what days differ.
    reach: f64,
    /// Above which a value must be, whatever is usual.
    least: f64,
}

/// Looks at a day; `None` where it, or what it is held against, has too few cases.
pub fn look(
    spec: &WatchSpec,
    sensitivity: Sensitivity,
    (day, now): (u16, &Evidence),
    reference: &[&Evidence],
) -> Option<Look> {
    let reference: Vec<&Evidence> =
        reference.iter().copied().filter(|one| one.cases() >= spec.cases_min).collect();
    if reference.len() < REFERENCE_MIN || now.cases() < spec.cases_min {
        return None;
    }
    let (alpha, factor) = strictness(sensitivity);
    let usual = match now {
        Evidence::Numbers(_) | Evidence::Kinds(_) => of_counts(now, &reference, alpha)?,
        _ => of_values(now, &reference, alpha)?,
    };
    let tolerated = factor
        * match spec.tolerated {
            Tolerated::Points(points) => points,
            Tolerated::Share(share) => share * usual.usual.abs(),
        };
    let reach = usual.reach.max(tolerated);
    let is_up = spec.direction != Direction::Down;
    Some(Look {
        day,
        cases: now.cases(),
        value: usual.value,
        usual: usual.usual,
        low: (spec.direction != Direction::Up).then_some(usual.usual - reach),
        high: is_up.then_some((usual.usual + reach).max(usual.least)),
    })
}

/// By how much one more day of the kind of these differs from their mean, so seldom as `alpha`.
fn reach(values: &[f64], mean: f64, error: f64, alpha: f64) -> f64 {
    let days = values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (days - 1.0);
    let deviation = variance.sqrt().max(error);
    student_two_sided_quantile(2.0 * alpha, days - 1.0) * deviation * (1.0 + 1.0 / days).sqrt()
}

fn of_values(now: &Evidence, reference: &[&Evidence], alpha: f64) -> Option<Usual> {
    let values: Vec<f64> = reference.iter().filter_map(|one| one.value()).collect();
    let cases: Vec<f64> = reference.iter().map(|one| one.cases() as f64).collect();
    if values.len() < REFERENCE_MIN || values.len() != cases.len() {
        return None;
    }
    let all = cases.iter().sum::<f64>();
    let usual = values.iter().zip(&cases).map(|(value, cases)| value * cases).sum::<f64>() / all;
    let least = match now {
        Evidence::Foreseen(bins) => calibration_of_sums(bins, 0.0).threshold,
        _ => f64::NEG_INFINITY,
    };
    Some(Usual { value: now.value()?, usual, reach: reach(&values, usual, now.error(usual), alpha), least })
}

/// The stability index of a day against all days of the reference, beside that of each of these against the others.
fn of_counts(now: &Evidence, reference: &[&Evidence], alpha: f64) -> Option<Usual> {
    let len = reference.iter().map(|one| one.counts().len()).max()?.max(now.counts().len());
    let mut all = vec![0_u64; len];
    for day in reference {
        all.iter_mut().zip(day.counts()).for_each(|(sum, count)| *sum += count);
    }
    let coarse: Vec<usize> = if matches!(now, Evidence::Numbers(_)) {
        let filled = all.iter().enumerate().filter(|(_, count)| **count > 0);
        let runs: Vec<(f64, u64)> = filled.map(|(at, count)| (at as f64, *count)).collect();
        let bins = Bins::of_runs(&runs, BINS);
        (0..len).map(|at| bins.of(at as f64)).collect()
    } else {
        (0..len).collect()
    };
    let bins = coarse.iter().max()? + 1;
    let put = |counts: &[u64]| {
        let mut sums = vec![0_u64; bins];
        counts.iter().zip(&coarse).for_each(|(count, bin)| sums[*bin] += count);
        sums
    };
    let whole = put(&all);
    let one_out = |day: &&Evidence| {
        let day = put(day.counts());
        let others: Vec<u64> = whole.iter().zip(&day).map(|(all, one)| all - one).collect();
        stability(&others, &day).value
    };
    let values: Vec<f64> = reference.iter().map(one_out).collect();
    let usual = values.iter().sum::<f64>() / values.len() as f64;
    let drift = stability(&whole, &put(now.counts()));
    Some(Usual {
        value: drift.value,
        usual,
        reach: reach(&values, usual, 0.0, alpha),
        least: drift.threshold,
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::Watched;
    use super::*;
    use bespoke_models::seeded::Seeded;

    fn share(hits: u64, of: u64) -> Evidence {
        Evidence::Share { hits, of }
    }

    fn judge(watch: Watched, reference: &[Evidence], now: &Evidence) -> Option<bool> {
        let reference: Vec<&Evidence> = reference.iter().collect();
        look(watch.spec(), Sensitivity::Normal, (9, now), &reference).map(|look| look.is_bad())
    }

    #[test]
    fn days_that_differ_among_themselves_forgive_more() {
        let calm: Vec<Evidence> = (0..14).map(|day| share(500 + day % 3, 10_000)).collect();
        let wild: Vec<Evidence> = (0..14).map(|day| share(350 + 300 * (day % 2), 10_000)).collect();
        assert_eq!(judge(Watched::ClickRate, &calm, &share(350, 10_000)), Some(true));
        assert_eq!(judge(Watched::ClickRate, &wild, &share(350, 10_000)), Some(false));
        assert_eq!(
            judge(Watched::ClickRate, &calm, &share(700, 10_000)),
            Some(false),
            "more clicks are no harm"
        );
        assert_eq!(
            judge(Watched::ClickRate, &calm, &share(430, 10_000)),
            Some(false),
            "a seventh is tolerated"
        );
        assert_eq!(
            judge(Watched::ClickRate, &calm, &share(3, 100)),
            Some(false),
            "a hundred lists say little"
        );
        assert_eq!(judge(Watched::ClickRate, &calm, &share(1, 99)), None);
        assert_eq!(judge(Watched::ClickRate, &calm[..6], &share(1, 10_000)), None);
    }

    #[test]
    fn sensitivity_moves_the_bounds() {
        let calm: Vec<Evidence> = (0..28).map(|day| share(500 + day % 3, 10_000)).collect();
        let reference: Vec<&Evidence> = calm.iter().collect();
        let low = |sensitivity| {
            let now = share(500, 10_000);
            look(Watched::ClickRate.spec(), sensitivity, (9, &now), &reference).and_then(|look| look.low)
        };
        let lows =
            [Sensitivity::High, Sensitivity::Normal, Sensitivity::Low].map(|one| low(one).expect("a bound"));
        assert!(lows[0] > lows[1] && lows[1] > lows[2], "{lows:?}");
    }

    #[test]
    fn numbers_that_move_are_seen_and_those_that_come_again_are_not() {
        let mut seeded = Seeded::new(3);
        let mut day = |shift: f64| {
            let mut counts = vec![0; 96];
            (0..1500).for_each(|_| counts[(40.0 + shift + 6.0 * seeded.normal()) as usize % 96] += 1);
            Evidence::Numbers(counts)
        };
        let reference: Vec<Evidence> = (0..28).map(|_| day(0.0)).collect();
        let bad =
            (0..200).filter(|_| judge(Watched::PriceShown, &reference, &day(0.0)) == Some(true)).count();
        assert_eq!(bad, 0);
        assert_eq!(judge(Watched::PriceShown, &reference, &day(3.0)), Some(true));
    }

    #[test]
    fn foreseen_clicks_that_do_not_come_are_seen() {
        let day = |happened: u64| {
            Evidence::Foreseen(vec![
                Foreseen { cases: 2000, expected: 100.0, happened },
                Foreseen { cases: 1000, expected: 150.0, happened: 150 },
            ])
        };
        let reference: Vec<Evidence> = (0..10).map(|no| day(98 + no % 4)).collect();
        assert_eq!(judge(Watched::Calibration, &reference, &day(104)), Some(false));
        assert_eq!(judge(Watched::Calibration, &reference, &day(20)), Some(true));
    }
}
