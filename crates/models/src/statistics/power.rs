//! How many units a test needs, what it can see, and how long it takes. Normal approximations: for n an arm the standard error is
//! √((s₀² + s₁²)/n), and a difference of (z₁₋α/₂ + z_power) of them is found with that power (Cohen 1988; for shares the unpooled form).

use super::distributions::normal_quantile;
use super::sequential::Sequence;

/// What is asked of a test.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Demand {
    /// Two-sided error of the first kind: 0.05.
    pub alpha: f64,
    /// Probability of finding what there is: 0.8.
    pub power: f64,
    /// Whether results are looked at all the time, for which intervals are wider.
    pub sequential: bool,
}

impl Default for Demand {
    fn default() -> Self {
        Self { alpha: 0.05, power: 0.8, sequential: false }
    }
}

/// Variances of one unit in the control and in the treated arm, and the share of units that is treated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arms {
    /// Of the control.
    pub control: f64,
    /// Of the treated arm.
    pub treated: f64,
    /// 0.5 for equal arms. Between 0 and 1.
    pub treated_share: f64,
}

impl Arms {
    /// Equal arms that vary alike.
    pub fn alike(variance: f64) -> Self {
        Self { control: variance, treated: variance, treated_share: 0.5 }
    }

    /// Equal arms whose shares are `base` and `base` times 1 + `lift`.
    pub fn shares(base: f64, lift: f64) -> Self {
        let other = base * (1.0 + lift);
        Self { control: base * (1.0 - base), treated: other * (1.0 - other), treated_share: 0.5 }
    }

    /// Variance of the difference times the number of units of both arms.
    fn variance(&self) -> f64 {
        self.control / (1.0 - self.treated_share) + self.treated / self.treated_share
    }
}

/// Units of both arms that a difference needs to be found, a whole number; infinite for a difference of 0.
pub fn units_needed(difference: f64, arms: &Arms, demand: &Demand) -> f64 {
    let fixed = arms.variance() * (reach(demand) / difference) * (reach(demand) / difference);
    if !demand.sequential || !fixed.is_finite() {
        return fixed.ceil();
    }
    // The interval at n is shortest if it was planned for n; the width falls with n, so the least n is found by halving.
    let (mut low, mut high) = (fixed, 64.0 * fixed.max(1.0));
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if smallest_difference(middle, arms, demand) > difference.abs() {
            low = middle
        } else {
            high = middle
        }
    }
    high.ceil()
}

/// The least difference that this many units of both arms show with the demanded power.
pub fn smallest_difference(units: f64, arms: &Arms, demand: &Demand) -> f64 {
    let deviation = arms.variance().sqrt();
    if demand.sequential {
        let half = Sequence::planned(units, demand.alpha).half_width_of_one(units, demand.alpha);
        deviation * (half + normal_quantile(demand.power) / units.sqrt())
    } else {
        deviation * reach(demand) / units.sqrt()
    }
}

/// Probability that this many units of both arms show the difference at one look.
pub fn power(difference: f64, units: f64, arms: &Arms, alpha: f64) -> f64 {
    let z = difference.abs() / (arms.variance() / units).sqrt();
    super::distributions::normal(z - normal_quantile(1.0 - 0.5 * alpha))
}

/// Whole days until so many more units have come, at so many new ones a day; `None` where none come.
pub fn days_for(units: f64, units_a_day: f64) -> Option<u32> {
    let days = (units.max(0.0) / units_a_day).ceil();
    (units_a_day > 0.0 && days < f64::from(u32::MAX)).then_some(days as u32)
}

fn reach(demand: &Demand) -> f64 {
    normal_quantile(1.0 - 0.5 * demand.alpha) + normal_quantile(demand.power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;
    use crate::statistics::sample::{Effect, Look, Sample};

    #[test]
    fn published_numbers_an_arm() {
        for (base, lift, wanted) in
            [(0.03, 0.1, 53_208.0), (0.05, 0.1, 31_231.0), (0.1, 0.1, 14_748.0), (0.02, 0.05, 315_203.0)]
        {
            let both = units_needed(base * lift, &Arms::shares(base, lift), &Demand::default());
            assert!((both / 2.0 - wanted).abs() <= 0.5, "{base} {lift}");
        }
    }

    #[test]
    fn what_is_needed_and_what_is_seen_are_each_others_inverse() {
        let arms = Arms { control: 4.0, treated: 5.0, treated_share: 0.2 };
        for sequential in [false, true] {
            let demand = Demand { sequential, ..Demand::default() };
            let units = units_needed(0.1, &arms, &demand);
            assert!((smallest_difference(units, &arms, &demand) - 0.1).abs() < 1e-5);
            assert!(smallest_difference(units - 2.0, &arms, &demand) > 0.1);
        }
        let units = units_needed(0.1, &arms, &Demand::default());
        assert!((power(0.1, units, &arms, 0.05) - 0.8).abs() < 1e-4);
        assert_eq!(units_needed(0.0, &arms, &Demand::default()), f64::INFINITY);
    }

    #[test]
    fn the_planned_power_is_had() {
        let demand = Demand { sequential: true, ..Demand::default() };
        let units = units_needed(0.2, &Arms::alike(1.0), &demand);
        let look = Look::Always(Sequence::planned(units, 0.05));
        let mut seeded = Seeded::new(5);
        let found = (0..4000).filter(|_| {
            let mut arm = |mean: f64| Sample {
                count: units / 2.0,
                mean: mean + seeded.normal() / (units / 2.0).sqrt(),
                variance: 1.0,
            };
            Effect::absolute(&arm(0.0), &arm(0.2)).interval(0.05, look).low > 0.0
        });
        let share = found.count() as f64 / 4000.0;
        assert!((share - 0.8).abs() < 0.02, "{share}");
    }

    #[test]
    fn days_are_whole() {
        assert_eq!(days_for(1001.0, 500.0), Some(3));
        assert_eq!(days_for(-5.0, 500.0), Some(0));
        assert_eq!((days_for(10.0, 0.0), days_for(f64::INFINITY, 10.0)), (None, None));
    }
}
