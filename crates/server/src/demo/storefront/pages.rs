//! The pages: each tells what happened, asks for its modules, and shows both.

use super::modules::{self, Module, Page};
use super::visitor::{Line, Visitor};
use super::{Site, address, compare, events, experiment, layout, money};
use crate::wire::error::ApiError;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bespoke_domain::product::Content;
use bespoke_domain::{Money, ProductNo};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// A page in the making: who visits and what it is about.
pub struct Visit<'a> {
    /// The shop.
    pub site: &'a Site,
    /// Who visits.
    pub visitor: Visitor,
    is_new: bool,
    /// What the page is about.
    pub page: Page<'a>,
}

impl<'a> Visit<'a> {
    /// Someone comes to a page.
    pub fn new(site: &'a Site, headers: &HeaderMap, page: Page<'a>) -> Self {
        let mut visitor = Visitor::of(headers);
        let is_new = visitor.settle();
        Self { site, visitor, is_new, page }
    }

    /// Tells of the page and of more, asks for its modules, and tells that they are there.
    pub async fn modules(&self, mut more: Vec<serde_json::Value>, placements: &[&str]) -> Vec<Module> {
        let mut happened = vec![events::page(self.page.kind, self.page.path)];
        happened.append(&mut more);
        events::send(self.site, &self.visitor, happened).await;
        let modules = modules::ask(self.site, &self.visitor, &self.page, placements);
        self.rendered(self.page.kind, &modules.iter().collect::<Vec<_>>()).await;
        modules
    }

    /// Tells that the page was shown.
    pub async fn tell(&self) {
        events::send(self.site, &self.visitor, vec![events::page(self.page.kind, self.page.path)]).await;
    }

    /// Tells that modules were shown, as on a page of this kind.
    pub async fn rendered(&self, kind: &str, modules: &[&Module]) {
        events::send(self.site, &self.visitor, events::rendered(kind, modules)).await;
    }

    /// Modules one below the other.
    pub fn show(&self, modules: &[Module]) -> Markup {
        html! { @for module in modules { (modules::show(module, &self.visitor, self.page.path)) } }
    }

    /// The whole page.
    pub fn respond(&self, status: StatusCode, title: &str, content: &Markup) -> Response {
        let page = layout::whole(self.site, &self.visitor, &self.page, title, content);
        layout::respond(status, &self.visitor, self.is_new, page)
    }
}

/// `/`
pub async fn home(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let visit = Visit::new(&site, &headers, Page { kind: "home", path: "/", ..Page::default() });
    let placements = [
        "home_banner",
        "home_hero",
        "home_learned",
        "recently_viewed",
        "home_trending",
        "home_new",
        "home_categories",
    ];
    let modules = visit.modules(Vec::new(), &placements).await;
    let content = html! { h1.quiet { (site.about.name) } (visit.show(&modules)) (compare::link(&site, None)) (experiment::link(&site)) };
    visit.respond(StatusCode::OK, "Home", &content)
}

/// How a product page was reached.
#[derive(Deserialize)]
pub struct Reached {
    from: Option<String>,
}

/// `/p/{id}`
pub async fn product(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Query(reached): Query<Reached>,
    headers: HeaderMap,
) -> Response {
    let to = address::product(&id);
    let page = Page { kind: "product", path: &to, product: Some(&id), ..Page::default() };
    let visit = Visit::new(&site, &headers, page);
    let snapshot = site.snapshot();
    let catalog = &snapshot.aggregates.catalog;
    let Some((no, about)) = snapshot.product(&id).and_then(|no| Some((no, catalog.content(no)?))) else {
        return missing(&visit, "There is no such product.").await;
    };
    let token = reached.from.unwrap_or_default();
    let mut viewed = events::items("view_item", "product", &[&id]);
    if !token.is_empty() {
        viewed["rec_token"] = token.as_str().into();
    }
    let placements = [
        "product_bundle",
        "product_accessories",
        "product_related",
        "product_alternatives",
        "product_similar",
    ];
    let modules = visit.modules(vec![viewed], &placements).await;
    let is_there = catalog.row(no).is_some_and(|row| row.is_available(crate::clock::now()));
    let shown = Shown { id: &id, about: &about, price: catalog.price(no), is_there, token: &token };
    let content = html! {
        (trail(&about))
        (details(&site, &shown))
        (compare::link(&site, Some(&id)))
        @for module in &modules {
            @if module.body.bundle.is_some() { (bundle(&visit, module, &id)) } @else { (visit.show(std::slice::from_ref(module))) }
        }
    };
    visit.respond(StatusCode::OK, &about.title, &content)
}

