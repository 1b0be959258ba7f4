//! The decision: one function that reads from top to bottom, and the steps it takes.

mod blocks;
mod explore;

use crate::context::Context;
use crate::engine::Snapshot;
use crate::experiment::place;
use crate::features::narrow;
use crate::foresight::{Foresight, bought_worth, foresee};
use crate::interleaved;
use crate::pool::{Place, Pool, Pooled};
use crate::profile::Profile;
use crate::rule::{Phase, Planned};
use crate::source::{MATCHES, POPULAR};
use crate::tables::{PlannedPlacement, PlannedSource};
use crate::variants::is_lone;
use bespoke_domain::content::Draw;
use bespoke_domain::decision::{Considered, Fallback, Personalization, Reason, Slot, Versions};
use bespoke_domain::id::ArtifactId;
use bespoke_domain::order::by_score;
use bespoke_domain::search::{Met, RESULTS_MAX, Search, Sort};
use bespoke_domain::settings::{Diversity, Form, OnThin};
use bespoke_domain::{Candidate, Decision, ProductNo, Request};
use bespoke_models::learned::{EMBEDDED, TEXT_VECTORS};
use blocks::bandit;
use explore::{Drawn, explored};
use rustc_hash::FxHashSet;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub use explore::{EXPLORED, chances};

/// Candidates that scorers look at: so many a slot, but at least [`SCORED_MIN`].
const SCORED_PER_SLOT: usize = 5;
/// Fewest of them.
const SCORED_MIN: usize = 100;
/// Most slots of one decision.
pub const SLOTS_MAX: usize = 100;

/// Decides what to show. Pure: the same snapshot, profile and request give the same bytes.
///
/// The placement MUST exist in the snapshot; for an unknown one the slate is empty and the fallback `Hidden`.
pub fn decide(snapshot: &Snapshot, profile: Option<&Profile>, request: &Request) -> Decision {
    decide_in(&Context::new(snapshot, profile, request))
}

/// The same, of a request that is resolved already.
pub fn decide_in(context: &Context<'_>) -> Decision {
    let against = context.assigned.against.as_deref().and_then(|name| context.snapshot.plan.get(name));
    match (context.planned, against) {
        (Some(control), Some(treated)) => interleaved::decide(context, control, treated),
        _ => decide_alone(context),
    }
}

/// What the context's placement answers by itself.
pub(crate) fn decide_alone(context: &Context<'_>) -> Decision {
    let request = context.request;
    let Some(planned) = context.planned else { return nothing(context) };
    if !is_rolled_out(request, planned.placement.rollout) {
        return Decision { fallback: Fallback::Off, ..nothing(context) };
    }
    if context.assigned.is_external {
        return Decision { fallback: Fallback::External, ..nothing(context) };
    }
    if request.room == Some(0) {
        return Decision { fallback: Fallback::Clutter, ..nothing(context) };
    }
    let (slots, caps) = room(planned, request);
    let (mut work, fallback) = Work::ordered(context, planned, slots);
    let foresight = work.foresee(context, planned, fallback);
    let chosen = match request.follows {
        None => work.page(context, slots, (caps, fallback)),
        Some(_) => work.keep_order(context, slots),
    };
    work.certify(context, planned, &Chosen { slate: chosen, foresight, fallback })
}

/// The candidates that an objective would put in order, described, in the order that sources and scorers gave them; none
/// where the slate falls back, or the placement has no objective. The same that [`decide`] describes.
pub fn describe(snapshot: &Snapshot, profile: Option<&Profile>, request: &Request) -> Described {
    let context = Context::new(snapshot, profile, request);
    let Some(planned) = context.planned else { return Described::default() };
    let (mut work, fallback) = Work::ordered(&context, planned, room(planned, request).0);
    let foresight = work.foresee(&context, planned, fallback);
    let objective = planned.placement.objective.as_ref();
    let rows = foresight.at.iter().map(|at| &work.pool.all[*at]);
    Described {
        bought: rows
            .clone()
            .map(|one| objective.map_or(0.0, |objective| bought_worth(objective, &one.row)))
            .collect(),
        candidates: rows.map(|one| one.candidate).collect(),
        values: foresight.values,
    }
}

/// Candidates as a ranker sees them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Described {
    /// The best first.
    pub candidates: Vec<Candidate>,
    /// What they are like, row after row.
    pub values: Vec<f32>,
    /// What a purchase of each is worth by the objective, unless it is sent back.
    pub bought: Vec<f32>,
}

