//! What could be bought instead of the page's product: of its category, at about its price.

use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::tables::{ParamSpec, PlannedSource};
use bespoke_domain::decision::Reason;
use bespoke_domain::order::by_score;
use bespoke_domain::{Candidate, ProductNo};

/// Popular products of the category whose prices are compared.
const LOOKED_AT: usize = 150;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "alternatives",
    doc: "Popular products of the same category as the page's product, nearest in price first.",
    plain: "are of the same kind at a similar price",
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
    let Some(row) = aggregates.catalog.row(anchor).filter(|row| !row.octave.is_nan()) else {
        return Vec::new();
    };
    let near = |product| {
        let away = (aggregates.catalog.row(product)?.octave - row.octave) / used.params[0] as f32;
        (!away.is_nan()).then(|| libm::exp2f(-away * away))
    };
    let board = aggregates.popularity.best(row.category).take(LOOKED_AT);
    let board = board.filter(|(_, product)| *product != anchor);
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
