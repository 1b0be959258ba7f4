//! How many stars it has.

use super::{Score, ScorerSpec, of_products};
use crate::context::Context;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "rating",
    doc: "Half the stars by which it is above what is usual in the shop, from the catalogue's `rating` and `rate_item`; few ratings count little.",
    plain: "how it is rated",
    prepare,
};

/// Stars that a product has where the shop has no ratings yet.
const USUAL: f32 = 4.0;

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let aggregates = &context.snapshot.aggregates;
    let usual = aggregates.ratings.shop_mean().unwrap_or(USUAL);
    of_products(move |product| {
        let told = aggregates.catalog.facts(product).and_then(|facts| facts.rating);
        let told = told.map_or((0.0, 0.0), |(mean, count)| (mean, count as f32));
        ((aggregates.ratings.mean_with(product, told, usual) - usual) / 2.0).clamp(-1.0, 1.0)
    })
}
