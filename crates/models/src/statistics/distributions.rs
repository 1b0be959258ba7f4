//! Distribution functions, on `libm` alone and so with the same bits on every machine: normal, Student's t, chi-squared, beta.
//! Incomplete gamma and beta functions by series and continued fractions (Abramowitz and Stegun 1964, 6.5.29, 6.5.31, 26.5.8,
//! evaluated as Lentz 1976 does); quantiles by Newton's method on the tail.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// 1 / √(2π).
const NORMAL_PEAK: f64 = 0.398_942_280_401_432_7;
/// Terms of a series or a fraction, at most: arguments of a million need a few thousand.
const TERMS_MAX: usize = 20_000;
/// From so many degrees of freedom on Student's t is the normal distribution, to 1e-6 of a p-value.
const DEGREES_MANY: f64 = 1e7;
/// What Lentz's method puts for nought.
const TINY: f64 = 1e-300;

/// Density of the standard normal distribution.
pub fn normal_density(x: f64) -> f64 {
    NORMAL_PEAK * libm::exp(-0.5 * x * x)
}

/// P(Z ≤ x) of a standard normal Z.
pub fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The x with P(Z ≤ x) = `p`; infinite at 0 and 1, not a number outside them.
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let tail = p.min(1.0 - p);
    let sign = if p < 0.5 { -1.0 } else { 1.0 };
    if tail == 0.0 {
        return sign * f64::INFINITY;
    }
    // Abramowitz and Stegun 26.2.23 is right to 4.5e-4; each step of Halley's method triples the digits.
    let t = (-2.0 * libm::log(tail)).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut x = t - above / below;
    for _ in 0..3 {
        let step = (0.5 * libm::erfc(x / SQRT_2) - tail) / normal_density(x);
        x += step / (1.0 - 0.5 * x * step);
    }
    sign * x
}

/// P(|T| ≥ |t|) of Student's t with `degrees` of freedom, which may be infinite.
pub fn student_two_sided(t: f64, degrees: f64) -> f64 {
    if degrees > DEGREES_MANY {
        return libm::erfc(t.abs() * FRAC_1_SQRT_2);
    }
    beta(degrees / (degrees + t * t), 0.5 * degrees, 0.5)
}

/// The t ≥ 0 with P(|T| ≥ t) = `p`, for `p` above 0 and at most 1.
pub fn student_two_sided_quantile(p: f64, degrees: f64) -> f64 {
    let mut t = normal_quantile(1.0 - 0.5 * p);
    if degrees > DEGREES_MANY || !t.is_finite() {
        return t;
    }
    // The tail is convex and the normal quantile below the answer, so that Newton's method comes to it from below.
    let constant = libm::lgamma(0.5 * (degrees + 1.0))
        - libm::lgamma(0.5 * degrees)
        - 0.5 * libm::log(degrees * std::f64::consts::PI);
    for _ in 0..200 {
        let density = libm::exp(constant - 0.5 * (degrees + 1.0) * libm::log1p(t * t / degrees));
        let step = 0.5 * (student_two_sided(t, degrees) - p) / density;
        t += step;
        if step.is_nan() || step.abs() <= 1e-13 * t.max(1.0) {
            break;
        }
    }
    t
}

/// P(X ≥ x) of a chi-squared X with `degrees` of freedom.
pub fn chi_squared_tail(x: f64, degrees: f64) -> f64 {
    gamma_tail(0.5 * x, 0.5 * degrees)
}

/// The x with P(X ≥ x) = `p`, for `p` between 0 and 1, by halving.
pub fn chi_squared_tail_quantile(p: f64, degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0, degrees.max(1.0));
    while chi_squared_tail(high, degrees) > p && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if chi_squared_tail(middle, degrees) > p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Regularised incomplete beta function I_x(a, b): P(X ≤ x) of a beta-distributed X. For a and b above 0.
pub fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x.is_nan() || a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - log_beta(a, b));
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

/// Density of the beta distribution, for x between 0 and 1.
pub fn beta_density(x: f64, a: f64, b: f64) -> f64 {
    libm::exp((a - 1.0) * libm::log(x) + (b - 1.0) * libm::log1p(-x) - log_beta(a, b))
}

/// Logarithm of the beta function.
pub fn log_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

/// Regularised upper incomplete gamma function Q(a, x), for a above 0.
fn gamma_tail(x: f64, a: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for at in 1..TERMS_MAX {
            term *= x / (a + at as f64);
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return 1.0 - front * sum;
    }
    let odd = |at: f64| -at * (at - a);
    front / fraction(x + 1.0 - a, |at| (odd(at), x + 1.0 - a + 2.0 * at))
}

