//! Experiments: who is in which arm, what a decision shows there, and what became of the units.

use super::*;
use bespoke_domain::decision::Fallback;
use bespoke_domain::event::Details;
use bespoke_domain::experiment::{ArmUse, Experiment, Guardrail, HELD, HOLDOUT, Holdout, PERSONALIZED, Unit};
use bespoke_domain::search::Search;
use bespoke_engine::experiment::ledger::Row;
use bespoke_engine::experiment::metric::{COVARIATES, METRICS, SEGMENTS};
use bespoke_engine::experiment::result::report;
use bespoke_engine::experiment::{is_held, place};
use bespoke_models::statistics::verdict::Verdict;

/// Shoppers of these tests: their keys are their numbers and this.
pub(super) const KEYS: u64 = 1_000_000;

impl Bench {
    pub(super) fn compare(&mut self, experiments: Vec<Experiment>, held: u16, placements: Vec<Placement>) {
        self.settings(placements);
        let settings = Settings { holdout: Holdout { share: held }, experiments, ..self.in_force() };
        self.push(None, Body::Settings(Box::new(settings)));
    }

    /// The shopper's first event, by which the key comes in.
    pub(super) fn meet(&mut self, shopper: u32) {
        let event = Event {
            consent: Consent::GRANTED,
            buckets: (KEYS + u64::from(shopper), 0),
            ..Event::new(EventKind::PageView, Millis(START))
        };
        self.push(Some(shopper), Body::Event(Box::new(event)));
    }

    /// Asks and logs.
    pub(super) fn show(&mut self, placement: &str, shopper: u32, minute: i64) -> Decision {
        self.engine.publish();
        let bucket = KEYS + u64::from(shopper);
        let decision =
            self.engine.live().decide(&Request { bucket, ..request(placement, Some(shopper), minute) });
        self.push(Some(shopper), Body::Decision(Box::new(decision.clone())));
        decision
    }

    pub(super) fn order(&mut self, shopper: u32, minute: i64, transaction: &str, minor: i64) {
        self.transact(shopper, minute, (EventKind::Purchase, transaction), minor);
    }

    pub(super) fn transact(&mut self, shopper: u32, minute: i64, (kind, id): (EventKind, &str), minor: i64) {
        let details = Details { transaction_id: Some(id.into()), ..Details::default() };
        let item = EventItem {
            item_id: "a1".to_owned(),
            quantity: 1,
            price_minor: Some(minor),
            ..EventItem::default()
        };
        let event = Event {
            consent: Consent::GRANTED,
            currency: Some(Currency::EUR),
            items: vec![item],
            details: Some(Box::new(details)),
            ..Event::new(kind, Millis(START + minute * 60_000))
        };
        self.push(Some(shopper), Body::Event(Box::new(event)));
    }

    pub(super) fn row(&mut self, experiment: &str, shopper: u32) -> Option<Row> {
        self.engine.publish();
        let snapshot = self.engine.live().snapshot();
        let run = snapshot.aggregates.ledger.latest(experiment)?;
        run.rows.iter().find(|row| row.key == KEYS + u64::from(shopper)).copied()
    }
}

pub(super) fn shop() -> Bench {
    let mut bench = Bench::default();
    for id in ["a1", "a2", "b1", "b2", "c1"] {
        bench.product(id, "Home", "", true);
        bench.event(5_000, EventKind::ViewItem, 0, &[id]);
    }
    bench
}

pub(super) fn halves(name: &str, uses: &[(&str, &str)]) -> Experiment {
    let uses = uses.iter().map(|(asked, used)| ((*asked).to_owned(), (*used).to_owned())).collect();
    Experiment {
        name: name.to_owned(),
        layer: "default".to_owned(),
        slice: (0, 10_000),
        placements: vec!["p".to_owned()],
        arms: vec![
            ArmUse { name: "control".to_owned(), share: 5_000, ..ArmUse::default() },
            ArmUse { name: "new".to_owned(), share: 5_000, uses, is_external: false },
        ],
        metric: "conversion".to_owned(),
        effect: 0.05,
        days: 14,
        ..Experiment::default()
    }
}

