//! KPIs: counts by day against counts by hand of the same log, and what each count is.

use super::*;
use bespoke_domain::content::Block;
use bespoke_domain::event::Details;
use bespoke_domain::settings::Attribution;
use bespoke_engine::kpis::table::{COUNTS, Count, KINDS, KPIS, Kind, NAMES};
use bespoke_engine::kpis::{Counts, Part, segment};
use bespoke_models::seeded::Seeded;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const DAY_MIN: i64 = 24 * 60;

impl Bench {
    fn tell(&mut self, shopper: u32, minute: i64, event: Event) {
        let time = Millis(START + minute * 60_000);
        let event = Event { time, consent: Consent::GRANTED, currency: Some(Currency::EUR), ..event };
        self.push(Some(shopper), Body::Event(Box::new(event)));
    }

    /// The shop's server tells it: it is nobody's visit.
    fn give_back(&mut self, minute: i64, id: &str, amount: i64) {
        let refund = numbered(id, of(EventKind::Refund, &[("a", 1, amount)]));
        let time = Millis(START + minute * 60_000);
        let refund = Event { time, consent: Consent::GRANTED, currency: Some(Currency::EUR), ..refund };
        self.push(None, Body::Event(Box::new(refund)));
    }

    fn tally(&mut self, part: Part) -> Counts {
        self.engine.publish();
        let snapshot = self.engine.live().snapshot();
        let mut sum = [0; COUNTS];
        for (_, day) in snapshot.aggregates.kpis.days(0, u16::MAX) {
            day.get(&part).into_iter().for_each(|tally| tally.add_to(&mut sum));
        }
        sum
    }

    fn part(&mut self, name: &str) -> Part {
        self.engine.publish();
        let kpis = &self.engine.live().snapshot().aggregates.kpis;
        let number = (0..100).find(|number| kpis.name(*number) == name).expect("it has a number");
        Part::Placement(number)
    }
}

fn of(kind: EventKind, items: &[(&str, u32, i64)]) -> Event {
    let item = |(id, quantity, minor): &(&str, u32, i64)| EventItem {
        item_id: (*id).to_owned(),
        quantity: *quantity,
        price_minor: Some(*minor),
        ..EventItem::default()
    };
    Event { items: items.iter().map(item).collect(), ..Event::new(kind, Millis(0)) }
}

fn numbered(id: &str, event: Event) -> Event {
    Event {
        details: Some(Box::new(Details { transaction_id: Some(id.into()), ..Details::default() })),
        ..event
    }
}

fn shop() -> Bench {
    let mut bench = Bench::default();
    bench.settings(vec![placement("p", &["popular"], &[])]);
    for (id, category) in [("a", "Home > Lamps"), ("b", "Home > Chairs"), ("c", "Garden")] {
        bench.product(id, category, "", true);
    }
    bench
}

/// Asks, logs, and says that the slate was in view; the decision to be named by what follows.
fn shown(bench: &mut Bench, shopper: u32, minute: i64) -> DecisionId {
    let id = DecisionId(u128::from(shopper) << 32 | minute as u128);
    let decision = bench.decide(Request { id, ..request("p", Some(shopper), minute) });
    bench.push(Some(shopper), Body::Decision(Box::new(decision)));
    let items: Vec<_> = ["a", "b", "c"].map(|id| (id, 1, 0)).to_vec();
    let list = of(EventKind::ViewItemList, &items);
    bench.tell(shopper, minute, Event { decision: Some(id), visible: true, ..list });
    id
}

/// What a log is to come to, counted by hand while it is made.
#[derive(Default)]
struct ByHand {
    /// Minute and revenue of each order, and what came back of it.
    orders: Vec<(i64, i64)>,
    back: HashMap<usize, i64>,
    visits: i64,
    visitors: BTreeSet<(u16, u32)>,
    minutes: BTreeMap<u32, i64>,
}

impl ByHand {
    /// An event of a shopper.
    fn seen(&mut self, shopper: u32, minute: i64) {
        let last = self.minutes.insert(shopper, minute);
        self.visits += i64::from(last.is_none_or(|last| minute - last > 30));
        self.visitors.insert((day_of(minute), shopper));
    }

