//! Removes what the request's own `filter` does not match. Binds pinned candidates too: who asks for shoes under 50 gets
//! nothing else.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "asked_for",
    doc: "Removes what does not match the request's `filter`, or what a search is narrowed by. Always on.",
    plain: "are not what the page asks for",
    params: &[],
    hard: true,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let found = context.found();
    if context.filter.is_none() && found.is_none() {
        return 0;
    }
    pool.remove(remover, true, |one| {
        // A page's filter is about what it sells, not about what it says.
        if matches!(one.candidate, Candidate::Content(_)) {
            return false;
        }
        let is_filtered = context.filter.as_ref().is_some_and(|filter| !filter.holds(context, one.candidate));
        is_filtered || found.is_some_and(|found| !found.is_refined(context, one.candidate, &one.row))
    })
}
