//! What is bought most, in the page's category first and in the whole shop after it.

use super::{Scored, SourceSpec, best_up, plain, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "best_sellers",
    doc: "Most bought, in the page's category first, then in the categories above it; half-life 30 days.",
    plain: "sell best",
    params: &[],
    is_evidence: false,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    products(best_up(context, &context.snapshot.aggregates.sold, used.limit))
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let catalog = &context.snapshot.aggregates.catalog;
    let is_of_page = match candidate {
        Candidate::Product(product) => {
            catalog.row(product).is_some_and(|row| catalog.is_within(row.category, &[context.category]))
        }
        Candidate::Category(_) | Candidate::Content(_) => false,
    };
    match catalog.category_path(context.category).rsplit(" > ").next() {
        Some(name) if is_of_page && !name.is_empty() => plain(&SPEC, format!("Best seller in {name}")),
        _ => plain(&SPEC, "Best seller"),
    }
}
