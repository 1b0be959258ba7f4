//! What an experiment says so far: rows to moments, moments to effects, effects to a verdict. The statistics are those of
//! `bespoke_models::statistics`; here it is decided who counts.
//!
//! Left out of every number, and counted: units that were exposed to two arms, or were in another arm in an earlier epoch, or that a program
//! spoke for. Where the arms did not get their units, numbers are not given at all.

use super::ledger::{Row, Run};
use super::metric::{Better, COVARIATES, METRICS, MetricSpec, Reading, SEGMENTS, metric};
use super::month::Closed;
use bespoke_domain::Millis;
use bespoke_domain::experiment::{Analysis, Experiment, Guardrail, HOLDOUT};
use bespoke_domain::time::DAY_MS;
use bespoke_models::statistics::cuped::{Over, adjust};
use bespoke_models::statistics::moments::{Limits, Moments, Unit};
use bespoke_models::statistics::multiple::holm;
use bespoke_models::statistics::power::{Arms, Demand, smallest_difference, units_needed};
use bespoke_models::statistics::sample::{Effect, Interval, Look, Sample};
use bespoke_models::statistics::sequential::Sequence;
use bespoke_models::statistics::srm::{self, Mismatch};
use bespoke_models::statistics::verdict::{Good, Metric, Question, Shown, Verdict};

/// How often an interval may miss.
pub const ALPHA: f64 = 0.05;
/// Units of two arms together below which nothing is said.
pub const LEAST_UNITS: f64 = 100.0;
/// Days of the latest traffic that a plan is made from.
const PLAN_DAYS: i64 = 28;

/// An arm's units.
#[derive(Clone, PartialEq, Debug)]
pub struct ArmCount {
    /// The arm.
    pub name: String,
    /// Its share, in parts of ten thousand.
    pub share: u16,
    /// Units that count.
    pub units: u64,
    /// Units of them that were exposed, those left out included.
    pub exposed: u64,
}

/// Who does not count, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// Exposed to two arms.
    pub crossed: u64,
    /// In another arm in an earlier epoch.
    pub carried: u64,
    /// A program spoke for them.
    pub programs: u64,
    /// There was no more room.
    pub ignored: u64,
}

/// A metric of one arm against the control's.
#[derive(Clone, PartialEq, Debug)]
pub struct Compared {
    /// The metric.
    pub metric: &'static str,
    /// The control's value.
    pub control: f64,
    /// The arm's.
    pub treated: f64,
    /// The arm's less the control's, the covariate taken out, with its interval.
    pub absolute: (f64, Interval),
    /// The same as a share of the control's value; `None` where that is too near 0.
    pub relative: Option<(f64, Interval)>,
    /// The p-value of there being no difference; adjusted (Holm) for the others beside it, unless it is the metric that decides.
    pub p: f64,
    /// Share of the variance that the covariate took out.
    pub removed: f64,
    /// Units whose value was brought down to the cap.
    pub capped: u64,
}

/// A segment's effect on the metric that decides.
#[derive(Clone, PartialEq, Debug)]
pub struct InSegment {
    /// The segment.
    pub segment: &'static str,
    /// Units of both arms.
    pub units: u64,
    /// The comparison, its p-value adjusted for the number of segments.
    pub compared: Compared,
}

/// What is said of one arm.
#[derive(Clone, PartialEq, Debug)]
pub struct ArmResult {
    /// The arm.
    pub arm: String,
    /// Every metric; the one that decides first, then the guardrails.
    pub metrics: Vec<Compared>,
    /// The metric that decides, by segment.
    pub segments: Vec<InSegment>,
    /// The answer.
    pub verdict: Verdict,
    /// The answer in plain words.
    pub words: String,
}

/// What an experiment says so far.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The experiment.
    pub experiment: String,
    /// Its epoch, and when it began.
    pub epoch: (u32, Millis),
    /// From the first exposure to the last, in days.
    pub days: f64,
    /// The arms, the control first.
    pub arms: Vec<ArmCount>,
    /// Who does not count.
    pub left_out: LeftOut,
    /// Whether the arms got their units.
    pub mismatch: Mismatch,
    /// Each arm but the control; none where the arms did not get their units.
    pub results: Vec<ArmResult>,
}

