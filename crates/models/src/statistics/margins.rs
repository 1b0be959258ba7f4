//! Not worse, and the same: what a test that finds no difference does not show. Both ask whether the effect is within a margin that was
//! chosen before (Schuirmann 1987, two one-sided tests).

use super::distributions::student_two_sided;
use super::sample::Effect;

/// One-sided p-value of the effect being below −`margin`: small where it is not inferior. Positive effects are good.
pub fn not_inferior_p(effect: &Effect, margin: f64) -> f64 {
    one_sided(effect, effect.estimate + margin)
}

/// p-value of the effect being beyond ±`margin`, the larger of the two sides: small where it is equivalent.
pub fn equivalent_p(effect: &Effect, margin: f64) -> f64 {
    not_inferior_p(effect, margin).max(one_sided(effect, margin - effect.estimate))
}

/// P of a distance as large as this above 0 by chance.
fn one_sided(effect: &Effect, distance: f64) -> f64 {
    if effect.error == 0.0 {
        return if distance > 0.0 { 0.0 } else { 1.0 };
    }
    let both = student_two_sided(distance / effect.error, effect.degrees);
    if distance > 0.0 { 0.5 * both } else { 1.0 - 0.5 * both }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(estimate: f64) -> Effect {
        Effect { estimate, error: 1.0, degrees: f64::INFINITY, count: 1000.0 }
    }

    #[test]
    fn one_sided_values_are_those_of_the_normal_table() {
        let near =
            |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-6, "{found} is not {wanted}");
        near(not_inferior_p(&effect(0.0), 1.644_853_6), 0.05);
        near(not_inferior_p(&effect(-3.0), 1.0), 1.0 - 0.022_750_13);
        near(equivalent_p(&effect(1.0), 3.0), 0.022_750_13);
        near(equivalent_p(&effect(-1.0), 3.0), 0.022_750_13);
        assert_eq!(not_inferior_p(&Effect { error: 0.0, ..effect(-0.1) }, 0.2), 0.0);
        assert!(equivalent_p(&effect(4.0), 3.0) > 0.5, "what is beyond the margin is not equivalent");
    }
}
