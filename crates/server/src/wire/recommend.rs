//! `POST /v1/recommend`: what is asked and what is answered.

use super::expression;
use super::field::{Fields, ID_MAX, object_of};
use bespoke_domain::event::PageType;
use bespoke_domain::{Condition, Problem};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Most placements of one request.
pub const BATCH_MAX: usize = 10;
/// Longest cursor in bytes.
pub(super) const CURSOR_MAX: usize = 128;
/// Most ids put in order at once.
pub const GIVEN_MAX: usize = 500;

/// What a shop asks.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the request; Asked::parse reads it field by field for clear faults")]
pub struct RecommendAsk {
    /// Name of the placement.
    pub placement: String,
    /// First-party id of the browser.
    pub anonymous_id: Option<String>,
    /// Customer number; needs a secret key.
    pub user_id: Option<String>,
    /// The visit, as events name it.
    pub session_id: Option<String>,
    /// Where it will be shown.
    pub context: Option<RecommendContext>,
    /// Slots wanted, at most 100; the placement's number where it is left out.
    pub n: Option<u16>,
    /// Ids that must not be shown, at most 500.
    pub exclude_ids: Option<Vec<String>>,
    /// What everything shown must be like: `price < 50 AND brand IN ['A'] AND NOT category:'Sale'`.
    pub filter: Option<String>,
    /// Whether the log should keep every candidate with its score.
    pub explain: Option<bool>,
    /// Whether nobody will see the answer, as where it is judged: it is not logged. Needs a secret key.
    pub dry_run: Option<bool>,
}

/// What a shop asks for a whole page. Nothing is shown twice on it: what an earlier slate shows, a later one leaves out.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the request")]
pub struct BatchAsk {
    /// The placements in order of precedence, at most 10.
    pub placements: Vec<BatchPlacement>,
    /// First-party id of the browser.
    pub anonymous_id: Option<String>,
    /// Customer number; needs a secret key.
    pub user_id: Option<String>,
    /// The visit, as events name it.
    pub session_id: Option<String>,
    /// Where they will be shown.
    pub context: Option<RecommendContext>,
    /// Ids that must not be shown, at most 500.
    pub exclude_ids: Option<Vec<String>>,
    /// What everything shown must be like.
    pub filter: Option<String>,
    /// Whether the log should keep every candidate with its score.
    pub explain: Option<bool>,
}

/// One placement of a page.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the request")]
pub struct BatchPlacement {
    /// Its name.
    pub placement: String,
    /// Slots wanted, at most 100; the placement's number where it is left out.
    pub n: Option<u16>,
}

/// What is to be put in order.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the request")]
pub struct RankAsk {
    /// The placement whose sources, scorers and rules give the order.
    pub placement: String,
    /// The ids, at most 500. What cannot be sold is left out, what is not known is in `missing_ids`.
    pub ids: Vec<String>,
    /// First-party id of the browser.
    pub anonymous_id: Option<String>,
    /// Customer number; needs a secret key.
    pub user_id: Option<String>,
    /// The visit, as events name it.
    pub session_id: Option<String>,
    /// Where it will be shown.
    pub context: Option<RecommendContext>,
    /// Whether nobody will see the answer; see `/v1/recommend`.
    pub dry_run: Option<bool>,
}

/// The page a slate is for.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the request")]
pub struct RecommendContext {
    /// home, category, product, search, cart, checkout, confirmation, account or other.
    pub page_type: Option<String>,
    /// Products the page is about, at most 50.
    pub item_ids: Option<Vec<String>>,
    /// Category the page is about, `Home > Kitchen`.
    pub category_path: Option<String>,
    /// Products in the cart, at most 200.
    pub cart_item_ids: Option<Vec<String>>,
    /// The market the page is for, as the attribute `market` names it: `DE`.
    pub market: Option<String>,
    /// The language that the page is read in, a BCP 47 tag: `de`, `de-AT`. What is described in another is not shown; words are read in it.
    pub locale: Option<String>,
}

/// A request that is as it must be.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is the field of RecommendAsk or RecommendContext")]
pub struct Asked {
    pub placement: String,
    pub anonymous_id: Option<String>,
    pub user_id: Option<String>,
    pub page: PageType,
    pub item_ids: Vec<String>,
    pub category_path: Option<String>,
    pub cart_item_ids: Vec<String>,
    pub market: String,
    pub locale: String,
    /// The visit, as events name it.
    pub session_id: Option<String>,
    /// Slots that are left on the page.
    pub room: Option<u16>,
    pub exclude_ids: Vec<String>,
    pub filter: Option<Condition>,
    pub given: Vec<String>,
    pub n: u16,
    pub explain: bool,
    /// Whether the decision is kept out of the log.
    pub dry_run: bool,
}

