//! Shoppers' orders as one weight a product: how often they buy it, their newer orders counting more; and how often a product
//! that was bought is bought again. What the models of the next order are fitted on and asked with.

use crate::interactions::Interactions;
use crate::rates::Rates;
use crate::recommender::Recommender;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// What was in one order. A product named twice counts once.
pub type Order = Vec<ProductNo>;

/// A recommender that is asked with a shopper's orders.
pub trait FromOrders: Recommender {
    /// The history of [`crate::recommender::Ask`] for these orders, the oldest first.
    fn history(&self, orders: &[Order]) -> Vec<(ProductNo, f32)>;
}

/// Orders of many shoppers: training data.
#[derive(Clone, Debug, PartialEq)]
pub struct Orders {
    shoppers: Vec<Vec<Order>>,
    product_count: usize,
}

impl Orders {
    /// Of these shoppers, each one's oldest first.
    pub fn new(shoppers: Vec<Vec<Order>>) -> Self {
        let products = shoppers.iter().flatten().flatten();
        let product_count = products.map(|one| one.index() + 1).max().unwrap_or(0);
        Self { shoppers, product_count }
    }

    /// The same with at least `product_count` products, for those that nobody bought.
    #[must_use]
    pub fn with_products(mut self, product_count: usize) -> Self {
        self.product_count = self.product_count.max(product_count);
        self
    }

    /// The orders of each shopper.
    pub fn shoppers(&self) -> &[Vec<Order>] {
        &self.shoppers
    }

    /// Numbers of products are below this.
    pub fn product_count(&self) -> usize {
        self.product_count
    }

    /// [`Decay::weights`], a row a shopper.
    pub fn weights(&self, decay: &Decay) -> Interactions {
        let rows = self.shoppers.iter().map(|orders| decay.weights(orders));
        Interactions::new(rows).with_columns(self.product_count)
    }
}

/// How orders fade (Hu, He, Gao, Zhang 2020, "Modeling personalized item frequency information for next-basket
/// recommendation"): they are cut into groups, from the newest back; of g groups and the n orders of one, counted from the
/// oldest, `u(i) = (1/g) Σ_a across^(g − a) · (1/n) Σ_b within^(n − b) · [i is in order b of group a]`.
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
        Self { group_len: 2, within: 0.9, across: 0.5 }
    }
}

impl Decay {
    /// Weights of a shopper's products, in the order of the products; `orders` from the oldest on.
    pub fn weights(&self, orders: &[Order]) -> Vec<(ProductNo, f32)> {
        let mut weights: Vec<(ProductNo, f32)> = Vec::new();
        let group_len = self.group_len.max(1) as usize;
        let mut scale = 1.0 / orders.len().div_ceil(group_len).max(1) as f32;
        for group in orders.rchunks(group_len) {
            let mut weight = scale / group.len() as f32;
            for order in group.iter().rev() {
                weights.extend(distinct(order).into_iter().map(|product| (product, weight)));
                weight *= self.within;
            }
            scale *= self.across;
        }
        weights.sort_by_key(|one| one.0);
        weights.dedup_by(|next, sum| {
            let same = next.0 == sum.0;
            sum.1 += if same { next.1 } else { 0.0 };
            same
        });
        weights
    }
}

/// What is in an order, once each.
fn distinct(order: &[ProductNo]) -> Vec<ProductNo> {
    let mut products = order.to_vec();
    products.sort_unstable();
    products.dedup();
    products
}

/// How often a product that a shopper has bought is in their next order: every order of a shopper but the first is a try for
/// each product that was in an order before it.
pub fn rebuys(orders: &Orders) -> Rates {
    let mut rates = Rates::default();
    for shopper in orders.shoppers() {
        let mut had: Vec<ProductNo> = Vec::new();
        for order in shopper {
            let order = distinct(order);
            for &product in &had {
                rates.tried(product);
                if order.binary_search(&product).is_ok() {
                    rates.happened(product);
                }
            }
            had.extend(order);
            had.sort_unstable();
            had.dedup();
        }
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(products: &[u32]) -> Order {
        products.iter().copied().map(ProductNo).collect()
    }

    #[test]
    fn orders_fade_within_and_across_groups() {
        let decay = Decay { group_len: 2, within: 0.5, across: 0.1 };
        let weights = decay.weights(&[order(&[3]), order(&[1]), order(&[2, 2, 1])]);
        // Two groups: [3] and [1], [2, 1].
        let wanted = [(ProductNo(1), 0.25 + 0.125), (ProductNo(2), 0.25), (ProductNo(3), 0.05)];
        for (one, other) in weights.iter().zip(wanted) {
            assert!(one.0 == other.0 && (one.1 - other.1).abs() < 1e-6, "{weights:?}");
        }
        assert_eq!((weights.len(), decay.weights(&[]).len()), (3, 0));
    }

    #[test]
    fn what_is_bought_again_is_told_from_what_is_not() {
        let milk: Vec<Order> = (0..101).map(|_| order(&[0])).collect();
        let lamp: Vec<Order> = (0..101).map(|at| if at == 0 { order(&[1]) } else { order(&[]) }).collect();
        let rates = rebuys(&Orders::new(vec![milk, lamp]));
        assert_eq!(rates.shop_rate(), 0.5);
        let [milk, lamp, other] = [0, 1, 9].map(|product| rates.rate(ProductNo(product)));
        assert!((milk - 110.0 / 120.0).abs() < 1e-5 && (lamp - 10.0 / 120.0).abs() < 1e-5, "{milk} {lamp}");
        assert_eq!(other, 0.5);
    }
}
