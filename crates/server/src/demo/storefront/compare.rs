//! The page of comparison: the same slots for the same shopper filled in three ways, side by side, each headed by what it would have
//! been worth in the shop's own history.

use super::modules::{self, Module, Page};
use super::pages::Visit;
use super::{Site, address};
use crate::backtest_api::{ArmBody, IntervalBody, MeasureBody, PlacementBacktestBody};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// The placements that are judged for the page once their models are learnt; what their arms are is shown beside them.
pub const JUDGED: [&str; 2] = ["home_compare_learned", "product_compare_learned"];

/// A way of filling slots.
struct Way {
    /// The arm of a backtest, and the end of the placements' names.
    arm: &'static str,
    name: &'static str,
    about: &'static str,
}

const WAYS: [Way; 3] = [
    Way { arm: "popular", name: "Popular", about: "What most shoppers are after right now." },
    Way {
        arm: "hand_set",
        name: "Hand-set",
        about: "What others bought together and in visits like this one, with weights set by hand.",
    },
    Way {
        arm: "learned",
        name: "Learned",
        about: "The same with tastes learnt from this shop's orders, put in order by what is likely to be bought.",
    },
];

/// The figures in a column's head: field, name, what it is.
const FIGURES: [(&str, &str, &str); 3] = [
    ("hit_rate", "With a hit", "the share of occasions on which something shown was dealt with next"),
    ("ndcg", "NDCG", "how high what came next was ranked, from 0 for not shown to 1 for all of it on top"),
    ("revenue", "Revenue", "the share of what was then bought and kept, by its price, that was shown"),
];

/// Whether the shop has the placements of the page.
pub fn is_there(site: &Site) -> bool {
    let snapshot = site.snapshot();
    JUDGED.iter().all(|name| snapshot.plan.get(name).is_some())
}

/// The way to the page, about a product or not.
pub fn link(site: &Site, product: Option<&str>) -> Markup {
    html! {
        @if is_there(site) {
            p.compare-link { a href=(address::compare(product)) { "Compare: popular, hand-set and learned, side by side" } }
        }
    }
}

/// Which product is compared for.
#[derive(Deserialize)]
pub struct About {
    product: Option<String>,
}

/// `/compare`
pub async fn page(State(site): State<Arc<Site>>, Query(about): Query<About>, headers: HeaderMap) -> Response {
    let to = address::compare(about.product.as_deref());
    let visit = Visit::new(&site, &headers, Page { kind: "other", path: &to, ..Page::default() });
    if !is_there(&site) {
        return super::pages::missing(&visit, "This shop compares nothing.").await;
    }
    visit.tell().await;
    let home = columns(&visit, &Page { kind: "home", path: &to, ..Page::default() }, "home").await;
    let best = home.iter().flatten().next().and_then(|module| Some(module.body.items.first()?.id.clone()));
    let product = about.product.or(best).unwrap_or_default();
    let snapshot = site.snapshot();
    let title = snapshot.product(&product).and_then(|no| snapshot.aggregates.catalog.title(no));
    let own = Page { kind: "product", path: &to, product: Some(&product), ..Page::default() };
    let beside = if title.is_some() { columns(&visit, &own, "product").await } else { Vec::new() };
    let judged = site.app.learner.judged();
    let [at_home, at_product] = JUDGED.map(|name| judged.get(name));
    let content = html! {
        h1 { "Three ways to fill the same slots" }
        p { "You, now: what each way would show you. Above each stands what it would have shown on past occasions of this shop, and what came of them." }
        @if !visit.visitor.allows.personalization { p.note { "You have not allowed this shop to tailor what it shows; so on the front page none of them knows anything of you." } }
        (section(&visit, "On the front page", at_home, &home))
        @if let Some(title) = title {
            (section(&visit, &format!("On the page of {title}"), at_product, &beside))
            p { a href=(address::product(&product)) { "To this product" } ". Every product's page leads here." }
        } @else { p { "There is no such product." } }
        ul.note { @for (_, name, about) in FIGURES { li { b { (name) } ": " (about) "." } } }
    };
    visit.respond(StatusCode::OK, "Compare", &content)
}

