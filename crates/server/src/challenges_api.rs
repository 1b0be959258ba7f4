//! Challenges over HTTP: what wants to stand in for what, how far it has come and by which evidence, and the calls that begin, advance, stop and take back one.

use crate::boot::Shop;
use crate::clock;
use crate::http::App;
use crate::ladder::{self, told};
use crate::operate::put;
use crate::wire::challenges::parse_challenge;
use crate::wire::error::ApiError;
use bespoke_domain::Problem;
use bespoke_domain::challenge::{Challenge, Stage, Step};
use bespoke_engine::Snapshot;
use bespoke_engine::apart::in_the_way;
use bespoke_engine::challenge::{Known, waits_for};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// All challenges.
#[derive(Serialize, ToSchema, Debug)]
pub struct ChallengesBody {
    /// In the order in which they were set.
    pub challenges: Vec<ChallengeBody>,
}

/// A placement that wants to stand in for another.
#[derive(Serialize, ToSchema, Debug)]
pub struct ChallengeBody {
    /// Its name; also that of the experiment that it becomes.
    pub challenge: String,
    /// The placement that serves.
    pub champion: String,
    /// The placement that wants to.
    pub challenger: String,
    /// The metric that decides.
    pub metric: String,
    /// valuing, shadow, canary, test; promoted, stopped or held once it is over.
    pub stage: String,
    /// Since when, in milliseconds of the epoch.
    pub since_ms: i64,
    /// What the next step waits for; empty where it is over.
    pub waits_for: String,
    /// What the shadow has shown so far, while it is one.
    pub shadow: Option<BTreeMap<String, f64>>,
    /// How it came there, the oldest first; at most 32.
    pub steps: Vec<StepBody>,
}

/// A step, with what it rested on.
#[derive(Serialize, ToSchema, Debug)]
pub struct StepBody {
    /// When, in milliseconds of the epoch.
    pub at_ms: i64,
    /// From which stage.
    pub from: String,
    /// To which.
    pub to: String,
    /// Why.
    pub why: String,
    /// Figures by name.
    pub evidence: BTreeMap<String, f64>,
}

/// All challenges.
pub fn list(app: &App) -> ChallengesBody {
    let snapshot = app.shop.live.snapshot();
    let settings = snapshot.aggregates.settings.clone();
    let all = settings.iter().flat_map(|settings| &settings.challenges);
    ChallengesBody { challenges: all.map(|one| body(app, &snapshot, one)).collect() }
}

/// One challenge.
///
/// # Errors
/// An unknown name.
pub fn get(app: &App, name: &str) -> Result<ChallengeBody, ApiError> {
    let snapshot = app.shop.live.snapshot();
    find(&app.shop, name).map(|one| body(app, &snapshot, &one))
}

/// Begins a challenge, or another one under the name of one that is not shown to anybody.
///
/// # Errors
/// A definition with a fault, or one that is shown to shoppers.
pub async fn set(app: &App, name: &str, definition: &[u8]) -> Result<(), ApiError> {
    put(app, |settings| {
        let mut challenge = parse_challenge(name, definition, settings).map_err(ApiError::invalid)?;
        challenge.since = clock::now();
        let mut settings = settings.clone();
        match settings.challenges.iter_mut().find(|one| one.name == name) {
            Some(held) if matches!(held.stage, Stage::Canary | Stage::Test | Stage::Promoted) => {
                let detail = format!("{name:?} is at {}; stop it or take it back first", held.stage.name());
                return Err(ApiError::invalid(Problem::new("challenge", "taken", detail)));
            }
            Some(held) => *held = challenge,
            None => settings.challenges.push(challenge),
        }
        Ok(settings)
    })
    .await?;
    // Only now: what is refused costs the one that goes on nothing.
    app.ladder.forget(name);
    Ok(())
}

/// Ends a challenge: the champion answers.
///
/// # Errors
/// One that is unknown or over.
pub async fn stop(app: &App, name: &str) -> Result<(), ApiError> {
    let challenge = find(&app.shop, name)?;
    if challenge.stage.is_over() {
        let (was, more) = (
            challenge.stage.name(),
            if challenge.stage == Stage::Promoted { "; `--revert` takes it back" } else { "" },
        );
        return Err(ApiError::new("not_found", format!("{name:?} is over already: {was}{more}")));
    }
    by_hand(app, &challenge, "Stopped by hand.").await
}

/// Takes a promotion back: the champion answers as it was.
///
/// # Errors
/// One that is unknown or not promoted.
pub async fn revert(app: &App, name: &str) -> Result<(), ApiError> {
    let challenge = find(&app.shop, name)?;
    if challenge.stage != Stage::Promoted {
        return Err(ladder::unknown(name));
    }
    by_hand(app, &challenge, "The promotion was taken back by hand.").await
}

async fn by_hand(app: &App, challenge: &Challenge, why: &str) -> Result<(), ApiError> {
    let step = Step {
        at: clock::now(),
        from: challenge.stage,
        to: Stage::Stopped,
        why: why.to_owned(),
        evidence: Vec::new(),
    };
    ladder::take(app, &challenge.name, step).await
}

fn find(shop: &Shop, name: &str) -> Result<Challenge, ApiError> {
    let settings = shop.live.snapshot().aggregates.settings.clone();
    let found =
        settings.iter().flat_map(|settings| &settings.challenges).find(|one| one.name == name).cloned();
    found.ok_or_else(|| ladder::unknown(name))
}

fn body(app: &App, snapshot: &Snapshot, one: &Challenge) -> ChallengeBody {
    let shadow = app.ladder.disagreement(&one.name).filter(|_| one.stage == Stage::Shadow);
    let report = Some(one).filter(|one| !one.stage.is_over()).and_then(|one| told(snapshot, &one.name));
    let settings = snapshot.aggregates.settings.as_deref();
    let known = Known {
        valued: None,
        shadow: shadow.as_ref(),
        report: report.as_ref(),
        in_the_way: settings.and_then(|settings| in_the_way(settings, one)).map(|one| one.name.as_str()),
    };
    ChallengeBody {
        challenge: one.name.clone(),
        champion: one.champion.clone(),
        challenger: one.challenger.clone(),
        metric: one.metric.clone(),
        stage: one.stage.name().to_owned(),
        since_ms: one.since.0,
        waits_for: waits_for(one, &known, clock::now()),
        shadow: shadow.map(|one| one.figures().map(|(name, value)| (name.to_owned(), value)).into()),
        steps: one.steps.iter().map(step_body).collect(),
    }
}

fn step_body(step: &Step) -> StepBody {
    StepBody {
        at_ms: step.at.0,
        from: step.from.name().to_owned(),
        to: step.to.name().to_owned(),
        why: step.why.clone(),
        evidence: step.evidence.iter().cloned().collect(),
    }
}
