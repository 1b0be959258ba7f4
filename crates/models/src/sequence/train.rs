//! Training of a sequence model: an epoch is every shopper's sequence once, in batches; a batch gives one step of Adam.
//! Sums are added in an order that the parts alone fix, so that threads change nothing.

use super::block::{Pass, Tower};
use super::introduced::Introduced;
use super::kernels::turned;
use super::layout::{Layout, Shape, normals};
use super::softmax::{Output, Step};
use super::{Sequence, SequenceData, SequenceParams};
use crate::interactions::Interactions;
use crate::lanes::{Kernel, axpy, dispatch};
use crate::nearest::Vectors;
use crate::parts;
use crate::recommender::FitRun;
use crate::seeded::Seeded;
use std::sync::Arc;

/// Sequences that a thread takes at a time.
const PART: usize = 8;
/// Numbers that a thread takes at a time.
const CHUNK: usize = 16_384;
/// How slowly Adam's means forget slopes and their squares.
const FORGET: [f32; 2] = [0.9, 0.98];

/// A model in training.
pub struct Training {
    params: SequenceParams,
    shape: Shape,
    layout: Layout,
    run: FitRun,
    /// Sequences worth learning from, each the latest events only.
    sequences: Vec<Vec<u32>>,
    learned: Vec<bool>,
    /// What a product's values weigh in its vector.
    attributes: Interactions,
    /// The same, a row a value.
    by_value: Interactions,
    /// Vectors of products, vectors of values, the tower.
    weights: Vec<f32>,
    slopes: Vec<f32>,
    means: [Vec<f32>; 2],
    steps: u32,
    output: Output,
    /// Product vectors of this step, and their slopes.
    vectors: [Vec<f32>; 2],
    parts: Vec<Part>,
}

/// A few sequences of a batch.
#[derive(Default)]
struct Part {
    before: Vec<u32>,
    next: Vec<u32>,
    x: Vec<f32>,
    pass: Pass,
}

impl Training {
    /// Before the first epoch.
    pub fn new(params: &SequenceParams, data: &SequenceData, run: FitRun) -> Self {
        let (shape, layout) = (params.shape(), params.shape().layout());
        let (sequences, learned) = clipped(data, shape.reach);
        let attributes = even(&data.attributes, data.product_count);
        let by_value = attributes.transposed();
        let mut seeded = Seeded::new(run.seed);
        let mut weights = normals(data.product_count * shape.width, &mut seeded);
        for (vector, learned) in weights.chunks_exact_mut(shape.width).zip(&learned) {
            if !learned {
                vector.fill(0.0);
            }
        }
        weights.extend(normals(by_value.row_count() * shape.width, &mut seeded));
        weights.extend(layout.start(&mut seeded));
        let zeros = || vec![0.0; weights.len()];
        Self {
            params: *params,
            shape,
            layout,
            run,
            sequences,
            attributes,
            by_value,
            slopes: zeros(),
            means: [zeros(), zeros()],
            weights,
            steps: 0,
            output: Output::new(&learned, shape.width),
            vectors: [(); 2].map(|()| vec![0.0; data.product_count * shape.width]),
            learned,
            parts: Vec::new(),
        }
    }

    /// One epoch; the mean loss of a prediction in it.
    pub fn epoch(&mut self) -> f64 {
        let mut order: Vec<u32> = (0..self.sequences.len() as u32).collect();
        let mut seeded = self.seeded(u64::MAX);
        for at in (1..order.len()).rev() {
            order.swap(at, seeded.below(at + 1));
        }
        let (mut loss, mut count) = (0.0, 0);
        for batch in order.chunks(self.params.batch.max(1) as usize) {
            let (one, moments) = self.slopes_of(batch);
            self.adam();
            loss += one;
            count += moments;
        }
        loss / count.max(1) as f64
    }

    /// What was learned so far.
    pub fn model(&self) -> Sequence {
        let width = self.shape.width;
        let mut products = vec![0.0; self.attributes.row_count() * width];
        self.place(&mut products, &[]);
        let [_, values, tower] = self.spans();
        Sequence {
            params: self.params,
            products: Arc::new(Vectors::new(products, width)),
            offered: (0..self.learned.len())
                .map(|at| self.learned[at] || self.attributes.row_len(at) > 0)
                .collect(),
            values: self.weights[values].into(),
            tower: self.weights[tower].into(),
            introduced: Introduced::default(),
        }
    }

    /// Where product vectors, value vectors and the tower stand among the weights.
    fn spans(&self) -> [std::ops::Range<usize>; 3] {
        let products = self.attributes.row_count() * self.shape.width;
        let values = products + self.by_value.row_count() * self.shape.width;
        [0..products, products..values, values..self.weights.len()]
    }

