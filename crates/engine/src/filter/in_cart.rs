//! Removes what is in the cart, by the request or by the shopper's events, and the product the page is about.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "in_cart",
    doc: "Removes what is in the cart already, and the page's own product.",
    params: &[],
    hard: false,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool, remover: u16) -> u32 {
    pool.remove(remover, SPEC.hard, |one| match one.candidate {
        Candidate::Product(product) => context.cart.contains(&product) || context.items.contains(&product),
        Candidate::Category(_) => false,
    })
}
