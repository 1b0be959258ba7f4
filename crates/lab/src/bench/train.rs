//! Learning at full size while the server serves: 1 M products, 10 M events of 1 M shoppers of the seeded shop (views, carts,
//! wishes and orders; what else it sends teaches models nothing and is left out), through the public import; then every model that is learnt by default, fitted twice as always (on the past, to be judged, and on
//! everything), by the real server under a steady load. Server and load share the machine's cores.
//!
//! The load asks a placement that names no learnt model, before, during and after: what differs is the learning beside it.
//! Figures of another placement, which names all of them, say what they cost once they are in force.

use super::load::{self, Connection, open_loop};
use super::process::{Server, import, now_ms, write_lines, write_text};
use super::stats::{peak_gib, quantile, reset_peak, resident_gib, sorted};
use super::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_engine::profile::act_of;
use bespoke_sim::{Params, Shop, Stream, json};
use serde_json::{Value, json};

/// Requests a second, and seconds of a window.
const RATE: f64 = 1_000.0;
const WINDOW_SECONDS: f64 = 10.0;
/// Events of the seeded shop among which there is at least one that models learn from.
const EVENTS_AN_ACT: u64 = 4;
/// Windows before the run, and as many after it.
const IDLE_WINDOWS: usize = 3;
const CONNECTIONS: u64 = 64;
/// The models, with the names of their figures.
const MODELS: [(&str, &str, &str); 3] = [
    ("item_item", "item_item_s", "item_item_bytes_a_product"),
    ("slim", "slim_s", "slim_bytes_a_product"),
    ("als", "als_s", "als_bytes_a_product"),
];
const PLACEMENTS: &str = r#"[shop]
currency = "EUR"
time_zone = "Europe/Berlin"
unknown_consent = "granted"

[[placement]]
name = "plain"
headline = "For you"
fallback_headline = "Popular"
slots = 12
sources = [
    { source = "popular", weight = 0.1, limit = 300 },
    { source = "co_viewed", weight = 1.0, limit = 100 },
    { source = "session_neighbours", weight = 1.0, limit = 100 },
    { source = "similar", weight = 0.5, limit = 100 },
]
scorers = [{ scorer = "affinity", weight = 0.5 }]
filters = ["in_cart"]

[[placement]]
name = "learnt"
headline = "For you"
fallback_headline = "Popular"
slots = 12
sources = [
    { source = "popular", weight = 0.1, limit = 300 },
    { source = "slim", weight = 1.0, limit = 100 },
    { source = "item_item", weight = 1.0, limit = 100 },
]
scorers = [{ scorer = "affinity", weight = 0.5 }, { scorer = "als", weight = 0.1 }]
filters = ["in_cart"]
"#;

type Put<'a> = &'a mut dyn FnMut(&'static str, f64);

/// Measures; see the names of the figures.
///
/// # Errors
/// When the server does not start, a request fails or a model is not published.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let params = Params {
        products: options.scaled(1_000_000),
        shoppers: options.scaled(1_000_000),
        events: u64::from(options.scaled(10_000_000)) * EVENTS_AN_ACT,
        start: bespoke_domain::Millis(now_ms() - 380 * bespoke_domain::time::DAY_MS),
        days: 365,
        ..Params::default()
    };
    let bench = Bench { options, shop: &Shop::new(params) };
    let mut figures = Vec::new();
    let mut put = |name, value| {
        eprintln!("  {name:<28} {value:>14.3}");
        figures.push(Figure { bench: "train", name, value });
    };
    bench.fill()?;
    let server = Server::start(&options.server, &options.scratch, &[], &["--train-every", "0"])?;
    bench.learn(&server, &mut put)?;
    Ok(figures)
}

struct Bench<'a> {
    options: &'a BenchOptions,
    shop: &'a Shop,
}

