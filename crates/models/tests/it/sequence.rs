//! The sequence model: known answers, the same seed = the same bytes whatever the threads, saved and loaded the same, many
//! at once = each alone, products that nobody had yet, odd input.

use super::{products, well_formed};
use bespoke_domain::ProductNo;
use bespoke_models::interactions::Interactions;
use bespoke_models::recommender::{Ask, FitRun, Recommender, Scores, recommend_each};
use bespoke_models::seeded::Seeded;
use bespoke_models::sequence::{Sequence, SequenceData, SequenceParams};

const RUN: FitRun = FitRun { seed: 7, threads: 1 };

fn small() -> SequenceParams {
    SequenceParams {
        width: 32,
        inner: 32,
        layers: 1,
        heads: 2,
        reach: 10,
        dropout: 0.1,
        batch: 16,
        negatives: 0,
        learning_rate: 5e-3,
        epochs: 40,
        ..SequenceParams::default()
    }
}

/// Products 1 to 12 in a ring, each followed by the next; values 0 to 2 say which third of the ring it is. Nobody had
/// products 0 and 13 to 15; 14 has the values of the second third.
fn ring() -> SequenceData {
    let mut seeded = Seeded::new(1);
    let walk = |start: usize| (0..6).map(move |step| ProductNo(((start + step) % 12 + 1) as u32)).collect();
    let sequences = (0..200).map(|_| walk(seeded.below(12))).collect();
    let value = |product: u32| match product {
        1..=12 => vec![(ProductNo((product - 1) / 4), 1.0)],
        14 => vec![(ProductNo(1), 1.0)],
        _ => Vec::new(),
    };
    SequenceData { sequences, product_count: 16, attributes: Interactions::new((0..16).map(value)) }
}

fn weighted(events: &[ProductNo]) -> Vec<(ProductNo, f32)> {
    events.iter().map(|event| (*event, 1.0)).collect()
}

fn top(model: &Sequence, events: &[u32], limit: usize) -> Vec<(f32, ProductNo)> {
    let history = weighted(&products(events));
    model.recommend(&Ask { history: &history, excluded: &[], limit }, &mut Scores::default())
}

fn bytes(model: &Sequence) -> Vec<u8> {
    postcard::to_allocvec(model).expect("models are plain data")
}

