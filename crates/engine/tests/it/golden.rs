//! Golden decisions of a small shop. Every source, filter and rule of the tables decides at least one of them.

use crate::{Bench, name, placement, request, rule};
use bespoke_domain::condition::{Is, Test};
use bespoke_domain::settings::{Diversity, OnThin, Placement, Rule, Shows};
use bespoke_domain::{Condition, Decision, EventKind, Request, ShopperNo};
use bespoke_engine::filter::FILTERS;
use bespoke_engine::rule::RULES;
use bespoke_engine::source::SOURCES;
use expect_test::{Expect, expect};

/// Shoppers 1 to 6 went from a to b, or bought a with c; shopper 9 is the one who asks.
fn shop(placements: Vec<Placement>) -> Bench {
    let mut bench = Bench::default();
    bench.settings(placements);
    for (id, category, group, in_stock) in [
        ("a", "Home > Kitchen", "", true),
        ("b", "Home > Kitchen", "", true),
        ("b2", "Home > Kitchen", "b", true),
        ("c", "Garden", "", true),
        ("d", "Garden", "", true),
        ("gone", "Garden", "", false),
    ] {
        bench.product(id, category, group, in_stock);
    }
    for shopper in 1..=4 {
        bench.event(shopper, EventKind::ViewItem, i64::from(shopper) * 2, &["a"]);
        bench.event(shopper, EventKind::ViewItem, i64::from(shopper) * 2 + 1, &["b"]);
        bench.event(shopper, EventKind::ViewItem, i64::from(shopper) * 2 + 1, &["b2"]);
    }
    bench.event(5, EventKind::Purchase, 12, &["a", "c", "gone"]);
    bench.event(6, EventKind::Purchase, 13, &["a", "c"]);
    bench.event(6, EventKind::ViewItem, 14, &["d"]);
    bench.event(7, EventKind::ViewItem, 90, &["d"]);
    bench.event(8, EventKind::DismissItem, 95, &["b"]);
    bench.event(9, EventKind::ViewItem, 100, &["d"]);
    bench.event(9, EventKind::ViewItem, 101, &["a"]);
    bench
}

/// A decision in lines.
pub fn show(bench: &Bench, decision: &Decision) -> String {
    let snapshot = bench.engine.live().snapshot();
    let mut text =
        format!("{:?} {:?} {:?}\n", decision.headline, decision.personalization, decision.fallback);
    for slot in &decision.slate {
        let rules = slot.placed_by.iter().chain(&slot.moved_by);
        let by: String = rules.map(|rule| format!(" [{rule}]")).collect();
        text += &format!("{} {:.2} {}{by}\n", name(&snapshot, slot.candidate), slot.score, slot.reason.text);
    }
    for one in decision.considered.iter().flatten() {
        if let Some(by) = &one.removed_by {
            text += &format!("- {} by {by}\n", name(&snapshot, one.candidate));
        }
    }
    text
}

fn check(mut planned: Placement, ask: impl FnOnce(&mut Request), expect: Expect) -> Decision {
    planned.name = "p".to_owned();
    let mut bench = shop(vec![planned]);
    let mut asked = request("p", Some(9), 102);
    ask(&mut asked);
    let decision = bench.decide(asked);
    expect.assert_eq(&show(&bench, &decision));
    decision
}

