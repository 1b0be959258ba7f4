//! Search results in the order of what others chose: what clicks move and what they cannot, that the log alone gives the same again, and a
//! ranker that learns in the placement of searches.

use crate::searching::{add, ask, matches};
use crate::{Bench, name, request};
use bespoke_domain::search::Search;
use bespoke_domain::settings::{Objective, Placement, ScorerUse};
use bespoke_domain::{
    Body, Consent, Decision, DecisionId, Event, EventItem, EventKind, Millis, Offset, Request, ShopperNo,
};
use bespoke_engine::foresight::ranker_name;
use bespoke_engine::lessons::Slates;
use bespoke_engine::replay::{Replay, bytes};
use bespoke_models::learned::Learned;
use bespoke_models::ranker::{Ranker, RankerRows};
use bespoke_models::recommender::FitRun;
use bespoke_models::seeded::Seeded;
use std::sync::Arc;

const SCORER: &str = "click_over_expected";

fn placed(weight: f32) -> Placement {
    let scorer = ScorerUse { scorer: SCORER.to_owned(), weight };
    Placement { name: "p".to_owned(), scorers: vec![scorer], slots: 12, ..matches() }
}

/// Twelve mugs that match alike, and a tray that is only made for them.
fn mugs(planned: Placement) -> Bench {
    titled(planned, |_| "Enamel Mug")
}

fn titled(planned: Placement, title: fn(u32) -> &'static str) -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![planned]);
    for no in 0..12 {
        let id: &'static str = Box::leak(format!("mug{no:02}").into_boxed_str());
        add(&mut bench, &(id, title(no), "Acme", "red", 500, "", true));
    }
    add(
        &mut bench,
        &("tray", "Tray of oak for an enamel mug and much more beside it", "Acme", "red", 500, "", true),
    );
    bench
}

impl Bench {
    /// A search with its decision in the log.
    fn searched(&mut self, shopper: Option<u32>, search: Search) -> Decision {
        let no = self.entries.len() as i64;
        let asked = Request {
            id: DecisionId(no as u128 + 1),
            search: Some(Box::new(search)),
            explain: false,
            ..request("p", shopper, no)
        };
        let decision = self.decide(asked);
        self.push(shopper, Body::Decision(Box::new(decision.clone())));
        decision
    }

    /// What a shopper does with what a decision showed, or has in view of it.
    fn does(&mut self, shopper: u32, kind: EventKind, decision: &Decision, ids: &[&str]) -> Event {
        let item = |id: &&str| EventItem { item_id: (*id).to_owned(), ..EventItem::default() };
        let event = Event {
            consent: Consent::GRANTED,
            visible: true,
            decision: Some(decision.request.id),
            items: ids.iter().map(item).collect(),
            ..Event::new(kind, Millis(decision.request.now.0 + 5_000))
        };
        self.push(Some(shopper), Body::Event(Box::new(event.clone())));
        event
    }

    fn ids(&self, decision: &Decision) -> Vec<String> {
        let snapshot = self.engine.live().snapshot();
        decision.slate.iter().map(|slot| name(&snapshot, slot.candidate)).collect()
    }
}

/// Shoppers click what stands in front half of the time, and `loved` whenever they see it.
fn shop_for(bench: &mut Bench, shoppers: std::ops::Range<u32>, loved: &str) {
    for shopper in shoppers {
        let shown = bench.searched(Some(shopper), ask("enamel mug"));
        let ids = bench.ids(&shown);
        if shopper % 2 == 0 {
            bench.does(shopper, EventKind::SelectItem, &shown, &[&ids[0]]);
        }
        bench.does(shopper, EventKind::SelectItem, &shown, &[loved]);
    }
}

#[test]
fn what_others_choose_comes_up_and_nothing_that_matches_worse_passes_it() {
    let mut bench = mugs(placed(0.1));
    let before = bench.searched(None, ask("enamel mug"));
    let before = bench.ids(&before);
    assert_eq!((before[7].as_str(), before.last().map(String::as_str)), ("mug07", Some("mug11")));
    shop_for(&mut bench, 100..160, "mug07");
    let after = bench.searched(None, ask("Enamel  MUG"));
    assert_eq!(bench.ids(&after)[0], "mug07", "the same words, however they are written");
    let scored =
        |decision: &Decision| decision.slate.iter().any(|slot| slot.parts.iter().any(|part| part.0 == 1));
    assert!(scored(&after) && !scored(&bench.searched(None, ask("mug"))), "nobody asked that");
    // Everybody takes the tray: it still matches far less.
    let all = Search { from: 0, ..ask("enamel mug") };
    for shopper in 200..400 {
        let shown = bench.decide(Request {
            id: DecisionId(u128::from(shopper) << 32),
            search: Some(Box::new(all.clone())),
            slots: 13,
            ..request("p", Some(shopper), i64::from(shopper) * 60)
        });
        bench.push(Some(shopper), Body::Decision(Box::new(shown.clone())));
        bench.does(shopper, EventKind::SelectItem, &shown, &["tray"]);
        bench.does(shopper, EventKind::AddToCart, &shown, &["tray"]);
    }
    let after = bench.searched(None, ask("enamel mug"));
    assert!(!bench.ids(&after).contains(&"tray".to_owned()), "{:?}", bench.ids(&after));
}

