//! `bespoke doctor`, `bespoke rollout` and `bespoke settings`: what a server's operators change while it runs, through its API.

use super::super::say;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::path::Path;

/// Largest file that a server sends, in bytes.
const FILE_MAX: u64 = 1 << 30;

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

/// Lists the catalogues before the last imports, after going back to one if that is asked.
pub fn catalog(rollback: Option<u64>, key: &str, url: &str) -> anyhow::Result<()> {
    let bearer = format!("Bearer {key}");
    let body = read(match rollback {
        Some(version) => {
            let ask = ureq::post(format!("{url}/v1/catalog/rollback")).header("Authorization", bearer);
            ask.config().http_status_as_error(false).build().send(json!({ "version": version }).to_string())
        }
        None => {
            let ask = ureq::get(format!("{url}/v1/catalog/versions")).header("Authorization", bearer);
            ask.config().http_status_as_error(false).build().call()
        }
    })?;
    let Some(versions) = body["versions"].as_array() else { return Err(fault(&body)) };
    if rollback.is_some() {
        say(&format!("{} products changed", body["changed"]));
    }
    say(&format!("{} products are offered now; they were, before the last imports:", body["offered"]));
    for one in versions {
        let until = jiff::Timestamp::from_millisecond(one["until_ms"].as_i64().unwrap_or_default())?;
        let mark = if one["completed"] == true { "" } else { "  the import after it broke off" };
        say(&format!("{:>12}  until {until:.0}  {} offered{mark}", one["version"], one["offered"]));
    }
    Ok(())
}

/// Says what is wrong with what the shop sends; warnings first.
pub fn doctor(key: &str, url: &str) -> anyhow::Result<()> {
    let ask = ureq::get(format!("{url}/v1/doctor")).header("Authorization", format!("Bearer {key}"));
    let body = read(ask.config().http_status_as_error(false).build().call())?;
    let Some(findings) = body["findings"].as_array() else { return Err(fault(&body)) };
    let days = body["days"].as_f64().unwrap_or_default();
    say(&format!("{} entries of the log, {days:.1} days of events", body["entries"]));
    for one in body["alarms"].as_array().into_iter().flatten() {
        let (text, fix) = (one["text"].as_str().unwrap_or_default(), one["fix"].as_str().unwrap_or_default());
        say(&format!("ALARM    {text}\n         → {fix}"));
    }
    for level in ["warning", "ok", "unknown"] {
        for one in findings.iter().filter(|one| one["level"] == level) {
            let (text, fix) =
                (one["text"].as_str().unwrap_or_default(), one["fix"].as_str().unwrap_or_default());
            say(&format!("{level:<8} {text}"));
            if !fix.is_empty() {
                say(&format!("         → {fix}"));
            }
        }
    }
    Ok(())
}

pub fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<Value> {
    let text = answer.context("no answer from the server")?.body_mut().read_to_string()?;
    serde_json::from_str(&text).context("the answer is not JSON")
}

/// Writes an answer that is a file, or says what is wrong.
pub fn save(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    file: &Path,
) -> anyhow::Result<()> {
    let text = text(answer)?;
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// The text of an answer, or what is wrong.
pub fn text(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<String> {
    let mut answer = answer.context("no answer from the server")?;
    let text = answer.body_mut().with_config().limit(FILE_MAX).read_to_string()?;
    if !answer.status().is_success() {
        return Err(fault(&serde_json::from_str(&text).unwrap_or_default()));
    }
    Ok(text)
}

pub fn fault(body: &Value) -> anyhow::Error {
    // It names the field.
    let detail = body["detail"].as_str().unwrap_or_default();
    anyhow::anyhow!("{}: {detail}", body["title"].as_str().unwrap_or("error"))
}

fn show(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<()> {
    let body = read(answer)?;
    let Some(versions) = body["versions"].as_array() else { return Err(fault(&body)) };
    for one in versions {
        let put = jiff::Timestamp::from_millisecond(one["put_at_ms"].as_i64().unwrap_or_default())?;
        let mark = if one["in_force"] == true { "  in force" } else { "" };
        say(&format!("{:>12}  {put:.0}{mark}", one["version"]));
    }
    Ok(())
}
