//! One tree, leaf by leaf: the leaf whose best cut gains most is cut next, until there are enough leaves. Only the smaller
//! child's histogram is summed up; the larger one's is the parent's less that.

use super::GbdtParams;
use super::bins::Codes;
use super::histogram::{Fixed, Histogram, PARALLEL_ROWS, Sum, Units, minus, plus};
use super::split::{Finder, Side, Split};
use super::tree::{Node, Tree};
use std::ops::Range;

/// Reused from tree to tree.
pub struct Grower<'a> {
    params: &'a GbdtParams,
    codes: &'a Codes,
    bin_counts: Vec<usize>,
    /// The rows of the tree, those of a leaf next to each other and in order.
    rows: Vec<u32>,
    spare: Vec<u32>,
    histograms: Vec<Histogram>,
}

/// A tree and what it did to the rows it saw.
pub struct Grown<'a> {
    pub tree: Tree,
    /// The rows of each leaf of the tree.
    pub leaf_rows: Vec<&'a [u32]>,
    /// Feature and gain of each cut.
    pub gains: Vec<(usize, f64)>,
}

/// A leaf while the tree grows; its histogram is the one with its number.
struct Leaf {
    range: Range<usize>,
    sum: Sum,
    best: Option<Split>,
}

/// A cut leaf: the left child keeps the leaf's number, the right child has `right_leaf`.
struct Cut {
    leaf: usize,
    right_leaf: usize,
    split: Split,
}

impl<'a> Grower<'a> {
    pub fn new(params: &'a GbdtParams, codes: &'a Codes) -> Self {
        let bin_counts = codes.uppers.iter().map(Vec::len).collect();
        Self { params, codes, bin_counts, rows: Vec::new(), spare: Vec::new(), histograms: Vec::new() }
    }

    /// Grows a tree on `rows`, splitting by `features` only.
    pub fn grow(
        &mut self,
        rows: impl Iterator<Item = u32>,
        features: &[usize],
        fixed: &[Fixed],
        units: Units,
    ) -> Grown<'_> {
        self.rows.clear();
        self.rows.extend(rows);
        self.spare.resize(self.rows.len(), 0);
        let bin_counts = std::mem::take(&mut self.bin_counts);
        let finder = Finder { params: self.params, units, features, bin_counts: &bin_counts };
        let mut leaves = vec![self.root(&finder, fixed)];
        let mut cuts = Vec::new();
        while leaves.len() < self.params.leaves as usize {
            let Some((leaf, split)) = most_gainful(&leaves) else { break };
            let right = self.cut(&mut leaves[leaf], &split);
            cuts.push(Cut { leaf, right_leaf: leaves.len(), split });
            leaves.push(right);
            self.sum_up_children(leaf, &leaves, fixed);
            for child in [leaf, leaves.len() - 1] {
                leaves[child].best = finder.best(&self.histograms[child], leaves[child].sum);
            }
        }
        let values: Vec<f64> = leaves.iter().map(|leaf| finder.value(leaf.sum)).collect();
        self.bin_counts = bin_counts;
        self.grown(&leaves, &values, &cuts)
    }

    fn root(&mut self, finder: &Finder<'_>, fixed: &[Fixed]) -> Leaf {
        self.make_room(0);
        self.histograms[0].fill(self.codes, &self.rows, fixed, self.params.threads as usize);
        let sum = self.histograms[0].of(0).iter().fold([0; 2], |sum, one| plus(sum, *one));
        let best = finder.best(&self.histograms[0], sum);
        Leaf { range: 0..self.rows.len(), sum, best }
    }

    /// Sees to it that a leaf has a histogram.
    fn make_room(&mut self, leaf: usize) {
        let empty = || Histogram::new(self.codes.feature_count, self.params.bins as usize);
        if self.histograms.len() <= leaf {
            self.histograms.resize_with(leaf + 1, empty);
        }
    }

    /// Moves the rows of a leaf apart; it becomes its left child, and the right one is given back.
    fn cut(&mut self, leaf: &mut Leaf, split: &Split) -> Leaf {
        let goes =
            Goes { column: self.codes.column(split.feature), code: split.code, missing: split.missing };
        let (rows, spare) = (&mut self.rows[leaf.range.clone()], &mut self.spare[leaf.range.clone()]);
        let middle = leaf.range.start + goes.partition(rows, spare, self.params.threads as usize);
        let right = Leaf { range: middle..leaf.range.end, sum: minus(leaf.sum, split.left), best: None };
        *leaf = Leaf { range: leaf.range.start..middle, sum: split.left, best: None };
        right
    }

    /// Makes the histograms of the last leaf and of `left` from that of the parent, which stands at `left`.
    fn sum_up_children(&mut self, left: usize, leaves: &[Leaf], fixed: &[Fixed]) {
        let right = leaves.len() - 1;
        self.make_room(right);
        let is_right_smaller = leaves[right].range.len() <= leaves[left].range.len();
        let smaller = if is_right_smaller { right } else { left };
        let rows = &self.rows[leaves[smaller].range.clone()];
        let (before, last) = self.histograms.split_at_mut(right);
        let (parent, other) = (&mut before[left], &mut last[0]);
        other.fill(self.codes, rows, fixed, self.params.threads as usize);
        parent.subtract(other);
        if !is_right_smaller {
            std::mem::swap(parent, other);
        }
    }

    fn grown(&self, leaves: &[Leaf], values: &[f64], cuts: &[Cut]) -> Grown<'_> {
        let mut flat = Flat { codes: self.codes, cuts, nodes: Vec::new(), order: Vec::new() };
        flat.add(0, 0);
        let rate = f64::from(self.params.learning_rate);
        Grown {
            tree: Tree {
                leaves: flat.order.iter().map(|&leaf| (rate * values[leaf]) as f32).collect(),
                nodes: flat.nodes,
            },
            leaf_rows: flat.order.iter().map(|&leaf| &self.rows[leaves[leaf].range.clone()]).collect(),
            gains: cuts.iter().map(|cut| (cut.split.feature, cut.split.gain)).collect(),
        }
    }
}

