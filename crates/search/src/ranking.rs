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
    /// Words of the query that results need not have, a bit each: given up so that there are enough.
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

/// Takes hits that cover enough: as much as can be asked for while at least `enough` of them do.
pub fn rank(
    index: &Index,
    plan: &Plan,
    weights: &Weights,
    hits: impl Iterator<Item = Hit> + Clone,
    enough: usize,
) -> Ranked {
    let shares = Shares::new(index, plan);
    let (needed, given_up) = shares.needed(hits.clone(), enough);
    let scored = hits.filter_map(|hit| {
        let share = shares.of(hit.words);
        let covered = libm::powf(share.min(1.0), weights.coverage);
        (share >= needed).then_some(Hit { score: hit.score * covered, ..hit })
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
    unknown: u16,
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
        Self { of_words, unknown }
    }

    fn of(&self, words: u16) -> f32 {
        let has = |(no, share): (usize, &f32)| if words >> no & 1 == 1 { *share } else { 0.0 };
        self.of_words.iter().enumerate().map(has).sum()
    }

    /// The share that results must cover, and the words that they need not have then.
    fn needed(&self, hits: impl Iterator<Item = Hit>, enough: usize) -> (f32, u16) {
        // Few combinations of words occur, and each is one level.
        let mut levels: Vec<(u16, usize)> = Vec::new();
        for hit in hits {
            match levels.iter_mut().find(|(words, _)| *words == hit.words) {
                Some((_, count)) => *count += 1,
                None => levels.push((hit.words, 1)),
            }
        }
        levels.sort_unstable_by(|a, b| self.of(b.0).total_cmp(&self.of(a.0)));
        let mut count = 0;
        let met = levels.iter().find(|(_, products)| {
            count += products;
            count >= enough
        });
        let needed = met.or(levels.last()).map_or(0.0, |(words, _)| self.of(*words));
        let missing = (0..self.of_words.len())
            .filter(|no| self.of_words[*no] > 0.0 && 1.0 - self.of_words[*no] >= needed - 1e-6)
            .fold(0, |words, no| words | 1 << no);
        (needed, missing)
    }
}
