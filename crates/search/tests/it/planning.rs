//! What queries become: each step of planning, over small catalogues in several languages.

use crate::shop::Shop;
use bespoke_search::analysis::{Analyzer, Language};
use bespoke_search::query::{Options, Synonym, Synonyms, WORDS_MAX};
use expect_test::{Expect, expect};
use proptest::prelude::*;

fn electronics() -> Shop {
    Shop::new(
        Language::English,
        &[
            ("Bluetooth speaker black", 60),
            ("Wireless headset for PC", 80),
            ("Sony WH-1000XM3 noise-cancelling headphones", 5),
            ("Apple iPhone 8 64GB", 9),
            ("Printer cartridge (17\" monitor arm)", 40),
            ("Cotton t-shirt", 30),
            ("Laptop sleeve 43.2 cm", 12),
            ("Head massage set", 4),
            ("Wireles charger", 1),
            ("Memory card 4 GB", 20),
            ("Projector screen 2 x 4 m", 3),
        ],
    )
}

fn kitchen() -> Shop {
    Shop::new(
        Language::German,
        &[
            ("Kaffeemaschine schwarz", 40),
            ("Kaffee gemahlen", 90),
            ("Waschmaschine Frontlader", 25),
            ("Nähmaschine", 8),
            ("Maschine für Teig", 3),
            ("Kühlschrank mit Gefrierfach", 30),
            ("Moebel Politur", 5),
            ("Arbeitshose blau", 12),
            ("Hose schwarz", 50),
            ("Arbeit und Freizeit", 2),
            ("Schultasche", 6),
            ("Tasche Leder", 33),
            ("Schule Heft", 14),
        ],
    )
}

fn check(shop: &Shop, queries: &[&str], expected: &Expect) {
    expected.assert_eq(&shop.shown(queries, Options::default()));
}

