//! What shops send over HTTP, into the writer's queue: events and catalogue patches, each with its fate.

use crate::boot::Shop;
use crate::http::EVENTS_MAX;
use crate::wire::canonical::Tables;
use crate::wire::catalog::VectorLength;
use crate::wire::error::ApiError;
use crate::wire::event::{Clamp, WireEvent};
use crate::writer::{EventsOutcome, Failure, Job};
use bespoke_domain::event::Device;
use bespoke_domain::settings::Scope;
use bespoke_domain::{Currency, Millis, Problem, ProductPatch};
use serde::Serialize;
use utoipa::ToSchema;

/// Most rows of one catalogue request.
pub const PATCHES_MAX: usize = 1000;

/// One row or event that was not taken in.
#[derive(Serialize, ToSchema)]
pub struct RejectedBody {
    /// Its place in the request, from 0.
    pub index: u32,
    /// The field at fault.
    pub field: String,
    /// A stable code.
    pub code: String,
    /// What is wrong and how to mend it.
    pub detail: String,
}

/// What became of a request's events.
#[derive(Serialize, ToSchema)]
pub struct EventsBody {
    /// Durable and visible.
    pub accepted: u32,
    /// Known already by their `event_id`.
    pub duplicates: u32,
    /// Not kept, because the shopper does not allow analytics.
    pub without_consent: u32,
    /// Of the accepted ones, those taken for a program's: they are kept, and nothing is learnt from them.
    pub programs: u32,
    /// Not taken in.
    pub rejected: Vec<RejectedBody>,
}

/// What became of a request's catalogue rows.
#[derive(Serialize, ToSchema)]
pub struct PatchesBody {
    /// Durable; visible to anyone within a second.
    pub accepted: u32,
    /// Not taken in.
    pub rejected: Vec<RejectedBody>,
}

fn rejected((index, problem): (u32, Problem)) -> RejectedBody {
    RejectedBody { index, field: problem.field, code: problem.code.to_owned(), detail: problem.detail }
}

/// Rows with their places in the request.
type Placed<T> = Vec<(u32, T)>;

/// Splits what was read into what goes on and what does not, remembering where each stood.
fn split<T>(read: Vec<Result<T, Problem>>) -> (Placed<T>, Placed<Problem>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (index, one) in (0..).zip(read) {
        match one {
            Ok(one) => good.push((index, one)),
            Err(problem) => bad.push((index, problem)),
        }
    }
    (good, bad)
}

/// Who sends events, or asks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Caller {
    /// What the key may do.
    pub scope: Scope,
    /// How likely it is a program, in per cent.
    pub bot: u8,
    /// What it runs on.
    pub device: Device,
}

impl Caller {
    /// A server, which speaks for its shoppers; what they are like it says in their events.
    pub const SERVER: Self = Self { scope: Scope::Secret, bot: 0, device: Device::Unknown };
}

/// Takes a request's events in; answers when they are durable and visible.
pub async fn events(shop: &Shop, caller: Caller, body: &[u8]) -> Result<EventsBody, ApiError> {
    let read = crate::wire::event::parse_events(body, EVENTS_MAX).map_err(ApiError::of)?;
    let allowed = |event: Result<WireEvent, Problem>| event.and_then(|event| may_claim(caller.scope, event));
    let (good, mut bad) = split(read.into_iter().map(allowed).collect());
    let (places, mut events): (Vec<u32>, Vec<WireEvent>) = good.into_iter().unzip();
    for event in events.iter_mut().map(|one| &mut one.event) {
        event.bot = event.bot.max(caller.bot);
        if event.device == Device::Unknown {
            event.device = caller.device;
        }
    }
    let outcome = if events.is_empty() {
        EventsOutcome::default()
    } else {
        wait(shop.queue.send(|reply| Job::Events(events, Clamp::Live, reply))).await?
    };
    bad.extend(outcome.rejected.into_iter().map(|(at, problem)| (places[at as usize], problem)));
    bad.sort_by_key(|(index, _)| *index);
    Ok(EventsBody {
        accepted: outcome.accepted,
        duplicates: outcome.duplicates,
        without_consent: outcome.without_consent,
        programs: outcome.programs,
        rejected: bad.into_iter().map(rejected).collect(),
    })
}

fn may_claim(scope: Scope, event: WireEvent) -> Result<WireEvent, Problem> {
    if event.user_id.is_some() && scope != Scope::Secret {
        let detail = "a publishable key cannot speak for a customer; send `user_id` from your server with a secret key";
        return Err(Problem::new("user_id", "forbidden_scope", detail));
    }
    Ok(event)
}

/// Takes a request's catalogue rows in.
pub async fn patches(shop: &Shop, body: &[u8], now: Millis) -> Result<PatchesBody, ApiError> {
    let currency = currency(shop).map_err(ApiError::of)?;
    let read = crate::wire::catalog::parse_patches(body, PATCHES_MAX, currency, now).map_err(ApiError::of)?;
    let mut length = VectorLength::new(shop.live.snapshot().aggregates.catalog.vectors().width());
    let (good, bad) = split(read.into_iter().map(|row| row.and_then(|patch| length.check(patch))).collect());
    let tables = Tables::of(shop.live.snapshot().aggregates.settings.as_deref());
    let mut patches: Vec<ProductPatch> = good.into_iter().map(|(_, patch)| patch).collect();
    patches.iter_mut().filter_map(|patch| patch.content.as_mut()).for_each(|content| tables.apply(content));
    let accepted = if patches.is_empty() {
        0
    } else {
        wait(shop.queue.send(|reply| Job::Patches(patches, reply))).await?
    };
    Ok(PatchesBody { accepted, rejected: bad.into_iter().map(rejected).collect() })
}

/// The shop's currency, for prices that name none.
pub fn currency(shop: &Shop) -> Result<Currency, Problem> {
    let snapshot = shop.live.snapshot();
    snapshot.aggregates.settings.as_ref().map_or_else(|| Currency::parse("EUR"), |one| Ok(one.shop.currency))
}

pub(crate) async fn wait<T>(
    answer: tokio::sync::oneshot::Receiver<Result<T, Failure>>,
) -> Result<T, ApiError> {
    answer.await.unwrap_or(Err(Failure::Busy)).map_err(ApiError::of_failure)
}
