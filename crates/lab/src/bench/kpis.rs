//! KPIs on the seeded shop: 10 M events of 500,000 shoppers over a year, 20,000 products with costs, and a decision for every other list, for twenty
//! placements in five markets. From scratch: the projection alone (counts, visits, attribution, orders and their returns, with a holdout whose arms are counted),
//! events made beforehand in parts, and then the whole engine with everything else that it folds. As they come: the same engine, with all of that in it,
//! is sent 10,000 events a second by the clock and publishes every 250 ms as the server does; lag is from when an event was due to when a request can read it.
//! One thread, no disk. Peer: none runs in process.

use super::stats::{quantile, resident_gib, sorted};
use super::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_domain::settings::Settings;
use bespoke_domain::{
    Body, Decision, DecisionId, Entry, Event, EventKind, Millis, Money, Offset, Request, ShopperNo,
};
use bespoke_engine::counting::Counting;
use bespoke_engine::decide::decide;
use bespoke_engine::experiment::ledger::{Ledger, Who};
use bespoke_engine::kpis::Kpis;
use bespoke_engine::orders::{Orders, Prices};
use bespoke_engine::{Engine, Snapshot};
use bespoke_sim::{Fact, Params, Shop, Stream};
use std::time::{Duration, Instant};

/// Entries made before they are folded, so that making them is not measured.
const PART: usize = 200_000;
/// Events of a second, and the seconds of the test.
const RATE: f64 = 10_000.0;
const SECONDS: f64 = 20.0;
/// How often the server publishes.
const TICK: Duration = Duration::from_millis(250);
const PLACEMENTS: usize = 20;
const MARKETS: [&str; 5] = ["DE", "AT", "CH", "FR", "NL"];

/// Measures seconds, microseconds an entry, seconds of lag, and GiB.
///
/// # Errors
/// When the process's memory cannot be read, or the default placements are not as they should be.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let params = Params {
        products: options.scaled(20_000).max(100),
        shoppers: options.scaled(500_000).max(1),
        events: u64::from(options.scaled(10_000_000)),
        days: 365,
        ..Params::default()
    };
    let shop = Shop::new(params);
    let settings = bespoke::placements::parse(bespoke::placements::DEFAULT)
        .map_err(|error| Error::Bench(format!("the default placements: {error:?}")))?;
    let before_gib = resident_gib("self")?;
    let alone = alone(&shop, &settings);
    let alone_gib = resident_gib("self")? - before_gib;
    let (parts, kpi_bytes) = (alone.parts, alone.bytes);
    let (count, alone_s) = (alone.count, alone.seconds);
    drop(alone);
    let mut whole = Whole::new(&shop, &settings);
    let mut stream = Source::new(&shop);
    let mut whole_s = 0.0;
    while let Some(part) = stream.next_part(PART) {
        let started = Instant::now();
        part.into_iter().for_each(|entry| whole.push(&entry));
        whole_s += started.elapsed().as_secs_f64();
    }
    let lags = sorted(whole.as_they_come(&shop));
    let figure = |name, value| Figure { bench: "kpis", name, value };
    Ok(vec![
        figure("entries", count as f64),
        figure("scratch_s", alone_s),
        figure("entry_us", 1e6 * alone_s / count.max(1) as f64),
        figure("gib", alone_gib),
        figure("parts", parts as f64),
        figure("kpi_mib", kpi_bytes as f64 / f64::from(1 << 20)),
        figure("engine_s", whole_s),
        figure("lag_p50_s", quantile(&lags, 0.5)),
        figure("lag_p99_s", quantile(&lags, 0.99)),
        figure("lag_max_s", lags.last().copied().unwrap_or_default()),
    ])
}

/// Entries as the log would have them.
struct Source<'a> {
    stream: Stream<'a>,
    made: u128,
    /// A decision of a shop without anything: only its request is counted.
    empty: Decision,
}

impl<'a> Source<'a> {
    fn new(shop: &'a Shop) -> Self {
        let empty = decide(&Snapshot::default(), None, &Request::default());
        Self { stream: Stream::new(shop), made: 0, empty }
    }

    fn next_part(&mut self, len: usize) -> Option<Vec<Entry>> {
        let mut part = Vec::with_capacity(len + len / 10);
        while part.len() < len {
            let Some(fact) = self.stream.next() else { break };
            self.entries(fact, &mut part);
        }
        (!part.is_empty()).then_some(part)
    }

