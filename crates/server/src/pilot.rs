//! A pilot: whether a placement is worth having. What its shoppers did lately is measured from the log, a test against what is popular (or another placement)
//! is planned on it and begun, and ends in expand or stop.

use crate::boot::Shop;
use crate::experiments_api::{self, ExperimentBody, LATELY_DAYS, PlanBody, lately, plan_body, with};
use crate::http::App;
use crate::operate::put;
use crate::wire::error::ApiError;
use crate::wire::experiments::parse_experiment;
use crate::wire::field::{object_of, typed};
use bespoke_domain::experiment::Experiment;
use bespoke_domain::settings::{Placement, ScorerUse, Shows, SourceUse};
use bespoke_domain::{Problem, Settings};
use bespoke_engine::apart::{another_kind, taken};
use bespoke_engine::experiment::metric::metric;
use bespoke_engine::scorer::PERSONAL;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Days that a pilot may be planned for: beyond them the shop is another one.
const DAYS_MAX: u32 = 90;
/// Days that it is planned for at least: two weeks have every weekday twice.
const DAYS_MIN: u32 = 14;
/// How much of returns a pilot may add.
const RETURNS_MARGIN: f64 = 0.1;
/// Candidates of the baseline's one source.
const POPULAR_LIMIT: u16 = 200;
/// Sources that find what the page is about. Whoever searches for mugs is to be shown mugs, by the baseline as well.
const FINDING: [&str; 2] = ["matches", "category"];

/// What a pilot is asked for with.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct PilotAsk {
    /// The metric that decides: one of experiments'.
    pub metric: String,
    /// The least change that would matter, as a share; .05 where nothing is said.
    pub effect: Option<f64>,
    /// Days; as many as the plan needs where nothing is said.
    pub days: Option<u32>,
    /// The placement that it is held against; where nothing is said what is popular, of a search or a category's listing what a stranger would
    /// find.
    pub against: Option<String>,
    /// Begin it even where the plan says that it will not get an answer.
    #[serde(default)]
    pub anyway: bool,
}

/// A pilot and its answer so far.
#[derive(Serialize, ToSchema, Debug)]
pub struct PilotBody {
    /// The placement.
    pub placement: String,
    /// What it is held against.
    pub against: String,
    /// expand, stop, go_on, or mend where its numbers cannot be believed; ended once it is.
    pub answer: String,
    /// What to do, in plain words.
    pub words: String,
    /// The plan by what shoppers of the placement did in the four weeks before, where it is known.
    pub plan: Option<PlanBody>,
    /// The experiment, with every number.
    pub experiment: ExperimentBody,
}

/// The name of a placement's pilot among experiments, whose names have letters, digits, `_`, `-` and `.` only.
fn name_of(placement: &str) -> String {
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "_-.".contains(letter) { letter } else { '_' };
    format!("pilot_{placement}").chars().map(plain).take(64).collect()
}

/// Measures, plans, and begins a pilot.
pub async fn begin(app: &App, placement: &str, body: &[u8]) -> Result<PilotBody, ApiError> {
    let ask: PilotAsk = object_of(body).and_then(typed).map_err(ApiError::invalid)?;
    let shop = app.shop.clone();
    let wanted = (placement.to_owned(), ask);
    let planned = tokio::task::spawn_blocking(move || prepare(&shop, wanted)).await;
    let (planned, body) = planned.map_err(|_| ApiError::internal())??;
    put(app, |settings| {
        let settings = with_baseline(settings, placement, &planned.against)?;
        let experiment = parse_experiment(&name_of(placement), planned.definition.as_bytes(), &settings);
        Ok(with(&settings, experiment.map_err(ApiError::invalid)?))
    })
    .await?;
    Ok(PilotBody { plan: body, ..get(&app.shop, placement)? })
}

/// The pilot of a placement, and what to do about it.
pub fn get(shop: &Shop, placement: &str) -> Result<PilotBody, ApiError> {
    let snapshot = shop.live.snapshot();
    let settings = snapshot.aggregates.settings.as_deref().ok_or_else(ApiError::internal)?;
    let name = name_of(placement);
    let held = settings.experiments.iter().find(|one| one.name == name).ok_or_else(|| {
        let detail = format!("there is no pilot of {placement:?}; begin one with a metric");
        ApiError::new("not_found", detail)
    })?;
    let against = held.arms.first().and_then(|arm| arm.uses.first()).map(|(_, used)| used.clone());
    let against = against.unwrap_or_default();
    let experiment = experiments_api::get(shop, &name)?;
    let (answer, words) = match held.is_stopped {
        true => ("ended", ended(settings, placement, &against, &experiment)),
        false => answer(placement, &against, &experiment),
    };
    Ok(PilotBody {
        placement: placement.to_owned(),
        against,
        answer: answer.to_owned(),
        words,
        plan: None,
        experiment,
    })
}

