//! Vectors of words on texts whose meanings are known: words that stand with the same others mean the same, whatever the threads,
//! saved and loaded the same; what was asked teaches; odd and changed data.

use bespoke_domain::ProductNo;
use bespoke_models::interactions::Interactions;
use bespoke_models::recommender::{FitRun, Scores};
use bespoke_models::seeded::Seeded;
use bespoke_models::text_vectors::{TextData, TextVectors, TextVectorsParams};

const RUN: FitRun = FitRun { seed: 5, threads: 1 };
const PARAMS: TextVectorsParams = TextVectorsParams { width: 16, power: 0.25, half: 1e-3, asked: 1.0 };
const TOPICS: usize = 6;
const OWN: usize = 10;

/// Ten words for each of six topics, `shop`, which stands everywhere, and `mug`, which stands nowhere.
fn words() -> Vec<String> {
    let own = |at: usize| format!("t{}w{}", at / OWN, at % OWN);
    (0..TOPICS * OWN).map(own).chain(["shop".into(), "mug".into()]).collect()
}

/// 300 products, each of a topic, with three of its words; a text never has both w0 and w1 of its topic.
fn texts() -> Interactions {
    let mut seeded = Seeded::new(9);
    let row = |product: usize| {
        let topic = product % TOPICS * OWN;
        let mut row = vec![
            (ProductNo((TOPICS * OWN) as u32), 1.0),
            (ProductNo((topic + product / TOPICS % 2) as u32), 1.0),
        ];
        (0..3).for_each(|_| row.push((ProductNo((topic + 2 + seeded.below(OWN - 2)) as u32), 1.0)));
        row
    };
    Interactions::new((0..300).map(row))
}

fn fit(words: &[String], texts: &Interactions, asked: Option<&Interactions>, run: FitRun) -> TextVectors {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    PARAMS.fit(&TextData { words: &words, texts, asked }, run)
}

fn vector(model: &TextVectors, words: &[&str]) -> Vec<f32> {
    model.vector(&words.iter().filter_map(|word| Some((model.number(word)?, 1.0))).collect::<Vec<_>>())
}

fn cosine(model: &TextVectors, a: &[&str], b: &[&str]) -> f32 {
    vector(model, a).iter().zip(vector(model, b)).map(|(a, b)| a * b).sum()
}

#[test]
fn words_that_never_stand_together_but_with_the_same_others_mean_the_same() {
    let model = fit(&words(), &texts(), None, RUN);
    assert_eq!((model.len(), model.width()), (TOPICS * OWN + 1, 16), "what no text has has no vector");
    for topic in 0..TOPICS {
        let [first, second] = [0, 1].map(|word| format!("t{topic}w{word}"));
        let other = format!("t{}w1", (topic + 1) % TOPICS);
        let near = cosine(&model, &[&first], &[&second]);
        let far = cosine(&model, &[&first], &[&other]);
        assert!(near > 0.8 && far < 0.3, "{topic}: {near} {far}");
        // A word that stands everywhere says next to nothing beside one that does not.
        assert!(cosine(&model, &[&first, "shop"], &[&first]) > 0.98);
    }
    assert_eq!(vector(&model, &["mug"]), [0.0; 16]);
    assert_eq!(vector(&model, &[]), [0.0; 16]);
}

#[test]
fn products_are_found_by_words_that_they_do_not_have() {
    let (names, texts) = (words(), texts());
    let model = fit(&names, &texts, None, RUN);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let data = TextData { words: &names, texts: &texts, asked: None };
    let products = model.products(&data, 1);
    assert_eq!(products, model.products(&data, 3));
    assert_eq!(products.count(), 300);
    for topic in 0..TOPICS {
        let asked = format!("t{topic}w0");
        let best = products.best(&vector(&model, &[&asked]), &[], 50, &mut Scores::default());
        let without = best.iter().filter(|(_, product)| product.index() / TOPICS % 2 == 1).count();
        assert!(best.iter().all(|(_, product)| product.index() % TOPICS == topic), "{topic}");
        assert!(best.len() == 50 && without >= 15, "{topic}: {without}");
    }
    assert!(products.size_bytes() < 300 * 16 * 8);
}

