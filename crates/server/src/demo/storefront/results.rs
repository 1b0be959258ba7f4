//! Pages of results: what a search finds, and what stands in a category. Narrowed, sorted and turned by links and forms alone.

use super::asked::Asked;
use super::facets::{Panel, hidden};
use super::modules::{self, Module, Page};
use super::pages::{Visit, missing};
use super::{Site, address, events, layout};
use crate::intake::Caller;
use crate::pace::TIMEOUT;
use crate::search_api;
use crate::wire::recommend::RecommendBody;
use crate::wire::search::{QueryBody, SearchBody};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bespoke_domain::search::Sort;
use maud::{Markup, html};
use std::sync::Arc;

/// Orders as shoppers read them.
const SORTS: [(Sort, &str); 6] = [
    (Sort::Relevance, "What fits best"),
    (Sort::PriceUp, "Price, lowest first"),
    (Sort::PriceDown, "Price, highest first"),
    (Sort::Newest, "Newest first"),
    (Sort::Rating, "Best rated first"),
    (Sort::Popular, "Most popular first"),
];

/// `/search`
pub async fn search(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::of("/search", &query.unwrap_or_default());
    let to = asked.address();
    let page = Page { kind: "search", path: &to, words: &asked.words, ..Page::default() };
    let visit = Visit::new(&site, &headers, page);
    if asked.words.is_empty() {
        return nothing_asked(&visit).await;
    }
    let Some(results) = Results::ask(&visit, &asked).await else {
        return nothing_asked(&visit).await;
    };
    visit.tell().await;
    let found = &results.found;
    if results.asked.page == 1 {
        let event = events::search(&asked.words, found.total, &found.rec_token);
        events::send(&site, &visit.visitor, vec![event]).await;
    }
    let content = html! {
        h1 { (if found.items.is_empty() { "Nothing found for " } else { "Results for " }) q { (shown(&found.query)) } }
        (understood(&results))
        @if found.items.is_empty() { (nothing(&visit, &results)) } @else { (results.show(&visit, "Results").await) }
    };
    visit.respond(StatusCode::OK, &format!("{} – search", asked.words), &content)
}

/// `/c/{path}`
pub async fn category(
    State(site): State<Arc<Site>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let category = address::category_path(&path);
    let mut asked = Asked::of(&address::category(&category), &query.unwrap_or_default());
    asked.words.clear();
    let to = asked.address();
    let page = Page { kind: "category", path: &to, category: Some(&category), ..Page::default() };
    let visit = Visit::new(&site, &headers, page);
    if site.snapshot().aggregates.catalog.category(&category).is_none() {
        return missing(&visit, "There is no such category.").await;
    }
    visit.tell().await;
    let results = Results::ask(&visit, &asked).await;
    let name = category.rsplit(" > ").next().unwrap_or_default();
    let children = layout::below(&site, &category);
    let content = html! {
        h1 { (name) }
        @if !site.about.category_note.is_empty() { p.note { (site.about.category_note) } }
        @if !children.is_empty() {
            ul.children { @for child in &children {
                li { a href=(address::category(child)) { (child.rsplit(" > ").next().unwrap_or_default()) } }
            } }
        }
        @match &results {
            Some(results) if !results.found.items.is_empty() => (results.show(&visit, name).await),
            _ if asked.chosen.is_empty() => p { "Nothing here can be bought now." },
            _ => p { "Nothing here is like that. " a href=(asked.open().address()) { "Remove all filters" } },
        }
    };
    visit.respond(StatusCode::OK, name, &content)
}

/// What was found, and what it was asked by.
struct Results {
    asked: Asked,
    found: SearchBody,
}

impl Results {
    /// Asks; where the page asked for lies beyond the last, for the last. `None` where the shop's server refuses.
    async fn ask(visit: &Visit<'_>, asked: &Asked) -> Option<Self> {
        let mut found = request(visit, asked).await;
        if found.is_none() && asked.cursor.is_some() {
            // A link that is too old: its page by its number.
            found = request(visit, &asked.at(asked.page)).await;
        }
        if asked.page > 1 && found.as_ref().is_none_or(|found| found.items.is_empty()) {
            let first = request(visit, &asked.at(1)).await?;
            let asked = asked.at(first.pages.max(1));
            let found = if asked.page == 1 { first } else { request(visit, &asked).await? };
            return Some(Self { asked, found });
        }
        Some(Self { asked: asked.clone(), found: found? })
    }

    /// Tells that the page's results are there, and shows them with everything around them.
    async fn show(&self, visit: &Visit<'_>, of: &str) -> Markup {
        let module = self.module(visit.site);
        visit.rendered(visit.page.kind, &[&module]).await;
        let currency = self.currency(visit.site);
        let panel = Panel { asked: &self.asked, currency: &currency, category: visit.page.category };
        let facets = panel.show(&self.found);
        let has_facets = !self.found.facets.is_empty();
        html! {
            div.results {
                div.found {
                    div.bar {
                        p role="status" { (count(self.found.total)) }
                        @if has_facets { a.to-filters href="#filters" { "Narrow down" } }
                        (self.sorting())
                    }
                    (panel.chosen())
                    (modules::show(&module, &visit.visitor, visit.page.path))
                    (self.turning(of))
                }
                (facets)
            }
        }
    }

