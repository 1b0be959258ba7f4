//! Tests of nothing must find nothing, however often they are looked at, and tests of something must find it: streams of two equal arms, and of
//! arms with a planted effect.

use super::{Check, Wanted};
use bespoke_models::seeded::Seeded;
use bespoke_models::statistics::cuped::{Over, adjust};
use bespoke_models::statistics::moments::{Column, Limits, Moments, Unit};
use bespoke_models::statistics::multiple::{benjamini_hochberg, holm};
use bespoke_models::statistics::sample::{Effect, Look, Sample};
use bespoke_models::statistics::sequential::{Sequence, mixture_p};
use bespoke_models::statistics::uniformity::from_uniform;
use bespoke_models::statistics::{power, srm};

const ALPHA: f64 = 0.05;
/// Units of an arm, and looks at them.
const UNITS: usize = 5000;
const LOOKS: usize = 100;

/// What a unit is worth, in thousandths or cents.
type Draw = fn(&mut Seeded) -> Unit;

const STREAMS: [(&str, Draw); 3] =
    [("Gaussian", gaussian), ("Bernoulli .03", buyer), ("zero-inflated revenue", revenue)];

/// All of them; each runs `runs` times.
pub fn checks(seed: u64, runs: usize) -> Vec<Check> {
    let mut checks = Vec::new();
    for (at, (name, draw)) in STREAMS.into_iter().enumerate() {
        checks.extend(peeking(name, draw, &mut seeded(seed, at as u64), runs));
    }
    checks.extend(adjusted(&mut seeded(seed, 10), runs));
    checks.extend(ratios(&mut seeded(seed, 11), runs));
    checks.extend(mismatches(&mut seeded(seed, 12), runs));
    checks.extend(segments(&mut seeded(seed, 13), runs));
    checks.extend(planted(&mut seeded(seed, 14), runs));
    checks
}

/// Numbers of one simulation, whatever the others draw.
pub fn seeded(seed: u64, purpose: u64) -> Seeded {
    Seeded::new(Seeded::new(seed ^ (purpose << 32)).bits())
}

/// `share` plus two Monte Carlo standard errors of it.
pub fn with_doubt(share: f64, runs: usize) -> f64 {
    share + 2.0 * (share * (1.0 - share) / runs as f64).sqrt()
}

fn gaussian(seeded: &mut Seeded) -> Unit {
    Unit { value: (1000.0 * seeded.normal()).round() as i64, ..Unit::default() }
}

fn buyer(seeded: &mut Seeded) -> Unit {
    Unit { value: i64::from(seeded.unit() < 0.03), ..Unit::default() }
}

/// Three in a hundred buy, for 30 at the median, mostly between 6 and 150.
fn revenue(seeded: &mut Seeded) -> Unit {
    let buys = seeded.unit() < 0.03;
    let amount = (3000.0 * (0.8 * seeded.normal()).exp()).round() as i64;
    Unit { value: if buys { amount } else { 0 }, ..Unit::default() }
}

fn share(count: usize, runs: usize) -> f64 {
    count as f64 / runs.max(1) as f64
}

/// What ways of looking at one run of an A/A test found.
#[derive(Default)]
struct Found {
    sequence: bool,
    mixture: bool,
    peeked: bool,
    /// Daily, that is at fourteen of the looks.
    peeked_daily: bool,
    end: f64,
}

fn peeking(name: &str, draw: Draw, seeded: &mut Seeded, runs: usize) -> Vec<Check> {
    let runs_found: Vec<Found> = (0..runs).map(|_| watched(draw, seeded)).collect();
    let of = |is: &dyn Fn(&Found) -> bool| share(runs_found.iter().filter(|found| is(found)).count(), runs);
    let ends: Vec<f64> = runs_found.iter().map(|found| found.end).collect();
    let most = Wanted::AtMost(with_doubt(ALPHA, runs));
    let line = |what: &str, found: f64, wanted| Check::new(format!("A/A, {name}: {what}"), found, wanted);
    vec![
        line("confidence sequence, false positives over 100 looks", of(&|found| found.sequence), most),
        line("mixture ratio test, false positives over 100 looks", of(&|found| found.mixture), most),
        line("t-test at the end, false positives", of(&|found| found.end < ALPHA), most),
        line("t-test at the end, uniform p-values: KS p", from_uniform(&ends).1, Wanted::AtLeast(0.01)),
        line("t-test at each of 100 looks, false positives", of(&|found| found.peeked), Wanted::Any),
        line("t-test at each of 14 looks, false positives", of(&|found| found.peeked_daily), Wanted::Any),
    ]
}

