//! A shop in two languages over HTTP: `locale` of rows and of requests, in searches, listings, suggestions and recommendations; refused by
//! name; explained and recomputed. And the category that a search is about.

use crate::{Bench, view};
use axum::http::StatusCode;
use serde_json::{Value, json};

fn rows() -> Value {
    let row = |id: &str, title: &str, locale: &str, path: &str| {
        json!({"id": id, "title": title, "locale": locale, "product_type": path, "price": "9 EUR",
            "availability": "in_stock"})
    };
    json!([
        row("de1", "Kaffeemaschinen Bella", "de", "Kitchen > Makers"),
        row("de2", "Entkalker für Kaffeemaschine", "DE-at", "Kitchen > Makers"),
        row("en1", "Coffee machine Bella", "en", "Kitchen > Makers"),
        row("en2", "Tea for two", "en-GB", "Kitchen > Tea"),
        row("all", "Bella", "", "Kitchen > Makers"),
    ])
}

async fn shop() -> Bench {
    let bench = Bench::searching().await;
    bench.catalogue(&rows()).await;
    bench
}

async fn get(bench: &Bench, path: &str) -> Value {
    let (status, body) = bench.ask("GET", path, &bench.publishable, String::new()).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

fn ids(body: &Value, list: &str) -> Vec<String> {
    let all = body[list].as_array().into_iter().flatten().filter_map(|one| one["id"].as_str());
    let mut ids: Vec<String> = all.map(str::to_owned).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_its_language_and_what_names_none() {
    let bench = shop().await;
    for (query, expected) in [
        ("q=kaffeemaschine&locale=de", vec!["de1", "de2"]),
        ("q=coffee+machines&locale=en-US", vec!["en1"]),
        ("q=bella&locale=de-CH", vec!["all", "de1"]),
        ("q=bella&locale=pl", vec!["all"]),
        ("q=bella", vec!["all", "de1", "en1"]),
    ] {
        let found = get(&bench, &format!("/v1/search?{query}&facets=category")).await;
        assert_eq!(ids(&found, "items"), expected, "{query}");
        assert_eq!(found["total"], expected.len(), "{query}");
        assert_eq!(found["facets"][0]["values"][0]["count"], expected.len(), "{query}: {found}");
    }
    let body = json!({"q": "kaffeemaschinen", "context": {"locale": "de"}});
    let (_, found) = bench.post("/v1/search", &body).await;
    assert_eq!(ids(&found, "items"), ["de1", "de2"]);
    let path = "/v1/categories/Kitchen%20%3E%20Makers/products";
    assert_eq!(ids(&get(&bench, &format!("{path}?locale=en")).await, "items"), ["all", "en1"]);
    assert_eq!(get(&bench, path).await["total"], 4);
    let suggested = async |locale: &str| get(&bench, &format!("/v1/suggest?q=bel&locale={locale}")).await;
    assert_eq!(ids(&suggested("de").await, "products"), ["all", "de1"]);
    assert_eq!(ids(&suggested("en").await, "products"), ["all", "en1"]);
    let tea = get(&bench, "/v1/suggest?q=tea&locale=de").await;
    assert_eq!(ids(&tea, "categories"), ["Kitchen > Teapots"], "there is no German tea: {tea}");
    for product in ["en1", "de1"] {
        bench.post("/v1/events", &view("shopper", product)).await;
    }
    bench.settle();
    let (_, slate) = bench
        .post("/v1/recommend", &json!({"placement": "home", "n": 50, "context": {"locale": "de"}}))
        .await;
    let shown = ids(&slate, "items");
    assert!(!shown.is_empty() && !shown.iter().any(|id| id.starts_with("en")), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_part_of_what_is_logged_and_of_the_next_page() {
    let bench = shop().await;
    let found = get(&bench, "/v1/search?q=bella&locale=DE-at&n=1").await;
    bench.settle();
    let path = format!("/v1/decisions/{}", found["request_id"].as_str().expect("an id"));
    let (_, why) = bench.ask("GET", &path, &bench.secret, String::new()).await;
    assert_eq!(why["context"]["locale"], "de-AT");
    let (_, again) = bench.ask("GET", &format!("{path}/replay"), &bench.secret, String::new()).await;
    assert_eq!(again["identical"], true, "{again}");
    let next = found["next"].as_str().expect("two are found, one is shown");
    let other = format!("/v1/search?q=bella&n=1&page=2&cursor={next}");
    let (status, _) = bench.ask("GET", &other, &bench.publishable, String::new()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "another language is another search");
    assert_eq!(ids(&get(&bench, &format!("{other}&locale=de-AT")).await, "items").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_none_is_refused_by_name() {
    let bench = shop().await;
    for path in ["/v1/search?q=bella&", "/v1/suggest?q=b&", "/v1/categories/Kitchen/products?"] {
        for tag in ["german", "de_AT", "de-", "1"] {
            let (status, body) =
                bench.ask("GET", &format!("{path}locale={tag}"), &bench.publishable, String::new()).await;
            let fault = &body["errors"][0];
            assert_eq!(
                (status, &fault["code"]),
                (StatusCode::BAD_REQUEST, &json!("invalid_locale")),
                "{body}"
            );
            assert!(fault["pointer"].as_str().is_some_and(|field| field.ends_with("locale")), "{body}");
            assert!(fault["detail"].as_str().is_some_and(|fix| fix.contains("`de-AT`")), "{body}");
        }
    }
    let row = json!([{"id": "bad", "title": "Bad", "availability": "in_stock", "locale": "de_AT"}]);
    let (_, body) = bench.ask("PATCH", "/v1/catalog/items", &bench.secret, row.to_string()).await;
    assert!(body["rejected"].to_string().contains("locale"), "{body}");
    let (_, body) = bench.post("/v1/search", &json!({"q": "b", "context": {"locale": 5}})).await;
    assert_eq!(body["errors"][0]["pointer"], "context.locale", "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_search_is_about_is_told_and_can_be_taken_back() {
    let bench = Bench::searching().await;
    let about = |body: &Value| {
        let understood = body["query"]["understood"].as_array().into_iter().flatten();
        let category = understood.filter(|one| one["about"] == "category" && one["basis"] != "words");
        category.map(|one| one.to_string()).collect::<Vec<_>>().join("\n")
    };
    let (_, found) = bench.post("/v1/search", &json!({"q": "red number"})).await;
    let told: Value = serde_json::from_str(&about(&found)).expect("one category");
    assert_eq!(
        (&told["value"], &told["text"], &told["basis"], &told["filter"]),
        (&json!("Kitchen > Mugs"), &json!("number"), &json!("matches"), &json!(false)),
        "{found}"
    );
    assert!(told["confidence"].as_f64().is_some_and(|sure| (0.5..=1.0).contains(&sure)), "{told}");
    for back in
        [json!({"q": "red number", "as_words": ["number"]}), json!({"q": "red number", "literal": true})]
    {
        let (_, found) = bench.post("/v1/search", &back).await;
        assert_eq!(about(&found), "", "{back}");
        assert!(found["total"].as_u64().is_some_and(|total| total > 0), "{back}");
    }
    let path = format!("/v1/decisions/{}", found["request_id"].as_str().expect("an id"));
    bench.settle();
    let (_, why) = bench.ask("GET", &path, &bench.secret, String::new()).await;
    assert!(why["met"]["understood"].to_string().contains("Kitchen > Mugs"), "{why}");
    let (_, again) = bench.ask("GET", &format!("{path}/replay"), &bench.secret, String::new()).await;
    assert_eq!(again["identical"], true, "{again}");
}
