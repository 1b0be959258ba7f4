//! Conditions: every field of the table is tested with one that holds and one that does not.

use crate::{Bench, START, placement, request};
use bespoke_domain::condition::{Is, Test};
use bespoke_domain::event::PageType;
use bespoke_domain::product::{Availability, Content, ProductPatch};
use bespoke_domain::settings::{Placement, Segment, Settings, Shop};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Body, Candidate, Condition, Currency, EventKind, Millis, Money, Request};
use bespoke_engine::condition::{Check, FIELDS, Lookup};
use bespoke_engine::context::Context;

fn one_of(field: &str, value: &str) -> Condition {
    Condition::Test(Test { field: field.to_owned(), is: Is::OneOf(vec![value.to_owned()]) })
}

fn within(field: &str, least: f64, most: f64) -> Condition {
    Condition::Test(Test {
        field: field.to_owned(),
        is: Is::Within { least, most, above: false, below: true },
    })
}

/// A red mug at half price, seen and bought by shopper 1 on a Tuesday.
fn shop() -> Bench {
    let mut bench = Bench::default();
    let eur = |minor| Some(Money { minor, currency: Currency::EUR });
    let content = Content {
        title: "Mug".to_owned(),
        brand: "Acme".to_owned(),
        categories: vec!["Home > Kitchen".to_owned()],
        cost: eur(250),
        published_at: Some(Millis(START - 10 * DAY_MS)),
        rating: Some((4.5, 12)),
        attributes: vec![("Color".to_owned(), "Red".to_owned()), ("volume_ml".to_owned(), "300".to_owned())],
        ..Content::default()
    };
    let mug = ProductPatch {
        id: "mug".to_owned(),
        as_of: Millis(START),
        price: eur(2_000),
        sale_price: Some(eur(1_000)),
        availability: Some(Availability::InStock),
        stock: Some(7),
        content: Some(Box::new(content)),
        vector: None,
    };
    bench.push(None, Body::Catalog(Box::new(mug)));
    bench.product("spade", "Garden", "", true);
    let loyal = Segment { name: "loyal".to_owned(), condition: within("shopper.orders", 1.0, 9.0) };
    let shop = Shop {
        currency: Currency::EUR,
        time_zone: "UTC".to_owned(),
        unknown_consent_granted: true,
        sensitive_categories: Vec::new(),
        clock: Vec::new(),
    };
    let settings = Settings {
        shop,
        placements: Vec::new(),
        content: Vec::new(),
        segments: vec![loyal],
        clutter: Vec::new(),
        canonical: Vec::new(),
        models: Vec::new(),
        search: Default::default(),
        holdout: Default::default(),
        attribution: Default::default(),
        experiments: Vec::new(),
        challenges: Vec::new(),
        watch: Default::default(),
        file: None,
    };
    bench.push(None, Body::Settings(Box::new(settings)));
    bench.event(1, EventKind::ViewItem, 0, &["mug"]);
    bench.event(1, EventKind::Purchase, 1, &["mug"]);
    bench.event(1, EventKind::AddToCart, 2, &["spade"]);
    bench.event(1, EventKind::Refund, 3, &[]);
    bench.engine.publish();
    bench
}

fn holds(bench: &Bench, condition: &Condition, shopper: Option<u32>) -> bool {
    let snapshot = bench.engine.live().snapshot();
    let segments = snapshot.aggregates.settings.as_ref().map(|settings| settings.segments.clone());
    let segments = segments.unwrap_or_default();
    let lookup = Lookup {
        block: &|_| None,
        product: &|id| snapshot.product(id),
        catalog: &snapshot.aggregates.catalog,
        segments: &segments,
    };
    let ask = Request {
        page: PageType::Category,
        category: Some("Home > Kitchen".to_owned()),
        utc_offset_min: 60,
        ..request("p", shopper, 10)
    };
    let profile = ask.shopper.and_then(|shopper| bench.engine.live().profile(shopper));
    let context = Context::new(&snapshot, profile.as_deref(), &ask);
    let mug = Candidate::Product(snapshot.product("mug").expect("it is in the catalogue"));
    Check::new(condition, &lookup).holds(&context, mug)
}

