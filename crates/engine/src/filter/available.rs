//! Removes what cannot be sold now: not in the catalogue, hidden, expired, out of stock; and content blocks out of their time. Categories stay.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "available",
    doc: "Removes what is out of stock, hidden, expired or not in the catalogue, and content blocks out of their time. Always on.",
    plain: "cannot be bought now",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let now = context.request.now;
    pool.remove(remover, true, |one| {
        !one.row.is_available(now)
            || context.block(one.candidate).is_some_and(|block| !block.block.is_on(now))
    })
}
