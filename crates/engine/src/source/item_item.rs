//! What the same shoppers deal with: a model learnt from the log, asked with what this shopper dealt with lately.

use super::learned::{history, reason_of, yield_of};
use super::{Scored, SourceSpec};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "item_item",
    doc: "What shoppers with the same products deal with, by the learnt model of this name; nothing before one is in force.",
    plain: "shoppers who deal with the same things deal with",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    yield_of(context, SPEC.name, &history(context), used.limit)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    reason_of(context, SPEC.name, candidate)
}
