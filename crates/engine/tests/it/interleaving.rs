//! Interleaved experiments: two rankings in one list, who wins it, and what must hold whatever the rankings.

use super::*;
use bespoke_domain::decision::Fallback;
use bespoke_domain::experiment::{ArmUse, Design, Experiment, Holdout, INTERLEAVED, Team};
use bespoke_domain::search::{Search, Sort};
use bespoke_domain::settings::Form;
use bespoke_engine::experiment::preference::preference;
use bespoke_engine::replay::{Replay, bytes};
use bespoke_models::seeded::Seeded;
use bespoke_models::statistics::verdict::Verdict;
use proptest::prelude::*;
use std::collections::BTreeSet;

const KEYS: u64 = 2_000_000;

fn interleaved() -> Experiment {
    let uses = vec![("p".to_owned(), "q".to_owned())];
    Experiment {
        name: "e".to_owned(),
        design: Design::Interleaving,
        layer: "default".to_owned(),
        slice: (0, 10_000),
        placements: vec!["p".to_owned()],
        arms: vec![
            ArmUse { name: "control".to_owned(), share: 5_000, ..ArmUse::default() },
            ArmUse { name: "new".to_owned(), share: 5_000, uses, is_external: false },
        ],
        metric: "clicks".to_owned(),
        effect: 0.05,
        days: 14,
        ..Experiment::default()
    }
}

/// A placement that shows a list in its order.
fn listed(name: &str, ids: &[&str]) -> Placement {
    let mut placement = placement(name, &["editorial"], &[]);
    placement.sources[0].items = ids.iter().map(|id| (*id).to_owned()).collect();
    placement
}

fn shop(placements: Vec<Placement>) -> Bench {
    let mut bench = Bench::default();
    for no in 0..20 {
        bench.product(&format!("p{no}"), ["A", "B", "C"][no % 3], &format!("g{}", no / 2), no % 7 != 6);
    }
    bench.settings(placements);
    let settings =
        Settings { holdout: Holdout { share: 0 }, experiments: vec![interleaved()], ..bench.in_force() };
    bench.push(None, Body::Settings(Box::new(settings)));
    bench
}

fn ask(shopper: u32, id: u128) -> Request {
    let bucket = KEYS + u64::from(shopper);
    Request { bucket, id: DecisionId(id), ..request("p", Some(shopper), 5) }
}

impl Bench {
    fn show_both(&mut self, shopper: u32, id: u128) -> Decision {
        let decision = self.decide(ask(shopper, id));
        self.push(Some(shopper), Body::Decision(Box::new(decision.clone())));
        decision
    }

    fn click_in(&mut self, shopper: u32, decision: &Decision, ids: &[String], bot: u8) {
        let item = |id: &String| EventItem { item_id: id.clone(), ..EventItem::default() };
        let event = Event {
            consent: Consent::GRANTED,
            buckets: (KEYS + u64::from(shopper), 0),
            decision: Some(decision.request.id),
            items: ids.iter().map(item).collect(),
            bot,
            ..Event::new(EventKind::SelectItem, Millis(START + 6 * 60_000))
        };
        self.push(Some(shopper), Body::Event(Box::new(event)));
    }

    fn of_team(&self, decision: &Decision, team: Option<Team>) -> Vec<String> {
        let snapshot = self.engine.live().snapshot();
        let own = decision.slate.iter().filter(|slot| slot.team == team);
        own.map(|slot| name(&snapshot, slot.candidate)).collect()
    }

    fn told(&mut self) -> bespoke_engine::experiment::preference::Preference {
        self.engine.publish();
        let snapshot = self.engine.live().snapshot();
        preference(snapshot.aggregates.ledger.latest("e").expect("it runs"), &interleaved())
    }
}