    /// The page's results in the form of every other module.
    fn module(&self, site: &Site) -> Module {
        let found = &self.found;
        let snapshot = site.snapshot();
        let planned = snapshot.plan.get(&found.placement);
        let body = RecommendBody {
            request_id: found.request_id.clone(),
            rec_token: found.rec_token.clone(),
            placement: found.placement.clone(),
            headline: planned.map(|planned| planned.placement.headline.clone()).unwrap_or_default(),
            items: found.items.clone(),
            personalization: found.personalization.clone(),
            fallback: found.fallback.clone(),
            arms: Vec::new(),
            missing_ids: found.missing_ids.clone(),
            skipped: found.skipped.clone(),
            next: None,
            bundle: None,
            took_ms: found.took_ms,
        };
        Module { body }
    }

    fn currency(&self, site: &Site) -> String {
        let snapshot = site.snapshot();
        let settings = snapshot.aggregates.settings.as_ref();
        settings.map(|settings| settings.shop.currency.code().to_owned()).unwrap_or_default()
    }

    fn sorting(&self) -> Markup {
        html! {
            form.sort action=(self.asked.action()) {
                (hidden(&self.asked, &["sort"]))
                label { "Order " select name="sort" {
                    @for (sort, text) in SORTS { option value=(sort.name()) selected[sort == self.asked.sort] { (text) } }
                } }
                button { "Sort" }
            }
        }
    }

    fn turning(&self, of: &str) -> Markup {
        let (page, pages) = (self.asked.page, self.found.pages);
        if pages < 2 {
            return html! {};
        }
        html! {
            nav.more aria-label="Pages" {
                @if page < pages { a rel="next" href=(self.asked.next(self.found.next.as_deref()).address()) { "More of " (of) } }
                p { "Page " (page) " of " (pages) }
                @if page > 1 { a rel="prev" href=(self.asked.at(page - 1).address()) { "Back to page " (page - 1) } }
            }
        }
    }
}

async fn request(visit: &Visit<'_>, asked: &Asked) -> Option<SearchBody> {
    let mut ask = asked.body();
    ask["context"] = visit.page.context(&visit.visitor);
    modules::name(&mut ask, &visit.visitor);
    let (app, body) = (&visit.site.app, ask.to_string());
    let answer = match visit.page.category {
        Some(category) => {
            search_api::category(app, Caller::SERVER, TIMEOUT, (body.as_bytes(), category)).await
        }
        None => search_api::search(app, Caller::SERVER, TIMEOUT, body.as_bytes()).await,
    };
    // The shop's page never breaks.
    answer.inspect_err(|error| tracing::warn!(?error, "a page goes without its results")).ok()
}

fn count(total: u32) -> String {
    if total == 1 { "1 product".to_owned() } else { format!("{total} products") }
}

fn shown(query: &QueryBody) -> &str {
    query.corrected.as_deref().unwrap_or(&query.text)
}

/// How the words were taken, where they were not taken as they are.
fn understood(results: &Results) -> Markup {
    let query = &results.found.query;
    let quoted = |words: &[String]| html! { @for (no, word) in words.iter().enumerate() { @if no > 0 { ", " } q { (word) } } };
    html! {
        @if results.asked.is_cut { p.note { "That was a long search: only its beginning was searched for." } }
        @if let Some(corrected) = &query.corrected {
            p.instead { "Showing results for " b { (corrected) } ". Search instead for " a href=(results.asked.literally().address()) { (query.text) } "." }
        }
        @for one in query.understood.iter().filter(|one| one.filter) {
            p.instead { q { (one.text) } " was taken for what everything shown must keep to. "
                a href=(results.asked.taken_back(&one.text).address()) { "Search for it as words" } "." }
        }
        @if !results.found.items.is_empty() {
            @if !query.given_up.is_empty() {
                p.note { "Few products have all of your words. Those that lack some follow"
                    @if query.given_up.len() + query.unknown.len() < shown(query).split_whitespace().count() { ": " (quoted(&query.given_up)) " may be missing" } "." }
            }
            @if query.by_meaning > 0 { p.note { "Some of these have other words than yours and come close in meaning." } }
            @if !query.unknown.is_empty() { p.note { "Nothing in this shop is called " (quoted(&query.unknown)) "; the other words were searched for." } }
        }
    }
}

/// Nothing was found: ways out.
fn nothing(visit: &Visit<'_>, results: &Results) -> Markup {
    let asked = &results.asked;
    html! {
        p { "No product of this shop fits"
            @if asked.chosen.is_empty() { "." } @else { " with what you chose." } }
        @if !asked.chosen.is_empty() { (Panel { asked, currency: &results.currency(visit.site), category: None }.chosen()) }
        ul {
            @if asked.literal { li { a href=(asked.helped().address()) { "Search again with spelling help" } } }
            li { "Try fewer words, or more general ones." }
            li { "Look through the categories above, or at what others like:" }
        }
        (popular(visit))
    }
}

fn popular(visit: &Visit<'_>) -> Markup {
    visit.show(&modules::ask(visit.site, &visit.visitor, &visit.page, &["not_found"]))
}

/// Nobody said what to search for.
async fn nothing_asked(visit: &Visit<'_>) -> Response {
    let modules = visit.modules(Vec::new(), &["not_found"]).await;
    let content = html! {
        h1 { "Search" }
        p { "Write into the box above what you look for: a product, a colour, what it is for." }
        (visit.show(&modules))
    };
    visit.respond(StatusCode::OK, "Search", &content)
}
