//! What `/metrics` shows, in the Prometheus text format.

use crate::boot::Shop;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Bucket bounds of request times, in seconds.
const SECONDS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];
/// What becomes of events, in the order of [`crate::writer::Counts::events`].
const EVENT_FATES: [&str; 4] = ["accepted", "duplicate", "rejected", "without_consent"];

/// The server's measurements.
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Time of a recommendation, from the parsed request to the decided slate, in seconds.
    pub recommend_seconds: Histogram,
    /// Recommendations that fell back.
    pub fallbacks: Counter,
    /// Recommendations that left sources out for want of time.
    pub hurried: Counter,
    events: [Counter; 4],
    decisions_lost: Counter,
    entries: Counter,
    commits: Counter,
    snapshot_offset: Gauge<i64, AtomicI64>,
    products: Gauge<i64, AtomicI64>,
    bots: Counter,
    alarms: Gauge<i64, AtomicI64>,
    faults: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Mutex::default(),
            recommend_seconds: Histogram::new(SECONDS),
            fallbacks: Counter::default(),
            hurried: Counter::default(),
            events: Default::default(),
            decisions_lost: Counter::default(),
            entries: Counter::default(),
            commits: Counter::default(),
            snapshot_offset: Gauge::default(),
            products: Gauge::default(),
            bots: Counter::default(),
            alarms: Gauge::default(),
            faults: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let time = self.recommend_seconds.clone();
        registry.register_with_unit("bespoke_recommend", "Time to decide a slate", Unit::Seconds, time);
        registry.register("bespoke_fallbacks", "Slates that fell back", self.fallbacks.clone());
        registry.register("bespoke_hurried", "Slates with sources left out", self.hurried.clone());
        for (fate, counter) in EVENT_FATES.iter().zip(&self.events) {
            registry.register(
                format!("bespoke_events_{fate}"),
                "Events by what became of them",
                counter.clone(),
            );
        }
        registry.register("bespoke_decisions_lost", "Decisions not logged", self.decisions_lost.clone());
        registry.register("bespoke_log_entries", "Entries committed", self.entries.clone());
        registry.register("bespoke_log_commits", "Commits", self.commits.clone());
        registry.register("bespoke_snapshot_offset", "Last offset visible", self.snapshot_offset.clone());
        registry.register("bespoke_bot_events", "Events of programs", self.bots.clone());
        registry.register("bespoke_alarms", "What has collapsed of what comes in", self.alarms.clone());
        registry.register("bespoke_faults", "What is wrong with the data directory", self.faults.clone());
        registry.register("bespoke_products", "Products with a number", self.products.clone());
    }

    /// The text, with the writer's counts as of now, and how many alarms there are.
    pub fn text(&self, shop: &Shop, alarm_count: usize) -> String {
        let counts = &shop.queue.counts;
        for (counter, count) in self.events.iter().zip(&counts.events) {
            raise(counter, count);
        }
        raise(&self.decisions_lost, &counts.decisions_lost);
        raise(&self.entries, &counts.entries);
        raise(&self.commits, &counts.commits);
        let aggregates = &shop.live.snapshot().aggregates;
        self.snapshot_offset.set(aggregates.offset.0 as i64);
        self.bots.inner().store(aggregates.pulse.bots, Ordering::Relaxed);
        self.alarms.set(alarm_count as i64);
        self.faults.set(shop.faults().len() as i64);
        self.products.set(aggregates.catalog.len() as i64);
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        _ = encode(&mut text, &registry);
        text
    }
}

fn raise(counter: &Counter, count: &AtomicU64) {
    counter.inner().store(count.load(Ordering::Relaxed), Ordering::Relaxed);
}
