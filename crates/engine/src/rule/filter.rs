//! Keeps what it is about and removes everything else.

use super::{Phase, Planned, RuleSpec};
use crate::context::Context;
use crate::pool::Pool;

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "filter",
    doc: "Keeps only what it is about.",
    phase: Phase::Remove,
    apply,
    removes: |is_about| !is_about,
};

fn apply(context: &Context<'_>, rule: &Planned, _rule_no: u16, pool: &mut Pool<'_>, remover: u16) -> u32 {
    pool.remove(remover, true, |one| !rule.is_about(context, one.candidate, &one.row))
}
