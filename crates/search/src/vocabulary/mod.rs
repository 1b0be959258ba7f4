//! The words that the catalogue knows, with dense numbers that never change. Copy-on-write in shards, so that a published
//! snapshot shares with the one writer whatever was not touched since.

mod shelves;

use bespoke_models::cow::CowVec;
use rustc_hash::{FxHashMap, FxHasher};
use serde::{Deserialize, Serialize};
use shelves::Shelves;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

/// Number of a term, dense from 0 in order of first sight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct TermNo(pub u32);

/// Parts of the table from term to number, each copied when it changes.
const SHARDS: usize = 256;

/// What is known of a term.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// How it is written.
    pub text: Arc<str>,
    /// The term that it is stemmed to; itself where it is one. Of several, by the languages of products, the one that most have: where no
    /// product has the word any more it says nothing.
    pub stem: TermNo,
    /// Products that have it written so, unstemmed, outside descriptions and codes: what spelling is corrected to.
    pub surface_count: u32,
    /// Whether it is on a shelf.
    is_shelved: bool,
}

/// All terms.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    terms: CowVec<Option<Term>, 1024>,
    shards: Vec<Arc<FxHashMap<Arc<str>, TermNo>>>,
    /// Words that were ever counted as they are written.
    shelves: Shelves,
    /// Words that languages of products stem otherwise: each of their stems, with how many products have the word stemmed so.
    stems: Arc<FxHashMap<TermNo, Vec<(TermNo, u32)>>>,
}

impl Vocabulary {
    /// Number of terms.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The number of a term.
    pub fn get(&self, text: &str) -> Option<TermNo> {
        self.shards.get(shard(text))?.get(text).copied()
    }

    /// What is known of a term.
    pub fn term(&self, no: TermNo) -> Option<&Term> {
        self.terms.get(no.0 as usize)?.as_ref()
    }

    /// All terms, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (TermNo, &Term)> {
        (0..).map(TermNo).zip(self.terms.iter().filter_map(Option::as_ref))
    }

    /// The number of a term that is its own stem, given to it where it has none.
    pub fn number(&mut self, text: &str) -> TermNo {
        if let Some(no) = self.get(text) {
            return no;
        }
        let no = TermNo(self.terms.len() as u32);
        let text: Arc<str> = text.into();
        self.terms.push(Some(Term { text: text.clone(), stem: no, surface_count: 0, is_shelved: false }));
        if self.shards.is_empty() {
            self.shards = vec![Arc::default(); SHARDS];
        }
        if let Some(held) = self.shards.get_mut(shard(&text)) {
            Arc::make_mut(held).insert(text, no);
        }
        no
    }

    /// Whether [`Vocabulary::count_surface`] was ever told of a word written so: its place on the shelves stands.
    pub fn is_counted(&self, text: &str) -> bool {
        self.get(text).and_then(|no| self.term(no)).is_some_and(|term| term.is_shelved)
    }

    /// Notes that a product has (`by` 1) or no longer has (`by` -1) a word written so, which is stemmed to `stem`.
    pub fn count_surface(&mut self, text: &str, stem: TermNo, by: i32) {
        let no = self.number(text);
        let has_several = self.stems.contains_key(&no);
        let Some(Some(term)) = self.terms.get_mut(no.0 as usize) else { return };
        let is_first = !std::mem::replace(&mut term.is_shelved, true);
        if !is_first && (has_several || term.stem != stem) {
            return self.count_stem(no, stem, by);
        }
        term.stem = stem;
        term.surface_count = term.surface_count.saturating_add_signed(by);
        if is_first {
            self.shelve(no, stem);
        }
    }

    /// The same of a word with several stems. That of it which stands for it, of those that as many products have, is the first by its
    /// letters: what came first is forgotten at a restart.
    fn count_stem(&mut self, no: TermNo, stem: TermNo, by: i32) {
        let Some(term) = self.term(no) else { return };
        let own = (term.stem, term.surface_count);
        let stems = Arc::make_mut(&mut self.stems).entry(no).or_insert_with(|| vec![own]);
        let is_new = !stems.iter().any(|(held, _)| *held == stem);
        if is_new {
            stems.push((stem, 0));
        }
        for (_, count) in stems.iter_mut().filter(|(held, _)| *held == stem) {
            *count = count.saturating_add_signed(by);
        }
        let text = |no: TermNo| self.terms.get(no.0 as usize).and_then(Option::as_ref).map(|term| &term.text);
        let most = stems.iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| text(b.0).cmp(&text(a.0))));
        let (most, all) = (most.map_or(stem, |(stem, _)| *stem), stems.iter().map(|(_, count)| count).sum());
        if let Some(Some(term)) = self.terms.get_mut(no.0 as usize) {
            (term.stem, term.surface_count) = (most, all);
        }
        if is_new {
            self.shelve(no, stem);
        }
    }

    fn shelve(&mut self, no: TermNo, stem: TermNo) {
        let text =
            |no: TermNo| self.terms.get(no.0 as usize).and_then(Option::as_ref).map(|term| &*term.text);
        if let (Some(word), Some(stem)) = (text(no), text(stem)) {
            self.shelves.put(no, word, stem);
        }
    }

    /// Words that products have written so, and that may be `edits` letters (1 or 2) away from `word`: all that are and some that
    /// are not; at two edits only those with the same first letter.
    pub fn near<'a>(&'a self, word: &str, edits: usize, mut found: impl FnMut(TermNo, &'a Term)) {
        self.shelves.near(word, edits, |no| self.tell(no, &mut found));
    }

    /// Words that products have written so, of which the stem may end with `suffix` and is longer by `more` letters or more.
    pub fn ending<'a>(&'a self, suffix: &str, more: usize, mut found: impl FnMut(TermNo, &'a Term)) {
        self.shelves.ending(suffix, more, |no| self.tell(no, &mut found));
    }

    fn tell<'a>(&'a self, no: TermNo, found: &mut impl FnMut(TermNo, &'a Term)) {
        if let Some(term) = self.term(no).filter(|term| term.surface_count > 0) {
            found(no, term);
        }
    }
}

fn shard(text: &str) -> usize {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    (hasher.finish() >> 56) as usize % SHARDS
}
