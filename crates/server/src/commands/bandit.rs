//! `bespoke bandit`: what a placement's bandit has learnt of its blocks, of a server that runs, through its API.

use super::super::say;
use super::operate::{fault, read};
use serde_json::Value;

/// Asks, and tells.
pub fn run(placement: &str, json: bool, server: &crate::Server) -> anyhow::Result<()> {
    let ask = ureq::get(format!("{}/v1/placements/{placement}/bandit", server.url))
        .header("Authorization", format!("Bearer {}", server.key));
    let body = read(ask.config().http_status_as_error(false).build().call())?;
    let Some(blocks) = body["blocks"].as_array() else { return Err(fault(&body)) };
    if json {
        say(&body.to_string());
        return Ok(());
    }
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    say(&format!(
        "{}: {} choices, {} waiting for {} minutes to pass, at least {:.0} % each",
        text(&body["placement"]),
        body["choices"],
        body["waiting"],
        body["window_minutes"],
        100.0 * number(&body["floor"])
    ));
    say(&format!(
        "{:<24} {:>9} {:>8} {:>7} {:>8}  {:<28} drawn now",
        "", "shown", "in view", "clicks", "naive", "click rate (95 %)"
    ));
    for block in blocks {
        let rate = &block["click_rate"];
        let percent = |field: &str| 100.0 * number(&rate[field]);
        let rate = if rate.is_object() {
            format!("{:.2} % ({:.2} to {:.2})", percent("estimate"), percent("low"), percent("high"))
        } else {
            "cannot tell yet".to_owned()
        };
        let parts = block["probabilities"].as_array().map_or(&[][..], Vec::as_slice);
        let drawn = |part: &Value| {
            let often = format!("{:.1} %", 100.0 * number(&part["probability"]));
            if parts.len() == 1 { often } else { format!("{} {often}", text(&part["part"])) }
        };
        let drawn: Vec<String> = parts.iter().map(drawn).collect();
        let drawn = if block["is_on"] == true { drawn.join("; ") } else { "not in its time".to_owned() };
        say(&format!(
            "{:<24} {:>9} {:>8} {:>7} {:>7.2}%  {rate:<28} {drawn}",
            text(&block["block"]),
            block["exposures"],
            block["viewed"],
            block["clicks"],
            100.0 * number(&block["naive_click_rate"])
        ));
    }
    say(&text(&body["words"]));
    body["warnings"].as_array().into_iter().flatten().for_each(|one| say(&format!("Note: {}", text(one))));
    Ok(())
}
