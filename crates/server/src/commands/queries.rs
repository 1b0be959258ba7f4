//! `bespoke queries`: what searches teach, of a server that runs, through its API; and searches with what came of them, as files
//! for other tools.

use super::super::say;
use super::operate::{fault, read};
use anyhow::Context as _;
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// What is asked.
#[derive(clap::Args)]
pub struct Queries {
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    /// Lines of each list.
    #[arg(short, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    n: u16,
    /// Write searches and what came of them to `ubi_queries.jsonl` and `ubi_events.jsonl` in this directory instead, in the
    /// schema of User Behavior Insights 1.3.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["json", "n"])]
    ubi: Option<PathBuf>,
    #[command(flatten)]
    server: crate::Server,
}

/// Tells, or writes files.
pub fn run(asked: &Queries) -> anyhow::Result<()> {
    let (key, url) = (&asked.server.key, &asked.server.url);
    if let Some(directory) = &asked.ubi {
        return export(directory, key, url);
    }
    let body = get(&format!("{url}/v1/search/report?n={}", asked.n), key)?;
    if asked.json {
        say(&body.to_string());
    } else {
        show(&body);
    }
    Ok(())
}

fn get(address: &str, key: &str) -> anyhow::Result<Value> {
    let ask = ureq::get(address).header("Authorization", format!("Bearer {key}"));
    let body = read(ask.config().http_status_as_error(false).build().call())?;
    if body["queries"].is_null() { Err(fault(&body)) } else { Ok(body) }
}

fn show(body: &Value) {
    say(&format!(
        "{} queries, {} of them by five shoppers or more; of these:",
        body["queries"], body["common"]
    ));
    for (field, title) in [("without_results", "found nothing"), ("poor", "clicked little, or far down")] {
        say(&format!(
            "\n{title:<40} {:>9} {:>8} {:>8} {:>8}  instead",
            "searches", "results", "clicked", "far"
        ));
        for one in body[field].as_array().into_iter().flatten() {
            let share = |field: &str| match one[field].as_f64() {
                Some(share) => format!("{:.0} %", 100.0 * share),
                None => "–".to_owned(),
            };
            let results = one["results"].as_u64().map_or("–".to_owned(), |count| count.to_string());
            let instead: Vec<&str> =
                one["instead"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            say(&format!(
                "{:<40} {:>9.1} {results:>8} {:>8} {:>8}  {}",
                one["query"].as_str().unwrap_or_default(),
                one["searches"].as_f64().unwrap_or_default(),
                share("clicked"),
                share("clicked_far"),
                instead.join(", "),
            ));
        }
    }
    say(&format!(
        "\n{:<40} {:<40} {:>8} {:>8} {:>8} {:>8}",
        "may mean the same", "as", "instead", "clicked", "shoppers", "alike"
    ));
    for one in body["synonyms"].as_array().into_iter().flatten() {
        let text = |field: &str| one[field].as_str().unwrap_or_default();
        say(&format!(
            "{:<40} {:<40} {:>8} {:>8} {:>8} {:>8.2}",
            text("query"),
            text("other"),
            one["instead"],
            one["instead_clicked"],
            one["instead_shoppers"],
            one["same_products"].as_f64().unwrap_or_default(),
        ));
    }
}

fn export(directory: &Path, key: &str, url: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let names = ["queries", "events"];
    let paths = names.map(|name| directory.join(format!("ubi_{name}.jsonl")));
    let mut files = Vec::with_capacity(names.len());
    for path in &paths {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        files.push((BufWriter::new(file), 0_u64));
    }
    let mut after = 0;
    loop {
        let body = get(&format!("{url}/v1/search/ubi?after={after}"), key)?;
        for ((file, count), name) in files.iter_mut().zip(names) {
            for line in body[name].as_array().into_iter().flatten() {
                writeln!(file, "{line}")?;
                *count += 1;
            }
        }
        let Some(next) = body["next"].as_u64() else { break };
        after = next;
    }
    for ((mut file, count), path) in files.into_iter().zip(&paths) {
        file.flush()?;
        say(&format!("{count} lines in {}", path.display()));
    }
    Ok(())
}