/// Continued fraction of the incomplete beta function.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let numerator = |at: f64| {
        let half = (at * 0.5).floor();
        if at % 2.0 == 0.0 {
            half * (b - half) * x / ((a + 2.0 * half - 1.0) * (a + 2.0 * half))
        } else {
            -(a + half) * (a + b + half) * x / ((a + 2.0 * half) * (a + 2.0 * half + 1.0))
        }
    };
    1.0 / fraction(1.0, |at| (numerator(at), 1.0))
}

/// first + n₁/(d₁ + n₂/(d₂ + …)) for (n, d) of `part`, from 1 on.
fn fraction(first: f64, part: impl Fn(f64) -> (f64, f64)) -> f64 {
    let held = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut value = held(first);
    let (mut above, mut below) = (value, 0.0);
    for at in 1..TERMS_MAX {
        let (numerator, denominator) = part(at as f64);
        below = 1.0 / held(denominator + numerator * below);
        above = held(denominator + numerator / above);
        let step = above * below;
        value *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64, tolerance: f64) {
        assert!((found - wanted).abs() <= tolerance * wanted.abs().max(1e-300), "{found} is not {wanted}");
    }

    #[test]
    fn normal_values_are_those_of_the_tables() {
        near(normal(1.0), 0.841_344_746_068_542_9, 1e-14);
        near(normal(-6.0), 9.865_876_450_376_98e-10, 1e-12);
        near(normal_quantile(0.975), 1.959_963_984_540_054, 1e-14);
        near(normal_quantile(0.8), 0.841_621_233_572_914_2, 1e-14);
        near(normal_quantile(1e-10), -6.361_340_902_404_056, 1e-12);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(0.5).abs() < 1e-15 && normal_quantile(1.1).is_nan());
    }

    #[test]
    fn student_values_have_closed_forms_for_one_two_and_three_degrees() {
        // One degree is Cauchy's distribution: the quarter beyond ±tan(3π/8) is 1/4.
        near(student_two_sided(1.0, 1.0), 0.5, 1e-13);
        near(student_two_sided(1.0 + SQRT_2, 1.0), 0.25, 1e-13);
        // Two: the tail is 1 − t/√(2 + t²).
        near(student_two_sided(3.0, 2.0), 1.0 - 3.0 / 11_f64.sqrt(), 1e-13);
        near(student_two_sided_quantile(0.05, 1.0), 12.706_204_736_174_707, 1e-12);
        near(student_two_sided_quantile(0.05, 10.0), 2.228_138_851_986_274, 1e-12);
        near(student_two_sided_quantile(0.05, 1e9), 1.959_963_987, 2e-9);
        near(student_two_sided_quantile(2e-4, 3.0), 22.203_742, 1e-6);
        near(student_two_sided_quantile(0.05, f64::INFINITY), 1.959_963_984_540_054, 1e-14);
        for degrees in [1.0, 4.5, 60.0, 6_000.0, 2e6] {
            for p in [0.5, 0.05, 1e-6] {
                near(student_two_sided(student_two_sided_quantile(p, degrees), degrees), p, 1e-8);
            }
        }
    }

    #[test]
    fn chi_squared_values_have_closed_forms() {
        // Two degrees: exp(−x/2). Four: exp(−x/2) (1 + x/2). One: the square of a normal.
        near(chi_squared_tail(5.0, 2.0), libm::exp(-2.5), 1e-14);
        near(chi_squared_tail(50.0, 4.0), libm::exp(-25.0) * 26.0, 1e-12);
        near(chi_squared_tail(3.841_458_820_694_124, 1.0), 0.05, 1e-12);
        near(chi_squared_tail_quantile(0.05, 1.0), 3.841_458_820_694_124, 1e-12);
        near(chi_squared_tail_quantile(0.05, 9.0), 16.918_977_604_620_45, 1e-12);
        assert_eq!(chi_squared_tail(0.0, 3.0), 1.0);
    }

    #[test]
    fn beta_values_have_closed_forms() {
        near(beta(0.3, 1.0, 1.0), 0.3, 1e-14);
        near(beta(0.3, 3.0, 1.0), 0.027, 1e-13);
        // Binomial: P(X ≤ x) of beta(2, 3) is 1 − (1−x)⁴ − 4x(1−x)³.
        near(beta(0.4, 2.0, 3.0), 1.0 - 0.6_f64.powi(4) - 1.6 * 0.6_f64.powi(3), 1e-13);
        near(beta(0.005, 143.0, 35_523.0) + beta(0.995, 35_523.0, 143.0), 1.0, 1e-12);
        let area: f64 = (0..2000).map(|at| beta_density((at as f64 + 0.5) / 2000.0, 4.0, 7.0) / 2000.0).sum();
        near(area, 1.0, 1e-6);
    }
}
