//! How new it is.

use super::{Score, ScorerSpec};
use crate::catalog::Number;
use crate::context::Context;
use bespoke_domain::Candidate;

/// Days after which a product is half as new.
const HALF_DAYS: f64 = 30.0;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "newness",
    doc: "1 on the day of `published_at`, half after 30 days; 0 where that is not known.",
    plain: "how new it is",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let catalog = &context.snapshot.aggregates.catalog;
    Box::new(|one| match one.candidate {
        Candidate::Product(product) => {
            let age = catalog.number(product, Number::AgeDays, context.request.now);
            age.map_or(0.0, |days| libm::exp2(-days.max(0.0) / HALF_DAYS) as f32)
        }
        Candidate::Category(_) | Candidate::Content(_) => 0.0,
    })
}
