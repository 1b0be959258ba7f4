//! A grown tree, flat for scoring. Nodes stand in pre-order and leaves from left to right, so that a node needs to know
//! only how many leaves lie to its left; the rest follows. Sixteen rows at a time are scored without a branch, after
//! QuickScorer (Lucchese et al., SIGIR 2015): every node that sends a row right rules out the leaves to its left, and the
//! first leaf that is left over is the row's.

use super::split::Side;
use serde::{Deserialize, Serialize};

/// Rows scored together.
pub const LANES: usize = 16;

/// A cut.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Values up to this go left.
    pub threshold: f32,
    pub feature: u16,
    /// The first leaf below this node.
    pub first_leaf: u16,
    /// Leaves to the left, from the first one on.
    pub left_leaves: u16,
    /// Where a missing value goes.
    pub missing: Side,
}

impl Node {
    #[inline]
    fn side(&self, value: f32) -> Side {
        match self.missing {
            _ if value <= self.threshold => Side::Left,
            Side::Left if value.is_nan() => Side::Left,
            _ => Side::Right,
        }
    }

    /// All leaves but those to the left, of a tree of at most 32.
    #[inline]
    fn kept_right(&self) -> u32 {
        !((u32::MAX >> (32 - u32::from(self.left_leaves))) << self.first_leaf)
    }
}

/// A tree: one leaf more than nodes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tree {
    pub nodes: Vec<Node>,
    pub leaves: Vec<f32>,
}

impl Tree {
    /// Whether it is a tree over so many features, as growing makes them: what is read may come from anywhere.
    pub fn is_sound(&self, feature_count: usize) -> bool {
        let is_finite = self.leaves.iter().all(|leaf| leaf.is_finite());
        if self.leaves.len() != self.nodes.len() + 1 || !is_finite {
            return false;
        }
        // Pre-order: each node with its first leaf and the one after its last.
        let mut open = vec![(0, self.leaves.len())];
        for node in &self.nodes {
            let inner = std::iter::from_fn(|| open.pop()).find(|(leaf, end)| end - leaf > 1);
            let Some((leaf, end)) = inner else { return false };
            let middle = leaf + usize::from(node.left_leaves);
            let fits = usize::from(node.first_leaf) == leaf && middle > leaf && middle < end;
            if !fits || usize::from(node.feature) >= feature_count || !node.threshold.is_finite() {
                return false;
            }
            open.extend([(middle, end), (leaf, middle)]);
        }
        true
    }

    /// What the tree says of one row.
    pub fn score(&self, row: &[f32]) -> f32 {
        let (mut at, mut leaf, mut end) = (0, 0, self.leaves.len());
        while end - leaf > 1 {
            let node = &self.nodes[at];
            let left_leaves = usize::from(node.left_leaves);
            match node.side(row[usize::from(node.feature)]) {
                Side::Left => (at, end) = (at + 1, leaf + left_leaves),
                Side::Right => (at, leaf) = (at + left_leaves, leaf + left_leaves),
            }
        }
        self.leaves[leaf]
    }

    /// Adds what the tree says of the rows in `columns` (a lane each, a column a feature) to `sums`.
    #[inline]
    pub fn add_lanes(&self, columns: &[[f32; LANES]], sums: &mut [f32; LANES]) {
        if self.leaves.len() > 32 {
            return self.walk_lanes(columns, sums);
        }
        let mut left_over = [u32::MAX; LANES];
        for node in &self.nodes {
            let (values, threshold, kept) =
                (&columns[usize::from(node.feature)], node.threshold, node.kept_right());
            match node.missing {
                Side::Left => {
                    for (leaves, &value) in left_over.iter_mut().zip(values) {
                        *leaves &= if value > threshold { kept } else { u32::MAX };
                    }
                }
                Side::Right => {
                    for (leaves, &value) in left_over.iter_mut().zip(values) {
                        *leaves &= if value <= threshold { u32::MAX } else { kept };
                    }
                }
            }
        }
        for (sum, leaves) in sums.iter_mut().zip(left_over) {
            *sum += self.leaves[leaves.trailing_zeros() as usize];
        }
    }

    fn walk_lanes(&self, columns: &[[f32; LANES]], sums: &mut [f32; LANES]) {
        let mut row = vec![0.0; columns.len()];
        for (lane, sum) in sums.iter_mut().enumerate() {
            row.iter_mut().zip(columns).for_each(|(value, column)| *value = column[lane]);
            *sum += self.score(&row);
        }
    }
}
