//! A placement on trial: three ways of deciding on the same occasions of a shop with two tastes, where what is learnt must win.

use crate::{Bench, START, placement};
use bespoke_domain::event::PageType;
use bespoke_domain::settings::{OnThin, Placement, ScorerUse};
use bespoke_domain::{EventKind, Millis, Offset};
use bespoke_engine::backtest::measures::{MEASURES, Yardstick};
use bespoke_engine::backtest::placement::{self as trial, Arm, NDCG, Trial, Verdict};
use bespoke_engine::occasions::{Given, Sample, Walk, choose};
use bespoke_models::learned::LEARNED;
use bespoke_models::recommender::FitRun;
use std::sync::Arc;

const DAY: i64 = 24 * 60;
/// Day from which on is asked.
const SPLIT: i64 = 5;

/// Sixty shoppers of two tastes look at one product of theirs on each of eight days, and buy it on the last two.
fn shop(own: Placement) -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![own]);
    for taste in ["tea", "tool"] {
        (0..10).for_each(|no| bench.product(&format!("{taste}{no}"), taste, "", true));
    }
    for day in 0..8 {
        for shopper in 0..60_i64 {
            let taste = ["tea", "tool"][(shopper % 2) as usize];
            let id = format!("{taste}{}", (shopper / 2 + day * 3) % 10);
            bench.event(shopper as u32, EventKind::ViewItem, day * DAY + shopper, &[&id]);
            if day > 5 {
                bench.event(shopper as u32, EventKind::Purchase, day * DAY + shopper + 1, &[&id]);
            }
        }
    }
    bench
}

fn learnt() -> Placement {
    let scorers = vec![ScorerUse { scorer: "als".to_owned(), weight: 0.1 }];
    Placement {
        min_evidence: 1,
        on_thin: OnThin::Hide,
        rollout: 5,
        scorers,
        ..placement("home_learnt", &["slim", "co_viewed"], &[])
    }
}

/// Judges the arms with models fitted on what came before the split.
fn judge(bench: &mut Bench, arms: &[Arm], page: PageType) -> Verdict {
    let split_s = ((START + SPLIT * DAY * 60_000) / 1000) as u32;
    let training = bench.training();
    let snapshot = bench.engine.live().snapshot();
    let catalog = &snapshot.aggregates.catalog;
    let past = training.set(split_s, catalog);
    let fit = |spec: &bespoke_models::learned::LearnedSpec| {
        (
            spec.name.to_owned(),
            Default::default(),
            Arc::new((spec.fit)(&past, &spec.values(&[]), FitRun { seed: 1, threads: 1 })),
        )
    };
    let mut models: Vec<_> = LEARNED.iter().map(fit).collect();
    models.iter_mut().enumerate().for_each(|(no, model)| model.1 = bespoke_domain::id::ArtifactId(no as u64));
    let mut occasions =
        choose(&training, &Sample { from_s: split_s, until_s: u32::MAX, per_page: 500, seed: 1 });
    occasions.retain(|one| one.page == page && trial::is_case(one));
    let mut settings = snapshot.aggregates.settings.as_deref().cloned().expect("they are set");
    settings.placements = arms.iter().map(|arm| arm.placement.clone()).collect();
    let mut trial = Trial::new(&occasions, 4, Yardstick::new(&training, split_s, catalog));
    let mut walk = Walk::new(occasions, Given { settings: Some(settings), models });
    for (offset, entry) in (1..).map(Offset).zip(&bench.entries) {
        walk.feed(offset, entry, &mut |snapshot, profile, occasion| {
            trial.look((snapshot, profile, occasion), arms);
        });
    }
    trial.judge(&snapshot, Millis(START + 9 * DAY * 60_000))
}

#[test]
fn what_is_learnt_beats_popularity_where_there_are_tastes() {
    let mut bench = shop(learnt());
    let arms = trial::arms(&learnt());
    assert_eq!(arms.iter().map(|arm| arm.name).collect::<Vec<_>>(), ["popular", "hand_set", "learned"]);
    let verdict = judge(&mut bench, &arms, PageType::Home);
    assert_eq!((verdict.cases, verdict.shoppers), (180, 60), "three visits each");
    assert_eq!(MEASURES[NDCG].name, "ndcg");
    let [popular, hand_set, learned] = &verdict.arms[..] else { panic!("three arms") };
    assert!(
        popular.measures[NDCG].beyond_popular.is_none() && popular.measures[NDCG].beyond_hand_set.is_none()
    );
    assert!(hand_set.measures[NDCG].beyond_hand_set.is_none());
    let ahead = learned.measures[NDCG].beyond_popular.expect("it is another arm");
    assert!(ahead.low > 0.0, "{ahead:?}");
    for arm in &verdict.arms {
        for (spec, measured) in MEASURES.iter().zip(&arm.measures) {
            let value = measured.value;
            assert!(
                value.low <= value.mean && value.mean <= value.high,
                "{} of {}: {value:?}",
                spec.name,
                arm.name
            );
        }
        let names: Vec<(&str, usize)> =
            arm.segments.iter().map(|segment| (segment.name.as_str(), segment.cases)).collect();
        assert_eq!(names, [("light", 180), ("tea", 90), ("tool", 90)]);
        assert!((0.0..=1.0).contains(&arm.gini) && (0.0..=1.0).contains(&arm.coverage));
    }
    assert!(popular.coverage > 0.0 && learned.coverage > popular.coverage);
    let revenue = MEASURES.iter().position(|spec| spec.name == "revenue").expect("it is measured");
    assert_eq!(learned.measures[revenue].value.mean, 0.0, "nothing here has a price");
    let again = judge(&mut bench, &arms, PageType::Home);
    assert_eq!(format!("{verdict:?}"), format!("{again:?}"));
}

#[test]
fn there_are_as_many_arms_as_differ() {
    let names =
        |placement: &Placement| -> Vec<&str> { trial::arms(placement).iter().map(|arm| arm.name).collect() };
    assert_eq!(names(&placement("p", &["co_viewed"], &[])), ["popular", "hand_set"]);
    assert_eq!(names(&placement("p", &["slim"], &[])), ["popular", "learned"]);
    let arms = trial::arms(&learnt());
    assert!(arms.iter().all(|arm| arm.placement.rollout == 100), "everybody is asked");
    assert_eq!(arms[2].called("champion").placement.name, "home_learnt#champion");
    for (name, page) in [
        ("home_hero", PageType::Home),
        ("product_related", PageType::Product),
        ("cart_addons", PageType::Cart),
        ("checkout_last", PageType::Cart),
        ("productive", PageType::Home),
    ] {
        assert_eq!(trial::page_of(name), page, "{name}");
    }
}

#[test]
fn the_products_of_the_page_are_no_answer() {
    let own = placement("product_p", &["recently_viewed"], &[]);
    let mut bench = shop(own.clone());
    let verdict = judge(&mut bench, &trial::arms(&own), PageType::Product);
    // After its last view a shopper buys what was viewed, and nothing else; before that, other days follow within a week.
    assert_eq!(verdict.cases, 120);
}