fn watched(draw: Draw, seeded: &mut Seeded) -> Found {
    let mut arms = [Moments::default(); 2];
    let mut found = Found::default();
    for look in 1..=LOOKS {
        for _ in 0..UNITS / LOOKS {
            arms.iter_mut().for_each(|arm| arm.add(&draw(seeded), &Limits::NONE));
        }
        let effect = Effect::absolute(&arms[0].values(), &arms[1].values());
        let unit = 0.5 * effect.error * effect.error * effect.count / 2.0;
        found.sequence |= Sequence::default().p(&effect) < ALPHA;
        // The mixture has a tenth of a unit's deviation.
        found.mixture |= mixture_p(effect.estimate, effect.error * effect.error, 0.01 * unit) < ALPHA;
        found.end = effect.p();
        found.peeked |= found.end < ALPHA;
        found.peeked_daily |= found.end < ALPHA && look % (LOOKS / 14) == 0;
    }
    found
}

fn adjusted(seeded: &mut Seeded, runs: usize) -> Vec<Check> {
    let (mut wrong, mut removed) = (0, 0.0);
    for _ in 0..runs {
        let mut arms = [Moments::default(); 2];
        let mut is_wrong = false;
        for _ in 0..40 {
            for _ in 0..50 {
                for arm in &mut arms {
                    let before = seeded.normal();
                    let value = 0.7 * before + 0.51_f64.sqrt() * seeded.normal();
                    let whole = |x: f64| (1000.0 * x).round() as i64;
                    arm.add(
                        &Unit { value: whole(value), covariate: whole(before), ..Unit::default() },
                        &Limits::NONE,
                    );
                }
            }
            let adjusted = adjust(&arms, Over::Units);
            is_wrong |=
                Sequence::default().p(&Effect::absolute(&adjusted.arms[0], &adjusted.arms[1])) < ALPHA;
        }
        wrong += usize::from(is_wrong);
        removed += adjust(&arms, Over::Units).removed / runs as f64;
    }
    vec![
        Check::new(
            "A/A, covariate taken out: false positives over 40 looks",
            share(wrong, runs),
            Wanted::AtMost(with_doubt(ALPHA, runs)),
        ),
        Check::new("covariate of correlation 0.7: variance removed", removed, Wanted::Near(0.49, 0.01)),
    ]
}

/// A shopper's sessions and clicks: some click much, and those come often.
fn clicks(seeded: &mut Seeded) -> Unit {
    let taste = seeded.unit();
    let sessions = 1 + seeded.below(1 + (9.0 * taste) as usize) as i64;
    let value = (0..sessions).filter(|_| seeded.unit() < 0.4 * taste).count() as i64;
    Unit { value, denominator: sessions, ..Unit::default() }
}

fn ratios(seeded: &mut Seeded, runs: usize) -> Vec<Check> {
    let (mut once, mut always, mut by_sessions) = (0, 0, 0);
    for _ in 0..runs {
        let mut arms = [Moments::default(); 2];
        let mut peeked = false;
        for _ in 0..20 {
            for _ in 0..50 {
                arms.iter_mut().for_each(|arm| arm.add(&clicks(seeded), &Limits::NONE));
            }
            let effect = Effect::absolute(&arms[0].ratio(), &arms[1].ratio());
            peeked |= Sequence::default().p(&effect) < ALPHA;
        }
        always += usize::from(peeked);
        once += usize::from(Effect::absolute(&arms[0].ratio(), &arms[1].ratio()).p() < ALPHA);
        let rows = arms.map(|arm| (arm.sum(Column::Value) as u64, arm.sum(Column::Denominator) as u64));
        by_sessions += usize::from(Effect::shares(rows[0], rows[1]).p() < ALPHA);
    }
    vec![
        Check::new(
            "A/A, clicks a session: delta method, false positives",
            share(once, runs),
            Wanted::AtMost(0.06),
        ),
        Check::new(
            "A/A, clicks a session: false positives over 20 looks",
            share(always, runs),
            Wanted::AtMost(0.06),
        ),
        Check::new(
            "A/A, clicks a session: sessions as units, false positives",
            share(by_sessions, runs),
            Wanted::Any,
        ),
    ]
}

