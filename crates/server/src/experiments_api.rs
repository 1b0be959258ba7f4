//! Experiments over HTTP: what is compared and what it says so far, what a test would need, and the changes that begin and end one.

use crate::boot::Shop;
use crate::clock;
use crate::http::App;
use crate::operate::put;
use crate::wire::error::ApiError;
use crate::wire::experiments::parse_experiment;
use bespoke_domain::experiment::{Design, Experiment, HOLDOUT, WHOLE};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Currency, Offset, Problem, Settings};
use bespoke_engine::Snapshot;
use bespoke_engine::experiment::baseline::Baseline;
use bespoke_engine::experiment::ledger::Run;
use bespoke_engine::experiment::metric::metric;
use bespoke_engine::experiment::preference::{Preference, preference};
use bespoke_engine::experiment::result::{
    ArmResult, Compared, InSegment, LeftOut, Plan, Report, holdout, plan, report,
};
use bespoke_models::statistics::sample::Interval;
use bespoke_models::statistics::verdict::Verdict;
use serde::Serialize;
use utoipa::ToSchema;

/// Days of the log that tell what units did lately.
pub const LATELY_DAYS: i64 = 28;
/// Entries of the log that are read for it, the newest: a few seconds.
const LATELY_ENTRIES_MAX: u64 = 1_000_000;

/// What is compared.
#[derive(Serialize, ToSchema, Debug)]
pub struct ExperimentsBody {
    /// The holdout first, then the experiments in the order of the settings.
    pub experiments: Vec<ExperimentBody>,
}

/// An experiment and its answer so far.
#[derive(Serialize, ToSchema, Debug)]
pub struct ExperimentBody {
    /// Its name.
    pub experiment: String,
    /// Whether it goes on now.
    pub is_on: bool,
    /// split: each unit is in one arm; interleaving: each is shown both rankings in one list.
    pub design: String,
    /// Why it was stopped, where it stopped by itself; else empty.
    pub stopped_for: String,
    /// What is put into an arm: shopper, session, query or switchback.
    pub unit: String,
    /// The metric that decides.
    pub metric: String,
    /// Which of its epochs: a change of split or configuration begins another, and numbers begin anew.
    pub epoch: u32,
    /// When the epoch began, in milliseconds of the epoch; 0 where nothing was seen yet.
    pub since_ms: i64,
    /// From the first exposure to the last, in days.
    pub days: f64,
    /// The arms, the control first.
    pub arms: Vec<ArmBody>,
    /// Units that were exposed to two arms, such as a shopper who was two until the login. They count in the arm that they stay in: an effect
    /// looks smaller than it is.
    pub crossed: u64,
    /// Units that do not count.
    pub left_out: LeftOutBody,
    /// How likely the arms would ever have differed so much in number up to now if each got its share.
    pub mismatch_p: f64,
    /// Whether they differ too much for any number to be believed; then none is given.
    pub mismatch: bool,
    /// Each arm against the control.
    pub results: Vec<ArmResultBody>,
    /// Which ranking shoppers prefer, where two are interleaved; then `results` are empty.
    pub preference: Option<PreferenceBody>,
    /// Where the planned days cannot show the change that would matter, by what is known of the shop: what to do about it.
    pub warning: Option<String>,
}

/// Which of two interleaved rankings shoppers prefer.
#[derive(Serialize, ToSchema, Debug)]
pub struct PreferenceBody {
    /// The second arm, of which it is said.
    pub arm: String,
    /// win, harm, equivalent, not_yet or ended.
    pub verdict: String,
    /// The same in plain words.
    pub words: String,
    /// Days until there is an answer at most, at today's traffic.
    pub days_left: Option<u32>,
    /// Shoppers who preferred it, by the lists that they were shown.
    pub units_won: u64,
    /// Shoppers who preferred the control.
    pub units_lost: u64,
    /// Shoppers who preferred neither, or clicked nothing that was somebody's.
    pub units_tied: u64,
    /// Lists that it won.
    pub lists_won: u64,
    /// Lists that the control won.
    pub lists_lost: u64,
    /// Share of lists won less lost, of those that somebody won: -1 to 1; `null` where nobody won any.
    pub preference: Option<IntervalBody>,
    /// The p-value of there being no preference.
    pub p: f64,
}

/// An arm.
#[derive(Serialize, ToSchema, Debug)]
pub struct ArmBody {
    /// Its name.
    pub arm: String,
    /// Its share in per cent.
    pub share: f64,
    /// Units that count.
    pub units: u64,
    /// Units that were exposed.
    pub exposed: u64,
}

