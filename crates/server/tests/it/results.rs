//! Pages of results of the demo's storefront, with and without a browser.

use crate::browser::{Browser, Tab};
use crate::storefront::{Demo, answer, check_reasons, check_sizes};
use bespoke_domain::EventKind;

#[test]
fn without_a_script_results_are_narrowed_sorted_and_turned() {
    let demo = Demo::start("simulated");
    let page = |path: &str| {
        let mut answer = ureq::get(format!("{}{path}", demo.origin)).call().expect("it answers");
        answer.body_mut().read_to_string().expect("text")
    };
    let found = page("/search?q=coffee");
    for text in [
        "data-module=\"search\"",
        "id=\"filters\"",
        "<form class=\"sort\"",
        "value=\"coffee\"",
        "a class=\"why\"",
    ] {
        assert!(found.contains(text), "{text} in {found}");
    }
    let total = |html: &str| -> u32 {
        let (_, rest) = html.split_once("<p role=\"status\">").expect("it says how many");
        rest.split(' ').next().and_then(|count| count.parse().ok()).expect("a number")
    };
    // The first value of a facet leads to as many as it says.
    let (_, link) = found.split_once("href=\"/search?q=coffee&amp;refine.brand=").expect("a brand");
    let (value, rest) = link.split_once('"').expect("an address");
    let (_, count) = rest.split_once("<span class=\"count\">").expect("a count");
    let count: u32 = count.split('<').next().and_then(|count| count.parse().ok()).expect("a number");
    let narrow = page(&format!("/search?q=coffee&refine.brand={value}"));
    assert_eq!(total(&narrow), count);
    assert!(count < total(&found) && narrow.contains("aria-label=\"Remove Brand: "), "{narrow}");
    assert!(page("/c/Kitchen?sort=price_asc&page=9999").contains("rel=\"prev\""), "the last page there is");
    let category = page("/c/Kitchen?sort=price_desc");
    assert!(category.contains("data-module=\"category_listing\"") && category.contains("id=\"filters\""));
    assert!(category.contains("value=\"price_desc\" selected"), "{category}");
    for empty in ["/search", "/search?q=", "/search?q=%20", "/search?q=%FF%00"] {
        assert!(page(empty).contains("data-module=\"not_found\""), "{empty} shows what is popular");
    }
    let nothing = page("/search?q=qqqzzzxxx");
    assert!(
        nothing.contains("Nothing found for") && nothing.contains("data-module=\"not_found\""),
        "{nothing}"
    );
    let none = page("/search?q=coffee&refine.brand=Nobody");
    assert!(none.contains("Remove Brand: Nobody") && none.contains("data-module=\"not_found\""), "{none}");
    let hostile = "%3Cscript%3Ealert(1)%3C/script%3E%22%27";
    for path in ["q=", "q=coffee&refine.brand=", "q=coffee&refine.", "q=coffee&sort=", "q=coffee&page="] {
        let html = page(&format!("/search?{path}{hostile}"));
        assert!(!html.contains("<script>alert"), "{html}");
    }
    let long = page(&format!("/search?q={}", "coffee+".repeat(200)));
    assert!(long.contains("only its beginning was searched for"), "{long}");
}

fn shown(tab: &Tab) -> Vec<String> {
    let read =
        "[...document.querySelectorAll('[data-module=search] [data-item]')].map(one => one.dataset.item)";
    serde_json::from_value(tab.eval(read)).expect("ids")
}

#[test]
fn a_search_in_a_browser_leads_to_results_and_is_told_where_that_is_allowed() {
    let Some(browser) = Browser::start() else {
        assert!(std::env::var_os("BESPOKE_BROWSER").is_none(), "Chromium was to be there");
        println!("NOT RUN: Chromium is not installed");
        return;
    };
    let demo = Demo::start("giftware");
    let before = demo.accepted();
    let tab = browser.tab(&demo.origin);
    tab.open("/");
    tab.reach("#q");
    tab.write("red retrospot mug");
    tab.leave(|| tab.press("Enter"));
    assert_eq!(tab.eval("location.search"), "?q=red+retrospot+mug");
    let first = shown(&tab);
    assert!(!first.is_empty());
    check_reasons(&demo, &tab);
    check_sizes(&tab, "search");
    tab.open("/search?q=retrospot");
    tab.reach(".facets section li a");
    tab.leave(|| tab.press("Enter"));
    tab.wait("document.querySelector('.chosen a') !== null");
    check_sizes(&tab, "narrowed");
    tab.open("/search?q=qqqzzzxxx");
    check_sizes(&tab, "nothing");
    tab.open("/search?q=rertospot+mug");
    check_sizes(&tab, "misspelt");
    assert_eq!(demo.accepted(), before, "who has not said yes leaves no event by searching");
    answer(&tab, "all");
    tab.open("/search?q=retrospot");
    tab.leave(|| tab.click("[data-module=search] .card a"));
    assert_eq!(tab.faults(), [] as [String; 0]);
    let events = demo.end();
    let of = |kind: EventKind| events.iter().filter(move |event| event.kind == kind);
    let searched = of(EventKind::ViewSearchResults).next_back().expect("a search");
    assert!(searched.decision.is_some(), "a search names its decision");
    let clicked = of(EventKind::SelectItem).next_back().expect("a click");
    assert_eq!(clicked.decision, searched.decision);
}
