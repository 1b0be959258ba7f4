//! What comes next, from the order of the last events: a model learnt from the log.

use super::learned::{history, reason_after, yield_of};
use super::{Scored, SourceSpec};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "sequence",
    doc: "What shoppers deal with next after such a run of products, by the learnt model of this name; nothing before one is in force.",
    plain: "come next after what you looked at",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    yield_of(context, SPEC.name, &history(context), used.limit)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    reason_after(context, SPEC.name)
}
