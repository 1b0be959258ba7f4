//! What an experiment says so far: rows to moments, moments to effects, effects to a verdict. The statistics are those of
//! `bespoke_models::statistics`; here it is decided who counts.
//!
//! Left out of every number, and counted: units that were exposed in an earlier epoch which divided them otherwise, or that a program
//! spoke for. Units that were exposed to two arms count in their own, and are counted. Where the arms did not get their units, numbers are
//! not given at all. Of several treated arms each is held to the error of all divided by their number.

use super::cells;
use super::ledger::{Before, Row, Run};
use super::metric::{
    Better, COVARIATES, METRICS, MetricSpec, Reading, SEGMENTS, SegmentSpec, is_somebody, metric,
};
use super::month::Closed;
use bespoke_domain::Millis;
use bespoke_domain::experiment::{Analysis, Experiment, Guardrail, HOLDOUT};
use bespoke_domain::time::DAY_MS;
use bespoke_models::statistics::cuped::{Over, adjust};
use bespoke_models::statistics::moments::{Limits, Moments, Unit};
use bespoke_models::statistics::multiple::{holm, level_of_each};
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
    /// Exposed in an earlier epoch, which divided the units otherwise.
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
    /// Units that were exposed to two arms: they count in their own, which makes an effect look smaller than it is.
    pub crossed: u64,
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
    let (tallies, [crossed, programs]) = tally(run);
    let carried = tallies.iter().map(|[_, _, carried]| *carried).sum();
    let left_out = LeftOut { programs, carried, ignored: run.ignored };
    let arm = |((name, share), [exposed, units, _]): (&(String, u16), &[u64; 3])| ArmCount {
        name: name.clone(),
        share: *share,
        units: *units,
        exposed: *exposed,
    };
    let arms: Vec<ArmCount> = run.arms.iter().zip(&tallies).map(arm).collect();
    let count = |arm: &ArmCount| srm::Arm { weight: f64::from(arm.share), count: arm.units };
    let counts: Vec<srm::Arm> = arms.iter().map(count).collect();
    let mismatch = srm::sequential(&counts);
    let days = (run.seen.1.since(run.seen.0).max(0) as f64 / DAY_MS as f64).max(1.0 / 24.0);
    let results = if mismatch.is_found() {
        Vec::new()
    } else {
        let reader = Reader::new(run, experiment);
        (1..arms.len()).map(|arm| reader.result(arm, (&arms, mismatch, days))).collect()
    };
    Report {
        experiment: run.experiment.clone(),
        epoch: (run.epoch, run.since),
        days,
        arms,
        crossed,
        left_out,
        mismatch,
        results,
    }
}

/// Of each arm the units that were exposed, that count, and that were carried over; then those of all that count and were in two arms, and
/// those that a program spoke for.
fn tally(run: &Run) -> (Vec<[u64; 3]>, [u64; 2]) {
    if let Some(closed) = &run.closed {
        return (closed.arms.clone(), closed.left_out);
    }
    let (mut arms, [mut crossed, mut programs]) = (vec![[0; 3]; run.arms.len()], [0; 2]);
    for row in run.rows.iter().filter(|row| row.key != 0) {
        let [exposed, units, carried] = &mut arms[usize::from(row.arm)];
        *exposed += 1;
        match row {
            _ if row.is_program => programs += 1,
            _ if row.is_carried => *carried += 1,
            _ => {
                *units += 1;
                crossed += u64::from(row.is_crossed);
            }
        }
    }
    (arms, [crossed, programs])
}

/// What a run of the holdout is read by, without its rows.
pub(super) fn close(run: &Run) -> Closed {
    let (arms, left_out) = tally(run);
    Closed { arms, left_out, moments: summed(run, &holdout()) }
}

/// Which units are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    All,
    /// Those of a segment, by its place in the table.
    Segment(usize),
}

/// What is read of a row for a metric.
struct Reads<'a> {
    spec: &'a MetricSpec,
    covariate: Option<fn(&Before) -> i64>,
    limits: Limits,
}

impl<'a> Reads<'a> {
    fn new(spec: &'a MetricSpec, experiment: &Experiment) -> Self {
        let covariate = COVARIATES.iter().find(|one| one.name == experiment.covariate).map(|one| one.of);
        let is_capped = experiment.cap > 0.0 && spec.name == experiment.metric;
        let limits =
            if is_capped { Limits { high: experiment.cap as i64, ..Limits::NONE } } else { Limits::NONE };
        Self { spec, covariate, limits }
    }

    fn unit(&self, row: &Row) -> Unit {
        let (value, denominator) = match self.spec.reading {
            Reading::Mean(of) => (of(&row.outcome), 0),
            Reading::Ratio(of, over) => (of(&row.outcome), over(&row.outcome)),
        };
        let covariate = self.covariate.map_or(0, |of| of(&row.before));
        Unit { value, denominator, covariate, covariate_denominator: 0 }
    }
}

