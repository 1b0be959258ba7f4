//! What placements of content have learnt of their blocks: a projection of decisions, and of the clicks that came of them.
//!
//! A choice is a decision in which a bandit drew; what is learnt is what became of the block in the first place that was drawn, since those
//! below it are looked at less. A choice waits until its window is over, and then counts as clicked or not. That is done in batches, when the
//! log's time passes the next ten minutes: so the state depends on the log alone, and a choice is made by what earlier batches taught.

use bespoke_domain::content::{Bandit, Draw};
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use bespoke_domain::{BlockNo, Candidate, Decision, DecisionId, Event, EventKind, Millis, Settings};
use bespoke_models::bandit::aipw::Sums;
use bespoke_models::bandit::posterior::{Beta, Tally};
use bespoke_models::bandit::probability::of_being_best;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Length of a batch.
const BATCH_MS: i64 = 10 * MINUTE_MS;
/// Choices whose window is not over; what comes when they are so many is not learnt from.
const WAITING_MAX: usize = 100_000;
/// Placements that are learnt for, and blocks of each: the block that was drawn longest ago gives way.
const PLACEMENTS_MAX: usize = 200;
const ARMS_MAX: usize = 100;
/// Parts of shoppers: two traits.
const PARTS: usize = 4;
/// Sets of blocks whose probabilities are remembered until the next batch.
const MEMO_MAX: usize = 64;

/// What came of a block.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Arm {
    /// The block.
    pub block: BlockNo,
    /// Choices of it whose window is over.
    pub shown: u64,
    /// Those of them that were in view.
    pub viewed: u64,
    /// Those that were clicked.
    pub clicked: u64,
    /// What is known of its mean whatever made it be chosen.
    pub sums: Sums,
    /// The same by part of shoppers, for learning; this forgets.
    tallies: [Tally; PARTS],
    /// The last batch in which it was drawn.
    last: i64,
}

/// What one placement has learnt.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Learner {
    /// Its blocks, by number.
    pub arms: Vec<Arm>,
    /// Choices whose window is over.
    pub choices: u64,
    /// The batch up to which it has forgotten.
    batch: i64,
    #[serde(skip)]
    memo: Memo,
}

/// Probabilities that were asked for since the last batch: they follow from the rest, and are only worked out once.
#[derive(Debug, Default)]
struct Memo(Mutex<BTreeMap<Asked, Arc<[f64]>>>);

/// A part of shoppers, and a set of blocks.
type Asked = (u8, Vec<BlockNo>);

impl Clone for Memo {
    /// A copy is made in order to learn something: what was worked out no longer holds.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Learner {
    /// The probability of each block's being the best of these, for a part of shoppers. One of which nothing is known is taken for one of
    /// its kind: those that this placement knows.
    pub fn chances(&self, part: u8, blocks: &[BlockNo]) -> Arc<[f64]> {
        let key = (part, blocks.to_vec());
        let mut memo = self.memo.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = memo.get(&key) {
            return known.clone();
        }
        let chances: Arc<[f64]> = of_being_best(&self.beliefs(part, blocks)).into();
        if memo.len() < MEMO_MAX {
            memo.insert(key, chances.clone());
        }
        chances
    }

    fn beliefs(&self, part: u8, blocks: &[BlockNo]) -> Vec<Beta> {
        let part = usize::from(part) % PARTS;
        let others = self.arms.iter().filter(|arm| !blocks.contains(&arm.block));
        let of = |block: &BlockNo| self.arm(*block).map(|arm| arm.tallies[part]).unwrap_or_default();
        let tallies: Vec<Tally> = blocks.iter().map(of).chain(others.map(|arm| arm.tallies[part])).collect();
        let mut beliefs = Beta::of(&tallies);
        beliefs.truncate(blocks.len());
        beliefs
    }

    /// What is known of a block.
    pub fn arm(&self, block: BlockNo) -> Option<&Arm> {
        self.arms.binary_search_by_key(&block, |arm| arm.block).ok().map(|at| &self.arms[at])
    }

