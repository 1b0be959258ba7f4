//! What a shop has is kept, and what is lost is told: logs that are shorter than they were or damaged, files that may not grow,
//! imports that break off, clients that never ask.

#![allow(clippy::disallowed_methods, reason = "a test that waits for a process")]

use crate::crash::{Server, free_port, start_logging, try_send};
use crate::learning::beside;
use crate::{Bench, view};
use bespoke::catalog_versions::versions;
use bespoke::connections::HEAD_DEADLINE;
use bespoke::export::csv::unmarked;
use bespoke::wire::catalog::parse_patch;
use bespoke::writer::Job;
use bespoke::{clock, import};
use bespoke_domain::Currency;
use bespoke_domain::entry::ImportMark;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What operators read.
const GUIDE: &str = include_str!("../../../../docs/data.md");

/// A data directory that real servers have one after the other.
struct Place {
    directory: tempfile::TempDir,
    port: u16,
    key: String,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self { directory, port: free_port(), key: String::new() }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("shop")
    }

    fn start(&mut self) -> Server {
        let mut server = start_logging(&self.data(), self.port, &self.directory.path().join("said"));
        self.key = server.started().unwrap_or_else(|| std::mem::take(&mut self.key));
        server
    }

    /// What the last server wrote to its log.
    fn said(&self) -> String {
        fs::read_to_string(self.directory.path().join("said")).expect("a log")
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        try_send(self.port, &self.key, method, path, body)
    }

    /// Takes ten products with a word in their titles in, one entry each.
    fn put(&self, word: &str) {
        let row = |at: u32| json!({"id": format!("{word}-{at}"), "title": format!("Vase {word}"), "price": "5.00", "availability": "in_stock"});
        let (status, body) =
            self.ask("PATCH", "/v1/catalog/items", &Value::Array((0..10).map(row).collect()));
        assert_eq!((status, &body["accepted"]), (202, &json!(10)), "{body}");
    }

    /// How many products are found by a word, at the latest five seconds from now where it is not this many at once: what came
    /// in is visible within a second, on a machine that has nothing else to do.
    fn found(&self, word: &str, expected: u64) -> u64 {
        let ask = || {
            let (status, body) = self.ask("POST", "/v1/search", &json!({"q": word, "literal": true}));
            assert_eq!(status, 200, "{body}");
            body["total"].as_u64().expect("a total")
        };
        let again = || {
            std::thread::sleep(Duration::from_millis(50));
            ask()
        };
        std::iter::once(ask())
            .chain((0..100).map(|_| again()))
            .find(|total| *total == expected)
            .unwrap_or_else(ask)
    }

    fn finding(&self, code: &str) -> Option<Value> {
        assert!(GUIDE.contains(&format!("| `{code}` |")), "docs/data.md says what to do about {code}");
        let (status, body) = self.ask("GET", "/v1/doctor", &Value::Null);
        assert_eq!(status, 200, "{body}");
        body["findings"].as_array()?.iter().find(|one| one["code"] == code).cloned()
    }
}

#[test]
fn checkpoints_of_entries_that_were_lost_are_not_believed() {
    let mut place = Place::new();
    let (data, mut server) = (place.data(), place.start());
    place.put("amber");
    server.stop();
    let log = data.join("log.sqlite");
    let wal = fs::metadata(data.join("log.sqlite-wal")).map_or(0, |file| file.len());
    assert_eq!(wal, 0, "a clean stop leaves all in one file");
    let older = fs::read(&log).expect("the log");
    let mut server = place.start();
    assert_eq!(place.found("amber", 10), 10, "a copy of that file is all of it");
    for word in ["birch", "cedar", "delft"] {
        place.put(word);
    }
    server.stop();
    fs::write(&log, older).expect("it is put back");
    let mut server = place.start();
    let said = place.said();
    assert!(said.contains("log_shorter") && said.contains("log.sqlite-wal was lost"), "{said}");
    assert_eq!((place.found("amber", 10), place.found("birch", 0)), (10, 0));
    for word in ["ebony", "flint", "glass", "hazel"] {
        place.put(word);
    }
    server.stop();
    let mut server = place.start();
    let found =
        |words: &[&str], expected| words.iter().map(|word| place.found(word, expected)).collect::<Vec<_>>();
    assert_eq!(
        found(&["amber", "ebony", "flint", "glass", "hazel"], 10),
        [10; 5],
        "what was acknowledged is there"
    );
    assert_eq!(found(&["birch", "cedar", "delft"], 0), [0; 3], "what is not in the log is not");
    let finding = place.finding("log_shorter").expect("it is told until somebody has seen to it");
    assert!(finding["fix"].as_str().is_some_and(|fix| fix.contains("set-aside")), "{finding}");
    server.stop();
}