/// Whether the placement is rolled out to who asks: the same at every request, and independent for another placement. Without a
/// known shopper each request stands for itself, the pages of a listing for its first.
fn is_rolled_out(request: &Request, rollout: u8) -> bool {
    let first = request.follows.map_or(request.id, |(first, _)| first);
    let known = [request.bucket, request.shopper.map_or(0, |shopper| u64::from(shopper.0) + 1)];
    let key = known.into_iter().find(|key| *key != 0).unwrap_or(first.0 as u64 ^ (first.0 >> 64) as u64);
    place("rollout", &request.placement, key) < u16::from(rollout) * 100
}

/// How many slots, and their caps. Whoever gives what is to be put in order gets all of it back.
pub(crate) fn room(planned: &PlannedPlacement, request: &Request) -> (usize, Diversity) {
    if !request.given.is_empty() && request.follows.is_none() {
        return (request.given.len(), Diversity::default());
    }
    let slots = if request.slots == 0 { planned.placement.slots } else { request.slots };
    let slots = usize::from(slots.min(request.room.unwrap_or(u16::MAX))).min(SLOTS_MAX);
    // A later page comes after those before it, in one order.
    ((before(request) + slots).min(RESULTS_MAX), planned.placement.diversity)
}

/// Results that earlier pages show.
fn before(request: &Request) -> usize {
    let of = |search: &Search| {
        if search.after.is_some() { search.shown.len() } else { search.from as usize }
    };
    request.search.as_deref().map_or(0, of).min(RESULTS_MAX)
}

/// Whether the request itself says in which order results come.
fn is_sorted(request: &Request) -> bool {
    request.search.as_ref().is_some_and(|search| search.sort != Sort::Relevance)
}

pub(crate) fn nothing(context: &Context<'_>) -> Decision {
    Decision {
        request: context.request.clone(),
        versions: versions(context),
        arms: context.assigned.arms.clone(),
        headline: String::new(),
        slate: Vec::new(),
        personalization: Personalization::None,
        fallback: Fallback::Hidden,
        draw: None,
        sources: Vec::new(),
        scorers: Vec::new(),
        objective: String::new(),
        feature_set: 0,
        candidate_count: 0,
        removed: Vec::new(),
        missing_ids: context.missing_ids.clone(),
        met: None,
        rest: Vec::new(),
        considered: None,
    }
}

fn versions(context: &Context<'_>) -> Versions {
    let aggregates = &context.snapshot.aggregates;
    Versions {
        snapshot_offset: aggregates.offset,
        profile_offset: context.profile_offset,
        settings_offset: aggregates.settings_offset,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        models: models(context),
    }
}

/// The learnt models in force that the placement names.
fn models(context: &Context<'_>) -> Vec<(String, ArtifactId)> {
    let Some(planned) = context.planned else { return Vec::new() };
    let is_used = |name: &str| {
        planned.sources.iter().any(|source| source.spec.name == name)
            || planned.scorers.iter().any(|scorer| scorer.spec.name == name)
            || planned.placement.objective.is_some() && planned.ranker == name
            || context.request.search.is_some() && (name == TEXT_VECTORS || EMBEDDED.contains(&name))
    };
    let in_force = context.snapshot.models.versions();
    in_force.filter(|(name, _)| is_used(name)).map(|(name, one)| (name.to_owned(), one)).collect()
}

/// What is asked where the request says in which order results come: what matches, in that order.
static SORTED: PlannedSource =
    PlannedSource { spec: &MATCHES, weight: 1.0, limit: RESULTS_MAX, params: Vec::new(), items: Vec::new() };

fn asked_sources<'a>(planned: &'a PlannedPlacement, request: &Request) -> Vec<&'a PlannedSource> {
    if is_sorted(request) {
        return vec![&SORTED];
    }
    let is_asked = |source: &&PlannedSource| !request.skipped.iter().any(|name| name == source.spec.name);
    planned.sources.iter().filter(is_asked).collect()
}

/// The source that a slot without evidence falls back to.
static FALLBACK: PlannedSource =
    PlannedSource { spec: &POPULAR, weight: 1.0, limit: 500, params: Vec::new(), items: Vec::new() };

/// What goes into the slate.
struct Chosen {
    /// Places in the pool.
    slate: Vec<usize>,
    foresight: Foresight,
    fallback: Fallback,
}

