//! From hits to results: how much of the query a product covers, how much it must cover, and the order. A query that few products
//! cover whole is relaxed: the word that tells least is given up first, and what was given up is said.

use crate::index::Index;
use crate::matching::{Hit, Weights, rarity};
use crate::query::{Alternative, Group, Plan, Why};
use std::cmp::Ordering;

/// What a word that names a value tells at least, as a share of what the query's words tell on the average.
const VALUE_SHARE: f32 = 2.0;
/// Sets of words that are looked for one after the other, before hits are put in order by them: mostly the first is enough.
const SCANNED: usize = 4;

/// How much of a query results must cover.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Coverage {
    shares: Shares,
    needed: f32,
    /// How much of what the query asks for the best product has that may be shown, 0 to 1, by the rarity of its words. Words that the
    /// catalogue does not know count; those with digits in them do not: no other words mean the same.
    pub covered: f32,
    /// The same of those words alone that the catalogue knows.
    pub known: f32,
    /// By set of words: what scores are multiplied by.
    factors: Vec<f32>,
    /// Known words of the query that even the best result lacks, a bit each: no product has all.
    pub given_up: u16,
    /// Words of the query that the catalogue does not know.
    pub unknown: u16,
}

impl Coverage {
    /// As much as can be asked for while at least `enough` hits cover it, one of them a result. `look` says of a hit whether it may be a
    /// result; `None` where it may not be shown at all. It is asked only as often as it takes.
    pub fn new(
        index: &Index,
        plan: &Plan,
        weights: &Weights,
        (hits, enough): (&[Hit], usize),
        look: impl FnMut(&Hit) -> Option<bool>,
    ) -> Self {
        let shares = Shares::new(index, plan);
        let mut most = None;
        let mut look = look;
        let (needed, given_up) = shares.needed(hits, enough, |hit| {
            let may_be = look(hit)?;
            // Sets of words come in the order of what they cover.
            most.get_or_insert(shares.of(hit.words));
            Some(may_be)
        });
        let known = most.unwrap_or(0.0);
        let covered = shares.covered(index, plan, known);
        let known = if shares.whole > 0.0 { known.min(1.0) } else { covered };
        let factor = |share: &f32| libm::powf(share.min(1.0), weights.coverage);
        let factors = shares.of_sets.iter().map(factor).collect();
        Self { needed, covered, known, factors, given_up, unknown: shares.unknown, shares }
    }

    /// Whether a product with these words of the query is a result.
    #[inline]
    pub fn is_met(&self, words: u16) -> bool {
        self.shares.of(words) >= self.needed
    }

    /// What the score of a product with these words is multiplied by.
    #[inline]
    pub fn factor(&self, words: u16) -> f32 {
        self.factors.get(usize::from(words)).copied().unwrap_or(0.0)
    }
}

/// The best, at most `limit`, put in order and in front of the others.
pub fn first(hits: &mut [Hit], limit: usize) -> &[Hit] {
    let count = limit.min(hits.len());
    if count < hits.len() {
        hits.select_nth_unstable_by(count, best_first);
    }
    hits[..count].sort_unstable_by(best_first);
    &hits[..count]
}

/// The better first; of equals the one with the smaller number.
fn best_first(a: &Hit, b: &Hit) -> Ordering {
    b.score.total_cmp(&a.score).then(a.product.cmp(&b.product))
}

/// How much each word of a query tells: its share of their rarities.
#[derive(Clone, PartialEq, Debug, Default)]
struct Shares {
    /// By word; 0 for those that nothing stands for, and for those that ask for nothing.
    of_words: Vec<f32>,
    /// By set of words, a bit each.
    of_sets: Vec<f32>,
    unknown: u16,
    /// The rarities of all known words.
    whole: f32,
}

/// How much a word tells: the root of its rarity, not of that of what else it may be meant as; where the catalogue does not know it by that
/// of the best that it may be meant as.
fn told(index: &Index, group: &Group) -> f32 {
    let of = |alternative: &Alternative| {
        let counts = alternative.terms.iter().map(|term| index.frequency(*term)).filter(|count| *count > 0);
        counts.map(|count| rarity(index.product_count(), count)).fold(0.0_f32, f32::max)
    };
    let literal = group.alternatives.iter().find(|one| one.why == Why::Literal).map(of);
    let best = || group.alternatives.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)).map(of);
    // Its root: a rare word tells more than a common one, but all were typed.
    libm::sqrtf(literal.filter(|told| *told > 0.0).or_else(best).unwrap_or(0.0))
}