/// Ends a pilot with `{"keep": "placement"}` or `{"keep": "baseline"}`: everyone gets that from then on.
pub async fn end(app: &App, placement: &str, body: &[u8]) -> Result<PilotBody, ApiError> {
    let mut fields = object_of(body).map_err(ApiError::invalid)?;
    let keep = fields.text("keep", 16).map_err(ApiError::invalid)?.unwrap_or_default();
    fields.none_left().map_err(ApiError::invalid)?;
    let is_kept = match keep.as_str() {
        "placement" => true,
        "baseline" => false,
        _ => {
            let detail = "must be placement, to give it to everyone, or baseline, to have that in its place";
            return Err(ApiError::invalid(Problem::new("keep", "unknown_name", detail)));
        }
    };
    let before = get(&app.shop, placement)?;
    put(app, |settings| {
        let mut settings = settings.clone();
        let find = |name: &str| settings.placements.iter().find(|one| one.name == name).cloned();
        let baseline = find(&before.against).filter(|_| !is_kept);
        if let Some(baseline) = baseline {
            let held = settings.placements.iter_mut().filter(|one| one.name == placement);
            held.for_each(|one| *one = Placement { name: placement.to_owned(), ..baseline.clone() });
        }
        let name = name_of(placement);
        settings.experiments.iter_mut().filter(|one| one.name == name).for_each(|one| one.is_stopped = true);
        Ok(settings)
    })
    .await?;
    get(&app.shop, placement)
}

/// What is begun.
struct Planned {
    against: String,
    definition: String,
}

/// Checks what is asked, measures the baseline and plans; or says why not.
fn prepare(
    shop: &Shop,
    (placement, ask): (String, PilotAsk),
) -> Result<(Planned, Option<PlanBody>), ApiError> {
    let snapshot = shop.live.snapshot();
    let settings = snapshot.aggregates.settings.as_deref().ok_or_else(ApiError::internal)?;
    let against = ask.against.clone().unwrap_or_else(|| format!("{placement}_popular"));
    let all = with_baseline(settings, &placement, &against)?;
    let effect = ask.effect.unwrap_or(0.05);
    let define = |days: u32, units: u64| {
        let guardrails = if ask.metric == "return_rate" {
            json!([])
        } else {
            json!([{"metric": "return_rate", "margin": RETURNS_MARGIN}])
        };
        json!({
            "placements": [placement],
            "arms": [
                {"name": "baseline", "share": 50, "uses": {&placement: against}},
                {"name": "placement", "share": 50},
            ],
            "metric": ask.metric, "effect": effect, "days": days, "planned_units": Some(units).filter(|units| *units > 0), "guardrails": guardrails,
            "covariate": if metric(&ask.metric).is_some_and(|spec| spec.is_money) { "before_spent" } else { "before_acts" },
        })
        .to_string()
    };
    let name = name_of(&placement);
    let parse =
        |definition: &str| parse_experiment(&name, definition.as_bytes(), &all).map_err(ApiError::invalid);
    let is_on = settings.experiments.iter().any(|one| one.name == name && !one.is_stopped);
    if is_on {
        let detail = format!("there is one of {placement:?} already; end it first, with what is to be kept");
        return Err(ApiError::invalid(Problem::new("pilot", "already_there", detail)));
    }
    if let Some(why) = taken(settings, &placement, &name) {
        return Err(ApiError::invalid(Problem::new("placement", "taken", why)));
    }
    let asked_days = ask.days.map(|days| days.clamp(1, u32::from(u16::MAX)));
    let one = parse(&define(asked_days.unwrap_or(DAYS_MIN), 0))?;
    let found = lately(shop, &one)?;
    let Some(found) = found else {
        if ask.anyway {
            return Ok((Planned { definition: define(one.days.into(), 0), against }, None));
        }
        let detail = format!(
            "too few shoppers got {placement:?} in the last {LATELY_DAYS} days for a plan (a hundred are needed, some of them with {}); wait, or begin it `anyway`",
            ask.metric
        );
        return Err(ApiError::new("not_enough_data", detail));
    };
    let needed = found.days.map(|days| days.div_ceil(7) * 7).filter(|days| *days <= DAYS_MAX);
    let days = asked_days.or(needed.map(|days| days.max(DAYS_MIN))).unwrap_or(DAYS_MAX);
    let experiment = Experiment { days: days as u16, ..one };
    let told = plan_body(&experiment, &found, settings.shop.currency);
    if !ask.anyway && found.days.is_none_or(|needed| needed > days) {
        let detail = format!("{}; or begin it `anyway`", told.advice);
        return Err(ApiError::invalid(Problem::new("days", "hopeless", detail)));
    }
    let definition = define(days, found.units.min(1e12) as u64);
    Ok((Planned { against, definition }, Some(told)))
}

