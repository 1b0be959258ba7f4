//! What fits the page's product, the cart or the product viewed last, by what the catalogue says about compatibility.

use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::decision::Reason;
use bespoke_domain::order::by_score;
use bespoke_domain::{Candidate, ProductNo};

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "accessories",
    doc: "Products whose attribute `fits` (or `compatibility`, `compatible_with`) names the anchor's model, by its `model`, id, group or title: of the page's product; without one, of the cart; without that, of the product viewed last.",
    plain: "fit it",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let mut found: Vec<(f32, ProductNo)> = Vec::new();
    for &anchor in context.anchors().iter().rev() {
        for product in fitting(context, anchor) {
            if found.len() < used.limit && !found.iter().any(|(_, held)| *held == product) {
                found.push((1.0 / (found.len() + 1) as f32, product));
            }
        }
    }
    products(found)
}

/// The keys of which everything that fits `anchor` has one.
fn keys(context: &Context<'_>, anchor: ProductNo) -> Vec<u32> {
    let aggregates = &context.snapshot.aggregates;
    let content = aggregates.catalog.content(anchor);
    content.map_or_else(Vec::new, |content| {
        aggregates.compatibility.of_device(aggregates.catalog.id(anchor), &content)
    })
}

/// What fits `anchor`: what lists most of its names first, of these the most popular.
fn fitting(context: &Context<'_>, anchor: ProductNo) -> Vec<ProductNo> {
    let aggregates = &context.snapshot.aggregates;
    let keys = keys(context, anchor);
    let mut listed: Vec<ProductNo> =
        aggregates.compatibility.fitting(&keys).filter(|one| *one != anchor).collect();
    listed.sort_unstable();
    let now = context.request.now;
    let mut ranked: Vec<(usize, f32, ProductNo)> = listed
        .chunk_by(|a, b| a == b)
        .map(|same| (same.len(), aggregates.popularity.score(same[0], now) as f32, same[0]))
        .collect();
    ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(by_score((a.1, a.2), (b.1, b.2))));
    ranked.into_iter().map(|(.., product)| product).collect()
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let compatibility = &context.snapshot.aggregates.compatibility;
    let fits = |anchor: &&ProductNo| match candidate {
        Candidate::Product(product) => compatibility.fits(product, &keys(context, **anchor)),
        Candidate::Category(_) | Candidate::Content(_) => false,
    };
    let basis = context.anchors().iter().rev().find(fits);
    let text = basis.map_or_else(|| "Fits".to_owned(), |anchor| format!("Fits {}", context.title(*anchor)));
    let personal = context.anchors_are_personal();
    Reason { code: SPEC.name.to_owned(), text, based_on: basis.copied().into_iter().collect(), personal }
}
