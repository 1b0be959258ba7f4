//! What models are fitted on: who did what with which product, folded from the log – people only, and only those who allow
//! personalization, as of now and when it happened.

use crate::attributes;
use crate::catalog::Catalog;
use crate::engine::{Live, Snapshot};
use crate::profile::{Act, act_of, seconds};
use bespoke_domain::{
    Body, Currency, Entry, Event, EventItem, EventKind, Offset, ProductNo, Purpose, ShopperNo,
};
use bespoke_models::interactions::Interactions;
use bespoke_models::orders::{Order, Orders};
use bespoke_models::training_set::{History, TrainingSet};
use std::collections::{HashMap, HashSet};

/// Days after which an act counts half.
const HALF_LIFE_DAYS: f32 = 90.0;
/// Products of one shopper that count, those dealt with last.
const PRODUCTS_MAX: usize = 300;
/// Acts of one shopper whose order counts, the last.
const EVENTS_MAX: usize = 200;
/// Fewest products of a shopper who tells which go together.
const PRODUCTS_MIN: usize = 2;

/// One act, in 32 bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Deed {
    /// Who: the number under which all identities of the shopper are one.
    pub shopper: ShopperNo,
    /// By which identity.
    pub identity: ShopperNo,
    /// When, in seconds of the epoch.
    pub time_s: u32,
    /// With which product.
    pub product: ProductNo,
    /// What.
    pub act: Act,
    /// What it costs, in minor units of the shop's currency, as far as 32 bits reach; 0 where no price in it is known.
    pub amount_minor: u32,
    /// The entry of the log that tells of it.
    pub offset: u64,
}

/// All acts, in the order of the log.
#[derive(Default, Debug)]
pub struct Training {
    /// The acts.
    pub deeds: Vec<Deed>,
    /// What shoppers sent back or do not want to see: when first, in seconds of the epoch.
    unwanted: HashMap<(ShopperNo, ProductNo), u32>,
    /// What of it they sent back.
    returned: HashSet<(ShopperNo, ProductNo)>,
}

impl Training {
    /// Takes the next entry.
    pub fn feed(&mut self, snapshot: &Snapshot, live: &Live, offset: Offset, entry: &Entry) {
        let (Body::Event(event), Some(identity)) = (&entry.body, entry.shopper) else { return };
        if event.is_bot() || !event.consent.allows(Purpose::Personalization) {
            return;
        }
        let act = act_of(event.kind);
        let is_unwanted = matches!(event.kind, EventKind::DismissItem | EventKind::Refund);
        if act.is_none() && !is_unwanted {
            return;
        }
        let shopper = live.root(identity);
        let unknown = snapshot.aggregates.unknown_consent();
        let allowed = live.profile(shopper).is_some_and(|profile| {
            profile.consent(unknown).allows(Purpose::Personalization) && profile.remembers(event.time)
        });
        let time_s = seconds(event.time);
        for item in event.items.iter().filter(|_| allowed) {
            let Some(product) = snapshot.product(&item.item_id) else { continue };
            if let Some(act) = act {
                let amount_minor = amount(snapshot, event, item, product);
                let deed = Deed { shopper, identity, time_s, product, act, amount_minor, offset: offset.0 };
                self.deeds.push(deed);
                continue;
            }
            let since = self.unwanted.entry((shopper, product)).or_insert(time_s);
            *since = time_s.min(*since);
            if event.kind == EventKind::Refund {
                self.returned.insert((shopper, product));
            }
        }
    }

    /// Whether the shopper sent the product back at some time.
    pub fn is_returned(&self, shopper: ShopperNo, product: ProductNo) -> bool {
        self.returned.contains(&(shopper, product))
    }

    /// Puts the acts in the order of shoppers and time.
    pub fn sort(&mut self) {
        self.deeds.sort_by_key(|deed| (deed.shopper, deed.time_s));
    }

    /// The acts of each shopper, in order of time. [`Training::sort`] MUST have been called.
    pub fn shoppers(&self) -> impl Iterator<Item = &[Deed]> {
        self.deeds.chunk_by(|a, b| a.shopper == b.shopper)
    }

    /// The time up to which a share of all acts happened.
    pub fn time_at(&self, share: f64) -> u32 {
        let mut times: Vec<u32> = self.deeds.iter().map(|deed| deed.time_s).collect();
        times.sort_unstable();
        times.get((times.len() as f64 * share) as usize).or(times.last()).copied().unwrap_or(0)
    }

    /// The time up to which a share of the acts before another time happened.
    pub fn time_before(&self, until_s: u32, share: f64) -> u32 {
        let mut times: Vec<u32> =
            self.deeds.iter().map(|deed| deed.time_s).filter(|time_s| *time_s < until_s).collect();
        times.sort_unstable();
        times.get((times.len() as f64 * share) as usize).copied().unwrap_or(until_s)
    }

