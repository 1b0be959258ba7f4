//! What shoppers are followed by: when they were last here, what they were shown and clicked, and whether they went on after a click.

use crate::experiment::ledger::BEFORE_DAYS;
use bespoke_domain::settings::Attribution;
use bespoke_domain::time::SESSION_GAP_MS;
use bespoke_domain::{EventKind, ProductNo, ShopperNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Shoppers whose clicks and views are remembered.
pub const TOUCHED_MAX: usize = 200_000;
/// Clicks and views of one.
const TOUCHES_MAX: usize = 32;
/// How long after a click in a message an order comes by it, in seconds.
const MESSAGE_S: u32 = 5 * DAY_S;
const GAP_S: u32 = (SESSION_GAP_MS / 1000) as u32;
const DAY_S: u32 = 86_400;

/// A shopper as counted: 20 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Visitor {
    /// The last event, in seconds of the epoch; 0 = none.
    last_s: u32,
    /// The last addition to the cart.
    cart_s: u32,
    /// The newest local day on which it was counted.
    day: u16,
    /// The market that was last asked for: its name's number, from 1.
    pub market: u32,
    /// Whether an earlier visit is known, as of the visit going on.
    pub is_returning: bool,
    /// Whether something had gone into the cart in the four weeks before the visit going on.
    pub is_keen: bool,
    has_ordered: bool,
}

impl Visitor {
    /// Notes an event; whether it begins a visit. One that comes late begins none.
    pub fn note(&mut self, time_s: u32, is_cart: bool) -> bool {
        let is_first = self.last_s == 0;
        let begins = is_first || time_s > self.last_s.saturating_add(GAP_S);
        if begins {
            self.is_returning = !is_first;
            self.is_keen = self.cart_s != 0 && time_s.saturating_sub(self.cart_s) < BEFORE_DAYS * DAY_S;
        }
        self.last_s = self.last_s.max(time_s);
        if is_cart {
            self.cart_s = self.cart_s.max(time_s);
        }
        begins
    }

    /// Notes the day; whether it is the shopper's first event on it.
    pub fn note_day(&mut self, day: u16) -> bool {
        let is_first = day > self.day;
        self.day = self.day.max(day);
        is_first
    }

    /// Notes an order; whether there was one before.
    pub fn note_order(&mut self) -> bool {
        std::mem::replace(&mut self.has_ordered, true)
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
        let earlier = (root.last_s.min(leaf.last_s), root.last_s.max(leaf.last_s));
        root.is_returning |=
            leaf.is_returning || earlier.0 != 0 && earlier.1 > earlier.0.saturating_add(GAP_S);
        root.is_keen |= leaf.is_keen;
        root.has_ordered |= leaf.has_ordered;
        (root.last_s, root.cart_s) = (earlier.1, root.cart_s.max(leaf.cart_s));
        (root.day, root.market) = (root.day.max(leaf.day), root.market.max(leaf.market));
    }
}

/// A product that a placement showed, or that was clicked there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Touch {
    /// When, in seconds of the epoch.
    pub time_s: u32,
    /// The product.
    pub product: ProductNo,
    /// The placement, by its name's number.
    pub placement: u32,
    /// Whether it was clicked.
    pub is_click: bool,
}

/// A click after which nothing came yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Open {
    time_s: u32,
    placement: u32,
    product: ProductNo,
    /// Whether the page that it leads to was seen.
    has_landed: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Trace {
    touches: VecDeque<Touch>,
    open: Option<Open>,
    /// The last click in a message.
    message_s: u32,
}

/// By shopper, bounded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Touched {
    traces: BTreeMap<ShopperNo, Trace>,
    /// Shoppers in the order in which they came.
    order: VecDeque<ShopperNo>,
    /// Clicks to be looked at when a visit's length has passed.
    due: VecDeque<(u32, ShopperNo)>,
}

