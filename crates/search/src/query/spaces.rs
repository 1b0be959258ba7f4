//! Blanks that are missing or too many, by the catalogue's own words: `bluetoothspeaker`, `head set`; and German and Dutch words
//! that are written as one (`kaffeemaschine`), with what links their parts (`arbeit-s-hose`).

use crate::analysis::{Analyzer, Language};
use crate::vocabulary::{TermNo, Vocabulary};

/// Fewest letters of a part; the first may also be a single letter before four more (`tshirt`).
const PART_LETTERS_MIN: usize = 3;
/// What stands between the parts of a word in German and Dutch.
const LINKS: [&str; 6] = ["s", "n", "en", "es", "er", "e"];

/// Looks words up in the catalogue.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub analyzer: &'a Analyzer,
    pub vocabulary: &'a Vocabulary,
    pub frequency: &'a dyn Fn(TermNo) -> u32,
}

impl Lookup<'_> {
    /// The term of a folded word, and in how many products it stands, if in any.
    pub fn word(&self, word: &str) -> Option<(TermNo, u32)> {
        self.term(&self.analyzer.stem(word)).or_else(|| {
            let no = self.vocabulary.get(word)?;
            let held = self.vocabulary.term(no)?;
            self.counted(if held.surface_count > 0 { held.stem } else { no })
        })
    }

    /// A term, and in how many products it stands, if in any.
    pub fn term(&self, term: &str) -> Option<(TermNo, u32)> {
        self.counted(self.vocabulary.get(term)?)
    }

    fn counted(&self, no: TermNo) -> Option<(TermNo, u32)> {
        Some((no, (self.frequency)(no))).filter(|(_, count)| *count > 0)
    }

    /// Whether words of the language are written together.
    pub fn compounds(&self) -> bool {
        matches!(self.analyzer.language(), Language::German | Language::Dutch)
    }

    /// The words that a word is made of, two of them, or three where the language writes words together; the parts that more
    /// products have are preferred, then the longer ones.
    pub fn parts(&self, word: &str) -> Option<Vec<TermNo>> {
        let two = |word: &str| {
            let cuts = word.char_indices().map(|(at, _)| word.split_at(at));
            let split = cuts.filter_map(|(left, right)| self.pair(left, right));
            split.max_by_key(|(_, score)| *score).map(|(terms, _)| terms.to_vec())
        };
        let three = |word: &str| {
            let cuts = word.char_indices().rev().map(|(at, _)| word.split_at(at));
            let found =
                cuts.filter(|(left, _)| left.len() >= 2 * PART_LETTERS_MIN).find_map(|(left, right)| {
                    let last = self.part(right)?;
                    let mut parts = two(left).or_else(|| unlinked(left).find_map(two))?;
                    parts.push(last.0);
                    Some(parts)
                });
            found.filter(|_| self.compounds())
        };
        two(word).or_else(|| three(word))
    }

    fn pair(&self, left: &str, right: &str) -> Option<([TermNo; 2], (u32, usize))> {
        let last = self.part(right)?;
        let is_letter = left.len() == 1 && right.len() > PART_LETTERS_MIN && left != "a";
        let first = if is_letter { self.word(left)? } else { self.first_part(left)? };
        let score = (u32::BITS - first.1.min(last.1).leading_zeros(), left.len().min(right.len()));
        Some(([first.0, last.0], score))
    }

    fn part(&self, part: &str) -> Option<(TermNo, u32)> {
        (part.chars().count() >= PART_LETTERS_MIN).then(|| self.word(part)).flatten()
    }

    fn first_part(&self, part: &str) -> Option<(TermNo, u32)> {
        let linked = || unlinked(part).find_map(|part| self.part(part));
        self.part(part).or_else(|| self.compounds().then(linked).flatten())
    }

    /// The word that typed words make without the blanks between them.
    pub fn joined(&self, words: &[&str]) -> Option<TermNo> {
        let whole = words.concat();
        let linked = || match words {
            [first, last] if self.compounds() => {
                LINKS.iter().find_map(|link| self.word(&format!("{first}{link}{last}")))
            }
            _ => None,
        };
        self.word(&whole).or_else(linked).map(|(no, _)| no)
    }

    /// The same word with umlauts written the other way, where products have it so: `kuehlschrank` and `kuhlschrank`.
    pub fn umlauts(&self, word: &str) -> Vec<TermNo> {
        let is_german = self.analyzer.language() == Language::German && word.is_ascii();
        let places = |marks: &[&str]| -> Vec<usize> {
            let found = marks.iter().flat_map(|mark| word.match_indices(mark).map(|(at, _)| at));
            let mut places: Vec<usize> = found.collect();
            places.sort_unstable();
            places
        };
        let (spelled, vowels) = (places(&["ae", "oe", "ue"]), places(&["a", "o", "u"]));
        let without = spelled.iter().map(|at| format!("{}{}", &word[..=*at], &word[at + 2..]));
        let with = vowels.iter().take(4).map(|at| format!("{}e{}", &word[..=*at], &word[at + 1..]));
        let all = spelled
            .iter()
            .rev()
            .fold(word.to_owned(), |word, at| format!("{}{}", &word[..=*at], &word[at + 2..]));
        let spellings = without.chain(with).chain([all]).filter(|spelling| spelling != word);
        let mut terms: Vec<TermNo> =
            spellings.filter(|_| is_german).filter_map(|word| self.spelled(&word)).collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// The term of a word that products have written so, or in another form of it.
    fn spelled(&self, word: &str) -> Option<TermNo> {
        self.term(&self.analyzer.stem(word)).map(|(no, _)| no)
    }
}

/// The word without what would link it to a next.
fn unlinked(word: &str) -> impl Iterator<Item = &str> {
    LINKS.iter().filter_map(|link| word.strip_suffix(link)).filter(|word| word.len() >= PART_LETTERS_MIN)
}