    /// Three thousand events, orders and returns among them, some told twice.
    fn play(bench: &mut Bench) -> Self {
        let mut by_hand = Self::default();
        let mut seeded = Seeded::new(5);
        let mut draw = |n: usize| seeded.below(n);
        let mut minute = 0;
        for _ in 0..3_000 {
            minute += draw(20) as i64;
            let shopper = draw(60) as u32;
            let choice = draw(4);
            if choice == 1 && !by_hand.orders.is_empty() {
                let no = draw(by_hand.orders.len());
                let amount = 1 + draw(4_000) as i64;
                bench.give_back(minute, &no.to_string(), amount);
                let held = by_hand.back.entry(no).or_default();
                *held = (*held + amount).min(by_hand.orders[no].1);
                continue;
            }
            by_hand.seen(shopper, minute);
            if choice != 0 {
                bench.tell(shopper, minute, of(EventKind::ViewItem, &[("b", 1, 0)]));
                continue;
            }
            let (quantity, minor) = (1 + draw(3) as u32, 100 + draw(9_000) as i64);
            let items = [("a", quantity, minor), ("c", 1, 250)];
            let event = numbered(&by_hand.orders.len().to_string(), of(EventKind::Purchase, &items));
            bench.tell(shopper, minute, event.clone());
            if draw(5) == 0 {
                bench.tell(shopper, minute, event);
            }
            by_hand.orders.push((minute, i64::from(quantity) * minor + 250));
        }
        by_hand
    }
}

/// The day of a minute of the tests, which begin at 22:13:20.
fn day_of(minute: i64) -> u16 {
    (START / 60_000 + minute).div_euclid(DAY_MIN) as u16
}

#[test]
fn money_and_orders_are_those_of_a_count_by_hand() {
    let mut bench = shop();
    let ByHand { orders, back, visits, visitors, .. } = ByHand::play(&mut bench);
    let whole = bench.tally(Part::Whole);
    let count = |count: Count| whole[count as usize];
    assert_eq!(count(Count::Orders), orders.len() as i64, "told twice is one order");
    assert_eq!(count(Count::Revenue), orders.iter().map(|one| one.1).sum::<i64>());
    assert_eq!(count(Count::Returned), back.values().sum::<i64>());
    assert_eq!(count(Count::Returns), back.len() as i64);
    assert_eq!((count(Count::Visits), count(Count::Visitors)), (visits, visitors.len() as i64));
    // By day: revenue less what came back of the day's orders, whenever it came.
    let mut by_day: BTreeMap<u16, i64> = BTreeMap::new();
    for (no, (minute, revenue)) in orders.iter().enumerate() {
        *by_day.entry(day_of(*minute)).or_default() += revenue - back.get(&no).copied().unwrap_or(0);
    }
    let snapshot = bench.engine.live().snapshot();
    for (day, held) in snapshot.aggregates.kpis.days(0, u16::MAX) {
        let counts = |part: Part| {
            let mut sum = [0; COUNTS];
            held.get(&part).into_iter().for_each(|tally| tally.add_to(&mut sum));
            sum
        };
        let whole = counts(Part::Whole);
        let net = whole[Count::Revenue as usize] - whole[Count::Returned as usize];
        assert_eq!(net, by_day.get(&day).copied().unwrap_or(0), "day {day}");
        // Segments are parts of it: each visit is new or returning.
        for count in [Count::Visits, Count::Orders, Count::Revenue, Count::Returned] {
            let of = |part: u8| counts(Part::Segment(part))[count as usize];
            assert_eq!(of(0) + of(1), whole[count as usize], "{} {} {day}", segment(0), count as usize);
            assert_eq!(of(2) + of(3), whole[count as usize]);
        }
    }
}

