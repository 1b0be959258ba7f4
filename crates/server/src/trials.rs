//! Backtests of placements: models fitted on the past, the log walked through again, and on each occasion after the split one
//! decision by popularity, one by what is set by hand, one with what is learnt.

use crate::backtest_api::{PlacementBacktestBody, arm_body};
use crate::boot::Shop;
use crate::clock;
use crate::learn::{self, CASES_MIN, RUN};
use crate::limits::Budget;
use crate::rankers;
use anyhow::{Context as _, bail};
use bespoke_domain::event::PageType;
use bespoke_domain::id::ArtifactId;
use bespoke_domain::settings::{Placement, Shows};
use bespoke_domain::{Offset, Problem, Settings};
use bespoke_engine::Snapshot;
use bespoke_engine::backtest::Interval;
use bespoke_engine::backtest::measures::Yardstick;
use bespoke_engine::backtest::placement::{
    Arm, CHAMPION, HAND_SET, LEARNT, NDCG, POPULAR, Trial, Verdict, arms, is_case, page_of,
};
use bespoke_engine::foresight::ranker_name;
use bespoke_engine::occasions::{Given, Look, Occasion, Sample, Walk, choose};
use bespoke_engine::training::Training;
use bespoke_models::learned::{LEARNED, Learned};
use std::sync::Arc;
use std::time::Instant;

/// Most occasions of a page; of more, a seeded part.
const OCCASIONS_MAX: usize = 4_000;

/// A placement that is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub placement: String,
    /// The page on which it is asked; `None`: by the first word of its name.
    pub page: Option<PageType>,
}

/// What a run is about.
pub struct Run<'a> {
    /// The shop.
    pub shop: &'a Shop,
    /// The shop as it is now.
    pub snapshot: &'a Snapshot,
    /// Everything that was done, sorted.
    pub training: &'a Training,
    /// What came from then on is asked, in seconds of the epoch.
    pub split_s: u32,
    /// What came from then on is not, in seconds of the epoch.
    pub until_s: u32,
    /// Only these models; empty: all that the placements name.
    pub models: &'a [String],
    /// What is left of it.
    pub budget: Budget,
    /// When it began.
    pub started: Instant,
    /// Told what is being done.
    pub stage: &'a dyn Fn(String),
}

/// Models by name, with stand-ins for their artifacts.
pub type Models = Vec<(String, ArtifactId, Arc<Learned>)>;

/// A placement with its arms on trial.
struct OnTrial {
    placement: Placement,
    page: PageType,
    arms: Vec<Arm>,
    /// With the models in force now.
    champion: Option<Arm>,
    trial: Trial,
    remarks: Vec<String>,
}

/// Why a placement cannot be judged, where it cannot.
pub fn problem(settings: Option<&Settings>, name: &str) -> Option<Problem> {
    let placements = settings.map_or(&[][..], |settings| &settings.placements);
    let Some(placement) = placements.iter().find(|one| one.name == name) else {
        let names: Vec<&str> = placements.iter().map(|one| one.name.as_str()).collect();
        return Some(Problem::new(
            "placement",
            "unknown_name",
            format!("{name:?} is none of {}", names.join(", ")),
        ));
    };
    let shows_other = match placement.shows {
        Shows::Products => None,
        Shows::Categories => Some("categories"),
        Shows::Content => Some("content"),
    };
    shows_other.map(|other| {
        let detail = format!("{name:?} shows {other}; only placements that show products are judged");
        Problem::new("placement", "invalid_value", detail)
    })
}

/// Judges placements.
///
/// # Errors
/// When one of them cannot be judged, the log cannot be read, or it takes longer than a run may.
pub fn judge(run: &Run<'_>, asked: &[Asked]) -> anyhow::Result<Vec<PlacementBacktestBody>> {
    let settings = run.snapshot.aggregates.settings.as_deref().context("the shop has no placements")?;
    let sample = Sample { from_s: run.split_s, until_s: run.until_s, per_page: OCCASIONS_MAX, seed: 1 };
    let mut occasions = choose(run.training, &sample);
    occasions.retain(is_case);
    let mut tried: Vec<OnTrial> = Vec::new();
    for one in asked {
        tried.push(on_trial(run, settings, one, &occasions)?);
    }
    occasions.retain(|occasion| tried.iter().any(|one| one.page == occasion.page));
    let models = fit(run, &tried)?;
    let in_force = champions(run, &mut tried, occasions.first().map(|first| first.offset));
    let of = |pick: &dyn Fn(&OnTrial) -> Vec<Arm>| -> Vec<Vec<Arm>> { tried.iter().map(pick).collect() };
    let plain = of(&|one| one.arms.clone());
    let champion = of(&|one| one.champion.iter().cloned().collect());
    for (arms, models) in [(plain, models), (champion, in_force)] {
        if arms.iter().any(|arms| !arms.is_empty()) {
            let placements = arms.iter().flatten().map(|arm| arm.placement.clone()).collect();
            let given = Given { settings: Some(Settings { placements, ..settings.clone() }), models };
            walk(run, &occasions, given, &mut |snapshot, profile, occasion| {
                for (one, arms) in tried.iter_mut().zip(&arms).filter(|(one, _)| one.page == occasion.page) {
                    one.trial.look((snapshot, profile, occasion), arms);
                }
            })?;
        }
    }
    Ok(tried.into_iter().map(|one| body(run, one)).collect())
}

