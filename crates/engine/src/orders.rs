//! Orders whose return would be told: by the shop's number of the order, the newest `ORDERS_MAX`, with what each was worth and to what
//! it was put down.

use crate::catalog::Catalog;
use crate::experiment::fnv;
use bespoke_domain::{Currency, Event, EventItem, EventKind, ProductNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

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

/// An order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Order<T> {
    worth: Worth,
    returned: i64,
    to: T,
}

/// What comes back of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Returned<'a, T> {
    /// What the whole order was worth.
    pub whole: Worth,
    /// What comes back now.
    pub now: Worth,
    /// Whether nothing of it came back before.
    pub is_first: bool,
    /// To what the order was put down.
    pub to: &'a T,
}

/// Orders, each put down to something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Orders<T> {
    orders: BTreeMap<u64, Order<T>>,
    keys: VecDeque<u64>,
}

impl<T> Default for Orders<T> {
    fn default() -> Self {
        Self { orders: BTreeMap::new(), keys: VecDeque::new() }
    }
}

impl<T> Orders<T> {
    /// Whether it is an order that has been told already: by the browser and by the server, say.
    pub fn has(&self, event: &Event) -> bool {
        event.kind == EventKind::Purchase && key(event).is_some_and(|key| self.orders.contains_key(&key))
    }

    /// Notes an order, unless it has no number.
    pub fn note(&mut self, event: &Event, worth: Worth, to: T) {
        let Some(key) = key(event) else { return };
        if self.keys.len() == ORDERS_MAX
            && let Some(oldest) = self.keys.pop_front()
        {
            self.orders.remove(&oldest);
        }
        if self.orders.insert(key, Order { worth, returned: 0, to }).is_none() {
            self.keys.push_back(key);
        }
    }

    /// Notes what a refund gives back, at most what is left of the order; `None` where the order is not known.
    pub fn give_back(&mut self, event: &Event, prices: &Prices<'_>) -> Option<Returned<'_, T>> {
        let order = self.orders.get_mut(&key(event)?)?;
        let left = (order.worth.revenue - order.returned).max(0);
        let amount = named(event, prices).unwrap_or(left).clamp(0, left);
        let is_first = order.returned == 0;
        order.returned += amount;
        let share = if order.worth.revenue > 0 { amount as f64 / order.worth.revenue as f64 } else { 0.0 };
        let margin = (order.worth.margin as f64 * share).round() as i64;
        Some(Returned { whole: order.worth, now: Worth { revenue: amount, margin }, is_first, to: &order.to })
    }
}

/// A hash of the shop's number of an order.
fn key(event: &Event) -> Option<u64> {
    let id = event.details.as_deref()?.transaction_id.as_deref()?;
    Some(fnv(id.bytes()))
}

/// What a refund says that it gives back; `None` where it names nothing, and the whole order is meant.
fn named(event: &Event, prices: &Prices<'_>) -> Option<i64> {
    if !prices.is_ours(event) {
        return None;
    }
    let value = event.details.as_deref().and_then(|details| details.value);
    if let Some(value) = value.filter(|value| value.currency == prices.currency) {
        return Some(value.minor);
    }
    let line = |item: &EventItem| Some(item.price_minor?.saturating_mul(i64::from(item.quantity)));
    (!event.items.is_empty()).then(|| event.items.iter().map(line).sum::<Option<i64>>())?
}
