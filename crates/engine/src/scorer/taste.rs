//! How much better it goes with the shopper's tastes than what else a search finds; without a search, than what else there is.
//!
//! A value – of an attribute, a brand – that a share `p` of the results has and that came with `n` of the shopper's acts speaks for
//! a product that has it with `ln(1 + n / (α·p))`, as in [`super::affinity`]; but `p` is told by the results, since what all of them
//! share says nothing about which of them is wanted, and words do not count: they were searched for. Prices count by how far above or
//! below what is usual in their category they are. Values and prices that the shopper met no more than chance would have it say nothing. The score is the sum less its mean over the results, 1 at 8 nats, so that a
//! placement's weight bounds how far taste can move a product.

use super::affinity::{PRICE_VARIANCE, likes};
use super::{Score, ScorerSpec};
use crate::catalog::Catalog;
use crate::context::Context;
use bespoke_domain::{Candidate, ProductNo};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Nats above the mean at which the score is 1.
const FULL_EVIDENCE: f32 = 8.0;
/// Results, the best, by which shares and the mean are told.
const LOOKED_AT: usize = 200;
/// Newest acts that count, and acts after which one counts half.
const ACTS_MAX: usize = 50;
const HALF_ACTS: f32 = 50.0;
/// Prior acts: so many of the shopper's own weigh as much as what the results are like.
const PRIOR_ACTS: f32 = 50.0;
/// What prices count for against values.
const PRICE_WEIGHT: f32 = 3.0;
/// Nats for each value but the first that are put down to chance: four times what is expected of somebody without a taste.
const CHANCE: f32 = 2.0;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "taste",
    doc: "How much more than the other results of a search it shares, in brand, attribute values and price, with what the shopper lately dealt with; 0 without a shopper.",
    plain: "how well it goes with what you look at and buy",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let acts = acts(context);
    if acts.is_empty() {
        return Box::new(|_| 0.0);
    }
    let (catalog, content) = (&context.snapshot.aggregates.catalog, &context.snapshot.aggregates.content);
    let found = context.found().map_or(&[][..], |found| &found.best);
    let best: Vec<ProductNo> = found.iter().take(LOOKED_AT).map(|(_, product)| *product).collect();
    let mut shares: FxHashMap<u32, f32> = FxHashMap::default();
    let each = 1.0 / best.len().max(1) as f32;
    for product in &best {
        each_value(catalog, *product, |tag| *shares.entry(tag).or_default() += each);
    }
    let of_all = |tag| best.is_empty().then(|| libm::expf(-content.weight(tag)));
    let meant = meant(context, &acts);
    let weight = |(tag, acts): &(u32, Acts)| {
        let meant = *meant.get(&catalog.tag_owner(*tag)?)?;
        let share = shares.get(tag).copied().or_else(|| of_all(*tag))?;
        Some((*tag, meant * libm::logf(1.0 + acts.weight / (PRIOR_ACTS * share))))
    };
    let weights: FxHashMap<u32, f32> = acts.iter().filter_map(weight).collect();
    let likes = likes(context);
    let priced = PRICE_WEIGHT * price_meant(context);
    let evidence = move |product: ProductNo| {
        let Some(row) = catalog.row(product) else { return 0.0 };
        let mut sum = priced * likes.priced(context, row);
        each_value(catalog, product, |tag| sum += weights.get(&tag).copied().unwrap_or_default());
        sum
    };
    let mean = best.iter().map(|product| evidence(*product)).sum::<f32>() * each;
    Box::new(move |one| match one.candidate {
        Candidate::Product(product) => ((evidence(product) - mean) / FULL_EVIDENCE).clamp(-1.0, 1.0),
        Candidate::Category(_) | Candidate::Content(_) => 0.0,
    })
}

/// How much of what prices say is meant, 0 to 1: by how far those that the shopper dealt with are from what is usual, against how far
/// they would be by chance (as James and Stein shrink, 1961).
fn price_meant(context: &Context<'_>) -> f32 {
    let aggregates = &context.snapshot.aggregates;
    let (mut sum, mut count) = (0.0, 0.0);
    for one in context.recent().rev().take(ACTS_MAX) {
        let row = aggregates.catalog.row(one.product);
        if let Some(above) = row.and_then(|row| aggregates.levels.above(row.category, row.octave)) {
            (sum, count) = (sum + above, count + 1.0);
        }
    }
    let distance = sum * sum / (f32::max(count, 1.0) * PRICE_VARIANCE);
    let by_chance = CHANCE;
    if distance > by_chance { 1.0 - by_chance / distance } else { 0.0 }
}

/// What the shopper did with products of a value.
#[derive(Clone, Copy, Default)]
struct Acts {
    count: f32,
    /// Later acts, carts and purchases weigh more.
    weight: f32,
}

/// The shopper's acts with each value, in the order of values.
fn acts(context: &Context<'_>) -> Vec<(u32, Acts)> {
    let catalog = &context.snapshot.aggregates.catalog;
    let mut acts: BTreeMap<u32, Acts> = BTreeMap::new();
    for (age, one) in context.recent().rev().take(ACTS_MAX).enumerate() {
        let weight = libm::exp2f(-(age as f32) / HALF_ACTS) * one.act().weight();
        each_value(catalog, one.product, |tag| {
            let held = acts.entry(tag).or_default();
            (held.count, held.weight) = (held.count + 1.0, held.weight + weight);
        });
    }
    acts.into_iter().collect()
}

/// How much of what the shopper's acts say of each attribute is meant, 0 to 1: by how far their values are from those of all
/// products (the log-likelihood ratio G), against how far those of somebody without a taste would be by chance.
fn meant(context: &Context<'_>, acts: &[(u32, Acts)]) -> FxHashMap<u32, f32> {
    let aggregates = &context.snapshot.aggregates;
    let mut by_owner: BTreeMap<u32, Vec<(u32, f32)>> = BTreeMap::new();
    for (tag, acts) in acts {
        if let Some(owner) = aggregates.catalog.tag_owner(*tag) {
            by_owner.entry(owner).or_default().push((*tag, acts.count));
        }
    }
    let meant = |values: &[(u32, f32)]| {
        let all: f32 = values.iter().map(|(_, count)| count).sum();
        let nats =
            |(tag, count): &(u32, f32)| count * (libm::logf(count / all) + aggregates.content.weight(*tag));
        let g: f32 = values.iter().map(nats).sum();
        let by_chance = CHANCE * (values.len() as f32 - 1.0).max(1.0);
        if g > by_chance { 1.0 - by_chance / g } else { 0.0 }
    };
    by_owner.into_iter().map(|(owner, values)| (owner, meant(&values))).collect()
}

/// Calls `look` with the product's brand and values of attributes, each once.
fn each_value(catalog: &Catalog, product: ProductNo, look: impl FnMut(u32)) {
    if let Some(kept) = catalog.kept(product) {
        catalog.each_value((product, kept), u32::MAX, look);
    }
}
