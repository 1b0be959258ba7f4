//! How evenly attention is spread: over products (popularity bias), over what one shopper is shown (filter bubbles).

/// Gini coefficient of counts: 0 where all are alike, towards 1 where one has everything. Those with nothing MUST be among them. 0 without any.
pub fn gini(counts: &[u64]) -> f64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let total: f64 = sorted.iter().map(|count| *count as f64).sum();
    let n = sorted.len() as f64;
    let ranked: f64 = sorted.iter().enumerate().map(|(at, count)| (at + 1) as f64 * *count as f64).sum();
    if total > 0.0 { (2.0 * ranked / (n * total) - (n + 1.0) / n).max(0.0) } else { 0.0 }
}

/// Shannon's entropy of counts in bits: log₂ k where k are alike, 0 where there is one.
pub fn entropy(counts: &[u64]) -> f64 {
    let total: f64 = counts.iter().map(|count| *count as f64).sum();
    let part = |count: &u64| {
        let share = *count as f64 / total;
        -share * libm::log2(share)
    };
    counts.iter().filter(|count| **count > 0).map(part).sum::<f64>() + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_middles_by_hand() {
        assert_eq!((gini(&[5, 5, 5, 5]), gini(&[0, 0, 0, 8]), gini(&[])), (0.0, 0.75, 0.0));
        assert!((gini(&[1, 3]) - 0.25).abs() < 1e-12);
        assert_eq!((entropy(&[4, 4, 4, 4]), entropy(&[9, 0]), entropy(&[])), (2.0, 0.0, 0.0));
    }
}
