//! The probability of each arm's being the best of all: ∫ fᵢ(x) Πⱼ≠ᵢ Fⱼ(x) dx, by Gauss and Legendre's rule over pieces of where arm i may be. For
//! the same beliefs it is the same number, bit for bit.

use super::posterior::Belief;

/// Pieces of an arm's range.
const PIECES: usize = 6;
/// Deviations on each side of the mean that the range has. A beta distribution near 0 falls no faster than e⁻ˣ.
const REACH: f64 = 12.0;
/// Points and weights of the rule with eight points (Abramowitz and Stegun, table 25.4), half of each.
const RULE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_27),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// For each arm the probability that its mean is the highest; they sum to 1. 1/n each where nothing is known.
pub fn of_being_best<B: Belief>(arms: &[B]) -> Vec<f64> {
    let one = |at: usize| {
        let arm = &arms[at];
        let others = |x: f64| -> f64 {
            let all = arms.iter().enumerate().filter(|(other, _)| *other != at);
            all.fold(1.0, |product, (_, other)| if product > 1e-18 { product * other.below(x) } else { 0.0 })
        };
        integral(range(arm), |x| arm.density(x) * others(x))
    };
    normalised((0..arms.len()).map(one).collect())
}

/// Probabilities that are at least `floor` each (at most 1/n, which it is brought down to) and otherwise in proportion: floor + (1 − n floor) p.
pub fn with_floor(probabilities: &[f64], floor: f64) -> Vec<f64> {
    let n = probabilities.len().max(1) as f64;
    let floor = floor.clamp(0.0, 1.0 / n);
    probabilities.iter().map(|probability| floor + (1.0 - n * floor) * probability).collect()
}

/// The arm that a number from 0 to 1 chooses, with its probability among those not `taken`: the next of a list, one position after the other. `None` where all are.
pub fn choose(probabilities: &[f64], taken: &[bool], unit: f64) -> Option<(usize, f64)> {
    let free = |at: &usize| !taken.get(*at).copied().unwrap_or(false);
    let left: Vec<usize> = (0..probabilities.len()).filter(free).collect();
    let total: f64 = left.iter().map(|at| probabilities[*at]).sum();
    let mut rest = unit * total;
    for at in &left {
        rest -= probabilities[*at];
        if rest < 0.0 {
            return Some((*at, probabilities[*at] / total));
        }
    }
    left.last().map(|at| (*at, probabilities[*at] / total))
}

fn range<B: Belief>(arm: &B) -> (f64, f64) {
    let reach = REACH * arm.deviation();
    let (low, high) = arm.support();
    ((arm.mean() - reach).max(low), (arm.mean() + reach).min(high))
}

fn integral((low, high): (f64, f64), of: impl Fn(f64) -> f64) -> f64 {
    let half = 0.5 * (high - low) / PIECES as f64;
    let piece = |at: usize| -> f64 {
        let middle = low + (2 * at + 1) as f64 * half;
        RULE.iter().map(|(x, weight)| weight * (of(middle - half * x) + of(middle + half * x))).sum()
    };
    half * (0..PIECES).map(piece).sum::<f64>()
}

fn normalised(parts: Vec<f64>) -> Vec<f64> {
    let total: f64 = parts.iter().sum();
    if total > 0.0 && total.is_finite() {
        parts.iter().map(|part| part / total).collect()
    } else {
        vec![1.0 / parts.len() as f64; parts.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandit::posterior::{Beta, Normal};
    use crate::seeded::Seeded;
    use crate::statistics::distributions;

    #[test]
    fn two_normal_arms_have_a_closed_form() {
        let arms = [Normal { mean: 1.0, deviation: 3.0 }, Normal { mean: 2.0, deviation: 4.0 }];
        let found = of_being_best(&arms);
        assert!((found[1] - distributions::normal(1.0 / 5.0)).abs() < 1e-6, "{found:?}");
        assert!((found[0] + found[1] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn two_beta_arms_have_a_closed_form() {
        // P(X > Y) for whole a: Σ B(a₁ + i, b₁ + b₂) / ((b₂ + i) …) written out by Miller (2015).
        let exceeds = |(a, b): (f64, f64), (c, d): (f64, f64)| -> f64 {
            let term = |i: f64| {
                libm::exp(
                    distributions::log_beta(c + i, d + b)
                        - libm::log(b + i)
                        - distributions::log_beta(1.0 + i, b)
                        - distributions::log_beta(c, d),
                )
            };
            (0..a as usize).map(|i| term(i as f64)).sum()
        };
        for (first, second) in
            [((1.0, 1.0), (1.0, 9.0)), ((20.0, 500.0), (30.0, 600.0)), ((518.0, 111_326.0), (23.0, 6766.0))]
        {
            let arms = [first, second].map(|(alpha, beta)| Beta { alpha, beta });
            let found = of_being_best(&arms)[0];
            assert!(
                (found - exceeds(first, second)).abs() < 2e-5,
                "{first:?} {second:?}: {found} {}",
                exceeds(first, second)
            );
        }
    }

    #[test]
    fn many_arms_are_as_often_best_as_draws_say() {
        let arms: Vec<Normal> = (0..6)
            .map(|at| Normal { mean: 0.1 * f64::from(at), deviation: 0.9 - 0.1 * f64::from(at) })
            .collect();
        let found = of_being_best(&arms);
        let (mut seeded, mut best) = (Seeded::new(8), [0; 6]);
        for _ in 0..200_000 {
            let draws: Vec<f64> = arms.iter().map(|arm| arm.mean + arm.deviation * seeded.normal()).collect();
            let top = (0..6).max_by(|a, b| draws[*a].total_cmp(&draws[*b])).expect("there are six");
            best[top] += 1;
        }
        for (probability, count) in found.iter().zip(best) {
            assert!((probability - f64::from(count) / 200_000.0).abs() < 0.004, "{found:?} {best:?}");
        }
        assert_eq!(found, of_being_best(&arms));
    }

    #[test]
    fn the_floor_holds_and_choices_have_the_probabilities_they_say() {
        let floored = with_floor(&[0.98, 0.02, 0.0], 0.05);
        assert!((floored.iter().sum::<f64>() - 1.0).abs() < 1e-15 && floored[2] == 0.05);
        assert_eq!(with_floor(&[1.0, 0.0], 0.9), [0.5, 0.5]);
        assert_eq!(choose(&[0.2, 0.3, 0.5], &[], 0.45), Some((1, 0.3)));
        assert_eq!(choose(&[0.2, 0.3, 0.5], &[false, true, false], 0.2), Some((0, 0.2 / 0.7)));
        assert_eq!(choose(&[0.2, 0.3, 0.5], &[false, true, false], 0.9999), Some((2, 0.5 / 0.7)));
        assert_eq!(choose(&[1.0], &[true], 0.5), None);
        let mut seeded = Seeded::new(6);
        let mut counts = [0; 3];
        (0..30_000)
            .for_each(|_| counts[choose(&floored, &[], seeded.unit()).expect("there are some").0] += 1);
        assert!(
            counts.iter().zip(&floored).all(|(count, p)| (f64::from(*count) / 30_000.0 - p).abs() < 0.01)
        );
    }
}
