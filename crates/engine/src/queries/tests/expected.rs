//! Clicks over expected clicks of made-up shoppers.

use super::*;
use crate::queries::expected::{CART, CLICK, PLACES_MAX, SHOWN_MAX};
use bespoke_domain::Candidate;
use bespoke_domain::decision::{Reason, Slot};
use bespoke_domain::search::{Choice, Refinement, Sort};

impl Bench {
    /// A decision that shows these products.
    pub(super) fn show(&mut self, shopper: Option<u32>, search: Search, products: &[u32]) -> DecisionId {
        self.second += 20;
        let slot = |product: &u32| Slot {
            candidate: Candidate::Product(ProductNo(*product)),
            score: 1.0,
            parts: Vec::new(),
            reason: Reason::default(),
            placed_by: None,
            moved_by: Vec::new(),
            probability: 1.0,
            team: None,
            foreseen: Vec::new(),
            features: Vec::new(),
        };
        let request = Request {
            id: DecisionId(self.second as u128),
            shopper: shopper.map(ShopperNo),
            search: Some(Box::new(search)),
            now: Millis(self.second * 1000),
            ..Request::default()
        };
        let mut decision = crate::decide(&crate::Snapshot::default(), None, &request);
        decision.slate = products.iter().map(slot).collect();
        self.queries.fold_decision(&decision, |one| one);
        request.id
    }

    /// What a shopper does with a product that a decision showed.
    fn take(&mut self, shopper: u32, kind: EventKind, product: u32, decision: DecisionId) {
        let mut event = self.event(kind);
        event.decision = Some(decision);
        event.items = vec![EventItem { item_id: product.to_string(), ..EventItem::default() }];
        self.fold(shopper, &event, &[product]);
    }

    /// Five shoppers ask a query that shows nothing.
    fn common(&mut self, text: &str) {
        (9_000..9_005).for_each(|shopper| _ = self.show(Some(shopper), ask(text), &[]));
        assert!(self.query(text).is_common());
    }

    /// What a product was expected to gain and gained, in clicks.
    fn evidence(&self, text: &str, product: u32) -> Option<(f64, f64)> {
        let evidence = self.query(text).evidence();
        let one = evidence.iter().find(|one| one.product == ProductNo(product))?;
        let clicks = |count: u32| f64::from(count) / f64::from(CLICK);
        Some((clicks(one.expected), clicks(one.gained)))
    }
}

pub(super) fn ask(text: &str) -> Search {
    Search { text: text.to_owned(), ..Search::default() }
}

#[test]
fn standing_in_front_is_no_merit() {
    let mut bench = Bench::new();
    ["mug", "cup"].iter().for_each(|text| bench.common(text));
    // Half click what is in front; the next place brings a quarter, the third an eighth: of the mugs twice that, of the cups nothing.
    for shopper in 0..800 {
        for (text, first, third) in [("mug", 10, 4), ("cup", 20, u32::MAX)] {
            let shown = bench.show(Some(shopper), ask(text), &[first, first + 1, first + 2]);
            for (product, every) in [(first, 2), (first + 1, 4), (first + 2, third)] {
                if shopper % every == every - 1 {
                    bench.take(shopper, EventKind::SelectItem, product, shown);
                }
            }
        }
    }
    let ratio = |text, product| {
        let (expected, gained) = bench.evidence(text, product).expect("it was shown");
        gained / expected
    };
    assert!(ratio("mug", 12) > 1.5 * ratio("mug", 10), "{} {}", ratio("mug", 12), ratio("mug", 10));
    assert!((ratio("mug", 10) - ratio("cup", 20)).abs() < 0.15);
    assert_eq!(ratio("cup", 22), 0.0);
    let clicks =
        |product| bench.query("mug").found.iter().find(|one| one.product.0 == product).map(|one| one.clicks);
    assert!(clicks(10) == Some(400) && clicks(12) == Some(200), "by clicks alone the first is twice as good");
    assert!(
        bench.query("cup").found.iter().all(|one| one.weight() > 0.0),
        "what was never clicked is not listed"
    );
}