struct Shown<'a> {
    id: &'a str,
    about: &'a Content,
    price: Option<Money>,
    is_there: bool,
    token: &'a str,
}

/// The categories above a product.
fn trail(about: &Content) -> Markup {
    let path = about.categories.first().map_or("", String::as_str);
    let ends = path.match_indices(" > ").map(|(at, _)| at).chain([path.len()]);
    let above: Vec<&str> = ends.map(|end| &path[..end]).filter(|path| !path.is_empty()).collect();
    html! {
        nav.trail aria-label="You are here" { ol {
            li { a href="/" { "Home" } }
            @for path in above { li { a href=(address::category(path)) { (path.rsplit(" > ").next().unwrap_or_default()) } } }
        } }
    }
}

fn details(site: &Site, shown: &Shown<'_>) -> Markup {
    let about = shown.about;
    html! {
        article.product {
            img src=(address::picture(shown.id)) alt=(format!("A drawing for {}", about.title)) width="400" height="400";
            div {
                h1 { (about.title) }
                @if !about.brand.is_empty() { p.brand { "by " (about.brand) } }
                @if let Some(price) = shown.price { p.price { (money::text(price)) } }
                p.stock { (if shown.is_there { "In stock" } else { "Not to be had at the moment" }) " " small { (site.about.stock_note) } }
                @if shown.is_there {
                    form method="post" action="/cart/add" {
                        input type="hidden" name="id" value=(shown.id);
                        input type="hidden" name="token" value=(shown.token);
                        button.buy { "Add to cart" }
                    }
                }
                @if !about.description.is_empty() { p { (about.description) } }
                @if !about.attributes.is_empty() {
                    dl { @for (name, value) in &about.attributes { dt { (name) } dd { (value.replace(',', ", ")) } } }
                }
            }
        }
    }
}

/// Products offered together, with one price and one button.
fn bundle(visit: &Visit<'_>, module: &Module, id: &str) -> Markup {
    let Some(bundle) = &module.body.bundle else { return html! {} };
    html! {
        section.module.bundle aria-label=(module.body.headline) data-module=(module.body.placement) data-token=(module.body.rec_token) {
            header { h2 { (module.body.headline) } (modules::why(&module.body)) }
            (modules::items(&module.body, &visit.visitor, visit.page.path))
            form method="post" action="/cart/add" {
                @for item in &bundle.item_ids { input type="hidden" name="id" value=(item); }
                input type="hidden" name="token" value=(module.body.rec_token);
                button { "This and " (bundle.item_ids.iter().filter(|item| *item != id).count()) " more for " (money::of(&bundle.price)) }
            }
        }
    }
}

/// `/cart`
pub async fn cart(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let visit = Visit::new(&site, &headers, Page { kind: "cart", path: "/cart", ..Page::default() });
    let modules = visit
        .modules(vec![serde_json::json!({"event": "view_cart", "page": {"type": "cart"}})], &["cart_addons"])
        .await;
    let lines = priced(&site, &visit.visitor.cart);
    let content = html! {
        h1 { "Your cart" }
        @if lines.is_empty() { p { "It is empty. " a href="/" { "Look around" } } } @else {
            (table(&lines))
            form method="post" action="/cart/buy" { button.buy { "Buy (a demo: nothing is paid or sent)" } }
        }
        (visit.show(&modules))
    };
    visit.respond(StatusCode::OK, "Cart", &content)
}

/// A line with what it stands for.
pub struct Priced<'a> {
    /// The line.
    pub line: &'a Line,
    /// The product's title.
    pub title: String,
    /// What a unit costs.
    pub price: Option<Money>,
}

/// The lines of a cart whose products are there.
pub fn priced<'a>(site: &Site, cart: &'a [Line]) -> Vec<Priced<'a>> {
    let snapshot = site.snapshot();
    let catalog = &snapshot.aggregates.catalog;
    let found = |line: &'a Line| -> Option<Priced<'a>> {
        let no: ProductNo = snapshot.product(&line.id)?;
        Some(Priced { line, title: catalog.title(no)?.to_owned(), price: catalog.price(no) })
    };
    cart.iter().filter_map(found).collect()
}

