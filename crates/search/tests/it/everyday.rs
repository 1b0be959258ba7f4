//! How people word what a catalogue says otherwise: numbers in words, everyday words, which word says what is asked for.

use crate::shop::Shop;
use bespoke_search::analysis::{Analyzer, Language, heads};
use bespoke_search::query::{Options, Synonym, Synonyms};
use expect_test::expect;

fn shop(language: Language, own: &[Synonym]) -> Shop {
    let mut shop = Shop::new(
        language,
        &[
            ("Lenovo notebook black 16 GB 39.6 cm", 40),
            ("Targus notebook case 15.6 inch", 20),
            ("Patch cable networking cable 10 m grey", 30),
            ("VGA cable adapter 2 m", 10),
            ("Verbatim DVD-R 4.7 GB 25 pc(s)", 10),
            ("Sony seven wireless headphones", 10),
            ("Ethernet switch 24 port", 10),
            ("Fernseher Kaffeemaschine Rucksack 12 V", 10),
        ],
    );
    let (synonyms, problems) = Synonyms::new(own, &shop.analyzer);
    assert!(problems.is_empty(), "{problems:?}");
    shop.synonyms = synonyms;
    shop
}

#[test]
fn numbers_in_words_are_numbers() {
    let queries = [
        "ten metre cable",
        "twenty-four port switch",
        "dvd-r pack of twenty-five",
        "dvd-r pack of 25",
        "sixteen gigabytes",
        "a hundred and fifty metres",
        "sony seven",
        "one cable",
        "dvds",
    ];
    expect![[r#"
        ten metre cable: ten metre cable
          01 =10000mm Literal 1.00
          10 cabl Literal 1.00
        twenty-four port switch: twenty-four port switch
          001 24 Literal 1.00
          010 port Literal 1.00
          100 switch Literal 1.00
        dvd-r pack of twenty-five: dvd-r pack of twenty-five
          01 dvdr Literal 1.00, dvd+r Literal 0.40
          10 =25pc Literal 1.00, 25 Literal 0.30
        dvd-r pack of 25: dvd-r pack of 25
          01 dvdr Literal 1.00, dvd+r Literal 0.40
          10 =25pc Literal 1.00, 25 Literal 0.30
        sixteen gigabytes: sixteen gigabytes
          1 =16000mb Literal 1.00
        a hundred and fifty metres: a hundred and fifty metres
        sony seven: sony seven
          01 soni Literal 1.00
          10 seven Literal 0.80
        one cable: one cable
          10 cabl Literal 1.00
        dvds: dvds
          1 dvd Literal 1.00
    "#]]
    .assert_eq(&shop(Language::English, &[]).shown(&queries, Options::default()));
    let german = ["fernseher zwölf volt", "zehn meter", "ein rucksack"];
    expect![[r#"
        fernseher zwölf volt: fernseher zwolf volt
          01 fernseh Literal 1.00
          10 =12v Literal 1.00
        zehn meter: zehn meter
          1 =10000mm Literal 1.00
        ein rucksack: ein· rucksack
          10 rucksack Literal 1.00
    "#]]
    .assert_eq(&shop(Language::German, &[]).shown(&german, Options::default()));
}

#[test]
fn everyday_words_stand_for_what_the_catalogue_says() {
    let queries =
        ["laptop bag", "laptop", "lan cable", "cordless headphones", "gray cable", "macbook", "notebook"];
    expect![[r#"
        laptop bag: laptop bag
          01 notebook Synonym 0.80, notebook+case Synonym 0.80
          10 notebook+case Synonym 0.80
        laptop: laptop
          1 notebook Synonym 0.80
        lan cable: lan cable
          01 ethernet+cabl Synonym 0.80, network+cabl Synonym 0.80, patch+cabl Synonym 0.80
          10 cabl Literal 1.00, ethernet+cabl Synonym 0.26, network+cabl Synonym 0.36, patch+cabl Synonym 0.36
        cordless headphones: cordless headphones
          01 wireless Synonym 0.80
          10 headphon Literal 1.00
        gray cable: gray→grey cable
          01 grey Corrected 0.90
          10 cabl Literal 1.00
        macbook: macbook
          1 notebook Synonym 0.80
        notebook: notebook
          1 notebook Literal 1.00
    "#]]
    .assert_eq(&shop(Language::English, &[]).shown(&queries, Options::default()));
    let german = ["tv", "backpack"];
    expect![[r#"
        tv: tv
          1 fernseh Synonym 0.80
        backpack: backpack
          1 rucksack Synonym 0.80
    "#]]
    .assert_eq(&shop(Language::German, &[]).shown(&german, Options::default()));
}

#[test]
fn the_shop_s_own_rule_takes_the_place_of_an_everyday_word() {
    let own = Synonym { from: vec!["laptop".to_owned()], to: vec!["case".to_owned()] };
    expect![[r#"
        laptop: laptop
          1 case Synonym 0.90
    "#]]
    .assert_eq(&shop(Language::English, &[own]).shown(&["laptop"], Options::default()));
}

#[test]
fn what_is_said_literally_is_left_alone() {
    expect![[r#"
        laptop: laptop
    "#]]
    .assert_eq(&shop(Language::English, &[]).shown(&["laptop"], Options { is_literal: true }));
}

/// The head words of texts, a line each.
fn head_words(language: Language, texts: &[&str]) -> String {
    let analyzer = Analyzer::new(language);
    let line = |text: &&str| {
        let words: Vec<String> = heads::segments(text)
            .flat_map(|segment| {
                let pieces = analyzer.pieces(segment);
                let is_head = |at: &usize| heads::is_head(&analyzer, &pieces, *at, |_| false);
                (0..pieces.len()).filter(is_head).map(|at| pieces[at].surface.clone()).collect::<Vec<_>>()
            })
            .collect();
        format!("{text}: {}\n", words.join(" "))
    };
    texts.iter().map(line).collect()
}

#[test]
fn the_head_word_says_what_a_thing_is() {
    let english = [
        "VGA cable 2 m black",
        "VGA cable adapter",
        "Laptop Case – XS notebook case Black",
        "keyboard for my computer",
        "Acer Chromebook notebook Black 29.5 cm",
        "Fiber Patch Cable (LC/SC), 6M",
        "black",
        "",
    ];
    expect![[r#"
        VGA cable 2 m black: cable
        VGA cable adapter: adapter
        Laptop Case – XS notebook case Black: case case
        keyboard for my computer: keyboard computer
        Acer Chromebook notebook Black 29.5 cm: notebook
        Fiber Patch Cable (LC/SC), 6M: cable sc
        black: 
        : 
    "#]]
    .assert_eq(&head_words(Language::English, &english));
    expect![[r#"
        Schwarze Tasse mit Henkel: tasse henkel
        Kaffeemaschine rot 1,5 l: kaffeemaschine
    "#]]
    .assert_eq(&head_words(Language::German, &["Schwarze Tasse mit Henkel", "Kaffeemaschine rot 1,5 l"]));
}

#[test]
fn only_a_query_of_several_words_has_a_head() {
    let shop = shop(Language::English, &[]);
    let heads = |query: &str| {
        let plan = shop.plan(query, Options::default());
        let words = plan.groups.iter().filter(|group| group.is_head);
        words
            .map(|group| plan.words[group.words.trailing_zeros() as usize].surface.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(heads("vga cable 2 m black"), ["cable"]);
    assert_eq!(heads("notebook case for my cable"), ["case"]);
    assert!(heads("cable").is_empty() && heads("the cable").is_empty() && heads("").is_empty());
}