/// How the holdout is read.
pub fn holdout() -> Experiment {
    Experiment {
        name: HOLDOUT.to_owned(),
        metric: "margin".to_owned(),
        guardrails: vec![Guardrail { metric: "return_rate".to_owned(), margin: 0.1 }],
        effect: 0.02,
        days: 90,
        covariate: "before_spent".to_owned(),
        ..Experiment::default()
    }
}

/// What a run says so far.
pub fn report(run: &Run, experiment: &Experiment) -> Report {
    let reader = Reader { run, experiment };
    // Who changed sides with the split is missing in the arm that grew, by nobody's fault: the gate looks at these too.
    let (tallies, [crossed, programs]) = tally(run);
    let carried: Vec<u64> = tallies.iter().map(|[_, _, carried]| *carried).collect();
    let left_out = LeftOut { crossed, programs, carried: carried.iter().sum(), ignored: run.ignored };
    let arm = |((name, share), [exposed, units, _]): (&(String, u16), &[u64; 3])| ArmCount {
        name: name.clone(),
        share: *share,
        units: *units,
        exposed: *exposed,
    };
    let arms: Vec<ArmCount> = run.arms.iter().zip(&tallies).map(arm).collect();
    let count = |(arm, carried): (&ArmCount, &u64)| srm::Arm {
        weight: f64::from(arm.share),
        count: arm.units + carried,
    };
    let counts: Vec<srm::Arm> = arms.iter().zip(&carried).map(count).collect();
    let mismatch = srm::sequential(&counts);
    let is_valid = !mismatch.is_found();
    let treated = (1..arms.len()).filter(|_| is_valid);
    let days = (run.seen.1.since(run.seen.0).max(0) as f64 / DAY_MS as f64).max(1.0 / 24.0);
    let results = treated.map(|arm| reader.result(arm, (&arms, mismatch, days))).collect();
    Report {
        experiment: run.experiment.clone(),
        epoch: (run.epoch, run.since),
        days,
        arms,
        left_out,
        mismatch,
        results,
    }
}

/// Of each arm the units that were exposed, that count, and that were carried over; and those that a program spoke for or that were in two arms.
fn tally(run: &Run) -> (Vec<[u64; 3]>, [u64; 2]) {
    if let Some(closed) = &run.closed {
        return (closed.arms.clone(), closed.left_out);
    }
    let (mut arms, mut left_out) = (vec![[0; 3]; run.arms.len()], [0; 2]);
    for row in run.rows.iter().filter(|row| row.key != 0) {
        let [exposed, units, carried] = &mut arms[usize::from(row.arm)];
        *exposed += 1;
        match row {
            _ if row.is_program => left_out[1] += 1,
            _ if row.is_crossed => left_out[0] += 1,
            _ if row.is_carried => *carried += 1,
            _ => *units += 1,
        }
    }
    (arms, left_out)
}

/// What a run of the holdout is read by, without its rows.
pub(super) fn close(run: &Run) -> Closed {
    let (arms, left_out) = tally(run);
    let reader = Reader { run, experiment: &holdout() };
    let parts = std::iter::once(Of::All).chain((0..SEGMENTS.len()).map(Of::Segment));
    let of_part = |part| METRICS.iter().flat_map(move |spec| reader.moments(spec, part));
    let moments = parts.flat_map(|part| of_part(part).collect::<Vec<_>>()).collect();
    Closed { arms, left_out, moments }
}

/// Which units are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    All,
    /// Those of a segment, by its place in the table.
    Segment(usize),
    /// Those first exposed from this second on.
    Since(u32),
}

impl Of {
    fn has(self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Segment(at) => (SEGMENTS[at].has)(row),
            Self::Since(from_s) => row.first_s >= from_s,
        }
    }
}

