//! What an interleaved experiment says so far: which of the two rankings clicks prefer.

use super::ledger::{Row, Run};
use super::result::{ALPHA, LEAST_UNITS, look};
use bespoke_domain::experiment::Experiment;
use bespoke_domain::time::DAY_MS;
use bespoke_models::statistics::interleaving;
use bespoke_models::statistics::moments::{Limits, Moments, Unit};
use bespoke_models::statistics::sample::Interval;
use bespoke_models::statistics::srm::Mismatch;
use bespoke_models::statistics::verdict::{Good, Metric, Question, Shown, Verdict};

/// What is said of the second ranking against the first.
#[derive(Clone, PartialEq, Debug)]
pub struct Preference {
    /// The second arm.
    pub arm: String,
    /// Units that preferred it, the control, neither.
    pub units: (u64, u64, u64),
    /// Lists that it won, and the control.
    pub lists: (u64, u64),
    /// Share of the lists that somebody won which it won, less the control's: −1 to 1; with its interval. `None` where nobody won any.
    pub preference: Option<(f64, Interval)>,
    /// The p-value of there being no preference.
    pub p: f64,
    /// The answer.
    pub verdict: Verdict,
    /// The answer in plain words.
    pub words: String,
}

/// What a run says so far.
pub fn preference(run: &Run, experiment: &Experiment) -> Preference {
    let rows = || run.rows.iter().filter(|row| row.counts());
    let credit = |row: &Row| i64::from(row.outcome.won) - i64::from(row.outcome.lost);
    let mut moments = Moments::default();
    for row in rows() {
        let decided = i64::from(row.outcome.won) + i64::from(row.outcome.lost);
        moments.add(&Unit { value: credit(row), denominator: decided, ..Unit::default() }, &Limits::NONE);
    }
    let count = |of: &dyn Fn(&Row) -> bool| rows().filter(|row| of(row)).count() as u64;
    let units =
        (count(&|row| credit(row) > 0), count(&|row| credit(row) < 0), count(&|row| credit(row) == 0));
    let sum = |of: fn(&Row) -> u32| rows().map(|row| u64::from(of(row))).sum();
    let lists = (sum(|row| row.outcome.won), sum(|row| row.outcome.lost));
    let (effect, look) = (interleaving::preference(&moments.ratio()), look(experiment, ALPHA));
    let days = (run.seen.1.since(run.seen.0).max(0) as f64 / DAY_MS as f64).max(1.0 / 24.0);
    let question = Question {
        primary: Metric {
            name: "preference".to_owned(),
            effect,
            good: Good::Up,
            margin: experiment.effect,
            shown: Shown::Percent,
        },
        guardrails: Vec::new(),
        mismatch: Mismatch { p: 1.0, statistic: 0.0 },
        alpha: ALPHA,
        look,
        planned_units: experiment.planned_units as f64,
        least_units: LEAST_UNITS,
        units_a_day: effect.count / days,
    };
    let verdict = question.verdict();
    let known = effect.is_known().then(|| (effect.estimate, effect.interval(ALPHA, look)));
    let arm = experiment.arms.get(1).map(|arm| arm.name.clone()).unwrap_or_default();
    let words = words(&verdict, &arm, (known, lists));
    let p = if effect.is_known() { effect.p_at(look) } else { 1.0 };
    Preference { arm, units, lists, preference: known, p, verdict, words }
}

fn words(verdict: &Verdict, arm: &str, (known, lists): (Option<(f64, Interval)>, (u64, u64))) -> String {
    let (won, lost) = lists;
    let Some((estimate, interval)) = known else {
        return "Cannot tell yet: no list was won by either.".to_owned();
    };
    let share = |value: f64| format!("{:+.1} %", 100.0 * value.clamp(-1.0, 1.0));
    let seen = format!(
        "of {} lists in which clicks decided it won {won} and the control {lost} (preference {}, {} to {})",
        won + lost,
        share(estimate),
        share(interval.low),
        share(interval.high)
    );
    match verdict {
        Verdict::Win => format!("Shoppers prefer {arm}: {seen}."),
        Verdict::Harm(_) => format!("Shoppers prefer the control to {arm}: {seen}."),
        Verdict::Equivalent => format!("No preference that would matter: {seen}. Keep the simpler one."),
        Verdict::NotYet { units, days: Some(days), .. } => {
            format!(
                "Cannot tell yet, at most {units:.0} more shoppers, {days} days at today's traffic: {seen}."
            )
        }
        Verdict::NotYet { .. } => format!("Cannot tell yet: {seen}."),
        Verdict::Ended => format!("No answer at the planned end: {seen}. A longer test has to be a new one."),
        Verdict::Invalid => format!("Invalid: {seen}."),
    }
}
