//! The content blocks of a placement, in the order in which the shop's people wrote them.

use super::{Scored, SourceSpec, plain};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "content",
    doc: "The placement's content blocks, in the order of the file. Placements with `shows = \"content\"` have it and no other.",
    plain: "are for this place",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let blocks = context.planned.map_or(&[][..], |planned| &planned.blocks);
    let ranked = blocks.iter().take(used.limit).enumerate();
    ranked.map(|(rank, block)| (1.0 / (rank + 1) as f32, Candidate::Content(block.number))).collect()
}

/// Which block is tried on whom may follow from what the shopper did.
fn reason(context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    let bandit = context.planned.and_then(|planned| planned.placement.bandit.as_ref());
    let personal = context.profile.is_some() && bandit.is_some_and(|bandit| !bandit.by.is_empty());
    Reason { personal, ..plain(&SPEC, "From the shop") }
}
