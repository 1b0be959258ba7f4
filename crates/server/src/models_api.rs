//! Models over HTTP: which are in force, what they are worth, train, and the way back.

use crate::backtest_api::PlacementBacktestBody;
use crate::boot::Shop;
use crate::clock;
use crate::http::App;
use crate::learn::{self, About, Wanted};
use crate::rankers;
use crate::trials::{self, Asked};
use crate::wire::error::ApiError;
use crate::wire::field::object_of;
use bespoke_domain::Problem;
use bespoke_domain::event::PageType;
use bespoke_domain::id::ArtifactId;
use bespoke_domain::settings::Placement;
use bespoke_engine::backtest::{Judged, SEGMENTS};
use bespoke_engine::foresight::ranker_name;
use bespoke_engine::occasions::PAGES;
use bespoke_engine::profile::seconds;
use bespoke_models::learned::LEARNED;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most models that one run may be asked for by name.
const MODELS_MAX: usize = 200;

/// What a model was worth on what came after the split. Intervals are 95 %, by bootstrap.
#[derive(Serialize, Deserialize, ToSchema, Clone, Debug, Default, PartialEq)]
pub struct JudgedBody {
    /// Shoppers that were asked about.
    pub cases: usize,
    /// Share of what came next that is in the top 20.
    pub recall: f64,
    /// NDCG@20; of a ranker, that of what its order was worth, at the placement's slots.
    pub ndcg: f64,
    /// Its interval.
    pub ndcg_low: f64,
    /// Its interval.
    pub ndcg_high: f64,
    /// NDCG@20 less popularity's, on the same cases; of a ranker, less that of the order set by hand.
    pub ahead: f64,
    /// Its interval.
    pub ahead_low: f64,
    /// Its interval.
    pub ahead_high: f64,
    /// Share of shoppers with something right.
    pub hit_rate: f64,
    /// Mean of 1 / place of the first right one.
    pub mrr: f64,
    /// Share of products that were recommended to someone.
    pub coverage: f64,
    /// Gini coefficient of how often they were.
    #[serde(default)]
    pub gini: f64,
    /// Share of the revenue of what was bought next and kept that is in the top 20.
    #[serde(default)]
    pub revenue: f64,
    /// Mean of −log2 of the share that recommended products have of all acts before.
    #[serde(default)]
    pub novelty: f64,
    /// Share of pairs of recommended products whose main categories differ.
    #[serde(default)]
    pub diversity: f64,
    /// Mean share of products that are less popular than a recommended one.
    #[serde(default)]
    pub popularity: f64,
    /// NDCG@20 by segment, with cases: new, light and heavy shoppers.
    pub segments: BTreeMap<String, (f64, usize)>,
}

impl JudgedBody {
    /// The same in words.
    pub fn of(judged: &Judged) -> Self {
        Self {
            cases: judged.cases,
            recall: judged.recall.mean,
            ndcg: judged.ndcg.mean,
            ndcg_low: judged.ndcg.low,
            ndcg_high: judged.ndcg.high,
            ahead: judged.ahead.mean,
            ahead_low: judged.ahead.low,
            ahead_high: judged.ahead.high,
            hit_rate: judged.hit_rate,
            mrr: judged.mrr,
            coverage: judged.coverage,
            gini: judged.gini,
            revenue: judged.revenue,
            novelty: judged.novelty,
            diversity: judged.diversity,
            popularity: judged.popularity,
            segments: SEGMENTS.iter().map(|name| (*name).to_owned()).zip(judged.segments).collect(),
        }
    }
}

/// What became of one model in a run.
#[derive(Serialize, ToSchema, Clone, Debug, Default)]
pub struct ModelRunBody {
    /// Its name.
    pub name: String,
    /// published, not published, judged (nothing was to be published) or skipped.
    pub outcome: String,
    /// Why it was not published.
    pub why: String,
    /// What it was worth, fitted on the past.
    pub judged: Option<JudgedBody>,
    /// Time to fit and to judge.
    pub seconds: f64,
    /// Bytes that it takes in memory.
    pub bytes: usize,
    /// What a ranker learnt from: moments of the past, or slates that were seen.
    pub learnt_from: String,
    /// Expected calibration error of a ranker's heads.
    pub calibration: BTreeMap<String, f64>,
    /// The artifact that came into force.
    pub artifact: String,
}

