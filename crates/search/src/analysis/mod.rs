//! Text into terms: letters folded, words stemmed in the shop's language, numbers with their units, codes whole and in parts.
//! The same analysis for products and queries, so that what is written alike is found alike.

/// Which word says what a thing is.
pub mod heads;
mod letters;
mod lexer;
mod numbers;
mod pieces;
mod stop;
mod units;

pub use numbers::Number;
pub use pieces::Piece;
pub use units::Unit;

use rust_stemmers::{Algorithm, Stemmer};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use units::Units;

/// Letters of a term; what is longer is cut.
const TERM_LETTERS_MAX: usize = 48;
/// Tokens of a text; later ones are left out.
const TOKENS_MAX: usize = 8192;

pub use bespoke_domain::settings::Language;

/// Words of a language of which a thread remembers the stem; beyond them it begins again.
const STEMS_MAX: usize = 20_000;
const LANGUAGES: usize = Language::Other as usize + 1;

/// Words with their stems.
type Stems = FxHashMap<Box<str>, Box<str>>;

thread_local! {
    /// By language: the same words come again and again.
    static STEMS: RefCell<[Stems; LANGUAGES]> = RefCell::default();
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
    language: Language,
    stemmer: Option<Stemmer>,
    units: Units,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyzer").field("language", &self.language).finish_non_exhaustive()
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
        Self { language, stemmer: algorithm.map(Stemmer::create), units: Units::new(language) }
    }

    /// The language of the texts.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The tokens of a product's text, in order: every reading of every word by which it is found, the whole before its parts.
    pub fn tokens(&self, text: &str) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::new();
        for piece in self.pieces(text) {
            piece.add_to(&mut tokens);
            if tokens.len() >= TOKENS_MAX {
                tokens.truncate(TOKENS_MAX);
                break;
            }
        }
        tokens
    }

    /// The words of a text as they were typed, each with its readings, and the signs between them.
    pub fn pieces(&self, text: &str) -> Vec<Piece> {
        let folded = letters::fold(text);
        let comma_groups = matches!(self.language, Language::English | Language::Other);
        let lexemes = lexer::lexemes(&folded, comma_groups);
        pieces::Reader { analyzer: self, folded: &folded, lexemes: &lexemes, place: 0 }.pieces()
    }

    /// The number that a text is and nothing else.
    pub fn number(&self, text: &str) -> Option<Number> {
        let text = text.trim();
        let is_one = !text.is_empty() && numbers::length(text) == text.len();
        let comma_groups = matches!(self.language, Language::English | Language::Other);
        let mut read = if is_one { numbers::read(text, comma_groups) } else { Vec::new() };
        if read.len() == 1 { read.pop().map(|(_, number)| number) } else { None }
    }

    /// What a folded word is stemmed to.
    pub fn stem(&self, word: &str) -> String {
        // The stemmers know letters that were folded away, and no other script.
        let Some(stemmer) = self.stemmer.as_ref().filter(|_| word.is_ascii() && word.len() > 2) else {
            return word.to_owned();
        };
        STEMS.with_borrow_mut(|stems| {
            let own = &mut stems[self.language as usize];
            if let Some(stem) = own.get(word) {
                return stem.as_ref().to_owned();
            }
            let once = stemmer.stem(without_plural(self.language, word)).into_owned();
            // Dutch takes `fietsen` to `fiets`, and `fiets` to `fiet`.
            let stem = if self.language == Language::Dutch { dutch_end(&stemmer.stem(&once)) } else { once };
            if own.len() >= STEMS_MAX {
                own.clear();
            }
            own.insert(word.into(), stem.as_str().into());
            stem
        })
    }

    /// Whether a folded word asks for nothing: "for", "mit".
    pub fn is_stop(&self, word: &str) -> bool {
        stop::words(self.language).contains(&word)
    }

    fn is_elided(&self, word: &str) -> bool {
        stop::elided(self.language).contains(&word)
    }
}

/// The amount and the base unit of a quantity's term: 432 and `mm` of `=432mm`.
pub fn measured(term: &str) -> Option<(f64, &str)> {
    let term = term.strip_prefix('=')?;
    let end = term.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    Some((term[..end].parse().ok()?, &term[end..]))
}

/// A word without the plural's ending where the stemmers leave it: French `bijoux`, `jeux`; English abbreviations, `dvds`.
fn without_plural(language: Language, word: &str) -> &str {
    match language {
        Language::French if word.ends_with("oux") || word.ends_with("eux") => word.trim_end_matches('x'),
        // Not `gps` nor `mbps`: there it stands for a word.
        Language::English if !word.contains(['a', 'e', 'i', 'o', 'u', 'y']) && !word.ends_with("ps") => {
            word.strip_suffix('s').filter(|word| !word.ends_with('s')).unwrap_or(word)
        }
        _ => word,
    }
}

/// Ends as they are spoken: `glaz` (`glazen`) as `glas`, `briev` as `brief`, `kuss` as `kus`.
fn dutch_end(stem: &str) -> String {
    let (before, last) = stem.split_at(stem.len() - stem.len().min(1));
    match last {
        "z" => format!("{before}s"),
        "v" => format!("{before}f"),
        _ if before.len() > 2 && before.ends_with(last) && !"aeiou".contains(last) => before.to_owned(),
        _ => stem.to_owned(),
    }
}

/// At most so much of a term.
fn bounded(text: &str) -> &str {
    match text.char_indices().nth(TERM_LETTERS_MAX) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
