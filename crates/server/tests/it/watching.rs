//! Watches through a server: an alarm in a history that is imported, told over HTTP, and sent to a webhook that fails first.

use bespoke::alarms::Alarms;
use bespoke::boot::Shop;
use bespoke::http::{App, router};
use bespoke::webhook::Secret;
use bespoke::{clock, import, keys, placements};
use bespoke_domain::Millis;
use bespoke_domain::settings::Scope;
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;

const KEY: &[u8] = b"thirty bytes that nobody knows";
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What a request brought: headers by name in small letters, and the body.
type Brought = (Vec<(String, String)>, String);

/// A server of the shop's that answers as it is told.
struct Hook {
    address: String,
    answers: Arc<Mutex<Vec<u16>>>,
    brought: Receiver<Brought>,
}

impl Hook {
    fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/hook", socket.local_addr().expect("an address"));
        let answers: Arc<Mutex<Vec<u16>>> = Arc::default();
        let (sender, brought) = channel();
        let given = answers.clone();
        std::thread::spawn(move || {
            for stream in socket.incoming() {
                let mut stream = stream.expect("a connection");
                let request = read(&mut stream);
                let status = given.lock().expect("no panic").pop().expect("an answer for each request");
                // Before the answer: who has that finds the request here.
                if sender.send(request).is_err() {
                    break;
                }
                let head = format!("HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:1/\r\n");
                let end = "content-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(format!("{head}{end}").as_bytes()).expect("it is heard");
            }
        });
        Self { address, answers, brought }
    }

    fn answers(&self, status: u16) {
        self.answers.lock().expect("no panic").push(status);
    }

    /// The one request that came.
    fn one(&self) -> Brought {
        let brought = self.brought.try_recv().expect("a request came");
        assert!(self.brought.try_recv().is_err(), "and no other");
        brought
    }
}

fn read(stream: &mut TcpStream) -> Brought {
    let mut reader = BufReader::new(stream);
    let (mut headers, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a line");
        let Some((name, value)) = line.trim().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let len = header(&headers, "content-length").parse().expect("a length");
    let mut body = vec![0; len];
    reader.read_exact(&mut body).expect("a body");
    (headers, String::from_utf8(body).expect("text"))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(held, _)| held == name).map_or("", |(_, value)| value)
}

/// HMAC as RFC 2104 defines it, from the hash alone.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

/// Checks the signature, and gives the id and what the message says.
fn check((headers, body): &Brought) -> (String, Value) {
    use base64::Engine as _;
    let (id, time) = (header(headers, "webhook-id"), header(headers, "webhook-timestamp"));
    let signed = hmac(KEY, format!("{id}.{time}.{body}").as_bytes());
    let wanted = format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(signed));
    assert_eq!(header(headers, "webhook-signature"), wanted);
    assert!((clock::now().0 / 1000 - time.parse::<i64>().expect("seconds")).abs() < 60);
    assert!(body.len() < 20_000);
    (id.to_owned(), serde_json::from_str(body).expect("JSON"))
}

fn secret() -> Secret {
    use base64::Engine as _;
    let text = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(KEY));
    Secret::parse(&text).expect("a secret")
}

fn settings(webhook: &str) -> String {
    format!("{}\n[watch]\nwebhook = \"{webhook}\"\n", super::PLACEMENTS)
}

/// Twelve days, on the last three of which searches take the place of views.
fn history() -> String {
    let today = clock::now().0.div_euclid(DAY_MS);
    let mut lines = String::new();
    for day in today - 12..=today {
        let noon = Millis(day * DAY_MS + 2 * HOUR_MS).0;
        for no in 0..540_i64 {
            let time = (noon + no * 30_000).min(clock::now().0);
            let shopper = format!("s{}", no % 20);
            let event = if day < today - 3 {
                json!({"event": "view_item", "event_time": time, "anonymous_id": shopper, "items": [{"item_id": "p1"}]})
            } else {
                json!({"event": "search", "event_time": time, "anonymous_id": shopper, "search_term": "lamp"})
            };
            lines += &format!("{event}\n");
        }
    }
    lines
}

/// A shop with that history.
fn shop(directory: &Path, webhook: &str) -> Arc<Shop> {
    let shop = Shop::open(directory).expect("it opens");
    placements::apply(&shop, &settings(webhook), "test").expect("settings");
    if shop.live.snapshot().aggregates.watch.changes().is_empty() {
        import::events_from(&shop, history().as_bytes(), &mut |_| ()).expect("it is taken in");
    }
    settle(&shop);
    shop
}

fn settle(shop: &Shop) {
    shop.queue.call(bespoke::writer::Job::Checkpoint).expect("it is visible");
}

/// What `GET /v1/watch…` answers.
fn told(app: &Arc<App>, path: &str, key: &str) -> (u16, Value) {
    let request = axum::http::Request::get(path).header("authorization", format!("Bearer {key}"));
    let request = request.body(axum::body::Body::empty()).expect("a request");
    let answer = async {
        let response = router(app.clone()).oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 22).await.expect("a body");
        (status, serde_json::from_slice(&bytes).expect("JSON"))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(answer)
}

