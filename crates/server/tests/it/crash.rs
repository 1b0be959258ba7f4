//! The real binary, killed with SIGKILL under load, again and again: what was acknowledged is there, once, and the state
//! after a restart is that of a full fold of the log.

#![allow(clippy::disallowed_methods, reason = "a test that kills a process waits for it")]

use bespoke_domain::{Body, Offset};
use bespoke_engine::Engine;
use bespoke_store::{Sqlite, Store};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: u32 = 50;

fn start(data: &Path, port: u16) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bespoke"));
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(data);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts")
}

/// Reads what the server says up to its address; returns the secret key if it was shown.
fn started(server: &mut Child) -> Option<String> {
    let lines = BufReader::new(server.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let mut key = None;
    for line in lines {
        key = line.split_whitespace().find(|word| word.starts_with("sk_")).map(str::to_owned).or(key);
        if line.starts_with("Serving") {
            break;
        }
    }
    key
}

fn send(port: u16, key: &str, events: &[Value]) -> Option<Value> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into();
    let url = format!("http://127.0.0.1:{port}/v1/events");
    let sent = agent
        .post(url)
        .header("Authorization", format!("Bearer {key}"))
        .send(Value::from(events).to_string());
    serde_json::from_str(&sent.ok()?.body_mut().read_to_string().ok()?).ok()
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
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let (mut key, mut acknowledged) = (String::new(), Vec::new());
    for round in 0..KILLS {
        let mut server = start(&data, port);
        key = started(&mut server).unwrap_or(key);
        let end = Instant::now() + Duration::from_millis(u64::from(20 + round * 37 % 60));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(end.saturating_duration_since(Instant::now()));
            server.kill().expect("it runs");
            server.wait().expect("it ended");
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
    started(&mut server);
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
    server.kill().expect("it runs");
    server.wait().expect("it ended");
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
