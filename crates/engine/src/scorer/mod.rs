//! What gives a candidate a number beyond where it came from. A scorer cannot drop or place anything: it is asked once a
//! decision for a function from a candidate to a number from -1 to 1.

mod affinity;
mod margin;
mod newness;
mod popularity;
mod returns;
mod stock;

use crate::context::Context;
use crate::pool::Pooled;

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

impl std::fmt::Debug for ScorerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every scorer.
pub static SCORERS: [&ScorerSpec; 6] =
    [&affinity::SPEC, &popularity::SPEC, &margin::SPEC, &stock::SPEC, &newness::SPEC, &returns::SPEC];
