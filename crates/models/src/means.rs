//! A number of a product that shoppers give it – stars, hours until it is bought: its mean, pulled towards the shop's own.

use crate::cow::CowVec;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Observations whose weight the shop's own mean has.
const PRIOR: f32 = 10.0;
/// Steps of a unit: sums are whole, so that their order does not matter.
const STEPS: f32 = 1000.0;

/// Count and sum in thousandths, by product and of the shop. A product costs 16 bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Means {
    products: CowVec<(u32, i64), 4096>,
    shop: (u64, i64),
}

impl Means {
    /// One observation; what is not finite is left out.
    pub fn observe(&mut self, product: ProductNo, value: f32) {
        if !value.is_finite() {
            return;
        }
        let steps = (value * STEPS) as i64;
        self.products.grow_to(product.index() + 1, &(0, 0));
        if let Some((count, sum)) = self.products.get_mut(product.index()) {
            (*count, *sum) = (*count + 1, *sum + steps);
        }
        self.shop = (self.shop.0 + 1, self.shop.1 + steps);
    }

    /// The shop's mean, where there is an observation.
    pub fn shop_mean(&self) -> Option<f32> {
        (self.shop.0 > 0).then(|| self.shop.1 as f32 / self.shop.0 as f32 / STEPS)
    }

    /// The product's mean with `count` more observations of `mean` known from elsewhere, pulled towards `usual`.
    pub fn mean_with(&self, product: ProductNo, (mean, count): (f32, f32), usual: f32) -> f32 {
        let (own, sum) = self.products.get(product.index()).copied().unwrap_or_default();
        (sum as f32 / STEPS + mean * count + usual * PRIOR) / (own as f32 + count + PRIOR)
    }

    /// The product's mean, pulled towards `usual`.
    pub fn mean(&self, product: ProductNo, usual: f32) -> f32 {
        self.mean_with(product, (0.0, 0.0), usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_observations_say_little_and_those_from_elsewhere_count() {
        let mut stars = Means::default();
        assert_eq!(stars.shop_mean(), None);
        (0..10).for_each(|_| stars.observe(ProductNo(0), 5.0));
        stars.observe(ProductNo(1), 1.0);
        stars.observe(ProductNo(1), f32::NAN);
        let usual = stars.shop_mean().expect("eleven observations");
        assert!((usual - 51.0 / 11.0).abs() < 1e-3);
        assert!((stars.mean(ProductNo(0), 4.0) - 4.5).abs() < 1e-6);
        assert!((stars.mean(ProductNo(9), 4.0) - 4.0).abs() < 1e-6);
        assert!((stars.mean_with(ProductNo(9), (5.0, 30.0), 4.0) - 4.75).abs() < 1e-6);
    }
}
