//! The catalogue's own values as phrases to be recognised in queries: brands, categories, colours, sizes and all other attributes.

use crate::analysis::{Analyzer, Kind};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

/// Phrases held; later ones are left out.
const PHRASES_MAX: usize = 200_000;
/// Numbers that count things: larger ones measure.
const COUNTED_MAX: u32 = 999;
/// Words of a phrase.
pub(super) const WORDS_MAX: usize = 5;

/// What a value is a value of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum About {
    /// The brand.
    Brand,
    /// A category; its value is the path, and its last name is the phrase.
    Category,
    /// The attribute of this name.
    Attribute(String),
}

/// A value of the catalogue.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    /// Of what.
    pub about: About,
    /// As it was noted.
    pub text: String,
    /// Products that have it.
    pub products: u32,
}

/// In how many products a value is.
pub type Count<'a> = &'a dyn Fn(&About, &str) -> u32;

/// Parts of the table, each copied when it changes.
const SHARDS: usize = 64;

/// What a phrase may name.
type Named = Vec<(About, String)>;

/// All values that a query may name. Values are only added: how many products have one, none perhaps, is asked where it is named.
#[derive(Clone, Debug, Default)]
pub struct Values {
    shards: Vec<Arc<FxHashMap<String, Named>>>,
    phrase_count: usize,
}

impl Values {
    /// Notes that there is a value. Numbers, and what is longer than people type, are no phrases.
    pub fn note(&mut self, analyzer: &Analyzer, about: &About, text: &str) {
        let named = match about {
            About::Category => text.rsplit('>').next().unwrap_or(text),
            _ => text,
        };
        let phrase = phrase(analyzer, named);
        phrase
            .into_iter()
            .chain(counts(analyzer, about, text))
            .for_each(|phrase| self.add(phrase, about, text));
    }

    fn add(&mut self, phrase: String, about: &About, text: &str) {
        let is_known = self.get(&phrase).is_some();
        if self.phrase_count >= PHRASES_MAX && !is_known {
            return;
        }
        if self.shards.is_empty() {
            self.shards = vec![Arc::default(); SHARDS];
        }
        self.phrase_count += usize::from(!is_known);
        let Some(shard) = self.shards.get_mut(shard(&phrase)) else { return };
        let values = Arc::make_mut(shard).entry(phrase).or_default();
        if !values.iter().any(|(held, value)| held == about && value == text) {
            values.push((about.clone(), text.to_owned()));
        }
    }

    fn get(&self, phrase: &str) -> Option<&Named> {
        self.shards.get(shard(phrase))?.get(phrase)
    }

    /// What a phrase of terms names, what most products have first: of a tie a brand before a category before an attribute.
    pub(super) fn named(&self, phrase: &str, count: Count<'_>) -> Option<Value> {
        let values = self.get(phrase)?.iter().map(|(about, text)| (count(about, text), about, text));
        let best = values
            .filter(|(products, ..)| *products > 0)
            .min_by_key(|(products, about, text)| (std::cmp::Reverse(*products), *about, *text));
        best.map(|(products, about, text)| Value { about: about.clone(), text: text.clone(), products })
    }
}

fn shard(phrase: &str) -> usize {
    let mut hasher = FxHasher::default();
    phrase.hash(&mut hasher);
    (hasher.finish() >> 56) as usize % SHARDS
}

/// How many there are of something, by the words of the attribute that says it: `24 port` of 24 "Ethernet ports".
fn counts(analyzer: &Analyzer, about: &About, text: &str) -> Vec<String> {
    let About::Attribute(name) = about else { return Vec::new() };
    let number = text.trim_end_matches(".0");
    if !number.parse().is_ok_and(|count: u32| (1..=COUNTED_MAX).contains(&count)) {
        return Vec::new();
    }
    let tokens = analyzer.tokens(name);
    let words = tokens.iter().filter(|token| token.kind == Kind::Word && !analyzer.is_stop(&token.surface));
    let mut phrases: Vec<String> = words.map(|token| format!("{number} {}", token.term)).collect();
    phrases.sort_unstable();
    phrases.dedup();
    phrases
}

/// The terms of a value, with blanks between; none for numbers, for what only says whether, and for long ones.
fn phrase(analyzer: &Analyzer, text: &str) -> Option<String> {
    let pieces = analyzer.pieces(text);
    let whole = |piece: &crate::analysis::Piece| match piece.readings.first().map(Vec::as_slice) {
        Some([token]) => Some((token.term.clone(), token.kind)),
        _ => None,
    };
    let terms: Vec<(String, Kind)> =
        pieces.iter().filter(|piece| piece.sign.is_none()).map(whole).collect::<Option<_>>()?;
    let says = terms.iter().any(|(_, kind)| matches!(kind, Kind::Word | Kind::Code | Kind::Quantity));
    let is_flag = matches!(terms.as_slice(), [(only, _)] if matches!(only.as_str(), "true" | "fals" | "false" | "yes" | "no" | "y" | "n"));
    let fits = (1..=WORDS_MAX).contains(&terms.len());
    (says && fits && !is_flag).then(|| terms.into_iter().map(|(term, _)| term).collect::<Vec<_>>().join(" "))
}
