//! Eigenvalues and eigenvectors of a symmetric matrix: Householder's tridiagonal form, then implicit QL (Bowdler, Martin,
//! Reinsch, Wilkinson 1968; EISPACK `tred2` and `tql2`). In 64 bits, in one fixed order.

/// Eigenvalues, greatest first, and their vectors, one a row.
pub struct Eigen {
    /// Greatest first.
    pub values: Vec<f64>,
    /// Row i belongs to value i; each has length one.
    pub vectors: Vec<f64>,
}

/// Decomposes a symmetric matrix of `size` rows.
pub fn symmetric(matrix: Vec<f64>, size: usize) -> Eigen {
    let mut work = Work { rows: matrix, size, diagonal: vec![0.0; size], beside: vec![0.0; size] };
    if size > 0 {
        work.tridiagonalize();
        work.accumulate();
        work.diagonalize();
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| work.diagonal[b].total_cmp(&work.diagonal[a]).then(a.cmp(&b)));
    Eigen {
        values: order.iter().map(|&at| work.diagonal[at]).collect(),
        vectors: order.iter().flat_map(|&at| work.rows[at * size..][..size].iter().copied()).collect(),
    }
}

/// The matrix, later its vectors, each a row (EISPACK's `z`, transposed, so that inner loops run along rows).
struct Work {
    rows: Vec<f64>,
    size: usize,
    diagonal: Vec<f64>,
    beside: Vec<f64>,
}

impl Work {
    fn at(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.rows[column * self.size + row]
    }

    fn tridiagonalize(&mut self) {
        let n = self.size;
        for j in 0..n {
            self.diagonal[j] = *self.at(n - 1, j);
        }
        for i in (1..n).rev() {
            let scale: f64 = self.diagonal[..i].iter().map(|value| value.abs()).sum();
            let mut h = 0.0;
            if scale == 0.0 {
                self.beside[i] = self.diagonal[i - 1];
                for j in 0..i {
                    self.diagonal[j] = *self.at(i - 1, j);
                    *self.at(i, j) = 0.0;
                    *self.at(j, i) = 0.0;
                }
            } else {
                for value in &mut self.diagonal[..i] {
                    *value /= scale;
                    h += *value * *value;
                }
                let f = self.diagonal[i - 1];
                let g = if f > 0.0 { -h.sqrt() } else { h.sqrt() };
                self.beside[i] = scale * g;
                h -= f * g;
                self.diagonal[i - 1] = f - g;
                self.reflect(i, h);
            }
            self.diagonal[i] = h;
        }
    }

    /// Applies the reflection held in `diagonal[..i]` from both sides.
    fn reflect(&mut self, i: usize, h: f64) {
        let n = self.size;
        let Self { rows, diagonal: d, beside: e, .. } = self;
        e[..i].fill(0.0);
        for j in 0..i {
            let f = d[j];
            rows[i * n + j] = f;
            let row = &rows[j * n..][..i];
            let mut g = e[j] + row[j] * f;
            for k in j + 1..i {
                g += row[k] * d[k];
                e[k] += row[k] * f;
            }
            e[j] = g;
        }
        let mut f = 0.0;
        for j in 0..i {
            e[j] /= h;
            f += e[j] * d[j];
        }
        let hh = f / (h + h);
        for j in 0..i {
            e[j] -= hh * d[j];
        }
        for j in 0..i {
            let (f, g) = (d[j], e[j]);
            let row = &mut rows[j * n..][..n];
            for k in j..i {
                row[k] -= f * e[k] + g * d[k];
            }
            d[j] = row[i - 1];
            row[i] = 0.0;
        }
    }