/// The first shoppers of the two halves of an experiment.
pub(super) fn pair(name: &str) -> (u32, u32) {
    let is_new = |shopper: &u32| place("arm", name, KEYS + u64::from(*shopper)) >= 5_000;
    let mut all = 0..100;
    (all.clone().find(|one| !is_new(one)).expect("one of them"), all.find(is_new).expect("one of them"))
}

#[test]
fn an_arm_answers_with_its_placement_and_the_decision_says_so() {
    let mut bench = shop();
    let pinned = |name: &str| placement(name, &["popular"], &[]);
    let other = Placement { headline: "Another".to_owned(), slots: 1, ..pinned("p_new") };
    bench.compare(vec![halves("e", &[("p", "p_new")])], 0, vec![pinned("p"), other]);
    let (control, new) = pair("e");
    let (old, changed) = (bench.show("p", control, 5), bench.show("p", new, 5));
    assert_eq!((old.slate.len(), changed.slate.len()), (4, 1));
    let told = |decision: &Decision| decision.arms.iter().map(|one| one.arm.clone()).collect::<Vec<_>>();
    assert_eq!((told(&old), told(&changed)), (vec!["control".to_owned()], vec!["new".to_owned()]));
    assert_eq!(bench.show("p", new, 700).arms, changed.arms, "an arm is kept");
    assert_eq!(bench.show("p_new", new, 700).arms, [], "another placement is not in it");
    // Whom nothing is known of gets what everyone got before, and counts for nothing.
    let nobody = bench.decide(request("p", None, 5));
    assert_eq!((nobody.slate.len(), nobody.arms.len()), (4, 0));
}

#[test]
fn what_is_left_to_something_else_is_empty_and_an_exposure() {
    let mut bench = shop();
    let mut experiment = halves("e", &[]);
    experiment.arms[1].is_external = true;
    bench.compare(vec![experiment], 0, vec![placement("p", &["popular"], &[])]);
    let (_, new) = pair("e");
    bench.meet(new);
    let decision = bench.show("p", new, 1);
    assert_eq!((decision.slate.len(), decision.fallback), (0, Fallback::External));
    assert_eq!(bench.row("e", new).map(|row| (row.arm, row.exposures)), Some((1, 1)));
}

#[test]
fn who_is_held_out_gets_what_a_stranger_gets_at_every_source_and_in_search() {
    let mut bench = shop();
    let sources: Vec<&str> = bespoke_engine::source::SOURCES.iter().map(|spec| spec.name).collect();
    let placements: Vec<Placement> = sources
        .iter()
        .map(|name| Placement {
            name: (*name).to_owned(),
            ..placement("x", &[name], &["already_bought", "in_cart"])
        })
        .collect();
    let names: Vec<String> = placements.iter().map(|one| one.name.clone()).collect();
    bench.compare(Vec::new(), 5_000, placements);
    let settings = bench.in_force();
    let held = (0..100).find(|one| is_held(settings.holdout, KEYS + u64::from(*one))).expect("one of them");
    let free = (0..100).find(|one| !is_held(settings.holdout, KEYS + u64::from(*one))).expect("one of them");
    for shopper in [held, free] {
        bench.meet(shopper);
        for (minute, kind, item) in [
            (1, EventKind::ViewItem, "a1"),
            (2, EventKind::ViewItem, "b1"),
            (3, EventKind::AddToCart, "b1"),
            (4, EventKind::Purchase, "c1"),
        ] {
            bench.event(shopper, kind, minute, &[item]);
        }
    }
    let mut differs = 0;
    for name in &names {
        let search =
            (name == "matches").then(|| Box::new(Search { text: "product".to_owned(), ..Search::default() }));
        let ask = |shopper: Option<u32>| Request {
            bucket: shopper.map_or(0, |one| KEYS + u64::from(one)),
            search: search.clone(),
            ..request(name, shopper, 10)
        };
        let mut of = |shopper| {
            let decision = bench.decide(ask(shopper));
            (decision.slate, decision.personalization, decision.removed)
        };
        let (stranger, kept_out, known) = (of(None), of(Some(held)), of(Some(free)));
        assert_eq!(kept_out, stranger, "{name}");
        differs += usize::from(known.0 != stranger.0);
    }
    assert!(differs > 3, "only {differs} sources know a shopper: the test would see nothing");
    let decision = bench.show("popular", held, 11);
    let arm = (decision.arms[0].experiment.as_str(), decision.arms[0].arm.as_str());
    assert_eq!(arm, (HOLDOUT, HELD));
    assert_eq!(bench.show("popular", free, 11).arms[0].arm, PERSONALIZED);
}

