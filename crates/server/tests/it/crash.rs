//! The real binary, killed with SIGKILL under load, again and again: what was acknowledged is there, once, and the state
//! after a restart is that of a full fold of the log.

#![allow(clippy::disallowed_methods, reason = "a test that kills a process waits for it")]

use bespoke_domain::{Body, Offset};
use bespoke_engine::Engine;
use bespoke_store::{Sqlite, Store};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: u32 = 50;

/// A server, killed when dropped: a failed test leaves none behind.
pub struct Server(Child);

impl Server {
    /// A process that is a server.
    pub fn of(process: Child) -> Self {
        Self(process)
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ended");
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) {
        self.signal("-TERM");
        assert!(self.0.wait().is_ok_and(|status| status.success()));
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Reads what the server says up to its address; returns the secret key if it was shown.
    pub fn started(&mut self) -> Option<String> {
        let lines = BufReader::new(self.0.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let mut key = None;
        for line in lines {
            key = line.split_whitespace().find(|word| word.starts_with("sk_")).map(str::to_owned).or(key);
            if line.starts_with("Serving") {
                break;
            }
        }
        key
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The real server.
pub fn start(data: &Path, port: u16) -> Server {
    start_with(data, port, Stdio::null(), &[])
}

/// The server, with its log lines in a file.
pub fn start_logging(data: &Path, port: u16, log: &Path) -> Server {
    start_with(data, port, std::fs::File::create(log).expect("a log file").into(), &[])
}

/// The same with a placement file.
pub fn start_reading(data: &Path, port: u16, log: &Path, placements: &Path) -> Server {
    let log = std::fs::File::create(log).expect("a log file");
    start_with(data, port, log.into(), &["--placements".as_ref(), placements.as_ref()])
}

/// A port that nobody has.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

fn start_with(data: &Path, port: u16, errors: Stdio, more: &[&OsStr]) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bespoke"));
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(data).args(more);
    Server(command.stdout(Stdio::piped()).stderr(errors).spawn().expect("the binary starts"))
}

fn send(port: u16, key: &str, events: &[Value]) -> Option<Value> {
    let (status, body) = try_send(port, key, "POST", "/v1/events", &Value::from(events));
    (status == 202).then_some(body)
}

/// Status and body of a request; status 0 where there is no answer.
pub fn try_send(port: u16, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let config = ureq::Agent::config_builder();
    let config = config.timeout_global(Some(Duration::from_secs(5))).http_status_as_error(false).build();
    let request = ureq::http::Request::builder().method(method).uri(format!("http://127.0.0.1:{port}{path}"));
    let request = request.header("Authorization", format!("Bearer {key}")).body(body.to_string());
    let Ok(mut answer) = ureq::Agent::from(config).run(request.expect("a request")) else {
        return (0, Value::Null);
    };
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
}

fn batch(round: u32, number: u32) -> Vec<Value> {
    let event = |at: u32| {
        json!({"event": "view_item", "event_id": format!("{round}-{number}-{at}"), "anonymous_id": format!("s{}", at % 7),
            "consent": {"analytics": "granted", "personalization": "granted"}, "items": [{"item_id": format!("p{}", (round + number * at) % 40)}]})
    };
    (0..20).map(event).collect()
}

#[test]
fn killed_fifty_times_under_load_nothing_acknowledged_is_lost_or_doubled() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("shop");
    let port = free_port();
    let (mut key, mut acknowledged) = (String::new(), Vec::new());
    for round in 0..KILLS {
        let mut server = start(&data, port);
        key = server.started().unwrap_or(key);
        let end = Instant::now() + Duration::from_millis(u64::from(20 + round * 37 % 60));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(end.saturating_duration_since(Instant::now()));
            server.kill();
        });
        for number in 0.. {
            let Some(answer) = send(port, &key, &batch(round, number)) else { break };
            assert_eq!(answer["accepted"], 20, "{answer}");
            acknowledged.push((round, number));
        }
        killer.join().expect("the server was killed");
    }
    assert!(acknowledged.len() > KILLS as usize, "there was load: {}", acknowledged.len());
    everything_is_there_once(&data, port, &key, &acknowledged);
    the_state_is_that_of_a_full_fold(&data, acknowledged.len() * 20);
}

