//! LambdaMART's derivatives (Burges, MSR-TR-2010-82): a pair of rows of one group with different labels is pushed apart by
//! `|ΔNDCG| / (1 + e^(σ (s_high - s_low)))`, where `|ΔNDCG|` is what exchanging the two would do to the group's NDCG.
//! Normalised as LightGBM does it, so that no group and no far-off pair rules the tree. A row's weight multiplies its gain:
//! with inverse propensities of clicks the expected push of a pair has the sign of the true difference (after Agarwal et
//! al., SIGIR 2019). What normalises a group leaves weights out, or they would be normalised away.

use super::Rows;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How pairs push.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LambdaRank {
    /// Pairs count only where one of the two stands among so many first.
    pub truncation: u32,
    /// σ: how steeply a pair's loss falls with the distance of its scores.
    pub steepness: f32,
}

impl Default for LambdaRank {
    fn default() -> Self {
        Self { truncation: 30, steepness: 1.0 }
    }
}

/// Derivatives of every row. Groups are shared out among threads; each group's are its own.
pub fn derivatives(how: &LambdaRank, rows: &Rows, scores: &[f32], out: &mut [[f32; 2]], threads: usize) {
    let groups: Vec<Range<usize>> = rows.group_ranges().collect();
    let work = Work { how, rows, scores, discounts: discounts(&groups) };
    let part_len = groups.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let (mut left, mut start) = (out, 0);
        let mut parts = groups.chunks(part_len).peekable();
        while let Some(part) = parts.next() {
            let end = part.last().map_or(start, |group| group.end);
            let (own, rest) = std::mem::take(&mut left).split_at_mut(end - start);
            (left, start) = (rest, end);
            if parts.peek().is_some() {
                scope.spawn(|| work.part(part, own));
            } else {
                work.part(part, own);
            }
        }
    });
}

/// NDCG at `cutoff` (gains `2^label - 1` times the row's weight, discounts `1 / log2(place + 1)`, the ideal without weights),
/// averaged over the groups in which any label is positive; 0 without such a group. Ties are ranked by row.
pub fn mean_ndcg(rows: &Rows, scores: &[f32], cutoff: usize) -> f64 {
    let groups: Vec<Range<usize>> = rows.group_ranges().collect();
    let discounts = discounts(&groups);
    let (mut sum, mut count, mut order) = (0.0, 0, Vec::new());
    for group in groups {
        let ideal = ideal_gain(&rows.labels()[group.clone()], &discounts, cutoff);
        if ideal > 0.0 {
            rank(&scores[group.clone()], &mut order);
            let gain = |row: u32| {
                let at = group.start + row as usize;
                gain(rows.labels()[at]) * f64::from(rows.weight(at))
            };
            let found = order.iter().zip(&discounts).take(cutoff);
            let gained: f64 = found.map(|(&key, discount)| gain(key as u32) * discount).sum();
            (sum, count) = (sum + gained / ideal, count + 1);
        }
    }
    sum / f64::from(count.max(1))
}

/// `2^label - 1`; labels are whole and at most 30.
fn gain(label: f32) -> f64 {
    f64::from((1_u32 << (label as u32).min(31)) - 1)
}

/// What places count, for the largest group.
fn discounts(groups: &[Range<usize>]) -> Vec<f64> {
    let longest = groups.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
    (0..longest).map(|place| 1.0 / libm::log2((place + 2) as f64)).collect()
}

/// The gain of the best order of `labels` up to `cutoff`.
fn ideal_gain(labels: &[f32], discounts: &[f64], cutoff: usize) -> f64 {
    let mut best: Vec<f32> = labels.iter().copied().filter(|&label| label > 0.0).collect();
    best.sort_unstable_by(|a, b| b.total_cmp(a));
    best.iter().zip(discounts).take(cutoff).map(|(&label, discount)| gain(label) * discount).sum()
}

/// The rows of a group, best score first, in the product's score order; as keys, since those are sorted without a branch.
fn rank(scores: &[f32], order: &mut Vec<u64>) {
    order.clear();
    order.extend(scores.iter().zip(0..).map(|(&score, row)| falling(score) << 32 | row));
    order.sort_unstable();
}

/// Smaller for higher scores, largest for what is not finite.
fn falling(score: f32) -> u64 {
    let bits = score.to_bits();
    let rising = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(if score.is_finite() { !rising } else { u32::MAX })
}

/// A row of a group at its place.
#[derive(Clone, Copy)]
struct Placed {
    row: u32,
    place: u32,
    score: f32,
    /// Without its weight.
    plain_gain: f64,
    gain: f64,
}

/// What scales all pushes of a group.
#[derive(Clone, Copy)]
struct Scale {
    /// 1 over the gain of the ideal order.
    ideal_inverse: f64,
    /// Whether any scores differ yet: a pair then counts less the further apart its scores are.
    is_ranked: bool,
}

