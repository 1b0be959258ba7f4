//! Takes named products, or everything in named categories, out of a placement.

use super::RuleSpec;
use crate::context::Context;
use crate::pool::Pool;
use bespoke_domain::settings::Rule;
use bespoke_domain::{Candidate, CategoryNo};

/// The line in the table.
pub static SPEC: RuleSpec = RuleSpec {
    name: "hide",
    doc: "Removes the named products and everything in the named categories.",
    apply,
};

fn apply(context: &Context<'_>, rule: &Rule, _rule_no: u16, pool: &mut Pool, remover: u16) -> u32 {
    let catalog = &context.snapshot.aggregates.catalog;
    let items: Vec<_> = rule.items.iter().filter_map(|id| context.snapshot.product(id)).collect();
    let categories: Vec<CategoryNo> =
        rule.categories.iter().filter_map(|path| catalog.category(path)).collect();
    let is_in =
        |category: CategoryNo| catalog.categories_up(category).iter().any(|one| categories.contains(one));
    pool.remove(remover, true, |one| match one.candidate {
        Candidate::Product(product) => {
            let category = catalog.row(product).map_or(CategoryNo(0), |row| row.category);
            items.contains(&product) || (!categories.is_empty() && is_in(category))
        }
        Candidate::Category(category) => !categories.is_empty() && is_in(category),
    })
}
