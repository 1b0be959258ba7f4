//! Tuning: which values of a model's parameters do best on this shop's log. Fitted on what came before one moment, chosen by what
//! came between it and a second, reported on what came after that, beside the values in force: nothing is chosen by it.

use crate::boot::Shop;
use crate::http::App;
use crate::learn::{self, CASES_MIN, Learner, PAST, RUN, Wanted};
use crate::limits::{Budget, Limits};
use crate::models_api::{JudgedBody, ModelsBody, learned, list, named};
use crate::wire::error::ApiError;
use crate::wire::field::object_of;
use crate::writer::Job;
use anyhow::bail;
use bespoke_domain::settings::ModelUse;
use bespoke_domain::{Problem, Settings};
use bespoke_engine::backtest::Cases;
use bespoke_engine::backtest::measures::Yardstick;
use bespoke_engine::catalog::Catalog;
use bespoke_engine::training::Training;
use bespoke_models::learned::LearnedSpec;
use bespoke_models::search::{Tried, search};
use bespoke_models::training_set::TrainingSet;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// Share of acts before the first moment; the second is that of a backtest.
const EARLY: f64 = 0.64;
/// What the two fits of the report take, beside a try: their data is a quarter larger.
const REPORT: f64 = 2.5;
/// Minutes of a search where nothing else is said, and the most.
const MINUTES: u64 = 10;
const MINUTES_MAX: u64 = 24 * 60;

/// What is wanted of a search.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Only these models; empty: those that the placements name.
    pub models: Vec<String>,
    /// How long it may take, shared by the models.
    pub time: Duration,
    /// Whether what is better beyond doubt is set and learnt.
    pub apply: bool,
}

/// Values by parameter.
type Values = BTreeMap<String, f64>;

/// Values that were tried, in the order of the search.
#[derive(Serialize, ToSchema, Clone, Debug, Default, PartialEq)]
pub struct TriedBody {
    /// The values.
    pub values: BTreeMap<String, f64>,
    /// NDCG@20 on the validation split.
    pub ndcg: f64,
    /// Its interval (95 %, by bootstrap).
    pub ndcg_low: f64,
    /// Its interval.
    pub ndcg_high: f64,
    /// Time to fit and to judge.
    pub seconds: f64,
    /// Why it was not fitted.
    pub why: String,
}

/// What a search found for one model.
#[derive(Serialize, ToSchema, Clone, Debug, Default, PartialEq)]
pub struct TunedBody {
    /// Its name.
    pub name: String,
    /// better (beyond doubt), not better, unchanged, applied (better, and in force now) or skipped.
    pub outcome: String,
    /// Why.
    pub why: String,
    /// Every setting that was tried.
    pub tried: Vec<TriedBody>,
    /// The values in force.
    pub in_force: BTreeMap<String, f64>,
    /// The values that did best on the validation split.
    pub chosen: BTreeMap<String, f64>,
    /// What the values in force are worth on what came last.
    pub before: JudgedBody,
    /// What the chosen ones are worth there.
    pub after: JudgedBody,
    /// NDCG@20 of the chosen less that of those in force, there, on the same cases.
    pub gain: f64,
    /// Its interval.
    pub gain_low: f64,
    /// Its interval.
    pub gain_high: f64,
    /// For the placement file: the chosen values that are not the defaults.
    pub toml: String,
}

/// Starts a search: `{"models": [names], "minutes": 10, "apply": false}`, all of it optional.
pub fn post(app: &App, body: &[u8]) -> Result<ModelsBody, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let mut fields = object_of(body).map_err(ApiError::invalid)?;
    let minutes = fields.count("minutes", MINUTES_MAX).map_err(ApiError::invalid)?.unwrap_or(MINUTES);
    let apply = fields.flag("apply").map_err(ApiError::invalid)?.unwrap_or(false);
    let models = named(&mut fields, &learned()).map_err(ApiError::invalid)?;
    fields.none_left().map_err(ApiError::invalid)?;
    if minutes == 0 {
        let detail = format!("must be from 1 to {MINUTES_MAX}");
        return Err(ApiError::invalid(Problem::new("minutes", "out_of_range", detail)));
    }
    let tuning = Tuning { models, time: Duration::from_secs(60 * minutes), apply };
    if !app.learner.start_tuning(app.shop.clone(), tuning) {
        return Err(ApiError::new("training_busy", "GET /v1/models says how far it is"));
    }
    list(app)
}