#[test]
fn an_order_is_put_down_to_the_last_click_then_to_what_was_seen_within_its_days() {
    let mut bench = shop();
    let decision = shown(&mut bench, 1, 0);
    bench.tell(1, 1, Event { decision: Some(decision), ..of(EventKind::SelectItem, &[("a", 1, 0)]) });
    bench.tell(1, 2, numbered("1", of(EventKind::Purchase, &[("a", 2, 500), ("b", 1, 300)])));
    let part = bench.part("p");
    let told = bench.tally(part);
    let count = |count: Count| told[count as usize];
    assert_eq!((count(Count::Lists), count(Count::Clicks)), (1, 1));
    assert_eq!((count(Count::ClickOrders), count(Count::ClickRevenue)), (1, 1_000));
    assert_eq!((count(Count::ViewOrders), count(Count::ViewRevenue)), (1, 300));
    // Two days later what was seen is forgotten, what was clicked is not; eight days later both are.
    bench.tell(1, 2 * DAY_MIN, numbered("2", of(EventKind::Purchase, &[("a", 1, 70), ("b", 1, 50)])));
    bench.tell(1, 8 * DAY_MIN, numbered("3", of(EventKind::Purchase, &[("a", 1, 70)])));
    let told = bench.tally(part);
    assert_eq!((told[Count::ClickRevenue as usize], told[Count::ViewRevenue as usize]), (1_070, 300));
    bench.tell(1, 9 * DAY_MIN, numbered("1", of(EventKind::Refund, &[])));
    let told = bench.tally(part);
    assert_eq!(told[Count::ClickReturned as usize], 1_000);
    // By other rules.
    let mut bench = shop();
    let attribution = Attribution { click_days: 7, view_days: 0, any_product: true };
    let settings = Settings { attribution, ..bench.in_force() };
    bench.push(None, Body::Settings(Box::new(settings)));
    let decision = shown(&mut bench, 1, 0);
    bench.tell(1, 1, Event { decision: Some(decision), ..of(EventKind::SelectItem, &[("a", 1, 0)]) });
    bench.tell(1, 2, numbered("1", of(EventKind::Purchase, &[("b", 1, 300)])));
    let part = bench.part("p");
    assert_eq!(bench.tally(part)[Count::ClickRevenue as usize], 300);
}

#[test]
fn a_click_after_which_nothing_comes_bounces() {
    let mut bench = shop();
    for (shopper, goes_on) in [(1, false), (2, true), (3, true)] {
        let decision = shown(&mut bench, shopper, 0);
        bench.tell(
            shopper,
            1,
            Event { decision: Some(decision), ..of(EventKind::SelectItem, &[("a", 1, 0)]) },
        );
        bench.tell(shopper, 1, of(EventKind::PageView, &[]));
        bench.tell(shopper, 1, of(EventKind::ViewItem, &[("a", 1, 0)]));
        if goes_on {
            bench.tell(shopper, 20, of(EventKind::AddToCart, &[("a", 1, 0)]));
        }
    }
    bench.tell(9, 30, of(EventKind::PageView, &[]));
    assert_eq!(bench.tally(Part::Whole)[Count::ClickBounces as usize], 0, "the visit may go on");
    bench.tell(9, 33, of(EventKind::PageView, &[]));
    let part = bench.part("p");
    for part in [Part::Whole, part, Part::Segment(0)] {
        assert_eq!(bench.tally(part)[Count::ClickBounces as usize], 1);
    }
}

