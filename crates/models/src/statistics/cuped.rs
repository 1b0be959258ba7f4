//! What was known of units before they were exposed, taken out of a metric (CUPED: Deng, Xu, Kohavi and Walker, WSDM 2013): each
//! unit's value less θ times its covariate, θ from all arms together, so that it is the same for all. The difference stays what it was and varies less,
//! by the share ρ² that the covariate explains.
//!
//! The covariate is to be of before *each unit's own* first exposure (a window of days before it); one that the arms have touched takes
//! the effect out with the noise. Any number known before does, so several may be one: what a regression on them foretells. Units of
//! which nothing is known have the covariate 0.

use super::moments::{Column, Moments, Weights};
use super::sample::Sample;

/// What the value is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// Units: the mean of values.
    Units,
    /// The sum of denominators; the covariate over the sum of covariate denominators where there are any, else over units.
    Denominators,
}

/// Arms with the covariate taken out.
#[derive(Clone, PartialEq, Debug)]
pub struct Adjusted {
    /// One an arm, as if all arms had the same covariate.
    pub arms: Vec<Sample>,
    /// θ.
    pub slope: f64,
    /// Share of the variance within arms that went, 0 to 1.
    pub removed: f64,
}

/// Takes the covariate out of the value of each arm. Where it does not vary nothing changes.
pub fn adjust(arms: &[Moments], over: Over) -> Adjusted {
    let lines: Vec<_> = arms.iter().map(|arm| Line::new(arm, over)).collect();
    let pooled = |of: &dyn Fn(&Line) -> f64| lines.iter().map(|line| line.count * of(line)).sum::<f64>();
    let (joint, square) = (pooled(&|line| line.joint), pooled(&|line| line.covariate_variance));
    let slope = if square > 0.0 && joint.is_finite() { joint / square } else { 0.0 };
    let usual = pooled(&|line| line.covariate_mean) / pooled(&|_| 1.0).max(1.0);
    let before = pooled(&|line| line.variance);
    let adjusted: Vec<Sample> = lines.iter().map(|line| line.adjusted(slope, usual)).collect();
    let after: f64 = adjusted.iter().map(|arm| arm.count * arm.variance).sum();
    Adjusted { arms: adjusted, slope, removed: if before > 0.0 { 1.0 - after / before } else { 0.0 } }
}

/// Value and covariate of an arm as means over units.
struct Line {
    count: f64,
    mean: f64,
    variance: f64,
    covariate_mean: f64,
    covariate_variance: f64,
    joint: f64,
}

impl Line {
    fn new(arm: &Moments, over: Over) -> Self {
        let by_units = |column: Column| {
            let mut weights: Weights = [0.0; 4];
            weights[column as usize] = 1.0;
            (arm.mean(column), weights)
        };
        let has_denominators = arm.sum(Column::CovariateDenominator) != 0;
        let (mean, value) = match over {
            Over::Units => by_units(Column::Value),
            Over::Denominators => arm.linear(Column::Value),
        };
        let (covariate_mean, covariate) = match over {
            Over::Denominators if has_denominators => arm.linear(Column::Covariate),
            _ => by_units(Column::Covariate),
        };
        Self {
            count: arm.count() as f64,
            mean,
            variance: arm.covariance(&value, &value),
            covariate_mean,
            covariate_variance: arm.covariance(&covariate, &covariate),
            joint: arm.covariance(&value, &covariate),
        }
    }

