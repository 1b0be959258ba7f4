//! Two placements in one list, so that clicks tell which ranking a shopper prefers: both decide, and team draft puts their slates together
//! (`bespoke_models::statistics::interleaving`).
//!
//! What a rule of either places stands where that placement has it, and is nobody's. Caps are the control's, as far as there is enough to fill
//! the slots. Where one of the two falls back, the control answers. Rankers learn nothing from such a slate: two orders made it.

use crate::context::Context;
use crate::decide::{decide_alone, nothing, room};
use crate::draw::seeded;
use crate::experiment::Assigned;
use crate::tables::PlannedPlacement;
use crate::variants::is_lone;
use bespoke_domain::decision::{Considered, Fallback, Slot};
use bespoke_domain::experiment::Team;
use bespoke_domain::settings::{Diversity, Form};
use bespoke_domain::{Candidate, Decision, GroupNo, Request};
use bespoke_models::statistics::interleaving::{Placed, team_draft};
use rustc_hash::FxHashSet;

/// What tells the coin of a decision from what else is drawn in it.
const COIN: u64 = 0x7465_616d;

/// Decides both, the control as the context has it, and puts them together.
pub fn decide(context: &Context<'_>, control: &PlannedPlacement, treated: &PlannedPlacement) -> Decision {
    let len = room(control, context.request).0;
    let asked = Request { explain: true, slots: len as u16, ..context.request.clone() };
    let alone = |planned| {
        let mut one = Context::new(context.snapshot, context.profile, &asked);
        // It is told that it stands beside another, so that chance is left out of its order.
        let assigned = Assigned { against: context.assigned.against.clone(), ..Assigned::default() };
        (one.assigned, one.planned) = (assigned, Some(planned));
        decide_alone(&one)
    };
    let (first, second) = (alone(control), alone(treated));
    let told = nothing(context);
    let (request, arms) = (told.request, told.arms);
    let versions = bespoke_domain::decision::Versions {
        models: union(&first.versions.models, &second.versions.models),
        ..told.versions
    };
    if first.fallback != Fallback::None || second.fallback != Fallback::None {
        let considered = first.considered.filter(|_| request.explain);
        return Decision { request, arms, versions, considered, ..first };
    }
    let is_one =
        |planned: &PlannedPlacement| planned.filters.iter().any(|one| one.spec.name == "one_variant");
    let mixer = Mixer {
        context,
        caps: control.placement.diversity,
        is_one_variant: is_one(control) || is_one(treated),
        slates: [&first.slate, &second.slate],
        plans: [control, treated],
    };
    let list = mixer.list(len);
    let chances = chances(&list);
    let slate: Vec<Slot> =
        list.iter().zip(chances).map(|(one, chance)| slot((&first, &second), one, chance)).collect();
    let shown: FxHashSet<Candidate> = slate.iter().map(|one| one.candidate).collect();
    let considered = considered(&first, &second, &shown);
    let goes_on = control.placement.form == Form::Listing && context.request.search.is_none();
    let rest = if goes_on { mixer.rest([&first.rest, &second.rest], &list) } else { Vec::new() };
    Decision {
        request,
        arms,
        versions,
        slate,
        rest,
        sources: [first.sources.as_slice(), &second.sources].concat(),
        scorers: [first.scorers.as_slice(), &second.scorers].concat(),
        objective: String::new(),
        feature_set: 0,
        candidate_count: considered.len() as u32,
        removed: removed(&considered),
        considered: context.request.explain.then_some(considered),
        ..first
    }
}

fn union<T: Clone + PartialEq>(one: &[T], other: &[T]) -> Vec<T> {
    one.iter().chain(other.iter().filter(|held| !one.contains(held))).cloned().collect()
}

/// A place in one of the two slates; two of them are alike where they are the same product.
#[derive(Clone, Copy)]
struct Item {
    candidate: Candidate,
    group: Option<GroupNo>,
    slate: usize,
    at: usize,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.candidate == other.candidate || self.group.is_some() && self.group == other.group
    }
}

