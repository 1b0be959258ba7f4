//! How much of what is sold comes back, by product: a Beta-binomial mean, pulled towards the shop's own rate.

use crate::cow::CowVec;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Sales whose weight the shop's own rate has.
const PRIOR: f32 = 20.0;

/// Lines sold and lines that came back, by product and of the shop. A product costs 8 bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Returns {
    products: CowVec<(u32, u32), 4096>,
    shop: (u64, u64),
}

impl Returns {
    /// A line of an order.
    pub fn sold(&mut self, product: ProductNo) {
        self.products.grow_to(product.index() + 1, &(0, 0));
        if let Some((sold, _)) = self.products.get_mut(product.index()) {
            *sold += 1;
        }
        self.shop.0 += 1;
    }

    /// A line that came back.
    pub fn returned(&mut self, product: ProductNo) {
        self.products.grow_to(product.index() + 1, &(0, 0));
        if let Some((_, returned)) = self.products.get_mut(product.index()) {
            *returned += 1;
        }
        self.shop.1 += 1;
    }

    /// The shop's rate, 0 to 1.
    pub fn shop_rate(&self) -> f32 {
        if self.shop.0 == 0 { 0.0 } else { (self.shop.1 as f32 / self.shop.0 as f32).min(1.0) }
    }

    /// The product's rate, 0 to 1; the shop's where nothing is known of it.
    pub fn rate(&self, product: ProductNo) -> f32 {
        let (sold, returned) = self.products.get(product.index()).copied().unwrap_or_default();
        ((returned as f32 + PRIOR * self.shop_rate()) / (sold.max(returned) as f32 + PRIOR)).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_evidence_is_pulled_towards_the_shops_rate() {
        let mut returns = Returns::default();
        (0..980).for_each(|_| returns.sold(ProductNo(0)));
        (0..90).for_each(|_| returns.returned(ProductNo(0)));
        (0..20).for_each(|_| returns.sold(ProductNo(1)));
        (0..10).for_each(|_| returns.returned(ProductNo(1)));
        let rate = |no| returns.rate(ProductNo(no));
        assert!((returns.shop_rate() - 0.1).abs() < 1e-6 && (rate(2) - 0.1).abs() < 1e-6);
        assert!((rate(1) - 0.3).abs() < 1e-6, "half of twenty, and a tenth of twenty more: {}", rate(1));
    }
}
