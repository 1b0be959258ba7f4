//! Counts by day: what the shop's shoppers did, in all, by segment, market, category, placement and arm. KPIs are quotients of them
//! (`table`). Folded from the log, whole numbers only, so that the same log gives the same numbers in whatever pieces it is folded.
//!
//! Days are cut in the shop's time zone. A return counts on the day of its order. Programs count for nothing but their own number. Bounded: see
//! the `_MAX`es; what there was no room for is counted.

/// The KPIs, as quotients of counts.
pub mod table;
/// What shoppers are followed by.
pub mod touched;
/// Shoppers and their visits.
pub mod visitors;

use crate::experiment::metric;
use crate::orders::{Line, Order, Prices, Returned, Worth};
use crate::profile::seconds;
use crate::queries;
use bespoke_domain::event::{DEVICES, Device};
use bespoke_domain::settings::{Attribution, Shop};
use bespoke_domain::{Decision, DecisionId, Event, EventKind, Millis, ProductNo, Settings, ShopperNo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use table::{COUNTS, Count, Kind};
use touched::{Open, Touch, Touched};
use visitors::{Visit, Visitors, is_of_visits};

/// Days kept, the newest.
pub const DAYS_MAX: usize = 800;
/// Parts of one day, and of all days together; more are counted in the whole only.
pub const PARTS_MAX: usize = 2_000;
/// The same of all days: of a dozen counts each 120 MiB.
pub const ALL_PARTS_MAX: usize = 400_000;
/// Decisions whose placement is remembered, the newest, of those that an event has named and of the others.
const DECISIONS_MAX: usize = 200_000;
/// Names of placements and markets.
const NAMES_MAX: usize = 5_000;
/// The market of requests that name one which neither the catalogue nor the settings know.
pub const OTHER: &str = "other";

/// A part of a day's events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Part {
    /// All of it.
    Whole,
    /// Of a segment of visits, see [`segment`].
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

impl Part {
    /// Of what kind it is.
    pub fn kind(self) -> Kind {
        match self {
            Self::Whole => Kind::Whole,
            Self::Segment(_) => Kind::Segment,
            Self::Market(_) => Kind::Market,
            Self::Category(_) => Kind::Category,
            Self::Placement(_) => Kind::Placement,
            Self::Arm(..) => Kind::Arm,
        }
    }
}

/// The name of a segment of visits, by what was known when a visit began: those of experiments, then the devices.
pub fn segment(number: u8) -> &'static str {
    let number = usize::from(number);
    let device = || DEVICES.get(number.checked_sub(metric::SEGMENTS.len())?).map(|(_, name)| *name);
    metric::SEGMENTS.get(number).map(|spec| spec.name).or_else(device).unwrap_or_default()
}

/// Counts, by their place in the table.
pub type Counts = [i64; COUNTS];

/// The counts of a part that are not 0, in no order: most parts have a few of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tally(Vec<(u8, i64)>);

impl Tally {
    fn add(&mut self, count: Count, more: i64) {
        if more == 0 {
            return;
        }
        match self.0.iter_mut().find(|(held, _)| *held == count as u8) {
            Some((_, sum)) => *sum = sum.saturating_add(more),
            None => self.0.push((count as u8, more)),
        }
    }

    /// One of them.
    pub fn get(&self, count: Count) -> i64 {
        self.0.iter().find(|(held, _)| *held == count as u8).map_or(0, |(_, sum)| *sum)
    }

    /// Adds them to others.
    pub fn add_to(&self, counts: &mut Counts) {
        for (count, more) in &self.0 {
            let sum = &mut counts[usize::from(*count)];
            *sum = sum.saturating_add(*more);
        }
    }
}

/// A day.
pub type Day = BTreeMap<Part, Tally>;

/// Counts by day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Kpis {
    /// By local day, counted from 1970-01-01.
    days: BTreeMap<u16, Arc<Day>>,
    /// Parts of all days.
    part_count: usize,
    /// Names of placements and markets.
    names: Arc<Names>,
    /// Parts that there was no room for.
    pub ignored_parts: u64,
    /// Clicks, views and clicks in messages that were forgotten before the days were over in which an order could have come by them.
    pub forgotten: u64,
    following: Following,
}

/// What only the fold reads.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Following {
    visitors: Visitors,
    touched: Touched,
    decisions: Decisions,
}

