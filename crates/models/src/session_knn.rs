//! Predictions from the sessions most like this one, after STAN (Garg et al., SIGIR 2019) and VMIS-kNN (Kersbergen et
//! al., SIGMOD 2022): a session counts by the items it shares, later ones more; newer and shorter sessions count more;
//! and of a neighbour the items next to the shared one count most.

use crate::scratch::Scratch;
use crate::session_index::SessionIndex;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// Longest `items_max` that is honoured.
pub const ITEMS_MAX: usize = 16;
/// Longest distance between two items of a kept session, and one more.
const DISTANCES: usize = crate::kept_sessions::SESSION_ITEMS_MAX;
/// Steps in which recency is told apart.
const RECENCY_STEPS: usize = 128;
/// Sets of tables a workspace keeps.
const TABLES_MAX: usize = 16;
/// Steps in which inverse session frequency is told apart: sixteen to a doubling.
const IDF_STEPS: usize = 32 * 16;

/// How neighbours are chosen and what they say.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionKnnParams {
    /// Different items of the session that are looked up, latest first; at most 16.
    pub items_max: u32,
    /// Newest sessions sharing an item that are compared.
    pub candidates_max: u32,
    /// Most similar of them that have a say.
    pub neighbours_max: u32,
    /// Items from the end of the session over which the weight of a shared item falls to 1/e.
    pub position_decay: f32,
    /// Exponent of the inverse session frequency (the natural logarithm) of a shared item.
    pub shared_idf: f32,
    /// Exponent of the inverse session frequency of a predicted item.
    pub item_idf: f32,
    /// Exponent of a neighbour's length in the divisor of its similarity; 0.5 is the cosine.
    pub length_power: f32,
    /// Share of all kept sessions over which a neighbour's weight falls to 1/e with its age.
    pub recency: f32,
    /// Items after the latest shared item over which a neighbour's items fall to 1/e.
    pub distance_decay: f32,
    /// Weight of a neighbour's items before the shared one, relative to those after it.
    pub backward: f32,
    /// Factor on the score of the session's last item.
    pub last_item: f32,
    /// Factor on the score of the session's earlier items.
    pub earlier_items: f32,
}

/// Chosen on the last 5 % of the training sessions of three public shops (Diginetica, RetailRocket, Yoochoose), so that
/// the worst loss against what is best for any one of them is smallest.
impl Default for SessionKnnParams {
    fn default() -> Self {
        Self {
            items_max: 6,
            candidates_max: 2000,
            neighbours_max: 300,
            position_decay: 1.6,
            shared_idf: 3.5,
            item_idf: 1.5,
            length_power: 0.25,
            recency: 1.0,
            distance_decay: 3.0,
            backward: 0.7,
            last_item: 0.8,
            earlier_items: 1.25,
        }
    }
}

/// A kept session that shares items with the one at hand.
#[derive(Clone, Copy)]
struct Neighbour {
    ordinal: u32,
    similarity: f32,
    /// The shared item that stands latest in the session at hand.
    shared: ProductNo,
}

impl Neighbour {
    /// Orders by similarity, then newer first; similarities are never negative, so their bits order like they do.
    fn key(&self, age: u32) -> u64 {
        u64::from(self.similarity.to_bits()) << 32 | u64::from(u32::MAX - age)
    }
}

/// Where the walk through one item's postings stands, newest first.
struct Walk<'a> {
    item: ProductNo,
    weight: f32,
    /// Ordinals still to come, oldest first.
    left: &'a [u32],
    /// Age of the next one; `u32::MAX` at the end.
    age: u32,
}

impl Walk<'_> {
    #[inline]
    fn advance(&mut self, index: &SessionIndex) {
        match self.left.split_last() {
            Some((&ordinal, rest)) => (self.age, self.left) = (index.sessions().age(ordinal), rest),
            None => self.age = u32::MAX,
        }
    }
}

