//! From what was typed to a plan, in this order: the words themselves, blanks that are missing or too many, spelling, longer words,
//! synonyms.

use super::spaces::Lookup;
use super::spelling::{self, Correction};
use super::synonyms::Synonyms;
use super::{
    About, Alternative, Group, Plan, Understood, Value, WORDS_MAX, What, Why, Word, expansions, numerals,
};
use crate::analysis::{Analyzer, Kind, Piece, Token, heads, measured};
use crate::matching::rarity;
use crate::measures::{self, Measures};
use crate::vocabulary::{TermNo, Vocabulary};
use std::ops::Range;

/// Letters of a query that are looked at.
const QUERY_LETTERS_MAX: usize = 2_000;
/// Alternatives of a word.
const ALTERNATIVES_MAX: usize = 32;
/// Words of the query that may be one word.
const JOINED_MAX: usize = 3;
/// A word in so few products may be a slip …
const THIN_MAX: u32 = 2;
/// … when one beside it, of so many letters, is in so many times more.
const THIN_LETTERS_MIN: usize = 5;
const THIN_RATIO: u32 = 50;
/// Fewest letters of a known word that is also looked for in parts, where words are written together.
const COMPOUND_LETTERS_MIN: usize = 7;

/// Attributes whose numbers a quantity may be.
const MEASURES_MAX: usize = 12;

const WEIGHT_PARTS: f32 = 0.8;
/// A number and a unit that stand anywhere are hardly that quantity.
const WEIGHT_QUANTITY_PARTS: f32 = 0.3;
const WEIGHT_JOINED: f32 = 0.95;
const WEIGHT_SPLIT: f32 = 0.9;
const WEIGHT_SPLIT_KNOWN: f32 = 0.6;

/// What may be done to a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Only what was typed: no correction, no synonym, nothing joined or split, no number in words.
    pub is_literal: bool,
}

/// Plans queries over a catalogue.
#[derive(Clone, Copy)]
pub struct Planner<'a> {
    /// Reads queries as the products were read.
    pub analyzer: &'a Analyzer,
    /// The words of the catalogue.
    pub vocabulary: &'a Vocabulary,
    /// In how many products a term stands.
    pub frequency: &'a dyn Fn(TermNo) -> u32,
    /// Number of products.
    pub products: u32,
    /// What the shop says means the same.
    pub synonyms: &'a Synonyms,
    /// What numbers of attributes are measured in.
    pub measures: &'a Measures,
    /// What reads products that are looked for as well and are in other languages than the query.
    pub beside: &'a [&'a Analyzer],
}

impl std::fmt::Debug for Planner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planner").finish_non_exhaustive()
    }
}

/// A plan in the making: what may stand for each word.
#[derive(Default)]
struct Draft {
    words: Vec<Vec<Alternative>>,
    /// Words that say what is asked for, a bit each.
    heads: u16,
    /// Words that name what it must have.
    values: u16,
}

impl Draft {
    fn add(&mut self, word: usize, alternative: Alternative) {
        let Some(alternatives) = self.words.get_mut(word) else { return };
        match alternatives.iter().position(|held| held.terms == alternative.terms) {
            Some(at) if alternatives[at].weight < alternative.weight => alternatives[at] = alternative,
            None if alternatives.len() < ALTERNATIVES_MAX => alternatives.push(alternative),
            _ => {}
        }
    }

    /// Adds what stands for several words together to each of them: a product that has it has them all, and is worth as much.
    fn add_all(&mut self, words: Range<usize>, alternative: &Alternative) {
        words.for_each(|word| self.add(word, alternative.clone()));
    }

    /// A group for each word that anything stands for. What stands for a known word in other words is worth no more than the
    /// word: `wh` and `1000` and `xm3` no more than `wh1000xm3`, a `smartwatch` no more than something smart.
    fn groups(mut self, rarity: impl Fn(TermNo) -> f32) -> Vec<Group> {
        let of = |alternative: &Alternative| alternative.terms.iter().map(|term| rarity(*term)).sum::<f32>();
        for alternatives in &mut self.words {
            let literal = alternatives.iter().find(|one| one.why == Why::Literal).map(of);
            let others =
                alternatives.iter_mut().filter(|one| !matches!(one.why, Why::Corrected | Why::Compound));
            for other in others {
                let own = of(other);
                other.weight *= literal.filter(|literal| *literal < own).map_or(1.0, |literal| literal / own);
            }
        }
        let some =
            (0..).zip(std::mem::take(&mut self.words)).filter(|(_, alternatives)| !alternatives.is_empty());
        some.map(|(word, alternatives)| Group {
            words: 1 << word,
            alternatives,
            is_head: self.heads >> word & 1 == 1,
            is_value: self.values >> word & 1 == 1,
        })
        .collect()
    }
}

