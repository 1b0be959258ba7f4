//! Suggestions on the seeded shop: 1 M and 43,000 products with their categories and brands, and queries of its shoppers.
//! What is typed are beginnings of titles, categories, brands and queries, of 1 letter to the whole, a fifth with a letter wrong;
//! asked by shoppers with a past, six of each kind. In process, one thread, no HTTP. Peers: none runs in process.
//!
//! And whether taste helps (a simulation, by the truth of `sim`): what shoppers searched for after the split, typed letter by
//! letter, with what is known of them and without.

use super::stats::{mean, quantile, sorted};
use super::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_domain::settings::{Settings, Shop as ShopFacts};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{
    Body, CategoryNo, Currency, Entry, EventKind, Millis, Offset, ProductNo, Purpose, ShopperNo,
};
use bespoke_engine::suggest::suggester::{Suggester, Suggestions};
use bespoke_engine::suggest::{Ask, What, suggest};
use bespoke_engine::{Engine, Live, Snapshot};
use bespoke_models::seeded::Seeded;
use bespoke_sim::{Params, Shop, Shopper, Stream};
use std::time::Instant;

/// Suggestions of each kind.
const LIMIT: usize = 6;
const ASKED: usize = 20_000;
/// Names of the figures of a size.
type Names = [&'static str; 7];

const SIZES: [(u32, Names); 2] = [
    (
        1_000_000,
        ["p50_us_1m", "p99_us_1m", "max_us_1m", "first_s_1m", "order_s_1m", "fresh_ms_1m", "queries_1m"],
    ),
    (
        43_000,
        [
            "p50_us_43k",
            "p99_us_43k",
            "max_us_43k",
            "first_s_43k",
            "order_s_43k",
            "fresh_ms_43k",
            "queries_43k",
        ],
    ),
];

/// Measures; microseconds an answer, the time until there are suggestions at all, until they are in order again, until a new
/// product is suggested, and the mean reciprocal rank with and without taste.
///
/// # Errors
/// When the simulated shop has nothing to search for.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for (products, names) in SIZES {
        let params = Params {
            products: options.scaled(products),
            shoppers: options.scaled(products / 5),
            events: u64::from(options.scaled(products).max(100_000)),
            days: 30,
            out_of_stock_share: 0.3,
            ..Params::default()
        };
        figures.extend(measure(&Shop::new(params), names));
    }
    let tastes = tastes(&Shop::new(Params::demo()));
    let figure = |name, value| Figure { bench: "suggest", name, value };
    figures.extend([
        figure("planted_searches", tastes.planted.searches as f64),
        figure("planted_mrr_popular", tastes.planted.popular()),
        figure("planted_mrr_personal", tastes.planted.personal()),
        figure("planted_mrr_gain", tastes.planted.personal() / tastes.planted.popular()),
        figure("other_searches", tastes.others.searches as f64),
        figure("other_mrr_popular", tastes.others.popular()),
        figure("other_mrr_personal", tastes.others.personal()),
    ]);
    Ok(figures)
}

/// A shop being folded.
struct Fold {
    engine: Engine,
    offset: Offset,
}

impl Fold {
    fn new(shop: &Shop) -> Self {
        let mut fold = Self { engine: Engine::default(), offset: Offset(0) };
        fold.push(shop.params.start, None, Body::Settings(Box::new(settings())));
        shop.patches().for_each(|patch| fold.push(shop.params.start, None, Body::Catalog(Box::new(patch))));
        fold
    }

    fn push(&mut self, received: Millis, shopper: Option<ShopperNo>, body: Body) {
        self.offset = self.offset.next();
        self.engine.apply(self.offset, &Entry { received, shopper, body });
    }
}

