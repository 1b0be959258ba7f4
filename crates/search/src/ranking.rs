//! From hits to results: how much of the query a product covers, how much it must cover, and the order. A query that few products
//! cover whole is relaxed: the word that tells least is given up first, and what was given up is said.

use crate::index::Index;
use crate::matching::{Hit, Weights, rarity};
use crate::query::{Alternative, Group, Plan, Why};
use std::cmp::Ordering;

/// What a word that names a value tells at least, as a share of what the query's words tell on the average.
const VALUE_SHARE: f32 = 2.0;

/// How far a query was met.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ranked {
    /// The results, in no order; scores take in what they cover.
    hits: Vec<Hit>,
    shares: Shares,
    needed: f32,
    /// Known words of the query that even the best result lacks, a bit each: no product has all.
    pub given_up: u16,
    /// Words of the query that the catalogue does not know.
    pub unknown: u16,
}

impl Ranked {
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
    let (needed, given_up) = shares.needed(hits.clone(), enough);
    let factor =
        |share: &f32| if *share >= needed { libm::powf(share.min(1.0), weights.coverage) } else { -1.0 };
    let factors: Vec<f32> = shares.of_sets.iter().map(factor).collect();
    let scored = hits.filter_map(|(hit, may_be)| {
        let factor = factors[usize::from(hit.words)];
        (may_be && factor >= 0.0).then_some(Hit { score: hit.score * factor, ..hit })
    });
    Ranked { hits: scored.collect(), needed, given_up, unknown: shares.unknown, shares }
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
        Self { of_words, of_sets, unknown }
    }

    fn of(&self, words: u16) -> f32 {
        self.of_sets.get(usize::from(words)).copied().unwrap_or(0.0)
    }

    /// The share that results must cover, and the words that even the best lack.
    fn needed(&self, hits: impl Iterator<Item = (Hit, bool)>, enough: usize) -> (f32, u16) {
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
        (needed, missing)
    }
}
