//! New tables over the old catalogue: where a placement file changes what values mean, the rows that are in already are read
//! again from what the feed said.

use crate::boot::Shop;
use crate::wire::canonical::Tables;
use crate::writer::{Failure, Job};
use bespoke_domain::{ProductNo, ProductPatch};

/// Rows of one batch.
const BATCH: usize = 1000;

/// Applies the tables in force to every row; returns how many changed. For threads, never for async tasks.
///
/// # Errors
/// When rows cannot be written.
pub fn renew(shop: &Shop) -> Result<u64, Failure> {
    let snapshot = shop.live.snapshot();
    let catalog = &snapshot.aggregates.catalog;
    let tables = Tables::of(snapshot.aggregates.settings.as_deref());
    let renewed = |no: ProductNo| {
        let (before, as_of) = (catalog.content(no)?, catalog.content_as_of(no)?);
        let mut content = before.clone();
        tables.apply(&mut content);
        let id = catalog.id(no).to_owned();
        (content != before).then(|| ProductPatch {
            id,
            as_of,
            content: Some(Box::new(content)),
            ..ProductPatch::default()
        })
    };
    let mut patches = (0..catalog.len() as u32).map(ProductNo).filter_map(renewed);
    let mut count = 0;
    loop {
        let batch: Vec<ProductPatch> = patches.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(count);
        }
        count += u64::from(shop.queue.call(|reply| Job::Patches(batch, reply))?);
    }
}
