//! The recommenders against bars on public top-N data, part of `cargo xtask quality`: Recall@20 and NDCG@20 over every product
//! that a shopper did not have. Parameters come from `crates/lab/topn.json`, so that minutes of tuning are not spent here.

use crate::repo::{cargo, read};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;

/// What a model must reach on a data set.
struct Bar {
    data: &'static str,
    model: &'static str,
    recall: f64,
    ndcg: f64,
}

const fn bar(data: &'static str, model: &'static str, recall: f64, ndcg: f64) -> Bar {
    Bar { data, model, recall, ndcg }
}

/// Every bar.
const BARS: [Bar; 4] = [
    bar("topn_gowalla", "rp3beta", 0.1825, 0.1495),
    bar("topn_gowalla", "als", 0.1616, 0.1334),
    bar("topn_amazonbook_kgat", "slim", 0.168, 0.0976),
    bar("topn_amazon_cds", "slim", 0.161, 0.108),
];

/// Runs the lab for every bar on the sets in `data`; how many are missed.
///
/// # Errors
/// When a file is missing or the lab fails.
pub fn run(root: &Path, data: &Path) -> Result<usize> {
    let mut missed = 0;
    for bar in BARS {
        let result = evaluate(root, &data.join(bar.data), bar.model)?;
        let (lines, misses) = compare(&bar, &result)?;
        print!("{lines}");
        missed += misses;
    }
    Ok(missed)
}

fn evaluate(root: &Path, folder: &Path, model: &str) -> Result<Value> {
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
        "topn",
        "--json",
    ]);
    command.args(["--model", model, "--params"]).arg(root.join("crates/lab/topn.json"));
    for (flag, name) in [("--train", "train.txt.gz"), ("--test", "test.txt.gz")] {
        let path = folder.join(name);
        if !path.exists() {
            bail!("{} is not there", path.display());
        }
        command.arg(flag).arg(path.canonicalize()?);
    }
    serde_json::from_str(&read(&mut command)?).context("the lab did not print JSON")
}

/// A line for each figure of a bar, and how many are missed.
fn compare(bar: &Bar, results: &Value) -> Result<(String, usize)> {
    let result = &results["results"][0];
    let (mut lines, mut missed) = (String::new(), 0);
    for (name, least) in [("recall", bar.recall), ("ndcg", bar.ndcg)] {
        let value = result[name].as_f64().with_context(|| format!("{} has no {name}", bar.model))?;
        missed += usize::from(value < least);
        let word = if value >= least { "ok" } else { "MISSED" };
        lines += &format!("{word:<7}{:<24}{:<15}{name:<16}{value:>9.4}  bar {least}\n", bar.data, bar.model);
    }
    Ok((lines, missed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bar_is_counted_and_a_missing_model_is_an_error() {
        let bar = bar("set", "slim", 0.16, 0.10);
        let results = |recall: f64| serde_json::json!({"results": [{"recall": recall, "ndcg": 0.11}]});
        let missed = |results: &Value| compare(&bar, results).map(|(_, missed)| missed);
        assert_eq!(missed(&results(0.17)).ok(), Some(0));
        assert_eq!(missed(&results(0.15)).ok(), Some(1));
        assert!(missed(&serde_json::json!({"results": []})).is_err());
    }
}
