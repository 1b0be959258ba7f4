//! Chance in slates: how often each candidate gets a slot is what the decision says of it.

use super::*;
use bespoke_domain::DecisionId;
use bespoke_domain::settings::Explore;
use bespoke_engine::decide::{EXPLORED, chances};
use std::collections::BTreeMap;

const SHARE: u16 = 4_000;

fn shop(rules: Vec<Rule>) -> Bench {
    let mut bench = Bench::default();
    for (no, id) in ["a1", "a2", "b1", "b2", "c1", "c2", "d1"].into_iter().enumerate() {
        bench.product(id, ["Home", "Home", "Garden"][no % 3], "", true);
        for _ in 0..20 - 2 * no {
            bench.event(5_000 + no as u32, EventKind::ViewItem, 0, &[id]);
        }
    }
    let explore = Explore { share: SHARE, among: 3 };
    bench.settings(vec![Placement { explore, slots: 3, rules, ..placement("p", &["popular"], &[]) }]);
    bench.engine.publish();
    bench
}

fn asked(id: u128) -> Request {
    Request { id: DecisionId(id), ..request("p", None, 5) }
}

#[test]
fn each_candidate_gets_a_slot_as_often_as_is_said() {
    let bench = shop(Vec::new());
    let live = bench.engine.live();
    let count = 20_000_u32;
    let mut first: BTreeMap<Candidate, (u32, f32)> = BTreeMap::new();
    let mut weights = 0.0;
    for id in 1..=u128::from(count) {
        let decision = live.decide(&asked(id));
        assert_eq!(decision.slate.len(), 3);
        let slot = &decision.slate[0];
        let held = first.entry(slot.candidate).or_insert((0, slot.probability));
        *held = (held.0 + 1, slot.probability);
        // Weighted by its probability each slot counts once on average, whatever it shows: here 1 of 3.
        weights += decision.slate.iter().map(|slot| 1.0 / f64::from(slot.probability)).sum::<f64>();
        assert_eq!(slot.moved_by.contains(&EXPLORED.to_owned()), slot.probability < 0.5);
    }
    assert_eq!(first.len(), 3, "{first:?}");
    for (seen, probability) in first.values() {
        let error = (probability * (1.0 - probability) / count as f32).sqrt();
        let share = *seen as f32 / count as f32;
        assert!((share - probability).abs() < 4.0 * error, "{share} is not {probability}");
    }
    let mean = weights / f64::from(3 * count);
    assert!((mean - 3.0).abs() < 0.1, "{mean}");
}

#[test]
fn the_chances_of_a_slate_are_what_its_slots_say() {
    let pin = Rule {
        name: "first".to_owned(),
        rule: "pin".to_owned(),
        items: vec!["d1".to_owned()],
        position: 1,
        ..Rule::default()
    };
    let bench = shop(vec![pin]);
    let live = bench.engine.live();
    for id in 1..200 {
        let decision = live.decide(&asked(id));
        let slate: Vec<Candidate> = decision.slate.iter().map(|slot| slot.candidate).collect();
        let told = chances(&live.snapshot(), None, &asked(id), &slate);
        assert_eq!(told.len(), 3);
        for (slot, chances) in decision.slate.iter().zip(&told) {
            let sum: f64 = chances.iter().map(|(_, chance)| chance).sum();
            assert!((sum - 1.0).abs() < 1e-9);
            let own = chances.iter().find(|(candidate, _)| *candidate == slot.candidate);
            let own = own.unwrap_or_else(|| panic!("{id}: {:?} is not among {chances:?}", slot.candidate));
            assert!((own.1 - f64::from(slot.probability)).abs() < 1e-6, "{own:?} {}", slot.probability);
        }
        assert_eq!((decision.slate[1].probability, told[1].len()), (1.0, 1), "what is pinned is certain");
    }
}

#[test]
fn nothing_is_drawn_where_the_order_is_given() {
    let bench = shop(Vec::new());
    let live = bench.engine.live();
    let given = Request { given: vec!["c1".to_owned(), "a2".to_owned(), "a1".to_owned()], ..asked(1) };
    for id in 1..100 {
        let decision = live.decide(&Request { id: DecisionId(id), ..given.clone() });
        assert!(decision.slate.iter().all(|slot| slot.probability == 1.0));
    }
}
