//! One suite for every model that a shop can learn, by the table: the same seed = the same bytes whatever the threads, saved
//! and loaded the same, known products only, the shopper's taste first, odd input, bytes that somebody has changed.

use super::recommenders::{as_orders, tastes};
use super::{products, well_formed};
use bespoke_domain::ProductNo;
use bespoke_models::ease::PRODUCTS_MAX;
use bespoke_models::interactions::Interactions;
use bespoke_models::learned::{LEARNED, Learned, LearnedSpec};
use bespoke_models::orders::Orders;
use bespoke_models::recommender::{FitRun, Scores};
use bespoke_models::seeded::Seeded;
use bespoke_models::training_set::{History, Texts, TrainingSet};

const RUN: FitRun = FitRun { seed: 7, threads: 1 };

/// What 300 shoppers of five tastes did; products 60 to 63 nobody had, and 62 has the values of the first taste.
fn data() -> TrainingSet {
    let interactions = tastes();
    let rows = 0..interactions.row_count();
    let mut seeded = Seeded::new(13);
    let mut events = |row| {
        let mut events: Vec<ProductNo> = interactions.history(row).into_iter().map(|one| one.0).collect();
        (1..events.len()).rev().for_each(|at| events.swap(at, seeded.below(at + 1)));
        events
    };
    let keys = |product: u32| match product {
        0..60 => vec![product / 12, 99, 100 + product],
        62 => vec![0, 99],
        _ => Vec::new(),
    };
    // Every product says its taste, what all say, and one of six words of the taste.
    let said = |product: u32| {
        let taste = product / 12 % 5;
        let words = [taste, 35, 5 + 6 * taste + product % 6];
        words.map(|word| (ProductNo(word), 1.0))
    };
    let texts = Texts {
        words: (0..36).map(|word| format!("w{word:02}")).collect(),
        texts: Interactions::new((0..64).map(said)),
        asked: Interactions::new([[(ProductNo(3), 2.0)]]),
    };
    TrainingSet {
        texts: Some(texts),
        sequences: rows.map(&mut events).collect(),
        orders: as_orders(&interactions),
        attributes: (0..64).map(keys).collect(),
        interactions,
    }
}

fn fit(spec: &LearnedSpec, data: &TrainingSet, run: FitRun) -> Learned {
    (spec.fit)(data, &spec.values(&[]), run)
}

fn bytes(model: &Learned) -> Vec<u8> {
    postcard::to_allocvec(model).expect("models are plain data")
}

/// The model of such bytes, where what they say belongs together.
fn read(bytes: &[u8]) -> Option<Learned> {
    postcard::from_bytes(bytes).ok().filter(Learned::is_sound)
}

fn history(numbers: &[u32]) -> History {
    let events = products(numbers);
    let mut weights: Vec<(ProductNo, f32)> = events.iter().map(|product| (*product, 1.0)).collect();
    weights.sort_by_key(|one| one.0);
    weights.dedup_by_key(|one| one.0);
    History { weights, orders: events.chunks(2).map(<[ProductNo]>::to_vec).collect(), events }
}

fn ask(model: &Learned, numbers: &[u32], limit: usize, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
    model.recommend(&history(numbers), &products(numbers), limit, scratch)
}

