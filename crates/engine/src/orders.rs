//! Orders whose return would be told: by the shop's number of the order, the newest `ORDERS_MAX`, with what each was worth, line by line, and
//! to what it was put down. KPIs and experiments read the same ones, so that an order is one order in both.

use crate::catalog::Catalog;
use crate::experiment::fnv;
use crate::kpis::Part;
use bespoke_domain::{Currency, Event, EventItem, EventKind, ProductNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most orders kept.
pub const ORDERS_MAX: usize = 500_000;

/// What things cost.
#[derive(Clone, Copy)]
pub struct Prices<'a> {
    /// The products.
    pub catalog: &'a Catalog,
    /// The number of an id.
    pub find: &'a dyn Fn(&str) -> Option<ProductNo>,
    /// The shop's currency.
    pub currency: Currency,
}

/// Money of a line or an order, in minor units of the shop's currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Worth {
    /// What is paid.
    pub revenue: i64,
    /// What of it is left after cost of goods; nothing of lines whose cost is not known.
    pub margin: i64,
}

impl Worth {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            revenue: self.revenue.saturating_add(other.revenue),
            margin: self.margin.saturating_add(other.margin),
        }
    }

    /// What is left of it when so much of the revenue is.
    fn part(self, revenue: i64) -> Self {
        Self { revenue, margin: share(self.margin, (revenue, self.revenue)) }
    }
}

/// `amount · of ÷ over`, to the nearest whole; 0 of nothing.
fn share(amount: i64, (of, over): (i64, i64)) -> i64 {
    if over <= 0 { 0 } else { (amount as f64 * of as f64 / over as f64).round() as i64 }
}

impl Prices<'_> {
    /// What a line is worth; `None` where no price is known. Where the line says none, the catalogue's holds.
    pub fn line(&self, item: &EventItem) -> Option<Worth> {
        let product = (self.find)(&item.item_id);
        let of_ours = |money: &bespoke_domain::Money| money.currency == self.currency;
        let listed = || product.and_then(|product| self.catalog.price(product)).filter(of_ours);
        let price = item.price_minor.or_else(|| listed().map(|price| price.minor))?;
        let quantity = i64::from(item.quantity);
        let cost = product.and_then(|product| self.catalog.facts(product)?.cost).filter(of_ours);
        let left = cost.map_or(0, |cost| price.saturating_sub(cost.minor));
        Some(Worth { revenue: price.saturating_mul(quantity), margin: left.saturating_mul(quantity) })
    }

    /// What an order is worth; `None` where it is in another currency than the shop's.
    pub fn order(&self, event: &Event) -> Option<Worth> {
        self.is_ours(event).then(|| {
            event.items.iter().filter_map(|item| self.line(item)).fold(Worth::default(), Worth::plus)
        })
    }

    /// Whether amounts of an event are in the shop's currency.
    pub fn is_ours(&self, event: &Event) -> bool {
        event.currency.is_none_or(|held| held == self.currency)
    }
}

/// A line of an order.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Line {
    /// The product, where it has a number.
    pub product: Option<ProductNo>,
    /// Units.
    pub quantity: u32,
    /// What it is worth.
    pub worth: Worth,
    /// The category of the first level that the product stands below.
    pub category: Option<u32>,
    /// The placement where it was clicked, by its name's number.
    pub clicked: Option<u32>,
    /// Whether something of it has come back, and be it for nothing.
    pub is_returned: bool,
}

/// An order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Order {
    /// What the whole of it is worth; nothing in another currency than the shop's.
    pub worth: Worth,
    /// Its local day.
    pub day: u16,
    /// What has all of it.
    pub parts: Box<[Part]>,
    /// Its lines; none in another currency than the shop's.
    pub lines: Box<[Line]>,
    /// Runs of experiments, by number, and the rows that it counted for.
    pub rows: Box<[(u32, u32)]>,
    /// How much of it has come back.
    pub returned: i64,
    /// Whether something has, and be it for nothing.
    pub is_returned: bool,
}

/// What comes back of an order.
#[derive(Clone, PartialEq, Debug)]
pub struct Returned<'a> {
    /// The order.
    pub order: &'a Order,
    /// What comes back now.
    pub now: Worth,
    /// The same by line.
    pub lines: Vec<Worth>,
    /// Whether nothing of it came back before.
    pub is_first: bool,
    /// The categories of which nothing did.
    pub first_in: BTreeSet<u32>,
}

