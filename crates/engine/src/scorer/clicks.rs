//! How much it is clicked for where it stands.

use super::{Score, ScorerSpec, of_products};
use crate::context::Context;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "clicks",
    doc: "Clicks against what its positions in lists would bring: 1 at twice as many or more, -1 at half or fewer; from lists with `visible: true`; thin evidence counts little.",
    plain: "how much others click on it where they see it",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let appeal = &context.snapshot.aggregates.appeal;
    of_products(move |product| libm::log2f(appeal.of(product)).clamp(-1.0, 1.0))
}
