//! What sells in the categories the shopper deals with: candidates for who has a past but has not begun this visit.

use super::{Scored, SourceSpec, favourite_categories, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, CategoryNo, ProductNo};

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "favourites",
    doc: "What is popular, and then what came last, in the categories of what the shopper lately viewed, carted, saved and bought, the favourite ones most.",
    plain: "belong to what you look at most",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

/// Categories looked into.
const CATEGORIES_MAX: usize = 5;

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let aggregates = &context.snapshot.aggregates;
    let favourites = favourite_categories::of(context);
    let whole: f32 = favourites.iter().take(CATEGORIES_MAX).map(|(weight, _)| weight).sum();
    let mut scored: Vec<(f32, ProductNo)> = Vec::with_capacity(used.limit);
    for (weight, category) in favourites.into_iter().take(CATEGORIES_MAX) {
        // A product's main category is one, so that none comes twice.
        let room = (used.limit as f32 * weight / whole.max(1e-9)) as usize;
        let is_own = |product: &ProductNo| {
            aggregates.catalog.row(*product).is_some_and(|row| row.category == category)
        };
        let popular: Vec<(f32, ProductNo)> =
            aggregates.popularity.best(category).filter(|(_, product)| is_own(product)).take(room).collect();
        let last = popular.last().map_or(1.0, |(share, _)| *share);
        let is_known = |product: &ProductNo| popular.iter().any(|(_, held)| held == product);
        let others = aggregates.members.of(category).filter(|product| !is_known(product));
        let others = (1..)
            .zip(others.take(room - popular.len()))
            .map(|(rank, product)| (last / (1.0 + rank as f32), product));
        scored
            .extend(popular.iter().copied().chain(others).map(|(share, product)| (weight * share, product)));
    }
    scored.sort_unstable_by(|a, b| bespoke_domain::order::by_score(*a, *b));
    products(scored)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let catalog = &context.snapshot.aggregates.catalog;
    let category = match candidate {
        Candidate::Product(product) => catalog.row(product).map(|row| row.category).unwrap_or_default(),
        Candidate::Category(category) => category,
        Candidate::Content(_) => CategoryNo(0),
    };
    let based_on = favourite_categories::latest_in(context, category).into_iter().collect();
    let name = catalog.category_path(category).rsplit(" > ").next().unwrap_or_default();
    let text = if category == CategoryNo(0) {
        "For you".to_owned()
    } else {
        format!("From {name}, where you looked around")
    };
    Reason { code: SPEC.name.to_owned(), text, based_on, personal: true }
}
