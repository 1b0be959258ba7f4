//! Events as shops send them: GA4 names and item fields in a flat envelope, or a dataLayer push with `ecommerce` inside.
//! Known fields are strict in type; what is unknown is kept, up to a size.

use super::field::{Fields, ID_MAX, object, values};
use super::ga4;
use bespoke_domain::consent::{PURPOSES, Statement};
use bespoke_domain::event::{DEVICES, Details, Device, Needs, PageType};
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use bespoke_domain::{Currency, Event, EventItem, EventKind, Millis, Money, Problem, Purpose};
use serde_json::Value;

/// Longest code such as a reason or a channel, in bytes.
const CODE_MAX: usize = 64;
/// Most items of one event.
pub const ITEMS_MAX: usize = 200;
/// Most that an amount, a line (price times quantity) or an order's lines together can be, in main units of the currency. Nine million orders of
/// this worth fit into the sums of KPIs and experiments (64 bits) in a currency with three decimals: no few events can fill them.
const AMOUNT_MAX: i64 = 1_000_000_000;
/// Largest `ext` of an event or an item, in bytes.
pub const EXT_MAX: usize = 2048;

/// An event that is as it must be, its ids still those of the shop.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "each is the wire field of its name")]
pub struct WireEvent {
    pub event_id: Option<String>,
    pub anonymous_id: Option<String>,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub event_time: Option<Millis>,
    pub rec_token: Option<String>,
    /// The rest, as the log will keep it.
    pub event: Event,
}

/// The events of a body, each read or at fault.
pub fn parse_events(body: &[u8], max: usize) -> Result<Vec<Result<WireEvent, Problem>>, Problem> {
    Ok(values(body, max)?.into_iter().map(|value| value.and_then(event)).collect())
}

/// One event of JSON text.
pub fn parse_event(line: &[u8]) -> Result<WireEvent, Problem> {
    let value: Value =
        serde_json::from_slice(line).map_err(|error| Problem::new("line", "bad_json", error.to_string()))?;
    match value {
        Value::Object(row) if ga4::is_row(&row) => event(ga4::event(&row)),
        value => event(value),
    }
}

/// One event of a CSV row; its item columns make one item.
pub fn event_from_fields(fields: &[(&str, &str)]) -> Result<WireEvent, Problem> {
    let mut row = Fields::of(object(fields), "line")?;
    let item_columns = ["item_id", "quantity", "price", "index"];
    let item: serde_json::Map<String, Value> =
        item_columns.iter().filter_map(|name| Some(((*name).to_owned(), row.take(name)?))).collect();
    if !item.is_empty() {
        row.0.insert("items".to_owned(), Value::Array(vec![Value::Object(item)]));
    }
    let consent: serde_json::Map<String, Value> = PURPOSES
        .iter()
        .filter_map(|(_, name)| Some(((*name).to_owned(), row.take(&format!("consent_{name}"))?)))
        .collect();
    if !consent.is_empty() {
        row.0.insert("consent".to_owned(), Value::Object(consent));
    }
    event(Value::Object(row.0))
}

/// How far an event's own time may lie from now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clamp {
    /// Live: the far future and what is older than a year are quarantined.
    Live,
    /// History may be of any age.
    Import,
}

/// Takes an event's own time, or says why not: at most five minutes ahead (then it is now), live at most a year old.
pub fn judge_time(time: Millis, now: Millis, clamp: Clamp) -> Result<Millis, Problem> {
    let ahead = time.since(now);
    let detail = match clamp {
        _ if ahead > 5 * MINUTE_MS => "must be at most 5 minutes ahead of the server's clock",
        Clamp::Live if ahead < -365 * DAY_MS => "must be at most a year old; import history instead",
        _ => return Ok(time.min(now)),
    };
    Err(Problem::new("event_time", "time_out_of_range", detail))
}

