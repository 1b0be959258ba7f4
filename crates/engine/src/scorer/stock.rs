//! How deep the stock is.

use super::{Score, ScorerSpec};
use crate::catalog::Row;
use crate::context::Context;
use bespoke_domain::Candidate;

/// Units at which the score is a half.
const HALF_UNITS: f32 = 10.0;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "stock",
    doc: "Near 0 for the last pieces, a half at 10, near 1 where there is plenty or no stock is counted.",
    plain: "how much of it is there",
    prepare,
};

fn prepare<'a>(_context: &'a Context<'a>) -> Score<'a> {
    Box::new(|one| match one.candidate {
        Candidate::Category(_) | Candidate::Content(_) => 0.0,
        Candidate::Product(_) => depth(&one.row),
    })
}

/// The score of a product.
pub fn depth(row: &Row) -> f32 {
    match row.stock {
        u8::MAX => 1.0,
        units => f32::from(units) / (f32::from(units) + HALF_UNITS),
    }
}
