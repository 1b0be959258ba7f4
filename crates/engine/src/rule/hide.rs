//! Takes named products, everything in named categories, or what a filter matches, out of a placement.

use super::{Phase, Planned, RuleSpec};
use crate::context::Context;
use crate::pool::Pool;

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "hide",
    doc: "Removes what it is about.",
    phase: Phase::Remove,
    apply,
    removes: |is_about| is_about,
};

fn apply(context: &Context<'_>, rule: &Planned, _rule_no: u16, pool: &mut Pool<'_>, remover: u16) -> u32 {
    let named = pool.remove_listed(remover, true, rule.items.iter().copied());
    if rule.categories.is_empty() && rule.filter.is_none() {
        return named;
    }
    named + pool.remove(remover, true, |one| rule.is_about(context, one.candidate, &one.row))
}
