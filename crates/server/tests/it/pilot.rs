//! Pilots and the holdout's months, from the request that begins one to the answer that ends it.

use super::*;
use std::collections::BTreeMap;

/// The arm of a shopper in a pilot, by asking the placement.
async fn arm(bench: &Bench, shopper: &str) -> String {
    let ask = json!({"placement": "home", "anonymous_id": shopper}).to_string();
    let (status, body) = bench.ask("POST", "/v1/recommend", &bench.publishable, ask).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let arms = body["arms"].as_array().cloned().unwrap_or_default();
    let of = |name: &str| arms.iter().find(|one| one["experiment"] == name).cloned();
    let found = of("pilot_home").or_else(|| of("holdout"));
    found.map_or(String::new(), |one| one["arm"].as_str().unwrap_or_default().to_owned())
}

/// Shoppers who ask, and buy as often as their arm has it, in tenths.
async fn shop(
    bench: &Bench,
    name: &str,
    count: u32,
    tenths: impl Fn(&str) -> u32,
) -> BTreeMap<String, (u32, u32)> {
    let mut told: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for no in 0..count {
        let shopper = format!("{name}-{no}");
        let arm = arm(bench, &shopper).await;
        let held = told.entry(arm.clone()).or_default();
        let buys = held.0 % 10 < tenths(&arm);
        let mut events = vec![json!({"event": "page_view", "anonymous_id": shopper})];
        if buys {
            let item = json!({"item_id": "p1", "price": 10 + no % 7, "quantity": 1});
            events.push(json!({"event": "purchase", "anonymous_id": shopper, "transaction_id": shopper, "currency": "EUR", "items": [item]}));
            // A pilot's guardrail is what comes back: here all of it does, so that nothing of it is left to chance.
            if name == "during" {
                events.push(json!({"event": "refund", "anonymous_id": shopper, "transaction_id": shopper}));
            }
        }
        *held = (held.0 + 1, held.1 + u32::from(buys));
        let (status, body) = bench.post("/v1/events", &Value::Array(events)).await;
        assert_eq!((status, &body["rejected"]), (StatusCode::ACCEPTED, &json!([])), "{body}");
    }
    bench.settle();
    told
}

