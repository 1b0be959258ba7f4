//! How shoppers narrow what a search finds: each department has a facet that its shoppers go by – the planted preference – and each
//! shopper a value of it that follows from their taste.

use crate::catalogue::Shop;
use crate::dice::{Dice, What};
use crate::shopper::Shopper;
use crate::words::{COLOURS, DEPARTMENTS, SIZES, STYLES};

/// Share of searches that are narrowed.
pub const NARROWED_SHARE: f64 = 0.4;
/// Share of these that are narrowed by the department's own facet; the others by any.
pub const OWN_FACET_SHARE: f64 = 0.7;
/// Share of choices by the department's own facet that are its own value.
pub const OWN_VALUE_SHARE: f64 = 0.6;
/// Facets that departments go by, in turn; where there are no sizes, styles stand in for them.
const FACETS: [&str; 5] = ["color", "style", "size", "brand", "price"];

/// A facet with a value; a price is an upper end.
#[derive(Clone, PartialEq, Debug)]
pub enum Narrowed {
    /// An attribute's value.
    Value(&'static str, String),
    /// Prices below this one, in the currency's main unit.
    PriceBelow(f64),
}

impl Narrowed {
    /// The facet's name.
    pub fn facet(&self) -> &'static str {
        match self {
            Self::Value(facet, _) => facet,
            Self::PriceBelow(_) => "price",
        }
    }
}

/// The facet that shoppers of a leaf's department go by.
pub fn own_facet(shop: &Shop, leaf: u32) -> &'static str {
    let department = shop.department(leaf);
    in_leaf(shop, leaf, FACETS[department % FACETS.len()])
}

fn in_leaf(shop: &Shop, leaf: u32, facet: &'static str) -> &'static str {
    let has_sizes = DEPARTMENTS[shop.department(leaf)].has_sizes;
    if facet == "size" && !has_sizes { "style" } else { facet }
}

/// By what the shopper narrows a search for a leaf, where the search numbered `no` is narrowed at all.
pub fn roll(shop: &Shop, shopper: &Shopper, leaf: u32, no: u64) -> Option<Narrowed> {
    let mut dice = Dice::new(shop.params.seed, What::Narrow, no);
    if !dice.happens(NARROWED_SHARE) {
        return None;
    }
    let facet = if dice.happens(OWN_FACET_SHARE) {
        if dice.happens(OWN_VALUE_SHARE) {
            return Some(own(shop, leaf));
        }
        own_facet(shop, leaf)
    } else {
        in_leaf(shop, leaf, FACETS[dice.below(FACETS.len() as u32) as usize])
    };
    Some(value(shop, shopper, leaf, facet))
}

/// The facet that shoppers of a leaf's department go by, with the value that most of them choose.
pub fn own(shop: &Shop, leaf: u32) -> Narrowed {
    let department = shop.department(leaf);
    let facet = own_facet(shop, leaf);
    let mut dice = Dice::new(shop.params.seed, What::Narrow, u64::MAX - department as u64);
    let text = match facet {
        "color" => (*dice.pick(&COLOURS)).to_owned(),
        "style" => (*dice.pick(&STYLES)).to_owned(),
        "size" => (*dice.pick(&SIZES)).to_owned(),
        "brand" => shop.brand_name(department, dice.below(shop.brand_count())),
        _ => return below_usual(shop, leaf),
    };
    Narrowed::Value(facet, text)
}

fn below_usual(shop: &Shop, leaf: u32) -> Narrowed {
    Narrowed::PriceBelow((shop.level_minor(leaf) / 100.0).ceil())
}

/// What the shopper chooses of a facet: what they like, the size that fits, prices below the usual one.
pub fn value(shop: &Shop, shopper: &Shopper, leaf: u32, facet: &'static str) -> Narrowed {
    let department = shop.department(leaf);
    let text = match facet {
        "color" => COLOURS[shopper.colour as usize].to_owned(),
        "style" => STYLES[shopper.style as usize].to_owned(),
        "size" => {
            (*Dice::new(shop.params.seed, What::Narrow, u64::from(shopper.no) << 32).pick(&SIZES)).to_owned()
        }
        "brand" => shop.brand_name(department, shopper.favourite_brand(department, shop.brand_count())),
        _ => return below_usual(shop, leaf),
    };
    Narrowed::Value(facet, text)
}
