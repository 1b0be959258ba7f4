//! Puts named products into named slots. A pinned product still has to pass the hard filters.

use super::{Phase, Planned, RuleSpec};
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "pin",
    doc: "Puts the named products at `position` and the slots after it, if they are available.",
    phase: Phase::Place,
    apply,
    removes: |_| false,
};

fn apply(_context: &Context<'_>, rule: &Planned, rule_no: u16, pool: &mut Pool<'_>, _remover: u16) -> u32 {
    let items = rule.items.iter().copied();
    let categories = rule.categories.iter().copied().map(Candidate::Category);
    for (candidate, position) in items.chain(categories).zip(rule.rule.position..) {
        pool.entry(candidate).pin.get_or_insert((position, rule_no));
    }
    0
}
