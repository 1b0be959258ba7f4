//! Search on the seeded shop: a million products of which 30 % are out of stock, folded in one by one; queries of a brand, a kind, a
//! colour, a material, as shoppers type them, whole words; six facets, 24 results, shoppers with a past. In process, one thread, no
//! HTTP. Then the same with vectors of words in force, and queries of the words of two products. Products have the seeded shop's few hundred words, so that common words stand in tens of thousands of them.

use super::stats::{mean, quantile, resident_gib, sorted};
use super::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_domain::entry::ModelChange;
use bespoke_domain::event::PageType;
use bespoke_domain::id::ArtifactId;
use bespoke_domain::search::Search;
use bespoke_domain::{Body, DecisionId, Entry, Millis, Offset, ProductPatch, Request, ShopperNo};
use bespoke_engine::Engine;
use bespoke_models::learned::TEXT_VECTORS;
use bespoke_sim::{Params, Shop, Stream};
use std::sync::Arc;
use std::time::Instant;

const WARM_UP: usize = 200;
const MEASURED: usize = 2_000;
/// Facets that are counted.
const FACETS: [&str; 6] = ["category", "brand", "price", "color", "material", "rating"];

/// Measures; milliseconds a search, seconds and GiB of the index.
///
/// # Errors
/// When the process's memory cannot be read, or the default placements are not as they should be.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let params = Params {
        products: options.scaled(1_000_000),
        shoppers: options.scaled(100_000),
        events: u64::from(options.scaled(500_000)),
        days: 30,
        out_of_stock_share: 0.3,
        ..Params::default()
    };
    let shop = Shop::new(params);
    let before_gib = resident_gib("self")?;
    let mut folded = Folded::default();
    let settings = bespoke::placements::parse(bespoke::placements::DEFAULT)
        .map_err(|error| Error::Bench(format!("the default placements: {error:?}")))?;
    folded.push(shop.params.start, None, Body::Settings(Box::new(settings)));
    let started = Instant::now();
    for patch in shop.patches() {
        folded.push(shop.params.start, None, Body::Catalog(Box::new(patch)));
    }
    let built_s = started.elapsed().as_secs_f64();
    let built_gib = resident_gib("self")? - before_gib;
    let (mut last, mut shoppers) = (Millis(0), Vec::new());
    for fact in Stream::new(&shop) {
        last = fact.event.time;
        shoppers.push(ShopperNo(fact.shopper));
        folded.push(last, Some(ShopperNo(fact.shopper)), Body::Event(Box::new(fact.event)));
    }
    folded.engine.publish();
    let queries: Vec<String> = (0..).map(|no| query(&shop, no)).take(WARM_UP + MEASURED).collect();
    let Timed { millis, on_cpu, totals, shown, .. } = timed(&folded, &queries, (last, &shoppers));
    let count = millis.len() as f64;
    // Then with vectors in force, and queries of which no product has all words.
    let others: Vec<String> = (0..).map(|no| mixed(&shop, no)).take(WARM_UP + MEASURED).collect();
    let by_words = timed(&folded, &others, (last, &shoppers));
    let learned_s = folded.learn_words();
    let whole = timed(&folded, &queries, (last, &shoppers));
    let missing = timed(&folded, &others, (last, &shoppers));
    let vectors = folded.engine.live().snapshot().models.meanings.size_bytes();
    let changed = folded.change(&shop, last);
    let figure = |name, value| Figure { bench: "search", name, value };
    Ok(vec![
        figure("mean_ms", mean(&millis)),
        figure("p50_ms", quantile(&millis, 0.5)),
        figure("p99_ms", quantile(&millis, 0.99)),
        figure("cpu_p50_ms", quantile(&on_cpu, 0.5)),
        figure("cpu_p99_ms", quantile(&on_cpu, 0.99)),
        figure("vectors_p50_ms", quantile(&whole.millis, 0.5)),
        figure("vectors_p99_ms", quantile(&whole.millis, 0.99)),
        figure("vectors_cpu_p99_ms", quantile(&whole.on_cpu, 0.99)),
        figure("missing_by_words_p50_ms", quantile(&by_words.millis, 0.5)),
        figure("missing_by_words_p99_ms", quantile(&by_words.millis, 0.99)),
        figure("missing_p50_ms", quantile(&missing.millis, 0.5)),
        figure("missing_p99_ms", quantile(&missing.millis, 0.99)),
        figure("missing_by_meaning_share", missing.by_meaning / missing.millis.len() as f64),
        figure("vector_bytes", vectors as f64 / f64::from(shop.params.products)),
        figure("learn_words_s", learned_s.0),
        figure("words_in_force_s", learned_s.1),
        figure("found_mean", totals / count),
        figure("slots_and_facets_mean", shown / count),
        figure("fold_all_s", built_s),
        figure("fold_all_gib", built_gib),
        figure("new_product_ms", changed.0),
        figure("stock_ms", changed.1),
    ])
}