/// Units that do not count, and why.
#[derive(Serialize, ToSchema, Debug)]
pub struct LeftOutBody {
    /// Exposed in an earlier epoch, which divided the units otherwise.
    pub carried: u64,
    /// A program spoke for them.
    pub programs: u64,
    /// There was no more room for them.
    pub ignored: u64,
}

impl LeftOutBody {
    /// As it is told.
    pub fn of(left: &LeftOut) -> Self {
        Self { carried: left.carried, programs: left.programs, ignored: left.ignored }
    }
}

/// What is said of one arm.
#[derive(Serialize, ToSchema, Debug)]
pub struct ArmResultBody {
    /// The arm.
    pub arm: String,
    /// win, harm, equivalent, not_yet, ended or invalid.
    pub verdict: String,
    /// The same in plain words.
    pub words: String,
    /// Days until there is an answer at most, at today's traffic.
    pub days_left: Option<u32>,
    /// The metric that decides, the guardrails, then all others.
    pub metrics: Vec<ComparedBody>,
    /// The metric that decides, by segment.
    pub segments: Vec<SegmentBody>,
}

/// A metric of an arm against the control's. Money is in the shop's currency. `null`: there are no units that it could be said of.
#[derive(Serialize, ToSchema, Debug)]
pub struct ComparedBody {
    /// The metric.
    pub metric: String,
    /// The control's value.
    pub control: Option<f64>,
    /// The arm's.
    pub treated: Option<f64>,
    /// The arm's less the control's, what was known before taken out.
    pub difference: Option<IntervalBody>,
    /// The same as a share of the control's value; `null` where that is too near 0.
    pub relative: Option<IntervalBody>,
    /// The p-value of there being no difference; of all but the metric that decides adjusted for their number (Holm).
    pub p: Option<f64>,
    /// Share of the variance that what was known before took out.
    pub variance_removed: f64,
    /// Units that counted with the cap.
    pub capped: u64,
}

/// An estimate and its interval: 95 %, at every look unless the experiment has a fixed horizon.
#[derive(Serialize, ToSchema, Debug)]
#[allow(missing_docs, reason = "each is its name")]
pub struct IntervalBody {
    pub estimate: f64,
    pub low: f64,
    pub high: f64,
}

/// The metric that decides, of a part of the units.
#[derive(Serialize, ToSchema, Debug)]
pub struct SegmentBody {
    /// new, returning, high_intent or low_intent.
    pub segment: String,
    /// Units of both arms.
    pub units: u64,
    /// The comparison.
    pub compared: ComparedBody,
}

/// What a test would need, by what the shop's units did lately.
#[derive(Serialize, ToSchema, Debug)]
pub struct PlanBody {
    /// The experiment.
    pub experiment: String,
    /// The metric that decides.
    pub metric: String,
    /// Its value now.
    pub base: f64,
    /// The least change that would matter, as a share of it.
    pub effect: f64,
    /// Units a day.
    pub units_a_day: f64,
    /// Units of both arms that the effect needs, to be found with a probability of 80 %: `planned_units`.
    pub units: f64,
    /// Days for that; `null` = never.
    pub days: Option<u32>,
    /// Days that the experiment is planned for.
    pub planned_days: u16,
    /// The least change that these show with that probability, as a share of the base.
    pub visible: f64,
    /// What to do about it.
    pub advice: String,
}

/// All that is compared, with what it says so far.
pub fn list(shop: &Shop) -> ExperimentsBody {
    let snapshot = shop.live.snapshot();
    let now = crate::clock::now();
    let Some(settings) = snapshot.aggregates.settings.as_deref() else {
        return ExperimentsBody { experiments: Vec::new() };
    };
    let held = Some(holdout()).filter(|_| settings.holdout.share > 0);
    let all = held.iter().chain(&settings.experiments);
    ExperimentsBody { experiments: all.map(|one| body(&snapshot, one, one.is_on(now))).collect() }
}

/// One experiment, with what it says so far.
pub fn get(shop: &Shop, name: &str) -> Result<ExperimentBody, ApiError> {
    let snapshot = shop.live.snapshot();
    let one = find(&snapshot, name)?;
    Ok(body(&snapshot, &one, one.is_on(crate::clock::now())))
}

/// Sets an experiment: a new one, or another definition of one that there is.
pub async fn set(app: &App, name: &str, definition: &[u8]) -> Result<(), ApiError> {
    put(app, |settings| {
        not_a_challenge(settings, name)?;
        let experiment = parse_experiment(name, definition, settings).map_err(ApiError::invalid)?;
        if experiment.until.is_some_and(|until| until <= clock::now()) {
            let detail = "is past: nobody would ever be in it; name a later time, or leave it out";
            return Err(ApiError::invalid(Problem::new("until", "out_of_range", detail)));
        }
        Ok(with(settings, experiment))
    })
    .await
    .map(|_| ())
}

