//! Co-occurrence: hand-computed weights, decay, bounds, and predictions from views and baskets.

use crate::{any_sessions, products, well_formed};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Millis, ProductNo};
use bespoke_models::co_occurrence::{CoOccurrence, CoOccurrenceParams};
use bespoke_models::co_visit::{CoVisitParams, observe_basket, observe_view};
use bespoke_models::scratch::Scratch;
use proptest::prelude::*;

const PARAMS: CoOccurrenceParams = CoOccurrenceParams { neighbours_max: 2, half_life_days: 10.0 };

fn day(number: i64) -> Millis {
    Millis(number * DAY_MS)
}

/// The shares of a row, rounded, best first.
fn shares(rows: &CoOccurrence, from: u32, now: Millis, shrinkage: f32) -> Vec<(f32, u32)> {
    let best = rows.row(ProductNo(from), now).map(|row| row.best(shrinkage, 100)).unwrap_or_default();
    best.into_iter().map(|(share, item)| ((share * 1e4).round() / 1e4, item.0)).collect()
}

#[test]
fn weights_halve_in_a_half_life_and_shares_shrink() {
    let mut rows = CoOccurrence::new(PARAMS);
    rows.add(ProductNo(1), ProductNo(2), 1.0, day(0));
    rows.add(ProductNo(1), ProductNo(3), 1.0, day(10));
    assert_eq!(shares(&rows, 1, day(10), 0.0), [(0.6667, 3), (0.3333, 2)]);
    assert_eq!(shares(&rows, 1, day(10), 1.5), [(0.3333, 3), (0.1667, 2)]);
    let total = rows.row(ProductNo(1), day(20)).expect("a row").total();
    assert!((total - 0.75).abs() < 1e-6, "{total}");
    assert_eq!((shares(&rows, 2, day(10), 0.0), shares(&rows, 99, day(10), 0.0)), (vec![], vec![]));
}

#[test]
fn a_late_weight_counts_as_old_as_it_is_and_bad_weights_not_at_all() {
    let mut rows = CoOccurrence::new(PARAMS);
    rows.add(ProductNo(1), ProductNo(3), 1.0, day(10));
    rows.add(ProductNo(1), ProductNo(2), 1.0, day(0));
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        rows.add(ProductNo(1), ProductNo(4), bad, day(10));
    }
    assert_eq!(shares(&rows, 1, day(10), 0.0), [(0.6667, 3), (0.3333, 2)]);
}

#[test]
fn a_row_is_cut_to_its_strongest_and_remembers_its_total() {
    let mut rows = CoOccurrence::new(PARAMS);
    for to in 1..=5 {
        rows.add(ProductNo(0), ProductNo(to), to as f32, day(0));
        assert!(rows.row(ProductNo(0), day(0)).expect("a row").len() <= 4);
    }
    assert_eq!(shares(&rows, 0, day(0), 0.0), [(0.3333, 5), (0.2667, 4)]);
}

#[test]
fn views_give_inverse_distance_forward_and_half_of_it_backward() {
    let mut rows = CoOccurrence::new(CoOccurrenceParams::default());
    let params = CoVisitParams { window: 2, forward: 1.0, backward: 0.5, ..CoVisitParams::default() };
    observe_view(&mut rows, &products(&[9, 1, 2]), ProductNo(3), day(0), &params);
    let total = |from| rows.row(ProductNo(from), day(0)).map(|row| row.total());
    assert_eq!((total(2), total(1), total(3), total(9)), (Some(1.0), Some(0.5), Some(0.75), None));
    assert_eq!(shares(&rows, 3, day(0), 0.0), [(0.6667, 2), (0.3333, 1)]);
}

#[test]
fn each_item_of_a_basket_gives_one_in_all() {
    let mut rows = CoOccurrence::new(CoOccurrenceParams::default());
    observe_basket(&mut rows, &products(&[1, 2, 3, 2]), day(0));
    observe_basket(&mut rows, &products(&[1, 2]), day(0));
    observe_basket(&mut rows, &products(&[7, 7]), day(0));
    assert_eq!(shares(&rows, 1, day(0), 0.0), [(0.75, 2), (0.25, 3)]);
    assert!(rows.row(ProductNo(7), day(0)).is_none(), "one item alone goes with nothing");
    observe_basket(&mut rows, &(1000..1300).map(ProductNo).collect::<Vec<_>>(), day(0));
    assert!(rows.row(ProductNo(1100), day(0)).is_none(), "only the first 100 items of a basket count");
}

#[test]
fn a_session_predicts_by_its_rows_later_items_more() {
    let mut rows = CoOccurrence::new(CoOccurrenceParams::default());
    for (from, to) in [(1, 7), (2, 8), (2, 1)] {
        rows.add(ProductNo(from), ProductNo(to), 1.0, day(0));
    }
    let params =
        CoVisitParams { session_decay: 0.5, shrinkage: 0.0, earlier_items: 3.0, ..CoVisitParams::default() };
    let list = rows.predict(&params, &products(&[1, 2]), day(0), 10, &mut Scratch::default());
    assert_eq!(list, [(1.5, ProductNo(1)), (0.5, ProductNo(7)), (0.5, ProductNo(8))]);
}

fn viewed(sessions: &[Vec<ProductNo>], freeze_every: usize) -> CoOccurrence {
    let mut rows = CoOccurrence::new(PARAMS);
    let mut frozen = Vec::new();
    for (number, items) in sessions.iter().enumerate() {
        for (place, &item) in items.iter().enumerate() {
            observe_view(&mut rows, &items[..place], item, day(number as i64 / 3), &CoVisitParams::default());
        }
        if number % freeze_every == 0 {
            frozen.push(rows.clone());
        }
    }
    rows
}

proptest! {
    #[test]
    fn clones_and_round_trips_change_nothing(sessions in any_sessions(), freeze_every in 1..5_usize) {
        let live = viewed(&sessions, freeze_every);
        let bytes = postcard::to_allocvec(&live).expect("encodes");
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&viewed(&sessions, 1000)).expect("encodes"));
        let read: CoOccurrence = postcard::from_bytes(&bytes).expect("decodes");
        let predict = |rows: &CoOccurrence| {
            rows.predict(&CoVisitParams::default(), &products(&[3, 1, 4]), day(40), 5, &mut Scratch::default())
        };
        prop_assert_eq!(predict(&read), predict(&live));
    }

    #[test]
    fn a_frozen_clone_does_not_change(sessions in any_sessions(), more in any_sessions()) {
        let mut live = viewed(&sessions, 1000);
        let frozen = live.clone();
        let before = postcard::to_allocvec(&frozen).expect("encodes");
        for items in &more {
            observe_basket(&mut live, items, day(100));
        }
        prop_assert_eq!(before, postcard::to_allocvec(&frozen).expect("encodes"));
    }

    #[test]
    fn odd_parameters_and_products_do_no_harm(
        sessions in any_sessions(),
        session in prop::collection::vec(prop_oneof![(0..12_u32).boxed(), any::<u32>().boxed()].prop_map(ProductNo), 0..20),
        numbers in prop::array::uniform3(prop_oneof![Just(0.0_f32), Just(-3.0), Just(1e30), 0.1..4.0_f32]),
        now in any::<i64>(),
        limit in 0..9_usize,
    ) {
        let params = CoVisitParams {
            session_decay: numbers[0], shrinkage: numbers[1], last_item: numbers[2], ..CoVisitParams::default()
        };
        let list = viewed(&sessions, 1000).predict(&params, &session, Millis(now), limit, &mut Scratch::default());
        prop_assert!(well_formed(&list, limit), "{list:?}");
    }
}
