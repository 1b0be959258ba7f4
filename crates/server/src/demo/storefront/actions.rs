//! What forms do: each changes a cookie or sends an event, and leads to a page.

use super::visitor::{Allows, Visitor, ended, kept, random_id};
use super::{Site, address, events, pages};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// The fields of a form, in order.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(body: &[u8]) -> Self {
        Self(serde_urlencoded::from_bytes(body).unwrap_or_default())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(held, _)| held == name).map_or("", |(_, value)| value)
    }
}

/// On to a page, with cookies.
fn on(to: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let location = HeaderValue::from_str(address::back(to)).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Puts products into the cart.
pub async fn add(State(site): State<Arc<Site>>, headers: HeaderMap, body: Bytes) -> Response {
    let (mut visitor, form) = (Visitor::of(&headers), Form::of(&body));
    let (snapshot, token) = (site.snapshot(), form.one("token"));
    let now = crate::clock::now();
    let can_be_bought = |id: &&str| {
        let row = snapshot.product(id).and_then(|no| snapshot.aggregates.catalog.row(no));
        row.is_some_and(|row| row.is_available(now)) && !id.contains(['|', '~'])
    };
    let added: Vec<&str> = form.all("id").filter(can_be_bought).filter(|id| visitor.add(id, token)).collect();
    if !added.is_empty() {
        let mut event = events::items("add_to_cart", "product", &added);
        put_token(&mut event, token);
        events::send(&site, &visitor, vec![event]).await;
    }
    on("/cart", [visitor.cart_cookie()])
}

fn put_token(event: &mut Value, token: &str) {
    if !token.is_empty() {
        event["rec_token"] = token.into();
    }
}

/// Takes a product out of the cart.
pub async fn remove(State(site): State<Arc<Site>>, headers: HeaderMap, body: Bytes) -> Response {
    let (mut visitor, form) = (Visitor::of(&headers), Form::of(&body));
    let id = form.one("id");
    let before = visitor.cart.len();
    visitor.cart.retain(|line| line.id != id);
    if visitor.cart.len() < before {
        events::send(&site, &visitor, vec![events::items("remove_from_cart", "cart", &[id])]).await;
    }
    on("/cart", [visitor.cart_cookie()])
}

/// Places the order; each of its products carries the token of the decision through which it was found.
pub async fn buy(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let mut visitor = Visitor::of(&headers);
    let lines = pages::priced(&site, &visitor.cart);
    let Some(order) = random_id().filter(|_| !lines.is_empty()) else { return on("/cart", []) };
    let items: Vec<Value> = lines.iter().map(item).collect();
    let mut event = json!({"event": "purchase", "page": {"type": "confirmation"}, "transaction_id": order, "items": items});
    if let Some(price) = lines.iter().find_map(|one| one.price) {
        event["currency"] = price.currency.code().into();
    }
    let token = &lines[0].line.rec_token;
    if lines.iter().all(|one| one.line.rec_token == *token) {
        put_token(&mut event, token);
    }
    let begun = json!({"event": "begin_checkout", "page": {"type": "checkout"}});
    events::send(&site, &visitor, vec![begun, event]).await;
    visitor.cart.clear();
    on("/confirmation", [visitor.cart_cookie()])
}

fn item(one: &pages::Priced<'_>) -> Value {
    let mut item = json!({"item_id": one.line.id, "quantity": one.line.quantity});
    if let Some(price) = one.price {
        item["price"] = price.amount().into();
    }
    put_token(&mut item, &one.line.rec_token);
    item
}

/// Not for me.
pub async fn dismiss(State(site): State<Arc<Site>>, headers: HeaderMap, body: Bytes) -> Response {
    let (visitor, form) = (Visitor::of(&headers), Form::of(&body));
    let mut event = events::items("dismiss_item", "other", &[form.one("id")]);
    event["reason"] = "not_for_me".into();
    put_token(&mut event, form.one("token"));
    events::send(&site, &visitor, vec![event]).await;
    on(form.one("to"), [])
}

/// Says what the visitor allows. What is withdrawn is told before the id goes, so that what was kept is forgotten.
pub async fn consent(State(site): State<Arc<Site>>, headers: HeaderMap, body: Bytes) -> Response {
    let (before, form) = (Visitor::of(&headers), Form::of(&body));
    let given = |name: &str| form.all("allow").any(|value| value == name || value == "all");
    let allows = Allows {
        is_answered: true,
        analytics: given("analytics"),
        personalization: given("personalization"),
    };
    let mut visitor = Visitor { allows, ..before.clone() };
    visitor.settle();
    if let Some(id) = &visitor.anonymous_id {
        state(&site, id, allows).await;
    }
    let mut cookies = vec![kept("consent", allows.text())];
    match visitor.anonymous_id.filter(|_| allows.an_id()) {
        Some(id) => cookies.push(kept("shopper", id)),
        None => cookies.extend([ended("shopper"), ended("customer")]),
    }
    on(form.one("to"), cookies)
}

async fn state(site: &Site, anonymous_id: &str, allows: Allows) {
    let event = json!({"event": "consent_update", "consent": allows.json(), "event_id": random_id(), "anonymous_id": anonymous_id});
    let body = event.to_string();
    let sent = crate::intake::events(&site.app.shop, events::SITE, body.as_bytes());
    if let Err(error) = sent.await {
        tracing::warn!(?error, "a statement of consent was not taken");
    }
}

/// Signs in as one of the shop's customers, or out. Whoever signs out gets a new id: the old one is the customer's.
pub async fn customer(State(site): State<Arc<Site>>, headers: HeaderMap, body: Bytes) -> Response {
    let (mut visitor, form) = (Visitor::of(&headers), Form::of(&body));
    let id = form.one("id");
    let mut cookies = Vec::new();
    if visitor.customer.is_some() {
        visitor.anonymous_id = random_id();
        cookies.extend(visitor.anonymous_id.clone().map(|id| kept("shopper", id)));
    }
    if site.about.customers.iter().any(|known| known == id) && visitor.allows.personalization {
        visitor.customer = Some(id.to_owned());
        events::send(&site, &visitor, vec![json!({"event": "login"})]).await;
        cookies.push(kept("customer", id.to_owned()));
    } else {
        cookies.push(ended("customer"));
    }
    on("/preferences", cookies)
}

/// Goes on as somebody else.
pub async fn forget() -> Response {
    on("/preferences", [ended("shopper"), ended("customer")])
}
