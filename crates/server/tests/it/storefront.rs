//! The demo's storefront in a real browser: a shopper who says yes, one who says no, one to compare with; by mouse and by
//! keyboard, on a phone and on a desk. Pictures of the pages are left in `target/storefront`.

#![allow(clippy::disallowed_methods, reason = "a test that drives a browser waits for it")]

use crate::browser::{Browser, Tab};
use crate::crash::Server;
use bespoke_domain::{Body, Event, EventKind, Offset};
use bespoke_store::{Sqlite, Store};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where a module stands for what a page decided: placement, then the items with reasons and evidence.
type Modules = BTreeMap<String, Vec<(String, String, Vec<String>)>>;

pub struct Demo {
    server: Server,
    pub origin: String,
    secret: String,
    directory: tempfile::TempDir,
}

impl Demo {
    pub fn start(shop: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_bespoke"));
        command
            .args(["demo", "--listen", "127.0.0.1:0", "--shop", shop, "--data"])
            .arg(directory.path().join("demo"));
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the demo starts");
        let mut lines =
            BufReader::new(process.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let (mut secret, mut origin) = (String::new(), String::new());
        for line in lines.by_ref() {
            if let Some(key) = line.split_whitespace().find(|word| word.starts_with("sk_")) {
                key.clone_into(&mut secret);
            }
            if let Some(rest) = line.strip_prefix("Serving on ") {
                rest.split(' ').next().expect("an address").clone_into(&mut origin);
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        Self { server: Server::of(process), origin, secret, directory }
    }

    fn ask(&self, path: &str) -> Value {
        let key = format!("Bearer {}", self.secret);
        let mut answer = ureq::get(format!("{}{path}", self.origin))
            .header("authorization", key)
            .call()
            .expect("it answers");
        serde_json::from_str(&answer.body_mut().read_to_string().expect("text")).expect("JSON")
    }

    fn recommend(&self, body: &Value) -> Value {
        let ask = ureq::post(format!("{}/v1/recommend", self.origin));
        let ask = ask.header("authorization", format!("Bearer {}", self.secret));
        let mut answer = ask.send(body.to_string()).expect("it answers");
        serde_json::from_str(&answer.body_mut().read_to_string().expect("text")).expect("JSON")
    }

    /// Log entries that came through events.
    pub fn accepted(&self) -> String {
        let mut answer = ureq::get(format!("{}/metrics", self.origin)).call().expect("it answers");
        let text = answer.body_mut().read_to_string().expect("text");
        let line = text.lines().find(|line| line.starts_with("bespoke_events_accepted_total"));
        line.expect("it is counted").to_owned()
    }

    /// Every event of the log with these kinds, after the server's end.
    pub fn end(mut self) -> Vec<Event> {
        self.server.kill();
        let store = Sqlite::open(&self.directory.path().join("demo")).expect("the data is there");
        let reader = store.reader().expect("it can be read");
        let (mut events, last) = (Vec::new(), reader.last_offset().expect("an offset"));
        reader
            .read(Offset(0), last, &mut |_, entry| {
                if let Body::Event(event) = entry.body {
                    events.push(*event);
                }
                ControlFlow::Continue(())
            })
            .expect("it can be read");
        events
    }
}

pub fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("storefront");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// What the page shows.
fn modules(tab: &Tab) -> Modules {
    let read = "Object.fromEntries([...document.querySelectorAll('[data-module]')].map(module => [module.dataset.module,
        [...module.querySelectorAll('[data-item]')].map(card =>
            [card.dataset.item, card.dataset.reason, card.dataset.basedOn.split(' ').filter(Boolean)])]))";
    serde_json::from_value(tab.eval(read)).expect("modules")
}

