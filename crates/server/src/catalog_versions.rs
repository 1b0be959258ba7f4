//! The way back from a catalogue file: what each of the last three imports changed can be undone. What came in after it – stock
//! of this morning – stays.

use crate::boot::{Shop, start_at_or_before};
use crate::clock;
use crate::http::App;
use crate::wire::error::ApiError;
use crate::wire::field::object_of;
use crate::writer::{Failure, Job};
use bespoke_domain::entry::ImportMark;
use bespoke_domain::{Body, Offset, Problem, ProductNo, ProductPatch};
use bespoke_engine::aggregates::Import;
use bespoke_engine::{Engine, Snapshot};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Rows of one batch.
const BATCH: usize = 2000;

/// The catalogue as it was before a file was imported.
#[derive(Serialize, ToSchema, Debug)]
pub struct CatalogVersionBody {
    /// Its number.
    pub version: u64,
    /// Until when it stood, in milliseconds of the epoch: when the file began.
    pub until_ms: i64,
    /// Whether that file went in to its end.
    pub completed: bool,
    /// Products that could be shown.
    pub offered: u64,
}

/// The last versions of the catalogue, the newest first.
#[derive(Serialize, ToSchema, Debug)]
pub struct CatalogVersionsBody {
    /// At most 3.
    pub versions: Vec<CatalogVersionBody>,
    /// Products that can be shown now.
    pub offered: u64,
    /// Products that a rollback has just changed.
    pub changed: u64,
}

/// The versions that can be gone back to.
pub fn versions(shop: &Shop) -> CatalogVersionsBody {
    let snapshot = shop.live.snapshot();
    let version = |import: &Import| CatalogVersionBody {
        version: import.before.0,
        until_ms: import.began.0,
        completed: import.ended.is_some(),
        offered: import.offered,
    };
    CatalogVersionsBody {
        versions: snapshot.aggregates.imports.iter().rev().map(version).collect(),
        offered: snapshot.aggregates.catalog.available(clock::now()).count() as u64,
        changed: 0,
    }
}

/// Goes back to the catalogue of `{"version": N}`: undoes what its import changed, as an import of its own that can be
/// undone in turn.
pub async fn roll_back(app: &App, body: &[u8]) -> Result<CatalogVersionsBody, ApiError> {
    let mut fields = object_of(body).map_err(ApiError::invalid)?;
    let version = fields.count("version", u64::MAX).map_err(ApiError::invalid)?;
    fields.none_left().map_err(ApiError::invalid)?;
    let known = app.shop.live.snapshot().aggregates.imports.clone();
    let import = known.into_iter().find(|import| Some(import.before.0) == version).ok_or_else(|| {
        let detail = "must be one of GET /v1/catalog/versions";
        ApiError::invalid(Problem::new("version", "unknown_version", detail))
    })?;
    let _alone = app.shop.changing.lock().await;
    let shop = app.shop.clone();
    let undone = tokio::task::spawn_blocking(move || undo(&shop, import)).await;
    let changed = undone.map_err(|_| ApiError::internal())?.map_err(|error| {
        tracing::error!("the catalogue was not rolled back: {error:#}");
        ApiError::internal()
    })?;
    Ok(CatalogVersionsBody { changed, ..versions(&app.shop) })
}

fn undo(shop: &Arc<Shop>, import: Import) -> anyhow::Result<u64> {
    let snapshot = shop.live.snapshot();
    let start = shop.read(|reader| start_at_or_before(reader, import.before))?;
    let mut engine = start.unwrap_or_default();
    let before = catalogue_at(shop, &mut engine, import.before)?;
    let after = catalogue_at(shop, &mut engine, import.ended.unwrap_or(snapshot.aggregates.offset))?;
    let (catalog, now) = (&snapshot.aggregates.catalog, clock::now());
    let undone = |no: ProductNo| {
        let both = (&before.aggregates.catalog, &after.aggregates.catalog);
        let patch = catalog.undone(no, both, after.product(catalog.id(no)))?;
        Some(ProductPatch { as_of: now, ..patch })
    };
    let patches: Vec<ProductPatch> = (0..catalog.len() as u32).map(ProductNo).filter_map(undone).collect();
    put_file(shop, |shop| {
        for batch in patches.chunks(BATCH) {
            shop.queue.call(|reply| Job::Patches(batch.to_vec(), reply))?;
        }
        Ok(patches.len() as u64)
    })
    .map_err(|failure| anyhow::anyhow!("{failure:?}"))
}

/// Takes rows in as one file that can be undone.
pub fn put_file<T>(shop: &Shop, rows: impl FnOnce(&Shop) -> Result<T, Failure>) -> Result<T, Failure> {
    shop.queue.call(|reply| Job::Import(ImportMark::Begins, reply))?;
    let done = rows(shop)?;
    shop.queue.call(|reply| Job::Import(ImportMark::Ends, reply))?;
    shop.queue.call(Job::Checkpoint)?;
    Ok(done)
}

/// Folds the rows up to `until` in; the state of the catalogue then.
fn catalogue_at(shop: &Shop, engine: &mut Engine, until: Offset) -> anyhow::Result<Arc<Snapshot>> {
    shop.each_entry(
        (engine.offset(), until),
        |_| Ok(()),
        |offset, entry| {
            if matches!(entry.body, Body::Catalog(_)) {
                engine.apply(offset, &entry);
            }
        },
    )?;
    engine.publish();
    Ok(engine.live().snapshot())
}
