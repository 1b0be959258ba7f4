//! The order of phrases, and how they are found. Phrases are numbered anew by their order (`rank`), words by the alphabet: what
//! begins alike is a range of words, whose lists of ranks stand one after the other.

use super::letters::{EDIT_MIN, begins};
use super::{Hit, Phrases, Typed, WORDS_MAX};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;
use std::sync::Arc;

/// Best phrases written down of a beginning with many.
const TOP: usize = 256;
/// So many phrases are many: those of rarer beginnings are gone through when they are asked for.
const MANY: usize = 4_096;
/// Phrases gone through for several words, at most.
const SCAN_MAX: usize = 20_000;

/// Phrases in their order.
#[derive(Clone, Debug, Default)]
pub struct Index {
    base: Arc<Base>,
    /// Phrases that came or changed since the base was made, with their words.
    fresh: Arc<Vec<(u32, Vec<Arc<str>>)>>,
    /// Their numbers.
    changed: Arc<FxHashSet<u32>>,
}

#[derive(Debug, Default)]
struct Base {
    /// All words in the order of the alphabet, one after the other, and where each ends.
    letters: String,
    ends: Vec<u32>,
    /// Ranks by word, each list ascending, one after the other; and where each begins.
    ranks: Vec<u32>,
    begins: Vec<u32>,
    /// Phrases by rank, their words and where each one's words begin.
    order: Vec<u32>,
    words: Vec<u32>,
    words_begin: Vec<u32>,
    /// The best of beginnings with many phrases.
    tops: FxHashMap<Box<str>, u32>,
    top_ranks: Vec<Vec<u32>>,
}

impl Index {
    /// An index of phrases in `order`, the best first; those that are not in it are not found.
    pub fn new(phrases: &Phrases, order: Vec<u32>) -> Self {
        Self { base: Arc::new(Base::new(phrases, order)), ..Self::default() }
    }

    /// The same with phrases that came or changed since.
    #[must_use]
    pub fn with_fresh(&self, phrases: &Phrases, changed: &FxHashSet<u32>) -> Self {
        let mut numbers: Vec<u32> = changed.iter().copied().collect();
        numbers.sort_unstable();
        let words =
            |no: u32| phrases.of(no).iter().map(|word| phrases.words[*word as usize].clone()).collect();
        let fresh = numbers.into_iter().map(|no| (no, words(no))).collect();
        Self { base: self.base.clone(), fresh: Arc::new(fresh), changed: Arc::new(changed.clone()) }
    }

    /// Number of phrases in order.
    pub fn len(&self) -> usize {
        self.base.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.base.order.is_empty() && self.fresh.is_empty()
    }

    /// Phrases that hold what was typed, those to the letter first, of each the best first: at most `limit` and those that
    /// are fresh. Where `enough` are found to the letter, no others are looked for.
    pub fn find(&self, typed: &Typed, limit: usize, enough: usize) -> Vec<Hit> {
        if typed.words.is_empty() {
            return Vec::new();
        }
        let limit = limit.min(TOP);
        let mut hits: Vec<Hit> = self.fresh_hits(typed);
        let exact = self.base.find(typed, limit, Nearness::ToTheLetter);
        hits.extend(self.known(&exact, true));
        if hits.iter().filter(|hit| hit.is_exact).count() < enough {
            let near = self.base.find(typed, limit, Nearness::OneEdit);
            let new: Vec<u32> = near.into_iter().filter(|rank| !exact.contains(rank)).collect();
            hits.extend(self.known(&new, false));
        }
        hits.sort_by_key(|hit| !hit.is_exact);
        hits
    }

    fn known<'a>(&'a self, ranks: &'a [u32], is_exact: bool) -> impl Iterator<Item = Hit> + 'a {
        let phrases = ranks.iter().map(|rank| self.base.order[*rank as usize]);
        let current = phrases.filter(|phrase| !self.changed.contains(phrase));
        current.map(move |phrase| Hit { phrase, is_exact })
    }

