//! Keeps slots for what it is about.

use super::{Phase, Planned, RuleSpec};
use crate::context::Context;
use crate::pool::Pool;

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "reserve",
    doc: "Keeps `slots` slots for the best of what it is about; the order stays that of the scores.",
    phase: Phase::Order,
    apply,
    removes: |_| false,
};

fn apply(context: &Context<'_>, rule: &Planned, _rule_no: u16, pool: &mut Pool<'_>, _remover: u16) -> u32 {
    // A candidate has sixteen bits for them: later ones do nothing.
    let Some(bit) = pool.reserve(rule.rule.slots) else { return 0 };
    let is_in = |one: &&mut crate::pool::Pooled| {
        one.removed_by.is_none() && rule.is_about(context, one.candidate, &one.row)
    };
    pool.all.iter_mut().filter(is_in).for_each(|one| one.reserved |= bit);
    0
}
