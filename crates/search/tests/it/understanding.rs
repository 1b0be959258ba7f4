//! What queries say beyond their words: values of the catalogue, prices, what is not wanted, in several languages.

use crate::shop::Shop;
use bespoke_search::analysis::{Language, Piece};
use bespoke_search::measures::Measures;
use bespoke_search::query::{About, Options, Planner, Understood, Values, What, understand};
use bespoke_search::vocabulary::TermNo;
use expect_test::{Expect, expect};
use proptest::prelude::*;

/// Values with how many products have each.
struct Known {
    values: Values,
    counts: Vec<(About, &'static str, u32)>,
}

impl Known {
    fn understand(
        &self,
        planner: &Planner<'_>,
        pieces: &[Piece],
        left_alone: &[std::ops::Range<usize>],
    ) -> Vec<Understood> {
        let count = |about: &About, text: &str| {
            let is_it = |one: &&(About, &str, u32)| one.0 == *about && one.1 == text;
            self.counts.iter().find(is_it).map_or(0, |one| one.2)
        };
        understand(planner, (&self.values, &count), pieces, left_alone)
    }
}

fn shop(language: Language) -> (Shop, Known) {
    let shop = Shop::new(
        language,
        &[
            ("Red running shoes for women Under Armour size 42", 20),
            ("Canon printer black", 50),
            ("Apple iPad Pro 64 GB space grey", 10),
            ("Gaming laptop Acer black", 30),
            ("Microsoft Windows Home Premium", 8),
            ("Apple juice", 200),
        ],
    );
    let mut values = Values::default();
    let attribute = |name: &str| About::Attribute(name.to_owned());
    let counts = vec![
        (About::Brand, "Canon", 50),
        (About::Brand, "Under Armour", 20),
        (About::Brand, "Apple", 10),
        (About::Brand, "Acer", 30),
        (About::Category, "Home > Computers > Gaming Laptops", 30),
        (About::Category, "Sport > Running Shoes", 20),
        (attribute("colour"), "Red", 20),
        (attribute("colour"), "Black", 80),
        (attribute("case colour"), "Black", 3),
        (attribute("colour"), "Space Grey", 10),
        (attribute("gender"), "Women", 20),
        (attribute("memory"), "64 GB", 10),
        (attribute("touchscreen"), "true", 10),
        (attribute("ports"), "4", 10),
        (attribute("fits"), "everything that one could ever think of", 10),
    ];
    counts.iter().for_each(|(about, text, _)| values.note(&shop.analyzer, about, text));
    (shop, Known { values, counts })
}

fn understood(shop: &Shop, values: &Known, query: &str) -> (Vec<Understood>, String) {
    let frequency = |no: TermNo| shop.counts.get(no.0 as usize).copied().unwrap_or(0);
    let (analyzer, vocabulary) = (&shop.analyzer, &shop.vocabulary);
    let planner = Planner {
        analyzer,
        vocabulary,
        frequency: &frequency,
        products: shop.products,
        synonyms: &shop.synonyms,
        measures: &Measures::default(),
        beside: &[],
    };
    let pieces = planner.pieces(query, Options::default());
    let all = values.understand(&planner, &pieces, &[]);
    let words = planner.plan_pieces(&pieces, &all, Options::default()).words;
    let words: Vec<String> = words.into_iter().map(|word| word.surface).collect();
    (all, words.join(" "))
}

/// A line a query: what is left to search for, and what was understood; `!` = it filters.
fn shown(language: Language, queries: &[&str]) -> String {
    let (shop, values) = shop(language);
    let line = |query: &&str| {
        let (all, words) = understood(&shop, &values, query);
        let one = |one: &Understood| {
            let what = match &one.what {
                What::Value(value) => format!("{:?} {} {:.2}", value.about, value.text, one.confidence),
                What::Price { at_least, at_most } => {
                    let bound = |bound: &Option<u64>| {
                        bound.map_or(String::new(), |bound| format!("{}", bound as f64 / 100.0))
                    };
                    format!("price {}..{}", bound(at_least), bound(at_most))
                }
                What::Measure { unit, at_least, at_most, .. } => {
                    let bound = |bound: &Option<f64>| bound.map_or(String::new(), |bound| bound.to_string());
                    format!("{}..{} {unit}", bound(at_least), bound(at_most))
                }
                What::Without(terms) => format!("without {}", terms.join(" ")),
                What::Cheap => "cheap".to_owned(),
                What::Premium => "premium".to_owned(),
            };
            format!("[{what}{}]", if one.is_filter { "!" } else { "" })
        };
        format!("{query}: {words} {}\n", all.iter().map(one).collect::<Vec<_>>().join(" "))
    };
    queries.iter().map(line).collect()
}

fn check(language: Language, queries: &[&str], expected: &Expect) {
    expected.assert_eq(&shown(language, queries));
}

#[test]
fn values_of_the_catalogue_are_recognised() {
    check(
        Language::English,
        &[
            "red under armour running shoes",
            "canon black printer",
            "apple",
            "ipad space grey 64gb",
            "gaming laptops acer",
            "ladies shoes",
            "shoes for men",
            "true 4",
            "printer",
        ],
        &expect![[r#"
            red under armour running shoes: red under armour running shoes [Attribute("colour") Red 1.00] [Brand Under Armour 1.00] [Category Sport > Running Shoes 1.00]
            canon black printer: canon black printer [Brand Canon 1.00] [Attribute("colour") Black 1.00]
            apple: apple 
            ipad space grey 64gb: ipad space grey 64gb [Attribute("colour") Space Grey 1.00] [Attribute("memory") 64 GB 1.00]
            gaming laptops acer: gaming laptops acer [Category Home > Computers > Gaming Laptops 1.00] [Brand Acer 1.00]
            ladies shoes: ladies shoes [Attribute("gender") Women 1.00]
            shoes for men: shoes for men 
            true 4: true 4 
            printer: printer 
        "#]],
    );
}

#[test]
fn how_many_of_something_is_a_value() {
    check(
        Language::English,
        &["switch 4 ports", "switch with four ports", "4 shoes", "ports"],
        &expect![[r#"
            switch 4 ports: switch 4 ports [Attribute("ports") 4 1.00]
            switch with four ports: switch with four ports [Attribute("ports") 4 1.00]
            4 shoes: 4 shoes 
            ports: ports 
        "#]],
    );
}

#[test]
fn prices_and_measures_in_words() {
    check(
        Language::English,
        &[
            "ipad under a hundred and fifty",
            "ipad at least sixty-four gigabytes",
            "shoes under twenty pounds",
        ],
        &expect![[r#"
            ipad under a hundred and fifty: ipad [price ..150!]
            ipad at least sixty-four gigabytes: ipad [64000.. mb!]
            shoes under twenty pounds: shoes [price ..20!]
        "#]],
    );
}

#[test]
fn prices_are_limits() {
    check(
        Language::English,
        &[
            "laptop under 500",
            "laptop below $499.99",
            "laptop less than fifty euros",
            "laptop up to 1,000 dollars",
            "laptop over 100",
            "laptop between 20 and 50",
            "laptop between $20 and $50 black",
            "laptop 20-50 €",
            "laptop 20 to 50 euros",
            "laptop from 100 to 200 for women",
            "shoes for two hundred fifty dollars or less than two hundred fifty dollars",
            "laptop under £50",
            "laptop max 300 eur",
            "laptop < 300",
            "under 50 pounds",
            "under 50eur",
        ],
        &expect![[r#"
            laptop under 500: laptop [price ..500!]
            laptop below $499.99: laptop [price ..499.99!]
            laptop less than fifty euros: laptop [price ..50!]
            laptop up to 1,000 dollars: laptop [price ..1000!]
            laptop over 100: laptop [price 100..!]
            laptop between 20 and 50: laptop [price 20..50!]
            laptop between $20 and $50 black: laptop black [price 20..50!] [Attribute("colour") Black 1.00]
            laptop 20-50 €: laptop [price 20..50!]
            laptop 20 to 50 euros: laptop [price 20..50!]
            laptop from 100 to 200 for women: laptop for women [price 100..200!] [Attribute("gender") Women 1.00]
            shoes for two hundred fifty dollars or less than two hundred fifty dollars: shoes for two hundred fifty dollars or [price ..250!]
            laptop under £50: laptop [price ..50!]
            laptop max 300 eur: laptop [price ..300!]
            laptop < 300: laptop [price ..300!]
            under 50 pounds:  [price ..50!]
            under 50eur:  [price ..50!]
        "#]],
    );
}

#[test]
fn prices_go_on_with_other_things() {
    check(
        Language::English,
        &[
            "laptop under 500 black",
            "shoes under 50 us dollars black",
            "printer below 100 swiss francs canon",
            "printer over 100 canon",
            "laptop up to 500 without windows",
            "laptop over 100 under 500",
            "laptop max 500 at least 16 GB",
            "laptop over 300 cheap",
            "laptop price under 500 black",
            "laptop priced at least 300 black",
            "shoes 50 euros or less",
            "shoes $50 max red",
            "laptop 300 dollars and up black",
        ],
        &expect![[r#"
            laptop under 500 black: laptop black [price ..500!] [Attribute("colour") Black 1.00]
            shoes under 50 us dollars black: shoes black [price ..50!] [Attribute("colour") Black 1.00]
            printer below 100 swiss francs canon: printer canon [price ..100!] [Brand Canon 1.00]
            printer over 100 canon: printer canon [price 100..!] [Brand Canon 1.00]
            laptop up to 500 without windows: laptop [price ..500!] [without window]
            laptop over 100 under 500: laptop [price 100..!] [price ..500!]
            laptop max 500 at least 16 GB: laptop [price ..500!] [16000.. mb!]
            laptop over 300 cheap: laptop [price 300..!] [cheap]
            laptop price under 500 black: laptop black [price ..500!] [Attribute("colour") Black 1.00]
            laptop priced at least 300 black: laptop black [price 300..!] [Attribute("colour") Black 1.00]
            shoes 50 euros or less: shoes [price ..50!]
            shoes $50 max red: shoes red [price ..50!] [Attribute("colour") Red 1.00]
            laptop 300 dollars and up black: laptop black [price 300..!] [Attribute("colour") Black 1.00]
        "#]],
    );
    expect![[r#"
        Drucker Preis unter 50 schwarz: drucker schwarz [price ..50!]
        Drucker 50 Euro oder weniger: drucker [price ..50!]
        Drucker ab 50 ohne Kabel: drucker [price 50..!] [without kabel]
    "#]]
    .assert_eq(&shown(
        Language::German,
        &["Drucker Preis unter 50 schwarz", "Drucker 50 Euro oder weniger", "Drucker ab 50 ohne Kabel"],
    ));
    expect![[r#"
        imprimante 50 euros maximum: imprimante [price ..50!]
        imprimante prix moins de 50 canon: imprimante canon [price ..50!] [Brand Canon 1.00]
    "#]]
    .assert_eq(&shown(
        Language::French,
        &["imprimante 50 euros maximum", "imprimante prix moins de 50 canon"],
    ));
}

#[test]
fn what_is_no_price_is_left_alone() {
    check(
        Language::English,
        &[
            "under armour shoes",
            "up to 20 pages printer",
            "shoes size 20-50",
            "between the lines",
            "over ear headphones",
            "from 5 to 9 year toys",
            "under",
            "laptop 50 €",
            "switch up to 4 black ports",
            "switch from 4 up to 8 ports",
            "laptop 500 euro max 16 GB",
            "shoes 50 or less",
        ],
        &expect![[r#"
            under armour shoes: under armour shoes [Brand Under Armour 1.00]
            up to 20 pages printer: up to 20 pages printer 
            shoes size 20-50: shoes size 20-50 
            between the lines: between the lines 
            over ear headphones: over ear headphones 
            from 5 to 9 year toys: from 5 to 9 year toys 
            under: under 
            laptop 50 €: laptop 50 
            switch up to 4 black ports: switch up to 4 black ports [Attribute("colour") Black 1.00]
            switch from 4 up to 8 ports: switch from 4 up to 8 ports 
            laptop 500 euro max 16 GB: laptop 500 euro [..16000 mb!]
            shoes 50 or less: shoes 50 or less 
        "#]],
    );
}

#[test]
fn measures_are_limits() {
    check(
        Language::English,
        &[
            "laptop under 15 inch",
            "laptop at least 16 GB",
            "cable up to 2 m",
            "laptop between 10 and 14\"",
            "laptop between 10\" and 14\"",
            "laptop from 1.5 kg to 2 kg",
            "laptop 15 inch",
            "laptop between 14 and 10 inch",
            "laptop under 50 pounds",
        ],
        &expect![[r#"
            laptop under 15 inch: laptop [..381 mm!]
            laptop at least 16 GB: laptop [16000.. mb!]
            cable up to 2 m: cable [..2000 mm!]
            laptop between 10 and 14": laptop [254..356 mm!]
            laptop between 10" and 14": laptop [254..356 mm!]
            laptop from 1.5 kg to 2 kg: laptop [1500000..2000000 mg!]
            laptop 15 inch: laptop 15 inch 
            laptop between 14 and 10 inch: laptop between 14 and 10 inch 
            laptop under 50 pounds: laptop [price ..50!]
        "#]],
    );
    expect![[r#"
        Kabel bis 2 m: kabel [..2000 mm!]
        Laptop ab 16 GB: laptop [16000.. mb!]
        Laptop unter 15 Zoll: laptop [..381 mm!]
    "#]]
    .assert_eq(&shown(Language::German, &["Kabel bis 2 m", "Laptop ab 16 GB", "Laptop unter 15 Zoll"]));
}

#[test]
fn levels_and_what_is_not_wanted() {
    check(
        Language::English,
        &[
            "cheap laptop",
            "budget gaming laptop",
            "premium shoes",
            "windows home premium",
            "laptop without windows",
            "shoes not red",
            "laptop without the",
            "without",
        ],
        &expect![[r#"
            cheap laptop: laptop [cheap]
            budget gaming laptop: gaming laptop [cheap] [Category Home > Computers > Gaming Laptops 1.00]
            premium shoes: premium shoes [premium]
            windows home premium: windows home premium [premium]
            laptop without windows: laptop [without window]
            shoes not red: shoes [without red]
            laptop without the: laptop without the 
            without: without 
        "#]],
    );
}

/// Queries about prices in each language but English.
const PRICES: [(Language, &[&str]); 5] = [
    (
        Language::German,
        &[
            "Drucker unter 50 Euro",
            "Drucker bis 1.000 €",
            "Drucker ab 19,99 €",
            "Drucker zwischen 20 und 50",
            "Drucker von 20 bis 50 Euro",
            "Drucker unter fünfzig Euro",
            "Drucker bis zweihundertfünfzig Euro",
            "Drucker höchstens fünfundzwanzig Euro",
            "günstiger Drucker ohne Kabel",
            "Schuhe über 100 Euro",
        ],
    ),
    (
        Language::French,
        &[
            "imprimante à moins de 50 euros",
            "imprimante jusqu'à 1.000 €",
            "imprimante entre 20 et 50 €",
            "imprimante moins de cent euros",
            "imprimante moins de quatre-vingt-dix euros",
            "imprimante pas chère sans fil",
            "imprimante haut de gamme",
        ],
    ),
    (
        Language::Spanish,
        &[
            "impresora por menos de 50 euros",
            "impresora entre 20 y 50 €",
            "impresora hasta cien euros",
            "impresora barata sin cable",
            "zapatos de 20 a 50 euros",
        ],
    ),
    (
        Language::Italian,
        &[
            "stampante meno di 50 euro",
            "stampante tra 20 e 50 €",
            "stampante fino a cinquanta euro",
            "stampante economica senza fili",
            "stampante sotto i duecento euro",
        ],
    ),
    (
        Language::Dutch,
        &[
            "printer onder de 50 euro",
            "printer tussen 20 en 50 euro",
            "printer tot vijfentwintig euro",
            "goedkope printer zonder kabel",
            "printer vanaf 100 euro",
        ],
    ),
];

#[test]
fn prices_in_other_languages() {
    let all: String = PRICES.iter().map(|(language, queries)| shown(*language, queries)).collect();
    expect![[r#"
        Drucker unter 50 Euro: drucker [price ..50!]
        Drucker bis 1.000 €: drucker [price ..1000!]
        Drucker ab 19,99 €: drucker [price 19.99..!]
        Drucker zwischen 20 und 50: drucker [price 20..50!]
        Drucker von 20 bis 50 Euro: drucker [price 20..50!]
        Drucker unter fünfzig Euro: drucker [price ..50!]
        Drucker bis zweihundertfünfzig Euro: drucker [price ..250!]
        Drucker höchstens fünfundzwanzig Euro: drucker [price ..25!]
        günstiger Drucker ohne Kabel: drucker [cheap] [without kabel]
        Schuhe über 100 Euro: schuhe [price 100..!]
        imprimante à moins de 50 euros: imprimante a [price ..50!]
        imprimante jusqu'à 1.000 €: imprimante [price ..1000!]
        imprimante entre 20 et 50 €: imprimante [price 20..50!]
        imprimante moins de cent euros: imprimante [price ..100!]
        imprimante moins de quatre-vingt-dix euros: imprimante [price ..90!]
        imprimante pas chère sans fil: imprimante [cheap] [without fil]
        imprimante haut de gamme: imprimante [premium]
        impresora por menos de 50 euros: impresora por [price ..50!]
        impresora entre 20 y 50 €: impresora [price 20..50!]
        impresora hasta cien euros: impresora [price ..100!]
        impresora barata sin cable: impresora [cheap] [without cabl]
        zapatos de 20 a 50 euros: zapatos [price 20..50!]
        stampante meno di 50 euro: stampante [price ..50!]
        stampante tra 20 e 50 €: stampante [price 20..50!]
        stampante fino a cinquanta euro: stampante [price ..50!]
        stampante economica senza fili: stampante [cheap] [without fil]
        stampante sotto i duecento euro: stampante [price ..200!]
        printer onder de 50 euro: printer [price ..50!]
        printer tussen 20 en 50 euro: printer [price 20..50!]
        printer tot vijfentwintig euro: printer [price ..25!]
        goedkope printer zonder kabel: printer [cheap] [without kabel]
        printer vanaf 100 euro: printer [price 100..!]
    "#]]
    .assert_eq(&all);
}

#[test]
fn what_the_shopper_takes_back_is_left_alone() {
    let (shop, values) = shop(Language::English);
    let frequency = |no: TermNo| shop.counts.get(no.0 as usize).copied().unwrap_or(0);
    let (analyzer, vocabulary) = (&shop.analyzer, &shop.vocabulary);
    let planner = Planner {
        analyzer,
        vocabulary,
        frequency: &frequency,
        products: shop.products,
        synonyms: &shop.synonyms,
        measures: &Measures::default(),
        beside: &[],
    };
    let pieces = planner.pieces("red laptop under 50", Options::default());
    let all = values.understand(&planner, &pieces, &[]);
    assert_eq!(all.len(), 2, "{all:?}");
    let price = all.iter().find(|one| one.is_filter).expect("a price").pieces.clone();
    let left = values.understand(&planner, &pieces, &[price]);
    assert_eq!(left, all[..1], "only the colour");
    let words = planner.plan_pieces(&pieces, &left, Options::default()).words;
    assert_eq!(words.len(), 4, "the words of the price are searched for again");
}

#[test]
fn values_come_and_go() {
    let (shop, mut values) = shop(Language::English);
    let canon = |values: &Known| understood(&shop, values, "canon").0.len();
    assert_eq!(canon(&values), 1);
    values.counts[0].2 = 1;
    assert_eq!(canon(&values), 0, "one of fifty is too few to go by");
    values.counts[0].2 = 50;
    assert_eq!(canon(&values), 1);
    values.counts[0].2 = 0;
    assert_eq!(canon(&values), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_query_is_understood_within_itself(
        words in proptest::collection::vec(prop_oneof![
            "\\PC{0,6}",
            proptest::sample::select(vec![
                "under", "between", "and", "to", "20", "50-60", "€", "$", "fifty", "hundred", "without", "cheap", "red", "space", "grey", "-", "<", "unter", "bis",
                "zweihundert", "99999999999999999999", "1.5",
            ]).prop_map(str::to_owned),
        ], 0..30),
        german: bool,
    ) {
        let language = if german { Language::German } else { Language::English };
        let (shop, values) = shop(language);
        let query = words.join(" ");
        let pieces = shop.analyzer.pieces(&query);
        let (all, _) = understood(&shop, &values, &query);
        prop_assert!(all.windows(2).all(|pair| pair[0].pieces.end <= pair[1].pieces.start));
        prop_assert!(all.iter().all(|one| !one.pieces.is_empty() && one.pieces.end <= pieces.len()));
        for one in &all {
            if let What::Price { at_least: Some(low), at_most: Some(high) } = one.what {
                prop_assert!(low <= high);
            }
            prop_assert!(one.confidence > 0.0 && one.confidence <= 1.0);
        }
    }
}