fn event(value: Value) -> Result<WireEvent, Problem> {
    let mut fields = Fields::of(value, "event")?;
    if let Some(Value::Object(inner)) = fields.take("ecommerce") {
        fields.0.extend(inner);
    }
    let name = fields
        .text("event", 64)?
        .ok_or_else(|| Problem::new("event", "missing", "name the event, such as view_item"))?;
    let kind = EventKind::parse(&name).ok_or_else(|| {
        Problem::new("event", "unknown_event", format!("{name:?} is no event; own events are named x_…"))
    })?;
    let mut event = Event::new(kind, Millis(0));
    event.statement = statement(&mut fields)?;
    event.currency = fields.text("currency", 3)?.map(|code| Currency::parse(&code)).transpose()?;
    let promotion = if matches!(kind, EventKind::ViewPromotion | EventKind::SelectPromotion) {
        promotion(&mut fields)?
    } else {
        (None, None)
    };
    event.items = items(&mut fields, event.currency)?;
    event.visible = fields.flag("visible")?.unwrap_or(false);
    let path = page(&mut fields, &mut event)?;
    if let Some(agent) = fields.text("user_agent", 1024)? {
        event.bot = crate::bots::by_agent(&agent);
        event.device = crate::device::by_agent(&agent);
    }
    event.device = device(&mut fields)?.unwrap_or(event.device);
    let (event_id, session_id) = (fields.id("event_id")?, fields.id("session_id")?);
    let (anonymous_id, user_id) = (fields.id("anonymous_id")?, fields.id("user_id")?);
    let (event_time, rec_token) = (fields.time("event_time")?, fields.text("rec_token", 200)?);
    let mut details = details(&mut fields, (kind, event.currency))?;
    if kind != EventKind::Custom {
        details = own_details(&mut fields, details)?;
    }
    (details.promotion, details.creative_slot) = promotion;
    details.path = path;
    bounded_order(&event)?;
    details.custom = (kind == EventKind::Custom).then(|| name.as_str().into());
    needs(&event, &details)?;
    if kind.spec().needs == Needs::BothIds && (anonymous_id.is_none() || user_id.is_none()) {
        return Err(Problem::new("user_id", "missing", format!("{name} needs `anonymous_id` and `user_id`")));
    }
    if kind == EventKind::MessageUnsubscribed {
        event.statement = event.statement.with(Purpose::Marketing, false);
    }
    details.ext = fields.rest("ext", EXT_MAX)?;
    event.details = (details != Details::default()).then(|| Box::new(details));
    Ok(WireEvent { event_id, anonymous_id, user_id, session_id, event_time, rec_token, event })
}

/// What the event itself says of the device.
fn device(fields: &mut Fields) -> Result<Option<Device>, Problem> {
    let Some(name) = fields.text("device", 32)? else { return Ok(None) };
    let known = || DEVICES.map(|(_, name)| name).join(", ");
    let unknown = || Problem::new("device", "unknown_name", format!("must be one of {}", known()));
    Device::parse(&name).map(Some).ok_or_else(unknown)
}

fn statement(fields: &mut Fields) -> Result<Statement, Problem> {
    let Some(value) = fields.take("consent") else { return Ok(Statement::default()) };
    let mut consent = Fields::of(value, "consent")?;
    let mut statement = Statement::default();
    for (purpose, name) in PURPOSES {
        statement = match consent.text(name, 16).map_err(|problem| problem.inside("consent"))?.as_deref() {
            Some("granted") => statement.with(purpose, true),
            Some("denied") => statement.with(purpose, false),
            Some("unknown") | None => statement,
            Some(_) => {
                return Err(Problem::new(
                    format!("consent.{name}"),
                    "invalid_consent",
                    "must be granted, denied or unknown",
                ));
            }
        };
    }
    let opts_out = consent.flag("gpc").map_err(|problem| problem.inside("consent"))?.unwrap_or(false);
    // A refusal under a name that nobody reads would be taken for obeyed.
    consent.none_left().map_err(|problem| problem.inside("consent"))?;
    Ok(if opts_out { statement.with(Purpose::Marketing, false) } else { statement })
}

fn items(fields: &mut Fields, currency: Option<Currency>) -> Result<Vec<EventItem>, Problem> {
    let list = match fields.take("items") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Problem::new("items", "wrong_type", "must be an array of items")),
    };
    if list.len() > ITEMS_MAX {
        return Err(Problem::new("items", "too_many", format!("must be at most {ITEMS_MAX}")));
    }
    let one = |(at, value)| item(value, currency).map_err(|problem| problem.inside(&format!("items.{at}")));
    list.into_iter().enumerate().map(one).collect()
}