/// What a refund names: how much, and how it falls on the lines: a weight each, and what the weights are parts of.
struct Named {
    amount: i64,
    weights: Vec<i64>,
    over: i64,
}

impl Order {
    fn named(&self, event: &Event, prices: &Prices<'_>) -> Named {
        let value = event.details.as_deref().and_then(|details| details.value);
        let revenues = || self.lines.iter().map(|line| line.worth.revenue).collect();
        let whole = |amount| Named { amount, weights: revenues(), over: self.worth.revenue };
        if event.items.is_empty() && value.is_none() {
            return whole(self.worth.revenue);
        }
        // How much another currency's amount is of this order is not known.
        if !prices.is_ours(event) {
            return whole(0);
        }
        if let Some(value) = value {
            return whole(value.minor);
        }
        let mut named = Named { amount: 0, weights: vec![0; self.lines.len()], over: 0 };
        for item in &event.items {
            let at = self.line_of(item, prices);
            let paid = at.map(|at| self.lines[at].worth.revenue / i64::from(self.lines[at].quantity.max(1)));
            let price = item.price_minor.or(paid).unwrap_or_default();
            let amount = price.saturating_mul(i64::from(item.quantity)).max(0);
            named.over = named.over.saturating_add(amount);
            if let Some(at) = at {
                named.weights[at] = named.weights[at].saturating_add(amount);
            }
        }
        Named { amount: named.over, ..named }
    }

    /// The line that an item of a refund names.
    fn line_of(&self, item: &EventItem, prices: &Prices<'_>) -> Option<usize> {
        let product = (prices.find)(&item.item_id)?;
        self.lines.iter().position(|line| line.product == Some(product))
    }

    /// Notes which lines a refund is about – those that it names; all where it names none, or says how much –, and gives the categories
    /// of which nothing came back before.
    fn take_back(&mut self, event: &Event, prices: &Prices<'_>) -> BTreeSet<u32> {
        let says = event.details.as_deref().is_some_and(|details| details.value.is_some());
        let about: Vec<usize> = if says || event.items.is_empty() {
            (0..self.lines.len()).collect()
        } else {
            event.items.iter().filter_map(|item| self.line_of(item, prices)).collect()
        };
        let was = self.lines.iter().filter(|line| line.is_returned);
        let was: BTreeSet<u32> = was.filter_map(|line| line.category).collect();
        about.iter().for_each(|at| self.lines[*at].is_returned = true);
        let is = about.iter().filter_map(|at| self.lines[*at].category);
        is.filter(|category| !was.contains(category)).collect()
    }
}

/// Orders by number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Orders {
    orders: BTreeMap<u64, Order>,
    keys: VecDeque<u64>,
}

impl Orders {
    /// Whether it is an order that has been told already: by the browser and by the server, say.
    pub fn has(&self, event: &Event) -> bool {
        event.kind == EventKind::Purchase && key(event).is_some_and(|key| self.orders.contains_key(&key))
    }

    /// Notes an order, unless it has no number.
    pub fn note(&mut self, event: &Event, order: Order) {
        let Some(key) = key(event) else { return };
        if self.keys.len() == ORDERS_MAX
            && let Some(oldest) = self.keys.pop_front()
        {
            self.orders.remove(&oldest);
        }
        if self.orders.insert(key, order).is_none() {
            self.keys.push_back(key);
        }
    }

    /// Notes what a refund gives back, at most what is left of the order; `None` where the order is not known.
    pub fn give_back(&mut self, event: &Event, prices: &Prices<'_>) -> Option<Returned<'_>> {
        let order = self.orders.get_mut(&key(event)?)?;
        let Named { amount, weights, over } = order.named(event, prices);
        let revenue = amount.clamp(0, (order.worth.revenue - order.returned).max(0));
        let of_line = |(line, weight): (&Line, &i64)| line.worth.part(share(revenue, (*weight, over)));
        let lines: Vec<Worth> = order.lines.iter().zip(&weights).map(of_line).collect();
        let margin = lines.iter().map(|line| line.margin).sum();
        order.returned += revenue;
        let is_first = !std::mem::replace(&mut order.is_returned, true);
        let first_in = order.take_back(event, prices);
        Some(Returned { order, now: Worth { revenue, margin }, lines, is_first, first_in })
    }
}

/// A hash of the shop's number of an order.
fn key(event: &Event) -> Option<u64> {
    let id = event.details.as_deref()?.transaction_id.as_deref()?;
    Some(fnv(id.bytes()))
}
