//! Searches: golden decisions of a small shop, and facets beside a count by hand.

use crate::golden::show;
use crate::{Bench, START, placement, request, rule};
use bespoke_domain::product::{Availability, Content, ProductPatch};
use bespoke_domain::search::{Choice, Refinement, Search, Sort};
use bespoke_domain::settings::Placement;
use bespoke_domain::{Body, Currency, Decision, EventKind, Millis, Money, Request};
use bespoke_engine::Snapshot;
use bespoke_engine::facets::Facet;
use bespoke_models::learned::Learned;
use bespoke_models::product_vectors::Direction;
use bespoke_search::analysis::{Analyzer, Language};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Id, title, brand, color, price in cents, group, whether it can be bought.
type Line = (&'static str, &'static str, &'static str, &'static str, i64, &'static str, bool);

const LINES: [Line; 9] = [
    ("red", "Red Retrospot Mug", "Acme", "red", 500, "", true),
    ("blue", "Blue Mug", "Acme", "blue", 400, "", true),
    ("big", "Big Red Mug", "Bravo", "red", 900, "", true),
    ("small", "Striped Mug small", "Bravo", "white,red", 600, "striped", true),
    ("large", "Striped Mug large", "Bravo", "white,red", 700, "striped", true),
    ("cup", "Red Tea Cup", "Bravo", "red", 300, "", true),
    ("lamp", "Desk Lamp", "Acme", "black", 2500, "", true),
    ("tray", "Tray for mugs", "Carla", "black", 1500, "", true),
    ("gone", "Red Mug of old", "Acme", "red", 100, "", false),
];

pub fn add(bench: &mut Bench, (id, title, brand, color, price, group, in_stock): &Line) {
    let content = Content {
        title: (*title).to_owned(),
        brand: (*brand).to_owned(),
        item_group_id: (*group).to_owned(),
        categories: vec![if title.contains("Lamp") { "Light" } else { "Home > Kitchen" }.to_owned()],
        attributes: vec![("Color".to_owned(), (*color).to_owned())],
        ..Content::default()
    };
    let available = if *in_stock { Availability::InStock } else { Availability::OutOfStock };
    let patch = ProductPatch {
        id: (*id).to_owned(),
        as_of: Millis(START),
        price: Some(Money { minor: *price, currency: Currency::EUR }),
        availability: Some(available),
        content: Some(Box::new(content)),
        ..ProductPatch::default()
    };
    bench.push(None, Body::Catalog(Box::new(patch)));
}

pub fn shop(planned: Placement) -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![planned]);
    LINES.iter().for_each(|line| add(&mut bench, line));
    bench.event(1, EventKind::ViewItem, 1, &["big"]);
    bench
}

pub fn ask(text: &str) -> Search {
    Search { text: text.to_owned(), ..Search::default() }
}

pub fn only(facet: &str, values: &[&str]) -> Refinement {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Refinement { facet: facet.to_owned(), choice: Choice::Values(values) }
}

fn check(planned: Placement, search: Search, change: impl FnOnce(&mut Request), expect: Expect) -> Decision {
    let mut bench = shop(Placement { name: "p".to_owned(), ..planned });
    let mut asked = Request { search: Some(Box::new(search)), ..request("p", None, 10) };
    change(&mut asked);
    let decision = bench.decide(asked);
    expect.assert_eq(&format!("{}{:?}\n", show(&bench, &decision), decision.met.as_deref()));
    decision
}

pub fn matches() -> Placement {
    placement("", &["matches"], &["one_variant"])
}

/// The same search of a shop whose words have vectors: by the texts of its products alone.
fn check_by_meaning(search: Search, change: impl FnOnce(&mut Request), expect: Expect) -> Decision {
    let mut bench = shop(Placement { name: "p".to_owned(), ..matches() });
    bench.learn_words();
    let mut asked = Request { search: Some(Box::new(search)), ..request("p", None, 10) };
    change(&mut asked);
    let decision = bench.decide(asked);
    expect.assert_eq(&format!("{}{:?}\n", show(&bench, &decision), decision.met.as_deref()));
    decision
}

