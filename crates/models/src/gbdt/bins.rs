//! Values into quantile bins, one byte each: code 0 is missing, the codes from 1 on are in the order of the values. What
//! occurs often has a bin of its own; the rest share the remaining bins evenly.

use super::rows::Rows;

/// Rows a feature's bins are chosen from, evenly spread.
const SAMPLE_MAX: usize = 1 << 16;

/// The rows as codes.
pub struct Codes {
    pub feature_count: usize,
    /// Row after row: one cache line or two to add a row to all histograms.
    pub by_row: Vec<u8>,
    /// Feature after feature: dense to partition rows by one feature.
    pub by_feature: Vec<u8>,
    /// The largest value of each bin of each feature, the last one infinite.
    pub uppers: Vec<Vec<f32>>,
}

impl Codes {
    /// Chooses the bins and codes every row.
    pub fn new(rows: &Rows, bins_max: usize) -> Self {
        let (feature_count, row_count) = (rows.feature_count(), rows.len());
        let uppers: Vec<_> = (0..feature_count).map(|feature| uppers(rows, feature, bins_max)).collect();
        let mut by_row = vec![0; row_count * feature_count];
        let mut by_feature = vec![0; row_count * feature_count];
        for (row, values) in rows.values().chunks_exact(feature_count).enumerate() {
            for (feature, &value) in values.iter().enumerate() {
                let code = code(&uppers[feature], value);
                by_row[row * feature_count + feature] = code;
                by_feature[feature * row_count + row] = code;
            }
        }
        Self { feature_count, by_row, by_feature, uppers }
    }

    /// The codes of one feature, by row.
    pub fn column(&self, feature: usize) -> &[u8] {
        let row_count = self.by_feature.len() / self.feature_count;
        &self.by_feature[feature * row_count..][..row_count]
    }
}

/// The code of a value: 0 where it is missing, else 1 + the number of bins below it.
fn code(uppers: &[f32], value: f32) -> u8 {
    if value.is_nan() {
        return 0;
    }
    let (mut below, mut left) = (0, uppers.len() - 1);
    while left > 0 {
        let half = left.div_ceil(2);
        below += if value > uppers[below + half - 1] { half } else { 0 };
        left -= half;
    }
    below as u8 + 1
}

/// The largest value of each bin of a feature; the last is infinite.
fn uppers(rows: &Rows, feature: usize, bins_max: usize) -> Vec<f32> {
    let count = rows.len().min(SAMPLE_MAX);
    let sampled = (0..count).map(|at| rows.row(at * rows.len() / count)[feature]);
    // Adding 0 makes one zero of the two.
    let mut values: Vec<f32> = sampled.filter(|value| !value.is_nan()).map(|value| value + 0.0).collect();
    values.sort_unstable_by(f32::total_cmp);
    let distinct: Vec<(f32, usize)> =
        values.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect();
    let mut uppers = cuts(&distinct, values.len(), bins_max);
    uppers.push(f32::INFINITY);
    uppers
}

/// The values halfway between neighbours that are to be in different bins.
fn cuts(distinct: &[(f32, usize)], value_count: usize, bins_max: usize) -> Vec<f32> {
    let mut cuts = Vec::new();
    let (mut left, mut bins_left, mut size) = (value_count, bins_max, 0);
    for pair in distinct.windows(2) {
        let ((value, count), (next, next_count)) = (pair[0], pair[1]);
        size += count;
        let even = left.div_ceil(bins_left.max(1));
        let closes = distinct.len() <= bins_max || size >= even || next_count >= even;
        if closes && bins_left > 1 {
            cuts.push(between(value, next));
            (left, bins_left, size) = (left - size, bins_left - 1, 0);
        }
    }
    cuts
}

/// At least `low` and below `high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle >= low && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(values: &[f32], bins_max: usize) -> Vec<u8> {
        let rows = Rows::new(1, values.to_vec(), vec![0.0; values.len()]).expect("sound");
        Codes::new(&rows, bins_max).by_row
    }

    #[test]
    fn few_values_have_a_bin_each_and_missing_ones_their_own() {
        assert_eq!(codes(&[2.0, f32::NAN, -1.0, 2.0, 5.0], 3), [2, 0, 1, 2, 3]);
        assert_eq!(codes(&[0.0, -0.0, f32::NAN], 255), [1, 1, 0]);
        assert_eq!(codes(&[f32::NAN, f32::NAN], 2), [0, 0]);
    }

    #[test]
    fn many_values_are_spread_evenly_around_frequent_ones() {
        let values: Vec<f32> = (0..1000).map(|at| if at < 500 { 7.0 } else { at as f32 }).collect();
        let codes = codes(&values, 11);
        assert!(codes[..500].iter().all(|&code| code == 1), "the frequent value has a bin of its own");
        for bin in 2..=11 {
            assert_eq!(codes.iter().filter(|&&code| code == bin).count(), 50, "bin {bin}");
        }
    }

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let low = 1.0_f32;
        assert_eq!(codes(&[low, low.next_up(), -f32::MAX, f32::MAX], 8), [2, 3, 1, 4]);
    }
}