    fn fresh_hits(&self, typed: &Typed) -> Vec<Hit> {
        let hit = |(phrase, words): &(u32, Vec<Arc<str>>)| {
            let mut is_exact = true;
            let mut taken = vec![false; words.len()];
            for typed in &typed.words {
                let free = words.iter().enumerate().filter(|(at, _)| !taken[*at]);
                let found = free.filter_map(|(at, word)| Some((at, begins(word, typed)?.1)));
                let (at, exact) = found.min_by_key(|(_, exact)| !exact)?;
                (taken[at], is_exact) = (true, is_exact && exact);
            }
            Some(Hit { phrase: *phrase, is_exact })
        };
        self.fresh.iter().filter_map(hit).collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Nearness {
    ToTheLetter,
    OneEdit,
}

/// Words that one typed word may stand for.
#[derive(Debug, Default)]
struct Meant {
    /// By their numbers; apart from each other, ascending.
    ranges: Vec<Range<u32>>,
    /// Length of their lists.
    count: usize,
    /// Whether it is a single word, whose list is in order.
    is_one: bool,
}

impl Meant {
    fn holds(&self, word: u32) -> bool {
        self.ranges.iter().any(|range| range.contains(&word))
    }
}

impl Base {
    fn new(phrases: &Phrases, order: Vec<u32>) -> Self {
        let mut sorted: Vec<u32> = (0..phrases.words.len() as u32).collect();
        sorted.sort_unstable_by(|a, b| phrases.words[*a as usize].cmp(&phrases.words[*b as usize]));
        let mut places = vec![0_u32; sorted.len()];
        let mut base = Self { order, ..Self::default() };
        for (place, word) in (0..).zip(&sorted) {
            places[*word as usize] = place;
            base.letters.push_str(&phrases.words[*word as usize]);
            base.ends.push(base.letters.len() as u32);
        }
        let mut counts = vec![0_u32; sorted.len() + 1];
        for phrase in &base.order {
            base.words_begin.push(base.words.len() as u32);
            for word in phrases.of(*phrase) {
                let place = places[*word as usize];
                counts[place as usize + 1] += 1;
                base.words.push(place);
            }
        }
        base.words_begin.push(base.words.len() as u32);
        (1..counts.len()).for_each(|at| counts[at] += counts[at - 1]);
        base.ranks = vec![0; base.words.len()];
        let mut next = counts.clone();
        for rank in 0..base.order.len() {
            for at in base.words_begin[rank]..base.words_begin[rank + 1] {
                let place = base.words[at as usize] as usize;
                base.ranks[next[place] as usize] = rank as u32;
                next[place] += 1;
            }
        }
        base.begins = counts;
        base.write_tops();
        base
    }

    /// Writes down the best of each beginning with many phrases.
    fn write_tops(&mut self) {
        // Of each word its longest beginning with many, and of each beginning the next shorter one.
        let (mut of_word, mut shorter) = (vec![u32::MAX; self.ends.len()], Vec::new());
        let mut waiting = vec![(0..self.ends.len() as u32, 0_usize, u32::MAX)];
        while let Some((range, length, above)) = waiting.pop() {
            for part in self.parts(&range, length) {
                let is_many =
                    (self.begins[part.end as usize] - self.begins[part.start as usize]) as usize > MANY;
                if !is_many {
                    continue;
                }
                let first = self.word(part.start);
                let letter = first[length..].chars().next().map_or(0, char::len_utf8);
                let node = shorter.len() as u32;
                shorter.push(above);
                self.tops.insert(first[..length + letter].into(), node);
                of_word[part.start as usize..part.end as usize].fill(node);
                waiting.push((part, length + letter, node));
            }
        }
        let mut tops: Vec<Vec<u32>> = vec![Vec::new(); shorter.len()];
        for rank in 0..self.order.len() {
            for at in self.words_begin[rank]..self.words_begin[rank + 1] {
                let mut node = of_word[self.words[at as usize] as usize];
                while let Some(top) = tops.get_mut(node as usize) {
                    if top.len() < TOP && top.last() != Some(&(rank as u32)) {
                        top.push(rank as u32);
                    }
                    node = shorter[node as usize];
                }
            }
        }
        self.top_ranks = tops;
    }

    /// The words of a range, which begin with the same `length` bytes, by their next letter; one that ends there is left out.
    fn parts(&self, range: &Range<u32>, length: usize) -> Vec<Range<u32>> {
        let mut parts = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let word = self.word(at);
            let Some(letter) = word[length..].chars().next() else {
                at += 1;
                continue;
            };
            let beginning = &word[..length + letter.len_utf8()];
            let end = self.end_of(at..range.end, beginning);
            parts.push(at..end);
            at = end;
        }
        parts
    }

    fn word(&self, no: u32) -> &str {
        let start = if no == 0 { 0 } else { self.ends[no as usize - 1] };
        &self.letters[start as usize..self.ends[no as usize] as usize]
    }

    /// Where words that begin so end, within a range whose first one does.
    fn end_of(&self, range: Range<u32>, beginning: &str) -> u32 {
        self.first(range, |word| !word.starts_with(beginning) && word > beginning)
    }

    /// Words that begin so, within a range.
    fn range(&self, within: &Range<u32>, beginning: &str) -> Range<u32> {
        let start = self.first(within.clone(), |word| word >= beginning);
        start..self.end_of(start..within.end, beginning)
    }

    /// The first word of a range of which this holds, as of all that follow it.
    fn first(&self, range: Range<u32>, holds: impl Fn(&str) -> bool) -> u32 {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.word(middle)) { high = middle } else { low = middle + 1 }
        }
        low
    }

    fn count(&self, range: &Range<u32>) -> usize {
        (self.begins[range.end as usize] - self.begins[range.start as usize]) as usize
    }

    fn list(&self, range: &Range<u32>) -> &[u32] {
        &self.ranks[self.begins[range.start as usize] as usize..self.begins[range.end as usize] as usize]
    }

    /// The best phrases that hold all that was typed, by rank.
    fn find(&self, typed: &Typed, limit: usize, near: Nearness) -> Vec<u32> {
        if self.order.is_empty() {
            return Vec::new();
        }
        let last = typed.words.len() - 1;
        let meant = |(at, word): (usize, &String)| self.meant(word, at < last || typed.is_over, near);
        let meant: Vec<Meant> = typed.words.iter().enumerate().map(meant).collect();
        let Some(rarest) = meant.iter().min_by_key(|one| one.count).filter(|one| one.count > 0) else {
            return Vec::new();
        };
        if let [one] = &meant[..] {
            return self.best(one, limit);
        }
        let holds_all = |rank: &u32| {
            let words = &self.words
                [self.words_begin[*rank as usize] as usize..self.words_begin[*rank as usize + 1] as usize];
            let mut taken = 0_u32;
            meant.iter().all(|one| {
                let free = (0..words.len()).find(|at| taken >> at & 1 == 0 && one.holds(words[*at]));
                free.inspect(|at| taken |= 1 << at).is_some()
            })
        };
        if rarest.count <= SCAN_MAX {
            let lists = rarest.ranges.iter().flat_map(|range| self.list(range));
            return smallest(lists.copied().filter(|rank| holds_all(rank)).collect(), limit);
        }
        // Too many to go through: the best of them are.
        let in_order = meant.iter().filter(|one| one.is_one).min_by_key(|one| one.count);
        match in_order {
            Some(one) => {
                let list = self.list(&one.ranges[0]).iter().take(SCAN_MAX);
                list.copied().filter(holds_all).take(limit).collect()
            }
            None => self.best(rarest, TOP).into_iter().filter(holds_all).take(limit).collect(),
        }
    }

    /// The best phrases with one of these words.
    fn best(&self, meant: &Meant, limit: usize) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        for range in &meant.ranges {
            if range.len() == 1 {
                found.extend(self.list(range).iter().take(limit));
            } else if self.count(range) <= MANY {
                found.extend(self.list(range));
            } else {
                found.extend(self.top(range));
            }
        }
        smallest(found, limit)
    }

    /// The best of a range with many phrases: it is a beginning, whose best are written down.
    fn top(&self, range: &Range<u32>) -> &[u32] {
        let (first, last) = (self.word(range.start), self.word(range.end - 1));
        let shared = first.chars().zip(last.chars()).take_while(|(a, b)| a == b);
        let length = shared.map(|(letter, _)| letter.len_utf8()).sum::<usize>();
        let node = self.tops.get(&first[..length]).and_then(|node| self.top_ranks.get(*node as usize));
        node.map_or(&[], Vec::as_slice)
    }

    /// What a typed word may stand for: itself where it is over, else what begins with it.
    fn meant(&self, typed: &str, is_over: bool, near: Nearness) -> Meant {
        let all = 0..self.ends.len() as u32;
        let begun = self.range(&all, typed);
        let is_word = !begun.is_empty() && self.word(begun.start) == typed;
        let itself = begun.start..begun.start + 1;
        let mut ranges = match near {
            Nearness::OneEdit if !(is_over && is_word) => self.one_edit(typed),
            _ => Vec::new(),
        };
        ranges.push(if is_over && is_word { itself } else { begun });
        ranges.retain(|range| !range.is_empty());
        ranges.sort_unstable_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
        // Ranges of beginnings lie within each other or apart.
        let mut apart: Vec<Range<u32>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            if apart.last().is_none_or(|last| range.start >= last.end) {
                apart.push(range);
            }
        }
        let count = apart.iter().map(|range| self.count(range)).sum();
        let is_one = matches!(&apart[..], [one] if one.len() == 1);
        Meant { ranges: apart, count, is_one }
    }

    /// Beginnings of which `typed` is one edit away, its first letter right.
    fn one_edit(&self, typed: &str) -> Vec<Range<u32>> {
        let letters: Vec<char> = typed.chars().collect();
        if letters.len() < EDIT_MIN {
            return Vec::new();
        }
        let text = |letters: &[char]| letters.iter().collect::<String>();
        let mut ranges = Vec::new();
        let mut within = 0..self.ends.len() as u32;
        for at in 1..letters.len() {
            let (before, rest) = (text(&letters[..at]), text(&letters[at..]));
            within = self.range(&within, &before);
            if within.is_empty() {
                break;
            }
            // A letter too many; at the end that stands for another one there too.
            ranges.push(self.range(&within, &format!("{before}{}", text(&letters[at + 1..]))));
            if at + 1 == letters.len() {
                break;
            }
            let swapped = [letters[at + 1], letters[at]];
            ranges.push(
                self.range(&within, &format!("{before}{}{}", text(&swapped), text(&letters[at + 2..]))),
            );
            let after = text(&letters[at + 1..]);
            for part in self.parts(&within, before.len()) {
                let word = self.word(part.start);
                let Some(letter) =
                    word[before.len()..].chars().next().filter(|letter| *letter != letters[at])
                else {
                    continue;
                };
                ranges.push(self.range(&part, &format!("{before}{letter}{after}")));
                ranges.push(self.range(&part, &format!("{before}{letter}{rest}")));
            }
        }
        ranges
    }
}

/// The smallest numbers, ascending, each once.
fn smallest(mut numbers: Vec<u32>, limit: usize) -> Vec<u32> {
    // Each may stand there as often as a phrase has words.
    let most = limit * WORDS_MAX;
    if numbers.len() > 2 * most {
        numbers.select_nth_unstable(most);
        numbers.truncate(most);
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers.truncate(limit);
    numbers
}
