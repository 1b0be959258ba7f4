//! Published results on public data: Hillstrom's e-mail test (three arms), Cookie Cats (a game's test with arms that did not get their
//! players), Open Bandit's campaign for men (off-policy values).

use super::tables::{Customer, Shown, customers, players, shown, thompson};
use super::{Check, Wanted};
use crate::error::Error;
use bespoke_models::off_policy::{self, Row, Value};
use bespoke_models::statistics::cuped::{Over, adjust};
use bespoke_models::statistics::moments::{Limits, Moments, Unit};
use bespoke_models::statistics::sample::Effect;
use bespoke_models::statistics::srm;
use std::path::Path;

const CONTROL: &str = "No E-Mail";
const MENS: &str = "Mens E-Mail";
const WOMENS: &str = "Womens E-Mail";
/// Outcomes and how many of their units make one of what is published.
const OUTCOMES: [(&str, f64); 3] = [("visit", 1.0), ("conversion", 1.0), ("spend", 0.01)];

/// All of them.
pub fn checks(data: &Path) -> Result<Vec<Check>, Error> {
    let customers = customers(&data.join("uplift_hillstrom/hillstrom.csv.gz"))?;
    let mut checks = arms(&customers);
    checks.extend(effects(&customers));
    checks.extend(segments(&customers));
    checks.extend(covariates(&customers));
    checks.extend(ratios(&customers));
    checks.extend(cookie_cats(data)?);
    checks.extend(open_bandit(data)?);
    Ok(checks)
}

fn near(name: impl Into<String>, found: f64, value: f64, tolerance: f64) -> Check {
    Check::new(name, found, Wanted::Near(value, tolerance))
}

fn moments<'a>(customers: impl Iterator<Item = &'a Customer>, unit: impl Fn(&Customer) -> Unit) -> Moments {
    let mut moments = Moments::default();
    customers.for_each(|customer| moments.add(&unit(customer), &Limits::NONE));
    moments
}

fn of<'a>(customers: &'a [Customer], segment: &'static str) -> impl Iterator<Item = &'a Customer> {
    customers.iter().filter(move |customer| customer.segment == segment)
}

fn arms(customers: &[Customer]) -> Vec<Check> {
    let arm = |segment| srm::Arm { weight: 1.0, count: of(customers, segment).count() as u64 };
    let found = srm::chi_squared(&[CONTROL, MENS, WOMENS].map(arm));
    vec![
        near("hillstrom: sample ratio, χ²", found.statistic, 0.202_531, 1e-6),
        near("hillstrom: sample ratio, p", found.p, 0.903_693, 1e-6),
    ]
}

