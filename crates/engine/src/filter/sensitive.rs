//! Keeps what is nobody else's business to the pages that are about it.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "sensitive",
    doc: "Removes the shop's `sensitive_categories` and what is in them, unless the page itself is about one of them.",
    plain: "are of a kind that is only shown where you look for it",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let sensitive = &context.snapshot.plan.sensitive;
    // Who searches for it by name looks for it.
    let is_named = context.request.search.as_ref().is_some_and(|search| !search.text.trim().is_empty());
    if sensitive.is_empty() || sensitive.contains(context.category) || is_named {
        return 0;
    }
    pool.remove(remover, SPEC.hard, |one| sensitive.contains(one.row.category))
}