/// Of each decision the placement, and whether it answers a search. What an event has named outlasts what was only asked for, as most is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Decisions {
    fresh: BTreeMap<DecisionId, (u32, bool)>,
    named: BTreeMap<DecisionId, (u32, bool)>,
}

impl Decisions {
    fn note(&mut self, id: DecisionId, placement: (u32, bool)) {
        keep(&mut self.fresh, id, placement);
    }

    /// What a decision was for, as an event names it.
    fn used(&mut self, id: DecisionId) -> Option<(u32, bool)> {
        if let Some(placement) = self.fresh.remove(&id) {
            keep(&mut self.named, id, placement);
        }
        self.named.get(&id).copied()
    }
}

/// Ids begin with the time: the least is the oldest.
fn keep(held: &mut BTreeMap<DecisionId, (u32, bool)>, id: DecisionId, placement: (u32, bool)) {
    held.insert(id, placement);
    if held.len() > DECISIONS_MAX {
        held.pop_first();
    }
}

/// Names and their numbers, from 0.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Names {
    list: Vec<Arc<str>>,
    numbers: BTreeMap<Arc<str>, u32>,
}

/// One event as it is counted.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The event: no program's, no refund, no order that is known, of who allows analytics.
    pub event: &'a Event,
    /// Numbers of its items' products, in order, as far as they have one.
    pub products: &'a [ProductNo],
    /// The shopper's root.
    pub shopper: Option<ShopperNo>,
    /// The runs and arms of experiments that it counts for.
    pub arms: &'a [(u32, u8)],
}