/// What a decision works on: the pool, by name what yielded and what removed, and what was drawn.
struct Work<'a> {
    pool: Pool<'a>,
    sources: Vec<(&'a PlannedSource, u32)>,
    removed: Vec<(String, u32)>,
    /// Of what was drawn, its place in the pool, the probability with which it got its slot, and whether something else came next.
    drawn: Vec<Drawn>,
    /// How content blocks were drawn.
    draw: Option<Draw>,
}

impl<'a> Work<'a> {
    /// From the sources to the order before anything is foreseen.
    fn ordered(context: &Context<'a>, planned: &'a PlannedPlacement, slots: usize) -> (Self, Fallback) {
        let mut work = Self::gather(context, asked_sources(planned, context.request));
        let is_sorted = is_sorted(context.request);
        if !is_sorted {
            work.apply_rules(context, planned, Phase::Place);
        }
        work.keep_given(context);
        work.filter(context, planned);
        work.apply_rules(context, planned, Phase::Remove);
        let fallback = work.judge_evidence(context, planned);
        if !is_sorted {
            work.score(context, planned, SCORED_MIN.max(SCORED_PER_SLOT * slots));
            work.apply_rules(context, planned, Phase::Order);
        }
        (work, fallback)
    }

    fn gather(context: &Context<'a>, sources: Vec<&'a PlannedSource>) -> Self {
        let capacity = sources.iter().map(|source| source.limit).sum();
        let pool = Pool::with_capacity(&context.snapshot.aggregates.catalog, capacity);
        let mut work = Self { pool, sources: Vec::new(), removed: Vec::new(), drawn: Vec::new(), draw: None };
        for source in sources {
            work.add_source(context, source);
        }
        work
    }

    /// Where the request gives the candidates, those and no others.
    fn keep_given(&mut self, context: &Context<'_>) {
        if context.request.given.is_empty() {
            return;
        }
        let given: FxHashSet<Candidate> = context.given.iter().copied().map(Candidate::Product).collect();
        let remover = self.remover("not_given");
        self.removed[usize::from(remover)].1 +=
            self.pool.remove(remover, true, |one| !given.contains(&one.candidate));
        context.given.iter().for_each(|product| _ = self.pool.entry(Candidate::Product(*product)));
    }

    fn add_source(&mut self, context: &Context<'_>, source: &'a PlannedSource) {
        let scored = (source.spec.yields)(context, source);
        self.pool.add(self.sources.len(), source.weight, &scored);
        self.sources.push((source, scored.len() as u32));
    }

    /// The number of the remover with this name, new if need be.
    fn remover(&mut self, name: &str) -> u16 {
        if let Some(at) = self.removed.iter().position(|(held, _)| held == name) {
            return at as u16;
        }
        self.removed.push((name.to_owned(), 0));
        (self.removed.len() - 1) as u16
    }

    fn filter(&mut self, context: &Context<'_>, planned: &PlannedPlacement) {
        for filter in &planned.filters {
            let remover = self.remover(filter.spec.name);
            self.removed[usize::from(remover)].1 +=
                (filter.spec.run)(context, &filter.params, &mut self.pool, remover);
        }
    }

    fn apply_rules(&mut self, context: &Context<'_>, planned: &PlannedPlacement, phase: Phase) {
        let acts = |(_, rule): &(u16, &Planned)| rule.spec.phase == phase && rule.is_active(context);
        for (rule_no, rule) in (0..).zip(&planned.rules).filter(acts) {
            let remover = self.remover(&rule.rule.name);
            let count = (rule.spec.apply)(context, rule, rule_no, &mut self.pool, remover);
            self.removed[usize::from(remover)].1 += count;
        }
    }

    /// Whether the headline can stand; if not, only what is popular stays, or nothing.
    fn judge_evidence(&mut self, context: &Context<'_>, planned: &PlannedPlacement) -> Fallback {
        if !context.request.given.is_empty() {
            return Fallback::None;
        }
        let is_evidence: Vec<bool> = self.sources.iter().map(|(source, _)| source.spec.is_evidence).collect();
        let rests_on = |one: &&Pooled| {
            one.removed_by.is_none()
                && is_evidence.iter().zip(one.parts).any(|(counts, part)| *counts && part > 0.0)
        };
        let found = self.pool.all.iter().filter(rests_on).count();
        if found >= usize::from(planned.placement.min_evidence) {
            return Fallback::None;
        }
        if planned.placement.on_thin == OnThin::Hide {
            return Fallback::Hidden;
        }
        self.keep_popular(context, planned);
        Fallback::Popular
    }

