//! Of several variants of one product keeps the pinned one, else the one with the best score.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::order::by_score;
use bespoke_domain::{Candidate, GroupNo, ProductNo};
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::cmp::Ordering;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "one_variant",
    doc: "Keeps one variant of each product (`item_group_id`): the one with the best score.",
    plain: "are another version of one shown",
    params: &[],
    hard: false,
    run,
};

fn run(_context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let mut best: FxHashMap<GroupNo, (f32, ProductNo)> =
        FxHashMap::with_capacity_and_hasher(pool.all.len(), FxBuildHasher);
    for one in pool.all.iter().filter(|one| one.removed_by.is_none()) {
        let Candidate::Product(product) = one.candidate else { continue };
        let score = if one.pin.is_some() { f32::MAX } else { one.score() };
        let held = best.entry(one.row.group).or_insert((score, product));
        if by_score((score, product), *held) == Ordering::Less {
            *held = (score, product);
        }
    }
    pool.remove(remover, SPEC.hard, |one| match one.candidate {
        Candidate::Product(product) => best[&one.row.group].1 != product,
        Candidate::Category(_) | Candidate::Content(_) => false,
    })
}
