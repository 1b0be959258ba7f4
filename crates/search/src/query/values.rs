//! The catalogue's own values as phrases to be recognised in queries: brands, categories, colours, sizes and all other attributes.

use crate::analysis::{Analyzer, Kind};
use rustc_hash::FxHashMap;

/// Phrases held; later ones are left out.
const PHRASES_MAX: usize = 200_000;
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
    /// As the catalogue writes it.
    pub text: String,
    /// Products that have it.
    pub products: u32,
}

/// All values that a query may name.
#[derive(Clone, Debug, Default)]
pub struct Values {
    by_phrase: FxHashMap<String, Vec<Value>>,
}

impl Values {
    /// Notes that so many products more (or fewer) have a value. Numbers, and what is longer than people type, are no phrases.
    pub fn change(&mut self, analyzer: &Analyzer, about: &About, text: &str, by: i32) {
        let named = match about {
            About::Category => text.rsplit('>').next().unwrap_or(text),
            _ => text,
        };
        let Some(phrase) = phrase(analyzer, named) else { return };
        if self.by_phrase.len() >= PHRASES_MAX && !self.by_phrase.contains_key(&phrase) {
            return;
        }
        let values = self.by_phrase.entry(phrase.clone()).or_default();
        match values.iter_mut().find(|value| value.about == *about && value.text == text) {
            Some(value) => value.products = value.products.saturating_add_signed(by),
            None if by > 0 => {
                values.push(Value {
                    about: about.clone(),
                    text: text.to_owned(),
                    products: by.unsigned_abs(),
                });
            }
            None => {}
        }
        values.retain(|value| value.products > 0);
        if values.is_empty() {
            self.by_phrase.remove(&phrase);
        }
    }

    /// What a phrase of terms names, what most products have first: of a tie a brand before a category before an attribute.
    pub(super) fn named(&self, phrase: &str) -> Option<&Value> {
        let values = self.by_phrase.get(phrase)?.iter();
        values.min_by(|one, other| {
            other
                .products
                .cmp(&one.products)
                .then_with(|| (&one.about, &one.text).cmp(&(&other.about, &other.text)))
        })
    }
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