#[test]
fn one_shopper_who_clicks_and_asks_again_and_again_counts_once_a_visit() {
    let mut bench = Bench::new();
    bench.common("mug");
    for _ in 0..40 {
        let shown = bench.show(Some(1), ask("mug"), &[5, 6, 7]);
        for kind in [EventKind::SelectItem, EventKind::AddToCart, EventKind::SelectItem, EventKind::Purchase]
        {
            bench.take(1, kind, 7, shown);
        }
    }
    let expected = 0.2 / 3.0;
    let (once, gained) = bench.evidence("mug", 7).expect("it was shown");
    assert!((once - expected).abs() < 1e-3, "{once}");
    assert_eq!(gained, f64::from(CLICK + CART) / f64::from(CLICK));
    assert_eq!(bench.query("mug").found[0].clicks, 1, "in lists too");
    bench.wait(31);
    let shown = bench.show(Some(1), ask("mug"), &[7, 5]);
    bench.take(1, EventKind::SelectItem, 7, shown);
    assert_eq!(bench.evidence("mug", 7).map(|(_, gained)| gained), Some(3.0), "another visit");
}

#[test]
fn nothing_is_claimed_of_who_is_not_followed_nor_of_what_no_decision_showed() {
    let mut bench = Bench::new();
    bench.common("mug");
    let shown = bench.show(None, ask("mug"), &[1, 2]);
    bench.take(7, EventKind::SelectItem, 1, shown);
    for shopper in 1..=9 {
        bench.search(shopper, "mug", Some(3));
        bench.deal(shopper, EventKind::SelectItem, 3, Some(0));
    }
    assert!(bench.query("mug").evidence().is_empty());
    assert_eq!(bench.query("mug").found.len(), 2, "clicks are known all the same");
    let shown = bench.show(Some(20), ask("mug"), &[1, 2]);
    let mut click = bench.event(EventKind::SelectItem);
    (click.decision, click.items) = (Some(shown), vec![EventItem::default()]);
    click.consent = Consent::GRANTED.with(Purpose::Personalization, false);
    bench.fold(20, &click, &[1]);
    assert_eq!(
        bench.evidence("mug", 1).map(|(_, gained)| gained),
        Some(0.0),
        "who denies it is not followed"
    );
    let shown = bench.show(Some(21), ask("mug"), &[1, 2]);
    bench.queries.forget(ShopperNo(21));
    bench.take(21, EventKind::SelectItem, 1, shown);
    assert_eq!(bench.evidence("mug", 1).map(|(_, gained)| gained), Some(0.0), "who withdraws is forgotten");
}

#[test]
fn later_pages_count_as_far_back_as_they_are_and_narrowed_results_do_not() {
    let mut bench = Bench::new();
    bench.common("mug");
    let first = bench.show(Some(1), ask("mug"), &[1, 2]);
    let second = bench.show(Some(1), Search { from: 2, ..ask("mug") }, &[3, 2, 4]);
    assert_eq!(bench.query("mug").followed, 6, "a page is no search");
    bench.take(1, EventKind::SelectItem, 4, second);
    let rate = |place: f64| (2_000.0 / place).floor() / 10_000.0;
    assert_eq!(bench.evidence("mug", 3), Some((rate(3.0), 0.0)));
    assert_eq!(bench.evidence("mug", 2), Some((rate(2.0), 0.0)), "where it stood first");
    assert_eq!(bench.evidence("mug", 4), Some((rate(5.0), 1.0)), "{:?}", bench.query("mug").evidence());
    let red = Refinement { facet: "color".to_owned(), choice: Choice::Values(vec!["red".to_owned()]) };
    for narrowed in
        [Search { refinements: vec![red], ..ask("mug") }, Search { sort: Sort::PriceUp, ..ask("mug") }]
    {
        let shown = bench.show(Some(1), narrowed, &[2, 9]);
        bench.take(1, EventKind::SelectItem, 2, shown);
        bench.take(1, EventKind::SelectItem, 9, shown);
    }
    assert_eq!(bench.evidence("mug", 9), None);
    assert_eq!(bench.evidence("mug", 2).map(|(_, gained)| gained), Some(0.0));
    let again = bench.show(Some(1), ask("mug"), &[1, 2]);
    bench.take(1, EventKind::SelectItem, 2, again);
    bench.take(1, EventKind::SelectItem, 1, first);
    assert_eq!(bench.evidence("mug", 2).map(|(_, gained)| gained), Some(1.0));
    assert_eq!(bench.evidence("mug", 1).map(|(_, gained)| gained), Some(1.0));
}