fn settings() -> Settings {
    Settings {
        shop: ShopFacts {
            currency: Currency::EUR,
            time_zone: "UTC".to_owned(),
            unknown_consent_granted: true,
            sensitive_categories: Vec::new(),
            clock: Vec::new(),
        },
        placements: Vec::new(),
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

fn measure(shop: &Shop, names: Names) -> Vec<Figure> {
    let mut fold = Fold::new(shop);
    let mut now = shop.params.start;
    for fact in Stream::new(shop) {
        now = fact.event.time;
        fold.push(now, Some(ShopperNo(fact.shopper)), Body::Event(Box::new(fact.event)));
    }
    fold.engine.publish();
    let live = fold.engine.live();
    let mut suggester = Suggester::default();
    let mut renew = |snapshot: &Snapshot, now| {
        let started = Instant::now();
        let suggestions = suggester.renew(snapshot, now);
        (suggestions, started.elapsed().as_secs_f64())
    };
    let (suggestions, first_s) = renew(&live.snapshot(), now);
    let (_, order_s) = renew(&live.snapshot(), now.plus(DAY_MS));
    let mut patch = shop.patch(0);
    patch.id = "new".to_owned();
    if let Some(content) = &mut patch.content {
        content.title = "Zyzzyva Kettle".to_owned();
    }
    patch.availability = Some(bespoke_domain::Availability::InStock);
    patch.stock = Some(3);
    fold.push(now, None, Body::Catalog(Box::new(patch)));
    fold.engine.publish();
    let (fresh, fresh_s) = renew(&live.snapshot(), now.plus(DAY_MS));
    let ask = Ask { typed: "zyzz", limit: LIMIT, now, ..Ask::default() };
    let is_there = suggest(&live.snapshot(), &fresh, None, &ask).products.len() == 1;
    let micros = sorted(times(&live, &suggestions, now));
    let common = live.snapshot().aggregates.queries.common().count() as f64;
    let values = [
        quantile(&micros, 0.5),
        quantile(&micros, 0.99),
        quantile(&micros, 1.0),
        first_s,
        order_s,
        if is_there { fresh_s * 1e3 } else { f64::INFINITY },
        common,
    ];
    let figure = |(name, value)| Figure { bench: "suggest", name, value };
    names.into_iter().zip(values).map(figure).collect()
}

fn times(live: &Live, suggestions: &Suggestions, now: Millis) -> Vec<f64> {
    let snapshot = live.snapshot();
    let mut dice = Seeded::new(7);
    let typed: Vec<String> = (0..ASKED).map(|_| typed(&snapshot, &mut dice)).collect();
    let asked = typed.iter().zip(0..).map(|(typed, no)| {
        let profile = live.profile(ShopperNo(no * 7 % 1_000));
        let ask = Ask { typed, limit: LIMIT, now, ..Ask::default() };
        let started = Instant::now();
        std::hint::black_box(suggest(&snapshot, suggestions, profile.as_deref(), &ask));
        started.elapsed().as_secs_f64() * 1e6
    });
    asked.collect()
}

/// The beginning of something that is in the shop, perhaps with a letter wrong.
fn typed(snapshot: &Snapshot, dice: &mut Seeded) -> String {
    let (catalog, queries) = (&snapshot.aggregates.catalog, &snapshot.aggregates.queries);
    let mut below = |count: usize| (dice.unit() * count as f64) as usize;
    let text = match below(4) {
        0 => catalog.category_path(CategoryNo(below(catalog.category_count()) as u32)),
        1 => queries.get(below(queries.len()) as u32).map_or("", |query| &*query.text),
        _ => catalog.title(ProductNo(below(catalog.len()) as u32)).unwrap_or_default(),
    };
    let mut letters: Vec<char> =
        text.rsplit(" > ").next().unwrap_or_default().to_lowercase().chars().collect();
    letters.truncate(1 + below(letters.len().max(1)));
    if below(5) == 0 && letters.len() > 1 {
        let at = 1 + below(letters.len() - 1);
        letters[at] = 'q';
    }
    letters.into_iter().collect()
}

/// Reciprocal ranks of what was searched for, by popularity alone and with taste.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Ranks {
    /// Searches.
    pub searches: u64,
    sums: [f64; 2],
}

impl Ranks {
    fn note(&mut self, popular: f64, personal: f64) {
        self.searches += 1;
        self.sums[0] += popular;
        self.sums[1] += personal;
    }

    /// By popularity alone.
    pub fn popular(&self) -> f64 {
        self.sums[0] / self.searches.max(1) as f64
    }

    /// With taste.
    pub fn personal(&self) -> f64 {
        self.sums[1] / self.searches.max(1) as f64
    }
}

/// What taste is worth.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Tastes {
    /// Searches for what the shopper is planted to like: a favourite leaf.
    pub planted: Ranks,
    /// All others.
    pub others: Ranks,
}

/// Letters typed of a search, each a question.
const LETTERS: usize = 4;

/// Asks, at each search of the last fifth of the days, for its query by its first letters, before it is folded in.
pub fn tastes(shop: &Shop) -> Tastes {
    let mut fold = Fold::new(shop);
    let split = shop.params.start.plus(i64::from(shop.params.days) * DAY_MS * 4 / 5);
    let (mut suggester, mut suggestions) = (Suggester::default(), Suggestions::default());
    let (live, mut tastes, mut renewed) = (fold.engine.live(), Tastes::default(), Millis(0));
    for fact in Stream::new(shop) {
        let (event, shopper) = (&fact.event, Shopper::new(shop, fact.shopper));
        let now = event.time;
        let is_known =
            event.consent.allows(Purpose::Analytics) && event.consent.allows(Purpose::Personalization);
        if now >= split && event.kind == EventKind::Search && is_known {
            if now.since(renewed) > DAY_MS / 24 {
                fold.engine.publish();
                (suggestions, renewed) = (suggester.renew(&live.snapshot(), now), now);
            }
            let term = event
                .details
                .as_deref()
                .and_then(|details| details.search_term.as_deref())
                .unwrap_or_default();
            let [popular, personal] = ranks(&live, &suggestions, ShopperNo(fact.shopper), (term, now));
            let is_planted = shopper.leaves.iter().any(|leaf| {
                term.ends_with(&shop.path(*leaf).rsplit(" > ").next().unwrap_or_default().to_lowercase())
            });
            let of = if is_planted { &mut tastes.planted } else { &mut tastes.others };
            of.note(popular, personal);
        }
        if event.consent.allows(Purpose::Analytics) {
            fold.push(now, Some(ShopperNo(fact.shopper)), Body::Event(Box::new(fact.event)));
        }
    }
    tastes
}

/// Mean reciprocal ranks of a query among ten, by its first letters: without the shopper, and with them.
fn ranks(
    live: &Live,
    suggestions: &Suggestions,
    shopper: ShopperNo,
    (term, now): (&str, Millis),
) -> [f64; 2] {
    let (snapshot, profile) = (live.snapshot(), live.profile(shopper));
    [None, profile.as_deref()].map(|profile| {
        let letters = (1..=LETTERS).filter_map(|count| term.get(..count));
        let rank = |typed| {
            let ask = Ask { typed, limit: 10, now, ..Ask::default() };
            let queries = suggest(&snapshot, suggestions, profile, &ask).queries;
            let at = queries.iter().position(|one| matches!(one.what, What::Query(_)) && one.text == term);
            at.map_or(0.0, |at| 1.0 / (at + 1) as f64)
        };
        mean(&letters.map(rank).collect::<Vec<f64>>())
    })
}
