//! `bespoke kpis`: what shoppers did by day or part, of a server that runs, through its API.

use super::super::say;
use super::operate::{fault, read};
use anyhow::Context as _;
use serde_json::Value;
use std::path::PathBuf;

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
    let path = if asked.csv.is_some() { "kpis.csv" } else { "kpis" };
    let by = if asked.csv.is_some() { String::new() } else { format!("by={}&", asked.by) };
    let address = format!("{}/v1/{path}?{by}{}", asked.server.url, days.join("&"));
    let ask = ureq::get(address).header("Authorization", format!("Bearer {}", asked.server.key));
    let answer = ask.config().http_status_as_error(false).build().call();
    if let Some(file) = &asked.csv {
        let mut answer = answer.context("no answer from the server")?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        if !answer.status().is_success() {
            return Err(fault(&serde_json::from_str(&text).unwrap_or_default()));
        }
        std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        return Ok(());
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
        let count = |count: &str| row["counts"][count].as_f64().unwrap_or_default();
        let cell = |(name, _, scale): &(&str, &str, f64)| match row["kpis"][name].as_f64() {
            Some(value) => format!("{:>15.2}", value * scale),
            None => format!("{:>15}", "–"),
        };
        let cells: String = COLUMNS.iter().map(cell).collect();
        say(&format!("{name:<28}{:>9.0}{:>9.0}{cells}", count("visits"), count("orders")));
    }
    say(
        "What is attributed would partly have been bought anyway: `bespoke experiments holdout` tells what Bespoke adds.",
    );
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
