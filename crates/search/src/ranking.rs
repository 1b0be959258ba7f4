//! From hits to results: how much of the query a product covers, how much it must cover, and the order. A query that few products
//! cover whole is relaxed: the word that tells least is given up first, and what was given up is said.

use crate::index::Index;
use crate::matching::{Hit, Weights, rarity};
use crate::query::Plan;
use std::cmp::Ordering;

/// How far a query was met.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ranked {
    /// The results, in no order; scores take in what they cover.
    hits: Vec<Hit>,
    shares: Shares,
    needed: f32,
    coverage: f32,
    /// How much of what the query asks for the best product has, 0 to 1, by the rarity of its words. Words that the catalogue does not know
    /// count; those with digits in them do not: no other words mean the same.
    pub covered: f32,
    /// Known words of the query that even the best result lacks, a bit each: no product has all.
    pub given_up: u16,
    /// Words of the query that the catalogue does not know.
    pub unknown: u16,
}

impl Ranked {
    /// What a hit's words are worth, whether or not it is a result.
    pub fn score(&self, hit: &Hit) -> f32 {
        hit.score * factor(self.shares.of(hit.words), self.coverage)
    }

    /// Whether a product with these words of the query is a result.
    pub fn covers(&self, words: u16) -> bool {
        self.shares.of(words) >= self.needed
    }

    /// The best, in order.
    pub fn best(mut self, limit: usize) -> Vec<Hit> {
        if self.hits.len() > limit {
            self.hits.select_nth_unstable_by(limit, best_first);
            self.hits.truncate(limit);
        }
        self.hits.sort_unstable_by(best_first);
        self.hits
    }
}

/// Takes hits that cover enough: as much as can be asked for while at least `enough` of them do, and any that is `true`: that may be
/// a result. The others only tell how much there is to choose from.
pub fn rank(
    index: &Index,
    plan: &Plan,
    weights: &Weights,
    hits: impl Iterator<Item = (Hit, bool)> + Clone,
    enough: usize,
) -> Ranked {
    let shares = Shares::new(index, plan);
    let (needed, given_up, best) = shares.needed(hits.clone(), enough);
    let covered = shares.covered(index, plan, best);
    let of_set = |share: &f32| if *share >= needed { factor(*share, weights.coverage) } else { -1.0 };
    let factors: Vec<f32> = shares.of_sets.iter().map(of_set).collect();
    let scored = hits.filter_map(|(hit, may_be)| {
        let factor = factors[usize::from(hit.words)];
        (may_be && factor >= 0.0).then_some(Hit { score: hit.score * factor, ..hit })
    });
    let (hits, coverage, unknown) = (scored.collect(), weights.coverage, shares.unknown);
    Ranked { hits, needed, coverage, covered, given_up, unknown, shares }
}

/// What a score is multiplied by, for the covered share of the query.
fn factor(share: f32, coverage: f32) -> f32 {
    libm::powf(share.min(1.0), coverage)
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

impl Shares {
    fn new(index: &Index, plan: &Plan) -> Self {
        let mut of_words = vec![0.0_f32; plan.words.len()];
        let mut known = 0_u16;
        for group in &plan.groups {
            let best = group.alternatives.iter().flat_map(|alternative| &alternative.terms);
            let told = best
                .map(|term| index.frequency(*term))
                .filter(|count| *count > 0)
                .map(|count| rarity(index.product_count(), count))
                .fold(0.0_f32, f32::max);
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
        let strangers =
            (0..plan.words.len()).filter(|no| self.unknown >> no & 1 == 1 && !has_digit(*no)).count();
        let unknown = strangers as f32 * rarity(index.product_count(), 0);
        if self.whole + unknown > 0.0 { (best * self.whole / (self.whole + unknown)).min(1.0) } else { 1.0 }
    }

    fn of(&self, words: u16) -> f32 {
        self.of_sets.get(usize::from(words)).copied().unwrap_or(0.0)
    }

    /// The share that results must cover, the words that even the best lack, and the share of known words that the best hit has.
    fn needed(&self, hits: impl Iterator<Item = (Hit, bool)>, enough: usize) -> (f32, u16, f32) {
        let mut counts = vec![(0_usize, false); self.of_sets.len()];
        for (hit, may_be) in hits {
            let (count, any) = &mut counts[usize::from(hit.words)];
            *count += 1;
            *any |= may_be;
        }
        let mut levels: Vec<(u16, (usize, bool))> =
            (0..).zip(counts).filter(|(_, (count, _))| *count > 0).collect();
        levels.sort_unstable_by(|a, b| self.of(b.0).total_cmp(&self.of(a.0)));
        let (mut count, mut any) = (0, false);
        let met = levels.iter().find(|(_, (products, may_be))| {
            count += products;
            any |= may_be;
            count >= enough && any
        });
        let needed = met.or(levels.last()).map_or(0.0, |(words, _)| self.of(*words));
        // What even the best of those that may be results lack: no product has all.
        let best = levels.iter().find(|(_, (_, may_be))| *may_be).map_or(u16::MAX, |(words, _)| *words);
        let missing = (0..self.of_words.len())
            .filter(|no| self.of_words[*no] > 0.0 && best >> no & 1 == 0)
            .fold(0, |words, no| words | 1 << no);
        (needed, missing, levels.first().map_or(0.0, |(words, _)| self.of(*words)))
    }
}
