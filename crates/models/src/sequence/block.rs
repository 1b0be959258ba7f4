//! The shopper tower, forward and backward: blocks of causal self-attention and a feed-forward layer over a shopper's
//! events (Kang, McAuley 2018, "Self-attentive sequential recommendation"), normalized before each (Xiong et al. 2020), with
//! a learned bias for how far back an event is (Raffel et al. 2020) in place of absolute positions.
//!
//! `x ← x + drop(attention(norm(x)) · O)`, `x ← x + drop(max(norm(x) · U + u, 0) · D + d)`; at last `h = norm(x)`.

use super::attention::{Attention, Spans};
use super::kernels::{Normalized, Rows};
use super::layout::{Layer, Layout, Shape};
use crate::lanes::Outer;
use crate::seeded::Seeded;

/// What stays fixed while a part of a step is worked on.
#[derive(Clone, Copy)]
pub(crate) struct Tower<'a> {
    pub shape: &'a Shape,
    pub layout: &'a Layout,
    pub weights: &'a [f32],
    /// Share of values that are dropped in training.
    pub dropout: f32,
}

/// What one block keeps for going backward.
#[derive(Default)]
pub(crate) struct Kept {
    first: Normalized,
    attention: Attention,
    seen_mask: Vec<f32>,
    second: Normalized,
    inside: Vec<f32>,
    fed_mask: Vec<f32>,
}

/// A few sequences on their way through the tower, events one after the other.
#[derive(Default)]
pub(crate) struct Pass {
    /// Where each sequence ends.
    pub ends: Vec<usize>,
    input_mask: Vec<f32>,
    layers: Vec<Kept>,
    last: Normalized,
    /// Slopes of the tower's weights.
    pub slopes: Vec<f32>,
}

impl Pass {
    /// Sequences that end there.
    pub fn of(ends: Vec<usize>) -> Self {
        Self { ends, ..Self::default() }
    }
}

/// Fills `mask` with what values are multiplied by: nought for the dropped, the rest larger for it (Srivastava et al. 2014).
fn roll(mask: &mut Vec<f32>, len: usize, dropout: f32, seeded: &mut Option<Seeded>) {
    mask.clear();
    let Some(seeded) = seeded.as_mut().filter(|_| dropout > 0.0) else { return };
    let limit = (dropout * 65536.0) as u64;
    let kept = 1.0 / (1.0 - dropout);
    while mask.len() < len {
        let bits = seeded.bits();
        mask.extend([0, 16, 32, 48].map(|at| if bits >> at & 0xffff < limit { 0.0 } else { kept }));
    }
    mask.truncate(len);
}

#[inline(always)]
fn apply(mask: &[f32], values: &mut [f32]) {
    for (value, kept) in values.iter_mut().zip(mask) {
        *value *= kept;
    }
}

