//! Challenges over HTTP: up the ladder by one call a step, and back; experiments that stop themselves; definitions with a fault.

#![allow(clippy::disallowed_methods, reason = "it waits for another thread")]

use crate::{Bench, PLACEMENTS, rows, view};
use axum::http::StatusCode;
use bespoke::http::App;
use bespoke::writer::Job;
use bespoke::{ladder, placements};
use serde_json::{Value, json};

fn definition() -> Value {
    json!({
        "champion": "home",
        "challenger": "home_new",
        "metric": "conversion",
        "shadow_requests": 20,
        "canary": 50,
        "canary_hours": 1,
    })
}

fn with_challenger() -> String {
    let challenger = "\n[[placement]]\nname = \"home_new\"\nheadline = \"New\"\nslots = 2\nsources = [{ source = \"popular\", weight = 1.0, limit = 50 }]\n";
    format!("{PLACEMENTS}{challenger}")
}

/// Reads a placement file, as every start and SIGHUP do; why it is refused.
fn read_file(bench: &Bench, text: String) -> Result<(), String> {
    let shop = bench.shop.clone();
    let read = std::thread::spawn(move || placements::apply(&shop, &text, "test")).join();
    read.expect("it is read").map_err(|error| error.to_string())
}

fn read(bench: &Bench) {
    assert_eq!(read_file(bench, with_challenger()), Ok(()));
}

async fn bench() -> Bench {
    let bench = Bench::new();
    read(&bench);
    bench.catalogue(&rows(3)).await;
    let looks = (0..6).map(|no| view("looker", &format!("p{no}")));
    let (status, body) = bench.post("/v1/events", &Value::Array(looks.collect())).await;
    assert_eq!((status, &body["rejected"]), (StatusCode::ACCEPTED, &json!([])), "{body}");
    bench.settle();
    bench
}

/// Lets canaries be over at once: a definition has an hour at least, for which no test waits.
fn wait_for_no_canary(bench: &Bench) {
    bench.settle();
    let shop = bench.shop.clone();
    let set = move || {
        let mut settings =
            shop.live.snapshot().aggregates.settings.as_deref().cloned().expect("a file was read");
        settings.challenges.iter_mut().for_each(|one| one.canary_hours = 0);
        shop.queue.call(|reply| Job::Settings(Box::new(settings), reply)).is_ok()
    };
    assert!(std::thread::spawn(set).join().is_ok_and(|is_set| is_set));
    bench.settle();
}

/// Sends the call and gives the challenge as it then is.
async fn call(bench: &Bench, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    bench.settle();
    bench.ask(method, &format!("/v1/challenges/newer{path}"), &bench.secret, body.to_string()).await
}

