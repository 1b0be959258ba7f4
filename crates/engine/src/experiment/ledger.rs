//! What became of the units of each arm: a row a unit from its first exposure on, folded from decisions and events. A row begins with
//! what the unit was like before, and adds up what it does afterwards; how it is read is the business of `metric` and `result`.
//!
//! An exposure is a decision that was made in an arm, whether it showed something or not: an arm that shows nothing to some is to be
//! compared with what the same shoppers would have got. Only where the page had no room left for any arm it is none. What happened before it
//! never counts. Programs count for nothing; a unit that one of them spoke for is marked. Bounded: see the `_MAX`es.

use super::lists::Lists;
use super::metric::is_somebody;
use super::month::{Closed, Months};
use super::{Epochs, unit_key};
use crate::catalog::Catalog;
use crate::kpis::visitors::is_of_visits;
use crate::orders::{Prices, Returned};
use crate::profile::{Act, Profile, seconds};
use bespoke_domain::decision::Fallback;
use bespoke_domain::experiment::{Arm, Design, HELD, HOLDOUT, INTERLEAVED, PERSONALIZED, Unit, WHOLE};
use bespoke_domain::time::{MINUTE_MS, Month, SESSION_GAP_MS};
use bespoke_domain::{Decision, Event, EventKind, Millis, ProductNo, Request, Settings, ShopperNo};
use bespoke_models::cow::CowVec;
use bespoke_models::statistics::switchback::Periods;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most runs kept, those that ended long ago giving way.
pub const RUNS_MAX: usize = 128;
/// Most units of one run; what comes later is counted and left out.
pub const UNITS_MAX: usize = 20_000_000;
/// Visits and cells that shoppers are followed in, the newest.
const FOLLOWED_MAX: usize = 500_000;
/// Seconds between two sweeps for those who need not be followed any more.
const SWEEP_S: u32 = 60;
/// Most markets of a switchback that are told apart; those that come later count as one.
const MARKETS_MAX: usize = 1_000;
/// Days before the first exposure that tell what a unit was like.
pub const BEFORE_DAYS: u32 = 28;
/// How long after a search what happens belongs to it, in seconds.
const QUERY_S: u32 = 30 * (MINUTE_MS / 1000) as u32;
/// Parts of the table of numbers, each copied when it changes.
const SHARDS: usize = 256;

/// What a unit did after its first exposure. Counts stop at their most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is what MEASURES says of it")]
pub struct Outcome {
    pub revenue: i64,
    pub margin: i64,
    pub returned: i64,
    pub returned_margin: i64,
    pub visits: u32,
    pub views: u32,
    pub shown: u32,
    pub clicked: u32,
    pub carts: u32,
    pub searches: u32,
    pub orders: u32,
    pub items: u32,
    pub returns: u32,
    pub contacts: u32,
    pub won: u32,
    pub lost: u32,
}

impl Outcome {
    /// Counts a list for whom it is won by now, and not for whom it was before: 1 for the treated ranking, −1 for the control.
    fn shift(&mut self, (before, now): (i64, i64)) {
        match before {
            1 => self.won = self.won.saturating_sub(1),
            -1 => self.lost = self.lost.saturating_sub(1),
            _ => {}
        }
        match now {
            1 => self.won = self.won.saturating_add(1),
            -1 => self.lost = self.lost.saturating_add(1),
            _ => {}
        }
    }

    fn add(&mut self, other: &Self) {
        let money = [
            (&mut self.revenue, other.revenue),
            (&mut self.margin, other.margin),
            (&mut self.returned, other.returned),
            (&mut self.returned_margin, other.returned_margin),
        ];
        money.into_iter().for_each(|(sum, more)| *sum = sum.saturating_add(more));
        let counts = [
            (&mut self.visits, other.visits),
            (&mut self.views, other.views),
            (&mut self.shown, other.shown),
            (&mut self.clicked, other.clicked),
            (&mut self.carts, other.carts),
            (&mut self.searches, other.searches),
            (&mut self.orders, other.orders),
            (&mut self.items, other.items),
            (&mut self.returns, other.returns),
            (&mut self.contacts, other.contacts),
            (&mut self.won, other.won),
            (&mut self.lost, other.lost),
        ];
        counts.into_iter().for_each(|(sum, more)| *sum = sum.saturating_add(more));
    }
}

