//! How popular it is, whatever source it came from.

use super::{Score, ScorerSpec};
use crate::context::Context;
use bespoke_domain::{Candidate, CategoryNo};

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "popularity",
    doc: "Decayed views, carts and purchases on a logarithmic scale, 1 for the shop's most popular product.",
    plain: "how popular it is",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let (popularity, now) = (&context.snapshot.aggregates.popularity, context.request.now);
    let best = popularity.best(CategoryNo::default()).next();
    let top = best.map_or(1.0, |(_, product)| popularity.score(product, now));
    let scale = 1.0 / libm::log2(1.0 + top).max(1e-9);
    Box::new(move |one| match one.candidate {
        Candidate::Product(product) => (libm::log2(1.0 + popularity.score(product, now)) * scale) as f32,
        Candidate::Category(_) | Candidate::Content(_) => 0.0,
    })
}
