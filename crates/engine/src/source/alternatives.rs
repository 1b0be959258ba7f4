//! What could be bought instead of the page's product: of its category, at about its price.

use super::{Scored, SourceSpec, products};
use crate::catalog::Number;
use crate::context::Context;
use crate::tables::{ParamSpec, PlannedSource};
use bespoke_domain::decision::Reason;
use bespoke_domain::order::by_score;
use bespoke_domain::{Candidate, ProductNo};

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "alternatives",
    doc: "Popular products of the same category as the page's product, nearest in price first.",
    params: &[ParamSpec {
        name: "octaves",
        doc: "Ratio of prices, in doublings, at which a product counts half.",
        default: 0.5,
        range: (0.05, 10.0),
    }],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let aggregates = &context.snapshot.aggregates;
    let Some(&anchor) = context.items.last() else { return Vec::new() };
    let price = |product| aggregates.catalog.number(product, Number::Price, context.request.now);
    let (Some(row), Some(own)) = (aggregates.catalog.row(anchor), price(anchor)) else { return Vec::new() };
    let near = |product| {
        let ratio = libm::log2(price(product)?.max(0.01) / own.max(0.01));
        Some(libm::exp2(-(ratio / used.params[0]) * (ratio / used.params[0])) as f32)
    };
    let board = aggregates.popularity.best(row.category).filter(|(_, product)| *product != anchor);
    // Half of the score is popularity, so that of two equally near ones the liked one leads.
    let mut scored: Vec<(f32, ProductNo)> =
        board.filter_map(|(share, product)| Some((near(product)? * (0.5 + 0.5 * share), product))).collect();
    scored.sort_unstable_by(|a, b| by_score(*a, *b));
    scored.truncate(used.limit);
    products(scored)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    let basis = context.items.last();
    let text =
        basis.map_or_else(String::new, |anchor| format!("An alternative to {}", context.title(*anchor)));
    Reason {
        code: SPEC.name.to_owned(),
        text,
        based_on: basis.copied().into_iter().collect(),
        personal: false,
    }
}
