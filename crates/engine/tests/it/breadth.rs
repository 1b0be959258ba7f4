//! Golden decisions of a shop with attributes, prices and months of history: one for each source that rests on them.

use crate::golden::show;
use crate::{Bench, START, placement, request};
use bespoke_domain::event::{Details, EventItem, PageType};
use bespoke_domain::product::{Availability, Content, ProductPatch};
use bespoke_domain::settings::{Form, Placement, ScorerUse, Shows, SourceUse};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{
    Body, Consent, Currency, Decision, DecisionId, Event, EventKind, Millis, Money, Request, ShopperNo,
};
use bespoke_engine::scorer::SCORERS;
use expect_test::{Expect, expect};

const DAY: i64 = 1_440;
/// When shopper 9 asks.
const ASKED: i64 = 45 * DAY;

fn product(
    bench: &mut Bench,
    id: &str,
    title: &str,
    category: &str,
    euros: i64,
    attributes: &[(&str, &str)],
) {
    let age_days = bench.entries.len() as i64;
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let content = Content {
        title: title.to_owned(),
        brand: "Acme".to_owned(),
        categories: vec![category.to_owned()],
        published_at: Some(Millis(START - age_days * DAY_MS)),
        cost: Some(Money { minor: euros * 10 * age_days, currency: Currency::EUR }),
        attributes: attributes.iter().map(own).collect(),
        ..Content::default()
    };
    let patch = ProductPatch {
        id: id.to_owned(),
        as_of: Millis(START),
        price: Some(Money { minor: euros * 100, currency: Currency::EUR }),
        availability: Some(Availability::InStock),
        stock: Some(2 * (7 - age_days as u32)),
        content: Some(Box::new(content)),
        ..ProductPatch::default()
    };
    bench.push(None, Body::Catalog(Box::new(patch)));
}

/// Paper is bought every thirty days, ink has had a good last day, printers are looked at.
fn shop(planned: Placement) -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![planned]);
    product(&mut bench, "laser", "Laser printer", "Office > Printers", 100, &[("model", "LX1")]);
    product(&mut bench, "laser+", "Laser printer plus", "Office > Printers", 130, &[("model", "LX2")]);
    product(&mut bench, "photo", "Photo printer", "Office > Printers", 400, &[("model", "PX1")]);
    product(&mut bench, "black", "Ink black", "Office > Ink", 20, &[("fits", "LX1,LX2")]);
    product(&mut bench, "colour", "Ink colour", "Office > Ink", 30, &[("fits", "LX2, PX1")]);
    product(&mut bench, "paper", "Paper white", "Office > Paper", 5, &[]);
    for shopper in 1..=3 {
        bench.event(shopper, EventKind::Purchase, i64::from(shopper), &["paper"]);
        bench.event(shopper, EventKind::Purchase, 30 * DAY + i64::from(shopper), &["paper"]);
        bench.event(shopper, EventKind::ViewItem, 31 * DAY, &["laser", "laser+", "photo"]);
        bench.event(shopper, EventKind::ViewItem, 31 * DAY, &["laser"]);
    }
    bench.event(4, EventKind::Purchase, 20 * DAY, &["paper", "black"]);
    bench.event(9, EventKind::Purchase, 10 * DAY, &["paper"]);
    bench.event(9, EventKind::Purchase, 40 * DAY, &["black"]);
    for shopper in 20..40 {
        bench.event(shopper, EventKind::ViewItem, ASKED - 60, &["colour"]);
    }
    bench.event(3, EventKind::Refund, 32 * DAY, &["paper"]);
    bench.event(9, EventKind::ViewItem, ASKED - 1, &["laser"]);
    bench
}