/// The cases.
#[allow(clippy::too_many_lines, reason = "a corpus is a list")]
pub fn corpus() -> Vec<Decision> {
    vec![
        check(
            matches(),
            ask("red mug"),
            |_| {},
            expect![[r#"
                "For you" None None
                big 1.00 Matches “red mug”
                red 0.70 Matches “red mug”
                small 0.27 Matches “red mug”
                cup 0.08 Matches “red”
                - large by one_variant
                - blue by not_in_top
                - tray by not_in_top
                Some(Met { total: 6, corrected: "", given_up: [], unknown: [], understood: [Understood { text: "red", about: "color", value: "red", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Words }, Understood { text: "mug", about: "category", value: "Home > Kitchen", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Matches }], vectors: "", by_meaning: 0, facets: [] })
            "#]],
        ),
        check(
            matches(),
            Search { from: 4, ..ask("red mug") },
            |_| {},
            expect![[r#"
                "For you" None None
                blue 0.00 Matches “mug”
                tray 0.00 Matches “mug”
                - big by earlier_page
                - red by earlier_page
                - small by earlier_page
                - large by one_variant
                - cup by earlier_page
                Some(Met { total: 6, corrected: "", given_up: [], unknown: [], understood: [Understood { text: "red", about: "color", value: "red", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Words }, Understood { text: "mug", about: "category", value: "Home > Kitchen", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Matches }], vectors: "", by_meaning: 0, facets: [] })
            "#]],
        ),
        check(
            matches(),
            ask("lamp xyzzy"),
            |_| {},
            expect![[r#"
                "For you" None None
                lamp 1.00 Matches “lamp”
                Some(Met { total: 1, corrected: "", given_up: [], unknown: ["xyzzy"], understood: [Understood { text: "lamp xyzzy", about: "category", value: "Light", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Matches }], vectors: "", by_meaning: 0, facets: [] })
            "#]],
        ),
        check(
            matches(),
            Search { refinements: vec![only("color", &["Red"]), only("brand", &["Bravo"])], ..ask("mug") },
            |_| {},
            expect![[r#"
                "For you" None None
                big 1.00 Matches “mug”
                small 1.00 Matches “mug”
                - large by one_variant
                Some(Met { total: 2, corrected: "", given_up: [], unknown: [], understood: [Understood { text: "mug", about: "category", value: "Home > Kitchen", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Matches }], vectors: "", by_meaning: 0, facets: [] })
            "#]],
        ),
        check(
            matches(),
            Search { sort: Sort::PriceUp, ..ask("mug") },
            |_| {},
            expect![[r#"
                "For you" None None
                blue 1.00 Matches your search
                red 0.86 Matches your search
                small 0.71 Matches your search
                big 0.43 Matches your search
                - large by one_variant
                - tray by not_in_top
                Some(Met { total: 5, corrected: "", given_up: [], unknown: [], understood: [], vectors: "", by_meaning: 0, facets: [] })
            "#]],
        ),
        check(
            matches(),
            Search { sort: Sort::PriceDown, ..Search::default() },
            |asked| asked.category = Some("Home > Kitchen".to_owned()),
            expect![[r#"
                "For you" None None
                tray 1.00 In Kitchen
                big 0.88 In Kitchen
                large 0.75 In Kitchen
                red 0.50 In Kitchen
                - small by one_variant
                - blue by not_in_top
                - cup by not_in_top
                Some(Met { total: 6, corrected: "", given_up: [], unknown: [], understood: [], vectors: "", by_meaning: 0, facets: [] })
            "#]],
        ),
        check(
            Placement { rules: vec![rule("pin", &["lamp"], 0), rule("hide", &["cup"], 0)], ..matches() },
            ask("red cup"),
            |_| {},
            expect![[r#"
                "For you" None None
                lamp 0.00 Chosen by the shop [pin lamp]
                red 1.00 Matches “red”
                big 0.95 Matches “red”
                small 0.30 Matches “red”
                - large by one_variant
                Some(Met { total: 3, corrected: "", given_up: ["cup"], unknown: [], understood: [Understood { text: "red", about: "color", value: "red", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Words }, Understood { text: "cup", about: "category", value: "Home > Kitchen", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Matches }], vectors: "", by_meaning: 0, facets: [] })
            "#]],
        ),
        check_by_meaning(
            ask("desk mug"),
            |_| {},
            expect![[r#"
                "For you" None None
                lamp 1.00 Matches “desk”
                big 0.41 Matches “mug”
                cup 0.30 Close in meaning to “desk mug”
                red 0.28 Matches “mug”
                - blue by not_in_top
                - tray by not_in_top
                - small by not_in_top
                - large by one_variant
                Some(Met { total: 7, corrected: "", given_up: ["mug"], unknown: [], understood: [Understood { text: "desk mug", about: "category", value: "Light", bounds: (None, None), is_filter: false, confidence: 0.954, basis: Matches }], vectors: "text_vectors", by_meaning: 1, facets: [] })
            "#]],
        ),
        check_by_meaning(
            ask("red mug"),
            |_| {},
            expect![[r#"
                "For you" None None
                big 1.00 Matches “red mug”
                red 0.70 Matches “red mug”
                small 0.28 Matches “red mug”
                cup 0.10 Matches “red”
                - large by one_variant
                - blue by not_in_top
                - tray by not_in_top
                Some(Met { total: 6, corrected: "", given_up: [], unknown: [], understood: [Understood { text: "red", about: "color", value: "red", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Words }, Understood { text: "mug", about: "category", value: "Home > Kitchen", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Matches }], vectors: "text_vectors", by_meaning: 0, facets: [] })
            "#]],
        ),
        check_by_meaning(
            Search { refinements: vec![only("brand", &["Acme"])], ..ask("desk mug") },
            |asked| asked.exclude = vec!["lamp".to_owned()],
            expect![[r#"
                "For you" None None
                red 1.00 Matches “mug”
                blue 0.86 Matches “mug”
                Some(Met { total: 2, corrected: "", given_up: ["desk"], unknown: [], understood: [Understood { text: "desk mug", about: "category", value: "Home > Kitchen", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Matches }], vectors: "text_vectors", by_meaning: 0, facets: [] })
            "#]],
        ),
        check_by_meaning(
            ask("desk mug"),
            |asked| asked.skipped = vec!["text_vectors".to_owned()],
            expect![[r#"
                "For you" None None
                lamp 1.00 Matches “desk”
                blue 0.00 Matches “mug”
                red 0.00 Matches “mug”
                big 0.00 Matches “mug”
                - tray by not_in_top
                - small by not_in_top
                - large by one_variant
                Some(Met { total: 6, corrected: "", given_up: ["mug"], unknown: [], understood: [Understood { text: "desk mug", about: "category", value: "Light", bounds: (None, None), is_filter: false, confidence: 1.0, basis: Matches }], vectors: "", by_meaning: 0, facets: [] })
            "#]],
        ),
    ]
}

/// Facets of a search.
fn facets(bench: &mut Bench, search: Search, named: &[&str]) -> (Decision, Vec<Facet>) {
    bench.engine.publish();
    let live = bench.engine.live();
    let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
    let search = Search { facets: Some(named), ..search };
    let asked = Request { search: Some(Box::new(search)), slots: 100, ..request("p", None, 10) };
    live.search_on(&live.snapshot(), &asked)
}

#[test]
fn facets_offer_what_tells_apart_and_count_what_else_could_be_chosen() {
    let mut bench = shop(Placement { name: "p".to_owned(), ..matches() });
    let search = Search { refinements: vec![only("color", &["red"])], ..ask("mug") };
    let (decision, facets) = facets(&mut bench, search, &[]);
    assert_eq!(decision.met.as_ref().map(|met| met.total), Some(3), "red, big, striped");
    let mut text = String::new();
    for facet in &facets {
        let values = facet
            .values
            .iter()
            .map(|one| format!("{} {}{}", one.value, one.count, if one.chosen { "!" } else { "" }));
        let stretches = facet.stretches.iter().map(|one| {
            let to = one.to.map(|to| to.to_string()).unwrap_or_default();
            format!("{}–{to} {}", one.from, one.count)
        });
        text += &format!("{}: {}\n", facet.name, values.chain(stretches).collect::<Vec<_>>().join(", "));
    }
    expect![[r#"
        category: Home 3, Home > Kitchen 3
        brand: Bravo 2, Acme 1
        price: 5– 3
        color: red 3!, blue 1, white 1, black 1
    "#]]
    .assert_eq(&text);
}

/// A product by numbers: words of its title, brand, color, price, group, whether it can be bought.
type Drawn = (Vec<u8>, u8, Vec<u8>, i64, u8, bool);

fn drawn() -> impl Strategy<Value = Drawn> {
    let colors = prop::collection::vec(0_u8..4, 0..3);
    (prop::collection::vec(0_u8..6, 1..4), 0_u8..3, colors, 1_i64..50, 0_u8..12, any::<bool>())
}

/// Words of another letter are too far to be taken for a slip.
fn word(prefix: char, no: u8) -> String {
    format!(
        "{prefix}{prefix}{prefix}{}",
        ["alpha", "bromus", "gecko", "dinghy", "omelet", "sizzle"][usize::from(no)]
    )
}

/// The products whose cosine with the query is at least a tenth and three tenths of the greatest: by the vectors of their words.
fn near_by_hand(model: &Learned, products: &[Drawn], query: &[u8]) -> BTreeSet<usize> {
    let Learned::TextVectors(model) = model else { panic!("another kind") };
    let analyzer = Analyzer::new(Language::default());
    let direction = |said: &[(String, f32)]| {
        let mut words: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        for (text, weight) in said {
            let terms = analyzer.tokens(text).into_iter().map(|token| token.term);
            terms.for_each(|term| words.entry(term).or_default().push(*weight));
        }
        let most = |weights: &Vec<f32>| weights.iter().fold(0.0, |most: f32, weight| most.max(*weight));
        let known = words.iter().filter_map(|(word, weights)| Some((model.number(word)?, most(weights))));
        Direction::new(&model.vector(&known.collect::<Vec<_>>()))
    };
    let cosine = |a: &Direction, b: &Direction| {
        let dot = |a: &Direction, b: &Direction| -> i64 {
            a.bytes().iter().zip(b.bytes()).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum()
        };
        let over = |one: &Direction| (1.0 / (dot(one, one) as f64).sqrt()) as f32;
        dot(a, b) as f32 * over(b) * over(a)
    };
    let asked = query.iter().flat_map(|no| analyzer.tokens(&word('w', *no)));
    let asked: Vec<(u32, f32)> = asked.filter_map(|token| Some((model.number(&token.term)?, 1.0))).collect();
    let Some(asked) = Direction::new(&model.vector(&asked)) else { return BTreeSet::new() };
    let cosines = products.iter().map(|(title, brand, colors, ..)| {
        let title = title.iter().map(|no| (word('w', *no), 2.0));
        let others = [(word('b', *brand), 1.0), ("All".to_owned(), 1.0)];
        let color = (!colors.is_empty()).then(|| ("color".to_owned(), 0.25));
        let colors = colors.iter().map(|no| (word('c', *no), 0.25));
        let said: Vec<(String, f32)> = title.chain(others).chain(color).chain(colors).collect();
        direction(&said).map_or(0.0, |own| cosine(&asked, &own))
    });
    let cosines: Vec<f32> = cosines.collect();
    let most = cosines.iter().fold(0.0_f32, |most, one| most.max(*one));
    (0..products.len()).filter(|no| cosines[*no] >= 0.1 && cosines[*no] >= 0.3 * most).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn totals_and_facets_are_those_of_a_count_by_hand(
        products in prop::collection::vec(drawn(), 1..20),
        query in prop::collection::vec(0_u8..6, 1..3),
        chosen in prop::collection::vec(0_u8..4, 0..3),
        brand in prop::option::of(0_u8..3),
        by_meaning in any::<bool>(),
    ) {
        let mut bench = Bench::default();
        bench.settings(vec![Placement { name: "p".to_owned(), ..matches() }]);
        for (no, (words, brand, colors, price, group, in_stock)) in products.iter().enumerate() {
            let content = Content {
                title: words.iter().map(|no| word('w', *no)).collect::<Vec<_>>().join(" "),
                brand: word('b', *brand),
                item_group_id: if *group < 4 { format!("g{group}") } else { String::new() },
                categories: vec!["All".to_owned()],
                attributes: vec![(
                    "color".to_owned(),
                    colors.iter().map(|no| word('c', *no)).collect::<Vec<_>>().join(","),
                )],
                ..Content::default()
            };
            let available = if *in_stock { Availability::InStock } else { Availability::OutOfStock };
            bench.push(None, Body::Catalog(Box::new(ProductPatch {
                id: format!("p{no}"),
                as_of: Millis(START),
                price: Some(Money { minor: price * 100, currency: Currency::EUR }),
                availability: Some(available),
                content: Some(Box::new(content)),
                ..ProductPatch::default()
            })));
        }
        let model = by_meaning.then(|| bench.learn_words().1);
        let text = query.iter().map(|no| word('w', *no)).collect::<Vec<_>>().join(" ");
        let mut refinements = Vec::new();
        let colors: Vec<String> = chosen.iter().map(|no| word('c', *no)).collect();
        if !colors.is_empty() {
            refinements.push(Refinement { facet: "color".to_owned(), choice: Choice::Values(colors.clone()) });
        }
        let brands: Vec<String> = brand.iter().map(|no| word('b', *no)).collect();
        if !brands.is_empty() {
            refinements.push(Refinement { facet: "brand".to_owned(), choice: Choice::Values(brands.clone()) });
        }
        let (decision, facets) =
            facets(&mut bench, Search { refinements, literal: !by_meaning, ..ask(&text) }, &["color", "brand", "price"]);
        // So few products are always relaxed to those with any of the words that any product has.
        let has_word = |one: &Drawn| one.0.iter().any(|word| query.contains(word));
        // Where no product that may be shown has all words, those near in meaning are results too.
        let is_whole = products.iter().any(|one| one.5 && query.iter().all(|word| one.0.contains(word)));
        let near = model.filter(|_| !is_whole).map_or_else(BTreeSet::new, |model| near_by_hand(&model, &products, &query));
        let is_hit = |no: usize, one: &Drawn| one.5 && (has_word(one) || near.contains(&no));
        let has_color = |one: &Drawn| colors.is_empty() || one.2.iter().any(|no| colors.contains(&word('c', *no)));
        let has_brand = |one: &Drawn| brands.is_empty() || brands.contains(&word('b', one.1));
        let group = |no: usize, one: &Drawn| if one.4 < 4 { usize::from(one.4) + 1000 } else { no };
        let mut total = BTreeSet::new();
        let mut by_color: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        let mut by_brand: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (no, one) in products.iter().enumerate().filter(|(no, one)| is_hit(*no, one)) {
            if has_color(one) && has_brand(one) {
                total.insert(group(no, one));
            }
            if has_brand(one) {
                one.2.iter().for_each(|color| {
                    by_color.entry(word('c', *color)).or_default().insert(group(no, one));
                });
            }
            if has_color(one) {
                by_brand.entry(word('b', one.1)).or_default().insert(group(no, one));
            }
        }
        prop_assert_eq!(decision.met.as_ref().map(|met| met.total as usize), Some(total.len()));
        prop_assert_eq!(decision.slate.len(), total.len());
        for (name, counted) in [("color", by_color), ("brand", by_brand)] {
            let counted: BTreeMap<String, usize> =
                counted.into_iter().map(|(value, groups)| (value, groups.len())).collect();
            let facet = facets.iter().find(|facet| facet.name == name);
            let ours: BTreeMap<String, usize> = facet
                .into_iter()
                .flat_map(|facet| &facet.values)
                .map(|one| (one.value.clone(), one.count as usize))
                .collect();
            prop_assert_eq!(ours, counted, "{}", name);
        }
    }
}

/// What the index holds after products came, changed and went must be what it holds of them as they are.
#[test]
fn an_index_that_followed_every_change_is_that_of_the_catalogue() {
    let mut bench = shop(Placement { name: "p".to_owned(), ..matches() });
    for (no, line) in LINES.iter().enumerate() {
        let other = LINES[(no + 3) % LINES.len()];
        add(&mut bench, &(line.0, other.1, other.2, other.3, line.4, line.5, line.6));
    }
    bench.engine.publish();
    let restored = bespoke_engine::Engine::restore(&written(&bench)).expect("it is of this version");
    let asked =
        |text: &str| Request { search: Some(Box::new(ask(text))), slots: 100, ..request("p", None, 10) };
    for text in ["mug", "red", "tray", "striped mug", "acme", "old"] {
        let scores = |snapshot: &Snapshot, live: &bespoke_engine::engine::Live| {
            let decision = live.decide_on(snapshot, &asked(text));
            decision.slate.into_iter().map(|slot| (slot.candidate, slot.score)).collect::<Vec<_>>()
        };
        let (here, there) = (bench.engine.live(), restored.live());
        assert_eq!(scores(&here.snapshot(), &here), scores(&there.snapshot(), &there), "{text}");
    }
    let index = &bench.engine.live().snapshot().aggregates.texts.index;
    assert_eq!(index.product_count(), LINES.len() as u32);
    assert_eq!(index.lengths(0)[0].title, 3, "Striped Mug small");
}

fn written(bench: &Bench) -> Vec<u8> {
    let mut bytes = Vec::new();
    bench.engine.checkpoint().write(&mut bytes).expect("memory takes it");
    bytes
}

#[test]
fn corrections_are_said_and_can_be_declined() {
    let found = |search: Search| {
        let mut bench = shop(Placement { name: "p".to_owned(), ..matches() });
        let asked = Request { search: Some(Box::new(search)), ..request("p", None, 10) };
        let met = bench.decide(asked).met.expect("a search is met");
        (met.corrected.clone(), met.total)
    };
    assert_eq!(found(ask("stirped mug")), ("striped mug".to_owned(), found(ask("striped mug")).1));
    assert_eq!(found(ask("striped mug")).0, "", "nothing to correct");
    let literal = Search { literal: true, ..ask("stirped") };
    assert_eq!(found(literal), (String::new(), 0), "what was typed stands nowhere");
    assert_eq!(found(ask("stirped")).1, 1);
}
