//! The search box of the demo's storefront in a real browser: suggestions while typing, by keyboard, on a phone and on a desk.
//! Pictures are left beside those of the other pages.

use crate::browser::{Browser, Tab};
use crate::storefront::{Demo, pictures};

/// Clears the box and types, letter by letter as it were: what is suggested for the whole is waited for.
fn write(tab: &Tab, text: &str) {
    tab.eval("document.getElementById('q').value = ''");
    tab.eval("document.getElementById('q').focus()");
    tab.write(text);
    tab.wait("!document.getElementById('suggestions').hidden");
}

fn options(tab: &Tab) -> Vec<String> {
    let read = "[...document.querySelectorAll('#suggestions [role=option]')].map(one => one.textContent)";
    serde_json::from_value(tab.eval(read)).expect("texts")
}

#[test]
fn the_search_box_completes_what_is_typed() {
    let Some(browser) = Browser::start() else {
        assert!(std::env::var_os("BESPOKE_BROWSER").is_none(), "Chromium was to be there");
        println!("NOT RUN: Chromium is not installed");
        return;
    };
    let demo = Demo::start("giftware");
    let before = demo.accepted();
    let tab = browser.tab(&demo.origin);
    tab.open("/");
    let place = "JSON.stringify(document.querySelector('main').getBoundingClientRect())";
    let still = tab.eval(place);
    tab.reach("#q");
    write(&tab, "retros");
    assert_eq!(tab.eval(place), still, "nothing on the page moves");
    assert!(options(&tab).iter().all(|text| text.to_lowercase().contains("retros")), "{:?}", options(&tab));
    let marked = tab.eval("document.querySelector('#suggestions mark').textContent");
    assert_eq!(marked.as_str().map(str::to_lowercase).as_deref(), Some("retros"));
    for (width, height) in [(360, 740), (1280, 900)] {
        tab.size(width, height);
        let wide = tab.eval("document.documentElement.scrollWidth");
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{wide} wide at {width}");
        tab.wait("[...document.querySelectorAll('#suggestions img')].every(image => image.complete)");
        tab.picture(&pictures().join(format!("suggestions-{width}.png")));
    }
    tab.press("Escape");
    tab.wait("document.getElementById('suggestions').hidden");
    write(&tab, "rertospot");
    assert!(!options(&tab).is_empty(), "a typing error is forgiven");
    tab.press("ArrowDown");
    tab.press("ArrowDown");
    tab.press("ArrowUp");
    let chosen = tab.eval("document.querySelector('#suggestions [aria-selected=true]').id");
    assert_eq!(tab.eval("document.getElementById('q').getAttribute('aria-activedescendant')"), chosen);
    assert_eq!(chosen, "suggestion-0");
    let to = tab.eval("document.querySelector('#suggestions [aria-selected=true]').pathname");
    tab.leave(|| tab.press("Enter"));
    assert_eq!(tab.eval("location.pathname"), to);
    assert_eq!(demo.accepted(), before, "who has not said yes leaves no event by typing");
    assert_eq!(tab.faults(), [] as [String; 0]);
}

#[test]
fn without_a_script_the_search_box_is_a_form() {
    let demo = Demo::start("simulated");
    let page = |path: &str| {
        let mut answer = ureq::get(format!("{}{path}", demo.origin)).call().expect("it answers");
        answer.body_mut().read_to_string().expect("text")
    };
    let home = page("/");
    assert!(home.contains("<form class=\"search\" role=\"search\" action=\"/search\">"), "{home}");
    let fragment = page("/suggest?q=coff");
    assert!(fragment.contains("href=\"/c/Kitchen/Coffee%20Machines\""), "{fragment}");
    let hostile = page("/suggest?q=%3Cscript%3Ealert(1)%3C/script%3E");
    assert!(!hostile.contains("<script"), "{hostile}");
}
