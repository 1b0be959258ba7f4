//! How sure a mean is: bootstrap intervals (Efron 1979) of ratios of sums, resampled by whole shoppers, since what one shopper
//! does on two occasions is not independent; differences are taken within a resample, so that they are paired.

use super::Interval;
use super::measures::Part;
use bespoke_models::seeded::Seeded;

/// Resamples, and the share of them that an interval leaves out on each side.
const RESAMPLES: usize = 500;
const TAIL: f64 = 0.025;

/// The columns of a table of shoppers, each the ratio of its sums, with the same of every resample.
pub struct Bootstrap {
    values: Vec<f64>,
    resampled: Vec<Vec<f64>>,
}

impl Bootstrap {
    /// Of `rows`, one a shopper and all of one length.
    pub fn new(rows: &[Vec<Part>]) -> Self {
        let mut seeded = Seeded::new(rows.len() as u64);
        let values = ratios(rows, (0..rows.len()).collect());
        let resampled =
            (0..RESAMPLES).map(|_| ratios(rows, rows.iter().map(|_| seeded.below(rows.len())).collect()));
        Self { resampled: resampled.collect(), values }
    }

    /// A column's value with its interval.
    pub fn interval(&self, column: usize) -> Interval {
        self.spread(&|values| values.get(column).copied().unwrap_or_default())
    }

    /// One column's value less another's.
    pub fn difference(&self, column: usize, other: usize) -> Interval {
        let at = |values: &[f64], column: usize| values.get(column).copied().unwrap_or_default();
        self.spread(&|values| at(values, column) - at(values, other))
    }

    fn spread(&self, of: &dyn Fn(&[f64]) -> f64) -> Interval {
        let mut all: Vec<f64> = self.resampled.iter().map(|values| of(values)).collect();
        all.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| all[((RESAMPLES - 1) as f64 * share).round() as usize];
        Interval { mean: of(&self.values), low: at(TAIL), high: at(1.0 - TAIL) }
    }
}

/// The ratio of sums of each column over the rows with these numbers; 0 where the second sum is.
fn ratios(rows: &[Vec<Part>], drawn: Vec<usize>) -> Vec<f64> {
    let mut sums: Vec<Part> = vec![(0.0, 0.0); rows.first().map_or(0, Vec::len)];
    for row in drawn {
        for (sum, part) in sums.iter_mut().zip(&rows[row]) {
            *sum = (sum.0 + part.0, sum.1 + part.1);
        }
    }
    sums.into_iter().map(|(sum, of)| if of > 0.0 { sum / of } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_its_mean_and_narrows_with_more_shoppers() {
        let rows = |count: usize| -> Vec<Vec<Part>> {
            (0..count).map(|no| vec![((no % 4) as f64, 1.0), ((no % 4) as f64 + 1.0, 1.0)]).collect()
        };
        let (few, many) = (Bootstrap::new(&rows(40)), Bootstrap::new(&rows(4000)));
        for table in [&few, &many] {
            let interval = table.interval(0);
            assert!((interval.mean - 1.5).abs() < 1e-12);
            assert!(interval.low < 1.5 && interval.high > 1.5);
            let ahead = table.difference(1, 0);
            assert!([ahead.mean, ahead.low, ahead.high].iter().all(|value| (value - 1.0).abs() < 1e-9));
        }
        let width = |table: &Bootstrap| table.interval(0).high - table.interval(0).low;
        // The standard error of 40 is √(5/4 / 40), the interval about four of them.
        assert!((0.5..0.9).contains(&width(&few)) && width(&many) < 0.1);
    }

    #[test]
    fn shoppers_are_drawn_whole() {
        // Two shoppers with a hundred cases each: the mean is 0, ½ or 1, whatever the number of cases.
        let table = Bootstrap::new(&[vec![(100.0, 100.0)], vec![(0.0, 100.0)]]);
        assert_eq!(table.interval(0), Interval { mean: 0.5, low: 0.0, high: 1.0 });
        assert_eq!(Bootstrap::new(&[]).interval(0), Interval::default());
    }
}
