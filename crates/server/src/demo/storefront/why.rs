//! Why a slate is as it is: its certificate in plain words.

use super::modules::Page;
use super::visitor::Visitor;
use super::{Site, address, layout};
use crate::wire::error::ApiError;
use crate::{recommend, render};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bespoke_domain::decision::{Fallback, Personalization, Slot};
use bespoke_domain::search::Sort;
use bespoke_domain::{Candidate, Decision};
use bespoke_engine::Snapshot;
use bespoke_engine::filter::FILTERS;
use bespoke_engine::scorer::{PERSONAL, SCORERS};
use bespoke_engine::source::SOURCES;
use maud::{Markup, html};
use std::sync::Arc;

/// `/why/{id}`
pub async fn page(State(site): State<Arc<Site>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let Ok(id) = id.parse() else { return unknown() };
    let Ok(decision) = recommend::find(&site.app.shop, id).await else { return unknown() };
    let content = certificate(&site.snapshot(), &decision);
    let page = Page { kind: "other", path: "/", ..Page::default() };
    let visitor = Visitor::of(&headers);
    let whole = layout::whole(&site, &visitor, &page, "Why this?", &content);
    layout::respond(StatusCode::OK, &visitor, false, whole)
}

fn unknown() -> Response {
    ApiError::new("not_found", "there is no such decision in the log").into_response()
}

fn certificate(snapshot: &Snapshot, decision: &Decision) -> Markup {
    html! {
        article.certificate data-decision=(decision.request.id) {
            h1 { "Why this? " q { (decision.headline) } }
            p { (about_you(decision)) }
            (searched(decision))
            @if decision.fallback == Fallback::Popular { p { "There was too little to go by for what usually stands here; so it shows what is popular." } }
            h2 { (decision.candidate_count) " came into question" }
            ul { @for (name, count) in decision.sources.iter().filter(|(_, count)| *count > 0) { li { (count) " that " (source(name)) } } }
            h2 { (decision.candidate_count as usize - decision.slate.len()) " were left out" }
            ul { @for (name, count) in &decision.removed { li { (count) " " (remover(name)) } } }
            @let heeded = heeded(decision);
            @if !heeded.is_empty() { p { "The order also heeds " (heeded.join(", ")) "." } }
            h2 { "What is shown" }
            ol { @for slot in &decision.slate { (one(snapshot, decision, slot)) } }
            p.fine {
                "Decision " code { (decision.request.id) } ", made from the log up to entry " (decision.versions.snapshot_offset.0)
                " by engine " (decision.versions.engine) ". It can be recomputed from the log: " code { "GET /v1/decisions/" (decision.request.id) "/replay" } "."
            }
        }
    }
}

/// What the order heeds beyond where candidates came from; nothing about the shopper where nothing was used.
fn heeded(decision: &Decision) -> Vec<&str> {
    let is_stranger = decision.personalization == Personalization::None;
    let said = decision.scorers.iter().filter(|name| !(is_stranger && PERSONAL.contains(&name.as_str())));
    said.map(|name| scorer(name)).collect()
}

/// What was searched for and how it was met.
fn searched(decision: &Decision) -> Markup {
    let (Some(search), Some(met)) = (&decision.request.search, &decision.met) else { return html! {} };
    html! {
        p {
            @if !search.text.is_empty() { "You searched for " q { (search.text) } ". " }
            @if !met.corrected.is_empty() { "It was taken as " q { (met.corrected) } ". " }
            @if !met.given_up.is_empty() { "Too few products have every word; these need not be there: " (met.given_up.join(", ")) ". " }
            @if !met.unknown.is_empty() { "No product has: " (met.unknown.join(", ")) ". " }
            @for one in met.understood.iter().filter(|one| one.is_filter) { q { (one.text) } " was taken for what everything shown must keep to. " }
            @if met.by_meaning > 0 { (met.by_meaning) " of what was found lack the words and come close in meaning. " }
            (met.total) @if met.total == 1 { " product matches" } @else { " products match" }
            @if !search.refinements.is_empty() { ", narrowed by " (search.refinements.iter().map(|one| one.facet.as_str()).collect::<Vec<_>>().join(", ")) }
            @if search.sort != Sort::Relevance { ", in the order you chose" }
            "."
        }
    }
}

fn about_you(decision: &Decision) -> &'static str {
    match decision.personalization {
        Personalization::None => "Nothing about you was used: only this page, your cart and what others do.",
        Personalization::Session => "What you did in this visit was used.",
        Personalization::Full => "What you did in this visit and before was used.",
    }
}

fn one(snapshot: &Snapshot, decision: &Decision, slot: &Slot) -> Markup {
    let based_on: Vec<Candidate> = slot.reason.based_on.iter().copied().map(Candidate::Product).collect();
    html! {
        li data-item=(render::id(snapshot, slot.candidate)) data-reason=(slot.reason.text)
            data-based-on=(based_on.iter().map(|one| render::id(snapshot, *one)).collect::<Vec<_>>().join(" ")) {
            b { (render::title(snapshot, slot.candidate)) } " – " (slot.reason.text) "."
            @for evidence in &based_on {
                " Evidence: " a href=(address::product(&render::id(snapshot, *evidence))) { (render::title(snapshot, *evidence)) } "."
            }
            @if let Some(rule) = &slot.placed_by { " Placed here by the shop: " q { (rule) } "." }
            @if decision.draw.is_some() && slot.placed_by.is_none() {
                (format!(" Several are tried; this one had a chance of {:.0} %.", 100.0 * slot.probability))
            }
            @for rule in &slot.moved_by { " Moved by the shop: " q { (rule) } "." }
            " " span.fine { (format!("Score {:.2}: {}", slot.score, parts(decision, slot))) }
        }
    }
}

fn parts(decision: &Decision, slot: &Slot) -> String {
    let names = || decision.sources.iter().map(|(name, _)| name).chain(&decision.scorers);
    let part = |(no, part): &(u8, f32)| {
        format!("{} {part:.2}", names().nth(usize::from(*no)).map_or("", String::as_str).replace('_', " "))
    };
    slot.parts.iter().map(part).collect::<Vec<_>>().join(" + ")
}

fn source(name: &str) -> &str {
    SOURCES.iter().find(|spec| spec.name == name).map_or(name, |spec| spec.plain)
}

fn scorer(name: &str) -> &str {
    SCORERS.iter().find(|spec| spec.name == name).map_or(name, |spec| spec.plain)
}

/// What a filter, a rule or a step of the decision left out.
fn remover(name: &str) -> String {
    match (FILTERS.iter().find(|spec| spec.name == name), name) {
        (Some(spec), _) => format!("that {}", spec.plain),
        (None, "not_in_top") => "that fit less well than what is shown".to_owned(),
        (None, "diversity") => "for the sake of variety".to_owned(),
        (None, "thin_evidence") => "that too little speaks for".to_owned(),
        (None, "not_given") => "that are not in this list".to_owned(),
        (None, rule) => format!("by the shop's rule “{rule}”"),
    }
}
