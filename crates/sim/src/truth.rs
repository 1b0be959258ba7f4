//! Why shoppers do what they do: the equations behind the events, open to ask.
//!
//! Utility of a product for a shopper, in logits: `2·leaf weight + 1·style + 0.8·brand + 0.5·colour + 0.4·quality −
//! price sensitivity · ln(price / level)`. A product at position `k` of a list is looked at with probability
//! `examination`, and one that is looked at is clicked with `click_if_seen` (examination hypothesis, Richardson 2007).

use crate::catalogue::{Product, Shop, logistic};
use crate::shopper::Shopper;
use crate::words::DEPARTMENTS;
use bespoke_domain::Millis;

/// Exponent by which attention falls with position.
pub const ATTENTION_EXPONENT: f64 = 0.7;
/// How far demand swings around the year, as a share of its mean.
pub const SEASON_SWING: f64 = 0.6;

/// How much the shopper wants the product, in logits.
pub fn utility(shop: &Shop, shopper: &Shopper, product: &Product) -> f64 {
    let department = shop.department(product.leaf);
    let likes = |is_so: bool, weight: f64| if is_so { weight } else { 0.0 };
    2.0 * shopper.leaf_weight(product.leaf)
        + likes(product.style == shopper.style, 1.0)
        + likes(product.brand == shopper.favourite_brand(department, shop.brand_count()), 0.8)
        + likes(product.colour == shopper.colour, 0.5)
        + 0.4 * product.quality
        - shopper.price_sensitivity * product.price_ln
}

/// Probability that position `k` of a list, from 0, is looked at.
pub fn examination(k: u32) -> f64 {
    libm::pow(f64::from(k) + 1.0, -ATTENTION_EXPONENT)
}

/// Probability that a product that is looked at is clicked.
pub fn click_if_seen(utility: f64) -> f64 {
    logistic(utility - 2.2)
}

/// Probability that a viewed product goes into the cart, where it is in stock.
pub fn cart_if_viewed(utility: f64) -> f64 {
    logistic(utility - 2.0)
}

/// Stars that the shopper gives a product that was kept: its quality, a little of the taste for it, and `luck` from 0 to 1.
pub fn rating(shop: &Shop, shopper: &Shopper, product: &Product, luck: f64) -> f32 {
    let liking = 3.6 + 0.5 * product.quality + 0.15 * utility(shop, shopper, product);
    libm::round((liking + 1.5 * (luck - 0.5)).clamp(1.0, 5.0)) as f32
}

/// Demand of a department at a time, 1 on average over the year.
pub fn season(department: usize, time: Millis) -> f64 {
    let day_of_year = time.days() % 365.25;
    let angle = std::f64::consts::TAU * (day_of_year - DEPARTMENTS[department].peak_day) / 365.25;
    1.0 + SEASON_SWING * libm::cos(angle)
}