/// What a unit was like before its first exposure, by the shopper's profile of then.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Before {
    /// Things done in the [`BEFORE_DAYS`], of the 50 that a profile has.
    pub acts: u8,
    /// Products bought in them, of the 64 that a profile has.
    pub bought: u8,
    /// What these cost by now, in minor units.
    pub spent: u32,
    /// Whether the shopper had been here on an earlier visit.
    pub is_returning: bool,
    /// Whether something had gone into the cart in them.
    pub is_keen: bool,
}

impl Before {
    /// By the profile of then; nothing of who is unknown.
    pub fn of(profile: Option<&Profile>, now: Millis, catalog: &Catalog) -> Self {
        let Some(profile) = profile else { return Self::default() };
        let now_s = seconds(now);
        let from_s = now_s.saturating_sub(BEFORE_DAYS * 86_400);
        let within = |time_s: u32| (from_s..now_s).contains(&time_s);
        let recent = profile.recent();
        let bought = || profile.bought().iter().filter(|one| within(one.time_s));
        let price = |product: ProductNo| catalog.price(product).map_or(0, |price| price.minor.max(0));
        let spent: i64 = bought().map(|one| price(one.product)).sum();
        Self {
            acts: recent.iter().filter(|one| within(one.time_s)).count() as u8,
            bought: bought().count() as u8,
            spent: spent.clamp(0, i64::from(u32::MAX)) as u32,
            is_returning: recent.first().is_some_and(|one| one.time_s + GAP_S < now_s),
            is_keen: recent.iter().any(|one| within(one.time_s) && one.act() == Act::Cart),
        }
    }
}

/// Silence that ends a visit, in seconds.
const GAP_S: u32 = (SESSION_GAP_MS / 1000) as u32;

/// One unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Its key.
    pub key: u64,
    /// When it was first exposed, in seconds of the epoch.
    pub first_s: u32,
    /// When something of it was last seen; of a row that gave way to another's, the number of that row.
    last_s: u32,
    /// Decisions that showed it its arm.
    pub exposures: u16,
    /// Its arm, by its place in [`Run::arms`].
    pub arm: u8,
    /// Whether it was exposed to another arm as well, or turned out to be one with a unit that was. It counts in its own arm: to leave it
    /// out would take more of its kind out of a small arm than out of a large one.
    pub is_crossed: bool,
    /// Whether it was exposed in an earlier epoch that divided its units otherwise: it is left out, in whatever arm it was.
    pub is_carried: bool,
    /// Whether a program spoke for it: it is left out.
    pub is_program: bool,
    /// The market of a switchback's cell, by its place in [`Run::markets`].
    pub market: u16,
    /// What it was like before; nothing of what is no shopper and no visit.
    pub before: Before,
    /// What it did since.
    pub outcome: Outcome,
}

impl Row {
    /// Whether it counts in results.
    pub fn counts(&self) -> bool {
        self.key != 0 && !self.is_carried && !self.is_program
    }

    /// The number of the row that it gave way to.
    fn gave_way_to(&self) -> Option<u32> {
        (self.key == 0).then_some(self.last_s)
    }

    /// The same unit in another run, in which it is first exposed at `first_s`.
    pub(super) fn again(&self, first_s: u32) -> Self {
        Self { first_s, last_s: 0, exposures: 1, outcome: Outcome::default(), ..*self }
    }
}

/// An experiment in one of its epochs, with all units that were exposed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The experiment.
    pub experiment: String,
    /// Its epoch.
    pub epoch: u32,
    /// When the epoch began.
    pub since: Millis,
    /// When the first unit was exposed, and the last exposure.
    pub seen: (Millis, Millis),
    /// What its units are.
    pub unit: Unit,
    /// Names of its arms and their shares, the control first.
    pub arms: Vec<(String, u16)>,
    /// From when on nothing is counted any more but what comes back.
    pub until: Option<Millis>,
    /// Seconds at the start of each stretch of a switchback that do not count.
    pub burn_in_s: u32,
    /// Markets of a switchback's cells.
    pub markets: Vec<String>,
    /// The units that were exposed, in the order of their first exposure.
    pub rows: CowVec<Row, 256>,
    /// Units that came when there was no more room.
    pub ignored: u64,
    /// What is left of the rows of a month that is closed.
    pub closed: Option<Arc<Closed>>,
    /// The row of each key; made from the rows.
    #[serde(skip)]
    numbers: Vec<Arc<FxHashMap<u64, u32>>>,
}

