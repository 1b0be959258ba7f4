//! What a search costs, on the two catalogues that `cargo xtask bench search` gives to a peer too: Icecat's with Chorus' judged queries,
//! and the seeded shop's. In process: the whole decision with two facets, ten results, no shopper, one thread. Over HTTP, Icecat's
//! only: `bespoke serve`, the catalogue over two connections, searches over one, one after the other. `lab search-speed`.

use super::data::{self, Judged, Product, Store};
use super::served;
use crate::bench::load::{self, Connection};
use crate::bench::process::{Server, write_lines, write_text};
use crate::bench::search::{Folded, query};
use crate::bench::stats::{quantile, resident_gib, sorted};
use crate::bench::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_domain::event::PageType;
use bespoke_domain::search::Search;
use bespoke_domain::{Body, Candidate, Decision, DecisionId, Millis, ProductPatch, Request};
use bespoke_models::relevance::Means;
use bespoke_sim::{Params, Shop};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What to measure, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeedOptions {
    /// The folder with `products.jsonl.gz` and `judgments.csv.gz`.
    pub data: PathBuf,
    /// The server, where to write, and the size of the seeded shop.
    pub bench: BenchOptions,
}

/// How often the judged queries are asked, after once to warm up.
const ROUNDS: usize = 30;
/// Different queries of the seeded shop, and how often: no more, since a peer takes 6.5 ms for each at 20,000 products, and there are up
/// to a million.
const SEEDED: u32 = 200;
const SEEDED_ROUNDS: usize = 4;
/// Titles that products get, one by one, for the cost of a change.
const TITLES: [&str; 10] =
    ["brillig", "slithy", "toves", "gimble", "wabe", "mimsy", "borogoves", "mome", "raths", "outgrabe"];
/// Longest value of an attribute that the server takes, in bytes.
const ATTRIBUTE_MAX: usize = 4_000;
/// Products of a request, and connections that they are sent over: while one request is folded, the next is read.
const BATCH: usize = 500;
const SENDERS: usize = 2;
/// The attribute that is counted beside the brand; hundreds of values.
const TYPE: &str = "type";

/// Measures everything, and leaves a folder for each catalogue in the scratch directory, for a peer.
///
/// # Errors
/// Data that is not there, a server that does not do what it should.
pub fn run(options: &SpeedOptions) -> Result<Vec<Figure>, Error> {
    let store = Store::read(&options.data.join("products.jsonl.gz"))?;
    let judgments = options.data.join("judgments.csv.gz");
    let judged = data::judgments(&judgments, &store)?;
    let scratch = &options.bench.scratch;
    let mut figures = icecat(&store, &judged, &scratch.join("icecat"))?;
    figures.extend(http(options, &store, &judged, &judgments)?);
    figures.extend(seeded(options.bench.scaled(1_000_000), &scratch.join("seeded"))?);
    Ok(figures)
}