/// Stops an experiment: everyone gets the control from then on.
pub async fn stop(app: &App, name: &str) -> Result<(), ApiError> {
    not_the_holdout(name)?;
    put(app, |settings| {
        not_a_challenge(settings, name)?;
        let held = settings.experiments.iter().find(|one| one.name == name).ok_or_else(|| unknown(name))?;
        Ok(with(settings, Experiment { is_stopped: true, ..held.clone() }))
    })
    .await
    .map(|_| ())
}

/// Takes an experiment out that is stopped; its log stays.
pub async fn remove(app: &App, name: &str) -> Result<(), ApiError> {
    not_the_holdout(name)?;
    put(app, |settings| {
        not_a_challenge(settings, name)?;
        let held = settings.experiments.iter().find(|one| one.name == name).ok_or_else(|| unknown(name))?;
        if !held.is_stopped {
            let detail = format!("{name:?} goes on; stop it first");
            return Err(ApiError::invalid(Problem::new("experiment", "taken", detail)));
        }
        let mut settings = settings.clone();
        settings.experiments.retain(|one| one.name != name);
        Ok(settings)
    })
    .await
    .map(|_| ())
}

/// The holdout is the placement file's.
fn not_the_holdout(name: &str) -> Result<(), ApiError> {
    if name != HOLDOUT {
        return Ok(());
    }
    let detail =
        "the holdout is no experiment that a call ends: `[holdout] share = 0` in the placement file does";
    Err(ApiError::invalid(Problem::new("experiment", "taken", detail)))
}

/// What a challenge has made is the challenge's to end.
fn not_a_challenge(settings: &Settings, name: &str) -> Result<(), ApiError> {
    let is_its = settings.challenges.iter().any(|one| one.name == name && !one.stage.is_over());
    let detail = || format!("{name:?} is a challenge; `bespoke challenge {name} --stop` ends it");
    if is_its { Err(ApiError::invalid(Problem::new("experiment", "taken", detail()))) } else { Ok(()) }
}

/// What an experiment that is set, or one that is described, would need. For threads, never for async tasks: it may read the log.
pub fn planned(shop: &Shop, name: &str, definition: Option<&[u8]>) -> Result<PlanBody, ApiError> {
    let snapshot = shop.live.snapshot();
    let settings = snapshot.aggregates.settings.as_deref().ok_or_else(ApiError::internal)?;
    let experiment = match definition {
        Some(body) => parse_experiment(name, body, settings).map_err(ApiError::invalid)?,
        None => find(&snapshot, name)?,
    };
    if experiment.design == Design::Interleaving {
        let detail = "what two interleaved rankings need depends on how often they differ; begin it: the answer says how much longer it takes";
        return Err(ApiError::invalid(Problem::new("design", "not_planned", detail)));
    }
    let found = plan_of(shop, &snapshot, &experiment)?.ok_or_else(|| {
        let detail = "too few units with this metric are known yet; a plan needs a hundred of them in the last 28 days";
        ApiError::new("not_enough_data", detail)
    })?;
    Ok(plan_body(&experiment, &found, settings.shop.currency))
}

/// A plan by the units of the experiment itself, else by what those that it would have did lately.
fn plan_of(shop: &Shop, snapshot: &Snapshot, experiment: &Experiment) -> Result<Option<Plan>, ApiError> {
    match own_plan(snapshot, experiment) {
        Some(found) => Ok(Some(found)),
        None => lately(shop, experiment),
    }
}

/// A plan by what units of the experiment did lately, as if it had gone on with nothing different; `None` where too few are known. Reads the
/// log: for threads, never for async tasks.
pub fn lately(shop: &Shop, experiment: &Experiment) -> Result<Option<Plan>, ApiError> {
    let snapshot = shop.live.snapshot();
    let Some(settings) = snapshot.aggregates.settings.as_deref() else { return Ok(None) };
    let since = clock::now().plus(-LATELY_DAYS * DAY_MS);
    let mut baseline = Baseline::new((&shop.live, &snapshot), settings, experiment.clone(), since);
    let until = snapshot.aggregates.offset;
    let after = Offset(until.0.saturating_sub(LATELY_ENTRIES_MAX));
    shop.each_entry((after, until), |_| Ok(()), |_, entry| baseline.take(&entry)).map_err(|error| {
        tracing::error!("what units did lately: {error:#}");
        ApiError::internal()
    })?;
    Ok(baseline.run().and_then(|run| plan(run, experiment)))
}

