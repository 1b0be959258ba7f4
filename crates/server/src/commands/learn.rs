//! `bespoke train`, `bespoke backtest` and `bespoke models`: learning on a server that runs, through its API.

use super::super::say;
use super::operate::{fault, read};
use serde_json::{Value, json};
use std::time::Duration;

/// Between two looks at a run.
const PAUSE: Duration = Duration::from_millis(500);

/// Learns, and says what came into force.
pub fn train(key: &str, url: &str) -> anyhow::Result<()> {
    run(&json!({ "publish": true }), key, url)
}

/// Judges every model, and puts nothing into force.
pub fn backtest(split_at: Option<&str>, key: &str, url: &str) -> anyhow::Result<()> {
    let known = get(key, url)?;
    let names: Vec<&String> = known["known"].as_object().into_iter().flat_map(|known| known.keys()).collect();
    let mut ask = json!({ "publish": false, "models": names });
    if let Some(time) = split_at {
        ask["split_at"] = json!(time);
    }
    run(&ask, key, url)
}

/// Lists the artifacts, after a change where one is asked.
pub fn models(rollback: Option<&str>, withdraw: Option<&str>, key: &str, url: &str) -> anyhow::Result<()> {
    let mut body = get(key, url)?;
    let change = match (rollback, withdraw) {
        (Some(artifact), _) => {
            let list = body["artifacts"].as_array().cloned().unwrap_or_default();
            let one = list.into_iter().find(|one| one["artifact"] == artifact);
            let one = one.ok_or_else(|| anyhow::anyhow!("{artifact} is none of `bespoke models`"))?;
            Some(json!({ "name": one["name"], "artifact": artifact }))
        }
        (None, Some(name)) => Some(json!({ "name": name, "artifact": null })),
        (None, None) => None,
    };
    if let Some(change) = change {
        body = post(&format!("{url}/v1/models/rollback"), &change, key)?;
    }
    for one in body["artifacts"].as_array().into_iter().flatten() {
        let trained = jiff::Timestamp::from_millisecond(one["trained_at_ms"].as_i64().unwrap_or_default())?;
        let mark = if one["in_force"] == true { "in force" } else { "" };
        say(&format!(
            "{} {:<10} {trained:.0}  NDCG@20 {:.4}, popularity {:+.4}  {mark}",
            one["artifact"].as_str().unwrap_or_default(),
            one["name"].as_str().unwrap_or_default(),
            number(&one["backtest"]["ndcg"]),
            number(&one["backtest"]["ahead"]),
        ));
    }
    for why in body["refused"].as_array().into_iter().flatten() {
        say(&format!("refused: {}", why.as_str().unwrap_or_default()));
    }
    Ok(())
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

/// Starts a run, waits for it and shows it.
fn run(ask: &Value, key: &str, url: &str) -> anyhow::Result<()> {
    post(&format!("{url}/v1/models/train"), ask, key)?;
    show(&follow(key, url)?)
}

/// Waits for the run going on; one that failed is an error.
#[allow(clippy::disallowed_methods, reason = "a command that waits for its server")]
pub fn follow(key: &str, url: &str) -> anyhow::Result<Value> {
    let progress = indicatif::ProgressBar::new_spinner();
    let run = loop {
        let body = get(key, url)?;
        let run = &body["run"];
        if run["state"] != "running" {
            break run.clone();
        }
        progress.set_message(format!("{} % {}", run["percent"], run["stage"].as_str().unwrap_or_default()));
        std::thread::sleep(PAUSE);
    };
    progress.finish_and_clear();
    if run["state"] == "failed" {
        anyhow::bail!("{}", run["stage"].as_str().unwrap_or_default());
    }
    Ok(run)
}

fn show(run: &Value) -> anyhow::Result<()> {
    let split = jiff::Timestamp::from_millisecond(run["split_ms"].as_i64().unwrap_or_default())?;
    say(&format!(
        "{} acts; {} shoppers asked what they dealt with from {split:.0} on",
        run["acts"], run["cases"]
    ));
    say(
        "model       recall@20  NDCG@20 (95 %)           beyond popularity        hits   MRR    coverage  seconds",
    );
    let line = |name: &str, judged: &Value, seconds: f64| {
        say(&format!(
            "{name:<11} {:.4}     {:.4} ({:.4} to {:.4})  {:+.4} ({:+.4} to {:+.4})  {:.3}  {:.3}  {:.3}     {seconds:.1}",
            number(&judged["recall"]),
            number(&judged["ndcg"]),
            number(&judged["ndcg_low"]),
            number(&judged["ndcg_high"]),
            number(&judged["ahead"]),
            number(&judged["ahead_low"]),
            number(&judged["ahead_high"]),
            number(&judged["hit_rate"]),
            number(&judged["mrr"]),
            number(&judged["coverage"]),
        ));
    };
    line("popularity", &run["popular"], 0.0);
    let models = run["models"].as_array().cloned().unwrap_or_default();
    for one in models.iter().filter(|one| !one["judged"].is_null()) {
        line(one["name"].as_str().unwrap_or_default(), &one["judged"], number(&one["seconds"]));
    }
    show_outcomes(run);
    Ok(())
}

/// What became of each model, and why.
pub fn show_outcomes(run: &Value) {
    for one in run["models"].as_array().into_iter().flatten() {
        let (name, outcome) =
            (one["name"].as_str().unwrap_or_default(), one["outcome"].as_str().unwrap_or_default());
        let why = one["why"].as_str().filter(|why| !why.is_empty()).map(|why| format!(": {why}"));
        let segments = one["judged"]["segments"].as_object().into_iter().flatten();
        let segments: Vec<String> =
            segments.map(|(segment, of)| format!("{segment} {:.4} ({})", number(&of[0]), of[1])).collect();
        say(&format!("{name}: {outcome}{}; NDCG@20 of {}", why.unwrap_or_default(), segments.join(", ")));
    }
}

fn get(key: &str, url: &str) -> anyhow::Result<Value> {
    let ask = ureq::get(format!("{url}/v1/models")).header("Authorization", format!("Bearer {key}"));
    checked(read(ask.config().http_status_as_error(false).build().call())?)
}

pub fn post(url: &str, body: &Value, key: &str) -> anyhow::Result<Value> {
    let ask = ureq::post(url).header("Authorization", format!("Bearer {key}"));
    checked(read(ask.config().http_status_as_error(false).build().send(body.to_string()))?)
}

fn checked(body: Value) -> anyhow::Result<Value> {
    if body["artifacts"].is_array() { Ok(body) } else { Err(fault(&body)) }
}