#[test]
fn a_query_of_few_teaches_nothing() {
    let mut bench = Bench::new();
    bench.common("mug");
    for round in 0..300 {
        let shown = bench.show(Some(round % 4), ask("rare mug"), &[1, 2]);
        bench.take(round % 4, EventKind::SelectItem, 2, shown);
        bench.wait(31);
    }
    assert!(bench.query("rare mug").evidence().is_empty());
    bench.show(Some(50), ask("mug"), &[1, 2]);
    assert_eq!([1, 2].map(|product| bench.evidence("mug", product)), [Some((0.2, 0.0)), Some((0.1, 0.0))]);
}

/// Nine in ten like what stands in front and three in ten what comes after it, and the first place is looked at twice as often as the second. Now
/// and then the two change places, which tells the places from what stands there.
#[test]
fn good_products_in_front_are_not_taken_for_a_good_place() {
    let mut bench = Bench::new();
    bench.common("mug");
    for shopper in 0..3_000_u32 {
        let shown = if shopper % 5 == 0 { [2, 1] } else { [1, 2] };
        let decision = bench.show(Some(shopper), ask("mug"), &shown);
        for (place, product) in shown.iter().enumerate() {
            let looks = place == 0 || shopper.wrapping_mul(2_654_435_761) >> 31 == 0;
            let likes = shopper.wrapping_mul(40_503) / 7 % 10 < if *product == 1 { 9 } else { 3 };
            if looks && likes {
                bench.take(shopper, EventKind::SelectItem, *product, decision);
            }
        }
    }
    let ratio = |product| bench.evidence("mug", product).map_or(0.0, |(expected, gained)| gained / expected);
    let (good, fair) = (ratio(1), ratio(2));
    // By what places bring on average the good one would be 1.07, and the fair one .77.
    assert!(good / fair > 2.0, "{good} {fair}");
}

#[test]
fn there_is_an_end_to_what_is_shown_and_what_is_never_clicked_gives_way() {
    let mut bench = Bench::new();
    bench.common("mug");
    let clicked: Vec<u32> = (0..20).collect();
    for round in 0..400_u32 {
        let mut shown: Vec<u32> = (0..60).map(|no| 1_000 + (round * 7 + no) % 900).collect();
        shown.insert(20, clicked[round as usize % 20]);
        let decision = bench.show(Some(round), ask("mug"), &shown);
        bench.take(round, EventKind::SelectItem, clicked[round as usize % 20], decision);
        bench.take(round, EventKind::SelectItem, shown[40], decision);
    }
    let evidence = bench.query("mug").evidence();
    assert_eq!(evidence.len(), SHOWN_MAX);
    let known =
        clicked.iter().filter(|no| evidence.iter().any(|one| one.product.0 == **no && one.gained > 0));
    assert_eq!(known.count(), clicked.len());
    let never = evidence.iter().filter(|one| one.gained == 0).count();
    assert_eq!(never, SHOWN_MAX - clicked.len(), "the fortieth place is none that counts: {PLACES_MAX}");
}

#[test]
fn what_was_long_ago_counts_half() {
    let mut bench = Bench::new();
    bench.common("mug");
    for shopper in 0..3_990 {
        let shown = bench.show(Some(shopper), ask("mug"), &[1]);
        bench.take(shopper, EventKind::SelectItem, 1, shown);
    }
    let (_, before) = bench.evidence("mug", 1).expect("it was shown");
    (4_000..4_010).for_each(|shopper| _ = bench.show(Some(shopper), ask("mug"), &[1]));
    let (_, after) = bench.evidence("mug", 1).expect("it was shown");
    assert_eq!((before, after), (3_990.0, 1_995.0));
}
