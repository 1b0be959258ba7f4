//! Rounds of boosting: derivatives at the scores so far, a tree that follows them, the scores moved by it. Features and
//! rows can be drawn for each tree; watched rows end the growing when they stop to gain.

use super::bins::Codes;
use super::grow::{Grower, Grown};
use super::histogram::Units;
use super::tree::{LANES, Tree};
use super::{Error, GbdtParams, Loss, Rows};
use serde::{Deserialize, Serialize};

/// Boosted trees. Scoring a row costs about 30 operations a tree that sixteen rows share; a tree of 31 leaves takes about
/// half a KiB.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Gbdt {
    feature_count: u32,
    /// The score before the first tree.
    base: f32,
    trees: Vec<Tree>,
    /// Sum of the gains of all cuts, by feature.
    gains: Vec<f64>,
}

impl Gbdt {
    /// Learns from all of `rows`. The same seed gives the same bytes, whatever the number of threads.
    ///
    /// # Errors
    /// A parameter out of its range; labels or groups that the loss cannot use.
    pub fn fit(params: &GbdtParams, rows: &Rows, seed: u64) -> Result<Self, Error> {
        Rounds::new(params, rows, seed)?.run(None)
    }

    /// Learns from `rows` until `patience` rounds have not made `watched` better, and keeps the trees of the best round.
    ///
    /// # Errors
    /// As for [`Self::fit`], of either rows; `watched` with other features.
    pub fn fit_watched(params: &GbdtParams, rows: &Rows, watched: &Rows, seed: u64) -> Result<Self, Error> {
        params.loss.check(watched)?;
        let (found, wanted) = (watched.feature_count(), rows.feature_count());
        if found != wanted {
            return Err(Error::Length { what: "features of the watched rows", found, wanted });
        }
        Rounds::new(params, rows, seed)?.run(Some(watched))
    }

    /// Scores of rows (row after row, as many values each as it was fitted on; `NaN` is missing), appended to `scores`.
    /// For a probability take [`super::sigmoid`] of it.
    pub fn score(&self, values: &[f32], scores: &mut Vec<f32>) {
        let feature_count = self.feature_count as usize;
        debug_assert_eq!(values.len() % feature_count, 0, "rows must be whole");
        let mut columns = vec![[0.0; LANES]; feature_count];
        for block in values.chunks(LANES * feature_count) {
            for (lane, row) in block.chunks_exact(feature_count).enumerate() {
                columns.iter_mut().zip(row).for_each(|(column, &value)| column[lane] = value);
            }
            let mut sums = [self.base; LANES];
            self.trees.iter().for_each(|tree| tree.add_lanes(&columns, &mut sums));
            scores.extend_from_slice(&sums[..block.len() / feature_count]);
        }
    }

    /// The score of one row, tree by tree: for explanations, and the plain restatement of [`Self::score`].
    pub fn score_one(&self, row: &[f32]) -> f32 {
        self.trees.iter().fold(self.base, |sum, tree| sum + tree.score(row))
    }

    /// Whether it scores rows of so many values, as a fitted one does.
    pub fn is_sound(&self, feature_count: usize) -> bool {
        self.feature_count as usize == feature_count
            && self.base.is_finite()
            && self.trees.iter().all(|tree| tree.is_sound(feature_count))
    }

    /// How much each feature gained the loss in all cuts.
    pub fn gains(&self) -> &[f64] {
        &self.gains
    }

    /// Trees that were kept.
    pub fn tree_count(&self) -> usize {
        self.trees.len()
    }
}

/// Rounds on their way.
struct Rounds<'a> {
    params: &'a GbdtParams,
    rows: &'a Rows,
    codes: Codes,
    draw: Draw,
}

impl<'a> Rounds<'a> {
    fn new(params: &'a GbdtParams, rows: &'a Rows, seed: u64) -> Result<Self, Error> {
        if let Some(name) = params.fault() {
            return Err(Error::Parameter(name));
        }
        params.loss.check(rows)?;
        let codes = Codes::new(rows, params.bins as usize);
        Ok(Self { params, rows, codes, draw: Draw(seed) })
    }

