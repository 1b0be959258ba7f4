//! Exact sums of gradients by feature and bin. A sum is two integers, so adding is associative: parts of the rows can be
//! added by any thread in any order, and a sibling is its parent less the other child, to the bit.

use super::bins::Codes;

/// Bits of a row count below a sum of second derivatives.
const COUNT_BITS: u32 = 24;
/// Bits of a sum of second derivatives.
const HESSIAN_BITS: f64 = 38.0;
/// Bits of one first derivative.
const GRADIENT_BITS: f64 = 30.0;
/// Bytes of histograms that are filled at once, so that they stay in the first-level cache.
const BLOCK_BYTES: usize = 32 << 10;
/// Rows from which a second thread pays.
pub const PARALLEL_ROWS: usize = 1 << 13;

/// First derivatives in the first word; second derivatives and, below them, the row count in the other.
pub type Sum = [i64; 2];

/// One row's derivatives in fixed point.
#[derive(Clone, Copy, Default)]
pub struct Fixed {
    gradient: i32,
    hessian: u32,
}

impl Fixed {
    #[inline]
    fn sum(self) -> Sum {
        [i64::from(self.gradient), i64::from(self.hessian) << COUNT_BITS | 1]
    }
}

/// What the units of fixed point are worth.
#[derive(Clone, Copy, Debug)]
pub struct Units {
    gradient: f64,
    hessian: f64,
}

/// A sum in floating point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Total {
    pub gradient: f64,
    pub hessian: f64,
    pub count: u32,
}

impl Units {
    /// Powers of two as fine as sums over `derivatives` allow.
    pub fn of(derivatives: &[[f32; 2]]) -> Self {
        let largest = derivatives
            .iter()
            .fold([f32::MIN_POSITIVE; 2], |most, one| [most[0].max(one[0].abs()), most[1].max(one[1])]);
        let row_bits = libm::ceil(libm::log2(derivatives.len().max(2) as f64));
        let unit = |most: f32, bits: f64| libm::exp2(libm::ceil(libm::log2(f64::from(most))) - bits);
        Self {
            gradient: unit(largest[0], GRADIENT_BITS),
            hessian: unit(largest[1], (HESSIAN_BITS - row_bits).min(GRADIENT_BITS)),
        }
    }

    /// Rounds derivatives to whole units.
    pub fn fix(&self, derivatives: &[[f32; 2]], fixed: &mut Vec<Fixed>) {
        let (gradient, hessian) = (1.0 / self.gradient, 1.0 / self.hessian);
        let round = |value: f64| if value < 0.0 { value - 0.5 } else { value + 0.5 };
        fixed.clear();
        fixed.extend(derivatives.iter().map(|one| Fixed {
            gradient: round(f64::from(one[0]) * gradient) as i32,
            hessian: round(f64::from(one[1]) * hessian) as u32,
        }));
    }

    /// The sum in floating point.
    #[inline]
    pub fn total(&self, sum: Sum) -> Total {
        Total {
            gradient: sum[0] as f64 * self.gradient,
            hessian: (sum[1] >> COUNT_BITS) as f64 * self.hessian,
            count: count(sum),
        }
    }
}

/// Rows of a sum.
#[inline]
pub fn count(sum: Sum) -> u32 {
    (sum[1] & ((1 << COUNT_BITS) - 1)) as u32
}

#[inline]
pub fn plus(a: Sum, b: Sum) -> Sum {
    [a[0] + b[0], a[1] + b[1]]
}

#[inline]
pub fn minus(a: Sum, b: Sum) -> Sum {
    [a[0] - b[0], a[1] - b[1]]
}

/// Sums by feature and code; each feature has [`Histogram::stride`] places.
#[derive(Clone, Default)]
pub struct Histogram {
    sums: Vec<Sum>,
    stride: usize,
}

impl Histogram {
    /// Places for `feature_count` features of codes up to `bins_max`.
    pub fn new(feature_count: usize, bins_max: usize) -> Self {
        let stride = if bins_max < 64 { 64 } else { 256 };
        Self { sums: vec![[0; 2]; feature_count * stride], stride }
    }

    /// The sums of one feature by code.
    pub fn of(&self, feature: usize) -> &[Sum] {
        &self.sums[feature * self.stride..][..self.stride]
    }

    /// Becomes the sums over `rows`, in parts by `threads`.
    pub fn fill(&mut self, codes: &Codes, rows: &[u32], fixed: &[Fixed], threads: usize) {
        self.sums.fill([0; 2]);
        if threads < 2 || rows.len() < PARALLEL_ROWS {
            return self.add_rows(codes, rows, fixed);
        }
        let empty = || Self { sums: vec![[0; 2]; self.sums.len()], stride: self.stride };
        let mut parts = rows.chunks(rows.len().div_ceil(threads));
        let own = parts.next().unwrap_or_default();
        let mut others: Vec<(Self, &[u32])> = parts.map(|part| (empty(), part)).collect();
        std::thread::scope(|scope| {
            for (histogram, part) in &mut others {
                scope.spawn(|| histogram.add_rows(codes, part, fixed));
            }
            self.add_rows(codes, own, fixed);
        });
        for (other, _) in &others {
            self.sums.iter_mut().zip(&other.sums).for_each(|(sum, part)| *sum = plus(*sum, *part));
        }
    }

    /// Takes `part` away: a parent becomes the other child.
    pub fn subtract(&mut self, part: &Self) {
        self.sums.iter_mut().zip(&part.sums).for_each(|(sum, part)| *sum = minus(*sum, *part));
    }

    fn add_rows(&mut self, codes: &Codes, rows: &[u32], fixed: &[Fixed]) {
        match self.stride {
            64 => add_rows::<64>(&mut self.sums, codes, rows, fixed),
            _ => add_rows::<256>(&mut self.sums, codes, rows, fixed),
        }
    }
}

/// Adds rows, block of features by block, so that what is written to fits the first-level cache.
fn add_rows<const STRIDE: usize>(sums: &mut [Sum], codes: &Codes, rows: &[u32], fixed: &[Fixed]) {
    let (features, _) = sums.as_chunks_mut::<STRIDE>();
    let block_len = BLOCK_BYTES / (STRIDE * size_of::<Sum>());
    for (block, features) in features.chunks_mut(block_len).enumerate() {
        let from = block * block_len;
        for &row in rows {
            let add = fixed[row as usize].sum();
            let row_codes = &codes.by_row[row as usize * codes.feature_count + from..][..features.len()];
            for (feature, &code) in features.iter_mut().zip(row_codes) {
                let sum = &mut feature[usize::from(code) & (STRIDE - 1)];
                *sum = plus(*sum, add);
            }
        }
    }
}
