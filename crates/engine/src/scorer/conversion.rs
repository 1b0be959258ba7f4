//! How often a look at it ends in the cart.

use super::{Score, ScorerSpec, of_products};
use crate::context::Context;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "conversion",
    doc: "Above 0 where looks at it end in the cart more than is usual in the shop (1: twice as often or more), below 0 where less; thin evidence counts little.",
    plain: "how often others take it",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let aggregates = &context.snapshot.aggregates;
    of_products(move |product| -aggregates.carted.below_usual(product))
}
