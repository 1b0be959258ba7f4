//! Search and category pages over HTTP: narrowed, counted, turned, sorted; refused with the field's name; asked by who does not want to
//! be recognised, and by who means harm; explained and recomputed; and from the terminal.

#![allow(clippy::disallowed_methods, reason = "a test that runs the binary waits for it")]

use crate::crash::{Server, start, try_send};
use crate::{Bench, PLACEMENTS, view};
use axum::http::StatusCode;
use bespoke::placements;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

const SEARCH: &str = r#"
[[placement]]
name = "search"
headline = "Results"
form = "listing"
slots = 4
sources = [{ source = "matches", weight = 1.0, limit = 1000 }]
scorers = [{ scorer = "affinity", weight = 0.5 }]
filters = ["one_variant"]

[[placement]]
name = "category_listing"
headline = "All of it"
form = "listing"
slots = 4
sources = [{ source = "matches", weight = 1.0, limit = 1000 }]
filters = ["in_category", "one_variant"]
"#;

/// Ten mugs, m0 at 1 EUR to m9 at 10 EUR, by two makers in three colours; a red teapot; what nobody can buy.
fn rows() -> Value {
    let (makers, colors) = (["Acme", "Potters"], ["red", "blue", "green"]);
    let mut rows: Vec<Value> = (0..10)
        .map(|no| {
            json!({"id": format!("m{no}"), "title": format!("Mug number {no}"), "brand": makers[no % 2],
                "color": colors[no % 3], "product_type": "Kitchen > Mugs", "price": format!("{}.00 EUR", no + 1),
                "availability": "in_stock"})
        })
        .collect();
    rows.push(json!({"id": "t", "title": "Teapot", "brand": "Acme", "color": "red", "product_type": "Kitchen > Teapots",
        "price": "30 EUR", "availability": "in_stock"}));
    rows.push(
        json!({"id": "gone", "title": "Mug that is gone", "product_type": "Kitchen > Mugs", "price": "1 EUR",
        "availability": "out_of_stock"}),
    );
    Value::Array(rows)
}

impl Bench {
    pub async fn searching() -> Self {
        let bench = Self::new();
        let (shop, settings) = (bench.shop.clone(), format!("{PLACEMENTS}{SEARCH}"));
        let put = tokio::task::spawn_blocking(move || placements::apply(&shop, &settings, "test")).await;
        put.expect("it does not panic").expect("the settings are as they must be");
        bench.catalogue(&rows()).await;
        bench
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask("GET", path, &self.publishable, String::new()).await
    }

    async fn find(&self, body: &Value) -> Value {
        let (status, body) = self.post("/v1/search", body).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }
}

fn ids(body: &Value) -> Vec<&str> {
    body["items"].as_array().into_iter().flatten().filter_map(|one| one["id"].as_str()).collect()
}