impl<'a> Planner<'a> {
    /// The plan of a text.
    pub fn plan(&self, text: &str, options: Options) -> Plan {
        let pieces = self.pieces(text, options);
        self.plan_pieces(&pieces, &[], options)
    }

    /// What a query is read as: its beginning, where it is very long.
    pub fn pieces(&self, text: &str, options: Options) -> Vec<Piece> {
        let end = text.char_indices().nth(QUERY_LETTERS_MAX).map_or(text.len(), |(end, _)| end);
        let pieces = self.analyzer.pieces(&text[..end]);
        if options.is_literal { pieces } else { numerals::in_digits(self.analyzer, pieces) }
    }

    /// The plan of pieces of which some have been understood.
    pub fn plan_pieces(&self, pieces: &[Piece], understood: &[Understood], options: Options) -> Plan {
        let is_within = |at: &usize, holds: fn(&Understood) -> bool| {
            understood.iter().any(|one| holds(one) && one.pieces.contains(at))
        };
        let is_kept = |at: &usize| !is_within(at, |one| !one.is_searched);
        let is_apart = |at: usize| is_within(&at, Understood::is_apart);
        let head = (0..pieces.len()).find(|at| heads::is_head(self.analyzer, pieces, *at, is_apart));
        let all = (0..pieces.len()).filter(is_kept).filter(|at| !pieces[*at].readings.is_empty());
        let mut all: Vec<usize> = all.collect();
        let asks = |at: &&usize| !self.analyzer.is_stop(&pieces[**at].surface);
        if all.len() > WORDS_MAX {
            all.retain(|at| asks(&at));
        }
        let is_one = all.iter().filter(asks).count() < 2;
        let heads = all.iter().take(WORDS_MAX).position(|at| !is_one && Some(*at) == head);
        let heads = heads.map_or(0, |word| 1 << word);
        let names = |at: &usize| {
            let token = pieces[*at].readings.first().and_then(|reading| reading.first());
            is_within(at, |one| matches!(one.what, What::Value(_)))
                || token.is_some_and(|token| matches!(token.kind, Kind::Quantity | Kind::Number))
        };
        let values = (0..)
            .zip(all.iter().take(WORDS_MAX))
            .filter(|(_, at)| names(at))
            .fold(0_u16, |bits, (no, _)| bits | 1 << no);
        let counted = self.counted(pieces, understood, &all);
        let all: Vec<&Piece> = all.into_iter().map(|at| &pieces[at]).collect();
        let (kept, later) = all.split_at(all.len().min(WORDS_MAX));
        let mut words: Vec<Word> = kept.iter().map(|piece| self.typed(piece)).collect();
        // `vitamin a`: a last letter is what the words before it are about.
        if let Some(last) = words.last_mut().filter(|last| last.surface.len() == 1) {
            last.is_stop = false;
        }
        if words.iter().all(|word| word.is_stop) {
            words.iter_mut().for_each(|word| word.is_stop = false);
        }
        let mut draft = Draft { words: vec![Vec::new(); kept.len()], heads, values };
        let joined = if options.is_literal { Vec::new() } else { self.joins(kept, &words) };
        for (at, piece) in kept.iter().enumerate() {
            let is_joined = joined.iter().any(|(range, _)| range.contains(&at));
            let may_change = !options.is_literal && !words[at].is_stop && !is_joined;
            self.word(piece, &mut words[at], (at, may_change), &mut draft);
        }
        for (range, term) in joined {
            let alternative = Alternative { terms: vec![term], weight: WEIGHT_JOINED, why: Why::Joined };
            draft.add_all(range, &alternative);
        }
        if !options.is_literal {
            self.synonyms(kept, &words, &mut draft);
            counted.iter().for_each(|(word, term)| self.add_number(term, *word, &mut draft));
        }
        let rarity_of = |term| rarity(self.products, (self.frequency)(term));
        Plan {
            words,
            groups: draft.groups(rarity_of),
            left_out: later.iter().map(|piece| piece.surface.clone()).collect(),
        }
    }

    /// Words that are the number of something of which an attribute says how many there are: the `24` of `24 ports`.
    fn counted(&self, pieces: &[Piece], understood: &[Understood], words: &[usize]) -> Vec<(usize, String)> {
        let term = |one: &Understood| {
            let (word, number) =
                (words.iter().position(|at| *at == one.pieces.start)?, &pieces[one.pieces.start]);
            match &one.what {
                What::Value(Value { about: About::Attribute(name), text, .. }) if number.is_number() => {
                    let number = self.analyzer.number(text)?;
                    Some((word, measures::term(name, &number.text)))
                }
                _ => None,
            }
        };
        understood.iter().filter_map(term).collect()
    }

