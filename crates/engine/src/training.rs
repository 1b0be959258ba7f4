//! What models are fitted on: who did what with which product, folded from the log – people only, and only those who allow
//! personalization, as of now and when it happened.

use crate::engine::{Live, Snapshot};
use crate::profile::{Act, act_of, seconds};
use bespoke_domain::{Body, Entry, EventKind, ProductNo, Purpose, ShopperNo};
use bespoke_models::interactions::Interactions;
use std::collections::HashSet;

/// Days after which an act counts half.
const HALF_LIFE_DAYS: f32 = 90.0;
/// Products of one shopper that count, those dealt with last.
const PRODUCTS_MAX: usize = 300;
/// Fewest products of a shopper who tells which go together.
const PRODUCTS_MIN: usize = 2;

/// One act, in 16 bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Deed {
    /// Who.
    pub shopper: ShopperNo,
    /// When, in seconds of the epoch.
    pub time_s: u32,
    /// With which product.
    pub product: ProductNo,
    /// What.
    pub act: Act,
}

/// All acts, in the order of the log.
#[derive(Default, Debug)]
pub struct Training {
    /// The acts.
    pub deeds: Vec<Deed>,
    /// What shoppers sent back or do not want to see.
    unwanted: HashSet<(ShopperNo, ProductNo)>,
}

impl Training {
    /// Takes the next entry.
    pub fn feed(&mut self, snapshot: &Snapshot, live: &Live, entry: &Entry) {
        let (Body::Event(event), Some(shopper)) = (&entry.body, entry.shopper) else { return };
        if event.is_bot() || !event.consent.allows(Purpose::Personalization) {
            return;
        }
        let act = act_of(event.kind);
        let is_unwanted = matches!(event.kind, EventKind::DismissItem | EventKind::Refund);
        if act.is_none() && !is_unwanted {
            return;
        }
        let shopper = live.root(shopper);
        let unknown = snapshot.aggregates.unknown_consent();
        let allowed = live.profile(shopper).is_some_and(|profile| {
            profile.consent(unknown).allows(Purpose::Personalization) && profile.remembers(event.time)
        });
        for product in
            event.items.iter().filter(|_| allowed).filter_map(|item| snapshot.product(&item.item_id))
        {
            match act {
                Some(act) => self.deeds.push(Deed { shopper, time_s: seconds(event.time), product, act }),
                None => _ = self.unwanted.insert((shopper, product)),
            }
        }
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

    /// Weights of products in acts before `until_s`, as of then.
    pub fn weights(&self, deeds: &[Deed], until_s: u32) -> Vec<(ProductNo, f32)> {
        let mut weights: Vec<(ProductNo, f32)> = Vec::new();
        for deed in deeds.iter().rev().filter(|deed| deed.time_s < until_s) {
            if self.unwanted.contains(&(deed.shopper, deed.product)) {
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

    /// A row a shopper who dealt with at least two products before `until_s`; columns for `product_count` products.
    pub fn interactions(&self, until_s: u32, product_count: usize) -> Interactions {
        let rows = self.shoppers().map(|deeds| self.weights(deeds, until_s));
        Interactions::new(rows.filter(|row| row.len() >= PRODUCTS_MIN)).with_columns(product_count)
    }
}

/// What an act counts that happened so many seconds ago.
pub fn weight(act: Act, age_s: u32) -> f32 {
    act.weight() * libm::exp2f(-(age_s as f32) / 86_400.0 / HALF_LIFE_DAYS)
}
