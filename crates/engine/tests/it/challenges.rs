//! The ladder: from what is known of a challenger to the next step, and what a step changes; and what logged decisions say of one.

use super::*;
use bespoke_domain::challenge::{Challenge, Stage, Step};
use bespoke_domain::experiment::{ArmUse, Experiment, Guardrail, WHOLE};
use bespoke_domain::time::{DAY_MS, HOUR_MS};
use bespoke_engine::apart::{challenged, clashes, in_the_way};
use bespoke_engine::challenge::{CHALLENGER, Disagreement, Known, next, stepped, waits_for};
use bespoke_engine::experiment::result::{Report, report};
use bespoke_engine::merged::{gone, merged};
use bespoke_engine::occasions::Given;
use bespoke_engine::valued::{Valued, Valuing};
use bespoke_models::seeded::Seeded;

const NAME: &str = "newer";

fn settings() -> Settings {
    let mut bench = Bench::default();
    let own = |name: &str, slots| Placement { slots, ..placement(name, &["popular"], &[]) };
    bench.settings(vec![own("p", 4), own("q", 2)]);
    let guardrails = vec![Guardrail { metric: "return_rate".to_owned(), margin: 0.5 }];
    let challenge = Challenge {
        name: NAME.to_owned(),
        champion: "p".to_owned(),
        challenger: "q".to_owned(),
        metric: "conversion".to_owned(),
        guardrails,
        effect: 0.05,
        shadow_requests: 10,
        canary: 500,
        canary_hours: 24,
        days: 14,
        since: Millis(START),
        ..Challenge::default()
    };
    Settings { challenges: vec![challenge], ..bench.in_force() }
}

fn at(settings: &Settings) -> &Challenge {
    &settings.challenges[0]
}

/// The settings after the step that what is known leads to.
fn after(settings: &Settings, known: &Known<'_>, now: i64) -> Settings {
    let step = next(at(settings), known, Millis(now)).expect("a step");
    stepped(settings, NAME, step).expect("it is there")
}

fn valued(value: Result<bespoke_models::off_policy::Value, String>) -> Valued {
    Valued { slates: 1_000, clicks: 80, unseen_clicks: 0, value }
}

fn shadow(requests: u64, same: u64, empty: u64) -> Disagreement {
    let mut shadow = Disagreement::default();
    (shadow.requests, shadow.same, shadow.empty) = (requests, same, [0, empty]);
    shadow
}

/// The report of an experiment of which so many shoppers bought, of so many in each arm.
fn told(settings: &Settings, arms: [(u32, u32); 2]) -> Report {
    let mut bench = Bench::default();
    bench.product("a1", "Home", "", true);
    bench.event(5_000, EventKind::ViewItem, 0, &["a1"]);
    bench.push(None, Body::Settings(Box::new(settings.clone())));
    let mut left = arms.map(|(units, bought)| (units, bought));
    let mut shopper = 0;
    while left.iter().any(|(units, _)| *units > 0) {
        shopper += 1;
        let bucket = 1_000_000 + shopper;
        bench.engine.publish();
        let decision =
            bench.engine.live().decide(&Request { bucket, ..request("p", Some(shopper as u32), 5) });
        let Some(arm) = decision.arms.iter().find(|arm| arm.experiment == NAME) else { continue };
        let own = &mut left[usize::from(arm.arm == CHALLENGER)];
        if own.0 == 0 {
            continue;
        }
        own.0 -= 1;
        let buys = own.1 > 0;
        own.1 -= u32::from(buys);
        bench.push(Some(shopper as u32), Body::Decision(Box::new(decision)));
        let kind = if buys { EventKind::Purchase } else { EventKind::PageView };
        let event = Event {
            buckets: (bucket, 0),
            consent: Consent::GRANTED,
            ..Event::new(kind, Millis(START + 600_000))
        };
        bench.push(Some(shopper as u32), Body::Event(Box::new(event)));
    }
    bench.engine.publish();
    let snapshot = bench.engine.live().snapshot();
    let run = snapshot.aggregates.ledger.latest(NAME).expect("its run");
    let one = settings.experiments.iter().find(|one| one.name == NAME).expect("its experiment");
    report(run, one)
}