#[test]
fn what_shoppers_asked_with_and_then_dealt_with_teaches() {
    let (names, texts) = (words(), texts());
    // Who asked for a mug dealt with products of topic 3.
    let mug = ProductNo((TOPICS * OWN + 1) as u32);
    let asked = Interactions::new(
        (0..300).map(|product| if product % TOPICS == 3 { vec![(mug, 2.0)] } else { vec![] }),
    );
    let model = fit(&names, &texts, Some(&asked), RUN);
    let own = cosine(&model, &["mug"], &["t3w0"]);
    let other = cosine(&model, &["mug"], &["t2w0"]);
    assert!(own > 0.7 && other < 0.3, "{own} {other}");
    // It is part of the vectors of products, those that came after the fit too.
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let of = |asked| {
        let data = TextData { words: &names, texts: &Interactions::new([[(ProductNo(0), 1.0)]]), asked };
        let best = model.products(&data, 1).best(&vector(&model, &["mug"]), &[], 1, &mut Scores::default());
        best.first().map_or(0.0, |one| one.0)
    };
    let (without, with) = (of(None), of(Some(&Interactions::new([[(mug, 9.0)]]))));
    assert!(with > without + 0.2, "{with} {without}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_threads_and_they_come_back_the_same() {
    let (names, texts) = (words(), texts());
    let model = fit(&names, &texts, None, RUN);
    let written = postcard::to_allocvec(&model).expect("plain data");
    for threads in [2, 5] {
        assert_eq!(model, fit(&names, &texts, None, FitRun { threads, ..RUN }), "{threads}");
    }
    let read: TextVectors = postcard::from_bytes(&written).expect("what was written");
    assert!(read == model && read.is_sound() && read.size_bytes() > 61 * 16);
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let needed = PARAMS.fit_bytes(&TextData { words: &words, texts: &texts, asked: None });
    assert!(needed > read.size_bytes() as u64 && needed < 1 << 20, "{needed}");
    // Columns in another order are other columns of the same words.
    let count = names.len() as u32;
    let turned: Vec<String> = names.iter().rev().cloned().collect();
    let row = |row| {
        texts
            .history(row)
            .into_iter()
            .map(|(word, weight)| (ProductNo(count - 1 - word.0), weight))
            .collect::<Vec<_>>()
    };
    let turned = fit(&turned, &Interactions::new((0..300).map(row)), None, RUN);
    assert!((cosine(&turned, &["t1w0"], &["t1w1"]) - cosine(&model, &["t1w0"], &["t1w1"])).abs() < 0.02);
    // FNV-1a over the bytes: the same on every machine.
    let hash = written.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(hash, 0xef18_67b5_f41c_165a);
}

#[test]
fn changed_bytes_are_refused_or_do_no_harm() {
    let model = fit(&words(), &texts(), None, RUN);
    let written = postcard::to_allocvec(&model).expect("plain data");
    let mut seeded = Seeded::new(1);
    let mut refused = 0;
    for _ in 0..2000 {
        let mut changed = written.clone();
        for _ in 0..1 + seeded.below(3) {
            let at = seeded.below(changed.len());
            changed[at] = seeded.bits() as u8;
        }
        if seeded.below(4) == 0 {
            changed.truncate(seeded.below(changed.len()));
        }
        match postcard::from_bytes::<TextVectors>(&changed).ok().filter(TextVectors::is_sound) {
            None => refused += 1,
            Some(read) => {
                let vector = read.vector(&[(0, 1.0), (60, 1.0), (9999, 1.0)]);
                assert!(vector.len() == read.width() && vector.iter().all(|value| value.is_finite()));
            }
        }
    }
    assert!(refused > 400, "{refused}");
}

#[test]
fn odd_data_gives_an_empty_or_a_finite_model() {
    let none = fit(&[], &Interactions::new([[]; 0]), None, RUN);
    assert!(none.is_empty() && none.is_sound() && none.vector(&[(0, 1.0)]).iter().all(|value| *value == 0.0));
    let names = ["a", "b", "a"].map(str::to_owned);
    let row = [(ProductNo(0), 1.0), (ProductNo(1), 1.0), (ProductNo(2), 3.0), (ProductNo(77), 1.0)];
    for texts in [
        Interactions::new([row; 3]),
        Interactions::new([[(ProductNo(0), 1.0)]; 3]),
        Interactions::new([[]; 3]),
    ] {
        let model = fit(&names, &texts, None, RUN);
        assert!(model.is_sound() && model.len() <= 2);
        assert!(vector(&model, &["a", "b"]).iter().all(|value| value.is_finite()));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(
            model.products(&TextData { words: &names, texts: &texts, asked: None }, 2).count(),
            if model.width() > 0 { 3 } else { 0 }
        );
    }
}
