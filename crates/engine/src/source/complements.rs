//! What goes with a product for its kind: from the categories that are bought with its category, what shares most with it.
//! Knows pairs that nobody has bought yet.

use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::decision::Reason;
use bespoke_domain::order::by_score;
use bespoke_domain::{Candidate, CategoryNo, ProductNo};
use rustc_hash::FxHashMap;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "complements",
    doc: "From the categories that are bought with the category of the page's product – without one, of the cart, without that, of the product viewed last – what shares most attribute values and words with it, what is popular first.",
    plain: "go with it by their kind",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

/// Products started from, the last ones.
const ANCHORS_MAX: usize = 3;
/// Categories looked into for each.
const CATEGORIES_MAX: usize = 3;
/// Products looked at in each, popular first.
const LOOKED_AT: usize = 60;
/// Orders that pull thin evidence towards none.
const SHRINKAGE: f32 = 3.0;
/// What a product counts that shares nothing.
const NOTHING_SHARED: f32 = 0.1;

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let mut best: FxHashMap<ProductNo, f32> = FxHashMap::default();
    for anchor in context.anchors().iter().rev().take(ANCHORS_MAX) {
        let values = weighted(context, *anchor);
        for (share, category) in partners(context, *anchor) {
            for product in candidates(context, category) {
                let score = share * (NOTHING_SHARED + shared(context, &values, product));
                let held = best.entry(product).or_default();
                *held = held.max(score);
            }
        }
    }
    let mut scored: Vec<(f32, ProductNo)> =
        best.into_iter().map(|(product, score)| (score, product)).collect();
    scored.retain(|(_, product)| !context.anchors().contains(product));
    scored.sort_unstable_by(|a, b| by_score(*a, *b));
    scored.truncate(used.limit);
    products(scored)
}

/// The categories bought with a product's own, not that itself.
fn partners(context: &Context<'_>, anchor: ProductNo) -> Vec<(f32, CategoryNo)> {
    let aggregates = &context.snapshot.aggregates;
    let own = aggregates.catalog.row(anchor).map(|row| row.category).unwrap_or_default();
    let Some(row) = aggregates.co_bought_categories.row(ProductNo(own.0), context.request.now) else {
        return Vec::new();
    };
    row.best(SHRINKAGE, CATEGORIES_MAX).into_iter().map(|(share, no)| (share, CategoryNo(no.0))).collect()
}

fn candidates<'a>(context: &Context<'a>, category: CategoryNo) -> impl Iterator<Item = ProductNo> + 'a {
    let aggregates = &context.snapshot.aggregates;
    let popular = aggregates.popularity.best(category).map(|(_, product)| product).take(LOOKED_AT / 2);
    popular.chain(aggregates.members.of(category).take(LOOKED_AT / 2))
}

/// A product's values with their shares of its whole weight, in the order of values.
fn weighted(context: &Context<'_>, product: ProductNo) -> Vec<(f32, u32)> {
    let aggregates = &context.snapshot.aggregates;
    let weight = |tag: &u32| (aggregates.content.weight(*tag), *tag);
    let mut values: Vec<(f32, u32)> = aggregates.catalog.tags(product).iter().map(weight).collect();
    let whole: f32 = values.iter().map(|(weight, _)| weight).sum();
    values.iter_mut().for_each(|(weight, _)| *weight /= whole.max(1e-9));
    values
}

/// The weight of the values that a product has too.
fn shared(context: &Context<'_>, values: &[(f32, u32)], product: ProductNo) -> f32 {
    let tags = context.snapshot.aggregates.catalog.tags(product);
    crate::scorer::affinity::shared(values, tags)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let Candidate::Product(product) = candidate else { return super::plain(&SPEC, "Goes with it") };
    let category =
        context.snapshot.aggregates.catalog.row(product).map(|row| row.category).unwrap_or_default();
    let is_of = |anchor: &&ProductNo| partners(context, **anchor).iter().any(|(_, held)| *held == category);
    let basis = context.anchors().iter().rev().take(ANCHORS_MAX).find(is_of).copied();
    let text =
        basis.map_or_else(|| "Goes with it".to_owned(), |one| format!("Goes with {}", context.title(one)));
    let personal = context.anchors_are_personal();
    Reason { code: SPEC.name.to_owned(), text, based_on: basis.into_iter().collect(), personal }
}