fn on_trial(
    run: &Run<'_>,
    settings: &Settings,
    asked: &Asked,
    occasions: &[Occasion],
) -> anyhow::Result<OnTrial> {
    if let Some(problem) = problem(Some(settings), &asked.placement) {
        bail!("{problem}");
    }
    let placement = settings.placements.iter().find(|one| one.name == asked.placement);
    let placement = placement.context("it is there")?.clone();
    let page = asked.page.unwrap_or_else(|| page_of(&placement.name));
    let of_page: Vec<Occasion> = occasions.iter().filter(|one| one.page == page).cloned().collect();
    let yardstick = Yardstick::new(run.training, run.split_s, &run.snapshot.aggregates.catalog);
    let trial = Trial::new(&of_page, usize::from(placement.slots), yardstick);
    let arms = arms(&placement);
    let has = |name: &str| arms.iter().any(|arm| arm.name == name);
    let mut remarks = Vec::new();
    if !has(HAND_SET) {
        remarks
            .push("it has no source besides learnt ones: nothing to compare that is set by hand".to_owned());
    }
    if !has(LEARNT) {
        remarks.push("it names no learnt source or scorer: it is what is set by hand".to_owned());
    }
    Ok(OnTrial { placement, page, arms, champion: None, trial, remarks })
}

/// Whether a placement names a model.
pub fn names(placement: &Placement, model: &str) -> bool {
    placement.sources.iter().any(|used| used.source == model)
        || placement.scorers.iter().any(|used| used.scorer == model)
}

/// The models that are wanted, fitted on what came before a moment; `refused` is told why one cannot be.
///
/// # Errors
/// What `refused` says, or that the run has taken its time.
pub fn fit_named(
    run: &Run<'_>,
    until_s: u32,
    is_wanted: impl Fn(&str) -> bool,
    refused: impl Fn(String) -> anyhow::Result<()>,
) -> anyhow::Result<Models> {
    let past = run.training.set(until_s, &run.snapshot.aggregates.catalog);
    let mut models = Models::new();
    for (no, spec) in (0..).zip(&LEARNED).filter(|(_, spec)| !spec.is_for_search && is_wanted(spec.name)) {
        let values = learn::values(run.snapshot.aggregates.settings.as_deref(), spec);
        let too_much = || run.budget.refusal((spec.fit_bytes)(&past, &values), 0.0);
        if let Some(why) = spec.refusal(past.product_count()).or_else(too_much) {
            refused(format!("{}: {why}", spec.name))?;
            continue;
        }
        in_time(run)?;
        (run.stage)(format!("fitting {} on the past", spec.name));
        models.push((spec.name.to_owned(), ArtifactId(no), Arc::new((spec.fit)(&past, &values, RUN))));
    }
    Ok(models)
}

/// The models that the placements name, fitted on what came before the split.
fn fit(run: &Run<'_>, tried: &[OnTrial]) -> anyhow::Result<Models> {
    let is_wanted = |name: &str| {
        (run.models.is_empty() || run.models.iter().any(|wanted| wanted == name))
            && tried.iter().any(|one| names(&one.placement, name))
    };
    let mut models = fit_named(run, run.split_s, is_wanted, |why| bail!(why))?;
    let ranked: Vec<&OnTrial> = tried.iter().filter(|one| one.placement.objective.is_some()).collect();
    let placements: Vec<Placement> = ranked.iter().map(|one| one.placement.clone()).collect();
    for (one, ranker) in ranked.iter().zip(rankers::of_the_past(run, &placements)?) {
        let arm = one.arms.iter().find(|arm| arm.name == LEARNT);
        if let (Some(arm), Some(ranker)) = (arm, ranker) {
            let id = ArtifactId((LEARNED.len() + models.len()) as u64);
            models.push((ranker_name(&arm.placement.name), id, Arc::new(Learned::Ranker(Box::new(ranker)))));
        }
    }
    Ok(models)
}

