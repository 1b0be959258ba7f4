//! The products that match a plan, and how well: BM25 over weighted fields (BM25F: Robertson, Zaragoza, Taylor, CIKM 2004,
//! "Simple BM25 extension to multiple weighted fields"), with words that follow each other in the title as they do in the query,
//! the title's head word, and how much of the query a product covers. Every match is found, so that totals and facets are exact.

use crate::index::{Index, Lengths};
use crate::postings::{BLOCK, Occurrence, Postings};
use crate::query::{Alternative, Group, Plan};
use bespoke_domain::ProductNo;
use std::cell::RefCell;

/// How much a field counts, and how much its length is held against it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FieldWeight {
    /// What a term in it counts.
    pub weight: f32,
    /// 0 = its length does not matter, 1 = a term in twice as long a field counts half.
    pub b: f32,
}

/// What matching weighs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weights {
    /// How soon a term's repetition stops counting.
    pub k1: f32,
    /// The title.
    pub title: FieldWeight,
    /// The brand; it has no length.
    pub brand: f32,
    /// Categories.
    pub category: FieldWeight,
    /// Attributes.
    pub attributes: FieldWeight,
    /// The description.
    pub description: FieldWeight,
    /// Ids and numbers; they have no length.
    pub codes: f32,
    /// What being the title's head word adds to the score of the query's, as a share of it …
    pub head: f32,
    /// … and what standing anywhere else takes off.
    pub beside: f32,
    /// What standing right after the query's word before it, in the title, adds to a term's score, as a share of it.
    pub phrase: f32,
    /// What an early place in the title adds to a term's score, as a share of it: whole at the first, half at the second, …
    pub early: f32,
    /// The power of the covered share of the query that multiplies a score.
    pub coverage: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            k1: 0.9,
            title: FieldWeight { weight: 3.0, b: 0.5 },
            brand: 1.0,
            category: FieldWeight { weight: 1.0, b: 0.5 },
            attributes: FieldWeight { weight: 0.4, b: 0.5 },
            description: FieldWeight { weight: 0.75, b: 0.5 },
            codes: 1.0,
            head: 0.4,
            beside: 0.3,
            phrase: 1.0,
            early: 0.0,
            coverage: 4.0,
        }
    }
}

/// A product that matches.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hit {
    /// Which.
    pub product: ProductNo,
    /// How well, before coverage; larger is better.
    pub score: f32,
    /// The words of the query that it has, a bit each.
    pub words: u16,
}

/// All products with any word of the plan, in the order of their numbers; the list is given back with `hits` in it.
pub fn matches(index: &Index, plan: &Plan, weights: &Weights, hits: &mut Vec<Hit>) {
    hits.clear();
    if plan.groups.is_empty() {
        return;
    }
    let scorer = Scorer::new(index, weights);
    let groups: Vec<Vec<Planned<'_>>> = plan.groups.iter().map(|group| planned(index, group)).collect();
    if let ([group], [alternatives]) = (plan.groups.as_slice(), groups.as_slice())
        && let [only] = alternatives.as_slice()
        && only.terms.len() == 1
    {
        return lone(&scorer, group.words, only, hits);
    }
    thread_local! {
        static OWN: RefCell<Window> = RefCell::default();
    }
    OWN.with_borrow_mut(|window| {
        window.make_room();
        for block in 0..index.row_count().div_ceil(BLOCK) as u16 {
            for (group, alternatives) in plan.groups.iter().zip(&groups) {
                window.group(&scorer, block, group.words, alternatives);
            }
            window.take(block, hits);
        }
    });
}

/// What has the one term of a query: nothing is to be added up.
fn lone(scorer: &Scorer<'_>, words: u16, only: &Planned<'_>, hits: &mut Vec<Hit>) {
    for (rarity, postings) in &only.terms {
        hits.reserve(postings.count() as usize);
        for block in 0..scorer.index.row_count().div_ceil(BLOCK) as u16 {
            let (lengths, first) = (scorer.index.lengths(block), u32::from(block) * BLOCK);
            postings.each_in(block, |row, occurrence| {
                let lengths = lengths.get(usize::from(row)).copied().unwrap_or_default();
                let score = only.weight * rarity * scorer.saturated(occurrence, lengths, only.is_head);
                hits.push(Hit { product: ProductNo(first + u32::from(row)), score, words });
            });
        }
    }
}

/// An alternative with its postings.
struct Planned<'a> {
    weight: f32,
    /// Whether it stands for the query's head word.
    is_head: bool,
    /// Each term's rarity and where it stands.
    terms: Vec<(f32, &'a Postings)>,
}