/// Opens the reasons of each module and holds every reason on the page to the certificate there and to the one in the log.
pub fn check_reasons(demo: &Demo, tab: &Tab) {
    for (placement, shown) in modules(tab) {
        if shown.is_empty() {
            continue;
        }
        tab.click(&format!("[data-module={placement}] a.why"));
        tab.wait("document.getElementById('why').open");
        let told = "[...document.querySelectorAll('#why [data-item]')].map(one => [one.dataset.item, one.dataset.reason,
            one.dataset.basedOn.split(' ').filter(Boolean), [...one.querySelectorAll('a')].map(link => link.textContent)])";
        let told: Vec<(String, String, Vec<String>, Vec<String>)> =
            serde_json::from_value(tab.eval(told)).expect("reasons");
        let id = tab.eval("document.querySelector('#why .certificate').dataset.decision");
        let logged = demo.ask(&format!("/v1/decisions/{}", id.as_str().expect("an id")));
        for (at, (item, reason, based_on)) in shown.iter().enumerate() {
            let (told_item, told_reason, told_basis, evidence) = &told[at];
            assert_eq!((item, reason, based_on), (told_item, told_reason, told_basis), "{placement}");
            let slot = &logged["slate"][at];
            assert_eq!(slot["reason"]["text"], reason.as_str());
            assert_eq!(slot["reason"]["based_on"], serde_json::json!(based_on));
            assert_eq!(evidence.len(), based_on.len(), "each piece of evidence is named: {reason}");
            if let Some((_, name)) = reason.split_once(" with ").filter(|_| !reason.starts_with("Shoppers")) {
                assert!(evidence.iter().any(|title| title == name), "{reason} names {evidence:?}");
            }
        }
        tab.press("Escape");
        tab.wait("!document.getElementById('why').open");
    }
}

/// No page is wider than the window, on a phone or on a desk.
pub fn check_sizes(tab: &Tab, name: &str) {
    for (width, height) in [(360, 740), (1280, 900)] {
        tab.size(width, height);
        tab.eval("scrollTo(0, 0); document.activeElement.blur()");
        tab.wait("[...document.images].every(image => image.complete || image.loading === 'lazy')");
        let wide = tab.eval("document.documentElement.scrollWidth");
        assert!(
            wide.as_u64().is_some_and(|wide| wide <= u64::from(width)),
            "{name} is {wide} wide at {width}"
        );
        tab.picture(&pictures().join(format!("{name}-{width}.png")));
    }
}

pub fn answer(tab: &Tab, word: &str) {
    tab.reach(&format!(".question button[value={word}]"));
    tab.leave(|| tab.press("Enter"));
}

fn look_at(tab: &Tab, ids: &[&str]) {
    for id in ids {
        tab.open(&format!("/p/{id}"));
    }
}

/// Three products of one range, which others bought together.
const RANGE: [&str; 3] = ["22699", "22697", "22698"];

#[test]
fn the_storefront_tailors_for_who_says_yes_and_keeps_nothing_of_who_says_no() {
    let Some(browser) = Browser::start() else {
        assert!(std::env::var_os("BESPOKE_BROWSER").is_none(), "Chromium was to be there");
        println!("NOT RUN: Chromium is not installed");
        return;
    };
    let demo = Demo::start("giftware");
    let before = demo.accepted();
    refuse(&demo, &browser);
    assert_eq!(demo.accepted(), before, "who says no leaves no event");
    let control = browser.tab(&demo.origin);
    control.open("/");
    answer(&control, "all");
    // A tab of its own: the browser itself tells of the answer 404.
    let lost = browser.tab(&demo.origin);
    lost.open("/nosuch");
    assert!(
        modules(&lost).values().flatten().next().is_some(),
        "a page that is not there shows what is popular"
    );
    check_sizes(&lost, "missing");
    let tab = browser.tab(&demo.origin);
    shop(&demo, &tab, &modules(&control));
    for tab in [&control, &tab] {
        assert_eq!(tab.faults(), [] as [String; 0]);
    }
    check_log(&demo.end());
}

