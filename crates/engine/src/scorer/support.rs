//! How often its buyers ask for help.

use super::{Score, ScorerSpec, of_products};
use crate::context::Context;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "support",
    doc: "Below 0 where its buyers ask for help (`support_contact`) more than is usual in the shop, above 0 where less; thin evidence counts little.",
    plain: "how rarely its buyers need help",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let aggregates = &context.snapshot.aggregates;
    of_products(move |product| aggregates.contacts.below_usual(product))
}
