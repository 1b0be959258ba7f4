//! `bespoke kpis`: what shoppers did by day or part, of a server that runs, through its API.

use super::super::say;
use super::operate::{self, fault, read, save};
use anyhow::Context as _;
use bespoke::export::csv::unmarked;
use bespoke::export::sheet::{Cell, Kind, Sheet};
use bespoke::kpis_api;
use serde_json::Value;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Columns of the table, and by what each is multiplied.
const COLUMNS: [(&str, &str, f64); 9] = [
    ("click_rate", "clicks/list %", 100.0),
    ("conversion", "orders/visit %", 100.0),
    ("order_value", "order value", 1.0),
    ("revenue_per_visitor", "rev./visitor", 1.0),
    ("margin_per_visitor", "margin/visitor", 1.0),
    ("repeat_rate", "repeat %", 100.0),
    ("return_rate", "returned %", 100.0),
    ("click_share", "attributed %", 100.0),
    ("click_bounce_rate", "bounced %", 100.0),
];

/// What is asked.
#[derive(clap::Args)]
pub struct Kpis {
    /// Rows: whole, day, segment, market, category, placement or arm.
    #[arg(long, default_value = "whole")]
    by: String,
    /// The first day, such as 2026-11-01; the last 28 days where none is named.
    #[arg(long)]
    from: Option<String>,
    /// The last day.
    #[arg(long)]
    until: Option<String>,
    /// Write every count of every day and part to this file instead.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    csv: Option<PathBuf>,
    /// The same as a Parquet file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "csv"])]
    parquet: Option<PathBuf>,
    /// Print the answer as JSON, with every count and KPI.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: crate::Server,
}

/// Asks, and tells.
pub fn run(asked: &Kpis) -> anyhow::Result<()> {
    let days = [("from", &asked.from), ("until", &asked.until)];
    let days: Vec<String> =
        days.iter().filter_map(|(name, day)| Some(format!("{name}={}", day.as_ref()?))).collect();
    let is_file = asked.csv.is_some() || asked.parquet.is_some();
    let path = if is_file { "kpis.csv" } else { "kpis" };
    let by = if is_file { String::new() } else { format!("by={}&", asked.by) };
    let address = format!("{}/v1/{path}?{by}{}", asked.server.url, days.join("&"));
    let ask = ureq::get(address).header("Authorization", format!("Bearer {}", asked.server.key));
    let answer = ask.config().http_status_as_error(false).build().call();
    if let Some(file) = &asked.csv {
        return save(answer, file);
    }
    if let Some(file) = &asked.parquet {
        return parquet(&operate::text(answer)?, file);
    }
    let body = read(answer)?;
    let Some(rows) = body["rows"].as_array() else { return Err(fault(&body)) };
    if asked.json {
        say(&body.to_string());
        return Ok(());
    }
    say(&format!(
        "{} to {}, money in {}",
        text(&body["from"]),
        text(&body["until"]),
        text(&body["currency"])
    ));
    let heading: String = COLUMNS.iter().map(|(_, heading, _)| format!("{heading:>15}")).collect();
    say(&format!("{:<28}{:>9}{:>9}{heading}", "", "visits", "orders"));
    for row in rows {
        let name = row["day"].as_str().unwrap_or_else(|| text(&row["part"]));
        let name: String = name.chars().take(27).collect();
        let count = |count: &str| {
            row["counts"][count].as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.0}"))
        };
        let cell = |(name, _, scale): &(&str, &str, f64)| match row["kpis"][name].as_f64() {
            Some(value) => format!("{:>15.2}", value * scale),
            None => format!("{:>15}", "–"),
        };
        let cells: String = COLUMNS.iter().map(cell).collect();
        say(&format!("{name:<28}{:>9}{:>9}{cells}", count("visits"), count("orders")));
    }
    say(text(&body["note"]));
    for (field, what) in [
        ("ignored_parts", "counts had no room in their part and stand in the whole only."),
        (
            "forgotten",
            "clicks and views were forgotten before an order could come by them: what is attributed is too low.",
        ),
    ] {
        if let Some(count) = body[field].as_u64().filter(|count| *count > 0) {
            say(&format!("{count} {what}"));
        }
    }
    Ok(())
}

/// Writes the counts, a row a day and part; numbers are in main units, as in the CSV.
fn parquet(csv: &str, path: &Path) -> anyhow::Result<()> {
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let kind = |at: usize| match at {
        0 => Kind::Day,
        1 | 2 => Kind::Text,
        _ => Kind::Real,
    };
    let columns: Vec<(String, Kind)> =
        rows.headers()?.iter().enumerate().map(|(at, name)| (name.to_owned(), kind(at))).collect();
    let file =
        std::fs::File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    let mut sheet = Sheet::new(BufWriter::new(file), &columns)?;
    for row in rows.records() {
        let row = row?;
        let cell = |(at, value): (usize, &str)| -> anyhow::Result<Cell> {
            Ok(match kind(at) {
                Kind::Day => kpis_api::number(value.parse()?).into(),
                Kind::Text => unmarked(value).into(),
                // Such parts do not have it.
                _ if value.is_empty() => Cell::Missing,
                _ => value.parse::<f64>()?.into(),
            })
        };
        sheet.push(row.iter().enumerate().map(cell).collect::<anyhow::Result<_>>()?)?;
    }
    sheet.close()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
