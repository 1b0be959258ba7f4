//! What sources of learnt models share: the shopper's history as the models were fitted on it, and reasons that name the part
//! of it that speaks most for a product.

use super::{Scored, products};
use crate::context::Context;
use crate::profile::{Profile, seconds};
use crate::training::{orders, weight};
use bespoke_domain::decision::Reason;
use bespoke_domain::{Candidate, ProductNo};
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
    let bought = context.profile.map_or(&[][..], Profile::bought);
    let orders = orders(bought.iter().map(|one| (one.time_s, one.product)));
    History { weights: all, events, orders }
}

/// What the model in force recommends; nothing where there is none.
pub fn yield_of(context: &Context<'_>, name: &str, history: &History, limit: usize) -> Scored {
    let Some(model) = context.snapshot.models.get(name).filter(|_| !history.is_empty()) else {
        return Vec::new();
    };
    let excluded: Vec<ProductNo> = history.weights.iter().map(|(product, _)| *product).collect();
    products(Scores::with(|scratch| model.recommend(history, &excluded, limit, scratch)))
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
