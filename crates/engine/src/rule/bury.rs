//! Lowers scores.

use super::boost::apply;
use super::{Phase, RuleSpec};

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "bury",
    doc: "Multiplies the scores of what it is about by `factor`, 0 to 1.",
    phase: Phase::Order,
    apply,
    removes: |_| false,
};
