//! How good a ranking is, and how long it took: the measures of next-item prediction at a cut-off, and percentiles.

/// Hit rate, mean reciprocal rank and NDCG at one cut-off over cases with exactly one right answer each.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NextItem {
    cutoff: usize,
    cases: u64,
    hits: u64,
    reciprocal_ranks: f64,
    gains: f64,
}

impl NextItem {
    /// No cases yet; ranks from `cutoff` on (counted from 0) will be misses.
    pub fn at(cutoff: usize) -> Self {
        Self { cutoff, cases: 0, hits: 0, reciprocal_ranks: 0.0, gains: 0.0 }
    }

    /// Counts one case. `rank` is the place of the right answer, 0 for the best; `None` if it was not ranked.
    pub fn add(&mut self, rank: Option<usize>) {
        self.cases += 1;
        if let Some(rank) = rank.filter(|&rank| rank < self.cutoff) {
            self.hits += 1;
            self.reciprocal_ranks += 1.0 / (rank + 1) as f64;
            self.gains += discount(rank);
        }
    }

    /// Adds the cases of `other`, which MUST have the same cut-off.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.cutoff, other.cutoff, "measures at different cut-offs cannot be added");
        self.cases += other.cases;
        self.hits += other.hits;
        self.reciprocal_ranks += other.reciprocal_ranks;
        self.gains += other.gains;
    }

    /// Number of cases.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// Share of cases whose answer is within the cut-off. With one right answer this is also recall.
    pub fn hit_rate(&self) -> f64 {
        self.hits as f64 / self.cases.max(1) as f64
    }

    /// Mean of 1 / (place counted from 1), 0 for a miss.
    pub fn mrr(&self) -> f64 {
        self.reciprocal_ranks / self.cases.max(1) as f64
    }

    /// Mean of 1 / log2(place counted from 1, plus 1), 0 for a miss; the ideal gain of one right answer is 1.
    pub fn ndcg(&self) -> f64 {
        self.gains / self.cases.max(1) as f64
    }
}

/// Binary NDCG at `cutoff` of `ranked` (best first) where several answers may be right: the discounted gain over that of
/// an ideal ranking. 0 when nothing is right.
pub fn ndcg<I: PartialEq>(ranked: &[I], right: &[I], cutoff: usize) -> f64 {
    let ideal: f64 = (0..right.len().min(cutoff)).map(discount).sum();
    let hits = ranked.iter().take(cutoff).enumerate().filter(|(_, item)| right.contains(item));
    let gain: f64 = hits.map(|(rank, _)| discount(rank)).sum();
    if ideal > 0.0 { gain / ideal } else { 0.0 }
}

/// Share of `right` that is among the first `cutoff` of `ranked`. 0 when nothing is right.
pub fn recall<I: PartialEq>(ranked: &[I], right: &[I], cutoff: usize) -> f64 {
    let hits = ranked.iter().take(cutoff).filter(|item| right.contains(item)).count();
    hits as f64 / right.len().max(1) as f64
}

/// Gain of a right answer at `rank`, counted from 0.
pub(crate) fn discount(rank: usize) -> f64 {
    1.0 / libm::log2((rank + 2) as f64)
}

/// Expected calibration error (Naeini et al., AAAI 2015): cases sorted by `probabilities` into `bins` of equal size, equal ones
/// in the order given; the distance of mean probability and mean label in each, averaged over all cases. 0 without cases.
pub fn calibration_error(probabilities: &[f32], labels: &[f32], bins: usize) -> f64 {
    let mut cases: Vec<(f32, f32)> = probabilities.iter().copied().zip(labels.iter().copied()).collect();
    // Stable and by nothing else: equal probabilities must not be told apart by their labels.
    cases.sort_by(|a, b| a.0.total_cmp(&b.0));
    let distance =
        |bin: &[(f32, f32)]| bin.iter().map(|case| f64::from(case.0) - f64::from(case.1)).sum::<f64>().abs();
    let bin_len = cases.len().div_ceil(bins.max(1)).max(1);
    cases.chunks(bin_len).map(distance).sum::<f64>() / cases.len().max(1) as f64
}

/// The smallest of `values` that at least the share `q` (0 to 1) of them do not exceed (nearest rank); reorders them.
/// `None` without values.
pub fn percentile(values: &mut [f64], q: f64) -> Option<f64> {
    let place = (q.clamp(0.0, 1.0) * values.len() as f64).ceil() as usize;
    let at = place.max(1) - 1;
    (at < values.len()).then(|| *values.select_nth_unstable_by(at, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_item_measures_of_four_cases_by_hand() {
        let mut measures = NextItem::at(3);
        for rank in [Some(0), Some(2), Some(3), None] {
            measures.add(rank);
        }
        assert_eq!(measures.cases(), 4);
        assert!((measures.hit_rate() - 0.5).abs() < 1e-12);
        assert!((measures.mrr() - (1.0 + 1.0 / 3.0) / 4.0).abs() < 1e-12);
        assert!((measures.ndcg() - (1.0 + 0.5) / 4.0).abs() < 1e-12, "1 / log2(4) = 0.5 at the third place");
    }

    #[test]
    fn merged_measures_are_those_of_all_cases() {
        let (mut one, mut other, mut both) = (NextItem::at(2), NextItem::at(2), NextItem::at(2));
        one.add(Some(1));
        other.add(None);
        both.add(Some(1));
        both.add(None);
        one.merge(&other);
        assert_eq!(one, both);
    }

    #[test]
    fn recall_and_ndcg_with_two_right_answers_by_hand() {
        assert_eq!(recall(&[7, 1, 8, 2], &[1, 2], 3), 0.5);
        assert_eq!(recall(&[1], &[], 3), 0.0);
        let expected = (1.0 / 3_f64.log2()) / (1.0 + 1.0 / 3_f64.log2());
        assert!((ndcg(&[7, 1, 8], &[1, 2], 3) - expected).abs() < 1e-12);
        assert!((ndcg(&[1, 2], &[2, 1], 1) - 1.0).abs() < 1e-12);
        assert_eq!(ndcg(&[1, 2], &[], 2), 0.0);
    }

    #[test]
    fn calibration_error_of_two_bins_by_hand() {
        let (probabilities, labels) = ([0.9, 0.1, 0.7, 0.3], [1.0, 0.0, 0.0, 1.0]);
        // Bins (0.1, 0.3) with labels (0, 1) and (0.7, 0.9) with labels (0, 1): |0.2 - 0.5| and |0.8 - 0.5|.
        assert!((calibration_error(&probabilities, &labels, 2) - 0.3).abs() < 1e-6);
        assert!((calibration_error(&probabilities, &labels, 1) - 0.0).abs() < 1e-6);
        assert_eq!(calibration_error(&[], &[], 10), 0.0);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(percentile(&mut values, 0.5), Some(2.0));
        assert_eq!(percentile(&mut values, 0.99), Some(4.0));
        assert_eq!(percentile(&mut values, 0.0), Some(1.0));
        assert_eq!(percentile(&mut [], 0.5), None);
    }
}