/// What searches took and gave.
struct Timed {
    /// Sorted, by the clock on the wall, and by that of the thread, which stands still while other programs have the processor.
    millis: Vec<f64>,
    on_cpu: Vec<f64>,
    totals: f64,
    shown: f64,
    /// Searches with results by meaning.
    by_meaning: f64,
}

fn timed(folded: &Folded, queries: &[String], (last, shoppers): (Millis, &[ShopperNo])) -> Timed {
    let mut timed =
        Timed { millis: Vec::new(), on_cpu: Vec::new(), totals: 0.0, shown: 0.0, by_meaning: 0.0 };
    for (no, text) in queries.iter().enumerate() {
        let shopper = shoppers[shoppers.len() - 1 - no % shoppers.len()];
        let asked = request(no, last, shopper, text);
        let live = folded.engine.live();
        let (started, on_cpu) = (Instant::now(), thread_ms());
        let (decision, facets) = live.search_on(&live.snapshot(), &asked);
        if no >= WARM_UP {
            timed.on_cpu.push(thread_ms() - on_cpu);
            timed.millis.push(started.elapsed().as_secs_f64() * 1e3);
            let met = decision.met.as_deref();
            timed.totals += met.map_or(0.0, |met| f64::from(met.total));
            timed.by_meaning += met.map_or(0.0, |met| f64::from(u8::from(met.by_meaning > 0)));
            timed.shown += (decision.slate.len() + facets.len()) as f64;
        }
    }
    (timed.millis, timed.on_cpu) = (sorted(timed.millis), sorted(timed.on_cpu));
    timed
}

/// Milliseconds for which this thread has had a processor.
fn thread_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// The words of one product's query and of another's.
fn mixed(shop: &Shop, no: u32) -> String {
    format!("{} {}", query(shop, 3 * no + 1), query(shop, 3 * no + 500_002))
}

/// An engine with its log's next place.
#[derive(Default)]
pub(crate) struct Folded {
    pub(crate) engine: Engine,
    offset: Offset,
}

impl Folded {
    pub(crate) fn push(&mut self, received: Millis, shopper: Option<ShopperNo>, body: Body) {
        self.offset = self.offset.next();
        self.engine.apply(self.offset, &Entry { received, shopper, body });
    }

    /// Seconds to learn what words mean, and to put it in force.
    fn learn_words(&mut self) -> (f64, f64) {
        let started = Instant::now();
        let model = crate::search::served::learned(&self.engine.live().snapshot());
        let learned_s = started.elapsed().as_secs_f64();
        self.engine.shelve(ArtifactId(1), Arc::new(model));
        let change = ModelChange { name: TEXT_VECTORS.to_owned(), artifact: Some(ArtifactId(1)) };
        let started = Instant::now();
        self.push(Millis(0), None, Body::Model(change));
        self.engine.publish();
        (learned_s, started.elapsed().as_secs_f64())
    }

    /// Milliseconds from a new product, and from a change of stock, to a snapshot that has it.
    fn change(&mut self, shop: &Shop, now: Millis) -> (f64, f64) {
        let held = self.engine.live().snapshot();
        let mut content = shop.patch(0).content.unwrap_or_default();
        content.title = "Zyzzyva Weevil Trap".to_owned();
        let id = "quite-new".to_owned();
        let patch = ProductPatch { id, as_of: now, content: Some(content), ..shop.patch(0) };
        let started = Instant::now();
        self.push(now, None, Body::Catalog(Box::new(patch)));
        self.engine.publish();
        let product = started.elapsed().as_secs_f64() * 1e3;
        let stock = ProductPatch { id: shop.id(7), as_of: now, stock: Some(0), ..ProductPatch::default() };
        let started = Instant::now();
        self.push(now, None, Body::Catalog(Box::new(stock)));
        self.engine.publish();
        drop(held);
        (product, started.elapsed().as_secs_f64() * 1e3)
    }
}

fn request(no: usize, now: Millis, shopper: ShopperNo, text: &str) -> Request {
    Request {
        id: DecisionId(no as u128),
        now,
        placement: "search".to_owned(),
        shopper: Some(shopper),
        page: PageType::Search,
        slots: 24,
        search: Some(Box::new(Search {
            text: text.to_owned(),
            facets: Some(FACETS.map(str::to_owned).to_vec()),
            ..Search::default()
        })),
        ..Request::default()
    }
}

/// One to three words of a product's title, in the order in which they stand there.
pub(crate) fn query(shop: &Shop, no: u32) -> String {
    let patch = shop.patch((no * 7_919) % shop.params.products);
    let title = patch.content.map(|content| content.title).unwrap_or_default();
    // Without the number that every title ends with.
    let words: Vec<&str> = title.split_whitespace().take_while(|word| *word != "No.").collect();
    let wanted = 1 + no as usize % 3;
    let first = (no as usize / 3) % (words.len().saturating_sub(wanted) + 1);
    words[first..(first + wanted).min(words.len())].join(" ")
}
