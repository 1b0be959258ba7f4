//! The item lists of closed sessions, in order of closing, in segments that are shared once written. Only the last
//! segment is ever copied, so that publishing a snapshot while sessions come in costs at most one segment.

use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// Sessions a segment holds when it is full. A power of two, so that ordinals may wrap around.
pub const SEGMENT_SESSIONS: usize = 4096;
/// Most items kept of one session; the latest ones are kept.
pub const SESSION_ITEMS_MAX: usize = 50;

/// Item lists laid end to end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Segment {
    items: Vec<ProductNo>,
    /// Where each session ends in `items`; it begins where the one before it ends.
    ends: Vec<u32>,
}

impl Segment {
    fn push(&mut self, items: &[ProductNo]) {
        self.items.extend_from_slice(items);
        self.ends.push(self.items.len() as u32);
    }

    #[inline]
    fn bounds(&self, row: usize) -> Option<(usize, usize)> {
        let end = *self.ends.get(row)?;
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        Some((start as usize, end as usize))
    }

    fn session(&self, row: usize) -> &[ProductNo] {
        self.bounds(row).and_then(|(start, end)| self.items.get(start..end)).unwrap_or_default()
    }
}

/// The newest sessions. Each has an ordinal, which is one more than that of the session before it (wrapping).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeptSessions {
    segments: VecDeque<Arc<Segment>>,
    /// Ordinal of the first session of the first segment.
    first: u32,
    /// Sessions in all segments.
    len: u32,
}

impl KeptSessions {
    /// Sessions held.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Ordinal that the next session gets.
    pub fn next_ordinal(&self) -> u32 {
        self.first.wrapping_add(self.len)
    }

    /// Sessions that closed after `ordinal` and itself: 1 for the newest.
    #[inline]
    pub fn age(&self, ordinal: u32) -> u32 {
        self.next_ordinal().wrapping_sub(ordinal)
    }

    /// Keeps the last [`SESSION_ITEMS_MAX`] of `items` as the newest session.
    pub fn push(&mut self, items: &[ProductNo]) {
        if self.segments.len() * SEGMENT_SESSIONS == self.len() {
            self.segments.push_back(Arc::default());
        }
        if let Some(last) = self.segments.back_mut() {
            Arc::make_mut(last).push(&items[items.len().saturating_sub(SESSION_ITEMS_MAX)..]);
        }
        self.len += 1;
    }

    /// Items of a session in order; empty for one that is not held.
    #[inline]
    pub fn session(&self, ordinal: u32) -> &[ProductNo] {
        self.locate(ordinal).map_or(&[], |(segment, row)| segment.session(row))
    }

    /// Number of items of a session; 0 for one that is not held.
    #[inline]
    pub fn session_len(&self, ordinal: u32) -> usize {
        self.locate(ordinal)
            .and_then(|(segment, row)| segment.bounds(row))
            .map_or(0, |(start, end)| end - start)
    }

    /// Drops the oldest segment and hands back its sessions, if more than one is held.
    pub fn drop_oldest(&mut self) -> Option<impl Iterator<Item = Vec<ProductNo>> + use<>> {
        if self.segments.len() < 2 {
            return None;
        }
        let oldest = self.segments.pop_front()?;
        let dropped = oldest.ends.len();
        self.first = self.first.wrapping_add(dropped as u32);
        self.len -= dropped as u32;
        Some((0..dropped).map(move |row| oldest.session(row).to_vec()))
    }

    #[inline]
    fn locate(&self, ordinal: u32) -> Option<(&Segment, usize)> {
        let row = ordinal.wrapping_sub(self.first) as usize;
        Some((self.segments.get(row / SEGMENT_SESSIONS)?, row % SEGMENT_SESSIONS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_found_by_ordinal_across_segments_and_after_dropping() {
        let mut kept = KeptSessions::default();
        for i in 0..SEGMENT_SESSIONS as u32 + 2 {
            kept.push(&[ProductNo(i), ProductNo(i + 1)]);
        }
        assert_eq!(kept.session(4097), [ProductNo(4097), ProductNo(4098)]);
        let dropped: Vec<_> = kept.drop_oldest().expect("two segments").collect();
        assert_eq!((dropped.len(), dropped[3].as_slice()), (4096, [ProductNo(3), ProductNo(4)].as_slice()));
        assert_eq!((kept.len(), kept.next_ordinal(), kept.age(4097)), (2, 4098, 1));
        assert_eq!((kept.session(4095).len(), kept.session_len(4096), kept.session_len(4098)), (0, 2, 0));
        assert!(kept.drop_oldest().is_none(), "the open segment stays");
    }

    #[test]
    fn ordinals_wrap_around() {
        let mut kept = KeptSessions { first: u32::MAX - 4095, ..KeptSessions::default() };
        for i in 0..5000 {
            kept.push(&[ProductNo(i)]);
        }
        assert_eq!((kept.next_ordinal(), kept.age(u32::MAX)), (904, 905));
        assert_eq!(
            (kept.session(u32::MAX), kept.session(903)),
            (&[ProductNo(4095)][..], &[ProductNo(4999)][..])
        );
    }

    #[test]
    fn a_long_session_keeps_its_end() {
        let items: Vec<_> = (0..70).map(ProductNo).collect();
        let mut kept = KeptSessions::default();
        kept.push(&items);
        assert_eq!(kept.session(0), &items[20..]);
    }
}
