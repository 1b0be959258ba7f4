//! Merchandisers' instructions. Only rules place; what a rule did carries the rule's own name. They act in the order of
//! their phases, within a phase in the order of the placement.

mod boost;
mod bury;
mod filter;
mod hide;
mod pin;
mod reserve;

use crate::catalog::Row;
use crate::category_tree::CategorySet;
use crate::condition::Check;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::settings::Rule;
use bespoke_domain::{Candidate, CategoryNo};

/// A rule as used by a placement, its ids resolved.
#[derive(Debug)]
pub struct Planned {
    /// Its line in [`RULES`].
    pub spec: &'static RuleSpec,
    /// As it was set.
    pub rule: Rule,
    /// The products or content blocks it names, those with a number.
    pub items: Vec<Candidate>,
    /// The categories it names, those that are there.
    pub categories: Vec<CategoryNo>,
    /// These categories and all below them.
    pub below: CategorySet,
    /// What else it is about.
    pub filter: Option<Check>,
    /// When it acts.
    pub when: Option<Check>,
}

/// At which point of the decision a rule acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Before the filters: what it places, hard filters can still remove.
    Place,
    /// After the filters: it removes.
    Remove,
    /// After that: it changes the order.
    Order,
}

/// A rule's line in the table.
#[derive(Debug)]
pub struct RuleSpec {
    /// Its name in placements.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// When it does it.
    pub phase: Phase,
    /// Applies the rule with this number to the pool; candidates it removes carry `remover`; returns how many it removed.
    pub apply: fn(&Context<'_>, &Planned, u16, &mut Pool<'_>, u16) -> u32,
    /// Whether it removes a candidate that it is (`true`) or is not about.
    pub removes: fn(bool) -> bool,
}

/// Every rule.
pub static RULES: [&RuleSpec; 6] =
    [&pin::SPEC, &hide::SPEC, &filter::SPEC, &boost::SPEC, &bury::SPEC, &reserve::SPEC];

impl Planned {
    /// Whether it acts in this decision.
    pub fn is_active(&self, context: &Context<'_>) -> bool {
        let now = context.request.now;
        self.rule.from.is_none_or(|from| from <= now)
            && self.rule.until.is_none_or(|until| now < until)
            && self.when.as_ref().is_none_or(|when| when.holds_of_request(context))
    }

    /// Whether it is about a candidate: named, in a named category, or as its filter says.
    pub fn is_about(&self, context: &Context<'_>, candidate: Candidate, row: &Row) -> bool {
        self.items.contains(&candidate)
            || self.below.contains(row.category)
            || self.filter.as_ref().is_some_and(|filter| filter.holds(context, candidate))
    }
}
