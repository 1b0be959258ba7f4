//! What a query asks for: its words, and for each what else it may be meant as – corrected, split, joined, a synonym. Which
//! terms stand for a word is data in the `Plan`.

mod distance;
mod everyday;
mod expansions;
mod numerals;
mod planner;
mod spaces;
mod spelling;
mod synonyms;
mod understanding;
mod values;
mod wording;

pub use planner::{Options, Planner};
pub use synonyms::{Synonym, Synonyms};
pub use understanding::{Understood, What, understand};
pub use values::{About, Count, Value, Values};

use crate::vocabulary::TermNo;

/// Most words of a query that are looked at; later ones are left out and said to be.
pub const WORDS_MAX: usize = 12;

/// Why a term stands for a word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Why {
    /// It is what was typed, or has the same stem.
    Literal,
    /// The catalogue knows no such word; this is the nearest that it knows.
    Corrected,
    /// A word in two: `kaffeemaschine` as `kaffee` and `maschine`.
    Split,
    /// Two words in one: `head set` as `headset`.
    Joined,
    /// A word that ends in it: `maschine` in `kaffeemaschine`.
    Compound,
    /// A synonym that the shop named.
    Synonym,
}

/// Terms that all together stand for words of the query.
#[derive(Clone, PartialEq, Debug)]
pub struct Alternative {
    /// All of them must stand in the product.
    pub terms: Vec<TermNo>,
    /// By what their score is multiplied, 0 to 1.
    pub weight: f32,
    /// Why.
    pub why: Why,
}

/// Words of the query with what may stand for them: a product's score for it is that of its best alternative.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// The words it stands for, a bit each by their order in the query.
    pub words: u16,
    /// What may stand for them.
    pub alternatives: Vec<Alternative>,
    /// Whether the word says what is asked for: `cable` in "black vga cable for a monitor".
    pub is_head: bool,
    /// Whether the word names what the thing must have: a value of the catalogue, a number, a quantity.
    pub is_value: bool,
}

/// A word as it was typed.
#[derive(Clone, PartialEq, Debug)]
pub struct Word {
    /// Folded, not stemmed.
    pub surface: String,
    /// What it was corrected to, where the literal word is not known.
    pub corrected: Option<String>,
    /// Whether results must not depend on it: it asks for nothing ("for", "with").
    pub is_stop: bool,
}

/// A query, ready to be matched.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// Its words, at most [`WORDS_MAX`].
    pub words: Vec<Word>,
    /// What may stand for them, a group for each word that anything stands for. What stands for several words is in the group of each.
    pub groups: Vec<Group>,
    /// Words after those, which nothing looks at, as they were typed.
    pub left_out: Vec<String>,
}

impl Plan {
    /// The query as it was corrected, to be shown; `None` where nothing was.
    pub fn corrected(&self) -> Option<String> {
        let word = |word: &Word| word.corrected.clone().unwrap_or_else(|| word.surface.clone());
        let is_corrected = self.words.iter().any(|word| word.corrected.is_some());
        is_corrected.then(|| self.words.iter().map(word).collect::<Vec<_>>().join(" "))
    }
}
