//! What completes what is being typed: phrases, any word of which may have begun. A structure over numbered phrases in an
//! order that is given – the best first – which finds the first of those that match. It knows nothing of shoppers, stock or
//! time: whoever asks for more than is shown can leave out and put in order.
//!
//! **Why a base that is built anew and fresh phrases beside it?** With phrases numbered by their order, the best of a prefix
//! are the smallest numbers of a list, and those of short prefixes can be written down beforehand. An order changes all the
//! time, so that the base is built again in the background, from words that are known already; what came since is looked
//! through one by one, and is there at once.

/// The order of phrases, and how they are found.
mod index;
/// Whether a word begins with what was typed.
mod letters;

use crate::analysis::Analyzer;
pub use index::Index;
use letters::begins;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Most words of what is typed that are looked at.
pub const TYPED_MAX: usize = 8;
/// Longest text that is looked at, in bytes.
pub const TEXT_MAX: usize = 200;
/// Words of a phrase that are looked at.
const WORDS_MAX: usize = 24;

/// What has been typed so far.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Typed {
    /// Its words, folded; the last one may have only begun.
    pub words: Vec<String>,
    /// Whether the last word is over: a space follows.
    pub is_over: bool,
}

impl Typed {
    /// Reads what was typed; of a long text the beginning.
    pub fn new(analyzer: &Analyzer, text: &str) -> Self {
        let cut = (0..=TEXT_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let text = &text[..cut];
        let words = runs(text).filter_map(|(_, run)| folded(analyzer, run)).take(TYPED_MAX).collect();
        Self { words, is_over: text.ends_with(char::is_whitespace) }
    }
}

/// Numbered phrases as the words they consist of.
#[derive(Debug, Default)]
pub struct Phrases {
    /// Words by their number.
    words: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
    /// Words as they are written, with the number of what they are folded to: most are written often.
    written: FxHashMap<Box<str>, Option<u32>>,
    phrases: Vec<Box<[u32]>>,
}

impl Phrases {
    /// One more than the largest number of a phrase.
    pub fn len(&self) -> usize {
        self.phrases.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.phrases.is_empty()
    }

    /// Sets the text of a phrase; with an empty one it is not found.
    pub fn set(&mut self, analyzer: &Analyzer, no: u32, text: &str) {
        let mut words: Vec<u32> = Vec::new();
        for (_, run) in runs(text) {
            if let Some(word) = self.number(analyzer, run).filter(|word| !words.contains(word)) {
                words.push(word);
            }
            if words.len() == WORDS_MAX {
                break;
            }
        }
        if self.phrases.len() <= no as usize {
            self.phrases.resize(no as usize + 1, Box::default());
        }
        self.phrases[no as usize] = words.into();
    }

    fn number(&mut self, analyzer: &Analyzer, run: &str) -> Option<u32> {
        if let Some(known) = self.written.get(run) {
            return *known;
        }
        let number = folded(analyzer, run).map(|word| {
            let word: Arc<str> = word.into();
            let next = self.words.len() as u32;
            let number = *self.numbers.entry(word.clone()).or_insert(next);
            if number == next {
                self.words.push(word);
            }
            number
        });
        self.written.insert(run.into(), number);
        number
    }

    /// The words of a phrase.
    fn of(&self, no: u32) -> &[u32] {
        self.phrases.get(no as usize).map_or(&[], |words| words)
    }
}

/// A phrase that matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// Its number.
    pub phrase: u32,
    /// Whether it holds what was typed to the letter.
    pub is_exact: bool,
}

/// The parts of `text` that were typed, as ranges of bytes in their order; `None` where it does not hold all of it.
pub fn marked(analyzer: &Analyzer, text: &str, typed: &Typed) -> Option<Vec<(usize, usize)>> {
    let words: Vec<(usize, &str, String)> =
        runs(text).filter_map(|(at, run)| Some((at, run, folded(analyzer, run)?))).take(WORDS_MAX).collect();
    let mut taken = vec![false; words.len()];
    let mut parts = Vec::with_capacity(typed.words.len());
    for word in &typed.words {
        let free = || words.iter().enumerate().filter(|(at, _)| !taken[*at]);
        let matching = free().filter_map(|(at, (_, _, held))| Some((at, begins(held, word)?)));
        // To the letter before nearly, and a whole word before one that goes on.
        let rank = |(at, (letters, is_exact)): &(usize, (usize, bool))| {
            (!is_exact, words[*at].2.chars().count() != *letters, *at)
        };
        let (at, (letters, _)) = matching.min_by_key(rank)?;
        taken[at] = true;
        let (start, run, _) = &words[at];
        parts.push((*start, start + beginning(analyzer, run, letters)));
    }
    parts.sort_unstable();
    Some(parts)
}

/// The bytes of the shortest beginning of a run that is folded to so many letters.
fn beginning(analyzer: &Analyzer, run: &str, letters: usize) -> usize {
    let ends = run.char_indices().map(|(at, c)| at + c.len_utf8());
    let is_enough =
        |end: &usize| folded(analyzer, &run[..*end]).is_some_and(|part| part.chars().count() >= letters);
    ends.filter(is_enough).map(|end| end_of_letter(run, end)).next().unwrap_or(run.len())
}

/// Past the marks that belong to a letter.
fn end_of_letter(run: &str, end: usize) -> usize {
    let marks = run[end..].chars().take_while(|c| ('\u{300}'..='\u{36f}').contains(c));
    end + marks.map(char::len_utf8).sum::<usize>()
}

/// Runs of letters and digits with where they begin.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_inside = |c: char| c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c);
    let pieces = text.split(move |c: char| !is_inside(c));
    let place = move |piece: &str| piece.as_ptr() as usize - text.as_ptr() as usize;
    pieces.filter(|piece| !piece.is_empty()).map(move |piece| (place(piece), piece))
}

/// A word without letter case and accents; a number with its unit as it is written, since it is typed letter by letter.
fn folded(analyzer: &Analyzer, run: &str) -> Option<String> {
    if run.contains(|c: char| c.is_ascii_digit()) {
        return Some(run.to_lowercase());
    }
    analyzer.tokens(run).into_iter().next().map(|token| token.surface)
}

#[cfg(test)]
mod tests;