#[test]
fn only_what_comes_after_the_first_exposure_counts_and_returns_are_taken_off() {
    let mut bench = shop();
    bench.compare(vec![halves("e", &[])], 0, vec![placement("p", &["popular"], &[])]);
    let (one, _) = pair("e");
    bench.meet(one);
    bench.order(one, 1, "before", 900);
    bench.show("p", one, 5);
    bench.order(one, 3, "late, but of before", 800);
    bench.order(one, 6, "t1", 5_000);
    bench.order(one, 6, "t1", 5_000);
    bench.order(one, 90, "t2", 3_000);
    bench.transact(one, 95, (EventKind::Refund, "t1"), 2_000);
    bench.transact(one, 96, (EventKind::Refund, "t1"), 9_000);
    bench.transact(one, 97, (EventKind::Refund, "of nobody"), 9_000);
    let row = bench.row("e", one).expect("it was exposed");
    let (outcome, before) = (row.outcome, row.before);
    assert_eq!((outcome.orders, outcome.revenue, outcome.visits), (2, 8_000, 2));
    assert_eq!((outcome.returns, outcome.returned), (1, 5_000), "at most what it was worth");
    assert_eq!((before.bought, before.is_returning), (1, false));
}

#[test]
fn who_logs_in_keeps_the_arm_and_two_who_are_one_are_told() {
    let mut bench = shop();
    bench.compare(vec![halves("e", &[])], 0, vec![placement("p", &["popular"], &[])]);
    let (one, two) = pair("e");
    let (browser, account) = (one.min(two), one.max(two));
    bench.meet(browser);
    let arm = bench.show("p", browser, 1).arms;
    // The account is new: it is the browser's shopper, with the browser's key.
    let login = Event {
        consent: Consent::GRANTED,
        link: Some(ShopperNo(account)),
        buckets: (0, KEYS + u64::from(account)),
        ..Event::new(EventKind::Login, Millis(START + 120_000))
    };
    bench.push(Some(browser), Body::Event(Box::new(login.clone())));
    bench.engine.publish();
    let live = bench.engine.live();
    assert_eq!(live.bucket(ShopperNo(account)), KEYS + u64::from(browser));
    let bucket = live.bucket(ShopperNo(account));
    let later = live.decide(&Request { bucket, ..request("p", Some(account), 3) });
    assert_eq!(later.arms, arm);
    bench.push(Some(account), Body::Decision(Box::new(later)));
    assert!(!bench.row("e", browser).expect("it was exposed").is_crossed);

    // Another, whose account was here before and in the other arm.
    let mut bench = shop();
    bench.compare(vec![halves("e", &[])], 0, vec![placement("p", &["popular"], &[])]);
    bench.meet(browser);
    bench.meet(account);
    bench.show("p", browser, 1);
    bench.show("p", account, 1);
    bench.order(account, 2, "t", 700);
    bench.push(Some(browser), Body::Event(Box::new(Event { buckets: (0, 0), ..login })));
    let row = bench.row("e", browser).expect("it was exposed");
    assert!(row.is_crossed && row.outcome.revenue == 700 && bench.row("e", account).is_none());
    let snapshot = bench.engine.live().snapshot();
    let told = report(snapshot.aggregates.ledger.latest("e").expect("it runs"), &halves("e", &[]));
    // The older key's arm is the one that is shown from now on.
    let arm = usize::from(place("arm", "e", KEYS + u64::from(browser)) >= 5_000);
    assert_eq!((told.crossed, told.arms[arm].units, told.arms[1 - arm].units), (1, 1, 0));
}

