//! Whether p-values of tests in which nothing differs are uniform, as those of a sound platform are: Kolmogorov and Smirnov's test (Marsaglia, Tsang and Wang 2003
//! for the exact one; here the asymptotic form with Stephens' correction 1970, for fifty or more).

/// The largest distance of the distribution of `values` (0 to 1, in any order) from the uniform one, and its p-value. (0, 1) without values.
pub fn from_uniform(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 1.0);
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = |(at, value): (usize, &f64)| (value - at as f64 / n).max((at + 1) as f64 / n - value);
    let largest = sorted.iter().enumerate().map(distance).fold(0.0, f64::max);
    let scaled = largest * (n.sqrt() + 0.12 + 0.11 / n.sqrt());
    (largest, tail(scaled))
}

/// P(K ≥ x) of Kolmogorov's distribution.
fn tail(x: f64) -> f64 {
    if x < 0.3 {
        return 1.0;
    }
    let term = |k: i32| {
        let k = f64::from(k);
        (if k % 2.0 == 1.0 { 2.0 } else { -2.0 }) * libm::exp(-2.0 * k * k * x * x)
    };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn known_quantiles_and_extremes() {
        assert!((tail(1.358_1) - 0.05).abs() < 1e-4 && (tail(1.627_6) - 0.01).abs() < 1e-4);
        let even: Vec<f64> = (0..100).map(|at| (f64::from(at) + 0.5) / 100.0).collect();
        let (distance, p) = from_uniform(&even);
        assert!((distance - 0.005).abs() < 1e-12 && p == 1.0);
        assert!(from_uniform(&even.iter().map(|p| p * p).collect::<Vec<_>>()).1 < 1e-4);
        assert_eq!(from_uniform(&[]), (0.0, 1.0));
    }

    #[test]
    fn uniform_values_pass_as_often_as_they_should() {
        let mut seeded = Seeded::new(12);
        let mut p = || from_uniform(&(0..200).map(|_| seeded.unit()).collect::<Vec<_>>()).1;
        let small = (0..2000).filter(|_| p() < 0.05).count();
        assert!((70..=130).contains(&small), "{small}");
    }
}