fn everything_is_there_once(data: &Path, port: u16, key: &str, acknowledged: &[(u32, u32)]) {
    let mut server = start(data, port);
    server.started();
    let mut answer = None;
    for _ in 0..100 {
        answer = send(port, key, &batch(acknowledged[0].0, acknowledged[0].1));
        if answer.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(answer.expect("the server answers")["duplicates"], 20);
    for &(round, number) in acknowledged {
        let answer = send(port, key, &batch(round, number)).expect("the server answers");
        assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(0), &json!(20)), "{round} {number}");
    }
    server.kill();
}

fn the_state_is_that_of_a_full_fold(data: &Path, least: usize) {
    let store = Sqlite::open(data).expect("nobody has it open");
    let reader = store.reader().expect("a reader");
    let (mut whole, mut keys) = (Engine::default(), HashSet::new());
    let mut each = |offset: Offset, entry: bespoke_domain::Entry| {
        if let Body::Event(event) = &entry.body {
            assert!(keys.insert(event.key), "an event stands in the log twice");
        }
        whole.apply(offset, &entry);
        ControlFlow::Continue(())
    };
    reader.read(Offset(0), store.last_offset(), &mut each).expect("the log can be read");
    assert!(keys.len() >= least);
    let recovered =
        bespoke::boot::recover(reader.as_ref(), store.last_offset()).expect("the log can be read");
    let bytes = |engine: &Engine| {
        let mut bytes = Vec::new();
        engine.checkpoint().write(&mut bytes).expect("memory takes it");
        bytes
    };
    assert!(bytes(&recovered) == bytes(&whole), "recovered and folded states differ");
}

/// Letters for a number, so that each batch has a word of its own.
fn word(round: u32, number: usize) -> String {
    let letters = format!("{round:02}{number:04}");
    letters.chars().map(|digit| (b'a' + digit.to_digit(10).unwrap_or(0) as u8) as char).collect()
}

#[test]
fn killed_while_the_catalogue_is_written_what_was_acknowledged_is_found() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("shop");
    let port = free_port();
    let (mut key, mut acknowledged) = (String::new(), Vec::new());
    for round in 0..10 {
        let mut server = start(&data, port);
        key = server.started().unwrap_or(key);
        let end = Instant::now() + Duration::from_millis(u64::from(60 + round * 37 % 60));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(end.saturating_duration_since(Instant::now()));
            server.kill();
        });
        for number in 0.. {
            let word = word(round, number);
            let row = |at: u32| json!({"id": format!("{word}-{at}"), "title": format!("Vase {word}"), "price": "5.00", "availability": "in_stock"});
            let rows = Value::Array((0..5).map(row).collect());
            let (status, body) = try_send(port, &key, "PATCH", "/v1/catalog/items", &rows);
            if status != 202 {
                break;
            }
            assert_eq!(body["rejected"], json!([]));
            acknowledged.push(word);
        }
        killer.join().expect("the server was killed");
    }
    assert!(acknowledged.len() > 10, "there was load: {}", acknowledged.len());
    let mut server = start(&data, port);
    server.started();
    for word in &acknowledged {
        let ask = json!({"q": word, "literal": true, "n": 10});
        let (status, body) = try_send(port, &key, "POST", "/v1/search", &ask);
        let items = body["items"].as_array().into_iter().flatten();
        let mut ids: Vec<&str> = items.filter_map(|one| one["id"].as_str()).collect();
        ids.sort_unstable();
        let own: Vec<String> = (0..5).map(|at| format!("{word}-{at}")).collect();
        assert_eq!((status, ids), (200, own.iter().map(String::as_str).collect()), "{word}: {body}");
    }
    let (_, all) = try_send(port, &key, "POST", "/v1/search", &json!({"q": "vase"}));
    // What was written and not acknowledged may be there too: at most one batch a kill.
    let total = all["total"].as_u64().expect("a total") as usize;
    let least = 5 * acknowledged.len();
    assert!((least..=least + 50).contains(&total), "{total} of {least}");
    server.kill();
}