    fn arm_mut(&mut self, block: BlockNo, batch: i64) -> &mut Arm {
        let at = match self.arms.binary_search_by_key(&block, |arm| arm.block) {
            Ok(at) => at,
            Err(_) => {
                if self.arms.len() >= ARMS_MAX {
                    let oldest = (0..ARMS_MAX).min_by_key(|at| self.arms[*at].last).unwrap_or(0);
                    self.arms.remove(oldest);
                }
                let at = self.arms.partition_point(|arm| arm.block < block);
                let (sums, tallies) = (Sums::default(), [Tally::default(); PARTS]);
                self.arms
                    .insert(at, Arm { block, shown: 0, viewed: 0, clicked: 0, sums, tallies, last: batch });
                at
            }
        };
        &mut self.arms[at]
    }

    /// Learns from the choices of one batch whose windows are over.
    fn learn(&mut self, batch: i64, choices: &[Choice], bandit: Option<&Bandit>) {
        self.memo = Memo::default();
        if let Some(bandit) = bandit.filter(|bandit| bandit.half_life_days > 0.0 && self.batch > 0) {
            let days = ((batch - self.batch) * BATCH_MS) as f64 / DAY_MS as f64;
            let keep = libm::exp2(-days / bandit.half_life_days);
            self.arms.iter_mut().flat_map(|arm| &mut arm.tallies).for_each(|tally| tally.discount(keep));
        }
        self.batch = batch;
        self.choices += choices.len() as u64;
        for choice in choices {
            for block in choice.among.iter() {
                let chance = (*block == choice.block).then_some(f64::from(choice.chance));
                let reward = f64::from(u8::from(choice.is_clicked));
                self.arm_mut(*block, batch).sums.note(chance, reward);
            }
            let arm = self.arm_mut(choice.block, batch);
            arm.last = batch;
            arm.shown += 1;
            arm.viewed += u64::from(choice.is_viewed || choice.is_clicked);
            arm.clicked += u64::from(choice.is_clicked);
            arm.tallies[usize::from(choice.part) % PARTS].learn(1, u64::from(choice.is_clicked));
        }
        self.arms.iter_mut().for_each(|arm| arm.sums.end_batch());
    }
}

/// A choice whose window is not over.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Choice {
    placement: u32,
    part: u8,
    block: BlockNo,
    chance: f32,
    among: Arc<[BlockNo]>,
    due: Millis,
    is_viewed: bool,
    is_clicked: bool,
}

/// A placement and what it has learnt.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    name: String,
    learner: Arc<Learner>,
    waiting: u64,
    /// The blocks of the last draw, shared by choices.
    #[serde(skip)]
    last: Option<Arc<[BlockNo]>>,
}

impl Held {
    /// The blocks of a draw, shared with the choice before where they are the same.
    fn among(&mut self, draw: &Draw) -> Arc<[BlockNo]> {
        let blocks = draw.chances.iter().map(|(block, _)| *block);
        let last = self.last.take().filter(|last| blocks.clone().eq(last.iter().copied()));
        self.last.insert(last.unwrap_or_else(|| blocks.collect())).clone()
    }
}

/// What every placement has learnt.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bandits {
    /// In the order in which they drew first; numbers are positions.
    held: Vec<Held>,
    /// The batch that goes on.
    batch: i64,
    /// Choices that there was no room for.
    pub ignored: u64,
    /// Only the fold reads it.
    waiting: Waiting,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Waiting {
    choices: BTreeMap<DecisionId, Choice>,
    /// By when their windows are over, which is not the order in which they began.
    due: BTreeSet<(Millis, DecisionId)>,
}

impl Waiting {
    /// Takes a choice out.
    fn take(&mut self, id: DecisionId) -> Option<Choice> {
        let choice = self.choices.remove(&id)?;
        self.due.remove(&(choice.due, id));
        Some(choice)
    }
}

impl Bandits {
    /// The copy a snapshot keeps: without what only the fold needs.
    pub fn freeze(&mut self) -> Self {
        let waiting = std::mem::take(&mut self.waiting);
        let frozen = self.clone();
        self.waiting = waiting;
        frozen
    }

    /// What a placement has learnt; `None` where its bandit never drew.
    pub fn learner(&self, placement: &str) -> Option<&Learner> {
        self.held.iter().find(|held| held.name == placement).map(|held| held.learner.as_ref())
    }

