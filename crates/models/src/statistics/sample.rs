//! A mean over independent units with its variance, whatever it is a mean of – values, parts in a ratio, values less what was
//! known before – and the difference of two of them: Welch's t (Biometrika 1947), absolute or relative.

use super::distributions::{student_two_sided, student_two_sided_quantile};
use super::sequential::Sequence;

/// A mean over units that are independent of each other.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample {
    /// Number of units.
    pub count: f64,
    /// The mean.
    pub mean: f64,
    /// Variance of one unit, n − 1 in the denominator.
    pub variance: f64,
}

/// An estimate of a difference that is normally distributed about it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Effect {
    /// The estimate: treated less control, or that in parts of the control's mean.
    pub estimate: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom of the error (Welch and Satterthwaite).
    pub degrees: f64,
    /// Units of both arms.
    pub count: f64,
}

/// A range of values that are not ruled out.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs, reason = "the ends")]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// When results are looked at, which decides how wide intervals have to be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Look {
    /// Once, at an end that was fixed before: the shortest intervals, and wrong if looked at twice.
    Once,
    /// At any time, as often as one likes.
    Always(Sequence),
}

impl Sample {
    /// Standard error of the mean.
    pub fn error(&self) -> f64 {
        (self.variance / self.count).sqrt()
    }

    /// The same in other units: minor units of money into major ones by 0.01.
    pub fn scaled(&self, factor: f64) -> Self {
        Self { mean: self.mean * factor, variance: self.variance * factor * factor, ..*self }
    }

    /// A share: `happened` of `count`, each 0 or 1.
    pub fn share(happened: u64, count: u64) -> Self {
        let (mean, n) = (happened as f64 / count as f64, count as f64);
        Self { count: n, mean, variance: mean * (1.0 - mean) * n / (n - 1.0) }
    }
}

impl Effect {
    /// `treated` less `control`, in their units.
    pub fn absolute(control: &Sample, treated: &Sample) -> Self {
        let parts = [control.variance / control.count, treated.variance / treated.count];
        Self {
            estimate: treated.mean - control.mean,
            error: (parts[0] + parts[1]).sqrt(),
            degrees: degrees(control, treated),
            count: control.count + treated.count,
        }
    }

    /// `treated` less `control` in parts of the control's mean, by the delta method: variance s₁²/(n₁m₀²) + s₀²m₁²/(n₀m₀⁴). Not to
    /// be trusted where the control's mean is within a few of its own errors of 0: [`Effect::is_relative_sound`].
    pub fn relative(control: &Sample, treated: &Sample) -> Self {
        let base = control.mean * control.mean;
        let of_treated = treated.variance / (treated.count * base);
        let of_control = control.variance * treated.mean * treated.mean / (control.count * base * base);
        Self {
            estimate: (treated.mean - control.mean) / control.mean.abs(),
            error: (of_treated + of_control).sqrt(),
            degrees: degrees(control, treated),
            count: control.count + treated.count,
        }
    }

    /// Whether the control's mean is far enough from 0, five of its errors, for something to be said in parts of it.
    pub fn is_relative_sound(control: &Sample) -> bool {
        control.mean.abs() > 5.0 * control.error()
    }