/// A text that may be missing.
type Text = Option<Box<str>>;

/// Reads which promotion it was and where. GA4 has them beside `items` or within the first of them, which then need be no product.
fn promotion(fields: &mut Fields) -> Result<(Text, Text), Problem> {
    let mut own = (fields.id("promotion_id")?, fields.text("creative_slot", ID_MAX)?);
    if let Some(Value::Array(list)) = fields.0.get_mut("items") {
        if let Some(Value::Object(first)) = list.first_mut() {
            let mut first = Fields(std::mem::take(first));
            let inside = |problem: Problem| problem.inside("items.0");
            let of_item = (
                first.id("promotion_id").map_err(inside)?,
                first.text("creative_slot", ID_MAX).map_err(inside)?,
            );
            own = (own.0.or(of_item.0), own.1.or(of_item.1));
            list[0] = Value::Object(first.0);
        }
        list.retain(|item| item.get("item_id").is_some());
    }
    let boxed = |text: Option<String>| text.map(String::into_boxed_str);
    Ok((boxed(own.0), boxed(own.1)))
}

fn item(value: Value, currency: Option<Currency>) -> Result<EventItem, Problem> {
    let mut fields = Fields::of(value, "item")?;
    let own = fields.text("currency", 3)?.map(|code| Currency::parse(&code)).transpose()?.or(currency);
    let item_id = fields
        .id("item_id")?
        .ok_or_else(|| Problem::new("item_id", "missing", "name the product by its id in the catalogue"))?;
    let quantity = fields.count("quantity", 1_000_000)?.unwrap_or(1) as u32;
    let price_minor = match own {
        Some(currency) => {
            let price = fields.money("price", currency)?;
            price.map(|price| bounded("price", price, quantity)).transpose()?
        }
        None if fields.take("price").is_some() => {
            return Err(Problem::new("price", "missing_currency", "a price needs `currency` beside `items`"));
        }
        None => None,
    };
    Ok(EventItem {
        item_id,
        quantity,
        price_minor,
        index: fields.count("index", 65_535)?.map(|index| index as u16),
        ext: fields.rest("ext", EXT_MAX)?,
    })
}

/// An amount in minor units that is none below 0, and no more than can be, as often as `quantity` says.
fn bounded(field: &str, amount: Money, quantity: u32) -> Result<i64, Problem> {
    if amount.minor < 0 {
        let detail = "must not be below 0; what comes back is a `refund` of a positive amount";
        return Err(Problem::new(field, "out_of_range", detail));
    }
    if amount.minor.saturating_mul(quantity.into()) > most(amount.currency) {
        let what = if quantity > 1 { "times `quantity` must" } else { "must" };
        let detail = format!("{what} be at most {AMOUNT_MAX} {}", amount.currency.code());
        return Err(Problem::new(field, "out_of_range", detail));
    }
    Ok(amount.minor)
}

/// [`AMOUNT_MAX`] in minor units.
fn most(currency: Currency) -> i64 {
    AMOUNT_MAX * 10_i64.pow(currency.exponent())
}

/// An order's lines together are bounded as each is.
fn bounded_order(event: &Event) -> Result<(), Problem> {
    let worth = |item: &EventItem| item.price_minor.unwrap_or_default().saturating_mul(item.quantity.into());
    let currency = event.currency.unwrap_or(Currency::EUR);
    if event.items.iter().map(worth).fold(0, i64::saturating_add) > most(currency) {
        let detail = format!("must be worth at most {AMOUNT_MAX} {} together", currency.code());
        return Err(Problem::new("items", "out_of_range", detail));
    }
    Ok(())
}

/// Reads `page`; of its address only the path stays, and only where the query is cut off.
fn page(fields: &mut Fields, event: &mut Event) -> Result<Option<Box<str>>, Problem> {
    let Some(value) = fields.take("page") else { return Ok(None) };
    let mut page = Fields::of(value, "page")?;
    let inside = |problem: Problem| problem.inside("page");
    if let Some(name) = page.text("type", 32).map_err(inside)? {
        event.page = PageType::parse(&name).unwrap_or_default();
    }
    let path = page.text("path", 2048).map_err(inside)?;
    let url = page.text("url", 4096).map_err(inside)?;
    let of_url = |url: String| {
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        rest.find('/').map_or("/", |at| &rest[at..]).to_owned()
    };
    let path = path.or_else(|| url.map(of_url));
    Ok(path.map(|path| path.split(['?', '#']).next().unwrap_or_default().into()))
}

