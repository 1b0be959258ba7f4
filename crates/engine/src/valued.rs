//! What a placement would have been worth at another's place, from what was logged: each logged slate of the champion is held to the probabilities with which
//! the challenger would have filled its places, on the same request, with the shop and the shopper as they were; what was clicked is weighted by both
//! (`bespoke_models::off_policy`).
//!
//! Only what was in view counts, and of slates that the champion filled by itself, for shoppers that are not held out. A probability is that of a candidate at
//! its place given what stands above it, on both sides: a click is taken to depend on the place and on what is there, not on its neighbours.

use crate::decide::chances;
use crate::occasions::{Given, Past};
use bespoke_domain::decision::Fallback;
use bespoke_domain::experiment::HELD;
use bespoke_domain::{
    Body, Candidate, Decision, DecisionId, Entry, Event, EventKind, Millis, Offset, Request, Settings,
};
use bespoke_models::off_policy::{Row, Value, value};
use std::collections::BTreeMap;

/// Most slates that are held to it, those shown last.
const SLATES_MAX: usize = 100_000;

/// What the log says of a challenger.
#[derive(Clone, PartialEq, Debug)]
pub struct Valued {
    /// Slates of the champion that were in view.
    pub slates: usize,
    /// Clicks in them.
    pub clicks: usize,
    /// What the challenger would have been worth, in clicks per place in view; or why that cannot be told.
    pub value: Result<Value, String>,
}

/// A slate of the champion.
struct Shown {
    unit: u64,
    slots: Vec<ShownSlot>,
}

struct ShownSlot {
    candidate: Candidate,
    propensity: f64,
    /// What the challenger would have shown there, as numbers, with probabilities that add up to 1.
    target: Vec<(u32, f64)>,
    is_seen: bool,
    is_clicked: bool,
}

/// A walk through the log that values a challenger: feed it all entries, in order and from the first on.
pub struct Valuing {
    past: Past,
    champion: String,
    challenger: String,
    after: (Offset, Millis),
    shown: BTreeMap<DecisionId, Shown>,
}

impl Valuing {
    /// Values `challenger` at the place of `champion`, by decisions after an entry and a moment: a model must not be judged by what it was
    /// fitted on. What is given is in force from the start; it MUST have both placements.
    pub fn new((champion, challenger): (&str, &str), after: (Offset, Millis), given: Given) -> Self {
        // The challenger is asked for by its own name: nothing that goes on at either place is to come between.
        let settings = given.settings.map(|settings| Settings { experiments: Vec::new(), ..settings });
        Self {
            past: Past::new(Given { settings, ..given }),
            champion: champion.to_owned(),
            challenger: challenger.to_owned(),
            after,
            shown: BTreeMap::new(),
        }
    }

    /// Takes the next entry.
    pub fn feed(&mut self, offset: Offset, entry: &Entry) {
        match &entry.body {
            Body::Decision(decision)
                if offset > self.after.0 && entry.received >= self.after.1 && self.is_own(decision) =>
            {
                self.decided(decision);
            }
            Body::Event(event) if !event.is_bot() => self.happened(event),
            _ => {}
        }
        self.past.fold(offset, entry);
    }

    /// Whether the champion filled it, with nothing but its own chance.
    fn is_own(&self, decision: &Decision) -> bool {
        let request = &decision.request;
        request.placement == self.champion
            && decision.fallback == Fallback::None
            && !decision.slate.is_empty()
            && decision.arms.iter().all(|arm| arm.experiment == bespoke_domain::experiment::HOLDOUT)
            && decision.arms.iter().all(|arm| arm.arm != HELD)
            && request.search.is_none()
            && request.follows.is_none()
            && request.given.is_empty()
    }

    fn decided(&mut self, decision: &Decision) {
        let live = self.past.at(decision.request.now);
        let request = Request { placement: self.challenger.clone(), ..decision.request.clone() };
        let profile = request.shopper.and_then(|shopper| live.profile(shopper));
        let slate: Vec<Candidate> = decision.slate.iter().map(|slot| slot.candidate).collect();
        let told = chances(&live.snapshot(), profile.as_deref(), &request, &slate);
        let mut slots = Vec::with_capacity(slate.len());
        for (at, slot) in decision.slate.iter().enumerate() {
            let target = told.get(at).map_or(&[][..], Vec::as_slice);
            // Where the challenger has nothing to show nobody clicks: that is an action of its own, which nobody took.
            let missing = 1.0 - target.iter().map(|(_, chance)| chance).sum::<f64>();
            let mut target: Vec<(u32, f64)> =
                target.iter().map(|(candidate, chance)| (number(*candidate), *chance)).collect();
            if missing > 1e-9 {
                target.push((u32::MAX, missing));
            }
            slots.push(ShownSlot {
                candidate: slot.candidate,
                propensity: f64::from(slot.probability),
                target,
                is_seen: false,
                is_clicked: false,
            });
        }
        let shopper = request.shopper.map(|shopper| u64::from(live.root(shopper).0) + 1);
        let unit = shopper.unwrap_or(request.id.0 as u64 | 1 << 63);
        self.shown.insert(request.id, Shown { unit, slots });
        if self.shown.len() > SLATES_MAX {
            self.shown.pop_first();
        }
    }

    fn happened(&mut self, event: &Event) {
        let is_click = event.kind == EventKind::SelectItem;
        let is_view = event.kind == EventKind::ViewItemList && event.visible;
        let Some(shown) = event.decision.filter(|_| is_click || is_view) else { return };
        let Some(shown) = self.shown.get_mut(&shown) else { return };
        let snapshot = self.past.live().snapshot();
        let told: Vec<Candidate> = event
            .items
            .iter()
            .filter_map(|item| snapshot.product(&item.item_id).map(Candidate::Product))
            .collect();
        for slot in &mut shown.slots {
            let is_meant = told.contains(&slot.candidate) || event.items.is_empty() && is_view;
            slot.is_seen |= is_meant;
            slot.is_clicked |= is_meant && is_click;
        }
    }

    /// What it comes to.
    pub fn finish(&self) -> Valued {
        let mut rows = Vec::new();
        let (mut slates, mut clicks) = (0, 0);
        for shown in self.shown.values() {
            let seen = (0..).zip(&shown.slots).filter(|(_, slot)| slot.is_seen);
            let before = rows.len();
            rows.extend(seen.map(|(position, slot)| {
                clicks += usize::from(slot.is_clicked);
                Row {
                    unit: shown.unit,
                    position,
                    action: number(slot.candidate),
                    reward: f64::from(u8::from(slot.is_clicked)),
                    propensity: slot.propensity,
                    target: &slot.target,
                }
            }));
            slates += usize::from(rows.len() > before);
        }
        Valued { slates, clicks, value: value(&rows).map_err(|error| error.to_string()) }
    }
}

/// A number of its own for each candidate.
fn number(candidate: Candidate) -> u32 {
    match candidate {
        Candidate::Product(product) => product.0 << 1,
        Candidate::Category(category) => category.0 << 1 | 1,
        // Nothing shows both categories and content.
        Candidate::Content(block) => block.0 << 1 | 1,
    }
}
