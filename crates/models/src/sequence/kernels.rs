//! What the layers of a sequence model are made of: products of matrices held row by row, the exponential, layer
//! normalization. The same bits on every processor.

use crate::lanes::{LANES, Lanes, fused_scalar, load};

/// Rows that a tile of a product takes at a time.
const TILE: usize = 4;
/// Smallest and greatest exponents that are told apart; sums of a million of them stay finite.
const EXPONENTS: (f32, f32) = (-80.0, 60.0);
/// Added inside the root of a variance.
const VARIANCE_MIN: f32 = 1e-6;

/// A product `left · right`, both held row by row.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// As many numbers a row as `right` has rows.
    pub left: &'a [f32],
    /// Rows of `width` numbers.
    pub right: &'a [f32],
    /// Whole lanes.
    pub width: usize,
}

impl Rows<'_> {
    /// Adds the product to `out`, rows of `width`; as many rows as `out` has.
    #[inline(always)]
    pub fn add_to(&self, out: &mut [f32]) {
        let rows = out.len() / self.width;
        let tiled = rows / TILE * TILE;
        for row in (0..tiled).step_by(TILE) {
            self.row_tiles::<TILE>(out, row);
        }
        for row in tiled..rows {
            self.row_tiles::<1>(out, row);
        }
    }

    #[inline(always)]
    fn row_tiles<const HIGH: usize>(&self, out: &mut [f32], row: usize) {
        let mut column = 0;
        while column < self.width {
            column += LANES
                * match (self.width - column) / LANES {
                    1 => self.tile::<HIGH, 1>(out, row, column),
                    2 | 3 => self.tile::<HIGH, 2>(out, row, column),
                    _ => self.tile::<HIGH, 4>(out, row, column),
                };
        }
    }

    #[inline(always)]
    fn tile<const HIGH: usize, const WIDE: usize>(
        &self,
        out: &mut [f32],
        row: usize,
        column: usize,
    ) -> usize {
        let inner = self.right.len() / self.width;
        let left: [&[f32]; HIGH] = std::array::from_fn(|tile| &self.left[(row + tile) * inner..][..inner]);
        let mut sums = [[[0.0; LANES]; WIDE]; HIGH];
        for (at, right) in self.right.chunks_exact(self.width).enumerate().take(inner) {
            let right = &right[column..column + WIDE * LANES];
            let lanes: [Lanes; WIDE] = std::array::from_fn(|wide| load(&right[wide * LANES..]));
            for tile in 0..HIGH {
                for wide in 0..WIDE {
                    fused_scalar(left[tile][at], &lanes[wide], &mut sums[tile][wide]);
                }
            }
        }
        for (tile, sums) in sums.iter().enumerate() {
            let at = (row + tile) * self.width + column;
            for (out, sum) in out[at..][..WIDE * LANES].iter_mut().zip(sums.as_flattened()) {
                *out += sum;
            }
        }
        WIDE
    }
}