impl ModelRunBody {
    /// Of a model that nothing is said of yet.
    pub fn of(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

/// A run of learning.
#[derive(Serialize, ToSchema, Clone, Debug, Default)]
pub struct RunBody {
    /// running, done or failed.
    pub state: String,
    /// What it does now, or why it failed.
    pub stage: String,
    /// When it began, in milliseconds of the epoch.
    pub started_ms: i64,
    /// How long it took.
    pub seconds: f64,
    /// Acts that were learnt from.
    pub acts: usize,
    /// The split: what came after it was asked, in milliseconds of the epoch.
    pub split_ms: i64,
    /// Shoppers that were asked about.
    pub cases: usize,
    /// What popularity was worth.
    pub popular: JudgedBody,
    /// The models.
    pub models: Vec<ModelRunBody>,
}

impl RunBody {
    /// A run that begins now.
    pub fn begins() -> Self {
        Self { state: "running".to_owned(), started_ms: clock::now().0, ..Self::default() }
    }
}

/// An artifact.
#[derive(Serialize, ToSchema, Debug)]
pub struct ArtifactBody {
    /// Its id.
    pub artifact: String,
    /// The model's name.
    pub name: String,
    /// Whether it is in force.
    pub in_force: bool,
    /// When it was fitted, in milliseconds of the epoch.
    pub trained_at_ms: i64,
    /// The version that fitted it.
    pub code: String,
    /// The last entry of the log that it rests on.
    pub cut_off: u64,
    /// A hash of what it was fitted on.
    pub data: String,
    /// Shoppers, products and pairs of both that it was fitted on.
    pub size: (usize, usize, usize),
    /// Bytes that it takes in memory.
    pub bytes: usize,
    /// What the same specification was worth, fitted on the past.
    pub backtest: JudgedBody,
}

/// All models.
#[derive(Serialize, ToSchema, Debug)]
pub struct ModelsBody {
    /// Every model that can be learnt, with what it is.
    pub known: BTreeMap<String, String>,
    /// The artifacts, the newest first.
    pub artifacts: Vec<ArtifactBody>,
    /// Artifacts that cannot be used, and why.
    pub refused: Vec<String>,
    /// The run going on, or the last one since the server started.
    pub run: Option<RunBody>,
    /// The last backtest of each placement since the server started.
    pub backtests: BTreeMap<String, PlacementBacktestBody>,
}

/// What there is.
pub fn list(app: &App) -> Result<ModelsBody, ApiError> {
    let shop: &Shop = &app.shop;
    let in_force = shop.live.snapshot().aggregates.models.clone();
    let ids = shop.artifacts.list().map_err(|error| {
        tracing::error!(%error, "the models cannot be listed");
        ApiError::internal()
    })?;
    let (mut artifacts, mut refused) = (Vec::new(), Vec::new());
    for id in ids {
        match learn::about(shop, id) {
            Ok(about) => artifacts.push(body(id, about, in_force.values().any(|held| *held == id))),
            Err(why) => refused.push(format!("{why:#}")),
        }
    }
    artifacts.sort_by_key(|one| std::cmp::Reverse(one.trained_at_ms));
    let known = known(shop);
    let backtests = app.learner.judged();
    Ok(ModelsBody { known, artifacts, refused, run: app.learner.run(), backtests })
}

fn body(id: ArtifactId, about: About, in_force: bool) -> ArtifactBody {
    ArtifactBody {
        artifact: id.to_string(),
        name: about.name,
        in_force,
        trained_at_ms: about.trained_at_ms,
        code: about.code,
        cut_off: about.cut_off,
        data: about.data,
        size: (about.shoppers, about.products, about.pairs),
        bytes: about.bytes,
        backtest: about.backtest,
    }
}

/// Starts a run: `{"publish": true, "split_at": time, "models": [names], "placement": name, "page": type}`, all of it optional.
/// With a placement it is judged, and nothing comes into force.
pub fn train(app: &App, body: &[u8]) -> Result<ModelsBody, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let wanted = wanted(app, body).map_err(ApiError::invalid)?;
    if !app.learner.start(app.shop.clone(), vec![wanted]) {
        return Err(ApiError::new("training_busy", "GET /v1/models says how far it is"));
    }
    list(app)
}

fn wanted(app: &App, body: &[u8]) -> Result<Wanted, Problem> {
    let mut fields = object_of(body)?;
    let publish = fields.flag("publish")?;
    let split_s = fields.time("split_at")?.map(seconds);
    let models = fields.texts("models", MODELS_MAX, 80)?;
    let placement = fields.text("placement", 64)?;
    let page = fields.text("page", 16)?.map(|name| page(&name)).transpose()?;
    fields.none_left()?;
    let known = known(&app.shop);
    if let Some((at, name)) = models.iter().enumerate().find(|(_, name)| !known.contains_key(*name)) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let detail = format!("{name:?} is none of {}", names.join(", "));
        return Err(Problem::new(format!("models.{at}"), "unknown_name", detail));
    }
    let Some(placement) = placement else {
        if page.is_some() {
            return Err(Problem::new("page", "invalid_value", "name the `placement` that is asked there"));
        }
        let publish = publish.unwrap_or(true);
        return Ok(Wanted { publish, split_s, models, ..Wanted::default() });
    };
    if publish == Some(true) {
        let detail = "a placement is judged and nothing is published: leave it out, or the `placement`";
        return Err(Problem::new("publish", "invalid_value", detail));
    }
    let snapshot = app.shop.live.snapshot();
    if let Some(problem) = trials::problem(snapshot.aggregates.settings.as_deref(), &placement) {
        return Err(problem);
    }
    Ok(Wanted { publish: false, split_s, models, placements: vec![Asked { placement, page }] })
}

