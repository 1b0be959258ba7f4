//! Merchandisers' instructions. Only rules place; what a rule did carries the rule's own name.

mod hide;
mod pin;

use crate::catalog::CategorySet;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::settings::Rule;
use bespoke_domain::{CategoryNo, ProductNo};

/// A rule as used by a placement, its ids resolved.
#[derive(Debug)]
pub struct Planned {
    /// Its line in [`RULES`].
    pub spec: &'static RuleSpec,
    /// As it was set.
    pub rule: Rule,
    /// The products it names, those with a number.
    pub items: Vec<ProductNo>,
    /// The categories it names, those that are there.
    pub categories: Vec<CategoryNo>,
    /// These categories and all below them.
    pub below: CategorySet,
}

/// A rule's line in the table.
#[derive(Debug)]
pub struct RuleSpec {
    /// Its name in placements.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// Applies the rule with this number to the pool; candidates it removes carry `remover`; returns how many it removed.
    pub apply: fn(&Context<'_>, &Planned, u16, &mut Pool<'_>, u16) -> u32,
}

/// Every rule.
pub static RULES: [&RuleSpec; 2] = [&pin::SPEC, &hide::SPEC];
