//! What follows from the graph of all shoppers and products: a model learnt from the log.

use super::learned::{history, reason_of, yield_of};
use super::{Scored, SourceSpec};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "graph_filter",
    doc: "What near neighbours and the whole graph of shoppers and products say goes with what the shopper dealt with lately, by the learnt model of this name; nothing before one is in force.",
    plain: "are near to what you look at and buy",
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
