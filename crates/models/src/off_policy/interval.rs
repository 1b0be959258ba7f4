//! Intervals of a ratio of sums over rows whose units are independent and whose rows within a unit are not: by the delta method over units, and by drawing whole
//! units again.

use super::Estimate;
use crate::seeded::Seeded;
use crate::statistics::distributions::normal_quantile;
use crate::statistics::sample::Interval;

const RESAMPLES: usize = 1000;
const TAIL: f64 = 0.025;
/// Draws of a resample, at most: of more units, several are drawn together, which changes nothing where there are that many.
const DRAWN_MAX: usize = 20_000;

/// Σ `above` / Σ `below`; all three lists have one entry a row.
pub fn ratio(units: &[u64], above: &[f64], below: &[f64]) -> Estimate {
    let sums = by_unit(units, above, below);
    let of = |sums: &mut dyn Iterator<Item = (f64, f64)>| {
        let (above, below) = sums.fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
        (if below > 0.0 { above / below } else { 0.0 }, below)
    };
    let (value, total) = of(&mut sums.iter().copied());
    let n = sums.len() as f64;
    let squares: f64 = sums.iter().map(|(x, y)| (x - value * y) * (x - value * y)).sum();
    let error = if total > 0.0 { (squares * n / (n - 1.0)).sqrt() / total } else { 0.0 };
    let half = normal_quantile(1.0 - TAIL) * error;
    let mut seeded = Seeded::new(sums.len() as u64);
    let blocks = together(sums);
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .map(|_| of(&mut (0..blocks.len()).map(|_| blocks[seeded.below(blocks.len())])).0)
        .collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| drawn[((RESAMPLES - 1) as f64 * share).round() as usize];
    Estimate {
        value,
        error,
        normal: Interval { low: value - half, high: value + half },
        bootstrap: Interval { low: at(TAIL), high: at(1.0 - TAIL) },
    }
}

/// At most [`DRAWN_MAX`] sums of as many units each, or of one more.
fn together(sums: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let count = sums.len().min(DRAWN_MAX);
    let mut blocks = vec![(0.0, 0.0); count];
    for (at, (above, below)) in sums.into_iter().enumerate() {
        let block = &mut blocks[at % count];
        *block = (block.0 + above, block.1 + below);
    }
    blocks
}

fn by_unit(units: &[u64], above: &[f64], below: &[f64]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|at| units[*at]);
    let sum = |rows: &[usize]| rows.iter().fold((0.0, 0.0), |(a, b), at| (a + above[*at], b + below[*at]));
    order.chunk_by(|a, b| units[*a] == units[*b]).map(sum).collect()
}
