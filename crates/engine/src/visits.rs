//! Visits that are still going on. A visit ends after 30 silent minutes of the *log's* time (the latest event time seen),
//! never of a clock, so that the same log always ends the same visits at the same offsets.

use bespoke_domain::time::{MINUTE_MS, SESSION_GAP_MS};
use bespoke_domain::{Millis, ProductNo, ShopperNo};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Products remembered of a visit; the oldest go first.
pub const VISIT_ITEMS_MAX: usize = 50;

/// One visit.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Visit {
    /// Time of its latest event.
    last: Millis,
    /// What was looked at last, and when.
    viewing: Option<(ProductNo, Millis)>,
    /// Products it dealt with, in order, repeats kept.
    pub items: Vec<ProductNo>,
}

/// Open visits by shopper, and the minutes at which to look whether they ended.
#[derive(Clone, Debug, Default)]
pub struct Visits {
    latest: Millis,
    open: FxHashMap<ShopperNo, Visit>,
    /// Every open visit stands at or before the minute in which it ends.
    due: BTreeMap<i64, Vec<ShopperNo>>,
}

impl Visits {
    /// Moves the log's time on; returns the item lists of visits that ended, in the order in which they ended.
    pub fn advance(&mut self, time: Millis) -> Vec<Vec<ProductNo>> {
        self.latest = self.latest.max(time);
        let mut ended = Vec::new();
        while let Some(entry) = self.due.first_entry()
            && *entry.key() < minute(self.latest)
        {
            let due = *entry.key();
            let mut shoppers = entry.remove();
            shoppers
                .sort_unstable_by_key(|shopper| (self.open.get(shopper).map(|visit| visit.last), *shopper));
            shoppers.into_iter().for_each(|shopper| ended.extend(self.end_if_due(shopper, due)));
        }
        ended
    }

    /// Ends the visit if the minute `due` is its last; one that went on since is looked at again when it is due.
    fn end_if_due(&mut self, shopper: ShopperNo, due: i64) -> Option<Vec<ProductNo>> {
        let end = deadline(self.open.get(&shopper)?.last);
        if end > due {
            self.due.entry(end).or_default().push(shopper);
            return None;
        }
        self.open.remove(&shopper).map(|visit| visit.items)
    }

    /// The visit of `shopper` to which an event at `time` belongs, and the items of one that ended by it.
    pub fn at(&mut self, shopper: ShopperNo, time: Millis) -> (&mut Visit, Option<Vec<ProductNo>>) {
        let is_new = !self.open.contains_key(&shopper);
        let visit = self.open.entry(shopper).or_default();
        let is_other = !is_new && time.since(visit.last).abs() > SESSION_GAP_MS;
        let ended = is_other.then(|| std::mem::take(visit).items);
        visit.last = if is_new || is_other { time } else { visit.last.max(time) };
        if is_new || is_other {
            self.due.entry(deadline(time)).or_default().push(shopper);
        }
        (visit, ended)
    }

    /// Number of open visits.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }
}

/// Who goes on to another product sooner than this left the one before at once, in milliseconds.
const QUICK_MS: i64 = 5_000;

impl Visit {
    /// Looks at products; returns the one before, if it was left at once.
    pub fn look_at(&mut self, products: &[ProductNo], time: Millis) -> Option<ProductNo> {
        let last = *products.last()?;
        let (before, since) = self.viewing.replace((last, time))?;
        (before != last && (0..QUICK_MS).contains(&time.since(since))).then_some(before)
    }

    /// Adds a product.
    pub fn push(&mut self, item: ProductNo) {
        if self.items.len() == VISIT_ITEMS_MAX {
            self.items.remove(0);
        }
        self.items.push(item);
    }
}

fn minute(time: Millis) -> i64 {
    time.0.div_euclid(MINUTE_MS)
}

fn deadline(last: Millis) -> i64 {
    minute(last.plus(SESSION_GAP_MS))
}

/// Written as the open visits in order of shoppers; when each is due follows from its last event.
impl Serialize for Visits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut open: Vec<(&ShopperNo, &Visit)> = self.open.iter().collect();
        open.sort_unstable_by_key(|(shopper, _)| **shopper);
        (self.latest, open).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Visits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (latest, open) = <(Millis, Vec<(ShopperNo, Visit)>)>::deserialize(deserializer)?;
        let mut visits = Self { latest, ..Self::default() };
        for (shopper, visit) in open {
            visits.due.entry(deadline(visit.last)).or_default().push(shopper);
            visits.open.insert(shopper, visit);
        }
        Ok(visits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(visits: &mut Visits, shopper: u32, minute: i64, item: u32) -> Vec<Vec<ProductNo>> {
        let time = Millis(minute * MINUTE_MS);
        let mut ended = visits.advance(time);
        let (visit, by_it) = visits.at(ShopperNo(shopper), time);
        visit.push(ProductNo(item));
        ended.extend(by_it);
        ended
    }

    #[test]
    fn visits_end_by_the_time_of_the_log() {
        let mut visits = Visits::default();
        assert!(step(&mut visits, 1, 0, 10).is_empty());
        assert!(step(&mut visits, 2, 10, 20).is_empty());
        assert!(step(&mut visits, 1, 25, 11).is_empty(), "still the same visit");
        assert_eq!(step(&mut visits, 3, 45, 30), [vec![ProductNo(20)]]);
        assert_eq!(step(&mut visits, 3, 60, 31), [vec![ProductNo(10), ProductNo(11)]]);
        assert_eq!(visits.open_count(), 1);
    }

    #[test]
    fn a_late_event_is_its_own_visit() {
        let mut visits = Visits::default();
        step(&mut visits, 1, 100, 1);
        assert_eq!(step(&mut visits, 1, 10, 2), [vec![ProductNo(1)]]);
    }

    #[test]
    fn a_restored_copy_ends_the_same_visits() {
        let mut visits = Visits::default();
        for at in 0..200_u32 {
            step(&mut visits, (at * 7) % 13, i64::from(at * at % 17 + at), at);
        }
        let bytes = postcard::to_allocvec(&visits).expect("visits are plain data");
        let mut restored: Visits = postcard::from_bytes(&bytes).expect("what was written is read");
        for at in 200..400_u32 {
            let (shopper, minute) = ((at * 5) % 13, i64::from(at * at % 17 + at));
            assert_eq!(step(&mut visits, shopper, minute, at), step(&mut restored, shopper, minute, at));
        }
    }
}