fn details(fields: &mut Fields, (kind, currency): (EventKind, Option<Currency>)) -> Result<Details, Problem> {
    let boxed = |text: Option<String>| text.map(String::into_boxed_str);
    let mut amount = |name: &str| -> Result<Option<Money>, Problem> {
        match currency {
            Some(currency) => {
                let amount = fields.money(name, currency)?;
                // In a shop's own event the name may mean anything.
                if let Some(amount) = amount.filter(|_| kind != EventKind::Custom) {
                    bounded(name, amount, 1)?;
                }
                Ok(amount)
            }
            None if fields.take(name).is_some() => {
                Err(Problem::new("currency", "missing_currency", format!("`{name}` needs `currency`")))
            }
            None => Ok(None),
        }
    };
    let (value, tax, shipping) = (amount("value")?, amount("tax")?, amount("shipping")?);
    let placement = boxed(fields.id("placement_id")?);
    let list = boxed(fields.id("item_list_id")?);
    Ok(Details {
        transaction_id: boxed(fields.id("transaction_id")?),
        search_term: boxed(fields.text("search_term", 500)?),
        value,
        tax_minor: tax.map(|one| one.minor),
        shipping_minor: shipping.map(|one| one.minor),
        coupon: boxed(fields.text("coupon", ID_MAX)?),
        placement: placement.or(list),
        ..Details::default()
    })
}

/// Reads what only events of ours carry; in a shop's own event these names may mean anything.
fn own_details(fields: &mut Fields, details: Details) -> Result<Details, Problem> {
    let boxed = |text: Option<String>| text.map(String::into_boxed_str);
    Ok(Details {
        rating: rating(fields)?,
        reason: boxed(fields.text("reason", CODE_MAX)?),
        outcome: boxed(fields.text("outcome", CODE_MAX)?),
        channel: boxed(fields.text("channel", CODE_MAX)?),
        message: boxed(fields.text("message_id", ID_MAX)?),
        result_count: fields.count("result_count", u64::from(u32::MAX))?.map(|count| count as u32),
        ..details
    })
}

fn rating(fields: &mut Fields) -> Result<Option<f32>, Problem> {
    let Some(text) = fields.text("rating", 16)? else { return Ok(None) };
    match text.trim().parse::<f32>() {
        Ok(rating) if (0.0..=5.0).contains(&rating) => Ok(Some(rating)),
        _ => Err(Problem::new("rating", "invalid_rating", "must be a number from 0 to 5")),
    }
}

