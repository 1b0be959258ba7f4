//! Counts by day: what the shop's shoppers did, in all, by segment, market, category, placement and arm. KPIs are quotients of them
//! (`table`). Folded from the log, whole numbers only, so that the same log gives the same numbers in whatever pieces it is folded.
//!
//! Days are cut in the shop's time zone. A return counts on the day of its order. Programs count for nothing but their own number. Bounded: see
//! the `_MAX`es; what there was no room for is counted.

/// The KPIs, as quotients of counts.
pub mod table;
/// What shoppers are followed by.
pub mod touched;

use crate::orders::{Orders, Prices, Worth};
use crate::profile::seconds;
use bespoke_domain::consent::Purpose;
use bespoke_domain::settings::{Attribution, Shop};
use bespoke_domain::{Decision, DecisionId, Event, EventKind, Millis, ProductNo, Settings, ShopperNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use table::{COUNTS, Count};
use touched::{Touch, Touched, Visitor, Visitors};

/// Days kept, the newest.
pub const DAYS_MAX: usize = 800;
/// Parts of one day; more are counted in the whole only.
pub const PARTS_MAX: usize = 2_000;
/// Decisions whose placement is remembered, the newest.
const DECISIONS_MAX: usize = 200_000;
/// Names of placements and markets.
const NAMES_MAX: usize = 5_000;

/// A part of a day's events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Part {
    /// All of it.
    Whole,
    /// Of a segment of visits, by its place in [`SEGMENTS`].
    Segment(u8),
    /// Of a market, by its name's number.
    Market(u32),
    /// Of products below a category of the first level.
    Category(u32),
    /// Of what a placement showed, by its name's number.
    Placement(u32),
    /// Of the units of an arm: the number of the run, and of the arm in it.
    Arm(u32, u8),
}

/// The segments of visits, by what was known when a visit began. Version 1 of the rule of intent: high = something went into the cart in the
/// four weeks before.
pub const SEGMENTS: [&str; 4] = ["new", "returning", "high_intent", "low_intent"];

/// Counts, by their place in the table.
pub type Tally = [i64; COUNTS];

/// A day.
pub type Day = BTreeMap<Part, Tally>;

/// What an event counts for besides the whole: the parts of its visit and of its arms.
type Parts = Vec<Part>;

/// An order put down to parts: what each has of it, and what of that came by a click in a placement.
type PutDown = (u16, Box<[(Part, Worth)]>);

/// Counts by day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Kpis {
    /// By local day, counted from 1970-01-01.
    days: BTreeMap<u16, Arc<Day>>,
    /// Names of placements and markets.
    names: Arc<Vec<Arc<str>>>,
    /// Parts that there was no room for.
    pub ignored_parts: u64,
    following: Following,
}

/// What only the fold reads.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Following {
    visitors: Visitors,
    touched: Touched,
    orders: Orders<PutDown>,
    placements: BTreeMap<DecisionId, u32>,
    decisions: VecDeque<DecisionId>,
}

/// One event as it is counted.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The event.
    pub event: &'a Event,
    /// Numbers of its items' products, in order, as far as they have one.
    pub products: &'a [ProductNo],
    /// The shopper's root.
    pub shopper: Option<ShopperNo>,
    /// The runs and arms of experiments that it counts for.
    pub arms: &'a [(u32, u8)],
    /// When the shopper first looked at something that is bought, as far as that is known; in seconds of the epoch.
    pub first_look_s: Option<u32>,
}

impl Kpis {
    /// The days from `from` up to and including `until`, oldest first.
    pub fn days(&self, from: u16, until: u16) -> impl Iterator<Item = (u16, &Day)> {
        self.days.range(from..=until.max(from)).map(|(day, held)| (*day, held.as_ref()))
    }

    /// The newest day.
    pub fn newest(&self) -> Option<u16> {
        self.days.keys().next_back().copied()
    }

