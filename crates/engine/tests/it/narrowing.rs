//! What results are narrowed by: the order of facets and of their values follows what shoppers choose; and pages that go on in one
//! order while the shopper's tastes change.

use crate::searching::{ask, matches, only, shop};
use crate::{Bench, START, request};
use bespoke_domain::search::{Choice, Refinement, Search, Sort};
use bespoke_domain::settings::{Placement, ScorerUse, SearchSettings};
use bespoke_domain::{Body, DecisionId, EventKind, Millis, Request};
use bespoke_engine::facets::Facet;

fn bench() -> Bench {
    shop(Placement { name: "p".to_owned(), ..matches() })
}

/// Asks with all facets, and puts the decision into the log.
fn logged(bench: &mut Bench, shopper: Option<u32>, search: Search) -> Vec<Facet> {
    bench.engine.publish();
    let (live, minute) = (bench.engine.live(), bench.entries.len() as i64);
    let search = Search { facets: Some(Vec::new()), ..search };
    let id = DecisionId(bench.entries.len() as u128 + 1);
    let asked = Request { id, search: Some(Box::new(search)), slots: 100, ..request("p", shopper, minute) };
    let (decision, facets) = live.search_on(&live.snapshot(), &asked);
    bench.push(shopper, Body::Decision(Box::new(decision)));
    facets
}

fn names(facets: &[Facet]) -> Vec<&str> {
    facets.iter().map(|facet| facet.name.as_str()).collect()
}

fn values<'a>(facets: &'a [Facet], name: &str) -> Vec<&'a str> {
    let facet = facets.iter().find(|facet| facet.name == name).expect("it is offered");
    facet.values.iter().map(|value| value.value.as_str()).collect()
}

/// So many shoppers search for mugs and narrow what they find.
fn narrow(bench: &mut Bench, shoppers: std::ops::Range<u32>, by: &Refinement) {
    for shopper in shoppers {
        logged(bench, Some(shopper), ask("mug"));
        logged(bench, Some(shopper), Search { refinements: vec![by.clone()], ..ask("mug") });
    }
}

#[test]
fn what_shoppers_narrow_by_comes_first_where_they_do() {
    let mut bench = bench();
    let before = logged(&mut bench, None, ask("mug"));
    assert_eq!(names(&before), ["category", "brand", "price", "color"], "nothing is known yet");
    assert_eq!(values(&before, "color"), ["red", "blue", "white", "black"], "by how many there are");
    narrow(&mut bench, 10..40, &only("color", &["blue"]));
    let after = logged(&mut bench, None, ask("mug"));
    assert_eq!(names(&after)[0], "color");
    assert_eq!(values(&after, "color")[0], "blue");
    // Lamps stand elsewhere; nobody narrowed them, and what is known of the shop holds.
    narrow_lamps(&mut bench);
    assert_eq!(names(&logged(&mut bench, None, ask("lamp mug cup tray")))[0], "color");
    assert_eq!(names(&logged(&mut bench, None, ask("lamp")))[0], "price");
}

fn narrow_lamps(bench: &mut Bench) {
    for (id, price) in [("lamp2", 3_000), ("lamp3", 9_900)] {
        crate::searching::add(bench, &(id, "Floor Lamp", "Carla", "white", price, "", true));
    }
    let dear = Refinement { facet: "price".to_owned(), choice: Choice::Range(Some(20.0), None) };
    for shopper in 50..90 {
        logged(bench, Some(shopper), ask("lamp"));
        logged(bench, Some(shopper), Search { refinements: vec![dear.clone()], ..ask("lamp") });
    }
}

/// Pages, orders and reloads carry what was chosen before; strangers cannot be followed.
#[test]
fn a_choice_counts_once_for_a_search_and_a_stranger_not_at_all() {
    let by = |times: usize, shopper: Option<u32>| {
        let mut bench = bench();
        narrow(&mut bench, 10..12, &only("brand", &["Carla"]));
        for _ in 0..times {
            let refinements = vec![only("color", &["white"])];
            logged(&mut bench, shopper, Search { refinements, sort: Sort::PriceUp, ..ask("mug") });
        }
        bench.engine.publish();
        let live = bench.engine.live();
        let snapshot = live.snapshot();
        let catalog = &snapshot.aggregates.catalog;
        let wanted = snapshot.aggregates.demand.of(catalog, Default::default(), Millis(START));
        wanted.values("color").0
    };
    assert!(by(9, None).is_empty());
    let once = by(1, Some(9));
    assert_eq!(once.len(), 1);
    let share = |shares: &std::collections::BTreeMap<u32, f64>| *shares.values().next().expect("one");
    // Later ones weigh the same or less, but for the decay of a few minutes.
    assert!((share(&once) - share(&by(9, Some(9)))).abs() < 1e-3);
}