/// Nothing before the answer, nothing but the answer and the cart after it, and modules that know the page only.
fn refuse(demo: &Demo, browser: &Browser) {
    let tab = browser.tab(&demo.origin);
    tab.open("/");
    assert_eq!(tab.cookies(), []);
    answer(&tab, "none");
    look_at(&tab, &RANGE);
    check_reasons(demo, &tab);
    tab.leave(|| tab.click(".product .buy"));
    assert_eq!(tab.eval("location.pathname"), "/cart");
    tab.leave(|| tab.click("main .buy"));
    tab.open("/");
    let shown = modules(&tab);
    assert!(!shown.contains_key("recently_viewed") && !shown.is_empty(), "{shown:?}");
    assert_eq!(tab.eval("document.querySelectorAll('.dismiss').length"), 0);
    tab.click("[data-module=home_hero] a.why");
    tab.wait("document.getElementById('why').open");
    let told = tab.eval("document.querySelector('#why .certificate').textContent");
    assert!(told.as_str().is_some_and(|told| told.contains("Nothing about you was used")), "{told}");
    check_sizes(&tab, "why");
    let names: Vec<String> = tab.cookies().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["cart", "consent"]);
    assert_eq!(tab.eval("localStorage.length + sessionStorage.length"), 0);
    assert_eq!(tab.faults(), [] as [String; 0]);
}

/// From the front page to an order, with the keyboard where it matters.
fn shop(demo: &Demo, tab: &Tab, control: &Modules) {
    tab.open("/");
    check_sizes(tab, "question");
    answer(tab, "all");
    tab.reach("nav a[href='/c/Party']");
    tab.leave(|| tab.press("Enter"));
    check_sizes(tab, "category");
    tab.reach(".more a");
    tab.leave(|| tab.press("Enter"));
    check_sizes(tab, "next");
    tab.leave(|| tab.click("[data-module=category_listing] .card a"));
    tab.wait("!location.search");
    look_at(tab, &RANGE);
    check_sizes(tab, "product");
    check_reasons(demo, tab);
    tab.open("/");
    let shown = modules(tab);
    assert_ne!(shown["home_hero"], control["home_hero"], "what was looked at changes the front page");
    check_reasons(demo, tab);
    check_sizes(tab, "home");
    // In view for a second and more.
    std::thread::sleep(std::time::Duration::from_millis(1800));
    let unwanted = shown["home_hero"][0].0.clone();
    tab.reach(&format!("[data-module=home_hero] [data-item='{unwanted}'] .dismiss"));
    tab.leave(|| tab.press("Enter"));
    assert!(modules(tab).values().flatten().all(|(id, ..)| *id != unwanted), "it is not shown again");
    tab.leave(|| tab.click("[data-module=home_banner] .banner"));
    assert!(
        tab.eval("location.pathname").as_str().is_some_and(|path| path.starts_with("/c/")),
        "it leads on"
    );
    tab.open("/");
    tab.leave(|| tab.click("[data-module=home_hero] .card a"));
    tab.reach(".product .buy");
    tab.leave(|| tab.press("Enter"));
    tab.open(&format!("/p/{}", RANGE[0]));
    tab.reach(".bundle > form button");
    tab.leave(|| tab.press("Enter"));
    check_sizes(tab, "cart");
    check_reasons(demo, tab);
    tab.leave(|| tab.click("td button"));
    tab.reach("main .buy");
    tab.leave(|| tab.press("Enter"));
    assert_eq!(tab.eval("location.pathname"), "/confirmation");
    check_sizes(tab, "confirmation");
    withdraw(tab);
}

/// What is withdrawn is gone at the next page.
fn withdraw(tab: &Tab) {
    tab.open("/preferences");
    check_sizes(tab, "preferences");
    tab.reach("input[value=personalization]");
    tab.press("Space");
    tab.reach("form.stack button");
    tab.leave(|| tab.press("Enter"));
    tab.open("/");
    assert!(!modules(tab).contains_key("recently_viewed"), "the profile is forgotten");
}

