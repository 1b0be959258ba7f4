//! What shoppers are followed by: what they were shown and clicked, and whether they went on after a click.

use super::Part;
use super::visitors::GAP_S;
use bespoke_domain::settings::Attribution;
use bespoke_domain::{EventKind, ProductNo, ShopperNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Shoppers whose clicks and views are remembered, those who were followed last.
pub const TOUCHED_MAX: usize = 200_000;
/// Clicks and views of one: those within the days of the rule, of what was seen the last of each product.
const TOUCHES_MAX: usize = 256;
/// The same of all together: 128 MB.
const ALL_TOUCHES_MAX: usize = 8_000_000;
/// Clicks of one that nothing came after yet.
const OPEN_MAX: usize = 8;
/// How long after a click in a message an order comes by it, in seconds.
const MESSAGE_S: u32 = 5 * DAY_S;
/// How late an order may come in and still find what it came by.
const LATE_S: u32 = 2 * DAY_S;
const DAY_S: u32 = 86_400;

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
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Open {
    time_s: u32,
    product: ProductNo,
    /// What it counts for, if nothing comes.
    parts: Box<[Part]>,
    /// Whether the page that it leads to was seen.
    has_landed: bool,
}

impl Open {
    /// A click on a product, in seconds of the epoch, with what it counts for if nothing comes after it.
    pub fn new(time_s: u32, product: ProductNo, parts: Box<[Part]>) -> Self {
        Self { time_s, product, parts, has_landed: false }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Trace {
    touches: Vec<Touch>,
    open: Vec<Open>,
    /// The last click in a message.
    message_s: u32,
    /// When it was used last, in turns.
    turn: u64,
}

impl Trace {
    /// Adds a touch; how many were forgotten for it before their days were over.
    fn add(&mut self, touch: Touch, rule: &Attribution) -> u64 {
        let newest_s = self.touches.iter().map(|one| one.time_s).fold(touch.time_s, u32::max);
        let is_same_view = |one: &Touch| !one.is_click && !touch.is_click && one.product == touch.product;
        if self.touches.iter().any(|one| is_same_view(one) && one.time_s > touch.time_s) {
            return 0;
        }
        self.touches
            .retain(|one| newest_s - one.time_s < days_s(rule, one.is_click) + LATE_S && !is_same_view(one));
        let mut forgotten = 0;
        if self.touches.len() >= TOUCHES_MAX {
            // What was only seen gives way first.
            let seen = self.touches.iter().position(|one| !one.is_click).unwrap_or(0);
            forgotten = u64::from(is_within(&self.touches.remove(seen), newest_s, rule));
        }
        self.touches.push(touch);
        forgotten
    }

    /// How much of it an order could still come by.
    fn count_within(&self, now_s: u32, rule: &Attribution) -> u64 {
        let touches = self.touches.iter().filter(|one| is_within(one, now_s, rule)).count();
        touches as u64 + u64::from(self.message_s != 0 && now_s < self.message_s.saturating_add(MESSAGE_S))
    }
}

fn is_within(touch: &Touch, now_s: u32, rule: &Attribution) -> bool {
    now_s.saturating_sub(touch.time_s) < days_s(rule, touch.is_click)
}

fn days_s(rule: &Attribution, is_click: bool) -> u32 {
    u32::from(if is_click { rule.click_days } else { rule.view_days }) * DAY_S
}

/// By shopper, bounded: who was followed longest ago gives way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Touched {
    traces: BTreeMap<ShopperNo, Trace>,
    /// Shoppers by the turn in which their trace was used last.
    order: BTreeMap<u64, ShopperNo>,
    /// The last turn.
    turn: u64,
    /// Clicks to be looked at when a visit's length has passed.
    due: BTreeSet<(u32, ShopperNo)>,
    /// Clicks and views of all.
    touch_count: usize,
    /// What was forgotten before its time was over.
    pub forgotten: u64,
}

impl Touched {
    /// The trace of a shopper, which is used at this time.
    fn trace(&mut self, shopper: ShopperNo, (now_s, rule): (u32, &Attribution)) -> &mut Trace {
        if !self.traces.contains_key(&shopper) {
            while self.traces.len() >= TOUCHED_MAX || self.touch_count >= ALL_TOUCHES_MAX {
                let Some((_, oldest)) = self.order.pop_first() else { break };
                let gone = self.traces.remove(&oldest).unwrap_or_default();
                self.touch_count -= gone.touches.len();
                self.forgotten += gone.count_within(now_s, rule);
            }
        }
        let trace = self.traces.entry(shopper).or_default();
        if trace.turn != self.turn || trace.turn == 0 {
            self.order.remove(&trace.turn);
            self.turn += 1;
            trace.turn = self.turn;
            self.order.insert(self.turn, shopper);
        }
        trace
    }

    /// Notes what was shown or clicked; what the rule would not look at any more is forgotten.
    pub fn add(&mut self, shopper: ShopperNo, touch: Touch, rule: &Attribution) {
        let trace = self.trace(shopper, (touch.time_s, rule));
        let before = trace.touches.len();
        let forgotten = trace.add(touch, rule);
        let after = trace.touches.len();
        self.touch_count = self.touch_count + after - before;
        self.forgotten += forgotten;
    }

    /// Notes a click, to see whether the shopper goes on.
    pub fn clicked(&mut self, shopper: ShopperNo, click: Open, rule: &Attribution) {
        let time_s = click.time_s;
        self.trace(shopper, (time_s, rule)).open.push(click);
        if self.due.len() >= TOUCHED_MAX {
            self.due.pop_first();
            self.forgotten += 1;
        }
        self.due.insert((time_s, shopper));
    }

    /// Notes a click in a message.
    pub fn message(&mut self, shopper: ShopperNo, time_s: u32, rule: &Attribution) {
        let trace = self.trace(shopper, (time_s, rule));
        trace.message_s = trace.message_s.max(time_s);
    }

    /// Notes that the shopper did something else; the page that a click leads to, and what is shown there, is nothing else.
    pub fn went_on(&mut self, shopper: ShopperNo, products: &[ProductNo], kind: EventKind) {
        if matches!(kind, EventKind::PageView | EventKind::ViewItemList | EventKind::ViewPromotion) {
            return;
        }
        let Some(trace) = self.traces.get_mut(&shopper) else { return };
        trace.open.retain_mut(|open| {
            let lands = kind == EventKind::ViewItem && !open.has_landed && products.contains(&open.product);
            open.has_landed |= lands;
            lands
        });
    }

    /// Clicks that nothing came after for the length of a visit: when, and what they count for.
    pub fn ended(&mut self, now_s: u32) -> Vec<(u32, Box<[Part]>)> {
        let mut ended = Vec::new();
        while let Some(&(time_s, shopper)) = self.due.first()
            && time_s.saturating_add(GAP_S) < now_s
        {
            self.due.pop_first();
            let Some(trace) = self.traces.get_mut(&shopper) else { continue };
            let over = trace.open.extract_if(.., |open| open.time_s == time_s);
            ended.extend(over.map(|open| (time_s, open.parts)));
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
            (rule.any_product || is_same(one.product))
                && one.time_s <= time_s
                && time_s - one.time_s < days_s(rule, one.is_click)
        };
        let all = self.traces.get(&shopper)?.touches.iter().filter(within);
        // Of the same second the one that was told last.
        all.max_by_key(|one| (one.is_click, one.time_s)).copied()
    }

    /// Two shoppers are one.
    pub fn join(&mut self, (root, leaf): (ShopperNo, ShopperNo), rule: &Attribution) {
        let Some(leaf_trace) = self.traces.remove(&leaf) else { return };
        for open in &leaf_trace.open {
            self.due.remove(&(open.time_s, leaf));
            self.due.insert((open.time_s, root));
        }
        self.touch_count -= leaf_trace.touches.len();
        self.order.remove(&leaf_trace.turn);
        let now_s = leaf_trace.touches.iter().map(|one| one.time_s).fold(leaf_trace.message_s, u32::max);
        let held = self.trace(root, (now_s, rule));
        held.message_s = held.message_s.max(leaf_trace.message_s);
        held.open.extend(leaf_trace.open);
        held.open.truncate(OPEN_MAX);
        leaf_trace.touches.into_iter().for_each(|one| self.add(root, one, rule));
    }
}
