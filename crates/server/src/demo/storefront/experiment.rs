//! The page of an experiment that is running: the module as this visitor's arm fills it, and what the test says so far. Most of its shoppers are
//! simulated, and the page says how many.

use super::super::crowd::{CROWD, EXPERIMENT, PLACEMENT};
use super::modules::Page;
use super::pages::Visit;
use super::{Site, money, pages};
use crate::experiments_api::{self, ArmResultBody, ComparedBody, ExperimentBody};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bespoke_domain::Currency;
use bespoke_engine::experiment::metric::metric;
use maud::{Markup, html};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Its address.
pub const PATH: &str = "/experiment";
/// Metrics that are shares of something; a list may be clicked more than once.
const SHARES: [&str; 4] = ["conversion", "return_rate", "repeat", "cart"];
/// Metrics that are shown, the first ones.
const METRICS_SHOWN: usize = 6;

/// The way to the page, where there is such an experiment.
pub fn link(site: &Site) -> Markup {
    html! {
        @if site.snapshot().plan.get(PLACEMENT).is_some() {
            p.compare-link { a href=(PATH) { "A test that is running: popular against personal" } }
        }
    }
}

/// `/experiment`
pub async fn page(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let visit = Visit::new(&site, &headers, Page { kind: "home", path: PATH, ..Page::default() });
    if site.snapshot().plan.get(PLACEMENT).is_none() {
        return pages::missing(&visit, "This shop tests nothing just now.").await;
    }
    let modules = visit.modules(Vec::new(), &[PLACEMENT]).await;
    let arm =
        modules.first().and_then(|module| module.body.arms.iter().find(|one| one.experiment == EXPERIMENT));
    let arm = arm.map(|one| one.arm.clone());
    let own = site.app.clone();
    let told = tokio::task::spawn_blocking(move || experiments_api::get(&own.shop, EXPERIMENT)).await;
    let crowd = site.about.crowd.load(Ordering::Relaxed);
    let content = html! {
        h1 { "A test that is running" }
        p { "The same six slots, filled for half of the shoppers by what is popular and for the other half by what suits them. What decides is clicks per list in view." }
        p.note { b { "Simulated shoppers: " (crowd) " of " (CROWD) " so far" } ", made up from a seed, five a second. Besides them the visits of real people to this page count: yours." }
        @match &arm {
            Some(arm) => p { "You are in the arm " b { (arm) } ", and stay in it." },
            None => p { "You are in no arm: that needs your consent to tailor what is shown." },
        }
        (visit.show(&modules))
        @match told {
            Ok(Ok(told)) => (results(&site, &told)),
            _ => p { "There are no results yet." },
        }
    };
    visit.respond(StatusCode::OK, "A test", &content)
}

fn results(site: &Site, told: &ExperimentBody) -> Markup {
    let snapshot = site.snapshot();
    let currency = snapshot.aggregates.settings.as_deref().map_or(Currency::EUR, |held| held.shop.currency);
    html! {
        section.tested aria-label="Results" {
            h2 { "What it says so far" }
            ul { @for arm in &told.arms { li { (arm.arm) ": " (arm.units) " shoppers" } } }
            @if !told.stopped_for.is_empty() { p { b { "Stopped by itself. " } (told.stopped_for) } }
            @if told.mismatch { p { b { "The arms did not get their shares of shoppers: no number can be believed." } } }
            @for result in &told.results { (result_of(result, currency)) }
            p.note { "Intervals hold at every look: opening this page early, or often, does no harm. The same in the terminal: " code { "bespoke experiments " (EXPERIMENT) (site.about.url_flag) } "." }
        }
    }
}

fn result_of(result: &ArmResultBody, currency: Currency) -> Markup {
    html! {
        p.verdict { b { (result.arm) } " against popular: " (result.words) }
        div.wide tabindex="0" role="region" aria-label="Metrics" {
            table {
                thead { tr { th scope="col" { "Metric" } th scope="col" { "Popular" } th scope="col" { "Personal" } th scope="col" { "Change (95 %)" } } }
                tbody { @for metric in result.metrics.iter().take(METRICS_SHOWN) { (row(metric, currency)) } }
            }
        }
    }
}

/// A value in the unit of its metric: money, per cent, or a number.
fn value(name: &str, value: Option<f64>, currency: Currency) -> String {
    let Some(value) = value else { return "–".to_owned() };
    if metric(name).is_some_and(|spec| spec.is_money) {
        return money::plain(value, currency.code());
    }
    if SHARES.contains(&name) { format!("{:.1} %", 100.0 * value) } else { format!("{value:.2}") }
}

fn row(metric: &ComparedBody, currency: Currency) -> Markup {
    let change = metric.relative.as_ref().map_or_else(
        || "too little is known".to_owned(),
        |one| format!("{:+.1} % ({:+.1} to {:+.1})", 100.0 * one.estimate, 100.0 * one.low, 100.0 * one.high),
    );
    html! {
        tr { th scope="row" { (metric.metric) } td { (value(&metric.metric, metric.control, currency)) } td { (value(&metric.metric, metric.treated, currency)) } td { (change) } }
    }
}