    /// Random numbers of this step for a purpose.
    fn seeded(&self, purpose: u64) -> Seeded {
        let mut mixed = Seeded::new(self.run.seed ^ u64::from(self.steps) << 32);
        Seeded::new(mixed.bits() ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Writes each product's vector: its own × what `kept` says, where it says so, and those of its values.
    fn place(&self, vectors: &mut [f32], kept: &[f32]) {
        let width = self.shape.width;
        let [ids, values, _] = self.spans();
        let (ids, values) = (&self.weights[ids], &self.weights[values]);
        parts::each_with(vectors, 256 * width, self.run.threads, |from, part| {
            dispatch(Place { training: self, ids, values, kept, from: from / width, part });
        });
    }

    /// Leaves the slopes of the mean loss of a batch in [`Training::slopes`]; gives the sum of losses and their number.
    fn slopes_of(&mut self, batch: &[u32]) -> (f64, usize) {
        let kept = self.kept();
        let [mut vectors, mut by] = std::mem::take(&mut self.vectors);
        self.place(&mut vectors, &kept);
        by.fill(0.0);
        let mut parts = std::mem::take(&mut self.parts);
        parts.resize_with(batch.len().div_ceil(PART), Part::default);
        for (part, batch) in parts.iter_mut().zip(batch.chunks(PART)) {
            part.fill(batch.iter().map(|&at| &self.sequences[at as usize][..]));
        }
        let threads = self.run.threads;
        parts::each_with(&mut parts, 1, threads, |at, part| {
            let seeded = Some(self.seeded(at as u64));
            dispatch(Forward { training: self, vectors: &vectors, part: &mut part[0], seeded });
        });
        let next: Vec<u32> = parts.iter().flat_map(|part| &part.next).copied().collect();
        let mut x: Vec<f32> = parts.iter().flat_map(|part| &part.x).copied().collect();
        self.output.draw(self.params.negatives as usize, self.seeded(u64::MAX - 2));
        let weight = 1.0 / next.len().max(1) as f32;
        let step = Step { vectors: &vectors, next: &next, weight, threads };
        let loss = self.output.run(&step, &mut x, &mut by);
        let mut left = &x[..];
        for part in &mut parts {
            let (mine, rest) = left.split_at(part.x.len());
            part.x.copy_from_slice(mine);
            left = rest;
        }
        let turned = self.turned();
        parts::each_with(&mut parts, 1, threads, |_, part| {
            dispatch(Backward { tower: self.tower(), turned: &turned, part: &mut part[0] });
        });
        self.gather_slopes(&mut by, &parts, &kept);
        (self.vectors, self.parts) = ([vectors, by], parts);
        (loss, next.len())
    }

    /// Which products keep their own vector this time; the others are known by their values alone.
    fn kept(&self) -> Vec<f32> {
        if self.params.id_dropout <= 0.0 {
            return Vec::new();
        }
        let mut seeded = self.seeded(u64::MAX - 1);
        let limit = f64::from(self.params.id_dropout);
        let mut roll = |at| self.attributes.row_len(at) > 0 && seeded.unit() < limit;
        (0..self.learned.len()).map(|at| if roll(at) { 0.0 } else { 1.0 }).collect()
    }

    fn tower(&self) -> Tower<'_> {
        let [_, _, tower] = self.spans();
        Tower {
            shape: &self.shape,
            layout: &self.layout,
            weights: &self.weights[tower],
            dropout: self.params.dropout,
        }
    }

    fn turned(&self) -> Vec<f32> {
        let tower = self.tower();
        let mut out = vec![0.0; self.layout.len];
        for (matrix, width) in self.layout.matrices(&self.shape) {
            turned(&tower.weights[matrix.clone()], width, &mut out[matrix]);
        }
        out
    }

    /// From the slopes of product vectors, as answers and, with `parts`, as events, to those of all weights.
    fn gather_slopes(&mut self, vectors: &mut [f32], parts: &[Part], kept: &[f32]) {
        let width = self.shape.width;
        let scale = entry_scale(width);
        for part in parts {
            for (row, product) in part.x.chunks_exact(width).zip(&part.before) {
                axpy(scale, row, &mut vectors[*product as usize * width..][..width]);
            }
        }
        let [ids, values, tower] = self.spans();
        let sum = &mut self.slopes[tower];
        sum.fill(0.0);
        for part in parts {
            sum.iter_mut().zip(&part.pass.slopes).for_each(|(sum, slope)| *sum += slope);
        }
        self.slopes[ids.clone()].copy_from_slice(vectors);
        for (slopes, kept) in self.slopes[ids].chunks_exact_mut(width).zip(kept) {
            slopes.iter_mut().for_each(|slope| *slope *= kept);
        }
        let (vectors, by_value) = (&*vectors, &self.by_value);
        parts::each_with(&mut self.slopes[values], 16 * width, self.run.threads, |from, part| {
            dispatch(ValueSlopes { vectors, by_value, from: from / width, width, part });
        });
    }

    /// A step of Adam (Kingma, Ba 2015), weights shrinking on their own (Loshchilov, Hutter 2019).
    fn adam(&mut self) {
        self.steps += 1;
        let left = FORGET.map(|share| 1.0 - libm::powf(share, self.steps as f32));
        let rate = self.params.learning_rate / left[0];
        let shrink = 1.0 - self.params.learning_rate * self.params.weight_decay;
        let [first, second] = &mut self.means;
        let chunks = first.chunks_mut(CHUNK).zip(second.chunks_mut(CHUNK));
        let weights = self.weights.chunks_mut(CHUNK).zip(self.slopes.chunks(CHUNK));
        let mut work: Vec<_> = weights.zip(chunks).collect();
        parts::each_with(&mut work, 1, self.run.threads, |_, work| {
            let ((weights, slopes), (first, second)) = &mut work[0];
            let numbers = weights.iter_mut().zip(*slopes).zip(first.iter_mut().zip(second.iter_mut()));
            for ((weight, slope), (mean, square)) in numbers {
                *mean = FORGET[0] * *mean + (1.0 - FORGET[0]) * slope;
                *square = FORGET[1] * *square + (1.0 - FORGET[1]) * slope * slope;
                *weight = *weight * shrink - rate * *mean / ((*square / left[1]).sqrt() + 1e-8);
            }
        });
    }
}

/// What product vectors are multiplied by when they enter the tower.
pub(crate) fn entry_scale(width: usize) -> f32 {
    (width as f32).sqrt()
}

/// Sequences of two events or more, the latest of each; and which products are in them.
fn clipped(data: &SequenceData, reach: usize) -> (Vec<Vec<u32>>, Vec<bool>) {
    let mut learned = vec![false; data.product_count];
    let mut sequences = Vec::new();
    for sequence in &data.sequences {
        let known = sequence.iter().filter(|product| product.index() < data.product_count);
        let mut numbers: Vec<u32> = known.map(|product| product.0).collect();
        numbers.drain(..numbers.len().saturating_sub(reach + 1));
        if numbers.len() > 1 {
            numbers.iter().for_each(|number| learned[*number as usize] = true);
            sequences.push(numbers);
        }
    }
    (sequences, learned)
}

/// Attributes of all products, weights such that the squares of each product's add up to one.
fn even(attributes: &Interactions, product_count: usize) -> Interactions {
    let rows = (0..product_count).map(|product| match product < attributes.row_count() {
        true => attributes.history(product),
        false => Vec::new(),
    });
    let all = Interactions::new(rows).with_columns(attributes.column_count());
    let norm = |row| all.row(row).1.iter().map(|weight| weight * weight).sum::<f32>().sqrt();
    let norms: Vec<f32> = (0..product_count).map(norm).collect();
    all.map(|row, _, weight| weight / norms[row])
}

impl Part {
    fn fill<'a>(&mut self, sequences: impl Iterator<Item = &'a [u32]>) {
        for list in [&mut self.before, &mut self.next] {
            list.clear();
        }
        self.pass.ends.clear();
        for sequence in sequences {
            self.before.extend_from_slice(&sequence[..sequence.len() - 1]);
            self.next.extend_from_slice(&sequence[1..]);
            self.pass.ends.push(self.before.len());
        }
    }
}

