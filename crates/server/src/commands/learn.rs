//! `bespoke train`, `bespoke backtest` and `bespoke models`: learning on a server that runs, through its API.

use super::super::{Server, say};
use super::operate::{fault, read};
use super::table;
use serde_json::{Value, json};
use std::time::Duration;

/// Between two looks at a run.
const PAUSE: Duration = Duration::from_millis(500);

/// What is asked of the past.
#[derive(clap::Args)]
pub struct Backtest {
    /// What came from this moment on is asked (RFC 3339); without it, the last fifth of all acts.
    #[arg(long)]
    split_at: Option<String>,
    /// Judge this placement on occasions of the past, beside popularity and what is set by hand; without it, each model by itself.
    #[arg(long)]
    placement: Option<String>,
    /// The page on which the placement is asked: home (the start of a visit), product or cart; without it, by the first word of its name.
    #[arg(long, requires = "placement")]
    page: Option<String>,
    /// Ask nothing that came from this moment on (RFC 3339): for choosing weights without a look at the last part of the history.
    #[arg(long, requires = "placement")]
    until: Option<String>,
    /// Only these models.
    #[arg(long, value_delimiter = ',')]
    models: Vec<String>,
    /// Print all of it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Learns, and says what came into force.
pub fn train(key: &str, url: &str) -> anyhow::Result<()> {
    show(&run(&json!({ "publish": true }), key, url)?["run"])
}

/// Judges models or a placement, and puts nothing into force.
pub fn backtest(asked: &Backtest) -> anyhow::Result<()> {
    let (key, url) = (asked.server.key.as_str(), asked.server.url.as_str());
    let mut ask = json!({ "publish": false, "models": asked.models });
    if asked.models.is_empty() && asked.placement.is_none() {
        let known = get(key, url)?;
        let names = known["known"].as_object().into_iter().flat_map(|known| known.keys());
        ask["models"] = names.map(String::as_str).collect();
    }
    for (name, value) in [
        ("split_at", &asked.split_at),
        ("until", &asked.until),
        ("placement", &asked.placement),
        ("page", &asked.page),
    ] {
        if let Some(value) = value {
            ask[name] = json!(value);
        }
    }
    let body = run(&ask, key, url)?;
    let told = match &asked.placement {
        Some(placement) => &body["backtests"][placement],
        None => &body["run"],
    };
    match (asked.json, &asked.placement) {
        (true, _) => say(&serde_json::to_string_pretty(told)?),
        (false, Some(_)) => say(table::of(told)?.trim_end()),
        (false, None) => show(told)?,
    }
    Ok(())
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
        let judged = &one["backtest"];
        let worth = if judged["cases"].as_u64().unwrap_or_default() == 0 {
            // Such as vectors of words, which recommend nothing by themselves.
            "NDCG@20 –".to_owned()
        } else {
            format!("NDCG@20 {:.4}, popularity {:+.4}", number(&judged["ndcg"]), number(&judged["ahead"]))
        };
        say(&format!(
            "{} {:<10} {trained:.0}  {worth}, {:.0} bytes a product  {mark}",
            one["artifact"].as_str().unwrap_or_default(),
            one["name"].as_str().unwrap_or_default(),
            number(&one["bytes"]) / number(&one["size"][1]).max(1.0),
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

/// Starts a run and waits for it; what there is of models then.
fn run(ask: &Value, key: &str, url: &str) -> anyhow::Result<Value> {
    post(&format!("{url}/v1/models/train"), ask, key)?;
    follow(key, url)
}

/// Waits for the run going on, and gives what there is of models then; a run that failed is an error.
#[allow(clippy::disallowed_methods, reason = "a command that waits for its server")]
pub fn follow(key: &str, url: &str) -> anyhow::Result<Value> {
    let progress = indicatif::ProgressBar::new_spinner();
    let body = loop {
        let body = get(key, url)?;
        let run = &body["run"];
        if run["state"] != "running" {
            break body;
        }
        progress.set_message(format!("{} % {}", run["percent"], run["stage"].as_str().unwrap_or_default()));
        std::thread::sleep(PAUSE);
    };
    progress.finish_and_clear();
    if body["run"]["state"] == "failed" {
        anyhow::bail!("{}", body["run"]["stage"].as_str().unwrap_or_default());
    }
    Ok(body)
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
    let judged = || models.iter().filter(|one| !one["judged"].is_null() && one["learnt_from"] == "");
    for one in judged() {
        line(name_of(one), &one["judged"], number(&one["seconds"]));
    }
    show_outcomes(run);
    say("model       revenue@20  novelty  diversity  popularity  Gini of exposure");
    let breadth = |name: &str, judged: &Value| {
        let of = |field: &str| number(&judged[field]);
        let (revenue, novelty, gini) = (of("revenue"), of("novelty"), of("gini"));
        let (diversity, popularity) = (of("diversity"), of("popularity"));
        say(&format!(
            "{name:<11} {revenue:.4}      {novelty:5.2}    {diversity:.3}      {popularity:.3}       {gini:.3}"
        ));
    };
    breadth("popularity", &run["popular"]);
    judged().for_each(|one| breadth(name_of(one), &one["judged"]));
    Ok(())
}

fn name_of(one: &Value) -> &str {
    one["name"].as_str().unwrap_or_default()
}

/// What became of each model, and why.
pub fn show_outcomes(run: &Value) {
    for one in run["models"].as_array().into_iter().flatten() {
        let (name, outcome) = (name_of(one), one["outcome"].as_str().unwrap_or_default());
        let why = one["why"].as_str().filter(|why| !why.is_empty()).map(|why| format!(": {why}"));
        let why = why.unwrap_or_default();
        if let Some(from) = one["learnt_from"].as_str().filter(|from| !from.is_empty()) {
            say(&format!("{name}: {outcome}{why}; {}", of_ranker(one, from)));
            continue;
        }
        let segments = one["judged"]["segments"].as_object().into_iter().flatten();
        let segments: Vec<String> =
            segments.map(|(segment, of)| format!("{segment} {:.4} ({})", number(&of[0]), of[1])).collect();
        let segments =
            if segments.is_empty() { "–".to_owned() } else { format!("of {}", segments.join(", ")) };
        say(&format!("{name}: {outcome}{why}; NDCG@20 {segments}"));
    }
}

/// What a ranker was worth.
fn of_ranker(one: &Value, from: &str) -> String {
    let of = |field: &str| number(&one["judged"][field]);
    let heads = one["calibration"].as_object().into_iter().flatten();
    let heads: Vec<String> = heads.map(|(head, error)| format!("{head} {:.4}", number(error))).collect();
    format!(
        "from {from}; NDCG {:.4} ({:.4} to {:.4}), beyond the order set by hand {:+.4} ({:+.4} to {:+.4}), {} cases, {:.1} s; calibration error: {}",
        of("ndcg"),
        of("ndcg_low"),
        of("ndcg_high"),
        of("ahead"),
        of("ahead_low"),
        of("ahead_high"),
        one["judged"]["cases"],
        number(&one["seconds"]),
        heads.join(", "),
    )
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
