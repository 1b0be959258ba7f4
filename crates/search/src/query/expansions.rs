//! Longer words that a word stands for: those that end in it (`maschine` in `kaffeemaschine`). Together they count as one word: each
//! as rare as all of them are.

use super::spaces::Lookup;
use super::{Alternative, Why};
use crate::matching::rarity;
use crate::vocabulary::{Term, TermNo};

/// Expansions of a word: those that most products have.
const EXPANSIONS_MAX: usize = 16;
/// Fewest letters of a word that others end in, and of what stands before it there.
const SUFFIX_LETTERS_MIN: usize = 4;
const BEFORE_LETTERS_MIN: usize = 3;
/// What a word that ends in it counts.
const WEIGHT_COMPOUND: f32 = 0.6;

/// Words that end in `word`, where words are written together.
pub(super) fn compounds(lookup: &Lookup<'_>, products: u32, word: &str) -> Vec<Alternative> {
    let stem = lookup.analyzer.stem(word);
    if !lookup.compounds() || stem.chars().count() < SUFFIX_LETTERS_MIN {
        return Vec::new();
    }
    let mut found = Vec::new();
    lookup.vocabulary.ending(&stem, BEFORE_LETTERS_MIN, |_, term| {
        let whole = lookup.vocabulary.term(term.stem).map_or("", |stem| &stem.text);
        let before = whole.strip_suffix(stem.as_str()).unwrap_or_default();
        // What cannot be spoken is no word: `sch` of `schlampe`.
        if before.len() >= BEFORE_LETTERS_MIN && before.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
            found.push(term);
        }
    });
    let own = lookup.term(&stem).map_or(0, |(_, count)| count);
    alternatives(lookup, products, own, found)
}

fn alternatives(lookup: &Lookup<'_>, products: u32, own: u32, mut found: Vec<&Term>) -> Vec<Alternative> {
    let by_count = |one: &&Term, other: &&Term| {
        other.surface_count.cmp(&one.surface_count).then_with(|| one.text.cmp(&other.text))
    };
    // Some more than are kept: several forms of one word are one term.
    let kept = 3 * EXPANSIONS_MAX;
    if found.len() > kept {
        found.select_nth_unstable_by(kept, by_count);
        found.truncate(kept);
    }
    found.sort_unstable_by(by_count);
    let mut terms: Vec<(TermNo, u32)> = Vec::new();
    for term in found {
        let count = (lookup.frequency)(term.stem);
        if count > 0 && terms.len() < EXPANSIONS_MAX && !terms.iter().any(|(held, _)| *held == term.stem) {
            terms.push((term.stem, count));
        }
    }
    let all = terms.iter().fold(own, |all, (_, count)| all.saturating_add(*count)).min(products);
    let alternative = |(term, count): (TermNo, u32)| {
        let share = rarity(products, all) / rarity(products, count).max(f32::MIN_POSITIVE);
        Alternative { terms: vec![term], weight: WEIGHT_COMPOUND * share.min(1.0), why: Why::Compound }
    };
    terms.into_iter().map(alternative).collect()
}