    fn keep_popular(&mut self, context: &Context<'_>, planned: &PlannedPlacement) {
        if !self.sources.iter().any(|(source, _)| !source.spec.is_evidence) {
            self.add_source(context, &FALLBACK);
            self.filter(context, planned);
            self.apply_rules(context, planned, Phase::Remove);
        }
        let is_evidence: Vec<bool> = self.sources.iter().map(|(source, _)| source.spec.is_evidence).collect();
        for one in &mut self.pool.all {
            for (part, _) in one.parts.iter_mut().zip(&is_evidence).filter(|(_, counts)| **counts) {
                *part = 0.0;
            }
        }
        let remover = self.remover("thin_evidence");
        self.removed[usize::from(remover)].1 += self.pool.remove(remover, false, |one| one.blend() <= 0.0);
    }

    /// Asks the scorers about the candidates still in, at most the `most` that the sources put first.
    fn score(&mut self, context: &Context<'_>, planned: &PlannedPlacement, most: usize) {
        if planned.scorers.is_empty() {
            return;
        }
        let is_in = |at: &usize| self.pool.all[*at].removed_by.is_none();
        let mut asked: Vec<usize> = (0..self.pool.all.len()).filter(is_in).collect();
        if asked.len() > most {
            let key = |at: &usize| (self.pool.all[*at].blend(), self.pool.all[*at].candidate);
            asked.select_nth_unstable_by(most, |a, b| by_score(key(a), key(b)));
            asked.truncate(most);
        }
        for (number, scorer) in planned.scorers.iter().enumerate() {
            let score = (scorer.spec.prepare)(context);
            for &at in &asked {
                let one = &mut self.pool.all[at];
                one.scores[number] = scorer.weight * score(one);
            }
        }
    }

    /// Lets the objective put in order what is first, unless the slate fell back or goes on with an earlier one.
    fn foresee(
        &mut self,
        context: &Context<'_>,
        planned: &PlannedPlacement,
        fallback: Fallback,
    ) -> Foresight {
        // Without some of its sources a candidate would be described as something else.
        let is_cut = !context.request.skipped.is_empty();
        let is_ordered = context.request.follows.is_some() || is_sorted(context.request);
        if fallback != Fallback::None || is_ordered || is_cut {
            return Foresight::default();
        }
        foresee(context, planned, &mut self.pool)
    }

    /// The part of the order that the page shows.
    fn page(
        &mut self,
        context: &Context<'_>,
        slots: usize,
        (caps, fallback): (Diversity, Fallback),
    ) -> Vec<usize> {
        let before = before(context.request).min(slots);
        let kept = match context.request.search.as_deref().filter(|search| search.after.is_some()) {
            Some(search) => self.put_first(context, &search.shown),
            None => before,
        };
        let mut chosen = self.select(context, kept + slots - before, (caps, fallback));
        let kept = kept.min(chosen.len());
        if kept > 0 {
            let earlier = self.remover("earlier_page");
            chosen.drain(..kept).for_each(|at| self.leave_out(at, earlier));
        }
        chosen
    }

    /// Puts what earlier pages showed in front of everything, in its order, or another variant of it; says how many of it are still in.
    fn put_first(&mut self, context: &Context<'_>, shown: &[String]) -> usize {
        let mut first: Vec<usize> = Vec::with_capacity(shown.len());
        for product in shown.iter().filter_map(|id| context.snapshot.product(id)) {
            let group = context.snapshot.aggregates.catalog.row(product).map(|row| row.group);
            let is_in = |at: &usize| self.pool.all[*at].removed_by.is_none() && !first.contains(at);
            let own = self.pool.place(Candidate::Product(product)).filter(is_in);
            let other = || {
                let group = group.filter(|group| !is_lone(*group))?;
                (0..self.pool.all.len()).find(|at| self.pool.all[*at].row.group == group && is_in(at))
            };
            first.extend(own.or_else(other));
        }
        for one in &mut self.pool.all {
            // What a rule pins where an earlier page was comes first on this one.
            one.pin = one.pin.map(|(position, rule)| (position.max(first.len() as u16), rule));
        }
        for (position, at) in (0..).zip(&first) {
            self.pool.all[*at].pin = Some((position, u16::MAX));
        }
        first.len()
    }

