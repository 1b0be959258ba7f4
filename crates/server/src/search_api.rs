//! Search and category pages: a request's words to a decision with its facets.

use crate::http::App;
use crate::recommend::{note, request_of, slot_bodies};
use crate::render;
use crate::wire::error::ApiError;
use crate::wire::search::{
    AskedSearch, FacetBody, FacetRangeBody, FacetValueBody, QueryBody, SearchBody, UnderstoodBody,
};
use crate::wire::token;
use bespoke_domain::search::{Met, RESULTS_MAX, Search};
use bespoke_domain::settings::Scope;
use bespoke_domain::{Problem, Request};
use bespoke_engine::facets::Facet;
use bespoke_models::learned::EMBEDDED;
use std::time::{Duration, Instant};

/// A search by a body.
pub fn search(app: &App, scope: Scope, timeout: Duration, body: &[u8]) -> Result<SearchBody, ApiError> {
    answer(app, scope, timeout, AskedSearch::parse(body, None).map_err(ApiError::invalid)?)
}

/// The page of a category by a body.
pub fn category(
    app: &App,
    scope: Scope,
    timeout: Duration,
    (body, category): (&[u8], &str),
) -> Result<SearchBody, ApiError> {
    answer(app, scope, timeout, AskedSearch::parse(body, Some(category)).map_err(ApiError::invalid)?)
}

/// A search by an address; `category` for the page of one.
pub fn search_by_address(
    app: &App,
    scope: Scope,
    timeout: Duration,
    (query, category): (&str, Option<&str>),
) -> Result<SearchBody, ApiError> {
    answer(app, scope, timeout, AskedSearch::of_query(query, category).map_err(ApiError::invalid)?)
}

fn answer(app: &App, scope: Scope, timeout: Duration, asked: AskedSearch) -> Result<SearchBody, ApiError> {
    let AskedSearch { asked, mut search, facets: named, page } = asked;
    let snapshot = app.shop.live.snapshot();
    let request = request_of(app, &snapshot, scope, timeout, asked)?;
    let slots = snapshot.plan.get(&request.placement).map_or(0, |planned| planned.placement.slots);
    let slots = if request.slots == 0 { slots } else { request.slots }.max(1);
    search.from = (page - 1) * u32::from(slots);
    if search.from as usize + usize::from(slots) > RESULTS_MAX + usize::from(slots) - 1 {
        let detail = format!("only the first {RESULTS_MAX} results can be paged through; narrow the search");
        return Err(ApiError::invalid(Problem::new("page", "out_of_range", detail)));
    }
    let mut request = request;
    if let Some(embedding) = app.embedding.get().filter(|_| !search.literal && !search.text.trim().is_empty())
    {
        search.vector = embedding.vector(&search.text, timeout / 2);
        if search.vector.is_none() {
            request.skipped.push(EMBEDDED[0].to_owned());
        }
    }
    let request = Request { search: Some(Box::new(search)), ..request };
    let started = Instant::now();
    let (decision, facets) = app.shop.live.search_on(&snapshot, &request, &named);
    let took = started.elapsed();
    note(app, &decision, took);
    let met = decision.met.as_deref().cloned().unwrap_or_default();
    let search = request.search.as_deref().cloned().unwrap_or_default();
    let body = SearchBody {
        request_id: decision.request.id.to_string(),
        rec_token: token::make(&app.shop.secret.0, decision.request.id, decision.request.now),
        placement: request.placement,
        total: met.total,
        page,
        pages: met.total.min(RESULTS_MAX as u32).div_ceil(u32::from(slots)),
        items: slot_bodies(&snapshot, &decision, search.from as usize),
        facets: facets.into_iter().map(facet).collect(),
        sort: search.sort.name().to_owned(),
        query: query(search, met),
        personalization: render::personalization(decision.personalization).to_owned(),
        fallback: render::fallback(decision.fallback).to_owned(),
        missing_ids: decision.missing_ids.clone(),
        skipped: decision.request.skipped.clone(),
        took_ms: took.as_millis() as u64,
    };
    app.shop.queue.log_decision(decision);
    Ok(body)
}

fn query(search: Search, met: Met) -> QueryBody {
    QueryBody {
        text: search.text,
        corrected: (!met.corrected.is_empty()).then_some(met.corrected),
        given_up: met.given_up,
        unknown: met.unknown,
        understood: met.understood.into_iter().map(understood).collect(),
        vectors: (!met.vectors.is_empty()).then_some(met.vectors),
        by_meaning: met.by_meaning,
    }
}

fn understood(one: bespoke_domain::search::Understood) -> UnderstoodBody {
    UnderstoodBody {
        text: one.text,
        about: one.about,
        value: (!one.value.is_empty()).then_some(one.value),
        from: one.bounds.0,
        to: one.bounds.1,
        filter: one.is_filter,
    }
}

fn facet(facet: Facet) -> FacetBody {
    let value = |one: bespoke_engine::facets::Value| FacetValueBody {
        value: one.value,
        count: one.count,
        chosen: one.chosen,
    };
    let range = |one: &bespoke_engine::facets::Stretch| FacetRangeBody {
        from: one.from,
        to: one.to,
        count: one.count,
    };
    FacetBody {
        name: facet.name,
        values: facet.values.into_iter().map(value).collect(),
        min: facet.bounds.map(|(min, _)| min),
        max: facet.bounds.map(|(_, max)| max),
        ranges: facet.stretches.iter().map(range).collect(),
    }
}
