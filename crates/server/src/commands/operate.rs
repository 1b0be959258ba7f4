//! `bespoke rollout` and `bespoke settings`: what a server's operators change while it runs, through its API.

use super::super::say;
use anyhow::Context as _;
use serde_json::{Value, json};

/// Rolls a placement out to a share of shoppers.
pub fn roll_out(placement: &str, percent: u8, key: &str, url: &str) -> anyhow::Result<()> {
    let path = format!("{url}/v1/placements/{placement}");
    let body = json!({ "rollout": percent }).to_string();
    show(
        ureq::patch(path)
            .header("Authorization", format!("Bearer {key}"))
            .config()
            .http_status_as_error(false)
            .build()
            .send(body),
    )
}

/// Lists the versions of the settings, after going back to one if that is asked.
pub fn settings(rollback: Option<u64>, key: &str, url: &str) -> anyhow::Result<()> {
    let bearer = format!("Bearer {key}");
    show(match rollback {
        Some(version) => {
            let ask = ureq::post(format!("{url}/v1/settings/rollback")).header("Authorization", bearer);
            ask.config().http_status_as_error(false).build().send(json!({ "version": version }).to_string())
        }
        None => {
            let ask = ureq::get(format!("{url}/v1/settings/versions")).header("Authorization", bearer);
            ask.config().http_status_as_error(false).build().call()
        }
    })
}

fn show(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<()> {
    let text = answer.context("no answer from the server")?.body_mut().read_to_string()?;
    let body: Value = serde_json::from_str(&text).context("the answer is not JSON")?;
    let Some(versions) = body["versions"].as_array() else {
        let fault = &body["errors"][0];
        let detail = fault["detail"].as_str().or(body["detail"].as_str()).unwrap_or_default();
        anyhow::bail!("{}: {detail}", body["title"].as_str().unwrap_or("error"));
    };
    for one in versions {
        let put = jiff::Timestamp::from_millisecond(one["put_at_ms"].as_i64().unwrap_or_default())?;
        let mark = if one["in_force"] == true { "  in force" } else { "" };
        say(&format!("{:>12}  {put:.0}{mark}", one["version"]));
    }
    Ok(())
}
