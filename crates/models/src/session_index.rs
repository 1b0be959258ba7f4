//! Closed sessions and, for each product, the newest sessions it occurs in: what session neighbours are found with.
//! Sessions come one by one and are visible at once; a clone shares everything the writer has not touched since.

use crate::cow::CowVec;
use crate::kept_sessions::{KeptSessions, SEGMENT_SESSIONS, SESSION_ITEMS_MAX};
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the index keeps.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexParams {
    /// Newest sessions listed for a product; up to twice as many are in memory between two cuts.
    pub postings_max: u32,
    /// Sessions kept, rounded up to whole segments of 4,096.
    pub sessions_max: u32,
}

impl Default for IndexParams {
    fn default() -> Self {
        Self { postings_max: 2000, sessions_max: 2_097_152 }
    }
}

/// The sessions a product occurs in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Row {
    /// How many of the kept sessions hold the product, listed below or not.
    session_count: u32,
    /// Ordinals of the newest of them, oldest first.
    ordinals: Vec<u32>,
}

/// Closed sessions with postings by product. A product costs 8 bytes until it occurs, then 64 and 4 a posting; a
/// session costs 4 bytes and 4 an item.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SessionIndex {
    params: IndexParams,
    sessions: KeptSessions,
    rows: CowVec<Option<Arc<Row>>, 256>,
}

impl SessionIndex {
    /// An empty index.
    pub fn new(params: IndexParams) -> Self {
        Self { params, ..Self::default() }
    }

    /// Appends a closed session, items in the order in which they were seen; only its last 50 count. An empty session
    /// changes nothing. Sessions MUST come in the order in which they closed.
    pub fn push(&mut self, items: &[ProductNo]) {
        let items = &items[items.len().saturating_sub(SESSION_ITEMS_MAX)..];
        let Some(largest) = items.iter().max() else { return };
        self.rows.grow_to(largest.index() + 1, &None);
        let ordinal = self.sessions.next_ordinal();
        self.sessions.push(items);
        for (place, &item) in items.iter().enumerate() {
            if !items[..place].contains(&item) {
                self.post(item, ordinal);
            }
        }
        self.forget_oldest();
    }

    /// Sessions held.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many of the held sessions hold `item`.
    pub fn sessions_with(&self, item: ProductNo) -> u32 {
        self.row(item).map_or(0, |row| row.session_count)
    }

    /// Ordinals of the newest sessions with `item`, oldest first, at most `postings_max`.
    #[inline]
    pub(crate) fn postings(&self, item: ProductNo) -> &[u32] {
        let listed = self.row(item).map_or(&[][..], |row| &row.ordinals);
        &listed[listed.len().saturating_sub(self.params.postings_max as usize)..]
    }

    /// The sessions themselves.
    #[inline]
    pub(crate) fn sessions(&self) -> &KeptSessions {
        &self.sessions
    }

    #[inline]
    fn row(&self, item: ProductNo) -> Option<&Row> {
        self.rows.get(item.index())?.as_deref()
    }

    fn post(&mut self, item: ProductNo, ordinal: u32) {
        let postings_max = self.params.postings_max.max(1) as usize;
        let Some(slot) = self.rows.get_mut(item.index()) else { return };
        let row = Arc::make_mut(slot.get_or_insert_default());
        row.session_count += 1;
        row.ordinals.push(ordinal);
        if row.ordinals.len() > 2 * postings_max {
            row.ordinals.drain(..postings_max + 1);
        }
    }

    /// Drops the oldest segment when the rest is enough, with every posting that points into it.
    fn forget_oldest(&mut self) {
        let sessions_max = self.params.sessions_max as usize;
        if self.sessions.len() < sessions_max + SEGMENT_SESSIONS {
            return;
        }
        let Some(dropped) = self.sessions.drop_oldest() else { return };
        for items in dropped {
            for (place, &item) in items.iter().enumerate() {
                if !items[..place].contains(&item) {
                    self.unpost(item);
                }
            }
        }
    }

    fn unpost(&mut self, item: ProductNo) {
        let held = self.sessions.len() as u32;
        let Some(slot) = self.rows.get_mut(item.index()) else { return };
        let Some(row) = slot.as_mut().map(Arc::make_mut) else { return };
        row.session_count = row.session_count.saturating_sub(1);
        let stale = row.ordinals.partition_point(|&ordinal| self.sessions.age(ordinal) > held);
        row.ordinals.drain(..stale);
        if row.session_count == 0 {
            *slot = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: IndexParams = IndexParams { postings_max: 3, sessions_max: 4096 };

    #[test]
    fn postings_are_the_newest_and_bounded() {
        let mut index = SessionIndex::new(PARAMS);
        for ordinal in 0..20 {
            index.push(&[ProductNo(5), ProductNo(5)]);
            let listed = index.row(ProductNo(5)).expect("it occurs").ordinals.len();
            assert!(listed <= 6, "{listed} postings after session {ordinal}");
        }
        assert_eq!(index.postings(ProductNo(5)), [17, 18, 19]);
        assert_eq!((index.sessions_with(ProductNo(5)), index.sessions_with(ProductNo(6))), (20, 0));
        index.push(&[]);
        assert_eq!(index.session_count(), 20);
    }

    #[test]
    fn old_sessions_are_forgotten_with_everything_that_points_to_them() {
        let mut index = SessionIndex::new(PARAMS);
        for number in 0..3 * SEGMENT_SESSIONS as u32 {
            let twice = ProductNo(5 + u32::from(number != 8000 && number != 9000));
            index.push(&[ProductNo(number % 2), ProductNo(10 + number), twice]);
            assert!(index.session_count() <= 2 * SEGMENT_SESSIONS);
        }
        assert_eq!(index.session_count(), SEGMENT_SESSIONS);
        assert!(index.row(ProductNo(10)).is_none(), "what only forgotten sessions hold costs nothing again");
        assert_eq!(index.postings(ProductNo(10 + 8192)), [8192]);
        assert_eq!(index.postings(ProductNo(5)), [9000], "session 8000 is forgotten");
        assert_eq!(index.sessions_with(ProductNo(5)), 1);
        assert_eq!(index.sessions_with(ProductNo(0)), SEGMENT_SESSIONS as u32 / 2);
    }
}
