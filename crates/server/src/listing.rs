//! The next page of a listing. The first decision pinned the order; each page takes its part of it, leaves out what may no
//! longer be shown, and is a decision of its own.

use crate::http::App;
use crate::recommend::{decide_and_log, find, new_id, permitted, utc_offset_min};
use crate::wire::error::ApiError;
use crate::wire::recommend::{AskedNext, RecommendBody};
use crate::wire::token;
use crate::{clock, render};
use bespoke_domain::{Candidate, Decision, Problem, Request};
use bespoke_engine::Snapshot;

/// Products looked at beyond the page, in place of those that may no longer be shown.
const SPARE: usize = 100;

/// The page that begins where the cursor says.
pub async fn next(app: &App, body: &[u8]) -> Result<RecommendBody, ApiError> {
    let asked = AskedNext::parse(body).map_err(ApiError::invalid)?;
    let (shop, now) = (&app.shop, clock::now());
    let (id, at) = token::read_cursor(&shop.secret.0, &asked.cursor, now).ok_or_else(stale)?;
    let first = find(shop, id).await?;
    let snapshot = shop.live.snapshot();
    let planned = snapshot.plan.get(&first.request.placement).ok_or_else(stale)?;
    let slots = if asked.n == 0 { planned.placement.slots } else { asked.n };
    let order = order(&first).skip(at as usize).take(usize::from(slots) + SPARE);
    let request = Request {
        id: new_id(now)?,
        now,
        shopper: first.request.shopper.and_then(|shopper| permitted(shop, &snapshot, shopper)),
        given: order.map(|candidate| render::id(&snapshot, candidate)).collect(),
        follows: Some((id, at)),
        utc_offset_min: utc_offset_min(&snapshot, now),
        slots,
        skipped: Vec::new(),
        ..first.request.clone()
    };
    let mut body = decide_and_log(app, &snapshot, request);
    body.next = next_place(&snapshot, &first, at, &body)
        .map(|next| token::make_cursor(&shop.secret.0, id, next, now));
    Ok(body)
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