/// When the experiment's results are looked at.
pub(super) fn look(experiment: &Experiment) -> Look {
    match experiment.analysis {
        Analysis::FixedHorizon => Look::Once,
        Analysis::AlwaysValid if experiment.planned_units > 0 => {
            Look::Always(Sequence::planned(experiment.planned_units as f64, ALPHA))
        }
        Analysis::AlwaysValid => Look::Always(Sequence::default()),
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    run: &'a Run,
    experiment: &'a Experiment,
}

impl Reader<'_> {
    /// The moments of a metric, arm by arm, of the rows that are asked for.
    fn moments(&self, spec: &MetricSpec, of: Of) -> Vec<Moments> {
        if let Some(closed) = &self.run.closed {
            return self.kept(closed, spec, of);
        }
        let covariate = COVARIATES.iter().find(|one| one.name == self.experiment.covariate);
        let is_capped = self.experiment.cap > 0.0 && spec.name == self.experiment.metric;
        let limits = if is_capped {
            Limits { high: self.experiment.cap as i64, ..Limits::NONE }
        } else {
            Limits::NONE
        };
        let mut moments = vec![Moments::default(); self.run.arms.len()];
        for row in self.run.rows.iter().filter(|row| row.counts() && of.has(row)) {
            let (value, denominator) = match spec.reading {
                Reading::Mean(of) => (of(&row.outcome), 0),
                Reading::Ratio(of, over) => (of(&row.outcome), over(&row.outcome)),
            };
            let covariate = covariate.map_or(0, |one| (one.of)(&row.before));
            let unit = Unit { value, denominator, covariate, covariate_denominator: 0 };
            moments[usize::from(row.arm)].add(&unit, &limits);
        }
        moments
    }

    /// The moments that are left of a month.
    fn kept(&self, closed: &Closed, spec: &MetricSpec, of: Of) -> Vec<Moments> {
        let part = match of {
            Of::All => 0,
            Of::Segment(at) => at + 1,
            // When units came is not known any more.
            Of::Since(_) => return vec![Moments::default(); self.run.arms.len()],
        };
        let metric = METRICS.iter().position(|held| held.name == spec.name).unwrap_or_default();
        let from = (part * METRICS.len() + metric) * self.run.arms.len();
        (from..from + self.run.arms.len())
            .map(|at| closed.moments.get(at).copied().unwrap_or_default())
            .collect()
    }

    /// The control and an arm, with the covariate taken out; and how many units that are.
    fn compare(&self, spec: &'static MetricSpec, arm: usize, of: Of) -> (Compared, Effect, u64) {
        let moments = self.moments(spec, of);
        let pair = [moments[0], moments[arm]];
        let (over, plain): (Over, [Sample; 2]) = match spec.reading {
            Reading::Mean(_) => (Over::Units, pair.map(|one| one.values())),
            Reading::Ratio(..) => (Over::Denominators, pair.map(|one| one.ratio())),
        };
        let adjusted = adjust(&pair, over);
        let (control, treated) = (&adjusted.arms[0], &adjusted.arms[1]);
        let absolute = Effect::absolute(control, treated);
        let mut relative = Effect::relative(control, treated);
        if !Effect::is_relative_sound(control) {
            relative.error = f64::NAN;
        }
        let look = look(self.experiment);
        let compared = Compared {
            metric: spec.name,
            control: plain[0].mean,
            treated: plain[1].mean,
            absolute: (absolute.estimate, absolute.interval(ALPHA, look)),
            relative: relative.is_known().then(|| (relative.estimate, relative.interval(ALPHA, look))),
            p: absolute.p_at(look),
            removed: adjusted.removed,
            capped: pair.iter().map(Moments::limited).sum(),
        };
        (compared, relative, pair[0].count() + pair[1].count())
    }

    fn result(&self, arm: usize, (arms, mismatch, days): (&[ArmCount], Mismatch, f64)) -> ArmResult {
        let first = |spec: &&MetricSpec| spec.name == self.experiment.metric;
        let of_guard = |one: &Guardrail| metric(&one.metric).map(|spec| (spec, one.margin));
        let guardrails: Vec<(&'static MetricSpec, f64)> =
            self.experiment.guardrails.iter().filter_map(of_guard).collect();
        let primary = METRICS.iter().find(first).unwrap_or(&METRICS[0]);
        let (compared, effect, _) = self.compare(primary, arm, Of::All);
        let mut metrics = vec![compared];
        let asked = |spec: &'static MetricSpec, effect: Effect, margin: f64| Metric {
            name: spec.name.to_owned(),
            effect,
            good: match spec.better {
                Better::Up => Good::Up,
                Better::Down => Good::Down,
            },
            margin,
            shown: Shown::Percent,
        };
        let mut guards = Vec::new();
        for (spec, margin) in &guardrails {
            let (compared, effect, _) = self.compare(spec, arm, Of::All);
            metrics.push(compared);
            guards.push(asked(spec, effect, *margin));
        }
        let is_told = |spec: &&MetricSpec| metrics.iter().all(|one| one.metric != spec.name);
        let others: Vec<_> = METRICS.iter().filter(is_told).collect();
        metrics.extend(others.into_iter().map(|spec| self.compare(spec, arm, Of::All).0));
        adjust_p(&mut metrics[1..]);
        let units = (arms[0].units + arms[arm].units) as f64;
        let question = Question {
            primary: asked(primary, effect, self.experiment.effect),
            guardrails: guards,
            mismatch,
            alpha: ALPHA,
            look: look(self.experiment),
            planned_units: self.experiment.planned_units as f64,
            least_units: LEAST_UNITS,
            units_a_day: units / days,
        };
        let verdict = question.verdict();
        ArmResult {
            arm: arms[arm].name.clone(),
            metrics,
            segments: self.segments(primary, arm),
            words: question.in_words(&verdict),
            verdict,
        }
    }

    fn segments(&self, primary: &'static MetricSpec, arm: usize) -> Vec<InSegment> {
        let one = |(at, spec): (usize, &super::metric::SegmentSpec)| {
            let (compared, _, units) = self.compare(primary, arm, Of::Segment(at));
            InSegment { segment: spec.name, units, compared }
        };
        let mut all: Vec<InSegment> = SEGMENTS.iter().enumerate().map(one).collect();
        let mut compared: Vec<Compared> = all.iter().map(|one| one.compared.clone()).collect();
        adjust_p(&mut compared);
        all.iter_mut().zip(compared).for_each(|(one, compared)| one.compared = compared);
        all
    }
}