    fn accumulate(&mut self) {
        let n = self.size;
        for i in 0..n - 1 {
            *self.at(n - 1, i) = self.rows[i * n + i];
            *self.at(i, i) = 1.0;
            let h = self.diagonal[i + 1];
            let (before, after) = self.rows.split_at_mut((i + 1) * n);
            let next = &mut after[..=i];
            if h != 0.0 {
                for (value, next) in self.diagonal.iter_mut().zip(&*next) {
                    *value = next / h;
                }
                for row in before.chunks_exact_mut(n) {
                    let g: f64 = next.iter().zip(&*row).map(|(a, b)| a * b).sum();
                    for (value, d) in row.iter_mut().zip(&self.diagonal[..=i]) {
                        *value -= g * d;
                    }
                }
            }
            next.fill(0.0);
        }
        for j in 0..n {
            self.diagonal[j] = *self.at(n - 1, j);
            *self.at(n - 1, j) = 0.0;
        }
        *self.at(n - 1, n - 1) = 1.0;
        self.beside[0] = 0.0;
    }

    fn diagonalize(&mut self) {
        let n = self.size;
        self.beside.rotate_left(1);
        self.beside[n - 1] = 0.0;
        let (mut shift, mut scale) = (0.0, 0.0_f64);
        for l in 0..n {
            scale = scale.max(self.diagonal[l].abs() + self.beside[l].abs());
            let is_small = |value: &f64| value.abs() <= f64::EPSILON * scale;
            let m = l + self.beside[l..].iter().position(is_small).unwrap_or(n - 1 - l);
            if m > l {
                // 30 steps are EISPACK's limit too; more than three are seldom needed.
                for _ in 0..30 {
                    shift += self.step(l, m);
                    if self.beside[l].abs() <= f64::EPSILON * scale {
                        break;
                    }
                }
            }
            self.diagonal[l] += shift;
            self.beside[l] = 0.0;
        }
    }

    /// One implicit QL step on l..=m; gives what the diagonal was shifted by.
    fn step(&mut self, l: usize, m: usize) -> f64 {
        let n = self.size;
        let Self { rows, diagonal: d, beside: e, .. } = self;
        let g = d[l];
        let mut p = (d[l + 1] - g) / (2.0 * e[l]);
        let r = if p < 0.0 { -(p * p + 1.0).sqrt() } else { (p * p + 1.0).sqrt() };
        d[l] = e[l] / (p + r);
        d[l + 1] = e[l] * (p + r);
        let (next, h) = (d[l + 1], g - d[l]);
        d[l + 2..].iter_mut().for_each(|value| *value -= h);
        p = d[m];
        let (mut c, mut c2, mut c3) = (1.0, 1.0, 1.0);
        let (mut s, mut s2) = (0.0, 0.0);
        let beside_next = e[l + 1];
        for i in (l..m).rev() {
            (c3, c2, s2) = (c2, c, s);
            let (g, h) = (c * e[i], c * p);
            let r = (p * p + e[i] * e[i]).sqrt();
            e[i + 1] = s * r;
            (s, c) = (e[i] / r, p / r);
            p = c * d[i] - s * g;
            d[i + 1] = h + s * (c * g + s * d[i]);
            let (row, above) = rows[i * n..][..2 * n].split_at_mut(n);
            for (low, high) in row.iter_mut().zip(above) {
                (*low, *high) = (c * *low - s * *high, s * *low + c * *high);
            }
        }
        p = -s * s2 * c3 * beside_next * e[l] / next;
        e[l] = s * p;
        d[l] = c * p;
        h
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn vectors_are_orthonormal_and_give_the_matrix_back() {
        for size in [1, 2, 5, 40] {
            let mut seeded = Seeded::new(size as u64);
            let mut matrix = vec![0.0; size * size];
            for i in 0..size {
                for j in 0..=i {
                    let value = seeded.normal();
                    matrix[i * size + j] = value;
                    matrix[j * size + i] = value;
                }
            }
            let Eigen { values, vectors } = symmetric(matrix.clone(), size);
            assert!(values.is_sorted_by(|a, b| a >= b));
            let vector = |at: usize| &vectors[at * size..][..size];
            for i in 0..size {
                for j in 0..size {
                    let inner: f64 = vector(i).iter().zip(vector(j)).map(|(a, b)| a * b).sum();
                    assert!((inner - f64::from(u8::from(i == j))).abs() < 1e-10);
                    let back: f64 = (0..size).map(|k| values[k] * vector(k)[i] * vector(k)[j]).sum();
                    assert!((back - matrix[i * size + j]).abs() < 1e-10, "{size}");
                }
            }
        }
    }
}
