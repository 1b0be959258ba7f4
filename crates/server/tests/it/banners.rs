//! Content blocks and interleaved experiments over HTTP: from the placement file over requests and events to the answer.

use crate::{Bench, PLACEMENTS, rows};
use axum::http::StatusCode;
use bespoke::placements;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const BANNERS: &str = r#"
[[placement]]
name = "banner"
headline = "From the shop"
shows = "content"
slots = 1
bandit = { floor = 0.1, window_minutes = 5 }

[[placement]]
name = "reversed"
headline = "For you"
slots = 4
sources = [{ source = "editorial", weight = 1.0, limit = 50, products = ["p5", "p4", "p2", "p1"] }]

[[placement]]
name = "straight"
headline = "For you"
slots = 4
sources = [{ source = "editorial", weight = 1.0, limit = 50, products = ["p1", "p2", "p4", "p5"] }]

[[content]]
name = "summer"
placements = ["banner"]
title = "Summer"
text = "Half price"
image = "/summer.jpg"
link = "/sale"

[[content]]
name = "winter"
placements = ["banner"]
title = "Winter"
markets = ["AT"]

[[content]]
name = "gone"
placements = ["banner"]
title = "Gone"
until = "2020-01-01T00:00:00Z"
"#;

async fn bench() -> Bench {
    let bench = Bench::new();
    let shop = bench.shop.clone();
    let text = format!("{PLACEMENTS}{BANNERS}");
    std::thread::spawn(move || placements::apply(&shop, &text, "test").expect("they are as they must be"))
        .join()
        .expect("it is applied");
    bench.catalogue(&rows(3)).await;
    bench
}

