//! Intervals and p-values that hold at every look: the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and
//! Ramdas (Annals of Statistics 2024, as GrowthBook has it for two arms), which is the mixture sequential probability ratio test of Johari,
//! Koomen, Pekelis and Walsh (Operations Research 2022) seen as an interval; and that test itself.
//!
//! With n units of both arms, standard error e and ρ² = (−2 ln α + ln(1 − 2 ln α)) / tuning, the half width is
//! e √n · √( 2(nρ² + 1) / (nρ)² · ln(√(nρ² + 1) / α) ). It is asymptotic: of few units, or of few that ever buy, it promises nothing.

use super::sample::Effect;

/// Where a sequence of looks is to be sharpest.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sequence {
    /// Units of both arms at which the interval is shortest, beside what one look would give.
    pub tuning: f64,
    /// The level ρ is made for; looks at other levels stay valid and are slightly longer.
    pub alpha: f64,
}

impl Default for Sequence {
    fn default() -> Self {
        Self { tuning: 5000.0, alpha: 0.05 }
    }
}

impl Sequence {
    /// Sharpest at the planned number of units of both arms.
    pub fn planned(count: f64, alpha: f64) -> Self {
        Self { tuning: count.max(1.0), alpha }
    }

    /// The mixture's spread, in standard deviations of a unit.
    pub fn rho(&self) -> f64 {
        let twice = -2.0 * libm::log(self.alpha);
        ((twice + libm::log(twice + 1.0)) / self.tuning).sqrt()
    }

    /// Half the interval's width about an effect.
    pub fn half_width(&self, effect: &Effect, alpha: f64) -> f64 {
        let n = effect.count;
        effect.error * n.sqrt() * self.half_width_of_one(n, alpha)
    }

    /// The same where a unit has standard deviation 1.
    pub fn half_width_of_one(&self, n: f64, alpha: f64) -> f64 {
        let spread = n * self.rho() * self.rho();
        (2.0 * (spread + 1.0) / (n * spread) * (0.5 * libm::log1p(spread) - libm::log(alpha))).sqrt()
    }

    /// The least level at which the interval leaves 0 out, at this look; 1 at most. Over looks the least of them stays valid.
    pub fn p(&self, effect: &Effect) -> f64 {
        let spread = effect.count * self.rho() * self.rho();
        if effect.error == 0.0 {
            return if effect.estimate == 0.0 { 1.0 } else { 0.0 };
        }
        let z = effect.estimate / effect.error;
        libm::exp(0.5 * libm::log1p(spread) - 0.5 * z * z * spread / (spread + 1.0)).min(1.0)
    }
}

/// The mixture sequential probability ratio of a difference: `variance` is that of the estimate (both arms), `mixture` that of the effects
/// which are thought possible. Above 1/α the null hypothesis is rejected, at whatever look.
pub fn mixture_ratio(estimate: f64, variance: f64, mixture: f64) -> f64 {
    let both = variance + mixture;
    (variance / both).sqrt() * libm::exp(0.5 * estimate * estimate * mixture / (variance * both))
}

/// The p-value of a look, valid at every one: 1 over the ratio, at most 1.
pub fn mixture_p(estimate: f64, variance: f64, mixture: f64) -> f64 {
    (1.0 / mixture_ratio(estimate, variance, mixture)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::moments::Moments;
    use crate::statistics::sample::Look;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 6e-6, "{found} is not {wanted}");
    }

    #[test]
    fn half_widths_are_those_published() {
        let sequence = Sequence::default();
        near(sequence.rho(), 0.039_840_066_8);
        let widths = [
            (100.0, 0.669_439),
            (1000.0, 0.106_375),
            (5000.0, 0.042_924),
            (1e4, 0.030_615),
            (1e5, 0.010_552),
        ];
        for (n, width) in widths {
            assert!((sequence.half_width_of_one(n, 0.05) - width).abs() < 1e-6, "{n}");
        }
    }

    #[test]
    fn a_published_relative_interval() {
        let control = Moments::of_sums(3000, 139_687, 523_779_767).values();
        let treated = Moments::of_sums(3461, 242_270, 1_346_982_900).values();
        let effect = Effect::relative(&control, &treated);
        near(effect.estimate, 0.50336);
        let interval = effect.interval(0.05, Look::Always(Sequence { tuning: 1000.0, alpha: 0.05 }));
        near(interval.low, -0.55844);
        near(interval.high, 1.56516);
    }

    #[test]
    fn the_interval_ends_at_0_where_its_p_is_alpha_and_is_the_mixture_ratio_seen_otherwise() {
        let sequence = Sequence::planned(8000.0, 0.05);
        let effect = Effect { estimate: 0.12, error: 0.045, degrees: f64::INFINITY, count: 3000.0 };
        let p = sequence.p(&effect);
        assert!(effect.interval(p, Look::Always(sequence)).low.abs() < 1e-12);
        let unit = effect.error * effect.error * effect.count;
        let mixture = sequence.rho() * sequence.rho() * unit;
        near(p, mixture_p(effect.estimate, effect.error * effect.error, mixture));
    }

    #[test]
    fn a_published_mixture_ratio() {
        // A thousand an arm, variance 1, mixture variance 0.01, difference 0.1.
        near(mixture_ratio(0.1, 2.0 / 1000.0, 0.01), 3.278_722);
        near(mixture_p(0.1, 2.0 / 1000.0, 0.01), 0.304_997);
        assert_eq!(mixture_p(0.0, 0.002, 0.01), 1.0);
    }

    #[test]
    fn the_interval_is_sharpest_where_it_was_planned() {
        let width = |tuning: f64| Sequence { tuning, alpha: 0.05 }.half_width_of_one(20_000.0, 0.05);
        assert!(width(20_000.0) < width(10_000.0) && width(20_000.0) < width(40_000.0));
    }
}
