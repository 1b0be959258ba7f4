//! Simulated shoppers who come to the simulated shop while it runs, a few a second: each looks at what it came for, is shown a slate in its arm of the demo's
//! experiment, and clicks and buys by the simulation's own equations (`bespoke_sim::truth`). They ask and tell what a shop's pages would. Nothing of them is real,
//! and the page that counts them says so.

use super::simulated::params;
use crate::http::App;
use crate::{clock, intake, recommend};
use bespoke_domain::event::Device;
use bespoke_domain::settings::Scope;
use bespoke_sim::catalogue::Product;
use bespoke_sim::dice::{Dice, What};
use bespoke_sim::{Shop, Shopper, truth};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The placement that they are asked for, and its experiment.
pub const PLACEMENT: &str = "home_tested";
/// Its experiment.
pub const EXPERIMENT: &str = "front_page";
/// How many come, and the pause between two.
pub const CROWD: u32 = 6_000;
const PAUSE: Duration = Duration::from_millis(200);
/// They tell by the shop's server.
const CALLER: intake::Caller = intake::Caller { scope: Scope::Secret, bot: 0, device: Device::Desktop };
/// Products that one looks at first.
const LOOKS: u32 = 3;
/// Numbers of simulated shoppers who were not there in the shop's past.
const FIRST: u32 = 1_000_000;

/// Lets them come, one after the other; `count` says how many have.
pub async fn live(app: Arc<App>, count: Arc<AtomicU32>) {
    let shop = Shop::new(params(clock::now()));
    for no in 0..CROWD {
        tokio::time::sleep(PAUSE).await;
        let shopper = Shopper::new(&shop, FIRST + no);
        if visit(&app, &shop, &shopper).await.is_none() {
            tracing::warn!("a simulated shopper was not answered; no more of them come");
            return;
        }
        count.fetch_add(1, Ordering::Relaxed);
    }
}

async fn visit(app: &App, shop: &Shop, shopper: &Shopper) -> Option<()> {
    let mut dice = Dice::new(shop.params.seed, What::Shopper, u64::from(shopper.no) << 20);
    let products = shop.products_of(shopper.leaves[0]);
    let mut looked = || shop.id(products.start + dice.below(products.end - products.start));
    let looks: Vec<Value> =
        (0..LOOKS).map(|_| json!({"event": "view_item", "items": [{"item_id": looked()}]})).collect();
    tell(app, shopper, looks).await?;
    let ask = json!({"placement": PLACEMENT, "anonymous_id": shopper.anonymous_id(), "context": {"page_type": "home"}});
    let slate = recommend::recommend(app, CALLER, crate::pace::TIMEOUT, ask.to_string().as_bytes()).ok()?;
    let ids: Vec<&str> = slate.items.iter().map(|item| item.id.as_str()).collect();
    let items: Vec<Value> = ids.iter().map(|id| json!({"item_id": id})).collect();
    let mut happened = vec![
        json!({"event": "view_item_list", "placement_id": PLACEMENT, "rec_token": slate.rec_token, "visible": true, "items": items}),
    ];
    for (place, id) in (0..).zip(&ids) {
        let Some(product) = shop.product_with_id(id).map(|no| shop.product(no)) else { continue };
        happened.extend(dealt(shop, shopper, (&product, id, place), &mut dice, &slate.rec_token));
    }
    tell(app, shopper, happened).await
}

/// What becomes of a product at a place of the slate.
fn dealt(
    shop: &Shop,
    shopper: &Shopper,
    (product, id, place): (&Product, &str, u32),
    dice: &mut Dice,
    token: &str,
) -> Vec<Value> {
    let wanted = truth::utility(shop, shopper, product);
    if !dice.happens(truth::examination(place) * truth::click_if_seen(wanted)) {
        return Vec::new();
    }
    let items = json!([{"item_id": id, "quantity": 1}]);
    let mut happened = vec![
        json!({"event": "select_item", "rec_token": token, "items": items}),
        json!({"event": "view_item", "rec_token": token, "items": items}),
    ];
    if product.stock > 0 && dice.happens(truth::cart_if_viewed(wanted) * truth::PAID_IF_CARTED) {
        let order = format!("sim-o-{}-{place}", shopper.no);
        happened.push(json!({"event": "add_to_cart", "items": items}));
        happened.push(json!({"event": "purchase", "transaction_id": order, "items": items}));
    }
    happened
}

/// Sends events of one of them, as a shop's server would; `None` where they are not taken.
async fn tell(app: &App, shopper: &Shopper, events: Vec<Value>) -> Option<()> {
    let granted = json!({"analytics": "granted", "personalization": "granted", "marketing": "denied"});
    let complete = |mut event: Value| {
        event["anonymous_id"] = shopper.anonymous_id().into();
        event["session_id"] = format!("sim-live-{}", shopper.no).into();
        event["consent"] = granted.clone();
        event
    };
    let body = Value::Array(events.into_iter().map(complete).collect()).to_string();
    let outcome = intake::events(&app.shop, CALLER, body.as_bytes()).await.ok()?;
    outcome.rejected.is_empty().then_some(())
}
