//! Categories the shopper deals with, for placements that show categories.

use super::{Scored, SourceSpec};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::decision::Reason;
use bespoke_domain::order::by_score;
use bespoke_domain::{Candidate, CategoryNo, ProductNo};

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "favourite_categories",
    doc: "The categories of what the shopper lately viewed, carted, saved and bought; later and stronger acts count more. For placements that show categories.",
    plain: "belong to what you look at most",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

/// Acts after which one counts half.
const HALF_ACTS: f32 = 10.0;

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let favourites = of(context).into_iter().take(used.limit);
    favourites.map(|(weight, category)| (weight, Candidate::Category(category))).collect()
}

/// The shopper's categories, the favourite first.
pub fn of(context: &Context<'_>) -> Vec<(f32, CategoryNo)> {
    let catalog = &context.snapshot.aggregates.catalog;
    let mut sums: Vec<(f32, CategoryNo)> = Vec::new();
    for (age, one) in context.recent().rev().enumerate() {
        let category = catalog.row(one.product).map(|row| row.category).unwrap_or_default();
        if category.0 == 0 {
            continue;
        }
        let weight = libm::exp2f(-(age as f32) / HALF_ACTS) * one.act().weight();
        match sums.iter_mut().find(|(_, held)| *held == category) {
            Some((sum, _)) => *sum += weight,
            None => sums.push((weight, category)),
        }
    }
    sums.sort_unstable_by(|a, b| by_score(*a, *b));
    sums
}

/// What the shopper last dealt with in a category.
pub fn latest_in(context: &Context<'_>, category: CategoryNo) -> Option<ProductNo> {
    let catalog = &context.snapshot.aggregates.catalog;
    let mut recent = context.recent().rev();
    let found = recent.find(|one| catalog.row(one.product).is_some_and(|row| row.category == category));
    found.map(|one| one.product)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let based_on = match candidate {
        Candidate::Category(category) => latest_in(context, category).into_iter().collect(),
        Candidate::Product(_) | Candidate::Content(_) => Vec::new(),
    };
    Reason { code: SPEC.name.to_owned(), text: "You looked around here".to_owned(), based_on, personal: true }
}
