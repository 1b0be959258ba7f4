//! The whole way: what the lab measures is what is served, the log alone gives every decision again, and a full disk stops
//! nothing but intake.

#![allow(clippy::disallowed_methods, reason = "tests that wait for a process")]

use crate::crash::{start_logging, start_reading, try_send};
use bespoke::boot::Shop;
use bespoke::http::{App, router};
use bespoke::intake::Caller;
use bespoke::writer::Job;
use bespoke::{import, placements, recommend};
use bespoke_domain::{Body, Decision, Offset};
use bespoke_engine::replay::bytes;
use bespoke_lab::http::{Compared, HttpOptions};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Sessions in which an item is mostly followed by one of its few neighbours.
fn sessions(count: u64, seed: u64) -> String {
    let mut state = seed;
    let mut roll = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut text = String::from("session\titems\n");
    for row in 0..count {
        let (mut item, length) = (roll(80), 2 + roll(7));
        text += &format!("{row}\t{item}");
        for _ in 1..length {
            item = if roll(10) == 0 { roll(80) } else { (item + 1 + roll(3)) % 80 };
            text += &format!(" {item}");
        }
        text += "\n";
    }
    text
}

#[test]
fn held_out_sessions_over_http_get_the_slates_of_the_lab() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str, text: String| -> PathBuf {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("there is room");
        path
    };
    let options = HttpOptions {
        train: file("train.tsv", sessions(3_000, 1)),
        test: file("test.tsv", sessions(60, 2)),
        server: env!("CARGO_BIN_EXE_bespoke").into(),
        scratch: directory.path().join("scratch"),
        cutoff: 20,
        sessions: 60,
    };
    let compared = bespoke_lab::http::run(&options).expect("the server does what it is asked");
    assert!(compared.cases > 150, "{compared:?}");
    assert_eq!(compared, Compared { cases: compared.cases, same: compared.cases, different: None });
}

const CATEGORIES: [&str; 3] = ["Home > Kitchen", "Home > Bath", "Garden"];

fn catalogue(stock: u32) -> String {
    let row = |no: usize| {
        json!({"id": format!("p{no}"), "title": format!("Product {no}"), "price": "5 EUR", "availability": "in_stock",
            "stock": stock, "categories": [CATEGORIES[no % 3]], "item_group_id": format!("g{}", no / 2)})
    };
    (0..40).map(|no| format!("{}\n", row(no))).collect()
}

fn events(from: usize) -> String {
    let event = |at: usize| {
        let kind = ["view_item", "view_item", "add_to_cart", "purchase"][at % 4];
        let mut event = json!({"event": kind, "event_id": format!("e{}", from + at), "anonymous_id": format!("s{}", at % 9),
            "event_time": 1_700_000_000_000_u64 + 30_000 * (from + at) as u64 + 7_200_000 * ((from + at) / 30) as u64,
            "items": [{"item_id": format!("p{}", (from + at * 7) % 40)}, {"item_id": format!("p{}", (at * 3) % 40)}]});
        if kind == "purchase" {
            event["transaction_id"] = json!(format!("t{}", from + at));
        }
        event
    };
    (0..400).map(|at| format!("{}\n", event(at))).collect()
}

const PLACEMENTS: &str = r#"
[shop]
currency = "EUR"
time_zone = "UTC"
unknown_consent = "granted"

[holdout]
share = 0

[[placement]]
name = "page"
headline = "For you"
fallback_headline = "Popular"
slots = 6
diversity = { max_per_category = 3 }
filters = ["in_cart", "one_variant"]
sources = [
    { source = "session_neighbours", weight = 1.0, limit = 50 },
    { source = "co_viewed", weight = 0.8, limit = 50 },
    { source = "bought_together", weight = 0.8, limit = 50 },
    { source = "recently_viewed", weight = 0.5, limit = 50 },
    { source = "popular", weight = 0.3, limit = 50 },
]