#[test]
fn a_change_of_split_begins_another_epoch_without_those_of_before() {
    let mut bench = shop();
    let placements = || vec![placement("p", &["popular"], &[])];
    bench.compare(vec![halves("e", &[])], 0, placements());
    let shoppers: Vec<u32> = (0..3_000).collect();
    for &one in &shoppers {
        bench.meet(one);
        bench.show("p", one, 1);
    }
    let mut moved = halves("e", &[]);
    (moved.arms[0].share, moved.arms[1].share) = (1_000, 9_000);
    bench.compare(vec![moved.clone()], 0, placements());
    // The same again is no change.
    bench.compare(vec![Experiment { days: 30, ..moved.clone() }], 0, placements());
    shoppers.iter().for_each(|one| _ = bench.show("p", *one, 60));
    let snapshot = bench.engine.live().snapshot();
    assert_eq!(snapshot.aggregates.epochs.get("e").map(|epoch| epoch.number), Some(2));
    bench.engine.publish();
    let snapshot = bench.engine.live().snapshot();
    let runs: Vec<_> = snapshot.aggregates.ledger.runs().collect();
    assert_eq!(
        runs.iter().map(|run| (run.epoch, run.rows.len())).collect::<Vec<_>>(),
        [(1, 3_000), (2, 3_000)]
    );
    assert!(runs[1].rows.iter().all(|row| row.is_carried));
    let told = report(runs[1], &moved);
    assert!(told.left_out.carried == 3_000 && !told.mismatch.is_found(), "{:?}", told.mismatch);
}

#[test]
fn programs_are_left_out_and_told() {
    let mut bench = shop();
    bench.compare(vec![halves("e", &[])], 0, vec![placement("p", &["popular"], &[])]);
    let (one, _) = pair("e");
    bench.meet(one);
    bench.show("p", one, 0);
    bench.program(one, &["a1"]);
    let row = bench.row("e", one).expect("it was exposed");
    assert!(row.is_program && !row.counts() && row.outcome.views == 0);
}

#[test]
fn experiments_of_one_layer_share_its_shoppers_and_of_two_do_not_see_each_other() {
    let mut bench = shop();
    let of = |name: &str, placement: &str, layer: &str, slice| Experiment {
        layer: layer.to_owned(),
        slice,
        placements: vec![placement.to_owned()],
        ..halves(name, &[])
    };
    let experiments = vec![
        of("a", "p", "one", (0, 4_000)),
        of("b", "p", "one", (4_000, 10_000)),
        of("c", "q", "two", (0, 10_000)),
    ];
    let placements = vec![placement("p", &["popular"], &[]), placement("q", &["popular"], &[])];
    bench.compare(experiments, 0, placements);
    let mut counts = [0_u32; 4];
    for shopper in 0..2_000 {
        let bucket = KEYS + shopper;
        let ask = |name: &str| Request { bucket, ..request(name, None, 1) };
        let first = bench.decide(ask("p")).arms;
        let second = bench.decide(ask("q")).arms;
        assert_eq!((first.len(), second.len()), (1, 1));
        counts[0] += u32::from(first[0].experiment == "a");
        counts[1] += u32::from(first[0].arm == "new");
        counts[2] += u32::from(second[0].arm == "new");
        counts[3] += u32::from(first[0].arm == "new" && second[0].arm == "new");
    }
    // Four standard errors of 2,000 draws.
    let near = |count: u32, share: f64| (f64::from(count) / 2_000.0 - share).abs() < 0.045;
    assert!(
        near(counts[0], 0.4) && near(counts[1], 0.5) && near(counts[2], 0.5) && near(counts[3], 0.25),
        "{counts:?}"
    );
}

