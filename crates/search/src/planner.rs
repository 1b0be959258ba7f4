//! From what was typed to a plan over an index.

use crate::analysis::Analyzer;
use crate::index::Index;
use crate::query::{Options, Plan, Planner, Synonyms};

/// The plan of a query.
pub fn plan(index: &Index, analyzer: &Analyzer, text: &str) -> Plan {
    let planner = Planner {
        analyzer,
        vocabulary: index.vocabulary(),
        frequency: &|term| index.frequency(term),
        products: index.product_count(),
        synonyms: &Synonyms::default(),
    };
    planner.plan(text, Options::default())
}