[[placement.rule]]
name = "Window"
rule = "pin"
items = ["p3"]
"#;

fn take(shop: &Arc<Shop>, rows: &str, more: &str) {
    import::catalog_from(shop, rows.as_bytes(), &mut |_| {}).expect("good rows");
    let imported = import::events_from(shop, more.as_bytes(), &mut |_| {}).expect("good events");
    assert_eq!((imported.accepted, imported.rejected), (400, 0), "{:?}", imported.problems);
    shop.queue.call(Job::Checkpoint).expect("it is written");
}

fn decide(shop: &Arc<Shop>) {
    let app = App::new(shop.clone());
    _ = router(app.clone());
    for at in 0..30 {
        let ask = json!({"placement": "page", "anonymous_id": format!("s{}", at % 11), "explain": at % 2 == 0,
            "context": {"page_type": "product", "item_ids": [format!("p{at}")], "cart_item_ids": ["p1"]}});
        let timeout = Duration::from_millis(if at % 5 == 4 { 0 } else { 10_000 });
        recommend::recommend(&app, Caller::SERVER, timeout, ask.to_string().as_bytes()).expect("a slate");
    }
    shop.queue.call(Job::Checkpoint).expect("decisions before it are in the log");
}

/// Every decision in the log, in order.
fn decisions(shop: &Shop) -> Vec<Decision> {
    let mut found = Vec::new();
    let mut each = |_: Offset, entry: bespoke_domain::Entry| {
        if let Body::Decision(decision) = entry.body {
            found.push(*decision);
        }
        ControlFlow::Continue(())
    };
    shop.read(|reader| reader.read(Offset(0), Offset(u64::MAX), &mut each)).expect("the log can be read");
    found
}

#[test]
fn the_log_alone_in_an_empty_directory_gives_every_decision_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::open(&directory.path().join("first")).expect("an empty directory opens");
    placements::apply(&shop, PLACEMENTS, "test").expect("good placements");
    take(&shop, &catalogue(5), &events(0));
    decide(&shop);
    take(&shop, &catalogue(0), &events(400));
    let changed = PLACEMENTS.replace("slots = 6", "slots = 2").replace("\"p3\"", "\"p4\"");
    placements::apply(&shop, &changed, "test").expect("good placements");
    take(&shop, &catalogue(7), &events(800));
    decide(&shop);
    let served = decisions(&shop);
    assert_eq!(served.len(), 60);
    shop.close();
    drop(shop);
    let other = directory.path().join("other");
    std::fs::create_dir(&other).expect("a new directory");
    for file in ["log.sqlite", "log.sqlite-wal"] {
        let from = directory.path().join("first").join(file);
        assert!(!from.exists() || std::fs::copy(from, other.join(file)).is_ok(), "{file}");
    }
    let shop = Shop::open(&other).expect("a directory with a log opens");
    assert_eq!(decisions(&shop), served, "the log is whole");
    for source in ["session_neighbours", "co_viewed", "bought_together", "recently_viewed", "popular"] {
        let yields = |one: &&Decision| one.sources.iter().any(|(name, count)| name == source && *count > 0);
        assert!(served.iter().filter(yields).count() > 10, "{source}");
    }
    for one in &served {
        let again = recommend::replay(&shop, one).expect("the log can be read");
        assert!(bytes(&again) == bytes(one), "{one:?}\n{again:?}");
    }
    let shown = |from: usize| served[from..from + 30].iter().map(|one| one.slate.len()).max();
    assert_eq!((shown(0), shown(30)), (Some(6), Some(2)), "the configuration changed in between");
    shop.close();
}

/// A file system of its own in memory, gone when dropped.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn large(number: u32) -> Vec<Value> {
    let event = |at: u32| {
        json!({"event": "x_large", "event_id": format!("{number}-{at}"), "anonymous_id": "a", "note": "x".repeat(1_500),
            "consent": {"analytics": "granted", "personalization": "granted"}})
    };
    (0..200).map(event).collect()
}