/// Data up to a moment, and what is asked after it.
struct Split {
    past: TrainingSet,
    cases: Cases,
}

impl Split {
    fn new(training: &Training, split_s: u32, catalog: &Catalog) -> Self {
        let past = training.set(split_s, catalog);
        let yardstick = Yardstick::new(training, split_s, catalog);
        let cases = Cases::new(training, split_s, &past, yardstick);
        Self { past, cases }
    }
}

/// What every model is tuned on.
struct Ground {
    validation: Split,
    report: Split,
    budget: Budget,
}

impl Learner {
    /// Starts a search on a thread of its own; `false` where a run is going on.
    pub fn start_tuning(self: &Arc<Self>, shop: Arc<Shop>, tuning: Tuning) -> bool {
        self.begin("tune", 0, move |own| own.tune(&shop, &tuning))
    }

    /// Searches on this thread.
    pub fn tune(&self, shop: &Shop, tuning: &Tuning) {
        self.record("tune", |started| self.tune_all(shop, tuning, started));
    }

    fn tune_all(&self, shop: &Shop, tuning: &Tuning, started: Instant) -> anyhow::Result<()> {
        let snapshot = shop.live.snapshot();
        let settings = snapshot.aggregates.settings.as_deref();
        let mut specs = learn::specs(settings, &tuning.models, false)?;
        // What search reads is not judged by what shoppers deal with next.
        specs.retain(|spec| !spec.is_for_search);
        self.stage("reading the log", 0);
        let training = learn::read(shop, &snapshot)?;
        let ground = self.ground(&training, &snapshot.aggregates.catalog, started)?;
        for (at, spec) in specs.iter().enumerate() {
            // What a model leaves of its share is for those after it.
            let until = started + tuning.time.mul_f64((at + 1) as f64 / specs.len() as f64);
            let in_force = learn::values(settings, spec);
            let tuned = self.tune_one(spec, &in_force, &ground, until);
            self.note(|run| {
                run.percent = (100 * (at + 1) / specs.len()) as u8;
                run.tuned.push(tuned);
            });
        }
        drop((training, ground));
        if tuning.apply { self.apply(shop) } else { Ok(()) }
    }

    fn ground(&self, training: &Training, catalog: &Catalog, started: Instant) -> anyhow::Result<Ground> {
        let (early_s, late_s) = (training.time_at(EARLY), training.time_at(PAST));
        let validation = Split::new(&training.before(late_s), early_s, catalog);
        let report = Split::new(training, late_s, catalog);
        let (chosen_by, told_by) = (validation.cases.len(), report.cases.len());
        if chosen_by.min(told_by) < CASES_MIN {
            bail!(
                "{chosen_by} shoppers to choose by and {told_by} to report on are too few to tell; it takes {CASES_MIN} of both"
            );
        }
        self.note(|run| {
            (run.acts, run.cases) = (training.deeds.len(), told_by);
            run.split_ms = i64::from(late_s) * 1000;
            run.popular = JudgedBody::of(&report.cases.judge_popularity());
        });
        let held = training.size_bytes() + validation.past.size_bytes() + report.past.size_bytes();
        // Time is looked at before each try; the report is made whatever is left.
        let limits = Limits { time: Duration::MAX, ..self.limits() };
        Ok(Ground { validation, report, budget: Budget::new(limits, started, held as u64) })
    }

