//! Merchandisers' instructions. Only rules place; what a rule did carries the rule's own name.

mod hide;
mod pin;

use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::settings::Rule;

/// A rule's line in the table.
#[derive(Debug)]
pub struct RuleSpec {
    /// Its name in placements.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// Applies the rule with this number to the pool; candidates it removes carry `remover`; returns how many it removed.
    pub apply: fn(&Context<'_>, &Rule, u16, &mut Pool, u16) -> u32,
}

/// Every rule.
pub static RULES: [&RuleSpec; 2] = [&pin::SPEC, &hide::SPEC];
