//! Where candidates come from. A source yields scored candidates, best first, and can say in plain words why it yielded
//! one. It sees the shopper only through [`crate::context::Context`], which hides the profile where consent is missing.

mod accessories;
mod alternatives;
mod best_sellers;
mod bought_together;
mod buy_again;
mod category;
mod co_viewed;
mod complements;
mod content;
mod editorial;
mod favourite_categories;
mod favourites;
/// What learnt models recommend.
pub mod learned;
mod look_alike;
mod matches;
mod new_arrivals;
mod next_basket;
mod popular;
mod recently_viewed;
mod session_neighbours;
mod similar;
mod trending;

use crate::context::Context;
use crate::tables::{ParamSpec, PlannedSource};
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, ProductNo};
use bespoke_models::popularity::Popularity;
use rustc_hash::{FxBuildHasher, FxHashSet};

pub use content::SPEC as CONTENT;
pub use matches::SPEC as MATCHES;
pub use popular::SPEC as POPULAR;

/// Scored candidates, best first.
pub type Scored = Vec<(f32, Candidate)>;

/// A source's line in the table.
#[derive(Debug)]
pub struct SourceSpec {
    /// Its name in placements.
    pub name: &'static str,
    /// What it yields, in a sentence.
    pub doc: &'static str,
    /// What its products do or are, to a shopper: ends "n products that …".
    pub plain: &'static str,
    /// What may be set.
    pub params: &'static [ParamSpec],
    /// Whether its candidates are evidence for the placement's headline; a fallback source's are not.
    pub is_evidence: bool,
    /// At most `limit` candidates with finite scores ≥ 0, each once, best first. MUST depend on its arguments only.
    pub yields: fn(&Context<'_>, &PlannedSource) -> Scored,
    /// Why it yielded the candidate.
    pub reason: fn(&Context<'_>, &PlannedSource, Candidate) -> Reason,
}

/// Every source.
pub static SOURCES: [&SourceSpec; 28] = [
    &popular::SPEC,
    &recently_viewed::SPEC,
    &co_viewed::SPEC,
    &bought_together::SPEC,
    &session_neighbours::SPEC,
    &similar::SPEC,
    &look_alike::SPEC,
    &complements::SPEC,
    &accessories::SPEC,
    &alternatives::SPEC,
    &best_sellers::SPEC,
    &trending::SPEC,
    &new_arrivals::SPEC,
    &buy_again::SPEC,
    &category::SPEC,
    &matches::SPEC,
    &favourites::SPEC,
    &favourite_categories::SPEC,
    &editorial::SPEC,
    &content::SPEC,
    &learned::ITEM_ITEM,
    &learned::SLIM,
    &learned::ALS,
    &learned::GRAPH_FILTER,
    &learned::EASE,
    &learned::SEQUENCE,
    &learned::TWO_TOWER,
    &next_basket::SPEC,
];

/// A reason that rests on nothing in particular.
fn plain(spec: &SourceSpec, text: impl Into<String>) -> Reason {
    Reason { code: spec.name.to_owned(), text: text.into(), based_on: Vec::new(), personal: false }
}

/// The products of leaderboards, the page's category first and the categories above it after it, with falling scores.
fn best_up<'a>(context: &Context<'a>, board: &'a Popularity, limit: usize) -> Vec<(f32, ProductNo)> {
    let mut scored: Vec<(f32, ProductNo)> = Vec::with_capacity(limit);
    let mut seen = FxHashSet::with_capacity_and_hasher(limit, FxBuildHasher);
    let mut scale = 1.0;
    for category in context.snapshot.aggregates.catalog.categories_up(context.category) {
        for (share, product) in board.best(category) {
            if scored.len() == limit {
                return scored;
            }
            if seen.insert(product) {
                scored.push((scale * share, product));
            }
        }
        scale = scored.last().map_or(scale, |(last, _)| *last);
    }
    scored
}

fn products(scored: Vec<(f32, ProductNo)>) -> Vec<(f32, Candidate)> {
    scored.into_iter().map(|(score, product)| (score, Candidate::Product(product))).collect()
}