    /// Choices of a placement whose window is not over.
    pub fn waiting(&self, placement: &str) -> u64 {
        self.held.iter().find(|held| held.name == placement).map_or(0, |held| held.waiting)
    }

    /// Goes on to the moment at which an entry was received: learns from what came in by the last ten minutes' end.
    pub fn advance(&mut self, received: Millis, settings: Option<&Settings>) {
        let batch = received.0.div_euclid(BATCH_MS);
        if batch <= self.batch {
            return;
        }
        self.batch = batch;
        let end = Millis(batch * BATCH_MS);
        let mut over: BTreeMap<u32, Vec<Choice>> = BTreeMap::new();
        while let Some(&(due, id)) = self.waiting.due.first()
            && due <= end
        {
            let choice = self.waiting.take(id);
            choice.into_iter().for_each(|one| over.entry(one.placement).or_default().push(one));
        }
        for (number, choices) in over {
            let Some(held) = self.held.get_mut(number as usize) else { continue };
            held.waiting = held.waiting.saturating_sub(choices.len() as u64);
            let bandit = settings.and_then(|settings| bandit_of(settings, &held.name));
            Arc::make_mut(&mut held.learner).learn(batch, &choices, bandit);
        }
    }

    /// Notes the choice that a decision is.
    pub fn fold_decision(&mut self, decision: &Decision, settings: Option<&Settings>) {
        let Some(draw) = decision.draw.as_deref() else { return };
        let drawn = decision.slate.iter().find(|slot| slot.placed_by.is_none());
        let Some((block, chance)) = drawn.and_then(|slot| match slot.candidate {
            Candidate::Content(block) => Some((block, slot.probability)),
            _ => None,
        }) else {
            return;
        };
        let bandit = settings.and_then(|settings| bandit_of(settings, &draw.placement));
        let number = self.number(&draw.placement);
        let (Some(bandit), Some(number)) = (bandit, number) else { return };
        let id = decision.request.id;
        if self.waiting.choices.len() >= WAITING_MAX || self.waiting.choices.contains_key(&id) {
            self.ignored += 1;
            return;
        }
        let held = &mut self.held[number as usize];
        held.waiting += 1;
        let among = held.among(draw);
        let due = decision.request.now.plus(i64::from(bandit.window_min) * MINUTE_MS);
        let choice = Choice {
            placement: number,
            part: draw.part,
            block,
            chance,
            among,
            due,
            is_viewed: false,
            is_clicked: false,
        };
        self.waiting.choices.insert(id, choice);
        self.waiting.due.insert((due, id));
    }

    fn number(&mut self, placement: &str) -> Option<u32> {
        if let Some(at) = self.held.iter().position(|held| held.name == placement) {
            return Some(at as u32);
        }
        if self.held.len() >= PLACEMENTS_MAX {
            self.ignored += 1;
            return None;
        }
        self.held.push(Held { name: placement.to_owned(), learner: Arc::default(), waiting: 0, last: None });
        Some(self.held.len() as u32 - 1)
    }

    /// Notes what came of a choice. `block` is the number of the block that the event names, if it names one.
    pub fn fold_event(&mut self, event: &Event, block: Option<BlockNo>) {
        let Some(id) = event.decision else { return };
        let Some(choice) = self.waiting.choices.get_mut(&id) else { return };
        if event.is_bot() {
            if let Some(choice) = self.waiting.take(id)
                && let Some(held) = self.held.get_mut(choice.placement as usize)
            {
                held.waiting = held.waiting.saturating_sub(1);
            }
            return;
        }
        if event.time >= choice.due || block.is_some_and(|block| block != choice.block) {
            return;
        }
        match event.kind {
            EventKind::ViewPromotion => choice.is_viewed = true,
            EventKind::SelectPromotion => choice.is_clicked = true,
            _ => {}
        }
    }
}

fn bandit_of<'a>(settings: &'a Settings, placement: &str) -> Option<&'a Bandit> {
    settings.placements.iter().find(|one| one.name == placement)?.bandit.as_ref()
}
