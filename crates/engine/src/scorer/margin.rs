//! What the shop earns with it.

use super::{Score, ScorerSpec};
use crate::catalog::Number;
use crate::context::Context;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "margin",
    doc: "Share of the price left after cost_of_goods_sold; 0 where no cost is known.",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let catalog = &context.snapshot.aggregates.catalog;
    Box::new(|one| match one.candidate {
        Candidate::Product(product) => {
            let margin = catalog.number(product, Number::Margin, context.request.now);
            margin.map_or(0.0, |margin| margin.clamp(-1.0, 1.0) as f32)
        }
        Candidate::Category(_) => 0.0,
    })
}