async fn shown(bench: &Bench, ask: &Value) -> Value {
    let (status, body) = bench.ask("POST", "/v1/recommend", &bench.publishable, ask.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn bandit(bench: &Bench, placement: &str) -> (StatusCode, Value) {
    bench.settle();
    bench.ask("GET", &format!("/v1/placements/{placement}/bandit"), &bench.secret, String::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banner_is_drawn_with_its_probability_and_its_clicks_are_tied_to_the_decision() {
    let bench = bench().await;
    let mut seen = BTreeSet::new();
    for no in 0..40 {
        let body = shown(
            &bench,
            &json!({"placement": "banner", "anonymous_id": format!("s{no}"), "filter": "price < 1"}),
        )
        .await;
        let item = &body["items"][0];
        seen.insert(item["id"].as_str().unwrap_or_default().to_owned());
        let token = &body["rec_token"];
        let events = json!([
            {"event": "view_promotion", "anonymous_id": format!("s{no}"), "rec_token": token, "items": [{"promotion_id": item["id"], "creative_slot": "0"}]},
            {"event": "select_promotion", "anonymous_id": format!("s{no}"), "rec_token": token, "promotion_id": item["id"]},
        ]);
        let (status, told) = bench.post("/v1/events", &events).await;
        assert_eq!((status, &told["rejected"]), (StatusCode::ACCEPTED, &json!([])), "{told}");
    }
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), ["summer", "winter"]);
    let body =
        shown(&bench, &json!({"placement": "banner", "anonymous_id": "s", "context": {"market": "DE"}}))
            .await;
    let item = &body["items"][0];
    let wanted = json!({"title": "Summer", "text": "Half price", "link": "/sale", "image_link": "/summer.jpg", "price": null});
    assert_eq!((&item["kind"], &item["item"]), (&json!("content"), &wanted), "{body}");
    let id = body["request_id"].as_str().unwrap_or_default();
    let (_, told) = bench.ask("GET", &format!("/v1/decisions/{id}"), &bench.secret, String::new()).await;
    assert_eq!(told["draw"]["chances"], json!({"summer": 1.0}), "{told}");
    let body =
        shown(&bench, &json!({"placement": "banner", "anonymous_id": "s", "exclude_ids": ["summer"]})).await;
    assert_eq!(body["items"][0]["id"], json!("winter"));
    let (_, told) =
        bench.ask("GET", &format!("/v1/decisions/{id}/replay"), &bench.secret, String::new()).await;
    assert_eq!(told["identical"], json!(true), "{told}");
    let (status, told) = bandit(&bench, "banner").await;
    assert_eq!(
        (status, &told["waiting"], &told["choices"]),
        (StatusCode::OK, &json!(42), &json!(0)),
        "{told}"
    );
    let chances: Vec<&Value> = told["blocks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["probabilities"][0]["probability"])
        .collect();
    assert_eq!(chances, [&json!(0.5), &json!(0.5), &json!(0.0)], "the third is out of its time");
    assert!(
        told["words"]
            .as_str()
            .is_some_and(|words| words.starts_with("Cannot tell yet: 500 choices are needed")),
        "{told}"
    );
    let (_, kpis) = bench.ask("GET", "/v1/kpis?by=placement", &bench.secret, String::new()).await;
    let counts = &kpis["rows"][0]["counts"];
    assert_eq!((counts["lists"].as_f64(), counts["clicks"].as_f64()), (Some(40.0), Some(40.0)), "{kpis}");
    for (placement, code) in [("home", "not_found"), ("attic", "unknown_placement")] {
        let (status, body) = bandit(&bench, placement).await;
        assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!(code)));
    }
}

fn interleaved() -> Value {
    json!({"design": "interleaving", "placements": ["straight"],
        "arms": [{"name": "control"}, {"name": "reversed", "uses": {"straight": "reversed"}}]})
}

async fn set(bench: &Bench, definition: &Value) -> (StatusCode, Value) {
    bench.ask("PUT", "/v1/experiments/mixed", &bench.secret, definition.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rankings_stand_in_one_list_and_clicks_tell_which_is_preferred() {
    let bench = bench().await;
    let (status, body) = set(&bench, &interleaved()).await;
    assert_eq!(
        (status, &body["design"], &body["metric"]),
        (StatusCode::OK, &json!("interleaving"), &json!("clicks")),
        "{body}"
    );
    for no in 0..200 {
        let shopper = format!("s{no}");
        let body = shown(&bench, &json!({"placement": "straight", "anonymous_id": shopper})).await;
        assert_eq!(body["arms"], json!([{"experiment": "mixed", "arm": "interleaved"}]), "{body}");
        let ids: BTreeSet<&str> =
            body["items"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).collect();
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["p1", "p2", "p4", "p5"]);
        // Nine of ten want what the second ranking has first.
        let wanted = if no % 10 == 0 { "p1" } else { "p5" };
        let click = json!({"event": "select_item", "anonymous_id": shopper, "rec_token": body["rec_token"], "items": [{"item_id": wanted}]});
        let (status, told) = bench.post("/v1/events", &click).await;
        assert_eq!((status, &told["rejected"]), (StatusCode::ACCEPTED, &json!([])), "{told}");
        if no == 0 {
            let id = body["request_id"].as_str().unwrap_or_default();
            let (_, told) =
                bench.ask("GET", &format!("/v1/decisions/{id}"), &bench.secret, String::new()).await;
            let slot =
                |at: usize| (told["slate"][at]["team"].clone(), told["slate"][at]["probability"].clone());
            assert!(slot(0).0.is_string() && slot(0).1 == json!(0.5) && slot(1).1 == json!(1.0), "{told}");
            let replay = format!("/v1/decisions/{id}/replay");
            let (_, told) = bench.ask("GET", &replay, &bench.secret, String::new()).await;
            assert_eq!(told["identical"], json!(true));
        }
    }
    bench.settle();
    let (_, body) = bench.ask("GET", "/v1/experiments/mixed", &bench.secret, String::new()).await;
    let told = &body["preference"];
    assert_eq!(
        (&told["units_won"], &told["units_lost"], &told["verdict"]),
        (&json!(180), &json!(20), &json!("win")),
        "{body}"
    );
    assert!(
        told["words"]
            .as_str()
            .is_some_and(|words| words.starts_with("Shoppers prefer reversed: of 200 lists")),
        "{body}"
    );
    assert!((told["preference"]["estimate"].as_f64().unwrap_or_default() - 0.8).abs() < 1e-9, "{body}");
    assert_eq!((&body["results"], &body["mismatch"]), (&json!([]), &json!(false)));
    let (status, body) = bench.ask("GET", "/v1/experiments/mixed/plan", &bench.secret, String::new()).await;
    assert_eq!(
        (status, &body["errors"][0]["pointer"]),
        (StatusCode::BAD_REQUEST, &json!("design")),
        "{body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_interleaved_is_refused_with_the_field() {
    let bench = bench().await;
    let with = |field: &str, value: Value| {
        let mut one = interleaved();
        one[field] = value;
        one
    };
    let to = |used: &str| json!([{"name": "control"}, {"name": "b", "uses": {"straight": used}}]);
    let cases = [
        (with("metric", json!("revenue")), "metric: interleaving compares rankings by `clicks`"),
        (
            with("guardrails", json!([{"metric": "margin", "margin": 0.1}])),
            "guardrails: interleaving has none",
        ),
        (with("covariate", json!("before_acts")), "covariate: interleaving has none"),
        (with("unit", json!("query")), "unit: interleaving compares by shopper"),
        (
            with("arms", json!([{"name": "a", "share": 50}, {"name": "b", "share": 50}])),
            "arms: interleaving has two arms",
        ),
        (
            with("arms", json!([{"name": "a"}, {"name": "b"}])),
            "arms: the second arm `uses` another placement",
        ),
        (
            with("arms", to("listing")),
            "arms: \"straight\" and \"listing\" cannot stand in one list: both are slates",
        ),
        (
            with("arms", to("banner")),
            "arms: \"straight\" and \"banner\" cannot stand in one list: only products",
        ),
        (with("arms", to("attic")), "arms.1.uses: there is no placement \"attic\""),
    ];
    for (definition, said) in cases {
        let (status, body) = set(&bench, &definition).await;
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(status.is_client_error() && detail.starts_with(said), "{said}\n{body}");
    }
    let split = json!({"placements": ["straight"], "arms": [{"name": "a"}, {"name": "b"}]});
    let (status, body) = set(&bench, &split).await;
    assert!(
        status.is_client_error()
            && body["detail"].as_str().is_some_and(|text| text.starts_with("metric: name one of")),
        "{body}"
    );
}
