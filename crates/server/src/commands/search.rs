//! `bespoke search`: what a server that runs finds for some words, as a shopper would see it, in the terminal.

use super::super::say;
use super::operate::{fault, read};
use serde_json::Value;
use std::fmt::Write as _;

/// Values shown of a facet.
const VALUES_SHOWN: usize = 8;
/// Longest title shown.
const TITLE_WIDTH: usize = 48;

/// What is asked.
#[derive(clap::Args)]
pub struct Search {
    /// The words.
    words: String,
    /// Results on a page.
    #[arg(short, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    n: u16,
    /// The page, from 1.
    #[arg(long, default_value_t = 1)]
    page: u32,
    /// What everything shown must be like: `price < 50 AND NOT category:'Sale'`.
    #[arg(long)]
    filter: Option<String>,
    /// Narrow by a facet: brand=Acme, price=5..10; more than once for several.
    #[arg(long, value_name = "FACET=VALUE", value_parser = refinement)]
    refine: Vec<(String, String)>,
    /// relevance, price_asc, price_desc, newest, rating or popular.
    #[arg(long)]
    sort: Option<String>,
    /// The language that the page is read in: de, de-AT.
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,
    /// Correct nothing.
    #[arg(long)]
    literal: bool,
    /// The customer who searches.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: crate::Server,
}

fn refinement(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((facet, value)) if !facet.is_empty() && !value.is_empty() => {
            Ok((format!("refine.{facet}"), value.to_owned()))
        }
        _ => Err("must be a facet and a value: brand=Acme, or price=5..10".to_owned()),
    }
}

/// Searches, and tells what was found.
pub fn run(asked: &Search) -> anyhow::Result<()> {
    let mut ask = ureq::get(format!("{}/v1/search", asked.server.url))
        .header("Authorization", format!("Bearer {}", asked.server.key))
        .query("q", &asked.words)
        .query("n", asked.n.to_string())
        .query("page", asked.page.to_string());
    let optional = [
        ("filter", &asked.filter),
        ("sort", &asked.sort),
        ("locale", &asked.locale),
        ("user_id", &asked.user),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            ask = ask.query(name, value);
        }
    }
    for (facet, value) in &asked.refine {
        ask = ask.query(facet, value);
    }
    if asked.literal {
        ask = ask.query("literal", "true");
    }
    let body = read(ask.config().http_status_as_error(false).build().call())?;
    if body["request_id"].is_null() {
        return Err(fault(&body));
    }
    say(if asked.json { body.to_string() } else { table(&body) }.trim_end());
    Ok(())
}

/// How the words were taken, the results, and what they can be narrowed by.
fn table(body: &Value) -> String {
    let mut out = String::new();
    let query = &body["query"];
    line(
        &mut out,
        &format!("{} match {}, page {} of {}", body["total"], query["text"], body["page"], body["pages"]),
    );
    if let Some(corrected) = query["corrected"].as_str() {
        line(&mut out, &format!("searched for {corrected:?} instead; --literal searches for what was typed"));
    }
    for (field, said) in [("given_up", "not in all of them"), ("unknown", "no product has")] {
        let words = words(&query[field]);
        if !words.is_empty() {
            line(&mut out, &format!("{said}: {}", words.join(", ")));
        }
    }
    if let Some(by_meaning) = query["by_meaning"].as_u64().filter(|count| *count > 0) {
        line(&mut out, &format!("{by_meaning} of them by meaning: they lack the words"));
    }
    for one in query["understood"].as_array().into_iter().flatten() {
        if matches!(text(&one["basis"]), "matches" | "clicks") {
            let percent = one["confidence"].as_f64().unwrap_or_default() * 100.0;
            let (about, value, basis) = (text(&one["about"]), text(&one["value"]), text(&one["basis"]));
            let value = printable(value);
            line(&mut out, &format!("{} is about {about} {value}: {percent:.0} % by {basis}", one["text"]));
            continue;
        }
        let keeps = if one["filter"] == true { "everything shown keeps to it" } else { "raises what has it" };
        line(&mut out, &format!("{} understood as {}: {keeps}", one["text"], text(&one["about"])));
    }
    for one in body["items"].as_array().into_iter().flatten() {
        let (item, price) = (&one["item"], &one["item"]["price"]);
        let price = format!("{} {}", text(&price["amount"]), text(&price["currency"]));
        let title: String = printable(text(&item["title"])).chars().take(TITLE_WIDTH).collect();
        let position = one["position"].as_u64().unwrap_or_default() + 1;
        let (id, reason) = (printable(text(&one["id"])), printable(text(&one["reason"]["text"])));
        line(&mut out, &format!("{position:>4}. {id:<12} {title:<TITLE_WIDTH$} {price:>14}  {reason}"));
    }
    for facet in body["facets"].as_array().into_iter().flatten() {
        let values = facet["values"].as_array().into_iter().flatten();
        let ranges = facet["ranges"].as_array().into_iter().flatten();
        let value = |one: &Value| {
            let mark = if one["chosen"] == true { "✓ " } else { "" };
            format!("{mark}{} ({})", printable(text(&one["value"])), one["count"])
        };
        let range = |one: &Value| match one["to"].as_f64() {
            Some(to) => format!("{} to below {to} ({})", one["from"], one["count"]),
            None => format!("{} or more ({})", one["from"], one["count"]),
        };
        let all: Vec<String> = values.map(value).chain(ranges.map(range)).collect();
        let more = all.len().saturating_sub(VALUES_SHOWN);
        let more = if more > 0 { format!(", {more} more") } else { String::new() };
        let shown = &all[..all.len().min(VALUES_SHOWN)];
        line(&mut out, &format!("{:<14} {}{more}", printable(text(&facet["name"])), shown.join(", ")));
    }
    line(&mut out, &format!("bespoke why {}", text(&body["request_id"])));
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    _ = writeln!(out, "{text}");
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a catalogue says must not steer the terminal.
fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_says_what_was_found_and_how() {
        let body = json!({"request_id": "dec_1", "total": 2, "page": 1, "pages": 1,
            "query": {"text": "red mgu", "corrected": "red mug", "given_up": ["red"], "unknown": ["zzz"], "by_meaning": 1,
                "understood": [{"text": "red", "about": "color", "filter": false, "basis": "words", "confidence": 1.0},
                    {"text": "mug", "about": "category", "value": "Home > Mugs", "filter": false, "basis": "matches", "confidence": 0.875}]},
            "items": [{"id": "m1", "position": 0, "reason": {"text": "Matches"}, "item": {"title": "Mug\u{1b}[2J", "price": {"amount": "9.99", "currency": "EUR"}}}],
            "facets": [{"name": "brand", "values": [{"value": "Acme", "count": 2, "chosen": true}], "ranges": []},
                {"name": "price", "values": [], "ranges": [{"from": 0.0, "to": 10.0, "count": 2}]}]});
        let table = table(&body);
        for text in [
            "2 match \"red mgu\"",
            "\"red mug\" instead",
            "not in all of them: red",
            "no product has: zzz",
            "1 of them by meaning",
            "\"red\" understood as color: raises",
            "\"mug\" is about category Home > Mugs: 88 % by matches",
            "   1. m1",
            "9.99 EUR  Matches",
            "brand          ✓ Acme (2)",
            "price          0.0 to below 10 (2)",
            "bespoke why dec_1",
        ] {
            assert!(table.contains(text), "{text} in {table}");
        }
        assert!(!table.contains('\u{1b}'), "{table:?}");
        assert!(refinement("brand").is_err() && refinement("=x").is_err());
    }
}
