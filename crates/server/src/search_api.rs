//! Search and category pages: a request's words to a decision with its facets.

use crate::http::App;
use crate::intake::Caller;
use crate::recommend::{find, log, note, request_of, slot_bodies};
use crate::wire::error::ApiError;
use crate::wire::search::{
    AskedSearch, FacetBody, FacetRangeBody, FacetValueBody, QueryBody, SearchBody, UnderstoodBody,
};
use crate::wire::token;
use crate::{clock, render};
use bespoke_domain::search::{Met, RESULTS_MAX, Search};
use bespoke_domain::{Decision, Problem, Request};
use bespoke_engine::Snapshot;
use bespoke_engine::facets::Facet;
use bespoke_models::learned::EMBEDDED;
use std::time::{Duration, Instant};

/// A search by a body.
pub async fn search(
    app: &App,
    caller: Caller,
    timeout: Duration,
    body: &[u8],
) -> Result<SearchBody, ApiError> {
    asked(app, caller, timeout, AskedSearch::parse(body, None)).await
}

/// The page of a category by a body.
pub async fn category(
    app: &App,
    caller: Caller,
    timeout: Duration,
    (body, category): (&[u8], &str),
) -> Result<SearchBody, ApiError> {
    asked(app, caller, timeout, AskedSearch::parse(body, Some(category))).await
}

/// A search by an address; `category` for the page of one.
pub async fn search_by_address(
    app: &App,
    caller: Caller,
    timeout: Duration,
    (query, category): (&str, Option<&str>),
) -> Result<SearchBody, ApiError> {
    asked(app, caller, timeout, AskedSearch::of_query(query, category)).await
}

/// A search by a body that goes on with no other.
pub fn search_at_once(
    app: &App,
    caller: Caller,
    timeout: Duration,
    body: &[u8],
) -> Result<SearchBody, ApiError> {
    let asked = AskedSearch::parse(body, None).map_err(ApiError::invalid)?;
    if asked.cursor.is_some() {
        return Err(stale());
    }
    answer(app, caller, timeout, (asked, None))
}

async fn asked(
    app: &App,
    caller: Caller,
    timeout: Duration,
    asked: Result<AskedSearch, Problem>,
) -> Result<SearchBody, ApiError> {
    let asked = asked.map_err(ApiError::invalid)?;
    let before = match &asked.cursor {
        Some(cursor) => Some(page_before(app, cursor).await?),
        None => None,
    };
    answer(app, caller, timeout, (asked, before))
}

/// The decision that a cursor goes on with.
async fn page_before(app: &App, cursor: &str) -> Result<Decision, ApiError> {
    let (id, _) = token::read_cursor(&app.shop.secret.0, cursor, clock::now()).ok_or_else(stale)?;
    find(&app.shop, id).await
}

fn stale() -> ApiError {
    let detail =
        "must be the `next` of an answer to the same question, at most 30 days old; begin again at page 1";
    ApiError::invalid(Problem::new("cursor", "invalid_cursor", detail))
}

/// Goes on with the page before, where it asked the same.
fn go_on(
    snapshot: &Snapshot,
    request: &Request,
    search: &mut Search,
    before: &Decision,
) -> Result<(), ApiError> {
    let had = before.request.search.as_deref().ok_or_else(stale)?;
    let same = |one: &Search| {
        (one.text.clone(), one.refinements.clone(), one.sort, one.literal, one.as_words.clone())
    };
    let about = |one: &Request| {
        let shown_in = (one.market.clone(), one.locale.clone());
        (one.placement.clone(), one.category.clone(), one.filter.clone(), shown_in)
    };
    if same(had) != same(search) || about(&before.request) != about(request) {
        return Err(stale());
    }
    search.vector.clone_from(&had.vector);
    search.after = Some(before.request.id);
    search.from = had.from + before.slate.len() as u32;
    let slate = before.slate.iter().map(|slot| render::id(snapshot, slot.candidate));
    search.shown = had.shown.iter().cloned().chain(slate).take(RESULTS_MAX).collect();
    Ok(())
}

fn answer(
    app: &App,
    caller: Caller,
    timeout: Duration,
    (asked, before): (AskedSearch, Option<Decision>),
) -> Result<SearchBody, ApiError> {
    let AskedSearch { asked, mut search, cursor: _, page } = asked;
    let is_dry = asked.dry_run;
    let snapshot = app.shop.live.snapshot();
    let request = request_of(app, &snapshot, caller, timeout, asked)?;
    let slots = snapshot.plan.get(&request.placement).map_or(0, |planned| planned.placement.slots);
    let slots = u32::from(if request.slots == 0 { slots } else { request.slots }.max(1));
    search.from = (page - 1) * slots;
    if let Some(before) = &before {
        go_on(&snapshot, &request, &mut search, before)?;
    }
    let from = search.from;
    if from as usize >= RESULTS_MAX {
        let detail = format!("only the first {RESULTS_MAX} results can be paged through; narrow the search");
        return Err(ApiError::invalid(Problem::new("page", "out_of_range", detail)));
    }
    let mut request = request;
    if let Some(embedding) = app.embedding.get().filter(|_| !search.literal && !search.text.trim().is_empty())
    {
        // A later page is compared as the first was.
        if before.is_none() {
            search.vector = embedding.vector(&search.text, timeout / 2);
        }
        if search.vector.is_none() {
            request.skipped.push(EMBEDDED[0].to_owned());
        }
    }
    let request = Request { search: Some(Box::new(search)), ..request };
    let started = Instant::now();
    let (decision, facets) = app.shop.live.search_on(&snapshot, &request);
    let took = started.elapsed();
    note(app, &decision, took);
    let body = rendered(app, &snapshot, &decision, (from / slots + 1, slots));
    if !is_dry {
        log(app, &snapshot, decision);
    }
    Ok(SearchBody {
        facets: facets.into_iter().map(facet).collect(),
        took_ms: took.as_millis() as u64,
        ..body
    })
}

/// The answer, but for its facets and its time; on this page, of so many slots.
fn rendered(app: &App, snapshot: &Snapshot, decision: &Decision, (page, slots): (u32, u32)) -> SearchBody {
    let (request, secret) = (&decision.request, &app.shop.secret.0);
    let met = decision.met.as_deref().cloned().unwrap_or_default();
    let search = request.search.as_deref().cloned().unwrap_or_default();
    let until = search.from + decision.slate.len() as u32;
    let count =
        |name: &str| decision.removed.iter().find(|(by, _)| by == name).map_or(0, |(_, count)| *count);
    let left = count("not_in_top");
    // Behind the end only what earlier pages show is left.
    let reached = if decision.slate.is_empty() { count("earlier_page") } else { until + left };
    let has_more = left > 0 && !decision.slate.is_empty() && until < RESULTS_MAX as u32;
    SearchBody {
        request_id: request.id.to_string(),
        rec_token: token::make(secret, request.id, request.now),
        placement: request.placement.clone(),
        total: met.total,
        page,
        pages: reached.min(RESULTS_MAX as u32).div_ceil(slots),
        next: has_more.then(|| token::make_cursor(secret, request.id, until, request.now)),
        items: slot_bodies(snapshot, decision, search.from as usize),
        facets: Vec::new(),
        sort: search.sort.name().to_owned(),
        query: query(search, met),
        personalization: render::personalization(decision.personalization).to_owned(),
        fallback: render::fallback(decision.fallback).to_owned(),
        arms: render::arms(decision),
        missing_ids: decision.missing_ids.clone(),
        skipped: request.skipped.clone(),
        took_ms: 0,
    }
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
        confidence: one.confidence,
        basis: one.basis.name().to_owned(),
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
