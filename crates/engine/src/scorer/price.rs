//! Whether it is dear or cheap for what it is.

use super::{Score, ScorerSpec};
use crate::context::Context;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "price",
    doc: "1 at half of what is usual in its category, -1 at twice; 0 where no price is known.",
    plain: "what it costs for what it is",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let levels = &context.snapshot.aggregates.levels;
    Box::new(|one| {
        levels.above(one.row.category, one.row.octave).map_or(0.0, |above| (-above).clamp(-1.0, 1.0))
    })
}
