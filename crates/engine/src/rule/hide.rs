//! Takes named products, or everything in named categories, out of a placement.

use super::{Planned, RuleSpec};
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "hide",
    doc: "Removes the named products and everything in the named categories.",
    apply,
};

fn apply(_context: &Context<'_>, rule: &Planned, _rule_no: u16, pool: &mut Pool<'_>, remover: u16) -> u32 {
    let named = pool.remove_listed(remover, true, rule.items.iter().copied().map(Candidate::Product));
    if rule.categories.is_empty() {
        return named;
    }
    named + pool.remove(remover, true, |one| rule.below.contains(one.row.category))
}
