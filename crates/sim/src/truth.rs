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

/// Probability that what is in the cart is paid for: kept in it, checked out, through three pages of the checkout.
pub const PAID_IF_CARTED: f64 = 0.9 * 0.7 * 0.96 * 0.96 * 0.96;
/// Utility that a product gains beside one that it goes with.
pub const COMPLEMENT_BONUS: f64 = 1.5;

/// Share of visits that are for any leaf rather than a favourite.
pub const ANY_LEAF_SHARE: f64 = 0.2;
/// How much more often that is one of the first leaves.
pub const ANY_LEAF_POWER: f64 = 1.3;

/// Probability that a visit of the shopper is for a leaf, over the year.
pub fn comes_for(shop: &Shop, shopper: &Shopper, leaf: u32) -> f64 {
    let below = |leaf: u32| libm::pow(f64::from(leaf) / f64::from(shop.leaf_count()), 1.0 / ANY_LEAF_POWER);
    (1.0 - ANY_LEAF_SHARE) * shopper.leaf_weight(leaf) + ANY_LEAF_SHARE * (below(leaf + 1) - below(leaf))
}

/// A moment of a visit.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// What the visit deals with: products of these leaves, and what goes with these, are what the shopper came for.
    /// Nothing: the visit begins, and what it is for is not known.
    pub about: Vec<Product>,
    /// What is on the page or in the cart already.
    pub has: Vec<Product>,
}

/// Probability that a product at position `k` of a slate is bought through it in this visit: that the visit is for its like,
/// and that it is looked at, clicked, taken and paid for. What cannot be had, or is there already, is not bought.
pub fn bought_if_shown(shop: &Shop, shopper: &Shopper, product: &Product, moment: &Moment, k: u32) -> f64 {
    let is_there = |one: &Product| one.leaf == product.leaf && one.group == product.group;
    if product.stock == 0 || moment.has.iter().any(is_there) {
        return 0.0;
    }
    let goes_with = moment.about.iter().any(|one| shop.are_complements(one, product));
    let is_wanted_now = if moment.about.is_empty() {
        comes_for(shop, shopper, product.leaf)
    } else {
        f64::from(goes_with || moment.about.iter().any(|one| one.leaf == product.leaf))
    };
    let wanted = utility(shop, shopper, product) + if goes_with { COMPLEMENT_BONUS } else { 0.0 };
    is_wanted_now * examination(k) * click_if_seen(wanted) * cart_if_viewed(wanted) * PAID_IF_CARTED
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