#[test]
fn words_are_themselves() {
    check(
        &electronics(),
        &["wireless headsets for the pc", "for the", "4096 mb memory", "17 inch", "a card", "card a", ""],
        &expect![[r#"
            wireless headsets for the pc: wireless headsets for· the· pc
              00001 wireless Literal 1.00
              00010 headset Literal 1.00
              00100 for Literal 1.00
              10000 pc Literal 1.00
            for the: for the
              01 for Literal 1.00
            4096 mb memory: 4096 mb memory
              01 =4000mb Literal 1.00
              10 memori Literal 1.00
            17 inch: 17 inch
              1 =432mm Literal 1.00
            a card: a· card
              10 card Literal 1.00
            card a: card a
              01 card Literal 1.00
            : 
        "#]],
    );
}

#[test]
fn codes_are_found_whole_and_in_parts() {
    check(
        &electronics(),
        &["WH1000XM3", "wh 1000 xm3", "iphone8", "ihpone8", "wh-1000xm4", "2x4"],
        &expect![[r#"
            WH1000XM3: wh1000xm3
              1 wh1000xm3 Literal 1.00
            wh 1000 xm3: wh 1000 xm3
              001 wh Literal 1.00, wh1000xm3 Joined 0.95
              010 wh1000xm3 Joined 0.95
              100 wh1000xm3 Joined 0.95
            iphone8: iphone8
              1 iphon+8 Literal 0.80
            ihpone8: ihpone8→iphone 8
              1 iphon+8 Corrected 0.72
            wh-1000xm4: wh-1000xm4
            2x4: 2x4
              1 2x4 Literal 1.00, 2+4 Literal 0.51
        "#]],
    );
}

#[test]
fn unknown_words_are_corrected_by_what_the_catalogue_has() {
    check(
        &electronics(),
        &[
            "hedset",
            "blutooth speeker",
            "headpohnes",
            "cartrige",
            "rpinter",
            "bleutoth",
            "ssd",
            "wireles",
            "pinter headset",
            "qqqqqq",
        ],
        &expect![[r#"
            hedset: hedset→headset
              1 headset Corrected 0.90
            blutooth speeker: blutooth→bluetooth speeker→speaker
              01 bluetooth Corrected 0.90
              10 speaker Corrected 0.90
            headpohnes: headpohnes→headphones
              1 headphon Corrected 0.90
            cartrige: cartrige→cartridge
              1 cartridg Corrected 0.90
            rpinter: rpinter→printer
              1 printer Corrected 0.90
            bleutoth: bleutoth→bluetooth
              1 bluetooth Corrected 0.70
            ssd: ssd
            wireles: wireles→wireless
              1 wirel Literal 1.00, wireless Corrected 0.90
            pinter headset: pinter→printer headset
              01 printer Corrected 0.90
              10 headset Literal 1.00
            qqqqqq: qqqqqq
        "#]],
    );
}

#[test]
fn blanks_may_be_missing_or_too_many() {
    check(
        &electronics(),
        &["head set", "head-set", "bluetoothspeaker", "blue tooth speaker", "tshirt", "t shirt"],
        &expect![[r#"
            head set: head set
              01 head Literal 1.00, headset Joined 0.95
              10 set Literal 1.00, headset Joined 0.95
            head-set: head-set
              1 headset Literal 1.00, head+set Literal 0.12
            bluetoothspeaker: bluetoothspeaker
              1 bluetooth+speaker Split 0.90
            blue tooth speaker: blue tooth speaker
              001 bluetooth Joined 0.95
              010 bluetooth Joined 0.95
              100 speaker Literal 1.00
            tshirt: tshirt
              1 tshirt Literal 1.00
            t shirt: t shirt
              01 t Literal 1.00, tshirt Joined 0.95
              10 shirt Literal 1.00, tshirt Joined 0.95
        "#]],
    );
}

#[test]
fn german_words_are_found_in_longer_ones_and_in_parts() {
    check(
        &kitchen(),
        &[
            "maschine",
            "Maschinen",
            "kaffee maschine",
            "kaffeemaschinen",
            "arbeit hose",
            "kaffeetasche",
            "Schulhose",
            "kaffeearbeitshose",
        ],
        &expect![[r#"
            maschine: maschine
              1 maschin Literal 1.00, kaffeemaschin Compound 0.42, waschmaschin Compound 0.34, nahmaschin Compound 0.24
            Maschinen: maschinen
              1 maschin Literal 1.00, kaffeemaschin Compound 0.42, waschmaschin Compound 0.34, nahmaschin Compound 0.24
            kaffee maschine: kaffee maschine
              01 kaffe Literal 1.00, kaffeemaschin Joined 0.58
              10 maschin Literal 1.00, kaffeemaschin Joined 0.95
            kaffeemaschinen: kaffeemaschinen
              1 kaffeemaschin Literal 1.00, kaffe+maschin Split 0.21
            arbeit hose: arbeit hose
              01 arbeit Literal 1.00, arbeitshos Joined 0.95
              10 hos Literal 1.00, arbeitshos Joined 0.54
            kaffeetasche: kaffeetasche
              1 kaffe+tasch Split 0.90
            Schulhose: schulhose
              1 schul+hos Split 0.90
            kaffeearbeitshose: kaffeearbeitshose
              1 kaffe+arbeitshos Split 0.90
        "#]],
    );
}

#[test]
fn umlauts_are_found_either_way() {
    check(
        &kitchen(),
        &["kuehlschrank", "Kühlschrank", "Möbel", "moebel", "naehmaschine"],
        &expect![[r#"
        kuehlschrank: kuehlschrank
          1 kuhlschrank Literal 1.00
        Kühlschrank: kuhlschrank
          1 kuhlschrank Literal 1.00
        Möbel: mobel
          1 moebel Literal 1.00
        moebel: moebel
          1 moebel Literal 1.00
        naehmaschine: naehmaschine
          1 nahmaschin Literal 1.00
    "#]],
    );
}

#[test]
fn dutch_words_too() {
    let shop = Shop::new(
        Language::Dutch,
        &[("Koffiezetapparaat", 9), ("Apparaat", 4), ("Fietstas leer", 7), ("Fiets", 30), ("Tassen", 20)],
    );
    check(
        &shop,
        &["apparaat", "fiets tas", "fietstassen", "fietstasssen"],
        &expect![[r#"
            apparaat: apparaat
              1 apparat Literal 1.00, koffiezetapparat Compound 0.50
            fiets tas: fiets tas
              01 fiet Literal 1.00, fietstas Joined 0.36
              10 tas Literal 1.00, fietstas Joined 0.53
            fietstassen: fietstassen
              1 fietstas Literal 1.00, fiet+tas Split 0.60
            fietstasssen: fietstasssen
              1 fietstas Literal 1.00, fiet+tas Split 0.60
        "#]],
    );
}

#[test]
fn a_literal_query_is_left_alone() {
    let options = Options { is_literal: true };
    expect![[r#"
        hedset: hedset
        head set: head set
          01 head Literal 1.00
          10 set Literal 1.00
        wh-1000xm3: wh-1000xm3
          1 wh1000xm3 Literal 1.00, wh+1000xm3 Literal 0.40
    "#]]
    .assert_eq(&electronics().shown(&["hedset", "head set", "wh-1000xm3"], options));
}

fn rule(from: &[&str], to: &[&str]) -> Synonym {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Synonym { from: own(from), to: own(to) }
}

#[test]
fn what_the_shop_says_means_the_same_is_found() {
    let mut shop = electronics();
    let rules = [
        rule(&["cell phone", "iphone", "handset"], &[]),
        rule(&["cans"], &["headphones", "wireless headset"]),
    ];
    let (synonyms, problems) = Synonyms::new(&rules, &Analyzer::new(Language::English));
    assert!(problems.is_empty(), "{problems:?}");
    shop.synonyms = synonyms;
    check(
        &shop,
        &["cell phones", "iphone 8", "red cans", "memory card", "headphones"],
        &expect![[r#"
            cell phones: cell phones
              01 iphon Synonym 0.90
              10 iphon Synonym 0.90
            iphone 8: iphone 8
              01 iphon Literal 1.00
              10 8 Literal 1.00
            red cans: red cans
              10 headphon Synonym 0.90, wireless+headset Synonym 0.90
            memory card: memory card
              01 memori Literal 1.00
              10 card Literal 1.00
            headphones: headphones
              1 headphon Literal 1.00
        "#]],
    );
}

#[test]
fn bad_synonyms_are_named() {
    let long = "a b c d e f g";
    let many: Vec<String> = (0..40).map(|i| format!("word{i}")).collect();
    let rules = [
        rule(&["one"], &[]),
        rule(&["", "two"], &[]),
        rule(&[long], &["two"]),
        Synonym { from: many, to: vec![] },
        rule(&["fine"], &["good"]),
        rule(&[], &["good"]),
    ];
    let (_, problems) = Synonyms::new(&rules, &Analyzer::new(Language::English));
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    expect![[r#"
        synonyms.0.from: name two words that mean the same, or one and in `to` what it stands for [too_few]
        synonyms.1.from.0: has no letter and no digit; write a word [empty]
        synonyms.2.from.0: has 7 words; write at most 6 [too_long]
        synonyms.3.from: 40 phrases; write at most 32 in one rule [too_many]
        synonyms.5.from: name two words that mean the same, or one and in `to` what it stands for [too_few]"#]].assert_eq(&shown.join("\n"));
}

#[test]
fn hostile_queries_are_bounded() {
    let shop = electronics();
    let long = "headset ".repeat(10_000);
    let plan = shop.plan(&long, Options::default());
    assert_eq!(plan.words.len(), WORDS_MAX);
    assert!(!plan.left_out.is_empty());
    for query in [
        "\u{0}\u{1}\u{202e}",
        "👩‍👩‍👧‍👦",
        "' OR 1=1 --",
        &"a".repeat(100_000),
        &"a1".repeat(50_000),
        &"-".repeat(100_000),
        "\"\"\"\"''''",
    ] {
        let plan = shop.plan(query, Options::default());
        assert!(plan.words.len() <= WORDS_MAX);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_query_has_a_plan_that_is_sound(query in prop_oneof!["\\PC{0,120}", "[a-z0-9 'äöü.-]{0,80}"], german: bool) {
        let shop = if german { kitchen() } else { electronics() };
        let plan = shop.plan(&query, Options::default());
        prop_assert!(plan.words.len() <= WORDS_MAX && plan.groups.len() <= WORDS_MAX);
        for group in &plan.groups {
            prop_assert!(group.words != 0 && u32::from(group.words) < 1 << plan.words.len());
            prop_assert!(!group.alternatives.is_empty() && group.alternatives.len() <= 32);
            for alternative in &group.alternatives {
                prop_assert!(!alternative.terms.is_empty() && alternative.weight > 0.0 && alternative.weight <= 1.0);
                let counts = alternative.terms.iter().map(|no| shop.counts[no.0 as usize]);
                prop_assert!(counts.min() > Some(0), "a term that no product has");
            }
        }
    }

    #[test]
    fn a_word_of_the_catalogue_with_a_slip_is_brought_back(at in 1usize..7, which in 0..4, letter in "[a-z]") {
        let shop = electronics();
        for word in ["headset", "bluetooth", "cartridge", "projector"] {
            let mut letters: Vec<char> = word.chars().collect();
            let at = at.min(letters.len() - 2);
            match which {
                0 => { letters.remove(at); }
                1 => letters.insert(at, letter.chars().next().unwrap()),
                2 => letters[at] = letter.chars().next().unwrap(),
                _ => letters.swap(at, at + 1),
            }
            let typed: String = letters.into_iter().collect();
            let plan = shop.plan(&typed, Options::default());
            let no = shop.vocabulary.get(&shop.analyzer.stem(word)).unwrap();
            prop_assert!(plan.groups.iter().any(|group| group.alternatives.iter().any(|one| one.terms == [no])), "{typed}");
        }
    }
}