/// A figure, named after its catalogue.
type Named = (&'static str, f64);

fn named(bench: &'static str, all: Vec<Named>) -> impl Iterator<Item = Figure> {
    all.into_iter().map(move |(name, value)| Figure { bench, name, value })
}

fn icecat(store: &Store, judged: &[Judged], folder: &Path) -> Result<Vec<Figure>, Error> {
    let kind = |product: &Product| {
        let mut kinds = product.attributes.iter().filter(|(name, _)| name == TYPE);
        kinds.next().map(|(_, value)| value.clone()).unwrap_or_default()
    };
    make(folder)?;
    let rows = store.products.iter().map(|one| {
        json!({"id": one.id, "title": one.title, "brand": one.brand, "description": one.description, "category": kind(one)})
    });
    write_lines(&folder.join("products.jsonl"), rows)?;
    let queries = judged.iter().map(|one| {
        let grade = |place: &u32| f64::from(one.grades.of(place).unwrap_or(0));
        let places: Vec<u32> = one.grades.products().copied().collect();
        let grades: serde_json::Map<String, Value> =
            places.iter().map(|at| (store.products[*at as usize].id.clone(), grade(at).into())).collect();
        let best = sorted(places.iter().map(grade).collect()).into_iter().rev().take(10);
        let ideal: f64 = best.zip(2_u32..).map(|(grade, place)| grade / f64::from(place).log2()).sum();
        json!({"text": one.query, "grades": grades, "ideal": ideal})
    });
    write_lines(&folder.join("queries.jsonl"), queries)?;
    let mut shop = InProcess::fold(store.products.iter().map(served::patch), ["brand", TYPE])?;
    let means: Vec<Means> =
        judged.iter().map(|one| Means::of(&shop.search(&one.query).1, &one.grades)).collect();
    let texts: Vec<&str> = judged.iter().map(|one| one.query.as_str()).collect();
    let mut all = shop.measure(&texts, ROUNDS);
    all.push(("ndcg10", Means::mean(&means).ndcg10));
    let patches: Vec<ProductPatch> = store.products.iter().map(served::patch).collect();
    all.push(("change_ms", shop.change(patches.iter().step_by(patches.len() / TITLES.len()).cloned())?));
    Ok(named("icecat", all).collect())
}

fn seeded(products: u32, folder: &Path) -> Result<Vec<Figure>, Error> {
    let shop = Shop::new(Params { products, shoppers: 1, events: 0, ..Params::default() });
    make(folder)?;
    let row = |patch: ProductPatch| {
        let content = patch.content.unwrap_or_default();
        let category = content.categories.first().cloned().unwrap_or_default();
        json!({"id": patch.id, "title": content.title, "brand": content.brand, "description": content.description, "category": category})
    };
    write_lines(&folder.join("products.jsonl"), shop.patches().map(row))?;
    let queries: Vec<String> = (0..SEEDED).map(|no| query(&shop, no)).collect();
    write_lines(&folder.join("queries.jsonl"), queries.iter().map(|text| json!({"text": text})))?;
    let mut folded = InProcess::fold(shop.patches(), ["brand", "category"])?;
    let texts: Vec<&str> = queries.iter().map(String::as_str).collect();
    let mut all = folded.measure(&texts, SEEDED_ROUNDS);
    let changed = (0..TITLES.len() as u32).map(|no| shop.patch(no * (products / TITLES.len() as u32)));
    all.push(("change_ms", folded.change(changed)?));
    Ok(named("seeded", all).collect())
}

fn make(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.to_owned(), source })
}

/// A shop in this process.
struct InProcess {
    folded: Folded,
    facets: [String; 2],
    build_s: f64,
    memory_mib: f64,
}

impl InProcess {
    fn fold(patches: impl Iterator<Item = ProductPatch>, facets: [&str; 2]) -> Result<Self, Error> {
        let settings = bespoke::placements::parse(bespoke::placements::DEFAULT)
            .map_err(|error| Error::Bench(format!("the default placements: {error:?}")))?;
        let before = resident_gib("self")?;
        let started = Instant::now();
        let mut folded = Folded::default();
        folded.push(Millis(1), None, Body::Settings(Box::new(settings)));
        for patch in patches {
            folded.push(Millis(1), None, Body::Catalog(Box::new(patch)));
        }
        folded.engine.publish();
        let build_s = started.elapsed().as_secs_f64();
        let memory_mib = (resident_gib("self")? - before) * 1024.0;
        Ok(Self { folded, facets: facets.map(str::to_owned), build_s, memory_mib })
    }

    /// Milliseconds that a search takes, and the numbers of its products.
    fn search(&self, text: &str) -> (f64, Vec<u32>) {
        let facets = Some(self.facets.to_vec());
        let request = Request {
            id: DecisionId(1),
            now: Millis(2),
            placement: "search".to_owned(),
            page: PageType::Search,
            slots: 10,
            search: Some(Box::new(Search { text: text.to_owned(), facets, ..Search::default() })),
            ..Request::default()
        };
        let live = self.folded.engine.live();
        let started = Instant::now();
        let (decision, facets) = live.search_on(&live.snapshot(), &request);
        let millis = started.elapsed().as_secs_f64() * 1e3;
        drop(facets);
        (millis, products(&decision))
    }

    fn measure(&self, queries: &[&str], rounds: usize) -> Vec<Named> {
        queries.iter().for_each(|text| _ = self.search(text));
        let asked = (0..rounds).flat_map(|_| queries).map(|text| self.search(text).0);
        let millis = sorted(asked.collect());
        vec![
            ("p50_ms", quantile(&millis, 0.5)),
            ("p99_ms", quantile(&millis, 0.99)),
            ("build_s", self.build_s),
            ("memory_mib", self.memory_mib),
        ]
    }