impl Run {
    fn new(arm: &Arm, epochs: &Epochs, settings: &Settings) -> Option<Self> {
        let (unit, arms, burn_in_s) = if arm.experiment == HOLDOUT {
            let share = settings.holdout.share;
            let arms = vec![(HELD.to_owned(), share), (PERSONALIZED.to_owned(), 10_000 - share)];
            (Unit::Shopper, arms, 0)
        } else {
            let one = settings.experiments.iter().find(|one| one.name == arm.experiment)?;
            let arms = match one.design {
                Design::Split => one.arms.iter().map(|arm| (arm.name.clone(), arm.share)).collect(),
                Design::Interleaving => vec![(INTERLEAVED.to_owned(), WHOLE)],
            };
            (one.unit, arms, u32::from(one.burn_in) * 60)
        };
        let epoch = epochs.get(&arm.experiment).filter(|epoch| epoch.number == arm.epoch)?;
        Some(Self {
            experiment: arm.experiment.clone(),
            epoch: epoch.number,
            since: epoch.since,
            seen: (Millis(i64::MAX), Millis::default()),
            unit,
            arms,
            until: end_of(settings, &arm.experiment),
            burn_in_s,
            markets: Vec::new(),
            rows: CowVec::default(),
            ignored: 0,
            closed: None,
            numbers: (0..SHARDS).map(|_| Arc::default()).collect(),
        })
    }

    /// Whether something that happens at `time` counts: before the end, and not within a burn-in.
    fn counts_at(&self, time: Millis) -> bool {
        let is_before_end = self.until.is_none_or(|until| time < until);
        is_before_end && self.periods().is_none_or(|periods| periods.of(time.0.max(0) as u64).is_some())
    }

    /// The stretches of a switchback.
    pub(super) fn periods(&self) -> Option<Periods> {
        let Unit::Switchback(minutes) = self.unit else { return None };
        let length_ms = u64::from(minutes.max(1)) * MINUTE_MS as u64;
        Some(Periods { length_ms, burn_in_ms: u64::from(self.burn_in_s) * 1_000 })
    }

    /// The place of a market, or of the last one where there are too many.
    fn market(&mut self, name: &str) -> u16 {
        let at = self.markets.iter().position(|held| held == name);
        let at = at.unwrap_or_else(|| {
            if self.markets.len() < MARKETS_MAX {
                self.markets.push(name.to_owned());
            }
            self.markets.len() - 1
        });
        at as u16
    }

    pub(super) fn restore(&mut self) {
        let mut numbers: Vec<FxHashMap<u64, u32>> = vec![FxHashMap::default(); SHARDS];
        for (number, row) in (0..).zip(self.rows.iter()).filter(|(_, row)| row.key != 0) {
            numbers[Self::shard(row.key)].insert(row.key, number);
        }
        self.numbers = numbers.into_iter().map(Arc::new).collect();
    }

    fn shard(key: u64) -> usize {
        (key ^ key >> 32) as usize % SHARDS
    }

    pub(super) fn number(&self, key: u64) -> Option<u32> {
        self.numbers[Self::shard(key)].get(&key).copied()
    }

    /// The same units' next run, empty, with a number a key.
    pub(super) fn next(&self) -> Self {
        Self {
            seen: (Millis(i64::MAX), Millis::default()),
            rows: CowVec::default(),
            numbers: (0..SHARDS).map(|_| Arc::default()).collect(),
            experiment: self.experiment.clone(),
            arms: self.arms.clone(),
            markets: Vec::new(),
            ignored: 0,
            closed: None,
            ..*self
        }
    }

    fn row(&self, key: u64) -> Option<&Row> {
        self.rows.get(self.number(key)? as usize)
    }

