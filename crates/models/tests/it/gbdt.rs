//! Boosted trees: planted answers, missing values, the same bytes from any number of threads, refusal of odd input.

use bespoke_models::gbdt::{Error, Gbdt, GbdtParams, LambdaRank, Loss, Rows, mean_ndcg, sigmoid};
use proptest::prelude::*;

const EXACT: GbdtParams = GbdtParams {
    loss: Loss::Squared,
    trees: 1,
    leaves: 2,
    learning_rate: 1.0,
    bins: 255,
    rows_in_leaf_min: 1,
    hessian_in_leaf_min: 0.0,
    l2: 0.0,
    feature_share: 1.0,
    row_share: 1.0,
    patience: 20,
    threads: 1,
};
const RANKING: GbdtParams =
    GbdtParams { loss: Loss::LambdaRank(LambdaRank { truncation: 30, steepness: 1.0 }), ..EXACT };

/// Numbers from 0 to 1 without a pattern.
pub fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 24) as f32
    }
}

fn rows(feature_count: usize, values: Vec<f32>, labels: Vec<f32>) -> Rows {
    Rows::new(feature_count, values, labels).expect("sound")
}

fn fit(params: &GbdtParams, rows: &Rows) -> Gbdt {
    Gbdt::fit(params, rows, 7).expect("sound")
}

fn scores(model: &Gbdt, values: &[f32]) -> Vec<f32> {
    let mut scores = Vec::new();
    model.score(values, &mut scores);
    scores
}

/// Groups of ten with a planted order by the first of three features; grades 0 to 3.
fn planted(groups: usize, seed: u64) -> Rows {
    let mut noise = noise(seed);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..10 * groups {
        let row = [noise(), noise(), if noise() < 0.2 { f32::NAN } else { noise() }];
        labels.push((row[0] * 4.0).floor());
        values.extend(row);
    }
    rows(3, values, labels).grouped(vec![10; groups]).expect("whole groups")
}

#[test]
fn a_tree_finds_a_planted_split_and_its_means() {
    let data = rows(2, vec![5., 1., 3., 2., 9., 3., 1., 4.], vec![10.0, 10.0, 20.0, 20.0]);
    let model = fit(&EXACT, &data);
    assert_eq!(scores(&model, &[0.0, 2.5, 0.0, 2.6]), [10.0, 20.0], "the cut is halfway between 2 and 3");
    assert_eq!(model.gains()[0], 0.0);
    assert!((model.gains()[1] - 100.0).abs() < 1e-3, "G²/H: 2 · (2·5)²/2 - 0");
    let heavy = data.weighted(vec![3.0, 1.0, 1.0, 1.0]).expect("sound");
    let pulled = fit(&GbdtParams { l2: 4.0, ..EXACT }, &heavy);
    let base = (3.0 * 10.0 + 10.0 + 20.0 + 20.0) / 6.0;
    let expected = [base + 4.0 * (10.0 - base) / 8.0, base + 2.0 * (20.0 - base) / 6.0];
    for (score, expected) in scores(&pulled, &[0.0, 1.0, 0.0, 9.0]).into_iter().zip(expected) {
        assert!((score - expected).abs() < 1e-4, "{score} is not {expected}");
    }
}

#[test]
fn what_is_missing_has_its_own_direction() {
    let nan = f32::NAN;
    for (labels, alone, missing) in [([1., 1., 5., 5., 5.], 1.0, 5.0), ([1., 1., 5., 1., 1.], 1.0, 1.0)] {
        let data = rows(1, vec![1.0, 2.0, 8.0, nan, nan], labels.to_vec());
        let model = fit(&EXACT, &data);
        let scores = scores(&model, &[1.5, nan, 9.0]);
        assert!((scores[0] - alone).abs() < 1e-4 && (scores[1] - missing).abs() < 1e-4, "{scores:?}");
        assert!((scores[2] - 5.0).abs() < 1e-4);
    }
    let only_missing = rows(1, vec![1.0, 2.0, 8.0, nan, nan], vec![1.0, 1.0, 1.0, 6.0, 6.0]);
    let scores = scores(&fit(&EXACT, &only_missing), &[1.0, f32::MAX, nan]);
    assert!(
        (scores[0] - 1.0).abs() < 1e-4 && (scores[1] - 1.0).abs() < 1e-4 && (scores[2] - 6.0).abs() < 1e-4
    );
}