/// The moments of a run in one pass over its rows: of every metric, arm by arm; then of the metric that decides, segment by segment.
fn summed(run: &Run, experiment: &Experiment) -> Vec<Moments> {
    let arms = run.arms.len();
    let reads: Vec<Reads<'_>> = METRICS.iter().map(|spec| Reads::new(spec, experiment)).collect();
    let decides = primary(experiment);
    let mut moments = vec![Moments::default(); (METRICS.len() + SEGMENTS.len()) * arms];
    for row in run.rows.iter().filter(|row| row.counts()) {
        let arm = usize::from(row.arm);
        for (no, read) in reads.iter().enumerate() {
            let unit = read.unit(row);
            moments[no * arms + arm].add(&unit, &read.limits);
            if no == decides {
                let own = (0..).zip(&SEGMENTS).filter(|(_, segment)| (segment.has)(row));
                own.for_each(|(at, _): (usize, _)| {
                    moments[(METRICS.len() + at) * arms + arm].add(&unit, &read.limits);
                });
            }
        }
    }
    moments
}

/// The place of the metric that decides.
fn primary(experiment: &Experiment) -> usize {
    METRICS.iter().position(|spec| spec.name == experiment.metric).unwrap_or_default()
}

/// When the experiment's results are looked at, at an error of `alpha`.
pub(super) fn look(experiment: &Experiment, alpha: f64) -> Look {
    match experiment.analysis {
        Analysis::FixedHorizon => Look::Once,
        Analysis::AlwaysValid if experiment.planned_units > 0 => {
            Look::Always(Sequence::planned(experiment.planned_units as f64, alpha))
        }
        Analysis::AlwaysValid => Look::Always(Sequence::default()),
    }
}

struct Reader<'a> {
    run: &'a Run,
    experiment: &'a Experiment,
    /// See [`summed`].
    moments: Vec<Moments>,
    /// How often the interval of one arm may miss.
    alpha: f64,
}

impl<'a> Reader<'a> {
    fn new(run: &'a Run, experiment: &'a Experiment) -> Self {
        let moments = match &run.closed {
            Some(closed) => closed.moments.clone(),
            None => summed(run, experiment),
        };
        let alpha = level_of_each(ALPHA, run.arms.len().saturating_sub(1).max(1));
        Self { run, experiment, moments, alpha }
    }

    /// The moments of a metric in one arm; of a segment those of the metric that decides.
    fn moments(&self, spec: &MetricSpec, arm: usize, of: Of) -> Moments {
        let line = match of {
            Of::All => METRICS.iter().position(|held| held.name == spec.name).unwrap_or_default(),
            Of::Segment(at) => METRICS.len() + at,
        };
        self.moments.get(line * self.run.arms.len() + arm).copied().unwrap_or_default()
    }

    /// The control and an arm, with the covariate taken out; and how many units that are.
    fn compare(&self, spec: &'static MetricSpec, arm: usize, of: Of, alpha: f64) -> (Compared, Effect, u64) {
        let pair = [self.moments(spec, 0, of), self.moments(spec, arm, of)];
        let units = pair[0].count() + pair[1].count();
        if let Some(periods) = self.run.periods() {
            let found = cells::compare(self.run, spec, (arm, periods));
            let compared = self.told(spec, (found.means, found.absolute, found.relative), alpha);
            return (compared, found.relative, units);
        }
        let (over, plain): (Over, [Sample; 2]) = match spec.reading {
            Reading::Mean(_) => (Over::Units, pair.map(|one| one.values())),
            Reading::Ratio(..) => (Over::Denominators, pair.map(|one| one.ratio())),
        };
        let adjusted = adjust(&pair, over);
        let (control, treated) = (&adjusted.arms[0], &adjusted.arms[1]);
        let mut absolute = Effect::absolute(control, treated);
        // Of no units there is no mean, and no difference from one.
        let mean = |at: usize| if pair[at].count() == 0 { f64::NAN } else { plain[at].mean };
        let means = [mean(0), mean(1)];
        absolute.error = if means.iter().all(|mean| mean.is_finite()) { absolute.error } else { f64::NAN };
        let mut relative = Effect::relative(control, treated);
        if !Effect::is_relative_sound(control) {
            relative.error = f64::NAN;
        }
        let told = self.told(spec, (means, absolute, relative), alpha);
        let capped = pair.iter().map(Moments::limited).sum();
        (Compared { removed: adjusted.removed, capped, ..told }, relative, units)
    }

