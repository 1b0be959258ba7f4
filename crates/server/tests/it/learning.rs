//! Learning from the log: judged on what came after, published, swapped in without a pause, there again after a restart,
//! rolled back; what is damaged or of another shop is refused and the one in force stays.

use crate::{Bench, PLACEMENTS};
use axum::http::StatusCode;
use bespoke::boot::Shop;
use bespoke::learn::{self, Learner, Wanted};
use bespoke::{import, placements};
use serde_json::{Value, json};
use std::path::Path;

pub const LEARNT: &str = r#"
[[placement]]
name = "learnt"
headline = "Learnt"
on_thin = "hide"
min_evidence = 1
slots = 3
sources = [{ source = "slim", weight = 1.0, limit = 50 }]
scorers = [{ scorer = "als", weight = 0.1 }]
"#;

/// Work that waits for the writer, which a thread that runs async tasks must not.
pub fn beside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().expect("it does not panic"))
}

/// `shoppers` of two tastes, tea and tools, ten products each; each deals with six of one, a day apart.
pub fn history(shoppers: i64, from: i64) -> String {
    let now = bespoke::clock::now().0 - 3_600_000;
    let event = |shopper: i64, step: i64| {
        let taste = ["tea", "tool"][(shopper % 2) as usize];
        let product = format!("{taste}{}", (shopper / 2 + step * 3) % 10);
        json!({"event": "view_item", "event_id": format!("{shopper} {step}"), "anonymous_id": format!("s{shopper}"),
            "event_time": now - (6 - step) * 86_400_000 + shopper * 1000, "items": [{"item_id": product}]})
    };
    (from..from + shoppers)
        .flat_map(|shopper| (0..6).map(move |step| (shopper, step)))
        .map(|(shopper, step)| format!("{}\n", event(shopper, step)))
        .collect()
}

pub fn fill(shop: &Shop) {
    let row = |id: String| json!({"id": id, "title": format!("Product {id}"), "availability": "in_stock"});
    let rows = ["tea", "tool"].iter().flat_map(|taste| (0..10).map(move |no| row(format!("{taste}{no}"))));
    let rows: String = rows.map(|row| format!("{row}\n")).collect();
    placements::apply(shop, &format!("{PLACEMENTS}{LEARNT}"), "test").expect("good placements");
    import::catalog_from(shop, rows.as_bytes(), &mut |_| {}).expect("good rows");
    import::events_from(shop, history(120, 0).as_bytes(), &mut |_| {}).expect("good events");
}

/// Starts a run of learning and waits for it; what there is of models then.
pub async fn run(bench: &Bench, ask: Value) -> Value {
    run_of(bench, "train", ask).await
}

