//! Forward decay (Cormode et al., 2009): a signal of time `t` weighs `2^((t - landmark) / half-life)`, so that sums only ever
//! grow and their order never changes with time.

use bespoke_domain::Millis;
use serde::{Deserialize, Serialize};

/// Sums are rescaled by `2^-RESCALE` (exactly) when exponents pass it.
const RESCALE: f64 = 400.0;

/// What signals weigh.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decay {
    half_life_days: f64,
    /// Day from which exponents count; the first signal's day.
    landmark_day: Option<f64>,
}

impl Decay {
    /// A signal will count half after `half_life_days`.
    pub fn new(half_life_days: f64) -> Self {
        Self { half_life_days, landmark_day: None }
    }

    /// What a signal of `now` weighs. Where it calls `shrink`, every sum so far MUST be multiplied by what that is given: a
    /// power of two, so that no bit is lost and the order stays exact.
    pub fn weight(&mut self, now: Millis, mut shrink: impl FnMut(f64)) -> f64 {
        let day = now.days();
        let landmark = self.landmark_day.get_or_insert(day);
        while (day - *landmark) / self.half_life_days > RESCALE {
            *landmark += RESCALE * self.half_life_days;
            shrink(libm::exp2(-RESCALE));
        }
        libm::exp2(((day - *landmark) / self.half_life_days).max(-RESCALE))
    }

    /// By what a sum is multiplied to be in signals of `now`.
    pub fn at(&self, now: Millis) -> f64 {
        self.landmark_day.map_or(0.0, |landmark| libm::exp2((landmark - now.days()) / self.half_life_days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::time::DAY_MS;

    #[test]
    fn a_signal_counts_half_after_its_half_life_however_long_that_goes_on() {
        let (mut decay, mut sum) = (Decay::new(14.0), 0.0);
        for month in 0..1_000 {
            let now = Millis(month * 28 * DAY_MS);
            let weight = decay.weight(now, |by| sum *= by);
            sum += weight;
            let expected = (0..=month).rev().take(40).enumerate().map(|(age, _)| 0.25_f64.powi(age as i32));
            assert!((sum * decay.at(now) - expected.sum::<f64>()).abs() < 1e-9, "{month}");
        }
        assert_eq!(Decay::new(1.0).at(Millis(0)), 0.0);
    }
}