async fn step(bench: &Bench) -> Value {
    let (status, body) = call(bench, "POST", "/step", &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// Asks the champion's placement for a shopper: the number of slots and the arm.
async fn ask(bench: &Bench, shopper: &str, experiment: &str) -> (usize, String) {
    let body = json!({"placement": "home", "anonymous_id": shopper});
    let (status, body) = bench.ask("POST", "/v1/recommend", &bench.publishable, body.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let arms = body["arms"].as_array().cloned().unwrap_or_default();
    let arm = arms.iter().find(|one| one["experiment"] == experiment);
    let arm = arm.and_then(|one| one["arm"].as_str()).unwrap_or_default().to_owned();
    (body["items"].as_array().map_or(0, Vec::len), arm)
}

/// Waits until the shadow has decided what was asked.
async fn shadowed(bench: &Bench) -> Value {
    for _ in 0..500 {
        let body = call(bench, "GET", "", &json!({})).await.1;
        if body["waits_for"] == "0 more requests" {
            return body;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the shadow decides twenty requests in ten seconds");
}

/// So many shoppers are asked for, and those whose arm is `keen` buy mostly, the others hardly.
async fn shop(bench: &Bench, range: std::ops::Range<u32>, (experiment, keen): (&str, &str)) {
    for no in range {
        let shopper = format!("shopper-{no}");
        let arm = ask(bench, &shopper, experiment).await.1;
        let mut events = vec![json!({"event": "page_view", "anonymous_id": shopper})];
        if no % 10 < if arm == keen { 8 } else { 3 } {
            let item = json!({"item_id": "p1", "price": 9.99, "quantity": 1});
            events.push(json!({"event": "purchase", "anonymous_id": shopper, "transaction_id": format!("t{no}"), "currency": "EUR", "items": [item]}));
        }
        let (status, body) = bench.post("/v1/events", &Value::Array(events)).await;
        assert_eq!((status, &body["rejected"]), (StatusCode::ACCEPTED, &json!([])), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenger_is_valued_shadowed_shown_to_a_few_tested_promoted_and_taken_back() {
    let bench = bench().await;
    let (status, body) = call(&bench, "PUT", "", &definition()).await;
    assert_eq!((status, &body["stage"]), (StatusCode::OK, &json!("valuing")), "{body}");
    wait_for_no_canary(&bench);
    let body = step(&bench).await;
    assert_eq!(body["stage"], "shadow", "{body}");
    assert_eq!(body["steps"][0]["why"], "Logged decisions cannot tell: there are no rows.");
    assert_eq!(
        (&step(&bench).await["stage"], &body["waits_for"]),
        (&json!("shadow"), &json!("20 more requests"))
    );

    for no in 0..20 {
        assert_eq!(
            ask(&bench, &format!("early-{no}"), "newer").await,
            (5, String::new()),
            "nothing is shown"
        );
    }
    let body = shadowed(&bench).await;
    assert_eq!((&body["shadow"]["requests"], &body["shadow"]["same"]), (&json!(20.0), &json!(0.0)), "{body}");
    assert_eq!(step(&bench).await["stage"], "canary");

    shop(&bench, 0..150, ("newer", "challenger")).await;
    let body = step(&bench).await;
    assert_eq!(body["stage"], "test", "{body}");
    shop(&bench, 150..400, ("newer", "challenger")).await;
    let body = step(&bench).await;
    assert_eq!((&body["stage"], &body["waits_for"]), (&json!("promoted"), &json!("")), "{body}");
    let last = &body["steps"][3];
    assert!(last["why"].as_str().is_some_and(|why| why.starts_with("Win: conversion changed by")), "{last}");
    assert!(last["evidence"]["change_low"].as_f64().is_some_and(|low| low > 0.0), "{last}");
    assert_eq!(ask(&bench, "late", "newer").await, (2, String::new()), "the challenger answers for all");

    read(&bench);
    bench.settle();
    assert_eq!(ask(&bench, "late", "newer").await.0, 2, "the file is read again, the promotion stays");
    let (status, body) = call(&bench, "POST", "/revert", &json!({})).await;
    assert_eq!((status, &body["stage"]), (StatusCode::OK, &json!("stopped")), "{body}");
    assert_eq!(ask(&bench, "late", "newer").await.0, 5);
    let (status, _) = call(&bench, "POST", "/revert", &json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, all) = bench.ask("GET", "/v1/challenges", &bench.secret, String::new()).await;
    assert_eq!(all["challenges"].as_array().map(Vec::len), Some(1));
    let (status, _) = bench.ask("GET", "/v1/challenges", &bench.publishable, String::new()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_harm_is_taken_back_by_itself() {
    let bench = bench().await;
    call(&bench, "PUT", "", &definition()).await;
    step(&bench).await;
    for no in 0..20 {
        ask(&bench, &format!("early-{no}"), "newer").await;
    }
    shadowed(&bench).await;
    assert_eq!(step(&bench).await["stage"], "canary");
    shop(&bench, 0..300, ("newer", "champion")).await;
    bench.settle();
    // As the server does it once a minute, without being asked.
    let app = App::new(bench.shop.clone());
    ladder::look(&app).await;
    let (_, body) = call(&bench, "GET", "", &json!({})).await;
    assert_eq!(body["stage"], "stopped", "{body}");
    assert_eq!(ask(&bench, "late", "newer").await, (5, String::new()));

    let experiment = json!({
        "placements": ["home"],
        "arms": [{"name": "control", "share": 50}, {"name": "bad", "share": 50, "uses": {"home": "home_new"}}],
        "metric": "conversion",
        "rollback": true,
    });
    let path = "/v1/experiments/own";
    let (status, body) = bench.ask("PUT", path, &bench.secret, experiment.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    shop(&bench, 1_000..1_300, ("own", "control")).await;
    bench.settle();
    ladder::look(&app).await;
    let (_, body) = bench.ask("GET", path, &bench.secret, String::new()).await;
    let why = body["stopped_for"].as_str().unwrap_or_default();
    assert!(body["is_on"] == false && why.starts_with("bad: Harm: conversion changed by"), "{body}");
}

const HERO: &str = r#"
[[experiment]]
name = "hero"
placements = ["home"]
arms = [{ name = "control", share = 50 }, { name = "bad", share = 50, uses = { home = "home_new" } }]
metric = "conversion"
rollback = true
"#;

async fn experiment(bench: &Bench, method: &str, name: &str, body: &Value) -> (StatusCode, Value) {
    bench.settle();
    bench.ask(method, &format!("/v1/experiments/{name}"), &bench.secret, body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_what_a_guard_stopped_and_what_was_set_by_calls() {
    let bench = bench().await;
    let file = format!("{}{HERO}", with_challenger());
    assert_eq!(read_file(&bench, file.clone()), Ok(()));
    shop(&bench, 0..300, ("hero", "control")).await;
    bench.settle();
    ladder::look(&App::new(bench.shop.clone())).await;
    let stopped = experiment(&bench, "GET", "hero", &json!({})).await.1;
    assert_eq!(stopped["is_on"], false, "{stopped}");
    let own = json!({
        "placements": ["home_new"],
        "arms": [{"name": "control", "share": 50}, {"name": "home", "share": 50, "uses": {"home_new": "home"}}],
        "metric": "conversion",
    });
    assert_eq!(experiment(&bench, "PUT", "own", &own).await.0, StatusCode::OK);

    for text in [file.clone(), file.replace("slots = 2", "slots = 3"), file.clone()] {
        assert_eq!(read_file(&bench, text), Ok(()));
        let again = experiment(&bench, "GET", "hero", &json!({})).await.1;
        assert_eq!((&again["is_on"], &again["stopped_for"]), (&json!(false), &stopped["stopped_for"]));
        assert_eq!(ask(&bench, "late", "hero").await, (5, String::new()), "nobody gets the harm again");
        assert_eq!(experiment(&bench, "GET", "own", &json!({})).await.1["is_on"], true);
    }
    let (status, body) = experiment(&bench, "DELETE", "own", &json!({})).await;
    assert!(status == StatusCode::BAD_REQUEST && body.to_string().contains("stop it first"), "{body}");
    assert_eq!(experiment(&bench, "POST", "own/stop", &json!({})).await.0, StatusCode::OK);
    assert_eq!(experiment(&bench, "DELETE", "own", &json!({})).await.0, StatusCode::OK);
    assert_eq!(experiment(&bench, "GET", "own", &json!({})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_challenged_is_in_no_experiment_meanwhile() {
    let bench = bench().await;
    call(&bench, "PUT", "", &definition()).await;
    let own = json!({
        "placements": ["home"],
        "arms": [{"name": "control", "share": 50}, {"name": "other", "share": 50, "uses": {"home": "home_new"}}],
        "metric": "conversion",
    });
    let said = "\"home\", which \"newer\" challenges: wait until that is over, or stop it";
    let (status, body) = experiment(&bench, "PUT", "own", &own).await;
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(status == StatusCode::BAD_REQUEST && detail.contains(said), "{body}");
    let refused = read_file(&bench, format!("{}{HERO}", with_challenger())).expect_err("it is challenged");
    assert!(refused.contains(said), "{refused}");
    let (status, body) = experiment(&bench, "PUT", "newer", &own).await;
    assert!(status == StatusCode::BAD_REQUEST && body.to_string().contains("is a challenge"), "{body}");
    assert_eq!(call(&bench, "POST", "/stop", &json!({})).await.0, StatusCode::OK);
    let (status, body) = call(&bench, "POST", "/stop", &json!({})).await;
    assert_eq!(
        (status, &body["detail"]),
        (StatusCode::NOT_FOUND, &json!("\"newer\" is over already: stopped"))
    );
    assert_eq!(experiment(&bench, "PUT", "own", &own).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_an_experiment_is_not_challenged_before_that_is_stopped() {
    let bench = bench().await;
    assert_eq!(read_file(&bench, format!("{}{HERO}", with_challenger())), Ok(()));
    let said = "the experiment \"hero\" changes \"home\": stop it first, `bespoke experiments hero --stop`";
    let (status, body) = call(&bench, "PUT", "", &definition()).await;
    assert!(
        status == StatusCode::BAD_REQUEST && body["detail"] == format!("champion: {said} [taken]"),
        "{body}"
    );
    let (status, body) =
        bench.post("/v1/pilots/home", &json!({"metric": "conversion", "anyway": true})).await;
    assert!(
        status == StatusCode::BAD_REQUEST && body["detail"] == format!("placement: {said} [taken]"),
        "{body}"
    );
    assert_eq!(experiment(&bench, "POST", "hero/stop", &json!({})).await.0, StatusCode::OK);
    assert_eq!(call(&bench, "PUT", "", &definition()).await.0, StatusCode::OK);
    // A file that makes a listing of the challenger would let the champion answer with one.
    let listing = with_challenger().replace("headline = \"New\"", "headline = \"New\"\nform = \"listing\"");
    let refused = read_file(&bench, listing).expect_err("it is of another kind");
    assert!(refused.contains("\"newer\": \"home_new\" cannot answer for \"home\""), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_guard_waits_for_a_walk_through_the_log() {
    let bench = bench().await;
    assert_eq!(read_file(&bench, format!("{}{HERO}", with_challenger())), Ok(()));
    let other = json!({"champion": "home_new", "challenger": "home", "metric": "conversion"});
    assert_eq!(call(&bench, "PUT", "", &other).await.0, StatusCode::OK);
    shop(&bench, 0..300, ("hero", "control")).await;
    bench.settle();
    let app = App::new(bench.shop.clone());
    ladder::look(&app).await;
    let stage = async || call(&bench, "GET", "", &json!({})).await.1["stage"].clone();
    assert_eq!(stage().await, "valuing", "a look walks through no log");
    assert_eq!(experiment(&bench, "GET", "hero", &json!({})).await.1["is_on"], false);
    ladder::value(&app).await;
    assert_eq!(stage().await, "shadow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_challenge_is_refused_with_the_field_and_the_fix() {
    let bench = bench().await;
    let cases = [
        ("champion", json!("nowhere"), "champion", "there is no placement \"nowhere\""),
        ("challenger", json!("nowhere"), "challenger", "there is no placement \"nowhere\""),
        ("challenger", json!("home"), "challenger", "must be another placement than the champion"),
        ("metric", json!("luck"), "metric", "\"luck\" is none of"),
        ("canary", json!(0), "canary", "must be above 0 and at most 50"),
        ("canary", json!(60), "canary", "must be above 0 and at most 50"),
        ("canary_hours", json!(1_000), "canary_hours", "must be from 1 to 672 hours"),
        ("canary_hours", json!(0), "canary_hours", "must be from 1 to 672 hours"),
        ("challenger", json!("listing"), "challenger", "cannot answer for \"home\": its `form` is another"),
        ("effect", json!(5), "effect", "must be above 0 and at most 1"),
        ("effect", json!("a lot"), "effect", "must be a number"),
        ("planned_units", json!(0), "planned_units", "must be above 0, or left out"),
        ("shadow_requests", json!(0), "shadow_requests", "must be from 1 to"),
        ("covariate", json!("conversion"), "covariate", "is measured after the exposure"),
        ("guardrails", json!([{"metric": "margin", "margin": 0}]), "guardrails.0.margin", "must be above 0"),
        ("days", json!(0), "days", "must be from 1 to 365"),
        ("colour", json!("red"), "colour", "colour: is not known here; leave it out"),
    ];
    for (field, value, named, said) in cases {
        let mut definition = definition();
        definition[field] = value;
        let (status, body) = call(&bench, "PUT", "", &definition).await;
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(status.is_client_error(), "{field}: {body}");
        assert!(detail.contains(said) && body.to_string().contains(named), "{field}: {body}");
    }
    call(&bench, "PUT", "", &definition()).await;
    let (status, body) =
        bench.ask("PUT", "/v1/challenges/other", &bench.secret, definition().to_string()).await;
    assert!(status == StatusCode::BAD_REQUEST && body.to_string().contains("is challenged by"), "{body}");
    let (status, _) = bench.ask("POST", "/v1/challenges/nobody/step", &bench.secret, String::new()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
