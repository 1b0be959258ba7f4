//! Content blocks: which may be shown, how a bandit draws them, what it learns and when, and that all of it follows from the log.

use crate::golden::show;
use crate::{Bench, START, placement, request, rule};
use bespoke_domain::condition::{Is, Test};
use bespoke_domain::content::{Bandit, Block, Trait};
use bespoke_domain::decision::Fallback;
use bespoke_domain::event::Details;
use bespoke_domain::experiment::Holdout;
use bespoke_domain::settings::{KeyChange, OnThin, Placement, Rule, Scope, Shows};
use bespoke_domain::{
    BlockNo, Body, Candidate, Condition, Consent, Decision, DecisionId, Entry, Event, EventKind, Millis,
    Offset, Request, Settings, ShopperNo,
};
use bespoke_engine::replay::{Replay, bytes};
use bespoke_models::seeded::Seeded;
use bespoke_models::statistics::sample::Look;
use bespoke_models::statistics::sequential::Sequence;
use expect_test::{Expect, expect};

const MINUTE: i64 = 60_000;

fn banner(slots: u16, bandit: Option<Bandit>) -> Placement {
    let shown = Placement { shows: Shows::Content, slots, bandit, ..placement("banner", &["content"], &[]) };
    Placement { headline: String::new(), min_evidence: 1, on_thin: OnThin::Hide, ..shown }
}

fn block(name: &str) -> Block {
    let placements = vec!["banner".to_owned()];
    Block { name: name.to_owned(), placements, title: name.to_owned(), ..Block::default() }
}

fn shop(placement: Placement, content: Vec<Block>) -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![placement]);
    bench.reset(|settings| settings.content = content);
    bench
}

impl Bench {
    /// Puts settings into force that differ from those that are.
    fn reset(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.in_force();
        change(&mut settings);
        self.push(None, Body::Settings(Box::new(settings)));
    }

    /// An entry received at a minute.
    fn at(&mut self, minute: i64, body: Body) {
        self.entries.push(Entry { received: Millis(START + minute * MINUTE), shopper: None, body });
        let offset = Offset(self.entries.len() as u64);
        self.engine.apply(offset, &self.entries[self.entries.len() - 1]);
    }

    /// Asks and logs.
    fn draw(&mut self, id: u128, minute: i64) -> Decision {
        let decision = self.decide(ask(id, minute));
        self.at(minute, Body::Decision(Box::new(decision.clone())));
        decision
    }

    fn promotion(
        &mut self,
        kind: EventKind,
        decision: &Decision,
        block: Option<&str>,
        (minute, bot): (i64, u8),
    ) {
        let details = Details { promotion: block.map(Into::into), ..Details::default() };
        let event = Event {
            consent: Consent::GRANTED,
            decision: Some(decision.request.id),
            details: Some(Box::new(details)),
            bot,
            ..Event::new(kind, Millis(START + minute * MINUTE))
        };
        self.at(minute, Body::Event(Box::new(event)));
    }

    fn click(&mut self, decision: &Decision, minute: i64) {
        self.promotion(EventKind::SelectPromotion, decision, None, (minute, 0));
    }

    /// Shown, viewed and clicked of a block, as a snapshot has it.
    fn learnt(&mut self, block: &str) -> (u64, u64, u64) {
        self.engine.publish();
        let snapshot = self.engine.live().snapshot();
        let number = snapshot.block(block).expect("it has a number");
        let learner = snapshot.aggregates.bandits.learner("banner");
        let arm = learner.and_then(|learner| learner.arm(number));
        arm.map_or((0, 0, 0), |arm| (arm.shown, arm.viewed, arm.clicked))
    }
}

fn ask(id: u128, minute: i64) -> Request {
    Request { id: DecisionId(id), explain: false, ..request("banner", None, minute) }
}

fn first(bench: &Bench, decision: &Decision) -> String {
    let snapshot = bench.engine.live().snapshot();
    decision.slate.first().map_or(String::new(), |slot| crate::name(&snapshot, slot.candidate))
}

fn check(
    placement: Placement,
    content: Vec<Block>,
    ask: impl FnOnce(&mut Request),
    expect: Expect,
) -> Decision {
    let mut bench = shop(placement, content);
    let mut asked = request("banner", Some(9), 102);
    ask(&mut asked);
    let decision = bench.decide(asked);
    expect.assert_eq(&show(&bench, &decision));
    decision
}

/// A bandit whose clicks may come for so long.
fn window(window_min: u32) -> Option<Bandit> {
    Some(Bandit { window_min, ..Bandit::default() })
}