#[test]
fn probabilities_of_separable_labels_become_sure() {
    let values: Vec<f32> = (0..200).map(|at| at as f32).collect();
    let labels = values.iter().map(|&value| f32::from(u8::from(value >= 120.0))).collect();
    let params = GbdtParams { loss: Loss::Logistic, trees: 50, learning_rate: 0.3, ..EXACT };
    let model = fit(&params, &rows(1, values, labels));
    let probabilities: Vec<f32> =
        scores(&model, &[3.0, 119.0, 120.0, 300.0]).into_iter().map(sigmoid).collect();
    assert!(probabilities[..2].iter().all(|&one| one < 0.01), "{probabilities:?}");
    assert!(probabilities[2..].iter().all(|&one| one > 0.99), "{probabilities:?}");
}

#[test]
fn a_ranking_recovers_a_planted_order() {
    let params = GbdtParams { trees: 40, leaves: 15, learning_rate: 0.1, rows_in_leaf_min: 20, ..RANKING };
    let model = fit(&params, &planted(300, 1));
    let unseen = planted(100, 2);
    let found = mean_ndcg(&unseen, &scores(&model, unseen.values()), 10);
    assert!(found > 0.995, "NDCG@10 {found}");
    assert!(model.gains()[0] > 20.0 * (model.gains()[1] + model.gains()[2]), "{:?}", model.gains());
}

#[test]
fn the_first_pushes_of_a_ranking_are_those_of_the_paper() {
    // Two rows, equal scores: λ = ΔNDCG / 2 = (1 - 1/log2(3)) / 2, normalised by log2(1 + 2λ) / 2λ; curvature λ / 2.
    let data = rows(1, vec![0.0, 1.0], vec![0.0, 1.0]).grouped(vec![2]).expect("one group");
    let scores = scores(&fit(&RANKING, &data), &[0.0, 1.0]);
    assert!(
        (scores[0] + 2.0).abs() < 1e-4 && (scores[1] - 2.0).abs() < 1e-4,
        "-G/H = ±λ / (λ/2): {scores:?}"
    );
}

#[test]
fn watched_rows_end_the_growing() {
    let params = GbdtParams { trees: 300, leaves: 31, learning_rate: 0.3, patience: 5, ..RANKING };
    let (data, watched) = (planted(60, 3), planted(60, 4));
    let model = Gbdt::fit_watched(&params, &data, &watched, 7).expect("sound");
    assert!(model.tree_count() > 0 && model.tree_count() < 100, "{} trees", model.tree_count());
    let other = rows(1, vec![0.0], vec![0.0]).grouped(vec![1]).expect("one group");
    assert!(matches!(Gbdt::fit_watched(&params, &data, &other, 7), Err(Error::Length { .. })));
}

#[test]
fn the_same_seed_gives_the_same_bytes_from_any_number_of_threads() {
    let data = planted(3000, 5);
    let params = GbdtParams {
        trees: 8,
        leaves: 31,
        bins: 63,
        feature_share: 0.7,
        row_share: 0.8,
        threads: 1,
        ..RANKING
    };
    let bytes = |params: &GbdtParams, seed| {
        postcard::to_allocvec(&Gbdt::fit(params, &data, seed).expect("sound")).expect("plain data")
    };
    let one = bytes(&params, 1);
    assert_eq!(one, bytes(&params, 1));
    for threads in [2, 3] {
        assert!(one == bytes(&GbdtParams { threads, ..params }, 1), "{threads} threads differ");
    }
    assert_ne!(one, bytes(&params, 2));
    let model = Gbdt::fit(&params, &data, 1).expect("sound");
    let back: Gbdt = postcard::from_bytes(&one).expect("its own bytes");
    assert_eq!(back, model);
    assert_eq!(scores(&back, data.values()), scores(&model, data.values()));
}

