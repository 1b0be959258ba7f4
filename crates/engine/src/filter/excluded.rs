//! Removes what the request excludes, and the category the page is about.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "excluded",
    doc: "Removes what the request names in `exclude_ids` and the page's own category. Always on.",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool, remover: u16) -> u32 {
    pool.remove(remover, true, |one| match one.candidate {
        Candidate::Product(product) => context.exclude.contains(&product),
        Candidate::Category(category) => category == context.category,
    })
}