#[test]
fn an_alarm_is_sent_until_it_is_taken_and_never_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("shop");
    let hook = Hook::start();
    let now = clock::now();
    let opened = shop(&place, &hook.address);
    let key = keys::create(&opened, Scope::Secret).expect("a key");
    let app = App::new(opened.clone());
    let webhook = |app: &Arc<App>| told(app, "/v1/watch", &key).1["webhook"].clone();
    app.alarms.look(&opened, now);
    assert_eq!(webhook(&app)["state"], "no_secret");
    app.alarms.sign_with(secret());
    hook.answers(500);
    app.alarms.look(&opened, now);
    let (id, message) = check(&hook.one());
    assert_eq!(
        (&message["type"], &message["data"]["watch"], &message["data"]["state"]),
        (&json!("watch.alarm.raised"), &json!("event_mix"), &json!("raised"))
    );
    assert!(message["data"]["text"].as_str().is_some_and(|text| text.starts_with("event_mix was ")));
    assert_eq!(webhook(&app), json!({"state": "failing", "pending": 1, "last_failure": "it answered 500"}));
    app.alarms.look(&opened, now.plus(4_000));
    assert!(hook.brought.try_recv().is_err(), "five seconds are not over");
    hook.answers(204);
    app.alarms.look(&opened, now.plus(6_000));
    let again = check(&hook.one());
    assert_eq!(again, (id, message), "the same message again");
    settle(&opened);
    app.alarms.look(&opened, now.plus(HOUR_MS));
    assert_eq!(webhook(&app), json!({"state": "ok", "pending": 0, "last_failure": ""}));
    opened.close();
    drop((app, opened));
    // After a restart it is raised still, and not sent again.
    let opened = shop(&place, &hook.address);
    let app = App::new(opened.clone());
    app.alarms.sign_with(secret());
    app.alarms.look(&opened, now.plus(2 * HOUR_MS));
    assert!(hook.brought.try_recv().is_err());
    let (_, body) = told(&app, "/v1/watch", &key);
    assert_eq!(body["changes"][0]["delivered"], true);
    let (_, one) = told(&app, "/v1/watch/event_mix", &key);
    assert_eq!((&one["state"], &one["of"][0]["state"]), (&json!("raised"), &json!("raised")));
    let days = one["of"][0]["days"].as_array().expect("days");
    assert!(
        days.len() >= 4 && days.iter().rev().take(2).all(|day| day["value"].as_f64() > day["high"].as_f64())
    );
    let (status, fault) = told(&app, "/v1/watch/clicks", &key);
    assert_eq!((status, &fault["code"]), (404, &json!("not_found")));
    assert_eq!(told(&app, "/v1/watch", "sk_wrong").0, 401);
    opened.close();
}

#[test]
fn addresses_that_are_wrong_are_said_and_tried_again_or_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let (hook, now) = (Hook::start(), clock::now());
    let opened = shop(&directory.path().join("shop"), "http://127.0.0.1:1/closed");
    let alarms = Alarms::default();
    alarms.sign_with(secret());
    let state = |alarms: &Alarms| {
        let body = alarms.body(&opened.live.snapshot(), now);
        (body.state, body.pending, body.last_failure)
    };
    alarms.look(&opened, now);
    let (failing, pending, why) = state(&alarms);
    assert!((failing.as_str(), pending) == ("failing", 1) && why.starts_with("no answer: "), "{why}");
    placements::apply(&opened, &settings(&hook.address), "test").expect("settings");
    settle(&opened);
    // A redirect leads nowhere.
    hook.answers(302);
    alarms.look(&opened, now.plus(MINUTE_MS));
    check(&hook.one());
    assert_eq!(state(&alarms), ("failing".to_owned(), 1, "it answered 302".to_owned()));
    // What is gone is left alone until the address changes.
    hook.answers(410);
    alarms.look(&opened, now.plus(HOUR_MS));
    check(&hook.one());
    alarms.look(&opened, now.plus(9 * HOUR_MS));
    assert!(hook.brought.try_recv().is_err());
    assert_eq!(state(&alarms), ("gone".to_owned(), 1, "it answered 410".to_owned()));
    let other = format!("{}/other", hook.address);
    placements::apply(&opened, &settings(&other), "test").expect("settings");
    settle(&opened);
    hook.answers(200);
    alarms.look(&opened, now.plus(10 * HOUR_MS));
    check(&hook.one());
    settle(&opened);
    assert_eq!(state(&alarms), ("ok".to_owned(), 0, String::new()));
    // What is long ago wakes nobody.
    assert_eq!(alarms.body(&opened.live.snapshot(), now.plus(9 * DAY_MS)).pending, 0);
    opened.close();
}