    pub(super) fn number_row(&mut self, key: u64, row: u32) {
        Arc::make_mut(&mut self.numbers[Self::shard(key)]).insert(key, row);
    }

    /// Adds what was done to a unit; its arm, where it was done after its first exposure.
    pub(super) fn count(&mut self, number: u32, done: &Done) -> Option<u8> {
        let row = self.rows.get_mut(number as usize).filter(|row| row.first_s <= done.time_s)?;
        let begins = done.is_of_visits && done.time_s > row.last_s.saturating_add(GAP_S);
        row.outcome.add(&Outcome { visits: u32::from(begins), ..done.outcome });
        if done.is_of_visits {
            row.last_s = row.last_s.max(done.time_s);
        }
        Some(row.arm)
    }

    /// Takes what came back off a row, or off the one that it gave way to.
    fn take_off(&mut self, number: u32, outcome: &Outcome) {
        let mut number = number;
        while let Some(next) = self.rows.get(number as usize).and_then(Row::gave_way_to) {
            number = next;
        }
        if let Some(row) = self.rows.get_mut(number as usize) {
            row.outcome.add(outcome);
        }
    }

    /// Two units turn out to be one: the older key stays, and with it the arm that it will be shown from now on.
    pub(super) fn join(&mut self, (kept, gone): (u64, u64)) {
        let Some(leaf) = self.number(gone) else { return };
        Arc::make_mut(&mut self.numbers[Self::shard(gone)]).remove(&gone);
        let Some(root) = self.number(kept) else {
            self.number_row(kept, leaf);
            if let Some(row) = self.rows.get_mut(leaf as usize) {
                row.key = kept;
            }
            return;
        };
        let Some(other) = self.rows.get(leaf as usize).copied() else { return };
        if let Some(row) = self.rows.get_mut(root as usize) {
            row.is_crossed |= other.is_crossed || other.arm != row.arm;
            row.is_carried |= other.is_carried;
            row.is_program |= other.is_program;
            row.exposures = row.exposures.saturating_add(other.exposures);
            if other.first_s < row.first_s {
                (row.first_s, row.before) = (other.first_s, other.before);
            }
            row.last_s = row.last_s.max(other.last_s);
            row.outcome.add(&other.outcome);
        }
        // The row stays, so that the numbers of the others do, and says whose it became.
        if let Some(row) = self.rows.get_mut(leaf as usize) {
            (row.key, row.last_s) = (0, root);
        }
    }
}

/// From when on an experiment that is set does not count any more; what is stopped before the first unit, at no time.
fn end_of(settings: &Settings, experiment: &str) -> Option<Millis> {
    let one = settings.experiments.iter().find(|one| one.name == experiment)?;
    if one.is_stopped { Some(Millis::default()) } else { one.until }
}

/// What an event is to the units that it counts for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    time_s: u32,
    /// Whether it is something that a shopper does in the shop.
    is_of_visits: bool,
    outcome: Outcome,
}

/// Where a shopper is followed: the run and the row, and until when.
type Followed = (u32, u32, u32);

/// What an event counted for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counted {
    /// Runs, by number, and arms.
    pub arms: Vec<(u32, u8)>,
    /// Runs, by number, and rows.
    pub rows: Vec<(u32, u32)>,
}

/// All runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// The runs by number; numbers only grow.
    runs: Vec<(u32, Run)>,
    next: u32,
    /// The holdout month by month.
    pub months: Months,
    /// Shoppers within searches and cells. Only the fold reads it.
    followed: BTreeMap<ShopperNo, Vec<Followed>>,
    /// When those who need not be followed any more were last looked for, in seconds.
    swept_s: u32,
    /// Shoppers who were exposed in a search or a cell and could not be followed, for want of room.
    pub unfollowed: u64,
    /// Interleaved lists that may still be clicked. Only the fold reads them.
    lists: Lists,
    /// Orders in other currencies than the shop's, which count as orders and not as money.
    pub foreign_orders: u64,
}

/// Who an event is about, as units are told apart.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    /// The shopper's root, where there is one.
    pub shopper: Option<ShopperNo>,
    /// The key of the first identity; 0 = unknown.
    pub bucket: u64,
}

