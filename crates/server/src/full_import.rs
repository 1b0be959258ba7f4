//! A file that is the whole catalogue: what it leaves out is no longer offered. Since a feed that broke on the way looks like a
//! shop that closed, the file is read twice: first to see what it would do, and only then to do it.

use crate::boot::Shop;
use crate::wire::lines::Line;
use anyhow::bail;
use bespoke_domain::product::Availability;
use bespoke_domain::{Millis, ProductNo, ProductPatch};

/// Share of products that a file may leave out without being asked about.
const REMOVED_MAX: f64 = 0.2;
/// Share of prices that it may leave out.
const PRICES_LOST_MAX: f64 = 0.05;

/// What a file would do.
#[derive(Debug, Default, PartialEq)]
pub struct Effect {
    /// Products offered now, in the catalogue with a text and not out of stock.
    pub offered: u64,
    /// Of these, those that the file does not name.
    pub removed: Vec<ProductNo>,
    /// Products whose price is known now, and of these those that the file names without one.
    pub prices: (u64, u64),
    /// Products whose price changes its currency.
    pub currencies_changed: u64,
    /// Lines with a fault that do not even tell their product.
    pub unreadable: u64,
}

/// Reads the rows for what they would do to the catalogue as it is.
pub fn effect(shop: &Shop, rows: &mut dyn Iterator<Item = Line<ProductPatch>>, now: Millis) -> Effect {
    let snapshot = shop.live.snapshot();
    let catalog = &snapshot.aggregates.catalog;
    let mut is_named = vec![false; catalog.len()];
    let mut effect = Effect::default();
    for (_, row) in rows {
        let id = match &row {
            Ok(patch) => Some(&*patch.id),
            Err(problem) => problem.row.as_deref(),
        };
        effect.unreadable += u64::from(id.is_none());
        let Some(product) = id.and_then(|id| snapshot.product(id)) else { continue };
        is_named[product.index()] = true;
        let Ok(patch) = row else { continue };
        let Some(before) = catalog.price(product) else { continue };
        effect.prices.0 += 1;
        match patch.price {
            None => effect.prices.1 += 1,
            Some(price) => effect.currencies_changed += u64::from(price.currency != before.currency),
        }
    }
    for no in (0..catalog.len() as u32).map(ProductNo) {
        if catalog.row(no).is_some_and(|row| row.is_available(now)) {
            effect.offered += 1;
            if !is_named[no.index()] {
                effect.removed.push(no);
            }
        }
    }
    effect
}

impl Effect {
    /// Refuses what looks like a broken feed.
    ///
    /// # Errors
    /// With every reason, and the way to have it done all the same.
    pub fn check(&self) -> anyhow::Result<()> {
        let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        let mut reasons = Vec::new();
        let removed = self.removed.len() as u64;
        if share(removed, self.offered) > REMOVED_MAX {
            reasons.push(format!("{removed} of {} products that are offered would be gone", self.offered));
        }
        let (priced, lost) = self.prices;
        if share(lost, priced) > PRICES_LOST_MAX {
            reasons.push(format!("{lost} of {priced} prices are missing"));
        }
        if self.currencies_changed > 0 {
            reasons.push(format!("{} prices are in another currency", self.currencies_changed));
        }
        if removed > 0 && self.unreadable > 0 {
            let lines = self.unreadable;
            reasons
                .push(format!("{lines} lines cannot be read, and {removed} products are not in the others"));
        }
        if !reasons.is_empty() {
            bail!(
                "nothing was changed: {}; if that is right, import it with --confirm",
                reasons.join(", and ")
            );
        }
        Ok(())
    }

    /// The rows that take out what the file leaves out.
    pub fn removals(&self, shop: &Shop, now: Millis) -> Vec<ProductPatch> {
        let snapshot = shop.live.snapshot();
        let patch = |product: &ProductNo| ProductPatch {
            id: snapshot.aggregates.catalog.id(*product).to_owned(),
            as_of: now,
            availability: Some(Availability::OutOfStock),
            ..ProductPatch::default()
        };
        self.removed.iter().map(patch).collect()
    }
}