#[test]
fn a_challenger_climbs_step_by_step_and_comes_back() {
    let start = settings();
    assert_eq!(next(at(&start), &Known::default(), Millis(START)), None, "nothing is known yet");
    let no_answer = valued(Err("there are no rows".to_owned()));
    let shadowed = after(&start, &Known { valued: Some(&no_answer), ..Known::default() }, START);
    assert_eq!((at(&shadowed).stage, shadowed.experiments.len()), (Stage::Shadow, 0));
    assert!(at(&shadowed).steps[0].why.contains("cannot tell: there are no rows"));

    let few = shadow(9, 0, 0);
    let known = Known { shadow: Some(&few), ..Known::default() };
    assert_eq!(next(at(&shadowed), &known, Millis(START)), None);
    assert_eq!(waits_for(at(&shadowed), &known, Millis(START)), "1 more requests");
    let enough = shadow(10, 4, 0);
    let canary = after(&shadowed, &Known { shadow: Some(&enough), ..Known::default() }, START);
    let one = &canary.experiments[0];
    assert_eq!((at(&canary).stage, one.slice, one.is_stopped), (Stage::Canary, (0, 1_000), false));

    let fine = told(&canary, [(100, 30), (100, 31)]);
    let known = Known { report: Some(&fine), ..Known::default() };
    assert_eq!(next(at(&canary), &known, Millis(START + 23 * HOUR_MS)), None, "it has to last");
    let test = after(&canary, &known, START + 24 * HOUR_MS);
    assert_eq!((at(&test).stage, test.experiments[0].slice), (Stage::Test, (0, 10_000)));

    let open = told(&test, [(200, 60), (200, 64)]);
    let known = Known { report: Some(&open), ..Known::default() };
    let since = START + 24 * HOUR_MS;
    assert_eq!(next(at(&test), &known, Millis(since + 27 * DAY_MS)), None);
    let held = after(&test, &known, since + 28 * DAY_MS);
    assert_eq!((at(&held).stage, held.experiments[0].is_stopped), (Stage::Held, true));

    let mut sure = test.clone();
    sure.experiments[0].guardrails.clear();
    let won = told(&sure, [(700, 140), (700, 420)]);
    let promoted = after(&test, &Known { report: Some(&won), ..Known::default() }, since + DAY_MS);
    let slots = |settings: &Settings| settings.placements.iter().map(|one| one.slots).collect::<Vec<_>>();
    assert_eq!((at(&promoted).stage, slots(&promoted)), (Stage::Promoted, vec![2, 2]));
    assert_eq!(next(at(&promoted), &Known::default(), Millis(since)), None);
    // A placement file that is read again knows nothing of it; what it then says of the champion comes back with the way back.
    let file = Settings { challenges: Vec::new(), ..settings() };
    let read = Settings { file: Some(Box::new(file.clone())), ..promoted.clone() };
    assert_eq!(merged(&read, file.clone()), read);
    let mut changed = file;
    changed.placements[0].slots = 3;
    let again = merged(&read, changed);
    let before = at(&again).before.as_ref().map(|before| before.slots);
    assert_eq!((slots(&again), at(&again).stage, before), (vec![2, 2], Stage::Promoted, Some(3)));
    let back = Step { to: Stage::Stopped, from: Stage::Promoted, ..Step::default() };
    let back = stepped(&promoted, NAME, back).expect("it is there");
    assert_eq!((at(&back).stage, slots(&back), &at(&back).before), (Stage::Stopped, vec![4, 2], &None));
}

#[test]
fn what_is_worse_or_shows_nothing_or_the_same_is_stopped() {
    let start = settings();
    let at_shadow = {
        let none = valued(Err("nothing".to_owned()));
        after(&start, &Known { valued: Some(&none), ..Known::default() }, START)
    };
    let stage = |shadow: &Disagreement| {
        at(&after(&at_shadow, &Known { shadow: Some(shadow), ..Known::default() }, START)).stage
    };
    assert_eq!(stage(&shadow(100, 0, 3)), Stage::Stopped, "nothing to show in 3 of 100");
    assert_eq!(stage(&shadow(100, 0, 2)), Stage::Canary);
    assert_eq!(stage(&shadow(100, 100, 0)), Stage::Held, "the same in all");
    let enough = shadow(10, 4, 0);
    let canary = after(&at_shadow, &Known { shadow: Some(&enough), ..Known::default() }, START);
    let worse = told(&canary, [(400, 240), (400, 80)]);
    let stopped = after(&canary, &Known { report: Some(&worse), ..Known::default() }, START + 1);
    let one = &stopped.experiments[0];
    assert_eq!((at(&stopped).stage, one.is_stopped), (Stage::Stopped, true), "before the day is over");
    assert!(one.stopped_for.starts_with("Harm: conversion changed by"), "{}", one.stopped_for);
    // Six hundred of the champion's for a hundred of the challenger's: something loses them.
    let lost = told(&canary, [(600, 60), (100, 10)]);
    let stopped = after(&canary, &Known { report: Some(&lost), ..Known::default() }, START + 1);
    assert_eq!(at(&stopped).stage, Stage::Stopped);
    assert!(at(&stopped).steps[2].why.contains("shares of shoppers"));
}

