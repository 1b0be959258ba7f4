//! The learned order: golden decisions with and without a ranker, what a ranker of other features may do (nothing), what goes
//! into the log and is learnt from, and a planted position bias that only the corrected ranker sees through.

use crate::golden::show;
use crate::{Bench, START, placement, request};
use bespoke_domain::settings::{Objective, Placement};
use bespoke_domain::{
    Body, Candidate, Consent, Decision, DecisionId, Event, EventItem, EventKind, Millis, Request,
};
use bespoke_engine::decide::describe;
use bespoke_engine::features::wide;
use bespoke_engine::foresight::ranker_name;
use bespoke_engine::lessons::Slates;
use bespoke_engine::replay::{Replay, bytes};
use bespoke_models::learned::Learned;
use bespoke_models::ranker::{Ranker, RankerRows};
use bespoke_models::recommender::FitRun;
use bespoke_models::seeded::Seeded;
use expect_test::{Expect, expect};
use std::sync::Arc;

const RUN: FitRun = FitRun { seed: 1, threads: 1 };

fn ranked(slots: u16) -> Placement {
    let objective = Objective { name: "orders-1".to_owned(), buy: 1.0, rows: 20, ..Objective::default() };
    Placement { objective: Some(objective), slots, ..placement("p", &["popular"], &[]) }
}

/// Six products, the first the most popular.
fn shop() -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![ranked(4)]);
    (0..6).for_each(|no| bench.product(&format!("item{no}"), "all", "", true));
    for no in 0..6 {
        for shopper in 0..3 * (6 - no) {
            bench.event(
                100 + shopper,
                EventKind::ViewItem,
                i64::from(no * 50 + shopper),
                &[&format!("item{no}")],
            );
        }
    }
    bench
}

/// A ranker of a shop whose shoppers buy what few look at.
fn contrary(bench: &mut Bench) -> Ranker {
    bench.engine.publish();
    let snapshot = bench.engine.live().snapshot();
    let features = snapshot.plan.get("p").expect("it is set").features.clone();
    let popularity = features.iter().position(|name| name == "popularity_log").expect("it is said");
    let mut rows = RankerRows::new(features.clone());
    let mut seeded = Seeded::new(5);
    for _ in 0..600 {
        rows.groups.push(0);
        for _ in 0..4 {
            let level = seeded.below(400) as f32 / 100.0;
            let mut values = vec![f32::NAN; features.len()];
            values[popularity] = level;
            let is_bought = seeded.below(400) as f32 / 100.0 > level;
            rows.push(&values, [0.0, 0.0, f32::from(u8::from(is_bought)), f32::NAN], 1.0);
        }
    }
    Ranker::fit(&rows, RUN).expect("sound rows").expect("enough happened")
}

fn check(ranker: impl FnOnce(&mut Bench) -> Option<Ranker>, expect: Expect) -> (Bench, Decision) {
    let (bench, decision) = check_quietly(ranker);
    expect.assert_eq(&format!("{}objective {:?}\n", show(&bench, &decision), decision.objective));
    (bench, decision)
}