#[test]
fn both_rankings_stand_in_one_list_and_each_slot_says_whose_it_is() {
    let mut bench =
        shop(vec![listed("p", &["p0", "p2", "p4", "p8"]), listed("q", &["p0", "p10", "p2", "p12"])]);
    let (mut first, mut fair) = (BTreeSet::new(), 0);
    for id in 0..2_000 {
        let decision = bench.decide(ask(1, id));
        let snapshot = bench.engine.live().snapshot();
        let names: Vec<String> = decision.slate.iter().map(|slot| name(&snapshot, slot.candidate)).collect();
        assert_eq!((names.len(), names[0].as_str(), decision.slate[0].team), (4, "p0", None));
        fair += i32::from(decision.slate[1].team == Some(Team::Treated));
        first.insert(names.join(" "));
        assert_eq!(decision.arms[0].arm, INTERLEAVED);
    }
    // The coin is fair: half of 2,000 give or take four deviations.
    assert!((fair - 1_000).abs() < 90, "{fair}");
    let expect = ["p0 p10 p2 p4", "p0 p10 p2 p12", "p0 p2 p10 p12", "p0 p2 p10 p4"];
    assert!(first.iter().all(|list| expect.contains(&list.as_str())), "{first:?}");
}

#[test]
fn sorted_searches_later_pages_and_given_lists_are_not_interleaved() {
    let mut bench = shop(vec![listed("p", &["p0", "p2"]), listed("q", &["p10", "p2"])]);
    let search = |change: fn(&mut Search)| {
        let mut search = Search::default();
        change(&mut search);
        Some(Box::new(search))
    };
    let asks = [
        Request { search: search(|one| one.sort = Sort::PriceUp), ..ask(1, 1) },
        Request { search: search(|one| one.from = 24), ..ask(1, 1) },
        Request { search: search(|one| one.after = Some(DecisionId(3))), ..ask(1, 1) },
        Request { given: vec!["p0".to_owned()], ..ask(1, 1) },
        Request { bucket: 0, ..ask(1, 1) },
    ];
    for asked in asks {
        let decision = bench.decide(asked);
        assert!(decision.arms.is_empty() && decision.slate.iter().all(|slot| slot.team.is_none()));
    }
    // Where one of them has nothing to stand on, the control answers.
    let thin =
        Placement { min_evidence: 3, on_thin: OnThin::Hide, ..placement("q", &["recently_viewed"], &[]) };
    let mut bench = shop(vec![listed("p", &["p0", "p2"]), thin]);
    let decision = bench.decide(ask(1, 1));
    assert_eq!((decision.slate.len(), decision.fallback), (2, Fallback::None));
    assert!(decision.slate.iter().all(|slot| slot.team.is_none()) && decision.arms.len() == 1);
}

#[test]
fn clicks_win_lists_and_lists_make_a_preference() {
    let mut bench =
        shop(vec![listed("p", &["p0", "p2", "p4", "p8"]), listed("q", &["p10", "p12", "p14", "p16"])]);
    let decision = bench.show_both(1, 1);
    let (own, other) =
        (bench.of_team(&decision, Some(Team::Treated)), bench.of_team(&decision, Some(Team::Control)));
    assert_eq!((own.len(), other.len()), (2, 2));
    bench.click_in(1, &decision, &own[..1], 0);
    assert_eq!(bench.told().units, (1, 0, 0));
    bench.click_in(1, &decision, &own[..1], 0);
    bench.click_in(1, &decision, &other[..1], 0);
    assert_eq!((bench.told().units, bench.told().lists), ((0, 0, 1), (0, 0)), "one click each is a tie");
    bench.click_in(1, &decision, &other[1..], 0);
    assert_eq!((bench.told().units, bench.told().lists), ((0, 1, 0), (0, 1)));
    let program = bench.show_both(2, 2);
    let clicked = bench.of_team(&program, Some(Team::Treated));
    bench.click_in(2, &program, &clicked, 100);
    assert_eq!(bench.told().units, (0, 1, 0), "programs count for nothing");
    bench.restart();
    let mut seeded = Seeded::new(9);
    for shopper in 10..400 {
        let decision = bench.show_both(shopper, u128::from(shopper) << 20);
        let team = if seeded.unit() < 0.8 { Team::Treated } else { Team::Control };
        let chosen = bench.of_team(&decision, Some(team));
        bench.click_in(shopper, &decision, &chosen[..1], 0);
    }
    let told = bench.told();
    let (estimate, interval) = told.preference.expect("lists were won");
    assert!(interval.low > 0.3 && (estimate - 0.6).abs() < 0.1 && told.p < 0.01, "{told:?}");
    assert_eq!(told.verdict, Verdict::Win);
    assert!(
        told.words.starts_with("Shoppers prefer new: of 391 lists in which clicks decided it won "),
        "{}",
        told.words
    );
    bench.check_against_log();
}

