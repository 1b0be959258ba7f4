//! The ladder that a challenger climbs, as one pure function: where a challenge stands and what is known of it give the next step, or none yet.
//!
//! - *Valuing* to *shadow*: what was logged does not say that it is worse; or it cannot say, which is no reason to stop.
//! - *Shadow* to *canary*: enough requests were decided twice, the challenger has something to show where the champion has, and it is not the same.
//! - *Canary* to *test*: it lasted long enough, and did no harm. Canaries stay on their side: the test takes more shoppers in, and moves none.
//! - *Test* to *promoted*: a win, with every guardrail shown to be within its margin. Harm at any time, or arms without their units, is the way back.
//!
//! What the champion was stays in the challenge, so that a promotion can be taken back.

use crate::apart::in_the_way;
use crate::experiment::result::{LEAST_UNITS, Report};
use crate::valued::Valued;
use bespoke_domain::challenge::{Challenge, STEPS_MAX, Stage, Step};
use bespoke_domain::decision::Fallback;
use bespoke_domain::experiment::{Analysis, ArmUse, Experiment, Unit, WHOLE};
use bespoke_domain::time::{DAY_MS, HOUR_MS};
use bespoke_domain::{Candidate, Decision, Millis, Placement, Settings};
use bespoke_models::statistics::verdict::Verdict;

/// Most challenges that can be set at once.
pub const CHALLENGES_MAX: usize = 50;
/// By how much the share of requests with nothing to show may be larger than the champion's.
const EMPTY_MAX: f64 = 0.02;
/// The challenger's arm.
pub const CHALLENGER: &str = "challenger";
/// The control.
pub const CHAMPION: &str = "champion";

/// What is known of a challenge; what is not known yet is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// What logged decisions say.
    pub valued: Option<&'a Valued>,
    /// What the shadow showed.
    pub shadow: Option<&'a Disagreement>,
    /// What its experiment says, in its epoch of now.
    pub report: Option<&'a Report>,
    /// The experiment that has to be over before the challenger is shown to anybody, see [`crate::apart::in_the_way`].
    pub in_the_way: Option<&'a str>,
}

/// The next step, if there is one.
pub fn next(challenge: &Challenge, known: &Known<'_>, now: Millis) -> Option<Step> {
    let (to, why, evidence) = match challenge.stage {
        Stage::Valuing => after_valuing(challenge, known.valued?),
        Stage::Shadow => {
            let shadow =
                known.shadow.filter(|shadow| shadow.requests >= u64::from(challenge.shadow_requests));
            after_shadow(shadow?)
        }
        Stage::Canary => after_canary(challenge, known.report?, now)?,
        Stage::Test => after_test(challenge, known.report?, now)?,
        Stage::Promoted | Stage::Stopped | Stage::Held => return None,
    };
    if is_shown(to) && known.in_the_way.is_some() {
        return None;
    }
    Some(Step { at: now, from: challenge.stage, to, why, evidence })
}

/// Whether shoppers are shown the challenger for the sake of a comparison.
fn is_shown(stage: Stage) -> bool {
    matches!(stage, Stage::Canary | Stage::Test)
}

type Figures = Vec<(String, f64)>;
type Reached = (Stage, String, Figures);
type Told<'a> = (&'a Verdict, &'a str, Figures);