#[test]
fn without_clicks_the_scorer_changes_nothing() {
    let slates = |placement: Placement| {
        let mut bench = mugs(placement);
        for shopper in 0..30 {
            bench.event(shopper, EventKind::ViewItem, i64::from(shopper), &["mug03"]);
        }
        ["enamel mug", "mug", "tray", "red"].map(|text| {
            let decision = bench.searched(None, ask(text));
            decision.slate.iter().map(|slot| (slot.candidate, slot.score.to_bits())).collect::<Vec<_>>()
        })
    };
    assert_eq!(slates(placed(0.1)), slates(Placement { scorers: Vec::new(), ..placed(0.1) }));
}

#[test]
fn a_checkpoint_the_log_and_a_replay_say_the_same_and_who_withdraws_is_forgotten() {
    let mut bench = mugs(placed(0.1));
    shop_for(&mut bench, 100..130, "mug07");
    let shown = bench.searched(Some(500), ask("enamel mug"));
    bench.restart();
    bench.does(500, EventKind::SelectItem, &shown, &["mug05"]);
    shop_for(&mut bench, 130..150, "mug05");
    let withdraws = bench.searched(Some(501), ask("enamel mug"));
    bench.withdraw(501, withdraws.request.now.0 + 1_000);
    bench.does(501, EventKind::SelectItem, &withdraws, &["mug11"]);
    bench.engine.publish();
    let snapshot = bench.engine.live().snapshot();
    let query = snapshot.aggregates.queries.find("enamel mug").expect("it was asked");
    let gained = |id: &str| {
        let product = snapshot.product(id).expect("it is there");
        query.evidence().iter().find(|one| one.product == product).map(|one| one.gained / 10_000)
    };
    assert_eq!((gained("mug05"), gained("mug11")), (Some(21), Some(0)));
    bench.check_against_log();
    let decision = bench.searched(Some(100), ask("enamel mug"));
    let mut replay = Replay::new(&decision, None);
    for (offset, entry) in (1..).map(Offset).zip(&bench.entries) {
        if offset > replay.from() && offset <= replay.until() {
            replay.feed(offset, entry);
        }
    }
    assert_eq!(bytes(&replay.finish()), bytes(&decision));
}

const RUN: FitRun = FitRun { seed: 1, threads: 1 };

/// Searches that teach, and what came of them.
struct Taught {
    bench: Bench,
    slates: Slates,
    seeded: Seeded,
}

impl Taught {
    /// Searches for mugs, in an order that puts the least wanted first, and as many for cups, which are wanted alike; each place is looked at
    /// less than the one before it.
    fn new() -> Self {
        let objective =
            Objective { name: "clicks-1".to_owned(), click: 1.0, rows: 20, ..Objective::default() };
        let planned = Placement { objective: Some(objective), slots: 6, scorers: Vec::new(), ..placed(0.1) };
        let mut bench = titled(planned, |no| if no < 6 { "Enamel Mug" } else { "Mug of enamel" });
        for id in ["cup0", "cup1", "cup2", "cup3", "cup4", "cup5"] {
            add(&mut bench, &(id, "Tea Cup", "Acme", "red", 500, "", true));
        }
        bench.engine.publish();
        let feature_set = bench.engine.live().snapshot().plan.get("p").expect("it is set").feature_set;
        let mut taught = Self { bench, slates: Slates::new("p", feature_set), seeded: Seeded::new(3) };
        for minute in 0..12_000 {
            let text = if minute % 2 == 0 { "enamel mug" } else { "tea cup" };
            let asked = among_some(&mut taught.seeded, text, (Some(minute as u32), minute));
            taught.search(asked);
        }
        taught
    }

