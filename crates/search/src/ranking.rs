//! From hits to results: how much of the query a product covers, how much it must cover, and the order. A query that few products
//! cover whole is relaxed: the word that tells least is given up first, and what was given up is said.

use crate::index::Index;
use crate::matching::{Hit, Weights, rarity};
use crate::query::Plan;
use std::cmp::Ordering;

/// How far a query was met.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ranked {
    /// The results, the best first; scores take in what they cover.
    pub hits: Vec<Hit>,
    /// Words of the query that results need not have, a bit each: given up so that there are enough.
    pub given_up: u16,
    /// Words of the query that the catalogue does not know.
    pub unknown: u16,
}

/// Puts hits in order, those that cover enough: as much as can be asked for while at least `enough` of them do.
pub fn rank(index: &Index, plan: &Plan, weights: &Weights, hits: &[Hit], enough: usize) -> Ranked {
    let shares = Shares::new(index, plan);
    let (needed, given_up) = shares.needed(hits, enough);
    let taken = hits.iter().filter(|hit| shares.of(hit.words) >= needed);
    let scored = taken.map(|hit| {
        let covered = libm::powf(shares.of(hit.words).min(1.0), weights.coverage);
        Hit { score: hit.score * covered, ..*hit }
    });
    let mut hits: Vec<Hit> = scored.collect();
    hits.sort_unstable_by(best_first);
    Ranked { hits, given_up, unknown: shares.unknown }
}

/// The better first; of equals the one with the smaller number.
pub fn best_first(a: &Hit, b: &Hit) -> Ordering {
    b.score.total_cmp(&a.score).then(a.product.cmp(&b.product))
}

/// How much each word of a query tells: its share of their rarities.
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
        for (no, (word, share)) in plan.words.iter().zip(&mut of_words).enumerate() {
            unknown |= u16::from(known >> no & 1 == 0 && !word.is_stop) << no;
            if word.is_stop && plan.words.iter().any(|word| !word.is_stop) {
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
    fn needed(&self, hits: &[Hit], enough: usize) -> (f32, u16) {
        // Every word alone is asked for, and as many of them together as can be: the levels are what hits do cover.
        let mut levels: Vec<(f32, usize)> = Vec::new();
        for hit in hits {
            let share = self.of(hit.words);
            match levels.iter_mut().find(|(level, _)| *level == share) {
                Some((_, count)) => *count += 1,
                None => levels.push((share, 1)),
            }
        }
        levels.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut count = 0;
        let met = levels.iter().find(|(_, products)| {
            count += products;
            count >= enough
        });
        let needed = met.or(levels.last()).map_or(0.0, |(level, _)| *level);
        let missing = (0..self.of_words.len())
            .filter(|no| self.of_words[*no] > 0.0 && 1.0 - self.of_words[*no] >= needed - 1e-6)
            .fold(0, |words, no| words | 1 << no);
        (needed, missing)
    }
}