/// Reused lists, and tables of the parameters they were computed for.
#[derive(Default)]
pub(crate) struct Workspace {
    neighbours: Vec<Neighbour>,
    keys: Vec<u64>,
    /// For the parameters in use: a shop's placements have few different ones.
    tables: Vec<Rc<Tables>>,
}

impl Workspace {
    /// The tables for `params`, computed where they are new; the oldest go first.
    fn tables(&mut self, params: &SessionKnnParams) -> Rc<Tables> {
        if let Some(held) = self.tables.iter().find(|held| held.params == *params) {
            return held.clone();
        }
        self.tables.truncate(TABLES_MAX - 1);
        self.tables.insert(0, Rc::new(Tables::new(params)));
        self.tables[0].clone()
    }
}

/// Every weight that takes an exponential or a logarithm.
struct Tables {
    params: SessionKnnParams,
    /// By items from the end of the session.
    position: Vec<f32>,
    /// By number of items of a neighbour.
    length: Vec<f32>,
    /// By age in steps of the kept sessions.
    recency: Vec<f32>,
    /// By items after the shared one.
    after: Vec<f32>,
    /// By items before the shared one.
    before: Vec<f32>,
    /// Of a shared item, by [`idf_step`].
    shared_idf: Vec<f32>,
    /// Of a predicted item, by [`idf_step`].
    item_idf: Vec<f32>,
}

impl Tables {
    fn new(params: &SessionKnnParams) -> Self {
        let decay = |length: f32, count: usize, factor: f32| -> Vec<f32> {
            (0..count).map(|step| factor * libm::expf(-(step as f32) / length.max(1e-3))).collect()
        };
        Self {
            params: *params,
            position: decay(params.position_decay, DISTANCES, 1.0),
            recency: decay(params.recency * RECENCY_STEPS as f32, RECENCY_STEPS + 1, 1.0),
            after: decay(params.distance_decay, DISTANCES, 1.0),
            before: decay(params.distance_decay, DISTANCES, params.backward),
            length: (0..=DISTANCES).map(|len| libm::powf(len.max(1) as f32, -params.length_power)).collect(),
            shared_idf: idf_powers(params.shared_idf),
            item_idf: idf_powers(params.item_idf),
        }
    }
}

/// The step of a ratio that is at least 1: its floating-point exponent and the first four bits after it.
#[inline]
fn idf_step(ratio: f32) -> usize {
    let ones = 1.0_f32.to_bits() >> 19;
    (((ratio.to_bits() >> 19).saturating_sub(ones)) as usize).min(IDF_STEPS - 1)
}

/// `ln(ratio)^power` in the middle of each step.
fn idf_powers(power: f32) -> Vec<f32> {
    let middle = |step: usize| libm::exp2f((step / 16) as f32) * (1.0 + ((step % 16) as f32 + 0.5) / 16.0);
    (0..IDF_STEPS).map(|step| libm::powf(libm::logf(middle(step)), power)).collect()
}

impl SessionIndex {
    /// The `limit` items most likely to come next in `session` (oldest item first), best first, by the score order of
    /// the product. Items of the session itself may be among them. Scores are sums of similarities, without a unit.
    pub fn predict(
        &self,
        params: &SessionKnnParams,
        session: &[ProductNo],
        limit: usize,
        scratch: &mut Scratch,
    ) -> Vec<(f32, ProductNo)> {
        let session = &session[session.len().saturating_sub(DISTANCES)..];
        let tables = scratch.knn.tables(params);
        let walks = self.walks(params, session, &tables);
        self.gather(params, walks, &tables, &mut scratch.knn);
        keep_most_similar(params, self, &mut scratch.knn);
        self.sum_up(&tables, scratch);
        scratch.sums.scale_each(|item| self.idf(item, &tables.item_idf));
        scratch.sums.weigh_session(session, params.last_item, params.earlier_items);
        scratch.sums.best(limit)
    }

