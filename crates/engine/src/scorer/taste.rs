//! How much better it goes with the shopper's tastes than what else a search finds.
//!
//! The evidence is that of [`super::affinity`], less its mean over the best that were found: what all results share – the category
//! that was searched for, its words – says nothing about which of them is wanted. The score is 1 at 8 nats above the mean, so that
//! a placement's weight bounds how far taste can move a product.

use super::affinity::likes;
use super::{Score, ScorerSpec};
use crate::context::Context;
use bespoke_domain::Candidate;

/// Nats above the mean at which the score is 1.
const FULL_EVIDENCE: f32 = 8.0;
/// Results, the best, whose mean is taken.
const LOOKED_AT: usize = 200;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "taste",
    doc: "How much more than the other results of a search it shares, in brand, attribute values and price, with what the shopper lately dealt with; 0 without a shopper or a search.",
    plain: "how well it goes with what you look at and buy",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let Some(found) = context.found().filter(|_| context.profile.is_some()) else {
        return Box::new(|_| 0.0);
    };
    let likes = likes(context);
    let catalog = &context.snapshot.aggregates.catalog;
    let best = found.best.iter().take(LOOKED_AT);
    let rows = best.filter_map(|(_, product)| Some((*product, *catalog.row(*product)?)));
    let all: Vec<f32> = rows.map(|(product, row)| likes.evidence(context, product, &row)).collect();
    let mean = all.iter().sum::<f32>() / all.len().max(1) as f32;
    Box::new(move |one| match one.candidate {
        Candidate::Product(product) => {
            let evidence = likes.evidence(context, product, &one.row);
            ((evidence - mean) / FULL_EVIDENCE).clamp(-1.0, 1.0)
        }
        Candidate::Category(_) => 0.0,
    })
}