/// The same of `train` or `tune`.
pub async fn run_of(bench: &Bench, what: &str, ask: Value) -> Value {
    let (status, body) = bench.post(&format!("/v1/models/{what}"), &ask).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    for _ in 0..2000 {
        let (_, body) = bench.ask("GET", "/v1/models", &bench.secret, String::new()).await;
        if body["run"]["state"] != "running" {
            return body;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("a run over a thousand events takes fifty seconds");
}

async fn shown(bench: &Bench, shopper: &str) -> (Vec<String>, String) {
    let body = bench.post("/v1/recommend", &json!({"placement": "learnt", "anonymous_id": shopper})).await.1;
    let items = body["items"].as_array().cloned().unwrap_or_default();
    let ids = items.iter().map(|item| item["id"].as_str().unwrap_or_default().to_owned()).collect();
    (ids, body["request_id"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_beats_popularity_comes_into_force_and_can_be_taken_back() {
    let bench = Bench::new();
    beside(|| fill(&bench.shop));
    assert_eq!(shown(&bench, "s0").await.0, [""; 0], "nothing before a model is in force");
    let judged = run(&bench, json!({"publish": false, "models": ["item_item"]})).await;
    assert_eq!(
        (&judged["run"]["models"][0]["outcome"], &judged["artifacts"]),
        (&json!("judged"), &json!([]))
    );
    let body = run(&bench, json!({})).await;
    let outcomes: Vec<&Value> =
        body["run"]["models"].as_array().into_iter().flatten().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["published", "published"], "{body}");
    assert!(body["run"]["models"][0]["judged"]["ahead_low"].as_f64() > Some(0.0), "{body}");
    let (ids, decision) = shown(&bench, "s0").await;
    assert!(ids.len() == 3 && ids.iter().all(|id| id.starts_with("tea")), "{ids:?}");
    let path = format!("/v1/decisions/{decision}");
    let certificate = bench.ask("GET", &path, &bench.secret, String::new()).await.1;
    assert_eq!(certificate["read"]["models"].as_object().map(serde_json::Map::len), Some(2), "{certificate}");
    let slim = &body["artifacts"].as_array().into_iter().flatten().find(|one| one["name"] == "slim").cloned();
    let slim = slim.as_ref().expect("it is there")["artifact"].clone();
    // Taken out of force, and put back.
    let taken = bench.post("/v1/models/rollback", &json!({"name": "slim", "artifact": null})).await;
    assert_eq!((taken.0, shown(&bench, "s0").await.0.len()), (StatusCode::OK, 0));
    let replay = bench.ask("GET", &format!("{path}/replay"), &bench.secret, String::new()).await.1;
    assert_eq!(replay["identical"], true, "the model of then is found again");
    let back = bench.post("/v1/models/rollback", &json!({"name": "slim", "artifact": slim})).await;
    assert_eq!((back.0, shown(&bench, "s0").await.0), (StatusCode::OK, ids));
    for (ask, status) in [
        (json!({"name": "als", "artifact": slim}), StatusCode::BAD_REQUEST),
        (json!({"name": "slim", "artifact": "0000000000000000"}), StatusCode::BAD_REQUEST),
        (json!({"name": "magic", "artifact": null}), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(bench.post("/v1/models/rollback", &ask).await.0, status, "{ask}");
    }
    assert_eq!(
        bench.ask("POST", "/v1/models/train", &bench.publishable, String::new()).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        bench.post("/v1/models/train", &json!({"models": ["magic"]})).await.0,
        StatusCode::BAD_REQUEST
    );
}

const RANKED: &str = r#"
[[placement]]
name = "home_ranked"
headline = "Ranked"
slots = 3
sources = [{ source = "popular", weight = 1.0, limit = 50 }]
objective = { name = "clicks-1", click = 1.0 }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_placement_with_an_objective_is_ranked_once_that_is_worth_more() {
    let bench = Bench::new();
    beside(|| {
        fill(&bench.shop);
        // The last one has come three times only, for tools.
        let events: Vec<String> = history(601, 121).lines().map(|line| format!("{line}\n")).collect();
        let events = events[..601 * 6 - 3].concat();
        import::events_from(&bench.shop, events.as_bytes(), &mut |_| {}).expect("good events");
        placements::apply(&bench.shop, &format!("{PLACEMENTS}{RANKED}"), "test").expect("good placements");
    });
    let ask = json!({"placement": "home_ranked", "anonymous_id": "s721"});
    let before = bench.post("/v1/recommend", &ask).await.1;
    let certificate =
        |body: &Value| format!("/v1/decisions/{}", body["request_id"].as_str().unwrap_or_default());
    let read = bench.ask("GET", &certificate(&before), &bench.secret, String::new()).await.1;
    assert_eq!((&read["objective"], &read["slate"][0]["foreseen"]), (&Value::Null, &Value::Null), "{read}");
    assert!(read["slate"][0]["features"]["popularity_log"].is_number(), "{read}");
    let body = run(&bench, json!({})).await;
    let ranker = &body["run"]["models"][0];
    let said = (&ranker["name"], &ranker["outcome"], &ranker["learnt_from"]);
    let wanted = (json!("ranker:home_ranked"), json!("published"), json!("moments of the past"));
    assert_eq!(said, (&wanted.0, &wanted.1, &wanted.2), "{body}");
    assert!(ranker["judged"]["ahead_low"].as_f64() > Some(0.0), "{body}");
    assert!(ranker["calibration"]["click"].as_f64() < Some(0.1), "{body}");
    let after = bench.post("/v1/recommend", &ask).await.1;
    let ids: Vec<&str> =
        after["items"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).collect();
    // Nobody comes back to what they met.
    let met = ["tool0", "tool3", "tool6"];
    assert!(ids.len() == 3 && ids.iter().all(|id| !met.contains(id)), "{after}");
    let read = bench.ask("GET", &certificate(&after), &bench.secret, String::new()).await.1;
    assert_eq!(read["objective"], "clicks-1", "{read}");
    assert!(read["slate"][0]["foreseen"]["click"].as_f64() > Some(0.0), "{read}");
    let replay = format!("{}/replay", certificate(&after));
    assert_eq!(bench.ask("GET", &replay, &bench.secret, String::new()).await.1["identical"], true);
    let taken =
        bench.post("/v1/models/rollback", &json!({"name": "ranker:home_ranked", "artifact": null})).await;
    assert_eq!(taken.0, StatusCode::OK, "{}", taken.1);
    let again = bench.post("/v1/recommend", &ask).await.1;
    assert_eq!(again["items"][0]["id"], before["items"][0]["id"], "the order set by hand is back");
}

fn artifacts(directory: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(directory.join("models")).expect("there are models");
    files.map(|file| file.expect("a file").path()).collect()
}

fn learn_all(shop: &Shop) {
    // What is learnt from is what the published snapshot has, which is a tick behind what was acknowledged.
    while shop.read(|reader| reader.last_offset()).expect("it reads") > shop.live.snapshot().aggregates.offset
    {
        std::thread::yield_now();
    }
    let learner = Learner::default();
    learner.learn(shop, &Wanted { publish: true, ..Wanted::default() });
    let run = learner.run().expect("it ran");
    assert!(run.models.iter().all(|one| one.outcome == "published"), "{run:?}");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "what is tested is that time alone changes nothing")]
fn the_same_log_gives_the_same_artifact_and_a_restart_has_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("shop");
    let shop = Shop::open(&path).expect("it opens");
    fill(&shop);
    learn_all(&shop);
    let first = shop.live.snapshot().aggregates.models.clone();
    // A second later: what is learnt hangs on the log, not on the clock.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    learn_all(&shop);
    assert_eq!(shop.live.snapshot().aggregates.models, first, "nothing new, the same bytes");
    let offset = shop.live.snapshot().aggregates.offset;
    shop.close();
    let shop = Shop::open(&path).expect("it opens again");
    let snapshot = shop.live.snapshot();
    assert_eq!((snapshot.models.versions().count(), snapshot.aggregates.offset), (2, offset));
    shop.close();
}

#[test]
fn a_damaged_model_is_refused_and_serving_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("shop");
    let shop = Shop::open(&path).expect("it opens");
    fill(&shop);
    learn_all(&shop);
    shop.close();
    for file in artifacts(&path) {
        let mut bytes = std::fs::read(&file).expect("it is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).expect("it is written");
    }
    let shop = Shop::open(&path).expect("it opens all the same");
    assert_eq!(shop.live.snapshot().models.versions().count(), 0);
    for id in shop.artifacts.list().expect("they are listed") {
        let why = learn::load(&shop, id).expect_err("it is damaged").to_string();
        assert!(why.contains("checksum"), "{why}");
    }
    learn_all(&shop);
    assert_eq!(shop.live.snapshot().models.versions().count(), 2, "learning again mends it");
    shop.close();
}

#[test]
fn a_model_of_another_shop_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let [one, other] = ["one", "other"].map(|name| directory.path().join(name));
    let shop = Shop::open(&one).expect("it opens");
    fill(&shop);
    learn_all(&shop);
    let in_force = shop.live.snapshot().aggregates.models.clone();
    let stranger = Shop::open(&other).expect("it opens");
    std::fs::create_dir_all(other.join("models")).expect("a folder");
    for file in artifacts(&one) {
        std::fs::copy(&file, other.join("models").join(file.file_name().expect("a name"))).expect("a copy");
    }
    for id in in_force.values() {
        let why = learn::load(&stranger, *id).expect_err("its numbers mean other products").to_string();
        assert!(why.contains("another data directory"), "{why}");
    }
    shop.close();
    stranger.close();
}

#[test]
fn a_model_that_does_not_take_so_many_products_is_skipped_and_says_why() {
    let directory = tempfile::tempdir().expect("a directory");
    let shop = Shop::open(&directory.path().join("shop")).expect("it opens");
    fill(&shop);
    let row = |no| json!({"id": format!("p{no}"), "title": "Product", "availability": "in_stock"});
    let rows: String = (0..20_000).map(|no| format!("{}\n", row(no))).collect();
    import::catalog_from(&shop, rows.as_bytes(), &mut |_| {}).expect("good rows");
    shop.queue.call(bespoke::writer::Job::Checkpoint).expect("everything is visible");
    let learner = Learner::default();
    learner.learn(&shop, &Wanted { publish: true, models: vec!["ease".to_owned()], ..Wanted::default() });
    let run = learner.run().expect("it ran");
    let [ease] = &run.models[..] else { panic!("{run:?}") };
    assert!(ease.outcome == "skipped" && ease.why.contains("at most 20000 products, not 20020"), "{ease:?}");
    shop.close();
}

#[test]
fn too_little_history_is_said_and_nothing_published() {
    let directory = tempfile::tempdir().expect("a directory");
    let shop = Shop::open(&directory.path().join("shop")).expect("it opens");
    placements::apply(&shop, &format!("{PLACEMENTS}{LEARNT}"), "test").expect("good placements");
    let learner = Learner::default();
    learner.learn(&shop, &Wanted { publish: true, ..Wanted::default() });
    let run = learner.run().expect("it ran");
    assert!(run.state == "failed" && run.stage.contains("no acts"), "{run:?}");
    import::events_from(&shop, history(10, 0).as_bytes(), &mut |_| {}).expect("good events");
    learner.learn(&shop, &Wanted { publish: true, ..Wanted::default() });
    let run = learner.run().expect("it ran");
    assert!(run.models.iter().all(|one| one.why.contains("too few to tell")), "{run:?}");
    shop.close();
}
