//! Words and vectors together, for one search: which products are results for what they mean, and the order by both.

use crate::meaning::Sense;
use bespoke_domain::ProductNo;
use bespoke_search::matching::Hit;
use bespoke_search::ranking::Coverage;

/// Products of the shop that are looked at for what they mean, the nearest.
const NEAR_MAX: usize = 200;

/// What vectors say beside words.
#[derive(Default)]
pub struct Fused<'a> {
    sense: Option<Sense<'a>>,
    /// Where words are missing, the nearest products by number, with what their words are worth. Which those are depends on nothing that
    /// the search is narrowed by.
    near: Vec<Hit>,
}

impl<'a> Fused<'a> {
    /// Looks where `sense` points; `hits` are those of the words, by number, before any is left out.
    pub fn new(sense: Option<Sense<'a>>, coverage: &Coverage, hits: &[Hit]) -> Self {
        let nearest = sense.as_ref().filter(|sense| sense.is_missing).map(|sense| sense.nearest(NEAR_MAX));
        let worth = |(_, product): (f32, ProductNo)| {
            let held = hits.binary_search_by_key(&product, |hit| hit.product).ok().map(|at| hits[at]);
            let hit = held.unwrap_or(Hit { product, score: 0.0, words: 0 });
            Hit { score: hit.score * coverage.factor(hit.words), ..hit }
        };
        let mut near: Vec<Hit> = nearest.into_iter().flatten().map(worth).collect();
        near.sort_unstable_by_key(|hit| hit.product);
        Self { sense, near }
    }

    /// Name of the model of the vectors; empty where there are none.
    pub fn name(&self) -> &'static str {
        self.sense.as_ref().map_or("", |sense| sense.name)
    }

    /// The nearest products where words are missing, by number.
    pub fn near(&self) -> &[Hit] {
        &self.near
    }

    /// The best of `hits` in order: `c L / max L + (base + missing (1 - c)) S / max S`, L what the words are worth, S the cosine, c how much
    /// of what is asked words say. Looked at are the `first` by words, and those that are near; the `first` of these come back.
    pub fn best(&self, hits: Vec<Hit>, first: impl Fn(Vec<Hit>) -> Vec<Hit>) -> Vec<Hit> {
        let Some(sense) = &self.sense else { return first(hits) };
        let is_near = |hit: &&Hit| self.near.binary_search_by_key(&hit.product, |one| one.product).is_ok();
        let near: Vec<Hit> = hits.iter().filter(|_| !self.near.is_empty()).filter(is_near).copied().collect();
        let mut hits = first(hits);
        hits.extend(near);
        hits.sort_unstable_by_key(|hit| hit.product);
        hits.dedup_by_key(|hit| hit.product);
        let cosines: Vec<f32> = hits.iter().map(|hit| sense.cosine(hit.product).max(0.0)).collect();
        let words_most = hits.iter().map(|hit| hit.score).fold(f32::MIN_POSITIVE, f32::max);
        let near_most = cosines.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let fused = hits.iter().zip(cosines).map(|(hit, cosine)| {
            let score = sense.covered * hit.score / words_most + sense.weight * cosine / near_most;
            Hit { score, ..*hit }
        });
        first(fused.filter(|hit| hit.score > 0.0).collect())
    }
}
