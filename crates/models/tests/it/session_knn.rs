//! Session neighbours: against hand-computed cases and against a plain restatement of the method.

use crate::{any_sessions, products, well_formed};
use bespoke_domain::ProductNo;
use bespoke_models::scratch::Scratch;
use bespoke_models::session_index::{IndexParams, SessionIndex};
use bespoke_models::session_knn::SessionKnnParams;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Every weight 1: the score of an item is the number of shared items, summed over its occurrences in neighbours.
const PLAIN: SessionKnnParams = SessionKnnParams {
    items_max: 16,
    candidates_max: 1000,
    neighbours_max: 1000,
    position_decay: f32::INFINITY,
    shared_idf: 0.0,
    item_idf: 0.0,
    length_power: 0.0,
    recency: f32::INFINITY,
    distance_decay: f32::INFINITY,
    backward: 1.0,
    last_item: 1.0,
    earlier_items: 1.0,
};
/// A decay length at which one step halves.
const HALVING: f32 = std::f32::consts::LOG2_E;

fn index(sessions: &[&[u32]]) -> SessionIndex {
    let mut index = SessionIndex::new(IndexParams::default());
    sessions.iter().for_each(|items| index.push(&products(items)));
    index
}

fn predict(index: &SessionIndex, params: &SessionKnnParams, session: &[u32]) -> Vec<(f32, u32)> {
    let list = index.predict(params, &products(session), 20, &mut Scratch::default());
    list.into_iter().map(|(score, item)| ((score * 1e4).round() / 1e4, item.0)).collect()
}

#[test]
fn plain_weights_count_shared_items() {
    let index = index(&[&[1, 2, 3], &[2, 3], &[4]]);
    assert_eq!(predict(&index, &PLAIN, &[2]), [(2.0, 2), (2.0, 3), (1.0, 1)]);
    assert_eq!(predict(&index, &PLAIN, &[1, 2]), [(3.0, 2), (3.0, 3), (2.0, 1)]);
    assert_eq!(predict(&index, &PLAIN, &[9]), []);
    assert_eq!(predict(&index, &PLAIN, &[]), []);
}

#[test]
fn distance_direction_and_length_weigh_as_documented() {
    let index = index(&[&[1, 2, 3], &[2, 3], &[4]]);
    let params = SessionKnnParams { distance_decay: HALVING, backward: 0.5, length_power: 1.0, ..PLAIN };
    // Of [1, 2, 3] with similarity 1/3: 2 gives 1/3, 3 half of it, 1 half of that; of [2, 3] with 1/2: 1/2 and 1/4.
    assert_eq!(predict(&index, &params, &[2]), [(0.8333, 2), (0.4167, 3), (0.0833, 1)]);
}

#[test]
fn only_the_newest_are_compared_and_the_most_similar_heard() {
    let index = index(&[&[1, 2, 3], &[2, 5], &[2, 4, 6]]);
    let newest = SessionKnnParams { candidates_max: 1, ..PLAIN };
    assert_eq!(predict(&index, &newest, &[2]), [(1.0, 2), (1.0, 4), (1.0, 6)]);
    let shortest = SessionKnnParams { neighbours_max: 1, length_power: 1.0, ..PLAIN };
    assert_eq!(predict(&index, &shortest, &[2]), [(0.5, 2), (0.5, 5)]);
    let last_item_only = SessionKnnParams { items_max: 1, ..PLAIN };
    assert_eq!(predict(&index, &last_item_only, &[1, 5]), [(1.0, 2), (1.0, 5)]);
    let nobody = SessionKnnParams { neighbours_max: 0, ..PLAIN };
    assert_eq!(predict(&index, &nobody, &[2]), []);
}

#[test]
fn later_items_weigh_more_and_repeats_are_weighed_apart() {
    let index = index(&[&[1, 7], &[2, 8]]);
    let params = SessionKnnParams { position_decay: HALVING, last_item: 0.1, earlier_items: 3.0, ..PLAIN };
    assert_eq!(predict(&index, &params, &[1, 2]), [(1.5, 1), (1.0, 8), (0.5, 7), (0.1, 2)]);
}

#[test]
fn newer_neighbours_weigh_more() {
    let index = index(&[&[1, 7], &[1, 8]]);
    let list = predict(&index, &SessionKnnParams { recency: 0.5, ..PLAIN }, &[1]);
    // Ages 1 and 2 of 2 sessions at an e-folding of half of them: exp(-1) and exp(-2).
    assert_eq!(list, [(0.5032, 1), (0.3679, 8), (0.1353, 7)]);
}

#[test]
fn a_rare_shared_item_says_more_than_a_common_one() {
    let mut sessions: Vec<&[u32]> = vec![&[1, 9]; 40];
    sessions.extend([&[1, 7][..], &[2, 8]]);
    let list = predict(
        &index(&sessions),
        &SessionKnnParams { shared_idf: 1.0, neighbours_max: 1, ..PLAIN },
        &[2, 1],
    );
    assert_eq!(
        list.iter().map(|one| one.1).collect::<Vec<_>>(),
        [2, 8],
        "the session with the rare item is nearest"
    );
}

