//! Removes what the shopper has for good: a washing machine, not coffee.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use crate::profile::Profile;
use bespoke_domain::Candidate;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "bought_durable",
    doc: "Removes what the shopper ever bought, unless this shop's customers buy it again.",
    plain: "you have already",
    params: &[],
    hard: false,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let repurchase = &context.snapshot.aggregates.repurchase;
    let bought = context.profile.map_or(&[][..], Profile::bought);
    let durable = bought.iter().filter(|held| repurchase.days(held.product).is_none());
    pool.remove_listed(remover, SPEC.hard, durable.map(|held| Candidate::Product(held.product)))
}
