//! The catalogue's words that a word may be meant as. Nothing else is ever suggested: a correction is a word that products have.

use super::distance::Pattern;
use crate::vocabulary::{Term, TermNo, Vocabulary};

/// Fewest letters of a word that is corrected by one letter, and by two.
const LETTERS_MIN: [usize; 2] = [4, 8];
/// Corrections of a word.
const CORRECTIONS_MAX: usize = 3;
/// How far below the best one another may be.
const SCORE_RANGE: u32 = 8;
/// What a correction's score is multiplied by, for one edit and for two, and for each that is not the best.
const WEIGHTS: [f32; 2] = [0.9, 0.7];
const WEIGHT_NEXT: f32 = 0.8;

/// A word of the catalogue instead of one that it does not know.
#[derive(Clone, Debug)]
pub(super) struct Correction<'a> {
    /// As products have it.
    pub surface: &'a str,
    /// What it is stemmed to.
    pub term: TermNo,
    /// Products that have it so.
    pub count: u32,
    /// 0 to 1.
    pub weight: f32,
    score: u32,
}

/// The catalogue's words nearest to a word, best first; of one letter between them, and only where there is none, of two.
pub(super) fn corrections<'a>(vocabulary: &'a Vocabulary, word: &str) -> Vec<Correction<'a>> {
    let letters = word.chars().count();
    for (edits, least) in (1..).zip(LETTERS_MIN) {
        let found = if letters >= least { within(vocabulary, word, edits) } else { Vec::new() };
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// The nearest within so many edits.
pub(super) fn within<'a>(vocabulary: &'a Vocabulary, word: &str, edits: usize) -> Vec<Correction<'a>> {
    let pattern = Pattern::new(word);
    let mut all: Vec<Correction<'a>> = Vec::new();
    vocabulary.near(word, edits, |no, term| {
        let apart = pattern.distance(&term.text);
        if apart == 0 || apart > edits {
            return;
        }
        let correction = Correction {
            surface: &term.text,
            term: term.stem,
            count: term.surface_count,
            weight: WEIGHTS[apart.min(2) - 1],
            score: score(word, term, apart),
        };
        match all.iter_mut().find(|held| held.term == correction.term) {
            Some(held) if (correction.score, no) > (held.score, held.term) => *held = correction,
            Some(_) => {}
            None => all.push(correction),
        }
    });
    all.sort_unstable_by(|one, other| {
        other.score.cmp(&one.score).then_with(|| one.surface.cmp(other.surface))
    });
    let best = all.first().map_or(0, |best| best.score);
    all.retain(|one| one.score + SCORE_RANGE >= best);
    all.truncate(CORRECTIONS_MAX);
    let mut weight = 1.0;
    for correction in &mut all {
        correction.weight *= weight;
        weight *= WEIGHT_NEXT;
    }
    all
}

/// How likely a word is meant: how many products have it (a doubling counts 2), and how easily it is mistyped so.
fn score(word: &str, term: &Term, edits: usize) -> u32 {
    let frequent = 2 * (u32::BITS - term.surface_count.leading_zeros());
    let begins_alike = word.chars().next() == term.text.chars().next();
    let is_near = if edits == 1 { 12 } else { 0 };
    let slip = if is_swap(word, &term.text) || is_doubling(word, &term.text) { 3 } else { 0 };
    frequent + is_near + slip + if begins_alike { 6 } else { 0 }
}

/// Whether both have the same letters in another order.
fn is_swap(a: &str, b: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    a.len() == b.len() && sorted(a) == sorted(b)
}

/// Whether they are the same but for letters that are typed twice.
fn is_doubling(a: &str, b: &str) -> bool {
    let single = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.dedup();
        letters
    };
    a.len() != b.len() && single(a) == single(b)
}
