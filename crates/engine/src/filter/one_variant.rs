//! Of several variants of one product keeps the pinned one, else the one with the best score.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::{Pool, Pooled};
use bespoke_domain::order::by_score;
use bespoke_domain::{Candidate, GroupNo, ProductNo};
use rustc_hash::FxHashMap;
use std::cmp::Ordering;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "one_variant",
    doc: "Keeps one variant of each product (`item_group_id`): the one with the best score.",
    params: &[],
    hard: false,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool, remover: u16) -> u32 {
    let group = |one: &Pooled| match one.candidate {
        Candidate::Product(product) => {
            context.snapshot.aggregates.catalog.row(product).map(|row| (row.group, product))
        }
        Candidate::Category(_) => None,
    };
    let mut best: FxHashMap<GroupNo, (f32, ProductNo)> = FxHashMap::default();
    for one in pool.all.iter().filter(|one| one.removed_by.is_none()) {
        let Some((number, product)) = group(one) else { continue };
        let score = if one.pin.is_some() { f32::MAX } else { one.score() };
        let held = best.entry(number).or_insert((score, product));
        if by_score((score, product), *held) == Ordering::Less {
            *held = (score, product);
        }
    }
    pool.remove(remover, SPEC.hard, |one| {
        group(one).is_some_and(|(number, product)| best[&number].1 != product)
    })
}
