//! What is bought in the same orders as the page's product, the cart, or the visit's last product.

use super::co_viewed::basis;
use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::tables::{ParamSpec, PlannedSource};
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;
use bespoke_models::co_visit::CoVisitParams;
use bespoke_models::scratch::Scratch;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "bought_together",
    doc: "What is bought in the same orders as the page's product; without one, as the cart; without that, as the product viewed last.",
    plain: "others bought in the same order",
    params: &[ParamSpec {
        name: "shrinkage",
        doc: "Orders that pull thin evidence towards none.",
        default: 1.0,
        range: (0.0, 1000.0),
    }],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let settings = CoVisitParams {
        items_max: 50,
        session_decay: 1.0,
        shrinkage: used.params[0] as f32,
        last_item: 0.0,
        earlier_items: 0.0,
        ..CoVisitParams::default()
    };
    let rows = &context.snapshot.aggregates.co_bought;
    let now = context.request.now;
    let mut scored =
        Scratch::with(|scratch| rows.predict(&settings, context.anchors(), now, used.limit, scratch));
    scored.retain(|(_, product)| !context.anchors().contains(product));
    products(scored)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let basis = basis(context, &context.snapshot.aggregates.co_bought, context.anchors(), candidate);
    let text = match basis {
        Some(product) => format!("Often bought with {}", context.title(product)),
        None => "Often bought together".to_owned(),
    };
    let personal = context.anchors_are_personal();
    Reason { code: SPEC.name.to_owned(), text, based_on: basis.into_iter().collect(), personal }
}
