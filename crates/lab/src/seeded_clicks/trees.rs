//! Orders learned by the placement's ranker from what was shown and clicked: clicks corrected for places as the server does it, clicks as they
//! are, and clicks of shoppers who look at everything.

use super::market::{Asked, Market, Order, PAGE, SLOTS};
use super::{Error, PLACEMENT, scored};
use bespoke_domain::settings::{Objective, Settings};
use bespoke_domain::{Candidate, Event, EventItem, EventKind, ProductNo, ShopperNo};
use bespoke_engine::decide::describe;
use bespoke_engine::lessons::Slates;
use bespoke_engine::training::Training;
use bespoke_models::ranker::{HEAD_COUNT, Ranker, RankerRows};
use bespoke_models::recommender::FitRun;
use bespoke_sim::{Product, Shop, Shopper};
use serde::Serialize;
use std::collections::HashMap;

/// Weight of the scorer while the searches are served that trees learn from.
const SERVED: f32 = 0.05;

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Learned {
    /// What it is learned from.
    pub from: &'static str,
    /// Mean NDCG@10 of searches after the split.
    pub ndcg10: f64,
}

/// Learns from the searches before, and judges on those after.
pub fn measure(
    shop: &Shop,
    settings: &Settings,
    (before, after): (&[Asked], &[Asked]),
) -> Result<Vec<Learned>, Error> {
    let order = Order::Expected(SERVED);
    let mut settings = scored(settings, order);
    for placement in settings.placements.iter_mut().filter(|one| one.name == PLACEMENT) {
        placement.objective =
            Some(Objective { name: "clicks".to_owned(), click: 1.0, rows: SLOTS, ..Objective::default() });
    }
    let mut market = Market::new(shop, settings, order);
    let snapshot = market.engine().live().snapshot();
    let feature_set = snapshot.plan.get(PLACEMENT).map_or(0, |planned| planned.feature_set);
    let mut slates = Slates::new(PLACEMENT, feature_set);
    let mut everything: HashMap<u32, Vec<bool>> = HashMap::new();
    for asked in before {
        let (decision, clicked) = market.watch(asked);
        let Some(shopper) = decision.request.shopper else { continue };
        slates.decided(shopper, &decision);
        let all: Vec<ProductNo> = decision.slate.iter().filter_map(|slot| product(slot.candidate)).collect();
        tell(&mut slates, shopper, &decision, (EventKind::ViewItemList, &all));
        for place in clicked {
            tell(&mut slates, shopper, &decision, (EventKind::SelectItem, &all[place..=place]));
        }
        let who = Shopper::new(shop, asked.shopper);
        let would = |one: &Product| {
            let mut dice = market.dice(asked, one);
            // The first roll is whether it is looked at.
            _ = dice.unit();
            dice.happens(market.wanted(&who, asked, one))
        };
        everything.insert(asked.no, market.shown(&decision).iter().map(would).collect());
    }
    market.rest();
    let snapshot = market.engine().live().snapshot();
    let lessons = slates.lessons(&snapshot, &Training::default());
    let plain = RankerRows { weights: vec![1.0; lessons.rows.len()], ..lessons.rows.clone() };
    let mut all = RankerRows { weights: vec![1.0; lessons.rows.len()], ..lessons.rows.clone() };
    // Slates come in the order of their ids, which is that of the searches.
    let mut asked: Vec<u32> = everything.keys().copied().collect();
    asked.sort_unstable();
    let labels = asked.iter().flat_map(|no| &everything[no]).map(|would| f32::from(u8::from(*would)));
    all.labels[0] = labels.collect();
    let mut learned = vec![judge("the order set by hand", None, &market, after)?];
    for (from, rows) in [
        ("clicks, places corrected for", &lessons.rows),
        ("clicks as they are", &plain),
        ("clicks of who looks at everything", &all),
    ] {
        let ranker = fit(rows)?;
        learned.push(judge(from, Some(&ranker), &market, after)?);
    }
    Ok(learned)
}

fn fit(rows: &RankerRows) -> Result<Ranker, Error> {
    let ranker = Ranker::fit(rows, FitRun { seed: 1, threads: 2 });
    let ranker = ranker.map_err(|error| Error::Bench(format!("the ranker: {error:?}")))?;
    ranker.ok_or_else(|| Error::Bench("too little was clicked".to_owned()))
}

fn judge(
    from: &'static str,
    ranker: Option<&Ranker>,
    market: &Market<'_>,
    after: &[Asked],
) -> Result<Learned, Error> {
    let live = market.engine().live();
    let snapshot = live.snapshot();
    let mut sum = 0.0;
    for asked in after {
        let request = market.request(asked);
        let profile = request.shopper.and_then(|shopper| live.profile(shopper));
        let described = describe(&snapshot, profile.as_deref(), &request);
        let mut order: Vec<usize> = (0..described.candidates.len()).collect();
        if let Some(ranker) = ranker {
            let heads = ranker.predict(&described.values, [true; HEAD_COUNT]);
            order.sort_by(|a, b| heads[*b][0].total_cmp(&heads[*a][0]));
        }
        let shown: Vec<Product> =
            order.iter().take(PAGE).filter_map(|at| market.row(described.candidates[*at])).collect();
        sum += market.ndcg10(asked, &shown);
    }
    Ok(Learned { from, ndcg10: sum / after.len().max(1) as f64 })
}

fn product(candidate: Candidate) -> Option<ProductNo> {
    match candidate {
        Candidate::Product(product) => Some(product),
        Candidate::Category(_) | Candidate::Content(_) => None,
    }
}

/// Tells of what was in view of a decision, or clicked.
fn tell(
    slates: &mut Slates,
    shopper: ShopperNo,
    decision: &bespoke_domain::Decision,
    (kind, products): (EventKind, &[ProductNo]),
) {
    let event = Event {
        visible: true,
        decision: Some(decision.request.id),
        items: vec![EventItem::default(); products.len()],
        ..Event::new(kind, decision.request.now)
    };
    slates.happened(shopper, &event, products);
}
