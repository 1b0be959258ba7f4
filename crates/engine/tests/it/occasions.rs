//! Moments of the past: which ones there are, what follows them, and that a walk knows nothing of what came later.

use crate::{Bench, START, placement};
use bespoke_domain::event::PageType;
use bespoke_domain::{EventKind, Offset};
use bespoke_engine::decide;
use bespoke_engine::occasions::{Given, Occasion, Sample, Walk, choose};
use bespoke_engine::profile::Act;
use bespoke_engine::replay::bytes;

const ALL: Sample = Sample { from_s: 0, until_s: u32::MAX, per_page: 1000, seed: 1 };

fn shop() -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![placement("p", &["session_neighbours", "bought_together", "popular"], &["in_cart"])]);
    (0..12).for_each(|no| bench.product(&format!("p{no}"), ["tea", "tool"][no % 2], "", true));
    bench
}

/// Visits of thirty shoppers: two views, a cart, and an order of both.
fn visits(bench: &mut Bench) {
    for visit in 0..90_i64 {
        let (shopper, start) = ((visit % 30) as u32, visit * 40);
        let [one, other] = [visit % 12, (visit + 2) % 12].map(|no| format!("p{no}"));
        bench.event(shopper, EventKind::ViewItem, start, &[&one]);
        bench.event(shopper, EventKind::ViewItem, start + 1, &[&other]);
        bench.event(shopper, EventKind::AddToCart, start + 2, &[&other]);
        bench.event(shopper, EventKind::Purchase, start + 3, &[&one, &other]);
    }
}

/// Every occasion with the bytes of the decision that is made at it.
fn walk(bench: &mut Bench, sample: &Sample, given: Given) -> Vec<(Occasion, Vec<u8>)> {
    let occasions = choose(&bench.training(), sample);
    let mut decided = Vec::new();
    let mut walk = Walk::new(occasions, given);
    for (offset, entry) in (1..).map(Offset).zip(&bench.entries) {
        walk.feed(offset, entry, &mut |snapshot, profile, occasion| {
            let decision = decide(snapshot, profile, &occasion.request(snapshot, "p"));
            assert!(snapshot.aggregates.offset <= occasion.offset);
            decided.push((occasion.clone(), bytes(&decision)));
        });
    }
    assert!(walk.is_done());
    decided
}

