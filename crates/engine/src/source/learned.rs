//! What learnt models recommend: each is asked with the shopper's history as the models were fitted on it, and its reasons
//! name the part of it that speaks most for a product, or what came last.

use super::{Scored, SourceSpec, products};
use crate::context::Context;
use crate::profile::{Act, seconds};
use crate::tables::PlannedSource;
use crate::training::{orders, weight};
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, ProductNo};
use bespoke_models::orders::Order;
use bespoke_models::recommender::Scores;
use bespoke_models::training_set::History;

/// What shoppers with the same products deal with.
pub static ITEM_ITEM: SourceSpec = learnt(
    "item_item",
    "What shoppers with the same products deal with, by the learnt model of this name; nothing before one is in force.",
    "shoppers who deal with the same things deal with",
    reason_of,
);
/// What follows from what the shopper dealt with.
pub static SLIM: SourceSpec = learnt(
    "slim",
    "What is predicted from what the shopper dealt with lately, by the learnt model of this name; nothing before one is in force.",
    "follow from what you look at and buy",
    reason_of,
);
/// What is nearest to the shopper's tastes.
pub static ALS: SourceSpec = learnt(
    "als",
    "What goes best with the shopper's tastes and the page's product, by the learnt model of this name; nothing before one is in force.",
    "go with your tastes, learnt from all shoppers",
    reason_of,
);
/// What follows from the graph of all shoppers and products.
pub static GRAPH_FILTER: SourceSpec = learnt(
    "graph_filter",
    "What near neighbours and the whole graph of shoppers and products say goes with what the shopper dealt with lately, by the learnt model of this name; nothing before one is in force.",
    "are near to what you look at and buy",
    reason_of,
);
/// What all products together say of each, in catalogues of up to 20,000 products.
pub static EASE: SourceSpec = learnt(
    "ease",
    "What is predicted from all that the shopper dealt with lately, by the learnt model of this name; nothing before one is in force.",
    "follow from all that you look at and buy",
    reason_of,
);
/// What comes next, from the order of the last events.
pub static SEQUENCE: SourceSpec = learnt(
    "sequence",
    "What shoppers deal with next after such a run of products, by the learnt model of this name; nothing before one is in force.",
    "come next after what you looked at",
    reason_after,
);
/// What comes next, new products among it.
pub static TWO_TOWER: SourceSpec = learnt(
    "two_tower",
    "What shoppers deal with next after such a run of products, new ones by what the catalogue says of them, by the learnt model of this name; nothing before one is in force.",
    "come next after what you looked at, new ones too",
    reason_after,
);

/// The source of the learnt model of its name.
const fn learnt(
    name: &'static str,
    doc: &'static str,
    plain: &'static str,
    reason: fn(&Context<'_>, &PlannedSource, Candidate) -> Reason,
) -> SourceSpec {
    SourceSpec { name, doc, plain, params: &[], is_evidence: true, yields, reason }
}

/// What the page's product counts, beside 1 for a product just looked at.
const PAGE_WEIGHT: f32 = 3.0;

/// What the shopper dealt with lately and how strongly, and the page's products.
pub fn history(context: &Context<'_>) -> History {
    let now_s = seconds(context.request.now);
    let recent =
        context.recent().map(|one| (one.product, weight(one.act(), now_s.saturating_sub(one.time_s))));
    let mut all: Vec<(ProductNo, f32)> = Vec::new();
    for (product, weight) in recent.chain(context.items.iter().map(|item| (*item, PAGE_WEIGHT))) {
        match all.iter_mut().find(|(held, _)| *held == product) {
            Some((_, sum)) => *sum += weight,
            None => all.push((product, weight)),
        }
    }
    let events = context.recent().map(|one| one.product).chain(context.items.iter().copied()).collect();
    History { weights: all, events, orders: ordered(context) }
}

/// The shopper's orders as far as the profile remembers them: of older ones each product with its last time only.
fn ordered(context: &Context<'_>) -> Vec<Order> {
    let recent = context.recent().filter(|one| one.act() == Act::Buy).map(|one| (one.time_s, one.product));
    let mut bought: Vec<_> = context.bought().map(|one| (one.time_s, one.product)).chain(recent).collect();
    bought.sort_unstable();
    bought.dedup();
    orders(bought.into_iter())
}

/// What the model in force recommends that is new to the shopper; nothing where there is none.
fn yields(context: &Context<'_>, used: &PlannedSource) -> Scored {
    let history = history(context);
    let known: Vec<ProductNo> = history.weights.iter().map(|(product, _)| *product).collect();
    yield_but(context, used.spec.name, &history, (&known, used.limit))
}

/// What the model in force recommends, but for some products.
pub fn yield_but(
    context: &Context<'_>,
    name: &str,
    history: &History,
    (excluded, limit): (&[ProductNo], usize),
) -> Scored {
    let Some(model) = context.snapshot.models.get(name).filter(|_| !history.is_empty()) else {
        return Vec::new();
    };
    products(Scores::with(|scratch| model.recommend(history, excluded, limit, scratch)))
}

/// What came last, for models that look at the order of events.
fn reason_after(context: &Context<'_>, used: &PlannedSource, _candidate: Candidate) -> Reason {
    let page = context.items.last().copied();
    let last = page.or_else(|| context.recent().next_back().map(|one| one.product));
    let text = last.map_or_else(String::new, |last| format!("What comes next after {}", context.title(last)));
    let based_on = last.into_iter().collect();
    Reason { code: used.spec.name.to_owned(), text, based_on, personal: page.is_none() }
}

/// The part of the history that speaks most for the candidate.
fn reason_of(context: &Context<'_>, used: &PlannedSource, candidate: Candidate) -> Reason {
    let Candidate::Product(product) = candidate else { return Reason::default() };
    let name = used.spec.name;
    let model = context.snapshot.models.get(name);
    let speaks = |(from, weight): (ProductNo, f32)| {
        (model.map_or(0.0, |model| weight * model.closeness(from, product)), from)
    };
    let most = history(context)
        .weights
        .into_iter()
        .map(speaks)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let basis = most.filter(|(speaks, _)| *speaks > 0.0).map(|(_, basis)| basis);
    let text = basis.map_or_else(
        || "Goes with what you looked at lately".to_owned(),
        |basis| format!("Shoppers with {} deal with this too", context.title(basis)),
    );
    let personal = basis.is_none_or(|basis| !context.items.contains(&basis));
    Reason { code: name.to_owned(), text, based_on: basis.into_iter().collect(), personal }
}