impl Touched {
    fn trace(&mut self, shopper: ShopperNo) -> &mut Trace {
        if !self.traces.contains_key(&shopper) {
            if self.order.len() >= TOUCHED_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.traces.remove(&oldest);
            }
            self.order.push_back(shopper);
        }
        self.traces.entry(shopper).or_default()
    }

    /// Notes what was shown or clicked.
    pub fn add(&mut self, shopper: ShopperNo, touch: Touch) {
        let touches = &mut self.trace(shopper).touches;
        if touches.len() == TOUCHES_MAX {
            // What was only seen gives way first.
            let seen = touches.iter().position(|one| !one.is_click).unwrap_or(0);
            touches.remove(seen);
        }
        touches.push_back(touch);
    }

    /// Notes a click, to see whether the shopper goes on.
    pub fn clicked(&mut self, shopper: ShopperNo, (time_s, placement): (u32, u32), products: &[ProductNo]) {
        let Some(&product) = products.first() else { return };
        self.trace(shopper).open = Some(Open { time_s, placement, product, has_landed: false });
        self.due.push_back((time_s, shopper));
    }

    /// Notes a click in a message.
    pub fn message(&mut self, shopper: ShopperNo, time_s: u32) {
        self.trace(shopper).message_s = time_s;
    }

    /// Notes that the shopper did something else; the page that a click leads to, and what is shown there, is nothing else.
    pub fn went_on(&mut self, shopper: ShopperNo, products: &[ProductNo], kind: EventKind) {
        if matches!(kind, EventKind::PageView | EventKind::ViewItemList | EventKind::ViewPromotion) {
            return;
        }
        let Some(trace) = self.traces.get_mut(&shopper) else { return };
        let Some(open) = &mut trace.open else { return };
        let lands = kind == EventKind::ViewItem && !open.has_landed && products.contains(&open.product);
        if lands {
            open.has_landed = true;
        } else {
            trace.open = None;
        }
    }

    /// Clicks that nothing came after for the length of a visit: when, and in which placement.
    pub fn ended(&mut self, now_s: u32) -> Vec<(u32, u32)> {
        let mut ended = Vec::new();
        while let Some(&(time_s, shopper)) = self.due.front()
            && time_s.saturating_add(GAP_S) < now_s
        {
            self.due.pop_front();
            let Some(trace) = self.traces.get_mut(&shopper) else { continue };
            if let Some(open) = trace.open.filter(|open| open.time_s == time_s) {
                trace.open = None;
                ended.push((time_s, open.placement));
            }
        }
        ended
    }

    /// Whether an order comes by a message.
    pub fn has_message(&self, shopper: ShopperNo, time_s: u32) -> bool {
        let message_s = self.traces.get(&shopper).map_or(0, |trace| trace.message_s);
        message_s != 0 && (message_s..=message_s.saturating_add(MESSAGE_S)).contains(&time_s)
    }

    /// By what a product that is bought came: the last click on it within the window, else the last time it was seen within its.
    pub fn last(
        &self,
        shopper: ShopperNo,
        (time_s, rule): (u32, &Attribution),
        is_same: impl Fn(ProductNo) -> bool,
    ) -> Option<Touch> {
        let within = |one: &&Touch| {
            let days = if one.is_click { rule.click_days } else { rule.view_days };
            (rule.any_product || is_same(one.product))
                && one.time_s <= time_s
                && time_s - one.time_s < u32::from(days) * DAY_S
        };
        let all = || {
            self.traces.get(&shopper).into_iter().flat_map(|trace| trace.touches.iter().rev()).filter(within)
        };
        all().find(|one| one.is_click).or_else(|| all().next()).copied()
    }

    /// Two shoppers are one.
    pub fn join(&mut self, root: ShopperNo, leaf: ShopperNo) {
        let Some(leaf) = self.traces.remove(&leaf) else { return };
        let held = self.trace(root);
        held.message_s = held.message_s.max(leaf.message_s);
        held.open = held.open.or(leaf.open);
        let mut all: Vec<Touch> = held.touches.iter().copied().chain(leaf.touches).collect();
        all.sort_by_key(|one| one.time_s);
        held.touches = all.split_off(all.len().saturating_sub(TOUCHES_MAX)).into();
    }
}
