//! What shoppers went on to in visits like this one: session neighbours (VMIS-kNN, Kersbergen et al. 2022, with the
//! weights of STAN, Garg et al. 2019), over visits that ended, the newest first.

use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::tables::{ParamSpec, PlannedSource};
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;
use bespoke_models::scratch::Scratch;
use bespoke_models::session_knn::SessionKnnParams;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "session_neighbours",
    doc: "What shoppers went on to in past visits most like this one.",
    plain: "others went on to after a visit like yours",
    params: &[
        ParamSpec {
            name: "candidates",
            doc: "Newest visits that share a product.",
            default: 2000.0,
            range: (10.0, 5000.0),
        },
        ParamSpec {
            name: "neighbours",
            doc: "Most similar of these that count.",
            default: 300.0,
            range: (1.0, 5000.0),
        },
        ParamSpec {
            name: "position_decay",
            doc: "E-fold, in products from the visit's end.",
            default: 1.6,
            range: (0.1, 50.0),
        },
    ],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let settings = SessionKnnParams {
        candidates_max: used.params[0] as u32,
        neighbours_max: used.params[1] as u32,
        position_decay: used.params[2] as f32,
        ..SessionKnnParams::default()
    };
    let index = &context.snapshot.aggregates.sessions;
    Scratch::with(|scratch| products(index.predict(&settings, &context.visit, used.limit, scratch)))
}

fn reason(context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    let personal = context.visit.iter().any(|product| !context.items.contains(product));
    let text = if personal {
        "Shoppers with a visit like yours went on to this"
    } else {
        "Shoppers who looked at this product went on to this"
    };
    let based_on = context.visit.last().copied().into_iter().collect();
    Reason { code: SPEC.name.to_owned(), text: text.to_owned(), based_on, personal }
}
