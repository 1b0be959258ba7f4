//! Search beside tantivy, on the same machine, the same catalogues and the same queries, one after the other, and over HTTP beside what
//! was measured of Meilisearch: `cargo xtask bench search --data DIR [--scale F]`. The peer is a crate of its own in `xtask/peers`, with
//! its own lock file, built when it is asked for. The lab writes both catalogues; each side reads them.

use crate::repo::{cargo, read, show, target_directory};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The catalogues, and how often their queries are asked.
const CATALOGUES: [(&str, &str); 2] = [("icecat", "30"), ("seeded", "4")];

/// Over HTTP: each figure, whether the least of it is best, and Meilisearch 1.50's on two cores, title, brand and short description
/// (July 2026), which it must beat.
const MEILISEARCH: [(&str, bool, f64); 5] = [
    ("p50_ms", true, 2.6),
    ("p99_ms", true, 5.0),
    ("plain_import_to_found_s", true, 2.1),
    ("ndcg10", false, 0.666),
    ("recall100", false, 0.828),
];

/// Runs all of it on `search_chorus_icecat` in `data`, and on the seeded shop.
///
/// # Errors
/// When something cannot be run, or a bar is missed.
pub fn run(root: &Path, data: &Path, scale: &str) -> Result<()> {
    let data = data.canonicalize().with_context(|| format!("{} is not there", data.display()))?;
    let target = target_directory(root)?;
    let (scratch, built) = (target.join("bench"), target.join("peers/tantivy"));
    show(cargo(root).args(["build", "--quiet", "--release", "-p", "bespoke", "-p", "bespoke-lab"]))?;
    let manifest = root.join("xtask/peers/tantivy/Cargo.toml");
    let mut build = cargo(root);
    build.args(["build", "--quiet", "--release", "--locked", "--manifest-path"]).arg(&manifest);
    show(build.arg("--target-dir").arg(&built))?;
    super::bench::empty(&scratch)?;
    let mut lab = Command::new(target.join("release/lab"));
    lab.args(["search-speed", "--data"]).arg(&data).args(["--json", "--scale", scale]);
    lab.arg("--server").arg(target.join("release/bespoke")).arg("--scratch").arg(&scratch);
    let ours: Value = serde_json::from_str(&read(&mut lab)?).context("the lab did not print JSON")?;
    for (catalogue, rounds) in CATALOGUES {
        let mut peer = Command::new(built.join("release/tantivy-peer"));
        let theirs = read(peer.arg(scratch.join(catalogue)).arg(rounds))?;
        let theirs = serde_json::from_str(&theirs).context("the peer did not print JSON")?;
        print!("{}", beside(catalogue, &ours, &theirs)?);
    }
    super::bench::empty(&scratch)?;
    let (lines, missed) = compare(&ours)?;
    print!("{lines}");
    if missed > 0 {
        bail!("{missed} bars missed");
    }
    Ok(())
}

/// A line for each figure of a catalogue that either has.
fn beside(catalogue: &str, ours: &Value, theirs: &Value) -> Result<String> {
    let theirs = theirs.as_object().context("the peer printed no object")?;
    let mut lines = String::new();
    for (name, value) in theirs {
        let own = figure(ours, catalogue, name).map_or("-".to_owned(), |own| format!("{own:.3}"));
        let value = value.as_f64().context("a figure is no number")?;
        lines += &format!("{catalogue:<10}{name:<20}tantivy {value:>12.3}  ours {own:>12}\n");
    }
    if let Some(own) = figure(ours, catalogue, "memory_mib") {
        lines += &format!("{catalogue:<10}{:<20}tantivy {:>12}  ours {own:>12.3}\n", "memory_mib", "-");
    }
    Ok(lines)
}

/// What goes over HTTP beside Meilisearch, and how many bars are missed.
fn compare(ours: &Value) -> Result<(String, usize)> {
    let (mut lines, mut missed) = (String::new(), 0);
    for (name, is_least_best, bar) in MEILISEARCH {
        let own = figure(ours, "http", name).with_context(|| format!("{name} was not measured"))?;
        let is_met = if is_least_best { own < bar } else { own > bar };
        missed += usize::from(!is_met);
        let word = if is_met { "ok" } else { "MISSED" };
        lines += &format!("{word:<7}http {name:<24}Meilisearch {bar:>8.3}  ours {own:>9.3}\n");
    }
    for name in ["import_to_found_s", "change_ms"] {
        if let Some(own) = figure(ours, "http", name) {
            lines += &format!("       http {name:<24}                     ours {own:>9.3}\n");
        }
    }
    Ok((lines, missed))
}

fn figure(of: &Value, bench: &str, name: &str) -> Option<f64> {
    let mut all = of["figures"].as_array()?.iter();
    all.find(|one| one["bench"] == bench && one["name"] == name)?["value"].as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn figures(p99: f64, recall: f64) -> Value {
        let all = [
            ("p50_ms", 1.0),
            ("p99_ms", p99),
            ("plain_import_to_found_s", 2.0),
            ("ndcg10", 0.7),
            ("recall100", recall),
        ];
        json!({"figures": all.map(|(name, value)| json!({"bench": "http", "name": name, "value": value}))})
    }

    #[test]
    fn a_peer_must_be_beaten_and_a_missing_figure_is_an_error() {
        let missed = |figures: &Value| compare(figures).map(|(_, missed)| missed);
        assert_eq!(missed(&figures(4.9, 0.9)).ok(), Some(0));
        assert_eq!(missed(&figures(5.0, 0.8)).ok(), Some(2));
        assert!(missed(&json!({"figures": []})).is_err());
    }

    #[test]
    fn what_both_have_stands_in_a_line() {
        let ours = json!({"figures": [{"bench": "icecat", "name": "p50_ms", "value": 0.5}]});
        let lines = beside("icecat", &ours, &json!({"p50_ms": 0.25, "index_mib": 9.0})).unwrap();
        let words: Vec<Vec<&str>> = lines.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["icecat", "index_mib", "tantivy", "9.000", "ours", "-"]);
        assert_eq!(words[1], ["icecat", "p50_ms", "tantivy", "0.250", "ours", "0.500"]);
    }
}
