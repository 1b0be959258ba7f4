//! What the shopper bought before and is about to need again, by the product's own interval between purchases.

use super::{Scored, SourceSpec};
use crate::context::Context;
use crate::profile::{Dated, Profile, seconds};
use crate::tables::{ParamSpec, PlannedSource};
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;
use bespoke_domain::order::by_score;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "buy_again",
    doc: "What the shopper bought and, going by how often shoppers buy it again, is due; nothing that nobody buys twice.",
    plain: "you bought before and may need again",
    params: &[ParamSpec {
        name: "from",
        doc: "Share of the interval after which it counts as due.",
        default: 0.7,
        range: (0.0, 10.0),
    }],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let now_s = seconds(context.request.now);
    let bought = context.profile.map_or(&[][..], Profile::bought);
    let due = |one: &Dated| {
        let days = context.snapshot.aggregates.repurchase.days(one.product)?;
        let elapsed = now_s.saturating_sub(one.time_s) as f32 / 86_400.0 / days;
        // Nothing before its time, most when it is due, less and less after.
        (elapsed >= used.params[0] as f32).then(|| (1.0 / elapsed.max(1.0), Candidate::Product(one.product)))
    };
    let mut scored: Scored = bought.iter().filter_map(due).collect();
    scored.sort_unstable_by(|a, b| by_score(*a, *b));
    scored.truncate(used.limit);
    scored
}

fn reason(_context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let based_on = match candidate {
        Candidate::Product(product) => vec![product],
        Candidate::Category(_) | Candidate::Content(_) => Vec::new(),
    };
    Reason { code: SPEC.name.to_owned(), text: "You bought this before".to_owned(), based_on, personal: true }
}
