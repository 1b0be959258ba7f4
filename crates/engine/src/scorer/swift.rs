//! How fast it is bought by those who buy it.

use super::{Score, ScorerSpec};
use crate::context::Context;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "swift",
    doc: "Above 0 where it is bought sooner after the first look than is usual in the shop (by half or less: near 1), below 0 where later; thin evidence counts little.",
    plain: "how soon others decide for it",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let aggregates = &context.snapshot.aggregates;
    let usual = aggregates.purchase_delay.shop_mean();
    Box::new(move |one| match (one.candidate, usual) {
        (Candidate::Product(product), Some(usual)) => {
            ((usual - aggregates.purchase_delay.mean(product, usual)) / usual.max(0.1)).clamp(-1.0, 1.0)
        }
        _ => 0.0,
    })
}