#[test]
fn a_visit_gives_its_start_its_product_pages_and_its_cart() {
    let mut bench = shop();
    bench.event(1, EventKind::ViewItem, 0, &["p1"]);
    bench.event(1, EventKind::ViewItem, 1, &["p2"]);
    bench.event(1, EventKind::AddToCart, 2, &["p2"]);
    bench.event(1, EventKind::Purchase, 40, &["p2"]);
    bench.event(1, EventKind::ViewItem, 60 * 24 * 7 + 41, &["p3"]);
    let occasions = choose(&bench.training(), &ALL);
    let told: Vec<String> = occasions
        .iter()
        .map(|one| {
            let next = one.next.iter().map(|next| {
                let known = if next.is_known { "+" } else { "" };
                let later = if next.same_visit { "" } else { " later" };
                format!("{:?} {}{known}{later}", next.act, next.product.0)
            });
            let items: Vec<u32> = one.items.iter().map(|item| item.0).collect();
            format!("{:?} {items:?} {}: {}", one.page, one.known_count, next.collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "Home [] 0: View 1, View 2, Cart 2, Buy 2 later",
            "Product [1] 1: View 2, Cart 2, Buy 2 later",
            "Product [2] 2: Cart 2+, Buy 2+ later",
            "Cart [2] 2: Buy 2+ later",
            "Home [] 2: Buy 2+",
            "Home [] 2: View 3",
            "Product [3] 3: ",
        ]
    );
    let first = &occasions[0];
    assert_eq!((first.now.0, first.is_before), (START / 1000 * 1000, true));
}

#[test]
fn an_order_without_views_is_asked_about_before_it() {
    let mut bench = shop();
    bench.event(1, EventKind::Purchase, 0, &["p1", "p2", "p3", "p4"]);
    bench.event(1, EventKind::Refund, 10, &["p3"]);
    let occasions = choose(&bench.training(), &ALL);
    let sizes: Vec<(PageType, usize, usize)> = occasions
        .iter()
        .map(|one| (one.page, one.items.len(), one.next.iter().filter(|next| !next.is_known).count()))
        .collect();
    assert_eq!(sizes, [(PageType::Home, 0, 4), (PageType::Product, 1, 3), (PageType::Cart, 2, 2)]);
    for one in &occasions {
        assert!(one.is_before && one.known_count == 0 && one.next.iter().all(|next| next.act == Act::Buy));
        let returned: Vec<u32> =
            one.next.iter().filter(|next| next.is_returned).map(|next| next.product.0).collect();
        assert_eq!(returned, [3]);
    }
}

#[test]
fn what_comes_later_changes_no_decision() {
    let sample = Sample { until_s: ((START + 80 * 40 * 60_000) / 1000) as u32, ..ALL };
    let (mut plain, mut planted) = (shop(), shop());
    visits(&mut plain);
    visits(&mut planted);
    for no in 0..40 {
        planted.event(500 + no, EventKind::Purchase, 90 * 40, &["p0", "p7", "p11"]);
        planted.event(no, EventKind::Purchase, 90 * 40 + 1, &["p7", "p11"]);
    }
    let before = walk(&mut plain, &sample, Given::default());
    let after = walk(&mut planted, &sample, Given::default());
    assert_eq!(before.len(), 80 * 4, "a start, two views and a cart each");
    assert_eq!(before.len(), after.len());
    for ((one, decided), (same, again)) in before.iter().zip(&after) {
        assert_eq!((one.offset, one.page), (same.offset, same.page));
        assert_eq!(decided, again, "{one:?}");
    }
    assert_ne!(
        before.iter().map(|(one, _)| one.next.len()).sum::<usize>(),
        after.iter().map(|(one, _)| one.next.len()).sum::<usize>(),
        "what was planted follows"
    );
    // What is the last thing before an occasion does change the decision at it.
    let mut told = shop();
    told.event(3, EventKind::Purchase, -1, &["p7", "p11"]);
    visits(&mut told);
    let told = walk(&mut told, &sample, Given::default());
    assert!(told.iter().zip(&before).any(|(one, other)| one.1.len() != other.1.len()));
}

#[test]
fn a_sample_is_bounded_seeded_and_in_the_order_of_the_log() {
    let mut bench = shop();
    visits(&mut bench);
    let training = bench.training();
    let some = |seed| choose(&training, &Sample { per_page: 20, seed, ..ALL });
    let one = some(1);
    assert_eq!(one.len(), 60);
    assert!(one.is_sorted_by_key(|occasion| occasion.offset));
    assert_eq!(one, some(1));
    assert_ne!(one, some(2));
    let late = choose(&training, &Sample { from_s: (START / 1000) as u32 + 2400 * 60, ..ALL });
    assert!(!late.is_empty() && late.len() < 90 * 4 / 2);
}

#[test]
fn a_walk_decides_the_same_again_and_by_what_it_is_given() {
    let mut bench = shop();
    visits(&mut bench);
    let sample = Sample { per_page: 40, ..ALL };
    let own = walk(&mut bench, &sample, Given::default());
    assert_eq!(own, walk(&mut bench, &sample, Given::default()));
    let snapshot = bench.engine.live().snapshot();
    let mut settings = snapshot.aggregates.settings.as_deref().cloned().expect("they are set");
    settings.placements = vec![placement("p", &["popular"], &[])];
    let other = walk(&mut bench, &sample, Given { settings: Some(settings), models: Vec::new() });
    assert_eq!(own.len(), other.len());
    assert!(own.iter().zip(&other).all(|(one, other)| one.1 != other.1));
}

#[test]
fn learnt_models_are_in_force_for_the_walk_alone() {
    let mut bench = shop();
    visits(&mut bench);
    let (artifact, model) = bench.learn("slim");
    let snapshot = bench.engine.live().snapshot();
    let mut settings = snapshot.aggregates.settings.as_deref().cloned().expect("they are set");
    settings.placements = vec![placement("p", &["slim"], &[])];
    let given = |models| Given { settings: Some(settings.clone()), models };
    let sample = Sample { per_page: 10, ..ALL };
    let without = walk(&mut bench, &sample, given(Vec::new()));
    let with = walk(&mut bench, &sample, given(vec![("slim".to_owned(), artifact, model)]));
    assert!(without.iter().zip(&with).any(|(one, other)| one.1.len() < other.1.len()));
}
