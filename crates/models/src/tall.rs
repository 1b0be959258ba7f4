//! Tall matrices, row by row and as wide as whole lanes: their Gram matrix, and their product with a small square one.

use crate::lanes::{Kernel, LANES, Outer, dispatch};
use crate::parts;

/// `rowsᵀ · rows`, summed in parts of a fixed length.
pub fn gram(rows: &[f32], width: usize, threads: usize) -> Vec<f64> {
    let part_len = 4096 * width;
    let sums = parts::map(rows.len().div_ceil(part_len), threads, |part| {
        let rows = &rows[part * part_len..];
        dispatch(Gram { rows: &rows[..part_len.min(rows.len())], width })
    });
    let mut gram = vec![0.0; width * width];
    for row in 0..width {
        for column in row..width {
            let sum: f64 = sums.iter().map(|sum| f64::from(sum[row * width + column])).sum();
            gram[row * width + column] = sum;
            gram[column * width + row] = sum;
        }
    }
    gram
}

/// Every row of `rows`, `width` long, times `rotation`, in place.
pub fn rotate(rows: &mut [f32], rotation: &[f32], width: usize, threads: usize) {
    parts::each_with(rows, 256 * width, threads, |_, rows| {
        dispatch(Rotate { rows, rotation, width });
    });
}

struct Gram<'a> {
    rows: &'a [f32],
    width: usize,
}

impl Kernel for Gram<'_> {
    type Output = Vec<f32>;

    /// On and above the diagonal.
    #[inline(always)]
    fn run(self) -> Vec<f32> {
        let width = self.width;
        let mut sum = vec![0.0; width * width];
        // Blocks that fit the first cache.
        for block in self.rows.chunks((8192 / width).max(16) * width) {
            let product = Outer { left: (block, width), right: (block, width), rows: width };
            product.add_to(&mut sum, |row| row / LANES * LANES);
        }
        sum
    }
}

struct Rotate<'a> {
    rows: &'a mut [f32],
    rotation: &'a [f32],
    width: usize,
}

impl Kernel for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.width;
        let mut turned = vec![0.0; 16 * width];
        for block in self.rows.chunks_mut(16 * width) {
            let count = block.len() / width;
            for (row, values) in block.chunks_exact(width).enumerate() {
                values.iter().enumerate().for_each(|(at, value)| turned[at * 16 + row] = *value);
            }
            block.fill(0.0);
            let rows = count / 4 * 4;
            let product = Outer { left: (&turned, 16), right: (self.rotation, width), rows };
            product.add_to(block, |_| 0);
            if rows < count {
                let mut rest = vec![0.0; 4 * width];
                Outer { left: (&turned[rows..], 16), right: (self.rotation, width), rows: 4 }
                    .add_to(&mut rest, |_| 0);
                block[rows * width..].copy_from_slice(&rest[..(count - rows) * width]);
            }
        }
    }
}
