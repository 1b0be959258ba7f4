//! A list the shop's people made, in their order.

use super::{Scored, SourceSpec, plain};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "editorial",
    doc: "Its `products`, in their order.",
    plain: "the shop put on a list",
    params: &[],
    is_evidence: false,
    yields,
    reason,
};

fn yields(_context: &Context<'_>, used: &PlannedSource) -> Scored {
    let ranked = used.items.iter().take(used.limit).enumerate();
    ranked.map(|(rank, product)| (1.0 / (rank + 1) as f32, Candidate::Product(*product))).collect()
}

fn reason(_context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    plain(&SPEC, "Chosen by the shop")
}
