//! What numbers of attributes are measured in.

use bespoke_domain::ProductNo;
use bespoke_search::analysis::{Analyzer, Language};
use bespoke_search::document::Document;
use bespoke_search::index::Index;
use bespoke_search::query::{Options, Planner, Synonyms};

/// Titles with their attributes.
const PRODUCTS: [(&str, &[(&str, &str)]); 6] = [
    ("Reading lamp 40 W", &[("Bulb power", "40.0"), ("Pieces", "1")]),
    ("Desk lamp, 60 watts", &[("Bulb power", "60.0"), ("Pieces", "2")]),
    ("Wall lamp 5W black", &[("Bulb power", "5.0"), ("Pieces", "4")]),
    ("Floor lamp", &[("Bulb power", "40.0"), ("Pieces", "40")]),
    ("Kit of 4 W and 9 W lamps", &[("Pieces", "4")]),
    ("Lamp 100 W", &[("Pieces", "100")]),
];

fn index(order: &[usize]) -> Index {
    let (analyzer, mut index) = (Analyzer::new(Language::English), Index::default());
    for no in order {
        let (title, attributes) = PRODUCTS[*no];
        let document = Document { title, attributes: attributes.to_vec(), ..Document::default() };
        index.change(|_| &analyzer, ProductNo(*no as u32), None, Some(&document));
    }
    index
}

/// The products that have something that stands for the quantity of a query.
fn with(index: &Index, query: &str) -> Vec<u32> {
    let (analyzer, synonyms) = (Analyzer::new(Language::English), Synonyms::default());
    let planner = Planner {
        analyzer: &analyzer,
        vocabulary: index.vocabulary(),
        frequency: &|term| index.frequency(term),
        products: index.product_count(),
        synonyms: &synonyms,
        measures: index.measures(),
        beside: &[],
    };
    let plan = planner.plan(query, Options::default());
    let mut found = Vec::new();
    for alternative in plan.groups.iter().flat_map(|group| &group.alternatives) {
        if let [term] = alternative.terms.as_slice() {
            index.each_with(*term, |product| found.push(product.0));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn a_number_of_an_attribute_has_the_unit_that_titles_say() {
    let index = index(&[0, 1, 2, 3, 4, 5]);
    let names: Vec<&str> = index.measures().of("w").iter().map(|measure| measure.name).collect();
    assert_eq!(names, ["bulb power"], "pieces are beside watts too, and seldom as many");
    assert_eq!(with(&index, "40 watts"), [0, 3], "its title does not say it");
    assert_eq!(with(&index, "0.04 kW"), [0, 3]);
    assert_eq!(with(&index, "60W"), [1]);
}

#[test]
fn it_follows_from_the_products_whatever_their_order_and_goes_with_them() {
    let (one, other) = (index(&[0, 1, 2, 3, 4, 5]), index(&[5, 3, 1, 4, 2, 0]));
    for query in ["40 watts", "5 W", "100 w"] {
        assert_eq!(with(&one, query), with(&other, query), "{query}");
    }
    let (analyzer, mut index) = (Analyzer::new(Language::English), one);
    let (title, attributes) = PRODUCTS[0];
    let document = Document { title, attributes: attributes.to_vec(), ..Document::default() };
    index.change(|_| &analyzer, ProductNo(0), Some(&document), None);
    assert!(index.measures().of("w").is_empty(), "two products are too few");
}

#[test]
fn an_attribute_may_say_its_unit_in_its_name() {
    let (analyzer, mut index) = (Analyzer::new(Language::English), Index::default());
    let rows: [&[(&str, &str)]; 3] = [
        &[("lumen", "400"), ("weight_g", "250"), ("built in", "7")],
        &[("lumen", "800"), ("weight_g", "90")],
        &[("Wattage (W)", "12"), ("size m", "7")],
    ];
    for (no, attributes) in (0..).zip(rows) {
        let document = Document { title: "Headlamp", attributes: attributes.to_vec(), ..Document::default() };
        index.change(|_| &analyzer, ProductNo(no), None, Some(&document));
    }
    assert_eq!((with(&index, "400 lumen"), with(&index, "0.25 kg")), (vec![0], vec![0]));
    assert_eq!(with(&index, "12 watts"), [2]);
    assert!(
        with(&index, "7 m").is_empty() && with(&index, "7in").is_empty(),
        "a letter and a word are no units"
    );
}
