//! What this shopper looked at lately and did not buy since, newest first.

use super::{Scored, SourceSpec};
use crate::context::Context;
use crate::profile::Act;
use crate::tables::PlannedSource;
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, ProductNo};

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "recently_viewed",
    doc: "What the shopper viewed, carted or saved and did not buy, newest first; not the page's own product.",
    plain: "you looked at lately",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let mut seen: Vec<ProductNo> = context.items.clone();
    let mut scored = Vec::new();
    for one in context.recent().rev() {
        if scored.len() == used.limit {
            break;
        }
        if seen.contains(&one.product) {
            continue;
        }
        seen.push(one.product);
        if one.act() != Act::Buy {
            scored.push((1.0 / (scored.len() + 1) as f32, Candidate::Product(one.product)));
        }
    }
    scored
}

fn reason(_context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    Reason {
        code: SPEC.name.to_owned(),
        text: "You looked at this recently".to_owned(),
        based_on: Vec::new(),
        personal: true,
    }
}