async fn pilot(bench: &Bench) -> Value {
    let (status, body) = bench.ask("GET", "/v1/pilots/home", &bench.secret, String::new()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pilot_is_planned_on_the_log_and_ends_in_expand() {
    let bench = Bench::new();
    bench.catalogue(&rows(3)).await;
    let ask = |body: Value| bench.ask("POST", "/v1/pilots/home", &bench.secret, body.to_string());
    let (status, body) = ask(json!({"metric": "conversion", "effect": 0.5})).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("not_enough_data")), "{body}");
    shop(&bench, "before", 300, |_| 3).await;
    let (status, body) = ask(json!({"metric": "conversion", "effect": 0.001, "days": 14})).await;
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(
        status == StatusCode::BAD_REQUEST && detail.starts_with("days: hopeless as it is: 14 days show"),
        "{body}"
    );
    let (_, all) = bench.ask("GET", "/v1/experiments", &bench.secret, String::new()).await;
    assert_eq!(all["experiments"], json!([]), "what is refused changes nothing");

    let (status, body) = ask(json!({"metric": "conversion", "effect": 0.5})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let plan = &body["plan"];
    assert!(
        (plan["base"].as_f64().unwrap_or_default() - 0.3).abs() < 1e-9,
        "the baseline is what was bought: {plan}"
    );
    assert!(plan["days"].as_u64().is_some_and(|days| days <= 14), "{plan}");
    assert_eq!((&body["against"], &body["answer"]), (&json!("home_popular"), &json!("go_on")));
    let (status, again) = ask(json!({"metric": "margin"})).await;
    assert!(
        status == StatusCode::BAD_REQUEST
            && again["detail"].as_str().is_some_and(|text| text.contains("end it first")),
        "{again}"
    );

    let told = shop(&bench, "during", 600, |arm| if arm == "placement" { 9 } else { 2 }).await;
    assert_eq!(told.keys().map(String::as_str).collect::<Vec<_>>(), ["baseline", "placement"]);
    let body = pilot(&bench).await;
    assert_eq!(body["answer"], "expand", "{body}");
    let first = &body["experiment"]["results"][0]["metrics"][0];
    let share = |arm: &str| f64::from(told[arm].1) / f64::from(told[arm].0);
    assert!((first["control"].as_f64().unwrap_or_default() - share("baseline")).abs() < 1e-9, "{first}");
    let (status, body) = bench.post("/v1/pilots/home/end", &json!({"keep": "placement"})).await;
    assert_eq!((status, &body["experiment"]["is_on"]), (StatusCode::OK, &json!(false)), "{body}");
    let ended = pilot(&bench).await;
    assert_eq!(ended["answer"], "ended");
    assert!(
        ended["words"].as_str().is_some_and(|words| words.starts_with("Ended: everyone gets home.")),
        "{ended}"
    );
    assert_eq!(arm(&bench, "during-1").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pilot_that_does_harm_is_stopped_and_its_baseline_takes_its_place() {
    let bench = Bench::new();
    bench.catalogue(&rows(3)).await;
    let ask = async |path: &str, body: Value| bench.post(&format!("/v1/pilots/{path}"), &body).await;
    for (path, body, said) in [
        ("attic", json!({"metric": "conversion"}), "there is no placement \"attic\""),
        ("home", json!({"metric": "delight"}), "metric: \"delight\" is none of conversion"),
        (
            "home",
            json!({"metric": "margin", "against": "cellar"}),
            "against: there is no placement \"cellar\"",
        ),
        ("home", json!({"metric": "margin", "colour": 1}), "colour: is not known here; leave it out"),
        ("home/end", json!({"keep": "placement"}), "there is no pilot of \"home\""),
    ] {
        let (status, body) = ask(path, body).await;
        assert!(
            status.is_client_error() && body["detail"].as_str().is_some_and(|text| text.starts_with(said)),
            "{said}: {body}"
        );
    }
    let (status, body) = ask("home", json!({"metric": "conversion", "anyway": true})).await;
    assert_eq!((status, &body["plan"]), (StatusCode::OK, &Value::Null), "{body}");
    shop(&bench, "during", 500, |arm| if arm == "placement" { 1 } else { 8 }).await;
    let body = pilot(&bench).await;
    assert_eq!(body["answer"], "stop", "{body}");
    assert!(
        body["words"].as_str().is_some_and(|words| words.contains("bespoke pilot home --keep baseline")),
        "{body}"
    );
    let (status, body) = ask("home/end", json!({"keep": "both"})).await;
    assert!(status == StatusCode::BAD_REQUEST, "{body}");
    ask("home/end", json!({"keep": "baseline"})).await;
    let (_, slate) =
        bench.post("/v1/recommend", &json!({"placement": "home", "anonymous_id": "during-1"})).await;
    assert_eq!(slate["headline"], "Popular", "everyone gets what is popular: {slate}");
    // A start reads the placement file again, which knows nothing of the pilot.
    let applied = bench.shop.clone();
    let read = std::thread::spawn(move || placements::apply(&applied, PLACEMENTS, "test")).join();
    assert!(read.is_ok_and(|read| read.is_ok()));
    bench.settle();
    let (_, slate) =
        bench.post("/v1/recommend", &json!({"placement": "home", "anonymous_id": "during-1"})).await;
    assert_eq!(slate["headline"], "Popular", "what was kept stays: {slate}");
    let ended = pilot(&bench).await;
    assert_eq!(ended["experiment"]["is_on"], false, "and so does the pilot");
    let said = "Ended: home is what home_popular was, for everyone.";
    assert!(ended["words"].as_str().is_some_and(|words| words.starts_with(said)), "{ended}");
}

/// What a search page, a category's page and a banner are, by sources.
const PAGES: &str = r#"
[[placement]]
name = "search"
headline = "Results"
form = "listing"
slots = 5
sources = [{ source = "matches", weight = 1.0, limit = 50 }]
scorers = [{ scorer = "taste", weight = 0.2 }, { scorer = "popularity", weight = 0.1 }]

[[placement]]
name = "banner"
headline = ""
shows = "content"
slots = 1
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_pilot_of_a_search_shows_everyone_what_they_search_for() {
    let bench = Bench::new();
    let (shop, text) = (bench.shop.clone(), format!("{PLACEMENTS}{PAGES}"));
    let read = std::thread::spawn(move || placements::apply(&shop, &text, "test")).join();
    read.expect("it runs").expect("it is right");
    let row = |no| json!({"id": format!("q{no}"), "title": if no < 2 { "Mug" } else { "Sofa" }, "price": "9.99", "availability": "in_stock"});
    bench.catalogue(&Value::Array((0..4).map(row).collect())).await;
    let looks = (0..9).map(|no| view("looker", &format!("q{}", 2 + no % 2))).collect();
    assert_eq!(bench.post("/v1/events", &Value::Array(looks)).await.0, StatusCode::ACCEPTED);
    bench.settle();
    let ask = json!({"metric": "clicks", "effect": 0.5, "anyway": true});
    let (status, body) = bench.post("/v1/pilots/search", &ask).await;
    assert_eq!((status, &body["against"]), (StatusCode::OK, &json!("search_popular")), "{body}");
    bench.settle();
    let mut arms = std::collections::BTreeSet::new();
    for no in 0..20 {
        let search = json!({"q": "mug", "anonymous_id": format!("s{no}")});
        let (_, body) = bench.post("/v1/search", &search).await;
        let ids: Vec<_> = body["items"].as_array().into_iter().flatten().map(|one| &one["id"]).collect();
        assert!(ids.len() == 2 && ids.iter().all(|id| *id == "q0" || *id == "q1"), "{body}");
        assert_eq!(body["fallback"], "none", "{body}");
        arms.extend(body["arms"].as_array().into_iter().flatten().map(|one| one["arm"].to_string()));
    }
    assert_eq!(arms.len(), 2, "both arms answered: {arms:?}");
    for (placement, ask, said) in [
        ("banner", ask.clone(), "against: a placement of content has no baseline by itself"),
        (
            "home",
            json!({"metric": "clicks", "against": "banner", "anyway": true}),
            "against: \"banner\" cannot answer for",
        ),
    ] {
        let (status, body) = bench.post(&format!("/v1/pilots/{placement}"), &ask).await;
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(status == StatusCode::BAD_REQUEST && detail.starts_with(said), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_says_what_personalization_added_or_that_it_cannot_tell() {
    let bench = Bench::new();
    bench.catalogue(&rows(3)).await;
    let path = "/v1/experiments/holdout/months";
    let get =
        async |query: &str| bench.ask("GET", &format!("{path}{query}"), &bench.secret, String::new()).await;
    let (_, none) = get("").await;
    assert_eq!(none["months"], json!([]), "nobody is held out");
    let text = PLACEMENTS.replace("share = 0", "share = 40");
    let applied = bench.shop.clone();
    std::thread::spawn(move || placements::apply(&applied, &text, "test"))
        .join()
        .expect("it runs")
        .expect("it is right");
    let told = shop(&bench, "one", 400, |arm| if arm == "held" { 2 } else { 9 }).await;
    let (status, body) = get("").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let month = &body["months"][0];
    assert_eq!(
        (&month["held"], &month["personalized"]),
        (&json!(told["held"].0), &json!(told["personalized"].0))
    );
    assert_eq!((&month["is_over"], &month["mismatch"]), (&json!(false), &json!(false)));
    // No cost is known, so no margin is; revenue is.
    assert!(month["words"].as_str().is_some_and(|words| words.contains("it cannot be told")), "{month}");
    let revenue =
        month["added"].as_array().and_then(|all| all.iter().find(|one| one["metric"] == "revenue")).cloned();
    let revenue = revenue.expect("there is one");
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let per = month["metrics"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["metric"] == "revenue"))
        .cloned();
    let per = number(&per.expect("there is one")["difference"]["estimate"]);
    assert!(
        (number(&revenue["had"]["estimate"]) - per * f64::from(told["personalized"].0)).abs() < 1e-6,
        "{month}"
    );
    assert!(
        (number(&revenue["forgone"]["estimate"]) - per * f64::from(told["held"].0)).abs() < 1e-6,
        "{month}"
    );
    assert!(number(&revenue["had"]["low"]) > 0.0, "{revenue}");
    let (status, body) = get("?month=1999-13").await;
    assert!(
        status == StatusCode::BAD_REQUEST
            && body["detail"].as_str().is_some_and(|text| text.starts_with("month: must be a month")),
        "{body}"
    );
    let (status, _) = get("?month=1999-12").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = bench.ask("GET", path, &bench.publishable, String::new()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