impl Asked {
    /// Reads a request's body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = object_of(body)?;
        let placement = fields.id("placement")?;
        let placement =
            placement.ok_or_else(|| Problem::new("placement", "missing", "name the placement"))?;
        Self::of(fields, placement, Vec::new())
    }

    /// Reads the body of a request for several placements: one request for each, in order.
    pub fn parse_batch(body: &[u8]) -> Result<Vec<Self>, Problem> {
        let mut fields = object_of(body)?;
        let Some(Value::Array(list)) = fields.take("placements") else {
            return Err(Problem::new("placements", "missing", "must be a list of placements"));
        };
        if list.is_empty() || list.len() > BATCH_MAX {
            let detail = format!("must name 1 to {BATCH_MAX} placements");
            return Err(Problem::new("placements", "wrong_count", detail));
        }
        let named = |(at, value): (usize, Value)| {
            let inside = |problem: Problem| problem.inside(&format!("placements.{at}"));
            let Value::Object(one) = value else {
                let detail = r#"must be an object such as {"placement": "home_hero"}"#;
                return Err(Problem::new(format!("placements.{at}"), "wrong_type", detail));
            };
            let mut one = Fields(one);
            let name = one.id("placement").map_err(inside)?;
            let name =
                name.ok_or_else(|| inside(Problem::new("placement", "missing", "name the placement")))?;
            let n = one.count("n", 100).map_err(inside)?.unwrap_or(0) as u16;
            one.none_left().map_err(inside)?;
            Ok((name, n))
        };
        let named: Vec<(String, u16)> = list.into_iter().enumerate().map(named).collect::<Result<_, _>>()?;
        let whole = Self::of(fields, String::new(), Vec::new())?;
        Ok(named.into_iter().map(|(placement, n)| Self { placement, n, ..whole.clone() }).collect())
    }

    /// Reads the body of a request to put ids in order.
    pub fn parse_rank(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = object_of(body)?;
        let placement = fields.id("placement")?;
        let placement =
            placement.ok_or_else(|| Problem::new("placement", "missing", "name the placement"))?;
        let given = fields.texts("ids", GIVEN_MAX, ID_MAX)?;
        if given.is_empty() {
            return Err(Problem::new("ids", "missing", format!("must be 1 to {GIVEN_MAX} ids")));
        }
        Self::of(fields, placement, given)
    }

    /// Reads the query of a request without a shopper: `item_ids` and `exclude_ids` with commas, `category_path`, `page_type`, `market`,
    /// `locale`, `n`, `filter`.
    pub fn of_query(placement: String, query: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|error| Problem::new("query", "invalid_query", error.to_string()))?;
        let (mut fields, mut context) = (Map::new(), Map::new());
        for (name, value) in pairs.into_iter().filter(|(name, _)| name != "key") {
            let is_list = matches!(name.as_str(), "item_ids" | "exclude_ids");
            let list = || value.split(',').filter(|id| !id.is_empty()).map(Value::from).collect();
            let value = if is_list { Value::Array(list()) } else { Value::from(value.as_str()) };
            match name.as_str() {
                "item_ids" | "category_path" | "page_type" | "market" | "locale" => {
                    context.insert(name, value)
                }
                "exclude_ids" | "n" | "filter" => fields.insert(name, value),
                _ => return Err(Problem::new(name, "unknown_field", "not known here; leave it out")),
            };
        }
        fields.insert("context".to_owned(), Value::Object(context));
        Self::of(Fields(fields), placement, Vec::new())
    }

    /// What is left of a request after its placement was read.
    pub(super) fn of(mut fields: Fields, placement: String, given: Vec<String>) -> Result<Self, Problem> {
        let filter = fields.text("filter", expression::TEXT_MAX)?;
        let context = fields.take("context").unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let mut context = Fields::of(context, "context")?;
        let inside = |problem: Problem| problem.inside("context");
        let page = context.text("page_type", 32).map_err(inside)?;
        let unknown = || {
            Problem::new(
                "context.page_type",
                "unknown_page_type",
                "must be home, category, product, search, cart, checkout, confirmation, account or other",
            )
        };
        let asked = Self {
            placement,
            given,
            anonymous_id: fields.id("anonymous_id")?,
            user_id: fields.id("user_id")?,
            session_id: fields.id("session_id")?,
            page: page.map_or(Ok(PageType::Other), |name| PageType::parse(&name).ok_or_else(unknown))?,
            item_ids: context.texts("item_ids", 50, ID_MAX).map_err(inside)?,
            category_path: context.text("category_path", 750).map_err(inside)?,
            cart_item_ids: context.texts("cart_item_ids", 200, ID_MAX).map_err(inside)?,
            market: context.text("market", 64).map_err(inside)?.unwrap_or_default(),
            locale: context.locale("locale").map_err(inside)?.unwrap_or_default(),
            room: None,
            exclude_ids: fields.texts("exclude_ids", 500, ID_MAX)?,
            filter: filter.map(|text| expression::parse(&text)).transpose()?,
            n: fields.count("n", 100)?.unwrap_or(0) as u16,
            explain: fields.flag("explain")?.unwrap_or(false),
            dry_run: fields.flag("dry_run")?.unwrap_or(false),
        };
        context.none_left().map_err(inside)?;
        fields.none_left()?;
        Ok(asked)
    }
}