fn planned<'a>(index: &'a Index, group: &Group) -> Vec<Planned<'a>> {
    let with_postings = |alternative: &Alternative| {
        let terms = alternative.terms.iter().map(|term| {
            let postings = index.postings(*term).filter(|postings| postings.count() > 0)?;
            Some((rarity(index.product_count(), postings.count()), postings))
        });
        terms.collect::<Option<Vec<_>>>().map(|terms| Planned {
            weight: alternative.weight,
            is_head: group.is_head,
            terms,
        })
    };
    group.alternatives.iter().filter_map(with_postings).collect()
}

/// The inverse document frequency of BM25, never negative: `ln(1 + (N - n + 0.5) / (n + 0.5))`.
pub fn rarity(products: u32, with_it: u32) -> f32 {
    let (all, some) = (products as f32, with_it as f32);
    libm::log1pf(((all - some).max(0.0) + 0.5) / (some + 0.5))
}

/// Length norms of a field for lengths 0 to 255.
type Norms = [f32; 256];

struct Scorer<'a> {
    index: &'a Index,
    weights: &'a Weights,
    norms: Box<[Norms; 4]>,
}

impl<'a> Scorer<'a> {
    fn new(index: &'a Index, weights: &'a Weights) -> Self {
        let mut norms = Box::new([[0.0; 256]; 4]);
        let fields = [weights.title, weights.category, weights.attributes, weights.description];
        for ((norms, field), mean) in norms.iter_mut().zip(fields).zip(index.mean_lengths()) {
            for (length, norm) in norms.iter_mut().enumerate() {
                *norm = field.weight / (1.0 - field.b + field.b * length as f32 / mean);
            }
        }
        Self { index, weights, norms }
    }

    /// What a term that stands so in a product of these lengths counts, its rarity left out: 0 to `k1 + 1`.
    #[inline]
    fn saturated(&self, at: Occurrence, lengths: Lengths, is_head: bool) -> f32 {
        let [title, category, attributes, description] = self.norms.as_ref();
        let frequency = at.title() as f32 * title[usize::from(lengths.title)]
            + at.brand() as f32 * self.weights.brand
            + at.category() as f32 * category[usize::from(lengths.category)]
            + at.attributes() as f32 * attributes[usize::from(lengths.attributes)]
            + at.description() as f32 * description[usize::from(lengths.description)]
            + at.codes() as f32 * self.weights.codes;
        let early = at.place().map_or(0.0, |place| self.weights.early / (1 + place) as f32);
        // Elsewhere it only tells which of another thing it is (`cable` of a cable adapter), or what that is for.
        let head = match (is_head, at.is_head()) {
            (true, true) => self.weights.head,
            (true, false) => -self.weights.beside,
            (false, _) => 0.0,
        };
        frequency * (self.weights.k1 + 1.0) / (frequency + self.weights.k1) * (1.0 + early + head)
    }
}

/// Sums of the products of one block, reused from one to the next.
#[derive(Default)]
struct Window {
    scores: Vec<f32>,
    words: Vec<u16>,
    /// The word of the query that was seen last in the title, and its place there: `32 * (word + 1) + place`; 0 = none.
    trail: Vec<u16>,
    /// What the trail becomes behind the group at hand.
    ahead: Vec<(u16, u16)>,
    /// Rows with a word, a bit each.
    touched: Vec<u64>,
    /// Of the group at hand: the best score of each row that it matches.
    best: Vec<f32>,
    best_rows: Vec<u16>,
    /// Of the alternative at hand: how many of its terms each row has, and their sum.
    both: Vec<(u16, f32)>,
}

impl Window {
    fn make_room(&mut self) {
        let rows = BLOCK as usize;
        self.scores.resize(rows, 0.0);
        self.words.resize(rows, 0);
        self.trail.resize(rows, 0);
        self.best.resize(rows, 0.0);
        self.touched.resize(rows / 64, 0);
    }

