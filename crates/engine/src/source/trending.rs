//! What shoppers are after more than they were: signals of the last days against those of the last weeks.

use super::{Scored, SourceSpec, best_up, plain, products};
use crate::context::Context;
use crate::tables::{ParamSpec, PlannedSource};
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;
use bespoke_domain::order::by_score;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "trending",
    doc: "Most gained lately: signals with a half-life of 2 days against the same with 14.",
    plain: "sell more than they did",
    params: &[ParamSpec {
        name: "prior",
        doc: "Signals that pull thin evidence towards none.",
        default: 5.0,
        range: (0.1, 1000.0),
    }],
    is_evidence: false,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let aggregates = &context.snapshot.aggregates;
    let now = context.request.now;
    let rise = |product| {
        let (days, weeks) = (aggregates.trend.score(product, now), aggregates.popularity.score(product, now));
        // Steady interest is a seventh as much in two days as in fourteen: a ratio above that is a rise.
        ((days + 1.0) / (weeks / 7.0 + used.params[0]) * days / (days + used.params[0])) as f32
    };
    let boards = best_up(context, &aggregates.trend, used.limit);
    let mut scored: Vec<_> = boards.into_iter().map(|(_, product)| (rise(product), product)).collect();
    scored.sort_unstable_by(|a, b| by_score(*a, *b));
    products(scored)
}

fn reason(_context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    plain(&SPEC, "Trending now")
}
