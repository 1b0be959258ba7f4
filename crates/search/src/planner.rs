//! From what was typed to a plan: each word as it is.

use crate::analysis::Analyzer;
use crate::index::Index;
use crate::query::{Alternative, Group, Plan, WORDS_MAX, Why, Word};

/// The plan of a query.
pub fn plan(index: &Index, analyzer: &Analyzer, text: &str) -> Plan {
    let mut plan = Plan::default();
    for token in analyzer.tokens(text).into_iter().take(WORDS_MAX) {
        if let Some(term) = index.vocabulary().get(&token.term) {
            let alternative = Alternative { terms: vec![term], weight: 1.0, why: Why::Literal };
            plan.groups.push(Group { words: 1 << plan.words.len(), alternatives: vec![alternative] });
        }
        plan.words.push(Word { surface: token.surface, corrected: None, is_stop: false });
    }
    plan
}
