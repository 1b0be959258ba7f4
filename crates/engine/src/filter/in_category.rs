//! Keeps to the page's category, for listings that other sources help to order.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "in_category",
    doc: "Removes what is neither in the page's category nor below it; nothing where the page has none.",
    plain: "are in other categories",
    params: &[],
    hard: false,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    if context.is_elsewhere {
        return pool.remove(remover, SPEC.hard, |_| true);
    }
    if context.category.0 == 0 {
        return 0;
    }
    let catalog = &context.snapshot.aggregates.catalog;
    pool.remove(remover, SPEC.hard, |one| {
        matches!(one.candidate, Candidate::Product(_))
            && !catalog.is_within(one.row.category, &[context.category])
    })
}
