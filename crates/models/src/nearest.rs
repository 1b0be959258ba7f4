//! The best inner products with one vector among many, looking at few of them.
//!
//! Vectors lie in groups that point in similar directions. With a centre c of length one, `p·w` is at most
//! `(p·c)(w·c) + ‖p − (p·c)c‖ ‖w − (w·c)c‖` (Cauchy–Schwarz), which is asked of whole groups, the most promising first, and
//! of blocks of sixteen in them. What a block may still hold is scored in bytes with a bound on how far off those are, and
//! only what may then be among the best in full.
//!
//! Up to `EXACT_MAX` vectors the answer is that of scoring all. Among more, what lies across the direction of its group
//! counts less in the bound, as little as still finds what a search for some of the vectors themselves would find with the
//! whole bound. What is found is always scored in full.

use crate::groups::{Group, similar};
use crate::lanes::{Kernel, LANES, dispatch, dot, fused, fused_scalar, load, total};
use crate::recommender::Scores;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use serde::{Deserialize, Serialize};
use std::collections::BinaryHeap;
use std::ops::Range;

/// As many vectors are looked through exactly.
pub const EXACT_MAX: usize = 100_000;
/// What the part across a group's direction may count among more; what is enough is tried on so many of the vectors, and
/// found is to be this share of their nearest.
const ACROSS: [f32; 3] = [0.5, 0.7, 0.85];
const TRIED: usize = 32;
const NEAREST: usize = 100;
const SHARE_MIN: f64 = 0.95;

/// Vectors of one length, whole lanes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Rows")]
pub struct Vectors {
    width: u32,
    /// Row by row.
    full: Vec<f32>,
    /// Directions of groups, row by row.
    #[serde(skip)]
    centres: Vec<f32>,
    /// What the groups hold.
    #[serde(skip)]
    groups: Vec<Held>,
    /// What can be in each block.
    #[serde(skip)]
    bounds: Bounds,
    #[serde(skip)]
    blocks: Vec<Block>,
    /// In the order of the blocks, number by number, sixteen vectors a number.
    #[serde(skip)]
    bytes: Vec<i8>,
    /// What the part across a group's direction counts.
    #[serde(skip)]
    across: f32,
}

/// What is kept of vectors; the rest follows from it.
#[derive(Deserialize)]
struct Rows {
    width: u32,
    full: Vec<f32>,
}

impl From<Rows> for Vectors {
    fn from(rows: Rows) -> Self {
        Self::new(rows.full, rows.width as usize)
    }
}

/// What a group holds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Held {
    bound: Bound,
    /// Where its blocks end; they begin where those of the group before end.
    end: u32,
}

/// Sixteen vectors of a group, or fewer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Block {
    /// Which they are; a number beyond all where there is none.
    products: [u32; LANES],
    /// What a byte stands for.
    units: [f32; LANES],
    /// At least the length of what the bytes leave out.
    errors: [f32; LANES],
}

impl Block {
    const EMPTY: Self = Self { products: [u32::MAX; LANES], units: [0.0; LANES], errors: [0.0; LANES] };
}

/// Where vectors lie beside the direction of their group.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bound {
    /// The greatest and the least share along it.
    most: f32,
    least: f32,
    /// The greatest length across it.
    across: f32,
    /// How much the sums may be off for a vector of length one.
    rounding: f32,
}

impl Bound {
    const NOTHING: Self = Self { most: f32::NEG_INFINITY, least: f32::INFINITY, across: 0.0, rounding: 0.0 };

    fn with(self, other: Self) -> Self {
        Self {
            most: self.most.max(other.most),
            least: self.least.min(other.least),
            across: self.across.max(other.across),
            rounding: self.rounding.max(other.rounding),
        }
    }

    /// The most that an inner product can be.
    #[inline(always)]
    fn score(&self, sight: Sight) -> f32 {
        let along = (self.most * sight.along).max(self.least * sight.along);
        along + self.across * sight.across + self.rounding * sight.length
    }
}

/// The same of many, side by side.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bounds {
    most: Vec<f32>,
    least: Vec<f32>,
    across: Vec<f32>,
}

