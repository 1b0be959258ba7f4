//! What gives a candidate a number beyond where it came from. A scorer cannot drop or place anything: it is asked once a
//! decision for a function from a candidate to a number from -1 to 1.

/// How much it is like what the shopper deals with.
pub mod affinity;
mod als;
mod bounces;
mod click_over_expected;
mod clicks;
mod conversion;
mod margin;
mod newness;
mod popularity;
mod price;
mod rating;
mod returns;
/// How deep the stock is.
pub mod stock;
mod support;
mod swift;
mod taste;

use crate::context::Context;
use crate::pool::Pooled;
use bespoke_domain::{Candidate, ProductNo};

/// A number for a candidate, from -1 to 1.
pub type Score<'a> = Box<dyn Fn(&Pooled) -> f32 + 'a>;

/// A scorer's line in the table.
pub struct ScorerSpec {
    /// Its name in placements and certificates.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub doc: &'static str,
    /// What it looks at, to a shopper.
    pub plain: &'static str,
    /// What this decision needs of it. MUST depend on its argument only.
    pub prepare: for<'a> fn(&'a Context<'a>) -> Score<'a>,
}

/// A number for products; categories have none.
fn of_products<'a>(score: impl Fn(ProductNo) -> f32 + 'a) -> Score<'a> {
    Box::new(move |one| match one.candidate {
        Candidate::Product(product) => score(product),
        Candidate::Category(_) | Candidate::Content(_) => 0.0,
    })
}

impl std::fmt::Debug for ScorerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Those that look at who asks: for a stranger they say nothing.
pub static PERSONAL: [&str; 3] = [affinity::SPEC.name, taste::SPEC.name, als::SPEC.name];

/// Every scorer.
pub static SCORERS: [&ScorerSpec; 16] = [
    &affinity::SPEC,
    &popularity::SPEC,
    &clicks::SPEC,
    &conversion::SPEC,
    &price::SPEC,
    &margin::SPEC,
    &stock::SPEC,
    &newness::SPEC,
    &rating::SPEC,
    &returns::SPEC,
    &support::SPEC,
    &bounces::SPEC,
    &swift::SPEC,
    &als::SPEC,
    &taste::SPEC,
    &click_over_expected::SPEC,
];
