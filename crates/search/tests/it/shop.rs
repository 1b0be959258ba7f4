//! A small catalogue of titles, for the golden cases: its words, and in how many titles each stands.

use bespoke_search::analysis::{Analyzer, Kind, Language};
use bespoke_search::measures::Measures;
use bespoke_search::query::{Options, Plan, Planner, Synonyms};
use bespoke_search::vocabulary::{TermNo, Vocabulary};
use std::collections::{BTreeMap, BTreeSet};

/// The words of a few titles.
pub struct Shop {
    pub analyzer: Analyzer,
    pub vocabulary: Vocabulary,
    pub counts: Vec<u32>,
    pub products: u32,
    pub synonyms: Synonyms,
}

impl Shop {
    /// Each title with how many products have it.
    pub fn new(language: Language, titles: &[(&str, u32)]) -> Self {
        let analyzer = Analyzer::new(language);
        let mut vocabulary = Vocabulary::default();
        let mut counts: Vec<u32> = Vec::new();
        for (title, copies) in titles {
            let tokens = analyzer.tokens(title);
            let terms: BTreeSet<&str> = tokens.iter().map(|token| token.term.as_str()).collect();
            for term in terms {
                let no = vocabulary.number(term).0 as usize;
                counts.resize(counts.len().max(vocabulary.len()), 0);
                counts[no] += copies;
            }
            let words = tokens.iter().filter(|token| token.kind == Kind::Word);
            let surfaces: BTreeMap<&str, &str> =
                words.map(|token| (token.surface.as_str(), token.term.as_str())).collect();
            for (surface, term) in surfaces {
                let stem = vocabulary.number(term);
                vocabulary.count_surface(surface, stem, *copies as i32);
            }
        }
        counts.resize(vocabulary.len(), 0);
        let products = titles.iter().map(|(_, copies)| copies).sum();
        Self { analyzer, vocabulary, counts, products, synonyms: Synonyms::default() }
    }

    /// The plan of a query.
    pub fn plan(&self, query: &str, options: Options) -> Plan {
        let frequency = |no: TermNo| self.counts.get(no.0 as usize).copied().unwrap_or(0);
        let (vocabulary, analyzer) = (&self.vocabulary, &self.analyzer);
        Planner {
            analyzer,
            vocabulary,
            frequency: &frequency,
            products: self.products,
            synonyms: &self.synonyms,
            measures: &Measures::default(),
            beside: &[],
        }
        .plan(query, options)
    }

    /// A line a query: its words, `→` what it was corrected to, `·` where it asks for nothing; then a line a group.
    pub fn shown(&self, queries: &[&str], options: Options) -> String {
        queries.iter().map(|query| self.shown_plan(query, &self.plan(query, options))).collect()
    }

    fn shown_plan(&self, query: &str, plan: &Plan) -> String {
        let word = |word: &bespoke_search::query::Word| {
            let corrected =
                word.corrected.as_ref().map_or(String::new(), |corrected| format!("→{corrected}"));
            format!("{}{}{corrected}", word.surface, if word.is_stop { "·" } else { "" })
        };
        let words: Vec<String> = plan.words.iter().map(word).collect();
        let mut text = format!("{query}: {}\n", words.join(" "));
        for group in &plan.groups {
            let alternative = |one: &bespoke_search::query::Alternative| {
                let terms: Vec<&str> = one
                    .terms
                    .iter()
                    .filter_map(|no| self.vocabulary.term(*no))
                    .map(|term| &*term.text)
                    .collect();
                format!("{} {:?} {:.2}", terms.join("+"), one.why, one.weight)
            };
            let alternatives: Vec<String> = group.alternatives.iter().map(alternative).collect();
            text += &format!(
                "  {:0width$b} {}\n",
                group.words,
                alternatives.join(", "),
                width = plan.words.len()
            );
        }
        text
    }
}
