//! The API's description, OpenAPI 3.1, made from the types that serve it; `docs/openapi.json` is compared with it.

use crate::bandit_api::BanditBody;
use crate::catalog_versions::CatalogVersionsBody;
use crate::challenges_api::{ChallengeBody, ChallengesBody};
use crate::doctor::DoctorBody;
use crate::experiments_api::{ExperimentBody, ExperimentsBody, PlanBody};
use crate::intake::{EventsBody, PatchesBody, RejectedBody};
use crate::kpis_api::KpisBody;
use crate::models_api::ModelsBody;
use crate::operate::VersionsBody;
use crate::pilot::{PilotAsk, PilotBody};
use crate::queries_api::QueriesBody;
use crate::statements::StatementsBody;
use crate::ubi::UbiBody;
use crate::wire::error::ProblemJson;
use crate::wire::recommend::{BatchAsk, BatchBody, NextAsk, RankAsk, RecommendAsk, RecommendBody};
use crate::wire::search::{SearchAsk, SearchBody};
use crate::wire::suggest::SuggestBody;
use crate::wire::watch::{WatchBody, WatchesBody};
use crate::wire::words::SearchSettingsBody;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bespoke",
        description = "Personalization for online shops: events in, decisions out.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        events,
        items,
        recommend,
        batch,
        next,
        rank,
        search,
        search_by_address,
        suggest,
        search_report,
        ubi,
        search_settings,
        put_search_settings,
        category_products,
        impersonal,
        rollout,
        bandit,
        versions,
        rollback,
        doctor,
        catalog_versions,
        catalog_rollback,
        models,
        tune,
        train,
        model_rollback,
        kpis,
        kpis_csv,
        months,
        months_csv,
        pilot,
        begin_pilot,
        end_pilot,
        watches,
        watch,
        experiments,
        experiment,
        put_experiment,
        delete_experiment,
        stop_experiment,
        plan_experiment,
        plan_definition,
        challenges,
        challenge,
        put_challenge,
        step_challenge,
        stop_challenge,
        revert_challenge,
        decision,
        replay,
        healthz,
        readyz,
        metrics
    ),
    components(schemas(
        EventsBody,
        PatchesBody,
        RejectedBody,
        ProblemJson,
        RecommendAsk,
        BatchAsk,
        RankAsk,
        NextAsk,
        SearchAsk,
        SearchBody,
        VersionsBody,
        CatalogVersionsBody,
        ModelsBody,
        DoctorBody,
        BanditBody,
        ExperimentsBody,
        ChallengesBody,
        ChallengeBody,
        KpisBody,
        WatchesBody,
        WatchBody,
        ExperimentBody,
        PlanBody,
        RecommendBody,
        BatchBody,
        QueriesBody,
        SuggestBody,
        SearchSettingsBody,
        UbiBody
    ))
)]
struct Api;

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// The document as it stands in `docs/openapi.json`.
pub fn text() -> String {
    document().to_pretty_json().unwrap_or_default() + "\n"
}

