//! From a request's bytes to a slate, and back from a decision's id to the decision.

use crate::boot::{Shop, start_at_or_before};
use crate::http::App;
use crate::identities::{bucket_key, identity_key};
use crate::intake::Caller;
use crate::wire::error::ApiError;
use crate::wire::recommend::{
    Asked, BatchBody, BundleBody, ItemBody, MoneyBody, ReasonBody, RecommendBody, SlotBody,
};
use crate::wire::token;
use crate::{clock, render};
use bespoke_domain::decision::{Fallback, Slot};
use bespoke_domain::entry::IdentityKind;
use bespoke_domain::event::PageType;
use bespoke_domain::settings::{Clutter, Form, Scope};
use bespoke_domain::{Candidate, Decision, DecisionId, Millis, Purpose, Request, ShopperNo};
use bespoke_engine::Snapshot;
use bespoke_engine::replay::Replay;
use bespoke_engine::source::{CONTENT, MATCHES, POPULAR};
use bespoke_engine::tables::PlannedPlacement;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How often and how long a decision is looked for that may still be in the writer's queue.
const FIND_TRIES: u32 = 20;
const FIND_PAUSE: Duration = Duration::from_millis(25);

/// One slate. Where `timeout` leaves no time for it, only what is popular is looked at.
pub fn recommend(
    app: &App,
    caller: Caller,
    timeout: Duration,
    body: &[u8],
) -> Result<RecommendBody, ApiError> {
    let asked = Asked::parse(body).map_err(ApiError::invalid)?;
    answer(app, &app.shop.live.snapshot(), caller, timeout, asked)
}

/// Given ids in the order of a placement.
pub fn rank(app: &App, caller: Caller, timeout: Duration, body: &[u8]) -> Result<RecommendBody, ApiError> {
    let asked = Asked::parse_rank(body).map_err(ApiError::invalid)?;
    answer(app, &app.shop.live.snapshot(), caller, timeout, asked)
}

/// Slates for a whole page, on one snapshot; what one shows, the later ones leave out.
pub fn batch(app: &App, caller: Caller, timeout: Duration, body: &[u8]) -> Result<BatchBody, ApiError> {
    let all = Asked::parse_batch(body).map_err(ApiError::invalid)?;
    let snapshot = app.shop.live.snapshot();
    let (mut shown, mut results) = (Vec::new(), Vec::with_capacity(all.len()));
    let mut room = Room::of(&snapshot, all.first().map(|asked| asked.page).unwrap_or_default());
    for mut asked in all {
        asked.exclude_ids.extend_from_slice(&shown);
        asked.room = room.left(&snapshot, &asked.placement);
        let slate = answer(app, &snapshot, caller, timeout, asked)?;
        room.take(&snapshot, &slate);
        shown.extend(slate.items.iter().map(|item| item.id.clone()));
        results.push(slate);
    }
    Ok(BatchBody { results })
}

/// What is left of a page's budget.
struct Room(Option<Clutter>);

impl Room {
    /// The budget of a page, where the shop has set one.
    fn of(snapshot: &Snapshot, page: PageType) -> Self {
        let lines = snapshot.aggregates.settings.as_ref().map_or(&[][..], |settings| &settings.clutter);
        let of = |page| lines.iter().find(|line| line.page == page);
        Self(of(Some(page)).or_else(|| of(None)).cloned())
    }

    /// Slots that a placement may fill.
    fn left(&self, snapshot: &Snapshot, placement: &str) -> Option<u16> {
        let left = self.0.as_ref().filter(|_| is_module(snapshot, placement))?;
        Some(if left.modules == 0 { 0 } else { left.items })
    }

    fn take(&mut self, snapshot: &Snapshot, slate: &RecommendBody) {
        let Some(left) = self.0.as_mut().filter(|_| !slate.items.is_empty()) else { return };
        if is_module(snapshot, &slate.placement) {
            left.modules = left.modules.saturating_sub(1);
            left.items = left.items.saturating_sub(slate.items.len() as u16);
        }
    }
}

/// Whether a placement counts towards the page's budget: a listing is the page.
fn is_module(snapshot: &Snapshot, placement: &str) -> bool {
    snapshot.plan.get(placement).is_some_and(|planned| planned.placement.form != Form::Listing)
}

/// A cache asks, on behalf of whoever comes: what it says of itself says nothing of them.
const FOR_MANY: Caller = Caller { scope: Scope::Publishable, ..Caller::SERVER };

