//! How well a product's vector of tastes goes with the shopper's, folded in from what they dealt with lately: implicit
//! alternating least squares, learnt from the log.

use super::{Score, ScorerSpec, of_products};
use crate::context::Context;
use crate::source::learned::history;
use bespoke_models::learned::Learned;

/// The line in the table.
pub static SPEC: ScorerSpec = ScorerSpec {
    name: "als",
    doc: "How well it goes with the shopper's tastes and the page's product, by the learnt model of this name; 0 before one is in force.",
    plain: "how well it goes with your tastes, learnt from all shoppers",
    prepare,
};

fn prepare<'a>(context: &'a Context<'a>) -> Score<'a> {
    let Some(Learned::Als(model)) = context.snapshot.models.get(SPEC.name).map(|model| &**model) else {
        return Box::new(|_| 0.0);
    };
    let vector = model.fold_in(&history(context).weights);
    of_products(move |product| model.score(&vector, product).clamp(-1.0, 1.0))
}