/// Send events: one object, an array, or one a line; at most 500 or 1 MiB. Any content type, `text/plain` of sendBeacon
/// too. Accepted events are durable and visible when this answers.
#[utoipa::path(post, path = "/v1/events", request_body = String, responses(
    (status = 202, body = EventsBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson),
    (status = 503, body = ProblemJson), (status = 507, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn events() {}

/// Change catalogue rows, at most 1,000. Per field the newest `as_of` wins. Needs a secret key.
#[utoipa::path(patch, path = "/v1/catalog/items", request_body = String, responses(
    (status = 202, body = PatchesBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson),
    (status = 503, body = ProblemJson), (status = 507, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn items() {}

/// Ask for a slate. Where `x-timeout-ms` leaves no time for every source, the answer rests on what is popular and names the
/// sources it `skipped`.
#[utoipa::path(post, path = "/v1/recommend", request_body = RecommendAsk,
    params(("x-timeout-ms" = Option<u16>, Header, description = "how long the caller waits, 0 to 10000; 150 if left out")),
    responses(
    (status = 200, body = RecommendBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn recommend() {}

/// Ask for the slates of a whole page, at most 10; none shows what an earlier one shows. One snapshot, a decision each.
#[utoipa::path(post, path = "/v1/recommend:batch", request_body = BatchAsk,
    params(("x-timeout-ms" = Option<u16>, Header, description = "how long the caller waits, 0 to 10000; 150 if left out")),
    responses(
    (status = 200, body = BatchBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn batch() {}

/// The next page of a listing: the order of the first page goes on, so that nothing is shown twice or skipped; what may no
/// longer be shown is left out. A decision of its own.
#[utoipa::path(post, path = "/v1/recommend:next", request_body = NextAsk, responses(
    (status = 200, body = RecommendBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn next() {}

/// Complete what a shopper is typing: queries that many asked, categories, brands and products, by how popular they are and how well
/// they go with what the shopper deals with. Any word may have begun, in any order; from four letters on one may be wrong.
#[utoipa::path(get, path = "/v1/suggest",
    params(("q" = String, Query, description = "what has been typed, at most 200 bytes"),
        ("n" = Option<u16>, Query, description = "suggestions of each kind, at most 20; 6 if left out"),
        ("anonymous_id" = Option<String>, Query), ("user_id" = Option<String>, Query, description = "needs a secret key"),
        ("market" = Option<String>, Query), ("locale" = Option<String>, Query), ("key" = Option<String>, Query),
        ("x-timeout-ms" = Option<u16>, Header, description = "how long the caller waits, 0 to 10000; 150 if left out")),
    responses(
    (status = 200, body = SuggestBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn suggest() {}

/// What searches teach: queries that find nothing, queries that find the wrong things, words that may mean the same. Only what at
/// least five shoppers searched for. Needs a secret key.
#[utoipa::path(get, path = "/v1/search/report",
    params(("n" = Option<u16>, Query, description = "lines of each list, at most 500; 50 if left out")),
    responses(
    (status = 200, body = QueriesBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn search_report() {}

/// Searches and what came of them in the schema of User Behavior Insights 1.3, part by part: send the `next` of an answer as `after`
/// until there is none. Only what at least five shoppers searched for. Needs a secret key.
#[utoipa::path(get, path = "/v1/search/ubi",
    params(("after" = Option<u64>, Query, description = "the entry of the log after which to go on; 0 if left out")),
    responses(
    (status = 200, body = UbiBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson),
    (status = 429, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn ubi() {}

/// The language of search and its synonyms. Needs a secret key.
#[utoipa::path(get, path = "/v1/settings/search", responses(
    (status = 200, body = SearchSettingsBody),
    (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn search_settings() {}

/// Set the language of search, its synonyms or both; what is left out stays as it is. A new version of the settings. Needs a secret
/// key.
#[utoipa::path(put, path = "/v1/settings/search", request_body = String, responses(
    (status = 200, body = SearchSettingsBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn put_search_settings() {}

/// What a placement's bandit has learnt of its content blocks: exposures, clicks, click rates without the bias of plain means, and the
/// probability of each now. Needs a secret key.
#[utoipa::path(get, path = "/v1/placements/{placement}/bandit", params(("placement" = String, Path)), responses(
    (status = 200, body = BanditBody), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson),
    (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn bandit() {}

/// Roll a placement out to a share of shoppers: `{"rollout": 0..100}`, 0 switches it off. Needs a secret key.
#[utoipa::path(patch, path = "/v1/placements/{placement}", request_body = String,
    params(("placement" = String, Path, description = "its name")), responses(
    (status = 200, body = VersionsBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson),
    (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn rollout() {}

/// The last versions of the settings, the newest first. Needs a secret key.
#[utoipa::path(get, path = "/v1/settings/versions", responses(
    (status = 200, body = VersionsBody),
    (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn versions() {}

/// Put settings that were in force before into force again: `{"version": N}`. Needs a secret key.
#[utoipa::path(post, path = "/v1/settings/rollback", request_body = String, responses(
    (status = 200, body = VersionsBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn rollback() {}

/// Learnt models: which are in force, what they are worth, and the run going on. Needs a secret key.
#[utoipa::path(get, path = "/v1/models", responses(
    (status = 200, body = ModelsBody),
    (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn models() {}

/// Learn from the log in the background: `{"publish": true, "split_at": time, "models": [names]}`, all of it optional; or judge a placement on
/// the past: `{"placement": name, "page": type, "split_at": time, "until": time, "models": [names]}`. Needs a secret key.
#[utoipa::path(post, path = "/v1/models/train", request_body = String, responses(
    (status = 202, body = ModelsBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson),
    (status = 429, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn train() {}

/// Search for better values of the parameters of learnt models, in the background: `{"models": [names], "minutes": 10, "apply": false}`, all of it optional. Needs a secret key.
#[utoipa::path(post, path = "/v1/models/tune", request_body = String, responses(
    (status = 202, body = ModelsBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson),
    (status = 429, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn tune() {}

/// Put another artifact of a model into force, or none: `{"name": …, "artifact": id or null}`. Needs a secret key.
#[utoipa::path(post, path = "/v1/models/rollback", request_body = String, responses(
    (status = 200, body = ModelsBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn model_rollback() {}

/// The catalogues before the last three imports, the newest first. Needs a secret key.
#[utoipa::path(get, path = "/v1/catalog/versions", responses(
    (status = 200, body = CatalogVersionsBody),
    (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn catalog_versions() {}

/// Undo an import: `{"version": N}` goes back to the catalogue before it; what came in after it stays. Needs a secret key.
#[utoipa::path(post, path = "/v1/catalog/rollback", request_body = String, responses(
    (status = 200, body = CatalogVersionsBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn catalog_rollback() {}

/// What is wrong with what the shop sends, each finding with its fix. Needs a secret key.
#[utoipa::path(get, path = "/v1/doctor", responses(
    (status = 200, body = DoctorBody),
    (status = 401, body = ProblemJson), (status = 403, body = ProblemJson), (status = 429, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn doctor() {}

/// Put at most 500 ids in the order of a placement.
#[utoipa::path(post, path = "/v1/rank", request_body = RankAsk,
    params(("x-timeout-ms" = Option<u16>, Header, description = "how long the caller waits, 0 to 10000; 150 if left out")),
    responses(
    (status = 200, body = RecommendBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn rank() {}

/// Search. Every result matches the words; as many of them as can be asked for while enough products have all. Counts are exact.
#[utoipa::path(post, path = "/v1/search", request_body = SearchAsk,
    params(("x-timeout-ms" = Option<u16>, Header, description = "how long the caller waits, 0 to 10000; 150 if left out")),
    responses(
    (status = 200, body = SearchBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn search() {}

/// The same by an address: `refine.brand=Acme&refine.price=10..50`, a value each.
#[utoipa::path(get, path = "/v1/search",
    params(("q" = String, Query), ("placement" = Option<String>, Query), ("anonymous_id" = Option<String>, Query),
        ("filter" = Option<String>, Query), ("facets" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("page" = Option<u32>, Query), ("n" = Option<u16>, Query), ("literal" = Option<bool>, Query),
        ("exclude_ids" = Option<String>, Query), ("market" = Option<String>, Query), ("locale" = Option<String>, Query), ("key" = Option<String>, Query)),
    responses(
    (status = 200, body = SearchBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn search_by_address() {}

/// A category's products with facets; `path` is `Home > Kitchen`, encoded. Otherwise as `GET /v1/search`, without `q`.
#[utoipa::path(get, path = "/v1/categories/{path}/products",
    params(("path" = String, Path), ("placement" = Option<String>, Query), ("anonymous_id" = Option<String>, Query),
        ("filter" = Option<String>, Query), ("facets" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("page" = Option<u32>, Query), ("n" = Option<u16>, Query), ("market" = Option<String>, Query), ("locale" = Option<String>, Query),
        ("key" = Option<String>, Query)),
    responses(
    (status = 200, body = SearchBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn category_products() {}

/// A slate without a shopper, which caches may keep for a minute.
#[utoipa::path(get, path = "/v1/recommend/{placement}",
    params(("placement" = String, Path), ("item_ids" = Option<String>, Query), ("category_path" = Option<String>, Query),
        ("page_type" = Option<String>, Query), ("exclude_ids" = Option<String>, Query), ("n" = Option<u16>, Query),
        ("filter" = Option<String>, Query), ("market" = Option<String>, Query), ("locale" = Option<String>, Query), ("key" = Option<String>, Query)),
    responses(
    (status = 200, body = RecommendBody),
    (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn impersonal() {}

/// KPIs of a range of days: `from`, `until` (days; the last 28 with events where none is named), `by` whole, day, segment, market,
/// category, placement or arm. Needs a secret key.
#[utoipa::path(get, path = "/v1/kpis", params(("from" = Option<String>, Query), ("until" = Option<String>, Query),
    ("by" = Option<String>, Query)), responses((status = 200, body = KpisBody), (status = 400, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn kpis() {}

/// Every count of every day and part, as CSV. Needs a secret key.
#[utoipa::path(get, path = "/v1/kpis.csv", params(("from" = Option<String>, Query), ("until" = Option<String>, Query)),
    responses((status = 200, body = String), (status = 400, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn kpis_csv() {}

/// What personalization added, by calendar month of the shop's zone; `month` (`2026-10`) names one. Needs a secret key.
#[utoipa::path(get, path = "/v1/experiments/holdout/months", params(("month" = Option<String>, Query)), responses(
    (status = 200, body = StatementsBody), (status = 400, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn months() {}

/// The same as CSV, a line a month and metric. Needs a secret key.
#[utoipa::path(get, path = "/v1/experiments/holdout/months.csv", params(("month" = Option<String>, Query)), responses(
    (status = 200, body = String), (status = 400, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn months_csv() {}

/// The pilot of a placement, and what to do about it. Needs a secret key.
#[utoipa::path(get, path = "/v1/pilots/{placement}", params(("placement" = String, Path)), responses(
    (status = 200, body = PilotBody), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn pilot() {}

/// Measure what a placement's shoppers did lately, plan a test of it, and begin it, or say why it is hopeless. Needs a secret key.
#[utoipa::path(post, path = "/v1/pilots/{placement}", params(("placement" = String, Path)), request_body = PilotAsk, responses(
    (status = 200, body = PilotBody), (status = 400, body = ProblemJson), (status = 404, body = ProblemJson),
    (status = 409, body = ProblemJson), (status = 429, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn begin_pilot() {}

/// End a pilot: `{"keep": "placement"}` gives it to everyone, `{"keep": "baseline"}` what it was held against. Needs a secret key.
#[utoipa::path(post, path = "/v1/pilots/{placement}/end", params(("placement" = String, Path)), request_body = serde_json::Value,
    responses((status = 200, body = PilotBody), (status = 400, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn end_pilot() {}
/// What is looked at every day for changes that nobody asked for: the newest look at each, alarms raised and cleared, and how messages about
/// them fare. Needs a secret key.
#[utoipa::path(get, path = "/v1/watch", responses((status = 200, body = WatchesBody)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn watches() {}

/// One watch with the looks of the last 28 days. Needs a secret key.
#[utoipa::path(get, path = "/v1/watch/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = WatchBody), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn watch() {}

/// The holdout and all experiments, with what they say so far. Needs a secret key.
#[utoipa::path(get, path = "/v1/experiments", responses((status = 200, body = ExperimentsBody)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn experiments() {}

/// One of them; `holdout` is the holdout. Needs a secret key.
#[utoipa::path(get, path = "/v1/experiments/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = ExperimentBody), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn experiment() {}

/// Begin an experiment or change one, with the fields of `[[experiment]]` in a placement file. A change of split or
/// configuration begins another epoch. Needs a secret key.
#[utoipa::path(put, path = "/v1/experiments/{name}", params(("name" = String, Path)), request_body = serde_json::Value,
    responses((status = 200, body = ExperimentBody), (status = 400, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn put_experiment() {}

/// Take an experiment out that is stopped. Needs a secret key.
#[utoipa::path(delete, path = "/v1/experiments/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = ExperimentsBody), (status = 400, body = ProblemJson), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn delete_experiment() {}

/// Stop an experiment: everyone gets the control. Needs a secret key.
#[utoipa::path(post, path = "/v1/experiments/{name}/stop", params(("name" = String, Path)), responses(
    (status = 200, body = ExperimentBody), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn stop_experiment() {}

/// What an experiment that is set would need, by what the shop's units did lately. Needs a secret key.
#[utoipa::path(get, path = "/v1/experiments/{name}/plan", params(("name" = String, Path)), responses(
    (status = 200, body = PlanBody), (status = 404, body = ProblemJson), (status = 409, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn plan_experiment() {}

/// The same of an experiment that is only described. Nothing is set. Needs a secret key.
#[utoipa::path(post, path = "/v1/experiments/{name}/plan", params(("name" = String, Path)), request_body = serde_json::Value,
    responses((status = 200, body = PlanBody), (status = 400, body = ProblemJson), (status = 409, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn plan_definition() {}

/// What wants to stand in for what, and how far it has come. Needs a secret key.
#[utoipa::path(get, path = "/v1/challenges", responses((status = 200, body = ChallengesBody)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn challenges() {}

/// One challenge, with the evidence of each step. Needs a secret key.
#[utoipa::path(get, path = "/v1/challenges/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = ChallengeBody), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn challenge() {}

/// Begin a challenge: `champion` and `challenger` (placements), `metric`, and where they differ from their defaults `guardrails`, `effect`, `covariate`,
/// `shadow_requests`, `canary` (per cent), `canary_hours`, `days`, `planned_units`. Needs a secret key.
#[utoipa::path(put, path = "/v1/challenges/{name}", params(("name" = String, Path)), request_body = serde_json::Value,
    responses((status = 200, body = ChallengeBody), (status = 400, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn put_challenge() {}

/// Take the next step now, where there is one. Needs a secret key.
#[utoipa::path(post, path = "/v1/challenges/{name}/step", params(("name" = String, Path)), responses(
    (status = 200, body = ChallengeBody), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn step_challenge() {}

/// End a challenge: the champion answers. Needs a secret key.
#[utoipa::path(post, path = "/v1/challenges/{name}/stop", params(("name" = String, Path)), responses(
    (status = 200, body = ChallengeBody), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn stop_challenge() {}

/// Take a promotion back: the champion answers as it was. Needs a secret key.
#[utoipa::path(post, path = "/v1/challenges/{name}/revert", params(("name" = String, Path)), responses(
    (status = 200, body = ChallengeBody), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn revert_challenge() {}

/// A decision's certificate. Needs a secret key.
#[utoipa::path(get, path = "/v1/decisions/{id}", params(("id" = String, Path)), responses(
    (status = 200, body = serde_json::Value), (status = 404, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn decision() {}

/// The same decision, recomputed from the log; `identical` tells whether its bytes are the stored ones. One at a time.
/// Needs a secret key.
#[utoipa::path(get, path = "/v1/decisions/{id}/replay", params(("id" = String, Path)), responses(
    (status = 200, body = serde_json::Value), (status = 404, body = ProblemJson), (status = 429, body = ProblemJson)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn replay() {}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn healthz() {}

/// Whether it can serve.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = String)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn readyz() {}

/// Measurements in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String)))]
#[allow(dead_code, reason = "read by utoipa only")]
fn metrics() {}