/// The values of a facet with their counts.
fn counts<'a>(body: &'a Value, facet: &str) -> Vec<(&'a str, u64)> {
    let facets = body["facets"].as_array().into_iter().flatten();
    let values =
        facets.filter(|one| one["name"] == facet).filter_map(|one| one["values"].as_array()).flatten();
    values.filter_map(|one| Some((one["value"].as_str()?, one["count"].as_u64()?))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_narrowed_counted_sorted_and_turned() {
    let bench = Bench::searching().await;
    let all = bench.find(&json!({"q": "mug", "facets": ["brand", "color", "price"]})).await;
    assert_eq!((&all["total"], &all["pages"], ids(&all).len()), (&json!(10), &json!(3), 4), "{all}");
    assert_eq!(counts(&all, "brand"), [("Acme", 5), ("Potters", 5)]);
    assert_eq!(counts(&all, "color"), [("red", 4), ("blue", 3), ("green", 3)]);
    let ask = json!({"q": "mug", "refine": {"brand": ["acme"], "price": {"from": 3, "to": 9}}, "facets": ["brand", "color"],
        "sort": "price_desc"});
    let narrow = bench.find(&ask).await;
    assert_eq!((ids(&narrow), &narrow["total"]), (vec!["m6", "m4", "m2"], &json!(3)));
    assert_eq!(counts(&narrow, "brand"), [("Acme", 3), ("Potters", 3)], "as if the brand were open");
    assert_eq!(counts(&narrow, "color"), [("red", 1), ("blue", 1), ("green", 1)]);
    let same = "/v1/search?q=mug&refine.brand=acme&refine.price=3..9&facets=brand,color&sort=price_desc";
    let (_, same) = bench.get(same).await;
    assert_eq!((ids(&same), &same["facets"]), (ids(&narrow), &narrow["facets"]), "the address says the same");
    let mut turned = Vec::new();
    for page in 1..=3 {
        let body = bench.find(&json!({"q": "mug", "sort": "price_asc", "page": page})).await;
        assert_eq!(body["items"][0]["position"], 4 * (page - 1));
        turned.extend(ids(&body).into_iter().map(str::to_owned));
    }
    assert_eq!(turned, (0..10).map(|no| format!("m{no}")).collect::<Vec<_>>(), "each once, in order");
    let beyond = bench.find(&json!({"q": "mug", "page": 4})).await;
    assert_eq!((ids(&beyond), &beyond["total"]), (vec![], &json!(10)));
    let filtered = bench.find(&json!({"q": "mug", "filter": "price < 3", "sort": "price_asc"})).await;
    assert_eq!((ids(&filtered), &filtered["total"]), (vec!["m0", "m1"], &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_product_that_is_promised_can_be_turned_to_however_many_variants_it_has() {
    let bench = Bench::searching().await;
    let row = |no: usize| {
        json!({"id": format!("s{no}"), "title": format!("Shirt {}", no / 10), "item_group_id": format!("g{}", no / 10),
            "size": no % 10, "product_type": "Wear", "price": "9 EUR", "availability": "in_stock"})
    };
    for rows in (0..1500).collect::<Vec<_>>().chunks(500) {
        bench.catalogue(&rows.iter().map(|no| row(*no)).collect()).await;
    }
    for path in ["/v1/search?q=shirt&n=40", "/v1/categories/Wear/products?n=40"] {
        let mut found = std::collections::BTreeSet::new();
        for page in 1..=4 {
            let (_, body) = bench.get(&format!("{path}&page={page}")).await;
            assert_eq!((&body["total"], &body["pages"]), (&json!(150), &json!(4)), "{path} {page}");
            assert_eq!(body["next"].is_string(), page < 4, "{path} {page}");
            let groups = ids(&body).into_iter().map(|id| id[1..].parse::<usize>().unwrap_or(0) / 10);
            found.extend(groups);
        }
        assert_eq!(found.len(), 150, "{path}");
        let (_, beyond) = bench.get(&format!("{path}&page=9")).await;
        assert_eq!((ids(&beyond), &beyond["pages"]), (vec![], &json!(4)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_is_narrowed_and_sorted_like_a_search() {
    let bench = Bench::searching().await;
    let path =
        "/v1/categories/Kitchen%20%3E%20Mugs/products?n=3&sort=price_asc&refine.color=red&facets=color";
    let (status, body) = bench.get(path).await;
    assert_eq!((status, ids(&body)), (StatusCode::OK, vec!["m0", "m3", "m6"]), "{body}");
    assert_eq!(
        (&body["total"], &body["pages"], &body["placement"]),
        (&json!(4), &json!(2), &json!("category_listing"))
    );
    assert_eq!(counts(&body, "color"), [("red", 4), ("blue", 3), ("green", 3)]);
    let (_, above) = bench.get("/v1/categories/Kitchen/products?facets=category").await;
    assert_eq!(above["total"], 11, "with all below it");
    assert_eq!(
        counts(&above, "category"),
        [("Kitchen", 11), ("Kitchen > Mugs", 10), ("Kitchen > Teapots", 1)]
    );
    let (status, none) = bench.get("/v1/categories/Nowhere/products").await;
    assert_eq!((status, &none["total"], ids(&none)), (StatusCode::OK, &json!(0), vec![]), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_search_is_named() {
    let bench = Bench::searching().await;
    let long = "mug ".repeat(200);
    let many: serde_json::Map<String, Value> = (0..17).map(|no| (format!("f{no}"), json!(["x"]))).collect();
    let cases = [
        (json!({}), "q", "missing"),
        (json!({"q": " \t"}), "q", "missing"),
        (json!({"q": ["mug"]}), "q", "wrong_type"),
        (json!({"q": long}), "q", "too_long"),
        (json!({"q": "mug", "sort": "best"}), "sort", "unknown_sort"),
        (json!({"q": "mug", "refine": "red"}), "refine", "wrong_type"),
        (json!({"q": "mug", "refine": {"color": "red"}}), "refine.color", "wrong_type"),
        (json!({"q": "mug", "refine": {"color": []}}), "refine.color", "wrong_type"),
        (json!({"q": "mug", "refine": {"price": {"from": "cheap"}}}), "refine.price", "wrong_type"),
        (json!({"q": "mug", "refine": {"price": {"below": 5}}}), "refine.price", "wrong_type"),
        (json!({"q": "mug", "refine": many}), "refine", "too_many"),
        (json!({"q": "mug", "page": 1001}), "page", "wrong_type"),
        (json!({"q": "mug", "page": 500}), "page", "out_of_range"),
        (json!({"q": "mug", "page": -1}), "page", "wrong_type"),
        (json!({"q": "mug", "n": 101}), "n", "wrong_type"),
        (json!({"q": "mug", "literal": "maybe"}), "literal", "wrong_type"),
        (json!({"q": "mug", "facets": {"brand": true}}), "facets.0", "wrong_type"),
        (json!({"q": "mug", "fuzzy": true}), "fuzzy", "unknown_field"),
        (json!({"q": "mug", "filter": "price <"}), "filter", "invalid_expression"),
    ];
    for (ask, pointer, code) in cases {
        let (status, body) = bench.post("/v1/search", &ask).await;
        let fault = &body["errors"][0];
        assert_eq!((status, &fault["pointer"]), (StatusCode::BAD_REQUEST, &json!(pointer)), "{ask} {body}");
        assert!(code == "invalid_expression" || fault["code"] == code, "{ask} {body}");
        assert!(fault["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    }
    let addresses = [
        ("/v1/search?q=mug&colour=red", "colour"),
        ("/v1/search?q=mug&dry_run=1", "dry_run"),
        ("/v1/search?q=mug&refine.price=NaN..5", "refine.price"),
        ("/v1/search?q=mug&refine.price=a..b", "refine.price"),
        ("/v1/search?q=mug&refine.price=..", "refine.price"),
        ("/v1/categories/Kitchen/products?q=mug", "q"),
    ];
    for (address, pointer) in addresses {
        let (status, body) = bench.get(address).await;
        let found = (status, &body["errors"][0]["pointer"]);
        assert_eq!(found, (StatusCode::BAD_REQUEST, &json!(pointer)), "{address}");
    }
    let (_, first) = bench.get("/v1/search?q=mug").await;
    let (status, body) = bench.post("/v1/recommend:next", &json!({"cursor": first["next"]})).await;
    assert_eq!((status, &body["errors"][0]["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_cursor")));
    let (status, _) = bench.get("/v1/search?q=mug&user_id=7").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "customers are asked for by the shop's server alone");
    let (status, _) = bench.ask("GET", "/v1/search?q=mug", "pk_wrong", String::new()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_queries_are_answered_in_time() {
    let bench = Bench::searching().await;
    let mut queries: Vec<String> = [
        "😀☕🫖👩‍👩‍👧‍👦",
        "كوب أحمر",
        "\u{202e}gum\u{202c} mug",
        "mug\0\u{1}\u{1b}[2J",
        "' OR 1=1; DROP TABLE products; --",
        "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "mug AND (NOT",
        "*:* mug~9 +\"mug",
        "\u{feff}\u{200b}",
        "%%%%",
        "\\u0000",
        "mug\u{300}\u{301}\u{302}",
        "ﷺﷺﷺ",
        "𝓂𝓊𝑔",
    ]
    .map(str::to_owned)
    .to_vec();
    queries.push((0..10_000).map(|no| format!("term{no} ")).collect());
    queries.push("a ".repeat(249));
    queries.push("mug".repeat(166));
    queries.push("e\u{301}".repeat(160));
    queries.push("-".repeat(500));
    for query in queries {
        for ask in [
            json!({"q": query}),
            json!({"q": query, "literal": true, "refine": {"brand": [query.chars().take(60).collect::<String>()]}}),
        ] {
            let began = Instant::now();
            let (status, body) = bench.post("/v1/search", &ask).await;
            assert!(began.elapsed() < Duration::from_secs(2), "{query:.60} took {:?}", began.elapsed());
            match status {
                StatusCode::OK => assert!(body["total"].is_u64(), "{body}"),
                StatusCode::BAD_REQUEST => assert_eq!(body["errors"][0]["pointer"], "q", "{body}"),
                _ => panic!("{query:.60}: {status} {body}"),
            }
        }
    }
    let mug = bench.find(&json!({"q": "mug\u{0} \u{202e}"})).await;
    assert_eq!(mug["total"], 10, "what cannot be seen does not count");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_is_answered_like_a_stranger() {
    let bench = Bench::searching().await;
    for (shopper, consent) in [("yes", "granted"), ("no", "denied")] {
        for product in ["m9", "m3", "m5", "m9"] {
            let mut event = view(shopper, product);
            event["consent"] = json!({"analytics": "granted", "personalization": consent});
            bench.post("/v1/events", &event).await;
        }
    }
    bench.settle();
    let ask = |shopper: Option<&str>| {
        let mut ask = json!({"q": "mug", "n": 10, "facets": ["brand"]});
        shopper.into_iter().for_each(|shopper| ask["anonymous_id"] = shopper.into());
        ask
    };
    let stranger = bench.find(&ask(None)).await;
    let refused = bench.find(&ask(Some("no"))).await;
    assert_eq!((&refused["personalization"], ids(&refused)), (&json!("none"), ids(&stranger)));
    let known = bench.find(&ask(Some("yes"))).await;
    assert_ne!(known["personalization"], "none");
    assert_ne!(ids(&known), ids(&stranger), "a taste counts");
    // What shoppers deal with comes first for them; what there is, is the same.
    let sorted = |found: &Value| {
        let mut all: Vec<(String, u64)> =
            counts(found, "brand").into_iter().map(|(value, count)| (value.to_owned(), count)).collect();
        all.sort();
        all
    };
    assert_eq!((&known["total"], sorted(&known)), (&stranger["total"], sorted(&stranger)));
    assert_eq!(counts(&known, "brand")[0].0, "Potters");
    assert_eq!(refused["facets"], stranger["facets"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_explained_and_recomputed() {
    let bench = Bench::searching().await;
    let ask = json!({"q": "mug zzzunknown", "refine": {"brand": ["Acme"], "price": {"to": 8.5}}, "sort": "price_desc",
        "page": 2, "n": 2, "literal": true});
    let found = bench.find(&ask).await;
    assert_eq!(
        (ids(&found), &found["query"]["unknown"]),
        (vec!["m2", "m0"], &json!(["zzzunknown"])),
        "{found}"
    );
    bench
        .catalogue(&json!([{"id": "m2", "availability": "out_of_stock"}, {"id": "m4", "title": "A vase"}]))
        .await;
    let path = format!("/v1/decisions/{}", found["request_id"].as_str().expect("an id"));
    let (status, why) = bench.ask("GET", &path, &bench.secret, String::new()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        why["search"],
        json!({"text": "mug zzzunknown", "refine": {"brand": ["Acme"], "price": {"from": null, "to": 8.5}},
            "sort": "price_desc", "literal": true, "as_words": [], "from": 2, "after": null, "facets": []})
    );
    assert_eq!((&why["met"]["total"], &why["met"]["unknown"]), (&json!(4), &json!(["zzzunknown"])), "{why}");
    let (_, again) = bench.ask("GET", &format!("{path}/replay"), &bench.secret, String::new()).await;
    assert_eq!(again["identical"], true, "{again}");
    let (_, slate) = bench.post("/v1/recommend", &json!({"placement": "home"})).await;
    let path = format!("/v1/decisions/{}", slate["request_id"].as_str().expect("an id"));
    let (_, why) = bench.ask("GET", &path, &bench.secret, String::new()).await;
    assert_eq!((&why["search"], &why["met"]), (&Value::Null, &Value::Null), "nothing was searched for");
}

fn terminal(port: u16, key: &str, more: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bespoke"));
    command.arg("search").args(more).args(["--url", &format!("http://127.0.0.1:{port}"), "--key", key]);
    let output = command.env_remove("BESPOKE_KEY").output().expect("it runs");
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_terminal_searches() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let mut server: Server = start(&directory.path().join("shop"), port);
    let key = server.started().expect("a new shop shows its keys");
    let (status, body) = try_send(port, &key, "PATCH", "/v1/catalog/items", &rows());
    assert_eq!((status, &body["rejected"]), (202, &json!([])), "{body}");
    let narrow =
        ["mug", "--refine", "brand=Acme", "--refine", "price=3..9", "--sort", "price_desc", "-n", "2"];
    let mut said = (false, String::new());
    // A new product is found within five seconds.
    for _ in 0..50 {
        said = terminal(port, &key, &narrow);
        if said.1.starts_with("3 match") {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(said.0, "{}", said.1);
    for text in [
        "3 match \"mug\", page 1 of 2",
        "   1. m6",
        "   2. m4",
        "✓ Acme (3)",
        "Potters (3)",
        "bespoke why dec_",
    ] {
        assert!(said.1.contains(text), "{text} in {}", said.1);
    }
    let (_, json) = terminal(port, &key, &["mug", "--json"]);
    let json: Value = serde_json::from_str(json.trim()).expect("JSON and nothing else");
    assert_eq!(json["total"], 10);
    for (more, says) in [
        (&["mug", "--sort", "best"][..], "sort: must be one of relevance"),
        (&["mug", "--refine", "brand"], "brand=Acme"),
        (&["mug", "--filter", "price <"], "filter"),
        (&[""], "q: must be the words"),
    ] {
        let (done, said) = terminal(port, &key, more);
        assert!(!done && said.contains(says), "{more:?} should say {says:?}: {said}");
    }
    let (done, said) = terminal(port, "sk_wrong", &["mug"]);
    assert!(!done && said.contains("key"), "{said}");
    let why = Command::new(env!("CARGO_BIN_EXE_bespoke"))
        .args([
            "why",
            json["request_id"].as_str().expect("an id"),
            "--key",
            &key,
            "--url",
            &format!("http://127.0.0.1:{port}"),
        ])
        .output()
        .expect("it runs");
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("searched for \"mug\", sorted by relevance: 10 match"), "{why}");
    server.kill();
    let (done, said) = terminal(port, &key, &["mug"]);
    assert!(!done && said.contains("no answer from the server"), "{said}");
}
