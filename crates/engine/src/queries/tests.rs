//! Query statistics of made-up shoppers.

use super::*;
use bespoke_domain::event::{Details, EventItem, PageType};
use bespoke_domain::search::{Met, Search};
use bespoke_domain::settings::Synonym;
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use bespoke_domain::{Consent, DecisionId, EventKind, Request};

mod expected;

use expected::ask;

struct Bench {
    queries: Queries,
    second: i64,
}

impl Bench {
    fn new() -> Self {
        Self { queries: Queries::default(), second: 0 }
    }

    fn wait(&mut self, minutes: i64) {
        self.second += minutes * 60;
    }

    fn event(&mut self, kind: EventKind) -> Event {
        self.second += 20;
        let page = PageType::Search;
        Event { consent: Consent::GRANTED, page, ..Event::new(kind, Millis(self.second * 1000)) }
    }

    fn fold(&mut self, shopper: u32, event: &Event, products: &[u32]) {
        let products: Vec<ProductNo> = products.iter().map(|no| ProductNo(*no)).collect();
        self.queries.fold(Some(ShopperNo(shopper)), event, &products, |one| one);
    }

    fn search(&mut self, shopper: u32, text: &str, results: Option<u32>) {
        for kind in [EventKind::Search, EventKind::ViewSearchResults] {
            let results = results.filter(|_| kind == EventKind::ViewSearchResults);
            let mut event = self.event(kind);
            event.details = Some(Box::new(Details {
                search_term: Some(text.into()),
                result_count: results,
                ..Details::default()
            }));
            self.fold(shopper, &event, &[]);
        }
    }

    fn deal(&mut self, shopper: u32, kind: EventKind, product: u32, index: Option<u16>) {
        let mut event = self.event(kind);
        event.items = vec![EventItem { item_id: product.to_string(), index, ..EventItem::default() }];
        self.fold(shopper, &event, &[product]);
    }

    fn decide(&mut self, id: u128, shopper: Option<u32>, text: &str, total: u32) {
        let search = Box::new(Search { text: text.to_owned(), ..Search::default() });
        let now = Millis(self.second * 1000);
        let request = Request {
            id: DecisionId(id),
            shopper: shopper.map(ShopperNo),
            search: Some(search),
            now,
            ..Request::default()
        };
        let mut decision = crate::decide(&crate::Snapshot::default(), None, &request);
        decision.met = Some(Box::new(Met { total, ..Met::default() }));
        self.queries.fold_decision(&decision, |one| one);
    }

    fn query(&self, text: &str) -> &Query {
        self.queries.find(text).expect("it was asked")
    }
}

#[test]
fn a_search_told_twice_is_one_and_what_follows_belongs_to_it() {
    let mut bench = Bench::new();
    bench.search(1, "Rote  Tässe", Some(12));
    bench.deal(1, EventKind::SelectItem, 7, Some(3));
    bench.deal(1, EventKind::AddToCart, 7, None);
    bench.deal(1, EventKind::AddToCart, 8, None);
    bench.search(1, "rote tasse", Some(11));
    bench.deal(1, EventKind::Purchase, 7, None);
    let query = bench.query("ROTE TASSE");
    assert_eq!((&*query.key, &*query.text), ("rote tasse", "rote tässe"), "the visit asked it once");
    assert_eq!((query.followed, query.clicked, query.results, query.told), (1, 1, Some(11), (2, 0)));
    assert_eq!(query.positions, [0, 0, 1, 0]);
    assert_eq!(query.found, [Found { product: ProductNo(7), clicks: 1, carts: 1, purchases: 1 }]);
    bench.wait(31);
    bench.search(1, "rote tasse", Some(0));
    bench.deal(1, EventKind::Purchase, 7, None);
    let query = bench.query("rote tasse");
    assert_eq!((query.followed, query.told), (2, (3, 1)));
    assert_eq!(query.found[0].purchases, 1, "another visit, in which nothing was clicked");
}

#[test]
fn a_click_elsewhere_is_none_on_results_and_a_decision_tells_whose_it_is() {
    let mut bench = Bench::new();
    bench.decide(5, Some(1), "red mug", 40);
    bench.search(1, "red mug", None);
    let query = bench.query("red mug");
    assert_eq!((query.followed, query.results, query.told), (1, Some(40), (1, 0)), "the same search");
    let mut click = bench.event(EventKind::SelectItem);
    click.items = vec![EventItem { index: Some(0), ..EventItem::default() }];
    for (product, page, decision, clicks) in [
        (7, PageType::Home, None, 0),
        (7, PageType::Search, Some(DecisionId(6)), 0),
        (7, PageType::Home, Some(DecisionId(5)), 1),
        (8, PageType::Search, None, 2),
        (7, PageType::Search, None, 2),
        (8, PageType::Home, Some(DecisionId(5)), 2),
    ] {
        (click.page, click.decision) = (page, decision);
        bench.fold(1, &click, &[product]);
        let found: u32 = bench.query("red mug").found.iter().map(|one| one.clicks).sum();
        assert_eq!(found, clicks, "{product} {page:?} {decision:?}");
    }
    bench.wait(600);
    let mut order = bench.event(EventKind::Purchase);
    (order.decision, order.items) = (Some(DecisionId(5)), vec![EventItem::default()]);
    bench.fold(2, &order, &[9]);
    assert_eq!(bench.query("red mug").found[2].purchases, 1, "days later and without a visit");
}

