//! What completes the words in the search box, as a piece of a page: asked for with every letter, told to nobody.

use super::visitor::Visitor;
use super::{Site, address};
use crate::pace;
use crate::suggest_api::answer;
use crate::wire::suggest::{AskedSuggest, SuggestBody, SuggestionBody};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Html;
use bespoke_search::suggest::TEXT_MAX;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// Suggestions of each kind.
const LIMIT: usize = 4;

/// What is typed.
#[derive(Deserialize)]
pub struct Typed {
    #[serde(default)]
    q: String,
}

/// `/suggest`
pub async fn fragment(
    State(site): State<Arc<Site>>,
    Query(typed): Query<Typed>,
    headers: HeaderMap,
) -> Html<String> {
    let visitor = Visitor::of(&headers);
    let personal = visitor.allows.personalization;
    let q = typed.q.chars().take(TEXT_MAX / 4).collect();
    let asked = AskedSuggest {
        q,
        n: LIMIT,
        anonymous_id: visitor.anonymous_id.filter(|_| personal),
        user_id: visitor.customer.filter(|_| personal),
        market: String::new(),
        locale: String::new(),
    };
    Html(show(&answer(&site.app, pace::TIMEOUT, asked)).into_string())
}

fn show(found: &SuggestBody) -> Markup {
    let kinds = [
        ("Searches", &found.queries),
        ("Categories", &found.categories),
        ("Brands", &found.brands),
        ("Products", &found.products),
    ];
    let mut no = 0..;
    html! {
        @for (kind, list) in kinds.into_iter().filter(|(_, list)| !list.is_empty()) {
            div role="group" aria-label=(kind) {
                div.kind aria-hidden="true" { (kind) }
                @for one in list {
                    (option(kind, one, no.next().unwrap_or_default()))
                }
            }
        }
    }
}

fn option(kind: &str, one: &SuggestionBody, no: u32) -> Markup {
    let to = match kind {
        "Categories" => address::category(&one.id),
        "Products" => address::product(&one.id),
        _ => address::search(&one.text),
    };
    let above = one.id.rsplit_once(" > ").filter(|_| kind == "Categories").map(|(above, _)| above);
    let price = one.item.as_ref().and_then(|item| item.price.as_ref());
    html! {
        a role="option" id={ "suggestion-" (no) } aria-selected="false" tabindex="-1" href=(to) {
            @if kind == "Products" { img src=(address::picture(&one.id)) alt="" width="40" height="30"; }
            span { @for part in &one.parts { @if part.typed { mark { (part.text) } } @else { (part.text) } } }
            @if let Some(above) = above { small { "in " (above) } }
            @if let Some(price) = price { small { (super::money::of(price)) } }
        }
    }
}
