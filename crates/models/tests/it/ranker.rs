//! Rankers: the same bytes whatever the threads, probabilities that hold on later rows, and artifacts that do not hang together
//! told from those that do.

use bespoke_models::metrics::calibration_error;
use bespoke_models::ranker::{HEAD_COUNT, Ranker, RankerRows};
use bespoke_models::recommender::FitRun;
use bespoke_models::seeded::Seeded;

/// Occasions of eight candidates with two features; the first says how likely a click is, an order follows a click now and then.
fn rows(occasions: usize, seed: u64) -> RankerRows {
    let mut seeded = Seeded::new(seed);
    let mut share = move || seeded.below(1_000_000) as f32 / 1e6;
    let mut rows = RankerRows::new(vec!["told".to_owned(), "noise".to_owned()]);
    for _ in 0..occasions {
        rows.groups.push(0);
        for _ in 0..8 {
            let told = share();
            let is_clicked = share() < 0.3 * told * told;
            let is_bought = is_clicked && share() < 0.5;
            let flag = |holds: bool| f32::from(u8::from(holds));
            let returned = if is_bought { flag(share() < 0.1) } else { f32::NAN };
            rows.push(&[told, share()], [flag(is_clicked), 0.0, flag(is_bought), returned], 1.0);
        }
    }
    rows
}

fn fitted(threads: usize) -> Ranker {
    Ranker::fit(&rows(3_000, 4), FitRun { seed: 1, threads }).expect("sound rows").expect("enough happened")
}

#[test]
fn heads_are_honest_on_later_rows_and_the_same_whatever_the_threads() {
    let ranker = fitted(1);
    let bytes = |ranker: &Ranker| postcard::to_allocvec(ranker).expect("plain data");
    assert_eq!(bytes(&ranker), bytes(&fitted(3)));
    // Nothing went into a cart.
    assert_eq!([0, 1, 2, 3].map(|head| ranker.knows(head)), [true, false, true, true]);
    let later = rows(3_000, 5);
    let foreseen = ranker.predict(&later.values, [true; HEAD_COUNT]);
    for head in [0, 2] {
        let probabilities: Vec<f32> = foreseen.iter().map(|heads| heads[head]).collect();
        let error = calibration_error(&probabilities, &later.labels[head], 10);
        assert!(error <= 0.02, "head {head}: {error}");
        let mean = |is_likely: bool| {
            let told = |row: &usize| (later.values[2 * row] > 0.5) == is_likely;
            let some: Vec<usize> = (0..later.len()).filter(told).collect();
            some.iter().map(|row| probabilities[*row]).sum::<f32>() / some.len() as f32
        };
        assert!(mean(true) > 3.0 * mean(false), "head {head}");
    }
    assert!(foreseen.iter().all(|heads| heads[1] == 0.0));
    let only_clicks = ranker.predict(&later.values, [true, false, false, false]);
    assert!(only_clicks.iter().zip(&foreseen).all(|(one, all)| one[0] == all[0] && one[2] == 0.0));
}

#[test]
fn too_little_makes_no_ranker() {
    let few = rows(20, 4);
    assert_eq!(Ranker::fit(&few, FitRun { seed: 1, threads: 1 }), Ok(None));
    let none = RankerRows::new(vec!["told".to_owned()]);
    assert_eq!(Ranker::fit(&none, FitRun { seed: 1, threads: 1 }), Ok(None));
}

#[test]
fn what_does_not_hang_together_is_refused_or_serves() {
    let ranker = fitted(1);
    assert!(ranker.is_sound());
    let bytes = postcard::to_allocvec(&ranker).expect("plain data");
    let mut seeded = Seeded::new(9);
    let (mut refused, mut served) = (0, 0);
    for _ in 0..2_000 {
        let mut bad = bytes.clone();
        let at = seeded.below(bad.len());
        bad[at] ^= 1 << seeded.below(8);
        match postcard::from_bytes::<Ranker>(&bad).ok().filter(Ranker::is_sound) {
            Some(other) => {
                let width = other.features().len();
                let foreseen = other.predict(&vec![0.5; 40 * width], [true; HEAD_COUNT]);
                assert_eq!(foreseen.len(), 40);
                served += 1;
            }
            None => refused += 1,
        }
    }
    assert!(refused > 100 && served > 100, "{refused} {served}");
}
