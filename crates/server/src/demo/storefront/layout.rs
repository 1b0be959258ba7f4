//! What every page has: head, navigation, the question of consent, foot.

use super::modules::Page;
use super::visitor::Visitor;
use super::{Site, address};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bespoke_domain::CategoryNo;
use maud::{DOCTYPE, Markup, html};

/// A page as it goes out; a visitor who just got an id takes it along.
pub fn respond(status: StatusCode, visitor: &Visitor, is_new: bool, page: Markup) -> Response {
    let mut response = (status, axum::response::Html(page.into_string())).into_response();
    if let Some(id) = visitor.anonymous_id.as_ref().filter(|_| is_new) {
        response.headers_mut().append(header::SET_COOKIE, super::visitor::kept("shopper", id.clone()));
    }
    response
}

/// The whole page around its content.
pub fn whole(site: &Site, visitor: &Visitor, page: &Page<'_>, title: &str, content: &Markup) -> Markup {
    let about = &site.about;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – " (about.name) }
                link rel="icon" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/storefront.css";
                script type="module" src="/assets/storefront.js" {}
            }
            (body(site, visitor, page, content))
        }
    }
}

fn body(site: &Site, visitor: &Visitor, page: &Page<'_>, content: &Markup) -> Markup {
    // Without consent the page's script is told nothing that it could send.
    let key = visitor.allows.analytics.then_some(site.about.publishable_key.as_str());
    let id = visitor.anonymous_id.as_deref().filter(|_| visitor.allows.analytics);
    html! {
        body data-key=[key] data-shopper=[id] data-page=(page.kind) data-consent=(visitor.allows.text()) {
            a.skip href="#content" { "Skip to content" }
            (head(site, visitor, page.words))
            @if !visitor.allows.is_answered { (question(page.path)) }
            main #content { (content) }
            footer {
                p { (site.about.tagline) " Every module on these pages is a decision that can be explained and recomputed; every click is an event. Nothing is sold here." }
                p { a href="/preferences" { "Privacy preferences" } }
            }
            dialog #why aria-label="Why this?" { div.content {} form method="dialog" { button { "Close" } } }
        }
    }
}

fn head(site: &Site, visitor: &Visitor, words: &str) -> Markup {
    html! {
        header.top {
            a.name href="/" { (site.about.name) }
            (search_box(words))
            div.tools {
                @if let Some(customer) = &visitor.customer { span.customer { "Customer " (customer) } }
                a href="/preferences" { "Preferences" }
                a.cart href="/cart" { "Cart (" (visitor.units()) ")" }
            }
            nav aria-label="Categories" {
                ul { @for path in departments(site) { li { a href=(address::category(&path)) { (path) } } } }
            }
        }
    }
}

/// A plain form, which the page's script completes as a combobox (WAI-ARIA).
fn search_box(words: &str) -> Markup {
    html! {
        form.search role="search" action="/search" {
            input #q type="search" name="q" value=(words) placeholder="Search" aria-label="Search" maxlength="200" autocomplete="off"
                role="combobox" aria-autocomplete="list" aria-expanded="false" aria-controls="suggestions";
            button { "Search" }
            div #suggestions role="listbox" aria-label="Suggestions" hidden {}
        }
    }
}

/// Consent is asked for once, refusing as easy as granting.
fn question(to: &str) -> Markup {
    html! {
        section.question aria-label="Privacy" {
            p { "May this shop remember what you look at, to measure and to tailor what it shows you? Nothing is kept unless you say yes." }
            form method="post" action="/consent" {
                input type="hidden" name="to" value=(to);
                button name="allow" value="none" { "No" }
                button name="allow" value="all" { "Yes" }
            }
        }
    }
}

/// Categories without one above them, by name.
fn departments(site: &Site) -> Vec<String> {
    below(site, "")
}

/// Categories directly below a path, by name.
pub fn below(site: &Site, path: &str) -> Vec<String> {
    let snapshot = site.snapshot();
    let catalog = &snapshot.aggregates.catalog;
    let is_child = |child: &&str| {
        let rest = if path.is_empty() {
            Some(*child)
        } else {
            child.strip_prefix(path).and_then(|rest| rest.strip_prefix(" > "))
        };
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(" > "))
    };
    let all = (1..catalog.category_count() as u32).map(|no| catalog.category_path(CategoryNo(no)));
    let mut found: Vec<String> = all.filter(is_child).map(str::to_owned).collect();
    found.sort_unstable();
    found
}
