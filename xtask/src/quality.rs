//! The recommenders against bars on public data: `cargo xtask quality --data DIR`. Missing data fails, never skips.

use crate::repo::{cargo, read, show, target_directory};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What a model must reach on a data set: HR@20 and MRR@20 in per cent.
struct Bar {
    data: &'static str,
    model: &'static str,
    hr: f64,
    mrr: f64,
}

const fn bar(data: &'static str, model: &'static str, hr: f64, mrr: f64) -> Bar {
    Bar { data, model, hr, mrr }
}

/// Every bar on quality.
const BARS: [Bar; 6] = [
    bar("sessions_diginetica", "session_knn", 52.9, 18.7),
    bar("sessions_diginetica", "co_visitation", 50.7, 15.0),
    bar("sessions_retailrocket", "session_knn", 58.2, 29.8),
    bar("sessions_retailrocket", "co_visitation", 54.9, 18.9),
    bar("sessions_yoochoose64", "session_knn", 69.8, 28.7),
    bar("sessions_yoochoose64", "co_visitation", 68.6, 26.1),
];

/// Most microseconds and seconds of session neighbours on Diginetica.
const SPEED: [(&str, f64); 3] = [("predict_us_p50", 20.0), ("predict_us_p99", 80.0), ("fit_s", 0.1)];

/// Runs the lab on every data set in `data` and compares.
///
/// # Errors
/// When a file is missing or a bar is missed.
pub fn run(root: &Path, data: &Path) -> Result<()> {
    let mut missed = 0;
    let mut sets: Vec<&str> = BARS.iter().map(|bar| bar.data).collect();
    sets.dedup();
    for set in sets {
        let results = evaluate(root, &data.join(set))?;
        let (lines, misses) = compare(set, &results)?;
        println!("{lines}");
        missed += misses + served(root, &data.join(set), set)?;
    }
    if missed > 0 {
        bail!("{missed} bars missed");
    }
    Ok(())
}

/// Whether the server's slates are the lab's predictions; 1 if not.
fn served(root: &Path, folder: &Path, set: &str) -> Result<usize> {
    let target = target_directory(root)?;
    let scratch = target.join("http");
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch).context("the last run's files cannot be removed")?;
    }
    show(cargo(root).args(["build", "--quiet", "--release", "-p", "bespoke", "-p", "bespoke-lab"]))?;
    let mut lab = Command::new(target.join("release/lab"));
    lab.arg("http").arg("--server").arg(target.join("release/bespoke")).arg("--scratch").arg(&scratch);
    let compared: Value =
        serde_json::from_str(&read(with_data(&mut lab, folder)?)?).context("the lab did not print JSON")?;
    std::fs::remove_dir_all(&scratch).context("this run's files cannot be removed")?;
    let (same, cases) = (&compared["same"], &compared["cases"]);
    let holds = same == cases && cases.as_u64() > Some(0);
    let word = if holds { "ok" } else { "MISSED" };
    println!("{word:<7}{set:<24}{same} of {cases} slates over HTTP are the lab's top 20");
    if let Some(first) = compared["different"].as_str() {
        println!("{first}");
    }
    Ok(usize::from(!holds))
}

fn evaluate(root: &Path, folder: &Path) -> Result<Value> {
    let mut command = cargo(root);
    command.args([
        "run",
        "--quiet",
        "--release",
        "-p",
        "bespoke-lab",
        "--bin",
        "lab",
        "--",
        "sessions",
        "--json",
    ]);
    serde_json::from_str(&read(with_data(&mut command, folder)?)?).context("the lab did not print JSON")
}

fn with_data<'a>(command: &'a mut Command, folder: &Path) -> Result<&'a mut Command> {
    for (flag, name) in [("--train", "train.tsv.gz"), ("--test", "test.tsv.gz")] {
        let path = folder.join(name);
        if !path.exists() {
            bail!("{} is not there", path.display());
        }
        command.arg(flag).arg(path.canonicalize()?);
    }
    Ok(command)
}

/// A line for each bar of a data set, and how many are missed.
fn compare(set: &str, results: &Value) -> Result<(String, usize)> {
    let (mut lines, mut missed) = (String::new(), 0);
    for bar in BARS.iter().filter(|bar| bar.data == set) {
        let result =
            results["results"].as_array().and_then(|all| all.iter().find(|one| one["model"] == bar.model));
        let result = result.with_context(|| format!("the lab has no result for {}", bar.model))?;
        let figure =
            |name: &str| result[name].as_f64().with_context(|| format!("{} has no {name}", bar.model));
        let mut checks =
            vec![("hr", figure("hr")? * 100.0, bar.hr, true), ("mrr", figure("mrr")? * 100.0, bar.mrr, true)];
        if bar.model == "session_knn" && set == "sessions_diginetica" {
            for (name, most) in SPEED {
                checks.push((name, figure(name)?, most, false));
            }
        }
        for (name, value, limit, is_least) in checks {
            let holds = if is_least { value >= limit } else { value <= limit };
            missed += usize::from(!holds);
            let word = if holds { "ok" } else { "MISSED" };
            lines += &format!("{word:<7}{set:<24}{:<15}{name:<16}{value:>9.3}  bar {limit}\n", bar.model);
        }
    }
    Ok((lines, missed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(hr: f64, p99: f64) -> Value {
        serde_json::json!({"results": [
            {"model": "session_knn", "hr": hr, "mrr": 0.19, "fit_s": 0.04, "predict_us_p50": 12.0, "predict_us_p99": p99},
            {"model": "co_visitation", "hr": 0.52, "mrr": 0.18},
        ]})
    }

    #[test]
    fn a_missed_bar_is_counted_and_a_missing_model_is_an_error() {
        let missed = |results: &Value| compare("sessions_diginetica", results).map(|(_, missed)| missed);
        assert_eq!(missed(&results(0.53, 40.0)).ok(), Some(0));
        assert_eq!(missed(&results(0.52, 90.0)).ok(), Some(2));
        assert!(missed(&serde_json::json!({"results": []})).is_err());
    }
}