/// The cases.
pub fn corpus() -> Vec<Decision> {
    let by_hand = check(
        |_| None,
        expect![[r#"
        "For you" None None
        item0 1.00 Popular right now
        item1 0.83 Popular right now
        item2 0.67 Popular right now
        item3 0.50 Popular right now
        - item4 by not_in_top
        - item5 by not_in_top
        objective ""
    "#]],
    );
    let learned = check(
        |bench| Some(contrary(bench)),
        expect![[r#"
        "For you" None None
        item5 0.65 Popular right now
        item4 0.55 Popular right now
        item3 0.30 Popular right now
        item0 0.27 Popular right now
        - item1 by not_in_top
        - item2 by not_in_top
        objective "orders-1"
    "#]],
    );
    vec![by_hand.1, learned.1]
}

#[test]
fn a_ranker_puts_in_order_and_the_log_says_what_it_saw() {
    let all = corpus();
    let [by_hand, learned] = all.as_slice() else { panic!("two cases") };
    for slot in by_hand.slate.iter().chain(&learned.slate) {
        assert!(!slot.features.is_empty() && slot.features.len() == by_hand.slate[0].features.len());
    }
    assert!(by_hand.feature_set != 0 && by_hand.feature_set == learned.feature_set);
    assert!(by_hand.slate.iter().all(|slot| slot.foreseen.is_empty()));
    assert!(learned.slate.iter().all(|slot| slot.foreseen.len() == 4 && slot.score == slot.foreseen[2]));
    assert!(learned.versions.models.iter().any(|(name, _)| name == "ranker:p"));
}

#[test]
fn what_is_described_again_is_what_was_logged() {
    let (mut bench, decision) = check_quietly(|bench| Some(contrary(bench)));
    bench.engine.publish();
    let live = bench.engine.live();
    let described =
        describe(&live.snapshot(), live.profile(bespoke_domain::ShopperNo(50)).as_deref(), &decision.request);
    let width = described.values.len() / described.candidates.len();
    for slot in &decision.slate {
        let row =
            described.candidates.iter().position(|one| *one == slot.candidate).expect("it was described");
        let values = &described.values[row * width..][..width];
        let logged: Vec<f32> = slot.features.iter().map(|half| wide(*half)).collect();
        assert!(
            values.iter().zip(&logged).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
        );
    }
}

fn check_quietly(ranker: impl FnOnce(&mut Bench) -> Option<Ranker>) -> (Bench, Decision) {
    let mut bench = shop();
    if let Some(ranker) = ranker(&mut bench) {
        bench.put_in_force(&ranker_name("p"), &Arc::new(Learned::Ranker(Box::new(ranker))));
    }
    let decision = bench.decide(request("p", Some(50), 2000));
    (bench, decision)
}

#[test]
fn a_replay_gives_the_same_bytes_with_the_ranker_of_then() {
    let (bench, decision) = check_quietly(|bench| Some(contrary(bench)));
    let mut replay = Replay::new(&decision, None);
    let ranker = bench.engine.live().snapshot().models.get("ranker:p").expect("it is in force").clone();
    replay.shelve(decision.versions.models[0].1, ranker);
    for (offset, entry) in (1..).map(bespoke_domain::Offset).zip(&bench.entries) {
        if offset > replay.from() && offset <= replay.until() {
            replay.feed(offset, entry);
        }
    }
    assert_eq!(bytes(&replay.finish()), bytes(&decision));
}

#[test]
fn a_ranker_of_other_features_changes_nothing() {
    let (_, by_hand) = check_quietly(|_| None);
    let (_, other) = check_quietly(|bench| {
        let mut rows = RankerRows::new(vec!["popularity_log".to_owned()]);
        let mut seeded = Seeded::new(6);
        for _ in 0..600 {
            rows.groups.push(0);
            let is_bought = f32::from(u8::from(seeded.below(2) == 0));
            rows.push(&[is_bought], [0.0, 0.0, is_bought, f32::NAN], 1.0);
        }
        _ = bench;
        Ranker::fit(&rows, RUN).expect("sound rows")
    });
    let order = |decision: &Decision| decision.slate.iter().map(|slot| slot.candidate).collect::<Vec<_>>();
    assert_eq!((order(&other), other.objective.as_str()), (order(&by_hand), ""));
}

const PRODUCTS: u32 = 8;
const SHOWN: usize = 4;

/// Slates whose first places are looked at most, with the least wanted products in front; what shoppers clicked.
fn biased() -> (Bench, Slates) {
    let mut bench = Bench::default();
    bench.settings(vec![ranked(SHOWN as u16)]);
    (0..PRODUCTS).for_each(|no| bench.product(&format!("item{no}"), "all", "", true));
    for no in 0..PRODUCTS {
        for shopper in 0..20 * (PRODUCTS - no) {
            bench.event(10_000 + shopper, EventKind::ViewItem, 0, &[&format!("item{no}")]);
        }
    }
    bench.engine.publish();
    let feature_set = bench.engine.live().snapshot().plan.get("p").expect("it is set").feature_set;
    let mut slates = Slates::new("p", feature_set);
    let mut seeded = Seeded::new(3);
    for visit in 0..19_000_u32 {
        let mut all: Vec<String> = (0..PRODUCTS).map(|no| format!("item{no}")).collect();
        let exclude =
            (0..PRODUCTS as usize - SHOWN).map(|_| all.swap_remove(seeded.below(all.len()))).collect();
        let id = DecisionId(u128::from(visit) + 1);
        let asked = Request { id, exclude, ..request("p", Some(visit % 50), 10 + i64::from(visit)) };
        let decision = bench.engine.live().decide(&asked);
        slates.decided(bespoke_domain::ShopperNo(visit % 50), &decision);
        let snapshot = bench.engine.live().snapshot();
        let ids: Vec<String> =
            decision.slate.iter().map(|slot| product_id(&snapshot, slot.candidate)).collect();
        tell(&mut bench, &mut slates, &decision, EventKind::ViewItemList, &ids);
        for (place, product) in ids.iter().enumerate() {
            let no: u32 = product[4..].parse().expect("a number");
            let looks = [100.0, 35.0, 20.0, 12.0][place];
            let wants = 0.2 + 0.09 * no as f32;
            if (seeded.below(10_000) as f32) < looks * wants * 100.0 {
                let clicked =
                    vec![String::new(); place].into_iter().chain([product.clone()]).collect::<Vec<_>>();
                tell(&mut bench, &mut slates, &decision, EventKind::SelectItem, &clicked);
            }
        }
    }
    (bench, slates)
}

fn product_id(snapshot: &bespoke_engine::Snapshot, candidate: Candidate) -> String {
    let Candidate::Product(product) = candidate else { return String::new() };
    snapshot.aggregates.catalog.id(product).to_owned()
}

/// An event about what a slate showed; places without a product are left out.
fn tell(bench: &mut Bench, slates: &mut Slates, decision: &Decision, kind: EventKind, ids: &[String]) {
    let item = |(place, id): (usize, &String)| EventItem {
        item_id: id.clone(),
        index: Some(place as u16),
        ..EventItem::default()
    };
    let event = Event {
        consent: Consent::GRANTED,
        visible: true,
        decision: Some(decision.request.id),
        items: ids.iter().enumerate().filter(|(_, id)| !id.is_empty()).map(item).collect(),
        ..Event::new(kind, Millis(START + decision.request.now.0 - START))
    };
    let snapshot = bench.engine.live().snapshot();
    let products: Vec<_> = event.items.iter().filter_map(|item| snapshot.product(&item.item_id)).collect();
    let shopper = decision.request.shopper.expect("somebody asked");
    slates.happened(shopper, &event, &products);
    bench.push(Some(9_999), Body::Event(Box::new(event)));
}

/// Share of pairs of products in the order in which they are wanted.
fn right_pairs(bench: &mut Bench, rows: &RankerRows) -> f64 {
    let ranker = Ranker::fit(rows, RUN).expect("sound rows").expect("enough was clicked");
    bench.engine.publish();
    let snapshot = bench.engine.live().snapshot();
    let asked = Request { slots: PRODUCTS as u16, ..request("p", Some(7), 20_000) };
    let described = describe(&snapshot, None, &asked);
    let clicks = ranker.predict(&described.values, [true, false, false, false]);
    let number =
        |candidate: &Candidate| -> u32 { product_id(&snapshot, *candidate)[4..].parse().expect("a number") };
    let all: Vec<(u32, f32)> =
        described.candidates.iter().zip(&clicks).map(|(one, heads)| (number(one), heads[0])).collect();
    let pairs = || all.iter().flat_map(|a| all.iter().map(move |b| (a, b))).filter(|(a, b)| a.0 < b.0);
    pairs().filter(|(a, b)| a.1 < b.1).count() as f64 / pairs().count() as f64
}

#[test]
fn clicks_corrected_for_places_recover_the_true_order_and_plain_ones_do_not() {
    let (mut bench, slates) = biased();
    let training = bench.training();
    let snapshot = bench.engine.live().snapshot();
    let lessons = slates.lessons(&snapshot, &training);
    let plain = RankerRows { weights: vec![1.0; lessons.rows.len()], ..lessons.rows.clone() };
    let (corrected, plain) = (right_pairs(&mut bench, &lessons.rows), right_pairs(&mut bench, &plain));
    assert!(corrected >= 0.9 && plain <= 0.6, "corrected {corrected}, plain {plain}");
}
