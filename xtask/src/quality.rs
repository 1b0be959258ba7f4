//! The recommenders against bars on public data and on the seeded shop: `cargo xtask quality --data DIR`. Missing data fails, never skips.

use crate::repo::{cargo, read, show, target_directory};
use crate::topn;
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
const BARS: [Bar; 8] = [
    bar("sessions_diginetica", "session_knn", 52.9, 18.7),
    bar("sessions_diginetica", "co_visitation", 50.7, 15.0),
    bar("sessions_diginetica", "reranked", 54.0, 19.5),
    bar("sessions_retailrocket", "session_knn", 58.2, 29.8),
    bar("sessions_retailrocket", "co_visitation", 54.9, 18.9),
    bar("sessions_retailrocket", "reranked", 59.2, 33.2),
    bar("sessions_yoochoose64", "session_knn", 69.8, 28.7),
    bar("sessions_yoochoose64", "co_visitation", 68.6, 26.1),
];

/// Most microseconds and seconds of session neighbours on Diginetica.
const SPEED: [(&str, f64); 3] = [("predict_us_p50", 20.0), ("predict_us_p99", 80.0), ("fit_s", 0.1)];

/// What the default placements must be worth on the seeded shop (simulated), against what is popular in the shop and against
/// what is popular in the category looked at: expected purchases a slate of ten, by the simulation's truth. Shoppers who
/// arrive look at no category yet.
const SEEDED: [(&str, f64, f64); 4] =
    [("home", 2.0, 2.0), ("product", 3.0, 1.5), ("cart", 3.0, 1.5), ("home, new after 3 clicks", 1.5, 1.1)];

/// What `accessories` must reach on the Icecat catalogue, against a silver truth (`lab fits`).
const FITS: [(&str, f64); 3] = [("covered", 0.95), ("precision", 0.95), ("recall", 0.90)];

/// What the boosted trees may take at most on Diginetica's candidates: microseconds for 57 rows, calibration error.
const RANKER_SCORE_US: f64 = 95.0;
const RANKER_CALIBRATION_ERROR: f64 = 0.02;

/// Runs the lab on every data set in `data`, and on the seeded shop, and compares.
///
/// # Errors
/// When a file is missing or a bar is missed.
pub fn run(root: &Path, data: &Path) -> Result<()> {
    let mut missed = seeded(root)? + fits(root, data)? + ranker(root, data)? + topn::run(root, data)?;
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

/// The bars of accessories; how many are missed.
fn fits(root: &Path, data: &Path) -> Result<usize> {
    let data = data.canonicalize().with_context(|| format!("{} is not there", data.display()))?;
    let result = lab(root, &["fits", "--data", &data.to_string_lossy()])?;
    let mut missed = 0;
    for (name, least) in FITS {
        let value = result[name].as_f64().with_context(|| format!("the lab says nothing of {name}"))?;
        missed += usize::from(value < least);
        let word = if value >= least { "ok" } else { "MISSED" };
        println!("{word:<7}{:<24}accessories {name:<33}{value:>9.3}  bar {least:.3}", "search_chorus_icecat");
    }
    Ok(missed)
}

/// The bars of the boosted trees; how many are missed. LightGBM beside them: `lab ranker --peer`.
fn ranker(root: &Path, data: &Path) -> Result<usize> {
    let train = data.join("sessions_diginetica/train.tsv.gz");
    let train = train.canonicalize().with_context(|| format!("{} is not there", train.display()))?;
    let result = lab(root, &["ranker", "--json", "--train", &train.to_string_lossy()])?;
    let checks = [
        ("score_57_rows_us", &result["score_57_rows_us"], RANKER_SCORE_US),
        ("calibration_error", &result["calibration_error"][1], RANKER_CALIBRATION_ERROR),
    ];
    let mut missed = 0;
    for (name, value, most) in checks {
        let value = value.as_f64().with_context(|| format!("the lab says nothing of {name}"))?;
        missed += usize::from(value > most);
        let word = if value <= most { "ok" } else { "MISSED" };
        println!("{word:<7}{:<24}ranker {name:<38}{value:>9.3}  bar {most:.3}", "sessions_diginetica");
    }
    Ok(missed)
}

/// What the lab prints, as JSON.
fn lab(root: &Path, args: &[&str]) -> Result<Value> {
    let mut command = cargo(root);
    command.args(["run", "--quiet", "--release", "-p", "bespoke-lab", "--bin", "lab", "--"]).args(args);
    serde_json::from_str(&read(&mut command)?).context("the lab did not print JSON")
}

/// The bars of the seeded shop, and new products' share of viewable impressions; how many are missed.
fn seeded(root: &Path) -> Result<usize> {
    let result = lab(root, &["seeded", "--json"])?;
    let (lines, missed) = compare_seeded(&result)?;
    println!("{lines}");
    Ok(missed)
}

fn compare_seeded(result: &Value) -> Result<(String, usize)> {
    let (mut lines, mut missed) = (String::new(), 0);
    let mut check = |name: String, value: f64, least: f64| {
        missed += usize::from(value < least);
        let word = if value >= least { "ok" } else { "MISSED" };
        lines += &format!("{word:<7}{:<24}{name:<45}{value:>9.3}  bar {least:.3}\n", "seeded (simulated)");
    };
    for (what, least, least_in_category) in SEEDED {
        let one = result["compared"].as_array().and_then(|all| all.iter().find(|one| one["what"] == what));
        let one = one.with_context(|| format!("the lab says nothing of {what}"))?;
        let figure = |name: &str| one[name].as_f64().with_context(|| format!("{what} has no {name}"));
        let ours = figure("ours")?;
        check(format!("{what} / popular"), ours / figure("popular")?, least);
        check(
            format!("{what} / popular in category"),
            ours / figure("popular_in_category")?,
            least_in_category,
        );
    }
    let share = result["new_share"].as_f64().context("the lab says nothing of new products")?;
    for seen in result["new_seen"].as_array().into_iter().flatten() {
        let name = format!("new products on {}", seen[0].as_str().unwrap_or_default());
        check(name, seen[1].as_f64().unwrap_or_default(), share);
    }
    Ok((lines, missed))
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
            {"model": "reranked", "hr": 0.543, "mrr": 0.202},
        ]})
    }

    #[test]
    fn bars_of_the_seeded_shop_are_held_against_both_peers() {
        let one = |what: &str, ours: f64| serde_json::json!({"what": what, "ours": ours, "popular": 0.1, "popular_in_category": 0.2});
        let result = |product: f64, new: f64| {
            let compared = [
                one("home", 0.4),
                one("product", product),
                one("cart", 0.4),
                one("home, new after 3 clicks", 0.4),
            ];
            serde_json::json!({"compared": compared, "new_share": 0.05, "new_seen": [["home", new]]})
        };
        let missed = |result: &Value| compare_seeded(result).map(|(_, missed)| missed);
        assert_eq!(missed(&result(0.4, 0.06)).ok(), Some(0));
        assert_eq!(missed(&result(0.29, 0.04)).ok(), Some(3));
        assert!(missed(&serde_json::json!({"compared": []})).is_err());
    }

    #[test]
    fn a_missed_bar_is_counted_and_a_missing_model_is_an_error() {
        let missed = |results: &Value| compare("sessions_diginetica", results).map(|(_, missed)| missed);
        assert_eq!(missed(&results(0.53, 40.0)).ok(), Some(0));
        assert_eq!(missed(&results(0.52, 90.0)).ok(), Some(2));
        assert!(missed(&serde_json::json!({"results": []})).is_err());
    }
}