struct Mixer<'a> {
    context: &'a Context<'a>,
    caps: Diversity,
    is_one_variant: bool,
    slates: [&'a [Slot]; 2],
    plans: [&'a PlannedPlacement; 2],
}

impl Mixer<'_> {
    fn item(&self, candidate: Candidate, slate: usize, at: usize) -> Item {
        let row = match candidate {
            Candidate::Product(product) => self.context.snapshot.aggregates.catalog.row(product),
            Candidate::Category(_) | Candidate::Content(_) => None,
        };
        let group = row.map(|row| row.group).filter(|group| self.is_one_variant && !is_lone(*group));
        Item { candidate, group, slate, at }
    }

    fn items(&self, slate: usize) -> impl Iterator<Item = Item> + '_ {
        self.slates[slate].iter().enumerate().map(move |(at, slot)| self.item(slot.candidate, slate, at))
    }

    /// The place that a rule claims for an item; `None` where none does.
    fn claimed(&self, item: &Item) -> Option<usize> {
        let slot = &self.slates[item.slate][item.at];
        let name = slot.placed_by.as_ref()?;
        let rule = self.plans[item.slate].rules.iter().find(|planned| planned.rule.name == *name)?;
        let categories = rule.categories.iter().copied().map(Candidate::Category);
        let at = rule.items.iter().copied().chain(categories).position(|one| one == slot.candidate)?;
        Some(usize::from(rule.rule.position) + at)
    }

    /// The list: what rules place where they place it, the rest by team draft.
    fn list(&self, len: usize) -> Vec<Placed<Item>> {
        let mut pinned: Vec<Item> = Vec::new();
        for one in self.items(0).chain(self.items(1)).filter(|one| self.claimed(one).is_some()) {
            if !pinned.contains(&one) && pinned.len() < len {
                pinned.push(one);
            }
        }
        let ranking =
            |slate| -> Vec<Item> { self.items(slate).filter(|one| !pinned.contains(one)).collect() };
        let (control, treated) = (ranking(0), ranking(1));
        let open = len - pinned.len();
        let mut random = seeded(self.context.request.id, COIN);
        let fits = |list: &[Placed<Item>], item: Item| self.fits(&pinned, list, item);
        let mut list = team_draft((&control, &treated), open, fits, || random.unit() < 0.5);
        // Caps give way before slots stay empty.
        for item in control.into_iter().chain(treated) {
            if list.len() < open && list.iter().all(|placed| placed.item != item) {
                list.push(Placed { item, team: None });
            }
        }
        pinned.sort_by_key(|one| (self.claimed(one), one.slate));
        // Of two that claim one place the first keeps it, and the other comes after it.
        let mut free = 0;
        for item in pinned {
            let place = self.claimed(&item).unwrap_or(0).max(free).min(list.len());
            list.insert(place, Placed { item, team: None });
            free = place + 1;
        }
        list
    }

    /// Whether the item's category and brand have room in the list.
    fn fits(&self, pinned: &[Item], list: &[Placed<Item>], item: Item) -> bool {
        let (per_category, per_brand) =
            (usize::from(self.caps.max_per_category), usize::from(self.caps.max_per_brand));
        if per_category == 0 && per_brand == 0 {
            return true;
        }
        let of = |item: &Item| match item.candidate {
            Candidate::Product(product) => {
                self.context.snapshot.aggregates.catalog.row(product).map(|row| (row.category.0, row.brand.0))
            }
            Candidate::Category(_) | Candidate::Content(_) => None,
        };
        let Some((category, brand)) = of(&item) else { return true };
        let taken: Vec<(u32, u32)> =
            pinned.iter().chain(list.iter().map(|placed| &placed.item)).filter_map(of).collect();
        let has_room = |most: usize, own: u32, count: usize| most == 0 || own == 0 || count < most;
        has_room(per_category, category, taken.iter().filter(|one| one.0 == category).count())
            && has_room(per_brand, brand, taken.iter().filter(|one| one.1 == brand).count())
    }

    /// What following pages go on with: what is left of the control's order, then of the other's.
    fn rest(&self, rests: [&[Candidate]; 2], list: &[Placed<Item>]) -> Vec<Candidate> {
        let mut groups: FxHashSet<GroupNo> = list.iter().filter_map(|placed| placed.item.group).collect();
        let mut seen: FxHashSet<Candidate> = list.iter().map(|placed| placed.item.candidate).collect();
        let mut rest = Vec::new();
        for (slate, left) in rests.into_iter().enumerate() {
            let all = self.slates[slate].iter().map(|slot| slot.candidate).chain(left.iter().copied());
            for candidate in all {
                let group = self.item(candidate, slate, 0).group;
                if group.is_none_or(|group| groups.insert(group)) && seen.insert(candidate) {
                    rest.push(candidate);
                }
            }
        }
        rest
    }
}

/// The probability of each place, given what stands above it: a coin where the teams are level and each has something else to put there.
fn chances(list: &[Placed<Item>]) -> Vec<f32> {
    let mut ahead = 0;
    let mut one = |placed: &Placed<Item>| {
        let step = match placed.team {
            Some(Team::Treated) => 1,
            Some(Team::Control) => -1,
            None => return 1.0,
        };
        let is_level = ahead == 0;
        ahead += step;
        if is_level { 0.5 } else { 1.0 }
    };
    list.iter().map(&mut one).collect()
}

/// The slot as its placement made it, with its parts under the numbers of both placements' sources and scorers.
fn slot((first, second): (&Decision, &Decision), placed: &Placed<Item>, probability: f32) -> Slot {
    let Item { slate, at, .. } = placed.item;
    let of = [first, second][slate];
    let sources = [first.sources.len(), second.sources.len()];
    let own = sources[slate];
    let before = if slate == 0 { 0 } else { sources[0] };
    let scorers = sources[0] + sources[1] + if slate == 0 { 0 } else { first.scorers.len() };
    let number = |at: u8| match usize::from(at) {
        at if at < own => (before + at) as u8,
        at => (scorers + at - own) as u8,
    };
    let slot = of.slate[at].clone();
    Slot {
        parts: slot.parts.iter().map(|(at, part)| (number(*at), *part)).collect(),
        probability,
        team: placed.team,
        features: Vec::new(),
        foreseen: Vec::new(),
        ..slot
    }
}

/// Every candidate of either, with what became of it where it is not shown: what the control says, where it had it.
fn considered(first: &Decision, second: &Decision, shown: &FxHashSet<Candidate>) -> Vec<Considered> {
    let all = |decision: &Decision| decision.considered.clone().unwrap_or_default();
    let mut seen: FxHashSet<Candidate> = FxHashSet::default();
    let mut considered = Vec::new();
    for mut one in all(first).into_iter().chain(all(second)) {
        if seen.insert(one.candidate) {
            one.removed_by = match shown.contains(&one.candidate) {
                true => None,
                false => Some(one.removed_by.unwrap_or_else(|| "not_in_top".to_owned())),
            };
            one.parts = Vec::new();
            considered.push(one);
        }
    }
    considered
}

/// By name how many were removed.
fn removed(considered: &[Considered]) -> Vec<(String, u32)> {
    let mut removed: Vec<(String, u32)> = Vec::new();
    for by in considered.iter().filter_map(|one| one.removed_by.as_ref()) {
        match removed.iter_mut().find(|(held, _)| held == by) {
            Some((_, count)) => *count += 1,
            None => removed.push((by.clone(), 1)),
        }
    }
    removed
}