    /// The median time from a changed title to a snapshot in which a search finds it.
    fn change(&mut self, patches: impl Iterator<Item = ProductPatch>) -> Result<f64, Error> {
        let mut millis = Vec::new();
        for (word, patch) in TITLES.into_iter().zip(patches) {
            let mut content = patch.content.clone().unwrap_or_default();
            content.title = word.to_owned();
            let in_stock = Some(bespoke_domain::product::Availability::InStock);
            let (as_of, id) = (Millis(i64::MAX / 2), patch.id.clone());
            let patch = ProductPatch {
                as_of,
                content: Some(content),
                availability: in_stock,
                stock: Some(9),
                ..patch
            };
            let held = self.folded.engine.live().snapshot();
            let started = Instant::now();
            self.folded.push(Millis(2), None, Body::Catalog(Box::new(patch)));
            self.folded.engine.publish();
            millis.push(started.elapsed().as_secs_f64() * 1e3);
            drop(held);
            let number = self.folded.engine.live().snapshot().product(&id).map(|product| product.0);
            if self.search(word).1.first().copied() != number {
                return Err(Error::Bench(format!("the product that is called `{word}` now is not found")));
            }
        }
        Ok(quantile(&sorted(millis), 0.5))
    }
}

fn products(decision: &Decision) -> Vec<u32> {
    let product = |candidate| match candidate {
        Candidate::Product(product) => Some(product.0),
        Candidate::Category(_) | Candidate::Content(_) => None,
    };
    decision.slate.iter().filter_map(|slot| product(slot.candidate)).collect()
}

/// Over HTTP: from the first product to all of them found, searches, and the judgments as `bespoke judge` sees them.
fn http(
    options: &SpeedOptions,
    store: &Store,
    judged: &[Judged],
    judgments: &Path,
) -> Result<Vec<Figure>, Error> {
    let texts = http_server(options, "http-texts")?;
    let mut all = vec![("import_to_found_s", import(&texts, store, row_of_texts)?)];
    drop(texts);
    let server = http_server(options, "http")?;
    all.push(("import_all_to_found_s", import(&server, store, row)?));
    let mut connection = Connection::open(server.address)?;
    let path = |text: &str| format!("/v1/search?q={}&facets=brand,{TYPE}&n=20", encoded(text));
    let requests: Vec<Vec<u8>> =
        judged.iter().map(|one| load::request("GET", &path(&one.query), &server.publishable, "")).collect();
    let mut millis = Vec::new();
    for round in 0..=ROUNDS {
        for request in &requests {
            let started = Instant::now();
            let answer = connection.send(request)?;
            // The first round warms up.
            if round > 0 {
                millis.push(started.elapsed().as_secs_f64() * 1e3);
            }
            if answer.status != 200 {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(Error::Bench(format!("/v1/search answered {}: {text}", answer.status)));
            }
        }
    }
    let millis = sorted(millis);
    all.extend([("p50_ms", quantile(&millis, 0.5)), ("p99_ms", quantile(&millis, 0.99))]);
    all.push(("change_ms", change(&server, &mut connection, store)?));
    let report = judge(&options.bench.server, &server, judgments)?;
    let of = |name: &str| {
        let value = report["results"][0][name].as_f64();
        value.ok_or_else(|| Error::Bench(format!("`bespoke judge` says no {name}: {report}")))
    };
    all.extend([("ndcg10", of("ndcg10")?), ("recall100", of("recall100")?)]);
    Ok(named("http", all).collect())
}

/// A server with a shop of its own and the default placements.
fn http_server(options: &SpeedOptions, name: &str) -> Result<Server, Error> {
    let scratch = options.bench.scratch.join(name);
    make(&scratch)?;
    write_text(&scratch.join("placements.toml"), bespoke::placements::DEFAULT)?;
    Server::start(&options.bench.server, &scratch, &[], &[])
}

