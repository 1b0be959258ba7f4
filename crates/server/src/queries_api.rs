//! What searches teach, over HTTP: what finds nothing, what finds the wrong things, words that may mean the same.

use crate::boot::Shop;
use crate::clock;
use crate::wire::error::ApiError;
use crate::wire::field::Fields;
use bespoke_domain::Millis;
use bespoke_engine::queries::report::{Alike, Poor};
use bespoke_engine::queries::{Queries, Query};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Lines of each list: where nothing is said, and at most.
const LINES: u64 = 50;
const LINES_MAX: u64 = 500;

/// What searches teach. Only what at least five shoppers searched for is in it.
#[derive(Serialize, ToSchema, Debug)]
pub struct QueriesBody {
    /// Queries that are remembered.
    pub queries: usize,
    /// Of them those that at least five shoppers asked.
    pub common: usize,
    /// Those that found nothing when they were asked last, the most asked first.
    pub without_results: Vec<QueryBody>,
    /// Those that find something and are clicked little or far down; first where most clicks are missed.
    pub poor: Vec<QueryBody>,
    /// Words that may mean the same, for review; put what is right into `synonyms`.
    pub synonyms: Vec<SynonymCandidateBody>,
}

/// A query.
#[derive(Serialize, ToSchema, Debug)]
pub struct QueryBody {
    /// As it was written last.
    pub query: String,
    /// How often it was asked, counting half after 14 days.
    pub searches: f64,
    /// What the last search found, where that is known.
    pub results: Option<u32>,
    /// Share of searches that found nothing, of those of which that is known.
    pub without_results: Option<f64>,
    /// Share of searches with a click, of those by shoppers whose clicks may be told apart.
    pub clicked: Option<f64>,
    /// Share of clicks at the tenth product or later.
    pub clicked_far: Option<f64>,
    /// What was asked instead most, of what at least five shoppers did.
    pub instead: Vec<String>,
}

/// Words that may mean the same.
#[derive(Serialize, ToSchema, Debug)]
pub struct SynonymCandidateBody {
    /// A query.
    pub query: String,
    /// Another.
    pub other: String,
    /// How often the other was asked instead, within three minutes and without a click in between.
    pub instead: u32,
    /// How often something was clicked then.
    pub instead_clicked: u32,
    /// By how many different shoppers it was asked instead: at least five, from there on an estimate, 500 at most; 0 where the two only
    /// led to the same products.
    pub instead_shoppers: u32,
    /// How alike the products are that both led to: the cosine of clicks, carts and purchases, 0 to 1.
    pub same_products: f64,
}

/// Reads the query of an address: how many lines of each list are wanted.
pub fn limit(query: &str) -> Result<usize, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let fields: Map<String, Value> = pairs.into_iter().map(|(name, value)| (name, value.into())).collect();
    let mut fields = Fields(fields);
    let limit = fields.count("n", LINES_MAX).map_err(ApiError::invalid)?;
    fields.none_left().map_err(ApiError::invalid)?;
    Ok(limit.unwrap_or(LINES) as usize)
}

/// What searches teach, at most `limit` lines of each kind.
pub fn report(shop: &Shop, limit: usize) -> QueriesBody {
    let (snapshot, now) = (shop.live.snapshot(), clock::now());
    let queries = &snapshot.aggregates.queries;
    let known = snapshot.aggregates.settings.as_ref().map_or(&[][..], |settings| &settings.search.synonyms);
    let body = |query: &Query| query_body(queries, query, now);
    QueriesBody {
        queries: queries.len(),
        common: queries.common().count(),
        without_results: queries.without_results(now, limit).into_iter().map(body).collect(),
        poor: queries.poor(now, limit).into_iter().map(|Poor { query, .. }| body(query)).collect(),
        synonyms: queries.alike(known, now, limit).iter().map(candidate).collect(),
    }
}

fn query_body(queries: &Queries, query: &Query, now: Millis) -> QueryBody {
    let share = |part: u32, whole: u32| (whole > 0).then(|| f64::from(part) / f64::from(whole));
    let mut instead: Vec<_> = query.next.iter().collect();
    instead.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| a.key.cmp(&b.key)));
    let written =
        |key: &str| queries.number(key).and_then(|no| queries.get(no)).filter(|one| one.is_common());
    QueryBody {
        query: query.text.to_string(),
        searches: queries.popularity(query, now),
        results: query.results,
        without_results: share(query.told.1, query.told.0),
        clicked: share(query.clicked, query.followed),
        clicked_far: share(query.far(), query.positions.iter().sum()),
        instead: instead
            .into_iter()
            .filter(|one| one.shoppers.is_enough())
            .filter_map(|one| Some(written(&one.key)?.text.to_string()))
            .take(3)
            .collect(),
    }
}

fn candidate(pair: &Alike<'_>) -> SynonymCandidateBody {
    SynonymCandidateBody {
        query: pair.one.text.to_string(),
        other: pair.other.text.to_string(),
        instead: pair.instead.0,
        instead_clicked: pair.instead.1,
        instead_shoppers: pair.shoppers,
        same_products: pair.cosine,
    }
}
