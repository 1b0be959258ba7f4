//! Changes of the settings in force, one call each: how far a placement is rolled out (0 switches it off), and the way back to
//! settings that were in force before. Each writes whole settings to the log; the ones before stay there.

use crate::boot::Shop;
use crate::http::App;
use crate::intake::wait;
use crate::wire::error::ApiError;
use crate::wire::field::object_of;
use crate::wire::words::{SearchSettingsBody, parse_change};
use crate::writer::Job;
use bespoke_domain::{Body, Offset, Problem, Settings};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// How often and how long new settings are waited for until they are visible.
const TRIES: u32 = 80;
const PAUSE: Duration = Duration::from_millis(25);

/// Settings that are or were in force.
#[derive(Serialize, ToSchema, Debug)]
pub struct VersionBody {
    /// Its number.
    pub version: u64,
    /// When it was put into force, in milliseconds of the epoch.
    pub put_at_ms: i64,
    /// Whether it is in force now.
    pub in_force: bool,
}

/// The last versions of the settings, the newest first.
#[derive(Serialize, ToSchema, Debug)]
pub struct VersionsBody {
    /// At most 50.
    pub versions: Vec<VersionBody>,
}

/// The versions that can be gone back to.
pub fn versions(shop: &Shop) -> VersionsBody {
    let aggregates = &shop.live.snapshot().aggregates;
    let version = |(offset, received): &(Offset, bespoke_domain::Millis)| VersionBody {
        version: offset.0,
        put_at_ms: received.0,
        in_force: *offset == aggregates.settings_offset,
    };
    VersionsBody { versions: aggregates.settings_history.iter().rev().map(version).collect() }
}

/// Puts the settings of `{"version": N}` into force again, as a new version.
pub async fn roll_back(app: &App, body: &[u8]) -> Result<VersionsBody, ApiError> {
    let mut fields = object_of(body).map_err(ApiError::invalid)?;
    let version = fields.count("version", u64::MAX).map_err(ApiError::invalid)?;
    fields.none_left().map_err(ApiError::invalid)?;
    let known = versions(&app.shop).versions;
    let found = version.filter(|version| known.iter().any(|one| one.version == *version));
    let offset = found.ok_or_else(|| {
        let detail = "must be one of GET /v1/settings/versions";
        ApiError::invalid(Problem::new("version", "unknown_version", detail))
    })?;
    let entry = app.shop.read(|reader| reader.entry(Offset(offset))).map_err(|error| {
        tracing::error!(%error, "settings cannot be read");
        ApiError::internal()
    })?;
    match entry.map(|entry| entry.body) {
        // What the file said last stays known: else its next reading would take for a change what is none.
        Some(Body::Settings(settings)) => {
            put(app, |now| Ok(Settings { file: now.file.clone(), ..*settings })).await
        }
        _ => Err(ApiError::internal()),
    }
}

/// Rolls a placement out to `{"rollout": 0..100}` per cent of shoppers.
pub async fn roll_out(app: &App, placement: &str, body: &[u8]) -> Result<VersionsBody, ApiError> {
    let mut fields = object_of(body).map_err(ApiError::invalid)?;
    let rollout = fields.count("rollout", 100).map_err(ApiError::invalid)?;
    fields.none_left().map_err(ApiError::invalid)?;
    let missing = || ApiError::invalid(Problem::new("rollout", "missing", "must be from 0 to 100 per cent"));
    let rollout = rollout.ok_or_else(missing)? as u8;
    put(app, |settings| {
        let mut settings = settings.clone();
        let found = settings.placements.iter_mut().find(|one| one.name == placement);
        let unknown = || ApiError::new("unknown_placement", format!("there is no placement {placement:?}"));
        found.ok_or_else(unknown)?.rollout = rollout;
        Ok(settings)
    })
    .await
}

/// What is set of search.
pub fn search_settings(shop: &Shop) -> SearchSettingsBody {
    let snapshot = shop.live.snapshot();
    let search = snapshot.aggregates.settings.as_ref().map(|settings| settings.search.clone());
    SearchSettingsBody::of(&search.unwrap_or_default())
}

/// Sets the language of search and its synonyms; what is not named stays as it is.
pub async fn put_search_settings(app: &App, body: &[u8]) -> Result<SearchSettingsBody, ApiError> {
    put(app, |settings| {
        let search = parse_change(body, &settings.search).map_err(ApiError::invalid)?;
        Ok(Settings { search, ..settings.clone() })
    })
    .await?;
    Ok(search_settings(&app.shop))
}

/// Waits until settings later than these are visible; whether they are. For threads, never for async tasks.
#[allow(clippy::disallowed_methods, reason = "a thread of its own that waits for the writer")]
pub(crate) fn is_visible(shop: &Shop, before: Offset) -> bool {
    (0..TRIES).any(|_| {
        let is_later = shop.live.snapshot().aggregates.settings_offset > before;
        if !is_later {
            std::thread::sleep(PAUSE);
        }
        is_later
    })
}

/// Changes the settings in force; answers when the change is visible. One change at a time.
pub(crate) async fn put(
    app: &App,
    change: impl FnOnce(&Settings) -> Result<Settings, ApiError>,
) -> Result<VersionsBody, ApiError> {
    let _alone = app.shop.changing.lock().await;
    let shop: &Arc<Shop> = &app.shop;
    let before = shop.live.snapshot();
    let settings = before.aggregates.settings.as_deref().ok_or_else(ApiError::internal)?;
    let had = settings.canonical.clone();
    let settings = Box::new(change(settings)?);
    wait(shop.queue.send(|reply| Job::Settings(settings, reply))).await?;
    for _ in 0..TRIES {
        if shop.live.snapshot().aggregates.settings_offset > before.aggregates.settings_offset {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let now = shop.live.snapshot();
    if now.aggregates.settings.as_ref().is_some_and(|now| now.canonical != had) {
        let shop = shop.clone();
        let renewed = tokio::task::spawn_blocking(move || crate::renew::renew(&shop)).await;
        renewed.map_err(|_| ApiError::internal())?.map_err(ApiError::of_failure)?;
    }
    Ok(versions(shop))
}
