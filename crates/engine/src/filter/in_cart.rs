//! Removes what is in the cart, by the request or by the shopper's events, and the product the page is about.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "in_cart",
    doc: "Removes what is in the cart already, and the page's own product.",
    plain: "are in your cart or on this page",
    params: &[],
    hard: false,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let products = context.cart.iter().chain(&context.items).copied();
    pool.remove_listed(remover, SPEC.hard, products.map(Candidate::Product))
}