    /// The same without what happened from `until_s` on.
    #[must_use]
    pub fn before(&self, until_s: u32) -> Self {
        let deeds = self.deeds.iter().filter(|deed| deed.time_s < until_s).copied().collect();
        let early = |since_s: &u32| *since_s < until_s;
        let unwanted = self
            .unwanted
            .iter()
            .filter(|(_, since)| early(since))
            .map(|(pair, since)| (*pair, *since))
            .collect();
        Self { deeds, unwanted, returned: self.returned.clone() }
    }

    /// Bytes that it takes, roughly.
    pub fn size_bytes(&self) -> usize {
        size_of::<Deed>() * self.deeds.len() + 20 * self.unwanted.len() + 12 * self.returned.len()
    }

    /// Weights of products in acts before `until_s`, as of then.
    pub fn weights(&self, deeds: &[Deed], until_s: u32) -> Vec<(ProductNo, f32)> {
        let mut weights: Vec<(ProductNo, f32)> = Vec::new();
        for deed in deeds.iter().rev().filter(|deed| deed.time_s < until_s) {
            let unwanted = self.unwanted.get(&(deed.shopper, deed.product));
            if unwanted.is_some_and(|since_s| *since_s < until_s) {
                continue;
            }
            let weight = weight(deed.act, until_s.saturating_sub(deed.time_s));
            let has_room = weights.len() < PRODUCTS_MAX;
            match weights.iter_mut().find(|(product, _)| *product == deed.product) {
                Some((_, sum)) => *sum += weight,
                None if has_room => weights.push((deed.product, weight)),
                None => {}
            }
        }
        weights
    }

    /// What is known of a shopper from acts before `until_s`, as of then.
    pub fn history(&self, deeds: &[Deed], until_s: u32) -> History {
        let past = &deeds[..deeds.partition_point(|deed| deed.time_s < until_s)];
        let events = past[past.len().saturating_sub(EVENTS_MAX)..].iter().map(|deed| deed.product).collect();
        let bought = past.iter().filter(|deed| deed.act == Act::Buy).map(|deed| (deed.time_s, deed.product));
        History { weights: self.weights(deeds, until_s), events, orders: orders(bought) }
    }

    /// What models are fitted on: acts before `until_s` of shoppers who dealt with at least two products, and what `catalog`
    /// says of all products.
    pub fn set(&self, until_s: u32, catalog: &Catalog) -> TrainingSet {
        let product_count = catalog.len();
        let known = self.shoppers().map(|deeds| self.history(deeds, until_s));
        let (mut rows, mut sequences, mut all_orders) = (Vec::new(), Vec::new(), Vec::new());
        for history in known.filter(|known| known.weights.len() >= PRODUCTS_MIN) {
            rows.push(history.weights);
            sequences.push(history.events);
            all_orders.push(history.orders);
        }
        TrainingSet {
            interactions: Interactions::new(rows).with_columns(product_count),
            sequences,
            orders: Orders::new(all_orders).with_products(product_count),
            attributes: attributes::all(catalog),
            texts: None,
        }
    }
}

/// Purchases in the order of time, those of one moment as one order.
pub fn orders(bought: impl Iterator<Item = (u32, ProductNo)>) -> Vec<Order> {
    let mut orders: Vec<(u32, Order)> = Vec::new();
    for (time_s, product) in bought {
        match orders.last_mut().filter(|(last_s, _)| *last_s == time_s) {
            Some((_, order)) => order.push(product),
            None => orders.push((time_s, vec![product])),
        }
    }
    orders.into_iter().map(|(_, order)| order).collect()
}

/// What an act counts that happened so many seconds ago.
pub fn weight(act: Act, age_s: u32) -> f32 {
    act.weight() * libm::exp2f(-(age_s as f32) / 86_400.0 / HALF_LIFE_DAYS)
}

/// What an item of an event costs, by the event or else by the catalogue, where that is in the shop's currency.
fn amount(snapshot: &Snapshot, event: &Event, item: &EventItem, product: ProductNo) -> u32 {
    let settings = snapshot.aggregates.settings.as_ref();
    let own = settings.map_or(Currency::EUR, |settings| settings.shop.currency);
    let told = item.price_minor.filter(|_| event.currency.is_none_or(|currency| currency == own));
    let listed = || snapshot.aggregates.catalog.price(product).filter(|price| price.currency == own);
    let price = told.or_else(|| listed().map(|price| price.minor)).unwrap_or_default();
    let amount = price.saturating_mul(i64::from(item.quantity));
    amount.clamp(0, i64::from(u32::MAX)) as u32
}
