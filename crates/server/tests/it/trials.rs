//! Backtests of placements over the API: three ways of deciding on the shop's own past, what is wrong with an ask, and remarks where
//! the history says too little.

use crate::learning::{beside, history, run};
use crate::{Bench, PLACEMENTS};
use axum::http::StatusCode;
use bespoke::{demo, import, placements};
use bespoke_engine::backtest::placement::arms;
use serde_json::{Value, json};

/// Blended by hand and with what is learnt, and one that shows categories.
const OWN: &str = r#"
[[placement]]
name = "home_blend"
headline = "Blend"
slots = 3
sources = [
    { source = "favourites", weight = 0.1, limit = 50 },
    { source = "slim", weight = 1.0, limit = 50 },
    { source = "popular", weight = 0.1, limit = 50 },
]
scorers = [{ scorer = "als", weight = 0.1 }]

[[placement]]
name = "home_tiles"
headline = "Tiles"
shows = "categories"
slots = 3
sources = [{ source = "popular", weight = 1.0, limit = 50 }]
"#;

fn fill(bench: &Bench, shoppers: i64) {
    let row = |id: String| json!({"id": id, "title": format!("Product {id}"), "price": "4.00", "availability": "in_stock"});
    let rows = ["tea", "tool"].iter().flat_map(|taste| (0..10).map(move |no| row(format!("{taste}{no}"))));
    let rows: String = rows.map(|row| format!("{row}\n")).collect();
    placements::apply(&bench.shop, &format!("{PLACEMENTS}{OWN}"), "test").expect("good placements");
    import::catalog_from(&bench.shop, rows.as_bytes(), &mut |_| {}).expect("good rows");
    import::events_from(&bench.shop, history(shoppers, 0).as_bytes(), &mut |_| {}).expect("good events");
}

fn arm<'a>(told: &'a Value, name: &str) -> &'a Value {
    told["arms"].as_array().into_iter().flatten().find(|arm| arm["arm"] == name).expect("it was tried")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placement_is_judged_beside_popularity_and_what_is_set_by_hand() {
    let bench = Bench::new();
    beside(|| fill(&bench, 120));
    let body = run(&bench, json!({"placement": "home_blend"})).await;
    let told = &body["backtests"]["home_blend"];
    assert_eq!(
        (&told["page"], &told["slots"], &told["shoppers"]),
        (&json!("home"), &json!(3), &json!(120)),
        "{body}"
    );
    assert_eq!(body["artifacts"], json!([]), "nothing came into force");
    let ahead = &arm(told, "learned")["measures"]["ndcg"]["beyond_popular"];
    assert!(ahead["low"].as_f64() > Some(0.0), "{told}");
    assert!(arm(told, "popular")["measures"]["ndcg"]["beyond_popular"].is_null());
    let segments: Vec<&str> = arm(told, "hand_set")["segments"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|segment| segment["segment"].as_str())
        .collect();
    assert_eq!(segments, ["light"], "all come back with few products, of no category");
    let remarks = told["remarks"].to_string();
    assert!(remarks.contains("no champion yet"), "{remarks}");
    // Once models of now are in force they have seen what is asked; asked on other pages it is another trial.
    run(&bench, json!({})).await;
    let body = run(&bench, json!({"placement": "home_blend", "page": "product"})).await;
    let told = &body["backtests"]["home_blend"];
    assert_eq!(told["page"], "product");
    assert!(told["remarks"].to_string().contains("has seen what is asked"), "{told}");
    assert_eq!(told["arms"].as_array().map(Vec::len), Some(3), "and so there is no champion");
}

#[tokio::test(flavor = "multi_thread")]
async fn models_from_before_the_split_are_tried_as_champion() {
    let bench = Bench::new();
    beside(|| fill(&bench, 120));
    let body = run(&bench, json!({})).await;
    assert_eq!(body["artifacts"].as_array().map(Vec::len), Some(2), "{body}");
    // Another day: what is in force by now was fitted before any of it.
    let split = bespoke::clock::now();
    let event = |no: i64| {
        let (shopper, product) = (no % 120, no / 120);
        let taste = ["tea", "tool"][(shopper % 2) as usize];
        json!({"event": "view_item", "event_id": format!("later {no}"), "anonymous_id": format!("s{shopper}"),
            "items": [{"item_id": format!("{taste}{}", (shopper + product) % 10)}]})
    };
    let events: String = (0..240).map(|no| format!("{}\n", event(no))).collect();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    beside(|| import::events_from(&bench.shop, events.as_bytes(), &mut |_| {}).expect("good events"));
    let at = jiff::Timestamp::from_millisecond(split.0 + 1000).expect("a time");
    let body =
        run(&bench, json!({"placement": "home_blend", "page": "product", "split_at": at.to_string()})).await;
    let told = &body["backtests"]["home_blend"];
    let names: Vec<&Value> = told["arms"].as_array().into_iter().flatten().map(|arm| &arm["arm"]).collect();
    assert_eq!(names, ["popular", "hand_set", "learned", "champion"], "{told}");
    assert!(arm(told, "champion")["measures"]["ndcg"]["value"].as_f64() > Some(0.0), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_is_named() {
    let bench = Bench::new();
    beside(|| fill(&bench, 8));
    for (ask, field) in [
        (json!({"placement": "nosuch"}), "placement"),
        (json!({"placement": "home_tiles"}), "placement"),
        (json!({"placement": "home_blend", "page": "search"}), "page"),
        (json!({"page": "home"}), "page"),
        (json!({"until": "2026-01-01T00:00:00Z"}), "until"),
        (json!({"placement": "home_blend", "publish": true}), "publish"),
        (json!({"placement": "home_blend", "models": ["magic"]}), "models.0"),
    ] {
        let (status, body) = bench.post("/v1/models/train", &ask).await;
        assert_eq!(
            (status, &body["errors"][0]["pointer"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{ask}: {body}"
        );
    }
    let body = run(&bench, json!({"placement": "home_blend"})).await;
    let remarks = body["backtests"]["home_blend"]["remarks"].to_string();
    assert!(remarks.contains("too few to tell"), "{body}");
}

#[test]
fn the_three_that_the_demo_compares_are_the_arms_of_its_backtest() {
    for own in [demo::PLACEMENTS, placements::DEFAULT] {
        let settings = placements::parse(&format!("{own}{}", demo::COMPARE)).expect("good placements");
        let find = |name: &str| settings.placements.iter().find(|one| one.name == name).expect("it is there");
        for name in demo::storefront::JUDGED {
            let arms = arms(find(name));
            assert_eq!(
                arms.iter().map(|arm| arm.name).collect::<Vec<_>>(),
                ["popular", "hand_set", "learned"]
            );
            for arm in arms {
                let mut shown = find(&name.replace("learned", arm.name)).clone();
                shown.name.clone_from(&arm.placement.name);
                shown.headline.clone_from(&arm.placement.headline);
                shown.fallback_headline.clone_from(&arm.placement.fallback_headline);
                assert_eq!(shown, arm.placement);
            }
        }
    }
}
