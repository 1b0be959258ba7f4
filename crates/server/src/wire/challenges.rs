//! A challenge as it is sent: JSON, checked by the rules of the experiment that it becomes.

use super::experiments::{parse_experiment, parts};
use super::field::{object_of, typed};
use bespoke_domain::challenge::Challenge;
use bespoke_domain::{Problem, Settings};
use bespoke_engine::apart::{another_kind, taken};
use bespoke_engine::challenge::{CHALLENGER, CHALLENGES_MAX, CHAMPION};
use serde::Deserialize;
use serde_json::{Value, json};

/// Most requests that a shadow compares.
const REQUESTS_MAX: u32 = 10_000_000;
/// Longest canary, in hours: four weeks.
const HOURS_MAX: u16 = 28 * 24;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeJson {
    champion: String,
    challenger: String,
    metric: String,
    #[serde(default)]
    guardrails: Value,
    #[serde(default = "default_effect")]
    effect: f64,
    #[serde(default)]
    covariate: String,
    #[serde(default = "default_requests")]
    shadow_requests: u32,
    #[serde(default = "default_canary")]
    canary: f64,
    #[serde(default = "default_hours")]
    canary_hours: u16,
    #[serde(default = "default_days")]
    days: u16,
    planned_units: Option<u64>,
}

fn default_effect() -> f64 {
    0.02
}

fn default_requests() -> u32 {
    1_000
}

fn default_canary() -> f64 {
    5.0
}

fn default_hours() -> u16 {
    24
}

fn default_days() -> u16 {
    14
}

/// Reads one, to be added to the settings or to stand in for the one of its name.
pub fn parse_challenge(name: &str, body: &[u8], settings: &Settings) -> Result<Challenge, Problem> {
    let sent: ChallengeJson = typed(object_of(body)?)?;
    check_placements(&sent, settings)?;
    if !(sent.effect > 0.0 && sent.effect <= 1.0) {
        let detail = "must be above 0 and at most 1: the least change that would matter, as a share of the champion's value";
        return Err(Problem::new("effect", "out_of_range", detail));
    }
    if !(1..=REQUESTS_MAX).contains(&sent.shadow_requests) {
        let detail = format!("must be from 1 to {REQUESTS_MAX} requests");
        return Err(Problem::new("shadow_requests", "out_of_range", detail));
    }
    let canary = parts(sent.canary).filter(|share| (1..=5_000).contains(share));
    let canary = canary.ok_or_else(|| {
        let detail = "must be above 0 and at most 50 per cent of shoppers, with at most two decimals";
        Problem::new("canary", "out_of_range", detail)
    })?;
    if !(1..=HOURS_MAX).contains(&sent.canary_hours) {
        let detail = format!("must be from 1 to {HOURS_MAX} hours");
        return Err(Problem::new("canary_hours", "out_of_range", detail));
    }
    if settings.challenges.iter().filter(|one| one.name != name).count() >= CHALLENGES_MAX {
        let detail = format!("must be at most {CHALLENGES_MAX}");
        return Err(Problem::new("challenge", "too_many", detail));
    }
    let of_another =
        |one: &Challenge| one.name != name && one.champion == sent.champion && !one.stage.is_over();
    if let Some(other) = settings.challenges.iter().find(|one| of_another(one)) {
        let detail = format!(
            "{:?} is challenged by {:?} already; wait until that is over, or stop it",
            sent.champion, other.name
        );
        return Err(Problem::new("champion", "taken", detail));
    }
    if let Some(why) = taken(settings, &sent.champion, name) {
        return Err(Problem::new("champion", "taken", why));
    }
    let mut definition = json!({
        "placements": [sent.champion],
        "arms": [
            {"name": CHAMPION, "share": 50},
            {"name": CHALLENGER, "share": 50, "uses": {sent.champion.clone(): sent.challenger}},
        ],
        "layer": format!("challenge of {}", sent.champion),
        "metric": sent.metric,
        "effect": sent.effect,
        "covariate": sent.covariate,
        "days": sent.days,
        "planned_units": sent.planned_units,
    });
    if !sent.guardrails.is_null() {
        definition["guardrails"] = sent.guardrails;
    }
    let definition = serde_json::to_vec(&definition).unwrap_or_default();
    let experiment = parse_experiment(name, &definition, settings)?;
    Ok(Challenge {
        name: name.to_owned(),
        champion: sent.champion,
        challenger: sent.challenger,
        metric: experiment.metric,
        guardrails: experiment.guardrails,
        effect: experiment.effect,
        covariate: experiment.covariate,
        shadow_requests: sent.shadow_requests,
        canary,
        canary_hours: sent.canary_hours,
        days: experiment.days,
        planned_units: experiment.planned_units,
        ..Challenge::default()
    })
}

/// Both placements are there, and the challenger can answer for the champion.
fn check_placements(sent: &ChallengeJson, settings: &Settings) -> Result<(), Problem> {
    let find = |field: &str, name: &String| {
        let unknown = || Problem::new(field, "unknown_placement", format!("there is no placement {name:?}"));
        settings.placements.iter().find(|one| one.name == *name).ok_or_else(unknown)
    };
    let (champion, challenger) = (find("champion", &sent.champion)?, find("challenger", &sent.challenger)?);
    if sent.champion == sent.challenger {
        let detail = "must be another placement than the champion";
        return Err(Problem::new("challenger", "invalid_value", detail));
    }
    let refused = |why| Err(Problem::new("challenger", "another_kind", why));
    another_kind(champion, challenger).map_or(Ok(()), refused)
}