impl Bench<'_> {
    /// The catalogue and its year, through `bespoke import`.
    fn fill(&self) -> Result<(), Error> {
        let scratch = &self.options.scratch;
        std::fs::create_dir_all(scratch).map_err(|source| Error::File { path: scratch.clone(), source })?;
        write_text(&scratch.join("placements.toml"), PLACEMENTS)?;
        let rows = self.shop.patches().map(|patch| json::row(&patch));
        let acts = Stream::new(self.shop).filter(|fact| act_of(fact.event.kind).is_some());
        let events = acts.take(self.options.scaled(10_000_000) as usize);
        let events = events.map(|fact| json::event(self.shop, &fact));
        self.import("catalog", rows)?;
        self.import("events", events)
    }

    fn import(&self, what: &str, lines: impl Iterator<Item = Value>) -> Result<(), Error> {
        let file = self.options.scratch.join(format!("{what}.jsonl"));
        write_lines(&file, lines)?;
        import(&self.options.server, &self.options.scratch, what, &file)?;
        std::fs::remove_file(&file).map_err(|source| Error::File { path: file, source })
    }

    fn learn(&self, server: &Server, put: Put<'_>) -> Result<(), Error> {
        let process = server.child.id().to_string();
        let mut windows = 0;
        let mut window = |placement: &str| {
            windows += 1;
            self.window(server, placement, windows)
        };
        window("plain")?;
        let mut idle = Vec::new();
        for _ in 0..IDLE_WINDOWS {
            idle.extend(window("plain")?);
        }
        let before_gib = resident_gib(&process)?;
        reset_peak(&process)?;
        let mut connection = Connection::open(server.address)?;
        server.ask(&mut connection, "POST", "/v1/models/train", &json!({}))?;
        let mut during = Vec::new();
        let run = loop {
            during.extend(window("plain")?);
            let run = server.ask(&mut connection, "GET", "/v1/models", &json!({}))?["run"].clone();
            eprintln!("    {} {}", run["stage"], run["percent"]);
            if run["state"] != "running" {
                break run;
            }
        };
        put("peak_gib_above_idle", peak_gib(&process)? - before_gib);
        put("idle_gib", before_gib);
        put("after_gib", resident_gib(&process)?);
        self.report(&run, put)?;
        for _ in 0..IDLE_WINDOWS {
            idle.extend(window("plain")?);
        }
        let (idle, during) = (sorted(idle), sorted(during));
        put("idle_p50_ms", quantile(&idle, 0.5));
        put("idle_p99_ms", quantile(&idle, 0.99));
        put("training_p50_ms", quantile(&during, 0.5));
        put("training_p99_ms", quantile(&during, 0.99));
        put("training_p99_over_idle", quantile(&during, 0.99) / quantile(&idle, 0.99));
        window("learnt")?;
        let learnt = sorted(window("learnt")?);
        put("learnt_p50_ms", quantile(&learnt, 0.5));
        put("learnt_p99_ms", quantile(&learnt, 0.99));
        put("decisions_lost", server.metric("bespoke_decisions_lost_total")?);
        Ok(())
    }

    /// What the run says of itself; a model that was skipped is an error, one that was not published is told.
    fn report(&self, run: &Value, put: Put<'_>) -> Result<(), Error> {
        let number = |value: &Value| value.as_f64().unwrap_or_default();
        if run["state"] != "done" {
            return Err(Error::Bench(format!("the run failed: {}", run["stage"])));
        }
        put("acts_m", number(&run["acts"]) / 1e6);
        put("cases", number(&run["cases"]));
        put("train_s", number(&run["seconds"]));
        let mut unpublished = 0.0;
        for (name, seconds, bytes) in MODELS {
            let one = run["models"].as_array().into_iter().flatten().find(|one| one["name"] == name);
            let one = one.ok_or_else(|| Error::Bench(format!("the run has no model {name}: {run}")))?;
            if one["outcome"] != "published" {
                eprintln!("    {name}: {}, {}", one["outcome"], one["why"]);
                unpublished += 1.0;
            }
            eprintln!("    {name}: {}", one["judged"]["ndcg"]);
            put(seconds, number(&one["seconds"]));
            put(bytes, number(&one["bytes"]) / f64::from(self.shop.params.products));
        }
        put("models_not_published", unpublished);
        Ok(())
    }

    /// Latencies of one window of steady load: product pages of distinct shoppers, every tenth request an event.
    fn window(&self, server: &Server, placement: &str, turn: u64) -> Result<Vec<f64>, Error> {
        let count = (RATE * WINDOW_SECONDS) as u64;
        let request = |no: u64| self.page_request(server, placement, turn * count + no);
        let outcome = open_loop(server.address, RATE, count, CONNECTIONS, &request)?;
        load::none_failed("recommend", &outcome)?;
        Ok(outcome.latencies_ms)
    }

    fn page_request(&self, server: &Server, placement: &str, no: u64) -> Vec<u8> {
        let shopper = (no * 7_919) % u64::from(self.shop.params.shoppers);
        let item = self.shop.id((no * 104_729 % u64::from(self.shop.params.products)) as u32);
        let (path, body) = if no % 10 == 9 {
            let id = format!("load-{no}-{}", now_ms());
            let event = json!({
                "event": "view_item", "event_id": id, "anonymous_id": format!("sim-a-{shopper}"),
                "items": [{"item_id": item}],
            });
            ("/v1/events", event)
        } else {
            let ask = json!({
                "placement": placement, "anonymous_id": format!("sim-a-{shopper}"),
                "context": {"page_type": "product", "item_ids": [item]},
            });
            ("/v1/recommend", ask)
        };
        load::request("POST", path, &server.secret, &body.to_string())
    }
}