struct Work<'a> {
    how: &'a LambdaRank,
    rows: &'a Rows,
    scores: &'a [f32],
    discounts: Vec<f64>,
}

impl Work<'_> {
    /// The derivatives of neighbouring groups into their part of the output.
    fn part(&self, groups: &[Range<usize>], out: &mut [[f32; 2]]) {
        let start = groups.first().map_or(0, |group| group.start);
        let (mut order, mut placed) = (Vec::new(), Vec::new());
        out.fill([0.0; 2]);
        for group in groups {
            rank(&self.scores[group.clone()], &mut order);
            self.place(group, &order, &mut placed);
            self.group(group, &order, &placed, &mut out[group.start - start..group.end - start]);
        }
    }

    /// The rows of a group with their places, largest gain first.
    fn place(&self, group: &Range<usize>, order: &[u64], placed: &mut Vec<Placed>) {
        placed.clear();
        let place = |(&key, place): (&u64, u32)| {
            let row = key as u32;
            let at = group.start + row as usize;
            let plain_gain = gain(self.rows.labels()[at]);
            let gain = plain_gain * f64::from(self.rows.weight(at));
            Placed { row, place, score: self.scores[at], plain_gain, gain }
        };
        let all = || order.iter().zip(0..).map(place);
        placed.extend(all().filter(|one| one.gain > 0.0));
        placed.sort_by(|a, b| b.gain.total_cmp(&a.gain));
        placed.extend(all().filter(|one| one.gain <= 0.0));
    }

    fn group(&self, group: &Range<usize>, order: &[u64], placed: &[Placed], out: &mut [[f32; 2]]) {
        let truncation = self.how.truncation as usize;
        let ideal = ideal_gain(&self.rows.labels()[group.clone()], &self.discounts, truncation);
        let (Some(best), Some(worst)) = (order.first(), order.last()) else { return };
        if ideal <= 0.0 {
            return;
        }
        let scale = Scale { ideal_inverse: 1.0 / ideal, is_ranked: best >> 32 != worst >> 32 };
        let (mut pushes, mut from) = (0.0, 0);
        for same in placed.chunk_by(|a, b| a.gain == b.gain) {
            from += same.len();
            for high in same {
                pushes += self.push(high, &placed[from..], scale, out);
            }
        }
        if pushes > 0.0 {
            let factor = (libm::log2(1.0 + pushes) / pushes) as f32;
            out.iter_mut().for_each(|one| *one = one.map(|derivative| derivative * factor));
        }
    }

    /// Pushes a row above those with smaller gains; gives the sum of pushes without weights, counted on both sides.
    fn push(&self, high: &Placed, lows: &[Placed], scale: Scale, out: &mut [[f32; 2]]) -> f64 {
        let steepness = self.how.steepness;
        let high_discount = self.discounts[high.place as usize];
        let (mut first, mut second, mut plain) = (0.0, 0.0, 0.0);
        for low in lows.iter().filter(|low| low.place.min(high.place) < self.how.truncation) {
            let apart = high.score - low.score;
            let softened = if scale.is_ranked { 0.01 + f64::from(apart.abs()) } else { 1.0 };
            let exchange = (high_discount - self.discounts[low.place as usize]).abs();
            let unit = exchange * scale.ideal_inverse / softened;
            let wrong = 1.0 / (1.0 + libm::expf(steepness * apart));
            let push = steepness * wrong * ((high.gain - low.gain) * unit) as f32;
            let curve = steepness * (1.0 - wrong) * push;
            let low_out = &mut out[low.row as usize];
            *low_out = [low_out[0] + push, low_out[1] + curve];
            (first, second) = (first + push, second + curve);
            plain += f64::from(steepness * wrong) * (high.plain_gain - low.plain_gain).abs() * unit;
        }
        let high_out = &mut out[high.row as usize];
        *high_out = [high_out[0] - first, high_out[1] + second];
        2.0 * plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::order::by_score;

    #[test]
    fn keys_are_in_the_score_order_of_the_product() {
        let scores =
            [0.0, -1.5, f32::NAN, 7.0, -0.0, f32::INFINITY, -f32::MIN_POSITIVE, 7.0, f32::MAX, -f32::MAX];
        let mut order = Vec::new();
        rank(&scores, &mut order);
        let mut sorted: Vec<(f32, u32)> = scores.into_iter().zip(0..).collect();
        sorted.sort_by(|a, b| by_score(*a, *b));
        let rows = |key: &u64| *key as u32;
        assert_eq!(
            order.iter().map(rows).collect::<Vec<_>>(),
            sorted.iter().map(|one| one.1).collect::<Vec<_>>()
        );
    }
}