/// The settings with the placement that a pilot is held against, made where it is not there yet.
fn with_baseline(settings: &Settings, placement: &str, against: &str) -> Result<Settings, ApiError> {
    let unknown = || ApiError::new("unknown_placement", format!("there is no placement {placement:?}"));
    let held = settings.placements.iter().find(|one| one.name == placement).ok_or_else(unknown)?;
    if let Some(named) = settings.placements.iter().find(|one| one.name == against) {
        let refused = |why| Err(ApiError::invalid(Problem::new("against", "another_kind", why)));
        return another_kind(held, named).map_or(Ok(settings.clone()), refused);
    }
    if against != format!("{placement}_popular") {
        let detail = format!("there is no placement {against:?}");
        return Err(ApiError::invalid(Problem::new("against", "unknown_placement", detail)));
    }
    if held.shows == Shows::Content {
        let detail =
            "a placement of content has no baseline by itself; name the placement that it is held against";
        return Err(ApiError::invalid(Problem::new("against", "missing", detail)));
    }
    let mut settings = settings.clone();
    settings.placements.push(baseline(held, against));
    Ok(settings)
}

/// What a placement is held against where nobody has said: what is popular; where the page says what is to be found, what a stranger would find.
fn baseline(held: &Placement, name: &str) -> Placement {
    let finding = held.sources.iter().filter(|one| FINDING.contains(&one.source.as_str()));
    let found: Vec<SourceUse> = finding.cloned().collect();
    let plain = Placement { name: name.to_owned(), min_evidence: 0, objective: None, ..held.clone() };
    if !found.is_empty() {
        let is_plain = |one: &&ScorerUse| !PERSONAL.contains(&one.scorer.as_str());
        let scorers = held.scorers.iter().filter(is_plain).cloned().collect();
        return Placement { sources: found, scorers, ..plain };
    }
    let popular = SourceUse {
        source: "popular".to_owned(),
        weight: 1.0,
        limit: POPULAR_LIMIT,
        items: Vec::new(),
        params: Vec::new(),
    };
    Placement {
        headline: held.fallback_headline.clone(),
        sources: vec![popular],
        scorers: Vec::new(),
        ..plain
    }
}

/// How a pilot that is over was ended, and what it had said.
fn ended(settings: &Settings, placement: &str, against: &str, one: &ExperimentBody) -> String {
    let find = |name: &str| settings.placements.iter().find(|held| held.name == name);
    let as_named = |held: &Placement| Placement { name: placement.to_owned(), ..held.clone() };
    let is_baseline = find(against).map(as_named).as_ref() == find(placement);
    let now = if is_baseline {
        format!("Ended: {placement} is what {against} was, for everyone.")
    } else {
        format!("Ended: everyone gets {placement}.")
    };
    let stopped = Some(&one.stopped_for).filter(|why| !why.is_empty());
    let stopped = stopped.map(|why| format!(" Stopped by itself: {why}")).unwrap_or_default();
    let said = one.results.first().map(|result| format!(" {}", result.words)).unwrap_or_default();
    format!("{now}{stopped}{said}")
}

/// What to do about a pilot.
fn answer(placement: &str, against: &str, one: &ExperimentBody) -> (&'static str, String) {
    let result = one.results.first();
    let said = result.map(|result| result.words.as_str()).unwrap_or_default();
    let keep = |what: &str| format!("`bespoke pilot {placement} --keep {what}`");
    let enough = "Expand: it is better than what it is held against.";
    match result.map(|result| result.verdict.as_str()) {
        _ if one.mismatch => ("mend", format!("Mend: {said} No number can be believed before that.")),
        Some("win") => ("expand", format!("{enough} {said} {} gives it to everyone.", keep("placement"))),
        Some("harm") => {
            ("stop", format!("Stop: it does harm. {said} {} gives everyone {against}.", keep("baseline")))
        }
        Some("equivalent") => {
            let text = "Stop: there is no difference that would matter, and the simpler one costs less.";
            ("stop", format!("{text} {said} {} gives everyone {against}.", keep("baseline")))
        }
        Some("not_yet") => {
            let days = result.and_then(|result| result.days_left);
            let days = days
                .map_or("until there is more to see".to_owned(), |days| format!("{days} more days at most"));
            ("go_on", format!("Go on for {days}. {said}"))
        }
        _ => ("go_on", "Go on: nothing was seen yet.".to_owned()),
    }
}