/// A plan by the units of an experiment that is as it is set.
fn own_plan(snapshot: &Snapshot, experiment: &Experiment) -> Option<Plan> {
    let mut set = snapshot.aggregates.settings.iter().flat_map(|settings| &settings.experiments);
    let is_it = |one: &&Experiment| {
        one.name == experiment.name
            && (one.unit, one.slice, &one.arms, &one.placements)
                == (experiment.unit, experiment.slice, &experiment.arms, &experiment.placements)
    };
    set.find(is_it)?;
    plan(snapshot.aggregates.run(&experiment.name)?, experiment)
}

/// What is to be said of an experiment that its days cannot answer.
fn warning(found: &Plan, experiment: &Experiment, currency: Currency) -> Option<String> {
    let is_hopeless = found.days.is_none_or(|days| days > u32::from(experiment.days));
    is_hopeless.then(|| plan_body(experiment, found, currency).advice)
}

/// What is to be said of an experiment that was just set, by what its units did before.
pub fn warned(shop: &Shop, name: &str) -> Result<ExperimentBody, ApiError> {
    let mut told = get(shop, name)?;
    let snapshot = shop.live.snapshot();
    let one = find(&snapshot, name)?;
    // Where its own units are enough for a plan the warning was made by them.
    if told.is_on && one.name != HOLDOUT && one.design == Design::Split && own_plan(&snapshot, &one).is_none()
    {
        let currency = snapshot.aggregates.settings.as_deref().map_or(Currency::EUR, |set| set.shop.currency);
        told.warning = match lately(shop, &one)? {
            Some(found) => warning(&found, &one, currency),
            None => Some(format!(
                "nothing can be planned yet: fewer than a hundred units with {} are known of the last {LATELY_DAYS} days, so nobody can say whether {} days are \
                 enough; ask later: `bespoke experiments {name} --plan`",
                one.metric, one.days
            )),
        };
    }
    Ok(told)
}

/// The settings with an experiment, in the place of one of its name.
pub fn with(settings: &Settings, experiment: Experiment) -> Settings {
    let mut settings = settings.clone();
    match settings.experiments.iter_mut().find(|one| one.name == experiment.name) {
        Some(held) => *held = experiment,
        None => settings.experiments.push(experiment),
    }
    settings
}

fn find(snapshot: &Snapshot, name: &str) -> Result<Experiment, ApiError> {
    let settings = snapshot.aggregates.settings.as_deref().ok_or_else(ApiError::internal)?;
    if name == HOLDOUT && settings.holdout.share > 0 {
        return Ok(holdout());
    }
    settings.experiments.iter().find(|one| one.name == name).cloned().ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> ApiError {
    ApiError::new("not_found", format!("there is no experiment {name:?}; GET /v1/experiments lists them"))
}

fn body(snapshot: &Snapshot, experiment: &Experiment, is_on: bool) -> ExperimentBody {
    let epoch = snapshot.aggregates.epochs.get(&experiment.name).map_or(0, |epoch| epoch.number);
    let run = snapshot.aggregates.run(&experiment.name);
    let currency =
        snapshot.aggregates.settings.as_ref().map_or(Currency::EUR, |settings| settings.shop.currency);
    let told = run.map(|run: &Run| report(run, experiment));
    let arms = told.as_ref().map_or_else(
        || experiment.arms.iter().map(|arm| (arm.name.clone(), arm.share, 0, 0)).collect(),
        |told| {
            told.arms
                .iter()
                .map(|arm| (arm.name.clone(), arm.share, arm.units, arm.exposed))
                .collect::<Vec<_>>()
        },
    );
    let arm = |(arm, share, units, exposed): (String, u16, u64, u64)| ArmBody {
        arm,
        share: f64::from(share) * 100.0 / f64::from(WHOLE),
        units,
        exposed,
    };
    let left = told.as_ref().map(|told| told.left_out).unwrap_or_default();
    ExperimentBody {
        experiment: experiment.name.clone(),
        is_on,
        design: match experiment.design {
            Design::Split => "split",
            Design::Interleaving => "interleaving",
        }
        .to_owned(),
        stopped_for: experiment.stopped_for.clone(),
        unit: experiment.unit.name().to_owned(),
        metric: experiment.metric.clone(),
        epoch,
        since_ms: run.map_or(0, |run| run.since.0),
        days: told.as_ref().map_or(0.0, |told| told.days),
        arms: arms.into_iter().map(arm).collect(),
        crossed: told.as_ref().map_or(0, |told| told.crossed),
        left_out: LeftOutBody::of(&left),
        mismatch_p: told.as_ref().map_or(1.0, |told| told.mismatch.p),
        mismatch: told.as_ref().is_some_and(|told| told.mismatch.is_found()),
        results: told.map(|told| results(told, currency)).unwrap_or_default(),
        preference: run
            .filter(|_| experiment.design == Design::Interleaving)
            .map(|run| preferred(preference(run, experiment))),
        warning: Some(experiment)
            .filter(|one| is_on && one.name != HOLDOUT && one.design == Design::Split)
            .and_then(|one| warning(&own_plan(snapshot, one)?, one, currency)),
    }
}

fn preferred(told: Preference) -> PreferenceBody {
    PreferenceBody {
        verdict: named(&told.verdict).to_owned(),
        days_left: days_left(&told.verdict),
        units_won: told.units.0,
        units_lost: told.units.1,
        units_tied: told.units.2,
        lists_won: told.lists.0,
        lists_lost: told.lists.1,
        preference: told.preference.map(|(estimate, range)| IntervalBody {
            estimate,
            low: range.low,
            high: range.high,
        }),
        p: told.p,
        arm: told.arm,
        words: told.words,
    }
}

fn named(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Invalid => "invalid",
        Verdict::Win => "win",
        Verdict::Harm(_) => "harm",
        Verdict::Equivalent => "equivalent",
        Verdict::NotYet { .. } => "not_yet",
        Verdict::Ended => "ended",
    }
}

