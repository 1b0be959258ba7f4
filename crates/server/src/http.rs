//! The HTTP API: keys are checked, bodies are bounded, work has a deadline, errors come from one table.

use crate::alarms::Alarms;
use crate::boot::Shop;
use crate::embedding::Embedding;
use crate::intake::Caller;
use crate::ladder::Ladder;
use crate::learn::Learner;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::pace::{self, Pace};
use crate::watchdog::Watchdog;
use crate::wire::error::ApiError;
use crate::{
    bandit_api, catalog_versions, challenges_api, clock, experiments_api, keys, kpis_api, models_api,
    operate, pilot, queries_api, recommend, search_api, statements, suggest_api, tune, watch_api,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, patch, post};
use bespoke_domain::settings::Scope;
use bespoke_domain::{DecisionId, Problem};
use serde::Serialize;
use serde_json::json;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tower_http::cors::{Any, CorsLayer};
use tower_http::timeout::TimeoutLayer;

/// Largest body in bytes.
pub const BODY_MAX: usize = 1 << 20;
/// Most events of one request.
pub const EVENTS_MAX: usize = 500;
/// Longest a request may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// What handlers share.
pub struct App {
    /// The shop.
    pub shop: Arc<Shop>,
    /// Measurements.
    pub metrics: Metrics,
    /// How late it is.
    pub pace: Pace,
    /// Learns from the log.
    pub learner: Arc<Learner>,
    /// What drives challenges.
    pub ladder: Ladder,
    /// What has collapsed.
    pub watchdog: Arc<Watchdog>,
    /// Tells of alarms.
    pub alarms: Arc<Alarms>,
    /// What can be suggested.
    pub suggesting: Arc<suggest_api::Suggesting>,
    /// A model of texts that the shop has dropped in, where it has.
    pub embedding: OnceLock<Arc<Embedding>>,
    replaying: Semaphore,
}

impl App {
    /// The API over a shop.
    pub fn new(shop: Arc<Shop>) -> Arc<Self> {
        Self::with_limits(shop, Limits::default())
    }

    /// The same, where a run of learning may take so much.
    pub fn with_limits(shop: Arc<Shop>, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            shop,
            metrics: Metrics::default(),
            pace: Pace::default(),
            learner: Arc::new(Learner::new(limits)),
            ladder: Ladder::default(),
            watchdog: Arc::default(),
            alarms: Arc::default(),
            suggesting: Arc::default(),
            embedding: OnceLock::new(),
            replaying: Semaphore::new(1),
        })
    }
}

/// The routes, without a network: tests call this.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/events", post(post_events))
        .route("/v1/catalog/items", patch(patch_items))
        .route("/v1/catalog/versions", get(get_catalog_versions))
        .route("/v1/catalog/rollback", post(post_catalog_rollback))
        .route("/v1/recommend", slates(recommend::recommend))
        .route("/v1/recommend:batch", slates(recommend::batch))
        .route("/v1/recommend:next", post(post_next))
        .route("/v1/recommend/{placement}", get(get_recommend))
        .route("/v1/rank", slates(recommend::rank))
        .route("/v1/search", post(post_search).get(get_search))
        .route("/v1/suggest", get(get_suggest))
        .route("/v1/search/report", get(get_search_report))
        .route("/v1/search/ubi", get(get_ubi))
        .route("/v1/settings/search", get(get_search_settings).put(put_search_settings))
        .route("/v1/categories/{path}/products", get(get_category))
        .route("/v1/kpis", get(get_kpis))
        .route("/v1/kpis.csv", get(get_kpis_csv))
        .route("/v1/watch", get(get_watches))
        .route("/v1/watch/{name}", get(get_watch))
        .route("/v1/experiments", get(get_experiments))
        .route("/v1/experiments/holdout/months", get(get_months))
        .route("/v1/experiments/holdout/months.csv", get(get_months_csv))
        .route("/v1/pilots/{placement}", get(get_pilot).post(post_pilot))
        .route("/v1/pilots/{placement}/end", post(post_pilot_end))
        .route("/v1/experiments/{name}", get(get_experiment).put(put_experiment).delete(delete_experiment))
        .route("/v1/experiments/{name}/stop", post(post_stop))
        .route("/v1/experiments/{name}/plan", get(get_plan).post(post_plan))
        .route("/v1/challenges", get(get_challenges))
        .route("/v1/challenges/{name}", get(get_challenge).put(put_challenge))
        .route("/v1/challenges/{name}/step", post(post_challenge_step))
        .route("/v1/challenges/{name}/stop", post(post_challenge_stop))
        .route("/v1/challenges/{name}/revert", post(post_challenge_revert))
        .route("/v1/decisions/{id}", get(get_decision))
        .route("/v1/decisions/{id}/replay", get(get_replay))
        .route("/v1/placements/{placement}", patch(patch_placement))
        .route("/v1/placements/{placement}/bandit", get(get_bandit))
        .route("/v1/settings/versions", get(get_versions))
        .route("/v1/settings/rollback", post(post_rollback))
        .route("/v1/models", get(get_models))
        .route("/v1/models/train", post(post_train))
        .route("/v1/models/tune", post(post_tune))
        .route("/v1/models/rollback", post(post_model_rollback))
        .route("/v1/doctor", get(get_doctor))
        .route("/openapi.json", get(async || axum::Json(crate::openapi::document())))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async || "ok\n"))
        .route("/metrics", get(get_metrics))
        .method_not_allowed_fallback(async || {
            ApiError::new("method_not_allowed", "/openapi.json lists the methods of each path")
        })
        .fallback(async || ApiError::new("not_found", "no such path; /openapi.json lists them"))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, DEADLINE))
        .layer(axum::middleware::from_fn(discreet))
        .layer(CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any))
        .with_state(app)
}

