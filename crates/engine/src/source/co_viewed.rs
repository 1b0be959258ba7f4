//! What shoppers look at in the same visit as the products this visit has dealt with (co-visitation with recency).

use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::tables::{ParamSpec, PlannedSource};
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, ProductNo};
use bespoke_models::co_occurrence::CoOccurrence;
use bespoke_models::co_visit::CoVisitParams;
use bespoke_models::scratch::Scratch;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "co_viewed",
    doc: "What is viewed in the same visits as the page's product and the visit so far; the latest counts most.",
    plain: "others looked at in the same visit",
    params: &[
        ParamSpec {
            name: "items",
            doc: "Latest products of the visit to start from.",
            default: 10.0,
            range: (1.0, 50.0),
        },
        ParamSpec {
            name: "shrinkage",
            doc: "Views that pull thin evidence towards none.",
            default: 1.0,
            range: (0.0, 1000.0),
        },
    ],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let settings = CoVisitParams {
        items_max: used.params[0] as u32,
        shrinkage: used.params[1] as f32,
        ..CoVisitParams::default()
    };
    let rows = &context.snapshot.aggregates.co_viewed;
    let now = context.request.now;
    Scratch::with(|scratch| products(rows.predict(&settings, &context.visit, now, used.limit, scratch)))
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let rows = &context.snapshot.aggregates.co_viewed;
    let basis = basis(context, rows, &context.visit, candidate);
    let text = match basis {
        Some(product) => format!("Often viewed with {}", context.title(product)),
        None => "Often viewed together".to_owned(),
    };
    let personal = basis.is_some_and(|product| !context.items.contains(&product));
    Reason { code: SPEC.name.to_owned(), text, based_on: basis.into_iter().collect(), personal }
}

/// The product of `from` in whose row the candidate has the largest share; the later one where two are equal.
pub fn basis(
    context: &Context<'_>,
    rows: &CoOccurrence,
    from: &[ProductNo],
    candidate: Candidate,
) -> Option<ProductNo> {
    let Candidate::Product(product) = candidate else { return None };
    let share = |anchor: ProductNo| {
        let row = rows.row(anchor, context.request.now)?;
        row.shares(1.0).find(|(_, item)| *item == product).map(|(share, _)| (share, anchor))
    };
    let larger = |best: Option<(f32, ProductNo)>, one: (f32, ProductNo)| match best {
        Some(best) if best.0 > one.0 => Some(best),
        _ => Some(one),
    };
    from.iter().filter_map(|&anchor| share(anchor)).fold(None, larger).map(|(_, anchor)| anchor)
}
