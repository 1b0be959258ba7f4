//! The statistics of experiments against what is known: published results on public data, and simulations whose truth is planted. Each check prints
//! what was expected and what was found, and one that does not hold fails the command.

mod adaptive;
mod interleaved;
mod ladder;
mod pipeline;
mod planted;
mod published;
mod simulated;
mod tables;
mod watched;

use crate::error::Error;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

pub use pipeline::PipelineOptions;

/// Challengers of each kind.
const LADDERS: u64 = 20;

/// What to check.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentOptions {
    /// The folder of public data; `None` for none of it.
    pub data: Option<PathBuf>,
    /// Whether simulations run.
    pub simulate: bool,
    /// Whether what is planted is looked for.
    pub planted: bool,
    /// Whether A/A tests run through a server.
    pub pipeline: bool,
    /// Shops, the first of which has the seed, that are watched for a year.
    pub watched: usize,
    /// Where that is.
    pub place: PipelineOptions,
    /// Their seed.
    pub seed: u64,
    /// How often each of them runs.
    pub runs: usize,
    /// Whether the output is for programs.
    pub json: bool,
}

/// What a figure is to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// The first, give or take the second.
    Near(f64, f64),
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
    /// Anything: it is said for comparison.
    Any,
}

/// A figure and what it is to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What it is of.
    pub name: String,
    /// What it is to be.
    pub wanted: Wanted,
    /// What it is.
    pub found: f64,
}

impl Check {
    fn new(name: impl Into<String>, found: f64, wanted: Wanted) -> Self {
        Self { name: name.into(), wanted, found }
    }

    /// Whether it is what it is to be.
    pub fn holds(&self) -> bool {
        match self.wanted {
            Wanted::Near(value, tolerance) => (self.found - value).abs() <= tolerance,
            Wanted::AtMost(most) => self.found <= most,
            Wanted::AtLeast(least) => self.found >= least,
            Wanted::Any => true,
        }
    }
}

/// All checks that were asked for, in one order.
///
/// # Errors
/// Data that cannot be read; checks that do not hold, with all of them in the message.
pub fn run(options: &ExperimentOptions) -> Result<String, Error> {
    let mut checks = Vec::new();
    if let Some(data) = &options.data {
        checks.extend(published::checks(data)?);
    }
    if options.simulate {
        checks.extend(simulated::checks(options.seed, options.runs));
        checks.extend(adaptive::checks(options.seed, options.runs));
        checks.extend(interleaved::checks(options.seed, options.runs));
    }
    if options.planted {
        // A quarter of the runs: each is a hundred thousand shoppers and more.
        checks.extend(planted::lifts(options.seed, options.runs.div_ceil(4))?);
        checks.extend(planted::switchback(options.seed)?);
        checks.extend(ladder::checks(options.seed, LADDERS.min(options.runs as u64))?);
    }
    if options.pipeline {
        checks.extend(pipeline::checks(&options.place, options.seed)?);
        checks.extend(pipeline::planted(&options.place, options.seed)?);
    }
    if options.watched > 0 {
        checks.extend(watched::checks(options.seed, options.watched)?);
    }
    let text = if options.json {
        serde_json::to_string(&checks).map_err(|error| Error::Bench(error.to_string()))?
    } else {
        table(&checks)
    };
    match checks.iter().filter(|check| !check.holds()).count() {
        0 => Ok(text),
        failed => Err(Error::Bench(format!("{text}\n{failed} of {} checks do not hold", checks.len()))),
    }
}

fn table(checks: &[Check]) -> String {
    let mut text = format!("{:<78} {:>14}  wanted\n", "check", "found");
    for check in checks {
        let wanted = match check.wanted {
            Wanted::Near(value, tolerance) => format!("{} ± {}", number(value), number(tolerance)),
            Wanted::AtMost(most) => format!("≤ {}", number(most)),
            Wanted::AtLeast(least) => format!("≥ {}", number(least)),
            Wanted::Any => "(for comparison)".to_owned(),
        };
        let verdict = if check.holds() { "" } else { "  WRONG" };
        let _ = writeln!(text, "{:<78} {:>14}  {wanted}{verdict}", check.name, number(check.found));
    }
    let failed = checks.iter().filter(|check| !check.holds()).count();
    let _ = write!(text, "{} checks, {failed} wrong", checks.len());
    text
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-2..1e6).contains(&size) => format!("{value:.5e}"),
        _ => format!("{value:.6}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_hold_fails_and_is_said() {
        let checks = [
            Check::new("a", 1.5, Wanted::Near(1.0, 0.1)),
            Check::new("b", 2.0, Wanted::AtMost(2.0)),
            Check::new("c", f64::NAN, Wanted::AtLeast(0.0)),
            Check::new("d", 1.4e-112, Wanted::Any),
        ];
        assert_eq!(checks.each_ref().map(Check::holds), [false, true, false, true]);
        let text = table(&checks);
        assert!(
            text.contains("1.40000e-112")
                && text.ends_with("4 checks, 2 wrong")
                && text.matches("WRONG").count() == 2
        );
    }

    #[test]
    fn simulations_find_what_was_planted() {
        let options = ExperimentOptions {
            data: None,
            simulate: true,
            planted: false,
            pipeline: false,
            watched: 0,
            place: PipelineOptions { server: PathBuf::new(), scratch: PathBuf::new() },
            seed: 3,
            runs: 20,
            json: false,
        };
        let checks: Vec<Check> = simulated::checks(options.seed, options.runs);
        assert!(checks.len() > 10 && checks.iter().all(|check| check.found.is_finite()));
    }
}
