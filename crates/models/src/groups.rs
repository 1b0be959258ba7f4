//! Vectors in groups that point in similar directions, so that a search can leave out whole groups: spherical k-means
//! (Dhillon, Modha 2001) on a sample, in two steps – coarse groups, then each of them again – so that a million vectors take
//! less than a second. The number of groups is about the root of the number of vectors.

use crate::lanes::{Kernel, LANES, axpy, dispatch, dot};

/// Rounds of k-means.
const ROUNDS: usize = 5;
/// Vectors a group that k-means looks at.
const SAMPLED: usize = 64;

/// A group.
pub(crate) struct Group {
    /// The direction of its middle: of length one, or nought.
    pub centre: Vec<f32>,
    /// Numbers of its vectors.
    pub members: Vec<u32>,
}

/// Groups of the rows of `width` numbers, whole lanes; every row is in one, none is empty.
pub(crate) fn similar(rows: &[f32], width: usize) -> Vec<Group> {
    let count = rows.len() / width.max(1);
    // What was read may be of any width; only whole lanes are vectors.
    if width == 0 || count == 0 || !width.is_multiple_of(LANES) {
        return Vec::new();
    }
    let fan = (1..).take_while(|fan: &usize| fan.pow(4) <= count).last().unwrap_or(1);
    let mut groups = Vec::new();
    for coarse in split(rows, width, (0..count as u32).collect(), fan) {
        let parts = (coarse.members.len() * fan * fan).div_ceil(count).min(4 * fan);
        groups.extend(split(rows, width, coarse.members, parts));
    }
    groups
}

fn split(rows: &[f32], width: usize, members: Vec<u32>, parts: usize) -> Vec<Group> {
    dispatch(Split { rows, width, members, parts })
}

/// Splits `members` into at most `parts` groups.
struct Split<'a> {
    rows: &'a [f32],
    width: usize,
    members: Vec<u32>,
    parts: usize,
}

impl Kernel for Split<'_> {
    type Output = Vec<Group>;

    #[inline(always)]
    fn run(self) -> Vec<Group> {
        let Self { rows, width, members, parts } = self;
        let row = |member: u32| &rows[member as usize * width..][..width];
        let stride = |count: usize| members.iter().step_by((members.len() / count.max(1)).max(1)).copied();
        let mut centres = vec![0.0; parts * width];
        for (centre, member) in centres.chunks_exact_mut(width.max(1)).zip(stride(parts)) {
            add_direction(row(member), centre);
        }
        for _ in 0..ROUNDS {
            let mut sums = vec![0.0; centres.len()];
            for member in stride(parts * SAMPLED) {
                let at = nearest(row(member), &centres);
                add_direction(row(member), &mut sums[at * width..][..width]);
            }
            for (centre, sum) in centres.chunks_exact_mut(width.max(1)).zip(sums.chunks_exact(width.max(1))) {
                if sum.iter().any(|value| *value != 0.0) {
                    centre.fill(0.0);
                    add_direction(sum, centre);
                }
            }
        }
        let centres_of = centres.chunks_exact(width.max(1));
        let mut groups: Vec<Group> =
            centres_of.map(|centre| Group { centre: centre.to_vec(), members: Vec::new() }).collect();
        for &member in &members {
            groups[nearest(row(member), &centres)].members.push(member);
        }
        groups.retain(|group| !group.members.is_empty());
        groups
    }
}

/// The centre that `row` points to most, the first of those that are alike.
#[inline(always)]
fn nearest(row: &[f32], centres: &[f32]) -> usize {
    let mut best = (f32::NEG_INFINITY, 0);
    for (at, centre) in centres.chunks_exact(row.len()).enumerate() {
        let score = dot(row, centre);
        if score > best.0 {
            best = (score, at);
        }
    }
    best.1
}

/// Adds `row` made one long; nothing where it is nought or not finite.
#[inline(always)]
fn add_direction(row: &[f32], sum: &mut [f32]) {
    let over = 1.0 / dot(row, row).sqrt();
    if over.is_finite() && over > 0.0 {
        axpy(over, row, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn every_row_is_in_one_group_with_those_that_point_the_same_way() {
        let mut seeded = Seeded::new(4);
        let corners: Vec<Vec<f32>> =
            (0..8).map(|_| (0..16).map(|_| seeded.normal() as f32).collect()).collect();
        let count = 4096;
        let mut rows = Vec::new();
        for at in 0..count {
            let length = 0.1 + seeded.unit() as f32;
            rows.extend(corners[at % 8].iter().map(|value| length * (value + 0.05 * seeded.normal() as f32)));
        }
        rows[..32].fill(0.0);
        let groups = similar(&rows, 16);
        let mut all: Vec<u32> = groups.iter().flat_map(|group| group.members.clone()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..count as u32));
        let mut close = 0;
        for group in &groups {
            for member in &group.members {
                let row = &rows[*member as usize * 16..][..16];
                close += usize::from(dot(row, &group.centre) > 0.9 * dot(row, row).sqrt());
            }
        }
        assert!(close > count * 95 / 100, "{close}");
    }

    #[test]
    fn no_rows_and_equal_rows_are_grouped_too() {
        assert!(similar(&[], 16).is_empty());
        let groups = similar(&[0.5; 16 * 300], 16);
        assert_eq!(groups.iter().map(|group| group.members.len()).sum::<usize>(), 300);
    }
}
