//! Content blocks drawn by a bandit: each place by the probabilities of being best, with a floor, and without what stands above it.

use crate::bandits::Learner;
use crate::context::Context;
use crate::experiment::ledger::Before;
use bespoke_domain::content::{Bandit, Draw, Trait};
use bespoke_domain::{BlockNo, DecisionId};
use bespoke_models::bandit::probability::{choose, with_floor};
use bespoke_models::seeded::Seeded;

/// Whatever is drawn in a decision follows from its id; `salt` tells apart what is drawn in the same decision.
pub fn seeded(id: DecisionId, salt: u64) -> Seeded {
    Seeded::new((id.0 as u64) ^ ((id.0 >> 64) as u64).rotate_left(32) ^ salt)
}

/// The part of shoppers that the decision is for: a bit for each trait, the first the lowest. Who may not be looked at has none.
pub fn part_of(bandit: &Bandit, before: &Before) -> u8 {
    let has = |one: &Trait| match one {
        Trait::Returning => before.is_returning,
        Trait::HighIntent => before.is_keen,
    };
    (0..).zip(&bandit.by).map(|(bit, one)| u8::from(has(one)) << bit).sum()
}

/// Draws `places` of the blocks: each, by its place among `blocks`, with its probability. `factors` are what rules multiply by.
pub fn draw(
    context: &Context<'_>,
    bandit: &Bandit,
    (blocks, factors): (&[BlockNo], &[f32]),
    places: usize,
) -> (Draw, Vec<(usize, f32)>) {
    let aggregates = &context.snapshot.aggregates;
    let before = Before::of(context.profile, context.request.now, &aggregates.catalog);
    let part = part_of(bandit, &before);
    let name = context.planned.map_or("", |planned| planned.placement.name.as_str());
    let chances = match aggregates.bandits.learner(name) {
        Some(learner) => learner.chances(part, blocks),
        None => Learner::default().chances(part, blocks),
    };
    let weighed: Vec<f64> =
        chances.iter().zip(factors).map(|(chance, factor)| chance * f64::from(*factor)).collect();
    let total: f64 = weighed.iter().sum();
    let shares: Vec<f64> = if total > 0.0 {
        weighed.iter().map(|one| one / total).collect()
    } else {
        vec![1.0 / blocks.len().max(1) as f64; blocks.len()]
    };
    // Drawn from what is logged, bit for bit.
    let logged: Vec<f32> = with_floor(&shares, bandit.floor).into_iter().map(|one| one as f32).collect();
    let exact: Vec<f64> = logged.iter().map(|one| f64::from(*one)).collect();
    let mut random = seeded(context.request.id, 0);
    let (mut taken, mut drawn) = (vec![false; blocks.len()], Vec::with_capacity(places));
    while drawn.len() < places
        && let Some((at, chance)) = choose(&exact, &taken, random.unit())
    {
        taken[at] = true;
        drawn.push((at, chance as f32));
    }
    let chances = blocks.iter().copied().zip(logged).collect();
    (Draw { placement: name.to_owned(), part, chances }, drawn)
}