/// Responses are nobody's to keep (but for those that say so), sniff or frame; errors of the layers below are told in the same form as ours.
async fn discreet(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(error) = ApiError::of_layer(response.status(), response.headers()) {
        response = error.into_response();
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The scope of the request's key: `Authorization: Bearer …`, or for a publishable one (sendBeacon sends no headers)
/// `?key=pk_…`.
fn scope(app: &App, headers: &HeaderMap, query: Option<&str>) -> Result<Scope, ApiError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let in_query = || query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("key=pk_")));
    let scope = match bearer {
        Some(key) => keys::scope(&app.shop, key.trim()),
        None => in_query().and_then(|key| keys::scope(&app.shop, &format!("pk_{key}"))),
    };
    scope.ok_or_else(|| {
        ApiError::new("unauthorized", "send a key of this shop as `Authorization: Bearer <key>`")
    })
}

fn secret_scope(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    match scope(app, headers, None)? {
        Scope::Secret => Ok(()),
        Scope::Publishable => Err(ApiError::new("forbidden_scope", "this needs a secret key (sk_…)")),
    }
}

/// Who sends a request. A server speaks for its shoppers, and names their user agents in the events.
fn caller(app: &App, headers: &HeaderMap, query: Option<&str>) -> Result<Caller, ApiError> {
    Ok(match scope(app, headers, query)? {
        Scope::Secret => Caller::SERVER,
        scope => Caller {
            scope,
            bot: crate::bots::by_headers(headers),
            device: crate::device::by_headers(headers),
        },
    })
}

async fn post_events(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let caller = caller(&app, &headers, query.as_deref())?;
    let outcome = crate::intake::events(&app.shop, caller, &body).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(outcome)).into_response())
}

async fn patch_items(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    let outcome = crate::intake::patches(&app.shop, &body, clock::now()).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(outcome)).into_response())
}

/// A route that answers with slates: the caller, the caller's time and the body go to `answer`.
fn slates<T: Serialize + 'static>(
    answer: fn(&App, Caller, Duration, &[u8]) -> Result<T, ApiError>,
) -> MethodRouter<Arc<App>> {
    post(
        async move |State(app): State<Arc<App>>,
                    RawQuery(query): RawQuery,
                    headers: HeaderMap,
                    body: Bytes|
                    -> Result<Response, ApiError> {
            let caller = caller(&app, &headers, query.as_deref())?;
            let timeout = timeout(&headers)?;
            Ok(axum::Json(answer(&app, caller, timeout, &body)?).into_response())
        },
    )
}

async fn post_next(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    scope(&app, &headers, query.as_deref())?;
    let timeout = timeout(&headers)?;
    Ok(axum::Json(crate::listing::next(&app, timeout, &body).await?).into_response())
}

async fn get_recommend(
    State(app): State<Arc<App>>,
    Path(placement): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    scope(&app, &headers, query.as_deref())?;
    let cached = [(header::CACHE_CONTROL, "public, max-age=60"), (header::VARY, "authorization")];
    Ok((cached, axum::Json(recommend::impersonal(&app, placement, query.as_deref())?)).into_response())
}

async fn post_search(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let caller = caller(&app, &headers, query.as_deref())?;
    Ok(axum::Json(search_api::search(&app, caller, timeout(&headers)?, &body).await?).into_response())
}

async fn get_search(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = caller(&app, &headers, query.as_deref())?;
    let query = query.unwrap_or_default();
    let body = search_api::search_by_address(&app, caller, timeout(&headers)?, (&query, None)).await?;
    Ok(axum::Json(body).into_response())
}

async fn get_category(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = caller(&app, &headers, query.as_deref())?;
    let query = query.unwrap_or_default();
    let asked = (query.as_str(), Some(path.as_str()));
    let body = search_api::search_by_address(&app, caller, timeout(&headers)?, asked).await?;
    Ok(axum::Json(body).into_response())
}

