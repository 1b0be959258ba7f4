//! The best inner products with one vector among many, exactly, at the cost of reading a quarter of them: every vector is
//! also kept in bytes with how far off those are, and only what may still be among the best is scored in full.

use crate::lanes::{Kernel, LANES, dispatch, dot};
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use serde::{Deserialize, Serialize};

/// Vectors of one length, whole lanes, in full and in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vectors {
    width: u32,
    count: u32,
    /// Row by row.
    full: Vec<f32>,
    /// In blocks of sixteen vectors, number by number.
    bytes: Vec<i8>,
    /// What a byte of each vector stands for; as many as there are vectors in whole blocks.
    units: Vec<f32>,
    /// Length of what the bytes leave out of each vector, rounded up.
    errors: Vec<f32>,
}

/// Working memory.
#[derive(Default)]
pub(crate) struct Found {
    /// What each score is at least.
    least: Vec<f32>,
}

impl Vectors {
    /// From rows of `width` numbers, one after the other.
    pub fn new(full: Vec<f32>, width: usize) -> Self {
        let count = full.len() / width.max(1);
        let blocks = count.div_ceil(LANES);
        let mut made = Self {
            width: width as u32,
            count: count as u32,
            full,
            bytes: vec![0; blocks * LANES * width],
            units: vec![0.0; blocks * LANES],
            errors: vec![0.0; blocks * LANES],
        };
        for at in 0..count {
            made.round(at);
        }
        made
    }

    fn round(&mut self, at: usize) {
        let width = self.width as usize;
        let row = &self.full[at * width..][..width];
        let greatest = row.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let unit = if greatest > 0.0 { greatest / 127.0 } else { 1.0 };
        let mut error = 0.0;
        for (place, value) in row.iter().enumerate() {
            let byte = (value / unit).round() as i8;
            self.bytes[(at / LANES * width + place) * LANES + at % LANES] = byte;
            let off = value - f32::from(byte) * unit;
            error += off * off;
        }
        self.units[at] = unit;
        // A thousandth more than it is, for the rounding of sums.
        self.errors[at] = error.sqrt() * 1.001 + 1e-4 * unit;
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// All rows, one after the other.
    pub fn rows(&self) -> &[f32] {
        &self.full
    }

    /// Bytes that they take.
    pub fn size_bytes(&self) -> usize {
        4 * (self.full.len() + self.units.len() + self.errors.len()) + self.bytes.len()
    }

    /// The best positive inner products with `vector` but for `excluded`, best first.
    pub(crate) fn best(
        &self,
        vector: &[f32],
        excluded: &[ProductNo],
        limit: usize,
        found: &mut Found,
    ) -> Vec<(f32, ProductNo)> {
        self.best_with(&[], vector, excluded, limit, found)
    }

    /// The same with `added` to the inner products: nothing, or a score a product in whole lanes.
    pub(crate) fn best_with(
        &self,
        added: &[f32],
        vector: &[f32],
        excluded: &[ProductNo],
        limit: usize,
        found: &mut Found,
    ) -> Vec<(f32, ProductNo)> {
        let Found { least } = found;
        least.resize(self.units.len(), 0.0);
        let length = dispatch(Rough { vectors: self, vector, least });
        least.iter_mut().zip(added).for_each(|(least, added)| *least += added);
        least[self.count()..].fill(f32::NEG_INFINITY);
        for product in excluded.iter().filter(|product| product.0 < self.count) {
            least[product.index()] = f32::NEG_INFINITY;
        }
        let bar = greatest(least, limit).last().filter(|_| limit > 0).map_or(0.0, |last| last.0);
        // A little less than it is, for the rounding of sums.
        let bar = bar - 1e-6 * bar.abs();
        dispatch(Exact { vectors: self, added, vector, least, length, bar, limit })
    }
}

/// Writes what each score is at least; gives the vector's length.
struct Rough<'a> {
    vectors: &'a Vectors,
    vector: &'a [f32],
    least: &'a mut [f32],
}

