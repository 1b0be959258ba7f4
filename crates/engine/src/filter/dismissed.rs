//! Removes what the shopper does not want to see, with its variants.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use crate::profile::Profile;
use bespoke_domain::{Candidate, GroupNo};

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "dismissed",
    doc: "Removes what the shopper dismissed (`dismiss_item`), and the other variants of it.",
    plain: "you do not want to see",
    params: &[],
    hard: false,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let catalog = &context.snapshot.aggregates.catalog;
    let dismissed = context.profile.map_or(&[][..], Profile::dismissed);
    let groups: Vec<GroupNo> =
        dismissed.iter().filter_map(|one| catalog.row(one.product)).map(|row| row.group).collect();
    if groups.is_empty() {
        return 0;
    }
    pool.remove(remover, SPEC.hard, |one| {
        matches!(one.candidate, Candidate::Product(_)) && groups.contains(&one.row.group)
    })
}
