//! What is looked at every day for changes that nobody asked for: what comes in, how well it does, who is shown, how personal it is. A day is
//! folded from the log, looked at when it is over by the log's own time, and kept; an alarm is raised after two bad looks and cleared after three good ones.
//! So the same log raises the same alarms, however often it is read.
//!
//! What a day is held against ends before the first bad look, so that a change does not become its own reference; after four weeks
//! it is what is usual. Bounded: see the `_MAX`es.

/// A day against the days before it.
pub mod judge;
/// A day that goes on.
mod open;
/// How personal reasons are, and what is shown again.
pub mod personal;
/// What is watched.
pub mod table;

use crate::catalog::Catalog;
use crate::kpis::Kpis;
use bespoke_domain::decision::{Fallback, Personalization};
use bespoke_domain::entry::Delivery;
use bespoke_domain::time::MINUTE_MS;
use bespoke_domain::{
    Candidate, Consent, Decision, DecisionId, Event, EventKind, Millis, Offset, ProductNo, ProductPatch,
    Settings, ShopperNo,
};
use bespoke_models::statistics::alarm::{self, Alarm, Hysteresis};
use judge::{Evidence, Look};
use open::Open;
use personal::{Memory, expected, level};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use table::Watched;

/// Days kept, the newest.
pub const DAYS_MAX: usize = 60;
/// Days, before the first bad look, that a day is held against.
pub const REFERENCE_DAYS: u16 = 28;
/// Days after which what raised an alarm is what is usual.
pub const SETTLE_DAYS: u16 = 28;
/// Bad looks in a row that raise an alarm, and good ones that clear it.
pub const HYSTERESIS: Hysteresis = Hysteresis { raise_after: 2, clear_after: 3 };
/// Things watched whose state is kept.
const STATES_MAX: usize = 2_000;
/// Looks at one thing that are kept, the newest.
pub const LOOKS_MAX: usize = 28;
/// Alarms raised and cleared that are kept, the newest.
pub const CHANGES_MAX: usize = 200;
/// Decisions in which clicks are foreseen that are remembered, the newest.
const PENDING_MAX: usize = 20_000;
/// How long after midnight a day may still be told of.
const GRACE_MS: i64 = 60 * MINUTE_MS;

/// One thing that is watched.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The watch.
    pub watch: Watched,
    /// Of what: a placement, field, brand, …; empty where there is only one.
    pub of: Arc<str>,
}

/// A day that is over.
pub type Day = BTreeMap<Key, Evidence>;

/// How one thing that is watched stands.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct State {
    alarm: Alarm,
    /// The last day before the first bad look of those that go on.
    pinned: Option<u16>,
    /// The day that raised or cleared the alarm.
    pub since: Option<u16>,
    /// The newest looks, oldest first.
    pub looks: VecDeque<Look>,
}

impl State {
    /// Whether the alarm is raised.
    pub fn is_raised(&self) -> bool {
        self.alarm.is_raised()
    }

    /// The newest look.
    pub fn look(&self) -> Option<&Look> {
        self.looks.back()
    }
}

/// What became of an alarm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Turn {
    /// It was raised.
    Raised,
    /// It is as usual again.
    Cleared,
    /// It has stayed so long that it is what is usual now, or the watch was switched off.
    Settled,
}

/// An alarm that was raised or cleared.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// Its number, from 1.
    pub number: u64,
    /// The entry of the log that showed it.
    pub offset: Offset,
    /// When that was, by the log.
    pub time: Millis,
    /// What it is about.
    pub key: Key,
    /// What became of it.
    pub turn: Turn,
    /// The look that did it.
    pub look: Look,
    /// Whether a message about it was accepted.
    pub is_delivered: bool,
}

/// A product in a decision that foresaw clicks.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Hoped {
    product: ProductNo,
    chance: f32,
    is_seen: bool,
    is_clicked: bool,
}

/// What only the fold reads.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Following {
    open: BTreeMap<u16, Open>,
    memory: Memory,
    hoped: BTreeMap<DecisionId, (String, Vec<Hoped>)>,
    decisions: VecDeque<DecisionId>,
}

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    days: BTreeMap<u16, Arc<Day>>,
    states: Arc<BTreeMap<Key, State>>,
    changes: Arc<VecDeque<Change>>,
    change_count: u64,
    /// Events that came when their day was over.
    pub late: u64,
    following: Following,
}

/// What a look needs of the shop.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The products.
    pub catalog: &'a Catalog,
    /// Counts by day.
    pub kpis: &'a Kpis,
    /// The settings in force.
    pub settings: &'a Settings,
    /// The entry that is folded.
    pub offset: Offset,
}