    fn run(mut self, watched: Option<&Rows>) -> Result<Gbdt, Error> {
        let (params, rows) = (self.params, self.rows);
        let base = params.loss.base(rows);
        let mut fitted = Gbdt {
            feature_count: rows.feature_count() as u32,
            base,
            trees: Vec::new(),
            gains: vec![0.0; rows.feature_count()],
        };
        let mut watch = watched.map(|rows| Watch::new(params.loss, rows, base));
        let mut scores = vec![base; rows.len()];
        let mut derivatives = vec![[0.0; 2]; rows.len()];
        let mut fixed = Vec::new();
        let mut grower = Grower::new(params, &self.codes);
        for _ in 0..params.trees {
            params.loss.derivatives(rows, &scores, &mut derivatives, params.threads as usize);
            let units = Units::of(&derivatives);
            units.fix(&derivatives, &mut fixed);
            let features = self.draw.features(rows.feature_count(), params.feature_share);
            let drawn = self.draw.rows(rows, params.row_share);
            let grown = match &drawn {
                Some(drawn) => grower.grow(drawn.iter().copied(), &features, &fixed, units),
                None => grower.grow(0..rows.len() as u32, &features, &fixed, units),
            };
            if grown.tree.nodes.is_empty() {
                continue;
            }
            move_scores(&grown, rows, drawn.as_deref(), &mut scores);
            grown.gains.iter().for_each(|&(feature, gain)| fitted.gains[feature] += gain);
            let is_over = watch.as_mut().is_some_and(|watch| watch.sees(&grown.tree, params.patience));
            fitted.trees.push(grown.tree);
            if is_over {
                break;
            }
        }
        if let Some(watch) = watch {
            fitted.trees.truncate(watch.best.1);
        }
        Ok(fitted)
    }
}

/// Adds what the tree says. Rows it saw are known by leaf; where only some were drawn, all are walked.
fn move_scores(grown: &Grown<'_>, rows: &Rows, drawn: Option<&[u32]>, scores: &mut [f32]) {
    if drawn.is_some() {
        scores.iter_mut().enumerate().for_each(|(row, score)| *score += grown.tree.score(rows.row(row)));
        return;
    }
    for (leaf_rows, value) in grown.leaf_rows.iter().zip(&grown.tree.leaves) {
        leaf_rows.iter().for_each(|&row| scores[row as usize] += value);
    }
}

/// Rows that are not learned from.
struct Watch<'a> {
    loss: Loss,
    rows: &'a Rows,
    scores: Vec<f32>,
    /// Trees so far.
    trees: usize,
    /// The least badness and the number of trees that had it.
    best: (f64, usize),
}

impl<'a> Watch<'a> {
    fn new(loss: Loss, rows: &'a Rows, base: f32) -> Self {
        let scores = vec![base; rows.len()];
        let best = (loss.badness(rows, &scores), 0);
        Self { loss, rows, scores, trees: 0, best }
    }

    /// Takes a tree into account; whether it is time to stop.
    fn sees(&mut self, tree: &Tree, patience: u32) -> bool {
        self.trees += 1;
        self.scores.iter_mut().enumerate().for_each(|(row, score)| *score += tree.score(self.rows.row(row)));
        let badness = self.loss.badness(self.rows, &self.scores);
        if badness < self.best.0 {
            self.best = (badness, self.trees);
        }
        self.trees - self.best.1 >= patience.max(1) as usize
    }
}

/// SplitMix64 (Steele et al., OOPSLA 2014).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The features of a tree, in order.
    fn features(&mut self, count: usize, share: f32) -> Vec<usize> {
        let mut all: Vec<usize> = (0..count).collect();
        let wanted = ((count as f64 * f64::from(share)).round() as usize).clamp(1, count);
        if wanted < count {
            for at in 0..wanted {
                all.swap(at, at + (self.next() % (count - at) as u64) as usize);
            }
            all.truncate(wanted);
            all.sort_unstable();
        }
        all
    }

    /// The rows of a tree, in order and by whole groups; `None` for all of them.
    fn rows(&mut self, rows: &Rows, share: f32) -> Option<Vec<u32>> {
        if share >= 1.0 {
            return None;
        }
        let bar = (f64::from(share) * u64::MAX as f64) as u64;
        let mut drawn = Vec::new();
        if rows.groups().is_empty() {
            drawn.extend((0..rows.len() as u32).filter(|_| self.next() <= bar));
        } else {
            for group in rows.group_ranges() {
                if self.next() <= bar {
                    drawn.extend(group.start as u32..group.end as u32);
                }
            }
        }
        (!drawn.is_empty()).then_some(drawn)
    }
}