fn mismatches(seeded: &mut Seeded, runs: usize) -> Vec<Check> {
    let (mut sequential, mut pearson, mut found) = (0, 0, 0);
    for run in 0..2 * runs {
        // Every other run loses one unit in fifty of the second arm.
        let is_lossy = run % 2 == 1;
        let mut counts = [0_u64; 2];
        let (mut alarm, mut peeked) = (false, false);
        for _ in 0..40 {
            let ones: u32 = (0..16).map(|_| seeded.bits().count_ones()).sum();
            let lost = if is_lossy { (0..ones).filter(|_| seeded.unit() < 0.02).count() as u64 } else { 0 };
            counts = [counts[0] + 1024 - u64::from(ones), counts[1] + u64::from(ones) - lost];
            let arms = counts.map(|count| srm::Arm { weight: 1.0, count });
            alarm |= srm::sequential(&arms).is_found();
            peeked |= srm::chi_squared(&arms).is_found();
        }
        match is_lossy {
            true => found += usize::from(alarm),
            false => (sequential, pearson) = (sequential + usize::from(alarm), pearson + usize::from(peeked)),
        }
    }
    vec![
        Check::new(
            "sample ratio: false alarms over 40 looks, Bayes factor",
            share(sequential, runs),
            Wanted::AtMost(0.01),
        ),
        Check::new(
            "sample ratio: false alarms over 40 looks, χ² at .01 each",
            share(pearson, runs),
            Wanted::Any,
        ),
        Check::new("sample ratio: a loss of 2 % of an arm of 20,000, found", share(found, runs), Wanted::Any),
    ]
}

fn segments(seeded: &mut Seeded, runs: usize) -> Vec<Check> {
    let (mut any, mut by_holm, mut by_rate) = (0, 0, 0);
    for _ in 0..runs {
        let mut arm = || Sample { count: 500.0, mean: seeded.normal() / 500_f64.sqrt(), variance: 1.0 };
        let p: Vec<f64> = (0..20).map(|_| Effect::absolute(&arm(), &arm()).p()).collect();
        let is_any = |p: &[f64]| usize::from(p.iter().any(|p| *p < ALPHA));
        any += is_any(&p);
        by_holm += is_any(&holm(&p));
        by_rate += is_any(&benjamini_hochberg(&p));
    }
    let most = Wanted::AtMost(with_doubt(ALPHA, runs));
    vec![
        Check::new("20 segments without effect: any below .05", share(any, runs), Wanted::Any),
        Check::new("20 segments without effect: any after Holm", share(by_holm, runs), most),
        Check::new("20 segments without effect: any after Benjamini–Hochberg", share(by_rate, runs), most),
    ]
}

/// A lift of a tenth of a deviation: how often it is found, when, and whether the interval ever leaves it out.
fn planted(seeded: &mut Seeded, runs: usize) -> Vec<Check> {
    let truth = 100.0;
    let look = Look::Always(Sequence::default());
    let (mut found, mut left_out, mut once, mut stops) = (0, 0, 0, Vec::new());
    for _ in 0..runs {
        let mut arms = [Moments::default(); 2];
        let (mut stop, mut missed) = (None, false);
        for at in 1..=LOOKS {
            for _ in 0..UNITS / LOOKS {
                for (arm, lift) in arms.iter_mut().zip([0, 100]) {
                    let unit = gaussian(seeded);
                    arm.add(&Unit { value: unit.value + lift, ..unit }, &Limits::NONE);
                }
            }
            let interval = Effect::absolute(&arms[0].values(), &arms[1].values()).interval(ALPHA, look);
            missed |= !interval.holds(truth);
            if stop.is_none() && interval.low > 0.0 {
                stop = Some(at * UNITS / LOOKS);
            }
        }
        found += usize::from(stop.is_some());
        left_out += usize::from(missed);
        once += usize::from(Effect::absolute(&arms[0].values(), &arms[1].values()).p() < ALPHA);
        stops.extend(stop);
    }
    stops.sort_unstable();
    let needed = power::units_needed(
        0.1,
        &power::Arms::alike(1.0),
        &power::Demand { sequential: true, ..Default::default() },
    );
    vec![
        Check::new(
            "lift of .1 deviations, 5,000 an arm: found at some look",
            share(found, runs),
            Wanted::AtLeast(0.95),
        ),
        Check::new(
            "lift of .1 deviations: ever outside the sequence of intervals",
            share(left_out, runs),
            Wanted::AtMost(with_doubt(ALPHA, runs)),
        ),
        Check::new("lift of .1 deviations: found by a t-test at the end", share(once, runs), Wanted::Any),
        Check::new(
            "lift of .1 deviations: units an arm at the stop, median",
            stops.get(stops.len() / 2).copied().unwrap_or(0) as f64,
            Wanted::Any,
        ),
        Check::new("lift of .1 deviations: units an arm that the plan asks for", needed / 2.0, Wanted::Any),
    ]
}
