//! The catalogue's words by their length, in columns small enough to look through all of them for each word of a query: which
//! letters they have, how they begin, how they end.

use super::TermNo;
use bespoke_models::cow::CowVec;

/// Words with more letters are not looked for.
pub(super) const LETTERS_MAX: usize = 32;
/// Rows looked at together.
const STRIDE: usize = 16;
/// Bits of a mask that stand for letters; those above are the first letter's number.
const LETTER_BITS: u32 = 27;

/// Columns of words with the same number of letters.
#[derive(Clone, Debug, Default)]
struct Shelf {
    /// Which letters a word has, and its first.
    masks: CowVec<u32, 4096>,
    /// How it begins: four letters, a byte each, the first one highest.
    heads: CowVec<u32, 4096>,
    /// How its stem ends, the last letter lowest.
    tails: CowVec<u32, 4096>,
    terms: CowVec<TermNo, 4096>,
}

/// Words by their number of letters. They only come: those that no product has any more are left out by who asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelves(Vec<Shelf>);

impl Shelves {
    /// Puts a word on its shelf, with what it is stemmed to.
    pub fn put(&mut self, term: TermNo, word: &str, stem: &str) {
        let letters = word.chars().count();
        if !(1..=LETTERS_MAX).contains(&letters) {
            return;
        }
        if self.0.is_empty() {
            self.0 = vec![Shelf::default(); LETTERS_MAX + 1];
        }
        if let Some(shelf) = self.0.get_mut(letters) {
            shelf.masks.push(mask(word));
            shelf.heads.push(head(word).0);
            shelf.tails.push(tail(stem).0);
            shelf.terms.push(term);
        }
    }

    /// Words that may be `edits` letters (1 or 2) away from `word`: all that are, and some that are not. At two edits only those
    /// that begin with the same letter.
    pub fn near(&self, word: &str, edits: usize, mut found: impl FnMut(TermNo)) {
        let letters = word.chars().count();
        let own = mask(word);
        for length in letters.saturating_sub(edits).max(1)..=letters + edits {
            let Some(shelf) = self.0.get(length) else { continue };
            let bits = 2 * edits - length.abs_diff(letters);
            let kept = if edits > 1 { u32::MAX } else { (1 << LETTER_BITS) - 1 };
            match bits {
                1 => scan(&shelf.masks, &shelf.terms, |mask| has_bits::<1>((mask ^ own) & kept), &mut found),
                2 => scan(&shelf.masks, &shelf.terms, |mask| differs::<2>(mask ^ own, kept), &mut found),
                3 => scan(&shelf.masks, &shelf.terms, |mask| differs::<3>(mask ^ own, kept), &mut found),
                _ => scan(&shelf.masks, &shelf.terms, |mask| differs::<4>(mask ^ own, kept), &mut found),
            }
        }
    }

    /// Words of which the stem may end with `suffix` and is longer by `more` letters or more: its last four letters do.
    pub fn ending(&self, suffix: &str, more: usize, mut found: impl FnMut(TermNo)) {
        let (own, kept) = tail(suffix);
        for shelf in self.0.iter().skip(suffix.chars().count() + more) {
            scan(&shelf.tails, &shelf.terms, |tail| tail & kept == own, &mut found);
        }
    }
}

/// Tells of every row that passes. Whole strides are refused at once, which is what most are.
fn scan(
    column: &CowVec<u32, 4096>,
    terms: &CowVec<TermNo, 4096>,
    passes: impl Fn(u32) -> bool,
    found: &mut impl FnMut(TermNo),
) {
    for (rows, terms) in column.chunks().zip(terms.chunks()) {
        for (rows, terms) in rows.chunks(STRIDE).zip(terms.chunks(STRIDE)) {
            if rows.iter().fold(false, |any, row| any | passes(*row)) {
                for (_, term) in rows.iter().zip(terms).filter(|(row, _)| passes(**row)) {
                    found(*term);
                }
            }
        }
    }
}

/// Whether at most `N` letters differ, and, where all bits are kept, the first one does not.
#[inline]
fn differs<const N: usize>(difference: u32, kept: u32) -> bool {
    let letters = difference & ((1 << LETTER_BITS) - 1);
    let first = (difference & kept) >> LETTER_BITS;
    first == 0 && has_bits::<N>(letters)
}

/// Whether at most `N` bits are set.
#[inline]
fn has_bits<const N: usize>(mut bits: u32) -> bool {
    for _ in 0..N {
        bits &= bits.wrapping_sub(1);
    }
    bits == 0
}

/// The number of a letter: those of other scripts share numbers, all other signs have the last.
fn letter(c: char) -> u32 {
    match c {
        'a'..='z' => u32::from(c) - u32::from('a'),
        c if c.is_alphabetic() => u32::from(c) % 26,
        _ => 26,
    }
}

fn mask(word: &str) -> u32 {
    let letters = word.chars().fold(0, |mask, c| mask | 1 << letter(c));
    letters | word.chars().next().map_or(0, letter) << LETTER_BITS
}

fn byte(c: char) -> u32 {
    if c.is_ascii() { u32::from(c) } else { 0x80 | u32::from(c) & 0x7f }
}

/// The first four letters, and which bits of them there are.
fn head(word: &str) -> (u32, u32) {
    let put = |(head, kept, at): (u32, u32, u32), c| {
        (head | byte(c) << at, kept | 0xff << at, at.saturating_sub(8))
    };
    let (head, kept, _) = word.chars().take(4).fold((0, 0, 24), put);
    (head, kept)
}

/// The last four letters, and which bits of them there are.
fn tail(word: &str) -> (u32, u32) {
    let put = |(tail, kept, at): (u32, u32, u32), c| (tail | byte(c) << at, kept | 0xff << at, at + 8);
    let (tail, kept, _) = word.chars().rev().take(4).fold((0, 0, 0), put);
    (tail, kept)
}
