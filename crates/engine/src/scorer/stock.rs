//! How deep the stock is.

use super::{Score, ScorerSpec};
use crate::catalog::Number;
use crate::context::Context;
use bespoke_domain::Candidate;

/// Units at which the score is a half.
const HALF_UNITS: f64 = 10.0;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "stock",
    doc: "Near 0 for the last pieces, a half at 10, near 1 where there is plenty or no stock is counted.",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let catalog = &context.snapshot.aggregates.catalog;
    Box::new(|one| match one.candidate {
        Candidate::Product(product) => {
            let stock = catalog.number(product, Number::Stock, context.request.now);
            stock.map_or(1.0, |units| (units / (units + HALF_UNITS)) as f32)
        }
        Candidate::Category(_) => 0.0,
    })
}
