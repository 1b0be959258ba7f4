//! Keys of events already in the log, by the day they were received, so that a repeated event is taken once. Bounded:
//! when it is full the oldest day goes, and the shortened window shows as its oldest day.

use bespoke_domain::Millis;
use bespoke_domain::time::DAY_MS;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::VecDeque;
use std::sync::Arc;

/// Days an event key is remembered.
pub const WINDOW_DAYS: i64 = 8;
/// Most keys remembered.
pub const KEYS_MAX: usize = 20_000_000;

/// The keys of one day. Written to checkpoints in order, so that equal sets give equal bytes.
#[derive(Clone, Debug, Default)]
struct Keys(Arc<FxHashSet<u64>>);

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<u64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        sorted.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Arc::new(Vec::<u64>::deserialize(deserializer)?.into_iter().collect())))
    }
}

/// Keys by day of reception, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    days: VecDeque<(i64, Keys)>,
    count: usize,
}

impl Seen {
    /// Whether `key` is remembered.
    pub fn contains(&self, key: u64) -> bool {
        self.days.iter().rev().any(|(_, keys)| keys.0.contains(&key))
    }

    /// Remembers `key`, received at `received`; forgets days out of the window and, when full, the oldest.
    pub fn insert(&mut self, key: u64, received: Millis) {
        let day = received.0.div_euclid(DAY_MS);
        if self.days.back().is_none_or(|(last, _)| *last < day) {
            self.days.push_back((day, Keys::default()));
        }
        if let Some((_, keys)) = self.days.back_mut()
            && Arc::make_mut(&mut keys.0).insert(key)
        {
            self.count += 1;
        }
        while self.days.len() > 1
            && (self.count > KEYS_MAX
                || self.days.front().is_some_and(|(first, _)| *first <= day - WINDOW_DAYS))
        {
            self.count -= self.days.pop_front().map_or(0, |(_, keys)| keys.0.len());
        }
    }

    /// The first day still remembered, in days since the epoch.
    pub fn oldest_day(&self) -> Option<i64> {
        self.days.front().map(|(day, _)| *day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_remembered_for_the_window_and_no_longer() {
        let mut seen = Seen::default();
        seen.insert(1, Millis(0));
        seen.insert(2, Millis(3 * DAY_MS));
        assert!(seen.contains(1) && seen.contains(2) && !seen.contains(3));
        seen.insert(3, Millis(WINDOW_DAYS * DAY_MS));
        assert!(!seen.contains(1) && seen.contains(2) && seen.contains(3));
        assert_eq!(seen.count, 2);
    }
}