/// Puts p-values in place that hold for all of them together.
fn adjust_p(all: &mut [Compared]) {
    let plain: Vec<f64> = all.iter().map(|one| if one.p.is_finite() { one.p } else { 1.0 }).collect();
    for (one, p) in all.iter_mut().zip(holm(&plain)) {
        one.p = p;
    }
}

/// What a test would need, by what the shop's units did lately.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plan {
    /// The metric's value now.
    pub base: f64,
    /// Units a day.
    pub units_a_day: f64,
    /// Units of both arms that the effect needs, with 80 % power.
    pub units: f64,
    /// Days for that; `None` = never.
    pub days: Option<u32>,
    /// The least change, as a share of the base, that the experiment's days can show with that power.
    pub visible: f64,
}

/// Plans an experiment on the units of a run; `None` where too few of them are known for a plan.
pub fn plan(run: &Run, experiment: &Experiment) -> Option<Plan> {
    let spec = metric(&experiment.metric)?;
    let until = run.seen.1;
    let from_s = crate::profile::seconds(Millis(until.0 - PLAN_DAYS * DAY_MS));
    let reader = Reader { run, experiment };
    let mut all = Moments::default();
    reader.moments(spec, Of::Since(from_s)).iter().for_each(|arm| all.merge(arm));
    let sample = match spec.reading {
        Reading::Mean(_) => all.values(),
        Reading::Ratio(..) => all.ratio(),
    };
    let is_enough = sample.count >= LEAST_UNITS && sample.mean != 0.0 && sample.variance.is_finite();
    is_enough.then_some(())?;
    let days =
        (until.since(run.seen.0.max(Millis(until.0 - PLAN_DAYS * DAY_MS))) as f64 / DAY_MS as f64).max(1.0);
    let in_slice =
        f64::from(experiment.slice.1 - experiment.slice.0) / f64::from(bespoke_domain::experiment::WHOLE);
    let units_a_day = sample.count / days * in_slice;
    let demand = Demand { sequential: experiment.analysis == Analysis::AlwaysValid, ..Demand::default() };
    let arms = Arms::alike(sample.variance);
    let units = units_needed(sample.mean.abs() * experiment.effect, &arms, &demand);
    let within = units_a_day * f64::from(experiment.days);
    Some(Plan {
        base: sample.mean,
        units_a_day,
        units,
        days: bespoke_models::statistics::power::days_for(units, units_a_day),
        visible: smallest_difference(within, &arms, &demand) / sample.mean.abs(),
    })
}
