//! What must hold whatever the shop, the shopper and the request: nothing vanishes, nothing unavailable is shown, the log
//! alone gives the same decision and the same state again.

use crate::{Bench, START, placement, request, rule};
use bespoke_domain::settings::{Diversity, Placement};
use bespoke_domain::{Candidate, EventKind, Millis, Offset, Request};
use bespoke_engine::Engine;
use bespoke_engine::replay::{Replay, bytes};
use proptest::prelude::*;

fn state(engine: &Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.checkpoint().write(&mut bytes).expect("memory takes it");
    bytes
}

const KINDS: [EventKind; 5] = [
    EventKind::ViewItem,
    EventKind::AddToCart,
    EventKind::RemoveFromCart,
    EventKind::Purchase,
    EventKind::AddToWishlist,
];

fn mixed() -> Placement {
    let filters = ["in_cart", "already_bought", "one_variant"];
    let sources = ["popular", "recently_viewed", "co_viewed", "bought_together", "session_neighbours"];
    Placement {
        diversity: Diversity { max_per_category: 2, max_per_brand: 3 },
        rules: vec![rule("pin", &["p3", "p4"], 1), rule("hide", &["p5"], 0)],
        min_evidence: 2,
        ..placement("p", &sources, &filters)
    }
}

type Act = (u8, u32, u8, i64);

fn shop(acts: &[Act]) -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![mixed()]);
    for no in 0..20 {
        bench.product(&format!("p{no}"), ["A", "A > B", "C"][no % 3], &format!("g{}", no / 2), no % 4 != 1);
    }
    let mut minute = 0;
    for &(kind, shopper, product, pause) in acts {
        minute += pause;
        let id = format!("p{}", product % 24);
        match kind % 8 {
            7 => bench.stock(&id, START + pause * 1000, u32::from(product) % 3),
            kind => bench.event(shopper % 6, KINDS[kind as usize % KINDS.len()], minute, &[&id]),
        }
    }
    bench
}

fn ask(acts: &[Act]) -> Request {
    let minute = acts.iter().map(|act| act.3).sum::<i64>() + 1;
    Request { items: vec!["p2".to_owned()], ..request("p", Some(1), minute) }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    proptest::collection::vec((any::<u8>(), any::<u32>(), any::<u8>(), 0_i64..40), 0..120)
}

proptest! {
    #[test]
    fn nothing_vanishes_and_nothing_unavailable_is_shown(acts in acts()) {
        let mut bench = shop(&acts);
        let decision = bench.decide(ask(&acts));
        let removed: u32 = decision.removed.iter().map(|(_, count)| count).sum();
        prop_assert_eq!(decision.candidate_count, removed + decision.slate.len() as u32);
        let considered = decision.considered.as_ref().expect("it was asked for");
        prop_assert_eq!(considered.len() as u32, decision.candidate_count);
        let shown = considered.iter().filter(|one| one.removed_by.is_none()).count();
        prop_assert_eq!(shown, decision.slate.len());
        let snapshot = bench.engine.live().snapshot();
        for slot in &decision.slate {
            let Candidate::Product(product) = slot.candidate else { panic!("a product placement") };
            let row = snapshot.aggregates.catalog.row(product);
            prop_assert!(row.is_some_and(|row| row.is_available(Millis(START))));
            prop_assert!(snapshot.aggregates.catalog.id(product) != "p5", "hidden by a rule");
        }
    }

    #[test]
    fn the_log_alone_gives_the_same_decision_again(acts in acts(), later in acts(), lag in 0_usize..20) {
        let mut bench = shop(&acts);
        let request = ask(&acts);
        // The snapshot lags behind the profile, as it may by a tick.
        let behind = bench.entries.len().saturating_sub(lag);
        let mut engine = Engine::default();
        for (at, entry) in bench.entries.iter().enumerate() {
            if at == behind {
                engine.publish();
            }
            engine.apply(Offset(at as u64 + 1), entry);
        }
        if behind == bench.entries.len() {
            engine.publish();
        }
        let served = engine.live().decide(&request);
        for no in 0..20 {
            bench.stock(&format!("p{no}"), START + 1_000_000, 0);
        }
        bench.settings(Vec::new());
        for &(kind, shopper, product, _) in &later {
            bench.event(shopper % 6, KINDS[kind as usize % KINDS.len()], 10_000, &[&format!("p{}", product % 24)]);
        }
        let mut replay = Replay::new(&served, None);
        let until = replay.until();
        for (offset, entry) in (1..).map(Offset).zip(&bench.entries).take_while(|(offset, _)| *offset <= until) {
            replay.feed(offset, entry);
        }
        prop_assert_eq!(bytes(&replay.finish()), bytes(&served));
    }

    #[test]
    fn a_restart_from_any_checkpoint_gives_the_state_of_a_full_fold(acts in acts(), cut in any::<usize>()) {
        let bench = shop(&acts);
        let cut = cut % (bench.entries.len() + 1);
        let mut first = Engine::default();
        for (at, entry) in bench.entries[..cut].iter().enumerate() {
            first.apply(Offset(at as u64 + 1), entry);
        }
        let kept = state(&first);
        let mut second = Engine::restore(&kept).expect("what was written is read");
        prop_assert!(state(&second) == kept, "restored, nothing else");
        for (at, entry) in bench.entries.iter().enumerate().skip(cut) {
            second.apply(Offset(at as u64 + 1), entry);
        }
        let (again, whole) = (state(&second), state(&bench.engine));
        prop_assert!(again == whole, "cut at {cut}");
    }
}

#[test]
fn a_checkpoint_of_another_version_or_damaged_is_not_used() {
    let bytes = state(&Engine::default());
    assert!(Engine::restore(&bytes[..bytes.len() - 1]).is_none());
    let mut other = bytes.clone();
    other[0] = 99;
    assert!(Engine::restore(&other).is_none());
}
