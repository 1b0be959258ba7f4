//! What the shop offers since lately, the newest first.

use super::{Scored, SourceSpec, plain};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "new_arrivals",
    doc: "Newest by `published_at`, of the page's category where there is one.",
    plain: "are new",
    params: &[],
    is_evidence: false,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let aggregates = &context.snapshot.aggregates;
    let is_in = |product| {
        let row = aggregates.catalog.row(product);
        context.category.0 == 0
            || row.is_some_and(|row| aggregates.catalog.is_within(row.category, &[context.category]))
    };
    let newest = aggregates.newest.iter().map(|(_, product)| *product).filter(|product| is_in(*product));
    let ranked = newest.take(used.limit).enumerate();
    ranked.map(|(rank, product)| (1.0 / (rank + 1) as f32, Candidate::Product(product))).collect()
}

fn reason(_context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    plain(&SPEC, "New in the shop")
}
