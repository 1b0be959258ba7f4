//! The demo's storefront: pages such as a shop would make, rendered on the server, with pictures drawn from titles and no
//! request to anyone else. It asks and tells Bespoke what a shop would – the same requests and events as over HTTP – so that
//! every module is a decision in the log and every click an event.

mod actions;
mod address;
mod asked;
mod compare;
mod events;
mod experiment;
mod facets;
mod layout;
mod modules;
mod money;
mod pages;
mod picture;
mod results;
mod suggest;
mod visitor;
mod why;

use crate::http::App;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bespoke_engine::Snapshot;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

pub use compare::JUDGED;

/// Nothing from elsewhere is loaded, and nobody frames these pages.
const CONTENT_SECURITY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What a storefront says of its shop.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The name above every page.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub tagline: &'static str,
    /// What stands beside a category that is not the shop's own.
    pub category_note: &'static str,
    /// What stands beside an availability that is not the shop's own.
    pub stock_note: &'static str,
    /// Customers whom a visitor can be.
    pub customers: Vec<String>,
    /// The key with which its pages send events.
    pub publishable_key: String,
    /// Simulated shoppers who have come since it runs; none come where `has_crowd` does not say so.
    pub crowd: Arc<AtomicU32>,
    /// Whether simulated shoppers come.
    pub has_crowd: bool,
    /// What commands need to ask this server, as it stands on a command line; empty where they ask it anyway.
    pub url_flag: String,
}

/// A storefront over a shop.
pub struct Site {
    app: Arc<App>,
    about: About,
}

impl Site {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.app.shop.live.snapshot()
    }
}

/// The pages of the storefront.
pub fn router(app: Arc<App>, about: About) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/c/{*path}", get(results::category))
        .route("/p/{id}", get(pages::product))
        .route("/compare", get(compare::page))
        .route(experiment::PATH, get(experiment::page))
        .route("/cart", get(pages::cart))
        .route("/confirmation", get(pages::confirmation))
        .route("/preferences", get(pages::preferences))
        .route("/why/{id}", get(why::page))
        .route("/search", get(results::search))
        .route("/suggest", get(suggest::fragment))
        .route("/cart/add", post(actions::add))
        .route("/cart/remove", post(actions::remove))
        .route("/cart/buy", post(actions::buy))
        .route("/dismiss", post(actions::dismiss))
        .route("/consent", post(actions::consent))
        .route("/customer", post(actions::customer))
        .route("/forget", post(actions::forget))
        .route("/picture/{id}", get(picture::of_product))
        .route("/assets/storefront.css", get(async || asset("text/css; charset=utf-8", CSS)))
        .route("/assets/storefront.js", get(async || asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/assets/icon.svg", get(async || asset("image/svg+xml", ICON)))
        .route("/{*path}", get(pages::elsewhere))
        .layer(axum::middleware::from_fn(closed))
        .with_state(Arc::new(Site { app, about }))
}

const CSS: &str = include_str!("storefront.css");
const SCRIPT: &str = include_str!("storefront.js");
const ICON: &str = include_str!("icon.svg");

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

async fn closed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