/// Histories of products of one taste each, and some of two.
fn histories() -> Vec<Vec<u32>> {
    let mut seeded = Seeded::new(3);
    let mut one = |taste: u32| (0..4).map(|_| taste * 12 + seeded.below(12) as u32).collect::<Vec<_>>();
    (0..40).map(|at| if at % 4 == 3 { [one(at % 5), one(1)].concat() } else { one(at % 5) }).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_threads_and_they_come_back_the_same() {
    let data = data();
    for spec in &LEARNED {
        let model = fit(spec, &data, RUN);
        let written = bytes(&model);
        for threads in [2, 5] {
            let again = bytes(&fit(spec, &data, FitRun { threads, ..RUN }));
            assert!(again == written, "{}, {threads} threads", spec.name);
        }
        let loaded = read(&written).unwrap_or_else(|| panic!("{} is sound", spec.name));
        assert!(loaded == model, "{}", spec.name);
        let (held, file) = (model.size_bytes(), written.len());
        assert!(held > file / 4 && held < 4 * file, "{}: {held} bytes held, {file} written", spec.name);
        assert!((spec.fit_bytes)(&data, &spec.values(&[])) as usize > held, "{}", spec.name);
    }
}

#[test]
fn answers_are_of_the_taste_in_order_without_repeats_and_depend_on_nothing_else() {
    let data = data();
    for spec in LEARNED.iter().filter(|spec| !spec.is_for_search) {
        let model = fit(spec, &data, RUN);
        let (mut scratch, mut right, mut all) = (Scores::default(), 0, 0);
        for numbers in histories() {
            let answer = ask(&model, &numbers, 10, &mut scratch);
            assert_eq!(answer, ask(&model, &numbers, 10, &mut Scores::default()), "{}", spec.name);
            assert!(well_formed(&answer, 10) && !answer.is_empty(), "{}: {answer:?}", spec.name);
            let is_fair = |one: &(f32, ProductNo)| one.1.0 < 64 && !numbers.contains(&one.1.0);
            assert!(answer.iter().all(is_fair), "{}: {answer:?}", spec.name);
            let tastes: Vec<u32> = numbers.iter().map(|number| number / 12).collect();
            right += answer.iter().take(5).filter(|one| tastes.contains(&(one.1.0 / 12))).count();
            all += answer.len().min(5);
        }
        assert!(right * 10 >= all * 7, "{}: {right} of {all} are of the shopper's taste", spec.name);
    }
}

#[test]
fn odd_histories_and_no_data_get_an_answer_without_a_panic() {
    let nothing = TrainingSet {
        interactions: Interactions::new(Vec::<Vec<(ProductNo, f32)>>::new()),
        sequences: Vec::new(),
        orders: Orders::new(Vec::new()),
        attributes: Vec::new(),
        texts: None,
    };
    let alone = TrainingSet {
        interactions: Interactions::new([[(ProductNo(5), 1.0)]]),
        sequences: vec![products(&[5])],
        orders: Orders::new(vec![vec![products(&[5])]]),
        attributes: vec![Vec::new(), vec![3]],
        texts: Some(Texts {
            words: vec!["w".to_owned()],
            texts: Interactions::new([[(ProductNo(0), 1.0)]]),
            asked: Interactions::new([[]; 0]),
        }),
    };
    let data = data();
    for spec in &LEARNED {
        let model = fit(spec, &data, RUN);
        let mut scratch = Scores::default();
        for numbers in [&[][..], &[64, 65, u32::MAX]] {
            assert_eq!(ask(&model, numbers, 10, &mut scratch), [], "{}", spec.name);
        }
        assert_eq!(ask(&model, &[1], 0, &mut scratch), [], "{}", spec.name);
        let odd = History { weights: vec![(ProductNo(1), f32::NAN)], ..History::default() };
        assert_eq!(model.recommend(&odd, &[], 10, &mut scratch), [], "{}", spec.name);
        assert_eq!(model.closeness(ProductNo(u32::MAX), ProductNo(64)), 0.0, "{}", spec.name);
        for data in [&nothing, &alone] {
            let model = fit(spec, data, RUN);
            assert!(model.is_sound() && read(&bytes(&model)).is_some(), "{}", spec.name);
            assert_eq!(ask(&model, &[5], 10, &mut scratch), [], "{}", spec.name);
        }
    }
}

#[test]
fn bytes_that_somebody_has_changed_are_refused_or_do_no_harm() {
    let data = data();
    for spec in &LEARNED {
        let written = bytes(&fit(spec, &data, RUN));
        for len in [0, 1, written.len() / 2, written.len() - 1] {
            assert!(read(&written[..len]).is_none(), "{}: {len} bytes of {}", spec.name, written.len());
        }
        let mut seeded = Seeded::new(5);
        let (mut refused, mut scratch) = (0, Scores::default());
        for try_no in 0..1500 {
            let mut changed = written.clone();
            // Lengths and counts stand at the beginning of lists: half of the changes are among the first bytes.
            let reach = if try_no % 2 == 0 { written.len() } else { written.len().min(400) };
            for _ in 0..=seeded.below(3) {
                changed[seeded.below(reach)] = seeded.bits() as u8;
            }
            let Some(model) = read(&changed) else {
                refused += 1;
                continue;
            };
            for numbers in [&[1, 2, 30][..], &[0, 63, 64, u32::MAX]] {
                let answer = ask(&model, numbers, 10, &mut scratch);
                assert!(answer.len() <= 10 && answer.iter().all(|one| one.0.is_finite()), "{}", spec.name);
            }
            model.closeness(ProductNo(1), ProductNo(63));
        }
        assert!(refused > 0, "{}: none of 1500 refused", spec.name);
    }
}

#[test]
fn a_model_says_beforehand_what_it_does_not_take() {
    for spec in &LEARNED {
        let why = spec.refusal(PRODUCTS_MAX + 1);
        assert_eq!(why.is_some(), spec.name == "ease", "{why:?}");
        assert_eq!(spec.refusal(PRODUCTS_MAX), None, "{}", spec.name);
        let takes_any = !["ease", "sequence", "two_tower"].contains(&spec.name);
        assert_eq!(spec.refusal(1_000_000).is_none(), takes_any, "{}", spec.name);
    }
    let ease = LEARNED.iter().find(|spec| spec.name == "ease").expect("it is there");
    let why = ease.refusal(20_001).expect("it is too many");
    assert!(why.contains("20000") && why.contains("20001") && why.contains("slim"), "{why}");
}

#[test]
fn a_product_that_came_after_the_fit_stands_with_those_that_share_its_values() {
    let data = data();
    let spec = LEARNED.iter().find(|spec| spec.name == "two_tower").expect("it is there");
    let fitted = fit(spec, &data, RUN);
    let mut scratch = Scores::default();
    let first = ask(&fitted, &[1, 5, 9], 64, &mut scratch);
    assert!(first.iter().any(|one| one.1.0 == 62), "the fit knows what nobody had by its values: {first:?}");
    let mut score = |model: &Learned, numbers: &[u32], product: u32| {
        let found = ask(model, numbers, 64, &mut scratch);
        found.iter().find(|one| one.1.0 == product).map_or(0.0, |one| one.0)
    };
    let mut model = fitted.clone();
    model.introduce(ProductNo(70), &[1, 99]);
    assert!(score(&model, &[13, 15, 20], 70) > 2.0 * score(&model, &[25, 27, 30], 70));
    let [own, other] = [12..24, 24..36].map(|taste| taste.map(|no| score(&model, &[70], no)).sum::<f32>());
    assert!(own > 2.0 * other, "it can be started from: {own} {other}");
    assert!(!fitted.wants(ProductNo(3)) && !fitted.wants(ProductNo(62)) && fitted.wants(ProductNo(63)));
    // Whatever was said of it before, the last word counts; the same two words in another order are the same.
    let mut other = fitted.clone();
    other.introduce(ProductNo(70), &[2]);
    other.introduce(ProductNo(63), &[3]);
    other.introduce(ProductNo(70), &[99, 1]);
    model.introduce(ProductNo(63), &[3]);
    assert!(other == model && model != fitted);
    other.introduce(ProductNo(63), &[]);
    other.introduce(ProductNo(70), &[5000]);
    assert!(other == fitted, "what it has no value of is not known");
    model.introduce(ProductNo(3), &[4]);
    assert_eq!(score(&model, &[1, 2], 3), score(&fitted, &[1, 2], 3), "the fit knows it better");
    model.introduce(ProductNo(u32::MAX), &[1]);
    assert!(score(&model, &[13, 15], u32::MAX) == 0.0, "too far beyond the fit");
}

#[test]
fn the_model_for_search_tells_words_of_one_kind_from_others_and_recommends_nothing() {
    let data = data();
    let spec = LEARNED.iter().find(|spec| spec.is_for_search).expect("it is there");
    let fitted = fit(spec, &data, RUN);
    assert_eq!(ask(&fitted, &[1, 2], 10, &mut Scores::default()), []);
    let Learned::TextVectors(model) = fitted else { panic!("another kind") };
    let vector = |word: &str| model.vector(&[(model.number(word).expect("it is known"), 1.0)]);
    let cosine = |a: &str, b: &str| vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum::<f32>();
    // Products of the first taste say one of w05 to w10, those of the second one of w11 to w16: what stands beside the same is near.
    let own: f32 = (6..11).map(|no| cosine("w05", &format!("w{no:02}"))).sum();
    let other: f32 = (11..16).map(|no| cosine("w05", &format!("w{no:02}"))).sum();
    assert!(own > other + 1.0, "{own} {other}");
    let without = TrainingSet { texts: None, ..data };
    assert!(matches!(fit(spec, &without, RUN), Learned::TextVectors(model) if model.is_empty()));
}