    /// An event, after the decision that it names if it is a list of ours.
    fn entries(&mut self, fact: Fact, to: &mut Vec<Entry>) {
        let shopper = Some(ShopperNo(fact.shopper));
        let mut event = fact.event;
        let received = event.time;
        if event.kind == EventKind::ViewItemList && event.key.is_multiple_of(2) {
            self.made += 1;
            let id = DecisionId(self.made);
            let request = Request {
                id,
                now: received,
                placement: format!("placement-{}", event.session as usize % PLACEMENTS),
                shopper,
                bucket: u64::from(fact.shopper) + 1,
                market: MARKETS[fact.shopper as usize % MARKETS.len()].to_owned(),
                ..Request::default()
            };
            let decision = Decision { request, ..self.empty.clone() };
            to.push(Entry { received, shopper, body: Body::Decision(Box::new(decision)) });
            event.decision = Some(id);
        } else if event.kind == EventKind::SelectItem && event.key.is_multiple_of(2) {
            event.decision = Some(DecisionId(self.made));
        }
        event.buckets.0 = u64::from(fact.shopper) + 1;
        to.push(Entry { received, shopper, body: Body::Event(Box::new(event)) });
    }
}

/// The projection without the rest of the engine.
struct Alone {
    count: usize,
    seconds: f64,
    parts: usize,
    bytes: usize,
    _held: (Ledger, Kpis, Orders),
}

fn alone(shop: &Shop, settings: &Settings) -> Alone {
    let catalogue = Whole::new(shop, settings);
    let live = catalogue.engine.live();
    let snapshot = live.snapshot();
    let find = |id: &str| snapshot.product(id);
    let prices =
        Prices { catalog: &snapshot.aggregates.catalog, find: &find, currency: settings.shop.currency };
    let (mut ledger, mut kpis, mut orders) = (Ledger::default(), Kpis::default(), Orders::default());
    let (mut count, mut seconds) = (0, 0.0);
    let mut source = Source::new(shop);
    while let Some(part) = source.next_part(PART) {
        let started = Instant::now();
        for entry in &part {
            match &entry.body {
                Body::Decision(decision) => kpis.fold_decision(decision, entry.shopper, |_| true),
                Body::Event(event) => {
                    let products: Vec<_> =
                        event.items.iter().filter_map(|item| find(&item.item_id)).collect();
                    let who = Who { shopper: entry.shopper, bucket: event.buckets.0 };
                    let counting = Counting { ledger: &mut ledger, kpis: &mut kpis, orders: &mut orders };
                    counting.fold(event, (who, &products), (&prices, settings));
                }
                _ => {}
            }
        }
        seconds += started.elapsed().as_secs_f64();
        count += part.len();
    }
    let parts = kpis.days(0, u16::MAX).map(|(_, day)| day.len()).sum();
    let bytes = postcard::to_allocvec(&kpis.freeze()).map_or(0, |bytes| bytes.len());
    Alone { count, seconds, parts, bytes, _held: (ledger, kpis, orders) }
}

/// The whole engine.
struct Whole {
    engine: Engine,
    offset: Offset,
}

impl Whole {
    fn new(shop: &Shop, settings: &Settings) -> Self {
        let mut whole = Self { engine: Engine::default(), offset: Offset(0) };
        let received = shop.params.start;
        whole.push(&Entry { received, shopper: None, body: Body::Settings(Box::new(settings.clone())) });
        for mut patch in shop.patches() {
            // Costs of some sort: what is left after them is counted.
            if let (Some(content), Some(price)) = (&mut patch.content, patch.price) {
                content.cost = Some(Money { minor: price.minor / 2, ..price });
            }
            whole.push(&Entry { received, shopper: None, body: Body::Catalog(Box::new(patch)) });
        }
        whole.engine.publish();
        whole
    }

    fn push(&mut self, entry: &Entry) {
        self.offset = self.offset.next();
        self.engine.apply(self.offset, entry);
    }

    /// Seconds from when each event was due to when it could be read.
    fn as_they_come(&mut self, shop: &Shop) -> Vec<f64> {
        let end = Millis(shop.params.start.0 + i64::from(shop.params.days) * bespoke_domain::time::DAY_MS);
        let params = Params { seed: 2, start: end, events: (RATE * SECONDS) as u64, days: 1, ..shop.params };
        let later = Shop::new(params);
        let events: Vec<(u32, Event)> = Stream::new(&later).map(|fact| (fact.shopper, fact.event)).collect();
        let (mut lags, mut due) = (Vec::with_capacity(events.len()), Vec::new());
        let started = Instant::now();
        let mut published = started;
        for (no, (shopper, event)) in events.into_iter().enumerate() {
            let at = no as f64 / RATE;
            while started.elapsed().as_secs_f64() < at {
                std::hint::spin_loop();
            }
            let body = Body::Event(Box::new(event));
            self.push(&Entry { received: end, shopper: Some(ShopperNo(shopper)), body });
            due.push(at);
            if published.elapsed() >= TICK {
                self.engine.publish();
                published = Instant::now();
                let now = started.elapsed().as_secs_f64();
                lags.extend(due.drain(..).map(|at| now - at));
            }
        }
        lags
    }
}
