//! How much it is like what the shopper deals with: category, brand, attribute values, price.

use super::{Score, ScorerSpec};
use crate::context::Context;
use crate::pool::Pooled;
use bespoke_domain::id::BrandNo;
use bespoke_domain::{Candidate, CategoryNo};

/// Acts after which one counts half.
const HALF_ACTS: f32 = 10.0;
/// Newest acts that count.
const ACTS_MAX: usize = 25;
/// Values of attributes that are looked for, those that say most.
const TAGS_MAX: usize = 10;
/// Doublings of the price at which it counts half.
const HALF_OCTAVES: f32 = 1.0;
/// What each part counts: category, brand, attribute values, price.
const PARTS: [f32; 4] = [0.35, 0.15, 0.35, 0.15];

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "affinity",
    doc: "How much it shares, in category, brand, attribute values and price, with what the shopper lately viewed, carted, saved and bought; 0 without a shopper.",
    plain: "how well it goes with what you look at and buy",
    prepare,
};

/// What the shopper likes; each list's best is 1.
#[derive(Default)]
struct Likes {
    categories: Vec<(f32, CategoryNo)>,
    brands: Vec<(f32, BrandNo)>,
    tags: Vec<(f32, u32)>,
    /// Mean of the binary logarithm of prices.
    octave: Option<f32>,
}

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let likes = likes(context);
    Box::new(move |one| score(context, &likes, one))
}

fn score(context: &Context<'_>, likes: &Likes, one: &Pooled) -> f32 {
    let Candidate::Product(product) = one.candidate else { return 0.0 };
    let catalog = &context.snapshot.aggregates.catalog;
    let away = likes.octave.map_or(f32::NAN, |mean| (one.row.octave - mean) / HALF_OCTAVES);
    let parts = [
        share(&likes.categories, one.row.category),
        share(&likes.brands, one.row.brand),
        shared(&likes.tags, catalog.tags(product)),
        if away.is_nan() { 0.0 } else { libm::exp2f(-away * away) },
    ];
    parts.iter().zip(PARTS).map(|(part, weight)| part * weight).sum()
}

/// The weights of the values that both have; both lists are in the order of values.
fn shared(likes: &[(f32, u32)], tags: &[u32]) -> f32 {
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

fn share<K: PartialEq>(list: &[(f32, K)], key: K) -> f32 {
    list.iter().find(|(_, held)| *held == key).map_or(0.0, |(weight, _)| *weight)
}

fn likes(context: &Context<'_>) -> Likes {
    let aggregates = &context.snapshot.aggregates;
    let mut likes = Likes::default();
    let (mut octaves, mut weights) = (0.0, 0.0);
    let recent = context.profile.into_iter().flat_map(|profile| profile.recent().iter().rev().enumerate());
    for (age, one) in recent.take(ACTS_MAX) {
        let weight = libm::exp2f(-(age as f32) / HALF_ACTS) * one.act().weight();
        let row = aggregates.catalog.row(one.product).copied().unwrap_or_default();
        if row.category.0 != 0 {
            add(&mut likes.categories, row.category, weight);
        }
        if row.brand.0 != 0 {
            add(&mut likes.brands, row.brand, weight);
        }
        for &tag in aggregates.catalog.tags(one.product) {
            likes.tags.push((weight, tag));
        }
        if !row.octave.is_nan() {
            octaves += row.octave * weight;
            weights += weight;
        }
    }
    likes.octave = (weights > 0.0).then(|| octaves / weights);
    to_shares(&mut likes.categories);
    to_shares(&mut likes.brands);
    likes.tags = telling(context, std::mem::take(&mut likes.tags));
    likes
}

fn add<K: PartialEq>(list: &mut Vec<(f32, K)>, key: K, weight: f32) {
    match list.iter_mut().find(|(_, held)| *held == key) {
        Some((sum, _)) => *sum += weight,
        None => list.push((weight, key)),
    }
}

fn to_shares<K>(list: &mut [(f32, K)]) {
    let best = list.iter().map(|(weight, _)| *weight).fold(0.0, f32::max);
    list.iter_mut().for_each(|(weight, _)| *weight /= best.max(1e-9));
}

/// The values that say most, by how often the shopper meets them and how rare they are; their weights sum to 1; in
/// the order of values.
fn telling(context: &Context<'_>, mut tags: Vec<(f32, u32)>) -> Vec<(f32, u32)> {
    let content = &context.snapshot.aggregates.content;
    tags.sort_unstable_by_key(|(_, tag)| *tag);
    let mut sums: Vec<(f32, u32)> = Vec::new();
    for (weight, tag) in tags {
        match sums.last_mut() {
            Some((sum, held)) if *held == tag => *sum += weight,
            _ => sums.push((weight, tag)),
        }
    }
    sums.iter_mut().for_each(|(weight, tag)| *weight *= content.weight(*tag));
    sums.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    sums.truncate(TAGS_MAX);
    let whole: f32 = sums.iter().map(|(weight, _)| weight).sum();
    sums.iter_mut().for_each(|(weight, _)| *weight /= whole.max(1e-9));
    sums.sort_unstable_by_key(|(_, tag)| *tag);
    sums
}
