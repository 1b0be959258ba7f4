//! What the storefront's server tells Bespoke: the events of a page, as a shop's server would send them.

use super::Site;
use super::modules::Module;
use super::visitor::{Visitor, random_id};
use crate::intake::Caller;
use bespoke_domain::event::Device;
use bespoke_domain::settings::Scope;
use serde_json::{Value, json};

/// The storefront's server speaks for its visitors.
pub const SITE: Caller = Caller { scope: Scope::Secret, bot: 0, device: Device::Unknown };

/// Sends events for a visitor who allows at least to be counted; without that, nothing leaves this function.
pub async fn send(site: &Site, visitor: &Visitor, events: Vec<Value>) {
    if !visitor.allows.analytics || events.is_empty() {
        return;
    }
    let complete = events.into_iter().map(|event| complete(visitor, event)).collect();
    let body = Value::Array(complete).to_string();
    match crate::intake::events(&site.app.shop, SITE, body.as_bytes()).await {
        Ok(outcome) if outcome.rejected.is_empty() => {}
        Ok(outcome) => {
            outcome.rejected.iter().for_each(|one| tracing::warn!(field = %one.field, detail = %one.detail, "an event of the storefront was not taken"));
        }
        Err(error) => tracing::warn!(?error, "the events of a page were not taken"),
    }
}

fn complete(visitor: &Visitor, mut event: Value) -> Value {
    event["event_id"] = random_id().into();
    event["consent"] = visitor.allows.json();
    if let Some(id) = &visitor.anonymous_id {
        event["anonymous_id"] = id.as_str().into();
    }
    if let Some(customer) = &visitor.customer {
        event["user_id"] = customer.as_str().into();
    }
    event
}

/// A page was shown.
pub fn page(kind: &str, path: &str) -> Value {
    let path = path.split('?').next().unwrap_or_default();
    json!({"event": "page_view", "page": {"type": kind, "path": path}})
}

/// A search was answered by a decision.
pub fn search(words: &str, result_count: u32, rec_token: &str) -> Value {
    json!({"event": "view_search_results", "page": {"type": "search"}, "search_term": words,
        "result_count": result_count, "rec_token": rec_token})
}

/// Something was done with products.
pub fn items(event: &str, page: &str, ids: &[&str]) -> Value {
    let items: Vec<Value> = ids.iter().map(|id| json!({"item_id": id})).collect();
    json!({"event": event, "page": {"type": page}, "items": items})
}

/// The modules of a page were rendered; whether they were seen, the browser says.
pub fn rendered(page: &str, modules: &[&Module]) -> Vec<Value> {
    let shows_products = |module: &&&Module| module.body.items.iter().any(|item| item.kind == "product");
    let event = |module: &&Module| {
        let ids: Vec<&str> = module.body.items.iter().map(|item| item.id.as_str()).collect();
        let mut event = items("view_item_list", page, &ids);
        event["placement_id"] = module.body.placement.as_str().into();
        event["rec_token"] = module.body.rec_token.as_str().into();
        event
    };
    modules.iter().filter(shows_products).map(event).collect()
}
