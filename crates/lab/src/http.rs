//! The same predictions over HTTP: training sessions go in through `bespoke import`, held-out sessions are posted event by
//! event to the running server, and after each event its slate is compared with what the lab predicts for that prefix.

#![allow(clippy::disallowed_methods, reason = "it waits for a server")]

use crate::bench::load::Connection;
use crate::bench::process::{Server, import, now_ms, write_lines, write_text};
use crate::error::Error;
use crate::model::Model;
use crate::models::SessionKnn;
use crate::session_data::{Items, Session};
use crate::tune::cases;
use bespoke_domain::ProductNo;
use bespoke_domain::time::MINUTE_MS;
use bespoke_models::scratch::Scratch;
use bespoke_models::session_knn::SessionKnnParams;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// What to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpOptions {
    /// Sessions to learn from.
    pub train: PathBuf,
    /// Sessions to post.
    pub test: PathBuf,
    /// The binary `bespoke`.
    pub server: PathBuf,
    /// An empty or new directory.
    pub scratch: PathBuf,
    /// Length of the slates.
    pub cutoff: usize,
    /// Sessions that are posted, the first of the file.
    pub sessions: usize,
}

/// How it went.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Compared {
    /// Predictions.
    pub cases: u64,
    /// Slates that are what the lab predicts, in its order.
    pub same: u64,
    /// The first that is not: session and prefix, the lab's ids, the server's.
    pub different: Option<String>,
}

/// Silence after the last training session: every visit has ended.
const SILENCE_MS: i64 = 90 * MINUTE_MS;

/// Compares with the parameters that the server has by default.
///
/// # Errors
/// Files that cannot be read; a server that does not do what it is asked.
pub fn run(options: &HttpOptions) -> Result<Compared, Error> {
    let mut items = Items::default();
    let train = items.read(&options.train)?;
    let mut test = items.read(&options.test)?;
    test.truncate(options.sessions);
    let scratch = &options.scratch;
    std::fs::create_dir_all(scratch).map_err(|source| Error::File { path: scratch.clone(), source })?;
    write_text(&scratch.join("placements.toml"), &placements(options.cutoff))?;
    let rows =
        items.names().map(|id| json!({"id": id, "title": id, "price": "1 EUR", "availability": "in_stock"}));
    write_lines(&scratch.join("catalog.jsonl"), rows)?;
    let start_ms = now_ms() - SILENCE_MS - train.len() as i64 * MINUTE_MS;
    let begins = |row: usize| start_ms + row as i64 * MINUTE_MS;
    let events =
        train.iter().enumerate().flat_map(|(row, session)| events(&items, row, session, begins(row)));
    write_lines(&scratch.join("events.jsonl"), events)?;
    for what in ["catalog", "events"] {
        import(&options.server, scratch, what, &scratch.join(format!("{what}.jsonl")))?;
    }
    let server = Server::start(&options.server, scratch, &[], &[])?;
    compare(&server, &items, &train, &test, options.cutoff)
}

/// One minute is one session, so that visits end in the order of the file.
fn events(items: &Items, row: usize, session: &Session, begin_ms: i64) -> Vec<Value> {
    let one = |(place, item): (usize, &ProductNo)| {
        view(items, &format!("train-{row}"), *item, begin_ms + place as i64)
    };
    session.iter().enumerate().map(one).collect()
}

fn view(items: &Items, shopper: &str, item: ProductNo, time_ms: i64) -> Value {
    json!({
        "event": "view_item", "anonymous_id": shopper, "event_time": time_ms,
        "items": [{"item_id": items.name(item)}],
    })
}

fn compare(
    server: &Server,
    items: &Items,
    train: &[Session],
    test: &[Session],
    cutoff: usize,
) -> Result<Compared, Error> {
    let params = SessionKnnParams::default();
    let (model, mut scratch) = (SessionKnn::fit(&params, train), Scratch::default());
    let mut connection = Connection::open(server.address)?;
    let bell = json!({"event": "page_view", "anonymous_id": "bell"});
    server.ask(&mut connection, "POST", "/v1/events", &bell)?;
    // What the bell ended is in the next snapshot, a quarter of a second later at most.
    std::thread::sleep(Duration::from_secs(1));
    let mut compared = Compared::default();
    for (row, session) in test.iter().enumerate() {
        for (prefix, _) in cases(std::slice::from_ref(session), 1) {
            let shopper = format!("test-{row}");
            let Some(last) = prefix.last() else { continue };
            server.ask(&mut connection, "POST", "/v1/events", &view(items, &shopper, *last, now_ms()))?;
            let ask = json!({"placement": "next", "anonymous_id": shopper, "n": cutoff});
            let slate = server.ask(&mut connection, "POST", "/v1/recommend", &ask)?;
            let served: Vec<&str> = slate["items"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|slot| slot["id"].as_str())
                .collect();
            let predicted = model.predict(&params, prefix, cutoff, &mut scratch);
            let expected: Vec<&str> = predicted.iter().map(|(_, item)| items.name(*item)).collect();
            compared.cases += 1;
            if served == expected {
                compared.same += 1;
            } else if compared.different.is_none() {
                compared.different = Some(format!(
                    "session {row}, {} items: lab {expected:?}, server {served:?}",
                    prefix.len()
                ));
            }
        }
    }
    Ok(compared)
}

fn placements(cutoff: usize) -> String {
    format!(
        "[shop]\ncurrency = \"EUR\"\ntime_zone = \"UTC\"\nunknown_consent = \"granted\"\n\n[holdout]\nshare = 0\n\n\
         [[placement]]\nname = \"next\"\nheadline = \"Next\"\nfallback_headline = \"Popular\"\nslots = {cutoff}\nmin_evidence = 0\n\
         sources = [{{ source = \"session_neighbours\", weight = 1.0, limit = {cutoff} }}]\nfilters = []\n"
    )
}
