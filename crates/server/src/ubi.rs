//! Searches and what came of them in the schema of User Behavior Insights 1.3 (o19s/ubi), for tools that judge search: read from
//! the log, part by part. Only queries that at least five shoppers asked; nothing of who denies analytics by now; who denies
//! personalization, or did then, is in it without a `client_id`, and so are programs not at all.

use crate::boot::Shop;
use crate::wire::error::ApiError;
use crate::wire::field::Fields;
use bespoke_domain::{Body, Decision, Event, Millis, Offset, ProductNo, Purpose, ShopperNo};
use bespoke_engine::Snapshot;
use bespoke_engine::queries::follow::{Asked, Dealt, Deed, Following, Searched, Step};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Entries of the log that one answer is about.
const ENTRIES: u64 = 50_000;
/// Entries before them that are read for what was searched for then and clicked now.
const BEFORE: u64 = 50_000;
/// What the schema calls the field of a product's id.
const ID_FIELD: &str = "item_id";

/// A part of the export.
#[derive(Serialize, ToSchema, Debug, Default)]
pub struct UbiBody {
    /// As `query.request.schema.json` has them.
    pub queries: Vec<UbiQueryBody>,
    /// As `event.schema.json` has them.
    pub events: Vec<UbiEventBody>,
    /// Where to go on; null at the end of the log.
    pub next: Option<u64>,
}

/// A search.
#[derive(Serialize, ToSchema, Debug)]
#[allow(missing_docs, reason = "names of the schema")]
pub struct UbiQueryBody {
    pub application: &'static str,
    pub query_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    pub user_query: String,
    pub object_id_field: &'static str,
    pub timestamp: String,
    /// `result_count`, where it is known.
    pub query_attributes: UbiQueryAttributesBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_response_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_response_hit_ids: Option<Vec<String>>,
}

/// What else is known of a search.
#[derive(Serialize, ToSchema, Debug)]
pub struct UbiQueryAttributesBody {
    /// How many products it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_count: Option<u32>,
}

/// What came of a search.
#[derive(Serialize, ToSchema, Debug)]
#[allow(missing_docs, reason = "names of the schema")]
pub struct UbiEventBody {
    pub application: &'static str,
    /// click, add_to_cart or purchase.
    pub action_name: &'static str,
    pub query_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    pub timestamp: String,
    pub message_type: &'static str,
    /// The query.
    pub message: String,
    pub event_attributes: UbiAttributesBody,
}

/// With what, and where it stood.
#[derive(Serialize, ToSchema, Debug)]
#[allow(missing_docs, reason = "names of the schema")]
pub struct UbiAttributesBody {
    pub object: UbiObjectBody,
    pub position: UbiPositionBody,
}

/// A product.
#[derive(Serialize, ToSchema, Debug)]
#[allow(missing_docs, reason = "names of the schema")]
pub struct UbiObjectBody {
    pub object_id: String,
    pub object_id_type: &'static str,
    pub object_id_field: &'static str,
}

/// Where it stood.
#[derive(Serialize, ToSchema, Debug)]
pub struct UbiPositionBody {
    /// From 1; 0 where that was not told, since the schema demands a number.
    pub ordinal: u32,
}

/// Reads the query of an address: the entry after which to go on.
pub fn after(query: &str) -> Result<Offset, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let fields: Map<String, Value> = pairs.into_iter().map(|(name, value)| (name, value.into())).collect();
    let mut fields = Fields(fields);
    let after = fields.count("after", u64::MAX).map_err(ApiError::invalid)?;
    fields.none_left().map_err(ApiError::invalid)?;
    Ok(Offset(after.unwrap_or(0)))
}

/// The part of the export after an entry.
///
/// # Errors
/// When the log cannot be read.
pub fn export(shop: &Shop, after: Offset) -> anyhow::Result<UbiBody> {
    let snapshot = shop.live.snapshot();
    let end = snapshot.aggregates.offset;
    let until = Offset(after.0.saturating_add(ENTRIES).min(end.0));
    let mut export =
        Export { shop, snapshot: &snapshot, following: Following::default(), body: UbiBody::default() };
    let from = Offset(after.0.saturating_sub(BEFORE).min(end.0));
    shop.each_entry(
        (from, until),
        |_| Ok(()),
        |offset, entry| {
            let is_wanted = offset > after;
            match &entry.body {
                Body::Event(event) if !event.is_bot() => {
                    export.event(offset, entry.shopper, event, is_wanted)
                }
                Body::Decision(decision) => export.decision(offset, decision, is_wanted),
                _ => {}
            }
        },
    )?;
    export.body.next = (until < end).then_some(until.0);
    Ok(export.body)
}

struct Export<'a> {
    shop: &'a Shop,
    snapshot: &'a Snapshot,
    following: Following,
    body: UbiBody,
}

