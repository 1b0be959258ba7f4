//! What is nearest to the shopper's tastes among all products: the vectors of a model learnt from the log.

use super::learned::{history, reason_of, yield_of};
use super::{Scored, SourceSpec};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "als",
    doc: "What goes best with the shopper's tastes and the page's product, by the learnt model of this name; nothing before one is in force.",
    plain: "go with your tastes, learnt from all shoppers",
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
