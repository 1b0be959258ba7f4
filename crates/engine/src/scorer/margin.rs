//! What the shop earns with it.

use super::{Score, ScorerSpec};
use crate::context::Context;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "margin",
    doc: "Share of the price left after cost_of_goods_sold; 0 where no cost is known.",
    plain: "what the shop earns with it",
    prepare,
};

fn prepare<'a>(_context: &'a Context<'a>) -> Score<'a> {
    Box::new(|one| f32::from(one.row.margin) / 100.0)
}