/// What the log holds of the visits: every kind of act, and the decisions they came through.
fn check_log(events: &[Event]) {
    let of = |kind: EventKind| events.iter().filter(move |event| event.kind == kind);
    for kind in [
        EventKind::PageView,
        EventKind::ViewItem,
        EventKind::SelectItem,
        EventKind::AddToCart,
        EventKind::RemoveFromCart,
        EventKind::ViewCart,
        EventKind::BeginCheckout,
        EventKind::DismissItem,
        EventKind::ConsentUpdate,
    ] {
        assert!(of(kind).count() > 0, "no {} in the log", kind.spec().name);
    }
    assert!(of(EventKind::SelectItem).all(|event| event.decision.is_some()), "a click names its decision");
    for kind in [EventKind::ViewPromotion, EventKind::SelectPromotion] {
        let told = |event: &Event| {
            event.decision.is_some()
                && event.details.as_ref().is_some_and(|details| details.promotion.is_some())
        };
        assert!(of(kind).count() > 0 && of(kind).all(told), "a banner's {} names both", kind.spec().name);
    }
    assert!(of(EventKind::AddToCart).any(|event| event.decision.is_some()), "the cart names its decision");
    let lists = |visible| of(EventKind::ViewItemList).filter(|event| event.visible == visible).count();
    assert!(
        lists(true) > 0 && lists(false) > lists(true),
        "{} seen of {} rendered",
        lists(true),
        lists(false)
    );
    let own =
        of(EventKind::Purchase).filter(|event| event.page == bespoke_domain::event::PageType::Confirmation);
    assert_eq!(
        own.map(|event| event.items.len()).collect::<Vec<_>>(),
        [3],
        "one order with what was left in the cart"
    );
}