/// What the lines cost together, where each has a price in one currency.
pub fn total(lines: &[Priced<'_>]) -> Option<Money> {
    let price = |one: &Priced<'_>| {
        one.price.map(|price| Money { minor: price.minor * i64::from(one.line.quantity), ..price })
    };
    let mut prices = lines.iter().map(price);
    let first = prices.next()??;
    prices.try_fold(first, |sum, price| {
        let price = price.filter(|price| price.currency == sum.currency)?;
        Some(Money { minor: sum.minor + price.minor, ..sum })
    })
}

fn table(lines: &[Priced<'_>]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Product" } th scope="col" { "Units" } th scope="col" { "Price" } th { span.quiet { "Remove" } } } }
            tbody { @for one in lines { tr {
                td { a href=(address::product(&one.line.id)) { (one.title) } }
                td { (one.line.quantity) }
                td { @if let Some(price) = one.price { (money::text(price)) } }
                td { form method="post" action="/cart/remove" {
                    input type="hidden" name="id" value=(one.line.id);
                    button aria-label=(format!("Remove {}", one.title)) { "✕" }
                } }
            } } }
            @if let Some(total) = total(lines) { tfoot { tr { th scope="row" { "Together" } td {} td { (money::text(total)) } td {} } } }
        }
    }
}

/// `/confirmation`
pub async fn confirmation(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let page = Page { kind: "confirmation", path: "/confirmation", ..Page::default() };
    let visit = Visit::new(&site, &headers, page);
    let modules = visit.modules(Vec::new(), &["confirmation_next"]).await;
    let content = html! {
        h1 { "Thank you" }
        p { "Your order is noted. This is a demo: nothing is paid or sent." }
        (visit.show(&modules))
    };
    visit.respond(StatusCode::OK, "Thank you", &content)
}

/// `/preferences`
pub async fn preferences(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let page = Page { kind: "account", path: "/preferences", ..Page::default() };
    let visit = Visit::new(&site, &headers, page);
    let modules = visit.modules(Vec::new(), &["account_buy_again"]).await;
    let content = html! {
        h1 { "Preferences" }
        (consent_form(&visit.visitor))
        (customer_form(&site, &visit.visitor))
        (visit.show(&modules))
    };
    visit.respond(StatusCode::OK, "Preferences", &content)
}

fn consent_form(visitor: &Visitor) -> Markup {
    let allows = visitor.allows;
    html! {
        section {
            h2 { "What this shop may do" }
            form.stack method="post" action="/consent" {
                input type="hidden" name="to" value="/preferences";
                label { input type="checkbox" name="allow" value="analytics" checked[allows.analytics]; " Count what I do, to measure how the shop works" }
                label { input type="checkbox" name="allow" value="personalization" checked[allows.personalization]; " Tailor what I am shown to what I look at and buy" }
                button { "Save" }
            }
            @if let Some(id) = &visitor.anonymous_id {
                p { "This browser is known as " code { (id) } "." }
                form method="post" action="/forget" { button { "Begin anew as somebody else" } }
            } @else { p { "This browser is not known: it has no id, and what you do here is not kept." } }
        }
    }
}

fn customer_form(site: &Site, visitor: &Visitor) -> Markup {
    if !visitor.allows.personalization || site.about.customers.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Be one of the shop's customers" }
            p { "Their orders are in the data; what you do from here on is theirs." }
            form method="post" action="/customer" {
                label { "Customer " select name="id" {
                    option value="" { "none" }
                    @for id in &site.about.customers { option value=(id) selected[visitor.customer.as_ref() == Some(id)] { (id) } }
                } }
                " " button { "Sign in" }
            }
        }
    }
}

/// Any other address: a page for who looks at it, the API's error for who calls it.
pub async fn elsewhere(
    State(site): State<Arc<Site>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    if path.starts_with("v1/") {
        return ApiError::new("not_found", "no such path; /openapi.json lists them").into_response();
    }
    let path = format!("/{path}");
    let visit = Visit::new(&site, &headers, Page { kind: "other", path: &path, ..Page::default() });
    missing(&visit, "There is no such page.").await
}

/// A page that is not there, with a way on.
pub async fn missing(visit: &Visit<'_>, what: &str) -> Response {
    let page = Page { kind: "other", path: visit.page.path, ..Page::default() };
    let modules = modules::ask(visit.site, &visit.visitor, &page, &["not_found"]);
    let content = html! { h1 { (what) } p { a href="/" { "To the front page" } } (visit.show(&modules)) };
    visit.respond(StatusCode::NOT_FOUND, "Not found", &content)
}
