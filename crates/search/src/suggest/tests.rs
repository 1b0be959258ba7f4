//! Suggestions of made-up phrases.

use super::*;
use crate::analysis::Language;
use proptest::prelude::*;
use rustc_hash::FxHashSet;

fn analyzer() -> Analyzer {
    Analyzer::new(Language::English)
}

fn index(texts: &[&str]) -> (Phrases, Index) {
    let mut phrases = Phrases::default();
    for (no, text) in (0..).zip(texts) {
        phrases.set(&analyzer(), no, text);
    }
    let index = Index::new(&phrases, (0..texts.len() as u32).collect());
    (phrases, index)
}

fn found<'a>(texts: &[&'a str], typed: &str) -> Vec<&'a str> {
    let (_, index) = index(texts);
    let hits = index.find(&Typed::new(&analyzer(), typed), 10, 3);
    hits.into_iter().map(|hit| texts[hit.phrase as usize]).collect()
}

const SHOP: [&str; 7] = [
    "Red Retrospot Mug",
    "Regency Teapot",
    "Retro Spot Lamp",
    "Küchenuhr, groß",
    "Mug “Red”",
    "Lampshade 12V",
    "Ruby",
];

#[test]
fn any_word_may_have_begun_and_the_order_is_the_given_one() {
    assert_eq!(found(&SHOP, "re"), ["Red Retrospot Mug", "Regency Teapot", "Retro Spot Lamp", "Mug “Red”"]);
    assert_eq!(found(&SHOP, "RED m"), ["Red Retrospot Mug", "Mug “Red”"]);
    assert_eq!(found(&SHOP, "mug red"), ["Red Retrospot Mug", "Mug “Red”"]);
    assert_eq!(found(&SHOP, "red re"), ["Red Retrospot Mug"], "each word stands for one");
    assert_eq!(found(&SHOP, "kuchen"), ["Küchenuhr, groß"]);
    assert_eq!(found(&SHOP, "KÜCHE"), ["Küchenuhr, groß"]);
    assert_eq!(found(&SHOP, "12"), ["Lampshade 12V"]);
    assert_eq!(found(&SHOP, "lamp "), ["Retro Spot Lamp"], "the word is over");
    assert_eq!(
        found(&SHOP, "lamps "),
        ["Lampshade 12V", "Retro Spot Lamp"],
        "there is no such word; it goes on"
    );
    for nothing in ["", " ", "–", "zzz", "mug zzz"] {
        assert_eq!(found(&SHOP, nothing), [""; 0], "{nothing:?}");
    }
}

#[test]
fn one_edit_is_forgiven_after_what_is_exact() {
    assert_eq!(found(&SHOP, "rertospot"), ["Red Retrospot Mug"]);
    assert_eq!(found(&SHOP, "regancy tea"), ["Regency Teapot"]);
    assert_eq!(found(&SHOP, "ergency"), [""; 0], "the first letter is right");
    assert_eq!(found(&SHOP, "rex"), [""; 0], "three letters are too few");
    assert_eq!(found(&SHOP, "lamqs"), ["Lampshade 12V"]);
    assert_eq!(found(&SHOP, "retro"), ["Red Retrospot Mug", "Retro Spot Lamp"]);
}

#[test]
fn what_came_since_is_found_and_what_it_replaces_is_not() {
    let (mut phrases, old) = index(&SHOP);
    phrases.set(&analyzer(), 1, "Blue Kettle");
    phrases.set(&analyzer(), 7, "Kettle Mat");
    phrases.set(&analyzer(), 6, "");
    let new = old.with_fresh(&phrases, &FxHashSet::from_iter([1, 6, 7]));
    let find = |index: &Index, text: &str| -> Vec<u32> {
        index.find(&Typed::new(&analyzer(), text), 10, 3).into_iter().map(|hit| hit.phrase).collect()
    };
    assert_eq!((find(&old, "kett"), find(&new, "kett")), (vec![], vec![1, 7]));
    assert_eq!((find(&old, "rege"), find(&new, "rege")), (vec![1], vec![]));
    assert_eq!((find(&old, "ruby"), find(&new, "ruby")), (vec![6], vec![]));
    assert_eq!(find(&new, "ketle m"), [7], "with an edit too");
}