impl Bounds {
    fn push(&mut self, bound: Bound) {
        self.most.push(bound.most);
        self.least.push(bound.least);
        self.across.push(bound.across);
    }

    /// Writes the most that the inner products of each of `blocks` can be.
    #[inline(always)]
    fn score(&self, blocks: Range<usize>, rounding: f32, sight: Sight, scores: &mut Vec<f32>) {
        scores.resize(blocks.len(), 0.0);
        let rounding = rounding * sight.length;
        let ends = self.most[blocks.clone()].iter().zip(&self.least[blocks.clone()]);
        for (score, ((most, least), across)) in scores.iter_mut().zip(ends.zip(&self.across[blocks])) {
            *score = (most * sight.along).max(least * sight.along) + across * sight.across + rounding;
        }
    }
}

/// A vector as seen from a group.
#[derive(Clone, Copy)]
struct Sight {
    along: f32,
    across: f32,
    length: f32,
}

/// Working memory.
#[derive(Default)]
pub(crate) struct Found {
    /// What is excluded; all false between uses.
    excluded: Vec<bool>,
    /// Groups by the most that they can hold.
    heap: BinaryHeap<(u32, u32)>,
    sights: Vec<Sight>,
    /// What can be in each block of a group.
    scores: Vec<f32>,
}

impl Vectors {
    /// From rows of `width` numbers, one after the other.
    pub fn new(full: Vec<f32>, width: usize) -> Self {
        let (centres, groups, bounds, blocks, bytes) = Default::default();
        let mut made =
            Self { width: width as u32, full, centres, groups, bounds, blocks, bytes, across: 1.0 };
        let groups = similar(&made.full, width);
        dispatch(Hold { vectors: &mut made, groups });
        if made.count() > EXACT_MAX {
            made.across = made.enough();
        }
        made
    }

    /// The least that the part across may count.
    fn enough(&mut self) -> f32 {
        let tried: Vec<usize> = (0..TRIED).map(|no| no * self.count() / TRIED).collect();
        let mut scratch = Scores::default();
        let mut nearest = |vectors: &Self| -> Vec<Vec<(f32, ProductNo)>> {
            let of = |at: &usize| vectors.best(vectors.row(*at), &[], NEAREST, &mut scratch);
            tried.iter().map(of).collect()
        };
        let whole = nearest(self);
        let all: usize = whole.iter().map(Vec::len).sum();
        let is_enough = |across: &f32| {
            self.across = *across;
            let found = nearest(self);
            let same = found
                .iter()
                .zip(&whole)
                .flat_map(|(found, whole)| found.iter().filter(|one| whole.contains(one)));
            same.count() as f64 >= SHARE_MIN * all as f64
        };
        ACROSS.into_iter().find(is_enough).unwrap_or(1.0)
    }

    #[inline(always)]
    fn hold(&mut self, group: &Group) {
        let mut bounds = Vec::with_capacity(group.members.len());
        for &member in &group.members {
            bounds.push((self.bound(member, &group.centre), member));
        }
        bounds.sort_unstable_by(|a, b| b.0.across.total_cmp(&a.0.across).then(a.1.cmp(&b.1)));
        let mut whole = Bound::NOTHING;
        for sixteen in bounds.chunks(LANES) {
            let (mut within, mut block) = (Bound::NOTHING, Block::EMPTY);
            let from = self.bytes.len();
            self.bytes.resize(from + LANES * self.width as usize, 0);
            for (lane, &(bound, member)) in sixteen.iter().enumerate() {
                within = within.with(bound);
                self.round(member, lane, from, &mut block);
            }
            whole = whole.with(within);
            self.bounds.push(within);
            self.blocks.push(block);
        }
        self.groups.push(Held { bound: whole, end: self.blocks.len() as u32 });
        self.centres.extend_from_slice(&group.centre);
    }

