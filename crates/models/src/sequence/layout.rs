//! Where each weight of a sequence model stands in one long list, so that gradients, Adam and artifacts are lists too.

use crate::seeded::Seeded;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Standard deviation that weights start with.
const START: f64 = 0.02;

/// Sizes of the shopper tower.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// Numbers a vector; whole lanes.
    pub width: usize,
    /// Numbers inside a feed-forward layer; whole lanes.
    pub inner: usize,
    /// Heads of attention, each of whole lanes.
    pub heads: usize,
    /// Blocks.
    pub layers: usize,
    /// Events that are looked at, the latest.
    pub reach: usize,
}

/// The parts of a block.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Gain and bias before attention.
    pub first_norm: [Range<usize>; 2],
    /// Queries, keys and values side by side: `width` rows of three times the width.
    pub query_key_value: Range<usize>,
    /// What the heads saw, put together: width × width.
    pub together: Range<usize>,
    /// A number a head and distance, added to attention.
    pub distances: Range<usize>,
    /// Gain and bias before the feed-forward layer.
    pub second_norm: [Range<usize>; 2],
    /// width × inner.
    pub up: Range<usize>,
    /// One a number inside.
    pub up_bias: Range<usize>,
    /// inner × width.
    pub down: Range<usize>,
    /// One a number of a vector.
    pub down_bias: Range<usize>,
}

/// All parts, in the order of the list.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The blocks.
    pub layers: Vec<Layer>,
    /// Gain and bias at the end.
    pub last_norm: [Range<usize>; 2],
    /// Length of the list.
    pub len: usize,
}

impl Shape {
    /// Where everything stands.
    pub fn layout(&self) -> Layout {
        let mut end = 0;
        let mut next = |len: usize| {
            end += len;
            end - len..end
        };
        let Self { width, inner, .. } = *self;
        let layer = |next: &mut dyn FnMut(usize) -> Range<usize>| Layer {
            first_norm: [next(width), next(width)],
            query_key_value: next(3 * width * width),
            together: next(width * width),
            distances: next(self.heads * self.reach),
            second_norm: [next(width), next(width)],
            up: next(width * inner),
            up_bias: next(inner),
            down: next(inner * width),
            down_bias: next(width),
        };
        let layers = (0..self.layers).map(|_| layer(&mut next)).collect();
        let last_norm = [next(width), next(width)];
        Layout { layers, last_norm, len: end }
    }
}

impl Layout {
    /// What training starts from: gains of one, biases of nought, the rest small.
    pub fn start(&self, seeded: &mut Seeded) -> Vec<f32> {
        let mut weights = normals(self.len, seeded);
        for layer in &self.layers {
            for biases in [&layer.distances, &layer.up_bias, &layer.down_bias] {
                weights[biases.clone()].fill(0.0);
            }
        }
        let norms = self.layers.iter().flat_map(|layer| [&layer.first_norm, &layer.second_norm]);
        for [gain, bias] in norms.chain([&self.last_norm]) {
            weights[gain.clone()].fill(1.0);
            weights[bias.clone()].fill(0.0);
        }
        weights
    }

    /// Every matrix with its width: what going backward needs with columns for rows.
    pub fn matrices(&self, shape: &Shape) -> Vec<(Range<usize>, usize)> {
        let of = |layer: &Layer| {
            [
                (layer.query_key_value.clone(), 3 * shape.width),
                (layer.together.clone(), shape.width),
                (layer.up.clone(), shape.inner),
                (layer.down.clone(), shape.width),
            ]
        };
        self.layers.iter().flat_map(of).collect()
    }
}

/// Small random weights.
pub(crate) fn normals(count: usize, seeded: &mut Seeded) -> Vec<f32> {
    (0..count).map(|_| (seeded.normal() * START) as f32).collect()
}