impl Export<'_> {
    fn event(&mut self, offset: Offset, shopper: Option<ShopperNo>, event: &Event, is_wanted: bool) {
        if !shopper.is_none_or(|shopper| self.allows(shopper, Purpose::Analytics)) {
            return;
        }
        let shopper = shopper.filter(|_| event.consent.allows(Purpose::Personalization));
        let shopper = shopper.and_then(|shopper| self.followed(shopper, event.time));
        let products: Vec<ProductNo> =
            event.items.iter().filter_map(|item| self.snapshot.product(&item.item_id)).collect();
        for step in self.following.note(offset.0, shopper, event, &products) {
            match step {
                Step::Searched(one) if is_wanted && one.is_new => {
                    self.search(&one, shopper, event.time, None)
                }
                Step::Dealt(one) if is_wanted => self.deal(&one, shopper, event),
                _ => {}
            }
        }
    }

    fn decision(&mut self, offset: Offset, decision: &Decision, is_wanted: bool) {
        let request = &decision.request;
        let Some(search) = request.search.as_deref() else { return };
        let shopper = request.shopper.and_then(|shopper| self.followed(shopper, request.now));
        if search.from > 0 {
            // Clicks on a later page belong to the same search.
            self.following.answered(decision);
            return;
        }
        let results = decision.met.as_ref().map(|met| met.total);
        let asked = Asked {
            no: offset.0,
            text: &search.text,
            time: request.now,
            decision: Some(request.id),
            results,
        };
        if let Some(one) = self.following.search(shopper, &asked).filter(|one| is_wanted && one.is_new) {
            self.search(&one, shopper, request.now, Some(decision));
        }
    }

    fn search(
        &mut self,
        one: &Searched,
        shopper: Option<ShopperNo>,
        time: Millis,
        decision: Option<&Decision>,
    ) {
        if !self.is_common(&one.key) {
            return;
        }
        let hits = |decision: &Decision| -> Vec<String> {
            decision.slate.iter().map(|slot| crate::render::id(self.snapshot, slot.candidate)).collect()
        };
        self.body.queries.push(UbiQueryBody {
            application: "bespoke",
            query_id: one.search.to_string(),
            client_id: self.client(shopper),
            user_query: one.text.clone(),
            object_id_field: ID_FIELD,
            timestamp: timestamp(time),
            query_attributes: UbiQueryAttributesBody { result_count: one.results },
            query_response_id: decision.map(|decision| decision.request.id.to_string()),
            query_response_hit_ids: decision.map(hits),
        });
    }

    /// What came of a search that is in the export; what came of one that is too long ago is left out.
    fn deal(&mut self, one: &Dealt, shopper: Option<ShopperNo>, event: &Event) {
        if one.search == 0 || !self.is_common(&one.key) {
            return;
        }
        let (action_name, message_type) = match one.deed {
            Deed::Click => ("click", "CLICK_THROUGH"),
            Deed::Cart => ("add_to_cart", "CONVERSION"),
            Deed::Purchase => ("purchase", "CONVERSION"),
        };
        let session = (event.session != 0 && shopper.is_some()).then(|| format!("{:016x}", event.session));
        self.body.events.push(UbiEventBody {
            application: "bespoke",
            action_name,
            query_id: one.search.to_string(),
            session_id: session,
            client_id: self.client(shopper),
            timestamp: timestamp(event.time),
            message_type,
            message: one.key.to_string(),
            event_attributes: UbiAttributesBody {
                object: UbiObjectBody {
                    object_id: self.snapshot.aggregates.catalog.id(one.product).to_owned(),
                    object_id_type: "product",
                    object_id_field: ID_FIELD,
                },
                position: UbiPositionBody { ordinal: one.position.map_or(0, |at| u32::from(at) + 1) },
            },
        });
    }

    fn is_common(&self, key: &str) -> bool {
        let queries = &self.snapshot.aggregates.queries;
        queries.number(key).and_then(|no| queries.get(no)).is_some_and(|query| query.is_common())
    }

    fn allows(&self, shopper: ShopperNo, purpose: Purpose) -> bool {
        let unknown = self.snapshot.aggregates.unknown_consent();
        let profile = self.shop.live.profile(shopper);
        profile.map_or(unknown, |profile| profile.consent(unknown)).allows(purpose)
    }

    /// The number of a shopper whose deeds may be told apart, and are not forgotten.
    fn followed(&self, shopper: ShopperNo, time: Millis) -> Option<ShopperNo> {
        let is_remembered = self.shop.live.profile(shopper).is_none_or(|profile| profile.remembers(time));
        let may = is_remembered && self.allows(shopper, Purpose::Personalization);
        may.then(|| self.shop.live.root(shopper))
    }

    /// A name for a shopper that says nothing outside this export.
    fn client(&self, shopper: Option<ShopperNo>) -> Option<String> {
        let hash = |one: ShopperNo| self.shop.secret.hash64("ubi client", &one.0.to_string());
        shopper.map(|one| format!("{:016x}", hash(one)))
    }
}

fn timestamp(time: Millis) -> String {
    jiff::Timestamp::from_millisecond(time.0).unwrap_or_default().to_string()
}