    /// The name of a placement or market.
    pub fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }

    /// The copy a snapshot keeps: without what only the fold needs.
    pub fn freeze(&mut self) -> Self {
        let following = std::mem::take(&mut self.following);
        let frozen = self.clone();
        self.following = following;
        frozen
    }

    /// Two identities turn out to be one shopper.
    pub fn join(&mut self, (root, leaf): (ShopperNo, ShopperNo)) {
        if root != leaf {
            self.following.visitors.join(root, leaf);
            self.following.touched.join(root, leaf);
        }
    }

    /// Remembers which placement a decision was for, and the shopper's market.
    pub fn fold_decision(&mut self, decision: &Decision, root: Option<ShopperNo>) {
        let request = &decision.request;
        if let Some(placement) = self.number(&request.placement) {
            let following = &mut self.following;
            if following.decisions.len() == DECISIONS_MAX
                && let Some(oldest) = following.decisions.pop_front()
            {
                following.placements.remove(&oldest);
            }
            following.placements.insert(request.id, placement);
            following.decisions.push_back(request.id);
        }
        if let (Some(root), false) = (root, request.market.is_empty())
            && let Some(market) = self.number(&request.market)
        {
            self.following.visitors.of(root).market = market + 1;
        }
    }

    /// Folds an event in.
    pub fn fold_event(&mut self, told: Told<'_>, prices: &Prices<'_>, settings: &Settings) {
        let (event, shop) = (told.event, &settings.shop);
        let day = shop.local_day(event.time);
        if event.is_bot() {
            self.add(day, Part::Whole, &[(Count::Programs, 1)]);
            return;
        }
        self.end_clicks(event.time, shop);
        if event.kind == EventKind::Refund {
            self.fold_refund(told, prices, day);
            return;
        }
        if self.following.orders.has(event) {
            return;
        }
        let parts = self.visit(told, day);
        let mut counts = plain_counts(event);
        let placement = self.placement_of(event);
        if event.kind == EventKind::Purchase {
            self.fold_order(told, (prices, &settings.attribution, day), (&parts, &mut counts));
        }
        let all = std::iter::once(Part::Whole).chain(parts.iter().copied());
        all.for_each(|part| self.add(day, part, &counts));
        if let Some(placement) = placement {
            let seen: Vec<_> = counts.iter().copied().filter(|(count, _)| count.is_of_placements()).collect();
            self.add(day, Part::Placement(placement), &seen);
        }
        self.by_category(told, (prices, day));
        self.touch(told, placement);
    }

    fn add(&mut self, day: u16, part: Part, counts: &[(Count, i64)]) {
        if counts.is_empty() {
            return;
        }
        let held = Arc::make_mut(self.days.entry(day).or_default());
        if held.len() >= PARTS_MAX && !held.contains_key(&part) {
            self.ignored_parts += 1;
            return;
        }
        let tally = held.entry(part).or_insert([0; COUNTS]);
        for (count, more) in counts {
            tally[*count as usize] = tally[*count as usize].saturating_add(*more);
        }
        if self.days.len() > DAYS_MAX {
            self.days.pop_first();
        }
    }

    /// The number of a name; `None` where there is no room for more.
    fn number(&mut self, name: &str) -> Option<u32> {
        if let Some(at) = self.names.iter().position(|held| &**held == name) {
            return Some(at as u32);
        }
        if self.names.len() >= NAMES_MAX {
            self.ignored_parts += 1;
            return None;
        }
        Arc::make_mut(&mut self.names).push(name.into());
        Some(self.names.len() as u32 - 1)
    }

    fn placement_of(&self, event: &Event) -> Option<u32> {
        self.following.placements.get(&event.decision?).copied()
    }

    /// Notes the visit that an event belongs to, and returns what it counts for besides the whole.
    fn visit(&mut self, told: Told<'_>, day: u16) -> Parts {
        let mut parts: Parts = told.arms.iter().map(|(run, arm)| Part::Arm(*run, *arm)).collect();
        let Some(shopper) = told.shopper else { return parts };
        let time_s = seconds(told.event.time);
        let visitor = self.following.visitors.of(shopper);
        let begins = visitor.note(time_s, told.event.kind == EventKind::AddToCart);
        let is_first = visitor.note_day(day);
        parts.extend(parts_of(visitor));
        let counts = [(Count::Visits, i64::from(begins)), (Count::Visitors, i64::from(is_first))];
        if begins || is_first {
            self.add(day, Part::Whole, &counts);
            parts.clone().into_iter().for_each(|part| self.add(day, part, &counts));
        }
        parts
    }

    /// Clicks of ours after which nothing came for the length of a visit.
    fn end_clicks(&mut self, now: Millis, shop: &Shop) {
        for (time_s, placement) in self.following.touched.ended(seconds(now)) {
            let day = shop.local_day(Millis(i64::from(time_s) * 1000));
            let counts = [(Count::ClickBounces, 1)];
            self.add(day, Part::Whole, &counts);
            self.add(day, Part::Placement(placement), &counts);
        }
    }

    fn touch(&mut self, told: Told<'_>, placement: Option<u32>) {
        let Some(shopper) = told.shopper.filter(|_| told.event.consent.allows(Purpose::Analytics)) else {
            return;
        };
        let (event, time_s) = (told.event, seconds(told.event.time));
        let touched = &mut self.following.touched;
        let is_click = event.kind == EventKind::SelectItem;
        let is_view = event.kind == EventKind::ViewItemList && event.visible;
        match placement.filter(|_| is_click || is_view) {
            Some(placement) => {
                for &product in told.products {
                    touched.add(shopper, Touch { time_s, product, placement, is_click });
                }
                if is_click {
                    touched.clicked(shopper, (time_s, placement), told.products);
                }
            }
            None if event.kind == EventKind::MessageClicked => touched.message(shopper, time_s),
            None => touched.went_on(shopper, told.products, event.kind),
        }
    }

    /// What products below each category of the first level count for.
    fn by_category(&mut self, told: Told<'_>, (prices, day): (&Prices<'_>, u16)) {
        let event = told.event;
        let count = match event.kind {
            EventKind::ViewItem => Count::Views,
            EventKind::AddToCart => Count::Carts,
            EventKind::Purchase => Count::Items,
            _ => return,
        };
        for item in &event.items {
            let Some(category) = (prices.find)(&item.item_id).and_then(|product| top(prices, product)) else {
                continue;
            };
            let mut counts = vec![(count, if count == Count::Items { i64::from(item.quantity) } else { 1 })];
            if count == Count::Items && prices.is_ours(event) {
                let worth = prices.line(item).unwrap_or_default();
                counts.extend([(Count::Revenue, worth.revenue), (Count::Margin, worth.margin)]);
            }
            self.add(day, Part::Category(category), &counts);
        }
    }

    fn fold_order(
        &mut self,
        told: Told<'_>,
        (prices, rule, day): (&Prices<'_>, &Attribution, u16),
        (parts, counts): (&Parts, &mut Vec<(Count, i64)>),
    ) {
        let event = told.event;
        let Some(worth) = prices.order(event) else {
            counts.push((Count::ForeignOrders, 1));
            return;
        };
        counts.extend([(Count::Revenue, worth.revenue), (Count::Margin, worth.margin)]);
        let time_s = seconds(event.time);
        let mut to: Vec<(Part, Worth)> =
            std::iter::once(Part::Whole).chain(parts.iter().copied()).map(|part| (part, worth)).collect();
        if let Some(shopper) = told.shopper {
            let is_repeat = self.following.visitors.of(shopper).note_order();
            counts.push((Count::RepeatOrders, i64::from(is_repeat)));
            if let Some(first_s) = told.first_look_s.filter(|first_s| *first_s <= time_s) {
                counts.extend([
                    (Count::TimedOrders, 1),
                    (Count::HoursToOrder, i64::from((time_s - first_s) / 3600)),
                ]);
            }
            if self.following.touched.has_message(shopper, time_s) {
                counts.push((Count::MessageRevenue, worth.revenue));
            }
            let put_down = self.attribute((event, shopper, time_s), (prices, rule));
            let sum = |is_click: bool| {
                put_down.iter().filter(|one| one.1 == is_click).map(|one| one.2.revenue).sum::<i64>()
            };
            for (is_click, orders, revenue) in [
                (true, Count::ClickOrders, Count::ClickRevenue),
                (false, Count::ViewOrders, Count::ViewRevenue),
            ] {
                if put_down.iter().any(|one| one.1 == is_click) {
                    counts.extend([(orders, 1), (revenue, sum(is_click))]);
                }
                let mut placements: BTreeMap<u32, Worth> = BTreeMap::new();
                for (placement, _, worth) in put_down.iter().filter(|one| one.1 == is_click) {
                    let held = placements.entry(*placement).or_default();
                    *held = held.plus(*worth);
                }
                for (placement, worth) in placements {
                    let part = Part::Placement(placement);
                    self.add(day, part, &[(orders, 1), (revenue, worth.revenue)]);
                    if is_click {
                        to.push((part, worth));
                    }
                }
            }
        }
        self.following.orders.note(event, worth, (day, to.into_boxed_slice()));
    }

    /// The lines of an order that came by a placement: the placement, whether by a click, and what the line is worth.
    fn attribute(
        &self,
        (event, shopper, time_s): (&Event, ShopperNo, u32),
        (prices, rule): (&Prices<'_>, &Attribution),
    ) -> Vec<(u32, bool, Worth)> {
        let line = |item: &bespoke_domain::EventItem| {
            let product = (prices.find)(&item.item_id)?;
            let group: Vec<ProductNo> = prices.catalog.variants(product).collect();
            let is_same = |one: ProductNo| one == product || group.contains(&one);
            let touch = self.following.touched.last(shopper, (time_s, rule), is_same)?;
            Some((touch.placement, touch.is_click, prices.line(item).unwrap_or_default()))
        };
        event.items.iter().filter_map(line).collect()
    }

    /// What comes back counts on the day of its order, in every part that has some of it.
    fn fold_refund(&mut self, told: Told<'_>, prices: &Prices<'_>, today: u16) {
        let Some(back) = self.following.orders.give_back(told.event, prices) else {
            self.add(today, Part::Whole, &[(Count::UnknownReturns, 1)]);
            return;
        };
        let (whole, now, is_first) = (back.whole, back.now, back.is_first);
        let (day, to) = back.to.clone();
        for (part, worth) in to {
            let share = if whole.revenue > 0 { worth.revenue as f64 / whole.revenue as f64 } else { 0.0 };
            let of =
                |amount: i64| if worth == whole { amount } else { (amount as f64 * share).round() as i64 };
            let counts = if matches!(part, Part::Placement(_)) {
                vec![(Count::ClickReturned, of(now.revenue))]
            } else {
                vec![
                    (Count::Returns, i64::from(is_first)),
                    (Count::Returned, of(now.revenue)),
                    (Count::ReturnedMargin, of(now.margin)),
                ]
            };
            self.add(day, part, &counts);
            if matches!(part, Part::Placement(_)) {
                self.add(day, Part::Whole, &counts);
            }
        }
    }
}

/// What an event counts for by itself.
fn plain_counts(event: &Event) -> Vec<(Count, i64)> {
    let of_ours = event.decision.is_some();
    match event.kind {
        EventKind::ViewItem => vec![(Count::Views, 1)],
        EventKind::Search => vec![(Count::Searches, 1)],
        EventKind::ViewItemList if of_ours && event.visible => vec![(Count::Lists, 1)],
        EventKind::ViewPromotion if of_ours => vec![(Count::Lists, 1)],
        EventKind::SelectItem | EventKind::SelectPromotion if of_ours => vec![(Count::Clicks, 1)],
        EventKind::AddToCart => vec![(Count::Carts, 1)],
        EventKind::Purchase => {
            let items = event.items.iter().map(|item| i64::from(item.quantity)).sum();
            vec![(Count::Orders, 1), (Count::Items, items)]
        }
        EventKind::SupportContact => vec![(Count::Contacts, 1)],
        EventKind::RateItem => {
            let stars =
                event.details.as_deref().and_then(|details| details.rating).filter(|stars| stars.is_finite());
            stars.map_or(Vec::new(), |stars| {
                vec![(Count::Ratings, 1), (Count::RatingTenths, (f64::from(stars) * 10.0).round() as i64)]
            })
        }
        EventKind::MessageSent => vec![(Count::Messages, 1)],
        _ => Vec::new(),
    }
}

fn parts_of(visitor: &Visitor) -> impl Iterator<Item = Part> + use<> {
    let segments = [u8::from(visitor.is_returning), 3 - u8::from(visitor.is_keen)];
    let market = visitor.market.checked_sub(1).map(Part::Market);
    segments.into_iter().map(Part::Segment).chain(market)
}

/// The category of the first level that a product stands below.
fn top(prices: &Prices<'_>, product: ProductNo) -> Option<u32> {
    let category = prices.catalog.row(product)?.category;
    let mut up = prices.catalog.categories_up(category);
    up.retain(|one| one.0 != 0);
    up.into_iter().min().map(|one| one.0)
}
