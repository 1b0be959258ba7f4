//! What a ranker learns from: for moments of the past, or for slates that were shown and seen, what candidates were like and
//! what became of them. And what it is worth: its order beside the one that sources and scorers gave, on later moments.

use crate::backtest::{Interval, interval};
use crate::decide::describe;
use crate::engine::Snapshot;
use crate::features::wide;
use crate::foresight::{bought_worth, worth};
use crate::occasions::{FOLLOWS_S, Next, Occasion};
use crate::profile::{Act, Profile, seconds};
use crate::training::{Deed, Training};
use bespoke_domain::settings::Objective;
use bespoke_domain::{Candidate, Decision, DecisionId, Event, EventKind, Millis, ProductNo, ShopperNo};
use bespoke_models::metrics::calibration_error;
use bespoke_models::ranker::{HEAD_COUNT, HEADS, Ranker, RankerRows};
use std::collections::{BTreeMap, HashMap};

/// Slates that are kept of each placement, those shown last.
const SLATES_MAX: usize = 20_000;
/// Largest weight of what happened at a place that few look at.
const CLIP: f32 = 20.0;
/// Clicks at each of two places whose weight the guess has that both are looked at alike.
const ALIKE: f64 = 5.0;
/// Bins of the calibration error.
const BINS: usize = 10;

/// Occasions with their candidates, in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lessons {
    /// What candidates were like and what became of them, those of an occasion in the order in which they stood.
    pub rows: RankerRows,
    /// When each occasion was, in seconds of the epoch.
    times_s: Vec<u32>,
    /// What a purchase of each candidate is worth by the objective.
    bought: Vec<f32>,
}

/// What a ranker was worth on occasions that it had not seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankerJudged {
    /// Occasions at which something worth anything could have been put first.
    pub cases: usize,
    /// NDCG of what its order was worth: gains are what the objective makes of what happened, at the placement's slots.
    pub ndcg: Interval,
    /// The same of the order that sources and scorers gave.
    pub before: Interval,
    /// The one less the other, case by case.
    pub ahead: Interval,
    /// Expected calibration error of each head that was learned.
    pub calibration: Vec<(&'static str, f64)>,
}

impl Lessons {
    /// None yet, for these features.
    pub fn new(features: Vec<String>) -> Self {
        Self { rows: RankerRows::new(features), ..Self::default() }
    }

    /// Number of occasions.
    pub fn len(&self) -> usize {
        self.times_s.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.times_s.is_empty()
    }

    /// Takes an occasion of the past: what the placement would have put in order then, and what followed.
    pub fn take(
        &mut self,
        snapshot: &Snapshot,
        profile: Option<&Profile>,
        occasion: &Occasion,
        placement: &str,
    ) {
        let described = describe(snapshot, profile, &occasion.request(snapshot, placement));
        let width = self.rows.features.len();
        if described.candidates.is_empty() || described.values.len() != width * described.candidates.len() {
            return;
        }
        self.begin(seconds(occasion.now));
        for (row, candidate) in described.candidates.iter().enumerate() {
            let happened = followed(&occasion.next, *candidate);
            self.push(&described.values[row * width..][..width], happened, 1.0, described.bought[row]);
        }
    }

    fn begin(&mut self, time_s: u32) {
        self.times_s.push(time_s);
        self.rows.groups.push(0);
    }

    fn push(&mut self, values: &[f32], happened: [f32; HEAD_COUNT], weight: f32, bought: f32) {
        self.rows.push(values, happened, weight);
        self.bought.push(bought);
    }

    /// Occasions before a moment, in seconds of the epoch, and those from then on.
    pub fn split(&self, split_s: u32) -> (Self, Self) {
        let mut parts = [Self::new(self.rows.features.clone()), Self::new(self.rows.features.clone())];
        let (mut row, width) = (0, self.rows.features.len());
        for (time_s, size) in self.times_s.iter().zip(&self.rows.groups) {
            let part = &mut parts[usize::from(*time_s >= split_s)];
            part.begin(*time_s);
            for row in row..row + *size as usize {
                let happened = std::array::from_fn(|head| self.rows.labels[head][row]);
                let values = &self.rows.values[row * width..][..width];
                part.push(values, happened, self.rows.weights[row], self.bought[row]);
            }
            row += *size as usize;
        }
        let [before, after] = parts;
        (before, after)
    }

    /// The moment before which a share of the occasions lies.
    pub fn time_at(&self, share: f64) -> u32 {
        let mut times = self.times_s.clone();
        times.sort_unstable();
        times.get((times.len() as f64 * share) as usize).or(times.last()).copied().unwrap_or(0)
    }

    /// Times that each head's thing happened.
    pub fn happened(&self) -> [usize; HEAD_COUNT] {
        std::array::from_fn(|head| self.rows.labels[head].iter().filter(|label| **label > 0.0).count())
    }

