//! The next page of a listing. The first decision pinned the order; each page takes its part of it, leaves out what may no
//! longer be shown, and is a decision of its own.

use crate::http::App;
use crate::recommend::{decide_and_log, find, new_id, permitted, slower_sources, utc_offset_min};
use crate::wire::error::ApiError;
use crate::wire::recommend::{AskedNext, RecommendBody};
use crate::wire::token;
use crate::{clock, render};
use bespoke_domain::{Candidate, Decision, Millis, Problem, Request};
use bespoke_engine::Snapshot;
use std::time::Duration;

/// Products looked at beyond the page, in place of those that may no longer be shown.
const SPARE: usize = 100;

/// The page that begins where the cursor says.
pub async fn next(app: &App, timeout: Duration, body: &[u8]) -> Result<RecommendBody, ApiError> {
    let asked = AskedNext::parse(body).map_err(ApiError::invalid)?;
    let (shop, now) = (&app.shop, clock::now());
    let (id, at) = token::read_cursor(&shop.secret.0, &asked.cursor, now).ok_or_else(stale)?;
    let first = find(shop, id).await?;
    if first.request.search.is_some() {
        return Err(stale());
    }
    let snapshot = shop.live.snapshot();
    let planned = snapshot.plan.get(&first.request.placement).ok_or_else(stale)?;
    let slots = if asked.n == 0 { planned.placement.slots } else { asked.n };
    let skipped = if app.pace.is_short(timeout) { slower_sources(planned) } else { Vec::new() };
    let mut at = at;
    // Where all of a stretch may no longer be shown, the listing goes on after it.
    loop {
        let asked =
            Request { slots, skipped: skipped.clone(), ..ask(app, &snapshot, (&first, at, slots), now)? };
        let mut body = decide_and_log(app, &snapshot, asked);
        let after = at + u32::from(slots) + SPARE as u32;
        if body.items.is_empty() && order(&first).nth(after as usize).is_some() {
            at = after;
            continue;
        }
        body.next = next_place(&snapshot, &first, at, &body)
            .map(|next| token::make_cursor(&shop.secret.0, id, next, now));
        return Ok(body);
    }
}

/// The request for what comes from `at` on in the order of `first`, as far as a page and its spares can reach.
fn ask(
    app: &App,
    snapshot: &Snapshot,
    (first, at, slots): (&Decision, u32, u16),
    now: Millis,
) -> Result<Request, ApiError> {
    let shop = &app.shop;
    let shopper = first.request.shopper.and_then(|shopper| permitted(shop, snapshot, shopper));
    let order = order(first).skip(at as usize).take(usize::from(slots) + SPARE);
    Ok(Request {
        id: new_id(now)?,
        now,
        shopper,
        bucket: first
            .request
            .shopper
            .map_or(first.request.bucket, |_| shopper.map_or(0, |one| shop.live.bucket(one))),
        given: order.map(|candidate| render::id(snapshot, candidate)).collect(),
        follows: Some((first.request.id, at)),
        utc_offset_min: utc_offset_min(snapshot, now),
        ..first.request.clone()
    })
}

fn stale() -> ApiError {
    let detail =
        "must be the `next` of an answer of this shop, at most 30 days old; begin again at the first page";
    ApiError::invalid(Problem::new("cursor", "invalid_cursor", detail))
}

fn order(first: &Decision) -> impl Iterator<Item = Candidate> + '_ {
    first.slate.iter().map(|slot| slot.candidate).chain(first.rest.iter().copied())
}

/// Where the order of `first` goes on after the page that began `at`; `None` at its end.
fn next_place(snapshot: &Snapshot, first: &Decision, at: u32, page: &RecommendBody) -> Option<u32> {
    let last = &page.items.last()?.id;
    let shown = order(first).skip(at as usize).position(|one| render::id(snapshot, one) == *last)?;
    let next = at + 1 + shown as u32;
    order(first).nth(next as usize).map(|_| next)
}