/// The page, once both of its backtests are there.
fn wait_until_measured(demo: &Demo) -> Value {
    // They run at the lowest priority: beside all other tests they wait for most of the time.
    for _ in 0..1_800 {
        let body = demo.ask("/v1/models");
        if body["backtests"].as_object().is_some_and(|told| told.len() == 2) {
            return body["backtests"].clone();
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    panic!("two backtests of the demo are there within six minutes");
}

#[test]
fn three_ways_to_fill_the_same_slots_stand_side_by_side_with_what_they_were_worth() {
    let demo = Demo::start("giftware");
    let page = |path: &str| {
        let mut answer = ureq::get(format!("{}{path}", demo.origin)).call().expect("it answers");
        answer.body_mut().read_to_string().expect("text")
    };
    assert!(page("/compare").contains("Being measured"), "the figures come later, and the page says so");
    for path in ["/", "/p/22699"] {
        assert!(page(path).contains("href=\"/compare"), "{path} leads there");
    }
    let told = wait_until_measured(&demo);
    let html = page("/compare?product=22699");
    for placement in ["home_compare_learned", "product_compare_learned"] {
        for arm in told[placement]["arms"].as_array().into_iter().flatten() {
            let ndcg = format!("{:.3}", arm["measures"]["ndcg"]["value"].as_f64().expect("a number"));
            assert!(html.contains(&ndcg), "{ndcg} of {} in {placement}", arm["arm"]);
        }
    }
    assert!(page("/compare?product=nosuch").contains("no such product"));
    let Some(browser) = Browser::start() else {
        assert!(std::env::var_os("BESPOKE_BROWSER").is_none(), "Chromium was to be there");
        println!("NOT RUN: Chromium is not installed");
        return;
    };
    let tab = browser.tab(&demo.origin);
    tab.open("/");
    answer(&tab, "all");
    look_at(&tab, &RANGE);
    tab.reach(".compare-link a");
    tab.leave(|| tab.press("Enter"));
    let shown = modules(&tab);
    for place in ["home", "product"] {
        let slates: Vec<_> = ["popular", "hand_set", "learned"]
            .iter()
            .map(|arm| &shown[&format!("{place}_compare_{arm}")])
            .collect();
        assert!(slates.iter().all(|slate| slate.len() >= 6), "{place}: {slates:?}");
        let ids = |no: usize| slates[no].iter().map(|(id, ..)| id.clone()).collect::<Vec<_>>();
        assert!(
            ids(0) != ids(1) && ids(1) != ids(2),
            "{place}: they differ for who looked at things: {slates:?}"
        );
    }
    check_reasons(&demo, &tab);
    check_sizes(&tab, "compare");
    assert_eq!(tab.faults(), [] as [String; 0]);
}

#[test]
fn the_simulated_shop_shows_what_fits_and_what_stands_in() {
    let demo = Demo::start("simulated");
    let page = |path: &str| {
        let mut answer = ureq::get(format!("{}{path}", demo.origin)).call().expect("it answers");
        answer.body_mut().read_to_string().expect("text")
    };
    let listing = page("/c/Kitchen/Coffee%20Machines");
    let (_, rest) = listing.split_once("href=\"/p/").expect("a product");
    let product = page(&format!("/p/{}", rest.split('?').next().expect("an id")));
    for placement in ["product_bundle", "product_accessories", "product_related", "product_alternatives"] {
        assert!(product.contains(&format!("data-module=\"{placement}\"")), "{placement}: {product}");
    }
    assert!(
        product.contains("Coffee Filters") && product.contains("in stock") | product.contains("In stock")
    );
}

#[test]
fn a_test_is_running_among_simulated_shoppers_and_says_so() {
    let demo = Demo::start("simulated");
    let page = |path: &str| {
        let mut answer = ureq::get(format!("{}{path}", demo.origin)).call().expect("it answers");
        answer.body_mut().read_to_string().expect("text")
    };
    assert!(page("/").contains("href=\"/experiment\""), "the front page leads there");
    let mut told = Value::Null;
    for _ in 0..600 {
        told = demo.ask("/v1/experiments/front_page");
        let units = |no: usize| told["arms"][no]["units"].as_u64().unwrap_or_default();
        if units(0) + units(1) >= 30 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(
        told["arms"][0]["units"].as_u64() > Some(4) && told["arms"][1]["units"].as_u64() > Some(4),
        "{told}"
    );
    let html = page("/experiment");
    assert!(
        html.contains("Simulated shoppers: ") && html.contains("made up from a seed"),
        "they are labelled"
    );
    assert!(html.contains("You are in no arm"), "nobody is counted who has not been asked");
    assert!(html.contains("What it says so far") && html.contains("popular: "), "{html}");
    assert!(html.contains(&format!("bespoke experiments front_page --url {}", demo.origin)), "{html}");
    assert!(html.contains("<td>€") || html.contains("<td>–"), "money has its currency: {html}");
    for no in 0..20 {
        let body =
            demo.recommend(&json!({"placement": "home_tested", "anonymous_id": format!("fresh-{no}")}));
        assert_eq!(body["headline"], "Popular right now", "nothing is picked for whom nobody knows: {body}");
        let why = page(&format!("/why/{}", body["request_id"].as_str().expect("an id")));
        assert!(
            why.contains("Nothing about you was used") && !why.contains("what you look at and buy"),
            "{why}"
        );
    }
    if let Some(browser) = Browser::start() {
        let tab = browser.tab(&demo.origin);
        tab.open("/experiment");
        check_sizes(&tab, "experiment");
    }
    let giftware = Demo::start("giftware");
    let mut answer = ureq::get(format!("{}/experiment", giftware.origin))
        .config()
        .http_status_as_error(false)
        .build()
        .call()
        .expect("it answers");
    assert_eq!(answer.status(), 404);
    assert!(answer.body_mut().read_to_string().expect("text").contains("tests nothing just now"));
}
