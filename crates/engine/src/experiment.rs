//! Experiments: which arm a unit is in, and which placement answers for it.
//!
//! A unit's place is a hash of its key alone, salted by what the place is for: who is rolled out to, who is held out, which part of a
//! layer and which arm are independent of each other. The same key has the same place for ever; nothing is stored of it.
//!
//! `place(salt, name, key)`: FNV-1a (64 bits) over `salt`, a zero byte, `name`, a zero byte and the key's eight bytes, lowest first; then
//! the finalizer of MurmurHash3; then `hash · 10,000 / 2^64`, which favours no place by more than 1 in 10^15.

/// What a placement's units did lately.
pub mod baseline;
/// What cells of a switchback say.
mod cells;
/// What became of the units of each arm.
pub mod ledger;
/// Interleaved lists that may still be clicked.
mod lists;
/// What a unit's row is read as.
pub mod metric;
/// The holdout month by month.
pub mod month;
/// Which of two interleaved rankings is preferred.
pub mod preference;
/// What it all says.
pub mod result;

use crate::queries::fold;
use bespoke_domain::experiment::{
    Arm, ArmUse, Design, Experiment, HELD, HOLDOUT, Holdout, INTERLEAVED, PERSONALIZED, Unit, WHOLE,
};
use bespoke_domain::search::Sort;
use bespoke_domain::time::MINUTE_MS;
use bespoke_domain::{Millis, Request, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most experiments that can be set at once.
pub const EXPERIMENTS_MAX: usize = 100;
/// Names whose epochs are remembered after they are gone.
const NAMES_MAX: usize = 1_000;

/// Where a unit stands among all, 0 to 9,999.
pub fn place(salt: &str, name: &str, key: u64) -> u16 {
    let text = salt.bytes().chain([0]).chain(name.bytes()).chain([0]);
    let hash = fnv(text.chain(key.to_le_bytes()));
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    let hash = hash ^ hash >> 33;
    ((u128::from(hash) * u128::from(WHOLE)) >> 64) as u16
}

/// FNV-1a, 64 bits.
pub fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Whether a shopper belongs to the holdout.
pub fn is_held(holdout: Holdout, bucket: u64) -> bool {
    bucket != 0 && place(HOLDOUT, "", bucket) < holdout.share
}

/// The key of what is put into an arm; `None` where the request does not say what it is.
pub fn unit_key(unit: Unit, request: &Request) -> Option<u64> {
    let key = match unit {
        Unit::Shopper => request.bucket,
        Unit::Session => request.session,
        Unit::Query => {
            let text = fold(&request.search.as_deref()?.text)?;
            fnv(text.bytes()).max(1)
        }
        Unit::Switchback(minutes) => cell(minutes, &request.market, request.now),
    };
    (key != 0).then_some(key)
}

/// The key of a market and a stretch of time.
fn cell(minutes: u32, market: &str, now: Millis) -> u64 {
    let number = now.0.div_euclid(i64::from(minutes.max(1)) * MINUTE_MS);
    fnv(market.bytes().chain([0]).chain(number.to_le_bytes())).max(1)
}

/// The arm of a unit that is in the experiment; `None` where it is outside its part of the layer.
pub fn arm_of(experiment: &Experiment, key: u64) -> Option<&ArmUse> {
    let (from, to) = experiment.slice;
    if !(from..to).contains(&place("layer", &experiment.layer, key)) {
        return None;
    }
    let at = place("arm", &experiment.name, key);
    let mut end = 0_u32;
    experiment.arms.iter().find(|arm| {
        end += u32::from(arm.share);
        u32::from(at) < end
    })
}

/// What a request is in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assigned {
    /// The arms, as the decision tells them.
    pub arms: Vec<Arm>,
    /// Whether the shopper is held out.
    pub is_held: bool,
    /// The placement that answers in place of the one that was asked for.
    pub variant: Option<String>,
    /// Whether something else answers.
    pub is_external: bool,
    /// The placement whose ranking is interleaved with that of the one that was asked for.
    pub against: Option<String>,
}

/// Whether two rankings can stand in one list: on first pages, where nothing else says what comes in which order.
fn can_interleave(request: &Request) -> bool {
    let is_ranked = request
        .search
        .as_deref()
        .is_none_or(|search| search.sort == Sort::Relevance && search.from == 0 && search.after.is_none());
    is_ranked && request.follows.is_none() && request.given.is_empty()
}