#[test]
fn what_was_typed_is_marked_in_the_text() {
    let check = |text: &str, typed: &str| -> Option<Vec<String>> {
        let parts = marked(&analyzer(), text, &Typed::new(&analyzer(), typed))?;
        Some(parts.into_iter().map(|(from, to)| text[from..to].to_owned()).collect())
    };
    let some = |parts: &[&str]| Some(parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
    assert_eq!(check("Red Retrospot Mug", "mu re"), some(&["Re", "Mu"]));
    assert_eq!(check("Küchenuhr, groß", "kuch"), some(&["Küch"]));
    assert_eq!(check("Ku\u{308}chenuhr", "kuc"), some(&["Ku\u{308}c"]));
    assert_eq!(check("ﬁne ﬁligree", "fil"), some(&["ﬁl"]));
    assert_eq!(
        check("Lampshade, Lamp", "lamp"),
        some(&["Lamp"]),
        "the whole word before the one that goes on"
    );
    assert_eq!(check("Regency Teapot", "regancy"), some(&["Regency"]));
    assert_eq!(check("Regency Teapot", "mug"), None);
}

/// Phrases that hold every typed word, each in a word of its own: by going through all of them.
fn by_hand(texts: &[String], typed: &Typed, is_near: bool) -> Vec<u32> {
    let begins_so = |word: &String, typed: &String| match begins(word, typed) {
        Some((_, is_exact)) => is_exact || is_near,
        None => false,
    };
    let holds = |text: &String| {
        let words: Vec<String> = runs(text).filter_map(|(_, run)| folded(&analyzer(), run)).collect();
        typed.words.iter().all(|typed| words.iter().any(|word| begins_so(word, typed)))
    };
    (0..).zip(texts).filter(|(_, text)| holds(text)).map(|(no, _)| no).collect()
}

proptest! {
    /// One word against going through all phrases, with and without an edit.
    #[test]
    fn one_word_finds_what_going_through_all_finds(
        texts in proptest::collection::vec("[abc]{1,7}( [abc]{1,7}){0,3}", 1..60),
        typed in "[abc]{1,7}",
    ) {
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (_, index) = index(&borrowed);
        let typed = Typed::new(&analyzer(), &typed);
        let of = |is_exact: bool, enough| -> Vec<u32> {
            let hits = index.find(&typed, 100, enough);
            hits.into_iter().filter(|hit| hit.is_exact == is_exact).map(|hit| hit.phrase).collect()
        };
        prop_assert_eq!(of(true, 0), by_hand(&texts, &typed, false));
        let mut near: Vec<u32> = [of(true, 100), of(false, 100)].concat();
        near.sort_unstable();
        prop_assert_eq!(near, by_hand(&texts, &typed, true));
    }

    /// Whatever is typed, nothing panics, and what is marked lies on the borders of letters.
    #[test]
    fn arbitrary_texts_never_panic(texts in proptest::collection::vec(".{0,40}", 1..20), typed in ".{0,300}") {
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (_, index) = index(&borrowed);
        let typed = Typed::new(&analyzer(), &typed);
        for hit in index.find(&typed, 10, 3) {
            let text = &texts[hit.phrase as usize];
            let parts = marked(&analyzer(), text, &typed).unwrap_or_default();
            for (from, to) in parts {
                prop_assert!(from < to && text.get(from..to).is_some());
            }
        }
    }
}

#[test]
fn beginnings_with_many_phrases_give_the_same_as_those_with_few() {
    let texts: Vec<String> =
        (0..9_000_u32).map(|no| format!("sa{} s{} same thing", no * 7_919 % 9_000, no % 13)).collect();
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (_, index) = index(&borrowed);
    for typed in ["s", "sa", "same", "sa1", "th", "same s1", "thing sa12", "same thing s12"] {
        let typed = Typed::new(&analyzer(), typed);
        let hits: Vec<u32> = index.find(&typed, 50, 0).into_iter().map(|hit| hit.phrase).collect();
        let all = by_hand(&texts, &typed, false);
        assert_eq!(hits, all[..50.min(all.len())], "{typed:?}");
    }
}
