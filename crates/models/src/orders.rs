//! A shopper's orders as one weight a product: how often they buy it, their newer orders counting more, and how due it is
//! again. What the models of the next order are fitted on and asked with.
//!
//! Decay (Hu, He, Gao, Zhang 2020, "Modeling personalized item frequency information for next-basket recommendation"): the
//! orders are cut into groups of `group_len`, from the newest back. Of g groups and the n orders of one, counted from the
//! oldest,
//! `u(i) = (1/g) Σ_a across^(g − a) · (1/n) Σ_b within^(n − b) · [i is in order b of group a]`.
//!
//! Due-ness: `u(i) · (1 − depth · e^(−t / d))` with t the time since the shopper last bought i, and d the interval after which
//! they do: the mean of their own intervals, and the product's ([`Repurchase::days`]) as if it were one more.

use crate::repurchase::Repurchase;
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Millis, ProductNo};
use serde::{Deserialize, Serialize};

/// One order.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// When, where it is known.
    pub at: Option<Millis>,
    /// What was in it. A product named twice counts once.
    pub products: Vec<ProductNo>,
}

/// How orders fade.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decay {
    /// Orders of a group.
    pub group_len: u32,
    /// Factor from an order to the one before it in a group.
    pub within: f32,
    /// Factor from a group to the one before it.
    pub across: f32,
}

impl Default for Decay {
    fn default() -> Self {
        Self { group_len: 3, within: 0.9, across: 0.7 }
    }
}

impl Decay {
    /// Weights of a shopper's products; `orders` in time order, the oldest first.
    pub fn weights(&self, orders: &[Order]) -> Vec<(ProductNo, f32)> {
        let mut weights: Vec<(ProductNo, f32)> = Vec::new();
        let group_len = self.group_len.max(1) as usize;
        let mut scale = 1.0 / orders.len().div_ceil(group_len).max(1) as f32;
        for group in orders.rchunks(group_len) {
            let mut weight = scale / group.len() as f32;
            for order in group.iter().rev() {
                let from = weights.len();
                weights.extend(order.products.iter().map(|&product| (product, weight)));
                weights[from..].sort_unstable_by_key(|one| one.0);
                let mut seen = from;
                for at in from..weights.len() {
                    if at == from || weights[at].0 != weights[seen - 1].0 {
                        weights[seen] = weights[at];
                        seen += 1;
                    }
                }
                weights.truncate(seen);
                weight *= self.within;
            }
            scale *= self.across;
        }
        summed(weights)
    }
}

/// One weight a product, in the order of the products.
fn summed(mut weights: Vec<(ProductNo, f32)>) -> Vec<(ProductNo, f32)> {
    weights.sort_by_key(|one| one.0);
    weights.dedup_by(|next, sum| {
        let same = next.0 == sum.0;
        if same {
            sum.1 += next.1;
        }
        same
    });
    weights
}

/// How much less a product weighs right after it was bought.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Due {
    /// Share of its weight that a product loses when it is bought, 0 to 1. At 0 no date is looked at.
    pub depth: f32,
    pub lapse: f32,
    pub prior: f32,
    pub again: f32,
}

impl Default for Due {
    fn default() -> Self {
        Self { depth: 0.0, lapse: 0.0, prior: 1.0, again: 0.0 }
    }
}

impl Due {
    /// Multiplies `weights` by how due each product is at `now`. Nothing changes without dates or where nobody ever bought
    /// the product twice.
    pub fn apply(&self, weights: &mut [(ProductNo, f32)], orders: &[Order], now: Millis, known: &Repurchase) {
        if self.depth == 0.0 && self.lapse == 0.0 {
            return;
        }
        for (product, weight) in weights {
            let times = orders.iter().filter(|order| order.products.contains(product)).filter_map(|one| one.at);
            let (mut first, mut last, mut count) = (None, None, 0_u32);
            for at in times {
                first = first.or(Some(at));
                last = Some(at);
                count += 1;
            }
            if let (Some(first), Some(last), Some(days)) = (first, last, known.days(*product)) {
                let own = days_between(first, last);
                let expected = (own + self.prior * days) / (count as f32 - 1.0 + self.prior);
                let ratio = days_between(last, now) / expected.max(1.0);
                *weight *= 1.0 - self.depth * libm::expf(-ratio);
                *weight *= libm::expf(-self.lapse * (ratio - 1.0).max(0.0));
            }
        }
    }
}

/// Days from `from` to `to`, none where it is the other way round.
pub fn days_between(from: Millis, to: Millis) -> f32 {
    ((to.0 - from.0).max(0) as f64 / DAY_MS as f64) as f32
}

/// The intervals of everyone's orders.
pub fn intervals<'a>(shoppers: impl IntoIterator<Item = &'a [Order]>) -> Repurchase {
    let mut known = Repurchase::default();
    for orders in shoppers {
        let mut bought: Vec<_> = orders
            .iter()
            .flat_map(|order| order.products.iter().filter_map(|&product| order.at.map(|at| (product, at))))
            .collect();
        bought.sort_unstable();
        for pair in bought.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            known.observe(pair[0].0, days_between(pair[0].1, pair[1].1));
        }
    }
    known
}

/// How often a product that was bought is in a later order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Again {
    rates: Vec<f32>,
}

impl Again {
    pub fn new<'a>(shoppers: impl IntoIterator<Item = &'a [Order]>, product_count: usize) -> Self {
        let mut sums = vec![(0.0_f32, 0.0_f32); product_count];
        for orders in shoppers {
            let mut had: Vec<ProductNo> = Vec::new();
            for order in orders {
                for product in &had {
                    sums[product.index()].1 += 1.0;
                    if order.products.contains(product) {
                        sums[product.index()].0 += 1.0;
                    }
                }
                had.extend(&order.products);
                had.sort_unstable();
                had.dedup();
            }
        }
        let all = sums.iter().fold((0.0_f64, 0.0_f64), |s, o| (s.0 + f64::from(o.0), s.1 + f64::from(o.1)));
        let shop = (all.0 / all.1.max(1.0)) as f32;
        let rates = sums.iter().map(|one| (one.0 + 20.0 * shop) / (one.1 + 20.0) / shop.max(1e-6)).collect();
        Self { rates }
    }

    pub fn apply(&self, power: f32, weights: &mut [(ProductNo, f32)]) {
        if power > 0.0 {
            for (product, weight) in weights {
                if let Some(rate) = self.rates.get(product.index()) {
                    *weight *= libm::powf(*rate, power);
                }
            }
        }
    }
}