#[test]
fn odd_input_is_refused_by_name() {
    let fine = || rows(2, vec![0.0, 1.0, 2.0, 3.0], vec![0.0, 1.0]);
    assert_eq!(Rows::new(0, vec![], vec![1.0]), Err(Error::NoFeatures));
    assert_eq!(Rows::new(2, vec![], vec![]), Err(Error::NoRows));
    assert_eq!(
        Rows::new(2, vec![0.0; 3], vec![0.0; 2]),
        Err(Error::Length { what: "values", found: 3, wanted: 4 })
    );
    assert_eq!(Rows::new(2, vec![0.0, 0.0, 0.0, f32::INFINITY], vec![0.0; 2]), Err(Error::Infinite(1, 1)));
    assert!(matches!(Rows::new(1, vec![0.0], vec![f32::NAN]), Err(Error::Label(0, _))));
    assert_eq!(
        fine().grouped(vec![1]),
        Err(Error::Length { what: "the sum of group sizes", found: 1, wanted: 2 })
    );
    assert!(matches!(fine().weighted(vec![1.0]), Err(Error::Length { what: "weights", .. })));
    assert_eq!(fine().weighted(vec![1.0, -1.0]), Err(Error::Weight(1, -1.0)));
    assert_eq!(Gbdt::fit(&RANKING, &fine(), 1), Err(Error::NoGroups));
    let halves = rows(1, vec![0.0, 1.0], vec![0.0, 1.5]);
    let grouped = halves.clone().grouped(vec![2]).expect("one group");
    assert_eq!(Gbdt::fit(&RANKING, &grouped, 1), Err(Error::Label(1, 1.5)));
    let logistic = GbdtParams { loss: Loss::Logistic, ..EXACT };
    assert_eq!(Gbdt::fit(&logistic, &halves, 1), Err(Error::Label(1, 1.5)));
    for (params, name) in [
        (GbdtParams { leaves: 1, ..EXACT }, "leaves"),
        (GbdtParams { bins: 256, ..EXACT }, "bins"),
        (GbdtParams { learning_rate: f32::NAN, ..EXACT }, "learning_rate"),
        (GbdtParams { row_share: 0.0, ..EXACT }, "row_share"),
    ] {
        assert_eq!(Gbdt::fit(&params, &fine(), 1), Err(Error::Parameter(name)));
    }
}

#[test]
fn nothing_to_learn_gives_the_mean() {
    let model = fit(&EXACT, &rows(1, vec![f32::NAN; 4], vec![1.0, 2.0, 3.0, 6.0]));
    assert_eq!((model.tree_count(), scores(&model, &[5.0])), (0, vec![3.0]));
    let weightless = rows(1, vec![0.0, 1.0], vec![1.0, 2.0]).weighted(vec![0.0; 2]).expect("sound");
    assert!(scores(&fit(&EXACT, &weightless), &[0.0])[0].is_finite());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Sixteen rows at a time, with bit vectors up to 32 leaves and by walking above, score as one row at a time does.
    #[test]
    fn batches_score_like_single_rows(seed in 0..1000_u64, row_count in 1..60_usize, leaves in 2..60_u32) {
        let mut noise = noise(seed);
        let mut value = || if noise() < 0.15 { f32::NAN } else { (noise() * 40.0).floor() };
        let values: Vec<f32> = (0..row_count * 3).map(|_| value()).collect();
        let labels: Vec<f32> = (0..row_count).map(|_| { let one = value(); if one.is_nan() { 3.0 } else { one } }).collect();
        let model = fit(&GbdtParams { trees: 5, leaves, learning_rate: 0.5, ..EXACT }, &rows(3, values.clone(), labels));
        let batch = scores(&model, &values);
        let single: Vec<f32> = values.chunks(3).map(|row| model.score_one(row)).collect();
        prop_assert_eq!(batch, single);
    }

    /// With leaves enough and no damping, squared loss comes to the mean of rows that cannot be told apart.
    #[test]
    fn enough_leaves_learn_by_heart(values in prop::collection::vec(0..20_u32, 1..60)) {
        let labels: Vec<f32> = values.iter().map(|value| (value * value) as f32).collect();
        let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
        let params = GbdtParams { trees: 8, leaves: 32, ..EXACT };
        let model = fit(&params, &rows(1, values.clone(), labels.clone()));
        for (score, label) in scores(&model, &values).into_iter().zip(labels) {
            prop_assert!((score - label).abs() < 1e-2 + label * 1e-4, "{} is not {}", score, label);
        }
    }
}
