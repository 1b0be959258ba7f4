//! What such a shop sends: one JSON object an event or a row, as in `docs/events.md` and `docs/catalogue.md`.

use crate::catalogue::Shop;
use crate::shopper::Shopper;
use crate::stream::Fact;
use bespoke_domain::event::{Details, EventItem};
use bespoke_domain::{Event, EventKind, Money, ProductPatch, Purpose};
use serde_json::{Map, Value, json};

/// An event as the shop's page sends it.
pub fn event(shop: &Shop, fact: &Fact) -> Value {
    let (event, shopper) = (&fact.event, Shopper::new(shop, fact.shopper));
    let details = event.details.as_deref();
    let custom = details.and_then(|details| details.custom.as_deref());
    let granted = |purpose| if shopper.consent.allows(purpose) { "granted" } else { "denied" };
    let mut line = json!({
        "event": if event.kind == EventKind::Custom { custom.unwrap_or("x_custom") } else { event.kind.spec().name },
        "event_id": format!("sim-{}", event.key),
        "anonymous_id": shopper.anonymous_id(),
        "session_id": format!("sim-v-{}", event.session),
        "event_time": event.time.0,
        "page": {"type": event.page.name()},
        "consent": {
            "analytics": granted(Purpose::Analytics),
            "personalization": granted(Purpose::Personalization),
            "marketing": granted(Purpose::Marketing),
        },
    });
    if let Value::Object(fields) = &mut line {
        add_rest(fields, event, details);
        if fact.is_signed_in {
            fields.insert("user_id".to_owned(), shopper.user_id().into());
        }
    }
    line
}

fn add_rest(fields: &mut Map<String, Value>, event: &Event, details: Option<&Details>) {
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    put("visible", event.visible.then(|| true.into()));
    put("currency", event.currency.map(|currency| currency.code().into()));
    let items: Vec<Value> = event.items.iter().map(|one| item(one, event)).collect();
    put("items", (!items.is_empty()).then(|| items.into()));
    let text = |text: &Option<Box<str>>| text.as_deref().map(Value::from);
    put("search_term", details.and_then(|details| text(&details.search_term)));
    put("result_count", details.and_then(|details| details.result_count).map(Value::from));
    put("transaction_id", details.and_then(|details| text(&details.transaction_id)));
    put("placement_id", details.and_then(|details| text(&details.placement)));
    put("rating", details.and_then(|details| details.rating).map(Value::from));
    put("reason", details.and_then(|details| text(&details.reason)));
    put("outcome", details.and_then(|details| text(&details.outcome)));
    put("channel", details.and_then(|details| text(&details.channel)));
    put("message_id", details.and_then(|details| text(&details.message)));
    put("value", details.and_then(|details| details.value).map(amount));
}

fn item(item: &EventItem, event: &Event) -> Value {
    let mut line = json!({"item_id": item.item_id, "quantity": item.quantity});
    if let (Some(minor), Some(currency)) = (item.price_minor, event.currency) {
        line["price"] = amount(Money { minor, currency });
    }
    if let Some(index) = item.index {
        line["index"] = index.into();
    }
    line
}

fn amount(money: Money) -> Value {
    money.amount().parse::<f64>().map_or(Value::Null, Value::from)
}

/// A row of the catalogue as the shop's feed sends it.
pub fn row(patch: &ProductPatch) -> Value {
    let price = |money: Option<Money>| money.map(|money| money.to_string());
    let mut line = json!({
        "id": patch.id,
        "as_of": patch.as_of.0,
        "price": price(patch.price),
        "availability": patch.availability.map(|availability| availability.name()),
        "stock": patch.stock,
    });
    if let (Some(content), Value::Object(fields)) = (&patch.content, &mut line) {
        for (name, text) in [
            ("title", &content.title),
            ("description", &content.description),
            ("link", &content.link),
            ("image_link", &content.image_link),
            ("brand", &content.brand),
            ("item_group_id", &content.item_group_id),
        ] {
            if !text.is_empty() {
                fields.insert(name.to_owned(), text.as_str().into());
            }
        }
        fields.insert("product_type".to_owned(), content.categories.clone().into());
        if let Some(cost) = content.cost {
            fields.insert("cost_of_goods_sold".to_owned(), cost.to_string().into());
        }
        if let Some(at) = content.published_at {
            fields.insert("published_at".to_owned(), at.0.into());
        }
        if let Some((mean, count)) = content.rating {
            fields.insert("rating".to_owned(), format!("{mean:.1}").into());
            fields.insert("rating_count".to_owned(), count.into());
        }
        for (name, value) in &content.attributes {
            fields.insert(name.clone(), value.as_str().into());
        }
    }
    line
}
