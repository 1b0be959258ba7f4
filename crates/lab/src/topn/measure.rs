//! Full ranking: every product that a shopper did not have in training, Recall and binary NDCG at a cut-off, means over the
//! shoppers with something in the test data.

use super::THREADS;
use bespoke_domain::ProductNo;
use bespoke_models::interactions::Interactions;
use bespoke_models::metrics::{ndcg, recall};
use bespoke_models::parts;
use bespoke_models::recommender::{Ask, Recommender, Scores};

/// Means over shoppers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// Share of the right answers that is within the cut-off.
    pub recall: f64,
    /// Discounted gain over that of an ideal ranking.
    pub ndcg: f64,
    /// How many.
    pub shoppers: usize,
}

/// Shoppers of one part of the sums; fixed, so that they are added in the same order whatever the threads.
const PART: usize = 256;

/// How well `fitted` ranks `right` for the shoppers of `had`, row by row. Each is folded in from what they had.
pub fn measure(
    fitted: &dyn Recommender,
    had: &Interactions,
    right: &Interactions,
    cutoff: usize,
) -> Measures {
    let shoppers: Vec<usize> = (0..right.row_count()).filter(|&row| right.row_len(row) > 0).collect();
    let parts = parts::map(shoppers.len().div_ceil(PART), THREADS, |part| {
        let mut scratch = Scores::default();
        let (mut recalls, mut gains) = (0.0, 0.0);
        for &row in shoppers.iter().skip(part * PART).take(PART) {
            let history = had.history(row);
            let excluded: Vec<_> = history.iter().map(|one| one.0).collect();
            let ask = Ask { history: &history, excluded: &excluded, limit: cutoff };
            let ranked: Vec<_> = fitted.recommend(&ask, &mut scratch).iter().map(|one| one.1).collect();
            let right: Vec<_> = right.row(row).0.iter().map(|&column| ProductNo(column)).collect();
            recalls += recall(&ranked, &right, cutoff);
            gains += ndcg(&ranked, &right, cutoff);
        }
        (recalls, gains)
    });
    let sums = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let count = shoppers.len().max(1) as f64;
    Measures { recall: sums.0 / count, ndcg: sums.1 / count, shoppers: shoppers.len() }
}