    /// Places of the slate's candidates in the pool, in the slate's order.
    fn select(
        &mut self,
        context: &Context<'_>,
        slots: usize,
        (caps, fallback): (Diversity, Fallback),
    ) -> Vec<usize> {
        let is_in = |at: &usize| self.pool.all[*at].removed_by.is_none();
        let kept: Vec<usize> = (0..self.pool.all.len()).filter(is_in).collect();
        let open = if fallback == Fallback::Hidden { 0 } else { slots };
        let mut pins: Vec<(u16, u16, usize)> = kept.iter().filter_map(|&at| self.pin(at)).collect();
        pins.sort_unstable();
        pins.retain(|(position, ..)| usize::from(*position) < open);
        pins.truncate(open);
        let mut shares = Shares::new(caps);
        pins.iter().for_each(|&(.., at)| _ = shares.take(&self.pool.all[at]));
        let is_pinned = |at: &usize| pins.iter().any(|(.., pinned)| pinned == at);
        let ranked: Vec<Ranked> = kept
            .iter()
            .copied()
            .filter(|at| !is_pinned(at))
            .map(|at| Ranked::of(&self.pool.all[at], at))
            .collect();
        let free = open - pins.len();
        let mut chosen = match (bandit(context), explored(context, &self.pool, fallback)) {
            (Some(bandit), _) => self.draw_blocks(context, bandit, ranked, free),
            (None, Some(explore)) => self.draw((context.request.id, explore), ranked, free, &mut shares),
            (None, None) => {
                let (kept_slots, ranked) = self.keep_slots(ranked, free, &mut shares);
                self.fill(ranked, free, kept_slots, &mut shares)
            }
        };
        // Of two that claim one position the first keeps it, and the other comes after it.
        let mut free = 0;
        for (position, _, at) in pins {
            let place = usize::from(position).max(free).min(chosen.len());
            chosen.insert(place, at);
            free = place + 1;
        }
        chosen
    }

    /// The given candidates that are still in, in the order in which they are given.
    fn keep_order(&mut self, context: &Context<'_>, slots: usize) -> Vec<usize> {
        let place = |product: &ProductNo| self.pool.place(Candidate::Product(*product));
        let in_order = context.given.iter().filter_map(place);
        let mut kept: Vec<usize> = in_order.filter(|at| self.pool.all[*at].removed_by.is_none()).collect();
        let not_in_top = self.remover("not_in_top");
        let rest = kept.split_off(slots.min(kept.len()));
        rest.into_iter().for_each(|at| self.leave_out(at, not_in_top));
        kept
    }

    /// What was good enough but had no room, in the order of scores.
    fn rest(&self) -> Vec<Candidate> {
        let is_left = |one: &&Pooled| {
            let name = one.removed_by.map(|remover| self.removed[usize::from(remover)].0.as_str());
            matches!(name, Some("not_in_top" | "diversity"))
        };
        let mut left: Vec<&Pooled> = self.pool.all.iter().filter(is_left).collect();
        left.sort_unstable_by_key(|one| one.place());
        left.into_iter().map(|one| one.candidate).collect()
    }

    fn pin(&self, at: usize) -> Option<(u16, u16, usize)> {
        self.pool.all[at].pin.map(|(position, rule_no)| (position, rule_no, at))
    }

    /// The best of each reservation, as far as slots are open, and what is left.
    fn keep_slots(
        &self,
        mut ranked: Vec<Ranked>,
        open: usize,
        shares: &mut Shares,
    ) -> (Vec<Ranked>, Vec<Ranked>) {
        let mut kept: Vec<Ranked> = Vec::new();
        if self.pool.reservations.is_empty() {
            return (kept, ranked);
        }
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        for (number, &slots) in self.pool.reservations.iter().enumerate() {
            let is_meant = |one: &Ranked| self.pool.all[one.at].reserved >> number & 1 == 1;
            let mut missing =
                usize::from(slots).saturating_sub(kept.iter().filter(|one| is_meant(one)).count());
            let mut at = 0;
            while missing > 0 && kept.len() < open && at < ranked.len() {
                if is_meant(&ranked[at]) && shares.take(&self.pool.all[ranked[at].at]) {
                    kept.push(ranked.remove(at));
                    missing -= 1;
                } else {
                    at += 1;
                }
            }
        }
        (kept, ranked)
    }