    fn adjusted(&self, slope: f64, usual: f64) -> Sample {
        let variance = self.variance + slope * slope * self.covariate_variance - 2.0 * slope * self.joint;
        Sample {
            count: self.count,
            mean: self.mean - slope * (self.covariate_mean - usual),
            variance: variance.max(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;
    use crate::statistics::moments::{Limits, Unit};
    use crate::statistics::sample::Effect;

    fn arm(seed: u64, count: usize, unit: impl Fn(&mut Seeded) -> Unit) -> Moments {
        let (mut seeded, mut moments) = (Seeded::new(seed), Moments::default());
        (0..count).for_each(|_| moments.add(&unit(&mut seeded), &Limits::NONE));
        moments
    }

    /// A value with this correlation to its covariate, in thousandths, and a lift.
    fn correlated(seeded: &mut Seeded, correlation: f64, lift: f64) -> Unit {
        let before = seeded.normal();
        let value = correlation * before + (1.0 - correlation * correlation).sqrt() * seeded.normal() + lift;
        let whole = |x: f64| (1000.0 * x).round() as i64;
        Unit { value: whole(value), covariate: whole(before), ..Unit::default() }
    }

    #[test]
    fn the_share_that_goes_is_the_squared_correlation() {
        for (correlation, left) in [(0.3, 0.91), (0.5, 0.75), (0.7, 0.51)] {
            let arms = [1, 2].map(|seed| arm(seed, 20_000, |seeded| correlated(seeded, correlation, 0.0)));
            let adjusted = adjust(&arms, Over::Units);
            assert!((1.0 - adjusted.removed - left).abs() < 0.015, "{correlation}: {}", adjusted.removed);
            assert!((adjusted.slope - correlation).abs() < 0.02);
        }
    }

    #[test]
    fn the_effect_stays_and_its_error_shrinks() {
        let control = arm(3, 20_000, |seeded| correlated(seeded, 0.8, 0.0));
        let treated = arm(4, 20_000, |seeded| correlated(seeded, 0.8, 0.14));
        let plain = Effect::absolute(&control.values(), &treated.values());
        let adjusted = adjust(&[control, treated], Over::Units);
        let effect = Effect::absolute(&adjusted.arms[0], &adjusted.arms[1]);
        assert!((effect.error / plain.error - 0.6).abs() < 0.01, "√(1 − 0.64)");
        assert!((effect.estimate / 1000.0 - 0.14).abs() < 3.0 * effect.error / 1000.0);
    }

    #[test]
    fn a_covariate_measured_after_exposure_takes_the_effect_out() {
        // The covariate holds the lift as well: what domain checks must refuse, and why.
        let after = |seeded: &mut Seeded, lift: f64| {
            let unit = correlated(seeded, 0.95, 0.0);
            let more = (1000.0 * lift) as i64;
            Unit { value: unit.value + more, covariate: unit.covariate + more, ..unit }
        };
        let arms =
            [arm(5, 20_000, |seeded| after(seeded, 0.0)), arm(6, 20_000, |seeded| after(seeded, 0.14))];
        let adjusted = adjust(&arms, Over::Units);
        let effect = Effect::absolute(&adjusted.arms[0], &adjusted.arms[1]);
        assert!(effect.estimate / 1000.0 < 0.02, "{}", effect.estimate);
    }

    #[test]
    fn a_ratio_is_adjusted_by_the_same_ratio_of_before() {
        let unit = |seeded: &mut Seeded| {
            let rate = 5.0 + 2.0 * seeded.normal();
            let mut draw = |_: ()| {
                let sessions = 1 + seeded.below(6) as i64;
                (((rate + seeded.normal()) * 100.0 * sessions as f64) as i64, sessions)
            };
            let ((value, denominator), (covariate, covariate_denominator)) = (draw(()), draw(()));
            Unit { value, denominator, covariate, covariate_denominator }
        };
        let arms = [arm(7, 10_000, unit), arm(8, 10_000, unit)];
        let adjusted = adjust(&arms, Over::Denominators);
        let plain = arms[0].ratio();
        assert!((adjusted.arms[0].mean - 500.0).abs() < 10.0);
        assert!(
            adjusted.removed > 0.35 && adjusted.arms[0].variance < 0.65 * plain.variance,
            "{}",
            adjusted.removed
        );
    }

    #[test]
    fn a_covariate_that_does_not_vary_changes_nothing() {
        let arms = [1, 2]
            .map(|seed| arm(seed, 50, |seeded| Unit { value: seeded.below(9) as i64, ..Unit::default() }));
        let adjusted = adjust(&arms, Over::Units);
        assert_eq!((adjusted.slope, adjusted.removed), (0.0, 0.0));
        assert_eq!(adjusted.arms, arms.map(|arm| arm.values()));
    }
}
