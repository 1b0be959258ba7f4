//! How much it is like what the shopper deals with: category, brand, attribute values and words, price.
//!
//! A value that a share `p` of all products has and that came with `n` of the shopper's acts speaks for a product that has
//! it with `ln(1 + n / (α·p))`: how much likelier the shopper is to deal with such a product than with one whose values they
//! never met (naive Bayes with `α` prior acts). Rare values that keep coming count much, common ones little, and all of it
//! little while there are few acts. The score is the sum over a product's values, 1 at 40 nats.

use super::{Score, ScorerSpec};
use crate::catalog::Row;
use crate::context::Context;
use crate::pool::Pooled;
use bespoke_domain::{Candidate, ProductNo};

/// Acts after which one counts half.
const HALF_ACTS: f32 = 20.0;
/// Newest acts that count.
const ACTS_MAX: usize = 40;
/// Prior acts: so many of the shopper's own weigh as much as what all products are like.
const PRIOR_ACTS: f32 = 5.0;
/// Values of attributes that are looked for, those that say most.
const TAGS_MAX: usize = 24;
/// Variance of prices in a category, in octaves.
pub(crate) const PRICE_VARIANCE: f32 = 0.5;
/// Evidence, in nats, at which the score is 1.
const FULL_EVIDENCE: f32 = 40.0;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "affinity",
    doc: "How much it shares, in category, brand, attribute values and price, with what the shopper lately viewed, carted, saved and bought; 0 without a shopper.",
    plain: "how well it goes with what you look at and buy",
    prepare,
};

/// What speaks for a product, by what it has.
#[derive(Default)]
pub(crate) struct Likes {
    /// Attribute values, brand, category and words among them; in the order of values.
    tags: Vec<(f32, u32)>,
    /// By how many octaves they are dearer than is usual in their category, on average, pulled towards 0.
    price: Option<f32>,
}

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let likes = likes(context);
    Box::new(move |one| score(context, &likes, one))
}

fn score(context: &Context<'_>, likes: &Likes, one: &Pooled) -> f32 {
    let Candidate::Product(product) = one.candidate else { return 0.0 };
    (likes.evidence(context, product, &one.row) / FULL_EVIDENCE).clamp(-1.0, 1.0)
}

impl Likes {
    /// How much likelier than anybody the shopper is to deal with what has a value, in nats.
    pub(crate) fn of(&self, tag: u32) -> f32 {
        self.tags.binary_search_by_key(&tag, |(_, held)| *held).map_or(0.0, |at| self.tags[at].0)
    }

    /// What its price, against what is usual in its category, says for a product, in nats.
    pub(crate) fn priced(&self, context: &Context<'_>, row: &Row) -> f32 {
        let above = context.snapshot.aggregates.levels.above(row.category, row.octave);
        self.price.zip(above).map_or(0.0, |(mean, above)| mean * (above - mean / 2.0) / PRICE_VARIANCE)
    }

    /// How much likelier than anybody the shopper is to deal with a product, in nats.
    pub(crate) fn evidence(&self, context: &Context<'_>, product: ProductNo, row: &Row) -> f32 {
        self.priced(context, row) + shared(&self.tags, context.snapshot.aggregates.catalog.tags(product))
    }
}

/// The weights of the values that both have; both lists are in the order of values.
pub fn shared(likes: &[(f32, u32)], tags: &[u32]) -> f32 {
    let (mut sum, mut at) = (0.0, 0);
    for (weight, tag) in likes {
        while tags.get(at).is_some_and(|held| held < tag) {
            at += 1;
        }
        if tags.get(at) == Some(tag) {
            sum += weight;
        }
    }
    sum
}

/// What the shopper lately dealt with says.
pub(crate) fn likes(context: &Context<'_>) -> Likes {
    let aggregates = &context.snapshot.aggregates;
    let mut likes = Likes::default();
    let (mut octaves, mut octave_acts) = (0.0, 0.0);
    let recent = context.recent().rev().enumerate();
    for (age, one) in recent.take(ACTS_MAX) {
        let acts = libm::exp2f(-(age as f32) / HALF_ACTS) * one.act().weight();
        let row = aggregates.catalog.row(one.product).copied().unwrap_or_default();
        likes.tags.extend(aggregates.catalog.tags(one.product).iter().map(|tag| (acts, *tag)));
        if let Some(above) = aggregates.levels.above(row.category, row.octave) {
            octaves += above * acts;
            octave_acts += acts;
        }
    }
    likes.tags = telling(context, std::mem::take(&mut likes.tags));
    likes.price = (octave_acts > 0.0).then(|| octaves / (octave_acts + PRIOR_ACTS));
    likes
}

/// What `acts` of the shopper with a value say that a `share` of all products has.
pub(crate) fn evidence(acts: f32, share: f32) -> f32 {
    libm::logf(1.0 + acts / (PRIOR_ACTS * share))
}

/// The values that say most, in the order of values.
fn telling(context: &Context<'_>, mut tags: Vec<(f32, u32)>) -> Vec<(f32, u32)> {
    let content = &context.snapshot.aggregates.content;
    tags.sort_unstable_by_key(|(_, tag)| *tag);
    let mut sums: Vec<(f32, u32)> = Vec::new();
    for (acts, tag) in tags {
        match sums.last_mut() {
            Some((sum, held)) if *held == tag => *sum += acts,
            _ => sums.push((acts, tag)),
        }
    }
    sums.iter_mut().for_each(|(acts, tag)| *acts = evidence(*acts, libm::expf(-content.weight(*tag))));
    sums.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    sums.truncate(TAGS_MAX);
    sums.sort_unstable_by_key(|(_, tag)| *tag);
    sums
}