    fn fill(
        &mut self,
        ranked: Vec<Ranked>,
        open: usize,
        mut slate: Vec<Ranked>,
        shares: &mut Shares,
    ) -> Vec<usize> {
        let mut ranked = BinaryHeap::from(ranked);
        let (diversity, not_in_top) = (self.remover("diversity"), self.remover("not_in_top"));
        let is_mixed = !slate.is_empty();
        while slate.len() < open
            && let Some(best) = ranked.pop()
        {
            if shares.take(&self.pool.all[best.at]) {
                slate.push(best);
            } else {
                self.leave_out(best.at, diversity);
            }
        }
        for rest in ranked {
            self.leave_out(rest.at, not_in_top);
        }
        if is_mixed {
            slate.sort_unstable_by(|a, b| b.cmp(a));
        }
        slate.into_iter().map(|one| one.at).collect()
    }

    fn leave_out(&mut self, at: usize, remover: u16) {
        self.pool.all[at].removed_by = Some(remover);
        self.removed[usize::from(remover)].1 += 1;
    }

    fn certify(&self, context: &Context<'_>, planned: &PlannedPlacement, chosen: &Chosen) -> Decision {
        let Chosen { slate, foresight, fallback } = chosen;
        let fallback = *fallback;
        let placement = &planned.placement;
        let headline = match fallback {
            _ if slate.is_empty() => String::new(),
            Fallback::None => placement.headline.clone(),
            Fallback::Popular => placement.fallback_headline.clone(),
            Fallback::Hidden | Fallback::Off | Fallback::Clutter | Fallback::External => String::new(),
        };
        let objective = placement.objective.as_ref().filter(|_| !foresight.foreseen.is_empty());
        let named = |(source, count): &(&PlannedSource, u32)| (source.spec.name.to_owned(), *count);
        let goes_on = placement.form == Form::Listing
            && context.request.follows.is_none()
            && context.request.search.is_none()
            && fallback != Fallback::Hidden;
        Decision {
            slate: slate.iter().map(|&at| self.slot(context, planned, foresight, at)).collect(),
            objective: objective.map(|one| one.name.clone()).unwrap_or_default(),
            feature_set: if foresight.at.is_empty() { 0 } else { planned.feature_set },
            personalization: personalization(context, fallback),
            fallback,
            headline,
            draw: self.draw.clone().map(Box::new),
            sources: self.sources.iter().map(named).collect(),
            scorers: planned.scorers.iter().map(|scorer| scorer.spec.name.to_owned()).collect(),
            candidate_count: self.pool.all.len() as u32,
            removed: self.removed.iter().filter(|(_, count)| *count > 0).cloned().collect(),
            met: met(context),
            rest: if goes_on { self.rest() } else { Vec::new() },
            considered: context.request.explain.then(|| self.considered()),
            ..nothing(context)
        }
    }

    fn slot(
        &self,
        context: &Context<'_>,
        planned: &PlannedPlacement,
        foresight: &Foresight,
        at: usize,
    ) -> Slot {
        let one = &self.pool.all[at];
        let drawn = self.drawn.iter().find(|one| one.at == at);
        let row = foresight.row(at);
        let width = planned.features.len();
        let features = row.map_or(&[][..], |row| &foresight.values[row * width..][..width]);
        let rule = one.pin.and_then(|(_, rule_no)| planned.rules.get(usize::from(rule_no)));
        // What no source yielded was pinned or given; for want of time there may be no source at all.
        let is_yielded = one.blend() > 0.0 || context.request.given.is_empty();
        let source = self.sources.get(one.main_source()).filter(|_| is_yielded);
        let reason = match (rule, source) {
            (Some(_), _) => pinned_reason(),
            (None, Some((source, _))) => (source.spec.reason)(context, source, one.candidate),
            (None, None) => given_reason(),
        };
        Slot {
            candidate: one.candidate,
            score: one.score(),
            parts: parts(one, self.sources.len()),
            reason,
            placed_by: rule.map(|rule| rule.rule.name.clone()),
            moved_by: moved_by(context, planned, one)
                .into_iter()
                .chain(drawn.filter(|one| one.is_early).map(|_| EXPLORED.to_owned()))
                .collect(),
            probability: drawn.map_or(1.0, |one| one.probability),
            team: None,
            foreseen: row.and_then(|row| foresight.foreseen.get(row)).map_or(Vec::new(), |all| all.to_vec()),
            features: features.iter().map(|value| narrow(*value)).collect(),
        }
    }