fn figures(all: &[(&str, f64)]) -> Figures {
    let known = all.iter().filter(|(_, value)| value.is_finite());
    known.map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

fn after_valuing(challenge: &Challenge, valued: &Valued) -> Reached {
    let counts = [
        ("slates", valued.slates as f64),
        ("clicks", valued.clicks as f64),
        ("unseen_clicks", valued.unseen_clicks as f64),
    ];
    // A shop that never tells what was in view has clicks only, which say nothing of what was not clicked.
    let unseen = match valued.unseen_clicks {
        0 => String::new(),
        count => format!(" {count} clicks on what was never told as `visible` are left out."),
    };
    let value = match &valued.value {
        Ok(value) => value,
        Err(why) => {
            let why = format!("Logged decisions cannot tell: {why}.{unseen}");
            return (Stage::Shadow, why, figures(&counts));
        }
    };
    let (logged, found, support) = (value.logged, &value.dr, &value.support);
    let evidence = figures(
        &[
            &counts[..],
            &[
                ("logged", logged),
                ("ipw", value.ipw.value),
                ("snips", value.snips.value),
                ("dr", found.value),
                ("dr_low", found.normal.low),
                ("dr_high", found.normal.high),
                ("effective_rows", support.effective),
                ("largest_weight", support.largest_weight),
                ("reach", support.reach.value),
            ],
        ]
        .concat(),
    );
    if let Some(refusal) = value.refusal {
        return (Stage::Shadow, format!("Logged decisions cannot tell: {refusal}.{unseen}"), evidence);
    }
    let least = logged * (1.0 - challenge.effect);
    let said = format!(
        "{:.3} % of places clicked ({:.3} to {:.3}) where the champion had {:.3} %",
        100.0 * found.value,
        100.0 * found.normal.low,
        100.0 * found.normal.high,
        100.0 * logged
    );
    if found.normal.high < least {
        return (Stage::Stopped, format!("Worse by logged decisions: {said}.{unseen}"), evidence);
    }
    (Stage::Shadow, format!("Not worse beyond doubt by logged decisions: {said}.{unseen}"), evidence)
}

fn after_shadow(shadow: &Disagreement) -> Reached {
    let evidence = figures(&shadow.figures());
    let requests = shadow.requests as f64;
    let [ours, theirs] = shadow.empty.map(|count| count as f64 / requests);
    if theirs > ours + EMPTY_MAX {
        let (ours, theirs) = (100.0 * ours, 100.0 * theirs);
        let why =
            format!("It has nothing to show in {theirs:.1} % of requests, the champion in {ours:.1} %.");
        return (Stage::Stopped, why, evidence);
    }
    if shadow.same == shadow.requests {
        let why = "It shows the same as the champion in every request: there is nothing to test.".to_owned();
        return (Stage::Held, why, evidence);
    }
    let why = format!(
        "In {:.1} % of {requests:.0} requests it shows something else; {:.1} % of what it shows, the champion shows as well.",
        100.0 * (1.0 - shadow.same as f64 / requests),
        100.0 * shadow.overlap()
    );
    (Stage::Canary, why, evidence)
}

/// What an experiment's report says of the challenger's arm.
fn told(report: &Report) -> Option<Told<'_>> {
    if report.mismatch.is_found() {
        let why = "The arms did not get the shares of shoppers that they were to get.";
        return Some((&Verdict::Invalid, why, figures(&[("mismatch_p", report.mismatch.p)])));
    }
    let result = report.results.iter().find(|one| one.arm == CHALLENGER)?;
    let first = result.metrics.first()?;
    let relative = first.relative.map_or([f64::NAN; 3], |(estimate, one)| [estimate, one.low, one.high]);
    let units = |name: &str| report.arms.iter().find(|one| one.name == name).map_or(0, |one| one.units);
    let evidence = figures(&[
        ("champion_units", units(CHAMPION) as f64),
        ("challenger_units", units(CHALLENGER) as f64),
        ("days", report.days),
        ("champion", first.control),
        ("challenger", first.treated),
        ("change", relative[0]),
        ("change_low", relative[1]),
        ("change_high", relative[2]),
    ]);
    Some((&result.verdict, &result.words, evidence))
}

fn after_canary(challenge: &Challenge, report: &Report, now: Millis) -> Option<Reached> {
    let (verdict, words, evidence) = told(report)?;
    if matches!(verdict, Verdict::Harm(_) | Verdict::Invalid) {
        return Some((Stage::Stopped, words.to_owned(), evidence));
    }
    let lasted = now.since(challenge.since) >= i64::from(challenge.canary_hours) * HOUR_MS;
    let units: u64 = report.arms.iter().map(|arm| arm.units).sum();
    let why = format!("No harm to the first {units} shoppers. {words}");
    (lasted && units as f64 >= LEAST_UNITS).then_some((Stage::Test, why, evidence))
}