async fn get_suggest(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let scope = scope(&app, &headers, query.as_deref())?;
    let query = query.unwrap_or_default();
    Ok(axum::Json(suggest_api::suggest(&app, scope, timeout(&headers)?, &query)?).into_response())
}

async fn get_search_report(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let report = look(app, &headers, move |shop| {
        let limit = queries_api::limit(query.as_deref().unwrap_or_default())?;
        Ok(queries_api::report(shop, limit))
    });
    Ok(axum::Json(report.await?).into_response())
}

async fn get_ubi(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    let after = crate::ubi::after(query.as_deref().unwrap_or_default())?;
    let _alone = alone(&app)?;
    let shop = app.shop.clone();
    match tokio::task::spawn_blocking(move || crate::ubi::export(&shop, after)).await {
        Ok(Ok(body)) => Ok(axum::Json(body).into_response()),
        Ok(Err(error)) => {
            tracing::error!(%error, "the log cannot be read");
            Err(ApiError::internal())
        }
        Err(_) => Err(ApiError::internal()),
    }
}

async fn get_search_settings(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(operate::search_settings(&app.shop)).into_response())
}

async fn put_search_settings(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(operate::put_search_settings(&app, &body).await?).into_response())
}

/// What a secret key asks of the whole shop: it may look at much, so that no slate waits for it.
async fn look<T: Send + 'static>(
    app: Arc<App>,
    headers: &HeaderMap,
    of: impl FnOnce(&Shop) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    look_at(app, headers, move |app| of(&app.shop)).await
}

/// The same, of what the server knows besides the shop.
async fn look_at<T: Send + 'static>(
    app: Arc<App>,
    headers: &HeaderMap,
    of: impl FnOnce(&App) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    secret_scope(&app, headers)?;
    tokio::task::spawn_blocking(move || of(&app)).await.map_err(|_| ApiError::internal())?
}

/// Leave to read the log, held as long as it is read: one reading at a time.
fn alone(app: &App) -> Result<SemaphorePermit<'_>, ApiError> {
    let busy = |_| ApiError::new("replay_busy", "one reading of the log at a time; try again in a moment");
    app.replaying.try_acquire().map_err(busy)
}

/// The same, of what may be read from the log.
async fn read_log<T: Send + 'static>(
    app: Arc<App>,
    headers: &HeaderMap,
    of: impl FnOnce(&Shop) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    secret_scope(&app, headers)?;
    let _alone = alone(&app)?;
    look(app.clone(), headers, of).await
}

async fn get_kpis(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let told = look(app, &headers, move |shop| kpis_api::kpis(shop, &query.unwrap_or_default())).await?;
    Ok(axum::Json(told).into_response())
}

async fn get_kpis_csv(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = look(app, &headers, move |shop| kpis_api::csv(shop, &query.unwrap_or_default())).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

async fn get_watches(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(watch_api::list(&app)).into_response())
}

async fn get_watch(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(watch_api::get(&app, &name)?).into_response())
}

async fn get_experiments(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let told = look(app, &headers, |shop| Ok(experiments_api::list(shop))).await?;
    Ok(axum::Json(told).into_response())
}

async fn get_experiment(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let told = look(app, &headers, move |shop| experiments_api::get(shop, &name)).await?;
    Ok(axum::Json(told).into_response())
}

async fn put_experiment(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    experiments_api::set(&app, &name, &body).await?;
    // It is set, whether there is time to say what it needs or not.
    let Ok(_alone) = alone(&app) else {
        return get_experiment(State(app.clone()), Path(name), headers).await;
    };
    let told = look(app.clone(), &headers, move |shop| experiments_api::warned(shop, &name)).await?;
    Ok(axum::Json(told).into_response())
}

async fn delete_experiment(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    experiments_api::remove(&app, &name).await?;
    get_experiments(State(app), headers).await
}

async fn post_stop(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    experiments_api::stop(&app, &name).await?;
    get_experiment(State(app), Path(name), headers).await
}

async fn get_months(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let told = look(app, &headers, move |shop| statements::statements(shop, &query.unwrap_or_default()));
    Ok(axum::Json(told.await?).into_response())
}

async fn get_months_csv(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = look(app, &headers, move |shop| statements::csv(shop, &query.unwrap_or_default())).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

async fn get_pilot(
    State(app): State<Arc<App>>,
    Path(placement): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(axum::Json(look(app, &headers, move |shop| pilot::get(shop, &placement)).await?).into_response())
}

async fn post_pilot(
    State(app): State<Arc<App>>,
    Path(placement): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    let _alone = alone(&app)?;
    Ok(axum::Json(pilot::begin(&app, &placement, &body).await?).into_response())
}

async fn post_pilot_end(
    State(app): State<Arc<App>>,
    Path(placement): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(pilot::end(&app, &placement, &body).await?).into_response())
}

