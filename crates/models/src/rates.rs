//! How often something happens with a product – that it comes back, that its buyers ask for help, that it is left at once –
//! of the times it could have: a Beta-binomial mean, pulled towards the shop's own rate.

use crate::cow::CowVec;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Times whose weight the shop's own rate has.
const PRIOR: f32 = 20.0;

/// Times it could have happened and times it did, by product and of the shop. A product costs 8 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    products: CowVec<(u32, u32), 4096>,
    shop: (u64, u64),
}

impl Rates {
    /// It could have happened.
    pub fn tried(&mut self, product: ProductNo) {
        self.products.grow_to(product.index() + 1, &(0, 0));
        if let Some((tried, _)) = self.products.get_mut(product.index()) {
            *tried += 1;
        }
        self.shop.0 += 1;
    }

    /// It happened.
    pub fn happened(&mut self, product: ProductNo) {
        self.products.grow_to(product.index() + 1, &(0, 0));
        if let Some((_, happened)) = self.products.get_mut(product.index()) {
            *happened += 1;
        }
        self.shop.1 += 1;
    }

    /// The shop's rate, 0 to 1.
    pub fn shop_rate(&self) -> f32 {
        if self.shop.0 == 0 { 0.0 } else { (self.shop.1 as f32 / self.shop.0 as f32).min(1.0) }
    }

    /// The product's rate, 0 to 1; the shop's where nothing is known of it.
    pub fn rate(&self, product: ProductNo) -> f32 {
        let (tried, happened) = self.products.get(product.index()).copied().unwrap_or_default();
        ((happened as f32 + PRIOR * self.shop_rate()) / (tried.max(happened) as f32 + PRIOR)).min(1.0)
    }

    /// By how much of the shop's rate the product's is below it: 1 where it never happens, -1 where twice as often or more.
    pub fn below_usual(&self, product: ProductNo) -> f32 {
        let usual = self.shop_rate();
        ((usual - self.rate(product)) / usual.max(0.01)).clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_evidence_is_pulled_towards_the_shops_rate() {
        let mut returns = Rates::default();
        (0..980).for_each(|_| returns.tried(ProductNo(0)));
        (0..90).for_each(|_| returns.happened(ProductNo(0)));
        (0..20).for_each(|_| returns.tried(ProductNo(1)));
        (0..10).for_each(|_| returns.happened(ProductNo(1)));
        let rate = |no| returns.rate(ProductNo(no));
        assert!((returns.shop_rate() - 0.1).abs() < 1e-6 && (rate(2) - 0.1).abs() < 1e-6);
        assert!((rate(1) - 0.3).abs() < 1e-6, "half of twenty, and a tenth of twenty more: {}", rate(1));
        assert!(
            (returns.below_usual(ProductNo(1)) + 1.0).abs() < 1e-6
                && returns.below_usual(ProductNo(2)) == 0.0
        );
    }
}