fn days_left(verdict: &Verdict) -> Option<u32> {
    match verdict {
        Verdict::NotYet { days, .. } => *days,
        _ => None,
    }
}

fn results(told: Report, currency: Currency) -> Vec<ArmResultBody> {
    let result = |one: ArmResult| ArmResultBody {
        arm: one.arm,
        verdict: named(&one.verdict).to_owned(),
        days_left: days_left(&one.verdict),
        words: one.words,
        metrics: one.metrics.iter().map(|one| compared(one, currency)).collect(),
        segments: one.segments.into_iter().map(|one| segment(one, currency)).collect(),
    };
    told.results.into_iter().map(result).collect()
}

fn segment(one: InSegment, currency: Currency) -> SegmentBody {
    SegmentBody {
        segment: one.segment.to_owned(),
        units: one.units,
        compared: compared(&one.compared, currency),
    }
}

/// By what a metric's value is multiplied: money into main units of the currency.
fn scale(name: &str, currency: Currency) -> f64 {
    let is_money = metric(name).is_some_and(|spec| spec.is_money);
    if is_money { 10_f64.powi(-(currency.exponent() as i32)) } else { 1.0 }
}

/// A comparison as it is told.
pub fn compared(one: &Compared, currency: Currency) -> ComparedBody {
    let scale = scale(one.metric, currency);
    let known = |value: f64| Some(value).filter(|value| value.is_finite());
    let interval = |(estimate, range): &(f64, Interval), scale: f64| {
        Some(IntervalBody {
            estimate: known(estimate * scale)?,
            low: known(range.low * scale)?,
            high: known(range.high * scale)?,
        })
    };
    let difference = interval(&one.absolute, scale);
    ComparedBody {
        metric: one.metric.to_owned(),
        control: known(one.control * scale),
        treated: known(one.treated * scale),
        relative: one.relative.as_ref().and_then(|relative| interval(relative, 1.0)),
        p: difference.as_ref().and_then(|_| known(one.p)),
        difference,
        variance_removed: known(one.removed).unwrap_or_default(),
        capped: one.capped,
    }
}

/// A plan as it is told.
pub fn plan_body(experiment: &Experiment, found: &Plan, currency: Currency) -> PlanBody {
    let scale = scale(&experiment.metric, currency);
    let (days, effect) = (experiment.days, experiment.effect * 100.0);
    let advice = match found.days {
        None => "nothing comes in that could be compared".to_owned(),
        Some(needed) if needed <= u32::from(days) => {
            format!("the planned {days} days are enough to see a change of {effect:.1} %")
        }
        Some(needed) => format!(
            "hopeless as it is: {days} days show a change of {:.1} % or more, not one of {effect:.1} %; plan {needed} days, take a larger slice, or a \
             metric that varies less",
            100.0 * found.visible
        ),
    };
    PlanBody {
        experiment: experiment.name.clone(),
        metric: experiment.metric.clone(),
        base: found.base * scale,
        effect: experiment.effect,
        units_a_day: found.units_a_day,
        units: found.units,
        days: found.days,
        planned_days: days,
        visible: found.visible,
        advice,
    }
}