/// What says how good products are: the photo printer is taken when looked at, black ink is left at once, paper gets five
/// stars and the laser one, the plus needs help, colour ink is clicked far down, the laser is bought within the hour.
fn signals(bench: &mut Bench) {
    let at = ASKED - 25;
    for shopper in 60..70 {
        bench.event(shopper, EventKind::ViewItem, at, &["photo"]);
        bench.event(shopper, EventKind::AddToCart, at, &["photo"]);
        bench.event(shopper, EventKind::SupportContact, at, &["laser+"]);
        let list = |kind, visible, ids: &[&str], first: u16| Event {
            consent: Consent::GRANTED,
            visible,
            items: (first..)
                .zip(ids)
                .map(|(index, id)| EventItem {
                    item_id: (*id).to_owned(),
                    index: Some(index),
                    ..EventItem::default()
                })
                .collect(),
            ..Event::new(kind, Millis(START + at * 60_000))
        };
        let seen =
            list(EventKind::ViewItemList, true, &["paper", "laser", "photo", "laser+", "black", "colour"], 0);
        bench.push(Some(shopper), Body::Event(Box::new(seen)));
        bench.push(Some(shopper), Body::Event(Box::new(list(EventKind::SelectItem, false, &["colour"], 5))));
        for (id, stars) in [("paper", 5.0), ("laser", 1.0)] {
            let mut rated = list(EventKind::RateItem, false, &[id], 0);
            rated.details = Some(Box::new(Details { rating: Some(stars), ..Details::default() }));
            bench.push(Some(shopper), Body::Event(Box::new(rated)));
        }
    }
    for shopper in 70..80 {
        bench.event(shopper, EventKind::ViewItem, at, &["black"]);
        bench.event(shopper, EventKind::ViewItem, at, &["colour"]);
        bench.event(shopper, EventKind::ViewItem, at - 3 * DAY, &["laser+"]);
        bench.event(shopper, EventKind::Purchase, at, &["laser+"]);
        bench.event(shopper, EventKind::ViewItem, at, &["laser"]);
        bench.event(shopper, EventKind::Purchase, at + 20, &["laser"]);
    }
}

/// The ids of a slate of new arrivals, with one scorer.
fn arrivals(scorer: Option<(&str, f32)>) -> Vec<String> {
    let scorers = scorer.map(|(name, weight)| ScorerUse { scorer: name.to_owned(), weight });
    let planned = Placement {
        name: "p".to_owned(),
        scorers: scorers.into_iter().collect(),
        slots: 6,
        ..placement("", &["new_arrivals"], &[])
    };
    let mut bench = shop(planned);
    signals(&mut bench);
    if scorer.is_some_and(|(name, _)| name == "taste") {
        // A few acts are no taste.
        (0..10).for_each(|minute| bench.event(9, EventKind::ViewItem, ASKED - 20 + minute, &["colour"]));
    }
    bench.learn("als");
    let mut asked = request("p", Some(9), ASKED);
    if scorer.is_some_and(|(name, _)| name == "click_over_expected") {
        asked.search = Some(Box::new(crate::searching::ask("office")));
        searched(&mut bench, &asked);
    }
    let decision = bench.decide(asked);
    let names: Vec<&str> = decision.scorers.iter().map(String::as_str).collect();
    assert_eq!(names, scorer.map(|(name, _)| name).into_iter().collect::<Vec<_>>());
    let snapshot = bench.engine.live().snapshot();
    decision.slate.iter().map(|slot| crate::name(&snapshot, slot.candidate)).collect()
}

/// Others searched for the same and took black ink and paper, which stood far down.
fn searched(bench: &mut Bench, asked: &Request) {
    for shopper in 200..240 {
        let id = DecisionId(u128::from(shopper));
        let decision = bench.decide(Request { id, shopper: Some(ShopperNo(shopper)), ..asked.clone() });
        bench.push(Some(shopper), Body::Decision(Box::new(decision)));
        let clicked = if shopper % 4 == 0 { "paper" } else { "black" };
        let click = Event {
            consent: Consent::GRANTED,
            decision: Some(id),
            items: vec![EventItem { item_id: clicked.to_owned(), ..EventItem::default() }],
            ..Event::new(EventKind::SelectItem, Millis(START + ASKED * 60_000))
        };
        bench.push(Some(shopper), Body::Event(Box::new(click)));
    }
}

