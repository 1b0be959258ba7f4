//! The server's tests: the API without a network, the real binary killed under load, the storefront in a real browser.

mod api;
mod banners;
mod browser;
mod care;
mod challenges;
mod crash;
mod experiments;
mod files;
mod hostile;
mod judging;
mod keeping;
mod kpis_sql;
mod languages;
mod learning;
mod meaning;
mod pilot;
mod results;
mod search_box;
mod searching;
mod storefront;
mod suggesting;
mod trials;
mod tuning;
mod watching;
mod whole;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bespoke::boot::Shop;
use bespoke::http::{App, router};
use bespoke::{keys, placements};
use bespoke_domain::settings::Scope;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt as _;

/// A shop in a temporary directory, with its API and keys.
struct Bench {
    _directory: tempfile::TempDir,
    shop: Arc<Shop>,
    router: Router,
    publishable: String,
    secret: String,
}

impl Bench {
    /// Made on a thread of its own: it waits for the writer, which a thread that runs async tasks must not.
    fn new() -> Self {
        std::thread::spawn(Self::make).join().expect("a shop is made")
    }

    fn make() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let shop = Shop::open(&directory.path().join("shop")).expect("an empty directory opens");
        placements::apply(&shop, PLACEMENTS, "test").expect("the placements are as they must be");
        let publishable = keys::create(&shop, Scope::Publishable).expect("a key");
        let secret = keys::create(&shop, Scope::Secret).expect("a key");
        Self { router: router(App::new(shop.clone())), _directory: directory, shop, publishable, secret }
    }

    async fn ask(&self, method: &str, path: &str, key: &str, body: String) -> (StatusCode, Value) {
        let request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        // As from a browser, lest it is taken for a program.
        let request = request
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .header("accept", "application/json")
            .header("accept-language", "en");
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await.expect("a body");
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask("POST", path, &self.secret, body.to_string()).await
    }

    async fn catalogue(&self, rows: &Value) {
        let (status, body) = self.ask("PATCH", "/v1/catalog/items", &self.secret, rows.to_string()).await;
        assert_eq!((status, &body["rejected"]), (StatusCode::ACCEPTED, &json!([])));
        self.settle();
    }

    /// Makes everything visible without waiting for the tick.
    fn settle(&self) {
        let shop = self.shop.clone();
        let settled = std::thread::spawn(move || shop.queue.call(bespoke::writer::Job::Checkpoint)).join();
        assert!(settled.is_ok_and(|settled| settled.is_ok()));
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shop.close();
    }
}

/// Products p0 to p5.
fn rows(stock: u32) -> Value {
    let row = |no| json!({"id": format!("p{no}"), "title": format!("Product {no}"), "price": "9.99", "availability": "in_stock", "stock": stock});
    Value::Array((0..6).map(row).collect())
}

fn view(shopper: &str, product: &str) -> Value {
    json!({"event": "view_item", "anonymous_id": shopper, "items": [{"item_id": product}]})
}

const PLACEMENTS: &str = r#"
[shop]
currency = "EUR"
time_zone = "UTC"
unknown_consent = "granted"

[holdout]
share = 0

[[placement]]
name = "home"
headline = "For you"
fallback_headline = "Popular"
slots = 5
sources = [
    { source = "recently_viewed", weight = 1.0, limit = 50 },
    { source = "popular", weight = 0.5, limit = 50 },
]

[[placement.rule]]
name = "Window"
rule = "pin"
items = ["p3"]

[[placement]]
name = "recent"
headline = "Seen lately"
on_thin = "hide"
min_evidence = 1
slots = 5
sources = [{ source = "recently_viewed", weight = 1.0, limit = 50 }]

[[placement]]
name = "listing"
headline = "All"
form = "listing"
slots = 5
sources = [{ source = "category", weight = 1.0, limit = 500 }]

[[placement]]
name = "bundle"
headline = "Together"
form = "bundle"
on_thin = "hide"
min_evidence = 1
slots = 2
sources = [{ source = "bought_together", weight = 1.0, limit = 50 }]
"#;
