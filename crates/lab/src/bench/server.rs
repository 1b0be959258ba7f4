//! The server as its users run it: the release binary, a data directory, HTTP on the loopback. A catalogue of 1 M products
//! and 10 M events go in through the public import, then over HTTP; then it recommends under load, is killed, and
//! starts again. Server and load share the machine's cores.

use super::decide::LIMITS;
use super::load::{self, Connection, closed_loop, open_loop};
use super::process::{Server, import, now_ms, write_lines, write_text};
use super::stats::{quantile, resident_gib};
use super::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_engine::filter::FILTERS;
use bespoke_engine::source::{SOURCES, SourceSpec};
use bespoke_sim::{Params, Shop, Stream, json};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Events of one ingest request, and connections that send them.
const BATCH: usize = 100;
const INGEST_CONNECTIONS: u64 = 16;
/// Connections of the open loop.
const CONNECTIONS: u64 = 64;
/// Requests a second the design asks for, and those it aims for.
const RATES: [(f64, &str, &str); 2] = [
    (3_000.0, "recommend_3000_p50_ms", "recommend_3000_p99_ms"),
    (5_000.0, "recommend_5000_p50_ms", "recommend_5000_p99_ms"),
];
const LOAD_SECONDS: f64 = 20.0;

/// Measures; see the names of the figures.
///
/// # Errors
/// When the server does not start, or anything answered is not as it must be.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let live_events = u64::from(options.scaled(1_000_000)).max(1_000);
    let params = Params {
        products: options.scaled(1_000_000),
        shoppers: options.scaled(1_000_000),
        events: u64::from(options.scaled(11_000_000)) + live_events,
        // Shoppers meet many products out of stock and do less, so the events take 410 days; the last month is sent live.
        start: bespoke_domain::Millis(now_ms() - 412 * bespoke_domain::time::DAY_MS),
        days: 365,
        out_of_stock_share: 0.3,
        ..Params::default()
    };
    let shop = Shop::new(params);
    let bench = Bench { options, shop: &shop };
    let scratch = &options.scratch;
    std::fs::create_dir_all(scratch).map_err(|source| Error::File { path: scratch.clone(), source })?;
    let mut figures = Vec::new();
    let mut put = |name, value| {
        eprintln!("  {name:<28} {value:>14.3}");
        figures.push(Figure { bench: "server", name, value });
    };
    let mut stream = Stream::new(&shop);
    bench.import(&mut stream, params.events - live_events, &mut put)?;
    let mut server = Server::start(&options.server, &options.scratch, &[], &[])?;
    put("start_s", server.ready_s);
    bench.ingest(&server, stream, &mut put)?;
    bench.recommend(&server, &mut put)?;
    bench.freshness(&server, &mut put)?;
    put("process_gib", resident_gib(&server.child.id().to_string())?);
    let (publishable, secret) = (server.publishable.clone(), server.secret.clone());
    server.signal("-KILL")?;
    let mut server = Server::start(&options.server, &options.scratch, &[&publishable, &secret], &[])?;
    put("restart_after_kill_s", server.ready_s);
    put("log_entries_m", server.metric("bespoke_snapshot_offset")? / 1e6);
    server.signal("-TERM")?;
    let mut server = Server::start(&options.server, &options.scratch, &[&publishable, &secret], &[])?;
    put("restart_after_stop_s", server.ready_s);
    put("process_gib_after_restart", resident_gib(&server.child.id().to_string())?);
    server.signal("-TERM")?;
    Ok(figures)
}

struct Bench<'a> {
    options: &'a BenchOptions,
    shop: &'a Shop,
}

