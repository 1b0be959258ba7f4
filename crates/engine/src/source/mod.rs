//! Where candidates come from. A source yields scored candidates, best first, and can say in plain words why it yielded
//! one. It sees the shopper only through [`crate::context::Context`], which hides the profile where consent is missing.

mod bought_together;
mod co_viewed;
mod popular;
mod recently_viewed;
mod session_neighbours;

use crate::context::Context;
use crate::tables::ParamSpec;
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, ProductNo};

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
    /// What may be set.
    pub params: &'static [ParamSpec],
    /// Whether its candidates are evidence for the placement's headline; a fallback source's are not.
    pub is_evidence: bool,
    /// At most `limit` candidates with finite scores ≥ 0, each once, best first. MUST depend on its arguments only.
    pub yields: fn(&Context<'_>, &[f64], usize) -> Scored,
    /// Why it yielded the candidate.
    pub reason: fn(&Context<'_>, &[f64], Candidate) -> Reason,
}

/// Every source.
pub static SOURCES: [&SourceSpec; 5] = [
    &popular::SPEC,
    &recently_viewed::SPEC,
    &co_viewed::SPEC,
    &bought_together::SPEC,
    &session_neighbours::SPEC,
];

fn products(scored: Vec<(f32, ProductNo)>) -> Vec<(f32, Candidate)> {
    scored.into_iter().map(|(score, product)| (score, Candidate::Product(product))).collect()
}
