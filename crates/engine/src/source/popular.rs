//! What many shoppers are after right now, in the page's category first and in the whole shop after it.

use super::{Scored, SourceSpec, best_up, products};
use crate::condition::Check;
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::decision::Reason;
use bespoke_domain::order::by_score;
use bespoke_domain::settings::Shows;
use bespoke_domain::{Candidate, CategoryNo, ProductNo};
use rustc_hash::FxHashSet;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "popular",
    doc: "Most viewed, carted and bought, newest signals counting most: in the page's category first, then in the categories above it; where the request has a filter, of what it lets through. The fallback of every placement.",
    plain: "are popular",
    params: &[],
    is_evidence: false,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let aggregates = &context.snapshot.aggregates;
    if context.planned.is_some_and(|planned| planned.placement.shows == Shows::Categories) {
        let named = |(score, category)| (score, Candidate::Category(category));
        return aggregates.popularity.best_categories(used.limit).into_iter().map(named).collect();
    }
    let mut scored = best_up(context, &aggregates.popularity, used.limit);
    if let Some(filter) = &context.filter {
        scored = matching(context, filter, scored, used.limit);
    }
    products(scored)
}

/// Of the leaderboards what the request's filter lets through, and after it what is listed under the filter's own words:
/// a narrow filter would leave nothing of the leaderboards.
fn matching(
    context: &Context<'_>,
    filter: &Check,
    mut scored: Vec<(f32, ProductNo)>,
    limit: usize,
) -> Vec<(f32, ProductNo)> {
    let (popularity, now) = (&context.snapshot.aggregates.popularity, context.request.now);
    let holds = |product: &ProductNo| filter.holds(context, Candidate::Product(*product));
    scored.retain(|(_, product)| holds(product));
    let known: FxHashSet<ProductNo> = scored.iter().map(|(_, product)| *product).collect();
    let mut more = filter.listed(context).unwrap_or_default();
    more.sort_unstable();
    more.dedup();
    more.retain(|product| !known.contains(product) && holds(product));
    let mut more: Vec<(f32, ProductNo)> =
        more.into_iter().map(|product| (popularity.score(product, now) as f32, product)).collect();
    more.sort_unstable_by(|a, b| by_score(*a, *b));
    let (last, top) =
        (scored.last().map_or(1.0, |(score, _)| *score), more.first().map_or(1.0, |(top, _)| *top));
    let below = |(score, product): &(f32, ProductNo)| (last * (0.5 + 0.5 * score / top.max(1e-9)), *product);
    scored.extend(more.iter().map(below));
    scored.truncate(limit);
    scored
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let catalog = &context.snapshot.aggregates.catalog;
    let category = match candidate {
        Candidate::Product(product) => catalog.row(product).map_or(CategoryNo(0), |row| row.category),
        Candidate::Category(_) | Candidate::Content(_) => CategoryNo(0),
    };
    let path = catalog.category_path(category);
    let text = match path.rsplit(" > ").next() {
        Some(name) if !name.is_empty() && context.category.0 != 0 => format!("Popular in {name}"),
        _ => "Popular right now".to_owned(),
    };
    Reason { code: SPEC.name.to_owned(), text, based_on: Vec::new(), personal: false }
}