impl Ledger {
    /// Makes what a checkpoint does not hold.
    pub fn restore(&mut self) {
        self.runs.iter_mut().for_each(|(_, run)| run.restore());
        self.months.restore();
    }

    /// The copy a snapshot keeps: without what only the fold needs.
    pub fn freeze(&mut self) -> Self {
        let (followed, lists) = (std::mem::take(&mut self.followed), std::mem::take(&mut self.lists));
        let frozen = self.clone();
        (self.followed, self.lists) = (followed, lists);
        frozen
    }

    /// The runs, in the order in which they began.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.runs.iter().map(|(_, run)| run)
    }

    /// The run with this number.
    pub fn run_of(&self, number: u32) -> Option<&Run> {
        self.runs.iter().find(|(held, _)| *held == number).map(|(_, run)| run)
    }

    /// The latest run of an experiment.
    pub fn latest(&self, experiment: &str) -> Option<&Run> {
        self.runs().rev().find(|run| run.experiment == experiment)
    }

    /// Folds a decision in: the exposure of its units. `who` and `profile` are of the moment, so that a shopper who has been found to
    /// be another since is that one.
    pub fn fold_decision(
        &mut self,
        decision: &Decision,
        (who, profile): (Who, Option<&Profile>),
        (catalog, epochs, settings): (&Catalog, &Epochs, &Settings),
    ) {
        let request = &decision.request;
        if decision.fallback == Fallback::Clutter || request.is_bot() {
            return;
        }
        for arm in &decision.arms {
            let Some(at) = self.run(arm, epochs, settings) else { continue };
            let unit = self.runs[at].1.unit;
            let key = match unit {
                Unit::Shopper if who.bucket != 0 => Some(who.bucket),
                _ => unit_key(unit, request),
            };
            let Some(key) = key else { continue };
            if arm.arm == INTERLEAVED {
                self.lists.note(decision, self.runs[at].0);
            }
            let before = || Before::of(profile.filter(|_| is_somebody(unit)), request.now, catalog);
            let row = self.expose(at, (key, arm), request, before);
            if let Some(row) = row.filter(|_| arm.experiment == HOLDOUT) {
                let (id, run) = &self.runs[at];
                let month = Month::of_day(settings.shop.local_day(request.now));
                let begins = Month::of_day(settings.shop.local_day(run.since)) == month;
                self.months.expose((month, begins), (*id, run), row, request.now);
            }
            if let (Some(row), Some(shopper)) = (row, who.shopper) {
                let until_s = match unit {
                    Unit::Query => seconds(request.now) + QUERY_S,
                    Unit::Switchback(minutes) => {
                        let length_s = minutes.max(1) * 60;
                        (seconds(request.now) / length_s + 1) * length_s
                    }
                    Unit::Shopper | Unit::Session => continue,
                };
                self.follow(shopper, (self.runs[at].0, row, until_s), seconds(request.now));
            }
        }
    }

    fn run(&mut self, arm: &Arm, epochs: &Epochs, settings: &Settings) -> Option<usize> {
        let is_it = |(_, run): &(u32, Run)| run.experiment == arm.experiment && run.epoch == arm.epoch;
        if let Some(at) = self.runs.iter().rposition(is_it) {
            return Some(at);
        }
        let run = Run::new(arm, epochs, settings)?;
        if self.runs.len() == RUNS_MAX {
            let is_over = |(_, run): &(u32, Run)| {
                epochs.get(&run.experiment).is_none_or(|epoch| epoch.number != run.epoch)
                    || run.experiment != HOLDOUT
                        && settings.experiments.iter().all(|one| one.name != run.experiment || one.is_stopped)
            };
            self.runs.remove(self.runs.iter().position(is_over)?);
        }
        self.runs.push((self.next, run));
        self.next += 1;
        Some(self.runs.len() - 1)
    }

    /// Notes an exposure; the number of the unit's row, where it has one.
    fn expose(
        &mut self,
        at: usize,
        (key, arm): (u64, &Arm),
        request: &Request,
        before: impl FnOnce() -> Before,
    ) -> Option<u32> {
        let now = request.now;
        let run = &self.runs[at].1;
        let arm_no = run.arms.iter().position(|(name, _)| *name == arm.arm)? as u8;
        let earlier = self.runs[..at].iter().filter(|(_, one)| one.experiment == run.experiment);
        // Where another part of the units was in each arm, those who did not change sides are the remainder of a large arm and all of
        // a small one: neither they nor those who did are alike.
        let is_carried = || earlier.clone().any(|(_, one)| one.arms != run.arms && one.row(key).is_some());
        let number = run.number(key);
        let is_carried = number.is_none() && is_carried();
        let run = &mut self.runs[at].1;
        let market = if matches!(run.unit, Unit::Switchback(_)) { run.market(&request.market) } else { 0 };
        run.seen = (run.seen.0.min(now), run.seen.1.max(now));
        let now_s = seconds(now);
        if let Some(number) = number {
            let row = run.rows.get_mut(number as usize)?;
            row.exposures = row.exposures.saturating_add(1);
            row.is_crossed |= row.arm != arm_no;
            return Some(number);
        }
        if run.rows.len() >= UNITS_MAX {
            run.ignored += 1;
            return None;
        }
        let number = run.rows.len() as u32;
        run.number_row(key, number);
        run.rows.push(Row {
            key,
            first_s: now_s,
            last_s: 0,
            exposures: 1,
            arm: arm_no,
            is_crossed: false,
            is_carried,
            is_program: false,
            market,
            before: before(),
            outcome: Outcome::default(),
        });
        Some(number)
    }

    fn follow(&mut self, shopper: ShopperNo, followed: Followed, now_s: u32) {
        let map = &mut self.followed;
        if map.len() >= FOLLOWED_MAX && !map.contains_key(&shopper) {
            if now_s >= self.swept_s.saturating_add(SWEEP_S) {
                self.swept_s = now_s;
                map.retain(|_, list| list.iter().any(|(.., until_s)| *until_s > now_s));
            }
            if map.len() >= FOLLOWED_MAX {
                self.unfollowed += 1;
                return;
            }
        }
        let list = map.entry(shopper).or_default();
        list.retain(|(run, ..)| *run != followed.0);
        list.push(followed);
    }

    /// Takes note of settings: what is stopped, or no more set, is over, and what is set again goes on.
    pub fn note(&mut self, settings: &Settings, received: Millis) {
        for (_, run) in &mut self.runs {
            let set = settings.experiments.iter().find(|one| one.name == run.experiment);
            let is_over = match set {
                Some(one) => one.is_stopped,
                None => run.experiment != HOLDOUT || settings.holdout.share == 0,
            };
            run.until = match (is_over, set) {
                (true, _) => Some(run.until.map_or(received, |until| until.min(received))),
                (false, one) => one.and_then(|one| one.until),
            };
        }
    }

    /// Two identities turn out to be one shopper: the older key stays, and the shopper of the older number.
    pub fn join(&mut self, (kept, gone): (u64, u64), (root, other): (ShopperNo, ShopperNo)) {
        if root != other
            && let Some(followed) = self.followed.remove(&other)
        {
            let list = self.followed.entry(root).or_default();
            let is_new = |one: &Followed| !list.iter().any(|held| held.0 == one.0);
            let new: Vec<Followed> = followed.into_iter().filter(is_new).collect();
            list.extend(new);
        }
        if kept == gone || kept == 0 || gone == 0 {
            return;
        }
        for (_, run) in self.runs.iter_mut().filter(|(_, run)| run.unit == Unit::Shopper) {
            run.join((kept, gone));
        }
        self.months.join((kept, gone));
    }

    /// Folds an event in, of who allows analytics: no program's, no refund, no order that is known.
    pub fn fold_event(&mut self, event: &Event, who: Who, (prices, day): (&Prices<'_>, u16)) -> Counted {
        let mut counted = Counted::default();
        let rows = self.rows_of(event, who);
        if rows.is_empty() {
            return counted;
        }
        let mut outcome = outcome_of(event);
        if event.kind == EventKind::Purchase {
            match prices.order(event) {
                Some(worth) => (outcome.revenue, outcome.margin) = (worth.revenue, worth.margin),
                None => self.foreign_orders += 1,
            }
        }
        let is_of_visits = is_of_visits(event.kind);
        let done = Done { time_s: seconds(event.time), is_of_visits, outcome };
        let shift = self.lists.click(event, prices);
        for (at, number) in rows {
            let (id, run) = &mut self.runs[at];
            let Some(arm) = run.count(number, &done) else { continue };
            counted.arms.push((*id, arm));
            counted.rows.push((*id, number));
            if let Some((_, shift)) = shift.filter(|(of, _)| of == id)
                && let Some(row) = run.rows.get_mut(number as usize)
            {
                row.outcome.shift(shift);
            }
        }
        counted.rows.extend(self.months.count((Month::of_day(day), who.bucket), &done));
        counted
    }

    /// A program spoke for the units of an event: they are left out from now on.
    pub fn note_program(&mut self, event: &Event, who: Who, day: u16) {
        let time_s = seconds(event.time);
        for (at, number) in self.rows_of(event, who) {
            let row = self.runs[at].1.rows.get_mut(number as usize);
            if let Some(row) = row.filter(|row| row.first_s <= time_s) {
                row.is_program = true;
            }
        }
        self.months.note_program((Month::of_day(day), who.bucket), time_s);
    }

    /// The rows of an event that goes on in runs: places of the runs and numbers of the rows.
    fn rows_of(&self, event: &Event, who: Who) -> Vec<(usize, u32)> {
        let followed = who.shopper.and_then(|shopper| self.followed.get(&shopper));
        let row = |(at, (id, run)): (usize, &(u32, Run))| {
            let number = match run.unit {
                Unit::Shopper => run.number(who.bucket).filter(|_| who.bucket != 0),
                Unit::Session => run.number(event.session).filter(|_| event.session != 0),
                Unit::Query | Unit::Switchback(_) => {
                    let held = followed?.iter().find(|(run, ..)| run == id)?;
                    (seconds(event.time) < held.2).then_some(held.1)
                }
            };
            Some((at, number?))
        };
        // An experiment's earlier epochs are over, and what was stopped is.
        let is_latest = |(at, _): &(usize, &(u32, Run))| {
            !self.runs[at + 1..].iter().any(|(_, later)| later.experiment == self.runs[*at].1.experiment)
        };
        let goes_on = |(_, (_, run)): &(usize, &(u32, Run))| run.counts_at(event.time);
        self.runs.iter().enumerate().filter(goes_on).filter(is_latest).filter_map(row).collect()
    }

    /// Takes what came back off the rows that the order counted for.
    pub fn give_back(&mut self, back: &Returned<'_>) {
        let outcome = Outcome {
            returned: back.now.revenue,
            returned_margin: back.now.margin,
            returns: u32::from(back.is_first),
            ..Outcome::default()
        };
        for &(id, number) in &back.order.rows {
            let run = self.runs.iter_mut().find(|(held, _)| *held == id).map(|(_, run)| run);
            let run = run.or_else(|| self.months.run_mut(id));
            if let Some(run) = run {
                run.take_off(number, &outcome);
            }
        }
    }
}

/// What an event counts for, but for visits and money.
fn outcome_of(event: &Event) -> Outcome {
    let is = |kind: EventKind| u32::from(event.kind == kind);
    let of_ours = u32::from(event.decision.is_some());
    Outcome {
        views: is(EventKind::ViewItem),
        // Who tells of a promotion's view has seen it.
        shown: (is(EventKind::ViewItemList) * u32::from(event.visible) + is(EventKind::ViewPromotion))
            * of_ours,
        clicked: (is(EventKind::SelectItem) + is(EventKind::SelectPromotion)) * of_ours,
        carts: is(EventKind::AddToCart),
        searches: is(EventKind::Search),
        orders: is(EventKind::Purchase),
        items: if event.kind == EventKind::Purchase {
            event.items.iter().map(|item| item.quantity.min(1_000)).fold(0, u32::saturating_add)
        } else {
            0
        },
        contacts: is(EventKind::SupportContact),
        ..Outcome::default()
    }
}
