//! Rows of the GA4 export to BigQuery, as JSON lines, put into our envelope (schema of Google's "BigQuery Export schema": one row
//! an event, parameters as a list of keys with typed values, times in microseconds). What GA4 counts for itself, such as
//! `session_start`, is kept as an own event `x_…`. What is about the place or the campaign is left out, and of the device all but its kind.

use bespoke_domain::EventKind;
use bespoke_domain::event::Device;
use serde_json::{Map, Value, json};

/// Whether an object is such a row.
pub fn is_row(fields: &Map<String, Value>) -> bool {
    fields.contains_key("event_name") && fields.contains_key("event_timestamp")
}

/// The event of a row.
pub fn event(row: &Map<String, Value>) -> Value {
    let name = row["event_name"].as_str().unwrap_or_default();
    let micros = number(&row["event_timestamp"]).unwrap_or(-1);
    let param = |key: &str| parameter(row, key);
    let shopper = row.get("user_pseudo_id").and_then(Value::as_str).unwrap_or_default();
    let mut out = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value.filter(is_set) {
            out.insert(name.to_owned(), value);
        }
    };
    let is_ours = EventKind::parse(name).is_some();
    put("event", Some(if is_ours { name.into() } else { format!("x_{name}").into() }));
    // The export has no ids; the same row again is the same event.
    let place = row.get("batch_event_index").and_then(number).unwrap_or_default();
    put(
        "event_id",
        Some(format!("ga4.{shopper}.{micros}.{name}.{place}").chars().take(128).collect::<String>().into()),
    );
    put("event_time", (micros >= 0).then(|| (micros / 1000).into()));
    put("anonymous_id", row.get("user_pseudo_id").cloned());
    put("user_id", row.get("user_id").cloned());
    put("session_id", param("ga_session_id").map(|id| Value::from(id.to_string())));
    let device = row.get("device").and_then(|device| device["category"].as_str());
    put("device", device.filter(|name| Device::parse(name).is_some()).map(Value::from));
    put("page", param("page_location").map(|url| json!({ "url": url })));
    for key in ["search_term", "currency", "coupon", "item_list_id"] {
        put(key, param(key));
    }
    let order = row.get("ecommerce").and_then(Value::as_object);
    let of_order = |key: &str| order.and_then(|order| order.get(key)).cloned();
    put("transaction_id", of_order("transaction_id").or_else(|| param("transaction_id")));
    let currency = param("currency").filter(is_set);
    let amount = |value: Option<Value>| value.filter(|_| currency.is_some());
    put("value", amount(of_order("purchase_revenue").filter(is_set).or_else(|| param("value"))));
    put("tax", amount(of_order("tax_value")));
    put("shipping", amount(of_order("shipping_value")));
    let items = row.get("items").and_then(Value::as_array).into_iter().flatten();
    let items: Vec<Value> = items.filter_map(|item| self::item(item, currency.is_some())).collect();
    put("items", (!items.is_empty()).then(|| items.into()));
    let analytics = row.get("privacy_info").and_then(|info| info["analytics_storage"].as_str());
    let answer = match analytics {
        Some("Yes") => Some("granted"),
        Some("No") => Some("denied"),
        _ => None,
    };
    put("consent", answer.map(|answer| json!({ "analytics": answer })));
    Value::Object(out)
}

fn item(item: &Value, has_currency: bool) -> Option<Value> {
    let id = item["item_id"].as_str().filter(|id| !id.is_empty() && *id != NOT_SET)?;
    let mut out = Map::from_iter([("item_id".to_owned(), id.into())]);
    if let Some(quantity) = number(&item["quantity"]).filter(|quantity| *quantity > 0) {
        out.insert("quantity".to_owned(), quantity.into());
    }
    if let Some(price) = item["price"].as_f64().filter(|_| has_currency) {
        out.insert("price".to_owned(), price.into());
    }
    if let Some(index) = number(&item["item_list_index"]).filter(|index| *index >= 0) {
        out.insert("index".to_owned(), index.into());
    }
    Some(out.into())
}

/// How the export says that there is nothing.
const NOT_SET: &str = "(not set)";

fn is_set(value: &Value) -> bool {
    !value.is_null() && value != NOT_SET && value != ""
}

/// A whole number, which the export writes as text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The value of an event's parameter.
fn parameter(row: &Map<String, Value>, key: &str) -> Option<Value> {
    let all = row.get("event_params")?.as_array()?;
    let value = &all.iter().find(|one| one["key"] == key)?["value"];
    let kinds = ["string_value", "int_value", "double_value", "float_value"];
    kinds.into_iter().map(|kind| &value[kind]).find(|value| is_set(value)).map(|value| {
        number(value)
            .filter(|_| value.is_string() && key == "ga_session_id")
            .map_or_else(|| value.clone(), Value::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_an_event() {
        let row = json!({
            "event_date": "20210131", "event_timestamp": "1612069510766593", "event_name": "purchase",
            "event_params": [
                {"key": "ga_session_id", "value": {"string_value": null, "int_value": "661084800"}},
                {"key": "currency", "value": {"string_value": "USD"}},
                {"key": "page_location", "value": {"string_value": "https://shop.example/done?x=1"}},
            ],
            "user_id": null, "user_pseudo_id": "1026454.4271112504", "privacy_info": {"analytics_storage": "Yes"},
            "device": {"category": "mobile"},
            "ecommerce": {"transaction_id": "T1", "purchase_revenue": 24.5, "tax_value": null},
            "items": [{"item_id": "A", "item_name": "Mug", "price": 12.25, "quantity": "2", "item_list_index": "(not set)"},
                {"item_id": "(not set)"}],
        });
        let Value::Object(fields) = row else { panic!("an object") };
        assert!(is_row(&fields));
        assert_eq!(
            event(&fields),
            json!({
                "event": "purchase", "event_id": "ga4.1026454.4271112504.1612069510766593.purchase.0", "event_time": 1_612_069_510_766_i64,
                "anonymous_id": "1026454.4271112504", "session_id": "661084800", "device": "mobile", "page": {"url": "https://shop.example/done?x=1"},
                "currency": "USD", "transaction_id": "T1", "value": 24.5, "consent": {"analytics": "granted"},
                "items": [{"item_id": "A", "quantity": 2, "price": 12.25}],
            })
        );
        let bare = json!({"event_name": "session_start", "event_timestamp": 5_000, "user_pseudo_id": "u"});
        let Value::Object(bare) = bare else { panic!("an object") };
        assert_eq!(event(&bare)["event"], "x_session_start");
    }
}