/// `e^x`, two units in the last place, of `x` brought between the smallest and the greatest exponent; by a power of two
/// and the polynomial of Cephes `expf` (Moshier 1989).
#[inline(always)]
#[allow(clippy::excessive_precision, reason = "the published coefficients")]
pub(crate) fn exp(x: f32) -> f32 {
    /// Adding it leaves a number rounded to a whole one in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.max(EXPONENTS.0).min(EXPONENTS.1);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = whole.mul_add(-0.693_359_375, x);
    let rest = whole.mul_add(2.121_944_40e-4, rest);
    let series = [1.398_199_950_7e-3, 8.333_451_907_3e-3, 4.166_579_589_4e-2, 1.666_666_545_9e-1, 0.5];
    let sum = series.iter().fold(1.987_569_150_0e-4_f32, |sum, next| sum.mul_add(rest, *next));
    let value = sum.mul_add(rest * rest, rest) + 1.0;
    value * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// [`exp`] of each, side by side.
#[inline(always)]
pub(crate) fn exp_each(values: &mut [f32]) {
    let mut lanes = values.chunks_exact_mut(LANES);
    for chunk in &mut lanes {
        let mut values = load(chunk);
        for value in &mut values {
            *value = exp(*value);
        }
        chunk.copy_from_slice(&values);
    }
    for value in lanes.into_remainder() {
        *value = exp(*value);
    }
}

/// What going back through a layer normalization needs.
#[derive(Default)]
pub(crate) struct Normalized {
    /// Rows with mean nought and variance one.
    pub unit: Vec<f32>,
    /// 1 / standard deviation of each row.
    pub inverse: Vec<f32>,
    /// `unit · gain + bias`.
    pub out: Vec<f32>,
}

impl Normalized {
    /// Normalizes rows as long as `gain` (Ba, Kiros, Hinton 2016).
    #[inline(always)]
    pub fn forward(&mut self, rows: &[f32], gain: &[f32], bias: &[f32]) {
        let width = gain.len();
        for list in [&mut self.unit, &mut self.out] {
            list.clear();
            list.resize(rows.len(), 0.0);
        }
        self.inverse.clear();
        let outs = self.unit.chunks_exact_mut(width).zip(self.out.chunks_exact_mut(width));
        for (row, (unit, out)) in rows.chunks_exact(width).zip(outs) {
            let mean = sum(row, |value| value) / width as f32;
            let variance = sum(row, |value| (value - mean) * (value - mean)) / width as f32;
            let inverse = 1.0 / (variance + VARIANCE_MIN).sqrt();
            self.inverse.push(inverse);
            for at in 0..width {
                unit[at] = (row[at] - mean) * inverse;
                out[at] = unit[at].mul_add(gain[at], bias[at]);
            }
        }
    }

    /// Adds to `into` what the slopes `by` of what came out say about what went in, and to the slopes of gain and bias.
    #[inline(always)]
    pub fn backward(&self, by: &[f32], gain: &[f32], slopes: (&mut [f32], &mut [f32]), into: &mut [f32]) {
        let width = gain.len();
        let (gain_slopes, bias_slopes) = slopes;
        let rows = by.chunks_exact(width).zip(self.unit.chunks_exact(width));
        for ((by, unit), (inverse, into)) in rows.zip(self.inverse.iter().zip(into.chunks_exact_mut(width))) {
            let mut sums = [[0.0; LANES]; 2];
            for at in 0..width {
                gain_slopes[at] = by[at].mul_add(unit[at], gain_slopes[at]);
                bias_slopes[at] += by[at];
                let slope = by[at] * gain[at];
                sums[0][at % LANES] += slope;
                sums[1][at % LANES] = slope.mul_add(unit[at], sums[1][at % LANES]);
            }
            let [mean, along] = sums.map(|lanes| crate::lanes::total(&lanes) / width as f32);
            for at in 0..width {
                into[at] += (by[at] * gain[at] - mean - unit[at] * along) * inverse;
            }
        }
    }
}

#[inline(always)]
fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    for chunk in row.chunks_exact(LANES) {
        for lane in 0..LANES {
            sums[lane] += of(chunk[lane]);
        }
    }
    crate::lanes::total(&sums)
}

/// `rows` of `width` numbers, with columns for rows.
pub(crate) fn turned(rows: &[f32], width: usize, out: &mut [f32]) {
    let count = rows.len() / width;
    for (row, values) in rows.chunks_exact(width).enumerate() {
        for (column, value) in values.iter().enumerate() {
            out[column * count + row] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_those_of_libm() {
        for step in -800..600 {
            let x = step as f32 * 0.1 + 0.037;
            let (ours, right) = (f64::from(exp(x)), libm::exp(f64::from(x)));
            assert!((ours / right - 1.0).abs() < 3e-7, "{x}: {ours} {right}");
        }
        assert_eq!((exp(0.0), exp(-1e9), exp(1e9)), (1.0, exp(-80.0), exp(60.0)));
    }

    #[test]
    fn products_are_those_of_three_loops() {
        let mut seeded = crate::seeded::Seeded::new(3);
        let mut values = |count| -> Vec<f32> { (0..count).map(|_| seeded.normal() as f32).collect() };
        for (rows, inner, width) in [(1, 3, 16), (6, 5, 48), (9, 16, 112)] {
            let (left, right) = (values(rows * inner), values(inner * width));
            let mut out = vec![1.0; rows * width];
            Rows { left: &left, right: &right, width }.add_to(&mut out);
            for (at, value) in out.iter().enumerate() {
                let terms = (0..inner).map(|k| left[at / width * inner + k] * right[k * width + at % width]);
                assert!((value - 1.0 - terms.sum::<f32>()).abs() < 1e-5);
            }
        }
    }
}
