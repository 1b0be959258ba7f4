//! Float kernels in lanes of sixteen. The order of every sum is fixed and each step is one fused multiply–add, which is
//! exact to the last bit wherever it runs, so that AVX-512, AVX2, NEON and plain code give the same numbers.

/// Values that are worked on side by side; vectors are as long as a multiple of it.
pub const LANES: usize = 16;

/// `len` rounded up to whole lanes.
pub fn padded(len: usize) -> usize {
    len.next_multiple_of(LANES)
}

/// Work to be compiled for what the processor can do. [`Kernel::run`] MUST be `#[inline(always)]`.
pub trait Kernel {
    /// What comes out.
    type Output;
    /// Does it.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` with the widest instructions there are. Choose work of microseconds or more.
#[inline]
#[allow(
    unsafe_code,
    reason = "calling what was compiled for more instructions, after asking whether they are there"
)]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            // SAFETY: the processor has these instructions, as was just asked.
            return unsafe { with_avx512(kernel) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has these instructions, as was just asked.
            return unsafe { with_avx2(kernel) };
        }
    }
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
fn with_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// Sixteen values.
pub type Lanes = [f32; LANES];

/// The first sixteen of `values`.
#[inline(always)]
pub fn load(values: &[f32]) -> Lanes {
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(&values[..LANES]);
    lanes
}

/// `sum + a · b` in each lane.
#[inline(always)]
pub fn fused(a: &Lanes, b: &Lanes, sum: &mut Lanes) {
    for lane in 0..LANES {
        sum[lane] = a[lane].mul_add(b[lane], sum[lane]);
    }
}

/// `sum + a · b` in each lane, with the same `a` for all.
#[inline(always)]
pub fn fused_scalar(a: f32, b: &Lanes, sum: &mut Lanes) {
    for lane in 0..LANES {
        sum[lane] = a.mul_add(b[lane], sum[lane]);
    }
}

/// The sum of the lanes: halves onto halves. Written out, since a loop over halves is not unrolled.
#[inline(always)]
pub fn total(lanes: &Lanes) -> f32 {
    let (mut eight, mut four) = ([0.0; 8], [0.0; 4]);
    for lane in 0..8 {
        eight[lane] = lanes[lane] + lanes[lane + 8];
    }
    for lane in 0..4 {
        four[lane] = eight[lane] + eight[lane + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}

/// `Σ a · b` over whole lanes.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sum = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        fused(&load(a), &load(b), &mut sum);
    }
    total(&sum)
}

/// `sum += a · b` over whole lanes.
#[inline(always)]
pub fn axpy(a: f32, b: &[f32], sum: &mut [f32]) {
    for (b, sum) in b.chunks_exact(LANES).zip(sum.chunks_exact_mut(LANES)) {
        let mut lanes = load(sum);
        fused_scalar(a, &load(b), &mut lanes);
        sum.copy_from_slice(&lanes);
    }
}

/// Rows that a tile of a product takes at a time.
const TILE: usize = 4;

/// A product `leftᵀ · right` of two matrices with as many rows, held row by row.
#[derive(Clone, Copy)]
pub struct Outer<'a> {
    /// The left matrix and how long its rows are.
    pub left: (&'a [f32], usize),
    /// The right matrix and how long its rows are: whole lanes.
    pub right: (&'a [f32], usize),
    /// Rows of the product: the first columns of `left`, a multiple of four.
    pub rows: usize,
}

impl Outer<'_> {
    /// Adds the product to `out`, whose rows are as long as those of `right`. Of a symmetric product only what is on or
    /// above the diagonal is worth computing: `from(row)` says at which column a row starts, in whole lanes.
    #[inline(always)]
    pub fn add_to(&self, out: &mut [f32], from: impl Fn(usize) -> usize) {
        for row in (0..self.rows).step_by(TILE) {
            let mut column = from(row);
            while column < self.right.1 {
                let wide = (self.right.1 - column) / LANES;
                column += LANES
                    * match wide {
                        1 => self.tile::<1>(out, row, column),
                        2 | 3 => self.tile::<2>(out, row, column),
                        _ => self.tile::<4>(out, row, column),
                    };
            }
        }
    }

    #[inline(always)]
    fn tile<const WIDE: usize>(&self, out: &mut [f32], row: usize, column: usize) -> usize {
        let ((left, left_len), (right, right_len)) = (self.left, self.right);
        let mut sums = [[[0.0; LANES]; WIDE]; TILE];
        for (left, right) in left.chunks_exact(left_len).zip(right.chunks_exact(right_len)) {
            let (left, right) = (&left[row..row + TILE], &right[column..column + WIDE * LANES]);
            let lanes: [Lanes; WIDE] = std::array::from_fn(|wide| load(&right[wide * LANES..]));
            for tile in 0..TILE {
                for wide in 0..WIDE {
                    fused_scalar(left[tile], &lanes[wide], &mut sums[tile][wide]);
                }
            }
        }
        for (tile, sums) in sums.iter().enumerate() {
            let at = (row + tile) * right_len + column;
            for (out, sum) in out[at..][..WIDE * LANES].iter_mut().zip(sums.as_flattened()) {
                *out += sum;
            }
        }
        WIDE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Everything<'a>(&'a [f32], &'a [f32]);

    impl Kernel for Everything<'_> {
        type Output = Vec<u32>;
        #[inline(always)]
        fn run(self) -> Vec<u32> {
            let mut out = vec![0.0; 48 * 48];
            Outer { left: (self.0, 48), right: (self.1, 48), rows: 48 }.add_to(&mut out, |_| 0);
            axpy(0.3, &self.0[..48], &mut out[..48]);
            out.push(dot(self.0, self.1));
            out.iter().map(|value| value.to_bits()).collect()
        }
    }

    #[test]
    fn every_processor_gives_the_same_bits() {
        let mut seeded = crate::seeded::Seeded::new(1);
        let mut values = || -> Vec<f32> { (0..48 * 7).map(|_| seeded.normal() as f32).collect() };
        let (a, b) = (values(), values());
        let plain = Everything(&a, &b).run();
        assert_eq!(dispatch(Everything(&a, &b)), plain);
        let slow: f64 = (0..7).map(|row| f64::from(a[row * 48 + 5]) * f64::from(b[row * 48 + 40])).sum();
        assert!((f64::from(f32::from_bits(plain[5 * 48 + 40])) - slow).abs() < 1e-5);
    }
}
