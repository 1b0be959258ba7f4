//! Golden decisions that rest on models learnt from the shop's own log, and what a replay and a swap make of them.

use crate::golden::show;
use crate::{Bench, START, placement, request};
use bespoke_domain::settings::Placement;
use bespoke_domain::{Decision, EventKind, Offset, ShopperNo};
use bespoke_engine::replay::{Replay, bytes};
use bespoke_engine::shelf;
use bespoke_models::learned::LEARNED;
use expect_test::{Expect, expect};

/// Two tastes of five products each; shopper 50 has looked at one of the first.
fn shop(name: &str) -> Bench {
    shop_of(name, EventKind::ViewItem)
}

/// The same, with what everybody did to products.
fn shop_of(name: &str, deed: EventKind) -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![Placement { name: "p".to_owned(), ..placement("", &[name, "popular"], &[]) }]);
    for taste in ["tea", "tool"] {
        (0..5).for_each(|no| bench.product(&format!("{taste}{no}"), taste, "", true));
    }
    for shopper in 0..24 {
        let taste = ["tea", "tool"][shopper as usize % 2];
        for step in 0..3 {
            let id = format!("{taste}{}", (shopper / 2 + step) % 5);
            bench.event(shopper, deed, i64::from(shopper * 100 + step), &[&id]);
        }
    }
    bench.event(50, deed, 5000, &["tea1"]);
    bench
}

fn check(name: &str, expect: Expect) -> Decision {
    check_of(name, EventKind::ViewItem, expect)
}

fn check_of(name: &str, deed: EventKind, expect: Expect) -> Decision {
    let mut bench = shop_of(name, deed);
    bench.learn(name);
    let decision = bench.decide(request("p", Some(50), 5001));
    expect.assert_eq(&show(&bench, &decision));
    decision
}