/// Damages the record of an entry, counted from the end of the log; its offset.
fn damage(data: &Path, from_end: i64) -> i64 {
    let log = rusqlite::Connection::open(data.join("log.sqlite")).expect("the log");
    let last: i64 = log.query_row("SELECT max(offset) FROM entry", [], |row| row.get(0)).expect("entries");
    let changed = log.execute("UPDATE entry SET body = zeroblob(40) WHERE offset = ?1", [last - from_end]);
    assert_eq!(changed.expect("it is damaged"), 1);
    last - from_end
}

#[test]
fn a_damaged_log_is_told_by_the_server_and_the_doctor() {
    let mut place = Place::new();
    let mut server = place.start();
    place.put("amber");
    server.stop();
    let offset = damage(&place.data(), 3);
    let mut server = place.start();
    let said = place.said();
    assert!(
        said.contains("log_unreadable") && said.contains(&format!("entry {offset} of the log")),
        "{said}"
    );
    assert_eq!(place.found("amber", 10), 10, "the checkpoint knows it");
    place.put("birch");
    let finding = place.finding("log_unreadable").expect("the doctor tells it");
    assert!(
        finding["text"].as_str().is_some_and(|text| text.starts_with(&format!("entry {offset} of"))),
        "{finding}"
    );
    assert!(finding["fix"].as_str().is_some_and(|fix| fix.contains("backup")), "{finding}");
    let metrics = ureq::get(format!("http://127.0.0.1:{}/metrics", place.port)).call();
    let metrics = metrics.expect("metrics").body_mut().read_to_string().expect("text");
    assert!(metrics.contains("bespoke_faults 1\n"), "{metrics}");
    server.stop();
    fs::remove_dir_all(place.data().join("checkpoints")).expect("they were there");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bespoke"));
    command.args(["serve", "--listen", &format!("127.0.0.1:{}", place.port), "--data"]).arg(place.data());
    let output = command.output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "there is nothing that it could serve from");
    assert!(
        said.contains("restore it from a backup") && said.contains(&format!("log entry {offset} ")),
        "{said}"
    );
}

#[test]
fn what_is_damaged_while_it_is_served_is_found_by_the_doctor() {
    let mut place = Place::new();
    let mut server = place.start();
    place.put("amber");
    assert_eq!(place.finding("log_unreadable"), None);
    let offset = damage(&place.data(), 2);
    // The doctor looks at what is visible, which it all is within a second.
    let looked = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        place.finding("log_unreadable")
    });
    let finding = looked.expect("it is looked for");
    assert!(
        finding["text"].as_str().is_some_and(|text| text.starts_with(&format!("entry {offset} of"))),
        "{finding}"
    );
    server.kill();
}

#[test]
fn a_file_that_may_not_grow_is_a_full_disk() {
    let mut place = Place::new();
    let mut shell = Command::new("sh");
    // Blocks of 512 or 1,024 bytes, as the shell has it.
    shell.args([
        "-c",
        "ulimit -f 8192; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_bespoke"),
        "serve",
        "--data",
    ]);
    shell.arg(place.data()).args(["--listen", &format!("127.0.0.1:{}", place.port)]);
    let process = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a shell");
    let mut server = Server::of(process);
    place.key = server.started().expect("a new shop has keys");
    place.put("amber");
    let text = "x".repeat(4_000);
    let mut answers = (0..200).map(|round| {
        let row = |at: u32| json!({"id": format!("{round}-{at}"), "title": "Vase", "description": text});
        place.ask("PATCH", "/v1/catalog/items", &Value::Array((0..100).map(row).collect()))
    });
    let (status, body) = answers.find(|(status, _)| *status != 202).expect("the file is full some time");
    assert_eq!((status, &body["code"]), (507, &json!("disk_full")), "{body}");
    assert!(server.is_running());
    assert_eq!(place.found("amber", 10), 10, "serving goes on");
    server.kill();
}

#[test]
fn a_client_that_never_asks_is_let_go() {
    let mut place = Place::new();
    let mut server = place.start();
    let begun = Instant::now();
    let open = |text: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", place.port)).expect("it listens");
        stream.set_read_timeout(Some(2 * HEAD_DEADLINE)).expect("it can be set");
        stream.write_all(text.as_bytes()).expect("it is open");
        stream
    };
    let cut = "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n";
    for mut stream in [open(""), open(cut)] {
        assert_eq!(stream.read(&mut [0; 16]).expect("it is closed"), 0);
    }
    // A whole minute: that is how long proxies keep connections.
    assert!((60..120).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    server.stop();
}

