//! Interleaved lists that may still be clicked, and who wins each. Bounded: the newest are remembered, each for a day.

use crate::orders::Prices;
use crate::profile::seconds;
use bespoke_domain::experiment::Team;
use bespoke_domain::{Candidate, Decision, DecisionId, Event, EventKind, ProductNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Lists remembered.
const LISTS_MAX: usize = 100_000;
/// How long a list may be clicked, in seconds.
const LIST_S: u32 = 24 * 3600;

/// A list: what somebody's ranking put there.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct List {
    run: u32,
    until_s: u32,
    items: Box<[Listed]>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Listed {
    product: ProductNo,
    team: Team,
    is_clicked: bool,
}

impl List {
    /// Who wins it: 1 the treated ranking, −1 the control, 0 neither.
    fn credit(&self) -> i64 {
        let of = |team| self.items.iter().filter(|one| one.is_clicked && one.team == team).count() as i64;
        (of(Team::Treated) - of(Team::Control)).signum()
    }
}

/// The lists.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Lists {
    lists: BTreeMap<DecisionId, List>,
    order: VecDeque<DecisionId>,
}

impl Lists {
    /// Remembers the list that a decision of a run shows, unless all of it is nobody's.
    pub(super) fn note(&mut self, decision: &Decision, run: u32) {
        let listed = |slot: &bespoke_domain::decision::Slot| match (slot.candidate, slot.team) {
            (Candidate::Product(product), Some(team)) => Some(Listed { product, team, is_clicked: false }),
            _ => None,
        };
        let items: Box<[Listed]> = decision.slate.iter().filter_map(listed).collect();
        if items.is_empty() || self.lists.contains_key(&decision.request.id) {
            return;
        }
        if self.order.len() == LISTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.lists.remove(&oldest);
        }
        let until_s = seconds(decision.request.now).saturating_add(LIST_S);
        self.lists.insert(decision.request.id, List { run, until_s, items });
        self.order.push_back(decision.request.id);
    }

    /// Notes a click of a person; the run it is of, and who won the list before it and who does now.
    pub(super) fn click(&mut self, event: &Event, prices: &Prices<'_>) -> Option<(u32, (i64, i64))> {
        if event.kind != EventKind::SelectItem || event.is_bot() {
            return None;
        }
        let list = self.lists.get_mut(&event.decision?).filter(|list| seconds(event.time) < list.until_s)?;
        let before = list.credit();
        for product in event.items.iter().filter_map(|item| (prices.find)(&item.item_id)) {
            list.items.iter_mut().filter(|one| one.product == product).for_each(|one| one.is_clicked = true);
        }
        Some((list.run, (before, list.credit())))
    }
}
