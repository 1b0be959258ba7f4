//! All events of the shop in the order of time: visits begin as the hour, the weekday and the year have it, overlap, and
//! leave refunds for later.

use crate::catalogue::Shop;
use crate::dice::{Dice, What};
use crate::visit;
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use bespoke_domain::{Event, Millis};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events of a visit, on average, with the default parameters; sets how many visits a day has. Held to by a test.
pub const EVENTS_PER_VISIT: f64 = 13.5;
/// Share of a day's visits that begin in each hour, times 24.
const BY_HOUR: [f64; 24] = [
    0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.4, 0.7, 0.9, 1.1, 1.2, 1.2, 1.3, 1.2, 1.1, 1.1, 1.2, 1.3, 1.5, 1.8, 2.1,
    2.0, 1.7, 1.2,
];
/// The same for the days of the week; the epoch was a Thursday.
const BY_WEEKDAY: [f64; 7] = [0.95, 0.9, 1.05, 1.2, 1.05, 0.95, 0.9];

/// One event and whose it is. `event.key` is its number from 1, `event.session` the visit's.
#[derive(Clone, PartialEq, Debug)]
pub struct Fact {
    /// Number of the shopper.
    pub shopper: u32,
    /// Whether the shop knows the customer number.
    pub is_signed_in: bool,
    /// What happened; `event.consent` is what the shopper allows.
    pub event: Event,
}

/// Iterates over a shop's events.
pub struct Stream<'a> {
    shop: &'a Shop,
    minute: i64,
    /// Visits owed by the minutes so far, less those begun.
    owed: f64,
    visit_count: u64,
    event_count: u64,
    waiting: BinaryHeap<Reverse<Waiting>>,
    dice: Dice,
}

struct Waiting {
    time: Millis,
    turn: u64,
    fact: Fact,
}

impl Waiting {
    fn order(&self) -> (Millis, u64) {
        (self.time, self.turn)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl<'a> Stream<'a> {
    /// All events of the shop: exactly as many as its parameters say.
    pub fn new(shop: &'a Shop) -> Self {
        Self {
            shop,
            minute: 0,
            owed: 0.0,
            visit_count: 0,
            event_count: 0,
            waiting: BinaryHeap::new(),
            dice: Dice::new(shop.params.seed, What::Days, 0),
        }
    }

    fn now(&self) -> Millis {
        self.shop.params.start.plus(self.minute * MINUTE_MS)
    }

    /// Begins the visits of the next minute.
    fn advance(&mut self) {
        let now = self.now();
        let hour = now.0.rem_euclid(DAY_MS) / (60 * MINUTE_MS);
        let weekday = now.0.div_euclid(DAY_MS).rem_euclid(7);
        let visits = self.shop.params.events as f64 / EVENTS_PER_VISIT;
        let per_minute = visits / (f64::from(self.shop.params.days) * 1440.0);
        self.owed += per_minute * BY_HOUR[hour as usize] * BY_WEEKDAY[weekday as usize];
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            self.begin(now);
        }
        self.minute += 1;
    }

    fn begin(&mut self, minute: Millis) {
        let time = minute.plus(i64::from(self.dice.below(MINUTE_MS as u32)));
        for (step, fact) in (0..).zip(visit::roll(self.shop, self.visit_count, time)) {
            let turn = self.visit_count << 16 | step;
            self.waiting.push(Reverse(Waiting { time: fact.event.time, turn, fact }));
        }
        self.visit_count += 1;
    }
}

impl Iterator for Stream<'_> {
    type Item = Fact;

    fn next(&mut self) -> Option<Fact> {
        if self.event_count == self.shop.params.events {
            return None;
        }
        loop {
            let now = self.now();
            if self.waiting.peek().is_some_and(|Reverse(first)| first.time < now) {
                break;
            }
            self.advance();
        }
        let Reverse(first) = self.waiting.pop()?;
        self.event_count += 1;
        let mut fact = first.fact;
        fact.event.key = self.event_count;
        Some(fact)
    }
}
