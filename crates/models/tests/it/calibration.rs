//! Isotonic calibration: pools by hand, monotone everywhere, and a skewed head that becomes honest on later cases.

use crate::gbdt::noise;
use bespoke_models::gbdt::{Error, Gbdt, GbdtParams, Loss, Rows, sigmoid};
use bespoke_models::isotonic::Isotonic;
use bespoke_models::metrics::calibration_error;
use proptest::prelude::*;

#[test]
fn violators_are_pooled_by_hand() {
    let fitted = Isotonic::fit(&[1.0, 2.0, 3.0, 4.0, 4.0], &[0.0, 1.0, 0.0, 1.0, 0.5]).expect("sound");
    let values: Vec<f32> = [0.0, 1.0, 1.5, 2.0, 2.7, 3.0, 4.0, 9.0].map(|score| fitted.value(score)).to_vec();
    assert_eq!(values, [0.0, 0.0, 0.25, 0.5, 0.5, 0.5, 0.75, 0.75]);
    assert_eq!(fitted.value(f32::NAN), 0.0);
    let bytes = postcard::to_allocvec(&fitted).expect("plain data");
    assert_eq!(postcard::from_bytes::<Isotonic>(&bytes).expect("its own bytes"), fitted);
    assert_eq!(Isotonic::fit(&[], &[]), Err(Error::NoRows));
    assert!(matches!(Isotonic::fit(&[1.0], &[]), Err(Error::Length { .. })));
    assert!(matches!(Isotonic::fit(&[f32::NAN], &[1.0]), Err(Error::Label(0, _))));
}

/// Visits and whether each bought, in the order of time.
fn visits(count: usize, seed: u64) -> Vec<([f32; 3], f32)> {
    let mut noise = noise(seed);
    let visit = |_| {
        let row = [noise() * 4.0 - 2.0, noise() * 4.0 - 2.0, noise()];
        let truth = sigmoid(1.5 * row[0] - row[1] * row[1] - 1.0);
        (row, f32::from(u8::from(noise() < truth)))
    };
    (0..count).map(visit).collect()
}

#[test]
fn an_overconfident_head_is_honest_after_calibration() {
    let all = visits(86_000, 11);
    let (fitted_on, later) = all.split_at(6_000);
    let (calibrated_on, judged_on) = later.split_at(40_000);
    let rows = |part: &[([f32; 3], f32)]| {
        let values = part.iter().flat_map(|visit| visit.0).collect();
        Rows::new(3, values, part.iter().map(|visit| visit.1).collect()).expect("sound")
    };
    let params = GbdtParams {
        loss: Loss::Logistic,
        trees: 300,
        learning_rate: 0.2,
        rows_in_leaf_min: 2,
        ..GbdtParams::default()
    };
    let model = Gbdt::fit(&params, &rows(fitted_on), 1).expect("sound");
    let scores = |part| {
        let mut scores = Vec::new();
        model.score(rows(part).values(), &mut scores);
        scores
    };
    let calibration = Isotonic::fit(&scores(calibrated_on), rows(calibrated_on).labels()).expect("sound");
    let (later, labels) = (scores(judged_on), rows(judged_on).labels().to_vec());
    let plain: Vec<f32> = later.iter().map(|&score| sigmoid(score)).collect();
    let honest: Vec<f32> = later.iter().map(|&score| calibration.value(score)).collect();
    let (before, after) = (calibration_error(&plain, &labels, 15), calibration_error(&honest, &labels, 15));
    assert!(before > 0.04, "the head was to be overconfident: {before}");
    assert!(after <= 0.02, "calibration error {after}, {before} before");
}

proptest! {
    #[test]
    fn values_never_fall(cases in prop::collection::vec((-50..50_i32, 0..2_u8), 1..80), asked in prop::collection::vec(-60.0..60.0_f32, 2..30)) {
        let (scores, labels): (Vec<f32>, Vec<f32>) = cases.into_iter().map(|(score, label)| (score as f32, f32::from(label))).unzip();
        let fitted = Isotonic::fit(&scores, &labels).expect("sound");
        let mut asked = asked;
        asked.sort_by(f32::total_cmp);
        let values: Vec<f32> = asked.into_iter().map(|score| fitted.value(score)).collect();
        prop_assert!(values.is_sorted() && values.iter().all(|value| (0.0..=1.0).contains(value)), "{values:?}");
    }
}
