//! What a metric needs to know of an arm: the number of units, sums, squares and products of four whole numbers a unit. Sums of
//! integers are exact, so that moments of parts merge, in any order, to the moments of all, a unit whose value changed is
//! taken out and put in again, and the same log gives the same bytes.
//!
//! Values are whole: money in minor units, counts, flags as 0 and 1, other numbers in a fixed fraction that the metric declares.

use super::sample::Sample;
use serde::{Deserialize, Serialize};

/// Values beyond ± this are taken as this, and counted: squares of a billion of them still fit.
pub const VALUE_MAX: i64 = 1 << 40;

/// What is known of one unit (a shopper, say). What a metric does not need is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Unit {
    /// Its value over the time it was watched, whole: `3,500` cents, `1` order.
    pub value: i64,
    /// What the value is divided by in a ratio metric: its sessions, orders, modules shown.
    pub denominator: i64,
    /// The same as the value before the unit was first exposed. MUST NOT know anything of after it.
    pub covariate: i64,
    /// The same as the denominator before the unit was first exposed.
    pub covariate_denominator: i64,
}

/// Limits that values are brought within (winsorising). They are declared before the experiment and are the same for all
/// arms; limits taken from each arm's own data would take the effect out with the outliers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// The least value.
    pub low: i64,
    /// The greatest value.
    pub high: i64,
}

/// One of the four numbers of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is the field of `Unit` of that name")]
pub enum Column {
    Value,
    Denominator,
    Covariate,
    CovariateDenominator,
}

/// Weights of the four numbers in a sum of them.
pub type Weights = [f64; 4];

/// Sums over units. 24 whole numbers, whatever the number of units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    limited: u64,
    sums: [i128; 4],
    /// Of columns (0,0), (0,1), (0,2), (0,3), (1,1), (1,2), … (3,3).
    products: [i128; 10],
}

impl Limits {
    /// Whatever [`VALUE_MAX`] allows.
    pub const NONE: Self = Self { low: -VALUE_MAX, high: VALUE_MAX };
}

impl Moments {
    /// Puts a unit in.
    pub fn add(&mut self, unit: &Unit, limits: &Limits) {
        self.count += 1;
        self.limited += u64::from(limited(unit, limits) != columns(unit));
        self.change(unit, limits, 1);
    }

    /// Takes a unit out that was put in with the same numbers and limits.
    pub fn remove(&mut self, unit: &Unit, limits: &Limits) {
        self.count -= 1;
        self.limited -= u64::from(limited(unit, limits) != columns(unit));
        self.change(unit, limits, -1);
    }

    /// Puts all units of `other` in.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.limited += other.limited;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum += more);
        self.products.iter_mut().zip(&other.products).for_each(|(sum, more)| *sum += more);
    }

    /// Moments of which only the count, the sum and the sum of squares of the value are known, as others publish them.
    pub fn of_sums(count: u64, sum: i128, squares: i128) -> Self {
        let mut moments = Self { count, ..Self::default() };
        moments.sums[0] = sum;
        moments.products[0] = squares;
        moments
    }

    /// Number of units.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Units with a number that was brought within the limits.
    pub fn limited(&self) -> u64 {
        self.limited
    }

    /// Sum of a column.
    pub fn sum(&self, column: Column) -> i128 {
        self.sums[column as usize]
    }

    /// Mean of a column over units; 0 without units.
    pub fn mean(&self, column: Column) -> f64 {
        self.sums[column as usize] as f64 / self.count.max(1) as f64
    }

    /// Sample covariance (n − 1) of two sums of columns; 0 with fewer than two units. Exact but for the last few operations:
    /// deviations are taken from the whole part of the mean in integers, so nothing cancels.
    pub fn covariance(&self, left: &Weights, right: &Weights) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let mut sum = 0.0;
        for (a, x) in left.iter().enumerate() {
            for (b, y) in right.iter().enumerate() {
                if x * y != 0.0 {
                    sum += x * y * self.deviations(a, b);
                }
            }
        }
        sum / (self.count - 1) as f64
    }

    /// The value's mean over units.
    pub fn values(&self) -> Sample {
        let weights = [1.0, 0.0, 0.0, 0.0];
        Sample {
            count: self.count as f64,
            mean: self.mean(Column::Value),
            variance: self.covariance(&weights, &weights),
        }
    }

    /// The sum of values by the sum of denominators (revenue per order, clicks per session), with the variance of one unit's part in it by
    /// the delta method (Deng, Knoblich and Lu, KDD 2018): of (value − ratio · denominator) / mean denominator. Units, not what
    /// is in the denominator, were randomised, and vary. Not a number where the denominators sum to 0.
    pub fn ratio(&self) -> Sample {
        let (mean, weights) = self.linear(Column::Value);
        Sample { count: self.count as f64, mean, variance: self.covariance(&weights, &weights) }
    }

    /// The ratio that begins at this column, and the weights that make it a mean over units.
    pub(super) fn linear(&self, column: Column) -> (f64, Weights) {
        let (above, below) = (column as usize, column as usize + 1);
        let ratio = self.sums[above] as f64 / self.sums[below] as f64;
        let unit = self.count.max(1) as f64 / self.sums[below] as f64;
        let mut weights = [0.0; 4];
        (weights[above], weights[below]) = (unit, -ratio * unit);
        (ratio, weights)
    }

    fn change(&mut self, unit: &Unit, limits: &Limits, sign: i128) {
        let values = limited(unit, limits).map(i128::from);
        let mut at = 0;
        for (a, x) in values.iter().enumerate() {
            self.sums[a] += sign * x;
            for y in &values[a..] {
                self.products[at] += sign * x * y;
                at += 1;
            }
        }
    }

    /// Sum of (x − mean x)(y − mean y) over units.
    fn deviations(&self, a: usize, b: usize) -> f64 {
        let (a, b) = (a.min(b), a.max(b));
        let product = self.products[4 * a - a * a.saturating_sub(1) / 2 + b - a];
        let count = i128::from(self.count);
        let whole = |at: usize| self.sums[at].div_euclid(count);
        let rest = |at: usize| self.sums[at].rem_euclid(count) as f64 / self.count as f64;
        let (p, q) = (whole(a), whole(b));
        let about_whole = product - p * self.sums[b] - q * self.sums[a] + count * p * q;
        about_whole as f64 - self.count as f64 * rest(a) * rest(b)
    }
}

