//! `bespoke tune`: a search for better values of models' parameters, on a server that runs, through its API.

use super::super::say;
use super::learn::{follow, number, post, show_outcomes};
use serde_json::{Value, json};

/// Searches, and shows every setting that was tried, what was chosen and why.
pub fn tune(models: &[String], minutes: u32, apply: bool, (key, url): (&str, &str)) -> anyhow::Result<()> {
    post(
        &format!("{url}/v1/models/tune"),
        &json!({ "models": models, "minutes": minutes, "apply": apply }),
        key,
    )?;
    let body = follow(key, url)?;
    let run = &body["run"];
    for one in run["tuned"].as_array().into_iter().flatten() {
        show(one);
    }
    show_outcomes(run);
    Ok(())
}

fn show(tuned: &Value) {
    let text = |field: &str| tuned[field].as_str().unwrap_or_default().to_owned();
    let (in_force, chosen) = (&tuned["in_force"], &tuned["chosen"]);
    say(&format!("\n{}: on the validation split", text("name")));
    say("NDCG@20 (95 %)             seconds  setting");
    for tried in tuned["tried"].as_array().into_iter().flatten() {
        let mark = match &tried["values"] {
            values if values == in_force => "  (in force)",
            values if values == chosen => "  (chosen)",
            _ => "",
        };
        if let Some(why) = tried["why"].as_str().filter(|why| !why.is_empty()) {
            say(&format!("{:<35} {}: {why}", "not fitted", setting(&tried["values"])));
            continue;
        }
        say(&format!(
            "{:.4} ({:.4} to {:.4})  {:>7.1}  {}{mark}",
            number(&tried["ndcg"]),
            number(&tried["ndcg_low"]),
            number(&tried["ndcg_high"]),
            number(&tried["seconds"]),
            setting(&tried["values"]),
        ));
    }
    say(&format!("{}: {}; {}", text("name"), text("outcome"), text("why")));
    match text("outcome").as_str() {
        "applied" => say(&format!(
            "In force now, until the placement file says something else under [models]; write into it:\n{}",
            text("toml")
        )),
        "better" => say(&format!("For the placement file, or `--apply`:\n{}", text("toml"))),
        _ => {}
    }
}

fn setting(values: &Value) -> String {
    let values = values.as_object().into_iter().flatten();
    values.map(|(name, value)| format!("{name} {}", number(value))).collect::<Vec<_>>().join(", ")
}