/// Sends every product; seconds until the last one is found.
fn import(server: &Server, store: &Store, row: fn(&Product) -> Value) -> Result<f64, Error> {
    let rows: Vec<Value> = store.products.iter().map(row).collect();
    let requests: Vec<Vec<u8>> = rows
        .chunks(BATCH)
        .map(|rows| {
            load::request(
                "PATCH",
                "/v1/catalog/items",
                &server.secret,
                &Value::from(rows.to_vec()).to_string(),
            )
        })
        .collect();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let send = |first: usize| {
            let mut connection = Connection::open(server.address)?;
            requests.iter().skip(first).step_by(SENDERS).try_for_each(|one| taken_in(&mut connection, one))
        };
        let senders: Vec<_> = (0..SENDERS).map(|first| scope.spawn(move || send(first))).collect();
        let done = |sender: std::thread::ScopedJoinHandle<'_, Result<(), Error>>| {
            sender.join().unwrap_or_else(|_| Err(Error::Bench("a sender stopped".to_owned())))
        };
        senders.into_iter().try_for_each(done)
    })?;
    let last = &store.products[store.products.len() - 1];
    found(server, &mut Connection::open(server.address)?, &last.title, &last.id)?;
    Ok(started.elapsed().as_secs_f64())
}

/// Sends products, all of which must be taken in.
fn taken_in(connection: &mut Connection, request: &[u8]) -> Result<(), Error> {
    let answer = connection.send(request)?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if body["rejected"].as_array().is_some_and(Vec::is_empty) {
        return Ok(());
    }
    Err(Error::Bench(format!("products are refused with {}: {body}", answer.status)))
}

/// The median of milliseconds from a title sent to a search that finds it, the log's fsync included.
fn change(server: &Server, connection: &mut Connection, store: &Store) -> Result<f64, Error> {
    let mut millis = Vec::new();
    for (title, product) in
        TITLES.into_iter().zip(store.products.iter().step_by(store.products.len() / TITLES.len()))
    {
        let changed = row(&Product { title: title.to_owned(), ..product.clone() });
        let started = Instant::now();
        server.ask(connection, "PATCH", "/v1/catalog/items", &json!([changed]))?;
        found(server, connection, title, &product.id)?;
        millis.push(started.elapsed().as_secs_f64() * 1e3);
        server.ask(connection, "PATCH", "/v1/catalog/items", &json!([row(product)]))?;
        found(server, connection, &product.title, &product.id)?;
    }
    Ok(quantile(&sorted(millis), 0.5))
}

/// Asks until a product is found, for ten seconds at most.
fn found(server: &Server, connection: &mut Connection, text: &str, id: &str) -> Result<(), Error> {
    let path = format!("/v1/search?q={}&n=100", encoded(text));
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        let answer = server.ask(connection, "GET", &path, &Value::Null)?;
        if answer["items"].as_array().into_iter().flatten().any(|item| item["id"] == id) {
            return Ok(());
        }
    }
    Err(Error::Bench(format!("`{id}` is not found by its title")))
}

/// A product as it is sent to a peer that searches title, brand and short description.
fn row_of_texts(product: &Product) -> Value {
    json!({
        "id": product.id, "title": product.title, "brand": product.brand, "description": product.description,
        "availability": "in_stock",
    })
}

/// A product as it is sent.
fn row(product: &Product) -> Value {
    // Ten products have a list that is longer than the server takes.
    let is_taken = |(_, value): &&(String, String)| value.len() <= ATTRIBUTE_MAX;
    let (attributes, codes) = (product.attributes.iter().filter(is_taken), product.codes.iter());
    let attributes: serde_json::Map<String, Value> = attributes
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .chain(codes.map(|code| ("mpn".to_owned(), code.as_str().into())))
        .collect();
    let price = product.price.map(|cents| format!("{}.{:02} EUR", cents / 100, cents % 100));
    json!({
        "id": product.id, "title": product.title, "brand": product.brand, "description": product.description,
        "price": price, "availability": "in_stock", "attributes": attributes,
    })
}

fn judge(binary: &Path, server: &Server, judgments: &Path) -> Result<Value, Error> {
    let mut command = Command::new(binary);
    command.args(["judge", "--json", "--queries"]).arg(judgments).args(["--key", &server.secret]);
    command.args(["--url", &format!("http://{}", server.address)]);
    let output = command.output().map_err(|error| Error::Bench(format!("`bespoke judge`: {error}")))?;
    serde_json::from_slice(&output.stdout).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Error::Bench(format!("`bespoke judge` printed no report: {error}; {said}"))
    })
}

/// As a part of a query string.
fn encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}