type Put<'a> = &'a mut dyn FnMut(&'static str, f64);

impl Bench<'_> {
    /// The catalogue and the past, through `bespoke import`.
    fn import(&self, stream: &mut Stream<'_>, events: u64, put: Put<'_>) -> Result<(), Error> {
        let scratch = &self.options.scratch;
        write_text(&scratch.join("placements.toml"), &placement_file(self.shop))?;
        let rows =
            write_lines(&scratch.join("catalog.jsonl"), self.shop.patches().map(|patch| json::row(&patch)))?;
        self.import_file("catalog", rows, "import_rows_per_s", put)?;
        let past = stream.take(events as usize).map(|fact| json::event(self.shop, &fact));
        let lines = write_lines(&scratch.join("events.jsonl"), past)?;
        self.import_file("events", lines, "import_events_per_s", put)
    }

    fn import_file(&self, what: &str, lines: u64, figure: &'static str, put: Put<'_>) -> Result<(), Error> {
        let file = self.options.scratch.join(format!("{what}.jsonl"));
        let started = Instant::now();
        let gib = import(&self.options.server, &self.options.scratch, what, &file)?;
        let seconds = started.elapsed().as_secs_f64();
        put(figure, lines as f64 / seconds);
        if what == "catalog" {
            put("import_catalog_s", seconds);
            put("import_catalog_gib", gib);
        }
        std::fs::remove_file(&file).map_err(|source| Error::File { path: file, source })
    }

    /// What is left of the stream, in batches; every event is acknowledged or the figure is refused.
    fn ingest(&self, server: &Server, stream: Stream<'_>, put: Put<'_>) -> Result<(), Error> {
        let events: Vec<Value> = stream.map(|fact| json::event(self.shop, &fact)).collect();
        let body = |batch: &[Value]| json!(batch).to_string();
        let requests: Vec<Vec<u8>> = events
            .chunks(BATCH)
            .map(|batch| load::request("POST", "/v1/events", &server.secret, &body(batch)))
            .collect();
        let sizes: Vec<usize> = events.chunks(BATCH).map(<[Value]>::len).collect();
        let is_taken = |no: usize, answer: &load::Answer| {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let count = |name: &str| body[name].as_u64().unwrap_or(0) as usize;
            answer.status == 202 && count("accepted") + count("without_consent") == sizes[no]
        };
        let outcome = closed_loop(server.address, INGEST_CONNECTIONS, &requests, &is_taken)?;
        load::none_failed("ingest", &outcome)?;
        put("ingest_events_per_s", events.len() as f64 / outcome.seconds);
        put("ingest_batch_p99_ms", quantile(&outcome.latencies_ms, 0.99));
        Ok(())
    }

    /// Open loop: distinct shoppers ask for product pages, every tenth request is an event.
    fn recommend(&self, server: &Server, put: Put<'_>) -> Result<(), Error> {
        for (turn, (rate, p50, p99)) in (0..).zip(RATES) {
            let count = (rate * LOAD_SECONDS) as u64;
            let request = |no: u64| self.page_request(server, turn * count + no);
            open_loop(server.address, rate / 3.0, count / 10, CONNECTIONS, &request)?;
            let outcome = open_loop(server.address, rate, count, CONNECTIONS, &request)?;
            load::none_failed("recommend", &outcome)?;
            put(p50, quantile(&outcome.latencies_ms, 0.5));
            put(p99, quantile(&outcome.latencies_ms, 0.99));
        }
        put("decisions_lost", server.metric("bespoke_decisions_lost_total")?);
        Ok(())
    }

    fn page_request(&self, server: &Server, no: u64) -> Vec<u8> {
        let shopper = (no * 7_919) % u64::from(self.shop.params.shoppers);
        let item = self.shop.id((no * 104_729 % u64::from(self.shop.params.products)) as u32);
        let body = if no % 10 == 9 {
            json!({
                "event": "view_item", "event_id": format!("load-{no}-{}", now_ms()),
                "anonymous_id": format!("sim-a-{shopper}"), "items": [{"item_id": item}],
            })
        } else {
            json!({
                "placement": "bench", "anonymous_id": format!("sim-a-{shopper}"),
                "context": {"page_type": "product", "item_ids": [item]},
            })
        };
        let path = if no % 10 == 9 { "/v1/events" } else { "/v1/recommend" };
        load::request("POST", path, &server.secret, &body.to_string())
    }

    /// An acknowledged view is in the same shopper's next decision; a stock patch reaches everybody soon.
    fn freshness(&self, server: &Server, put: Put<'_>) -> Result<(), Error> {
        let mut connection = Connection::open(server.address)?;
        let mut missed = 0.0;
        let mut slowest_ms = 0.0_f64;
        for turn in 0..100_u32 {
            let item = self.available_id(turn * 37);
            let shopper = format!("fresh-{turn}");
            let event = json!({
                "event": "view_item", "event_id": format!("fresh-{turn}-{}", now_ms()), "anonymous_id": shopper,
                "items": [{"item_id": item}],
                "consent": {"analytics": "granted", "personalization": "granted"},
            });
            server.ask(&mut connection, "POST", "/v1/events", &event)?;
            missed += f64::from(u8::from(!shows(server, &mut connection, &shopper, &item)?));
            if turn % 5 == 0 {
                let patch = json!([{"id": item, "stock": 0}]);
                server.ask(&mut connection, "PATCH", "/v1/catalog/items", &patch)?;
                let patched = Instant::now();
                while shows(server, &mut connection, &shopper, &item)? {
                    std::thread::sleep(Duration::from_millis(2));
                }
                slowest_ms = slowest_ms.max(patched.elapsed().as_secs_f64() * 1e3);
            }
        }
        put("views_not_in_next_decision", missed);
        put("stock_patch_slowest_ms", slowest_ms);
        Ok(())
    }

    fn available_id(&self, from: u32) -> String {
        let found = (from..self.shop.params.products).find(|no| self.shop.product(*no).stock > 0);
        self.shop.id(found.unwrap_or_default())
    }
}