#[allow(clippy::too_many_lines, reason = "a corpus is a list")]
fn corpus() -> Vec<Decision> {
    let with = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<String>>();
    vec![
        check(
            placement("", &["popular"], &[]),
            |_| {},
            expect![[r#"
            "For you" Session None
            a 1.00 Popular right now
            c 0.71 Popular right now
            b 0.24 Popular right now
            b2 0.24 Popular right now
            - gone by available
            - d by not_in_top
        "#]],
        ),
        check(
            Placement { shows: Shows::Categories, ..placement("", &["popular"], &[]) },
            |_| {},
            expect![[r#"
                "For you" Session None
                Home 1.00 Popular right now
                Home > Kitchen 1.00 Popular right now
                Garden 0.84 Popular right now
            "#]],
        ),
        check(
            placement("", &["recently_viewed"], &[]),
            |_| {},
            expect![[r#"
            "For you" Session None
            a 1.00 You looked at this recently
            d 0.50 You looked at this recently
        "#]],
        ),
        check(
            placement("", &["co_viewed"], &["in_cart"]),
            |ask| ask.items = with(&["a", "nosuch"]),
            expect![[r#"
                "For you" Session None
                d 0.81 Often viewed with Product a
                b 0.73 Often viewed with Product a
                b2 0.37 Often viewed with Product a
                c 0.15 Often viewed with Product d
                - a by in_cart
            "#]],
        ),
        check(
            placement("", &["bought_together"], &[]),
            |ask| ask.items = with(&["a"]),
            expect![[r#"
            "For you" Session None
            c 1.00 Often bought with Product a
            - gone by available
        "#]],
        ),
        check(
            placement("", &["session_neighbours"], &["one_variant"]),
            |_| {},
            expect![[r#"
            "For you" Session None
            d 1.00 Shoppers with a visit like yours went on to this
            c 0.54 Shoppers with a visit like yours went on to this
            a 0.00 Shoppers with a visit like yours went on to this
            b 0.00 Shoppers with a visit like yours went on to this
            - gone by available
            - b2 by one_variant
        "#]],
        ),
        check(
            placement("", &["popular"], &["already_bought"]),
            |ask| ask.shopper = Some(bespoke_domain::ShopperNo(6)),
            expect![[r#"
                "For you" Full None
                b 0.24 Popular right now
                b2 0.24 Popular right now
                d 0.18 Popular right now
                - a by already_bought
                - c by already_bought
                - gone by available
            "#]],
        ),
        check(
            placement("", &["popular"], &[]),
            |ask| ask.exclude = with(&["a", "b"]),
            expect![[r#"
            "For you" Session None
            c 0.71 Popular right now
            b2 0.24 Popular right now
            d 0.18 Popular right now
            - a by excluded
            - gone by available
            - b by excluded
        "#]],
        ),
        check(
            Placement {
                rules: vec![rule("pin", &["d", "gone"], 1), rule("hide", &["b"], 0)],
                ..placement("", &["popular"], &[])
            },
            |_| {},
            expect![[r#"
                "For you" Session None
                a 1.00 Popular right now
                d 0.18 Chosen by the shop [pin d gone]
                c 0.71 Popular right now
                b2 0.24 Popular right now
                - gone by available
                - b by hide b
            "#]],
        ),
        check(
            Placement {
                diversity: Diversity { max_per_category: 1, max_per_brand: 0 },
                ..placement("", &["popular"], &[])
            },
            |_| {},
            expect![[r#"
                "For you" Session None
                a 1.00 Popular right now
                c 0.71 Popular right now
                - gone by available
                - b by diversity
                - b2 by diversity
                - d by diversity
            "#]],
        ),
        check(
            Placement { min_evidence: 3, ..placement("", &["recently_viewed"], &[]) },
            |_| {},
            expect![[r#"
                "Popular" None Popular
                a 1.00 Popular right now
                c 0.71 Popular right now
                b 0.24 Popular right now
                b2 0.24 Popular right now
                - gone by available
                - d by not_in_top
            "#]],
        ),
        check(
            Placement { min_evidence: 3, on_thin: OnThin::Hide, ..placement("", &["recently_viewed"], &[]) },
            |_| {},
            expect![[r#"
                "" None Hidden
                - a by not_in_top
                - d by not_in_top
            "#]],
        ),
        check(
            placement("", &["popular", "recently_viewed"], &[]),
            |ask| ask.shopper = None,
            expect![[r#"
            "For you" None None
            a 1.00 Popular right now
            c 0.71 Popular right now
            b 0.24 Popular right now
            b2 0.24 Popular right now
            - gone by available
            - d by not_in_top
        "#]],
        ),
        check(
            Placement {
                rules: vec![of("bury", "brand", "Brand 1", 0.1)],
                ..placement("", &["popular"], &[])
            },
            |_| {},
            expect![[r#"
                "For you" Session None
                b2 0.24 Popular right now
                a 0.10 Popular right now [bury Brand 1]
                c 0.07 Popular right now [bury Brand 1]
                b 0.02 Popular right now [bury Brand 1]
                - gone by available
                - d by not_in_top
            "#]],
        ),
        check(
            Placement {
                rules: vec![
                    of("boost", "category", "Home", 5.0),
                    Rule { when: Some(is("page", "cart")), ..of("hide", "category", "Home", 1.0) },
                ],
                ..placement("", &["popular"], &[])
            },
            |_| {},
            expect![[r#"
                "For you" Session None
                a 5.00 Popular right now [boost Home]
                b 1.18 Popular right now [boost Home]
                b2 1.18 Popular right now [boost Home]
                c 0.71 Popular right now
                - gone by available
                - d by not_in_top
            "#]],
        ),
        check(
            Placement {
                rules: vec![of("filter", "category", "Garden", 1.0)],
                ..placement("", &["popular"], &[])
            },
            |_| {},
            expect![[r#"
                "For you" Session None
                c 0.71 Popular right now
                d 0.18 Popular right now
                - a by filter Garden
                - gone by available
                - b by filter Garden
                - b2 by filter Garden
            "#]],
        ),
        check(
            Placement {
                slots: 2,
                rules: vec![Rule { slots: 1, ..of("reserve", "id", "b2", 1.0) }],
                ..placement("", &["popular"], &[])
            },
            |_| {},
            expect![[r#"
                "For you" Session None
                a 1.00 Popular right now
                b2 0.24 Popular right now [reserve b2]
                - c by not_in_top
                - gone by available
                - b by not_in_top
                - d by not_in_top
            "#]],
        ),
        check(
            Placement {
                rules: vec![rule("pin", &["d"], 1), rule("pin", &["b"], 1)],
                ..placement("", &["popular"], &[])
            },
            |_| {},
            expect![[r#"
                "For you" Session None
                a 1.00 Popular right now
                d 0.18 Chosen by the shop [pin d]
                b 0.24 Chosen by the shop [pin b]
                c 0.71 Popular right now
                - gone by available
                - b2 by not_in_top
            "#]],
        ),
        // One category page, two shoppers: one who said nothing sees what sells best, one who was here what resembles that.
        check(
            listing(),
            |ask| (ask.shopper, ask.category) = (None, Some("Garden".to_owned())),
            expect![[r#"
                "For you" None None
                c 2.00 Best seller in Garden
                d 0.25 In Garden
                - gone by available
                - a by in_category
            "#]],
        ),
        check(
            listing(),
            |ask| (ask.shopper, ask.category) = (Some(ShopperNo(9)), Some("Garden".to_owned())),
            expect![[r#"
                "For you" Session None
                d 5.25 Shoppers with a visit like yours went on to this
                c 4.71 Shoppers with a visit like yours went on to this
                - gone by available
                - a by in_category
                - b by in_category
                - b2 by in_category
            "#]],
        ),
        check(
            placement("", &["popular"], &["dismissed"]),
            |ask| ask.shopper = Some(ShopperNo(8)),
            expect![[r#"
                "For you" None None
                a 1.00 Popular right now
                c 0.71 Popular right now
                d 0.18 Popular right now
                - gone by available
                - b by dismissed
                - b2 by dismissed
            "#]],
        ),
        check(
            Placement { rules: vec![rule("pin", &["a"], 0)], ..placement("", &["recently_viewed"], &[]) },
            |ask| ask.skipped = with(&["recently_viewed"]),
            expect![[r#"
                "For you" Session None
                a 0.00 Chosen by the shop [pin a]
            "#]],
        ),
        check(
            placement("", &["recently_viewed"], &[]),
            |ask| {
                ask.skipped = with(&["recently_viewed"]);
                ask.given = with(&["c", "gone", "b"]);
            },
            expect![[r#"
                "For you" Session None
                b 0.00 In this list
                c 0.00 In this list
                - gone by available
            "#]],
        ),
        check(
            Placement { rules: vec![rule("pin", &["a"], 0)], ..placement("", &["popular"], &[]) },
            |ask| ask.filter = Some(is("category", "Garden")),
            expect![[r#"
                "For you" Session None
                c 1.00 Popular right now
                d 0.25 Popular right now
                - gone by available
                - a by asked_for
            "#]],
        ),
    ]
}

/// A category page: best sellers first, unless the visit says more.
fn listing() -> Placement {
    let mut listing =
        placement("", &["best_sellers", "category", "session_neighbours"], &["in_category", "one_variant"]);
    listing.form = bespoke_domain::settings::Form::Listing;
    listing.sources[2].weight = 5.0;
    listing
}

fn is(field: &str, value: &str) -> Condition {
    Condition::Test(Test { field: field.to_owned(), is: Is::OneOf(vec![value.to_owned()]) })
}

/// A rule about what has this value.
fn of(kind: &str, field: &str, value: &str, factor: f32) -> Rule {
    let name = format!("{kind} {value}");
    Rule { name, rule: kind.to_owned(), filter: Some(is(field, value)), factor, ..Rule::default() }
}

#[test]
fn every_source_filter_and_rule_decides_a_case() {
    let mut corpus = corpus();
    corpus.extend(crate::breadth::corpus());
    corpus.extend(crate::wardrobe::corpus());
    corpus.extend(crate::learnt::corpus());
    corpus.extend(crate::searching::corpus());
    corpus.extend(crate::banners::corpus());
    for source in SOURCES {
        let decides = |decision: &Decision| decision.slate.iter().any(|slot| slot.reason.code == source.name);
        assert!(corpus.iter().any(decides), "no golden case rests on the source {}", source.name);
    }
    for filter in FILTERS {
        let decides = |decision: &Decision| decision.removed.iter().any(|(name, _)| name == filter.name);
        assert!(corpus.iter().any(decides), "no golden case is decided by the filter {}", filter.name);
    }
    for rule in RULES {
        let placed = |decision: &Decision| {
            let by = decision.slate.iter().filter_map(|slot| slot.placed_by.as_deref());
            let moved = decision.slate.iter().flat_map(|slot| &slot.moved_by).map(String::as_str);
            by.chain(moved)
                .chain(decision.removed.iter().map(|(name, _)| name.as_str()))
                .any(|name| name.starts_with(rule.name))
        };
        assert!(corpus.iter().any(placed), "no golden case is decided by the rule {}", rule.name);
    }
}
