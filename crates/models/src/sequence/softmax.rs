//! The output layer: a softmax over some products, forward and backward at once, in panels that fit the cache. Of all N
//! learned products S are drawn at random for a step, each standing for N / S (the sampled softmax of Jean, Cho, Memisevic,
//! Bengio 2015 for a uniform draw, where the correction by log Q is one factor); S = N is the full softmax. For t, which
//! came next: `loss = −ln p_t`, `p_t = e^(t·h) / total`, `total = e^(t·h) + N/S Σ_j≠t e^(j·h)`.

use super::kernels::{Rows, exp, exp_each, turned};
use crate::lanes::{Kernel, LANES, Outer, axpy, dispatch, dot, total};
use crate::parts;
use crate::seeded::Seeded;

/// Products of a panel.
const PANEL: usize = 64;
/// Moments that a thread takes at a time.
const BLOCK: usize = 32;
/// No place among the drawn.
const NOWHERE: u32 = u32::MAX;

/// The drawn and working memory.
#[derive(Default)]
pub(crate) struct Output {
    width: usize,
    /// Products to draw from.
    learned: Vec<u32>,
    /// The drawn, ascending.
    drawn: Vec<u32>,
    /// Where a product stands among the drawn.
    places: Vec<u32>,
    /// Vectors of the drawn, up to whole panels.
    vectors: Vec<f32>,
    /// The same panel by panel, products side by side.
    turned: Vec<f32>,
    /// `e^(j·h)`, panel by panel, moment by moment.
    grid: Vec<f32>,
    /// Sums of the grid's rows, panel by panel.
    sums: Vec<f32>,
    /// Slopes of the drawn.
    slopes: Vec<f32>,
}

/// What a step asks.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    /// Vectors of all products.
    pub vectors: &'a [f32],
    /// What came next at each moment.
    pub next: &'a [u32],
    /// What the loss of a moment counts.
    pub weight: f32,
    pub threads: usize,
}

impl Output {
    /// Products that are `learned` take part.
    pub fn new(learned: &[bool], width: usize) -> Self {
        let numbers = (0..learned.len() as u32).filter(|number| learned[*number as usize]);
        Self { width, learned: numbers.collect(), places: vec![NOWHERE; learned.len()], ..Self::default() }
    }

    /// Draws at most `count` products; 0 for all.
    pub fn draw(&mut self, count: usize, mut seeded: Seeded) {
        self.drawn.iter().for_each(|product| self.places[*product as usize] = NOWHERE);
        self.drawn.clone_from(&self.learned);
        if count > 0 && count < self.drawn.len() {
            for at in 0..count {
                let other = at + seeded.below(self.drawn.len() - at);
                self.drawn.swap(at, other);
            }
            self.drawn.truncate(count);
            self.drawn.sort_unstable();
        }
        for (place, product) in self.drawn.iter().enumerate() {
            self.places[*product as usize] = place as u32;
        }
    }

    /// The sum of the losses of `wanted`, a row a moment; `wanted` becomes its slopes, and those of all products' vectors
    /// are added to `slopes`.
    pub fn run(&mut self, step: &Step<'_>, wanted: &mut Vec<f32>, slopes: &mut [f32]) -> f64 {
        let width = self.width;
        self.score(step, wanted);
        let share = self.learned.len() as f32 / self.drawn.len().max(1) as f32;
        let (mut back, whole, moments) = (vec![0.0; wanted.len()], &*self, step.next.len());
        parts::each_with(&mut back, BLOCK * width, step.threads, |from, part| {
            dispatch(Back { whole, moments, from: from / width, part });
        });
        let mut loss = 0.0;
        let rows = wanted.chunks_exact_mut(width).zip(back.chunks_exact_mut(width));
        for (moment, (wanted, back)) in rows.enumerate() {
            let product = step.next[moment] as usize;
            let vector = &step.vectors[product * width..][..width];
            let right = exp(dot(vector, wanted));
            let others = self.sums.iter().skip(moment).step_by(moments).sum::<f32>();
            let total = right + share * others;
            loss -= libm::log(f64::from(right) / f64::from(total));
            let missing = step.weight * (right / total - 1.0);
            let factor = step.weight * share / total;
            axpy(missing, wanted, &mut slopes[product * width..][..width]);
            back.iter_mut().for_each(|value| *value *= factor);
            axpy(missing, vector, back);
            wanted.iter_mut().for_each(|value| *value *= factor);
        }
        self.add_slopes(step, wanted, slopes);
        *wanted = back;
        loss
    }