#[test]
fn the_next_in_the_ring_is_found_by_full_and_by_drawn_softmax() {
    for negatives in [0, 6] {
        let model = SequenceParams { negatives, ..small() }.fit(&ring(), RUN);
        for last in 1..=12_u32 {
            let before = (last + 10) % 12 + 1;
            let next = ProductNo(last % 12 + 1);
            let found = top(&model, &[before, last], 3);
            assert_eq!(found.first().map(|one| one.1), Some(next), "{negatives}: {before} {last} {found:?}");
            assert!(found[0].0 > 0.5 && found[0].0 <= 1.0, "a probability: {found:?}");
        }
        // The order counts: the same two events the other way round.
        assert_ne!(top(&model, &[4, 5], 1)[0].1, top(&model, &[5, 4], 1)[0].1);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_threads() {
    let params = SequenceParams { epochs: 3, id_dropout: 0.3, negatives: 7, layers: 2, ..small() };
    let right = bytes(&params.fit(&ring(), RUN));
    for threads in [1, 2, 5] {
        assert!(bytes(&params.fit(&ring(), FitRun { seed: 7, threads })) == right, "{threads} threads");
    }
    assert!(bytes(&params.fit(&ring(), FitRun { seed: 8, threads: 1 })) != right);
}

#[test]
fn saved_and_loaded_answers_are_the_same_and_many_at_once_are_each_alone() {
    let model = SequenceParams { epochs: 3, content_weight: 2.0, ..small() }.fit(&ring(), RUN);
    let loaded: Sequence = postcard::from_bytes(&bytes(&model)).expect("just written");
    assert_eq!((loaded.product_count(), loaded.size_bytes()), (16, model.size_bytes()));
    let histories: Vec<_> = ring().sequences.iter().map(|events| weighted(events)).collect();
    let excluded = products(&[3, 11, 9999]);
    let asks: Vec<_> =
        histories.iter().map(|history| Ask { history, excluded: &excluded, limit: 20 }).collect();
    let answers = recommend_each(&model, &asks, 2);
    let mut scratch = Scores::default();
    for (ask, answer) in asks.iter().zip(&answers) {
        assert_eq!(loaded.recommend(ask, &mut scratch), *answer);
        assert!(well_formed(answer, 20), "{answer:?}");
        // The ten of the ring that are left, and the one that has values.
        assert_eq!(answer.len(), 11, "{answer:?}");
        let is_known = |product: ProductNo| (1..=12).contains(&product.0) || product.0 == 14;
        assert!(answer.iter().all(|one| is_known(one.1) && !excluded.contains(&one.1)), "{answer:?}");
    }
}

#[test]
fn a_product_that_nobody_had_stands_with_those_that_share_its_values() {
    let mut model = SequenceParams { id_dropout: 0.5, ..small() }.fit(&ring(), RUN);
    let share = |model: &Sequence, events: &[u32], product: u32| {
        let found = top(model, events, 16);
        found.iter().find(|one| one.1 == ProductNo(product)).map_or(0.0, |one| one.0)
    };
    // After 5, 6 comes another of the second third; after 9, 10 one of the last.
    assert!(share(&model, &[5, 6], 14) > 3.0 * share(&model, &[9, 10], 14));
    // One that comes after the fit is the same to the model, and can be started from.
    model.introduce(ProductNo(20), &[(1, 2.0), (77, 1.0)]);
    assert_eq!(share(&model, &[5, 6], 20), share(&model, &[5, 6], 14));
    assert!(!top(&model, &[20], 5).is_empty());
    model.introduce(ProductNo(30), &[(77, 1.0)]);
    assert_eq!(model.product_count(), 21);
}

#[test]
fn content_similarity_has_its_say_before_and_after_the_fit() {
    let params = SequenceParams { epochs: 3, ..small() };
    let weighed = SequenceParams { content_weight: 4.0, ..params }.fit(&ring(), RUN);
    let mut model = params.fit(&ring(), RUN);
    let plain = top(&model, &[5], 16);
    model.weigh_content(4.0, params.content, &ring().attributes);
    assert!(bytes(&model) == bytes(&weighed), "when it is weighed makes no difference");
    let of = |found: &[(f32, ProductNo)], product: u32| {
        found.iter().find(|one| one.1 == ProductNo(product)).map_or(0.0, |one| one.0)
    };
    // The second third: 5 to 8, and 14, which nobody had. What the others lose is the same part for each.
    let found = top(&model, &[5], 16);
    let odds = |product| of(&found, product) / of(&plain, product);
    assert!(odds(14) > 2.0 * odds(1), "{found:?} {plain:?}");
    assert!((odds(14) / odds(6) - 1.0).abs() < 1e-4 && (odds(9) / odds(1) - 1.0).abs() < 1e-4);
    assert!((found.iter().map(|one| one.0).sum::<f32>() - 1.0).abs() < 1e-4, "probabilities: {found:?}");
    model.introduce(ProductNo(20), &[(1, 1.0)]);
    let found = top(&model, &[5], 21);
    assert!((of(&found, 20) / of(&found, 14) - 1.0).abs() < 1e-5, "{found:?}");
    model.weigh_content(0.0, params.content, &ring().attributes);
    assert_eq!(of(&top(&model, &[5], 16), 1) > 0.0, of(&plain, 1) > 0.0);
}

#[test]
fn judged_training_keeps_the_best_and_stops_in_time() {
    let params = SequenceParams { epochs: 9, patience: 2, ..small() };
    let mut verdicts = [1.0, 3.0, 2.0, 2.5].into_iter();
    let (model, when) = params.fit_judged(&ring(), RUN, |_| verdicts.next().expect("four epochs"));
    assert_eq!(when, 2);
    let short = SequenceParams { epochs: 2, ..params }.fit(&ring(), RUN);
    assert_eq!(top(&model, &[3, 4], 12), top(&short, &[3, 4], 12));
}

#[test]
fn odd_histories_and_empty_data_get_an_answer_without_a_panic() {
    let model = SequenceParams { epochs: 1, ..small() }.fit(&ring(), RUN);
    for events in [&[][..], &[0, 13, 15, 16, u32::MAX]] {
        assert_eq!(top(&model, events, 5), []);
    }
    assert_eq!(top(&model, &[1], 0), []);
    let long: Vec<u32> = (0..500).map(|step| step % 12 + 1).collect();
    assert_eq!(top(&model, &long, 5), top(&model, &long[490..], 5));
    let odd = SequenceParams { width: 0, inner: 0, heads: 0, reach: 0, layers: 0, batch: 0, ..small() };
    for params in [small(), odd] {
        let nothing = Interactions::new(Vec::<Vec<(ProductNo, f32)>>::new());
        for sequences in [vec![], vec![products(&[1]), products(&[900, 2])]] {
            let data = SequenceData { sequences, product_count: 4, attributes: nothing.clone() };
            assert_eq!(top(&params.fit(&data, RUN), &[1, 2], 5), []);
        }
    }
}
