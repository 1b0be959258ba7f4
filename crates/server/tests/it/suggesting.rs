//! Suggestions, what searches teach, and the words of search, over HTTP.

use crate::{Bench, view};
use axum::http::StatusCode;
use serde_json::{Value, json};

fn catalogue() -> Value {
    let row = |id: &str, title: &str, category: &str, stock: u32| {
        json!({"id": id, "title": title, "brand": "Rettungsring", "product_type": category, "price": "9.99",
            "availability": "in_stock", "stock": stock, "link": format!("https://shop.example/{id}")})
    };
    json!([
        row("m1", "Red Retrospot Mug", "Kitchen > Mugs", 3),
        row("m2", "Mug “Möwe”", "Kitchen > Mugs", 3),
        row("t1", "Teapot", "Kitchen > Teapots", 0),
        row("h1", "Test Kit", "Health > Tests", 3),
    ])
}

fn search(shopper: &str, text: &str, results: u32) -> Value {
    json!({"event": "view_search_results", "anonymous_id": shopper, "search_term": text, "result_count": results,
        "page": {"type": "search"}})
}

fn click(shopper: &str, product: &str) -> Value {
    json!({"event": "select_item", "anonymous_id": shopper, "page": {"type": "search"},
        "items": [{"item_id": product, "index": 1}]})
}