#[test]
fn five_shoppers_make_a_query_common_and_nobody_is_remembered_for_it() {
    let mut bench = Bench::new();
    for shopper in [1, 1, 2, 3, 4] {
        bench.search(shopper, "rare thing", Some(3));
        bench.wait(40);
    }
    assert!(!bench.query("rare thing").is_common());
    assert_eq!(bench.queries.common().count(), 0);
    bench.queries.forget(ShopperNo(2));
    bench.search(5, "rare thing", Some(3));
    assert!(!bench.query("rare thing").is_common(), "who withdrew is not counted");
    bench.search(6, "rare thing", Some(3));
    let crowd = bench.query("rare thing").crowd;
    assert!(crowd.is_enough() && (1..=6).all(|one| !crowd.has(ShopperNo(one))), "{crowd:?}");
}

#[test]
fn without_consent_to_personalization_a_search_only_counts() {
    let mut bench = Bench::new();
    for _ in 0..9 {
        for kind in [EventKind::Search, EventKind::ViewSearchResults] {
            let mut event = bench.event(kind);
            event.time = Millis(event.time.0 / 20_000 * 20_000);
            event.consent = Consent::DENIED.with(Purpose::Analytics, true);
            event.details = Some(Box::new(Details { search_term: Some("mug".into()), ..Details::default() }));
            if kind == EventKind::ViewSearchResults {
                event.time = event.time.plus(-19_000);
            }
            bench.fold(1, &event, &[]);
        }
        bench.deal(1, EventKind::SelectItem, 7, Some(0));
    }
    let query = bench.query("mug");
    assert_eq!((query.followed, query.clicked, query.is_common()), (0, 0, false));
    let now = Millis(bench.second * 1000);
    assert!((bench.queries.popularity(query, now) - 9.0).abs() < 0.1, "told twice, counted once");
    assert!((bench.queries.popularity(query, now.plus(14 * DAY_MS)) - 4.5).abs() < 0.1);
}

#[test]
fn a_decision_and_the_events_that_name_it_are_one_search() {
    let mut bench = Bench::new();
    for no in 0..7 {
        bench.decide(no, None, "mug", 12);
        for kind in [EventKind::Search, EventKind::ViewSearchResults] {
            let mut event = bench.event(kind);
            event.consent = Consent::DENIED.with(Purpose::Analytics, true);
            event.decision = Some(DecisionId(no));
            event.details = Some(Box::new(Details { search_term: Some("mug".into()), ..Details::default() }));
            bench.fold(1, &event, &[]);
        }
    }
    let query = bench.query("mug");
    let count = bench.queries.popularity(query, Millis(bench.second * 1000));
    assert!((count - 7.0).abs() < 0.1, "{count}");
    assert_eq!((query.results, query.told, query.is_common()), (Some(12), (7, 0), false));
}

#[test]
fn a_query_asked_instead_is_kept_and_so_is_its_click() {
    let mut bench = Bench::new();
    for shopper in 1..=6 {
        bench.search(shopper, "sneeker", Some(0));
        bench.search(shopper, "trainers", Some(9));
        bench.deal(shopper, EventKind::SelectItem, 3, Some(0));
        bench.search(shopper, "socks", Some(4));
        bench.wait(40);
    }
    let [next] = bench.query("sneeker").next.as_slice() else { panic!("one query") };
    assert_eq!((&*next.key, next.times, next.clicked, next.shoppers.count()), ("trainers", 6, 6, 6));
    assert!(bench.query("trainers").next.is_empty(), "after a click the next query is another matter");
    let now = Millis(bench.second * 1000);
    let told = |known: &[Synonym]| -> Vec<(String, String)> {
        let alike = bench.queries.alike(known, now, 9);
        alike.iter().map(|pair| (pair.one.text.to_string(), pair.other.text.to_string())).collect()
    };
    assert_eq!(told(&[]), [("sneeker".to_owned(), "trainers".to_owned())]);
    let set = Synonym { from: vec!["Sneeker".to_owned(), "trainers".to_owned()], to: Vec::new() };
    assert!(told(&[set]).is_empty(), "what is set is no candidate");
    let zero: Vec<&str> = bench.queries.without_results(now, 9).iter().map(|query| &*query.text).collect();
    assert_eq!(zero, ["sneeker"]);
}