    /// The difference of two shares with the pooled variance of the null hypothesis, as the two-proportion z-test has it.
    pub fn shares(control: (u64, u64), treated: (u64, u64)) -> Self {
        let (n, m) = (control.1 as f64, treated.1 as f64);
        let pooled = (control.0 + treated.0) as f64 / (n + m);
        Self {
            estimate: treated.0 as f64 / m - control.0 as f64 / n,
            error: (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt(),
            degrees: f64::INFINITY,
            count: n + m,
        }
    }

    /// Two-sided p-value of there being no difference; 1 where nothing varies and nothing differs.
    pub fn p(&self) -> f64 {
        self.p_from(0.0)
    }

    /// Two-sided p-value of the difference being `wanted`.
    pub fn p_from(&self, wanted: f64) -> f64 {
        let distance = self.estimate - wanted;
        if self.error > 0.0 {
            student_two_sided(distance / self.error, self.degrees)
        } else if distance == 0.0 {
            1.0
        } else {
            0.0
        }
    }

    /// The interval that holds the truth with probability 1 − `alpha`: at one look, or at all looks together.
    pub fn interval(&self, alpha: f64, look: Look) -> Interval {
        let half = match look {
            Look::Once => student_two_sided_quantile(alpha, self.degrees) * self.error,
            Look::Always(sequence) => sequence.half_width(self, alpha),
        };
        Interval { low: self.estimate - half, high: self.estimate + half }
    }

    /// The p-value of no difference that goes with the interval.
    pub fn p_at(&self, look: Look) -> f64 {
        match look {
            Look::Once => self.p(),
            Look::Always(sequence) => sequence.p(self),
        }
    }

    /// Whether it is a number: arms without units, or a ratio by nothing, give none.
    pub fn is_known(&self) -> bool {
        self.estimate.is_finite() && self.error.is_finite()
    }
}

impl Interval {
    /// Whether the value is within.
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Half of its width.
    pub fn half_width(&self) -> f64 {
        0.5 * (self.high - self.low)
    }
}

fn degrees(control: &Sample, treated: &Sample) -> f64 {
    let parts = [control.variance / control.count, treated.variance / treated.count];
    let sum = parts[0] + parts[1];
    let below = parts[0] * parts[0] / (control.count - 1.0) + parts[1] * parts[1] / (treated.count - 1.0);
    if below > 0.0 { sum * sum / below } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::moments::Moments;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 6e-6, "{found} is not {wanted}");
    }

    /// Arms of GrowthBook's published tests, in cents.
    fn arms() -> (Sample, Sample) {
        let control = Moments::of_sums(3407, 139_687, 523_779_767);
        let treated = Moments::of_sums(3461, 242_270, 1_346_982_900);
        (control.values().scaled(0.01), treated.values().scaled(0.01))
    }

    #[test]
    fn a_published_absolute_difference() {
        let (control, treated) = arms();
        let effect = Effect::absolute(&control, &treated);
        near(effect.estimate, 0.29);
        near(effect.error, 0.12478);
        near(effect.p(), 0.02016);
        let interval = effect.interval(0.05, Look::Once);
        near(interval.low, 0.04538);
        near(interval.high, 0.53462);
    }

    #[test]
    fn a_published_relative_difference() {
        let (control, treated) = arms();
        let effect = Effect::relative(&control, &treated);
        near(effect.estimate, 0.70732);
        near(effect.error, 0.37879);
        near(effect.p(), 0.06191);
        let interval = effect.interval(0.05, Look::Once);
        near(interval.low, -0.03526);
        near(interval.high, 1.44989);
        assert!(
            Effect::is_relative_sound(&control)
                && !Effect::is_relative_sound(&Sample { variance: 400.0, ..control })
        );
    }

    #[test]
    fn welch_by_hand() {
        // Means 2 and 5, variances 1 and 4 of three each: t = 3 / √(5/3), 50/17·… degrees by the formula.
        let (control, treated) = (
            Sample { count: 3.0, mean: 2.0, variance: 1.0 },
            Sample { count: 3.0, mean: 5.0, variance: 4.0 },
        );
        let effect = Effect::absolute(&control, &treated);
        near(effect.error, (5.0_f64 / 3.0).sqrt());
        near(effect.degrees, (25.0 / 9.0) / ((1.0 / 9.0 + 16.0 / 9.0) / 2.0));
        assert!(
            (effect.p_from(3.0) - 1.0).abs() < 1e-12
                && effect.interval(effect.p(), Look::Once).low.abs() < 1e-9
        );
    }

    #[test]
    fn shares_are_means_of_flags_and_the_pooled_test_is_the_known_one() {
        let flags = Moments::of_sums(200, 30, 30).values();
        let share = Sample::share(30, 200);
        near(flags.variance, share.variance);
        // 30 of 200 and 50 of 200: pooled 0.2, z = 0.1 / 0.04 = 2.5.
        let effect = Effect::shares((30, 200), (50, 200));
        near(effect.estimate / effect.error, 2.5);
        near(effect.p(), 0.012_419);
    }

    #[test]
    fn what_cannot_be_known_says_so() {
        let none = Sample { count: 0.0, mean: 0.0, variance: 0.0 };
        assert!(!Effect::absolute(&none, &none).is_known());
        let still = Sample { count: 10.0, mean: 1.0, variance: 0.0 };
        assert_eq!(Effect::absolute(&still, &still).p(), 1.0);
        assert_eq!(Effect::absolute(&still, &still.scaled(2.0)).p(), 0.0);
    }
}
