//! Whether those who asked the same clicked it more than where it stood would have it: clicks over expected clicks of this query, see
//! [`crate::queries::expected`]. Variants of a product are one: shoppers see one of them.

use super::{Score, ScorerSpec, of_products};
use crate::context::Context;
use crate::queries::Query;
use crate::queries::expected::{CLICK, USUAL};
use rustc_hash::FxHashMap;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "click_over_expected",
    doc: "For a search that at least five shoppers asked: clicks on it in these results, and additions to the cart, against what the places where it stood would bring; 1 at twice as many or more, -1 at half or fewer; thin evidence counts little. 0 for any other search, and without one.",
    plain: "how much others who searched for the same choose it",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let aggregates = &context.snapshot.aggregates;
    let asked = context.request.search.as_deref();
    let query = asked.and_then(|search| aggregates.queries.find(&search.text)).filter(|one| one.is_common());
    let group = |product| aggregates.catalog.row(product).map(|row| row.group);
    let mut known: FxHashMap<_, (u32, u32)> = FxHashMap::default();
    for one in query.map_or(&[][..], Query::evidence) {
        if let Some(group) = group(one.product) {
            let (expected, gained) = known.entry(group).or_default();
            *expected = expected.saturating_add(one.expected);
            *gained = gained.saturating_add(one.gained);
        }
    }
    of_products(move |product| {
        let Some((expected, gained)) = group(product).and_then(|group| known.get(&group)) else { return 0.0 };
        let clicks = |count: &u32| *count as f32 / CLICK as f32 + USUAL as f32;
        libm::log2f(clicks(gained) / clicks(expected)).clamp(-1.0, 1.0)
    })
}