#[test]
fn the_shop_puts_facets_first_and_a_shopper_s_own_values_come_first() {
    let mut bench = bench();
    let live = bench.engine.live();
    let settings = live.snapshot().aggregates.settings.clone();
    for minute in 0..6 {
        bench.event(7, EventKind::ViewItem, minute, &["tray", "lamp"]);
    }
    let own = logged(&mut bench, Some(7), ask("mug"));
    assert_eq!(values(&own, "color")[0], "black");
    assert_eq!(values(&logged(&mut bench, Some(8), ask("mug")), "color")[0], "red");
    bench.engine.publish();
    let settings = settings.or_else(|| live.snapshot().aggregates.settings.clone()).expect("it has some");
    let search = SearchSettings { facets: vec!["Color".to_owned(), "size".to_owned()], ..Default::default() };
    let settings = bespoke_domain::Settings { search, ..(*settings).clone() };
    bench.push(None, Body::Settings(Box::new(settings)));
    let pinned = logged(&mut bench, None, ask("mug"));
    assert_eq!(names(&pinned), ["color", "category", "brand", "price"], "there are no sizes");
}

/// A checkpoint and the log alone give the same order again.
#[test]
fn demand_is_part_of_a_checkpoint() {
    let mut bench = bench();
    narrow(&mut bench, 10..40, &only("color", &["blue"]));
    let mut bytes = Vec::new();
    bench.engine.checkpoint().write(&mut bytes).expect("memory takes it");
    let before = logged(&mut bench, Some(3), ask("mug"));
    bench.engine = bespoke_engine::Engine::restore(&bytes).expect("it is of this version");
    assert_eq!(names(&logged(&mut bench, Some(3), ask("mug"))), names(&before));
    assert_eq!(names(&before)[0], "color");
}

/// Two results a page; between pages the shopper looks at what was last, which would come to the front.
#[test]
fn pages_go_on_in_one_order_while_tastes_change() {
    let scorer = ScorerUse { scorer: "affinity".to_owned(), weight: 2.0 };
    let mut bench = shop(Placement { name: "p".to_owned(), scorers: vec![scorer], ..matches() });
    let all = {
        let asked = Request { search: Some(Box::new(ask("mug"))), slots: 100, ..request("p", Some(9), 10) };
        bench.decide(asked).slate.into_iter().map(|slot| slot.candidate).collect::<Vec<_>>()
    };
    let pages = |keeps: bool| {
        let mut bench = shop(bench.engine.live().snapshot().plan.get("p").expect("it is").placement.clone());
        let (mut shown, mut after, mut seen) = (Vec::new(), None, Vec::new());
        for page in 0..3_u32 {
            let kept = if keeps { shown.clone() } else { Vec::new() };
            let search = Search { from: 2 * page, after: after.filter(|_| keeps), shown: kept, ..ask("mug") };
            let asked = Request {
                search: Some(Box::new(search)),
                slots: 2,
                ..request("p", Some(9), 10 + i64::from(page))
            };
            let decision = bench.decide(asked);
            after = Some(decision.request.id);
            bench.engine.publish();
            let live = bench.engine.live();
            let snapshot = live.snapshot();
            for slot in &decision.slate {
                shown.push(crate::name(&snapshot, slot.candidate));
                seen.push(slot.candidate);
            }
            // Acts that pull what is far down to the front.
            (0..8)
                .for_each(|_| bench.event(9, EventKind::AddToCart, 10 + i64::from(page), &["tray", "small"]));
        }
        seen
    };
    let sorted = |mut list: Vec<_>| {
        list.sort_unstable();
        list
    };
    let by_number = pages(false);
    assert_ne!(sorted(by_number), sorted(all.clone()), "by number something comes twice");
    assert_eq!(sorted(pages(true)), sorted(all));
}
