//! Keeps to what is sold in the page's market, and described in its language.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "market",
    doc: "Removes what is not sold in the `market` that the request names: the row's attribute `market` lists those it is sold in; without one it is sold everywhere. The same of content blocks and their `markets`. Removes, too, what is described in another language than that of the request's `locale`: the row's attribute `locale` (`de-AT`) names it; without one it is shown to everybody.",
    plain: "are not sold here",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let (market, locale) = (&context.request.market, &context.request.locale);
    if market.is_empty() && locale.is_empty() {
        return 0;
    }
    let shown = context.snapshot.aggregates.catalog.shown_in(market, locale);
    pool.remove(remover, SPEC.hard, |one| {
        let set = usize::from(one.row.markets);
        match one.candidate {
            Candidate::Product(_) => shown.as_ref().is_some_and(|shown| shown.get(set) != Some(&true)),
            Candidate::Content(_) => context.block(one.candidate).is_some_and(|block| {
                let markets = &block.block.markets;
                !market.is_empty()
                    && !markets.is_empty()
                    && !markets.iter().any(|one| one.eq_ignore_ascii_case(market))
            }),
            Candidate::Category(_) => false,
        }
    })
}