/// The cases.
pub fn corpus() -> Vec<Decision> {
    vec![
        check(
            "item_item",
            expect![[r#"
        "For you" Session None
        tea2 1.87 Shoppers with Product tea1 deal with this too
        tea0 1.63 Shoppers with Product tea1 deal with this too
        tea3 1.28 Popular right now
        tea4 1.02 Popular right now
        - tea1 by not_in_top
        - tool1 by not_in_top
        - tool2 by not_in_top
        - tool0 by not_in_top
        - tool3 by not_in_top
        - tool4 by not_in_top
    "#]],
        ),
        check(
            "slim",
            expect![[r#"
        "For you" Session None
        tea2 1.87 Shoppers with Product tea1 deal with this too
        tea0 1.59 Shoppers with Product tea1 deal with this too
        tea3 1.18 Popular right now
        tea1 1.00 Popular right now
        - tea4 by not_in_top
        - tool1 by not_in_top
        - tool2 by not_in_top
        - tool0 by not_in_top
        - tool3 by not_in_top
        - tool4 by not_in_top
    "#]],
        ),
        check(
            "als",
            expect![[r#"
                "For you" Session None
                tea3 1.76 Shoppers with Product tea1 deal with this too
                tea2 1.69 Popular right now
                tea0 1.32 Popular right now
                tea1 1.00 Popular right now
                - tool1 by not_in_top
                - tool2 by not_in_top
                - tea4 by not_in_top
                - tool0 by not_in_top
                - tool3 by not_in_top
                - tool4 by not_in_top
            "#]],
        ),
        check(
            "graph_filter",
            expect![[r#"
                "For you" Session None
                tea2 1.87 Shoppers with Product tea1 deal with this too
                tea0 1.63 Shoppers with Product tea1 deal with this too
                tea3 1.28 Popular right now
                tea4 1.02 Popular right now
                - tea1 by not_in_top
                - tool1 by not_in_top
                - tool2 by not_in_top
                - tool0 by not_in_top
                - tool3 by not_in_top
                - tool4 by not_in_top
            "#]],
        ),
        check(
            "ease",
            expect![[r#"
                "For you" Session None
                tea2 1.87 Shoppers with Product tea1 deal with this too
                tea0 1.60 Shoppers with Product tea1 deal with this too
                tea3 1.24 Popular right now
                tea1 1.00 Popular right now
                - tea4 by not_in_top
                - tool1 by not_in_top
                - tool2 by not_in_top
                - tool0 by not_in_top
                - tool3 by not_in_top
                - tool4 by not_in_top
            "#]],
        ),
        check(
            "sequence",
            expect![[r#"
                "For you" Session None
                tea2 1.87 What comes next after Product tea1
                tea1 1.00 Popular right now
                tool1 0.88 Popular right now
                tool2 0.88 Popular right now
                - tool0 by not_in_top
                - tool3 by not_in_top
                - tea0 by not_in_top
                - tea3 by not_in_top
                - tool4 by not_in_top
                - tea4 by not_in_top
            "#]],
        ),
        check(
            "two_tower",
            expect![[r#"
                "For you" Session None
                tea2 1.87 What comes next after Product tea1
                tea1 1.00 Popular right now
                tool1 0.88 Popular right now
                tool2 0.88 Popular right now
                - tea3 by not_in_top
                - tool0 by not_in_top
                - tool3 by not_in_top
                - tea0 by not_in_top
                - tool4 by not_in_top
                - tea4 by not_in_top
            "#]],
        ),
        check_of(
            "next_basket",
            EventKind::Purchase,
            expect![[r#"
                "For you" Full None
                tea1 2.00 You bought this before
                tea2 0.91 Popular right now
                tool1 0.88 Popular right now
                tool2 0.88 Popular right now
                - tea0 by not_in_top
                - tea3 by not_in_top
                - tool0 by not_in_top
                - tool3 by not_in_top
                - tea4 by not_in_top
                - tool4 by not_in_top
            "#]],
        ),
    ]
}

#[test]
fn learnt_sources_know_the_shoppers_taste() {
    assert_eq!(corpus().len(), 8);
}

#[test]
fn a_replay_needs_the_model_that_was_in_force_and_finds_it_again_after_a_swap() {
    let mut bench = shop("slim");
    let first = bench.learn("slim");
    let served = bench.decide(request("p", Some(50), 5001));
    assert_eq!(served.versions.models, [("slim".to_owned(), first.0)]);
    // Another fit comes into force; the decision of before is still recomputed with the first.
    bench.event(50, EventKind::ViewItem, 5002, &["tool1"]);
    let second = bench.learn("slim");
    assert_ne!(first.0, second.0, "more data, another model");
    let again = |with_model: bool| {
        let mut replay = Replay::new(&served, None);
        if with_model {
            replay.shelve(first.0, first.1.clone());
        }
        let until = replay.until();
        for (offset, entry) in
            (1..).map(Offset).zip(&bench.entries).take_while(|(offset, _)| *offset <= until)
        {
            replay.feed(offset, entry);
        }
        bytes(&replay.finish())
    };
    assert_eq!(again(true), bytes(&served));
    assert_ne!(
        again(false),
        bytes(&served),
        "without the model it is another decision, and does not claim to be the same"
    );
}

#[test]
fn who_withdrew_is_learnt_from_no_more_and_a_program_never() {
    let mut bench = shop("slim");
    let before = bench.training();
    let of = |training: &bespoke_engine::training::Training, no: u32| {
        training.deeds.iter().filter(|deed| deed.shopper == ShopperNo(no)).count()
    };
    assert_eq!((of(&before, 2), of(&before, 50)), (3, 1));
    bench.withdraw(2, START + 6_000_000);
    bench.program(60, &["tea1", "tea2"]);
    let after = bench.training();
    assert_eq!((of(&after, 2), of(&after, 60), of(&after, 50)), (0, 0, 1));
}

/// Where each product stands in the slate; after all others where it does not.
fn places(bench: &Bench, decision: &Decision, ids: &[&str]) -> Vec<usize> {
    let snapshot = bench.engine.live().snapshot();
    let name = |slot: &bespoke_domain::decision::Slot| crate::name(&snapshot, slot.candidate);
    let slate: Vec<String> = decision.slate.iter().map(name).collect();
    ids.iter().map(|id| slate.iter().position(|held| held == id).unwrap_or(usize::MAX)).collect()
}

#[test]
fn a_product_that_came_after_the_fit_is_shown_at_once_and_a_replay_finds_it_the_same() {
    let mut bench = Bench::default();
    let wide = Placement { name: "p".to_owned(), slots: 12, ..placement("", &["two_tower"], &[]) };
    bench.settings(vec![wide]);
    let (tea, tool) = (["tea0", "tea2", "tea3", "tea4"], ["tool0", "tool1", "tool2", "tool3", "tool4"]);
    for taste in ["tea", "tool"] {
        (0..5).for_each(|no| bench.product(&format!("{taste}{no}"), taste, "", true));
    }
    for shopper in 0..80 {
        for step in 0..4 {
            let no = (shopper / 2 + step * (1 + shopper / 20)) % 5;
            let id = format!("{}{no}", ["tea", "tool"][shopper as usize % 2]);
            bench.event(shopper, EventKind::ViewItem, i64::from(shopper * 10 + step), &[&id]);
        }
    }
    bench.event(90, EventKind::ViewItem, 5000, &["tea1"]);
    let (artifact, model) = bench.learn("two_tower");
    let before = bench.decide(request("p", Some(90), 5001));
    assert_eq!(places(&bench, &before, &["new"]), [usize::MAX]);
    bench.product("new", "tea", "", true);
    let served = bench.decide(request("p", Some(90), 5002));
    let [new] = places(&bench, &served, &["new"])[..] else { panic!("one place") };
    let others = places(&bench, &served, &tool);
    assert!(new < 5 && others.iter().all(|place| new < *place), "{new} {others:?}");
    // It moves to the other taste, and the model goes by what the catalogue says now.
    bench.product("new", "tool", "", true);
    let moved = bench.decide(request("p", Some(90), 5003));
    let (new, others) = (places(&bench, &moved, &["new"])[0], places(&bench, &moved, &tea));
    assert!(others.iter().all(|place| new > *place), "{new} {others:?}");
    for decision in [&before, &served, &moved] {
        let mut replay = Replay::new(decision, None);
        replay.shelve(artifact, model.clone());
        let until = replay.until();
        for (offset, entry) in (1..).map(Offset).zip(&bench.entries).take_while(|one| one.0 <= until) {
            replay.feed(offset, entry);
        }
        assert_eq!(bytes(&replay.finish()), bytes(decision), "folded at once, and published as it came");
    }
}

#[test]
fn what_is_no_model_is_not_read() {
    for spec in &LEARNED {
        let (_, model) = shop(spec.name).learn(spec.name);
        let written = shelf::bytes(&model);
        assert_eq!(shelf::read(&written).as_ref(), Some(&*model), "{}", spec.name);
        assert!(shelf::read(&written[..written.len() - 1]).is_none(), "{}: something is missing", spec.name);
        assert!(shelf::read(&[&written[..], &[0]].concat()).is_none(), "{}: something is left", spec.name);
    }
    assert!(shelf::read(&[200, 1, 2, 3]).is_none());
}