/// An experiment at a placement, by whose other one its second arm is answered.
fn experiment(name: &str, placement: &str, used: &str) -> Experiment {
    let arm = |name: &str, uses| ArmUse { name: name.to_owned(), share: WHOLE / 2, uses, is_external: false };
    Experiment {
        name: name.to_owned(),
        layer: "default".to_owned(),
        slice: (0, WHOLE),
        placements: vec![placement.to_owned()],
        arms: vec![arm("control", Vec::new()), arm("other", vec![(placement.to_owned(), used.to_owned())])],
        ..Experiment::default()
    }
}

#[test]
fn a_challenger_waits_for_an_experiment_at_its_champion_and_says_so() {
    let mut settings = settings();
    settings.challenges[0].stage = Stage::Shadow;
    let hero = experiment("hero", "p", "q");
    assert_eq!(challenged(&settings, &hero).map(|one| one.name.as_str()), Some(NAME));
    assert_eq!(challenged(&settings, &experiment("other", "q", "p")), None);
    settings.experiments.push(hero);
    assert_eq!(
        clashes(&settings),
        [
            "\"hero\" changes \"p\", which \"newer\" challenges: wait until that is over, or stop it, `bespoke challenge newer --stop`"
        ]
    );
    let enough = shadow(10, 4, 0);
    let held = in_the_way(&settings, at(&settings)).map(|one| one.name.as_str());
    let known = Known { shadow: Some(&enough), in_the_way: held, ..Known::default() };
    assert_eq!((held, next(at(&settings), &known, Millis(START))), (Some("hero"), None));
    let waits = waits_for(at(&settings), &known, Millis(START));
    assert!(waits.starts_with("the end of the experiment \"hero\", which changes \"p\" as well"), "{waits}");
    let forced = Step { from: Stage::Shadow, to: Stage::Canary, ..Step::default() };
    assert_eq!(stepped(&settings, NAME, forced.clone()), None, "two would change one placement");
    let end = Step { to: Stage::Stopped, ..forced.clone() };
    assert!(stepped(&settings, NAME, end).is_some(), "its end is in nobody's way");
    settings.experiments[0].is_stopped = true;
    assert_eq!((in_the_way(&settings, at(&settings)), clashes(&settings)), (None, Vec::new()));
    assert!(stepped(&settings, NAME, forced).is_some());
}

#[test]
fn a_file_changes_what_it_says_otherwise_than_when_it_was_last_read() {
    let mut file = Settings { challenges: Vec::new(), ..settings() };
    file.experiments = vec![experiment("hero", "p", "q")];
    let mut now = Settings { file: Some(Box::new(file.clone())), ..file.clone() };
    // What calls, guards and pilots changed since.
    (now.experiments[0].is_stopped, now.experiments[0].stopped_for) = (true, "Harm".to_owned());
    now.placements.push(Placement { name: "r".to_owned(), ..now.placements[1].clone() });
    now.experiments.push(experiment("own", "q", "r"));
    now.placements[0].rollout = 0;
    now.holdout.share = 100;
    assert_eq!(merged(&now, file.clone()), now, "the same file again");

    let mut other = file.clone();
    other.placements[1].slots = 9;
    other.holdout.share = 300;
    let read = merged(&now, other);
    assert_eq!((&read.experiments, read.placements[0].rollout), (&now.experiments, 0));
    assert_eq!((read.placements[1].slots, read.holdout.share), (9, 300), "what it says anew");
    let mut again = *read.file.clone().expect("it was read");
    again.experiments[0].days = 28;
    let started = merged(&read, again);
    assert!(!started.experiments[0].is_stopped, "an experiment that is written anew begins");

    let mut less = file;
    less.experiments.clear();
    let q = less.placements.remove(1);
    let read = merged(&now, less);
    let names =
        |settings: &Settings| settings.placements.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(&read), read.experiments.len()), (vec!["p".to_owned(), "r".to_owned()], 0));
    assert_eq!((gone(&now, &read), q.name.as_str()), (vec!["experiment \"own\"".to_owned()], "q"));
}

