//! Several questions at once: p-values adjusted so that among twenty segments without an effect none looks as if it had one (Holm 1979), or so that
//! few of those that are named have none (Benjamini and Hochberg 1995).

/// Holm's adjusted p-values, in the order given: below α with probability α at most for any true null hypothesis among them, whatever
/// their dependence.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, at) in ascending(p).into_iter().enumerate() {
        least = least.max((p.len() - rank) as f64 * p[at]).min(1.0);
        adjusted[at] = least;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p-values, in the order given: of those below α a share of α at most is wrong on average, where they are independent
/// or rise together.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut most = 1.0_f64;
    for (rank, at) in ascending(p).into_iter().enumerate().rev() {
        most = most.min(p.len() as f64 / (rank + 1) as f64 * p[at]);
        adjusted[at] = most;
    }
    adjusted
}

/// The level at which each of `count` intervals is made so that all hold together with 1 − `alpha` (Bonferroni).
pub fn level_of_each(alpha: f64, count: usize) -> f64 {
    alpha / count.max(1) as f64
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: &[f64], wanted: &[f64]) {
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} is not {wanted:?}");
    }

    #[test]
    fn adjusted_values_by_hand() {
        let p = [0.04, 0.01, 0.03, 0.005];
        near(&holm(&p), &[0.06, 0.03, 0.06, 0.02]);
        near(&benjamini_hochberg(&p), &[0.04, 0.02, 0.04, 0.02]);
        near(&holm(&[0.9, 0.8]), &[1.0, 1.0]);
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
        assert_eq!(level_of_each(0.05, 20), 0.0025);
    }
}
