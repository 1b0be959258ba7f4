//! What texts become: each step of the analysis, in several languages.

use bespoke_search::analysis::{Analyzer, Kind, Language};
use expect_test::{Expect, expect};
use proptest::prelude::*;

/// A line a text: its words, each reading after a `|`, tokens of a reading after a `+`. A term that is not as it was typed stands
/// behind its surface.
fn shown(language: Language, texts: &[&str]) -> String {
    let analyzer = Analyzer::new(language);
    let token = |token: &bespoke_search::analysis::Token| match token.surface == token.term {
        true => token.term.clone(),
        false => format!("{}→{}", token.surface, token.term),
    };
    let line = |text: &&str| {
        let pieces = analyzer.pieces(text);
        let piece = |piece: &bespoke_search::analysis::Piece| match piece.sign {
            Some(sign) => format!("<{sign}>"),
            None => {
                let reading = |reading: &Vec<_>| reading.iter().map(token).collect::<Vec<_>>().join("+");
                piece.readings.iter().map(reading).collect::<Vec<_>>().join("|")
            }
        };
        let text: String = text
            .chars()
            .map(|c| {
                if c.is_control() || c == '\u{ad}' || ('\u{200b}'..='\u{202e}').contains(&c) {
                    '·'
                } else {
                    c
                }
            })
            .collect();
        format!("{text}: {}\n", pieces.iter().map(piece).collect::<Vec<_>>().join(" "))
    };
    texts.iter().map(line).collect()
}

fn check(language: Language, texts: &[&str], expected: &Expect) {
    expected.assert_eq(&shown(language, texts));
}

/// Whether all are found by the same term.
fn all_meet(language: Language, texts: &[&str]) {
    let analyzer = Analyzer::new(language);
    let whole = |text: &str| analyzer.tokens(text).first().map(|token| token.term.clone());
    for text in texts {
        assert_eq!(whole(text), whole(texts[0]), "{text} and {}", texts[0]);
    }
}