#[test]
fn a_long_window_holds_up_no_other_placement() {
    let mut bench = shop(
        banner(1, window(60)),
        vec![block("short"), Block { placements: vec!["slow".to_owned()], ..block("long") }],
    );
    bench.reset(|settings| {
        settings.placements.push(Placement { name: "slow".to_owned(), ..banner(1, window(7 * 24 * 60)) });
    });
    let slow = bench.decide(Request { placement: "slow".to_owned(), ..ask(1, 0) });
    bench.at(0, Body::Decision(Box::new(slow)));
    bench.draw(2, 1);
    bench.at(200, Body::Key(KeyChange { hash: [0; 32], scope: Scope::Secret, revoked: false }));
    assert_eq!(bench.learnt("short"), (1, 0, 0), "its hour is over");
    assert_eq!(bench.engine.live().snapshot().aggregates.bandits.waiting("slow"), 1);
}

#[test]
fn nothing_is_learnt_from_what_a_program_asks_for() {
    let mut bench = shop(banner(1, window(60)), vec![block("short")]);
    let decision = bench.decide(Request { bot: 100, ..ask(1, 0) });
    bench.at(0, Body::Decision(Box::new(decision)));
    bench.draw(2, 1);
    bench.at(200, Body::Key(KeyChange { hash: [0; 32], scope: Scope::Secret, revoked: false }));
    assert_eq!(bench.learnt("short"), (1, 0, 0));
}

/// For home pages only.
fn on_home() -> Option<Condition> {
    Some(Condition::Test(Test { field: "page".to_owned(), is: Is::OneOf(vec!["home".to_owned()]) }))
}