/// The models in force, for those placements whose models have not seen what is asked; a remark for each other.
fn champions(run: &Run<'_>, tried: &mut [OnTrial], first: Option<Offset>) -> Models {
    let mut models = Models::new();
    for one in tried {
        let Some(learnt) = one.arms.iter().find(|arm| arm.name == LEARNT) else { continue };
        let own_ranker = ranker_name(&one.placement.name);
        let is_used = |name: &str| {
            names(&one.placement, name) || one.placement.objective.is_some() && name == own_ranker
        };
        let in_force = run.snapshot.aggregates.models.iter().filter(|(name, _)| is_used(name));
        let in_force: Vec<(&String, ArtifactId)> = in_force.map(|(name, id)| (name, *id)).collect();
        if in_force.is_empty() {
            one.remarks.push("none of its models is in force: there is no champion yet".to_owned());
            continue;
        }
        let late = in_force.iter().find_map(|(name, id)| {
            let cut_off = learn::about(run.shop, *id).map_or(u64::MAX, |about| about.cut_off);
            first.is_none_or(|first| cut_off >= first.0).then_some(name)
        });
        if let Some(name) = late {
            one.remarks.push(format!(
                "the champion is left out: its {name} was fitted on the log after the split and has seen what is asked"
            ));
            continue;
        }
        let champion = learnt.called(CHAMPION);
        let own_name = |name: &String| {
            if *name == own_ranker { ranker_name(&champion.placement.name) } else { name.clone() }
        };
        let loaded = in_force.iter().map(|(name, id)| Ok((own_name(name), *id, learn::load(run.shop, *id)?)));
        match loaded.collect::<anyhow::Result<Models>>() {
            Ok(loaded) => {
                models.extend(loaded);
                one.champion = Some(champion);
            }
            Err(why) => one.remarks.push(format!("the champion is left out: {why:#}")),
        }
    }
    models.sort_by(|a, b| a.0.cmp(&b.0));
    models.dedup_by(|a, b| a.0 == b.0);
    models
}

/// Whether a run may go on.
///
/// # Errors
/// When it has taken its time.
pub fn in_time(run: &Run<'_>) -> anyhow::Result<()> {
    match run.budget.refusal(0, 0.0) {
        Some(_) => {
            bail!("the run has taken the minutes of --train-minutes; a later split_at makes it shorter")
        }
        None => Ok(()),
    }
}

/// Feeds the log to a walk, from its first entry to the last that an occasion needs.
///
/// # Errors
/// When the log cannot be read, or the run has taken its time.
pub fn walk(run: &Run<'_>, occasions: &[Occasion], given: Given, look: &mut Look<'_>) -> anyhow::Result<()> {
    let last = occasions.last().map(|last| last.offset).unwrap_or_default();
    let mut walk = Walk::new(occasions.to_vec(), given);
    let between = |after: Offset| {
        (run.stage)(format!("asking the past: {} %", 100 * after.0 / last.0));
        in_time(run)
    };
    run.shop.each_entry((Offset::default(), last), between, |offset, entry| walk.feed(offset, &entry, look))
}

fn body(run: &Run<'_>, one: OnTrial) -> PlacementBacktestBody {
    let verdict = one.trial.judge(run.snapshot, clock::now());
    let mut remarks = one.remarks;
    remarks.extend(doubts(&verdict));
    PlacementBacktestBody {
        placement: one.placement.name,
        page: one.page.name().to_owned(),
        slots: one.placement.slots,
        split_ms: i64::from(run.split_s) * 1000,
        until_ms: (run.until_s < u32::MAX).then(|| i64::from(run.until_s) * 1000),
        measured_at_ms: clock::now().0,
        cut_off: run.snapshot.aggregates.offset.0,
        cases: verdict.cases,
        shoppers: verdict.shoppers,
        arms: verdict.arms.iter().map(arm_body).collect(),
        remarks,
        seconds: run.started.elapsed().as_secs_f64(),
    }
}

/// What the figures are not enough to say.
fn doubts(verdict: &Verdict) -> Vec<String> {
    if verdict.cases < CASES_MIN {
        return vec![format!("{} cases are too few to tell; it takes {CASES_MIN}", verdict.cases)];
    }
    let mut doubts = Vec::new();
    for arm in &verdict.arms {
        let ndcg = arm.measures[NDCG];
        for (other, beyond) in [(POPULAR, ndcg.beyond_popular), (HAND_SET, ndcg.beyond_hand_set)] {
            let Some(Interval { low, high, .. }) = beyond.filter(|one| one.low <= 0.0 && one.high >= 0.0)
            else {
                continue;
            };
            doubts.push(format!(
                "{} and {other} cannot be told apart by NDCG on these cases: {low:+.4} to {high:+.4}",
                arm.name
            ));
        }
    }
    doubts
}
