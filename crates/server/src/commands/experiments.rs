//! `bespoke experiments`: what is compared and what it says so far, of a server that runs, through its API.

use super::super::say;
use super::operate::{fault, read};
use anyhow::Context as _;
use serde_json::Value;
use std::path::PathBuf;

/// What is asked.
#[derive(clap::Args)]
pub struct Experiments {
    /// The experiment; `holdout` is the holdout. All of them where none is named.
    name: Option<String>,
    /// Say what it would need instead: units and days to see the change that matters.
    #[arg(long, requires = "name")]
    plan: bool,
    /// A definition (JSON, with the fields of `[[experiment]]`) to begin it with, or to plan for.
    #[arg(long, value_name = "FILE", requires = "name")]
    set: Option<PathBuf>,
    /// Stop it: everyone gets the control.
    #[arg(long, requires = "name", conflicts_with_all = ["plan", "set"])]
    stop: bool,
    /// Take it out; it must be stopped.
    #[arg(long, requires = "name", conflicts_with_all = ["plan", "set", "stop"])]
    remove: bool,
    /// Of the holdout: what personalization added in a month, such as 2026-10, or in all of them.
    #[arg(long, value_name = "MONTH|all", requires = "name", conflicts_with_all = ["plan", "set", "stop", "remove"])]
    month: Option<String>,
    /// Write the months to this file.
    #[arg(long, value_name = "FILE", requires = "month")]
    csv: Option<PathBuf>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: crate::Server,
}

/// Asks, and tells.
pub fn run(asked: &Experiments) -> anyhow::Result<()> {
    let base = format!("{}/v1/experiments", asked.server.url);
    let path = asked.name.as_ref().map_or(base.clone(), |name| format!("{base}/{name}"));
    if let Some(month) = &asked.month {
        return months(asked, month, &path);
    }
    let definition = asked.set.as_ref().map(|path| {
        std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
    });
    let definition = definition.transpose()?;
    let bearer = format!("Bearer {}", asked.server.key);
    let ask = |path: String| ureq::get(path).header("Authorization", &bearer);
    let body = match (asked.plan, asked.stop, definition) {
        (true, _, Some(text)) => {
            let ask = ureq::post(format!("{path}/plan")).header("Authorization", &bearer);
            read(ask.config().http_status_as_error(false).build().send(text))?
        }
        (true, _, None) => {
            read(ask(format!("{path}/plan")).config().http_status_as_error(false).build().call())?
        }
        (false, true, _) => {
            let ask = ureq::post(format!("{path}/stop")).header("Authorization", &bearer);
            read(ask.config().http_status_as_error(false).build().send_empty())?
        }
        (false, false, Some(text)) => {
            let ask = ureq::put(path).header("Authorization", &bearer);
            read(ask.config().http_status_as_error(false).build().send(text))?
        }
        (false, false, None) if asked.remove => {
            let ask = ureq::delete(path).header("Authorization", &bearer);
            read(ask.config().http_status_as_error(false).build().call())?
        }
        (false, false, None) => read(ask(path).config().http_status_as_error(false).build().call())?,
    };
    if body["detail"].is_string() {
        return Err(fault(&body));
    }
    match (&body, asked.json) {
        (_, true) => say(&body.to_string()),
        (_, false) if body["advice"].is_string() => show_plan(&body),
        (_, false) if body["experiments"].is_array() => {
            let all = body["experiments"].as_array().map_or(&[][..], Vec::as_slice);
            if all.is_empty() {
                say(
                    "Nothing is compared: no shopper is held out, and there is no experiment (docs/experiments.md).",
                );
            }
            all.iter().for_each(show_line);
        }
        (_, false) => show(&body),
    }
    Ok(())
}

/// Tells what the holdout says of a month, or of all.
fn months(asked: &Experiments, month: &str, path: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        asked.name.as_deref() == Some("holdout"),
        "--month is of the holdout: `bespoke experiments holdout --month {month}`"
    );
    let query = if month == "all" { String::new() } else { format!("?month={month}") };
    let kind = if asked.csv.is_some() { "months.csv" } else { "months" };
    let ask = ureq::get(format!("{path}/{kind}{query}"))
        .header("Authorization", format!("Bearer {}", asked.server.key));
    let answer = ask.config().http_status_as_error(false).build().call();
    if let Some(file) = &asked.csv {
        return super::operate::save(answer, file);
    }
    let body = read(answer)?;
    let Some(all) = body["months"].as_array() else { return Err(fault(&body)) };
    if asked.json {
        say(&body.to_string());
        return Ok(());
    }
    for one in all {
        say(&format!(
            "{}, epoch {}: {} held out, {} with personalization, money in {}",
            text(&one["month"]),
            one["epoch"],
            one["held"],
            one["personalized"],
            text(&body["currency"])
        ));
        say(text(&one["words"]));
        let metrics = one["metrics"].as_array().map_or(&[][..], Vec::as_slice);
        if !metrics.is_empty() {
            say(&format!(
                "{:<14} {:>12} {:>12}  {:<34} {:>8}",
                "", "held out", "personalized", "change (95 %)", "p"
            ));
        }
        metrics.iter().for_each(|metric| say(&line(text(&metric["metric"]), metric)));
        say("");
    }
    if all.is_empty() {
        say("Nobody was held out yet.");
    }
    Ok(())
}