impl Watch {
    /// The days that are over, oldest first.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = (u16, &Day)> {
        self.days.iter().map(|(day, held)| (*day, held.as_ref()))
    }

    /// Everything that is watched, and how it stands.
    pub fn states(&self) -> &BTreeMap<Key, State> {
        &self.states
    }

    /// Alarms raised and cleared, oldest first.
    pub fn changes(&self) -> &VecDeque<Change> {
        &self.changes
    }

    /// The copy a snapshot keeps: without what only the fold needs.
    pub fn freeze(&mut self) -> Self {
        let following = std::mem::take(&mut self.following);
        let frozen = self.clone();
        self.following = following;
        frozen
    }

    /// Two identities turn out to be one shopper, or one wants to be forgotten: what the number was shown is.
    pub fn forget(&mut self, shopper: ShopperNo) {
        self.following.memory.forget(shopper);
        self.following.open.values_mut().for_each(|open| open.forget(shopper));
    }

    /// Notes that a message about a change was accepted.
    pub fn fold_delivery(&mut self, delivery: Delivery) {
        let told = Arc::make_mut(&mut self.changes).iter_mut().find(|one| one.number == delivery.change);
        if let Some(told) = told {
            told.is_delivered = true;
        }
    }

    /// Ends the days that are over at `now`, and looks at each.
    pub fn turn(&mut self, now: Millis, seen: Seen<'_>) {
        let goes_on = seen.settings.shop.local_day(now.plus(-GRACE_MS));
        while let Some(entry) = self.following.open.first_entry().filter(|entry| *entry.key() < goes_on) {
            let (day, open) = entry.remove_entry();
            let evidence = open.close((day, now), (seen.catalog, seen.kpis, seen.settings));
            self.days.insert(day, Arc::new(evidence));
            if self.days.len() > DAYS_MAX {
                self.days.pop_first();
            }
            self.look(day, now, seen);
        }
    }

    /// The day of a moment, where it goes on.
    fn open(&mut self, time: Millis, settings: &Settings) -> Option<&mut Open> {
        let day = settings.shop.local_day(time);
        let over = self.days.keys().next_back().is_some_and(|last| day <= *last);
        // History that comes backwards opens no day for each of its own.
        let old =
            self.following.open.keys().next_back().is_some_and(|newest| day.saturating_add(1) < *newest);
        if over || old {
            self.late += 1;
            return None;
        }
        Some(self.following.open.entry(day).or_default())
    }

    /// Folds a row of the feed in. A catalogue that comes before the history of its shop is of no day of it.
    pub fn fold_patch(&mut self, received: Millis, patch: &ProductPatch, settings: &Settings) {
        let day = settings.shop.local_day(received);
        let goes_on = self.following.open.keys().any(|open| *open == day || open.saturating_add(1) == day);
        if !goes_on {
            return;
        }
        if let Some(open) = self.open(received, settings) {
            open.patch(patch);
        }
    }

    /// Folds an event of a person in.
    pub fn fold_event(&mut self, event: &Event, products: &[ProductNo], seen: Seen<'_>) {
        if let Some(open) = self.open(event.time, seen.settings) {
            open.event(event, seen.catalog, products);
        }
        let is_view = event.kind == EventKind::ViewItemList && event.visible;
        let is_click = event.kind == EventKind::SelectItem;
        if let Some(id) = event.decision.filter(|_| is_view || is_click) {
            self.come_true((id, is_click), event.time, products, seen.settings);
        }
    }

    /// What was foreseen of products that are in view now, and what comes true of it.
    fn come_true(
        &mut self,
        (id, is_click): (DecisionId, bool),
        time: Millis,
        products: &[ProductNo],
        settings: &Settings,
    ) {
        let Some((placement, mut hoped)) = self.following.hoped.remove(&id) else { return };
        if let Some(open) = self.open(time, settings) {
            for one in hoped.iter_mut().filter(|one| products.contains(&one.product)) {
                if !std::mem::replace(&mut one.is_seen, true) {
                    open.foreseen(&placement, one.chance);
                }
                if is_click && !std::mem::replace(&mut one.is_clicked, true) {
                    open.clicked(&placement, one.chance);
                }
            }
        }
        self.following.hoped.insert(id, (placement, hoped));
    }

    /// Folds a decision in, for the shopper who is kept under `root` and allows what `consent` says.
    pub fn fold_decision(
        &mut self,
        decision: &Decision,
        (root, consent): (Option<ShopperNo>, Consent),
        seen: Seen<'_>,
    ) {
        let request = &decision.request;
        let products = decision.slate.iter().filter_map(|slot| match slot.candidate {
            Candidate::Product(product) => Some(product),
            Candidate::Category(_) | Candidate::Content(_) => None,
        });
        let products: Vec<ProductNo> = products.collect();
        self.hope(decision);
        let is_first = request.follows.is_none();
        let is_of_shop = !matches!(decision.fallback, Fallback::Off | Fallback::Clutter | Fallback::External);
        let Some(open) = self.open(request.now, seen.settings) else { return };
        if let Some((search, met)) = request.search.as_ref().zip(decision.met.as_ref()) {
            if search.from == 0 && is_first && !search.text.is_empty() {
                open.search(met.total == 0);
            }
        } else if is_first && is_of_shop {
            open.decision(&request.placement, decision.fallback != Fallback::None);
        }
        products.iter().for_each(|product| open.slot(*product, seen.catalog));
        decision.slate.iter().for_each(|slot| open.features(decision.feature_set, &slot.features));
        let is_personal = decision.personalization != Personalization::None;
        let is_asked_for =
            request.search.is_some() || request.category.is_some() || !request.given.is_empty();
        let Some(root) = root.filter(|_| is_personal && !is_asked_for && !products.is_empty()) else {
            return;
        };
        let expected = expected(decision, consent);
        for slot in &decision.slate {
            open.distance(level(decision, &slot.reason).saturating_sub(expected));
        }
        let category = |product: &ProductNo| seen.catalog.row(*product).map(|row| row.category.0);
        open.tastes(root, products.iter().filter_map(category));
        let again = self.following.memory.show(root, &products);
        if let Some(open) = self.open(request.now, seen.settings) {
            open.repeated(again, products.len() as u64);
        }
    }

    /// Remembers the clicks that a decision foresees.
    fn hope(&mut self, decision: &Decision) {
        let hoped = decision.slate.iter().filter_map(|slot| match (slot.candidate, slot.foreseen.first()) {
            (Candidate::Product(product), Some(chance)) => {
                Some(Hoped { product, chance: *chance, is_seen: false, is_clicked: false })
            }
            _ => None,
        });
        let hoped: Vec<Hoped> = hoped.collect();
        if hoped.is_empty() {
            return;
        }
        let Following { hoped: held, decisions, .. } = &mut self.following;
        if decisions.len() == PENDING_MAX
            && let Some(oldest) = decisions.pop_front()
        {
            held.remove(&oldest);
        }
        let id = decision.request.id;
        if held.insert(id, (decision.request.placement.clone(), hoped)).is_none() {
            decisions.push_back(id);
        }
    }

    /// Looks at a day that is over: at what was told of on it, and at alarms that have stayed.
    fn look(&mut self, day: u16, now: Millis, seen: Seen<'_>) {
        let Some(evidence) = self.days.get(&day).cloned() else { return };
        let mut states = std::mem::take(Arc::make_mut(&mut self.states));
        let age = |state: &State| state.look().map_or(0, |look| day.saturating_sub(look.day));
        let is_old = |state: &State| !state.is_raised() && usize::from(age(state)) > DAYS_MAX;
        states.retain(|_, state| !is_old(state));
        for (key, evidence) in evidence.iter() {
            let is_off = seen.settings.watch.off.iter().any(|name| *name == key.watch.spec().name);
            if is_off || states.len() >= STATES_MAX && !states.contains_key(key) {
                continue;
            }
            let state = states.entry(key.clone()).or_default();
            let look = self.held_against(key, (day, evidence), state, seen.settings);
            let Some(look) = look else { continue };
            if state.looks.len() == LOOKS_MAX {
                state.looks.pop_front();
            }
            state.looks.push_back(look);
            if let Some(turn) = state.judge(&look) {
                self.note((key, turn, look), now, seen.offset);
            }
        }
        for (key, state) in states.iter_mut().filter(|(_, state)| state.is_raised()) {
            let is_off = seen.settings.watch.off.iter().any(|name| *name == key.watch.spec().name);
            let stayed = state.since.is_some_and(|since| day >= since.saturating_add(SETTLE_DAYS));
            if let Some(look) = state.look().copied().filter(|_| is_off || stayed) {
                let looks = std::mem::take(&mut state.looks);
                *state = State { since: Some(day), looks, ..State::default() };
                self.note((key, Turn::Settled, look), now, seen.offset);
            }
        }
        *Arc::make_mut(&mut self.states) = states;
    }

    fn held_against(
        &self,
        key: &Key,
        now: (u16, &Evidence),
        state: &State,
        settings: &Settings,
    ) -> Option<Look> {
        let last = state.pinned.unwrap_or(now.0.saturating_sub(1));
        let days = self.days.range(last.saturating_sub(REFERENCE_DAYS - 1)..=last);
        let reference: Vec<&Evidence> = days.filter_map(|(_, held)| held.get(key)).collect();
        judge::look(key.watch.spec(), settings.watch.sensitivity, now, &reference)
    }

    fn note(&mut self, (key, turn, look): (&Key, Turn, Look), time: Millis, offset: Offset) {
        self.change_count += 1;
        let number = self.change_count;
        let changes = Arc::make_mut(&mut self.changes);
        changes.push_back(Change { number, offset, time, key: key.clone(), turn, look, is_delivered: false });
        if changes.len() > CHANGES_MAX {
            changes.pop_front();
        }
    }
}

impl State {
    /// Takes a look into account.
    fn judge(&mut self, look: &Look) -> Option<Turn> {
        let (is_bad, day) = (look.is_bad(), look.day);
        let change = self.alarm.look(is_bad, &HYSTERESIS);
        if is_bad && self.pinned.is_none() {
            self.pinned = Some(day.saturating_sub(1));
        }
        if !is_bad && !self.alarm.is_raised() {
            self.pinned = None;
        }
        let turn = match change? {
            alarm::Change::Raised => Turn::Raised,
            alarm::Change::Cleared => Turn::Cleared,
        };
        self.since = Some(day);
        Some(turn)
    }
}
