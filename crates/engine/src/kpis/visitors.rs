//! Shoppers as they are counted: the visit going on, and what decides which parts of the counts their events belong to.
//!
//! Whatever is kept of two shoppers who turn out to be one is a union of what was kept of each – the earlier first event, the later last one,
//! the visit that began later –, so that the numbers are those of the log as it was known event by event.

use crate::experiment::ledger::BEFORE_DAYS;
use crate::profile::seconds;
use bespoke_domain::event::Device;
use bespoke_domain::time::SESSION_GAP_MS;
use bespoke_domain::{Event, EventKind, ShopperNo};
use serde::{Deserialize, Serialize};

/// Silence that ends a visit, in seconds.
pub const GAP_S: u32 = (SESSION_GAP_MS / 1000) as u32;
const DAY_S: u32 = 86_400;

/// A visit, by what was known when it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Visit {
    /// When it began, in seconds of the epoch; 0 = there was none yet.
    start_s: u32,
    /// Whether an earlier one is known.
    pub is_returning: bool,
    /// Whether something had gone into the cart in the four weeks before.
    pub is_keen: bool,
    /// On what it began.
    pub device: Device,
    has_searched: bool,
}

/// A shopper as counted: 56 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Visitor {
    /// The visit that began last.
    pub visit: Visit,
    /// The first and the last event of a visit, in seconds of the epoch; 0 = none.
    first_s: u32,
    last_s: u32,
    /// The last addition to the cart.
    cart_s: u32,
    /// The newest local day on which it was counted, and which of the 31 before it as well: a bit each.
    day: (u16, u32),
    /// The newest local day on which a message went to it.
    message_day: u16,
    /// The market that was last asked for: when, and its name's number, from 1.
    market: (u32, u32),
    /// What was last searched for: when, and a hash of the words.
    search: (u32, u64),
    has_ordered: bool,
}

/// What an event says of its visit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Noted {
    /// Whether it begins one.
    pub begins: bool,
    /// Whether it is the shopper's first on its day.
    pub is_first_of_day: bool,
}

/// Whether an event is something that a shopper does in the shop; what is sent to them, and what they ask for elsewhere, is not.
pub fn is_of_visits(kind: EventKind) -> bool {
    !matches!(
        kind,
        EventKind::MessageSent
            | EventKind::MessageOpened
            | EventKind::MessageConverted
            | EventKind::MessageBounced
            | EventKind::MessageUnsubscribed
            | EventKind::SupportContact
            | EventKind::Refund
    )
}

impl Visitor {
    /// Notes an event on its local day. One that comes late begins no visit.
    pub fn note(&mut self, event: &Event, day: u16) -> Noted {
        let time_s = seconds(event.time);
        let begins = self.last_s == 0 || time_s > self.last_s.saturating_add(GAP_S);
        if begins {
            self.visit = Visit {
                start_s: time_s,
                is_returning: self.last_s != 0,
                is_keen: self.cart_s != 0 && time_s.saturating_sub(self.cart_s) < BEFORE_DAYS * DAY_S,
                device: event.device,
                has_searched: false,
            };
        }
        self.first_s = if self.first_s == 0 { time_s } else { self.first_s.min(time_s) };
        self.last_s = self.last_s.max(time_s);
        if event.kind == EventKind::AddToCart {
            self.cart_s = self.cart_s.max(time_s);
        }
        Noted { begins, is_first_of_day: self.note_day(day) }
    }

    /// Notes the day; whether it is new. What comes more than a month late is of no day.
    fn note_day(&mut self, day: u16) -> bool {
        let (newest, days) = &mut self.day;
        if day > *newest {
            *days = days.checked_shl(u32::from(day - *newest)).unwrap_or(0) | 1;
            *newest = day;
            return true;
        }
        let Some(bit) = 1_u32.checked_shl(u32::from(*newest - day)) else { return false };
        let is_new = *days & bit == 0;
        *days |= bit;
        is_new
    }

    /// Notes a message; whether it is the first that goes to the shopper on its day, or later than all.
    pub fn note_message(&mut self, day: u16) -> bool {
        let is_first = day > self.message_day;
        self.message_day = self.message_day.max(day);
        is_first
    }

    /// Notes a search for words with this hash: whether it is another than the last, and whether it is the first of the visit.
    pub fn note_search(&mut self, time_s: u32, words: u64) -> (bool, bool) {
        let (last_s, last) = self.search;
        let is_again = last == words && words != 0 && time_s <= last_s.saturating_add(GAP_S);
        if time_s >= last_s {
            self.search = (time_s, words);
        }
        (!is_again, !std::mem::replace(&mut self.visit.has_searched, true))
    }

    /// Notes an order; whether there was one before.
    pub fn note_order(&mut self) -> bool {
        std::mem::replace(&mut self.has_ordered, true)
    }

    /// Seconds since the shopper was first seen.
    pub fn known_for_s(&self, time_s: u32) -> u32 {
        time_s.saturating_sub(self.first_s)
    }

    /// Notes the market that was asked for, by its name's number.
    pub fn note_market(&mut self, time_s: u32, market: u32) {
        if time_s >= self.market.0 {
            self.market = (time_s, market + 1);
        }
    }

    /// The market that was last asked for.
    pub fn market(&self) -> Option<u32> {
        self.market.1.checked_sub(1)
    }
}

/// All of them, by number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Visitors(Vec<Visitor>);

impl Visitors {
    /// The shopper's.
    pub fn of(&mut self, shopper: ShopperNo) -> &mut Visitor {
        if self.0.len() <= shopper.index() {
            self.0.resize(shopper.index() + 1, Visitor::default());
        }
        &mut self.0[shopper.index()]
    }

    /// Two are one.
    pub fn join(&mut self, root: ShopperNo, leaf: ShopperNo) {
        let leaf = *self.of(leaf);
        let root = self.of(root);
        if leaf.visit.start_s > root.visit.start_s {
            root.visit = leaf.visit;
        }
        if root.first_s == 0 || leaf.first_s != 0 && leaf.first_s < root.first_s {
            root.first_s = leaf.first_s;
        }
        (root.last_s, root.cart_s) = (root.last_s.max(leaf.last_s), root.cart_s.max(leaf.cart_s));
        let newest = root.day.0.max(leaf.day.0);
        let since = |(day, days): (u16, u32)| days.checked_shl(u32::from(newest - day)).unwrap_or(0);
        root.day = (newest, since(root.day) | since(leaf.day));
        root.message_day = root.message_day.max(leaf.message_day);
        (root.market, root.search) = (root.market.max(leaf.market), root.search.max(leaf.search));
        root.has_ordered |= leaf.has_ordered;
    }
}
