//! What sources of learnt models share: the shopper's history as the models were fitted on it, and reasons that name the part
//! of it that speaks most for a product.

use super::{Scored, products};
use crate::context::Context;
use crate::profile::{Act, seconds};
use crate::training::{orders, weight};
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, ProductNo};
use bespoke_models::orders::Order;
use bespoke_models::recommender::Scores;
use bespoke_models::training_set::History;

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
pub fn yield_of(context: &Context<'_>, name: &str, history: &History, limit: usize) -> Scored {
    let known: Vec<ProductNo> = history.weights.iter().map(|(product, _)| *product).collect();
    yield_but(context, name, history, (&known, limit))
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
pub fn reason_after(context: &Context<'_>, name: &str) -> Reason {
    let page = context.items.last().copied();
    let last = page.or_else(|| context.recent().next_back().map(|one| one.product));
    let text = last.map_or_else(String::new, |last| format!("What comes next after {}", context.title(last)));
    let based_on = last.into_iter().collect();
    Reason { code: name.to_owned(), text, based_on, personal: page.is_none() }
}

/// The part of the history that speaks most for the candidate.
pub fn reason_of(context: &Context<'_>, name: &str, candidate: Candidate) -> Reason {
    let Candidate::Product(product) = candidate else { return Reason::default() };
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
