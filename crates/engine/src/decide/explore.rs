//! Chance in a slate, with the probability of every slot known: so that the log tells what another order would have been worth.
//!
//! A slot goes to the next candidate with probability `1 − share + share / n` and to each of the `n − 1` after it with `share / n`, where `n`
//! is `among`, or as many as are left that diversity has room for. The probability is that of the candidate at its place *given what
//! stands above it*. Pinned slots are certain and nothing is drawn for them. Nothing is drawn either where slots are reserved, where an order was
//! asked for or goes on, for what fell back, in searches, for whom is held out, and in a
//! list that is interleaved.

use super::{Ranked, Shares, Work, room};
use crate::context::Context;
use crate::engine::Snapshot;
use crate::pool::Pool;
use crate::profile::Profile;
use bespoke_domain::decision::Fallback;
use bespoke_domain::experiment::WHOLE;
use bespoke_domain::settings::Explore;
use bespoke_domain::{Candidate, DecisionId, Request};
use bespoke_models::seeded::Seeded;
use std::collections::BinaryHeap;

/// What slots that chance gave to another candidate say they were moved by.
pub const EXPLORED: &str = "exploration";

/// What got a slot by chance.
pub(super) struct Drawn {
    /// Its place in the pool.
    pub at: usize,
    /// The probability with which it got it.
    pub probability: f32,
    /// Whether another candidate came next.
    pub is_early: bool,
}

/// How slots are drawn; `None` where they are not.
pub(super) fn explored(context: &Context<'_>, pool: &Pool<'_>, fallback: Fallback) -> Option<Explore> {
    let (explore, request) = (context.planned?.placement.explore, context.request);
    let is_fixed = explore.share == 0
        || context.assigned.is_held
        || context.assigned.against.is_some()
        || fallback != Fallback::None
        || request.search.is_some()
        || request.follows.is_some()
        || !request.given.is_empty()
        || !pool.reservations.is_empty();
    (!is_fixed).then_some(explore)
}

/// The probability of the one at `place` among `count` that may get the slot.
fn probability(explore: Explore, place: usize, count: usize) -> f64 {
    let share = f64::from(explore.share) / f64::from(WHOLE);
    let first = if place == 0 { 1.0 - share } else { 0.0 };
    if count < 2 { 1.0 } else { first + share / count as f64 }
}

impl Work<'_> {
    /// Fills slots, each with what comes next or, by chance, with one of those after it.
    pub(super) fn draw(
        &mut self,
        (id, explore): (DecisionId, Explore),
        ranked: Vec<Ranked>,
        open: usize,
        shares: &mut Shares,
    ) -> Vec<usize> {
        let mut seeded = Seeded::new(id.0 as u64 ^ (id.0 >> 64) as u64 ^ 0x6578_706c_6f72_6521);
        let mut ranked = BinaryHeap::from(ranked);
        let mut slate = Vec::with_capacity(open);
        while slate.len() < open {
            let mut next = self.next(&mut ranked, explore.among, shares);
            if next.is_empty() {
                break;
            }
            let count = next.len();
            let mut point = seeded.unit();
            let place = (0..count)
                .find(|place| {
                    point -= probability(explore, *place, count);
                    point < 0.0
                })
                .unwrap_or_default();
            let one = next.swap_remove(place);
            shares.take(&self.pool.all[one.at]);
            let probability = probability(explore, place, count) as f32;
            self.drawn.push(Drawn { at: one.at, probability, is_early: place > 0 });
            slate.push(one.at);
            ranked.extend(next);
        }
        let not_in_top = self.remover("not_in_top");
        ranked.into_iter().for_each(|rest| self.leave_out(rest.at, not_in_top));
        slate
    }

    /// The next candidates that there is room for, the best first; those without room are left out for good.
    fn next(&mut self, ranked: &mut BinaryHeap<Ranked>, among: u16, shares: &Shares) -> Vec<Ranked> {
        let diversity = self.remover("diversity");
        let mut next = Vec::with_capacity(usize::from(among));
        while next.len() < usize::from(among)
            && let Some(one) = ranked.pop()
        {
            if shares.has_room(&self.pool.all[one.at]) {
                next.push(one);
            } else {
                self.leave_out(one.at, diversity);
            }
        }
        next
    }
}

/// The probabilities with which a placement would choose at each place of a slate, given what stands above it there: candidates with
/// their probabilities, the best first. Of the slate that the same request, profile and snapshot gave, those are what its slots say. Nothing
/// where the placement shows nothing, or has fewer candidates than the slate.
///
/// Where the placement draws nothing, one candidate has probability 1.
pub fn chances(
    snapshot: &Snapshot,
    profile: Option<&Profile>,
    request: &Request,
    slate: &[Candidate],
) -> Vec<Vec<(Candidate, f64)>> {
    let context = Context::new(snapshot, profile, request);
    // What a bandit draws follows other rules than an order with chance in it.
    let Some(planned) = context.planned.filter(|planned| planned.placement.bandit.is_none()) else {
        return Vec::new();
    };
    let (slots, caps) = room(planned, request);
    let (mut work, fallback) = Work::ordered(&context, planned, slots);
    work.foresee(&context, planned, fallback);
    if fallback != Fallback::None {
        return Vec::new();
    }
    let explore = explored(&context, &work.pool, fallback).unwrap_or(Explore { share: 0, among: 1 });
    let is_in = |at: &usize| work.pool.all[*at].removed_by.is_none();
    let kept: Vec<usize> = (0..work.pool.all.len()).filter(is_in).collect();
    let mut pins: Vec<(u16, u16, usize)> = kept.iter().filter_map(|at| work.pin(*at)).collect();
    pins.sort_unstable();
    pins.retain(|(position, ..)| usize::from(*position) < slate.len());
    let is_pinned = |at: &usize| pins.iter().any(|(.., pinned)| pinned == at);
    let mut ranked: BinaryHeap<Ranked> =
        kept.iter().filter(|at| !is_pinned(at)).map(|at| Ranked::of(&work.pool.all[*at], *at)).collect();
    let mut shares = Shares::new(caps);
    pins.iter().for_each(|(.., at)| _ = shares.take(&work.pool.all[*at]));
    let mut pins = pins.into_iter().peekable();
    let mut all = Vec::with_capacity(slate.len());
    for (position, shown) in slate.iter().enumerate() {
        let shown = work.pool.place(*shown);
        if let Some((.., at)) = pins.next_if(|(claimed, ..)| usize::from(*claimed) <= position) {
            all.push(vec![(work.pool.all[at].candidate, 1.0)]);
            ranked.retain(|one| Some(one.at) != shown);
            continue;
        }
        let next = work.next(&mut ranked, explore.among, &shares);
        let count = next.len();
        let chance = |(place, one): (usize, &Ranked)| {
            (work.pool.all[one.at].candidate, probability(explore, place, count))
        };
        all.push(next.iter().enumerate().map(chance).collect());
        // What was shown there is gone, whether it was among the next or further down.
        shown.iter().for_each(|at| _ = shares.take(&work.pool.all[*at]));
        ranked.extend(next);
        ranked.retain(|one| Some(one.at) != shown);
    }
    all
}
