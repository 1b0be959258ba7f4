//! What must not go on: experiments that would change the same placement for the same shoppers, and a challenge is one before its first
//! shopper; and placements that would answer for one of another kind.

use crate::experiment::EXPERIMENTS_MAX;
use crate::source::MATCHES;
use bespoke_domain::challenge::Challenge;
use bespoke_domain::experiment::Experiment;
use bespoke_domain::{Placement, Settings};

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

/// Why nothing of this name can begin that takes in all shoppers of a placement, and which command makes room for it; `None` where it can.
pub fn taken(settings: &Settings, placement: &str, name: &str) -> Option<String> {
    let is_on = |one: &&Challenge| one.champion == placement && one.name != name && !one.stage.is_over();
    if let Some(challenge) = settings.challenges.iter().find(is_on) {
        return Some(in_between(challenge, name));
    }
    let is_at = |one: &&Experiment| {
        one.name != name && !one.is_stopped && one.placements.iter().any(|held| held == placement)
    };
    let held = settings.experiments.iter().find(is_at)?;
    let name = &held.name;
    Some(format!(
        "the experiment {name:?} changes {placement:?}: stop it first, `bespoke experiments {name} --stop`"
    ))
}

/// Why a placement cannot answer for another: whoever asks would get something of another kind. `None` where it can.
pub fn another_kind(asked: &Placement, used: &Placement) -> Option<String> {
    let searches = |one: &Placement| one.sources.iter().any(|source| source.source == MATCHES.name);
    let differs = [
        ("what it `shows` is something else", asked.shows != used.shows),
        ("its `form` is another", asked.form != used.form),
        ("of the two only one has the source `matches`", searches(asked) != searches(used)),
    ];
    let (why, _) = differs.into_iter().find(|(_, differs)| *differs)?;
    Some(format!(
        "{:?} cannot answer for {:?}: {why}; name a placement of the same kind",
        used.name, asked.name
    ))
}

/// Placements that are set to answer for one of another kind.
fn odd_pairs(settings: &Settings) -> Vec<String> {
    let of = |name: &str| settings.placements.iter().find(|one| one.name == name);
    let why = |asked: &str, used: &str| another_kind(of(asked)?, of(used)?);
    let mut found = Vec::new();
    for one in settings.experiments.iter().filter(|one| !one.is_stopped) {
        let uses = one.arms.iter().flat_map(|arm| &arm.uses);
        found.extend(uses.filter_map(|(asked, used)| Some(format!("{:?}: {}", one.name, why(asked, used)?))));
    }
    for one in settings.challenges.iter().filter(|one| !one.stage.is_over()) {
        found.extend(why(&one.champion, &one.challenger).map(|why| format!("{:?}: {why}", one.name)));
    }
    found
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
    let mut found = odd_pairs(settings);
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
        "{experiment:?} changes {:?}, which {:?} challenges: wait until that is over, or stop it, `bespoke challenge {} --stop`",
        challenge.champion, challenge.name, challenge.name
    )
}
