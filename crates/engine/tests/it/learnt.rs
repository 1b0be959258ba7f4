//! Golden decisions that rest on models learnt from the shop's own log, and what a replay and a swap make of them.

use crate::golden::show;
use crate::{Bench, START, placement, request};
use bespoke_domain::settings::Placement;
use bespoke_domain::{Decision, EventKind, Offset, ShopperNo};
use bespoke_engine::replay::{Replay, bytes};
use expect_test::{Expect, expect};

/// Two tastes of five products each; shopper 50 has looked at one of the first.
fn shop(name: &str) -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![Placement { name: "p".to_owned(), ..placement("", &[name, "popular"], &[]) }]);
    for taste in ["tea", "tool"] {
        (0..5).for_each(|no| bench.product(&format!("{taste}{no}"), taste, "", true));
    }
    for shopper in 0..24 {
        let taste = ["tea", "tool"][shopper as usize % 2];
        for step in 0..3 {
            let id = format!("{taste}{}", (shopper / 2 + step) % 5);
            bench.event(shopper, EventKind::ViewItem, i64::from(shopper * 100 + step), &[&id]);
        }
    }
    bench.event(50, EventKind::ViewItem, 5000, &["tea1"]);
    bench
}

fn check(name: &str, expect: Expect) -> Decision {
    let mut bench = shop(name);
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
    ]
}

#[test]
fn learnt_sources_know_the_shoppers_taste() {
    assert_eq!(corpus().len(), 2);
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