    fn search(&mut self, asked: Request) {
        let shopper = asked.shopper.expect("somebody asks").0;
        // What is published may be a little old, as in a shop.
        if shopper.is_multiple_of(20) {
            self.bench.engine.publish();
        }
        let decision = self.bench.engine.live().decide(&asked);
        self.bench.push(Some(shopper), Body::Decision(Box::new(decision.clone())));
        self.slates.decided(ShopperNo(shopper), &decision);
        let ids = self.bench.ids(&decision);
        let seen: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.tell(&decision, EventKind::ViewItemList, &seen);
        for (place, id) in seen.iter().enumerate() {
            let looks = 1.0 / (place as f32 + 1.0);
            if (self.seeded.below(10_000) as f32) < 10_000.0 * looks * wanted(id) {
                self.tell(&decision, EventKind::SelectItem, &[id]);
            }
        }
    }

    fn tell(&mut self, decision: &Decision, kind: EventKind, ids: &[&str]) {
        let shopper = decision.request.shopper.expect("somebody asked");
        let event = self.bench.does(shopper.0, kind, decision, ids);
        let snapshot = self.bench.engine.live().snapshot();
        let products: Vec<_> = ids.iter().filter_map(|id| snapshot.product(id)).collect();
        self.slates.happened(shopper, &event, &products);
    }
}

/// The later its number, the likelier a mug is clicked.
fn wanted(id: &str) -> f32 {
    id.strip_prefix("mug").and_then(|no| no.parse::<f32>().ok()).map_or(0.4, |no| 0.1 + 0.06 * no)
}

/// A search in which some of the mugs, any of them, are left out.
fn among_some(seeded: &mut Seeded, text: &str, (shopper, minute): (Option<u32>, i64)) -> Request {
    Request {
        id: DecisionId(minute as u128 + 1),
        search: Some(Box::new(ask(text))),
        exclude: (0..6).map(|_| format!("mug{:02}", seeded.below(12))).collect(),
        explain: false,
        ..request("p", shopper, minute)
    }
}

/// Share of pairs in the order in which they are wanted, over fifty searches that nothing was learned from; and the last decision.
fn right_pairs(bench: &mut Bench) -> (f64, Decision) {
    let (mut seeded, mut right, mut pairs) = (Seeded::new(4), 0, 0);
    let mut decide = |minute| bench.decide(among_some(&mut seeded, "enamel mug", (None, minute)));
    let decisions: Vec<Decision> = (13_000..13_050).map(&mut decide).collect();
    for decision in &decisions {
        let wants: Vec<f32> = bench.ids(decision).iter().map(|id| wanted(id)).collect();
        for (at, one) in wants.iter().enumerate() {
            right += wants[at + 1..].iter().filter(|other| *other < one).count();
            pairs += wants.len() - at - 1;
        }
    }
    (right as f64 / f64::from(pairs as u32), decisions[49].clone())
}

/// The same with a ranker in force.
fn right_with(bench: &mut Bench, rows: &RankerRows) -> (f64, Decision) {
    let ranker = Ranker::fit(rows, RUN).expect("sound rows").expect("enough was clicked");
    bench.put_in_force(&ranker_name("p"), &Arc::new(Learned::Ranker(Box::new(ranker))));
    right_pairs(bench)
}

#[test]
fn a_ranker_learns_to_put_searches_in_order_and_sees_through_places() {
    let Taught { mut bench, slates, .. } = Taught::new();
    let (seen, clicked) = slates.counts();
    assert!(seen >= 5_000 && clicked >= 200, "as many as a server waits for: {seen} {clicked}");
    let (by_hand, decision) = right_pairs(&mut bench);
    assert!(decision.objective.is_empty());
    let training = bench.training();
    let lessons = slates.lessons(&bench.engine.live().snapshot(), &training);
    for feature in ["source.matches", "rank.matches", "scorer.click_over_expected"] {
        let at = lessons.rows.features.iter().position(|name| name == feature).expect("it is said");
        let mut values = lessons.rows.values.iter().skip(at).step_by(lessons.rows.features.len());
        let first = values.next().expect("a row");
        assert!(values.any(|value| value != first), "{feature} says always the same");
    }
    let plain = RankerRows { weights: vec![1.0; lessons.rows.len()], ..lessons.rows.clone() };
    let (plain, _) = right_with(&mut bench, &plain);
    let (learned, decision) = right_with(&mut bench, &lessons.rows);
    assert_eq!(decision.objective, "clicks-1");
    assert!(decision.versions.models.iter().any(|(name, _)| name == "ranker:p"));
    assert!(learned >= plain + 0.25 && learned > 0.55 && by_hand < plain, "{learned} {plain} {by_hand}");
}
