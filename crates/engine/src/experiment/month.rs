//! The holdout month by month: the units that were exposed in a calendar month of the shop's zone, with what they did in it after that.
//!
//! What a unit was like before is that of its first exposure of all: by the month before it would already be different. A month stays open for the
//! two after it, in which what was bought may come back; then its rows are added up and forgotten.

use super::ledger::{Done, Run};
use super::result::close;
use crate::profile::seconds;
use bespoke_domain::Millis;
use bespoke_domain::time::Month;
use bespoke_models::statistics::moments::Moments;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Months kept, the newest; where the holdout's share changed in one, each part of it counts.
pub const MONTHS_MAX: usize = 36;
/// Months after a month in which what comes back is still taken off it.
pub const OPEN_MONTHS: u32 = 2;
/// Runs of months are numbered from here on, so that no other has their number.
const FIRST: u32 = 1 << 31;

/// What is left of a month's rows.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Closed {
    /// Of each arm: units that were exposed, that count, and that were in another arm in an earlier epoch.
    pub arms: Vec<[u64; 3]>,
    /// Units that count and were in two arms, and units that programs spoke for.
    pub left_out: [u64; 2],
    /// By metric and arm, then of the metric that decides by segment and arm.
    pub moments: Vec<Moments>,
}

/// A month.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OfMonth {
    /// Which.
    pub month: Month,
    number: u32,
    /// The holdout's run that it is of, by number.
    of: u32,
    /// Its units.
    pub run: Run,
}

/// All of them, oldest first.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Months {
    all: Vec<OfMonth>,
    next: u32,
}

impl Months {
    /// The months, oldest first; a month in which the holdout's share changed is there more than once.
    pub fn all(&self) -> &[OfMonth] {
        &self.all
    }

    pub(super) fn restore(&mut self) {
        self.all.iter_mut().for_each(|one| one.run.restore());
    }

    /// Notes an exposure of a unit of the holdout's run, by its row there, in a month in which the run may have begun. Only in that is
    /// left out who was in an earlier one: in all later months their arm is what they had from the first day on.
    pub(super) fn expose(
        &mut self,
        (month, begins): (Month, bool),
        (of, run): (u32, &Run),
        row: u32,
        now: Millis,
    ) {
        let Some(row) = run.rows.get(row as usize) else { return };
        if self.all.iter().any(|one| one.month > month) && self.find(month, of).is_none() {
            return;
        }
        let at = self.find(month, of).unwrap_or_else(|| self.open(month, (of, run)));
        let held = &mut self.all[at].run;
        held.seen = (held.seen.0.min(now), held.seen.1.max(now));
        if let Some(number) = held.number(row.key) {
            if let Some(held) = held.rows.get_mut(number as usize) {
                held.exposures = held.exposures.saturating_add(1);
                held.is_crossed |= row.is_crossed;
            }
            return;
        }
        held.number_row(row.key, held.rows.len() as u32);
        let mut again = row.again(seconds(now));
        again.is_carried &= begins;
        held.rows.push(again);
    }

    fn find(&self, month: Month, of: u32) -> Option<usize> {
        self.all.iter().rposition(|one| one.month == month && one.of == of)
    }

    fn open(&mut self, month: Month, (of, run): (u32, &Run)) -> usize {
        for one in self.all.iter_mut().filter(|one| one.month.0 + OPEN_MONTHS < month.0) {
            one.close();
        }
        if self.all.len() == MONTHS_MAX {
            self.all.remove(0);
        }
        self.all.push(OfMonth { month, number: FIRST + self.next, of, run: run.next() });
        self.next += 1;
        self.all.len() - 1
    }

    /// Counts an event for its month; the run and the row that it counted for.
    pub(super) fn count(&mut self, (month, key): (Month, u64), done: &Done) -> Option<(u32, u32)> {
        let one = self.all.iter_mut().rev().find(|one| one.month == month)?;
        let row = one.run.number(key).filter(|_| key != 0)?;
        one.run.count(row, done).map(|_| (one.number, row))
    }

    /// A program spoke for a unit.
    pub(super) fn note_program(&mut self, (month, key): (Month, u64), time_s: u32) {
        let Some(one) = self.all.iter_mut().rev().find(|one| one.month == month) else { return };
        let row = one.run.number(key).filter(|_| key != 0);
        let row = row.and_then(|row| one.run.rows.get_mut(row as usize));
        if let Some(row) = row.filter(|row| row.first_s <= time_s) {
            row.is_program = true;
        }
    }

    pub(super) fn join(&mut self, keys: (u64, u64)) {
        self.all.iter_mut().for_each(|one| one.run.join(keys));
    }

    pub(super) fn run_mut(&mut self, number: u32) -> Option<&mut Run> {
        self.all.iter_mut().find(|one| one.number == number).map(|one| &mut one.run)
    }
}

impl OfMonth {
    fn close(&mut self) {
        if self.run.closed.is_none() {
            let mut empty = self.run.next();
            (empty.closed, empty.seen) = (Some(Arc::new(close(&self.run))), self.run.seen);
            self.run = empty;
        }
    }
}