    /// What a ranker that has not seen them would have been worth.
    pub fn judge(&self, ranker: &Ranker, objective: &Objective, slots: usize) -> RankerJudged {
        let foreseen = ranker.predict(&self.rows.values, [true; HEAD_COUNT]);
        let (mut ours, mut before, mut from) = (Vec::new(), Vec::new(), 0);
        for size in &self.rows.groups {
            let rows = from..from + *size as usize;
            from = rows.end;
            let gains: Vec<f64> = rows.clone().map(|row| self.gain(row, objective)).collect();
            if gains.iter().all(|gain| *gain <= 0.0) {
                continue;
            }
            let mut order: Vec<usize> = (0..gains.len()).collect();
            let worths: Vec<f32> =
                rows.clone().map(|row| worth(objective, &foreseen[row], self.bought[row])).collect();
            order.sort_by(|a, b| worths[*b].total_cmp(&worths[*a]));
            ours.push(graded_ndcg(&gains, order.into_iter(), slots));
            before.push(graded_ndcg(&gains, 0..gains.len(), slots));
        }
        let ahead: Vec<f64> = ours.iter().zip(&before).map(|(ours, before)| ours - before).collect();
        RankerJudged {
            cases: ours.len(),
            ndcg: interval(&ours),
            before: interval(&before),
            ahead: interval(&ahead),
            calibration: self.calibration(ranker, &foreseen),
        }
    }

    /// What the objective makes of what happened with a candidate.
    fn gain(&self, row: usize, objective: &Objective) -> f64 {
        let happened = std::array::from_fn(|head| {
            Some(self.rows.labels[head][row]).filter(|one| one.is_finite()).unwrap_or(0.0)
        });
        f64::from(worth(objective, &happened, self.bought[row]) * self.rows.weights[row])
    }

    fn calibration(&self, ranker: &Ranker, foreseen: &[[f32; HEAD_COUNT]]) -> Vec<(&'static str, f64)> {
        let of_head = |head: usize| {
            let told = (0..foreseen.len()).filter(|row| self.rows.labels[head][*row].is_finite());
            let (probabilities, labels): (Vec<f32>, Vec<f32>) =
                told.map(|row| (foreseen[row][head], self.rows.happened(head, row))).unzip();
            (HEADS[head], calibration_error(&probabilities, &labels, BINS))
        };
        (0..HEAD_COUNT).filter(|head| ranker.knows(*head)).map(of_head).collect()
    }
}

/// NDCG of graded gains in an order of their places; what is worth less than nothing counts as nothing.
fn graded_ndcg(gains: &[f64], order: impl Iterator<Item = usize>, cutoff: usize) -> f64 {
    let sum = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
        let places = gains.take(cutoff).enumerate();
        places.map(|(place, gain)| gain.max(0.0) / libm::log2((place + 2) as f64)).sum()
    };
    let mut ideal = gains.to_vec();
    ideal.sort_unstable_by(|a, b| b.total_cmp(a));
    sum(&mut order.map(|at| gains[at])) / sum(&mut ideal.into_iter())
}

/// What became of a candidate: whether it was looked at or carted in the same visit, bought within the days that count, sent
/// back if it was bought.
fn followed(next: &[Next], candidate: Candidate) -> [f32; HEAD_COUNT] {
    let did = |act: Act, in_visit: bool| {
        next.iter().find(|one| {
            Candidate::Product(one.product) == candidate && one.act == act && (one.same_visit || !in_visit)
        })
    };
    let flag = |one: Option<&Next>| f32::from(u8::from(one.is_some()));
    let bought = did(Act::Buy, false);
    let returned = bought.map_or(f32::NAN, |one| f32::from(u8::from(one.is_returned)));
    [flag(did(Act::View, true)), flag(did(Act::Cart, true)), flag(bought), returned]
}

/// A slate that was shown, with what candidates were like.
#[derive(Clone, Debug)]
struct Slate {
    shopper: ShopperNo,
    time: Millis,
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
struct Slot {
    product: ProductNo,
    /// Where it stood, from 0.
    place: usize,
    features: Vec<u16>,
    probability: f32,
    is_seen: bool,
    is_clicked: bool,
}

/// Slates of one placement that were decided with descriptions of a kind, and what shoppers did with them.
#[derive(Debug)]
pub struct Slates {
    placement: String,
    feature_set: u32,
    kept: BTreeMap<DecisionId, Slate>,
}

impl Slates {
    /// Of a placement, where descriptions are of this [`crate::features::set`].
    pub fn new(placement: &str, feature_set: u32) -> Self {
        Self { placement: placement.to_owned(), feature_set, kept: BTreeMap::new() }
    }

    /// Takes a decision for a shopper who allows to learn from it.
    pub fn decided(&mut self, shopper: ShopperNo, decision: &Decision) {
        if decision.request.placement != self.placement || decision.feature_set != self.feature_set {
            return;
        }
        // Of a later page of a search as the shopper counts.
        let first = decision.request.search.as_deref().map_or(0, |search| search.from as usize);
        let described = (first..).zip(&decision.slate).filter(|(_, slot)| !slot.features.is_empty());
        let slot = |(place, slot): (usize, &bespoke_domain::decision::Slot)| match slot.candidate {
            Candidate::Product(product) => Some(Slot {
                product,
                place,
                features: slot.features.clone(),
                probability: slot.probability,
                is_seen: false,
                is_clicked: false,
            }),
            Candidate::Category(_) | Candidate::Content(_) => None,
        };
        let slots = described.filter_map(slot).collect();
        self.kept.insert(decision.request.id, Slate { shopper, time: decision.request.now, slots });
        if self.kept.len() > SLATES_MAX {
            // Ids begin with their time.
            self.kept.pop_first();
        }
    }