    #[inline(always)]
    fn bound(&self, member: u32, centre: &[f32]) -> Bound {
        let row = self.row(member as usize);
        let along = dot(row, centre);
        let mut squares = [0.0; LANES];
        for (row, centre) in row.chunks_exact(LANES).zip(centre.chunks_exact(LANES)) {
            let mut across = load(row);
            fused_scalar(-along, &load(centre), &mut across);
            fused(&across.clone(), &across, &mut squares);
        }
        // A thousandth more than it is, for the rounding of sums.
        let across = total(&squares).sqrt() * 1.001;
        Bound { most: along, least: along, across, rounding: self.rounding(row) }
    }

    /// At least what sums of as many products as a vector has numbers are off, here and where scores are summed up.
    #[inline(always)]
    fn rounding(&self, row: &[f32]) -> f32 {
        2.4e-7 * (self.width + 8) as f32 * dot(row, row).sqrt()
    }

    #[inline(always)]
    fn round(&mut self, member: u32, lane: usize, from: usize, block: &mut Block) {
        let width = self.width as usize;
        let row = &self.full[member as usize * width..][..width];
        let greatest = row.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let unit = if greatest > 0.0 { greatest / 127.0 } else { 1.0 };
        let mut error = 0.0;
        for (place, value) in row.iter().enumerate() {
            let byte = (value / unit).round_ties_even() as i8;
            self.bytes[from + place * LANES + lane] = byte;
            let off = value - f32::from(byte) * unit;
            error += off * off;
        }
        block.products[lane] = member;
        block.units[lane] = unit;
        block.errors[lane] = error.sqrt() * 1.001 + self.rounding(row);
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.full.len() / (self.width as usize).max(1)
    }

    /// All rows, one after the other.
    pub fn rows(&self) -> &[f32] {
        &self.full
    }

    #[inline(always)]
    fn row(&self, at: usize) -> &[f32] {
        &self.full[at * self.width as usize..][..self.width as usize]
    }

    /// Bytes that they take.
    pub fn size_bytes(&self) -> usize {
        4 * (self.full.len() + self.centres.len())
            + self.bytes.len()
            + size_of_val(self.groups.as_slice())
            + 12 * self.bounds.most.len()
            + size_of_val(self.blocks.as_slice())
    }

    /// The best positive inner products with `vector` but for `excluded`, best first.
    pub fn best(
        &self,
        vector: &[f32],
        excluded: &[ProductNo],
        limit: usize,
        scratch: &mut Scores,
    ) -> Vec<(f32, ProductNo)> {
        self.best_with(&[], vector, excluded, limit, &mut scratch.found)
    }

    /// The same with `added` to the inner products: nothing, or a score a product.
    pub(crate) fn best_with(
        &self,
        added: &[f32],
        vector: &[f32],
        excluded: &[ProductNo],
        limit: usize,
        found: &mut Found,
    ) -> Vec<(f32, ProductNo)> {
        if limit == 0 {
            return Vec::new();
        }
        found.excluded.resize(found.excluded.len().max(self.count()), false);
        let known = || excluded.iter().filter(|product| product.index() < self.count());
        known().for_each(|product| found.excluded[product.index()] = true);
        let top = TopK::new(limit.min(self.count()));
        let best = dispatch(Search { vectors: self, added, vector, found, top, bar: 0.0 });
        known().for_each(|product| found.excluded[product.index()] = false);
        best
    }
}

/// Takes in what groups hold.
struct Hold<'a> {
    vectors: &'a mut Vectors,
    groups: Vec<Group>,
}

impl Kernel for Hold<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for group in &self.groups {
            self.vectors.hold(group);
        }
    }
}

/// Looks through groups, the most promising first.
struct Search<'a> {
    vectors: &'a Vectors,
    added: &'a [f32],
    vector: &'a [f32],
    found: &'a mut Found,
    top: TopK<ProductNo>,
    /// What is below it is not among the best.
    bar: f32,
}