/// Which page of a listing is wanted.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the request")]
pub struct NextAsk {
    /// The `next` of the page before.
    pub cursor: String,
    /// Slots wanted, at most 100; the placement's number where it is left out.
    pub n: Option<u16>,
}

/// A request for the next page that is as it must be.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is the field of NextAsk")]
pub struct AskedNext {
    pub cursor: String,
    pub n: u16,
}

impl AskedNext {
    /// Reads a request's body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = object_of(body)?;
        let cursor = fields.text("cursor", CURSOR_MAX)?;
        let cursor =
            cursor.ok_or_else(|| Problem::new("cursor", "missing", "send the `next` of the page before"))?;
        let n = fields.count("n", 100)?.unwrap_or(0) as u16;
        fields.none_left()?;
        Ok(Self { cursor, n })
    }
}

/// What is answered for a page: a slate for each placement, in order.
#[derive(Serialize, ToSchema, Debug)]
pub struct BatchBody {
    /// The slates.
    pub results: Vec<RecommendBody>,
}

/// What is answered.
#[derive(Serialize, ToSchema, Debug)]
pub struct RecommendBody {
    /// The decision's id, `dec_…`.
    pub request_id: String,
    /// Send it back with clicks, carts and orders of these items.
    pub rec_token: String,
    /// The placement.
    pub placement: String,
    /// What to show above the slate; empty when nothing is to be shown.
    pub headline: String,
    /// The slate, in order.
    pub items: Vec<SlotBody>,
    /// none, session or full.
    pub personalization: String,
    /// none, popular, hidden, off, clutter: the page shows enough already, or external: the arm leaves it to something else.
    pub fallback: String,
    /// The arms that it was made in.
    pub arms: Vec<InArmBody>,
    /// Ids of the request that the catalogue does not know.
    pub missing_ids: Vec<String>,
    /// Sources that were left out for want of time; see `x-timeout-ms`.
    pub skipped: Vec<String>,
    /// Send it to `/v1/recommend:next` for the next page; of listings that go on.
    pub next: Option<String>,
    /// The page's product and the slate as one; of placements that are a bundle, where all of it can be bought.
    pub bundle: Option<BundleBody>,
    /// Time to decide, in milliseconds.
    pub took_ms: u64,
}

/// An arm that a slate was made in.
#[derive(Serialize, ToSchema, Debug)]
pub struct InArmBody {
    /// The experiment; `holdout` for the holdout.
    pub experiment: String,
    /// The arm.
    pub arm: String,
}

/// Products that are offered together.
#[derive(Serialize, ToSchema, Debug)]
pub struct BundleBody {
    /// The page's product first.
    pub item_ids: Vec<String>,
    /// What they cost together.
    pub price: MoneyBody,
}

/// One slot.
#[derive(Serialize, ToSchema, Clone, Debug)]
pub struct SlotBody {
    /// Product id, category path, or name of a content block: the `promotion_id` of its events.
    pub id: String,
    /// `item_group_id`, where the product has one.
    pub group_id: Option<String>,
    /// product, category or content.
    pub kind: String,
    /// From 0.
    pub position: u32,
    /// The blended score.
    pub score: f32,
    /// Whether a rule put it here.
    pub pinned: bool,
    /// Why it is here.
    pub reason: ReasonBody,
    /// What to show of it.
    pub item: ItemBody,
}

/// Why something is shown.
#[derive(Serialize, ToSchema, Clone, Debug)]
pub struct ReasonBody {
    /// A stable code.
    pub code: String,
    /// A sentence for the shopper.
    pub text: String,
    /// Products it rests on.
    pub based_on: Vec<String>,
    /// Whether it rests on what this shopper did.
    pub personal: bool,
}

/// What to show of an item.
#[derive(Serialize, ToSchema, Clone, Debug)]
#[allow(missing_docs, reason = "Merchant names")]
pub struct ItemBody {
    pub title: String,
    /// What a content block says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub link: Option<String>,
    pub image_link: Option<String>,
    pub price: Option<MoneyBody>,
}

/// An amount.
#[derive(Serialize, ToSchema, Clone, Debug)]
pub struct MoneyBody {
    /// Decimal text.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}
