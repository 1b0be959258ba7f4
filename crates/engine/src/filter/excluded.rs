//! Removes what the request excludes, and the category the page is about.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "excluded",
    doc: "Removes what the request names in `exclude_ids` and the page's own category. Always on.",
    plain: "the page shows already",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let products = context.exclude.iter().copied().map(Candidate::Product);
    let blocks = context.planned.map_or(&[][..], |planned| &planned.blocks);
    let blocks = blocks.iter().filter(|one| context.request.exclude.contains(&one.block.name));
    let blocks = blocks.map(|one| Candidate::Content(one.number));
    pool.remove_listed(remover, true, products.chain(blocks).chain([Candidate::Category(context.category)]))
}
