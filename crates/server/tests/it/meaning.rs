//! Searches by meaning over HTTP: with a model of texts that is dropped in, made up here, and with what words mean to the shop.

use crate::Bench;
use crate::learning::{beside, run};
use axum::http::StatusCode;
use bespoke::boot::Shop;
use bespoke::embedding::{Embedding, Embeds, renew};
use bespoke::http::{App, router};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Knows what one drinks from and what gives light; counts the products that it is asked for.
#[derive(Default)]
struct Made {
    asked: AtomicUsize,
    /// How long a query takes; one that fails takes none.
    slow: Option<Duration>,
    fails: bool,
}

impl Embeds for Made {
    fn id(&self) -> &str {
        "made"
    }

    fn width(&self) -> usize {
        3
    }

    fn passages(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        self.asked.fetch_add(texts.len(), Ordering::Relaxed);
        let vector = |text: &&str| match text.to_lowercase() {
            text if text.contains("mug") || text.contains("cup") => vec![1.0, 0.0, 0.1],
            text if text.contains("lamp") => vec![0.0, 1.0, 0.0],
            _ => vec![0.0, 0.0, 1.0],
        };
        Ok(texts.iter().map(vector).collect())
    }

    #[allow(clippy::disallowed_methods, reason = "a model that is slow")]
    fn query(&self, text: &str) -> Result<Vec<f32>, String> {
        if let Some(slow) = self.slow {
            std::thread::sleep(slow);
        }
        let vector = if text.contains("drink") { vec![1.0, 0.1, 0.0] } else { vec![0.0, 1.0, 0.0] };
        if self.fails { Err("it is damaged".to_owned()) } else { Ok(vector) }
    }
}

fn row(id: &str, title: &str) -> Value {
    json!({"id": id, "title": title, "brand": "Acme", "availability": "in_stock"})
}

async fn shop() -> Bench {
    let bench = Bench::searching().await;
    bench.catalogue(&json!([row("lamp", "Desk lamp"), row("rug", "Woollen rug")])).await;
    bench
}

/// The same shop with a model of texts.
fn with_model(mut bench: Bench, model: Arc<Made>) -> Bench {
    let app = App::new(bench.shop.clone());
    let embedding = Embedding::start(model, &bench.shop).expect("threads start");
    assert!(app.embedding.set(embedding).is_ok());
    bench.router = router(app);
    bench
}

fn all(model: &dyn Embeds, shop: &Shop) {
    beside(|| while !renew(model, shop).expect("it is kept") {});
}

async fn find(bench: &Bench, text: &str) -> Value {
    let (status, body) = bench.post("/v1/search", &json!({"q": text, "n": 50})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// The same, once the model has told: on a busy machine it may be late, and then it is remembered for the next time.
async fn find_in_time(bench: &Bench, text: &str) -> Value {
    for _ in 0..100 {
        let found = find(bench, text).await;
        if found["skipped"] == json!([]) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the model takes no two seconds");
}

fn ids(body: &Value) -> Vec<&str> {
    body["items"].as_array().into_iter().flatten().filter_map(|one| one["id"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_in_model_finds_what_stands_in_other_words_and_is_not_asked_twice() {
    let model = Arc::new(Made::default());
    let bench = shop().await;
    assert_eq!(find(&bench, "something to drink").await["total"], 0);
    all(&*model, &bench.shop);
    let made = model.asked.load(Ordering::Relaxed);
    assert_eq!(made, 14, "every product once");
    let bench = with_model(bench, model.clone());
    let found = find_in_time(&bench, "something to drink").await;
    assert_eq!((&found["total"], &found["query"]["by_meaning"]), (&json!(10), &json!(10)), "{found}");
    assert_eq!((&found["query"]["vectors"], &found["skipped"]), (&json!("embedded"), &json!([])));
    assert!(
        ids(&found).iter().all(|id| id.starts_with('m')),
        "no lamp, no rug, and not what is gone: {found}"
    );
    let path = format!("/v1/decisions/{}", found["request_id"].as_str().unwrap_or_default());
    let replay = bench.ask("GET", &format!("{path}/replay"), &bench.secret, String::new()).await.1;
    assert_eq!(replay["identical"], true, "{replay}");
    // What comes later is asked for alone.
    bench.catalogue(&json!([row("cup", "Tin cup"), row("lamp", "Desk lamp")])).await;
    all(&*model, &bench.shop);
    // The thread that looks now and again may have made the same one.
    assert!(model.asked.load(Ordering::Relaxed) <= made + 2, "not all of them again");
    assert!(ids(&find_in_time(&bench, "something to drink").await).contains(&"cup"));
    let refined = json!({"q": "something to drink", "refine": {"brand": ["Potters"]}, "facets": ["brand"]});
    let refined = bench.post("/v1/search", &refined).await.1;
    let brands: Vec<(&Value, &Value)> = refined["facets"][0]["values"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| (&one["value"], &one["count"]))
        .collect();
    assert_eq!(brands, [(&json!("Potters"), &json!(5)), (&json!("Acme"), &json!(6))], "as if not narrowed");
    assert_eq!(refined["total"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_or_is_late_is_left_out_and_named() {
    let late = Made { slow: Some(Duration::from_secs(3)), ..Made::default() };
    for model in [Made { fails: true, ..Made::default() }, late] {
        let (model, bench) = (Arc::new(model), shop().await);
        all(&*model, &bench.shop);
        let bench = with_model(bench, model);
        let found = find(&bench, "mug").await;
        assert_eq!((&found["total"], &found["skipped"]), (&json!(10), &json!(["embedded"])), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_words_mean_is_learnt_without_a_single_act() {
    let bench = shop().await;
    bench.catalogue(&json!([row("l2", "Bright lamp"), row("l3", "Bright desk light")])).await;
    let body = run(&bench, json!({})).await;
    let one = &body["run"]["models"][0];
    assert_eq!((&one["name"], &one["outcome"]), (&json!("text_vectors"), &json!("published")), "{body}");
    let again = run(&bench, json!({})).await;
    assert_eq!(again["run"]["models"][0]["why"], "it is the one in force", "{again}");
    let found = find(&bench, "bright mug").await;
    assert_eq!(found["query"]["vectors"], "text_vectors", "{found}");
    let path = format!("/v1/decisions/{}", found["request_id"].as_str().unwrap_or_default());
    let replay = bench.ask("GET", &format!("{path}/replay"), &bench.secret, String::new()).await.1;
    assert_eq!(replay["identical"], true, "{replay}");
}