    fn tune_one(
        &self,
        spec: &'static LearnedSpec,
        in_force: &[f64],
        ground: &Ground,
        until: Instant,
    ) -> TunedBody {
        let mut tried: Vec<TriedBody> = Vec::new();
        let best = search(spec.params, in_force, &mut |values| {
            self.note(|run| run.stage = format!("tuning {}: {} settings tried", spec.name, tried.len()));
            let left = until.saturating_duration_since(Instant::now()).as_secs_f64();
            let longest = tried.iter().map(|one| one.seconds).fold(0.0, f64::max);
            if !tried.is_empty() && left <= REPORT * longest {
                return Tried::Over;
            }
            let expected = expected_seconds(spec, values, &tried);
            let is_late = left <= 0.0 || expected + REPORT * longest.max(expected) > left;
            let late =
                is_late.then(|| format!("it takes about {expected:.0} seconds, and --minutes leave too few"));
            let (one, worth) = attempt(spec, values, ground, late);
            tried.push(one);
            worth
        });
        let mut tuned = TunedBody {
            name: spec.name.to_owned(),
            in_force: by_name(spec, in_force),
            chosen: by_name(spec, &best),
            toml: toml(spec, &best),
            tried,
            ..TunedBody::default()
        };
        self.note(|run| run.stage = format!("tuning {}: the report", spec.name));
        report(spec, (in_force, &best), ground, &mut tuned);
        tuned
    }

    /// Sets what is better beyond doubt, and learns it.
    fn apply(&self, shop: &Shop) -> anyhow::Result<()> {
        let tuned = self.run().map(|run| run.tuned).unwrap_or_default();
        let better: Vec<TunedBody> = tuned.into_iter().filter(|one| one.outcome == "better").collect();
        if better.is_empty() {
            return Ok(());
        }
        self.stage("setting what is better", 100);
        set(shop, &better)?;
        self.note(|run| {
            let applied = |one: &&mut TunedBody| one.outcome == "better";
            run.tuned.iter_mut().filter(applied).for_each(|one| "applied".clone_into(&mut one.outcome));
        });
        let models = better.into_iter().map(|one| one.name).collect();
        self.all(shop, &Wanted { publish: true, models, ..Wanted::default() }, Instant::now())
    }
}

/// Fits on the earliest part and judges by what came next, where that fits the memory and is not too `late`.
fn attempt(spec: &LearnedSpec, values: &[f64], ground: &Ground, late: Option<String>) -> (TriedBody, Tried) {
    let started = Instant::now();
    let Split { past, cases } = &ground.validation;
    let mut one = TriedBody { values: by_name(spec, values), ..TriedBody::default() };
    if let Some(why) = ground.budget.refusal((spec.fit_bytes)(past, values), 0.0).or(late) {
        one.why = why;
        return (one, Tried::Refused);
    }
    let judged = cases.judge_model(&(spec.fit)(past, values, RUN));
    (one.ndcg, one.ndcg_low, one.ndcg_high) = (judged.ndcg.mean, judged.ndcg.low, judged.ndcg.high);
    one.seconds = started.elapsed().as_secs_f64();
    (one, Tried::Worth(judged.ndcg.mean))
}

/// What a try takes, by those before it: as long as one of them, and the square of the ratio for every number of things that is
/// greater; 0 for the first.
fn expected_seconds(spec: &LearnedSpec, values: &[f64], tried: &[TriedBody]) -> f64 {
    let longer = |one: &TriedBody| -> f64 {
        let counts = spec.params.iter().zip(values).filter(|(param, _)| param.is_count());
        let ratios = counts.map(|(param, value)| (value / one.values[param.name]).max(1.0));
        one.seconds * ratios.map(|ratio| ratio * ratio).product::<f64>()
    };
    let fitted = tried.iter().filter(|one| one.why.is_empty()).map(longer);
    fitted.min_by(f64::total_cmp).unwrap_or(0.0)
}

