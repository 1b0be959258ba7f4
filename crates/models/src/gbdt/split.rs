//! The best place to cut a leaf: the cut with the largest gain `G_l²/(H_l+λ) + G_r²/(H_r+λ) - G²/(H+λ)` over all features
//! and bins, with what is missing on either side (Chen and Guestrin, KDD 2016, equations 7 and algorithm 3).

use super::GbdtParams;
use super::histogram::{Histogram, Sum, Total, Units, count, minus, plus};
use serde::{Deserialize, Serialize};

/// Where rows go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Side {
    /// With what is at most the threshold.
    Left,
    /// With what is above it.
    Right,
}

/// A cut: codes from 1 to `code` go left.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    pub gain: f64,
    pub feature: usize,
    pub code: u8,
    /// Where code 0 goes.
    pub missing: Side,
    pub left: Sum,
}

/// What a cut is looked for with.
pub struct Finder<'a> {
    pub params: &'a GbdtParams,
    pub units: Units,
    /// The features that may be cut by, in order.
    pub features: &'a [usize],
    /// Bins by feature.
    pub bin_counts: &'a [usize],
}

impl Finder<'_> {
    /// The cut with the largest positive gain, the first of equal ones; `None` if no cut leaves both sides large enough.
    pub fn best(&self, histogram: &Histogram, whole: Sum) -> Option<Split> {
        if count(whole) < 2 * self.params.rows_in_leaf_min.max(1) {
            return None;
        }
        let mut best: Option<Split> = None;
        let uncut = self.merit(&self.units.total(whole));
        for &feature in self.features {
            let sums = &histogram.of(feature)[..=self.bin_counts[feature]];
            let missing = sums[0];
            let mut below = [0; 2];
            for (code, &sum) in sums.iter().enumerate().skip(1) {
                below = plus(below, sum);
                if count(sum) == 0 {
                    continue;
                }
                let is_some_missing = count(missing) > 0;
                let sides = [(Side::Right, below), (Side::Left, plus(below, missing))];
                for (side, left) in sides.into_iter().take(1 + usize::from(is_some_missing)) {
                    let Some(merit) = self.merit_of_both(left, minus(whole, left)) else { continue };
                    let gain = merit - uncut;
                    if gain > best.map_or(0.0, |best| best.gain) {
                        let missing = if is_some_missing { side } else { larger(left, whole) };
                        best = Some(Split { gain, feature, code: code as u8, missing, left });
                    }
                }
            }
        }
        best
    }

    /// What a leaf of these rows says, before the learning rate.
    pub fn value(&self, sum: Sum) -> f64 {
        let total = self.units.total(sum);
        -total.gradient / (total.hessian + f64::from(self.params.l2)).max(f64::MIN_POSITIVE)
    }

    /// The merit of two leaves together; `None` where one is too small.
    #[inline]
    fn merit_of_both(&self, left: Sum, right: Sum) -> Option<f64> {
        let rows_min = self.params.rows_in_leaf_min.max(1);
        if count(left) < rows_min || count(right) < rows_min {
            return None;
        }
        let (left, right) = (self.units.total(left), self.units.total(right));
        let hessian_min = f64::from(self.params.hessian_in_leaf_min);
        let is_enough = left.hessian >= hessian_min && right.hessian >= hessian_min;
        is_enough.then(|| self.merit(&left) + self.merit(&right))
    }

    #[inline]
    fn merit(&self, total: &Total) -> f64 {
        let hessian = (total.hessian + f64::from(self.params.l2)).max(f64::MIN_POSITIVE);
        total.gradient * total.gradient / hessian
    }
}

/// The side with more rows, for what was never missing here.
fn larger(left: Sum, whole: Sum) -> Side {
    if 2 * count(left) >= count(whole) { Side::Left } else { Side::Right }
}
