//! What is viewed or bought together: how views and baskets become co-occurrence, and a session predictions.

use crate::co_occurrence::CoOccurrence;
use crate::scratch::Scratch;
use bespoke_domain::{Millis, ProductNo};
use serde::{Deserialize, Serialize};

/// Largest basket whose pairs are counted; of a larger one the first items.
pub const BASKET_ITEMS_MAX: usize = 100;

/// How views become weights, and rows become predictions.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoVisitParams {
    /// Earlier items of the session that a view is paired with.
    pub window: u32,
    /// Weight of "then came", divided by the distance.
    pub forward: f32,
    /// Weight of "before that came", divided by the distance.
    pub backward: f32,
    /// Items from the end of the session that predict.
    pub items_max: u32,
    /// Weight of an item of the session relative to the one after it.
    pub session_decay: f32,
    /// Weight that a row must have for its shares to count half.
    pub shrinkage: f32,
    /// Factor on the score of the session's last item.
    pub last_item: f32,
    /// Factor on the score of the session's earlier items.
    pub earlier_items: f32,
}

/// Chosen on the last 5 % of the training sessions of three public shops (Diginetica, RetailRocket, Yoochoose) by the sum
/// of their hit rates and reciprocal ranks.
impl Default for CoVisitParams {
    fn default() -> Self {
        Self {
            window: 8,
            forward: 1.0,
            backward: 0.6,
            items_max: 10,
            session_decay: 0.5,
            shrinkage: 20.0,
            last_item: 3.0,
            earlier_items: 4.0,
        }
    }
}

/// Counts a view of `item` after `recent`, the earlier items of the same session, oldest first.
pub fn observe_view(
    rows: &mut CoOccurrence,
    recent: &[ProductNo],
    item: ProductNo,
    now: Millis,
    params: &CoVisitParams,
) {
    for (back, &earlier) in recent.iter().rev().take(params.window as usize).enumerate() {
        let near = 1.0 / (back + 1) as f32;
        rows.add(earlier, item, params.forward * near, now);
        rows.add(item, earlier, params.backward * near, now);
    }
}

/// Counts what was bought together. Each item gives the weight 1 in all to the others, so that large baskets, which say
/// little about any pair, do not drown the small ones. Repeated items count once.
pub fn observe_basket(rows: &mut CoOccurrence, items: &[ProductNo], now: Millis) {
    let mut distinct = items[..items.len().min(BASKET_ITEMS_MAX)].to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let weight = 1.0 / distinct.len().saturating_sub(1).max(1) as f32;
    for &from in &distinct {
        for &to in distinct.iter().filter(|&&to| to != from) {
            rows.add(from, to, weight, now);
        }
    }
}

impl CoOccurrence {
    /// The `limit` items that go best with `session` (oldest item first) at the moment `now`, best first, by the score
    /// order of the product. Items of the session itself may be among them. Scores are sums of shares.
    pub fn predict(
        &self,
        params: &CoVisitParams,
        session: &[ProductNo],
        now: Millis,
        limit: usize,
        scratch: &mut Scratch,
    ) -> Vec<(f32, ProductNo)> {
        let recent = &session[session.len().saturating_sub(params.items_max as usize)..];
        let rows = || recent.iter().rev().map(|&item| self.row(item, now));
        scratch.sums.reset(rows().flatten().map(|row| row.len()).sum());
        let mut weight = 1.0;
        for row in rows() {
            for (share, item) in row.into_iter().flat_map(|row| row.shares(params.shrinkage)) {
                scratch.sums.add(item, weight * share);
            }
            weight *= params.session_decay;
        }
        scratch.sums.weigh_session(recent, params.last_item, params.earlier_items);
        scratch.sums.best(limit)
    }
}