/// A slate that rests on nothing personal, for caches.
pub fn impersonal(app: &App, placement: String, query: Option<&str>) -> Result<RecommendBody, ApiError> {
    let asked = Asked::of_query(placement, query.unwrap_or_default()).map_err(ApiError::invalid)?;
    answer(app, &app.shop.live.snapshot(), FOR_MANY, crate::pace::TIMEOUT, asked)
}

/// Decides, logs and renders one slate.
fn answer(
    app: &App,
    snapshot: &Snapshot,
    caller: Caller,
    timeout: Duration,
    asked: Asked,
) -> Result<RecommendBody, ApiError> {
    let is_dry = asked.dry_run;
    let request = request_of(app, snapshot, caller, timeout, asked)?;
    let (body, decision) = decided(app, snapshot, request);
    if !is_dry {
        log(app, snapshot, decision);
    }
    Ok(body)
}

/// Decides, puts the decision into the log's queue, and renders it. The placement MUST be in the snapshot.
pub(crate) fn decide_and_log(app: &App, snapshot: &Snapshot, request: Request) -> RecommendBody {
    let (body, decision) = decided(app, snapshot, request);
    log(app, snapshot, decision);
    body
}

/// Puts a decision into the log's queue, and shows it to who would decide otherwise.
pub(crate) fn log(app: &App, snapshot: &Snapshot, decision: Decision) {
    if let Some(settings) = snapshot.aggregates.settings.as_deref() {
        app.ladder.shadow(&app.shop.live, settings, &decision);
    }
    app.shop.queue.log_decision(decision);
}

fn decided(app: &App, snapshot: &Snapshot, request: Request) -> (RecommendBody, Decision) {
    let started = Instant::now();
    let decision = app.shop.live.decide_on(snapshot, &request);
    let took = started.elapsed();
    note(app, &decision, took);
    (render_body(&app.shop, snapshot, &decision, took.as_millis() as u64), decision)
}

pub(crate) fn note(app: &App, decision: &Decision, took: Duration) {
    app.metrics.recommend_seconds.observe(took.as_secs_f64());
    if decision.request.skipped.is_empty() {
        app.pace.decided(took);
    } else {
        app.metrics.hurried.inc();
    }
    if decision.fallback != Fallback::None {
        app.metrics.fallbacks.inc();
    }
}

/// What is left out when there is no time: everything but the leaderboards, which are there already.
pub(crate) fn slower_sources(planned: &PlannedPlacement) -> Vec<String> {
    let names = planned.sources.iter().map(|source| source.spec.name);
    names
        .filter(|name| ![POPULAR.name, MATCHES.name, CONTENT.name].contains(name))
        .map(str::to_owned)
        .collect()
}

/// The request that is asked for, by who may ask it.
pub(crate) fn request_of(
    app: &App,
    snapshot: &Snapshot,
    caller: Caller,
    timeout: Duration,
    asked: Asked,
) -> Result<Request, ApiError> {
    if asked.user_id.is_some() && caller.scope != Scope::Secret {
        return Err(ApiError::new("forbidden_scope", "`user_id` needs a secret key (sk_…)"));
    }
    if asked.dry_run && caller.scope != Scope::Secret {
        return Err(ApiError::new("forbidden_scope", "`dry_run` needs a secret key (sk_…)"));
    }
    let Some(planned) = snapshot.plan.get(&asked.placement) else {
        let detail = format!("there is no placement {:?}", asked.placement);
        return Err(ApiError::new("unknown_placement", detail));
    };
    let now = clock::now();
    let skipped = if app.pace.is_short(timeout) { slower_sources(planned) } else { Vec::new() };
    let shopper = shopper(&app.shop, snapshot, (asked.user_id.as_ref(), asked.anonymous_id.as_ref()));
    Ok(Request {
        id: new_id(now)?,
        now,
        shopper,
        bucket: bucket(&app.shop, snapshot, shopper, &asked),
        session: session(&app.shop, snapshot, &asked),
        placement: asked.placement,
        page: asked.page,
        items: asked.item_ids,
        category: asked.category_path,
        cart: asked.cart_item_ids,
        exclude: asked.exclude_ids,
        given: asked.given,
        follows: None,
        filter: asked.filter,
        market: asked.market,
        locale: asked.locale,
        search: None,
        room: asked.room,
        utc_offset_min: utc_offset_min(snapshot, now),
        slots: asked.n,
        explain: asked.explain,
        skipped,
        bot: caller.bot,
    })
}

/// Minutes by which the shop's clock is ahead of UTC.
pub(crate) fn utc_offset_min(snapshot: &Snapshot, now: Millis) -> i16 {
    let name = snapshot.aggregates.settings.as_ref().map_or("UTC", |settings| &settings.shop.time_zone);
    let zone = jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC);
    let moment = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    (zone.to_offset(moment).seconds() / 60) as i16
}