/// However often four shoppers ask the one instead of the other, it stays theirs; with a fifth it is a candidate, and says of how many.
#[test]
fn one_shopper_who_repeats_makes_no_candidate() {
    let mut bench = Bench::new();
    for shopper in 1..=5 {
        bench.search(shopper, "sneeker", Some(0));
        bench.wait(40);
        bench.search(shopper, "trainers", Some(9));
        bench.wait(40);
    }
    let instead = |bench: &mut Bench, shopper: u32| {
        bench.search(shopper, "sneeker", Some(0));
        bench.search(shopper, "trainers", Some(9));
        bench.deal(shopper, EventKind::SelectItem, 3, Some(0));
        bench.wait(40);
    };
    let told = |bench: &Bench| -> Vec<((u32, u32), u32)> {
        let now = Millis(bench.second * 1000);
        bench.queries.alike(&[], now, 9).iter().map(|pair| (pair.instead, pair.shoppers)).collect()
    };
    (0..30).for_each(|_| instead(&mut bench, 1));
    assert_eq!(bench.query("sneeker").next[0].times, 30);
    (2..=4).for_each(|shopper| instead(&mut bench, shopper));
    assert_eq!(told(&bench), []);
    bench.queries.forget(ShopperNo(4));
    instead(&mut bench, 5);
    assert_eq!(told(&bench), [], "who withdrew is not counted");
    instead(&mut bench, 6);
    assert_eq!(told(&bench), [((35, 35), 5)]);
    (7..=16).for_each(|shopper| instead(&mut bench, shopper));
    let [(_, shoppers)] = told(&bench)[..] else { panic!("one pair") };
    assert!((13..=17).contains(&shoppers), "{shoppers}");
}

#[test]
fn queries_that_lead_to_the_same_products_are_candidates_and_those_without_clicks_are_poor() {
    let mut bench = Bench::new();
    for shopper in 1..=30 {
        for (query, product) in [("couch", 1), ("sofa", 1), ("red couch", 1), ("lamp", 2), ("thing", 0)] {
            bench.search(shopper, query, Some(9));
            if product > 0 {
                bench.deal(
                    shopper,
                    EventKind::SelectItem,
                    product,
                    Some(if query == "lamp" { 30 } else { 0 }),
                );
            }
            bench.wait(5);
        }
        bench.wait(40);
    }
    let now = Millis(bench.second * 1000);
    let mut alike: Vec<(&str, &str)> =
        bench.queries.alike(&[], now, 9).iter().map(|pair| (&*pair.one.text, &*pair.other.text)).collect();
    alike.sort_unstable();
    assert_eq!(alike, [("couch", "sofa"), ("sofa", "red couch")]);
    let poor: Vec<(&str, f64, f64)> =
        bench.queries.poor(now, 9).iter().map(|one| (&*one.query.text, one.clicked, one.far)).collect();
    assert_eq!(poor, [("thing", 0.0, 0.0), ("lamp", 1.0, 1.0)]);
}

#[test]
fn there_is_an_end_to_what_is_kept_and_the_asked_stay() {
    let mut bench = Bench { queries: Queries::with_room(300), second: 0 };
    for round in 0..3_000_u32 {
        bench.search(round, &format!("once {round}"), None);
        if round % 10 == 0 {
            bench.search(round, &format!("often {}", round / 10 % 5), None);
        }
    }
    assert_eq!(bench.queries.len(), 300);
    for no in 0..5 {
        assert!(bench.query(&format!("often {no}")).is_common());
    }
    let known = (0..3_000).filter(|no| bench.queries.find(&format!("once {no}")).is_some()).count();
    assert_eq!(known, 295, "each has its number still");
    assert_eq!(fold(&"word ".repeat(40)), None);
    assert_eq!(fold(" –!? "), None);
}

#[test]
fn a_restored_copy_goes_on_in_the_same_way() {
    let mut bench = Bench { queries: Queries::with_room(50), second: 0 };
    let step = |bench: &mut Bench, no: u32| {
        bench.search(no % 13, &format!("query {}", no * no % 83), Some(no % 3));
        let products: Vec<u32> = (0..9).map(|place| (no + place) % 40).collect();
        bench.show(Some(no % 13), ask(&format!("query {}", no % 7)), &products);
        bench.deal(no % 13, EventKind::SelectItem, no % 40, Some((no % 20) as u16));
        if no.is_multiple_of(9) {
            bench.second += 35 * MINUTE_MS / 1000;
        }
    };
    (0..400).for_each(|no| step(&mut bench, no));
    let bytes = postcard::to_allocvec(&bench.queries).expect("plain data");
    let mut queries: Queries = postcard::from_bytes(&bytes).expect("what was written is read");
    queries.restore();
    let mut restored = Bench { queries, second: bench.second };
    for no in 400..800 {
        step(&mut bench, no);
        step(&mut restored, no);
    }
    assert!(bench.queries.common().any(|(_, query)| !query.evidence().is_empty()));
    let bytes = |bench: &Bench| postcard::to_allocvec(&bench.queries).expect("plain data");
    assert_eq!(bytes(&bench), bytes(&restored));
    let mut frozen = bench.queries.freeze();
    assert_eq!(frozen.following, Following::default());
    frozen.following = bench.queries.following.clone();
    assert_eq!(postcard::to_allocvec(&frozen).expect("plain data"), bytes(&bench));
}