fn effects(customers: &[Customer]) -> Vec<Check> {
    // Arm, outcome, difference, its error, relative difference, p and half of its last digit.
    type Line = (&'static str, usize, f64, f64, f64, (f64, f64));
    const TABLE: [Line; 6] = [
        (MENS, 0, 0.076_590, 0.003_386, 0.721, (1.4e-112, 0.05e-112)),
        (MENS, 1, 0.006_805, 0.000_921, 1.188, (1.5e-13, 0.05e-13)),
        (MENS, 2, 0.769_827, 0.145_247, 1.179, (1.16e-7, 0.005e-7)),
        (WOMENS, 0, 0.045_233, 0.003_234, 0.426, (2.4e-44, 0.05e-44)),
        (WOMENS, 1, 0.003_111, 0.000_823, 0.543, (1.56e-4, 0.005e-4)),
        (WOMENS, 2, 0.424_412, 0.130_333, 0.650, (1.13e-3, 0.005e-3)),
    ];
    let mut checks = Vec::new();
    for (arm, outcome, difference, error, relative, (p, tolerance)) in TABLE {
        let (metric, scale) = OUTCOMES[outcome];
        let sample = |segment| {
            let unit = |customer: &Customer| Unit { value: customer.after[outcome], ..Unit::default() };
            moments(of(customers, segment), unit).values().scaled(scale)
        };
        let (control, treated) = (sample(CONTROL), sample(arm));
        let effect = Effect::absolute(&control, &treated);
        let name = |what: &str| format!("hillstrom: {arm}, {metric}, {what}");
        checks.push(near(name("difference"), effect.estimate, difference, 1e-6));
        checks.push(near(name("standard error"), effect.error, error, 1e-6));
        checks.push(near(name("relative"), Effect::relative(&control, &treated).estimate, relative, 6e-4));
        checks.push(near(name("p"), effect.p(), p, tolerance));
    }
    checks
}

fn segments(customers: &[Customer]) -> Vec<Check> {
    // Who bought men's only, women's only, both: difference in visits and its error, by mail.
    const TABLE: [(&str, [(f64, f64); 3]); 2] = [
        (WOMENS, [(0.011_078, 0.004_424), (0.073_985, 0.004_870), (0.071_103, 0.012_563)]),
        (MENS, [(0.069_155, 0.004_901), (0.070_580, 0.004_858), (0.134_444, 0.012_956)]),
    ];
    let mut checks = Vec::new();
    for (arm, lines) in TABLE {
        for (bought, (difference, error)) in [[1, 0], [0, 1], [1, 1]].into_iter().zip(lines) {
            let sample = |segment| {
                let there = of(customers, segment).filter(|customer| customer.before[2..4] == bought);
                moments(there, |customer| Unit { value: customer.after[0], ..Unit::default() }).values()
            };
            let effect = Effect::absolute(&sample(CONTROL), &sample(arm));
            let name =
                |what: &str| format!("hillstrom: {arm}, visit, bought {bought:?} of men's, women's, {what}");
            checks.push(near(name("difference"), effect.estimate, difference, 1e-6));
            checks.push(near(name("error"), effect.error, error, 1e-6));
        }
    }
    checks
}

fn covariates(customers: &[Customer]) -> Vec<Check> {
    // Arm, outcome, covariates, share of variance that is published and half of its last digit.
    let all: &[usize] = &[0, 1, 2, 3, 4];
    let table: [(&'static str, usize, &[usize], f64, f64); 4] = [
        (MENS, 0, &[1], 0.0044, 5e-5),
        (MENS, 2, &[1], 0.0004, 5e-5),
        (MENS, 0, all, 0.025, 5e-4),
        (WOMENS, 0, all, 0.022, 5e-4),
    ];
    let mut checks = Vec::new();
    for (arm, outcome, covariates, removed, tolerance) in table {
        let pair = [CONTROL, arm];
        let weights = regression(customers, pair, outcome, covariates);
        let unit = |customer: &Customer| {
            let foretold: f64 =
                weights.iter().zip(covariates).map(|(w, at)| w * customer.before[*at] as f64).sum();
            Unit {
                value: customer.after[outcome],
                covariate: (1e6 * foretold).round() as i64,
                ..Unit::default()
            }
        };
        let arms = pair.map(|segment| moments(of(customers, segment), unit));
        let adjusted = adjust(&arms, Over::Units);
        let name = format!(
            "hillstrom: {arm}, {}, variance that {} covariates remove",
            OUTCOMES[outcome].0,
            covariates.len()
        );
        checks.push(near(name, adjusted.removed, removed, tolerance));
    }
    checks
}

/// Weights of covariates in the least squares forecast of the outcome, within arms.
fn regression(
    customers: &[Customer],
    arms: [&'static str; 2],
    outcome: usize,
    covariates: &[usize],
) -> Vec<f64> {
    let d = covariates.len();
    let mut system = vec![vec![0.0; d + 1]; d];
    for arm in arms {
        let count = of(customers, arm).count() as f64;
        let row = |customer: &Customer| -> Vec<f64> {
            let after = std::iter::once(customer.after[outcome] as f64);
            covariates.iter().map(|at| customer.before[*at] as f64).chain(after).collect()
        };
        let mut means = vec![0.0; d + 1];
        of(customers, arm)
            .for_each(|customer| means.iter_mut().zip(row(customer)).for_each(|(m, x)| *m += x / count));
        for customer in of(customers, arm) {
            let about: Vec<f64> = row(customer).iter().zip(&means).map(|(x, mean)| x - mean).collect();
            for (line, x) in system.iter_mut().zip(&about) {
                line.iter_mut().zip(&about).for_each(|(sum, y)| *sum += x * y);
            }
        }
    }
    for at in 0..d {
        let pivot = system[at].clone();
        for (row, line) in system.iter_mut().enumerate() {
            let factor = if row == at { 0.0 } else { line[at] / pivot[at] };
            line.iter_mut().zip(&pivot).for_each(|(value, p)| *value -= factor * p);
        }
    }
    (0..d).map(|at| system[at][d] / system[at][at]).collect()
}

fn ratios(customers: &[Customer]) -> Vec<Check> {
    let table =
        [(CONTROL, 6.148_687, 0.737_724), (MENS, 7.784_204, 0.655_904), (WOMENS, 7.114_920, 0.672_926)];
    let one = |(arm, ratio, error)| {
        let unit = |customer: &Customer| Unit {
            value: customer.after[2],
            denominator: customer.after[0],
            ..Unit::default()
        };
        let sample = moments(of(customers, arm), unit).ratio().scaled(0.01);
        let name = |what: &str| format!("hillstrom: {arm}, spend a visit, {what}");
        [
            near(name("ratio"), sample.mean, ratio, 1e-5),
            near(name("standard error"), sample.error(), error, 1e-5),
        ]
    };
    table.into_iter().flat_map(one).collect()
}

fn cookie_cats(data: &Path) -> Result<Vec<Check>, Error> {
    let players = players(&data.join("ab_cookie_cats/cookie_cats.csv.gz"))?;
    let arm = |is_treated: bool, day: usize| {
        let arm = players.iter().filter(move |player| player.is_treated == is_treated);
        arm.fold((0_u64, 0_u64), |(back, all), player| (back + u64::from(player.returned[day]), all + 1))
    };
    let (control, treated) = (arm(false, 1), arm(true, 1));
    let weekly = Effect::shares(control, treated);
    let counts = [control.1, treated.1].map(|count| srm::Arm { weight: 1.0, count });
    let share = |(back, all): (u64, u64)| back as f64 / all as f64;
    Ok(vec![
        near("cookie cats: back after a day, gate at 30", share(arm(false, 0)), 0.4482, 5e-5),
        near("cookie cats: back after a day, gate at 40", share(arm(true, 0)), 0.4423, 5e-5),
        near("cookie cats: back after a week, gate at 30", share(control), 0.1902, 5e-5),
        near("cookie cats: back after a week, gate at 40", share(treated), 0.1820, 5e-5),
        near("cookie cats: back after a week, difference", weekly.estimate, -0.0082, 5e-5),
        near("cookie cats: back after a week, two-proportion p", weekly.p(), 0.0016, 5e-5),
        near("cookie cats: sample ratio, χ² p: a mismatch", srm::chi_squared(&counts).p, 0.009, 5e-4),
        Check::new("cookie cats: sample ratio, p at every look", srm::sequential(&counts).p, Wanted::Any),
    ])
}

fn open_bandit(data: &Path) -> Result<Vec<Check>, Error> {
    let folder = data.join("bandit_obd_men");
    let (random, bandit) = (shown(&folder.join("random.csv.gz"))?, shown(&folder.join("bts.csv.gz"))?);
    let target = thompson(&folder.join("bts_action_distribution.csv"))?;
    let uniform = [0, 1, 2].map(|_: usize| (0..34).map(|item| (item, 1.0 / 34.0)).collect::<Vec<_>>());
    let forward = valued(&random, &target)?;
    let back = valued(&bandit, &uniform)?;
    let rare = [0, 1, 2].map(|_: usize| vec![(25, 1.0)]);
    let refused = valued(&bandit, &rare)?;
    let name = |what: &str| format!("open bandit, men, Thompson from random: {what}");
    let reverse = |what: &str| format!("open bandit, men, random from Thompson: {what}");
    let flag = |is: bool| f64::from(u8::from(is));
    Ok(vec![
        near(name("reward that was logged"), forward.logged, 0.0046, 5e-5),
        near(name("IPW"), forward.ipw.value, 0.004_533_56, 1e-8),
        near(name("SNIPS"), forward.snips.value, 0.004_604_23, 1e-8),
        near(name("DR, tabular, cross-fitted"), forward.dr.value, 0.004_583_60, 1e-6),
        Check::new(name("DM, tabular"), forward.dm.value, Wanted::Any),
        near(name("IPW bootstrap, low"), forward.ipw.bootstrap.low, 0.002_51, 2e-4),
        near(name("IPW bootstrap, high"), forward.ipw.bootstrap.high, 0.006_90, 2e-4),
        near(name("effective rows"), forward.support.effective, 2467.0, 0.5),
        near(name("largest weight"), forward.support.largest_weight, 10.7, 0.05),
        Check::new(name("share of the largest term"), forward.support.largest_share, Wanted::AtMost(0.3)),
        near(name("refused"), flag(forward.refusal.is_some()), 0.0, 0.0),
        near(reverse("reward that was logged"), back.logged, 0.0069, 5e-5),
        near(reverse("IPW"), back.ipw.value, 0.003_01, 5e-6),
        near(reverse("SNIPS"), back.snips.value, 0.003_19, 5e-6),
        near(reverse("effective rows"), back.support.effective, 656.0, 0.5),
        near(reverse("largest weight"), back.support.largest_weight, 178.0, 0.5),
        Check::new(
            "open bandit, men, one rare item from Thompson: effective rows",
            refused.support.effective,
            Wanted::AtMost(100.0),
        ),
        near(
            "open bandit, men, one rare item from Thompson: refused",
            flag(refused.refusal.is_some()),
            1.0,
            0.0,
        ),
    ])
}

fn valued(log: &[Shown], target: &[Vec<(u32, f64)>; 3]) -> Result<Value, Error> {
    let row = |(at, shown): (usize, &Shown)| Row {
        unit: at as u64,
        position: shown.position,
        action: shown.item,
        reward: shown.click,
        propensity: shown.propensity,
        target: &target[shown.position.clamp(1, 3) as usize - 1],
    };
    let rows: Vec<Row> = log.iter().enumerate().map(row).collect();
    off_policy::value(&rows).map_err(|error| Error::Bench(error.to_string()))
}
