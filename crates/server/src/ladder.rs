//! What drives challenges up the ladder, and takes back what does harm: looks once a minute, and whenever it is asked to. What a step rests on is
//! made here – the walk through the log, the shadow –; which step it is says `bespoke_engine::challenge`.

use crate::boot::Shop;
use crate::clock;
use crate::http::App;
use crate::learn;
use crate::operate::put;
use crate::wire::error::ApiError;
use bespoke_domain::challenge::{Challenge, Stage, Step};
use bespoke_domain::experiment::{Experiment, HELD, HOLDOUT};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Decision, Millis, Offset, Request, Settings};
use bespoke_engine::challenge::{Disagreement, Known, next, stepped};
use bespoke_engine::decide::decide;
use bespoke_engine::experiment::result::{Report, report};
use bespoke_engine::occasions::Given;
use bespoke_engine::valued::{Valued, Valuing};
use bespoke_engine::{Live, Snapshot};
use bespoke_models::statistics::verdict::Verdict;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks at least; a look that took long is waited for [`REST`] times as long.
const EVERY: Duration = Duration::from_secs(60);
const REST: u32 = 50;
/// Requests that wait for the shadow; more are let go and counted.
const WAITING_MAX: usize = 256;
/// Days of logged decisions that a challenger is valued on, the latest.
const VALUED_DAYS: i64 = 28;

