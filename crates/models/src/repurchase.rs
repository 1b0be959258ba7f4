//! After how many days shoppers buy the same product again: the mean of the intervals seen, pulled towards the shop's own
//! where few are known.

use crate::cow::CowVec;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Intervals whose weight the shop's own mean has.
const PRIOR: f32 = 3.0;
/// The shop's own mean in days before it has one.
const PRIOR_DAYS: f32 = 60.0;
/// Intervals shorter than this are one purchase in two parts.
const LEAST_DAYS: f32 = 2.0;

/// Sum of days and number of intervals.
type Sum = (f32, u32);

/// Intervals by product, and of the shop. A product costs 8 bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Repurchase {
    products: CowVec<Sum, 4096>,
    shop: (f64, u64),
}

impl Repurchase {
    /// Notes that somebody bought `product` again after `days`.
    pub fn observe(&mut self, product: ProductNo, days: f32) {
        if days < LEAST_DAYS {
            return;
        }
        self.products.grow_to(product.index() + 1, &(0.0, 0));
        if let Some((sum, count)) = self.products.get_mut(product.index()) {
            (*sum, *count) = (*sum + days, *count + 1);
        }
        self.shop = (self.shop.0 + f64::from(days), self.shop.1 + 1);
    }

    /// The expected interval in days; `None` where nobody bought the product twice.
    pub fn days(&self, product: ProductNo) -> Option<f32> {
        let (sum, count) = self.products.get(product.index()).copied().filter(|(_, count)| *count > 0)?;
        let shop = if self.shop.1 == 0 { PRIOR_DAYS } else { (self.shop.0 / self.shop.1 as f64) as f32 };
        Some((sum + PRIOR * shop) / (count as f32 + PRIOR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_intervals_are_pulled_towards_the_shops() {
        let mut repurchase = Repurchase::default();
        assert_eq!(repurchase.days(ProductNo(0)), None);
        (0..97).for_each(|_| repurchase.observe(ProductNo(0), 30.0));
        (0..3).for_each(|_| repurchase.observe(ProductNo(1), 90.0));
        repurchase.observe(ProductNo(2), 0.5);
        let days = |no| repurchase.days(ProductNo(no)).unwrap_or_default();
        assert!((days(0) - 30.0).abs() < 0.5 && (days(1) - 60.9).abs() < 0.1, "{} {}", days(0), days(1));
        assert_eq!(repurchase.days(ProductNo(2)), None, "the second half of an order is no interval");
    }
}
