//! What removes candidates, each under its own name. A hard filter always runs and binds pinned candidates too.

mod already_bought;
mod asked_for;
mod available;
mod bought_durable;
mod dismissed;
mod excluded;
mod in_cart;
mod in_category;
mod in_my_size;
mod market;
mod meant_for;
mod one_variant;
mod seen_often;
mod sensitive;

use crate::context::Context;
use crate::pool::Pool;
use crate::tables::ParamSpec;

/// A filter's line in the table.
#[derive(Debug)]
pub struct FilterSpec {
    /// Its name in placements and in what it removed.
    pub name: &'static str,
    /// What it removes, in a sentence.
    pub doc: &'static str,
    /// What those it removes do or are, to a shopper: ends "n products that …".
    pub plain: &'static str,
    /// What may be set.
    pub params: &'static [ParamSpec],
    /// Whether it always runs and binds pinned candidates.
    pub hard: bool,
    /// Removes from the pool under the given number, through [`Pool::remove`] or
    /// [`Pool::remove_listed`] only; returns how many.
    pub run: fn(&Context<'_>, &[f64], &mut Pool<'_>, u16) -> u32,
}

/// Every filter, hard ones first.
pub static FILTERS: [&FilterSpec; 14] = [
    &available::SPEC,
    &market::SPEC,
    &meant_for::SPEC,
    &sensitive::SPEC,
    &excluded::SPEC,
    &asked_for::SPEC,
    &in_cart::SPEC,
    &in_category::SPEC,
    &already_bought::SPEC,
    &bought_durable::SPEC,
    &one_variant::SPEC,
    &dismissed::SPEC,
    &in_my_size::SPEC,
    &seen_often::SPEC,
];