/// What is known of challenges that no entry of the log says. It is lost with the server, and begins anew.
#[derive(Default)]
pub struct Ladder {
    shadows: Arc<Mutex<BTreeMap<String, Disagreement>>>,
    queue: OnceLock<SyncSender<(String, String, Request)>>,
    /// By challenge, with when it came to its stage.
    valued: Mutex<BTreeMap<String, (Millis, Arc<Valued>)>>,
    /// Held while the log is walked through.
    walking: Mutex<()>,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ladder {
    /// Lets the challenger decide what the champion has decided, beside the request.
    pub fn shadow(&self, live: &Arc<Live>, settings: &Settings, decision: &Decision) {
        let placement = &decision.request.placement;
        let concerns = |one: &&Challenge| one.stage == Stage::Shadow && one.champion == *placement;
        let Some(challenge) = settings.challenges.iter().find(concerns) else { return };
        if decision.arms.iter().any(|arm| arm.experiment == HOLDOUT && arm.arm == HELD) {
            return;
        }
        let queue = self.queue.get_or_init(|| start(live.clone(), self.shadows.clone()));
        let asked = (challenge.name.clone(), challenge.challenger.clone(), decision.request.clone());
        if queue.try_send(asked).is_err() {
            hold(&self.shadows).entry(challenge.name.clone()).or_default().missed += 1;
        }
    }

    /// What the shadow of a challenge has shown so far.
    pub fn disagreement(&self, name: &str) -> Option<Disagreement> {
        hold(&self.shadows).get(name).cloned()
    }

    /// What is known of a challenge besides its experiment.
    fn valued(&self, challenge: &Challenge) -> Option<Arc<Valued>> {
        let held = hold(&self.valued);
        held.get(&challenge.name).filter(|(since, _)| *since == challenge.since).map(|(_, one)| one.clone())
    }

    /// Forgets a challenge, so that it begins anew.
    pub fn forget(&self, name: &str) {
        hold(&self.shadows).remove(name);
        hold(&self.valued).remove(name);
    }

    /// The next step of a challenge, if there is one. For threads, never for async tasks: it may walk through the log.
    fn next(&self, shop: &Shop, challenge: &Challenge) -> anyhow::Result<Option<Step>> {
        let snapshot = shop.live.snapshot();
        let valued = match challenge.stage {
            Stage::Valuing => Some(self.value(shop, &snapshot, challenge)?),
            _ => None,
        };
        let shadow = self.disagreement(&challenge.name);
        let report = told(&snapshot, &challenge.name);
        let known = Known { valued: valued.as_deref(), shadow: shadow.as_ref(), report: report.as_ref() };
        Ok(next(challenge, &known, clock::now()))
    }

    /// What logged decisions say, once for each time that it is valued.
    fn value(&self, shop: &Shop, snapshot: &Snapshot, challenge: &Challenge) -> anyhow::Result<Arc<Valued>> {
        let _alone = hold(&self.walking);
        if let Some(valued) = self.valued(challenge) {
            return Ok(valued);
        }
        let models = &snapshot.models;
        let given = Given {
            settings: snapshot.aggregates.settings.as_deref().cloned(),
            models: models
                .versions()
                .filter_map(|(name, id)| Some((name.to_owned(), id, models.get(name)?.clone())))
                .collect(),
        };
        let after = (fitted_on(shop, snapshot, challenge), clock::now().plus(-VALUED_DAYS * DAY_MS));
        let mut valuing = Valuing::new((&challenge.champion, &challenge.challenger), after, given);
        let until = snapshot.aggregates.offset;
        shop.each_entry(
            (Offset::default(), until),
            |_| Ok(()),
            |offset, entry| valuing.feed(offset, &entry),
        )?;
        let valued = Arc::new(valuing.finish());
        hold(&self.valued).insert(challenge.name.clone(), (challenge.since, valued.clone()));
        Ok(valued)
    }

    /// Looks again and again, as long as the server runs.
    pub async fn watch(app: Arc<App>) {
        let mut pause = EVERY;
        loop {
            tokio::time::sleep(pause).await;
            let started = Instant::now();
            look(&app).await;
            pause = EVERY.max(started.elapsed() * REST);
        }
    }
}

/// The last entry that a model of the challenger's was fitted on.
fn fitted_on(shop: &Shop, snapshot: &Snapshot, challenge: &Challenge) -> Offset {
    let settings = snapshot.aggregates.settings.as_deref();
    let placements = settings.map_or(&[][..], |settings| &settings.placements);
    let Some(challenger) = placements.iter().find(|one| one.name == challenge.challenger) else {
        return Offset::default();
    };
    let ranker = bespoke_engine::foresight::ranker_name(&challenger.name);
    let is_used = |name: &str| {
        crate::trials::names(challenger, name) || challenger.objective.is_some() && name == ranker
    };
    let used = snapshot.models.versions().filter(|(name, _)| is_used(name));
    let cut_offs = used.filter_map(|(_, id)| learn::about(shop, id).ok()).map(|about| about.cut_off);
    Offset(cut_offs.max().unwrap_or_default())
}

/// What an experiment says, in its epoch of now.
pub fn told(snapshot: &Snapshot, name: &str) -> Option<Report> {
    let settings = snapshot.aggregates.settings.as_deref()?;
    let one = settings.experiments.iter().find(|one| one.name == name)?;
    Some(report(snapshot.aggregates.run(name)?, one))
}

/// The thread on which champions and challengers decide the same requests, on the same state; each request on its own.
fn start(
    live: Arc<Live>,
    shadows: Arc<Mutex<BTreeMap<String, Disagreement>>>,
) -> SyncSender<(String, String, Request)> {
    let (send, receive) = sync_channel(WAITING_MAX);
    let work = move || {
        // Where the system does not let it be nice, it waits with the others.
        _ = rustix::process::nice(10);
        compare(&live, &shadows, &receive);
    };
    if let Err(error) = std::thread::Builder::new().name("shadow".into()).spawn(work) {
        tracing::error!(%error, "no challenger decides beside its champion");
    }
    send
}

fn compare(
    live: &Live,
    shadows: &Mutex<BTreeMap<String, Disagreement>>,
    receive: &Receiver<(String, String, Request)>,
) {
    while let Ok((name, challenger, request)) = receive.recv() {
        let snapshot = live.snapshot();
        let profile = request.shopper.and_then(|shopper| live.profile(shopper));
        let timed = |request: &Request| {
            let started = Instant::now();
            let decision = decide(&snapshot, profile.as_deref(), request);
            (decision, started.elapsed().as_micros() as u64)
        };
        let other = Request { placement: challenger, ..request.clone() };
        let ((champion, ours), (challenger, theirs)) = (timed(&request), timed(&other));
        hold(shadows).entry(name).or_default().add((&champion, &challenger), [ours, theirs]);
    }
}

/// Takes the next step of each challenge that has one, and stops experiments that do harm.
pub async fn look(app: &Arc<App>) {
    let Some(settings) = app.shop.live.snapshot().aggregates.settings.clone() else { return };
    for challenge in settings.challenges.iter().filter(|one| !one.stage.is_over()) {
        if let Err(error) = step(app, &challenge.name).await {
            tracing::error!(challenge = challenge.name, "no step was taken: {error:?}");
        }
    }
    for experiment in settings.experiments.iter().filter(|one| one.rolls_back && !one.is_stopped) {
        if let Err(error) = guard(app, experiment).await {
            tracing::error!(experiment = experiment.name, "it was not looked at: {error:?}");
        }
    }
}

/// Takes the next step of a challenge; whether there was one.
///
/// # Errors
/// An unknown name, or a log that cannot be read or written.
pub async fn step(app: &Arc<App>, name: &str) -> Result<bool, ApiError> {
    let settings = app.shop.live.snapshot().aggregates.settings.clone().ok_or_else(ApiError::internal)?;
    let challenge = settings.challenges.iter().find(|one| one.name == name).cloned();
    let challenge = challenge.ok_or_else(|| unknown(name))?;
    let (own, held) = (app.clone(), challenge.clone());
    let found = tokio::task::spawn_blocking(move || own.ladder.next(&own.shop, &held)).await;
    let found = found.map_err(|_| ApiError::internal())?.map_err(|error| {
        tracing::error!(challenge = name, "the log cannot be walked through: {error:#}");
        ApiError::internal()
    })?;
    let Some(step) = found else { return Ok(false) };
    take(app, name, step).await.map(|()| true)
}

/// Takes a step of a challenge, unless it has moved meanwhile.
///
/// # Errors
/// An unknown name, or a log that cannot be written.
pub async fn take(app: &App, name: &str, step: Step) -> Result<(), ApiError> {
    let (from, to, why) = (step.from.name(), step.to.name(), step.why.clone());
    put(app, |settings| {
        let is_there = settings.challenges.iter().any(|one| one.name == name && one.stage == step.from);
        let stepped = stepped(settings, name, step).filter(|_| is_there);
        stepped.ok_or_else(|| unknown(name))
    })
    .await?;
    tracing::info!(challenge = name, from, to, "{why}");
    Ok(())
}

/// That there is no such challenge, or not at that stage.
pub fn unknown(name: &str) -> ApiError {
    let detail = format!("there is no challenge {name:?} at that stage; GET /v1/challenges lists them");
    ApiError::new("not_found", detail)
}

/// Stops an experiment that does harm, or whose arms do not get their units.
async fn guard(app: &Arc<App>, experiment: &Experiment) -> Result<(), ApiError> {
    let (own, name) = (app.clone(), experiment.name.clone());
    let report = tokio::task::spawn_blocking(move || told(&own.shop.live.snapshot(), &name)).await;
    let Some(why) = report.map_err(|_| ApiError::internal())?.and_then(|report| harm(&report)) else {
        return Ok(());
    };
    tracing::warn!(experiment = experiment.name, "{why}");
    put(app, |settings| {
        let mut settings = settings.clone();
        if let Some(held) = settings.experiments.iter_mut().find(|one| one.name == experiment.name) {
            (held.is_stopped, held.stopped_for) = (true, why);
        }
        Ok(settings)
    })
    .await
    .map(|_| ())
}

/// Why an experiment is to be stopped, where it is.
fn harm(report: &Report) -> Option<String> {
    if report.mismatch.is_found() {
        let p = report.mismatch.p;
        return Some(format!("The arms did not get their shares of units (p = {p:.1e})."));
    }
    let is_harm = |verdict: &Verdict| matches!(verdict, Verdict::Harm(_));
    let harmful = report.results.iter().find(|one| is_harm(&one.verdict))?;
    Some(format!("{}: {}", harmful.arm, harmful.words))
}