/// What the counts of an event are read by.
#[derive(Clone, Copy)]
struct By<'a> {
    prices: &'a Prices<'a>,
    rule: &'a Attribution,
    day: u16,
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
        self.names.list.get(number as usize).map_or("", |name| name)
    }

    /// The copy a snapshot keeps: without what only the fold needs.
    pub fn freeze(&mut self) -> Self {
        let following = std::mem::take(&mut self.following);
        let frozen = self.clone();
        self.following = following;
        frozen
    }

    /// Two identities turn out to be one shopper.
    pub fn join(&mut self, (root, leaf): (ShopperNo, ShopperNo), rule: &Attribution) {
        if root != leaf {
            self.following.visitors.join(root, leaf);
            self.following.touched.join((root, leaf), rule);
        }
    }

    /// Remembers which placement a decision was for, and the shopper's market: one that nobody knows is [`OTHER`], since anybody can name any.
    pub fn fold_decision(
        &mut self,
        decision: &Decision,
        root: Option<ShopperNo>,
        is_known: impl FnOnce(&str) -> bool,
    ) {
        let request = &decision.request;
        if let Some(placement) = self.number(&request.placement) {
            self.following.decisions.note(request.id, (placement, request.search.is_some()));
        }
        let Some(root) = root.filter(|_| !request.market.is_empty()) else { return };
        let market = if is_known(&request.market) { &request.market.to_ascii_uppercase() } else { OTHER };
        if let Some(market) = self.number(market) {
            self.following.visitors.of(root).note_market(seconds(request.now), market);
        }
    }

    /// Counts an event of a program.
    pub fn note_program(&mut self, event: &Event, shop: &Shop) {
        self.add(shop.local_day(event.time), Part::Whole, &[(Count::Programs, 1)]);
    }

    /// Folds an event in; of an order what it is to be remembered by.
    pub fn fold_event(&mut self, told: Told<'_>, prices: &Prices<'_>, settings: &Settings) -> Option<Order> {
        let (event, rule) = (told.event, &settings.attribution);
        let by = By { prices, rule, day: settings.shop.local_day(event.time) };
        let mut parts = self.visit(told, by.day);
        let mut counts = plain_counts(event);
        self.of_shopper(told, by.day, &mut counts);
        let decision = event.decision.and_then(|id| self.following.decisions.used(id));
        if event.decision.is_some() && decision.is_none() {
            let seen = counts.iter().filter(|(count, _)| count.is_of_placements());
            let unplaced = seen.map(|(_, more)| more).sum();
            counts.push((Count::Unplaced, unplaced));
        }
        if event.kind == EventKind::SelectItem && decision.is_some_and(|(_, is_search)| is_search) {
            counts.push((Count::SearchClicks, 1));
        }
        parts.push(Part::Whole);
        let order = (event.kind == EventKind::Purchase).then(|| self.order(told, by, &mut counts));
        parts.iter().for_each(|part| self.add(by.day, *part, &counts));
        let placement = decision.map(|(placement, _)| placement);
        if let Some(placement) = placement {
            let seen: Vec<_> = counts.iter().copied().filter(|(count, _)| count.is_of_placements()).collect();
            self.add(by.day, Part::Placement(placement), &seen);
        }
        self.by_category(event, by, counts.contains(&(Count::RepeatOrders, 1)));
        self.touch(told, placement.map(|placement| (placement, parts.as_slice())), rule);
        order.map(|order| Order { parts: parts.into_boxed_slice(), ..order })
    }

    fn add(&mut self, day: u16, part: Part, counts: &[(Count, i64)]) {
        if counts.iter().all(|(_, more)| *more == 0) {
            return;
        }
        let held = Arc::make_mut(self.days.entry(day).or_default());
        if !held.contains_key(&part) {
            let is_full = held.len() >= PARTS_MAX || self.part_count >= ALL_PARTS_MAX;
            if is_full && part != Part::Whole {
                self.ignored_parts += 1;
                return;
            }
            self.part_count += 1;
        }
        let tally = held.entry(part).or_default();
        counts.iter().for_each(|(count, more)| tally.add(*count, *more));
        if self.days.len() > DAYS_MAX
            && let Some((_, gone)) = self.days.pop_first()
        {
            self.part_count -= gone.len();
        }
    }

    /// The number of a name; `None` where there is no room for more.
    fn number(&mut self, name: &str) -> Option<u32> {
        if let Some(number) = self.names.numbers.get(name) {
            return Some(*number);
        }
        if self.names.list.len() >= NAMES_MAX {
            self.ignored_parts += 1;
            return None;
        }
        let (names, name): (_, Arc<str>) = (Arc::make_mut(&mut self.names), name.into());
        let number = names.list.len() as u32;
        names.list.push(name.clone());
        names.numbers.insert(name, number);
        Some(number)
    }

    /// Notes the visit that an event belongs to, and returns what it counts for besides the whole.
    fn visit(&mut self, told: Told<'_>, day: u16) -> Vec<Part> {
        let mut parts: Vec<Part> = told.arms.iter().map(|(run, arm)| Part::Arm(*run, *arm)).collect();
        let Some(shopper) = told.shopper else { return parts };
        let visitor = self.following.visitors.of(shopper);
        let noted = if is_of_visits(told.event.kind) {
            visitor.note(told.event, day)
        } else {
            visitors::Noted::default()
        };
        parts.extend(segments(visitor.visit).map(Part::Segment));
        parts.extend(visitor.market().map(Part::Market));
        let counts =
            [(Count::Visits, i64::from(noted.begins)), (Count::Visitors, i64::from(noted.is_first_of_day))];
        if noted != visitors::Noted::default() {
            self.add(day, Part::Whole, &counts);
            parts.iter().for_each(|part| self.add(day, *part, &counts));
        }
        parts
    }

    /// What an event counts for by what is known of its shopper: searches and messages.
    fn of_shopper(&mut self, told: Told<'_>, day: u16, counts: &mut Vec<(Count, i64)>) {
        let event = told.event;
        let visitor = told.shopper.map(|shopper| self.following.visitors.of(shopper));
        match (event.kind, visitor) {
            (EventKind::Search | EventKind::ViewSearchResults, Some(visitor)) => {
                let (is_new, is_first) = visitor.note_search(seconds(event.time), words(event));
                counts.extend([
                    (Count::Searches, i64::from(is_new)),
                    (Count::SearchVisits, i64::from(is_first)),
                ]);
            }
            (EventKind::Search | EventKind::ViewSearchResults, None) => counts.push((Count::Searches, 1)),
            (EventKind::MessageSent, Some(visitor)) => {
                counts.push((Count::Recipients, i64::from(visitor.note_message(day))));
            }
            _ => {}
        }
    }

    /// Clicks of ours after which nothing came for the length of a visit.
    pub fn end_clicks(&mut self, now: Millis, shop: &Shop) {
        for (time_s, parts) in self.following.touched.ended(seconds(now)) {
            let day = shop.local_day(Millis(i64::from(time_s) * 1000));
            parts.iter().for_each(|part| self.add(day, *part, &[(Count::ClickBounces, 1)]));
        }
    }

    /// Follows a shopper by what was told; a click in a placement counts, if nothing comes after it, for these parts.
    fn touch(&mut self, told: Told<'_>, placement: Option<(u32, &[Part])>, rule: &Attribution) {
        let Some(shopper) = told.shopper.filter(|_| is_of_visits(told.event.kind)) else { return };
        let (event, time_s) = (told.event, seconds(told.event.time));
        let touched = &mut self.following.touched;
        let is_click = event.kind == EventKind::SelectItem;
        touched.went_on(shopper, told.products, event.kind);
        if event.kind == EventKind::MessageClicked {
            touched.message(shopper, time_s, rule);
        }
        let is_view = event.kind == EventKind::ViewItemList && event.visible;
        if let Some((placement, parts)) = placement.filter(|_| is_click || is_view) {
            for &product in told.products {
                touched.add(shopper, Touch { time_s, product, placement, is_click }, rule);
            }
            if let Some(&product) = told.products.first().filter(|_| is_click) {
                let parts = parts.iter().copied().chain([Part::Placement(placement)]).collect();
                touched.clicked(shopper, Open::new(time_s, product, parts), rule);
            }
        }
        self.forgotten = touched.forgotten;
    }

    /// What products below each category of the first level count for.
    fn by_category(&mut self, event: &Event, by: By<'_>, is_repeat: bool) {
        let count = match event.kind {
            EventKind::ViewItem => Count::Views,
            EventKind::AddToCart => Count::Carts,
            EventKind::Purchase => Count::Items,
            _ => return,
        };
        let mut orders = Vec::new();
        for item in &event.items {
            let Some(category) = (by.prices.find)(&item.item_id).and_then(|product| top(by.prices, product))
            else {
                continue;
            };
            let mut counts = vec![(count, if count == Count::Items { i64::from(item.quantity) } else { 1 })];
            if count == Count::Items {
                let is_first = !orders.contains(&category);
                counts.push((Count::Orders, i64::from(is_first)));
                counts.push((Count::RepeatOrders, i64::from(is_first && is_repeat)));
                orders.push(category);
            }
            if count == Count::Items && by.prices.is_ours(event) {
                let worth = by.prices.line(item).unwrap_or_default();
                counts.extend([(Count::Revenue, worth.revenue), (Count::Margin, worth.margin)]);
            }
            self.add(by.day, Part::Category(category), &counts);
        }
    }

    /// What an order counts for besides itself, and what it is to be remembered by.
    fn order(&mut self, told: Told<'_>, by: By<'_>, counts: &mut Vec<(Count, i64)>) -> Order {
        let (event, time_s) = (told.event, seconds(told.event.time));
        let worth = by.prices.order(event);
        if let Some(shopper) = told.shopper {
            let visitor = self.following.visitors.of(shopper);
            let is_repeat = visitor.note_order();
            counts.push((Count::RepeatOrders, i64::from(is_repeat)));
            if !is_repeat {
                let hours = visitor.known_for_s(time_s) / 3600;
                counts.extend([(Count::TimedOrders, 1), (Count::HoursToOrder, i64::from(hours))]);
            }
        }
        let Some(worth) = worth else {
            counts.push((Count::ForeignOrders, 1));
            return Order { day: by.day, ..Order::default() };
        };
        counts.extend([(Count::Revenue, worth.revenue), (Count::Margin, worth.margin)]);
        if told.shopper.is_some_and(|shopper| self.following.touched.has_message(shopper, time_s)) {
            counts.push((Count::MessageRevenue, worth.revenue));
        }
        let lines = self.attribute(told, by, counts);
        Order { worth, day: by.day, lines: lines.into_boxed_slice(), ..Order::default() }
    }

    /// The lines of an order; what of them came by a placement is counted.
    fn attribute(&mut self, told: Told<'_>, by: By<'_>, counts: &mut Vec<(Count, i64)>) -> Vec<Line> {
        let touches: Vec<_> =
            told.event.items.iter().map(|item| self.by_what(told, by, &item.item_id)).collect();
        let worths = told.event.items.iter().map(|item| by.prices.line(item).unwrap_or_default());
        let worths: Vec<Worth> = worths.collect();
        for (is_click, orders, revenue) in
            [(true, Count::ClickOrders, Count::ClickRevenue), (false, Count::ViewOrders, Count::ViewRevenue)]
        {
            let mut placements: BTreeMap<u32, i64> = BTreeMap::new();
            for (touch, worth) in touches.iter().zip(&worths) {
                if let Some(touch) = touch.filter(|touch| touch.is_click == is_click) {
                    *placements.entry(touch.placement).or_default() += worth.revenue;
                }
            }
            if !placements.is_empty() {
                counts.extend([(orders, 1), (revenue, placements.values().sum())]);
            }
            for (placement, sum) in placements {
                self.add(by.day, Part::Placement(placement), &[(orders, 1), (revenue, sum)]);
            }
        }
        let mut lines = Vec::new();
        for ((item, touch), worth) in told.event.items.iter().zip(&touches).zip(&worths) {
            let product = (by.prices.find)(&item.item_id);
            let category = product.and_then(|product| top(by.prices, product));
            if let Some((category, touch)) = category.zip(*touch) {
                let count = if touch.is_click { Count::ClickRevenue } else { Count::ViewRevenue };
                self.add(by.day, Part::Category(category), &[(count, worth.revenue)]);
            }
            let clicked = touch.filter(|touch| touch.is_click).map(|touch| touch.placement);
            lines.push(Line {
                product,
                quantity: item.quantity,
                worth: *worth,
                category,
                clicked,
                is_returned: false,
            });
        }
        lines
    }

    /// By what a product that is bought came.
    fn by_what(&self, told: Told<'_>, by: By<'_>, id: &str) -> Option<Touch> {
        let product = (by.prices.find)(id)?;
        let is_same =
            |one: ProductNo| one == product || by.prices.catalog.variants(product).any(|other| one == other);
        self.following.touched.last(told.shopper?, (seconds(told.event.time), by.rule), is_same)
    }

    /// A refund of an order that is not known.
    pub fn unknown_return(&mut self, event: &Event, shop: &Shop) {
        self.add(shop.local_day(event.time), Part::Whole, &[(Count::UnknownReturns, 1)]);
    }

    /// What comes back counts on the day of its order, in every part that has some of it.
    pub fn give_back(&mut self, back: &Returned<'_>) {
        let day = back.order.day;
        let returns = i64::from(back.is_first);
        let counts = |now: Worth, returns: i64| {
            [(Count::Returns, returns), (Count::Returned, now.revenue), (Count::ReturnedMargin, now.margin)]
        };
        back.order.parts.iter().for_each(|part| self.add(day, *part, &counts(back.now, returns)));
        for (line, now) in back.order.lines.iter().zip(&back.lines) {
            let category = line.category.map(Part::Category);
            if let Some(category) = category {
                self.add(day, category, &counts(*now, 0));
            }
            if let Some(placement) = line.clicked {
                let parts =
                    back.order.parts.iter().copied().chain([Part::Placement(placement)]).chain(category);
                parts.for_each(|part| self.add(day, part, &[(Count::ClickReturned, now.revenue)]));
            }
        }
        for category in &back.first_in {
            self.add(day, Part::Category(*category), &[(Count::Returns, 1)]);
        }
    }
}

