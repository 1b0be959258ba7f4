//! Speed and memory against the design's numbers: `cargo xtask bench [--scale F]`. Builds the release binaries, runs
//! `lab bench`, compares. The bars are meant for two cores and scale 1.

use crate::repo::{cargo, read, show, target_directory};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;

/// What a figure must reach.
enum Bar {
    Most(f64),
    Least(f64),
}

use Bar::{Least, Most};

/// Every bench, in this order.
const BENCHES: [&str; 8] = ["decide", "kpis", "nearest", "profiles", "search", "suggest", "server", "train"];

/// Every bar: bench, figure, limit.
const BARS: [(&str, &str, Bar); 35] = [
    ("decide", "mean_us", Most(150.0)),
    ("decide", "p99_us", Most(1_000.0)),
    ("decide", "process_gib", Most(4.0)),
    ("kpis", "scratch_s", Most(60.0)),
    ("kpis", "lag_max_s", Most(1.0)),
    ("nearest", "p99_us_1m", Most(1_000.0)),
    ("nearest", "recall_1m", Least(0.95)),
    ("profiles", "gib", Most(1.2)),
    ("search", "p50_ms", Most(8.0)),
    ("search", "p99_ms", Most(25.0)),
    ("search", "fold_all_s", Most(180.0)),
    ("search", "fold_all_gib", Most(2.0)),
    ("search", "new_product_ms", Most(5_000.0)),
    ("search", "stock_ms", Most(1_000.0)),
    ("suggest", "p50_us_1m", Most(500.0)),
    ("suggest", "p99_us_1m", Most(3_000.0)),
    ("suggest", "fresh_ms_1m", Most(5_000.0)),
    ("suggest", "p50_us_43k", Most(300.0)),
    ("suggest", "p99_us_43k", Most(1_500.0)),
    ("suggest", "planted_mrr_gain", Least(1.2)),
    ("server", "import_catalog_s", Most(60.0)),
    ("server", "import_catalog_gib", Most(1.0)),
    ("server", "ingest_events_per_s", Least(50_000.0)),
    ("server", "recommend_3000_p99_ms", Most(10.0)),
    ("server", "decisions_lost", Most(0.0)),
    ("server", "views_not_in_next_decision", Most(0.0)),
    ("server", "stock_patch_slowest_ms", Most(1_000.0)),
    ("server", "log_entries_m", Least(10.0)),
    ("server", "restart_after_kill_s", Most(10.0)),
    ("server", "restart_after_stop_s", Most(10.0)),
    ("train", "train_s", Most(900.0)),
    ("train", "peak_gib_above_idle", Most(8.0)),
    ("train", "training_p99_over_idle", Most(2.0)),
    ("train", "models_not_published", Most(0.0)),
    ("train", "decisions_lost", Most(0.0)),
];

/// Runs every bench and compares. What was written for them is removed.
///
/// # Errors
/// When a bench fails or a bar is missed.
pub fn run(root: &Path, scale: &str) -> Result<()> {
    let target = target_directory(root)?;
    let scratch = target.join("bench");
    show(cargo(root).args(["build", "--release", "-p", "bespoke", "-p", "bespoke-lab"]))?;
    let mut missed = 0;
    for bench in BENCHES {
        empty(&scratch)?;
        let mut lab = std::process::Command::new(target.join("release/lab"));
        lab.args(["bench", bench, "--json", "--scale", scale])
            .arg("--server")
            .arg(target.join("release/bespoke"))
            .arg("--scratch")
            .arg(&scratch);
        let figures = serde_json::from_str(&read(&mut lab)?).context("the lab did not print JSON")?;
        let (lines, misses) = compare(bench, &figures)?;
        println!("{lines}");
        missed += misses;
    }
    empty(&scratch)?;
    if missed > 0 {
        bail!("{missed} bars missed");
    }
    Ok(())
}

/// Takes away what an earlier bench wrote.
pub(super) fn empty(scratch: &Path) -> Result<()> {
    if scratch.exists() {
        std::fs::remove_dir_all(scratch).context("the last bench's files cannot be removed")?;
    }
    Ok(())
}

/// A line for each figure, and how many bars are missed.
fn compare(bench: &str, figures: &Value) -> Result<(String, usize)> {
    let all = figures["figures"].as_array().context("the lab printed no figures")?;
    let (mut lines, mut missed) = (String::new(), 0);
    for (_, name, _) in BARS.iter().filter(|(held, ..)| *held == bench) {
        if !all.iter().any(|one| one["name"] == *name) {
            bail!("the lab has no figure {bench} {name}");
        }
    }
    for one in all {
        let value = one["value"].as_f64().context("a figure has no value")?;
        let bar = BARS.iter().find(|(held, name, _)| *held == bench && one["name"] == *name);
        let (word, limit) = match bar {
            Some((_, _, Most(most))) => (if value <= *most { "ok" } else { "MISSED" }, format!("≤ {most}")),
            Some((_, _, Least(least))) => {
                (if value >= *least { "ok" } else { "MISSED" }, format!("≥ {least}"))
            }
            None => ("", String::new()),
        };
        missed += usize::from(word == "MISSED");
        let name = one["name"].as_str().unwrap_or_default();
        lines += &format!("{word:<7}{bench:<10}{name:<30}{value:>14.3}  {limit}\n");
    }
    Ok((lines, missed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bar_is_counted_and_a_missing_figure_is_an_error() {
        let figures = |ingest: f64, p99: f64| {
            let list: Vec<Value> = BARS
                .iter()
                .filter(|(bench, ..)| *bench == "server")
                .map(|(_, name, _)| {
                    let value = match *name {
                        "ingest_events_per_s" => ingest,
                        "recommend_3000_p99_ms" => p99,
                        "log_entries_m" => 11.0,
                        _ => 0.0,
                    };
                    serde_json::json!({"name": name, "value": value})
                })
                .collect();
            serde_json::json!({"figures": list})
        };
        let missed = |figures: &Value| compare("server", figures).map(|(_, missed)| missed);
        assert_eq!(missed(&figures(60_000.0, 9.0)).ok(), Some(0));
        assert_eq!(missed(&figures(40_000.0, 11.0)).ok(), Some(2));
        assert!(missed(&serde_json::json!({"figures": []})).is_err());
    }
}