    /// Adds what a group gives to each product of a block.
    fn group(&mut self, scorer: &Scorer<'_>, block: u16, words: u16, alternatives: &[Planned<'_>]) {
        if let [Planned { weight, is_head, terms }] = alternatives
            && let [(rarity, postings)] = terms[..]
        {
            self.term(scorer, block, (words, *is_head), (weight * rarity, postings));
            return;
        }
        let word = words.trailing_zeros() as u16;
        for alternative in alternatives {
            self.alternative(scorer, block, (word, alternative));
        }
        for (row, trail) in self.ahead.drain(..) {
            self.trail[usize::from(row)] = trail;
        }
        for &row in &self.best_rows {
            let at = usize::from(row);
            self.scores[at] += std::mem::take(&mut self.best[at]);
            self.words[at] |= words;
            self.touched[at / 64] |= 1 << (at % 64);
        }
        self.best_rows.clear();
    }

    /// Adds one term's score, more where it follows the query's word before it.
    fn term(
        &mut self,
        scorer: &Scorer<'_>,
        block: u16,
        (words, is_head): (u16, bool),
        (weight, postings): (f32, &Postings),
    ) {
        let all_lengths = scorer.index.lengths(block);
        let word = words.trailing_zeros() as u16;
        postings.each_in(block, |row, occurrence| {
            let at = usize::from(row);
            let lengths = all_lengths.get(at).copied().unwrap_or_default();
            let mut score = weight * scorer.saturated(occurrence, lengths, is_head);
            if let Some(place) = occurrence.place() {
                let place = place as u16;
                if self.trail[at] != 0 && self.trail[at] + 1 == 32 * word + place {
                    score *= 1.0 + scorer.weights.phrase;
                }
                self.trail[at] = 32 * (word + 1) + place;
            }
            self.scores[at] += score;
            self.words[at] |= words;
            self.touched[at / 64] |= 1 << (at % 64);
        });
    }

    /// Raises `best` to what an alternative gives, for products that have all its terms.
    fn alternative(&mut self, scorer: &Scorer<'_>, block: u16, (word, alternative): (u16, &Planned<'_>)) {
        if let [(rarity, postings)] = alternative.terms[..] {
            self.single(scorer, block, (word, alternative), (alternative.weight * rarity, postings));
            return;
        }
        let all_lengths = scorer.index.lengths(block);
        let score = |row: u16, rarity: f32, occurrence: Occurrence| {
            let lengths = all_lengths.get(usize::from(row)).copied().unwrap_or_default();
            rarity * scorer.saturated(occurrence, lengths, alternative.is_head)
        };
        let Some(((rarity, postings), others)) = alternative.terms.split_first() else { return };
        self.both.clear();
        postings.each_in(block, |row, occurrence| self.both.push((row, score(row, *rarity, occurrence))));
        for (rarity, postings) in others {
            let (mut kept, mut at) = (0, 0);
            postings.each_in(block, |row, occurrence| {
                while at < self.both.len() && self.both[at].0 < row {
                    at += 1;
                }
                if at < self.both.len() && self.both[at].0 == row {
                    self.both[kept] = (row, self.both[at].1 + score(row, *rarity, occurrence));
                    kept += 1;
                    at += 1;
                }
            });
            self.both.truncate(kept);
        }
        for at in 0..self.both.len() {
            let (row, score) = self.both[at];
            self.raise(row, alternative.weight * score);
        }
    }

    /// The same of one term, which may follow the query's word before it.
    fn single(
        &mut self,
        scorer: &Scorer<'_>,
        block: u16,
        (word, alternative): (u16, &Planned<'_>),
        (weight, postings): (f32, &Postings),
    ) {
        let all_lengths = scorer.index.lengths(block);
        postings.each_in(block, |row, occurrence| {
            let at = usize::from(row);
            let lengths = all_lengths.get(at).copied().unwrap_or_default();
            let mut score = weight * scorer.saturated(occurrence, lengths, alternative.is_head);
            if let Some(place) = occurrence.place() {
                let place = place as u16;
                if self.trail[at] != 0 && self.trail[at] + 1 == 32 * word + place {
                    score *= 1.0 + scorer.weights.phrase;
                }
                // Other alternatives of the word still follow the word before it.
                self.ahead.push((row, 32 * (word + 1) + place));
            }
            self.raise(row, score);
        });
    }

    /// Raises a row's best score of the group.
    fn raise(&mut self, row: u16, score: f32) {
        let best = &mut self.best[usize::from(row)];
        if *best == 0.0 {
            self.best_rows.push(row);
        }
        *best = best.max(score);
    }

    /// Moves what was added up into `hits`.
    fn take(&mut self, block: u16, hits: &mut Vec<Hit>) {
        let first = u32::from(block) * BLOCK;
        hits.reserve(self.touched.iter().map(|bits| bits.count_ones() as usize).sum());
        for (word, bits) in self.touched.iter_mut().enumerate() {
            let mut bits = std::mem::take(bits);
            while bits != 0 {
                let at = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let score = std::mem::take(&mut self.scores[at]);
                let words = std::mem::take(&mut self.words[at]);
                self.trail[at] = 0;
                hits.push(Hit { product: ProductNo(first + at as u32), score, words });
            }
        }
    }
}