#[test]
fn letters_are_folded() {
    check(
        Language::Other,
        &[
            "Café CAFE\u{301} ｃａｆé",
            "Straße STRASSE strasse",
            "Kühlschrank Kuehlschrank KU\u{308}HLSCHRANK",
            "smørrebrød æble Œuvre Łódź İstanbul ırmak",
            "ΣΊΣΥΦΟΣ σίσυφος",
            "Core™2 Duo® Intel©",
            "ﬁne no\u{ad}break zero\u{200b}width a\u{0}b\tc",
            "true value queue bluetooth",
        ],
        &expect![[r#"
            Café CAFÉ ｃａｆé: cafe cafe cafe
            Straße STRASSE strasse: strasse strasse strasse
            Kühlschrank Kuehlschrank KÜHLSCHRANK: kuhlschrank kuehlschrank kuhlschrank
            smørrebrød æble Œuvre Łódź İstanbul ırmak: smorrebrod aeble oeuvre lodz istanbul irmak
            ΣΊΣΥΦΟΣ σίσυφος: σισυφοσ σισυφοσ
            Core™2 Duo® Intel©: core 2 duo intel
            ﬁne no·break zero·width a·b·c: fine nobreak zerowidth ab c
            true value queue bluetooth: true value queue bluetooth
        "#]],
    );
}

#[test]
fn other_scripts_and_signs_harm_nothing() {
    check(
        Language::English,
        &[
            "無線マウス wireless",
            "무선 마우스",
            "عَرَبِيّ ٣٥ سم",
            "עִבְרִית",
            "हिन्दी",
            "ไทย",
            "👩‍👩‍👧‍👦 5️⃣ ❤️ red❤️shoes",
            "' OR 1=1; DROP TABLE products; --",
            "<script>alert('x')</script>",
            "\u{202e}evil\u{202c} ((( ]] \"\" %%",
            "",
        ],
        &expect![[r#"
            無線マウス wireless: 無 線 マ ウ ス wireless
            무선 마우스: 무선 마우스
            عَرَبِيّ ٣٥ سم: عربي 35 سم
            עִבְרִית: עברית
            हिन्दी: हिन्दी
            ไทย: ไทย
            👩·👩·👧·👦 5️⃣ ❤️ red❤️shoes: 5 red shoes→shoe
            ' OR 1=1; DROP TABLE products; --: or 1 1 drop table→tabl products→product <-> <->
            <script>alert('x')</script>: <<> script <>> alert x <<> script <>>
            ·evil· ((( ]] "" %%: evil
            : 
        "#]],
    );
}

#[test]
fn endings_are_cut_in_each_language() {
    let cases: [(Language, &[&str]); 6] = [
        (
            Language::English,
            &["printers printing glasses batteries women's men's mens boys' news new universal university"],
        ),
        (Language::German, &["Kaffeemaschinen Kaffeemaschine Stühle Stuhl Schuhe Schuh Häuser Haus"]),
        (
            Language::French,
            &[
                "cafetières cafetière chaussures chaussure l'imprimante d'encre bijoux bijou jeux jeu rideaux rideau cheveux",
            ],
        ),
        (Language::Spanish, &["zapatos zapato camiones camión pantalones pantalón"]),
        (Language::Italian, &["scarpe scarpa dell'acqua magliette maglietta"]),
        (
            Language::Dutch,
            &[
                "schoenen schoen fietsen fiets stoelen stoel tassen tas broeken broek jassen jas lampen lamp kussens kussen glazen glas huizen huis",
            ],
        ),
    ];
    let all: String =
        cases.iter().map(|(language, texts)| format!("{language:?} {}", shown(*language, texts))).collect();
    expect![[r#"
        English printers printing glasses batteries women's men's mens boys' news new universal university: printers→printer printing→print glasses→glass batteries→batteri women men mens→men boys→boy news new universal→univers university→univers
        German Kaffeemaschinen Kaffeemaschine Stühle Stuhl Schuhe Schuh Häuser Haus: kaffeemaschinen→kaffeemaschin kaffeemaschine→kaffeemaschin stuhle→stuhl stuhl schuhe→schuh schuh hauser→haus haus
        French cafetières cafetière chaussures chaussure l'imprimante d'encre bijoux bijou jeux jeu rideaux rideau cheveux: cafetieres→cafetier cafetiere→cafetier chaussures→chaussur chaussure→chaussur l imprimante→imprim d encre bijoux→bijou bijou jeux→jeu jeu rideaux→rideau rideau cheveux→cheveu
        Spanish zapatos zapato camiones camión pantalones pantalón: zapatos→zapat zapato→zapat camiones→camion camion pantalones→pantalon pantalon
        Italian scarpe scarpa dell'acqua magliette maglietta: scarpe→scarp scarpa→scarp dell acqua magliette→magliett maglietta→magliett
        Dutch schoenen schoen fietsen fiets stoelen stoel tassen tas broeken broek jassen jas lampen lamp kussens kussen glazen glas huizen huis: schoenen→schoen schoen fietsen→fiet fiets→fiet stoelen→stoel stoel tassen→tas tas broeken→broek broek jassen→jas jas lampen→lamp lamp kussens→kus kussen→kus glazen→glas glas huizen→huis huis
    "#]].assert_eq(&all);
}

#[test]
fn words_held_together_are_one_and_several() {
    check(
        Language::English,
        &[
            "t-shirt tshirt t shirt",
            "usb-c wi-fi e_book",
            "noise-cancelling on-ear headphones",
            "rock'n'roll o'neill don't levi's",
            "h&m AT&T StarTech.com U.S.A.",
            "black/white SC/ST",
            "end. Begin - of-",
            "cartridge(s) 6 pc(s)",
        ],
        &expect![[r#"
            t-shirt tshirt t shirt: tshirt|t+shirt tshirt t shirt
            usb-c wi-fi e_book: usbc|usb+c wifi|wi+fi ebook|e+book
            noise-cancelling on-ear headphones: noisecancelling→noisecancel|noise→nois+cancelling→cancel onear|on+ear headphones→headphon
            rock'n'roll o'neill don't levi's: rocknroll→rocknrol|rock+n+roll oneill→oneil|o+neill dont|don+t levi
            h&m AT&T StarTech.com U.S.A.: hm|h+m att|at+t startechcom|startech+com usa|u+s+a
            black/white SC/ST: black white sc st
            end. Begin - of-: end begin <-> of <->
            cartridge(s) 6 pc(s): cartridge→cartridg =6pc|6
        "#]],
    );
}

#[test]
fn codes_are_whole_and_in_parts() {
    check(
        Language::English,
        &[
            "WH-1000XM3 wh1000xm3 wh 1000 xm3",
            "dv7-1211ea 006R90321 x6800",
            "iphone8 iphone 8 ps4 mp3 3g 4K i7-7700K",
            "802.11n 802.11b/g cat5e CB540A/CB541A",
            "0884420588030 42918-105 2019-2020 8-10",
            "mp3-player 6-pin 3-in-1 SFL3363/10",
            "a1b2c3d4e5f6g7h8i9",
        ],
        &expect![[r#"
            WH-1000XM3 wh1000xm3 wh 1000 xm3: wh1000xm3|wh+1000xm3|wh+1000+xm+3 wh1000xm3|wh+1000+xm+3 wh 1000 xm3|xm+3
            dv7-1211ea 006R90321 x6800: dv71211ea|dv7+1211ea|dv+7+1211+ea 006r90321|006+90321 x6800|6800
            iphone8 iphone 8 ps4 mp3 3g 4K i7-7700K: iphone8|iphone→iphon+8 iphone→iphon 8 ps4|ps+4 mp3|mp+3 =3000mg|3+g 4k|4 i77700k|i7+7700k|7+7700
            802.11n 802.11b/g cat5e CB540A/CB541A: 802.11n|802.11 802.11b|802.11 g cat5e|cat+5 cb540a|cb+540 cb541a|cb+541
            0884420588030 42918-105 2019-2020 8-10: 0884420588030 42918105|42918+105 20192020|2019+2020 8+10
            mp3-player 6-pin 3-in-1 SFL3363/10: mp3player|mp3+player|mp+3+player 6pin|6+pin 3in1|3+in+1 sfl3363|sfl+3363 10
            a1b2c3d4e5f6g7h8i9: a1b2c3d4e5f6g7h8i9|1+2+3+4
        "#]],
    );
}

#[test]
fn numbers_are_one_however_they_are_grouped() {
    check(
        Language::English,
        &["1,000 1.000 1,000.50 1,5 1.50 .5 0.500 10,100,1000 1.2.3 1,000,000 007 12345678901234567890"],
        &expect![[r#"
            1,000 1.000 1,000.50 1,5 1.50 .5 0.500 10,100,1000 1.2.3 1,000,000 007 12345678901234567890: 1000 1 1000.5 1.5 1.5 0.5 0.5 10 100 1000 1 2 3 1000000 007 12345678901234567890
        "#]],
    );
    check(
        Language::German,
        &["1.000 1,000 1.000,50 1,5 1.50 ,5 1.000.000"],
        &expect![[r#"
        1.000 1,000 1.000,50 1,5 1.50 ,5 1.000.000: 1000 1 1000.5 1.5 1.5 5 1000000
    "#]],
    );
}

#[test]
fn quantities_have_one_term() {
    check(
        Language::English,
        &[
            "5 l 5l 5 litres 500ml .5 l 1,5 l",
            "12v 12 v 12 volt 12-volt",
            "17\" 17” 17'' 17in 17 inch 17 in; 17 in 1920 wide 2 in 1 3-in-1 17-inch 43.2 cm 6'",
            "1/2 in, ½ inch ½\" 1 1/2 in, 1-1/2\" 1½ inch",
            "4 GB 4gb 4096 mb 4000MB 1 TB 1024gb 512 MB",
            "2.4GHz 2400 mhz 1000 Mbit/s 1 Gbps 50-60 Hz",
            "6 pc(s) 6 pieces 6-pack 100 % 100% 360° 60 °C 7200rpm 64-bit",
            "80 g/m2 20 m2 12 fl oz 2 a 2a",
            "2 x 4 2x4 20 × 30 cm 1440 x 900 10x42L 2x zoom 4 x USB",
            "usb-64gb 64gb-stick 12v-adapter",
        ],
        &expect![[r#"
            5 l 5l 5 litres 500ml .5 l 1,5 l: =5000ml|5+l =5000ml|5+l =5000ml|5+litres→litr =500ml|500+ml =500ml|0.5+l =1500ml|1.5+l
            12v 12 v 12 volt 12-volt: =12v|12+v =12v|12+v =12v|12+volt =12v|12+volt
            17" 17· 17'' 17in 17 inch 17 in; 17 in 1920 wide 2 in 1 3-in-1 17-inch 43.2 cm 6': =432mm|17 =432mm|17 =432mm|17 =432mm|17+in =432mm|17+inch =432mm|17+in =432mm|17+in 1920 wide 2 in 1 3in1|3+in+1 =432mm|17+inch =432mm|43.2+cm =1830mm|6
            1/2 in, ½ inch ½" 1 1/2 in, 1-1/2" 1½ inch: =12.7mm|1/2+in =12.7mm|1/2+inch =12.7mm|1/2 =38.1mm|1-1/2+in =38.1mm|1-1/2 =38.1mm|1-1/2+inch
            4 GB 4gb 4096 mb 4000MB 1 TB 1024gb 512 MB: =4000mb|4+gb =4000mb|4+gb =4000mb|4096+mb =4000mb|4000+mb =1000000mb|1+tb =1000000mb|1024+gb =512mb|512+mb
            2.4GHz 2400 mhz 1000 Mbit/s 1 Gbps 50-60 Hz: =2400000000hz|2.4+ghz =2400000000hz|2400+mhz =1000mbps|1000+mbit =1000mbps|1+gbps 50+60 hz
            6 pc(s) 6 pieces 6-pack 100 % 100% 360° 60 °C 7200rpm 64-bit: =6pc|6 =6pc|6 =6pc|6 =100%|100 =100%|100 =360deg|360 =60c|60 =7200rpm|7200+rpm =64bit|64+bit
            80 g/m2 20 m2 12 fl oz 2 a 2a: =80000mg|80+g m2|2 =20m2|20+m =355ml|12+fl 2 a =2000ma|2+a
            2 x 4 2x4 20 × 30 cm 1440 x 900 10x42L 2x zoom 4 x USB: 2x4|2+4 2x4|2+4 20x30|20+30 cm 1440x900|1440+900 10x42l|10+42 2x|2 zoom 4 x usb
            usb-64gb 64gb-stick 12v-adapter: usb <-> =64000mb|64+gb =64000mb|64+gb <-> stick =12v|12+v <-> adapter→adapt
        "#]],
    );
}

#[test]
fn quantities_have_names_in_each_language() {
    all_meet(Language::German, &["17 Zoll", "17\"", "17in", "43,2 cm"]);
    all_meet(Language::German, &["1,5 Liter", "1.5 l", "1500 ml", "150cl"]);
    all_meet(Language::German, &["6 Stück", "6 Stk", "6 pcs"]);
    all_meet(Language::French, &["17 pouces", "17\"", "43,2 cm"]);
    all_meet(Language::French, &["500 grammes", "500 g", "0,5 kg", "½ kg"]);
    all_meet(Language::Spanish, &["17 pulgadas", "17\""]);
    all_meet(Language::Spanish, &["12 voltios", "12v", "12 V"]);
    all_meet(Language::Italian, &["15,6 pollici", "15.6\"", "39,6 cm"]);
    all_meet(Language::Dutch, &["2 liter", "2l", "2000 ml"]);
    all_meet(Language::English, &["1/2 in", "½ inch", "0.5\"", ".5in", "12.7 mm"]);
    all_meet(Language::English, &["100 %", "100%", "100 percent"]);
}

#[test]
fn the_parts_of_a_word_follow_each_other() {
    let analyzer = Analyzer::new(Language::English);
    let places: Vec<String> = analyzer
        .tokens("HP dv7-1211ea 17\" t-shirt 5 l")
        .iter()
        .map(|token| format!("{}@{}", token.term, token.place))
        .collect();
    expect!["hp@0 dv71211ea@1 dv7@1 1211ea@2 =432mm@3 17@3 tshirt@4 t@4 shirt@5 =5000ml@6 5@6 l@7"]
        .assert_eq(&places.join(" "));
}

#[test]
fn long_texts_are_cut() {
    let analyzer = Analyzer::new(Language::English);
    let tokens = analyzer.tokens(&"word ".repeat(100_000));
    assert!(tokens.len() <= 8192, "{}", tokens.len());
    let long = analyzer.tokens(&"x".repeat(100_000));
    assert_eq!(long[0].term.chars().count(), 48);
    let code = analyzer.tokens(&"a1".repeat(10_000));
    assert!(code.len() <= 10, "{} tokens of one code", code.len());
}

const LANGUAGES: [Language; 7] = [
    Language::English,
    Language::German,
    Language::French,
    Language::Spanish,
    Language::Italian,
    Language::Dutch,
    Language::Other,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_has_terms_that_are_bounded_and_in_order(text in "\\PC{0,200}", language in 0..LANGUAGES.len()) {
        let tokens = Analyzer::new(LANGUAGES[language]).tokens(&text);
        prop_assert!(tokens.windows(2).all(|pair| pair[0].place <= pair[1].place + 16));
        for token in &tokens {
            prop_assert!(!token.term.is_empty() && token.term.chars().count() <= 64, "{token:?}");
            prop_assert_eq!(token.kind == Kind::Quantity, token.term.starts_with('='));
            prop_assert!(!token.term.contains(char::is_whitespace) || token.term.contains('/'), "{:?}", token);
        }
    }

    #[test]
    fn hostile_letters_too(text in proptest::collection::vec(prop_oneof![
        any::<char>(), proptest::char::range('0', '9'), proptest::sample::select("-.,'/\"x°%() mlin½".chars().collect::<Vec<_>>()),
    ], 0..120)) {
        let text: String = text.into_iter().collect();
        for language in LANGUAGES {
            let analyzer = Analyzer::new(language);
            let tokens = analyzer.tokens(&text);
            prop_assert!(tokens.iter().all(|token| !token.term.is_empty() && !token.surface.is_empty()));
        }
    }

    #[test]
    fn what_is_typed_in_capitals_is_the_same(text in "[a-z0-9 .,'\"/-]{0,60}") {
        let analyzer = Analyzer::new(Language::English);
        prop_assert_eq!(analyzer.tokens(&text), analyzer.tokens(&text.to_uppercase()));
    }
}
