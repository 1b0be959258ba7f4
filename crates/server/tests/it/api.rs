//! The API as shops meet it.

use crate::{Bench, PLACEMENTS, rows, view};
use axum::http::StatusCode;
use bespoke::placements;
use serde_json::{Value, json};

fn ids(body: &Value) -> Vec<&str> {
    body["items"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn good_events_go_in_and_each_bad_one_is_named() {
    let bench = Bench::new();
    let known = json!({"event": "page_view", "anonymous_id": "a", "event_id": "e1"});
    let old = json!({"event": "page_view", "event_time": "2001-01-01T00:00:00Z"});
    let (status, body) =
        bench.post("/v1/events", &json!([known, known, {"event": "nope"}, view("a", "p1"), old])).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!((&body["accepted"], &body["duplicates"]), (&json!(2), &json!(1)));
    let faults: Vec<_> =
        body["rejected"].as_array().into_iter().flatten().map(|one| (&one["index"], &one["code"])).collect();
    assert_eq!(faults, [(&json!(2), &json!("unknown_event")), (&json!(4), &json!("time_out_of_range"))]);
    let (_, again) = bench.post("/v1/events", &known).await;
    assert_eq!(again["duplicates"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shoppers_next_slate_knows_the_last_acknowledged_event() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    for product in ["p0", "p4", "p2"] {
        bench.post("/v1/events", &view("a", product)).await;
        let (status, body) =
            bench.post("/v1/recommend", &json!({"placement": "home", "anonymous_id": "a"})).await;
        assert_eq!((status, ids(&body)[0], ids(&body)[1]), (StatusCode::OK, "p3", product), "{body}");
        assert_eq!(body["items"][1]["item"]["price"], json!({"amount": "9.99", "currency": "EUR"}));
        assert_eq!(body["items"][1]["reason"]["personal"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_out_is_not_shown_even_when_pinned() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    bench.post("/v1/events", &view("a", "p2")).await;
    bench.catalogue(&json!([{"id": "p3", "stock": 0}, {"id": "p2", "availability": "out_of_stock"}])).await;
    let (_, body) = bench.post("/v1/recommend", &json!({"placement": "home", "anonymous_id": "a"})).await;
    assert!(!ids(&body).contains(&"p3") && !ids(&body).contains(&"p2"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_alike_is_shown_and_a_vector_of_another_length_is_named() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    let shop = bench.shop.clone();
    let alike = PLACEMENTS.replace("bought_together", "look_alike").replace("\"bundle\"", "\"alike\"");
    let alike = alike.replace("form = \"alike\"", "form = \"slate\"");
    let put = std::thread::spawn(move || placements::apply(&shop, &alike, "test").is_ok()).join();
    assert!(put.is_ok_and(|is_put| is_put));
    let vectors = json!([{"id": "p0", "vector": [1, 0, 0]}, {"id": "p1", "vector": [0.2, 1, 0]},
        {"id": "p4", "vector": "0.9, 0.1, 0"}, {"id": "p5", "vector": [-1, 0, 0]}]);
    bench.catalogue(&vectors).await;
    let ask = json!({"placement": "alike", "n": 5, "context": {"item_ids": ["p0"], "page_type": "product"}});
    assert_eq!(ids(&bench.post("/v1/recommend", &ask).await.1), ["p4", "p1"]);
    let odd =
        json!([{"id": "p1", "vector": [1, 2]}, {"id": "p4", "vector": []}, {"id": "p3", "vector": "red"}]);
    let (_, body) = bench.ask("PATCH", "/v1/catalog/items", &bench.secret, odd.to_string()).await;
    let faults = body["rejected"].as_array().into_iter().flatten();
    let faults: Vec<_> = faults.map(|one| (&one["index"], &one["field"], &one["code"])).collect();
    let fault = |index: u32, code: &str| (json!(index), json!("vector"), json!(code));
    let (first, second) = (fault(0, "wrong_length"), fault(2, "invalid_vector"));
    assert_eq!(faults, [(&first.0, &first.1, &first.2), (&second.0, &second.1, &second.2)], "{body}");
    bench.settle();
    assert_eq!(ids(&bench.post("/v1/recommend", &ask).await.1), ["p1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_explained_and_recomputed_after_everything_changed() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    for product in ["p0", "p1", "p5"] {
        bench.post("/v1/events", &view("a", product)).await;
    }
    let (_, slate) = bench
        .post("/v1/recommend", &json!({"placement": "home", "anonymous_id": "a", "explain": true}))
        .await;
    let id = slate["request_id"].as_str().expect("a decision has an id").to_owned();
    bench.catalogue(&rows(0)).await;
    bench.post("/v1/events", &view("a", "p4")).await;
    let shop = bench.shop.clone();
    let changed = crate::PLACEMENTS.replace("slots = 5", "slots = 1");
    let put = tokio::task::spawn_blocking(move || placements::apply(&shop, &changed, "test")).await;
    put.expect("it does not panic").expect("the settings are as they must be");
    let (status, why) = bench.ask("GET", &format!("/v1/decisions/{id}"), &bench.secret, String::new()).await;
    assert_eq!(
        (status, why["slate"].as_array().map(Vec::len)),
        (StatusCode::OK, slate["items"].as_array().map(Vec::len))
    );
    let (status, again) =
        bench.ask("GET", &format!("/v1/decisions/{id}/replay"), &bench.secret, String::new()).await;
    assert_eq!((status, &again["identical"]), (StatusCode::OK, &json!(true)), "{again}");
    assert_eq!(again["recomputed"]["slate"], why["slate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_binds_everything_and_a_bad_one_is_named() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    bench.catalogue(&json!([{"id": "p1", "price": "1 EUR"}, {"id": "p2", "price": "2 EUR"}])).await;
    for product in ["p0", "p1", "p2"] {
        bench.post("/v1/events", &view("a", product)).await;
    }
    let ask =
        |filter: &str| json!({"placement": "home", "anonymous_id": "a", "filter": filter, "explain": true});
    let (_, body) = bench.post("/v1/recommend", &ask("price < 2.5 AND NOT id = 'p1'")).await;
    assert_eq!(ids(&body), ["p2"], "p3 is pinned and dear: {body}");
    let path = format!("/v1/decisions/{}/replay", body["request_id"].as_str().expect("an id"));
    let (_, again) = bench.ask("GET", &path, &bench.secret, String::new()).await;
    assert_eq!(again["identical"], true, "{again}");
    let (status, body) = bench.post("/v1/recommend", &ask("price < cheap")).await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("filter")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_nothing_twice() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    for product in ["p0", "p1", "p2", "p4", "p5"] {
        bench.post("/v1/events", &view("a", product)).await;
    }
    let ask = json!({"anonymous_id": "a", "exclude_ids": ["p5"],
        "placements": [{"placement": "home", "n": 2}, {"placement": "home"}, {"placement": "home"}]});
    let (status, body) = bench.post("/v1/recommend:batch", &ask).await;
    let slates: Vec<Vec<&str>> = body["results"].as_array().into_iter().flatten().map(ids).collect();
    assert_eq!(
        (status, slates.iter().map(Vec::len).collect::<Vec<_>>()),
        (StatusCode::OK, vec![2, 3, 0]),
        "{body}"
    );
    let mut all = slates.concat();
    all.sort_unstable();
    assert_eq!(all, ["p0", "p1", "p2", "p3", "p4"]);
    let path = format!("/v1/decisions/{}/replay", body["results"][1]["request_id"].as_str().expect("an id"));
    assert_eq!(bench.ask("GET", &path, &bench.secret, String::new()).await.1["identical"], true);
    let bad = json!({"placements": [{"placement": "home"}, {"placement": "home", "m": 2}]});
    assert_eq!(bench.post("/v1/recommend:batch", &bad).await.1["errors"][0]["pointer"], "placements.1.m");
    let bad = json!({"placements": ["home"]});
    assert_eq!(bench.post("/v1/recommend:batch", &bad).await.1["errors"][0]["pointer"], "placements.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_goes_on_in_the_order_of_its_first_page() {
    let bench = Bench::new();
    let row = |no| {
        json!({"id": format!("p{no}"), "title": format!("Product {no}"), "price": "9.99", "availability": "in_stock",
        "categories": [if no % 2 == 0 { "Home > Bath" } else { "Home > Kitchen" }]})
    };
    bench.catalogue(&Value::Array((0..31).map(row).collect())).await;
    for product in ["p7", "p9", "p7"] {
        bench.post("/v1/events", &view("other", product)).await;
    }
    bench.settle();
    let ask =
        json!({"placement": "listing", "anonymous_id": "a", "n": 4, "context": {"category_path": "Home"}});
    let (status, mut page) = bench.post("/v1/recommend", &ask).await;
    assert_eq!((status, &ids(&page)[..2]), (StatusCode::OK, &["p7", "p9"][..]), "{page}");
    let cursor = page["next"].clone();
    let second = bench.post("/v1/recommend:next", &json!({"cursor": cursor})).await.1;
    // What becomes popular and what goes out of stock between two pages moves nothing else.
    for product in ["p20", "p20", "p20", "p3"] {
        bench.post("/v1/events", &view("third", product)).await;
    }
    let gone = ids(&second)[1].to_owned();
    bench.catalogue(&json!([{"id": gone, "stock": 0}])).await;
    let mut shown: Vec<String> = ids(&page).into_iter().map(str::to_owned).collect();
    while let Some(cursor) = page["next"].as_str() {
        page = bench.post("/v1/recommend:next", &json!({"cursor": cursor, "n": 7})).await.1;
        assert_eq!(page["items"][0]["position"], shown.len() + usize::from(shown.len() > 5), "{page}");
        shown.extend(ids(&page).into_iter().map(str::to_owned));
        let path = format!("/v1/decisions/{}/replay", page["request_id"].as_str().expect("an id"));
        assert_eq!(bench.ask("GET", &path, &bench.secret, String::new()).await.1["identical"], true);
    }
    assert!(!shown.contains(&gone) && shown.len() == 30, "{shown:?}");
    let mut each = shown.clone();
    each.sort_unstable();
    each.dedup();
    assert_eq!(each.len(), 30, "none twice: {shown:?}");
    let (status, body) = bench.post("/v1/recommend:next", &json!({"cursor": "cur_AAAA"})).await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("cursor")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placement_is_switched_off_rolled_out_and_rolled_back() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    let roll_out = async |percent: u64| {
        let body = json!({ "rollout": percent }).to_string();
        bench.ask("PATCH", "/v1/placements/home", &bench.secret, body).await
    };
    let shown = async || {
        let mut shown = 0;
        for no in 0..60 {
            bench.post("/v1/events", &view(&format!("s{no}"), "p1")).await;
            let ask = json!({"placement": "home", "anonymous_id": format!("s{no}")});
            let body = bench.post("/v1/recommend", &ask).await.1;
            let again = bench.post("/v1/recommend", &ask).await.1;
            assert_eq!(ids(&body).is_empty(), ids(&again).is_empty(), "a shopper stays in or out");
            assert_eq!(body["fallback"] == "off", ids(&body).is_empty());
            shown += usize::from(body["fallback"] != "off");
        }
        shown
    };
    assert_eq!(shown().await, 60);
    let (_, before) = bench.ask("GET", "/v1/settings/versions", &bench.secret, String::new()).await;
    assert_eq!(roll_out(0).await.0, StatusCode::OK);
    assert_eq!(shown().await, 0);
    roll_out(50).await;
    assert!((15..=45).contains(&shown().await));
    let version = json!({"version": before["versions"][0]["version"]});
    let (status, after) = bench.post("/v1/settings/rollback", &version).await;
    assert_eq!((status, after["versions"].as_array().map(Vec::len)), (StatusCode::OK, Some(4)), "{after}");
    assert_eq!((&after["versions"][0]["in_force"], shown().await), (&json!(true), 60));
    let (status, body) = bench.post("/v1/settings/rollback", &json!({"version": 0})).await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("version")));
    let refused = bench.ask("PATCH", "/v1/placements/home", &bench.publishable, "{}".to_owned()).await;
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
    assert_eq!(roll_out(101).await.0, StatusCode::BAD_REQUEST);
    let nosuch =
        bench.ask("PATCH", "/v1/placements/nosuch", &bench.secret, "{\"rollout\":1}".to_owned()).await;
    assert_eq!(nosuch.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_what_is_wrong_with_its_fix() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    for no in 0..30 {
        bench.post("/v1/events", &view(&format!("s{no}"), if no % 3 == 0 { "nosuch" } else { "p1" })).await;
        let order = json!({"event": "purchase", "event_id": format!("o{no}"), "anonymous_id": "a", "transaction_id": format!("t{no}"),
            "currency": "EUR", "items": [{"item_id": "p1", "price": "1.00"}]});
        bench.post("/v1/events", &order).await;
    }
    bench.settle();
    let (status, body) = bench.ask("GET", "/v1/doctor", &bench.secret, String::new()).await;
    let finding = |code: &str| {
        let found = body["findings"].as_array().into_iter().flatten().find(|one| one["code"] == code);
        found.map(|one| {
            (one["level"].as_str().unwrap_or_default().to_owned(), one["share"].as_f64().unwrap_or_default())
        })
    };
    let is = |level: &str, share: f64| Some((level.to_owned(), share));
    assert_eq!(status, StatusCode::OK);
    assert_eq!(finding("events_without_id"), is("warning", 0.5), "{body}");
    assert_eq!(finding("unknown_products"), is("warning", 10.0 / 60.0));
    assert_eq!(finding("orders_without_price"), is("ok", 0.0));
    assert_eq!(finding("products_without_image"), is("unknown", 1.0), "six products say little");
    assert_eq!(finding("no_select_item"), is("warning", 1.0));
    assert_eq!((finding("no_purchase"), &body["kinds"]["purchase"]), (None, &json!(30)));
    assert_eq!(
        bench.ask("GET", "/v1/doctor", &bench.publishable, String::new()).await.0,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_has_one_price_while_all_of_it_can_be_bought() {
    let bench = Bench::new();
    bench.catalogue(&rows(4)).await;
    for no in 0..3 {
        let order = json!({"event": "purchase", "event_id": format!("o{no}"), "anonymous_id": format!("s{no}"),
            "transaction_id": format!("t{no}"), "items": [{"item_id": "p1"}, {"item_id": "p2"}]});
        bench.post("/v1/events", &order).await;
    }
    bench.settle();
    let ask = json!({"placement": "bundle", "context": {"item_ids": ["p1"]}});
    let body = bench.post("/v1/recommend", &ask).await.1;
    assert_eq!(body["bundle"]["item_ids"], json!(["p1", "p2"]), "{body}");
    bench
        .catalogue(&json!([{"id": "p1", "price": "5.25 EUR"}, {"id": "p2", "sale_price": "0.75 EUR"}]))
        .await;
    let body = bench.post("/v1/recommend", &ask).await.1;
    assert_eq!(body["bundle"]["price"], json!({"amount": "6.00", "currency": "EUR"}));
    bench.catalogue(&json!([{"id": "p1", "stock": 0}])).await;
    assert_eq!(bench.post("/v1/recommend", &ask).await.1["bundle"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_ids_are_put_in_order_and_nothing_else_is_shown() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    bench.catalogue(&json!([{"id": "p0", "stock": 0}])).await;
    for product in ["p5", "p2"] {
        bench.post("/v1/events", &view("a", product)).await;
    }
    let given: Vec<&str> = ["p0", "p1", "p2", "p5", "nosuch"].to_vec();
    let ask = json!({"placement": "home", "anonymous_id": "a", "ids": given});
    let (status, body) = bench.post("/v1/rank", &ask).await;
    assert_eq!((status, ids(&body)), (StatusCode::OK, vec!["p2", "p5", "p1"]), "{body}");
    assert_eq!(body["missing_ids"], json!(["nosuch"]));
    let path = format!("/v1/decisions/{}/replay", body["request_id"].as_str().expect("an id"));
    assert_eq!(bench.ask("GET", &path, &bench.secret, String::new()).await.1["identical"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slate_without_a_shopper_may_be_cached() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    bench.post("/v1/events", &view("a", "p2")).await;
    bench.settle();
    let path = format!("/v1/recommend/home?key={}&exclude_ids=p3,p4&n=2", bench.publishable);
    let request =
        axum::http::Request::builder().uri(&path).body(axum::body::Body::empty()).expect("a request");
    let response = tower::ServiceExt::oneshot(bench.router.clone(), request).await.expect("it answers");
    assert_eq!(response.headers()["cache-control"], "public, max-age=60");
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    let body: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!((ids(&body), &body["personalization"]), (vec!["p2"], &json!("none")));
    let (status, body) =
        bench.ask("GET", "/v1/recommend/home?shopper=a", &bench.publishable, String::new()).await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("shopper")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_time_gets_what_is_popular_and_it_is_replayed_so() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    bench.post("/v1/events", &view("a", "p4")).await;
    let ask = |timeout: &str| {
        let request = axum::http::Request::builder().method("POST").uri("/v1/recommend");
        let request = request
            .header("authorization", format!("Bearer {}", bench.secret))
            .header("x-timeout-ms", timeout);
        let body = json!({"placement": "home", "anonymous_id": "a"}).to_string();
        let request = request.body(axum::body::Body::from(body)).expect("a request");
        let router = bench.router.clone();
        async move {
            let response = tower::ServiceExt::oneshot(router, request).await.expect("the router answers");
            let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        }
    };
    let calm = ask("1000").await;
    assert_eq!(calm["skipped"], json!([]));
    let hurried = ask("0").await;
    assert_eq!(hurried["skipped"], json!(["recently_viewed"]));
    let is_personal = |item: &Value| item["reason"]["personal"] == true;
    let any_personal = |body: &Value| body["items"].as_array().expect("items").iter().any(is_personal);
    assert!(!ids(&hurried).is_empty() && any_personal(&calm) && !any_personal(&hurried), "{calm} {hurried}");
    let path = format!("/v1/decisions/{}/replay", hurried["request_id"].as_str().expect("an id"));
    let (_, again) = bench.ask("GET", &path, &bench.secret, String::new()).await;
    assert_eq!(again["identical"], true, "{again}");
    let given = json!({"placement": "home", "anonymous_id": "a", "ids": ["p1"]}).to_string();
    let request = axum::http::Request::builder().method("POST").uri("/v1/rank").header("x-timeout-ms", "0");
    let request = request.header("authorization", format!("Bearer {}", bench.secret));
    let request = request.body(axum::body::Body::from(given)).expect("a request");
    let response = tower::ServiceExt::oneshot(bench.router.clone(), request).await.expect("it answers");
    assert_eq!(response.status(), StatusCode::OK, "what is given is put in order without time, too");
    assert_eq!(ask("soon").await["errors"][0]["pointer"], "x-timeout-ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_consent_nothing_personal_is_kept_or_used() {
    let bench = Bench::new();
    bench.catalogue(&rows(5)).await;
    bench.post("/v1/events", &view("a", "p4")).await;
    let denied = json!({"event": "consent_update", "anonymous_id": "a", "consent": {"analytics": "denied", "personalization": "denied"}});
    assert_eq!(bench.post("/v1/events", &denied).await.1["accepted"], 1);
    let (_, later) = bench.post("/v1/events", &view("a", "p5")).await;
    assert_eq!((&later["accepted"], &later["without_consent"]), (&json!(0), &json!(1)));
    let (_, body) = bench.post("/v1/recommend", &json!({"placement": "home", "anonymous_id": "a"})).await;
    assert_eq!(body["personalization"], "none");
    let id = body["request_id"].as_str().expect("a decision has an id").parse().expect("of its form");
    let logged = bespoke::recommend::find(&bench.shop, id).await.expect("it is in the log");
    assert_eq!(logged.request.shopper, None, "logged without a shopper");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_bad_requests_are_told_apart() {
    let bench = Bench::new();
    let recommend = json!({"placement": "home"}).to_string();
    let as_customer = json!({"placement": "home", "user_id": "u"}).to_string();
    let wrong = format!("pk_{}", "0".repeat(64));
    let path = format!("/v1/decisions/dec_{}", "0".repeat(32));
    let publishable = bench.publishable.as_str();
    for (method, path, key, body, status, code) in [
        ("POST", "/v1/recommend", wrong.as_str(), recommend.as_str(), 401, "unauthorized"),
        ("POST", "/v1/recommend", publishable, as_customer.as_str(), 403, "forbidden_scope"),
        ("PATCH", "/v1/catalog/items", publishable, "[]", 403, "forbidden_scope"),
        ("GET", path.as_str(), bench.secret.as_str(), "", 404, "not_found"),
        ("POST", "/v1/recommend", publishable, "{", 400, "bad_json"),
        ("POST", "/v1/recommend", publishable, "{\"placement\":\"attic\"}", 404, "unknown_placement"),
        ("POST", "/v1/recommend", publishable, "{\"placement\":\"home\",\"n\":101}", 400, "invalid_request"),
        (
            "POST",
            "/v1/recommend",
            publishable,
            "{\"placement\":\"home\",\"fields\":[]}",
            400,
            "invalid_request",
        ),
        (
            "POST",
            "/v1/recommend",
            publishable,
            "{\"placement\":\"home\",\"context\":{\"page\":1}}",
            400,
            "invalid_request",
        ),
        ("POST", "/v1/events", publishable, &"x".repeat((1 << 20) + 1), 413, "too_large"),
        ("DELETE", "/v1/events", publishable, "", 405, "method_not_allowed"),
        ("GET", "/attic", publishable, "", 404, "not_found"),
    ] {
        let (got, body) = bench.ask(method, path, key, body.to_owned()).await;
        assert_eq!((got.as_u16(), body["code"].as_str()), (status, Some(code)), "{method} {path}: {body}");
    }
    let (status, body) = bench
        .ask("POST", "/v1/events", publishable, json!({"event": "login", "user_id": "u"}).to_string())
        .await;
    assert_eq!((status, &body["rejected"][0]["code"]), (StatusCode::ACCEPTED, &json!("forbidden_scope")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_sends_its_key_in_the_address() {
    let bench = Bench::new();
    let path = format!("/v1/events?key={}", bench.publishable);
    let (status, _) = bench.ask("POST", &path, "", json!({"event": "page_view"}).to_string()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "a wrong header is not overruled by the address");
    let request =
        axum::http::Request::builder().method("POST").uri(&path).header("content-type", "text/plain");
    let request =
        request.body(axum::body::Body::from(json!({"event": "page_view"}).to_string())).expect("a request");
    let response =
        tower::ServiceExt::oneshot(bench.router.clone(), request).await.expect("the router answers");
    assert_eq!(response.status(), StatusCode::ACCEPTED);
}

#[test]
fn the_description_of_the_api_is_the_committed_one() {
    // After a change: UPDATE_EXPECT=1 cargo test -p bespoke
    expect_test::expect_file!["../../../../docs/openapi.json"].assert_eq(&bespoke::openapi::text());
}
