//! Puts named products into named slots. A pinned product still has to pass the hard filters.

use super::RuleSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::Candidate;
use bespoke_domain::settings::Rule;

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "pin",
    doc: "Puts the named products at `position` and the slots after it, if they are available.",
    apply,
};

fn apply(context: &Context<'_>, rule: &Rule, rule_no: u16, pool: &mut Pool, _remover: u16) -> u32 {
    let categories =
        rule.categories.iter().filter_map(|path| context.snapshot.aggregates.catalog.category(path));
    let items = rule.items.iter().filter_map(|id| context.snapshot.product(id)).map(Candidate::Product);
    for (candidate, position) in items.chain(categories.map(Candidate::Category)).zip(rule.position..) {
        pool.entry(candidate).pin.get_or_insert((position, rule_no));
    }
    0
}