    fn score(&mut self, step: &Step<'_>, wanted: &[f32]) {
        let (width, moments) = (self.width, step.next.len());
        let count = self.drawn.len().next_multiple_of(PANEL);
        for list in [&mut self.vectors, &mut self.turned, &mut self.slopes] {
            list.resize(count * width, 0.0);
        }
        self.grid.resize(count * moments, 0.0);
        self.sums.resize(count / PANEL * moments, 0.0);
        let places: Vec<u32> = step.next.iter().map(|product| self.places[*product as usize]).collect();
        let vectors = self.vectors.chunks_mut(PANEL * width).zip(self.turned.chunks_mut(PANEL * width));
        let outs = self.grid.chunks_mut(PANEL * moments).zip(self.sums.chunks_mut(moments));
        let ours = vectors.zip(outs).zip(self.drawn.chunks(PANEL)).enumerate();
        let mut work: Vec<_> = ours
            .map(|(at, (((vectors, turned), (grid, sums)), drawn))| {
                let places = (&places[..], (at * PANEL) as u32);
                Panel { vectors, turned, grid, sums, drawn, places, wanted, all: step.vectors, width }
            })
            .collect();
        parts::each_with(&mut work, 1, step.threads, |_, panel| {
            panel.iter_mut().for_each(dispatch);
        });
    }

    /// `divided` is what was wanted, over the totals.
    fn add_slopes(&mut self, step: &Step<'_>, divided: &[f32], slopes: &mut [f32]) {
        let (width, moments, grid) = (self.width, step.next.len(), &self.grid);
        parts::each_with(&mut self.slopes, PANEL * width, step.threads, |from, part| {
            let grid = &grid[from / width * moments..][..PANEL * moments];
            dispatch(Slopes { grid, divided, width, part });
        });
        for (product, row) in self.drawn.iter().zip(self.slopes.chunks_exact(width)) {
            axpy(1.0, row, &mut slopes[*product as usize * width..][..width]);
        }
    }
}

/// Scores of a panel's products at all moments, as powers of e.
struct Panel<'a> {
    vectors: &'a mut [f32],
    turned: &'a mut [f32],
    grid: &'a mut [f32],
    sums: &'a mut [f32],
    drawn: &'a [u32],
    /// Where the right answers stand among the drawn, and where this panel begins.
    places: (&'a [u32], u32),
    wanted: &'a [f32],
    all: &'a [f32],
    width: usize,
}

impl Kernel for &mut Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (vector, product) in self.vectors.chunks_exact_mut(self.width).zip(self.drawn) {
            vector.copy_from_slice(&self.all[*product as usize * self.width..][..self.width]);
        }
        turned(self.vectors, self.width, self.turned);
        self.grid.fill(0.0);
        Rows { left: self.wanted, right: self.turned, width: PANEL }.add_to(self.grid);
        let rows = self.grid.chunks_exact_mut(PANEL).zip(self.sums.iter_mut());
        for ((row, sum), place) in rows.zip(self.places.0) {
            exp_each(row);
            row[self.drawn.len()..].fill(0.0);
            if let Some(right) = row.get_mut(place.wrapping_sub(self.places.1) as usize) {
                *right = 0.0;
            }
            let mut lanes = [0.0; LANES];
            for values in row.chunks_exact(LANES) {
                for lane in 0..LANES {
                    lanes[lane] += values[lane];
                }
            }
            *sum = total(&lanes);
        }
    }
}

/// `Σ e^(j·h) j` of some moments.
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

/// `Σ e^(j·h) h` of a panel's products.
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
