//! Golden decisions of a shop with sizes, markets and shelves that are nobody's business: the filters that rest on them, and
//! the budget of a page.

use crate::golden::show;
use crate::{Bench, START, placement, request};
use bespoke_domain::decision::Fallback;
use bespoke_domain::product::{Availability, Content, ProductPatch};
use bespoke_domain::settings::{Placement, Settings, Shop};
use bespoke_domain::{
    Body, Consent, Currency, Decision, DecisionId, Event, EventItem, EventKind, Millis, Request,
};
use expect_test::{Expect, expect};

fn row(bench: &mut Bench, id: &str, category: &str, group: &str, attributes: &[(&str, &str)]) {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let content = Content {
        title: format!("Product {id}"),
        item_group_id: group.to_owned(),
        categories: vec![category.to_owned()],
        attributes: attributes.iter().map(own).collect(),
        ..Content::default()
    };
    let patch = ProductPatch {
        id: id.to_owned(),
        as_of: Millis(START),
        availability: Some(Availability::InStock),
        content: Some(Box::new(content)),
        ..ProductPatch::default()
    };
    bench.push(None, Body::Catalog(Box::new(patch)));
}

/// Shopper 9 wears boots in 42 and passed the hat by nine times.
fn shop(planned: Placement) -> Bench {
    let mut bench = Bench::default();
    let shop = Shop {
        currency: Currency::EUR,
        time_zone: "UTC".to_owned(),
        unknown_consent_granted: true,
        sensitive_categories: vec!["Health".to_owned()],
        clock: Vec::new(),
    };
    let settings = Settings {
        shop,
        placements: vec![planned],
        content: Vec::new(),
        segments: Vec::new(),
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
    row(&mut bench, "old-42", "Boots", "old", &[("size", "42")]);
    row(&mut bench, "new-41", "Boots", "new", &[("size", "41")]);
    row(&mut bench, "new-42", "Boots", "new", &[("size", "42")]);
    row(&mut bench, "kids-30", "Boots", "kids", &[("size", "30")]);
    row(&mut bench, "hat", "Hats", "", &[("market", "DE, AT")]);
    row(&mut bench, "cap", "Hats", "", &[("market", "CH")]);
    row(&mut bench, "test", "Health > Tests", "", &[]);
    for (minute, id) in ["old-42", "new-41", "kids-30", "hat", "cap", "test"].into_iter().enumerate() {
        (0..=minute as u32).for_each(|no| bench.event(20 + no, EventKind::ViewItem, 1, &[id]));
    }
    bench.event(9, EventKind::Purchase, 2, &["old-42"]);
    for minute in 3..12 {
        let item = EventItem { item_id: "hat".to_owned(), ..EventItem::default() };
        let event = Event {
            consent: Consent::GRANTED,
            visible: true,
            items: vec![item],
            ..Event::new(EventKind::ViewItemList, Millis(START + minute * 60_000))
        };
        bench.push(Some(9), Body::Event(Box::new(event)));
    }
    bench
}

fn check(mut planned: Placement, ask: impl FnOnce(&mut Request), expect: Expect) -> Decision {
    (planned.name, planned.slots) = ("p".to_owned(), 8);
    let mut bench = shop(planned);
    let mut asked = request("p", Some(9), 60);
    ask(&mut asked);
    let decision = bench.decide(asked);
    expect.assert_eq(&show(&bench, &decision));
    decision
}

/// The cases.
pub fn corpus() -> Vec<Decision> {
    let popular = |filters: &[&str]| placement("", &["popular"], filters);
    vec![
        check(
            popular(&[]),
            |ask| ask.market = "at".to_owned(),
            expect![[r#"
                "For you" Full None
                old-42 1.00 Popular right now
                hat 0.57 Popular right now
                kids-30 0.43 Popular right now
                new-41 0.29 Popular right now
                - test by sensitive
                - cap by market
            "#]],
        ),
        check(
            popular(&["sensitive"]),
            |_| {},
            expect![[r#"
            "For you" Full None
            old-42 1.00 Popular right now
            cap 0.71 Popular right now
            hat 0.57 Popular right now
            kids-30 0.43 Popular right now
            new-41 0.29 Popular right now
            - test by sensitive
        "#]],
        ),
        check(
            popular(&["sensitive"]),
            |ask| ask.category = Some("Health > Tests".to_owned()),
            expect![[r#"
            "For you" Full None
            old-42 1.00 Popular in Boots
            test 1.00 Popular in Tests
            cap 0.71 Popular in Hats
            hat 0.57 Popular in Hats
            kids-30 0.43 Popular in Boots
            new-41 0.29 Popular in Boots
        "#]],
        ),
        // The new boots are there in 42, though 41 is what the source names; the children's are not.
        check(
            popular(&["in_my_size"]),
            |_| {},
            expect![[r#"
                "For you" Full None
                old-42 1.00 Popular right now
                cap 0.71 Popular right now
                hat 0.57 Popular right now
                new-41 0.29 Popular right now
                - test by sensitive
                - kids-30 by in_my_size
            "#]],
        ),
        check(
            popular(&["seen_often"]),
            |_| {},
            expect![[r#"
                "For you" Full None
                old-42 1.00 Popular right now
                cap 0.71 Popular right now
                kids-30 0.43 Popular right now
                new-41 0.29 Popular right now
                - test by sensitive
                - hat by seen_often
            "#]],
        ),
    ]
}

#[test]
fn the_filters_remove_what_they_say() {
    assert_eq!(corpus().len(), 5);
}

#[test]
fn what_is_nobodys_business_starts_nothing_and_is_named_nowhere_else() {
    let sources = ["recently_viewed", "similar", "co_viewed", "favourites"];
    let mut bench = shop(Placement { name: "p".to_owned(), slots: 9, ..placement("", &sources, &[]) });
    bench.event(9, EventKind::ViewItem, 59, &["test"]);
    let secret = bench.engine.live().snapshot().product("test");
    let mut of = |category: Option<&str>| {
        let ask = Request { category: category.map(str::to_owned), ..request("p", Some(9), 60) };
        let decision = bench.decide(ask);
        let product = bench.engine.live().snapshot().product("test").expect("it has a number");
        decision
            .slate
            .iter()
            .filter(|slot| {
                slot.reason.based_on.contains(&product)
                    || slot.candidate == bespoke_domain::Candidate::Product(product)
            })
            .count()
    };
    assert_eq!(secret, None, "nothing is published before the first decision");
    assert_eq!(of(None), 0);
    assert!(of(Some("Health")) > 0, "on its own pages it counts");
    let elsewhere = Request { category: Some("Nowhere".to_owned()), ..request("q", None, 60) };
    let mut listing =
        shop(Placement { name: "q".to_owned(), ..placement("", &["popular"], &["in_category"]) });
    let decision = listing.decide(elsewhere);
    assert_eq!(
        (decision.slate.len(), decision.headline.as_str()),
        (0, ""),
        "a category that is not there has nothing"
    );
    assert_eq!(decision.missing_ids, ["Nowhere"]);
}

#[test]
fn pages_of_an_anonymous_listing_are_rolled_out_with_their_first() {
    let planned = Placement { name: "p".to_owned(), rollout: 50, ..placement("", &["popular"], &[]) };
    let mut bench = shop(planned);
    let mut fallback = |id: u128, follows| {
        let ask =
            Request { id: DecisionId(id), follows, given: vec!["hat".to_owned()], ..request("p", None, 60) };
        bench.decide(ask).fallback
    };
    let firsts: Vec<Fallback> = (0..40).map(|id| fallback(id, None)).collect();
    assert!(firsts.contains(&Fallback::Off) && firsts.contains(&Fallback::None), "{firsts:?}");
    for (id, first) in (0..).zip(firsts) {
        assert_eq!(fallback(1000 + id, Some((DecisionId(id), 24))), first, "page 2 of {id}");
    }
}

#[test]
fn a_page_that_shows_enough_gets_no_more() {
    let mut bench = shop(Placement { name: "p".to_owned(), ..placement("", &["popular"], &[]) });
    let mut shown = |room| {
        let decision = bench.decide(Request { room, ..request("p", Some(9), 60) });
        (decision.slate.len(), decision.fallback)
    };
    assert_eq!(shown(None), (4, Fallback::None));
    assert_eq!(shown(Some(3)), (3, Fallback::None));
    assert_eq!(shown(Some(0)), (0, Fallback::Clutter));
}