/// Who asks, where they allow to be recognised; a decision without that consent is logged without a shopper.
pub(crate) fn shopper(
    shop: &Shop,
    snapshot: &Snapshot,
    (user_id, anonymous_id): (Option<&String>, Option<&String>),
) -> Option<ShopperNo> {
    let find = |kind, id: &String| shop.identities.get(identity_key(&shop.secret, kind, id));
    let user = user_id.and_then(|id| find(IdentityKind::User, id));
    let shopper = user.or_else(|| anonymous_id.and_then(|id| find(IdentityKind::Anonymous, id)))?;
    permitted(shop, snapshot, shopper)
}

/// By what the shopper is put into arms: the key of the oldest identity, or that of an id that nothing was heard of yet, so that who
/// comes for the first time is in the same arm from then on. 0 without consent.
fn bucket(shop: &Shop, snapshot: &Snapshot, shopper: Option<ShopperNo>, asked: &Asked) -> u64 {
    if let Some(shopper) = shopper {
        return shop.live.bucket(shopper);
    }
    let key = |kind, id: &Option<String>| id.as_ref().map(|id| identity_key(&shop.secret, kind, id));
    let keys = [key(IdentityKind::User, &asked.user_id), key(IdentityKind::Anonymous, &asked.anonymous_id)];
    let is_heard_of = keys.into_iter().flatten().any(|key| shop.identities.get(key).is_some());
    let unknown = snapshot.aggregates.unknown_consent();
    let new = keys[1].or(keys[0]).filter(|_| !is_heard_of && unknown.allows(Purpose::Personalization));
    new.map_or(0, bucket_key)
}

/// By what a visit is put into arms; 0 where who it is does not allow analytics, so that nothing of it would be told.
fn session(shop: &Shop, snapshot: &Snapshot, asked: &Asked) -> u64 {
    let Some(id) = asked.session_id.as_deref() else { return 0 };
    let unknown = snapshot.aggregates.unknown_consent();
    let ids = [(IdentityKind::User, &asked.user_id), (IdentityKind::Anonymous, &asked.anonymous_id)];
    let known = ids
        .into_iter()
        .find_map(|(kind, id)| shop.identities.get(identity_key(&shop.secret, kind, id.as_ref()?)));
    let profile = known.and_then(|shopper| shop.live.profile(shopper));
    let consent = profile.map_or(unknown, |profile| profile.consent(unknown));
    if consent.allows(Purpose::Analytics) { shop.secret.hash64("session", id) } else { 0 }
}

/// The shopper, with consent to personalization.
pub(crate) fn permitted(shop: &Shop, snapshot: &Snapshot, shopper: ShopperNo) -> Option<ShopperNo> {
    let unknown = snapshot.aggregates.unknown_consent();
    let consent = shop.live.profile(shopper).map_or(unknown, |profile| profile.consent(unknown));
    consent.allows(Purpose::Personalization).then_some(shopper)
}

/// A new id: 48 bits of milliseconds, so that a decision is found by its time, and 80 random bits.
pub(crate) fn new_id(now: Millis) -> Result<DecisionId, ApiError> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random[6..]).map_err(|_| ApiError::internal())?;
    Ok(DecisionId((now.0 as u128) << 80 | u128::from_be_bytes(random)))
}

fn render_body(shop: &Shop, snapshot: &Snapshot, decision: &Decision, took_ms: u64) -> RecommendBody {
    let request = &decision.request;
    let first = request.follows.map_or(0, |(_, at)| at as usize);
    let next = decision.slate.len() as u32;
    let next = (!decision.rest.is_empty())
        .then(|| token::make_cursor(&shop.secret.0, request.id, next, request.now));
    RecommendBody {
        next,
        bundle: bundle(snapshot, decision),
        request_id: decision.request.id.to_string(),
        rec_token: token::make(&shop.secret.0, decision.request.id, decision.request.now),
        placement: decision.request.placement.clone(),
        headline: decision.headline.clone(),
        items: slot_bodies(snapshot, decision, first),
        personalization: render::personalization(decision.personalization).to_owned(),
        fallback: render::fallback(decision.fallback).to_owned(),
        arms: render::arms(decision),
        missing_ids: decision.missing_ids.clone(),
        skipped: decision.request.skipped.clone(),
        took_ms,
    }
}

/// The slate, its first slot at position `first`.
pub(crate) fn slot_bodies(snapshot: &Snapshot, decision: &Decision, first: usize) -> Vec<SlotBody> {
    (first..).zip(&decision.slate).map(|(position, slot)| slot_body(snapshot, position, slot)).collect()
}

