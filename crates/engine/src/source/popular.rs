//! What many shoppers are after right now, in the page's category first and in the whole shop after it.

use super::{Scored, SourceSpec, best_up, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::decision::Reason;
use bespoke_domain::settings::Shows;
use bespoke_domain::{Candidate, CategoryNo};

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "popular",
    doc: "Most viewed, carted and bought, newest signals counting most: in the page's category first, then in the categories above it. The fallback of every placement.",
    params: &[],
    is_evidence: false,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let aggregates = &context.snapshot.aggregates;
    let placement = context.snapshot.plan.get(&context.request.placement);
    if placement.is_some_and(|planned| planned.placement.shows == Shows::Categories) {
        let named = |(score, category)| (score, Candidate::Category(category));
        return aggregates.popularity.best_categories(used.limit).into_iter().map(named).collect();
    }
    products(best_up(context, &aggregates.popularity, used.limit))
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let catalog = &context.snapshot.aggregates.catalog;
    let category = match candidate {
        Candidate::Product(product) => catalog.row(product).map_or(CategoryNo(0), |row| row.category),
        Candidate::Category(_) => CategoryNo(0),
    };
    let path = catalog.category_path(category);
    let text = match path.rsplit(" > ").next() {
        Some(name) if !name.is_empty() && context.category.0 != 0 => format!("Popular in {name}"),
        _ => "Popular right now".to_owned(),
    };
    Reason { code: SPEC.name.to_owned(), text, based_on: Vec::new(), personal: false }
}