/// Logs slates of a champion that explores, with clicks that depend on the product and the place alone, and values a challenger on them.
fn value_of(boosted: &str, seed: u64, tells_views: bool) -> (Valued, f64) {
    let mut bench = Bench::default();
    let ids = ["a1", "a2", "b1", "b2", "c1"];
    for (no, id) in ids.into_iter().enumerate() {
        bench.product(id, "Home", "", true);
        for _ in 0..20 - 4 * no {
            bench.event(5_000 + no as u32, EventKind::ViewItem, 0, &[id]);
        }
    }
    let explore = Explore { share: 6_000, among: 5 };
    let champion = Placement { explore, slots: 2, ..placement("p", &["popular"], &[]) };
    let pin = |position, id: &str| Rule {
        name: format!("pin {position}"),
        rule: "pin".to_owned(),
        items: vec![id.to_owned()],
        position,
        ..Rule::default()
    };
    let rules = vec![pin(0, boosted)];
    let challenger = Placement { slots: 2, rules, ..placement("q", &["popular"], &[]) };
    bench.settings(vec![champion, challenger]);
    bench.engine.publish();
    // What is less popular is clicked more.
    let rate = |id: &str, place: usize| {
        [0.05, 0.08, 0.1, 0.2, 0.4][ids.iter().position(|one| *one == id).unwrap_or(0)] / (1 + place) as f64
    };
    let mut seeded = Seeded::new(seed);
    let snapshot = bench.engine.live().snapshot();
    for no in 1..=1_500_u128 {
        let asked = Request { id: DecisionId(no), ..request("p", None, 10) };
        let decision = bench.engine.live().decide(&asked);
        bench.push(None, Body::Decision(Box::new(decision.clone())));
        let id = |candidate: &Candidate| match candidate {
            Candidate::Product(product) => snapshot.aggregates.catalog.id(*product).to_owned(),
            Candidate::Category(_) | Candidate::Content(_) => String::new(),
        };
        let items: Vec<String> = decision.slate.iter().map(|slot| id(&slot.candidate)).collect();
        let event = |kind, items: &[String]| Event {
            decision: Some(DecisionId(no)),
            visible: true,
            items: items.iter().map(|id| EventItem { item_id: id.clone(), ..EventItem::default() }).collect(),
            ..Event::new(kind, Millis(START + 700_000))
        };
        if tells_views {
            bench.push(None, Body::Event(Box::new(event(EventKind::ViewItemList, &items))));
        }
        for (place, id) in items.iter().enumerate() {
            if seeded.unit() < rate(id, place) {
                let click = event(EventKind::SelectItem, std::slice::from_ref(id));
                bench.push(None, Body::Event(Box::new(click)));
            }
        }
    }
    let given = Given { settings: Some(bench.in_force()), models: Vec::new() };
    let mut valuing = Valuing::new(("p", "q"), (Offset(0), Millis(0)), given);
    for (offset, entry) in (1..).zip(&bench.entries) {
        valuing.feed(Offset(offset), entry);
    }
    let second = ids.iter().find(|id| **id != boosted).copied().unwrap_or_default();
    (valuing.finish(), (rate(boosted, 0) + rate(second, 1)) / 2.0)
}

#[test]
fn logged_decisions_tell_what_a_challenger_would_have_been_worth() {
    let mut held = 0;
    for seed in 0..10 {
        let (found, truth) = value_of("c1", seed, true);
        let value = found.value.expect("sound rows");
        assert_eq!(value.refusal, None, "{:?}", value.support);
        assert_eq!((found.slates, value.rows), (1_500, 3_000));
        held += u32::from(value.dr.normal.holds(truth));
        assert!(value.dr.value > 1.5 * value.logged, "{} {}", value.dr.value, value.logged);
    }
    assert!(held >= 8, "{held} of 10");
    // Of a shop that never tells what was in view nothing is known: all that it sends would look clicked.
    let (blind, _) = value_of("c1", 1, false);
    assert!(blind.unseen_clicks > 100 && blind.clicks == 0, "{blind:?}");
    let step = next(at(&settings()), &Known { valued: Some(&blind), ..Known::default() }, Millis(START));
    let why = step.map(|step| step.why).unwrap_or_default();
    let said =
        format!("there are no rows. {} clicks on what was never told as `visible`", blind.unseen_clicks);
    assert!(why.contains(&said), "{why}");
    // What is known to be bad is stopped before anybody sees it.
    let (worse, _) = value_of("a1", 1, true);
    let mut start = settings();
    start.challenges[0].effect = 0.02;
    let step = next(at(&start), &Known { valued: Some(&worse), ..Known::default() }, Millis(START));
    let step = step.expect("a step");
    assert_eq!(step.to, Stage::Stopped, "{} {:?}", step.why, step.evidence);
}
