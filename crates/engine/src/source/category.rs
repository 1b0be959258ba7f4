//! Everything in the page's category, for listings.

use super::{Scored, SourceSpec, plain, products};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, CategoryNo, ProductNo};
use rustc_hash::FxHashSet;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "category",
    doc: "Everything in the page's category and below it, what is popular first, then what came last; nothing else.",
    plain: "are in this category",
    params: &[],
    is_evidence: false,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let aggregates = &context.snapshot.aggregates;
    if context.category.0 == 0 {
        return Vec::new();
    }
    let mut scored: Vec<(f32, ProductNo)> =
        aggregates.popularity.best(context.category).take(used.limit).collect();
    let known: FxHashSet<ProductNo> = scored.iter().map(|(_, product)| *product).collect();
    let below = aggregates.catalog.with_all_below(&[context.category]);
    let categories =
        (0..aggregates.catalog.category_count() as u32).map(CategoryNo).filter(|no| below.contains(*no));
    let others =
        categories.flat_map(|no| aggregates.members.of(no)).filter(|product| !known.contains(product));
    let last = scored.last().map_or(1.0, |(score, _)| *score);
    let room = used.limit - scored.len();
    scored.extend((1..).zip(others.take(room)).map(|(rank, product)| (last / (1.0 + rank as f32), product)));
    products(scored)
}

fn reason(context: &Context<'_>, _used: &PlannedSource, _candidate: Candidate) -> Reason {
    let path = context.snapshot.aggregates.catalog.category_path(context.category);
    plain(&SPEC, format!("In {}", path.rsplit(" > ").next().unwrap_or_default()))
}