impl Shares {
    fn new(index: &Index, plan: &Plan) -> Self {
        let mut of_words = vec![0.0_f32; plan.words.len()];
        let mut known = 0_u16;
        let is_asked = |group: &&Group| !plan.words[group.words.trailing_zeros() as usize].is_stop;
        let asked = plan.groups.iter().filter(is_asked).map(|group| told(index, group));
        let mean = asked.sum::<f32>() / plan.groups.len().max(1) as f32;
        for group in &plan.groups {
            // A colour or a size that was named is no less wanted for being common.
            let told = told(index, group).max(if group.is_value { VALUE_SHARE * mean } else { 0.0 });
            // Several words in one share what it tells.
            let share = told / group.words.count_ones().max(1) as f32;
            for (word, of_word) in of_words.iter_mut().enumerate() {
                if group.words >> word & 1 == 1 && told > 0.0 {
                    known |= 1 << word;
                    *of_word = of_word.max(share);
                }
            }
        }
        let mut unknown = 0;
        let has_words = plan.words.iter().any(|word| !word.is_stop);
        for (no, (word, share)) in plan.words.iter().zip(&mut of_words).enumerate() {
            unknown |= u16::from(known >> no & 1 == 0 && !word.is_stop) << no;
            if word.is_stop && has_words {
                *share = 0.0;
            }
        }
        let whole: f32 = of_words.iter().sum();
        of_words.iter_mut().for_each(|share| *share /= whole.max(f32::MIN_POSITIVE));
        let of_set = |set: usize| {
            let has = |(no, share): (usize, &f32)| if set >> no & 1 == 1 { *share } else { 0.0 };
            of_words.iter().enumerate().map(has).sum()
        };
        let of_sets = (0..1 << of_words.len()).map(of_set).collect();
        Self { of_words, of_sets, unknown, whole }
    }

    /// The share of all that is asked for, where `best` is that of its known words.
    fn covered(&self, index: &Index, plan: &Plan, best: f32) -> f32 {
        let has_digit = |no: usize| plan.words[no].surface.bytes().any(|byte| byte.is_ascii_digit());
        let is_missing = |no: &usize| self.unknown >> no & 1 == 1 && !has_digit(*no);
        let strangers = (0..plan.words.len()).filter(is_missing).count();
        let unknown = strangers as f32 * rarity(index.product_count(), 0);
        if self.whole + unknown > 0.0 { (best * self.whole / (self.whole + unknown)).min(1.0) } else { 1.0 }
    }

    fn of(&self, words: u16) -> f32 {
        self.of_sets.get(usize::from(words)).copied().unwrap_or(0.0)
    }

    /// The share that results must cover, and the words that even the best lack.
    fn needed(&self, hits: &[Hit], enough: usize, mut look: impl FnMut(&Hit) -> Option<bool>) -> (f32, u16) {
        let (mut count, mut any) = (0, false);
        let (mut needed, mut best) = (0.0, None);
        let mut is_enough = |words: u16, hit: &Hit| {
            let Some(may_be) = look(hit) else { return false };
            needed = self.of(words);
            count += 1;
            any |= may_be;
            if may_be {
                best.get_or_insert(words);
            }
            count >= enough && any
        };
        let sets = self.sets(hits);
        let (first, others) = sets.split_at(sets.len().min(SCANNED));
        let with = |words: u16| hits.iter().filter(move |hit| hit.words == words);
        let is_met = first.iter().any(|words| with(*words).any(|hit| is_enough(*words, hit)));
        if !is_met && !others.is_empty() {
            let by_set = by_set(hits, self.of_sets.len());
            let of = |words: u16| by_set.get(usize::from(words)).into_iter().flatten();
            _ = others.iter().any(|words| of(*words).any(|at| is_enough(*words, &hits[*at as usize])));
        }
        // What even the best of those that may be results lack: no product has all.
        let best = best.unwrap_or(u16::MAX);
        let missing = (0..self.of_words.len())
            .filter(|no| self.of_words[*no] > 0.0 && best >> no & 1 == 0)
            .fold(0, |words, no| words | 1 << no);
        (needed, missing)
    }

    /// The sets of words that hits have, those that cover most first.
    fn sets(&self, hits: &[Hit]) -> Vec<u16> {
        let mut is_there = vec![false; self.of_sets.len()];
        hits.iter().for_each(|hit| is_there[usize::from(hit.words)] = true);
        let mut sets: Vec<u16> =
            (0..).zip(is_there).filter(|(_, there)| *there).map(|(set, _)| set).collect();
        sets.sort_by(|a, b| self.of(*b).total_cmp(&self.of(*a)));
        sets
    }
}

/// Places of hits by the set of words that they have.
fn by_set(hits: &[Hit], sets: usize) -> Vec<Vec<u32>> {
    let mut places = vec![Vec::new(); sets];
    (0..).zip(hits).for_each(|(at, hit)| places[usize::from(hit.words)].push(at));
    places
}