/// What a request is in, by the settings and the epochs.
pub fn assigned(settings: &Settings, epochs: &Epochs, request: &Request) -> Assigned {
    let mut assigned = Assigned::default();
    if settings.holdout.share > 0 && request.bucket != 0 {
        assigned.is_held = is_held(settings.holdout, request.bucket);
        let arm = if assigned.is_held { HELD } else { PERSONALIZED };
        assigned.arms.push(epochs.arm(HOLDOUT, arm));
    }
    if assigned.is_held {
        return assigned;
    }
    let concerns = |one: &&Experiment| one.is_on(request.now) && one.placements.contains(&request.placement);
    for experiment in settings.experiments.iter().filter(concerns) {
        let Some(arm) = unit_key(experiment.unit, request).and_then(|key| arm_of(experiment, key)) else {
            continue;
        };
        if experiment.design == Design::Interleaving {
            let other = experiment.arms.get(1).and_then(|arm| arm.used_for(&request.placement));
            if other.is_some() && can_interleave(request) {
                assigned.arms.push(epochs.arm(&experiment.name, INTERLEAVED));
                assigned.against = other.map(str::to_owned);
            }
            continue;
        }
        assigned.arms.push(epochs.arm(&experiment.name, &arm.name));
        assigned.is_external |= arm.is_external;
        assigned.variant = assigned.variant.or(arm.used_for(&request.placement).map(str::to_owned));
    }
    assigned
}

/// An uninterrupted time in which an experiment was set as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Epoch {
    /// The first is 1.
    pub number: u32,
    /// When it began.
    pub since: Millis,
    /// Hash of what must not change within it.
    signature: u64,
}

/// The epoch of each experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epochs(BTreeMap<String, Epoch>);

impl Epochs {
    /// The epoch of an experiment that is set.
    pub fn get(&self, name: &str) -> Option<Epoch> {
        self.0.get(name).copied()
    }

    fn arm(&self, experiment: &str, arm: &str) -> Arm {
        let epoch = self.get(experiment).map_or(0, |epoch| epoch.number);
        Arm { experiment: experiment.to_owned(), epoch, arm: arm.to_owned() }
    }

    /// Notes what is set: whatever is set otherwise than before begins another epoch.
    pub fn fold(&mut self, settings: &Settings, received: Millis) {
        self.note(HOLDOUT, u64::from(settings.holdout.share), received);
        // What is over keeps its numbers, whatever becomes of its placements.
        let is_over = |one: &&Experiment| one.is_stopped || one.until.is_some_and(|until| until <= received);
        for experiment in settings.experiments.iter().filter(|one| !is_over(one)) {
            self.note(&experiment.name, signature(settings, experiment), received);
        }
        while self.0.len() > NAMES_MAX {
            let is_set = |name: &String| settings.experiments.iter().any(|one| one.name == *name);
            let Some(gone) = self.0.keys().find(|name| *name != HOLDOUT && !is_set(name)).cloned() else {
                break;
            };
            self.0.remove(&gone);
        }
    }

    fn note(&mut self, name: &str, signature: u64, since: Millis) {
        match self.0.get_mut(name) {
            Some(held) if held.signature == signature => {}
            Some(held) => *held = Epoch { number: held.number + 1, since, signature },
            None => _ = self.0.insert(name.to_owned(), Epoch { number: 1, since, signature }),
        }
    }
}

/// What must not change while an experiment is measured: who is in which arm, and what the arms are.
fn signature(settings: &Settings, one: &Experiment) -> u64 {
    let uses = one.arms.iter().flat_map(|arm| arm.uses.iter().map(|(_, variant)| variant));
    let names: Vec<&String> = one.placements.iter().chain(uses).collect();
    let placements: Vec<_> = settings.placements.iter().filter(|held| names.contains(&&held.name)).collect();
    let fixed =
        (one.design, one.unit, one.burn_in, &one.layer, one.slice, &one.placements, &one.arms, placements);
    fnv(postcard::to_allocvec(&fixed).unwrap_or_default().into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_as_they_are_documented() {
        let places =
            [place("holdout", "", 1), place("arm", "a", 1), place("arm", "b", 1), place("layer", "a", 2)];
        assert_eq!(places, PLACES);
    }

    /// Those of the documentation: they MUST never change.
    const PLACES: [u16; 4] = [2253, 3472, 4866, 4206];

    #[test]
    fn two_salts_are_independent_and_all_places_are_alike() {
        let count = 40_000_u64;
        let pairs: Vec<(f64, f64)> = (1..=count)
            .map(|key| (f64::from(place("arm", "exp-1", key)), f64::from(place("arm", "exp-2", key))))
            .collect();
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count as f64;
        let (a, b) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
        let covariance = mean(&|pair| (pair.0 - a) * (pair.1 - b));
        let spread = (mean(&|pair| (pair.0 - a).powi(2)) * mean(&|pair| (pair.1 - b).powi(2))).sqrt();
        assert!((covariance / spread).abs() < 0.01, "correlation {}", covariance / spread);
        let mut tenths = [0_u32; 10];
        pairs.iter().for_each(|pair| tenths[pair.0 as usize / 1_000] += 1);
        // Chi-squared with 9 degrees of freedom: above 27.9 once in a thousand.
        let expected = count as f64 / 10.0;
        let chi: f64 = tenths.iter().map(|one| (f64::from(*one) - expected).powi(2) / expected).sum();
        assert!(chi < 27.9, "{chi}: {tenths:?}");
    }
}