#[test]
fn a_frozen_clone_does_not_change() {
    let mut live = index(&[&[1, 2], &[2, 3]]);
    let frozen = live.clone();
    let before = predict(&frozen, &PLAIN, &[2]);
    live.push(&products(&[2, 4]));
    assert_eq!(predict(&frozen, &PLAIN, &[2]), before);
    assert_eq!(predict(&live, &PLAIN, &[2]), [(3.0, 2), (1.0, 1), (1.0, 3), (1.0, 4)]);
}

fn built(sessions: &[Vec<ProductNo>], params: IndexParams, freeze_every: usize) -> SessionIndex {
    let mut index = SessionIndex::new(params);
    let mut frozen = Vec::new();
    for (place, items) in sessions.iter().enumerate() {
        index.push(items);
        if place % freeze_every == 0 {
            frozen.push(index.clone());
        }
    }
    index
}

/// The method once more, with maps and sorts, for what [`SessionKnnParams`] documents.
fn restated(
    sessions: &[Vec<ProductNo>],
    params: &SessionKnnParams,
    session: &[ProductNo],
) -> BTreeMap<ProductNo, f32> {
    let fall = |steps: usize, length: f32| (-(steps as f32) / length).exp();
    let mut shared: Vec<(ProductNo, f32)> = Vec::new();
    for (place, &item) in session.iter().rev().enumerate() {
        let known = sessions.iter().any(|items| items.contains(&item));
        if known && shared.iter().all(|one| one.0 != item) {
            shared.push((item, fall(place, params.position_decay)));
        }
    }
    let mut scores = BTreeMap::new();
    let holders = sessions.iter().rev().filter(|items| shared.iter().any(|one| items.contains(&one.0)));
    for items in holders.take(params.candidates_max as usize) {
        let overlap: f32 = shared.iter().filter(|one| items.contains(&one.0)).map(|one| one.1).sum();
        let latest = shared.iter().find(|one| items.contains(&one.0)).expect("it shares one").0;
        let at = items.iter().rposition(|&item| item == latest).expect("it holds it");
        for (place, &item) in items.iter().enumerate() {
            let direction = if place < at { params.backward } else { 1.0 };
            let near = direction * fall(place.abs_diff(at), params.distance_decay);
            let similarity = overlap / (items.len() as f32).powf(params.length_power);
            *scores.entry(item).or_insert(0.0) += similarity * near;
        }
    }
    scores
}

proptest! {
    #[test]
    fn it_is_the_method_as_documented(
        sessions in any_sessions(),
        session in prop::collection::vec((0..14_u32).prop_map(ProductNo), 0..8),
        candidates_max in 1..60_u32,
    ) {
        let params = SessionKnnParams {
            candidates_max, position_decay: 1.5, distance_decay: 2.0, backward: 0.7, length_power: 0.5, ..PLAIN
        };
        let list = built(&sessions, IndexParams::default(), 1000).predict(&params, &session, 20, &mut Scratch::default());
        let expected = restated(&sessions, &params, &session);
        prop_assert!(well_formed(&list, 20));
        prop_assert_eq!(list.len(), expected.len());
        for (score, item) in list {
            prop_assert!((score - expected[&item]).abs() < 1e-4 * score, "{:?}: {} {}", item, score, expected[&item]);
        }
    }

    #[test]
    fn incremental_equals_rebuilt_and_survives_a_round_trip(sessions in any_sessions(), freeze_every in 1..5_usize) {
        let params = IndexParams { postings_max: 3, ..IndexParams::default() };
        let live = built(&sessions, params, freeze_every);
        let bytes = postcard::to_allocvec(&live).expect("encodes");
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&built(&sessions, params, 1000)).expect("encodes"));
        let read: SessionIndex = postcard::from_bytes(&bytes).expect("decodes");
        let mut scratch = Scratch::default();
        let session = products(&[3, 1, 4]);
        let params = SessionKnnParams::default();
        prop_assert_eq!(
            read.predict(&params, &session, 10, &mut scratch),
            live.predict(&params, &session, 10, &mut Scratch::default())
        );
    }

    #[test]
    fn odd_parameters_and_products_do_no_harm(
        sessions in any_sessions(),
        session in prop::collection::vec(prop_oneof![(0..12_u32).boxed(), any::<u32>().boxed()].prop_map(ProductNo), 0..70),
        numbers in prop::array::uniform4(prop_oneof![Just(0.0_f32), Just(-3.0), Just(1e30), 0.1..4.0_f32]),
        counts in prop::array::uniform3(0..40_u32),
        limit in 0..9_usize,
    ) {
        let params = SessionKnnParams {
            items_max: counts[0],
            candidates_max: counts[1],
            neighbours_max: counts[2],
            position_decay: numbers[0],
            recency: numbers[1],
            distance_decay: numbers[2],
            length_power: numbers[3],
            ..SessionKnnParams::default()
        };
        let index = built(&sessions, IndexParams { postings_max: counts[0], ..IndexParams::default() }, 7);
        let list = index.predict(&params, &session, limit, &mut Scratch::default());
        prop_assert!(well_formed(&list, limit), "{list:?}");
    }
}