/// One slate for each way, asked for apart, so that none makes room for another.
async fn columns(visit: &Visit<'_>, page: &Page<'_>, place: &str) -> Vec<Option<Module>> {
    let mut all = Vec::new();
    for way in &WAYS {
        let name = format!("{place}_compare_{}", way.arm);
        all.push(modules::ask(visit.site, &visit.visitor, page, &[name.as_str()]).pop());
    }
    let shown: Vec<&Module> = all.iter().flatten().collect();
    visit.rendered(page.kind, &shown).await;
    all
}

fn section(
    visit: &Visit<'_>,
    title: &str,
    judged: Option<&PlacementBacktestBody>,
    columns: &[Option<Module>],
) -> Markup {
    html! {
        section.compare aria-label=(title) {
            h2 { (title) }
            (told(visit, judged))
            div.columns {
                @for (way, module) in WAYS.iter().zip(columns) { (column(visit, way, judged, module.as_ref())) }
            }
        }
    }
}

/// What the figures rest on, and by how much the third way is ahead.
fn told(visit: &Visit<'_>, judged: Option<&PlacementBacktestBody>) -> Markup {
    let Some(judged) = judged else { return html! { p.note { (waiting(visit)) } } };
    let day = jiff::Timestamp::from_millisecond(judged.split_ms).unwrap_or_default();
    let day = day.strftime("%-d %B %Y");
    let learned = judged.arms.iter().find(|arm| arm.arm == "learned");
    let ahead = learned.and_then(|arm| arm.measures.get("ndcg"));
    html! {
        p.note {
            "Measured on " (judged.cases) " occasions of " (judged.shoppers) " shoppers from " (day)
            " on, with models fitted on what came before; in brackets 95 % intervals. The slates below come from the models in force."
        }
        @if let Some(ahead) = ahead {
            p.note {
                "Learned, by NDCG: " (difference(ahead.beyond_popular)) " beside popular, " (difference(ahead.beyond_hand_set)) " beside hand-set."
            }
        }
    }
}

/// Why there are no figures yet.
fn waiting(visit: &Visit<'_>) -> String {
    match visit.site.app.learner.run() {
        Some(run) if run.state == "failed" => format!("Not measured: {}.", run.stage),
        Some(run) if run.state == "running" && !run.stage.is_empty() => {
            format!("Being measured on this shop's history: {}. Look again in a minute.", run.stage)
        }
        _ => "Being measured on this shop's history. Look again in a minute.".to_owned(),
    }
}

fn difference(of: Option<IntervalBody>) -> String {
    let Some(of) = of else { return "nothing to compare".to_owned() };
    let sure = if of.low > 0.0 || of.high < 0.0 { "" } else { ", too close to tell" };
    format!("{:+.3} ({:+.3} to {:+.3}{sure})", of.value, of.low, of.high)
}

fn column(
    visit: &Visit<'_>,
    way: &Way,
    judged: Option<&PlacementBacktestBody>,
    module: Option<&Module>,
) -> Markup {
    let placement = module.map(|module| module.body.placement.as_str());
    let token = module.map(|module| module.body.rec_token.as_str());
    html! {
        section.module aria-label=(way.name) data-module=[placement] data-token=[token] {
            header {
                h3 { (way.name) }
                @if let Some(module) = module { (modules::why(&module.body)) }
            }
            p.fine { (way.about) }
            @if let Some(arm) = judged.and_then(|judged| judged.arms.iter().find(|arm| arm.arm == way.arm)) { (figures(arm)) }
            @match module {
                Some(module) => (modules::items(&module.body, &visit.visitor, visit.page.path)),
                None => p { "Nothing to show." },
            }
        }
    }
}

fn figures(arm: &ArmBody) -> Markup {
    let all = FIGURES.iter().filter_map(|(field, name, _)| Some((name, arm.measures.get(*field)?)));
    html! { dl.figures { @for (name, measure) in all { dt { (name) } dd { (value(measure)) } } } }
}

fn value(measure: &MeasureBody) -> String {
    format!("{:.3} ({:.3} to {:.3})", measure.value, measure.low, measure.high)
}
