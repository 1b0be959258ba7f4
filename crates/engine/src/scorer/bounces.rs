//! How often it is looked at and left at once.

use super::{Score, ScorerSpec, of_products};
use crate::context::Context;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "bounces",
    doc: "Below 0 where shoppers who looked at it went on within 5 seconds more than is usual in the shop, above 0 where less; thin evidence counts little.",
    plain: "how rarely it is left at once",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let aggregates = &context.snapshot.aggregates;
    of_products(move |product| aggregates.bounces.below_usual(product))
}