impl Kernel for Search<'_> {
    type Output = Vec<(f32, ProductNo)>;

    #[inline(always)]
    fn run(mut self) -> Self::Output {
        let added_most = self.added.iter().fold(0.0_f32, |most, value| most.max(*value));
        self.look(added_most);
        while let Some((most, at)) = self.found.heap.pop() {
            if f32::from_bits(most) < self.bar {
                break;
            }
            let at = at as usize;
            let start = if at == 0 { 0 } else { self.vectors.groups[at - 1].end as usize };
            let (held, sight) = (&self.vectors.groups[at], self.found.sights[at]);
            let blocks = start..held.end as usize;
            let mut scores = std::mem::take(&mut self.found.scores);
            self.vectors.bounds.score(blocks, held.bound.rounding, sight, &mut scores);
            for (block, &most) in scores.iter().enumerate() {
                if most + added_most >= self.bar {
                    self.block(start + block, most, sight.length);
                }
            }
            self.found.scores = scores;
        }
        self.top.into_sorted()
    }
}

impl Search<'_> {
    /// Sees the vector from every group and lines up those that may hold something.
    #[inline(always)]
    fn look(&mut self, added_most: f32) {
        let width = self.vector.len();
        let length = dot(self.vector, self.vector).sqrt();
        let mut heap = std::mem::take(&mut self.found.heap).into_vec();
        heap.clear();
        self.found.sights.clear();
        for (at, held) in self.vectors.groups.iter().enumerate() {
            let along = dot(&self.vectors.centres[at * width..][..width], self.vector);
            // A little more than it is: what is left of two numbers that are nearly alike is mostly rounding.
            let across = (length * length * 1.00001 - along * along).max(0.0).sqrt();
            let sight = Sight { along, across: self.vectors.across * across, length };
            self.found.sights.push(sight);
            let most = held.bound.score(sight) + added_most;
            if most > 0.0 {
                heap.push((most.to_bits(), at as u32));
            }
        }
        self.found.heap = heap.into();
    }

    /// Scores a block in bytes, whose inner products are at most `bound`, and offers what may be among the best.
    #[inline(always)]
    fn block(&mut self, at: usize, bound: f32, length: f32) {
        let block = &self.vectors.blocks[at];
        let mut most = [0.0; LANES];
        if !self.added.is_empty() {
            let mut near = 0.0_f32;
            for (most, product) in most.iter_mut().zip(block.products) {
                *most = *self.added.get(product as usize).unwrap_or(&0.0);
                near = near.max(*most);
            }
            if bound + near < self.bar {
                return;
            }
        }
        let size = LANES * self.vector.len();
        let bytes = &self.vectors.bytes[at * size..][..size];
        let mut sums = [[0.0_f32; LANES]; 2];
        for (pair, values) in bytes.chunks_exact(2 * LANES).zip(self.vector.chunks_exact(2)) {
            for (sum, (bytes, value)) in sums.iter_mut().zip(pair.chunks_exact(LANES).zip(values)) {
                for lane in 0..LANES {
                    sum[lane] = f32::from(bytes[lane]).mul_add(*value, sum[lane]);
                }
            }
        }
        for lane in 0..LANES {
            let score = (sums[0][lane] + sums[1][lane]) * block.units[lane];
            most[lane] += score + block.errors[lane] * length;
        }
        if most.iter().fold(true, |all, most| all & (*most < self.bar)) {
            return;
        }
        for (most, product) in most.into_iter().zip(block.products) {
            if most >= self.bar {
                self.offer(product);
            }
        }
    }

    #[inline(always)]
    fn offer(&mut self, product: u32) {
        let at = product as usize;
        if at >= self.vectors.count() || self.found.excluded[at] {
            return;
        }
        let score = dot(self.vectors.row(at), self.vector) + self.added.get(at).unwrap_or(&0.0);
        if score > 0.0 && score.is_finite() {
            self.top.push(score, ProductNo(product));
            self.bar = self.top.bar().max(self.bar);
        }
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
        assert_eq!(
            Vectors::new(vec![1.0; 5], 0).count(),
            5,
            "without a width there is nothing to look through"
        );
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
                let found = vectors.best(&vector, &excluded, limit, &mut Scores::default());
                assert_eq!(found, greatest(&scores, limit), "{count} {limit}");
            }
        }
    }
}