#[test]
fn a_full_disk_is_a_507_and_over_when_there_is_room() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some(disk) = Tmpfs::mount(directory.path(), "48m") else {
        use std::io::Write as _;
        // Straight to the terminal: what a passed test prints is not shown.
        let note = "NOT RUN: whole::a_full_disk_is_a_507_and_over_when_there_is_room (needs the right to mount a tmpfs)";
        writeln!(std::io::stderr(), "{note}").expect("stderr is open");
        return;
    };
    let outside = tempfile::tempdir().expect("a temporary directory");
    let log = outside.path().join("stderr");
    std::fs::write(disk.0.join("ballast"), vec![1; 20 << 20]).expect("there is room");
    let data = disk.0.join("data");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("it has an address").port();
    drop(socket);
    let mut server = start_logging(&data, port, &log);
    let key = server.started().expect("the first start shows the keys");
    let mut taken = 0;
    let (status, body) = loop {
        let (status, body) = try_send(port, &key, "POST", "/v1/events", &json!(large(taken)));
        if status != 202 {
            break (status, body);
        }
        taken += 1;
        assert!(taken < 500, "the disk is never full");
    };
    assert_eq!((status, &body["code"]), (507, &json!("disk_full")), "after {taken} batches");
    let said = std::fs::read_to_string(&log).expect("the server logs");
    assert!(said.contains("the disk is full: nothing is taken in until space returns"), "{said}");
    for _ in 0..3 {
        let (status, _) = try_send(port, &key, "POST", "/v1/recommend", &json!({"placement": "home_hero"}));
        assert_eq!(status, 200, "serving goes on");
        assert_eq!(try_send(port, &key, "POST", "/v1/events", &json!(large(taken))).0, 507);
    }
    std::fs::remove_file(disk.0.join("ballast")).expect("it is there");
    let (status, body) = try_send(port, &key, "POST", "/v1/events", &json!(large(taken)));
    assert_eq!((status, &body["accepted"]), (202, &json!(200)), "{body}");
    server.kill();
    let mut server = start_logging(&data, port, &log);
    server.started();
    for number in 0..=taken {
        let (_, body) = try_send(port, &key, "POST", "/v1/events", &json!(large(number)));
        assert_eq!((&body["accepted"], &body["duplicates"]), (&json!(0), &json!(200)), "batch {number}");
    }
    server.kill();
}

#[test]
fn a_placement_file_is_read_again_on_sighup_and_a_bad_one_changes_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (file, log) = (directory.path().join("placements.toml"), directory.path().join("stderr"));
    std::fs::write(&file, PLACEMENTS).expect("there is room");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("it has an address").port();
    drop(socket);
    let mut server = start_reading(&directory.path().join("data"), port, &log, &file);
    let key = server.started().expect("the first start shows the keys");
    let status = |name: &str| {
        let ask = json!({"placement": name});
        try_send(port, &key, "POST", "/v1/recommend", &ask).0
    };
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let found = (0..250).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            holds()
        });
        assert!(found, "{what}: {}", std::fs::read_to_string(&log).unwrap_or_default());
    };
    assert_eq!((status("page"), status("other")), (200, 404));
    std::fs::write(&file, PLACEMENTS.replace("slots = 6", "slots = 600")).expect("there is room");
    server.hang_up();
    until("the fault is logged", &|| {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        said.contains("placements.toml:14: ")
            && said.contains("slots")
            && said.contains("settings in force stay")
    });
    assert_eq!((status("page"), status("other")), (200, 404), "the running configuration stays");
    std::fs::write(&file, PLACEMENTS.replace("\"page\"", "\"other\"")).expect("there is room");
    server.hang_up();
    until("the good file is in force", &|| (status("page"), status("other")) == (404, 200));
    server.kill();
}