/// What an event counts for by itself.
fn plain_counts(event: &Event) -> Vec<(Count, i64)> {
    let of_ours = event.decision.is_some();
    match event.kind {
        EventKind::ViewItem => vec![(Count::Views, 1)],
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

/// A hash of what is searched for, folded; 0 where it is nothing that can be compared.
pub fn words(event: &Event) -> u64 {
    let term = event.details.as_deref().and_then(|details| details.search_term.as_deref());
    term.and_then(queries::fold).map_or(0, |words| crate::experiment::fnv(words.bytes()))
}

/// The segments of a visit: a device counts where it is known.
fn segments(visit: Visit) -> impl Iterator<Item = u8> {
    let device = Some(visit.device).filter(|device| *device != Device::Unknown);
    let device = device.map(|device| (metric::SEGMENTS.len() + device as usize) as u8);
    [u8::from(visit.is_returning), 3 - u8::from(visit.is_keen)].into_iter().chain(device)
}

/// The category of the first level that a product stands below.
fn top(prices: &Prices<'_>, product: ProductNo) -> Option<u32> {
    let category = prices.catalog.row(product)?.category;
    let mut up = prices.catalog.categories_up(category);
    up.retain(|one| one.0 != 0);
    up.into_iter().min().map(|one| one.0)
}