#[test]
fn an_import_of_nothing_but_faults_fails() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let import = |text: &str| {
        let file = directory.path().join("rows.jsonl");
        fs::write(&file, text).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_bespoke"));
        command.args(["import", "catalog"]).arg(&file).arg("--data").arg(directory.path().join("shop"));
        let output = command.output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = import("{\"title\":\"no id\"}\n[]\n");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nothing was taken in: every line was rejected"), "{said}");
    assert_eq!(import("{\"title\":\"no id\"}\n{\"id\":\"a\",\"title\":\"A\"}\n").0, Some(0));
    assert_eq!(import("").0, Some(0), "an empty file has no faults");
}

fn write(bench: &Bench, name: &str, ids: std::ops::Range<u32>) -> PathBuf {
    let row =
        |no: u32| json!({"id": format!("p{no}"), "title": "P", "price": "5 EUR", "availability": "in_stock"});
    let path = bench._directory.path().join(name);
    fs::write(&path, ids.map(|no| format!("{}\n", row(no))).collect::<String>()).expect("a file");
    path
}

#[test]
fn an_import_that_broke_off_is_told_and_done_again_as_one() {
    let bench = Bench::new();
    let whole = |name: &str, ids| {
        import::whole_catalog(&bench.shop, &write(&bench, name, ids), true, &mut |_| ()).expect("good rows")
    };
    whole("first.jsonl", 0..10);
    whole("second.jsonl", 0..12);
    // As after a kill: it began, a part came in, it never ended.
    bench.shop.queue.call(|reply| Job::Import(ImportMark::Begins, reply)).expect("it begins");
    let text = fs::read_to_string(write(&bench, "part.jsonl", 10..14)).expect("a file");
    let patch = |line: &str| parse_patch(line.as_bytes(), Currency::EUR, clock::now()).expect("a good row");
    let patches = text.lines().map(patch).collect();
    bench.shop.queue.call(|reply| Job::Patches(patches, reply)).expect("a part goes in");
    bench.settle();
    let told = |code: &str| bench.shop.faults().into_iter().find(|fault| fault.code == code);
    let fault = told("import_unfinished").expect("it is told");
    assert!(fault.fix.contains("bespoke catalog --rollback") && GUIDE.contains(fault.code), "{fault:?}");
    let before = versions(&bench.shop);
    assert_eq!(before.versions.iter().map(|one| one.completed).collect::<Vec<_>>(), [false, true, true]);
    let (_, removed) = whole("third.jsonl", 0..4);
    assert_eq!((removed, told("import_unfinished")), (10, None));
    let after = versions(&bench.shop);
    let numbers = |body: &bespoke::catalog_versions::CatalogVersionsBody| {
        body.versions.iter().map(|one| one.version).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&after), numbers(&before), "one version stands for both");
    assert_eq!((after.offered, after.versions[0].completed, after.versions[0].offered), (4, true, 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_brings_back_what_a_whole_catalogue_left_out() {
    let bench = Bench::new();
    let whole = |name: &str, ids| {
        let path = write(&bench, name, ids);
        beside(|| import::whole_catalog(&bench.shop, &path, true, &mut |_| ()).expect("good rows"))
    };
    whole("first.jsonl", 0..10);
    assert_eq!(whole("second.jsonl", 0..4).1, 6);
    let version = json!({"version": versions(&bench.shop).versions[0].version});
    let (_, body) = bench.post("/v1/catalog/rollback", &version).await;
    assert_eq!((&body["offered"], &body["changed"]), (&json!(10), &json!(6)), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_spreadsheet_would_run_is_a_text() {
    let bench = Bench::new();
    let name = "=cmd|/c calc!A0";
    let row = json!([{"id": "p1", "title": "P", "product_type": name, "availability": "in_stock"}]);
    bench.catalogue(&row).await;
    bench.post("/v1/events", &view("somebody", "p1")).await;
    bench.settle();
    let text = bespoke::kpis_api::csv(&bench.shop, "").expect("the days are as they must be");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().collect::<Result<_, _>>().expect("it is CSV");
    let category = rows.iter().find(|row| &row[1] == "category").expect("it was looked at");
    assert_eq!((&category[2], unmarked(&category[2])), ("'=cmd|/c calc!A0", name));
}
