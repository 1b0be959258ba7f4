//! Removes what cannot be sold now: not in the catalogue, hidden, expired, out of stock. Categories stay.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "available",
    doc: "Removes what is out of stock, hidden, expired or not in the catalogue. Always on.",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool, remover: u16) -> u32 {
    let catalog = &context.snapshot.aggregates.catalog;
    pool.remove(remover, true, |one| match one.candidate {
        Candidate::Product(product) => !catalog.is_available(product, context.request.now),
        Candidate::Category(_) => false,
    })
}
