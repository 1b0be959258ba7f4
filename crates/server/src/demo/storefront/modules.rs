//! Modules: decisions asked for a page, and how they look.

use super::visitor::Visitor;
use super::{Site, address, money};
use crate::intake::Caller;
use crate::pace::TIMEOUT;
use crate::recommend;
use crate::wire::recommend::{RecommendBody, SlotBody};
use maud::{Markup, html};
use serde_json::{Value, json};

/// One decision on a page.
pub struct Module {
    /// What was decided.
    pub body: RecommendBody,
}

/// What a page is about.
#[derive(Clone, Copy, Default)]
pub struct Page<'a> {
    /// `home`, `product`, ….
    pub kind: &'static str,
    /// Its address.
    pub path: &'a str,
    /// The product.
    pub product: Option<&'a str>,
    /// The category.
    pub category: Option<&'a str>,
    /// What is searched for.
    pub words: &'a str,
}

impl Page<'_> {
    /// What requests say of it.
    pub fn context(&self, visitor: &Visitor) -> Value {
        let cart: Vec<&str> = visitor.cart.iter().map(|line| line.id.as_str()).collect();
        let mut context = json!({"page_type": self.kind, "cart_item_ids": cart});
        if let Some(id) = self.product {
            context["item_ids"] = json!([id]);
        }
        if let Some(path) = self.category {
            context["category_path"] = path.into();
        }
        context
    }
}

/// Asks for the slates of a page, in one request; those that are empty, and placements the shop does not have, are left out.
pub fn ask(site: &Site, visitor: &Visitor, page: &Page<'_>, placements: &[&str]) -> Vec<Module> {
    let snapshot = site.snapshot();
    let there = placements.iter().filter(|name| snapshot.plan.get(name).is_some());
    let named: Vec<Value> = there.map(|name| json!({"placement": name})).collect();
    if named.is_empty() {
        return Vec::new();
    }
    let mut ask = json!({"placements": named, "context": page.context(visitor)});
    name(&mut ask, visitor);
    match recommend::batch(&site.app, Caller::SERVER, TIMEOUT, ask.to_string().as_bytes()) {
        Ok(batch) => {
            let shown = batch.results.into_iter().filter(|body| !body.items.is_empty());
            shown.map(|body| Module { body }).collect()
        }
        // The shop's page never breaks: it goes without its modules.
        Err(error) => {
            tracing::warn!(?error, "a page goes without modules");
            Vec::new()
        }
    }
}

/// Says who asks, where they allow to be recognised.
pub fn name(ask: &mut Value, visitor: &Visitor) {
    if !visitor.allows.personalization {
        return;
    }
    if let Some(id) = &visitor.anonymous_id {
        ask["anonymous_id"] = id.as_str().into();
    }
    if let Some(customer) = &visitor.customer {
        ask["user_id"] = customer.as_str().into();
    }
}

/// A module with its headline, its items and the way to its reasons.
pub fn show(module: &Module, visitor: &Visitor, to: &str) -> Markup {
    let body = &module.body;
    if body.items.iter().all(|item| item.kind == "content") {
        return banners(body);
    }
    html! {
        section.module aria-label=(body.headline) data-module=(body.placement) data-token=(body.rec_token) {
            header {
                h2 { (body.headline) }
                (why(body))
            }
            (items(body, visitor, to))
        }
    }
}

/// Content blocks, one below the other.
fn banners(body: &RecommendBody) -> Markup {
    html! {
        section.module.banners aria-label=(body.headline) data-module=(body.placement) data-token=(body.rec_token) {
            @for item in &body.items {
                a.banner href=[&item.item.link] data-promotion=(item.id) data-position=(item.position) {
                    @if let Some(image) = &item.item.image_link { img src=(image) alt="" width="400" height="300"; }
                    span.words {
                        b { (item.item.title) }
                        @if let Some(text) = &item.item.text { span { (text) } }
                    }
                }
            }
            (why(body))
        }
    }
}

/// The way to the reasons of a decision.
pub fn why(body: &RecommendBody) -> Markup {
    html! { a.why href=(format!("/why/{}", body.request_id)) aria-label=(format!("Why this? {}", body.headline)) { "Why this?" } }
}

/// The items of a slate.
pub fn items(body: &RecommendBody, visitor: &Visitor, to: &str) -> Markup {
    let is_tiles = body.items.iter().all(|item| item.kind != "product");
    html! {
        ul.items.tiles[is_tiles] {
            @for item in &body.items {
                @if item.kind == "product" { (card(body, item, visitor, to)) } @else { (tile(item)) }
            }
        }
    }
}

fn tile(item: &SlotBody) -> Markup {
    html! { li { a.tile href=(address::category(&item.id)) { (item.item.title) } } }
}

fn card(body: &RecommendBody, item: &SlotBody, visitor: &Visitor, to: &str) -> Markup {
    let title = &item.item.title;
    let based_on = item.reason.based_on.join(" ");
    html! {
        li.card data-item=(item.id) data-position=(item.position) data-reason=(item.reason.text) data-based-on=(based_on) {
            a href=(address::product_from(&item.id, &body.rec_token)) {
                img src=(address::picture(&item.id)) alt="" width="200" height="200" loading="lazy";
                span.title { (title) }
                @if let Some(price) = &item.item.price { span.price { (money::of(price)) } }
                span.reason { (item.reason.text) }
            }
            @if visitor.allows.analytics {
                form method="post" action="/dismiss" {
                    input type="hidden" name="id" value=(item.id);
                    input type="hidden" name="token" value=(body.rec_token);
                    input type="hidden" name="to" value=(to);
                    button.dismiss aria-label=(format!("Not for me: {title}")) title="Not for me" { "✕" }
                }
            }
        }
    }
}