#[inline(always)]
fn add(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

#[inline(always)]
fn add_rows(rows: &[f32], to: &mut [f32]) {
    for row in rows.chunks_exact(to.len()) {
        add(row, to);
    }
}

/// Adds `leftᵀ · right` to `out`.
#[inline(always)]
fn outer(left: (&[f32], usize), right: (&[f32], usize), out: &mut [f32]) {
    Outer { left, right, rows: left.1 }.add_to(out, |_| 0);
}

impl Tower<'_> {
    /// From vectors of events to what the shopper wants after each, in place. Dropping follows `seeded`; without it nothing
    /// is dropped.
    #[inline(always)]
    pub fn forward(&self, x: &mut [f32], pass: &mut Pass, mut seeded: Option<Seeded>) {
        roll(&mut pass.input_mask, x.len(), self.dropout, &mut seeded);
        apply(&pass.input_mask, x);
        pass.layers.resize_with(self.layout.layers.len(), Kept::default);
        for (layer, kept) in self.layout.layers.iter().zip(&mut pass.layers) {
            self.attend(layer, kept, x, &pass.ends, &mut seeded);
            self.feed(layer, kept, x, &mut seeded);
        }
        let [gain, bias] = &self.layout.last_norm;
        pass.last.forward(x, &self.weights[gain.clone()], &self.weights[bias.clone()]);
        x.copy_from_slice(&pass.last.out);
    }

    #[inline(always)]
    fn attend(
        &self,
        layer: &Layer,
        kept: &mut Kept,
        x: &mut [f32],
        ends: &[usize],
        seeded: &mut Option<Seeded>,
    ) {
        let (width, weights) = (self.shape.width, self.weights);
        let [gain, bias] = &layer.first_norm;
        kept.first.forward(x, &weights[gain.clone()], &weights[bias.clone()]);
        let mixed = &mut kept.attention.mixed;
        mixed.clear();
        mixed.resize(3 * x.len(), 0.0);
        let right = &weights[layer.query_key_value.clone()];
        Rows { left: &kept.first.out, right, width: 3 * width }.add_to(mixed);
        let spans = Spans { ends, shape: self.shape, distances: &weights[layer.distances.clone()] };
        kept.attention.forward(&spans);
        let mut out = vec![0.0; x.len()];
        Rows { left: &kept.attention.seen, right: &weights[layer.together.clone()], width }.add_to(&mut out);
        roll(&mut kept.seen_mask, x.len(), self.dropout, seeded);
        apply(&kept.seen_mask, &mut out);
        add(&out, x);
    }

    #[inline(always)]
    fn feed(&self, layer: &Layer, kept: &mut Kept, x: &mut [f32], seeded: &mut Option<Seeded>) {
        let (width, inner, weights) = (self.shape.width, self.shape.inner, self.weights);
        let [gain, bias] = &layer.second_norm;
        kept.second.forward(x, &weights[gain.clone()], &weights[bias.clone()]);
        kept.inside.clear();
        let up_bias = &weights[layer.up_bias.clone()];
        (0..x.len() / width).for_each(|_| kept.inside.extend_from_slice(up_bias));
        Rows { left: &kept.second.out, right: &weights[layer.up.clone()], width: inner }
            .add_to(&mut kept.inside);
        kept.inside.iter_mut().for_each(|value| *value = value.max(0.0));
        let mut out = Vec::with_capacity(x.len());
        let down_bias = &weights[layer.down_bias.clone()];
        (0..x.len() / width).for_each(|_| out.extend_from_slice(down_bias));
        Rows { left: &kept.inside, right: &weights[layer.down.clone()], width }.add_to(&mut out);
        roll(&mut kept.fed_mask, x.len(), self.dropout, seeded);
        apply(&kept.fed_mask, &mut out);
        add(&out, x);
    }

    /// From the slopes of what came out to those of the events' vectors, in place; those of the weights are left in `pass`.
    /// `turned` holds the matrices with columns for rows.
    #[inline(always)]
    pub fn backward(&self, turned: &[f32], by: &mut Vec<f32>, pass: &mut Pass) {
        let Pass { ends, input_mask, layers, last, slopes } = pass;
        slopes.clear();
        slopes.resize(self.layout.len, 0.0);
        let mut x = vec![0.0; by.len()];
        self.backward_norm(last, &self.layout.last_norm, by, slopes, &mut x);
        for (layer, kept) in self.layout.layers.iter().zip(layers).rev() {
            self.backward_feed(layer, kept, turned, &mut x, slopes);
            self.backward_attend(layer, (kept, ends), turned, &mut x, slopes);
        }
        apply(input_mask, &mut x);
        *by = x;
    }

    #[inline(always)]
    fn backward_norm(
        &self,
        kept: &Normalized,
        [gain, bias]: &[std::ops::Range<usize>; 2],
        by: &[f32],
        slopes: &mut [f32],
        into: &mut [f32],
    ) {
        // The bias stands right after the gain.
        let (gains, biases) = slopes[gain.start..bias.end].split_at_mut(gain.len());
        kept.backward(by, &self.weights[gain.clone()], (gains, biases), into);
    }

    #[inline(always)]
    fn backward_feed(&self, layer: &Layer, kept: &Kept, turned: &[f32], x: &mut [f32], slopes: &mut [f32]) {
        let (width, inner) = (self.shape.width, self.shape.inner);
        let mut out = x.to_vec();
        apply(&kept.fed_mask, &mut out);
        add_rows(&out, &mut slopes[layer.down_bias.clone()]);
        outer((&kept.inside, inner), (&out, width), &mut slopes[layer.down.clone()]);
        let mut inside = vec![0.0; kept.inside.len()];
        Rows { left: &out, right: &turned[layer.down.clone()], width: inner }.add_to(&mut inside);
        for (slope, value) in inside.iter_mut().zip(&kept.inside) {
            *slope = if *value > 0.0 { *slope } else { 0.0 };
        }
        add_rows(&inside, &mut slopes[layer.up_bias.clone()]);
        outer((&kept.second.out, width), (&inside, inner), &mut slopes[layer.up.clone()]);
        out.fill(0.0);
        Rows { left: &inside, right: &turned[layer.up.clone()], width }.add_to(&mut out);
        self.backward_norm(&kept.second, &layer.second_norm, &out, slopes, x);
    }

    #[inline(always)]
    fn backward_attend(
        &self,
        layer: &Layer,
        (kept, ends): (&mut Kept, &[usize]),
        turned: &[f32],
        x: &mut [f32],
        slopes: &mut [f32],
    ) {
        let width = self.shape.width;
        let mut out = x.to_vec();
        apply(&kept.seen_mask, &mut out);
        outer((&kept.attention.seen, width), (&out, width), &mut slopes[layer.together.clone()]);
        let mut seen = vec![0.0; x.len()];
        Rows { left: &out, right: &turned[layer.together.clone()], width }.add_to(&mut seen);
        let spans = Spans { ends, shape: self.shape, distances: &self.weights[layer.distances.clone()] };
        let mixed = kept.attention.backward(&spans, &seen, &mut slopes[layer.distances.clone()]);
        outer((&kept.first.out, width), (&mixed, 3 * width), &mut slopes[layer.query_key_value.clone()]);
        out.fill(0.0);
        Rows { left: &mixed, right: &turned[layer.query_key_value.clone()], width }.add_to(&mut out);
        self.backward_norm(&kept.first, &layer.first_norm, &out, slopes, x);
    }
}