async fn get_plan(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let told = read_log(app, &headers, move |shop| experiments_api::planned(shop, &name, None)).await?;
    Ok(axum::Json(told).into_response())
}

async fn post_plan(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let told =
        read_log(app, &headers, move |shop| experiments_api::planned(shop, &name, Some(&body))).await?;
    Ok(axum::Json(told).into_response())
}

async fn get_challenges(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let told = look_at(app, &headers, |app| Ok(challenges_api::list(app))).await?;
    Ok(axum::Json(told).into_response())
}

async fn get_challenge(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let told = look_at(app, &headers, move |app| challenges_api::get(app, &name)).await?;
    Ok(axum::Json(told).into_response())
}

async fn put_challenge(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    challenges_api::set(&app, &name, &body).await?;
    get_challenge(State(app), Path(name), headers).await
}

async fn post_challenge_step(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    crate::ladder::step(&app, &name).await?;
    get_challenge(State(app), Path(name), headers).await
}

async fn post_challenge_stop(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    challenges_api::stop(&app, &name).await?;
    get_challenge(State(app), Path(name), headers).await
}

async fn post_challenge_revert(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    challenges_api::revert(&app, &name).await?;
    get_challenge(State(app), Path(name), headers).await
}

/// How long the caller waits, `x-timeout-ms`.
fn timeout(headers: &HeaderMap) -> Result<Duration, ApiError> {
    let Some(value) = headers.get("x-timeout-ms") else { return Ok(pace::TIMEOUT) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let number = number.filter(|number| *number <= pace::TIMEOUT_MAX_MS).map(Duration::from_millis);
    number.ok_or_else(|| {
        let detail = format!("must be a whole number of milliseconds from 0 to {}", pace::TIMEOUT_MAX_MS);
        ApiError::invalid(Problem::new("x-timeout-ms", "out_of_range", detail))
    })
}

fn decision_id(text: &str) -> Result<DecisionId, ApiError> {
    text.parse().map_err(|()| ApiError::new("not_found", "a decision id is `dec_` and 32 hexadecimal digits"))
}

async fn get_decision(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    let decision = recommend::find(&app.shop, decision_id(&id)?).await?;
    Ok(axum::Json(crate::render::certificate(&app.shop.live.snapshot(), &decision)).into_response())
}

async fn get_replay(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    let _alone = alone(&app)?;
    let stored = recommend::find(&app.shop, decision_id(&id)?).await?;
    let shop = app.shop.clone();
    let replayed =
        tokio::task::spawn_blocking(move || recommend::replay(&shop, &stored).map(|again| (stored, again)));
    let (stored, again) =
        replayed.await.map_err(|_| ApiError::internal())?.map_err(|_| ApiError::internal())?;
    let identical = bespoke_engine::replay::bytes(&stored) == bespoke_engine::replay::bytes(&again);
    let snapshot = app.shop.live.snapshot();
    let body = json!({
        "decision_id": id,
        "identical": identical,
        "recomputed": crate::render::certificate(&snapshot, &again),
    });
    Ok(axum::Json(body).into_response())
}

async fn patch_placement(
    State(app): State<Arc<App>>,
    Path(placement): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(operate::roll_out(&app, &placement, &body).await?).into_response())
}

async fn get_bandit(
    State(app): State<Arc<App>>,
    Path(placement): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let told = look(app, &headers, move |shop| bandit_api::get(shop, &placement)).await?;
    Ok(axum::Json(told).into_response())
}

async fn get_versions(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(operate::versions(&app.shop)).into_response())
}

async fn post_rollback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(operate::roll_back(&app, &body).await?).into_response())
}

async fn get_catalog_versions(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(catalog_versions::versions(&app.shop)).into_response())
}

async fn post_catalog_rollback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(catalog_versions::roll_back(&app, &body).await?).into_response())
}

async fn get_models(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(models_api::list(&app)?).into_response())
}

async fn post_train(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok((StatusCode::ACCEPTED, axum::Json(models_api::train(&app, &body)?)).into_response())
}

async fn post_tune(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok((StatusCode::ACCEPTED, axum::Json(tune::post(&app, &body)?)).into_response())
}

async fn post_model_rollback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    Ok(axum::Json(models_api::roll_back(&app, &body).await?).into_response())
}

async fn get_doctor(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    secret_scope(&app, &headers)?;
    let _alone = alone(&app)?;
    let shop = app.shop.clone();
    let said = tokio::task::spawn_blocking(move || crate::doctor::examine(&shop)).await;
    Ok(axum::Json(said.map_err(|_| ApiError::internal())?).into_response())
}

async fn get_metrics(State(app): State<Arc<App>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    (kind, app.metrics.text(&app.shop, app.watchdog.raised().len())).into_response()
}
