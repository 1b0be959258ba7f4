//! Experiments over HTTP: from the definition over requests and events to the answer, and definitions with a fault.

use crate::{Bench, rows};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn definition() -> Value {
    json!({
        "placements": ["home"],
        "arms": [{"name": "control", "share": 50}, {"name": "seen", "share": 50, "uses": {"home": "recent"}}],
        "metric": "conversion",
        "guardrails": [{"metric": "return_rate", "margin": 0.5}],
        "covariate": "before_acts",
    })
}

async fn set(bench: &Bench, name: &str, definition: &Value) -> (StatusCode, Value) {
    bench.ask("PUT", &format!("/v1/experiments/{name}"), &bench.secret, definition.to_string()).await
}

async fn told(bench: &Bench, name: &str) -> Value {
    bench.settle();
    let (status, body) =
        bench.ask("GET", &format!("/v1/experiments/{name}"), &bench.secret, String::new()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn arm(bench: &Bench, shopper: &str) -> String {
    let (status, body) = bench
        .ask(
            "POST",
            "/v1/recommend",
            &bench.publishable,
            json!({"placement": "home", "anonymous_id": shopper}).to_string(),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let arms = body["arms"].as_array().cloned().unwrap_or_default();
    arms.iter()
        .find(|one| one["experiment"] == "hero")
        .map_or(String::new(), |one| one["arm"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_definition_to_the_answer() {
    let bench = Bench::new();
    bench.catalogue(&rows(3)).await;
    let (status, body) = set(&bench, "hero", &definition()).await;
    assert_eq!((status, &body["is_on"], &body["epoch"]), (StatusCode::OK, &json!(true), &json!(1)), "{body}");
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for no in 0..300 {
        let shopper = format!("shopper-{no}");
        // Asked before anything is known of the shopper: the arm is the same ever after.
        let first = arm(&bench, &shopper).await;
        let buys = no % 10 < if first == "seen" { 9 } else { 2 };
        let mut events = vec![json!({"event": "page_view", "anonymous_id": shopper})];
        if buys {
            let item = json!({"item_id": "p1", "price": 9.99, "quantity": 2});
            events.push(json!({"event": "purchase", "anonymous_id": shopper, "transaction_id": format!("t{no}"), "currency": "EUR", "items": [item]}));
        }
        let (status, body) = bench.post("/v1/events", &Value::Array(events)).await;
        assert_eq!((status, &body["rejected"]), (StatusCode::ACCEPTED, &json!([])), "{body}");
        if no % 50 == 0 {
            assert_eq!(arm(&bench, &shopper).await, first);
        }
        let count = counts.entry(first).or_default();
        (count.0, count.1) = (count.0 + 1, count.1 + u64::from(buys));
    }
    assert_eq!(counts.keys().map(String::as_str).collect::<Vec<_>>(), ["control", "seen"]);
    let body = told(&bench, "hero").await;
    let (control, seen) = (counts["control"], counts["seen"]);
    assert_eq!(
        (body["arms"][0]["units"].as_u64(), body["arms"][1]["units"].as_u64()),
        (Some(control.0), Some(seen.0))
    );
    let result = &body["results"][0];
    let first = &result["metrics"][0];
    let share = |(units, bought): (u64, u64)| bought as f64 / units as f64;
    let near = |value: &Value, wanted: f64| (value.as_f64().unwrap_or(f64::NAN) - wanted).abs() < 1e-9;
    assert!(near(&first["control"], share(control)) && near(&first["treated"], share(seen)), "{first}");
    assert_eq!((&result["arm"], &result["metrics"][1]["metric"]), (&json!("seen"), &json!("return_rate")));
    let revenue =
        result["metrics"].as_array().and_then(|all| all.iter().find(|one| one["metric"] == "revenue"));
    let wanted = 19.98 * share(control);
    assert!(revenue.is_some_and(|one| near(&one["control"], wanted)), "main units: {revenue:?} {wanted}");
    let (_, kpis) = bench.ask("GET", "/v1/kpis?by=arm", &bench.secret, String::new()).await;
    let orders = |row: &Value| row["counts"]["orders"].as_f64().unwrap_or_default();
    let rows = kpis["rows"].as_array().cloned().unwrap_or_default();
    assert_eq!(rows.iter().map(orders).sum::<f64>(), (control.1 + seen.1) as f64, "{kpis}");
    let (_, kpis) = bench.ask("GET", "/v1/kpis", &bench.secret, String::new()).await;
    let whole = &kpis["rows"][0];
    assert!(near(&whole["counts"]["revenue"], 19.98 * (control.1 + seen.1) as f64), "{kpis}");
    assert!(
        near(&whole["kpis"]["order_value"], 19.98) && near(&whole["counts"]["visitors"], 300.0),
        "{kpis}"
    );
    let (status, plan) = bench.ask("GET", "/v1/experiments/hero/plan", &bench.secret, String::new()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(plan["units"].as_f64().is_some_and(|units| units > 0.0), "{plan}");

    let mut small = definition();
    small["effect"] = json!(0.001);
    let (status, body) = set(&bench, "hero", &small).await;
    let warning = body["warning"].as_str().unwrap_or_default();
    assert!(status == StatusCode::OK && warning.starts_with("hopeless as it is: 14 days show"), "{body}");
    small["effect"] = json!(5.0);
    let (_, body) = set(&bench, "hero", &small).await;
    assert_eq!((&body["warning"], &body["epoch"]), (&Value::Null, &json!(1)), "{body}");

    let (status, body) = bench.post("/v1/experiments/hero/stop", &json!({})).await;
    assert_eq!((status, &body["is_on"]), (StatusCode::OK, &json!(false)));
    assert_eq!(arm(&bench, "shopper-1").await, "");
    let (status, _) = bench.ask("GET", "/v1/experiments", &bench.publishable, String::new()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_definition_is_refused_with_the_field_and_the_fix() {
    let bench = Bench::new();
    let (status, body) = set(&bench, "first", &definition()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let with = |field: &str, value: Value| {
        let mut one = definition();
        one[field] = value;
        one
    };
    let arms =
        |shares: [f64; 2]| json!([{"name": "a", "share": shares[0]}, {"name": "b", "share": shares[1]}]);
    let cases = [
        (with("arms", arms([50.0, 40.0])), "arms: shares add up to 90 per cent; they must to 100"),
        (
            with("arms", arms([50.0, 50.001])),
            "arms.1.share: must be from 0 to 100 per cent, with at most two decimals",
        ),
        (
            with("arms", json!([{"name": "a", "share": 100}])),
            "arms: an experiment has 2 to 8 arms, the control first",
        ),
        (with("metric", json!("delight")), "metric: \"delight\" is none of conversion, orders, revenue"),
        (with("placements", json!(["attic"])), "placements: there is no placement \"attic\""),
        (with("placements", json!([])), "placements: name the placements whose decisions are compared"),
        (
            with("covariate", json!("revenue")),
            "covariate: \"revenue\" is measured after the exposure and would hide the effect",
        ),
        (with("covariate", json!("mood")), "covariate: \"mood\" is not known; known: before_acts"),
        (
            with("guardrails", json!([{"metric": "revenue", "margin": 0}])),
            "guardrails.0.margin: must be above 0 and at most 1",
        ),
        (
            with("analysis", json!("fixed_horizon")),
            "planned_units: a fixed horizon needs the number of units it is looked at; without `analysis`, `bespoke experiments second --plan --set FILE` gives it",
        ),
        (with("unit", json!("switchback")), "minutes: a switchback says for how long"),
        (with("slice", json!([50, 50])), "slice: must be two shares of the layer"),
        (with("days", json!(0)), "days: must be from 1 to 365"),
        (with("layer", json!("another")), "layer: \"first\" and \"second\" both change \"home\""),
        (definition(), "layer: \"first\" and \"second\" both change \"home\""),
        (with("colour", json!("red")), "colour: is not known here; leave it out"),
        (with("share", json!("half")), "share: is not known here; leave it out"),
    ];
    for (definition, said) in cases {
        let (status, body) = set(&bench, "second", &definition).await;
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(status.is_client_error() && detail.starts_with(said), "{said}\n{body}");
    }
    let (status, body) = set(&bench, "holdout", &definition()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let (_, all) = bench.ask("GET", "/v1/experiments", &bench.secret, String::new()).await;
    assert_eq!(all["experiments"].as_array().map(Vec::len), Some(1), "what is refused changes nothing");
    // Two share a layer.
    let (first, second) = (with("slice", json!([0, 50])), with("slice", json!([50, 100])));
    for (name, definition) in [("first", first), ("second", second)] {
        let (status, body) = set(&bench, name, &definition).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    let (status, body) = bench.ask("GET", "/v1/experiments/first/plan", &bench.secret, String::new()).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("not_enough_data")), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_with_its_field() {
    let bench = Bench::new();
    let with = |field: &str, value: Value| {
        let mut one = definition();
        one[field] = value;
        one
    };
    let arms = |more: Value| json!([{"name": "a", "share": 50}, more]);
    let uses = |used: &str| arms(json!({"name": "b", "share": 50, "uses": {"home": used}}));
    let guard = json!({"metric": "return_rate", "margin": 0.5});
    let cases = [
        (
            with("arms", uses("listing")),
            "arms.1.uses: \"listing\" cannot answer for \"home\": its `form` is another",
        ),
        (
            with("arms", uses("topics")),
            "arms.1.uses: \"topics\" cannot answer for \"home\": what it `shows` is",
        ),
        (
            with("arms", uses("words")),
            "arms.1.uses: \"words\" cannot answer for \"home\": of the two only one has",
        ),
        (with("arms", arms(json!({"name": "b", "share": "50"}))), "arms.1.share: must be a number"),
        (with("arms", arms(json!(7))), "arms.1: must be an object"),
        (with("arms", arms(json!({"share": 50}))), "arms.1.name: must be given"),
        (with("days", json!(70_000)), "days: must be a whole number from 0 to 65535"),
        (with("unit", json!("moon")), "unit: \"moon\" is none of shopper, session"),
        (
            with(
                "arms",
                arms(json!({"name": "b", "share": 50, "external": true, "uses": {"home": "recent"}})),
            ),
            "arms.1.uses: an arm with `external",
        ),
        (with("until", json!("2020-01-01T00:00:00Z")), "until: is past"),
        (with("cap", json!(0)), "cap: must be above 0, or left out"),
        (with("planned_units", json!(0)), "planned_units: must be above 0, or left out"),
        (with("placements", json!(["home", "home"])), "placements: \"home\" stands there twice"),
        (with("guardrails", json!([guard, guard])), "guardrails.1.metric: is guarded already"),
        (
            with("guardrails", json!([{"metric": "conversion", "margin": 0.5}])),
            "guardrails.0.metric: decides already",
        ),
        (with("name", json!("other")), "name: is \"other\", and it is sent as \"hero\""),
    ];
    let more = "\n[[placement]]\nname = \"topics\"\nheadline = \"\"\nslots = 5\nshows = \"categories\"\nsources = [{ source = \"popular\", weight = 1.0, limit = 50 }]\n\n[[placement]]\nname = \"words\"\nheadline = \"\"\nslots = 5\nsources = [{ source = \"matches\", weight = 1.0, limit = 50 }]\n";
    let (shop, text) = (bench.shop.clone(), format!("{}{more}", crate::PLACEMENTS));
    std::thread::spawn(move || bespoke::placements::apply(&shop, &text, "test"))
        .join()
        .expect("runs")
        .expect("right");
    bench.settle();
    for (definition, said) in cases {
        let (status, body) = set(&bench, "hero", &definition).await;
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(status == StatusCode::BAD_REQUEST && detail.starts_with(said), "{said}\n{body}");
    }
    for name in ["%2E%2Ehero", "a%2Fb", "a%0Ab", "a%20b", "holdout"] {
        let (status, body) = set(&bench, name, &definition()).await;
        assert!(
            status == StatusCode::BAD_REQUEST && body["errors"][0]["pointer"] == "name",
            "{name}: {body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_no_units_nothing_is_said() {
    let bench = Bench::new();
    bench.catalogue(&rows(3)).await;
    let mut named = definition();
    named["name"] = json!("hero");
    let (status, body) = set(&bench, "hero", &named).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let warning = body["warning"].as_str().unwrap_or_default();
    assert!(warning.starts_with("nothing can be planned yet: fewer than a hundred units"), "{body}");
    for no in 0..20 {
        arm(&bench, &format!("shopper-{no}")).await;
    }
    let body = told(&bench, "hero").await;
    let result = &body["results"][0];
    let none = result["segments"].as_array().and_then(|all| all.iter().find(|one| one["units"] == 0));
    let none = &none.expect("nobody came back")["compared"];
    assert_eq!(
        (&none["control"], &none["difference"], &none["p"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let (status, body) = bench.post("/v1/experiments/holdout/stop", &json!({})).await;
    let said = "`[holdout] share = 0` in the placement file does";
    assert!(status == StatusCode::BAD_REQUEST && body.to_string().contains(said), "{body}");
}

#[test]
fn a_placement_file_says_the_same_with_the_line_of_each_fault() {
    let file = |lines: &str| {
        let text = format!("{}\n{lines}", crate::PLACEMENTS.replace("[holdout]\nshare = 0\n", ""));
        bespoke::placements::parse(&text)
    };
    let arms = "arms = [{ name = \"a\", share = 50 }, { name = \"b\", share = 50 }]";
    let good = format!(
        "[holdout]\nshare = 2.5\n[[experiment]]\nname = \"e\"\nplacements = [\"home\"]\nmetric = \"margin\"\ncap = 12.5\n{arms}\n"
    );
    let settings = file(&good).expect("it is as it must be");
    assert_eq!(settings.holdout.share, 250);
    assert_eq!((settings.experiments[0].cap, settings.experiments[0].days), (1_250.0, 14));
    let bad = good.replace("2.5", "60").replace("\"home\"", "\"hole\"");
    let faults: Vec<String> =
        file(&bad).expect_err("two faults").iter().map(|fault| fault.problem.to_string()).collect();
    assert_eq!(
        faults,
        [
            "holdout.share: must be from 0 to 50 per cent, with at most two decimals; 0 = no holdout [out_of_range]",
            "placements: there is no placement \"hole\" [unknown_placement]"
        ]
    );
    let typed = file(&good.replace("12.5", "\"a lot\"")).expect_err("a fault");
    assert_eq!(typed[0].problem.to_string(), "file: must be a number [bad_toml]");
}
