//! `decide` on the seeded shop: 1 M products of which 30 % are out of stock, 3 M events folded in, nine sources, every
//! filter, 20 rules, product pages of shoppers with a past. In process, one thread, no HTTP. Peers: none runs in process.

use super::stats::{mean, quantile, resident_gib, sorted};
use super::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_domain::event::PageType;
use bespoke_domain::settings::{
    Diversity, Explore, FilterUse, Form, OnThin, Placement, Rule, ScorerUse, Settings, Shop as ShopFacts,
    Shows, SourceUse,
};
use bespoke_domain::{Body, Currency, DecisionId, Entry, EventKind, Millis, Offset, Request, ShopperNo};
use bespoke_engine::filter::FILTERS;
use bespoke_engine::source::{SOURCES, SourceSpec};
use bespoke_engine::{Engine, Live};
use bespoke_sim::{Params, Shop, Stream};
use std::collections::VecDeque;
use std::time::Instant;

/// Candidates of the sources, at most 2,000 in all: few products have many neighbours, so the popular ones fill up.
pub const LIMITS: [u16; 9] = [500, 20, 60, 60, 60, 100, 20, 60, 100];
const WARM_UP: usize = 2_000;
const MEASURED: usize = 20_000;

/// Measures; microseconds a decision and GiB of the process.
///
/// # Errors
/// When the process's memory cannot be read.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let params = Params {
        products: options.scaled(1_000_000),
        shoppers: options.scaled(300_000),
        events: u64::from(options.scaled(3_000_000)),
        days: 30,
        out_of_stock_share: 0.3,
        ..Params::default()
    };
    let shop = Shop::new(params);
    let (engine, requests) = build(&shop);
    let live = engine.live();
    let (warm_up, measured) = requests.split_at(WARM_UP.min(requests.len() / 2));
    warm_up.iter().for_each(|request| _ = live.decide(request));
    let mut micros = Vec::with_capacity(measured.len());
    let (mut candidates, mut shown) = (0.0, 0.0);
    for request in measured {
        let started = Instant::now();
        let decision = live.decide(request);
        micros.push(started.elapsed().as_secs_f64() * 1e6);
        candidates += f64::from(decision.candidate_count);
        shown += decision.slate.len() as f64;
    }
    let count = measured.len() as f64;
    let micros = sorted(micros);
    let figure = |name, value| Figure { bench: "decide", name, value };
    Ok(vec![
        figure("mean_us", mean(&micros)),
        figure("p50_us", quantile(&micros, 0.5)),
        figure("p99_us", quantile(&micros, 0.99)),
        figure("candidates_mean", candidates / count),
        figure("slots_mean", shown / count),
        figure("decisions_per_s_2_threads", parallel(&live, measured)),
        figure("process_gib", resident_gib("self")?),
    ])
}

/// Decisions a second of two threads at once.
fn parallel(live: &Live, requests: &[Request]) -> f64 {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for half in requests.chunks(requests.len().div_ceil(2).max(1)) {
            scope.spawn(move || half.iter().for_each(|request| _ = live.decide(request)));
        }
    });
    requests.len() as f64 / started.elapsed().as_secs_f64()
}

/// The shop folded in, and requests for the product pages of its latest views, each of another moment and shopper.
fn build(shop: &Shop) -> (Engine, Vec<Request>) {
    let mut engine = Engine::default();
    let mut offset = Offset(0);
    let mut fold = |received: Millis, shopper: Option<ShopperNo>, body: Body| {
        offset = offset.next();
        engine.apply(offset, &Entry { received, shopper, body });
    };
    fold(shop.params.start, None, Body::Settings(Box::new(settings(shop))));
    shop.patches().for_each(|patch| fold(shop.params.start, None, Body::Catalog(Box::new(patch))));
    let mut views = VecDeque::with_capacity(WARM_UP + MEASURED);
    let mut last = Millis(0);
    for fact in Stream::new(shop) {
        let (shopper, time) = (ShopperNo(fact.shopper), fact.event.time);
        if fact.event.kind == EventKind::ViewItem {
            if views.len() == WARM_UP + MEASURED {
                views.pop_front();
            }
            views.push_back((shopper, fact.event.items[0].item_id.clone()));
        }
        last = time;
        fold(time, Some(shopper), Body::Event(Box::new(fact.event)));
    }
    engine.publish();
    let requests = (0..).zip(views).map(|(no, (shopper, item))| request(shop, no, last, shopper, item));
    let requests = requests.collect();
    (engine, requests)
}

fn request(shop: &Shop, no: u32, now: Millis, shopper: ShopperNo, item: String) -> Request {
    let some = |first: u32, count: u32| -> Vec<String> {
        (0..count).map(|at| shop.id((first + at * 7_919) % shop.params.products)).collect()
    };
    Request {
        id: DecisionId(u128::from(no)),
        now,
        placement: "bench".to_owned(),
        shopper: Some(shopper),
        page: PageType::Product,
        items: vec![item],
        cart: some(no, 3),
        exclude: some(no * 31, 20),
        ..Request::default()
    }
}

fn settings(shop: &Shop) -> Settings {
    let source = |(spec, limit): (&&SourceSpec, u16)| SourceUse {
        source: spec.name.to_owned(),
        weight: 1.0,
        limit,
        params: Vec::new(),
        items: Vec::new(),
    };
    let filter = |name: &str| FilterUse { filter: name.to_owned(), params: Vec::new() };
    let placement = Placement {
        name: "bench".to_owned(),
        headline: "For you".to_owned(),
        fallback_headline: "Popular".to_owned(),
        form: Form::Slate,
        rollout: 100,
        shows: Shows::Products,
        slots: 12,
        min_evidence: 1,
        on_thin: OnThin::Relabel,
        sources: SOURCES.iter().zip(LIMITS).map(source).collect(),
        scorers: ["affinity", "margin"]
            .map(|name| ScorerUse { scorer: name.to_owned(), weight: 0.1 })
            .to_vec(),
        filters: FILTERS.iter().filter(|spec| !spec.hard).map(|spec| filter(spec.name)).collect(),
        diversity: Diversity { max_per_category: 4, max_per_brand: 3 },
        rules: (0..20).map(|no| rule(shop, no)).collect(),
        objective: None,
        bandit: None,
        explore: Explore::default(),
    };
    Settings {
        shop: ShopFacts {
            currency: Currency::EUR,
            time_zone: "Europe/Berlin".to_owned(),
            unknown_consent_granted: true,
            sensitive_categories: Vec::new(),
            clock: Vec::new(),
        },
        placements: vec![placement],
        content: Vec::new(),
        segments: Vec::new(),
        clutter: Vec::new(),
        canonical: Vec::new(),
        models: Vec::new(),
        search: Default::default(),
        holdout: Default::default(),
        attribution: Default::default(),
        experiments: Vec::new(),
        challenges: Vec::new(),
        watch: Default::default(),
        file: None,
    }
}

/// Five pins, ten rules that hide twenty products each, five that hide a category.
fn rule(shop: &Shop, no: u32) -> Rule {
    let ids =
        |count: u32| (0..count).map(|at| shop.id((no * 1_001 + at * 97) % shop.params.products)).collect();
    let (kind, items, categories) = match no {
        0..5 => ("pin", ids(1), Vec::new()),
        5..15 => ("hide", ids(20), Vec::new()),
        _ => ("hide", Vec::new(), vec![shop.path(no % shop.leaf_count())]),
    };
    let name = format!("rule {no}");
    Rule { name, rule: kind.to_owned(), items, categories, position: no as u16, ..Rule::default() }
}
