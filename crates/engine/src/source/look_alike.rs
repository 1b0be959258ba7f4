//! What looks like the page's product, the cart or the product viewed last, by vectors that the shop has of its products, of
//! their images, say.

use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "look_alike",
    doc: "Is nearest, by the cosine of the catalogue's `vector`s, to the page's product; without one, to the last of the cart; without that, to the product viewed last.",
    plain: "look like it",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let catalog = &context.snapshot.aggregates.catalog;
    let Some(anchor) = context.anchors().last() else { return Vec::new() };
    let group = |product| catalog.row(product).map(|row| row.group);
    let variants = catalog.variants(*anchor).count();
    let mut found = catalog.vectors().alike(*anchor, used.limit + variants);
    found.retain(|(_, product)| group(*product) != group(*anchor));
    found.truncate(used.limit);
    products(found)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    let basis = context.anchors().last();
    let text = basis.map_or_else(String::new, |anchor| format!("Looks like {}", context.title(*anchor)));
    let personal = context.anchors_are_personal();
    Reason { code: SPEC.name.to_owned(), text, based_on: basis.copied().into_iter().collect(), personal }
}