impl Bench {
    async fn suggest(&self, query: &str) -> Value {
        let path = format!("/v1/suggest?{query}");
        let (status, body) = self.ask("GET", &path, &self.publishable, String::new()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    async fn report(&self) -> Value {
        self.ask("GET", "/v1/search/report?n=10", &self.secret, String::new()).await.1
    }

    /// `count` shoppers who search and click.
    async fn searched(&self, text: &str, results: u32, product: &str, count: u32) {
        for no in 0..count {
            let shopper = format!("{text}-{no}");
            let mut events = vec![search(&shopper, text, results)];
            events.extend((!product.is_empty()).then(|| click(&shopper, product)));
            self.post("/v1/events", &Value::Array(events)).await;
        }
        self.settle();
    }
}

fn texts<'a>(body: &'a Value, kind: &str) -> Vec<&'a str> {
    body[kind].as_array().into_iter().flatten().filter_map(|one| one["text"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_completed_by_what_can_be_had() {
    let bench = Bench::new();
    bench.catalogue(&catalogue()).await;
    let body = bench.suggest("q=re&n=4").await;
    assert_eq!(
        (texts(&body, "products"), texts(&body, "brands")),
        (vec!["Red Retrospot Mug"], vec!["Rettungsring"])
    );
    let one = &body["products"][0];
    assert_eq!((&one["id"], &one["item"]["link"]), (&json!("m1"), &json!("https://shop.example/m1")));
    assert_eq!(
        one["parts"],
        json!([{"text": "Re", "typed": true}, {"text": "d Retrospot Mug", "typed": false}])
    );
    assert_eq!(texts(&bench.suggest("q=MOWE+m").await, "products"), ["Mug “Möwe”"]);
    assert_eq!(texts(&bench.suggest("q=rertos").await, "products"), ["Red Retrospot Mug"], "a typing error");
    let body = bench.suggest("q=teap").await;
    assert_eq!(
        (texts(&body, "products"), texts(&body, "categories")),
        (vec![], vec![]),
        "nothing there can be had"
    );
    bench.catalogue(&json!([{"id": "t1", "stock": 2}])).await;
    let body = bench.suggest("q=teap").await;
    assert_eq!((texts(&body, "products"), texts(&body, "categories")), (vec!["Teapot"], vec!["Teapots"]));
    assert_eq!(body["categories"][0]["id"], "Kitchen > Teapots");
    bench.catalogue(&json!([{"id": "t1", "stock": 0}])).await;
    assert_eq!(texts(&bench.suggest("q=teap").await, "categories"), [""; 0]);
    bench
        .catalogue(&json!([{"id": "n1", "title": "Zwiebel", "availability": "in_stock", "price": "1.00"}]))
        .await;
    assert_eq!(texts(&bench.suggest("q=zw").await, "products"), ["Zwiebel"], "what is new is there at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_suggested_when_five_asked_it_and_it_leads_somewhere() {
    let bench = Bench::new();
    bench.catalogue(&catalogue()).await;
    bench.searched("Rote Tasse", 2, "m1", 4).await;
    bench.searched("nothing here", 0, "", 9).await;
    assert_eq!(texts(&bench.suggest("q=ro").await, "queries"), [""; 0], "four are too few");
    bench.post("/v1/events", &json!([search("fifth", "rote tasse", 2)])).await;
    bench.settle();
    assert_eq!(texts(&bench.suggest("q=tas").await, "queries"), ["rote tasse"]);
    assert_eq!(texts(&bench.suggest("q=noth").await, "queries"), [""; 0], "it found nothing");
    bench.catalogue(&json!([{"id": "m1", "stock": 0}])).await;
    assert_eq!(texts(&bench.suggest("q=tas").await, "queries"), [""; 0], "what it led to is sold out");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sensitive_is_not_suggested() {
    let bench = Bench::new();
    bench.catalogue(&catalogue()).await;
    bench.searched("test", 1, "h1", 6).await;
    bench.searched("pots", 1, "", 6).await;
    let all = |body: &Value| ["queries", "categories", "products"].map(|kind| texts(body, kind).len());
    assert_eq!(
        (all(&bench.suggest("q=te").await), all(&bench.suggest("q=po").await)),
        ([1, 1, 1], [1, 0, 0])
    );
    let settings = crate::PLACEMENTS.replace(
        "unknown_consent = \"granted\"",
        "unknown_consent = \"granted\"\nsensitive_categories = [\"Health\"]",
    );
    let shop = bench.shop.clone();
    let put = std::thread::spawn(move || bespoke::placements::apply(&shop, &settings, "test").is_ok()).join();
    assert!(put.is_ok_and(|is_put| is_put));
    bench.settle();
    assert_eq!(all(&bench.suggest("q=te").await), [0, 0, 0]);
    assert_eq!(all(&bench.suggest("q=po").await), [0, 0, 0], "nobody knows what it is about");
}

#[tokio::test(flavor = "multi_thread")]
async fn taste_orders_where_the_shopper_allows_it() {
    let bench = Bench::new();
    let row = |no: u32| {
        json!({"id": format!("p{no}"), "title": format!("Lamp {no}"), "availability": "in_stock", "price": "5.00",
            "product_type": format!("Room {no}"), "style": format!("style {}", no % 3), "brand": format!("Brand {no}")})
    };
    bench.catalogue(&Value::Array((0..30).map(row).collect())).await;
    for no in 0..8 {
        bench.post("/v1/events", &view(&format!("other {no}"), "p1")).await;
    }
    for id in ["p2", "p2", "p2", "p5", "p8"] {
        bench.post("/v1/events", &view("a", id)).await;
    }
    bench.settle();
    let first = |body: &Value| texts(body, "products").first().map(ToString::to_string);
    let popular = bench.suggest("q=lamp").await;
    assert_eq!((first(&popular).as_deref(), &popular["personalization"]), (Some("Lamp 1"), &json!("none")));
    let own = bench.suggest("q=lamp&anonymous_id=a").await;
    assert_eq!((first(&own).as_deref(), &own["personalization"]), (Some("Lamp 2"), &json!("full")));
    let denial =
        json!({"event": "consent_update", "anonymous_id": "a", "consent": {"personalization": "denied"}});
    bench.post("/v1/events", &denial).await;
    assert_eq!(first(&bench.suggest("q=lamp&anonymous_id=a").await).as_deref(), Some("Lamp 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_is_named() {
    let bench = Bench::new();
    for (path, status, code) in [
        ("/v1/suggest?q=a&n=21", StatusCode::BAD_REQUEST, "wrong_type"),
        ("/v1/suggest?q=a&limit=2", StatusCode::BAD_REQUEST, "unknown_field"),
        ("/v1/search/report?n=501", StatusCode::BAD_REQUEST, "wrong_type"),
        ("/v1/search/ubi?after=x", StatusCode::BAD_REQUEST, "wrong_type"),
    ] {
        let (got, body) = bench.ask("GET", path, &bench.secret, String::new()).await;
        assert_eq!((got, &body["errors"][0]["code"]), (status, &json!(code)), "{path}: {body}");
    }
    for path in ["/v1/search/report", "/v1/search/ubi", "/v1/settings/search"] {
        let (status, _) = bench.ask("GET", path, &bench.publishable, String::new()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
    let (status, _) = bench.ask("GET", "/v1/suggest?q=a&user_id=u", &bench.publishable, String::new()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for odd in ["%00", "%F0%9F%91%8D%F0%9F%91%8D", "%E2%80%AEabc", "+%2B+--'%22%3B", "%CC%81%CC%81"] {
        bench.suggest(&format!("q={odd}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_teach_and_are_exported() {
    let bench = Bench::new();
    bench.catalogue(&catalogue()).await;
    bench.searched("sneeker mug", 0, "", 6).await;
    bench.searched("rare", 0, "", 2).await;
    for no in 0..6 {
        let shopper = format!("s{no}");
        let events = [search(&shopper, "becher", 0), search(&shopper, "mug", 2), click(&shopper, "m2")];
        bench.post("/v1/events", &json!(events)).await;
    }
    bench.settle();
    let report = bench.report().await;
    let found: Vec<&str> = report["without_results"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["query"].as_str())
        .collect();
    assert_eq!(found, ["becher", "sneeker mug"], "{report}");
    assert_eq!((&report["queries"], &report["common"]), (&json!(4), &json!(3)));
    assert_eq!(report["synonyms"][0]["query"], "becher");
    assert_eq!(report["synonyms"][0]["instead_clicked"], 6);
    assert_eq!(report["synonyms"][0]["instead_shoppers"], 6);
    let body = json!({"synonyms": [{"from": ["Becher", "Mug"]}]});
    let (status, set) = bench.ask("PUT", "/v1/settings/search", &bench.secret, body.to_string()).await;
    assert_eq!(
        (status, &set["language"], &set["synonyms"][0]["from"][1]),
        (StatusCode::OK, &json!("en"), &json!("Mug"))
    );
    assert_eq!(bench.report().await["synonyms"], json!([]), "what is set is no candidate");
    let bad = json!({"synonyms": [{"from": ["alone"]}]}).to_string();
    let (status, body) = bench.ask("PUT", "/v1/settings/search", &bench.secret, bad).await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("synonyms.0.from")));
    check_export(&bench).await;
}

async fn check_export(bench: &Bench) {
    let denial = json!({"event": "consent_update", "anonymous_id": "s1", "consent": {"analytics": "denied"}});
    let partly =
        json!({"event": "consent_update", "anonymous_id": "s2", "consent": {"personalization": "denied"}});
    bench.post("/v1/events", &json!([denial, partly])).await;
    bench.settle();
    let (_, ubi) = bench.ask("GET", "/v1/search/ubi", &bench.secret, String::new()).await;
    let list = |name: &str| ubi[name].as_array().cloned().unwrap_or_default();
    let mugs: Vec<Value> = list("queries").into_iter().filter(|one| one["user_query"] == "mug").collect();
    assert_eq!((mugs.len(), &ubi["next"]), (5, &Value::Null), "not who denies analytics");
    assert!(list("queries").iter().all(|one| one["user_query"] != "rare"), "two shoppers' query is theirs");
    let known = mugs.iter().filter(|one| one["client_id"].is_string()).count();
    assert_eq!(known, 4, "not who denies personalization");
    assert_eq!(mugs[0]["query_attributes"], json!({"result_count": 2}));
    assert!(mugs[0]["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')));
    let clicks = list("events");
    assert_eq!(clicks.len(), 4, "a click belongs to a search of who may be followed");
    for one in &clicks {
        assert!(
            mugs.iter()
                .any(|query| query["query_id"] == one["query_id"] && query["client_id"] == one["client_id"])
        );
        assert_eq!(
            (&one["action_name"], &one["event_attributes"]["position"]),
            (&json!("click"), &json!({"ordinal": 2}))
        );
        assert_eq!(one["event_attributes"]["object"]["object_id"], "m2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_known_by_what_its_words_find_and_at_once() {
    let bench = Bench::searching().await;
    bench.searched("mug", 0, "", 6).await;
    assert!(texts(&bench.suggest("q=mu").await, "queries").is_empty(), "the shop's own search found nothing");
    let is_told = async || {
        let started = std::time::Instant::now();
        while texts(&bench.suggest("q=mu").await, "queries") != ["mug"] {
            assert!(started.elapsed().as_secs() < 5, "a search is seen although nothing else is written");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    bench.post("/v1/search", &json!({"q": "mug"})).await;
    is_told().await;
    for narrowed in
        [json!({"q": "mug", "filter": "price < 0.5"}), json!({"q": "mug", "refine": {"price": {"to": 0.5}}})]
    {
        let (_, body) = bench.post("/v1/search", &narrowed).await;
        assert_eq!(body["total"], 0);
    }
    bench.settle();
    is_told().await;
    assert_eq!(bench.report().await["without_results"], json!([]));
}