#[test]
fn a_listing_goes_on_in_one_order() {
    let listing = |name, ids: &[&str]| Placement { form: Form::Listing, slots: 3, ..listed(name, ids) };
    let mut bench = shop(vec![
        listing("p", &["p0", "p2", "p4", "p8", "p10"]),
        listing("q", &["p12", "p10", "p8", "p14"]),
    ]);
    let first = bench.show_both(1, 3);
    let order: Vec<Candidate> =
        first.slate.iter().map(|slot| slot.candidate).chain(first.rest.iter().copied()).collect();
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 7, "all of both, each once");
    assert_eq!(order.len(), 7);
    let snapshot = bench.engine.live().snapshot();
    let given: Vec<String> = order[3..].iter().map(|one| name(&snapshot, *one)).collect();
    let next = bench.decide(Request { given, follows: Some((first.request.id, 3)), ..ask(1, 4) });
    let shown: Vec<Candidate> = next.slate.iter().map(|slot| slot.candidate).collect();
    assert_eq!(shown, order[3..6]);
    assert!(next.arms.is_empty() && next.slate.iter().all(|slot| slot.team.is_none()));
}

fn rankings() -> impl Strategy<Value = [Vec<usize>; 2]> {
    let one = || Just((0..20_usize).collect::<Vec<_>>()).prop_shuffle();
    (one(), one(), 1..20_usize, 1..20_usize).prop_map(|(mut a, mut b, cut, other)| {
        a.truncate(cut);
        b.truncate(other);
        [a, b]
    })
}

proptest! {
    #[test]
    fn whatever_the_rankings_filters_rules_and_caps_hold(rankings in rankings(), id in any::<u128>(), pin in 0..4_u16) {
        let ids = |list: &[usize]| list.iter().map(|no| format!("p{no}")).collect::<Vec<_>>();
        let ruled = |name: &str, list: &[usize]| {
            let ids = ids(list);
            let one = listed(name, &ids.iter().map(String::as_str).collect::<Vec<_>>());
            Placement {
                filters: placement("", &[], &["one_variant"]).filters,
                diversity: Diversity { max_per_category: 3, max_per_brand: 0 },
                rules: vec![rule("pin", &["p3"], pin), rule("hide", &["p5"], 0)],
                ..one
            }
        };
        let mut bench = shop(vec![ruled("p", &rankings[0]), ruled("q", &rankings[1])]);
        let asked = ask(1, id);
        let decision = bench.decide(asked.clone());
        let snapshot = bench.engine.live().snapshot();
        let names: Vec<String> = decision.slate.iter().map(|slot| name(&snapshot, slot.candidate)).collect();
        prop_assert!(names.len() <= 4);
        let alone = |placement: &str| {
            let asked = Request { placement: placement.to_owned(), bucket: 0, ..asked.clone() };
            bench.engine.live().decide(&asked).slate.len()
        };
        prop_assert!(names.len() >= alone("p").min(alone("q")), "{:?}", names);
        let groups: BTreeSet<usize> = names.iter().map(|one| one[1..].parse::<usize>().unwrap() / 2).collect();
        prop_assert_eq!(groups.len(), names.len(), "one of a group: {:?}", names);
        prop_assert!(!names.contains(&"p5".to_owned()), "hidden by a rule");
        prop_assert!(names.iter().all(|one| one[1..].parse::<usize>().unwrap() % 7 != 6), "out of stock");
        let place = names.iter().position(|one| one == "p3");
        prop_assert_eq!(place, Some(usize::from(pin).min(names.len() - 1)), "pinned: {:?}", names);
        let removed: u32 = decision.removed.iter().map(|(_, count)| count).sum();
        prop_assert_eq!(decision.candidate_count, removed + names.len() as u32);
        prop_assert_eq!(decision.considered.as_ref().map(Vec::len), Some(decision.candidate_count as usize));
        let mut replay = Replay::new(&decision, None);
        (1..).map(Offset).zip(&bench.entries).for_each(|(offset, entry)| replay.feed(offset, entry));
        prop_assert_eq!(bytes(&replay.finish()), bytes(&decision));
    }
}