/// What the values in force and the best ones are worth on what came last.
fn report(spec: &LearnedSpec, (in_force, best): (&[f64], &[f64]), ground: &Ground, tuned: &mut TunedBody) {
    let said = |outcome: &str, why: String| (outcome.to_owned(), why);
    if let Some(first) = tuned.tried.first().filter(|one| !one.why.is_empty()) {
        (tuned.outcome, tuned.why) = said("skipped", first.why.clone());
        return;
    }
    if in_force == best {
        let why = format!("none of {} settings did better on the validation split", tuned.tried.len());
        (tuned.outcome, tuned.why) = said("unchanged", why);
        return;
    }
    let Split { past, cases } = &ground.report;
    if let Some(why) = ground.budget.refusal((spec.fit_bytes)(past, best), 0.0) {
        (tuned.outcome, tuned.why) = said("skipped", why);
        return;
    }
    let judge = |values: &[f64]| cases.judge_model(&(spec.fit)(past, values, RUN));
    let (before, after) = (judge(in_force), judge(best));
    let gain = after.ahead_of(&before);
    (tuned.gain, tuned.gain_low, tuned.gain_high) = (gain.mean, gain.low, gain.high);
    (tuned.before, tuned.after) = (JudgedBody::of(&before), JudgedBody::of(&after));
    let is_better = gain.low > 0.0;
    tuned.outcome = if is_better { "better" } else { "not better" }.to_owned();
    tuned.why = format!(
        "on what came last, which it was not chosen by, NDCG@20 changes by {:+.4} ({:+.4} to {:+.4}, 95 %){}",
        gain.mean,
        gain.low,
        gain.high,
        if is_better { "" } else { ": that may be chance, so the values in force stay" }
    );
}

fn by_name(spec: &LearnedSpec, values: &[f64]) -> Values {
    spec.params.iter().map(|param| param.name.to_owned()).zip(values.iter().copied()).collect()
}

/// The values that are not the defaults, as a placement file says them.
fn toml(spec: &LearnedSpec, values: &[f64]) -> String {
    let mut text = format!("[models.{}]\n", spec.name);
    for (param, value) in spec.params.iter().zip(values).filter(|(param, value)| param.default != **value) {
        _ = writeln!(text, "{} = {value}", param.name);
    }
    text
}

/// Puts the settings in force into force again, with the chosen values.
fn set(shop: &Shop, better: &[TunedBody]) -> anyhow::Result<()> {
    let _alone = shop.changing.blocking_lock();
    let before = shop.live.snapshot();
    let Some(mut settings): Option<Settings> = before.aggregates.settings.as_deref().cloned() else {
        bail!("the shop has no settings");
    };
    for one in better {
        settings.models.retain(|held| held.model != one.name);
        let params = one.chosen.clone().into_iter().collect();
        settings.models.push(ModelUse { model: one.name.clone(), params });
    }
    let put = shop.queue.call(|reply| Job::Settings(Box::new(settings), reply));
    put.map_err(|failure| anyhow::anyhow!("the settings were not written: {failure:?}"))?;
    if crate::operate::is_visible(shop, before.aggregates.settings_offset) {
        return Ok(());
    }
    bail!("the settings are written, but not yet visible; `bespoke train` learns with them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_models::learned::LEARNED;

    #[test]
    fn what_a_try_takes_is_expected_from_those_before_it() {
        let spec = LEARNED.iter().find(|spec| spec.name == "als").expect("it is there");
        let values = |factors: f64, unobserved: f64| -> Vec<f64> {
            let given = [("factors".to_owned(), factors), ("unobserved".to_owned(), unobserved)];
            spec.values(&given)
        };
        let tried = |factors, seconds, why: &str| TriedBody {
            values: by_name(spec, &values(factors, 0.03)),
            seconds,
            why: why.to_owned(),
            ..TriedBody::default()
        };
        let before = [tried(64.0, 2.0, ""), tried(128.0, 6.0, ""), tried(512.0, 0.0, "refused")];
        let expected = |factors, unobserved| expected_seconds(spec, &values(factors, unobserved), &before);
        assert_eq!(expected(64.0, 0.3), 2.0, "what is no number of things costs nothing");
        assert_eq!(expected(32.0, 0.03), 2.0);
        assert_eq!(expected(256.0, 0.03), 24.0, "twice 128 takes four times 6");
        assert_eq!(expected_seconds(spec, &values(64.0, 0.03), &[]), 0.0);
    }
}
