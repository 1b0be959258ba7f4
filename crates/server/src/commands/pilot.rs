//! `bespoke pilot`: whether a placement is worth having: begin, look, end, of a server that runs, through its API.

use super::super::say;
use super::experiments::{show, show_plan};
use super::operate::{fault, read};
use serde_json::{Value, json};

/// What is asked.
#[derive(clap::Args)]
pub struct Pilot {
    /// The placement.
    placement: String,
    /// Begin one that this metric decides, such as conversion or margin.
    #[arg(long)]
    metric: Option<String>,
    /// The least change that would matter, as a share.
    #[arg(long, requires = "metric")]
    effect: Option<f64>,
    /// Days that it may take; as many as it needs where none are named.
    #[arg(long, requires = "metric")]
    days: Option<u32>,
    /// The placement that it is held against; what is popular where none is named.
    #[arg(long, requires = "metric")]
    against: Option<String>,
    /// Begin it even where the plan says that it will not get an answer.
    #[arg(long, requires = "metric")]
    anyway: bool,
    /// End it, and give everyone this from then on: placement or baseline.
    #[arg(long, conflicts_with = "metric")]
    keep: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: crate::Server,
}

/// Asks, and tells.
pub fn run(asked: &Pilot) -> anyhow::Result<()> {
    let path = format!("{}/v1/pilots/{}", asked.server.url, asked.placement);
    let bearer = format!("Bearer {}", asked.server.key);
    let post = |path: String, body: &Value| {
        let ask = ureq::post(path).header("Authorization", &bearer);
        read(ask.config().http_status_as_error(false).build().send(body.to_string()))
    };
    let body = match (&asked.metric, &asked.keep) {
        (Some(metric), _) => {
            let (effect, days, against) = (asked.effect, asked.days, &asked.against);
            let body = json!({"metric": metric, "effect": effect, "days": days, "against": against, "anyway": asked.anyway});
            post(path, &body)?
        }
        (None, Some(keep)) => post(format!("{path}/end"), &json!({ "keep": keep }))?,
        (None, None) => {
            let ask = ureq::get(path).header("Authorization", &bearer);
            read(ask.config().http_status_as_error(false).build().call())?
        }
    };
    if !body["answer"].is_string() {
        return Err(fault(&body));
    }
    if asked.json {
        say(&body.to_string());
        return Ok(());
    }
    if body["plan"].is_object() {
        show_plan(&body["plan"]);
    }
    show(&body["experiment"]);
    say(&format!("\n{}", body["words"].as_str().unwrap_or_default()));
    Ok(())
}