/// The placements of the bench: one with every source and filter and 20 rules, and one that shows what was viewed.
fn placement_file(shop: &Shop) -> String {
    let mut text = String::from(
        "[shop]\ncurrency = \"EUR\"\ntime_zone = \"Europe/Berlin\"\nunknown_consent = \"granted\"\n\n\
         [[placement]]\nname = \"viewed\"\nheadline = \"Viewed\"\nfallback_headline = \"Popular\"\nslots = 20\n\
         sources = [{ source = \"recently_viewed\", weight = 1.0, limit = 50 }]\nfilters = []\n\n\
         [[placement]]\nname = \"bench\"\nheadline = \"For you\"\nfallback_headline = \"Popular\"\nslots = 12\n\
         diversity = { max_per_category = 4, max_per_brand = 3 }\n",
    );
    let source = |(spec, limit): (&&SourceSpec, u16)| {
        format!("{{ source = {:?}, weight = 1.0, limit = {limit} }}", spec.name)
    };
    let sources: Vec<String> = SOURCES.iter().zip(LIMITS).map(source).collect();
    let filters = FILTERS.iter().filter(|spec| !spec.hard);
    let filters: Vec<String> = filters.map(|spec| format!("{:?}", spec.name)).collect();
    text += &format!("sources = [{}]\nfilters = [{}]\n", sources.join(", "), filters.join(", "));
    for no in 0..20_u32 {
        let ids = |count: u32| -> Vec<String> {
            (0..count).map(|at| shop.id((no * 1_001 + at * 97) % shop.params.products)).collect()
        };
        text += &match no {
            0..5 => format!(
                "[[placement.rule]]\nname = \"pin {no}\"\nrule = \"pin\"\nposition = {no}\nitems = {:?}\n",
                ids(1)
            ),
            5..15 => {
                format!("[[placement.rule]]\nname = \"hide {no}\"\nrule = \"hide\"\nitems = {:?}\n", ids(20))
            }
            _ => format!(
                "[[placement.rule]]\nname = \"hide {no}\"\nrule = \"hide\"\ncategories = [{:?}]\n",
                shop.path(no % shop.leaf_count())
            ),
        };
    }
    text
}

fn shows(server: &Server, connection: &mut Connection, shopper: &str, item: &str) -> Result<bool, Error> {
    let ask = json!({"placement": "viewed", "anonymous_id": shopper});
    let body = server.ask(connection, "POST", "/v1/recommend", &ask)?;
    Ok(body["items"].as_array().into_iter().flatten().any(|slot| slot["id"] == item))
}