/// The page's product and the slate as one, where the placement is a bundle and all of it can be bought.
fn bundle(snapshot: &Snapshot, decision: &Decision) -> Option<BundleBody> {
    let is_bundle = snapshot.plan.get(&decision.request.placement)?.placement.form == Form::Bundle;
    let catalog = &snapshot.aggregates.catalog;
    let anchor = snapshot
        .product(decision.request.items.last().filter(|_| is_bundle && !decision.slate.is_empty())?)?;
    catalog.row(anchor).filter(|row| row.is_available(decision.request.now))?;
    let mut items = vec![anchor];
    for slot in &decision.slate {
        let Candidate::Product(product) = slot.candidate else { return None };
        items.push(product);
    }
    let mut prices = items.iter().map(|product| catalog.price(*product));
    let mut sum = prices.next()??;
    for price in prices {
        let price = price.filter(|price| price.currency == sum.currency)?;
        sum.minor = sum.minor.checked_add(price.minor)?;
    }
    let price = MoneyBody { amount: sum.amount(), currency: sum.currency.code().to_owned() };
    Some(BundleBody { item_ids: items.into_iter().map(|one| catalog.id(one).to_owned()).collect(), price })
}

fn slot_body(snapshot: &Snapshot, position: usize, slot: &Slot) -> SlotBody {
    let based_on =
        slot.reason.based_on.iter().map(|one| render::id(snapshot, Candidate::Product(*one))).collect();
    SlotBody {
        id: render::id(snapshot, slot.candidate),
        group_id: group_id(snapshot, slot.candidate),
        kind: render::kind(slot.candidate).to_owned(),
        position: position as u32,
        score: slot.score,
        pinned: slot.placed_by.is_some(),
        reason: ReasonBody {
            code: slot.reason.code.clone(),
            text: slot.reason.text.clone(),
            based_on,
            personal: slot.reason.personal,
        },
        item: item_body(snapshot, slot.candidate),
    }
}

fn group_id(snapshot: &Snapshot, candidate: Candidate) -> Option<String> {
    let Candidate::Product(product) = candidate else { return None };
    let content = snapshot.aggregates.catalog.content(product)?;
    (!content.item_group_id.is_empty()).then(|| content.item_group_id.clone())
}

pub(crate) fn item_body(snapshot: &Snapshot, candidate: Candidate) -> ItemBody {
    let catalog = &snapshot.aggregates.catalog;
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let title = render::title(snapshot, candidate);
    let bare = ItemBody { title, text: None, link: None, image_link: None, price: None };
    let product = match candidate {
        Candidate::Product(product) => product,
        Candidate::Category(_) => return bare,
        Candidate::Content(block) => {
            let Some(block) = snapshot.block_said(block) else { return bare };
            let (link, image_link) = (text(&block.link), text(&block.image));
            return ItemBody { text: text(&block.text), link, image_link, ..bare };
        }
    };
    let content = catalog.content(product);
    ItemBody {
        link: content.as_ref().and_then(|content| text(&content.link)),
        image_link: content.as_ref().and_then(|content| text(&content.image_link)),
        price: catalog
            .price(product)
            .map(|price| MoneyBody { amount: price.amount(), currency: price.currency.code().to_owned() }),
        ..bare
    }
}

/// The logged decision with this id; waits briefly for one that is still queued.
pub async fn find(shop: &Shop, id: DecisionId) -> Result<Decision, ApiError> {
    for _ in 0..FIND_TRIES {
        match shop.read(|reader| reader.decision(id)) {
            Ok(Some((_, decision))) => return Ok(decision),
            Ok(None) => tokio::time::sleep(FIND_PAUSE).await,
            Err(error) => {
                tracing::error!(%error, "a decision cannot be read");
                return Err(ApiError::internal());
            }
        }
    }
    Err(ApiError::new("not_found", "there is no such decision in the log"))
}

/// Recomputes a decision from the log, starting from a checkpoint where one is old enough.
pub fn replay(shop: &Shop, stored: &Decision) -> anyhow::Result<Decision> {
    shop.read(|reader| {
        let start = start_at_or_before(reader, stored.versions.snapshot_offset)?;
        let mut replay = Replay::new(stored, start);
        for (_, artifact) in &stored.versions.models {
            replay.shelve(*artifact, crate::learn::load(shop, *artifact)?);
        }
        let (from, until) = (replay.from(), replay.until());
        reader.read(from, until, &mut |offset, entry| {
            replay.feed(offset, &entry);
            ControlFlow::Continue(())
        })?;
        Ok(replay.finish())
    })
}
