//! What must not go on at once: experiments that would change the same placement for the same shoppers, and a challenge is one before its first shopper.

use crate::experiment::EXPERIMENTS_MAX;
use bespoke_domain::Settings;
use bespoke_domain::challenge::Challenge;
use bespoke_domain::experiment::Experiment;

/// Why two experiments cannot both go on; `None` where they can.
pub fn clash(one: &Experiment, other: &Experiment) -> Option<String> {
    let shared = one.placements.iter().find(|name| other.placements.contains(name));
    let shared = shared.filter(|_| !one.is_stopped && !other.is_stopped)?;
    let overlaps = one.slice.0 < other.slice.1 && other.slice.0 < one.slice.1;
    (one.layer != other.layer || overlaps || one.unit != other.unit).then(|| {
        format!(
            "{:?} and {:?} both change {shared:?}: give them one layer, one unit, and slices that do not overlap",
            other.name, one.name
        )
    })
}

/// The challenge at whose champion an experiment would come in between, whether anybody is shown the challenger yet or not.
pub fn challenged<'a>(settings: &'a Settings, experiment: &Experiment) -> Option<&'a Challenge> {
    settings.challenges.iter().find(|one| meet(one, experiment))
}

/// The experiment that a challenge has to wait for before its challenger is shown to anybody.
pub fn in_the_way<'a>(settings: &'a Settings, challenge: &Challenge) -> Option<&'a Experiment> {
    settings.experiments.iter().find(|one| meet(challenge, one))
}

/// A challenge takes in all shoppers in the end, in a layer of its own.
fn meet(challenge: &Challenge, experiment: &Experiment) -> bool {
    !challenge.stage.is_over()
        && !experiment.is_stopped
        && challenge.name != experiment.name
        && experiment.placements.contains(&challenge.champion)
}

/// All that cannot go on as it is set, with what to do about it.
pub fn clashes(settings: &Settings) -> Vec<String> {
    let all = &settings.experiments;
    let mut found = Vec::new();
    if all.len() > EXPERIMENTS_MAX {
        let fix = "take out those that are over: `bespoke experiments NAME --remove`";
        found.push(format!("{} experiments; must be at most {EXPERIMENTS_MAX}: {fix}", all.len()));
    }
    for (at, one) in all.iter().enumerate() {
        found.extend(all[..at].iter().filter_map(|other| clash(one, other)));
        if let Some(challenge) = challenged(settings, one) {
            found.push(in_between(challenge, &one.name));
        }
    }
    found
}

/// That an experiment would come between a challenge's champion and challenger.
pub fn in_between(challenge: &Challenge, experiment: &str) -> String {
    format!(
        "{experiment:?} changes {:?}, which {:?} challenges: wait until that is over, or stop it",
        challenge.champion, challenge.name
    )
}