    /// Takes an event of a shopper who allows to learn from it, with the numbers of its items.
    pub fn happened(&mut self, shopper: ShopperNo, event: &Event, products: &[ProductNo]) {
        let slate = event.decision.and_then(|decision| self.kept.get_mut(&decision));
        let Some(slate) = slate.filter(|slate| slate.shopper == shopper) else { return };
        for slot in slate.slots.iter_mut().filter(|slot| products.contains(&slot.product)) {
            match event.kind {
                EventKind::ViewItemList => slot.is_seen |= event.visible,
                EventKind::SelectItem | EventKind::ViewItem => slot.is_clicked = true,
                _ => {}
            }
        }
    }

    /// Slots that were seen, and clicked.
    pub fn counts(&self) -> (usize, usize) {
        let slots = || self.kept.values().flat_map(|slate| &slate.slots).filter(|slot| slot.is_seen);
        (slots().count(), slots().filter(|slot| slot.is_clicked).count())
    }

    /// How likely each place is looked at, against the first, at most 1: from place to place by what the same products were
    /// clicked at both, since better products may stand in front (intervention harvesting: Agarwal et al., WSDM 2019).
    pub fn looked_at(&self) -> Vec<f32> {
        let mut counts: Vec<HashMap<ProductNo, (f64, f64)>> = Vec::new();
        for slate in self.kept.values() {
            for slot in slate.slots.iter().filter(|slot| slot.is_seen) {
                counts.resize_with(counts.len().max(slot.place + 1), HashMap::new);
                let (seen, clicked) = counts[slot.place].entry(slot.product).or_default();
                *seen += 1.0;
                *clicked += f64::from(u8::from(slot.is_clicked));
            }
        }
        let mut looked_at = vec![1.0; counts.len()];
        for place in 1..counts.len() {
            let (near, far) = (&counts[place - 1], &counts[place]);
            let mut both: Vec<&ProductNo> = near.keys().filter(|product| far.contains_key(product)).collect();
            both.sort_unstable();
            // Clicks that as many impressions would bring at each place.
            let clicks = |of: &HashMap<ProductNo, (f64, f64)>| -> f64 {
                let fair = |product: &&ProductNo| {
                    let ((seen, clicked), least) = (of[*product], near[*product].0.min(far[*product].0));
                    clicked / seen * least
                };
                ALIKE + both.iter().map(fair).sum::<f64>()
            };
            let step = clicks(far) / clicks(near);
            looked_at[place] = (looked_at[place - 1] * step as f32).min(1.0);
        }
        looked_at
    }

    /// What is to be learnt from what was seen: what happened at a place that few look at counts for more.
    pub fn lessons(&self, snapshot: &Snapshot, training: &Training) -> Lessons {
        let Some(planned) = snapshot.plan.get(&self.placement) else { return Lessons::default() };
        let objective = planned.placement.objective.clone().unwrap_or_default();
        let mut lessons = Lessons::new(planned.features.clone());
        let looked_at = self.looked_at();
        let deeds: BTreeMap<ShopperNo, &[Deed]> =
            training.shoppers().map(|deeds| (deeds[0].shopper, deeds)).collect();
        for slate in self.kept.values().filter(|slate| slate.slots.iter().any(|slot| slot.is_seen)) {
            lessons.begin(seconds(slate.time));
            let own = deeds.get(&slate.shopper).copied().unwrap_or_default();
            for slot in slate.slots.iter().filter(|slot| slot.is_seen) {
                let values: Vec<f32> = slot.features.iter().map(|half| wide(*half)).collect();
                let row = snapshot.aggregates.catalog.row(slot.product).copied().unwrap_or_default();
                let weight = 1.0 / (looked_at[slot.place] * slot.probability).max(1.0 / CLIP);
                let happened = outcome(training, own, seconds(slate.time), slot);
                lessons.push(&values, happened, weight, bought_worth(&objective, &row));
            }
        }
        lessons
    }
}

/// What became of what was shown at a time.
fn outcome(training: &Training, own: &[Deed], time_s: u32, slot: &Slot) -> [f32; HEAD_COUNT] {
    let since = &own[own.partition_point(|deed| deed.time_s < time_s)..];
    let soon = &since[..since.partition_point(|deed| deed.time_s <= time_s.saturating_add(FOLLOWS_S))];
    let did = |act: Act| soon.iter().find(|deed| deed.product == slot.product && deed.act == act);
    let flag = |holds: bool| f32::from(u8::from(holds));
    let clicked = slot.is_clicked;
    let bought = did(Act::Buy).filter(|_| clicked);
    let returned = bought.map_or(f32::NAN, |deed| flag(training.is_returned(deed.shopper, deed.product)));
    [flag(clicked), flag(clicked && did(Act::Cart).is_some()), flag(bought.is_some()), returned]
}
