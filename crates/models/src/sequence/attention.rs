//! Causal self-attention of several heads over sequences that lie one after the other:
//! `a_ij = softmax_j≤i(q_i · k_j / √d + b(i − j))`, `o_i = Σ_j a_ij v_j` (Vaswani et al. 2017).

use super::kernels::exp;
use super::layout::Shape;
use crate::lanes::{axpy, dot};
use std::ops::Range;

/// Which events belong together, and the bias by distance.
pub(crate) struct Spans<'a> {
    /// Where each sequence ends.
    pub ends: &'a [usize],
    pub shape: &'a Shape,
    /// A number a head and distance.
    pub distances: &'a [f32],
}

impl Spans<'_> {
    fn each(&self) -> impl Iterator<Item = Range<usize>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied()).map(|(start, end)| start..end)
    }

    /// Where a head's query, key or value (0, 1, 2) of an event stands among the mixed.
    #[inline(always)]
    fn place(&self, event: usize, which: usize, head: usize) -> Range<usize> {
        let (width, size) = (self.shape.width, self.shape.width / self.shape.heads);
        let from = (3 * event + which) * width + head * size;
        from..from + size
    }

    #[inline(always)]
    fn distance(&self, head: usize, back: usize) -> usize {
        head * self.shape.reach + back.min(self.shape.reach - 1)
    }
}

/// What goes in and comes out, kept for going backward.
#[derive(Default)]
pub(crate) struct Attention {
    /// Query, key and value of each event.
    pub mixed: Vec<f32>,
    /// Shares, sequence by sequence, head by head, event by event.
    shares: Vec<f32>,
    /// What each event sees.
    pub seen: Vec<f32>,
}

impl Attention {
    /// From [`Attention::mixed`] to [`Attention::seen`].
    #[inline(always)]
    pub fn forward(&mut self, spans: &Spans<'_>) {
        let Self { mixed, shares, seen } = self;
        let width = spans.shape.width;
        let size = width / spans.shape.heads;
        let scale = 1.0 / (size as f32).sqrt();
        seen.clear();
        seen.resize(mixed.len() / 3, 0.0);
        shares.clear();
        for span in spans.each() {
            for head in 0..spans.shape.heads {
                for event in span.clone() {
                    let row = shares.len();
                    let query = &mixed[spans.place(event, 0, head)];
                    for other in span.start..=event {
                        let score = dot(query, &mixed[spans.place(other, 1, head)]) * scale;
                        shares.push(score + spans.distances[spans.distance(head, event - other)]);
                    }
                    soften(&mut shares[row..]);
                    let out = &mut seen[event * width + head * size..][..size];
                    for (share, other) in shares[row..].iter().zip(span.clone()) {
                        axpy(*share, &mixed[spans.place(other, 2, head)], out);
                    }
                }
            }
        }
    }

    /// The slopes of the mixed from those of the seen; adds to those of the distances.
    #[inline(always)]
    pub fn backward(&self, spans: &Spans<'_>, by: &[f32], distances: &mut [f32]) -> Vec<f32> {
        let width = spans.shape.width;
        let size = width / spans.shape.heads;
        let scale = 1.0 / (size as f32).sqrt();
        let mut slopes = vec![0.0; self.mixed.len()];
        let mut row = 0;
        let mut pulls = Vec::new();
        for span in spans.each() {
            for head in 0..spans.shape.heads {
                for event in span.clone() {
                    let shares = &self.shares[row..][..event - span.start + 1];
                    row += shares.len();
                    let by = &by[event * width + head * size..][..size];
                    pulls.clear();
                    for (share, other) in shares.iter().zip(span.clone()) {
                        let value = spans.place(other, 2, head);
                        pulls.push(dot(by, &self.mixed[value.clone()]));
                        axpy(*share, by, &mut slopes[value]);
                    }
                    let mean: f32 = shares.iter().zip(&pulls).map(|(share, pull)| share * pull).sum();
                    for (at, other) in span.clone().enumerate().take(shares.len()) {
                        let slope = shares[at] * (pulls[at] - mean);
                        distances[spans.distance(head, event - other)] += slope;
                        let (query, key) = (spans.place(event, 0, head), spans.place(other, 1, head));
                        axpy(slope * scale, &self.mixed[key.clone()], &mut slopes[query.clone()]);
                        axpy(slope * scale, &self.mixed[query], &mut slopes[key]);
                    }
                }
            }
        }
        slopes
    }
}

/// Scores into shares that add up to one.
#[inline(always)]
fn soften(scores: &mut [f32]) {
    let most = scores.iter().fold(f32::NEG_INFINITY, |most, score| most.max(*score));
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - most);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}