fn needs(event: &Event, details: &Details) -> Result<(), Problem> {
    let missing = |field: &str| {
        let name = event.kind.spec().name;
        Err(Problem::new(field, "missing", format!("{name} needs `{field}`")))
    };
    let needs = event.kind.spec().needs;
    if needs == Needs::Channel && details.channel.is_none() {
        return missing("channel");
    }
    if needs == Needs::Rating && details.rating.is_none() {
        return missing("rating");
    }
    if matches!(needs, Needs::Items | Needs::Order | Needs::Rating) && event.items.is_empty() {
        return missing("items");
    }
    if matches!(needs, Needs::Order | Needs::Transaction) && details.transaction_id.is_none() {
        return missing("transaction_id");
    }
    if needs == Needs::SearchTerm && details.search_term.is_none() {
        return missing("search_term");
    }
    if needs == Needs::Consent && event.statement.is_silent() {
        return missing("consent");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn check(body: &str, expect: Expect) {
        let shown = match parse_events(body.as_bytes(), 3) {
            Err(problem) => format!("refused: {problem}\n"),
            Ok(events) => events
                .into_iter()
                .map(|event| match event {
                    Err(problem) => format!("fault: {problem}\n"),
                    Ok(one) => {
                        let items: Vec<_> = one
                            .event
                            .items
                            .iter()
                            .map(|item| format!("{}×{}@{:?}", item.item_id, item.quantity, item.price_minor))
                            .collect();
                        format!(
                            "{} by {:?} at {:?}: {items:?}\n",
                            one.event.kind.spec().name,
                            one.anonymous_id,
                            one.event_time.map(|time| time.0)
                        )
                    }
                })
                .collect(),
        };
        expect.assert_eq(&shown);
    }

    #[test]
    fn one_event_an_array_and_lines_are_read() {
        check(
            r#"{"event":"view_item","anonymous_id":"a","event_time":"1970-01-01T00:00:02Z","items":[{"item_id":"1"}]}"#,
            expect![[r#"
            view_item by Some("a") at Some(2000): ["1×1@None"]
        "#]],
        );
        check(
            r#"[{"event":"page_view"},{"event":"x_mine","event_time":5}]"#,
            expect![[r#"
                page_view by None at None: []
                x_* by None at Some(5): []
            "#]],
        );
        check(
            "{\"event\":\"page_view\"}\n\n{\"event\":\"share\"}\n{broken\n",
            expect![[r#"
            page_view by None at None: []
            share by None at None: []
            fault: body: key must be a string at line 1 column 2 [bad_json]
        "#]],
        );
    }

    #[test]
    fn a_data_layer_push_is_flattened_and_money_is_exact() {
        check(
            r#"{"event":"purchase","ecommerce":{"currency":"EUR","transaction_id":"t","value":30,"items":[{"item_id":1,"quantity":3,"price":9.99},{"item_id":"2","price":"10.5"}]}}"#,
            expect![[r#"
            purchase by None at None: ["1×3@Some(999)", "2×1@Some(1050)"]
        "#]],
        );
    }

    #[test]
    fn each_fault_names_its_field() {
        for (body, expect) in [
            (
                r#"{"event":"buy"}"#,
                expect![[r#"
                fault: event: "buy" is no event; own events are named x_… [unknown_event]
            "#]],
            ),
            (
                r#"{"event":"view_item"}"#,
                expect![[r#"
                fault: items: view_item needs `items` [missing]
            "#]],
            ),
            (
                r#"{"event":"view_item","items":[{"item_id":"1"},{"item_id":""}]}"#,
                expect![[r#"
                fault: items.1.item_id: must not be empty [empty]
            "#]],
            ),
            (
                r#"{"event":"view_item","items":[{"item_id":"1","price":3}]}"#,
                expect![[r#"
                fault: items.0.price: a price needs `currency` beside `items` [missing_currency]
            "#]],
            ),
            (
                r#"{"event":"consent_update","consent":{"analytics":"maybe"}}"#,
                expect![[r#"
                fault: consent.analytics: must be granted, denied or unknown [invalid_consent]
            "#]],
            ),
            (
                r#"{"event":"page_view","event_time":"yesterday"}"#,
                expect![[r#"
                fault: event_time: must be RFC 3339 such as 2026-03-01T10:00:00Z, or epoch milliseconds [invalid_time]
            "#]],
            ),
            (
                r#"{"event":"page_view","device":"fridge"}"#,
                expect![[r#"
                fault: device: must be one of unknown, mobile, desktop, tablet, app [unknown_name]
            "#]],
            ),
            (
                "[1,2]",
                expect![[r#"
                fault: event: must be an object [wrong_type]
                fault: event: must be an object [wrong_type]
            "#]],
            ),
            (
                "hello",
                expect![[r#"
                refused: body: must be a JSON object, an array, or one object a line [bad_json]
            "#]],
            ),
            (
                r#"[{},{},{},{}]"#,
                expect![[r#"
                refused: body: 4 in one request, the most is 3 [too_many]
            "#]],
            ),
        ] {
            check(body, expect);
        }
    }

    #[test]
    fn amounts_that_cannot_be_are_refused() {
        let order = |more: &str| {
            let event = format!(r#"{{"event":"purchase","transaction_id":"t","currency":"EUR",{more}}}"#);
            parse_event(event.as_bytes()).map(|_| String::new()).unwrap_or_else(|problem| problem.to_string())
        };
        for (more, wanted) in [
            (r#""items":[{"item_id":"1","price":"-1000.00"}]"#, "items.0.price: must not be below 0"),
            (
                r#""items":[{"item_id":"1","price":"92233720368547758.07","quantity":1000000}]"#,
                "items.0.price: times `quantity` must be at most 1000000000 EUR [out_of_range]",
            ),
            (
                r#""items":[{"item_id":"1","price":1001,"quantity":1000000}]"#,
                "items.0.price: times `quantity`",
            ),
            (
                r#""items":[{"item_id":"1","price":600000000},{"item_id":"2","price":600000000}]"#,
                "items: must be worth at most 1000000000 EUR together",
            ),
            (r#""value":-50,"items":[{"item_id":"1"}]"#, "value: must not be below 0"),
            (r#""value":"1000000000.01","items":[{"item_id":"1"}]"#, "value: must be at most 1000000000 EUR"),
            (r#""tax":-1,"items":[{"item_id":"1"}]"#, "tax: must not be below 0"),
            (r#""shipping":-1,"items":[{"item_id":"1"}]"#, "shipping: must not be below 0"),
            (r#""value":"1000000000","items":[{"item_id":"1","price":1000,"quantity":1000000}]"#, ""),
        ] {
            let said = order(more);
            assert!(said.starts_with(wanted) && said.is_empty() == wanted.is_empty(), "{more}: {said}");
        }
        let own = parse_event(br#"{"event":"x_balance","currency":"EUR","value":-3}"#);
        assert!(own.is_ok(), "what an own event's value is, the shop knows");
    }

    #[test]
    fn a_consent_that_nobody_reads_is_no_consent() {
        for (consent, wanted) in [
            (r#"{"personalisation":"denied"}"#, "consent.personalisation: this version does not know it"),
            (r#"{"analytics":"granted","x":1}"#, "consent.x: this version does not know it"),
            (r#"{"analytics":"granted","gpc":true}"#, ""),
        ] {
            for event in ["page_view", "consent_update"] {
                let event = format!(r#"{{"event":"{event}","consent":{consent}}}"#);
                let said = parse_event(event.as_bytes()).map(|_| String::new());
                let said = said.unwrap_or_else(|problem| problem.to_string());
                assert!(said.starts_with(wanted) && said.is_empty() == wanted.is_empty(), "{event}: {said}");
            }
        }
    }

    #[test]
    fn the_query_of_an_address_is_not_kept() {
        let event = parse_event(
            br#"{"event":"page_view","page":{"type":"home","url":"https://shop.example/a/b?mail=x@y#z"}}"#,
        )
        .expect("it is as it must be");
        assert_eq!(event.event.details.expect("it has a path").path.as_deref(), Some("/a/b"));
    }

    #[test]
    fn clocks_are_clamped_and_far_times_refused() {
        let now = Millis(400 * DAY_MS);
        let judged =
            |ahead: i64, clamp| judge_time(now.plus(ahead), now, clamp).map_err(|problem| problem.code);
        for clamp in [Clamp::Live, Clamp::Import] {
            assert_eq!(judged(MINUTE_MS, clamp), Ok(now));
            assert_eq!(judged(-DAY_MS, clamp), Ok(now.plus(-DAY_MS)));
            assert_eq!(judged(6 * MINUTE_MS, clamp), Err("time_out_of_range"));
        }
        assert_eq!(judged(-366 * DAY_MS, Clamp::Live), Err("time_out_of_range"));
        assert_eq!(judged(-366 * DAY_MS, Clamp::Import), Ok(now.plus(-366 * DAY_MS)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            _ = parse_events(&body, 10);
            _ = parse_event(&body);
        }

        #[test]
        fn arbitrary_values_in_known_fields_never_panic(name in "[a-z_]{1,12}", text in ".{0,40}", number in any::<f64>()) {
            for field in ["event", "items", "price", "event_time", "consent", "page", "value", &name] {
                for value in [serde_json::json!(text), serde_json::json!(number), serde_json::json!([{field: text}]), serde_json::json!({field: number})] {
                    let body = serde_json::json!({"event": "purchase", "currency": "EUR", "transaction_id": "t", "items": [{"item_id": "1", field: value}], field: value});
                    _ = parse_event(body.to_string().as_bytes());
                }
            }
        }
    }
}