fn after_test(challenge: &Challenge, report: &Report, now: Millis) -> Option<Reached> {
    let (verdict, words, evidence) = told(report)?;
    let to = match verdict {
        Verdict::Harm(_) | Verdict::Invalid => Stage::Stopped,
        Verdict::Win => Stage::Promoted,
        Verdict::Equivalent | Verdict::Ended => Stage::Held,
        Verdict::NotYet { .. } => {
            let days = now.since(challenge.since) / DAY_MS;
            if days < 2 * i64::from(challenge.days) {
                return None;
            }
            let why =
                format!("No answer after {days} days, twice what was planned: the champion stays. {words}");
            return Some((Stage::Held, why, evidence));
        }
    };
    Some((to, words.to_owned(), evidence))
}

/// What a challenge waits for, in plain words; empty where it is over.
pub fn waits_for(challenge: &Challenge, known: &Known<'_>, now: Millis) -> String {
    let words = || known.report.and_then(told).map(|(_, words, _)| words.to_owned());
    if let Some(other) = known.in_the_way.filter(|_| !challenge.stage.is_over()) {
        let champion = &challenge.champion;
        return format!(
            "the end of the experiment {other:?}, which changes {champion:?} as well: stop that, or this"
        );
    }
    match challenge.stage {
        Stage::Valuing => "its value by logged decisions".to_owned(),
        Stage::Shadow => {
            let seen = known.shadow.map_or(0, |shadow| shadow.requests);
            format!("{} more requests", u64::from(challenge.shadow_requests).saturating_sub(seen))
        }
        Stage::Canary => {
            let end = challenge.since.plus(i64::from(challenge.canary_hours) * HOUR_MS);
            let hours = (end.since(now).max(0) + HOUR_MS - 1) / HOUR_MS;
            let units: u64 = known.report.map_or(0, |one| one.arms.iter().map(|arm| arm.units).sum());
            let missing = (LEAST_UNITS as u64).saturating_sub(units);
            format!("{hours} more hours and {missing} more shoppers, unless it does harm")
        }
        Stage::Test => words().unwrap_or_else(|| "its first shoppers".to_owned()),
        Stage::Promoted | Stage::Stopped | Stage::Held => String::new(),
    }
}

/// The settings after a step of the challenge with this name; `None` where there is none, or where an experiment is in its way.
pub fn stepped(settings: &Settings, name: &str, step: Step) -> Option<Settings> {
    let mut settings = settings.clone();
    let at = settings.challenges.iter().position(|one| one.name == name)?;
    let mut challenge = settings.challenges[at].clone();
    if is_shown(step.to) && in_the_way(&settings, &challenge).is_some() {
        return None;
    }
    (challenge.stage, challenge.since) = (step.to, step.at);
    let came_back = step.from == Stage::Promoted && step.to != Stage::Promoted;
    let held = settings.placements.iter_mut().find(|one| one.name == challenge.champion);
    match (held, challenge.before.take()) {
        (Some(held), Some(before)) if came_back => *held = *before,
        (Some(_), before) if step.to == Stage::Promoted => {
            challenge.before = before;
            promote(&mut settings.placements, &mut challenge);
        }
        (_, before) => challenge.before = before,
    }
    let experiment = experiment(&challenge, &step.why);
    let held = settings.experiments.iter().position(|one| one.name == challenge.name);
    match (held, experiment) {
        (Some(at), Some(experiment)) => settings.experiments[at] = experiment,
        (None, Some(experiment)) if !experiment.is_stopped => settings.experiments.push(experiment),
        _ => {}
    }
    challenge.steps.push(step);
    let too_many = challenge.steps.len().saturating_sub(STEPS_MAX);
    challenge.steps.drain(..too_many);
    settings.challenges[at] = challenge;
    Some(settings)
}

/// Puts the challenger's configuration under the champion's name.
fn promote(placements: &mut [Placement], challenge: &mut Challenge) {
    let find = |name: &str| placements.iter().position(|one| one.name == name);
    let (Some(champion), Some(challenger)) = (find(&challenge.champion), find(&challenge.challenger)) else {
        return;
    };
    let promoted = Placement { name: challenge.champion.clone(), ..placements[challenger].clone() };
    challenge.before = Some(Box::new(std::mem::replace(&mut placements[champion], promoted)));
}

