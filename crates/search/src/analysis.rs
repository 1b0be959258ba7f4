//! Text into terms: letters folded, words stemmed in the shop's language, numbers with their units, codes whole and in parts.
//! The same analysis for products and queries, so that what is written alike is found alike.

use rust_stemmers::{Algorithm, Stemmer};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// A language whose endings are known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Italian.
    Italian,
    /// Dutch.
    Dutch,
    /// Another, or several: words stay as they are.
    Other,
}

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A word of letters.
    Word,
    /// A number alone.
    Number,
    /// Letters and digits: `wh1000xm3`.
    Code,
    /// A number with a unit, as a canonical term that no word can be: `=500ml`.
    Quantity,
}

/// A term with where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// What the index holds: folded and stemmed.
    pub term: String,
    /// Folded but not stemmed: what spelling is corrected by. Equal to the term for all but words.
    pub surface: String,
    /// What it is.
    pub kind: Kind,
    /// Number of the word in the text, from 0; several tokens of one word share it (a code and its parts, a quantity and its
    /// number and unit).
    pub place: u32,
}

/// Analyses texts of one language.
pub struct Analyzer {
    stemmer: Option<Stemmer>,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyzer").finish_non_exhaustive()
    }
}

impl Analyzer {
    /// For texts in `language`.
    pub fn new(language: Language) -> Self {
        let algorithm = match language {
            Language::English => Some(Algorithm::English),
            Language::German => Some(Algorithm::German),
            Language::French => Some(Algorithm::French),
            Language::Spanish => Some(Algorithm::Spanish),
            Language::Italian => Some(Algorithm::Italian),
            Language::Dutch => Some(Algorithm::Dutch),
            Language::Other => None,
        };
        Self { stemmer: algorithm.map(Stemmer::create) }
    }

    /// The tokens of a text, in order.
    pub fn tokens(&self, text: &str) -> Vec<Token> {
        let folded: String = text.nfkd().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase).collect();
        let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        (0..).zip(words).map(|(place, word)| self.token(word, place)).collect()
    }

    fn token(&self, word: &str, place: u32) -> Token {
        let has_digit = word.chars().any(char::is_numeric);
        let kind = match word.chars().any(char::is_alphabetic) {
            true if has_digit => Kind::Code,
            true => Kind::Word,
            false => Kind::Number,
        };
        let stem = |stemmer: &Stemmer| stemmer.stem(word).into_owned();
        let stemmed = self.stemmer.as_ref().filter(|_| kind == Kind::Word).map(stem);
        Token { term: stemmed.unwrap_or_else(|| word.to_owned()), surface: word.to_owned(), kind, place }
    }
}

fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}