/// Golden decisions.
pub fn corpus() -> Vec<Decision> {
    let content = || {
        vec![
            Block { from: Some(Millis(START + 200 * MINUTE)), ..block("later") },
            Block { markets: vec!["DE".to_owned()], ..block("german") },
            Block { when: on_home(), ..block("homely") },
            block("plain"),
            block("seen"),
            block("last"),
        ]
    };
    let ruled =
        Placement { rules: vec![rule("pin", &["last"], 0), rule("hide", &["plain"], 0)], ..banner(2, None) };
    vec![
        check(
            banner(2, None),
            content(),
            |_| {},
            expect![[r#"
            "" None None
            german 0.50 From the shop
            plain 0.25 From the shop
            - later by available
            - homely by meant_for
            - seen by not_in_top
            - last by not_in_top
        "#]],
        ),
        check(
            ruled,
            content(),
            |ask| {
                ask.market = "AT".to_owned();
                ask.exclude = vec!["seen".to_owned()];
                ask.page = bespoke_domain::event::PageType::Other;
            },
            expect![[r#"
                "" None None
                last 0.17 Chosen by the shop [pin last]
                - later by available
                - german by market
                - homely by meant_for
                - plain by hide plain
                - seen by excluded
            "#]],
        ),
    ]
}

#[test]
fn where_no_block_may_be_shown_nothing_is() {
    let mut bench =
        shop(banner(1, Some(Bandit::default())), vec![Block { until: Some(Millis(START)), ..block("old") }]);
    let decision = bench.draw(1, 10);
    assert_eq!((decision.slate.len(), decision.fallback, decision.draw), (0, Fallback::Hidden, None));
}

/// Three blocks of which the first two are clicked now and then.
fn learnt(slots: u16, bandit: Bandit) -> Bench {
    let mut bench = shop(banner(slots, Some(bandit)), vec![block("a"), block("b"), block("c")]);
    let mut seeded = Seeded::new(5);
    for no in 0..400_i64 {
        let decision = bench.draw(no as u128 * 7_919, no / 4);
        let rate = match first(&bench, &decision).as_str() {
            "a" => 0.3,
            "b" => 0.25,
            _ => 0.02,
        };
        if seeded.unit() < rate {
            bench.click(&decision, no / 4);
        }
    }
    bench.at(200, Body::Import(bespoke_domain::entry::ImportMark::Ends));
    bench
}

#[test]
fn over_many_decisions_each_block_is_as_often_in_each_place_as_is_logged() {
    let mut bench = learnt(2, Bandit { floor: 0.05, ..Bandit::default() });
    bench.engine.publish();
    let live = bench.engine.live();
    let (mut counts, mut logged) = ([[0.0_f64; 3]; 2], [[0.0_f64; 3]; 2]);
    let runs = 30_000_u32;
    for no in 0..runs {
        let decision = live.decide(&ask(u128::from(no) << 40 | 77, 210));
        let draw = decision.draw.as_deref().expect("a bandit drew");
        let chances: Vec<f64> = draw.chances.iter().map(|(_, chance)| f64::from(*chance)).collect();
        assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-6 && chances.iter().all(|one| *one >= 0.0499));
        let at = |slot: usize| match decision.slate[slot].candidate {
            Candidate::Content(BlockNo(number)) => number as usize,
            other => panic!("{other:?}"),
        };
        let (one, two) = (at(0), at(1));
        (counts[0][one], counts[1][two]) = (counts[0][one] + 1.0, counts[1][two] + 1.0);
        assert!((f64::from(decision.slate[0].probability) - chances[one]).abs() < 1e-6);
        // The second place, whatever stands in the first.
        for second in 0..3 {
            logged[0][second] += chances[second];
            let over = |above: usize| chances[above] * chances[second] / (1.0 - chances[above]);
            logged[1][second] += (0..3).filter(|above| *above != second).map(over).sum::<f64>();
        }
        let given = chances[two] / (1.0 - chances[one]);
        assert!((f64::from(decision.slate[1].probability) - given).abs() < 1e-6);
    }
    for (counts, logged) in counts.iter().zip(&logged) {
        let chi: f64 = counts.iter().zip(logged).map(|(n, e)| (n - e) * (n - e) / e).sum();
        // Two degrees of freedom: above 13.8 once in a thousand.
        assert!(chi < 13.8, "{counts:?} {logged:?}: {chi}");
    }
    assert!(counts[0][0] > 0.4 * f64::from(runs) && counts[0][2] < 0.1 * f64::from(runs), "{counts:?}");
}

#[test]
fn a_choice_counts_once_its_window_is_over_and_a_batch_has_begun() {
    let bandit = Bandit { window_min: 30, ..Bandit::default() };
    let mut bench = shop(banner(1, Some(bandit)), vec![block("a")]);
    let page = |minute| {
        let event = Event {
            consent: Consent::GRANTED,
            ..Event::new(EventKind::PageView, Millis(START + minute * MINUTE))
        };
        Body::Event(Box::new(event))
    };
    let (clicked, late, seen, program) =
        (bench.draw(1, 1), bench.draw(2, 2), bench.draw(3, 3), bench.draw(4, 3));
    bench.click(&clicked, 5);
    bench.click(&clicked, 6);
    bench.promotion(EventKind::ViewPromotion, &seen, Some("a"), (4, 0));
    bench.promotion(EventKind::SelectPromotion, &seen, Some("another"), (4, 0));
    bench.promotion(EventKind::ViewPromotion, &program, Some("a"), (4, 100));
    bench.at(29, page(29));
    assert_eq!(bench.learnt("a"), (0, 0, 0), "no window is over");
    bench.restart();
    bench.click(&late, 34);
    bench.at(60, page(60));
    assert_eq!(bench.learnt("a"), (3, 2, 1), "the late click does not count, nor does the program");
    bench.check_against_log();
}

#[test]
fn whom_personalization_is_measured_against_gets_the_first_block() {
    let mut bench = learnt(1, Bandit::default());
    bench.reset(|settings| settings.holdout = Holdout { share: 10_000 });
    for id in 0..50 {
        let decision = bench.decide(Request { bucket: 5, ..ask(id, 210) });
        assert_eq!((first(&bench, &decision).as_str(), decision.slate[0].probability), ("a", 1.0));
        assert_eq!(decision.draw, None);
    }
}

#[test]
fn rules_bind_the_bandit_and_what_they_place_is_certain() {
    let mut bench = learnt(2, Bandit { floor: 0.1, ..Bandit::default() });
    let pinned = Rule { position: 1, ..rule("pin", &["c"], 1) };
    bench.reset(|settings| settings.placements[0].rules = vec![pinned, rule("hide", &["a"], 0)]);
    let decision = bench.decide(ask(3, 210));
    let draw = decision.draw.as_deref().expect("there was one to draw");
    assert_eq!((first(&bench, &decision).as_str(), draw.chances.len()), ("b", 1));
    let chances: Vec<f32> = decision.slate.iter().map(|slot| slot.probability).collect();
    assert_eq!((chances, decision.slate[1].placed_by.is_some()), (vec![1.0, 1.0], true));
    // Buried to nothing it keeps its floor.
    let buried = Rule { factor: 0.0, ..rule("bury", &["a"], 0) };
    bench.reset(|settings| settings.placements[0].rules = vec![buried]);
    let decision = bench.decide(ask(3, 210));
    let chance = decision.draw.as_deref().map(|draw| draw.chances[0].1);
    assert_eq!(chance, Some(0.1));
}

#[test]
fn a_new_block_begins_like_one_of_its_kind_and_old_news_is_forgotten() {
    let mut bench = learnt(1, Bandit { half_life_days: 1.0, ..Bandit::default() });
    bench.reset(|settings| settings.content.push(block("d")));
    let chance = |bench: &mut Bench, name: &str, minute| {
        let decision = bench.decide(ask(1, minute));
        let number = bench.engine.live().snapshot().block(name).expect("it has a number");
        let chances = decision.draw.map(|draw| draw.chances).unwrap_or_default();
        chances.into_iter().find(|(held, _)| *held == number).map_or(0.0, |(_, chance)| chance)
    };
    let (fresh, poor, good) =
        (chance(&mut bench, "d", 210), chance(&mut bench, "c", 210), chance(&mut bench, "a", 210));
    assert!(fresh > 2.0 * poor && fresh < 0.6, "{fresh} {poor}");
    // After a fortnight of which hardly anything is known, what was learnt hardly counts.
    let day = 24 * 60;
    bench.draw(90_001, 14 * day);
    bench.at(15 * day, Body::Import(bespoke_domain::entry::ImportMark::Ends));
    let (later, worst) = (chance(&mut bench, "a", 15 * day), chance(&mut bench, "c", 15 * day));
    assert!(later < good && worst > 0.15, "{good} {later} {worst}");
}

#[test]
fn what_a_bandit_collected_is_analysed_without_its_bias() {
    // Both get 10 %: over many shops the plain mean of the first is too low, and its corrected mean is not.
    let (mut naive, mut corrected, mut missed, runs) = (0.0, 0.0, 0, 20);
    for run in 0..runs {
        let bandit = Bandit { window_min: 1, floor: 0.05, ..Bandit::default() };
        let mut bench = shop(banner(1, Some(bandit)), vec![block("a"), block("b")]);
        let mut seeded = Seeded::new(run);
        for no in 0..1_000_i64 {
            let decision = bench.draw(u128::from(run) << 64 | no as u128, no);
            if seeded.unit() < 0.1 {
                bench.click(&decision, no);
            }
        }
        bench.at(2_000, Body::Import(bespoke_domain::entry::ImportMark::Ends));
        bench.engine.publish();
        let snapshot = bench.engine.live().snapshot();
        let learner = snapshot.aggregates.bandits.learner("banner").expect("it drew");
        let arm = learner.arm(BlockNo(0)).expect("it was drawn");
        naive += arm.clicked as f64 / arm.shown.max(1) as f64 / f64::from(runs as u32);
        let effect = arm.sums.mean();
        assert_eq!(effect.count, 1_000.0);
        missed += u32::from(!effect.interval(0.05, Look::Always(Sequence::default())).holds(0.1));
        corrected += effect.estimate / f64::from(runs as u32);
    }
    assert!(
        (corrected - 0.1).abs() < 0.012 && naive < corrected && missed <= 2,
        "{naive} {corrected} {missed}"
    );
}

#[test]
fn parts_of_shoppers_are_learnt_for_by_themselves() {
    let bandit = Bandit { by: vec![Trait::Returning], window_min: 1, ..Bandit::default() };
    let mut bench = shop(banner(1, Some(bandit)), vec![block("a"), block("b")]);
    bench.product("p", "Home", "", true);
    // Shopper 1 was here a day ago, shopper 2 never.
    bench.event(1, EventKind::ViewItem, 0, &["p"]);
    let day = 24 * 60;
    for no in 0..600_i64 {
        let shopper = 1 + (no % 2) as u32;
        let asked = Request { shopper: Some(ShopperNo(shopper)), ..ask(no as u128, day + no) };
        let decision = bench.decide(asked);
        bench.at(day + no, Body::Decision(Box::new(decision.clone())));
        let liked = if shopper == 1 { "a" } else { "b" };
        if first(&bench, &decision) == liked && no % 3 == 0 {
            bench.click(&decision, day + no);
        }
    }
    let chances = |bench: &mut Bench, shopper| {
        let decision = bench.decide(Request { shopper: Some(ShopperNo(shopper)), ..ask(1, 2 * day) });
        let draw = decision.draw.expect("a bandit drew");
        (draw.part, draw.chances[0].1 > 0.9, decision.slate[0].reason.personal)
    };
    assert_eq!((chances(&mut bench, 1), chances(&mut bench, 2).1), ((1, true, true), false));
    assert_eq!(chances(&mut bench, 2).0, 0);
    bench.check_against_log();
}

#[test]
fn the_log_alone_gives_the_same_draw_again() {
    let mut bench = learnt(2, Bandit::default());
    let served = bench.draw(42, 205);
    bench.reset(|settings| settings.content.reverse());
    bench.draw(43, 300);
    let mut replay = Replay::new(&served, None);
    let until = replay.until();
    for (offset, entry) in (1..).map(Offset).zip(&bench.entries).take_while(|(offset, _)| *offset <= until) {
        replay.feed(offset, entry);
    }
    assert_eq!(bytes(&replay.finish()), bytes(&served));
    bench.restart();
    bench.check_against_log();
}
