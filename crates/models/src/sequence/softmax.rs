//! The output layer: a full softmax over all learned products, forward and backward at once, in panels of products that
//! fit the cache. With `p = softmax(E h)` and t the product that came next, the loss is `−ln p_t`, its slopes
//! `Eᵀ (p − 1_t)` for h and `(p − 1_t) hᵀ` for E.

use super::kernels::{Rows, exp, turned};
use crate::lanes::{Kernel, Outer, dispatch};
use crate::parts;

/// Products of a panel.
pub(crate) const PANEL: usize = 64;
/// Moments that a thread takes at a time.
const BLOCK: usize = 32;

/// Product vectors and working memory.
#[derive(Default)]
pub(crate) struct Output {
    pub width: usize,
    /// Which products take part, one or nought each, up to whole panels.
    pub learned: Vec<f32>,
    /// A row a product, up to whole panels.
    pub vectors: Vec<f32>,
    /// The same panel by panel, products side by side.
    turned: Vec<f32>,
    /// `e^(E h)`, panel by panel, moment by moment.
    grid: Vec<f32>,
    /// Sums of the grid's rows, panel by panel.
    sums: Vec<f32>,
    /// Slopes of the vectors.
    pub slopes: Vec<f32>,
}

impl Output {
    /// No vectors yet; `learned` says which products take part.
    pub fn new(learned: &[bool], width: usize) -> Self {
        let len = learned.len().next_multiple_of(PANEL);
        let mut mask = vec![0.0; len];
        mask.iter_mut().zip(learned).for_each(|(mask, learned)| *mask = f32::from(u8::from(*learned)));
        let zeros = || vec![0.0; len * width];
        Self { width, learned: mask, vectors: zeros(), turned: zeros(), slopes: zeros(), ..Self::default() }
    }

    /// The sum of the losses of `wanted`, a row a moment, where `next` came; `wanted` becomes its slopes × `weight`, and
    /// [`Output::slopes`] those of the vectors.
    pub fn run(&mut self, wanted: &mut Vec<f32>, next: &[u32], weight: f32, threads: usize) -> f64 {
        let (width, moments) = (self.width, next.len());
        self.grid.resize(self.learned.len() * moments, 0.0);
        self.sums.resize(self.learned.len() / PANEL * moments, 0.0);
        self.score(wanted, threads);
        let totals: Vec<f32> = (0..moments)
            .map(|moment| self.sums.iter().skip(moment).step_by(moments).sum::<f32>())
            .collect();
        let mut slopes = vec![0.0; wanted.len()];
        let whole = &*self;
        parts::each_with(&mut slopes, BLOCK * width, threads, |from, part| {
            dispatch(Back { whole, moments, from: from / width, part });
        });
        let mut loss = 0.0;
        for (moment, &product) in next.iter().enumerate() {
            let place = product as usize / PANEL * moments * PANEL + moment * PANEL + product as usize % PANEL;
            loss -= libm::log(f64::from(self.grid[place]) / f64::from(totals[moment]));
            let vector = &self.vectors[product as usize * width..][..width];
            let slope = &mut slopes[moment * width..][..width];
            for (slope, value) in slope.iter_mut().zip(vector) {
                *slope = weight * (*slope / totals[moment] - value);
            }
            wanted[moment * width..][..width].iter_mut().for_each(|value| *value *= weight);
        }
        self.vector_slopes(wanted, next, &totals, threads);
        *wanted = slopes;
        loss
    }

    fn score(&mut self, wanted: &[f32], threads: usize) {
        let (width, moments) = (self.width, wanted.len() / self.width);
        let Self { learned, vectors, turned, grid, sums, .. } = self;
        let panels = vectors.chunks(PANEL * width).zip(turned.chunks_mut(PANEL * width));
        let outs = grid.chunks_mut(PANEL * moments).zip(sums.chunks_mut(moments));
        let work = panels.zip(outs).zip(learned.chunks(PANEL));
        let mut work: Vec<_> = work
            .map(|(((vectors, turned), (grid, sums)), learned)| Panel {
                vectors,
                turned,
                grid,
                sums,
                learned,
                wanted,
                width,
            })
            .collect();
        parts::each_with(&mut work, 1, threads, |_, panel| {
            panel.iter_mut().for_each(|panel| dispatch(panel));
        });
    }

    /// `wanted` is × the weight.
    fn vector_slopes(&mut self, wanted: &[f32], next: &[u32], totals: &[f32], threads: usize) {
        let (width, moments) = (self.width, next.len());
        let mut divided = wanted.to_vec();
        for (row, total) in divided.chunks_exact_mut(width).zip(totals) {
            row.iter_mut().for_each(|value| *value /= total);
        }
        let (grid, divided) = (&self.grid, &divided);
        parts::each_with(&mut self.slopes, PANEL * width, threads, |from, part| {
            let grid = &grid[from / width * moments..][..PANEL * moments];
            dispatch(Slopes { grid, divided, width, part });
        });
        for (row, product) in wanted.chunks_exact(width).zip(next) {
            let slopes = &mut self.slopes[*product as usize * width..][..width];
            slopes.iter_mut().zip(row).for_each(|(slope, value)| *slope -= value);
        }
    }
}

/// Scores of a panel's products at all moments, as powers of e.
struct Panel<'a> {
    vectors: &'a [f32],
    turned: &'a mut [f32],
    grid: &'a mut [f32],
    sums: &'a mut [f32],
    learned: &'a [f32],
    wanted: &'a [f32],
    width: usize,
}

impl Kernel for &mut Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        turned(self.vectors, self.width, self.turned);
        self.grid.fill(0.0);
        Rows { left: self.wanted, right: self.turned, width: PANEL }.add_to(self.grid);
        for (row, sum) in self.grid.chunks_exact_mut(PANEL).zip(self.sums.iter_mut()) {
            let mut lanes = [0.0; crate::lanes::LANES];
            for (at, (value, learned)) in row.iter_mut().zip(self.learned).enumerate() {
                *value = exp(*value) * learned;
                lanes[at % crate::lanes::LANES] += *value;
            }
            *sum = crate::lanes::total(&lanes);
        }
    }
}

/// `Σ e^score · vector` of some moments.
struct Back<'a> {
    whole: &'a Output,
    moments: usize,
    from: usize,
    part: &'a mut [f32],
}

impl Kernel for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.whole.width;
        let count = self.part.len() / width;
        let panels = self.whole.grid.chunks_exact(PANEL * self.moments);
        for (grid, vectors) in panels.zip(self.whole.vectors.chunks_exact(PANEL * width)) {
            let left = &grid[self.from * PANEL..][..count * PANEL];
            Rows { left, right: vectors, width }.add_to(self.part);
        }
    }
}

/// `Σ e^score · wanted` of a panel's products.
struct Slopes<'a> {
    grid: &'a [f32],
    divided: &'a [f32],
    width: usize,
    part: &'a mut [f32],
}

impl Kernel for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.part.fill(0.0);
        Outer { left: (self.grid, PANEL), right: (self.divided, self.width), rows: PANEL }
            .add_to(self.part, |_| 0);
    }
}
