//! What keeps a shop's data sound: programs are told from people, values are what they mean, a broken feed is undone, a page
//! shows no more than it should.

use crate::{Bench, PLACEMENTS, view};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bespoke::{import, placements};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// On a thread of its own: it waits for the writer.
fn beside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().expect("it does not panic"))
}

async fn browse(bench: &Bench, agent: &str, event: &Value) {
    assert_eq!(send(bench, "/v1/events", agent, event).await, StatusCode::ACCEPTED);
}

async fn send(bench: &Bench, path: &str, agent: &str, body: &Value) -> StatusCode {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("authorization", format!("Bearer {}", bench.publishable))
        .header("user-agent", agent)
        .header("accept", "*/*")
        .header("accept-language", "de");
    let request = request.body(Body::from(body.to_string())).expect("a request");
    bench.router.clone().oneshot(request).await.expect("the router answers").status()
}

async fn shown(bench: &Bench, ask: &Value) -> Vec<String> {
    let body = bench.post("/v1/recommend", ask).await.1;
    let items = body["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| item["id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_learnt_from_programs_and_their_share_is_told() {
    let bench = Bench::new();
    bench.catalogue(&crate::rows(5)).await;
    for no in 0..20 {
        browse(&bench, "Mozilla/5.0 (compatible; SomeBot/1.0)", &view(&format!("b{no}"), "p5")).await;
    }
    for no in 0..2 {
        browse(&bench, FIREFOX, &view(&format!("s{no}"), "p1")).await;
    }
    // A server speaks for its shoppers, and says who they are.
    let mut spoken_for = view("spoken-for", "p4");
    spoken_for["user_agent"] = json!("curl/8.5.0");
    bench.post("/v1/events", &spoken_for).await;
    let body = bench.post("/v1/events", &spoken_for).await.1;
    assert_eq!((&body["accepted"], &body["programs"]), (&json!(1), &json!(1)), "it is told");
    bench.settle();
    let slate = shown(&bench, &json!({"placement": "home", "n": 5})).await;
    let place = |id: &str| slate.iter().position(|held| held == id);
    assert!(place("p1") < place("p5").or(Some(9)), "{slate:?}");
    let seen = shown(&bench, &json!({"placement": "recent", "anonymous_id": "b1"})).await;
    assert_eq!(seen, [""; 0], "a program has no profile");
    let body = bench.ask("GET", "/v1/doctor", &bench.secret, String::new()).await.1;
    let finding = body["findings"].as_array().into_iter().flatten().find(|one| one["code"] == "bot_events");
    let finding = finding.expect("programs are looked for");
    let text = finding["text"].as_str().unwrap_or_default();
    assert_eq!(finding["level"], "warning");
    assert!(text.starts_with("91.7 % of 24 events"), "{text}");
    assert_eq!(body["kinds"]["view_item"], 24, "they are in the log all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_as_a_program_is_answered_and_is_in_no_experiment() {
    let bench = Bench::new();
    bench.catalogue(&crate::rows(5)).await;
    let arms =
        json!([{"name": "control", "share": 50}, {"name": "other", "share": 50, "uses": {"home": "recent"}}]);
    let hero = json!({"placements": ["home"], "arms": arms, "metric": "conversion"});
    let path = "/v1/experiments/hero";
    let (status, body) = bench.ask("PUT", path, &bench.secret, hero.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let people = ["one", "two", "three"].map(|name| (name, FIREFOX));
    let programs = ["four", "five"].map(|name| (name, "Mozilla/5.0 (compatible; SomeBot/1.0)"));
    for (shopper, agent) in people.into_iter().chain(programs) {
        let ask = json!({"placement": "home", "anonymous_id": shopper});
        assert_eq!(send(&bench, "/v1/recommend", agent, &ask).await, StatusCode::OK);
    }
    bench.settle();
    let (_, body) = bench.ask("GET", path, &bench.secret, String::new()).await;
    let exposed = body["arms"].as_array().into_iter().flatten().filter_map(|arm| arm["exposed"].as_u64());
    assert_eq!(exposed.sum::<u64>(), 3, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_by_its_pace_and_may_still_refuse() {
    let bench = Bench::new();
    bench.catalogue(&crate::rows(5)).await;
    for no in 0..130 {
        let mut event = view("fast", &format!("p{}", no % 5 + 1));
        event["event_id"] = json!(format!("f{no}"));
        browse(&bench, FIREFOX, &event).await;
    }
    let refusal =
        json!({"event": "consent_update", "anonymous_id": "fast", "consent": {"personalization": "denied"}});
    browse(&bench, FIREFOX, &refusal).await;
    bench.settle();
    let pulse = bench.shop.live.snapshot().aggregates.pulse.clone();
    assert_eq!((pulse.people, pulse.bots), (120, 11));
    assert_eq!(shown(&bench, &json!({"placement": "recent", "anonymous_id": "fast"})).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_undone_and_what_came_after_it_stays() {
    let bench = Bench::new();
    let row = |no: u32, title: &str, euros: u32| json!({"id": format!("p{no}"), "title": title, "price": format!("{euros} EUR"), "availability": "in_stock"});
    let file = |rows: Vec<Value>| rows.iter().map(|row| format!("{row}\n")).collect::<String>();
    let good = file((1..=4).map(|no| row(no, "Good", 10)).collect());
    let bad = file((3..=5).map(|no| row(no, "Bad", 99)).collect());
    for text in [good, bad] {
        beside(|| import::catalog_from(&bench.shop, text.as_bytes(), &mut |_| {}).expect("good rows"));
    }
    bench.catalogue(&json!([{"id": "p4", "price": "7 EUR"}])).await;
    let (status, before) = bench.ask("GET", "/v1/catalog/versions", &bench.secret, String::new()).await;
    assert_eq!((status, before["versions"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)), "{before}");
    assert_eq!((&before["versions"][0]["offered"], &before["offered"]), (&json!(4), &json!(5)));
    let version = json!({"version": before["versions"][0]["version"]});
    let (status, after) = bench.post("/v1/catalog/rollback", &version).await;
    assert_eq!(
        (status, &after["offered"], &after["changed"]),
        (StatusCode::OK, &json!(4), &json!(3)),
        "{after}"
    );
    let catalog = bench.shop.live.snapshot();
    let told = |id: &str| {
        let no = catalog.product(id).expect("it has a number");
        let price = catalog.aggregates.catalog.price(no).map(|price| price.amount());
        (catalog.aggregates.catalog.title(no).unwrap_or_default().to_owned(), price.unwrap_or_default())
    };
    assert_eq!(told("p3"), ("Good".to_owned(), "10.00".to_owned()));
    assert_eq!(told("p4"), ("Good".to_owned(), "7.00".to_owned()), "the price of after the import stays");
    // The rollback is an import too, and can be undone.
    let again = json!({"version": after["versions"][0]["version"]});
    let (status, undone) = bench.post("/v1/catalog/rollback", &again).await;
    assert_eq!((status, &undone["offered"]), (StatusCode::OK, &json!(5)), "{undone}");
    for (key, body, expected) in [
        (&bench.secret, "{\"version\":0}", StatusCode::BAD_REQUEST),
        (&bench.secret, "{}", StatusCode::BAD_REQUEST),
        (&bench.publishable, "{\"version\":1}", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(
            bench.ask("POST", "/v1/catalog/rollback", key, body.to_owned()).await.0,
            expected,
            "{body}"
        );
    }
}

const TABLES: &str = r#"
[normalise.color]
smaragd = "green"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn values_are_what_they_mean_also_when_the_tables_come_later() {
    let bench = Bench::new();
    let row = |no: u32, colour: &str| json!({"id": format!("p{no}"), "title": "Bag", "availability": "in_stock", "color": colour});
    bench.catalogue(&json!([row(1, "Dark Navy"), row(2, "Smaragd"), row(3, "grün")])).await;
    let of = async |colour: &str| {
        let filter = format!("color:'{colour}'");
        shown(&bench, &json!({"placement": "home", "filter": filter})).await
    };
    assert_eq!((of("blue").await, of("green").await), (vec!["p1".to_owned()], vec!["p3".to_owned()]));
    let report = bench.ask("GET", "/v1/doctor", &bench.secret, String::new()).await.1;
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    let unmapped = findings.iter().find(|one| one["code"] == "unmapped_values").expect("it is looked for");
    assert!(
        unmapped["text"].as_str().is_some_and(|text| text.ends_with(": color \"Smaragd\" (1)")),
        "{unmapped}"
    );
    let tables = format!("{PLACEMENTS}{TABLES}");
    beside(|| placements::apply(&bench.shop, &tables, "test").expect("the tables are as they must be"));
    bench.settle();
    let mut green = of("green").await;
    green.sort();
    assert_eq!(green, ["p2", "p3"]);
    let snapshot = bench.shop.live.snapshot();
    let attributes = snapshot.aggregates.catalog.attributes(snapshot.product("p2").expect("a number"));
    assert!(attributes.contains(&("color_raw", "Smaragd")), "what the feed said stays: {attributes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_a_budget_and_a_market() {
    let bench = Bench::new();
    bench.catalogue(&crate::rows(12)).await;
    bench
        .catalogue(&json!([{"id": "swiss", "title": "Swiss", "availability": "in_stock", "market": "CH"}]))
        .await;
    for id in ["p0", "p1", "p2", "p3", "p4", "p5", "swiss"] {
        bench.post("/v1/events", &view("somebody", id)).await;
    }
    let budget = format!("{PLACEMENTS}\n[clutter.product]\nmodules = 2\nitems = 4\n");
    beside(|| placements::apply(&bench.shop, &budget, "test").expect("a good file"));
    bench.settle();
    let ask = |page: &str| {
        json!({"placements": [{"placement": "home", "n": 3}, {"placement": "home", "n": 3}, {"placement": "home"}],
            "context": {"page_type": page}})
    };
    let sizes = async |page: &str| {
        let body = bench.post("/v1/recommend:batch", &ask(page)).await.1;
        let results = body["results"].as_array().cloned().unwrap_or_default();
        let size = |one: &Value| {
            let count = one["items"].as_array().map_or(0, Vec::len);
            format!("{count} {}", one["fallback"].as_str().unwrap_or_default())
        };
        results.iter().map(size).collect::<Vec<_>>()
    };
    assert_eq!(sizes("product").await, ["3 none", "1 none", "0 clutter"]);
    assert_eq!(sizes("home").await, ["3 none", "3 none", "1 none"]);
    let in_market = async |market: &str| {
        let ask = json!({"placement": "home", "n": 50, "context": {"market": market}});
        shown(&bench, &ask).await.contains(&"swiss".to_owned())
    };
    assert_eq!((in_market("ch").await, in_market("DE").await, in_market("").await), (true, false, true));
    let wrong = format!("{PLACEMENTS}\n[clutter.shelf]\nmodules = 2\nitems = 4\n");
    let refused =
        beside(|| placements::apply(&bench.shop, &wrong, "test")).expect_err("there is no such page");
    assert!(refused.to_string().contains("unknown_page_type"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_no_traffic_and_junk_is_no_version() {
    let bench = Bench::new();
    bench.catalogue(&crate::rows(2)).await;
    let hour = 3_600_000;
    let now = bespoke::clock::now().0;
    let line = |at: i64| {
        json!({"event": "view_item", "event_id": format!("e{at}"), "anonymous_id": "a", "event_time": now - (at + 2) * hour / 4,
            "items": [{"item_id": "p1"}]})
    };
    let lines: String = (0..2000).map(|at| format!("{}\n", line(at))).collect();
    beside(|| import::events_from(&bench.shop, lines.as_bytes(), &mut |_| {}).expect("good events"));
    let body = bench.ask("GET", "/v1/doctor", &bench.secret, String::new()).await.1;
    assert_eq!(body["alarms"], json!([]), "what was imported is not missing now: {body}");
    let imported = beside(|| import::catalog_from(&bench.shop, b"{}\n{}\n", &mut |_| {}).expect("a report"));
    assert_eq!((imported.accepted, imported.rejected), (0, 2));
    let body = bench.ask("GET", "/v1/catalog/versions", &bench.secret, String::new()).await.1;
    assert_eq!(body["versions"], json!([]), "a file that changed nothing cannot be undone");
    let negative = json!([{"id": "p1", "price": "-1 EUR"}]);
    let body = bench.ask("PATCH", "/v1/catalog/items", &bench.secret, negative.to_string()).await.1;
    assert_eq!((&body["accepted"], &body["rejected"][0]["field"]), (&json!(0), &json!("price")), "{body}");
}
