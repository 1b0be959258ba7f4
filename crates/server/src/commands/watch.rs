//! `bespoke watch`: what is looked at every day and how it stands, of a server that runs, through its API.

use super::super::say;
use super::operate::{fault, read};
use serde_json::Value;

/// What is asked.
#[derive(clap::Args)]
pub struct Watch {
    /// Only this watch, with its days.
    name: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: crate::Server,
}

/// Asks, and tells.
pub fn run(asked: &Watch) -> anyhow::Result<()> {
    let path = asked.name.as_ref().map_or_else(|| "watch".to_owned(), |name| format!("watch/{name}"));
    let ask = ureq::get(format!("{}/v1/{path}", asked.server.url))
        .header("Authorization", format!("Bearer {}", asked.server.key));
    let body = read(ask.config().http_status_as_error(false).build().call())?;
    if body["watches"].is_null() && body["of"].is_null() {
        return Err(fault(&body));
    }
    if asked.json {
        say(&body.to_string());
    } else if asked.name.is_some() {
        one(&body);
    } else {
        all(&body);
    }
    Ok(())
}

fn all(body: &Value) {
    say(&format!("the newest day looked at: {}", body["day"].as_str().unwrap_or("none yet")));
    for watch in body["watches"].as_array().into_iter().flatten() {
        say(&format!("{:<9}{:<19}{}", text(&watch["state"]), text(&watch["name"]), text(&watch["doc"])));
        raised(watch);
    }
    let webhook = &body["webhook"];
    let failure = text(&webhook["last_failure"]);
    let failure = if failure.is_empty() { String::new() } else { format!("; last: {failure}") };
    say(&format!("webhook {}, {} waiting{failure}", text(&webhook["state"]), webhook["pending"]));
}

fn raised(watch: &Value) {
    let of = watch["of"].as_array().into_iter().flatten();
    let mut is_any = false;
    for one in of.filter(|one| one["state"] == "raised") {
        say(&format!("ALARM    since {}: {}", text(&one["since"]), text(&one["text"])));
        is_any = true;
    }
    if is_any {
        say(&format!("         → {}\n         but: {}", text(&watch["fix"]), text(&watch["doubt"])));
    }
}

fn one(watch: &Value) {
    let part = |field: &str| text(&watch[field]).to_owned();
    say(&format!("{}: {}\n{}", part("name"), part("state"), part("doc")));
    say(&format!("what to do: {}\nwhen not to trust it: {}", part("fix"), part("doubt")));
    for one in watch["of"].as_array().into_iter().flatten() {
        say(&format!("\n{} {}", text(&one["state"]), text(&one["of"])));
        let days = one["days"].as_array().map_or(&[][..], Vec::as_slice);
        if !days.is_empty() {
            say(&format!(
                "{:<12}{:>10}{:>12}{:>12}{:>12}{:>12}",
                "day", "cases", "value", "usual", "low", "high"
            ));
        }
        for day in days {
            let cell =
                |field: &str| day[field].as_f64().map_or("–".to_owned(), |value| format!("{value:.4}"));
            let cells: String =
                ["value", "usual", "low", "high"].map(|field| format!("{:>12}", cell(field))).concat();
            say(&format!("{:<12}{:>10}{cells}", text(&day["day"]), day["cases"]));
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
