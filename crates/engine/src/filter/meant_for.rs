//! Keeps content blocks to those whom and the moments that they are for.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "meant_for",
    doc: "Removes a content block whose `when` does not hold. Always on.",
    plain: "are meant for others",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    pool.remove(remover, SPEC.hard, |one| {
        let when = context.block(one.candidate).and_then(|block| block.when.as_ref());
        when.is_some_and(|when| !when.holds_of_request(context))
    })
}
