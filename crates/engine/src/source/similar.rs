//! What is like the page's product, the cart or the product viewed last, by its attributes and the words of its title.

use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;
use bespoke_models::scratch::Scratch;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "similar",
    doc: "Shares most attribute values and title words with the page's product; without one, with the cart; without that, with the product viewed last. Knows new products at once.",
    plain: "resemble it",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let aggregates = &context.snapshot.aggregates;
    let Some(anchor) = context.anchors().last() else { return Vec::new() };
    let tags = aggregates.catalog.tags(*anchor);
    let group = |product| aggregates.catalog.row(product).map(|row| row.group);
    // One more for the product itself; a value that a product once had and lost still lists it.
    let mut found = Scratch::with(|scratch| aggregates.content.similar(tags, used.limit + 1, scratch));
    found.retain(|(_, product)| product != anchor && group(*product) != group(*anchor));
    found.truncate(used.limit);
    products(found)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    let basis = context.anchors().last();
    let text = basis.map_or_else(String::new, |anchor| format!("Similar to {}", context.title(*anchor)));
    let personal = context.anchors_are_personal();
    Reason { code: SPEC.name.to_owned(), text, based_on: basis.copied().into_iter().collect(), personal }
}