#[test]
fn categories_have_their_returns_and_what_is_not_counted_is_not_known() {
    let mut bench = shop();
    for (order, minute) in [("1", 0), ("2", 1)] {
        bench.tell(1, minute, numbered(order, of(EventKind::Purchase, &[("a", 1, 500), ("c", 2, 100)])));
    }
    let mut back = |order: &str, minute: i64, items: &[(&str, u32, i64)]| {
        bench.tell(1, minute, numbered(order, of(EventKind::Refund, items)));
    };
    back("1", 2, &[("a", 1, 500)]);
    back("1", 3, &[("a", 1, 1)]);
    back("2", 4, &[]);
    bench.engine.publish();
    let snapshot = bench.engine.live().snapshot();
    let category =
        |path: &str| Part::Category(snapshot.aggregates.catalog.category(path).expect("it is there").0);
    let mut told = |part: Part| bench.tally(part);
    let (home, garden, whole) = (told(category("Home")), told(category("Garden")), told(Part::Whole));
    let returns = |counts: &Counts| (counts[Count::Returns as usize], counts[Count::Orders as usize]);
    assert_eq!((returns(&home), returns(&garden), returns(&whole)), ((2, 2), (1, 2), (2, 2)));
    let kpi = |name: &str, counts: &Counts, kind: Kind| {
        KPIS.iter().find(|spec| spec.name == name).and_then(|spec| spec.of(counts, kind))
    };
    assert_eq!(kpi("return_rate", &garden, Kind::Category), Some(0.5));
    assert_eq!(kpi("repeat_rate", &garden, Kind::Category), Some(0.5));
    assert_eq!(kpi("contacts_per_order", &garden, Kind::Category), None, "nobody counts it there");
    assert_eq!(kpi("contacts_per_order", &whole, Kind::Whole), Some(0.0));
}

#[test]
fn markets_that_nobody_knows_are_one_and_fill_no_table() {
    let mut bench = shop();
    let block = Block { name: "b".to_owned(), markets: vec!["de".to_owned()], ..Block::default() };
    let settings = Settings { content: vec![block], ..bench.in_force() };
    bench.push(None, Body::Settings(Box::new(settings)));
    let shape = bench.decide(request("p", None, 0));
    let mut ask = |no: u32, market: String, placement: &str| {
        let request = Request { market, placement: placement.to_owned(), ..request("p", Some(no), 0) };
        let id = DecisionId(u128::from(no) + 1);
        let decision = Decision { request: Request { id, ..request }, ..shape.clone() };
        bench.push(Some(no), Body::Decision(Box::new(decision)));
        bench.tell(no, 1, of(EventKind::PageView, &[]));
        id
    };
    (0..5_100).for_each(|no| _ = ask(no, format!("made up {no}"), "p"));
    ask(6_000, "DE".to_owned(), "p");
    let late = ask(6_001, String::new(), "late");
    bench.tell(6_001, 2, Event { decision: Some(late), ..of(EventKind::SelectItem, &[("a", 1, 0)]) });
    let late = bench.part("late");
    assert_eq!(bench.tally(late)[Count::Clicks as usize], 1, "there is room for it");
    let visits = |bench: &mut Bench, market: &str| {
        let Part::Placement(number) = bench.part(market) else { unreachable!("a name has a number") };
        bench.tally(Part::Market(number))[Count::Visits as usize]
    };
    assert_eq!((visits(&mut bench, "other"), visits(&mut bench, "DE")), (5_100, 1));
}

#[test]
fn what_is_forgotten_too_soon_is_counted_and_what_was_named_outlasts_the_rest() {
    let mut bench = shop();
    let first = shown(&mut bench, 1, 0);
    let shape = bench.decide(request("p", None, 0));
    // More decisions than are remembered, that nobody is shown.
    for no in 0..200_001_u32 {
        let id = DecisionId(u128::from(no) + (1 << 100));
        let asked = Request { id, placement: "p".to_owned(), now: Millis(START), ..Request::default() };
        bench.push(
            None,
            Body::Decision(Box::new(Decision {
                request: asked,
                slate: Vec::new(),
                removed: Vec::new(),
                ..shape.clone()
            })),
        );
    }
    let click = |decision| Event { decision: Some(decision), ..of(EventKind::SelectItem, &[("a", 1, 0)]) };
    bench.tell(1, 1, click(first));
    bench.tell(2, 1, click(DecisionId(1 << 100)));
    let part = bench.part("p");
    assert_eq!(bench.tally(part)[Count::Clicks as usize], 1, "it was in view");
    let whole = bench.tally(Part::Whole);
    assert_eq!((whole[Count::Clicks as usize], whole[Count::Unplaced as usize]), (2, 1));
    // One shopper looks at more than is remembered of one.
    assert_eq!(bench.engine.live().snapshot().aggregates.kpis.forgotten, 0);
    for minute in 2..300 {
        bench.tell(1, minute, click(first));
    }
    bench.engine.publish();
    assert_eq!(bench.engine.live().snapshot().aggregates.kpis.forgotten, 298 + 4 - 256);
}

