//! Keeps to what is sold in the page's market.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "market",
    doc: "Removes what is not sold in the `market` that the request names: the row's attribute `market` lists those it is sold in; without one it is sold everywhere. The same of content blocks and their `markets`.",
    plain: "are not sold here",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    if context.request.market.is_empty() {
        return 0;
    }
    let is_sold = context.snapshot.aggregates.catalog.sold_in(&context.request.market);
    pool.remove(remover, SPEC.hard, |one| {
        let set = usize::from(one.row.markets);
        match one.candidate {
            Candidate::Product(_) => !is_sold.get(set).is_some_and(|sold| *sold),
            Candidate::Content(_) => context.block(one.candidate).is_some_and(|block| {
                let markets = &block.block.markets;
                !markets.is_empty()
                    && !markets.iter().any(|one| one.eq_ignore_ascii_case(&context.request.market))
            }),
            Candidate::Category(_) => false,
        }
    })
}
