//! Who shops: favourite leaves, a style, a colour, a brand in each department, how much prices matter, what they consent to.

use crate::catalogue::Shop;
use crate::dice::{Dice, What};
use bespoke_domain::{Consent, Purpose};

/// Favourite leaves of a shopper, and the weight of each in what the shopper comes for.
pub const FAVOURITES: [f64; 3] = [0.6, 0.3, 0.1];

/// What is true of one shopper.
#[derive(Clone, PartialEq, Debug)]
pub struct Shopper {
    /// The number; small numbers come more often.
    pub no: u32,
    /// Leaves by falling weight, see [`FAVOURITES`].
    pub leaves: [u32; 3],
    /// Liked in every leaf.
    pub style: u32,
    /// Liked in every leaf.
    pub colour: u32,
    /// Utility lost by a product e times as dear as its leaf's level.
    pub price_sensitivity: f64,
    /// Has a customer account.
    pub has_account: bool,
    /// What the shopper allows.
    pub consent: Consent,
    brand_seed: u32,
}

impl Shopper {
    /// The shopper numbered `no` of a shop.
    pub fn new(shop: &Shop, no: u32) -> Self {
        let mut dice = Dice::new(shop.params.seed, What::Shopper, u64::from(no));
        let mut leaf = || dice.skewed(shop.leaf_count(), 1.5);
        let leaves = [leaf(), leaf(), leaf()];
        let consent = Consent::DENIED
            .with(Purpose::Analytics, dice.happens(0.92))
            .with(Purpose::Personalization, dice.happens(0.85))
            .with(Purpose::Marketing, dice.happens(0.4));
        Self {
            no,
            leaves,
            style: dice.below(8),
            colour: dice.below(10),
            price_sensitivity: 0.9 * libm::exp(0.6 * dice.normal()),
            has_account: dice.happens(0.4),
            consent,
            brand_seed: dice.below(u32::MAX),
        }
    }

    /// The favourite among a department's `count` brands.
    pub fn favourite_brand(&self, department: usize, count: u32) -> u32 {
        Dice::new(u64::from(self.brand_seed), What::Brand, department as u64).skewed(count, 2.0)
    }

    /// The weight of a leaf in what the shopper comes for.
    pub fn leaf_weight(&self, leaf: u32) -> f64 {
        self.leaves.iter().zip(FAVOURITES).filter(|(held, _)| **held == leaf).map(|(_, weight)| weight).sum()
    }

    /// The cookie value.
    pub fn anonymous_id(&self) -> String {
        format!("sim-a-{}", self.no)
    }

    /// The customer number of one with an account.
    pub fn user_id(&self) -> String {
        format!("sim-u-{}", self.no)
    }
}