fn columns(unit: &Unit) -> [i64; 4] {
    [unit.value, unit.denominator, unit.covariate, unit.covariate_denominator]
}

fn limited(unit: &Unit, limits: &Limits) -> [i64; 4] {
    let mut values = columns(unit).map(|value| value.clamp(-VALUE_MAX, VALUE_MAX));
    values[0] = values[0].max(limits.low).min(limits.high);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    fn units(count: usize) -> Vec<Unit> {
        let mut seeded = Seeded::new(11);
        let mut number = |n| seeded.below(n) as i64;
        let unit = |_| Unit {
            value: number(10_000) - 300,
            denominator: 1 + number(5),
            covariate: number(900),
            covariate_denominator: number(4),
        };
        (0..count).map(unit).collect()
    }

    fn moments(units: &[Unit]) -> Moments {
        let mut moments = Moments::default();
        units.iter().for_each(|unit| moments.add(unit, &Limits::NONE));
        moments
    }

    #[test]
    fn parts_merge_exactly_in_any_order_and_what_went_in_comes_out() {
        let units = units(500);
        let (mut left, right) = (moments(&units[..200]), moments(&units[200..]));
        let mut backwards = right;
        backwards.merge(&left);
        left.merge(&right);
        assert_eq!(left, moments(&units));
        assert_eq!(left, backwards);
        units[200..].iter().rev().for_each(|unit| left.remove(unit, &Limits::NONE));
        assert_eq!(left, moments(&units[..200]));
    }

    #[test]
    fn covariances_are_those_of_the_definition() {
        let units = units(300);
        let moments = moments(&units);
        let weigh = |unit: &Unit, weights: &Weights| {
            columns(unit).iter().zip(weights).map(|(x, w)| *x as f64 * w).sum::<f64>()
        };
        let (left, right) = ([1.0, -2.0, 0.0, 0.5], [0.0, 3.0, 1.0, -1.0]);
        for (left, right) in [(left, right), (left, left), ([0.0, 0.0, 0.0, 1.0], right)] {
            let mean = |weights: &Weights| units.iter().map(|unit| weigh(unit, weights)).sum::<f64>() / 300.0;
            let (mean_left, mean_right) = (mean(&left), mean(&right));
            let sum: f64 =
                units.iter().map(|u| (weigh(u, &left) - mean_left) * (weigh(u, &right) - mean_right)).sum();
            let found = moments.covariance(&left, &right);
            assert!((found - sum / 299.0).abs() < 1e-9 * found.abs(), "{found} {}", sum / 299.0);
        }
    }

    #[test]
    fn nothing_cancels_where_values_are_large_and_alike() {
        let values = [VALUE_MAX - 2, VALUE_MAX - 1, VALUE_MAX].map(|value| Unit { value, ..Unit::default() });
        assert_eq!(moments(&values).values().variance, 1.0);
        assert_eq!(moments(&[]).values().variance, 0.0);
    }

    #[test]
    fn what_is_beyond_the_limits_is_brought_within_and_counted() {
        let limits = Limits { low: 0, high: 100 };
        let mut moments = Moments::default();
        for value in [-5, 50, 250] {
            moments.add(&Unit { value, ..Unit::default() }, &limits);
        }
        assert_eq!((moments.count(), moments.limited(), moments.sum(Column::Value)), (3, 2, 150));
        moments.remove(&Unit { value: 250, ..Unit::default() }, &limits);
        moments.add(&Unit { value: i64::MAX, denominator: i64::MAX, ..Unit::default() }, &limits);
        assert_eq!((moments.count(), moments.limited(), moments.sum(Column::Value)), (3, 2, 150));
        assert_eq!(moments.sum(Column::Denominator), i128::from(VALUE_MAX));
    }

    #[test]
    fn a_ratio_with_one_in_each_denominator_is_a_mean() {
        let mut units = units(100);
        units.iter_mut().for_each(|unit| unit.denominator = 1);
        let (ratio, mean) = (moments(&units).ratio(), moments(&units).values());
        assert!(
            (ratio.mean - mean.mean).abs() < 1e-9 && (ratio.variance / mean.variance - 1.0).abs() < 1e-12
        );
    }
}