/// The experiment of a challenge at its stage; `None` before there is one. Half of its units are in each arm whatever the stage, of a slice that grows: so
/// nobody changes sides from the canary to the test.
fn experiment(challenge: &Challenge, why: &str) -> Option<Experiment> {
    let to = match challenge.stage {
        Stage::Valuing | Stage::Shadow => return None,
        Stage::Canary => (2 * challenge.canary).min(WHOLE),
        _ => WHOLE,
    };
    let is_stopped = challenge.stage.is_over();
    let arm = |name: &str, uses| ArmUse { name: name.to_owned(), share: WHOLE / 2, uses, is_external: false };
    let uses = vec![(challenge.champion.clone(), challenge.challenger.clone())];
    Some(Experiment {
        name: challenge.name.clone(),
        unit: Unit::Shopper,
        layer: format!("challenge of {}", challenge.champion),
        slice: (0, to),
        placements: vec![challenge.champion.clone()],
        arms: vec![arm(CHAMPION, Vec::new()), arm(CHALLENGER, uses)],
        metric: challenge.metric.clone(),
        guardrails: challenge.guardrails.clone(),
        analysis: Analysis::AlwaysValid,
        effect: challenge.effect,
        days: challenge.days,
        planned_units: challenge.planned_units,
        covariate: challenge.covariate.clone(),
        is_stopped,
        stopped_for: if is_stopped { why.to_owned() } else { String::new() },
        ..Experiment::default()
    })
}

/// How a challenger's slates differ from the champion's, on the same requests.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Disagreement {
    /// Requests that both decided.
    pub requests: u64,
    /// Requests that were let go because too many waited.
    pub missed: u64,
    /// Requests in which both show the same in the same order.
    pub same: u64,
    /// Requests in which both show the same first.
    pub same_first: u64,
    /// Places that either shows, and candidates in both.
    places: u64,
    shared: u64,
    /// Requests in which the champion, and the challenger, has nothing to show.
    pub empty: [u64; 2],
    /// Requests in which they fall back.
    pub fallbacks: [u64; 2],
    /// Time that decisions took, in microseconds.
    pub micros: [u64; 2],
}

impl Disagreement {
    /// Adds a request that both decided, with the microseconds that each took.
    pub fn add(&mut self, (champion, challenger): (&Decision, &Decision), micros: [u64; 2]) {
        let slate = |decision: &Decision| -> Vec<Candidate> {
            decision.slate.iter().map(|slot| slot.candidate).collect()
        };
        let slates = [slate(champion), slate(challenger)];
        let shared = slates[1].iter().filter(|one| slates[0].contains(one)).count();
        self.requests += 1;
        self.same += u64::from(slates[0] == slates[1]);
        self.same_first += u64::from(slates[0].first() == slates[1].first());
        self.places += slates[1].len() as u64;
        self.shared += shared as u64;
        for (at, decision) in [champion, challenger].into_iter().enumerate() {
            self.empty[at] += u64::from(decision.slate.is_empty());
            self.fallbacks[at] += u64::from(decision.fallback != Fallback::None);
            self.micros[at] += micros[at];
        }
    }

    /// Share of what the challenger shows that the champion shows as well.
    pub fn overlap(&self) -> f64 {
        if self.places == 0 { 1.0 } else { self.shared as f64 / self.places as f64 }
    }

    /// All of it as figures; shares of requests.
    pub fn figures(&self) -> [(&'static str, f64); 10] {
        let share = |count: u64| count as f64 / self.requests.max(1) as f64;
        [
            ("requests", self.requests as f64),
            ("missed", self.missed as f64),
            ("same", share(self.same)),
            ("same_first", share(self.same_first)),
            ("overlap", self.overlap()),
            ("champion_empty", share(self.empty[0])),
            ("challenger_empty", share(self.empty[1])),
            ("champion_fallback", share(self.fallbacks[0])),
            ("challenger_fallback", share(self.fallbacks[1])),
            ("time_ratio", self.micros[1] as f64 / self.micros[0].max(1) as f64),
        ]
    }
}