    /// One walk for each different item that occurs in a kept session, latest item first.
    fn walks(&self, params: &SessionKnnParams, session: &[ProductNo], tables: &Tables) -> Vec<Walk<'_>> {
        let items_max = (params.items_max as usize).min(ITEMS_MAX);
        let mut walks: Vec<Walk<'_>> = Vec::with_capacity(items_max);
        for (place, &item) in session.iter().rev().enumerate() {
            if walks.len() == items_max {
                break;
            }
            let left = self.postings(item);
            if left.is_empty() || walks.iter().any(|walk| walk.item == item) {
                continue;
            }
            let mut walk = Walk {
                item,
                weight: tables.position[place] * self.idf(item, &tables.shared_idf),
                left,
                age: 0,
            };
            walk.advance(self);
            walks.push(walk);
        }
        walks
    }

    /// The weight in `powers` for how few sessions hold `item`.
    #[inline]
    fn idf(&self, item: ProductNo, powers: &[f32]) -> f32 {
        let ratio = self.session_count() as f32 / self.sessions_with(item).max(1) as f32;
        powers[idf_step(ratio)]
    }

    /// Merges the walks into the newest sessions, each with its similarity.
    fn gather(
        &self,
        params: &SessionKnnParams,
        mut walks: Vec<Walk<'_>>,
        tables: &Tables,
        work: &mut Workspace,
    ) {
        let step = RECENCY_STEPS as f32 / self.session_count().max(1) as f32;
        work.neighbours.clear();
        for _ in 0..params.candidates_max {
            let Some(age) = walks.iter().map(|walk| walk.age).min().filter(|&age| age != u32::MAX) else {
                break;
            };
            let (mut overlap, mut shared) = (0.0, None);
            for walk in walks.iter_mut().filter(|walk| walk.age == age) {
                overlap += walk.weight;
                shared = shared.or(Some(walk.item));
                walk.advance(self);
            }
            let ordinal = self.sessions().next_ordinal().wrapping_sub(age);
            let length = self.sessions().session_len(ordinal);
            let recency = tables.recency[((age as f32 * step) as usize).min(RECENCY_STEPS)];
            let similarity = overlap * tables.length[length.min(DISTANCES)] * recency;
            let shared = shared.unwrap_or_default();
            work.neighbours.push(Neighbour { ordinal, similarity, shared });
        }
    }

    /// Adds up what each neighbour says, newest neighbour first.
    fn sum_up(&self, tables: &Tables, scratch: &mut Scratch) {
        let work = &scratch.knn;
        let adds_max = work.neighbours.iter().map(|one| self.sessions().session_len(one.ordinal)).sum();
        scratch.sums.reset(adds_max);
        for neighbour in &work.neighbours {
            let items = self.sessions().session(neighbour.ordinal);
            let Some(at) = items.iter().rposition(|&item| item == neighbour.shared) else { continue };
            for (&item, &weight) in items[at..].iter().zip(&tables.after) {
                scratch.sums.add(item, neighbour.similarity * weight);
            }
            for (&item, &weight) in items[..at].iter().rev().zip(&tables.before[1..]) {
                scratch.sums.add(item, neighbour.similarity * weight);
            }
        }
    }
}

/// Cuts the neighbours to the most similar, keeping their order.
fn keep_most_similar(params: &SessionKnnParams, index: &SessionIndex, work: &mut Workspace) {
    let kept = params.neighbours_max as usize;
    if work.neighbours.len() <= kept || kept == 0 {
        work.neighbours.truncate(kept);
        return;
    }
    let key = |one: &Neighbour| one.key(index.sessions().age(one.ordinal));
    work.keys.clear();
    work.keys.extend(work.neighbours.iter().map(key));
    let cut = work.keys.len() - kept;
    let bar = *work.keys.select_nth_unstable(cut).1;
    work.neighbours.retain(|one| key(one) >= bar);
}