    fn lookup(&self) -> Lookup<'a> {
        Lookup { analyzer: self.analyzer, vocabulary: self.vocabulary, frequency: self.frequency }
    }

    fn typed(&self, piece: &Piece) -> Word {
        let is_stop = self.analyzer.is_stop(&piece.surface);
        Word { surface: piece.surface.clone(), corrected: None, is_stop }
    }

    /// Words beside each other that the catalogue knows as one.
    fn joins(&self, pieces: &[&Piece], words: &[Word]) -> Vec<(Range<usize>, TermNo)> {
        let lookup = self.lookup();
        let whole = |piece: &&Piece| match piece.readings.first().map(Vec::as_slice) {
            Some([token]) if token.kind != Kind::Quantity => Some(token.surface.clone()),
            _ => None,
        };
        let surfaces: Vec<Option<String>> = pieces.iter().map(whole).collect();
        let mut joins = Vec::new();
        for first in 0..pieces.len() {
            for last in first + 1..pieces.len().min(first + JOINED_MAX) {
                let range = first..last + 1;
                let surfaces: Option<Vec<&str>> =
                    surfaces[range.clone()].iter().map(Option::as_deref).collect();
                // `for a ll`: words that ask for nothing are not part of one, nor are numbers alone one number.
                let is_word = !words[range.clone()].iter().any(|word| word.is_stop && word.surface.len() > 1)
                    && !pieces[range.clone()].iter().all(|piece| piece.is_number());
                if let Some(term) = surfaces.filter(|_| is_word).and_then(|surfaces| lookup.joined(&surfaces))
                {
                    joins.push((range, term));
                }
            }
        }
        // `1000 xm3` says nothing where `wh 1000 xm3` does.
        let ranges: Vec<Range<usize>> = joins.iter().map(|(range, _)| range.clone()).collect();
        let is_within = |own: &Range<usize>, other: &Range<usize>| {
            own != other && other.start <= own.start && own.end <= other.end
        };
        joins.retain(|(range, _)| !ranges.iter().any(|other| is_within(range, other)));
        joins
    }

    /// What one word stands for: itself; else what it may be meant as.
    fn word(&self, piece: &Piece, word: &mut Word, (own, may_change): (usize, bool), draft: &mut Draft) {
        let lookup = self.lookup();
        let mut count = 0;
        for (at, reading) in piece.readings.iter().enumerate() {
            let known: Option<Vec<(TermNo, u32)>> =
                reading.iter().map(|token| lookup.term(&token.term)).collect();
            let Some(known) = known else { continue };
            count = count.max(known.iter().map(|(_, count)| *count).min().unwrap_or(0));
            let terms = known.into_iter().map(|(no, _)| no).collect();
            let is_quantity = piece.readings[0].first().is_some_and(|token| token.kind == Kind::Quantity);
            let weight = if at == 0 {
                1.0
            } else if is_quantity {
                WEIGHT_QUANTITY_PARTS
            } else {
                WEIGHT_PARTS
            };
            draft.add(own, Alternative { terms, weight, why: Why::Literal });
        }
        let Some([token]) = piece.readings.first().map(Vec::as_slice) else { return };
        if token.kind == Kind::Word {
            let beside = self.beside.iter().map(|analyzer| analyzer.stem(&token.surface));
            let beside = beside.filter(|stem| *stem != token.term).filter_map(|stem| lookup.term(&stem));
            let others = lookup.umlauts(&token.surface).into_iter().chain(beside.map(|(term, _)| term));
            for term in others {
                count += (self.frequency)(term);
                draft.add(own, Alternative { terms: vec![term], weight: 1.0, why: Why::Literal });
            }
        }
        if !may_change {
            return;
        }
        if token.kind == Kind::Quantity {
            self.measured(token, own, draft);
        }
        if token.kind == Kind::Word && piece.readings.len() == 1 {
            self.changed(token, word, (own, count), draft);
        } else if count == 0 && token.kind != Kind::Quantity {
            self.changed_parts(piece, word, own, draft);
        }
    }

    /// A quantity as the number of an attribute that is measured so.
    fn measured(&self, token: &Token, own: usize, draft: &mut Draft) {
        let Some((_, base)) = measured(&token.term) else { return };
        let terms = self.measures.of(base).into_iter().take(MEASURES_MAX);
        for term in terms.flat_map(|measure| measure.equal(&token.term)) {
            self.add_number(&term, own, draft);
        }
    }

    /// A number as that of an attribute.
    fn add_number(&self, term: &str, own: usize, draft: &mut Draft) {
        if let Some((no, _)) = self.lookup().term(term) {
            draft.add(own, Alternative { terms: vec![no], weight: 1.0, why: Why::Literal });
        }
    }

    /// A word of letters, in parts, as others end in it, and corrected.
    fn changed(&self, token: &Token, word: &mut Word, (own, count): (usize, u32), draft: &mut Draft) {
        let lookup = self.lookup();
        let letters = token.surface.chars().count();
        let is_whole = count > 0 && !(lookup.compounds() && letters >= COMPOUND_LETTERS_MIN);
        if let Some(terms) = lookup.parts(&token.surface).filter(|_| !is_whole) {
            let weight = if count == 0 { WEIGHT_SPLIT } else { WEIGHT_SPLIT_KNOWN };
            draft.add(own, Alternative { terms, weight, why: Why::Split });
        }
        let longer = expansions::compounds(&lookup, self.products, &token.surface);
        let is_known = count > 0 || !longer.is_empty();
        longer.into_iter().for_each(|alternative| draft.add(own, alternative));
        for correction in self.corrections(&token.surface, letters, if is_known { count.max(1) } else { 0 }) {
            let Correction { surface, weight, .. } = correction;
            // One that no product has which is looked for is a word of another language.
            let Some((term, _)) = lookup.word(surface) else { continue };
            word.corrected.get_or_insert_with(|| surface.to_owned());
            draft.add(own, Alternative { terms: vec![term], weight, why: Why::Corrected });
        }
    }

    /// For a word that the catalogue does not know what is nearest; for one that it hardly knows only what is evidently meant.
    fn corrections(&self, surface: &str, letters: usize, count: u32) -> Vec<Correction<'a>> {
        match count {
            0 => spelling::corrections(self.vocabulary, surface),
            1..=THIN_MAX if letters >= THIN_LETTERS_MIN => {
                let mut near = spelling::within(self.vocabulary, surface, 1);
                let first = surface.chars().next();
                near.retain(|near| near.count >= THIN_RATIO * count && near.surface.chars().next() == first);
                near.truncate(1);
                near
            }
            _ => Vec::new(),
        }
    }

    /// A code or a hyphened word of which the catalogue does not know a part: that part corrected.
    fn changed_parts(&self, piece: &Piece, word: &mut Word, own: usize, draft: &mut Draft) {
        let lookup = self.lookup();
        let Some(reading) = piece.readings.last().filter(|reading| reading.len() > 1) else { return };
        let (mut terms, mut surfaces, mut weight) = (Vec::new(), Vec::new(), WEIGHT_PARTS);
        for token in reading {
            let corrected = match lookup.term(&token.term) {
                Some((no, _)) => Some((no, token.surface.as_str(), 1.0)),
                None if token.kind == Kind::Word => {
                    let mut near = spelling::corrections(self.vocabulary, &token.surface).into_iter();
                    near.find_map(|one| lookup.word(one.surface).map(|(no, _)| (no, one.surface, one.weight)))
                }
                None => None,
            };
            let Some((term, surface, factor)) = corrected else { return };
            terms.push(term);
            surfaces.push(surface);
            weight *= factor;
        }
        word.corrected = Some(surfaces.join(" "));
        draft.add(own, Alternative { terms, weight, why: Why::Corrected });
    }

    /// What the shop says that words of the query also mean.
    fn synonyms(&self, pieces: &[&Piece], words: &[Word], draft: &mut Draft) {
        let lookup = self.lookup();
        let term = |(piece, word): (&&Piece, &Word)| match &word.corrected {
            Some(corrected) => self.analyzer.stem(corrected),
            None => piece.readings[0].first().map(|token| token.term.clone()).unwrap_or_default(),
        };
        let terms: Vec<String> = pieces.iter().zip(words).map(term).collect();
        let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
        for first in 0..terms.len() {
            for (length, phrases, weight) in self.synonyms.at(&terms[first..]) {
                for phrase in phrases {
                    let known: Option<Vec<TermNo>> =
                        phrase.iter().map(|term| lookup.term(term).map(|(no, _)| no)).collect();
                    if let Some(terms) = known {
                        let alternative = Alternative { terms, weight, why: Why::Synonym };
                        draft.add_all(first..first + length, &alternative);
                    }
                }
            }
        }
    }
}