#[test]
fn shoppers_are_new_once_and_keen_after_the_cart() {
    let mut bench = shop();
    bench.tell(1, 0, of(EventKind::AddToCart, &[("a", 1, 0)]));
    bench.tell(1, 50, of(EventKind::ViewItem, &[("a", 1, 0)]));
    bench.tell(1, 40 * DAY_MIN, of(EventKind::ViewItem, &[("c", 1, 0)]));
    let mut visits = |part: u8| bench.tally(Part::Segment(part))[Count::Visits as usize];
    assert_eq!([visits(0), visits(1), visits(2), visits(3)], [1, 2, 1, 2]);
    // Categories of the first level, whatever is below them.
    let snapshot = bench.engine.live().snapshot();
    let category = |path: &str| snapshot.aggregates.catalog.category(path).expect("it is there").0;
    let (home, garden) = (category("Home"), category("Garden"));
    let mut views = |one: u32| bench.tally(Part::Category(one))[Count::Views as usize];
    assert_eq!((views(home), views(garden)), (1, 1));
}

#[test]
fn programs_count_for_their_number_only_and_other_currencies_for_no_money() {
    let mut bench = shop();
    bench.program(1, &["a"]);
    let foreign = numbered("x", of(EventKind::Purchase, &[("a", 1, 900)]));
    bench.tell(2, 1, foreign.clone());
    let dollars = Event {
        currency: Some(Currency::parse("USD").expect("a code")),
        ..numbered("y", of(EventKind::Purchase, &[("a", 1, 900)]))
    };
    let time = Millis(START + 120_000);
    bench.push(Some(2), Body::Event(Box::new(Event { time, consent: Consent::GRANTED, ..dollars })));
    let whole = bench.tally(Part::Whole);
    let of = |count: Count| whole[count as usize];
    assert_eq!((of(Count::Programs), of(Count::Views)), (1, 0));
    assert_eq!((of(Count::Orders), of(Count::Revenue), of(Count::ForeignOrders)), (2, 900, 1));
}

#[test]
fn what_is_counted_is_the_same_from_a_checkpoint_on() {
    let mut bench = shop();
    let play = |bench: &mut Bench, from: i64| {
        for shopper in 1..20 {
            let minute = from + i64::from(shopper) * 7;
            let decision = shown(bench, shopper, minute);
            bench.tell(
                shopper,
                minute,
                Event { decision: Some(decision), ..of(EventKind::SelectItem, &[("a", 1, 0)]) },
            );
            let id = format!("{shopper}-{from}");
            bench.tell(shopper, minute + 3, numbered(&id, of(EventKind::Purchase, &[("a", 1, 500)])));
            let earlier = format!("{shopper}-0");
            bench.tell(shopper, minute + 4, numbered(&earlier, of(EventKind::Refund, &[("a", 1, 100)])));
        }
    };
    play(&mut bench, 0);
    bench.restart();
    play(&mut bench, 3 * DAY_MIN);
    bench.check_against_log();
}

#[test]
fn every_count_and_kpi_is_in_the_guide() {
    let guide = include_str!("../../../../docs/kpis.md");
    let rows =
        NAMES.iter().map(|spec| (spec.name, spec.doc)).chain(KPIS.iter().map(|spec| (spec.name, spec.doc)));
    for (name, doc) in rows {
        let row = format!("| `{name}` |");
        assert!(guide.lines().any(|line| line.starts_with(&row) && line.contains(doc)), "{row} {doc}");
    }
    for spec in &NAMES {
        let parts = KINDS.iter().filter(|(kind, _)| spec.count.is_of(*kind)).map(|(_, name)| *name);
        let end = format!("| {} |", parts.collect::<Vec<_>>().join(", "));
        let row = format!("| `{}` |", spec.name);
        assert!(guide.lines().any(|line| line.starts_with(&row) && line.ends_with(&end)), "{row} … {end}");
    }
}