fn show_line(one: &Value) {
    let state = if one["is_on"] == true { "on" } else { "stopped" };
    let (name, metric) = (text(&one["experiment"]), text(&one["metric"]));
    say(&format!("{name:<24} {state:<8} {metric:<14} {:>6.1} days", number(&one["days"])));
    let preferred = one.get("preference").filter(|told| told.is_object());
    for result in one["results"].as_array().into_iter().flatten().chain(preferred) {
        say(&format!("    {:<20} {}", text(&result["arm"]), text(&result["words"])));
    }
}

/// One experiment, with every number.
pub fn show(one: &Value) {
    say(&format!(
        "{}, by {}, epoch {}, {:.1} days",
        text(&one["experiment"]),
        text(&one["unit"]),
        one["epoch"],
        number(&one["days"])
    ));
    for arm in one["arms"].as_array().into_iter().flatten() {
        let line =
            format!("{:<20} {:>6.2} %  {:>9} units", text(&arm["arm"]), number(&arm["share"]), arm["units"]);
        say(&line);
    }
    let left = &one["left_out"];
    say(&format!(
        "left out: {} from an earlier epoch, {} spoken for by programs, {} without room; {} were in two arms and count in their own",
        left["carried"], left["programs"], left["ignored"], one["crossed"]
    ));
    if one["mismatch"] == true {
        say(&format!(
            "The arms did not get their shares (p = {:.1e}): no number can be believed.",
            number(&one["mismatch_p"])
        ));
    }
    if let Some(why) = one["stopped_for"].as_str().filter(|why| !why.is_empty()) {
        say(&format!("Stopped: {why}"));
    }
    if let Some(warning) = one["warning"].as_str() {
        say(&format!("Warning: {warning}"));
    }
    show_preference(&one["preference"]);
    for result in one["results"].as_array().into_iter().flatten() {
        say(&format!("\n{}: {}", text(&result["arm"]), text(&result["words"])));
        say(&format!("{:<14} {:>12} {:>12}  {:<34} {:>8}", "", "control", "treated", "change (95 %)", "p"));
        for metric in result["metrics"].as_array().into_iter().flatten() {
            say(&line(text(&metric["metric"]), metric));
        }
        for segment in result["segments"].as_array().into_iter().flatten() {
            say(&line(&format!("  {}", text(&segment["segment"])), &segment["compared"]));
        }
    }
}

fn show_preference(told: &Value) {
    if !told.is_object() {
        return;
    }
    say(&format!("\n{}: {}", text(&told["arm"]), text(&told["words"])));
    say(&format!(
        "shoppers: {} prefer it, {} the control, {} neither; lists: {} won, {} lost",
        told["units_won"], told["units_lost"], told["units_tied"], told["lists_won"], told["lists_lost"]
    ));
    let (range, p) = (&told["preference"], number(&told["p"]));
    if range.is_object() {
        let percent = |field: &str| 100.0 * number(&range[field]);
        let (low, high) = (percent("low"), percent("high"));
        say(&format!("preference {:+.1} % ({low:+.1} to {high:+.1}), p = {p:.4}", percent("estimate")));
    }
}

fn line(name: &str, metric: &Value) -> String {
    let known = |field: &str| metric[field].as_f64().map_or("–".to_owned(), |value| format!("{value:.4}"));
    let relative = &metric["relative"];
    let change = if relative.is_object() {
        let percent = |field: &str| 100.0 * number(&relative[field]);
        format!("{:+.1} % ({:+.1} to {:+.1})", percent("estimate"), percent("low"), percent("high"))
    } else if metric["difference"].is_null() {
        "no units".to_owned()
    } else {
        let of = |field: &str| number(&metric["difference"][field]);
        format!("{:+.4} ({:+.4} to {:+.4})", of("estimate"), of("low"), of("high"))
    };
    let (control, treated, p) = (known("control"), known("treated"), known("p"));
    format!("{name:<14} {control:>12} {treated:>12}  {change:<34} {p:>8}")
}

/// A plan.
pub fn show_plan(plan: &Value) {
    say(&format!(
        "{}: {} is {:.4} now, of {:.0} units a day",
        text(&plan["experiment"]),
        text(&plan["metric"]),
        number(&plan["base"]),
        number(&plan["units_a_day"])
    ));
    let days = plan["days"].as_u64().map_or_else(|| "never".to_owned(), |days| format!("{days} days"));
    say(&format!(
        "units for a change of {:.1} %: {:.0} ({days})",
        100.0 * number(&plan["effect"]),
        number(&plan["units"])
    ));
    say(text(&plan["advice"]));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_no_units_nothing_is_said() {
        let none = json!({"metric": "orders", "control": 0.25, "treated": null, "difference": null, "relative": null, "p": null});
        assert_eq!(
            line("  new", &none),
            "  new                0.2500            –  no units                                  –"
        );
        let some = json!({"control": 0.25, "treated": 0.5, "difference": {"estimate": 0.25, "low": 0.1, "high": 0.4}, "relative": null, "p": 0.01});
        assert_eq!(
            line("orders", &some),
            "orders               0.2500       0.5000  +0.2500 (+0.1000 to +0.4000)         0.0100"
        );
    }
}