#[test]
fn every_scorer_changes_an_order() {
    let plain = arrivals(None);
    assert_eq!(plain, ["laser", "laser+", "photo", "black", "colour", "paper"]);
    // Each with a weight that lets it speak over the order of arrival; three agree with that order and are turned round.
    let weight = |name| if ["margin", "stock", "newness"].contains(&name) { -100.0 } else { 20.0 };
    let text: String = SCORERS
        .iter()
        .map(|spec| {
            let order = arrivals(Some((spec.name, weight(spec.name))));
            assert_ne!(order, plain, "{} changes nothing", spec.name);
            format!("{:<20}{}\n", spec.name, order.join(" "))
        })
        .collect();
    expect![[r#"
        affinity            black paper colour laser laser+ photo
        popularity          laser laser+ photo colour black paper
        clicks              colour laser laser+ photo black paper
        conversion          photo paper black laser+ laser colour
        price               laser laser+ black paper colour photo
        margin              paper colour black photo laser+ laser
        stock               paper colour black photo laser+ laser
        newness             paper colour black photo laser+ laser
        rating              paper laser+ photo black colour laser
        returns             laser laser+ black photo colour paper
        support             laser paper black photo colour laser+
        bounces             colour laser laser+ paper photo black
        swift               laser photo black colour paper laser+
        als                 laser paper black colour laser+ photo
        taste               colour black laser laser+ photo paper
        click_over_expected black paper colour laser+ laser photo
    "#]]
    .assert_eq(&text);
}

fn check(mut planned: Placement, ask: impl FnOnce(&mut Request), expect: Expect) -> Decision {
    planned.name = "p".to_owned();
    let mut bench = shop(planned);
    let mut asked = request("p", Some(9), ASKED);
    ask(&mut asked);
    let decision = bench.decide(asked);
    expect.assert_eq(&show(&bench, &decision));
    decision
}

/// A photo printer that looks like the laser printer, and one that does not; paper has no vector.
fn look_alike(expect: Expect) -> Decision {
    let mut bench = shop(Placement { name: "p".to_owned(), ..placement("", &["look_alike"], &[]) });
    let vectors: [(&str, &[f32]); 4] = [
        ("laser", &[1.0, 0.1, 0.0]),
        ("photo", &[0.9, 0.3, 0.1]),
        ("black", &[0.2, 1.0, 0.0]),
        ("colour", &[-1.0, 0.0, 0.0]),
    ];
    for (id, vector) in vectors {
        let patch = ProductPatch {
            id: id.to_owned(),
            as_of: Millis(START),
            vector: Some(vector.into()),
            ..ProductPatch::default()
        };
        bench.push(None, Body::Catalog(Box::new(patch)));
    }
    let mut asked = request("p", None, ASKED);
    on_page(&mut asked, "laser");
    let decision = bench.decide(asked);
    expect.assert_eq(&show(&bench, &decision));
    decision
}

fn on_page(ask: &mut Request, id: &str) {
    (ask.page, ask.items) = (PageType::Product, vec![id.to_owned()]);
}

/// The cases.
#[allow(clippy::too_many_lines, reason = "a corpus is a list")]
pub fn corpus() -> Vec<Decision> {
    let source = |name: &str| placement("", &[name], &[]);
    let named = |id: &&str| (*id).to_owned();
    let list = ["photo", "paper", "nosuch"].iter().map(named).collect();
    let editorial = SourceUse { items: list, ..source("editorial").sources[0].clone() };
    vec![
        look_alike(expect![[r#"
            "For you" None None
            photo 1.00 Looks like Laser printer
            black 0.30 Looks like Laser printer
        "#]]),
        check(
            source("similar"),
            |ask| on_page(ask, "laser"),
            expect![[r#"
            "For you" Full None
            laser+ 1.00 Similar to Laser printer
            photo 0.65 Similar to Laser printer
        "#]],
        ),
        check(
            source("accessories"),
            |ask| on_page(ask, "laser+"),
            expect![[r#"
            "For you" Full None
            colour 1.00 Fits Laser printer plus
            black 0.50 Fits Laser printer plus
        "#]],
        ),
        check(
            source("alternatives"),
            |ask| on_page(ask, "laser"),
            expect![[r#"
            "For you" Full None
            laser+ 1.00 An alternative to Laser printer
            photo 0.00 An alternative to Laser printer
        "#]],
        ),
        check(
            source("best_sellers"),
            |ask| ask.category = Some("Office > Paper".to_owned()),
            expect![[r#"
                "For you" Full None
                paper 1.00 Best seller in Paper
                black 0.35 Best seller
            "#]],
        ),
        check(
            source("trending"),
            |_| {},
            expect![[r#"
                "For you" Full None
                colour 1.00 Trending now
                laser 0.03 Trending now
                black 0.03 Trending now
                paper 0.00 Trending now
                - laser+ by not_in_top
                - photo by not_in_top
            "#]],
        ),
        check(
            source("new_arrivals"),
            |ask| ask.category = Some("Office > Printers".to_owned()),
            expect![[r#"
                "For you" Full None
                laser 1.00 New in the shop
                laser+ 0.50 New in the shop
                photo 0.33 New in the shop
            "#]],
        ),
        check(
            Placement { form: Form::Listing, slots: 2, ..source("category") },
            |ask| ask.category = Some("Office > Printers".to_owned()),
            expect![[r#"
                "For you" Full None
                laser 1.00 In Printers
                laser+ 0.38 In Printers
                - photo by not_in_top
            "#]],
        ),
        check(
            Placement { form: Form::Listing, slots: 2, ..source("category") },
            |ask| {
                ask.category = Some("Office".to_owned());
                ask.given = ["paper", "laser", "black", "photo"].map(str::to_owned).to_vec();
                (ask.slots, ask.follows) = (3, Some((DecisionId(1), 2)));
            },
            expect![[r#"
                "For you" Full None
                paper 0.67 In Office
                laser 0.20 In Office
                black 0.32 In Office
                - colour by not_given
                - laser+ by not_given
                - photo by not_in_top
            "#]],
        ),
        check(
            source("complements"),
            |ask| on_page(ask, "paper"),
            expect![[r#"
            "For you" Full None
            black 1.00 Goes with Paper white
            colour 1.00 Goes with Paper white
        "#]],
        ),
        check(
            source("favourites"),
            |_| {},
            expect![[r#"
            "For you" Full None
            colour 1.00 From Ink, where you looked around
            paper 0.93 From Paper, where you looked around
            black 0.32 From Ink, where you looked around
            laser 0.27 From Printers, where you looked around
            - laser+ by not_in_top
            - photo by not_in_top
        "#]],
        ),
        // Paper is bought again by others, ink by nobody.
        check(
            placement("", &["best_sellers"], &["bought_durable"]),
            |_| {},
            expect![[r#"
            "For you" Full None
            paper 1.00 Best seller
            - black by bought_durable
        "#]],
        ),
        check(
            source("buy_again"),
            |_| {},
            expect![[r#"
            "For you" Full None
            paper 1.00 You bought this before
        "#]],
        ),
        check(
            Placement { shows: Shows::Categories, ..source("favourite_categories") },
            |_| {},
            expect![[r#"
                "For you" Full None
                Office > Ink 1.00 You looked around here
                Office > Paper 0.93 You looked around here
                Office > Printers 0.27 You looked around here
            "#]],
        ),
        check(
            Placement { sources: vec![editorial], ..source("popular") },
            |_| {},
            expect![[r#"
            "For you" Full None
            photo 1.00 Chosen by the shop
            paper 0.50 Chosen by the shop
        "#]],
        ),
    ]
}
