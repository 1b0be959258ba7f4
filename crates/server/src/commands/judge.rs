//! `bespoke judge`: how relevant search is, by judgments. A list of the shop's own is asked of a server that runs; a folder in the
//! layout of WANDS brings its catalogue, which is imported into a shop of its own, judged, and removed.

use super::super::say;
use super::operate::{fault, read};
use anyhow::Context as _;
use bespoke::boot::Shop;
use bespoke::http::App;
use bespoke::judge::list::Faults;
use bespoke::judge::{self, Ask, Placements, Report, ask_here, wands};
use bespoke::{import, placements};
use indicatif::ProgressBar;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Milliseconds that a server may take for a query, so that no source is left out.
const TIMEOUT_MS: &str = "10000";

/// What is judged.
#[derive(clap::Args)]
pub struct Judge {
    /// CSV with the columns query, product_id and grade (a whole number, 0 = not relevant), asked of a server that runs.
    #[arg(long, value_name = "FILE", required_unless_present = "wands")]
    queries: Option<PathBuf>,
    /// A folder with product.csv, query.csv and label.csv, tab-separated; no server is needed.
    #[arg(long, value_name = "FOLDER", conflicts_with = "queries")]
    wands: Option<PathBuf>,
    /// With --wands: the placement file (TOML) that searches, instead of the default.
    #[arg(long, value_name = "FILE", requires = "wands")]
    placements: Option<PathBuf>,
    /// The placement that is judged.
    #[arg(long, default_value = "search")]
    placement: String,
    /// Another placement on the same queries, with intervals of the difference.
    #[arg(long, value_name = "PLACEMENT")]
    against: Option<String>,
    /// Print the report as JSON, with every query.
    #[arg(long)]
    json: bool,
    /// Print every query's measures, too.
    #[arg(long, conflicts_with = "json")]
    each: bool,
    /// With --queries: a secret key of the shop.
    #[arg(long, env = "BESPOKE_KEY", hide_env_values = true, required_unless_present = "wands")]
    key: Option<String>,
    /// With --queries: the server.
    #[arg(long, default_value = crate::URL)]
    url: String,
}

/// Judges, and tells.
pub fn run(asked: &Judge) -> anyhow::Result<()> {
    let report = match (&asked.wands, &asked.queries, &asked.key) {
        (Some(folder), _, _) => judged_here(asked, folder)?,
        (None, Some(file), Some(key)) => judged_there(asked, file, key)?,
        _ => anyhow::bail!("--queries needs the server's --key"),
    };
    if asked.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        say(&judge::table(&report, asked.each));
    }
    Ok(())
}

fn placements_of(asked: &Judge) -> Placements<'_> {
    Placements { judged: &asked.placement, against: asked.against.as_deref() }
}

fn judged_there(asked: &Judge, file: &Path, key: &str) -> anyhow::Result<Report> {
    let list = judge::list::read(file)?;
    tell(&list.faults);
    let progress = ProgressBar::new_spinner().with_message("requests answered");
    let mut ask = |path: &str, body: &Value| {
        progress.inc(1);
        let ask = ureq::post(format!("{}{path}", asked.url))
            .header("Authorization", format!("Bearer {}", key))
            .header("x-timeout-ms", TIMEOUT_MS);
        let answer = read(ask.config().http_status_as_error(false).build().send(body.to_string()))?;
        if answer["items"].is_array() { Ok(answer) } else { Err(fault(&answer)) }
    };
    let report = judge::judge(list.queries, placements_of(asked), &mut ask as &mut Ask<'_>);
    progress.finish_and_clear();
    report
}

fn judged_here(asked: &Judge, folder: &Path) -> anyhow::Result<Report> {
    let directory = Temporary::new()?;
    let shop = Shop::open(&directory.0)?;
    let report = (|| {
        match &asked.placements {
            Some(file) => placements::apply_file(&shop, file)?,
            None => placements::ensure(&shop)?,
        }
        let mut wands = wands::read(folder)?;
        let imported = import::catalog_from(&shop, wands.catalogue.as_bytes(), &mut |_| ())?;
        imported.problems.into_iter().for_each(|(line, problem)| wands.refuse(line, problem));
        tell(&wands.judgments.faults);
        let app = App::new(shop.clone());
        let progress = ProgressBar::new_spinner().with_message("requests answered");
        let mut ask = |path: &str, body: &Value| {
            progress.inc(1);
            ask_here(&app, path, body)
        };
        let report = judge::judge(wands.judgments.queries, placements_of(asked), &mut ask as &mut Ask<'_>);
        progress.finish_and_clear();
        report
    })();
    shop.close();
    report
}

/// Lines that were not taken go where they do not disturb a program that reads the report.
fn tell(faults: &Faults) {
    for (file, line, problem) in &faults.shown {
        anstream::eprintln!("{file}:{line}: {problem}");
    }
    let unnamed = faults.count - faults.shown.len() as u64;
    if unnamed > 0 {
        anstream::eprintln!("… and {unnamed} more lines with faults");
    }
}

/// A new directory that goes when it is done with.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> anyhow::Result<Self> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let name = format!("bespoke-judge-{:016x}", u64::from_le_bytes(name));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "{} is left behind", self.0.display());
        }
    }
}
