//! How much of it comes back.

use super::{Score, ScorerSpec, of_products};
use crate::context::Context;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "returns",
    doc: "Below 0 where more of it comes back than is usual in the shop, above 0 where less; thin evidence counts little.",
    plain: "how rarely it comes back",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let aggregates = &context.snapshot.aggregates;
    of_products(move |product| aggregates.returns.below_usual(product))
}