struct Place<'a> {
    training: &'a Training,
    ids: &'a [f32],
    values: &'a [f32],
    kept: &'a [f32],
    from: usize,
    part: &'a mut [f32],
}

impl Kernel for Place<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.training.shape.width;
        for (at, vector) in self.part.chunks_exact_mut(width).enumerate() {
            let product = self.from + at;
            let kept = self.kept.get(product).copied().unwrap_or(1.0);
            vector.fill(0.0);
            axpy(kept, &self.ids[product * width..][..width], vector);
            let (columns, weights) = self.training.attributes.row(product);
            for (&value, &weight) in columns.iter().zip(weights) {
                axpy(weight, &self.values[value as usize * width..][..width], vector);
            }
        }
    }
}

struct ValueSlopes<'a> {
    vectors: &'a [f32],
    by_value: &'a Interactions,
    from: usize,
    width: usize,
    part: &'a mut [f32],
}

impl Kernel for ValueSlopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (at, slopes) in self.part.chunks_exact_mut(self.width).enumerate() {
            slopes.fill(0.0);
            let (products, weights) = self.by_value.row(self.from + at);
            for (&product, &weight) in products.iter().zip(weights) {
                axpy(weight, &self.vectors[product as usize * self.width..][..self.width], slopes);
            }
        }
    }
}

struct Forward<'a> {
    training: &'a Training,
    vectors: &'a [f32],
    part: &'a mut Part,
    seeded: Option<Seeded>,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Part { before, x, pass, .. } = self.part;
        let width = self.training.shape.width;
        let scale = entry_scale(width);
        x.clear();
        for product in before.iter() {
            x.extend(self.vectors[*product as usize * width..][..width].iter().map(|value| value * scale));
        }
        self.training.tower().forward(x, pass, self.seeded);
    }
}

struct Backward<'a> {
    tower: Tower<'a>,
    turned: &'a [f32],
    part: &'a mut Part,
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Part { x, pass, .. } = self.part;
        self.tower.backward(self.turned, x, pass);
    }
}

#[cfg(test)]
#[path = "gradients.rs"]
mod gradients;