impl Kernel for Rough<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        let Self { vectors, vector, least } = self;
        let length = dot(vector, vector).sqrt();
        let blocks = vectors.bytes.chunks_exact((LANES * vector.len()).max(1));
        for (at, (block, least)) in blocks.zip(least.chunks_exact_mut(LANES)).enumerate() {
            let mut sums = [[0.0_f32; LANES]; 2];
            for (pair, values) in block.chunks_exact(2 * LANES).zip(vector.chunks_exact(2)) {
                for (sum, (bytes, value)) in sums.iter_mut().zip(pair.chunks_exact(LANES).zip(values)) {
                    for lane in 0..LANES {
                        sum[lane] = f32::from(bytes[lane]).mul_add(*value, sum[lane]);
                    }
                }
            }
            let units = &vectors.units[at * LANES..][..LANES];
            let errors = &vectors.errors[at * LANES..][..LANES];
            for lane in 0..LANES {
                least[lane] = (sums[0][lane] + sums[1][lane]) * units[lane] - errors[lane] * length;
            }
        }
        length
    }
}

/// Scores in full what may be among the best.
struct Exact<'a> {
    vectors: &'a Vectors,
    added: &'a [f32],
    vector: &'a [f32],
    least: &'a [f32],
    length: f32,
    bar: f32,
    limit: usize,
}

impl Kernel for Exact<'_> {
    type Output = Vec<(f32, ProductNo)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let width = self.vector.len();
        let mut top = TopK::new(self.limit.min(self.vectors.count()));
        for (at, lanes) in self.least.chunks_exact(LANES).enumerate() {
            let errors = &self.vectors.errors[at * LANES..][..LANES];
            let mut most = [0.0_f32; LANES];
            for lane in 0..LANES {
                most[lane] = (2.0 * self.length).mul_add(errors[lane], lanes[lane]);
            }
            if !most.iter().fold(false, |any, most| any | (*most >= self.bar)) {
                continue;
            }
            for lane in (0..LANES).filter(|lane| most[*lane] >= self.bar) {
                let product = at * LANES + lane;
                let score = dot(&self.vectors.full[product * width..][..width], self.vector)
                    + self.added.get(product).unwrap_or(&0.0);
                if score > 0.0 && score.is_finite() {
                    top.push(score, ProductNo(product as u32));
                }
            }
        }
        top.into_sorted()
    }
}

/// The best positive of `scores`, one a product.
pub(crate) fn greatest(scores: &[f32], limit: usize) -> Vec<(f32, ProductNo)> {
    let mut top = TopK::new(limit.min(scores.len()));
    let mut bar = 0.0;
    for (block, lanes) in scores.chunks(LANES).enumerate() {
        if lanes.iter().fold(false, |any, score| any | (*score > bar)) {
            for (at, &score) in lanes.iter().enumerate() {
                if score > bar && score.is_finite() {
                    top.push(score, ProductNo((block * LANES + at) as u32));
                }
            }
            bar = top.bar().max(0.0);
        }
    }
    let mut best = top.into_sorted();
    best.truncate(limit);
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn what_is_found_is_what_scoring_all_would_find() {
        let mut seeded = Seeded::new(2);
        for count in [1, 16, 1000] {
            let mut rows: Vec<f32> = (0..count * 32).map(|_| seeded.normal() as f32).collect();
            rows[..32].fill(0.0);
            let vectors = Vectors::new(rows.clone(), 32);
            for limit in [0, 1, 20, 2000] {
                let vector: Vec<f32> = (0..32).map(|_| seeded.normal() as f32).collect();
                let mut scores: Vec<f32> = rows.chunks_exact(32).map(|row| dot(row, &vector)).collect();
                let excluded = [ProductNo(3), ProductNo(77_777)];
                if let Some(score) = scores.get_mut(3) {
                    *score = f32::NEG_INFINITY;
                }
                let found = vectors.best(&vector, &excluded, limit, &mut Found::default());
                assert_eq!(found, greatest(&scores, limit), "{count} {limit}");
            }
        }
    }
}