/// A page on which the past can be asked.
fn page(name: &str) -> Result<PageType, Problem> {
    PageType::parse(name).filter(|page| PAGES.contains(page)).ok_or_else(|| {
        let names = PAGES.map(PageType::name).join(", ");
        Problem::new("page", "unknown_name", format!("{name:?} is none of {names}"))
    })
}

/// What can be learnt, with a sentence of each: models, and a ranker for each placement that has an objective.
fn known(shop: &Shop) -> BTreeMap<String, String> {
    let models = LEARNED.iter().map(|spec| (spec.name.to_owned(), spec.doc.to_owned()));
    let ranked = rankers::wanted(shop.live.snapshot().aggregates.settings.as_deref(), &[]);
    let ranker = |placement: &Placement| {
        (ranker_name(&placement.name), format!("The order of {}, by its objective.", placement.name))
    };
    models.chain(ranked.iter().map(ranker)).collect()
}

/// Puts another artifact into force, or none: `{"name": …, "artifact": id or null}`.
pub async fn roll_back(app: &App, body: &[u8]) -> Result<ModelsBody, ApiError> {
    let mut fields = object_of(body).map_err(ApiError::invalid)?;
    let in_force = &app.shop.live.snapshot().aggregates.models;
    let is_known = |name: &String| in_force.contains_key(name) || known(&app.shop).contains_key(name);
    let name = fields.text("name", 80).map_err(ApiError::invalid)?.filter(is_known);
    let artifact = fields.text("artifact", 16).map_err(ApiError::invalid)?;
    fields.none_left().map_err(ApiError::invalid)?;
    let invalid =
        |field: &str, detail: String| ApiError::invalid(Problem::new(field, "unknown_name", detail));
    let name = name.ok_or_else(|| invalid("name", "must be one of `known` in GET /v1/models".to_owned()))?;
    let id: Option<ArtifactId> = artifact
        .map(|text| text.parse().map_err(|()| invalid("artifact", format!("{text:?} is no artifact"))))
        .transpose()?;
    let shop = app.shop.clone();
    let put = tokio::task::spawn_blocking(move || {
        let model = id.map(|id| of_name(&shop, id, &name).map(|model| (id, model))).transpose()?;
        learn::put_in_force(&shop, &name, model)
    });
    let put = put.await.map_err(|_| ApiError::internal())?;
    put.map_err(|error| invalid("artifact", format!("{error:#}; the one in force stays")))?;
    list(app)
}

fn of_name(
    shop: &Shop,
    id: ArtifactId,
    name: &str,
) -> anyhow::Result<std::sync::Arc<bespoke_models::learned::Learned>> {
    let about = learn::about(shop, id)?;
    anyhow::ensure!(about.name == name, "model {id} is a model {}, not {name}", about.name);
    learn::load(shop, id)
}