#[test]
fn every_field_is_read() {
    let bench = shop();
    // The shop's day began at 22:13 UTC on a Tuesday; ten minutes later, an hour ahead, it is 23 o'clock.
    let cases = [
        (one_of("id", "mug"), one_of("id", "spade")),
        (one_of("category", "Home"), one_of("category", "Garden")),
        (within("price", 10.0, 10.01), within("price", 10.01, 99.0)),
        (within("margin", 0.75, 0.76), within("margin", 0.8, 1.0)),
        (within("discount", 0.5, 0.51), within("discount", 0.6, 1.0)),
        (within("stock", 7.0, 8.0), within("stock", 0.0, 7.0)),
        (within("rating", 4.5, 5.0), within("rating", 0.0, 4.5)),
        (within("rating_count", 12.0, 13.0), within("rating_count", 13.0, 99.0)),
        (within("age_days", 10.0, 10.1), within("age_days", 0.0, 10.0)),
        (one_of("page", "category"), one_of("page", "home")),
        (one_of("page.category", "Home"), one_of("page.category", "Garden")),
        (one_of("hour", "23"), one_of("hour", "22")),
        (one_of("weekday", "2"), one_of("weekday", "3")),
        (one_of("segment", "loyal"), one_of("segment", "none")),
        (within("shopper.orders", 1.0, 2.0), within("shopper.orders", 2.0, 9.0)),
        (within("shopper.refunds", 1.0, 2.0), within("shopper.refunds", 0.0, 1.0)),
        (within("shopper.days_since_order", 0.0, 0.1), within("shopper.days_since_order", 1.0, 9.0)),
        (within("shopper.events", 3.0, 4.0), within("shopper.events", 4.0, 9.0)),
        (within("shopper.visit_events", 3.0, 4.0), within("shopper.visit_events", 0.0, 3.0)),
        (within("shopper.cart_items", 1.0, 2.0), within("shopper.cart_items", 0.0, 1.0)),
        (one_of("shopper.viewed", "Garden"), one_of("shopper.viewed", "Toys")),
        (one_of("shopper.bought", "Home"), one_of("shopper.bought", "Garden")),
    ];
    let named: Vec<&str> =
        cases.iter().flat_map(|(yes, _)| yes.tests()).map(|test| test.field.as_str()).collect();
    assert_eq!(named, FIELDS.iter().map(|spec| spec.name).collect::<Vec<_>>(), "a case for each field");
    for (yes, no) in &cases {
        assert!(holds(&bench, yes, Some(1)), "{yes:?}");
        assert!(!holds(&bench, no, Some(1)), "{no:?}");
        let is_personal = named_starts(yes, "shopper.") || named_starts(yes, "segment");
        assert_eq!(holds(&bench, yes, None), !is_personal, "nothing is known of nobody: {yes:?}");
    }
}

fn named_starts(condition: &Condition, prefix: &str) -> bool {
    condition.tests().iter().any(|test| test.field.starts_with(prefix))
}

#[test]
fn attributes_are_read_whatever_the_letter_case() {
    let bench = shop();
    let there = |field: &str| Condition::Test(Test { field: field.to_owned(), is: Is::There });
    for (condition, expected) in [
        (one_of("brand", "ACME"), true),
        (one_of("color", "red"), true),
        (one_of("color", "blue"), false),
        (within("volume_ml", 300.0, 301.0), true),
        (within("volume_ml", 0.0, 300.0), false),
        (within("color", 0.0, 300.0), false),
        (there("color"), true),
        (there("size"), false),
        (Condition::Not(Box::new(there("size"))), true),
        (Condition::All(vec![one_of("brand", "acme"), one_of("color", "blue")]), false),
        (Condition::Any(vec![one_of("brand", "acme"), one_of("color", "blue")]), true),
        (Condition::All(Vec::new()), true),
        (Condition::Any(Vec::new()), false),
    ] {
        assert_eq!(holds(&bench, &condition, None), expected, "{condition:?}");
    }
}

#[test]
fn a_narrow_filter_finds_what_no_leaderboard_has() {
    let mut bench = Bench::default();
    bench.settings(vec![Placement { slots: 4, ..placement("p", &["popular"], &[]) }]);
    for no in 0..700_u32 {
        let id = format!("p{no}");
        bench.product(&id, "Garden", "", true);
        (0..2).for_each(|_| bench.event(1, EventKind::ViewItem, 0, &[&id]));
    }
    let attributes = vec![("color".to_owned(), "red".to_owned())];
    let content = Content { title: "Rare".to_owned(), attributes, ..Content::default() };
    let rare = ProductPatch {
        id: "rare".to_owned(),
        as_of: Millis(START),
        availability: Some(Availability::InStock),
        content: Some(Box::new(content)),
        ..ProductPatch::default()
    };
    bench.push(None, Body::Catalog(Box::new(rare)));
    for filter in
        [one_of("color", "red"), Condition::All(vec![one_of("id", "rare"), one_of("title", "rare")])]
    {
        let decision = bench.decide(Request { filter: Some(filter), ..request("p", None, 1) });
        let snapshot = bench.engine.live().snapshot();
        let ids: Vec<String> =
            decision.slate.iter().map(|slot| crate::name(&snapshot, slot.candidate)).collect();
        assert_eq!(ids, ["rare"]);
    }
}
