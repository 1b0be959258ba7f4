//! Raises scores.

use super::{Phase, Planned, RuleSpec};
use crate::context::Context;
use crate::pool::Pool;

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "boost",
    doc: "Multiplies the scores of what it is about by `factor`, 1 to 100.",
    phase: Phase::Order,
    apply,
    removes: |_| false,
};

/// Multiplies the scores of what the rule is about; burying does the same with a smaller number.
pub(super) fn apply(
    context: &Context<'_>,
    rule: &Planned,
    _rule_no: u16,
    pool: &mut Pool<'_>,
    _remover: u16,
) -> u32 {
    let is_in = |one: &&mut crate::pool::Pooled| {
        one.removed_by.is_none() && rule.is_about(context, one.candidate, &one.row)
    };
    pool.all.iter_mut().filter(is_in).for_each(|one| one.factor *= rule.rule.factor);
    0
}