#[test]
fn visits_searches_and_hours_are_units_too() {
    let mut bench = shop();
    let of = |name: &str, placement: &str, unit| Experiment {
        unit,
        placements: vec![placement.to_owned()],
        ..halves(name, &[])
    };
    let experiments = vec![
        of("visit", "p", Unit::Session),
        of("words", "matches", Unit::Query),
        of("hours", "q", Unit::Switchback(60)),
    ];
    let placements = vec![
        placement("p", &["popular"], &[]),
        placement("matches", &["matches"], &[]),
        placement("q", &["popular"], &[]),
    ];
    bench.compare(experiments, 0, placements);
    bench.meet(1);
    let search = |text: &str| Some(Box::new(Search { text: text.to_owned(), ..Search::default() }));
    let asks = [
        Request { session: 5, ..request("p", Some(1), 1) },
        Request { search: search("Product A1"), ..request("matches", Some(1), 2) },
        Request { search: search("product  a1"), ..request("matches", Some(1), 3) },
        Request { market: "DE".to_owned(), ..request("q", Some(1), 4) },
        Request { market: "DE".to_owned(), ..request("q", Some(1), 70) },
    ];
    for ask in asks {
        let decision = bench.decide(ask);
        assert_eq!(decision.arms.len(), 1, "{}", decision.request.placement);
        bench.push(Some(1), Body::Decision(Box::new(decision)));
    }
    bench.order(1, 71, "t", 400);
    bench.engine.publish();
    let snapshot = bench.engine.live().snapshot();
    let of = |name: &str| {
        let rows = &snapshot.aggregates.ledger.latest(name).expect("it runs").rows;
        rows.iter().map(|row| (row.exposures, row.outcome.orders)).collect::<Vec<_>>()
    };
    // The order names no visit, comes long after the searches, and in the second of the two hours.
    assert_eq!((of("visit"), of("words"), of("hours")), (vec![(1, 0)], vec![(2, 0)], vec![(1, 0), (1, 1)]));
}

#[test]
fn a_result_says_what_was_planted_and_withholds_it_where_units_are_missing() {
    let mut bench = shop();
    let mut experiment = halves("e", &[]);
    experiment.guardrails = vec![Guardrail { metric: "return_rate".to_owned(), margin: 0.9 }];
    bench.compare(vec![experiment.clone()], 0, vec![placement("p", &["popular"], &[])]);
    let is_new = |one: u32| place("arm", "e", KEYS + u64::from(one)) >= 5_000;
    let shoppers: Vec<u32> = (0..4_000).collect();
    for &one in &shoppers {
        bench.meet(one);
        bench.show("p", one, 1);
        let buys = if is_new(one) { one % 10 < 4 } else { one % 10 < 2 };
        if buys {
            bench.order(one, 5, &format!("t{one}"), 1_000);
            if one % 20 == 0 {
                bench.transact(one, 9, (EventKind::Refund, &format!("t{one}")), 1_000);
            }
        }
    }
    bench.engine.publish();
    let snapshot = bench.engine.live().snapshot();
    let run = snapshot.aggregates.ledger.latest("e").expect("it runs");
    let told = report(run, &experiment);
    let result = &told.results[0];
    let first = &result.metrics[0];
    let exact = |is: &dyn Fn(u32) -> bool| {
        let all: Vec<u32> = shoppers.iter().copied().filter(|one| is(*one)).collect();
        let bought = all.iter().filter(|one| if is_new(**one) { **one % 10 < 4 } else { **one % 10 < 2 });
        bought.count() as f64 / all.len() as f64
    };
    assert!((first.control - exact(&|one| !is_new(one))).abs() < 1e-12);
    assert!((first.treated - exact(&is_new)).abs() < 1e-12);
    assert!(first.relative.is_some_and(|(_, range)| range.low > 0.5 && range.holds(1.0)), "{first:?}");
    assert_eq!(result.verdict, Verdict::Win, "{}", result.words);
    assert_eq!(result.metrics[1].metric, "return_rate");

    // The same where half of one arm is lost on the way.
    let mut lossy = shop();
    lossy.compare(vec![experiment.clone()], 0, vec![placement("p", &["popular"], &[])]);
    for &one in shoppers.iter().filter(|one| !is_new(**one) || **one % 2 == 0) {
        lossy.show("p", one, 1);
    }
    lossy.engine.publish();
    let snapshot = lossy.engine.live().snapshot();
    let told = report(snapshot.aggregates.ledger.latest("e").expect("it runs"), &experiment);
    assert!(told.mismatch.is_found() && told.results.is_empty());
}