    fn considered(&self) -> Vec<Considered> {
        let mut all: Vec<&Pooled> = self.pool.all.iter().collect();
        all.sort_unstable_by_key(|one| one.place());
        let name = |remover: u16| self.removed[usize::from(remover)].0.clone();
        let entry = |one: &Pooled| Considered {
            candidate: one.candidate,
            score: one.score(),
            parts: parts(one, self.sources.len()),
            removed_by: one.removed_by.map(name),
        };
        all.into_iter().map(entry).collect()
    }
}

/// How the search was met, with the facets that were offered.
fn met(context: &Context<'_>) -> Option<Box<Met>> {
    let facets = context.facets().iter().map(|facet| facet.name.clone()).collect();
    context.found().map(|found| Box::new(Met { facets, ..found.met.clone() }))
}

/// Parts of the sources by their numbers, those of the scorers after them.
fn parts(one: &Pooled, source_count: usize) -> Vec<(u8, f32)> {
    let scores = (source_count as u8..).zip(one.scores);
    (0..).zip(one.parts).take(source_count).chain(scores).filter(|(_, part)| *part != 0.0).collect()
}

/// The rules that changed a candidate's place in the order.
fn moved_by(context: &Context<'_>, planned: &PlannedPlacement, one: &Pooled) -> Vec<String> {
    let moved = |rule: &&Planned| {
        rule.spec.phase == Phase::Order
            && rule.is_active(context)
            && rule.is_about(context, one.candidate, &one.row)
    };
    planned.rules.iter().filter(moved).map(|rule| rule.rule.name.clone()).collect()
}

fn pinned_reason() -> Reason {
    let text = "Chosen by the shop".to_owned();
    Reason { code: "pinned".to_owned(), text, based_on: Vec::new(), personal: false }
}

fn given_reason() -> Reason {
    Reason {
        code: "given".to_owned(),
        text: "In this list".to_owned(),
        based_on: Vec::new(),
        personal: false,
    }
}

fn personalization(context: &Context<'_>, fallback: Fallback) -> Personalization {
    let Some(profile) = context.profile.filter(|_| fallback == Fallback::None) else {
        return Personalization::None;
    };
    let visit_len = profile.visit(context.request.now).len();
    match (profile.recent().len() > visit_len || !profile.bought().is_empty(), visit_len > 0) {
        (true, _) => Personalization::Full,
        (false, true) => Personalization::Session,
        (false, false) => Personalization::None,
    }
}

/// A candidate in the order of places, best on top of the heap.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Ranked {
    place: Reverse<Place>,
    at: usize,
}

impl Ranked {
    fn of(one: &Pooled, at: usize) -> Self {
        Self { place: Reverse(one.place()), at }
    }
}

/// How many slots each category and brand has taken.
struct Shares {
    caps: Diversity,
    taken: Vec<(u32, u32)>,
}

impl Shares {
    fn new(caps: Diversity) -> Self {
        Self { caps, taken: Vec::new() }
    }

    /// Takes a slot for the candidate, unless its category or brand has its share already.
    fn take(&mut self, one: &Pooled) -> bool {
        let is_open = self.has_room(one);
        if is_open && matches!(one.candidate, Candidate::Product(_)) {
            self.taken.push((one.row.category.0, one.row.brand.0));
        }
        is_open
    }

    /// Whether its category and brand have room for it.
    fn has_room(&self, one: &Pooled) -> bool {
        if !matches!(one.candidate, Candidate::Product(_)) {
            return true;
        }
        let count = |is_same: &dyn Fn(&&(u32, u32)) -> bool| self.taken.iter().filter(is_same).count();
        let (category, brand) = (one.row.category.0, one.row.brand.0);
        let (per_category, per_brand) =
            (usize::from(self.caps.max_per_category), usize::from(self.caps.max_per_brand));
        let category_is_full =
            per_category > 0 && category > 0 && count(&|(held, _)| *held == category) >= per_category;
        let brand_is_full = per_brand > 0 && brand > 0 && count(&|(_, held)| *held == brand) >= per_brand;
        !category_is_full && !brand_is_full
    }
}
