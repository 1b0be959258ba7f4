//! Removes shoes that there are in every size but the shopper's.

use super::FilterSpec;
use crate::context::Context;
use crate::pool::Pool;
use crate::profile::{Act, Profile};
use bespoke_domain::{Candidate, CategoryNo, ProductNo};
use rustc_hash::FxHashMap;

/// The line in the table.
pub static SPEC: FilterSpec = FilterSpec {
    name: "in_my_size",
    doc: "Removes what no variant of is available in a `size` that the shopper bought or put into the cart in the same category; nothing where no size is known.",
    plain: "are not there in your size",
    params: &[],
    hard: false,
    run,
};

fn run(context: &Context<'_>, _params: &[f64], pool: &mut Pool<'_>, remover: u16) -> u32 {
    let (catalog, now) = (&context.snapshot.aggregates.catalog, context.request.now);
    let sizes = context.profile.map(|profile| own_sizes(context, profile)).unwrap_or_default();
    if sizes.is_empty() {
        return 0;
    }
    let is_there = |product: ProductNo, own: &[u32]| {
        let is_available = catalog.row(product).is_some_and(|row| row.is_available(now));
        is_available && own.iter().any(|size| catalog.tags(product).binary_search(size).is_ok())
    };
    pool.remove(remover, SPEC.hard, |one| {
        let Candidate::Product(product) = one.candidate else { return false };
        let Some(own) = sizes.get(&one.row.category) else { return false };
        catalog.values_of(product, "size").next().is_some()
            && !catalog.variants(product).any(|variant| is_there(variant, own))
    })
}

/// The sizes that the shopper took, by category.
fn own_sizes(context: &Context<'_>, profile: &Profile) -> FxHashMap<CategoryNo, Vec<u32>> {
    let catalog = &context.snapshot.aggregates.catalog;
    let carted = profile.recent().iter().filter(|one| matches!(one.act(), Act::Cart | Act::Buy));
    let taken = profile.bought().iter().map(|one| one.product).chain(carted.map(|one| one.product));
    let mut sizes: FxHashMap<CategoryNo, Vec<u32>> = FxHashMap::default();
    for product in taken {
        let Some(row) = catalog.row(product).filter(|row| row.category.0 != 0) else { continue };
        for size in catalog.values_of(product, "size") {
            sizes.entry(row.category).or_default().push(size);
        }
    }
    sizes
}