#[test]
fn a_checkpoint_goes_on_where_the_log_was() {
    let mut bench = shop();
    bench.compare(vec![halves("e", &[])], 3_000, vec![placement("p", &["popular"], &[])]);
    for one in 0..50 {
        bench.meet(one);
        bench.show("p", one, 1);
        bench.order(one, 2, &format!("t{one}"), 100);
    }
    bench.restart();
    for one in 0..60 {
        bench.show("p", one, 200);
        bench.transact(one, 201, (EventKind::Refund, &format!("t{one}")), 100);
    }
    bench.check_against_log();
}

#[test]
fn every_metric_covariate_and_segment_is_in_the_guide() {
    let guide = include_str!("../../../../docs/experiments.md");
    let metrics = METRICS.iter().map(|spec| (format!("| `{}` |", spec.name), spec.doc));
    metrics.for_each(|(row, doc)| {
        assert!(guide.lines().any(|line| line.starts_with(&row) && line.contains(doc)), "{row} {doc}");
    });
    let others = COVARIATES.iter().map(|spec| spec.name).chain(SEGMENTS.iter().map(|spec| spec.name));
    others.for_each(|name| assert!(guide.contains(&format!("`{name}`")), "{name}"));
}

#[test]
fn a_month_counts_what_was_done_in_it_and_says_the_same_when_it_is_closed() {
    const DAY: i64 = 24 * 60;
    let mut bench = shop();
    bench.compare(Vec::new(), 5_000, vec![placement("p", &["popular"], &[])]);
    for shopper in 0..200 {
        bench.meet(shopper);
        bench.show("p", shopper, 5);
        bench.order(shopper, 6, &format!("first-{shopper}"), 1_000 + i64::from(shopper));
    }
    // In December: an order after an exposure, one of someone who was not exposed in it, and a return of what was bought in November.
    bench.show("p", 1, 30 * DAY);
    bench.order(1, 30 * DAY + 1, "second", 700);
    bench.order(2, 30 * DAY + 1, "unexposed", 300);
    bench.transact(1, 31 * DAY, (EventKind::Refund, "first-1"), 400);
    let of = |bench: &mut Bench| {
        bench.engine.publish();
        let snapshot = bench.engine.live().snapshot();
        let months = snapshot.aggregates.ledger.months.all().to_vec();
        assert!(months.iter().all(|one| one.run.experiment == HOLDOUT));
        months
    };
    let months = of(&mut bench);
    let names: Vec<String> = months.iter().map(|one| one.month.to_string()).collect();
    assert_eq!(names, ["2023-11", "2023-12"]);
    let sum = |at: usize| {
        let rows = months[at].run.rows.iter().map(|row| row.outcome);
        rows.fold((0, 0, 0), |sum, one| {
            (sum.0 + i64::from(one.orders), sum.1 + one.revenue, sum.2 + one.returned)
        })
    };
    assert_eq!((sum(0), sum(1)), ((200, 200 * 1_000 + 199 * 100, 400), (1, 700, 0)));
    bench.restart();
    bench.check_against_log();
    // In March November is closed; what comes back of it then is not taken off any more.
    bench.show("p", 3, 120 * DAY);
    bench.transact(4, 121 * DAY, (EventKind::Refund, "first-4"), 400);
    let later = of(&mut bench);
    assert!(later[0].run.closed.is_some() && later[0].run.rows.is_empty());
    let experiment = bespoke_engine::experiment::result::holdout();
    // As text, since what is not known is no number, and no such is equal to itself.
    let told = |run: &bespoke_engine::experiment::ledger::Run| format!("{:?}", report(run, &experiment));
    assert_eq!(told(&later[0].run), told(&months[0].run));
    bench.restart();
    bench.check_against_log();
}
