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
    doc: "Products whose attribute `fits` names the anchor's `model`, id or group: of the page's product; without one, of the cart; without that, of the product viewed last.",
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

/// The tags of which everything that fits `anchor` has one.
fn fits_tags(context: &Context<'_>, anchor: ProductNo) -> Vec<u32> {
    let catalog = &context.snapshot.aggregates.catalog;
    let Some(content) = catalog.content(anchor) else { return Vec::new() };
    let models = content.attributes.iter().filter(|(name, _)| name.eq_ignore_ascii_case("model"));
    let names = models.map(|(_, model)| model.as_str()).chain([catalog.id(anchor), &content.item_group_id]);
    names.filter(|name| !name.is_empty()).filter_map(|name| catalog.tag("fits", name)).collect()
}

fn has(context: &Context<'_>, product: ProductNo, tag: u32) -> bool {
    context.snapshot.aggregates.catalog.tags(product).binary_search(&tag).is_ok()
}

/// What fits `anchor`, the most popular first.
fn fitting(context: &Context<'_>, anchor: ProductNo) -> Vec<ProductNo> {
    let aggregates = &context.snapshot.aggregates;
    let tags = fits_tags(context, anchor).into_iter();
    // A value that a product once had and lost still lists it.
    let listed =
        tags.flat_map(|tag| aggregates.content.with(tag).filter(move |product| has(context, *product, tag)));
    let now = context.request.now;
    let mut ranked: Vec<(f32, ProductNo)> =
        listed.map(|product| (aggregates.popularity.score(product, now) as f32, product)).collect();
    ranked.sort_unstable_by(|a, b| by_score(*a, *b));
    ranked.into_iter().map(|(_, product)| product).collect()
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let fits = |anchor: &&ProductNo| match candidate {
        Candidate::Product(product) => {
            fits_tags(context, **anchor).into_iter().any(|tag| has(context, product, tag))
        }
        Candidate::Category(_) => false,
    };
    let basis = context.anchors().iter().rev().find(fits);
    let text = basis.map_or_else(|| "Fits".to_owned(), |anchor| format!("Fits {}", context.title(*anchor)));
    let personal = context.anchors_are_personal();
    Reason { code: SPEC.name.to_owned(), text, based_on: basis.copied().into_iter().collect(), personal }
}