/// The leaf to cut next and how; the first of equally gainful ones.
fn most_gainful(leaves: &[Leaf]) -> Option<(usize, Split)> {
    let mut most: Option<(usize, Split)> = None;
    for (number, split) in leaves.iter().enumerate().filter_map(|(number, leaf)| Some((number, leaf.best?))) {
        if most.is_none_or(|(_, held)| split.gain > held.gain) {
            most = Some((number, split));
        }
    }
    most
}

/// Which rows go left.
struct Goes<'a> {
    column: &'a [u8],
    code: u8,
    missing: Side,
}

impl Goes<'_> {
    /// Moves the rows that go left to the front, all in their order; gives their number.
    fn partition(&self, rows: &mut [u32], spare: &mut [u32], threads: usize) -> usize {
        if threads < 2 || rows.len() < PARALLEL_ROWS {
            let left = self.part(rows, spare);
            let right = rows.len() - left;
            rows[left..].copy_from_slice(&spare[..right]);
            return left;
        }
        let part_len = rows.len().div_ceil(threads);
        let parts: Vec<_> = rows.chunks_mut(part_len).zip(spare.chunks_mut(part_len)).collect();
        let lefts: Vec<usize> = std::thread::scope(|scope| {
            let work = |(rows, spare)| scope.spawn(|| self.part(rows, spare));
            let handles: Vec<_> = parts.into_iter().map(work).collect();
            handles
                .into_iter()
                .map(|one| one.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault)))
                .collect()
        });
        let mut end = 0;
        for (part, &left) in lefts.iter().enumerate() {
            rows.copy_within(part * part_len..part * part_len + left, end);
            end += left;
        }
        let mut at = end;
        for (spare, &left) in spare.chunks(part_len).zip(&lefts) {
            let right = spare.len() - left;
            rows[at..at + right].copy_from_slice(&spare[..right]);
            at += right;
        }
        end
    }

    /// Moves the rows that go left to the front and copies the others to `spare`; without a branch, since none could be
    /// foretold.
    fn part(&self, rows: &mut [u32], spare: &mut [u32]) -> usize {
        let missing = u8::from(self.missing == Side::Left);
        let (mut left, mut right) = (0, 0);
        for at in 0..rows.len() {
            let row = rows[at];
            let code = self.column[row as usize];
            let is_left = if code == 0 { missing } else { u8::from(code <= self.code) };
            rows[left] = row;
            spare[right] = row;
            left += usize::from(is_left);
            right += usize::from(1 - is_left);
        }
        left
    }
}

/// A tree on its way into pre-order.
struct Flat<'a> {
    codes: &'a Codes,
    cuts: &'a [Cut],
    nodes: Vec<Node>,
    /// Leaves from left to right, by the numbers they had while the tree grew.
    order: Vec<usize>,
}

impl Flat<'_> {
    /// Adds what became of `leaf` from the cut number `from` on.
    fn add(&mut self, leaf: usize, from: usize) {
        let Some(at) = (from..self.cuts.len()).find(|&at| self.cuts[at].leaf == leaf) else {
            self.order.push(leaf);
            return;
        };
        let Cut { right_leaf, split, .. } = self.cuts[at];
        let (node, first) = (self.nodes.len(), self.order.len());
        self.nodes.push(Node {
            threshold: self.codes.uppers[split.feature][usize::from(split.code) - 1],
            feature: split.feature as u16,
            first_leaf: first as u16,
            left_leaves: 0,
            missing: split.missing,
        });
        self.add(leaf, at + 1);
        self.nodes[node].left_leaves = (self.order.len() - first) as u16;
        self.add(right_leaf, at + 1);
    }
}