    /// A comparison as it is told: at an error of `alpha`, where that of all is [`ALPHA`].
    fn told(
        &self,
        spec: &'static MetricSpec,
        (means, absolute, relative): ([f64; 2], Effect, Effect),
        alpha: f64,
    ) -> Compared {
        let look = look(self.experiment, alpha);
        let interval = |effect: &Effect| (effect.estimate, effect.interval(alpha, look));
        Compared {
            metric: spec.name,
            control: means[0],
            treated: means[1],
            absolute: interval(&absolute),
            relative: relative.is_known().then(|| interval(&relative)),
            p: (absolute.p_at(look) * ALPHA / self.alpha).min(1.0),
            removed: 0.0,
            capped: 0,
        }
    }

    fn result(&self, arm: usize, (arms, mismatch, days): (&[ArmCount], Mismatch, f64)) -> ArmResult {
        let of_guard = |one: &Guardrail| metric(&one.metric).map(|spec| (spec, one.margin));
        let guardrails: Vec<(&'static MetricSpec, f64)> =
            self.experiment.guardrails.iter().filter_map(of_guard).collect();
        let primary = &METRICS[primary(self.experiment)];
        let (compared, effect, _) = self.compare(primary, arm, Of::All, self.alpha);
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
            let (compared, effect, _) = self.compare(spec, arm, Of::All, self.alpha);
            metrics.push(compared);
            guards.push(asked(spec, effect, *margin));
        }
        let is_told = |spec: &&MetricSpec| {
            metrics.iter().all(|one| one.metric != spec.name) && spec.is_for(self.run.unit)
        };
        let others: Vec<_> = METRICS.iter().filter(is_told).collect();
        metrics.extend(others.into_iter().map(|spec| self.compare(spec, arm, Of::All, self.alpha).0));
        adjust_p(&mut metrics[1..]);
        let units = (arms[0].units + arms[arm].units) as f64;
        let question = Question {
            primary: asked(primary, effect, self.experiment.effect),
            guardrails: guards,
            mismatch,
            alpha: self.alpha,
            look: look(self.experiment, self.alpha),
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

    /// The metric that decides by segment; of cells and queries there is none, since they were nothing before.
    fn segments(&self, primary: &'static MetricSpec, arm: usize) -> Vec<InSegment> {
        if !is_somebody(self.run.unit) {
            return Vec::new();
        }
        let alpha = level_of_each(self.alpha, SEGMENTS.len());
        let one = |(at, spec): (usize, &SegmentSpec)| {
            let (compared, _, units) = self.compare(primary, arm, Of::Segment(at), alpha);
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
    /// Units a day of the control and the arm.
    pub units_a_day: f64,
    /// Units of both that the effect needs, with 80 % power.
    pub units: f64,
    /// Days for that; `None` = never.
    pub days: Option<u32>,
    /// The least change, as a share of the base, that the experiment's days can show with that power.
    pub visible: f64,
}

/// Plans an experiment on the units of a run, which MUST be those that it has or would have: of its slice, by its unit, at its placements;
/// `None` where too few of them are known for a plan. Of several treated arms the smallest is planned for.
pub fn plan(run: &Run, experiment: &Experiment) -> Option<Plan> {
    let spec = metric(&experiment.metric)?;
    let until = run.seen.1;
    let from_s = crate::profile::seconds(Millis(until.0 - PLAN_DAYS * DAY_MS));
    let reads = Reads::new(spec, experiment);
    let mut all = Moments::default();
    let lately = run.rows.iter().filter(|row| row.counts() && row.first_s >= from_s);
    lately.for_each(|row| all.add(&reads.unit(row), &reads.limits));
    let sample = match spec.reading {
        Reading::Mean(_) => all.values(),
        Reading::Ratio(..) => all.ratio(),
    };
    let is_enough = sample.count >= LEAST_UNITS && sample.mean != 0.0 && sample.variance.is_finite();
    is_enough.then_some(())?;
    let days =
        (until.since(run.seen.0.max(Millis(until.0 - PLAN_DAYS * DAY_MS))) as f64 / DAY_MS as f64).max(1.0);
    let shares: Vec<f64> = experiment.arms.iter().map(|arm| f64::from(arm.share)).collect();
    let (control, treated) = match shares.split_first() {
        Some((control, treated)) if !treated.is_empty() => {
            (*control, treated.iter().copied().fold(f64::INFINITY, f64::min))
        }
        _ => return None,
    };
    let both = (control + treated) / f64::from(bespoke_domain::experiment::WHOLE);
    let units_a_day = sample.count / days * both;
    let alpha = level_of_each(ALPHA, shares.len() - 1);
    let sequential = experiment.analysis == Analysis::AlwaysValid;
    let demand = Demand { alpha, sequential, ..Demand::default() };
    // Of the relative change, which the verdict reads: the control's noise counts as often as the arm is larger (delta method), amounts that
    // are larger by a share vary by its square, counts by itself.
    let lift = 1.0 + experiment.effect;
    let arms = Arms {
        control: sample.variance * lift * lift,
        treated: sample.variance * if spec.is_money { lift * lift } else { lift },
        treated_share: treated / (control + treated),
    };
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
