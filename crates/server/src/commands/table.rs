//! A placement's backtest as a table for a terminal 120 columns wide.

use serde_json::Value;
use std::fmt::Write as _;

/// Measures with intervals, in the placement's slots and in 20: field and heading.
const MEANS: [(&str, &str); 5] = [
    ("hit_rate", "hit rate"),
    ("recall", "recall"),
    ("ndcg", "NDCG"),
    ("mrr", "MRR"),
    ("revenue", "revenue"),
];
/// What is shown, whether right or not.
const BREADTH: [(&str, &str); 4] = [
    ("ndcg_new", "NDCG, new to them"),
    ("novelty", "novelty, bits"),
    ("diversity", "diversity"),
    ("popularity", "popularity"),
];

/// The table.
///
/// # Errors
/// When there is no such backtest.
pub fn of(told: &Value) -> anyhow::Result<String> {
    anyhow::ensure!(told["arms"].is_array(), "the server has no backtest of this placement");
    let mut out = String::new();
    let split = jiff::Timestamp::from_millisecond(told["split_ms"].as_i64().unwrap_or_default())?;
    let (page, slots) = (text(&told["page"]), &told["slots"]);
    writeln!(
        out,
        "{}, asked on {} occasions of {} shoppers from {split:.0} on ({page}); values with 95 % intervals, {:.0} s",
        text(&told["placement"]),
        told["cases"],
        told["shoppers"],
        number(&told["seconds"]),
    )?;
    let arms = told["arms"].as_array().map_or(&[][..], Vec::as_slice);
    means(&mut out, &format!("in {slots} slots"), "", arms)?;
    means(&mut out, "in 20", "_20", arms)?;
    beyond(&mut out, arms)?;
    breadth(&mut out, arms)?;
    segments(&mut out, arms)?;
    for remark in told["remarks"].as_array().into_iter().flatten() {
        writeln!(out, "\nNote: {}", text(remark))?;
    }
    Ok(out)
}

fn means(out: &mut String, title: &str, suffix: &str, arms: &[Value]) -> std::fmt::Result {
    write!(out, "\n{title:<13}")?;
    MEANS.iter().try_for_each(|(_, heading)| write!(out, " {heading:<20}"))?;
    writeln!(out)?;
    for arm in arms {
        write!(out, "{:<13}", text(&arm["arm"]))?;
        for (name, _) in MEANS {
            write!(out, " {:<20}", spread(&arm["measures"][format!("{name}{suffix}")], false))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// By how much each arm is ahead of the two simpler ones, on the same cases.
fn beyond(out: &mut String, arms: &[Value]) -> std::fmt::Result {
    let columns = [("beyond_popular", "popular"), ("beyond_hand_set", "hand-set")];
    write!(out, "\n{:<13}", "ahead of")?;
    for (_, of) in columns {
        write!(out, " {:<26} {:<25}", format!("{of}: NDCG"), format!("{of}: revenue"))?;
    }
    writeln!(out)?;
    for arm in arms.iter().skip(1) {
        write!(out, "{:<13}", text(&arm["arm"]))?;
        for (field, _) in columns {
            let of = |measure: &str| spread(&arm["measures"][measure][field], true);
            write!(out, " {:<26} {:<25}", of("ndcg"), of("revenue"))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn breadth(out: &mut String, arms: &[Value]) -> std::fmt::Result {
    write!(out, "\n{:<13}", "what it shows")?;
    BREADTH.iter().try_for_each(|(_, heading)| write!(out, " {heading:<20}"))?;
    writeln!(out, " {:<9} Gini", "coverage")?;
    for arm in arms {
        write!(out, "{:<13}", text(&arm["arm"]))?;
        for (name, _) in BREADTH {
            write!(out, " {:<20}", spread(&arm["measures"][name], false))?;
        }
        writeln!(out, " {:<9.3} {:.3}", number(&arm["coverage"]), number(&arm["gini"]))?;
    }
    Ok(())
}

fn segments(out: &mut String, arms: &[Value]) -> std::fmt::Result {
    write!(out, "\n{:<28} {:>6}", "NDCG by segment", "cases")?;
    arms.iter().try_for_each(|arm| write!(out, "  {:<19}", text(&arm["arm"])))?;
    writeln!(out)?;
    let first = arms.first().and_then(|arm| arm["segments"].as_array());
    for (number, segment) in first.into_iter().flatten().enumerate() {
        let name: String = text(&segment["segment"]).chars().take(28).collect();
        write!(out, "{name:<28} {:>6}", segment["cases"].to_string())?;
        for arm in arms {
            write!(out, "  {:<19}", spread(&arm["segments"][number]["ndcg"], false))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// `.123 (.101 to .145)`, with signs where it is a difference; `–` where there is none.
fn spread(value: &Value, is_difference: bool) -> String {
    if value.is_null() {
        return "–".to_owned();
    }
    let [mean, low, high] = ["value", "low", "high"].map(|field| number(&value[field]));
    if is_difference {
        return format!("{mean:+.4} ({low:+.4}, {high:+.4})");
    }
    // Shares need no digit before the point, and bits do.
    let short = |value: f64| format!("{value:.3}").trim_start_matches('0').to_owned();
    if high > 1.0 {
        return format!("{mean:.2} ({low:.2}, {high:.2})");
    }
    format!("{} ({}, {})", short(mean), short(low), short(high))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
