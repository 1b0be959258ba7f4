//! What the shopper's next order holds, reorders and new products in one list: a model learnt from the log. For shops where
//! people come back, in the cart and in mails.

use super::learned::{history, yield_but};
use super::{Scored, SourceSpec};
use crate::context::Context;
use crate::tables::PlannedSource;
use bespoke_domain::Candidate;
use bespoke_domain::decision::Reason;

/// The line in the table.
pub static SPEC: SourceSpec = SourceSpec {
    name: "next_basket",
    doc: "What the shopper reorders and what shoppers with the same habits buy, from their orders, by the learnt model of this name; nothing before one is in force.",
    plain: "you or shoppers with your habits buy again",
    params: &[],
    is_evidence: true,
    yields,
    reason,
};

fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let excluded = [&context.items[..], &context.cart].concat();
    yield_but(context, SPEC.name, &history(context), (&excluded, used.limit))
}

fn reason(context: &Context<'_>, _used: &PlannedSource, candidate: Candidate) -> Reason {
    let own = context.bought().map(|one| one.product).find(|one| candidate == Candidate::Product(*one));
    let text = match own {
        Some(_) => "You bought this before",
        None => "Shoppers who order what you order buy this",
    };
    let based_on = own.into_iter().collect();
    Reason { code: SPEC.name.to_owned(), text: text.to_owned(), based_on, personal: true }
}
