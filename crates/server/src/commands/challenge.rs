//! `bespoke challenge`: what wants to stand in for what, how far it has come, and the next step, of a server that runs, through its API.

use super::super::say;
use super::operate::{fault, read};
use anyhow::Context as _;
use serde_json::Value;
use std::path::PathBuf;

/// What is asked.
#[derive(clap::Args)]
pub struct Challenge {
    /// The challenge. All of them where none is named.
    name: Option<String>,
    /// A definition (JSON: champion, challenger, metric, …) to begin it with.
    #[arg(long, value_name = "FILE", requires = "name")]
    set: Option<PathBuf>,
    /// Take the next step now, where there is one; the server looks once a minute by itself.
    #[arg(long, requires = "name", conflicts_with = "set")]
    step: bool,
    /// End it: the champion answers.
    #[arg(long, requires = "name", conflicts_with_all = ["set", "step"])]
    stop: bool,
    /// Take a promotion back: the champion answers as it was.
    #[arg(long, requires = "name", conflicts_with_all = ["set", "step", "stop"])]
    revert: bool,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: crate::Server,
}

/// Asks, and tells.
pub fn run(asked: &Challenge) -> anyhow::Result<()> {
    let base = format!("{}/v1/challenges", asked.server.url);
    let path = asked.name.as_ref().map_or(base.clone(), |name| format!("{base}/{name}"));
    let bearer = format!("Bearer {}", asked.server.key);
    let post = |what: &str| {
        let ask = ureq::post(format!("{path}/{what}")).header("Authorization", &bearer);
        read(ask.config().http_status_as_error(false).build().send_empty())
    };
    let body = match (&asked.set, asked.step, asked.stop, asked.revert) {
        (Some(file), ..) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            let ask = ureq::put(&path).header("Authorization", &bearer);
            read(ask.config().http_status_as_error(false).build().send(text))?
        }
        (None, true, ..) => post("step")?,
        (None, _, true, _) => post("stop")?,
        (None, _, _, true) => post("revert")?,
        _ => {
            let ask = ureq::get(&path).header("Authorization", &bearer);
            read(ask.config().http_status_as_error(false).build().call())?
        }
    };
    if body["detail"].is_string() {
        return Err(fault(&body));
    }
    match (&body, asked.json) {
        (_, true) => say(&body.to_string()),
        (_, false) if body["challenges"].is_array() => {
            let all = body["challenges"].as_array().map_or(&[][..], Vec::as_slice);
            if all.is_empty() {
                say("Nothing is challenged (docs/experiments.md).");
            }
            all.iter().for_each(show_line);
        }
        (_, false) => show(&body),
    }
    Ok(())
}

fn show_line(one: &Value) {
    let text = |field: &str| one[field].as_str().unwrap_or_default();
    let (name, stage) = (text("challenge"), text("stage"));
    say(&format!("{name:<24} {stage:<9} {} against {}", text("challenger"), text("champion")));
}

fn show(one: &Value) {
    show_line(one);
    for step in one["steps"].as_array().into_iter().flatten() {
        let text = |field: &str| step[field].as_str().unwrap_or_default();
        say(&format!("{} → {}: {}", text("from"), text("to"), text("why")));
        figures(&step["evidence"]);
    }
    if one["shadow"].is_object() {
        say("so far:");
        figures(&one["shadow"]);
    }
    match one["waits_for"].as_str() {
        None | Some("") => {}
        Some(what) => say(&format!("It waits for: {what}")),
    }
}

fn figures(all: &Value) {
    for (name, value) in all.as_object().into_iter().flatten() {
        say(&format!("    {name:<20} {:>14.6}", value.as_f64().unwrap_or_default()));
    }
}
