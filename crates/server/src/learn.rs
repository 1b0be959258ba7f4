//! Learning from the log while the shop serves: fit on the past, judge by what came after, fit on everything, publish what is
//! worth it. One run at a time, on a thread of low priority, within limits of memory and time.

use crate::backtest_api::PlacementBacktestBody;
use crate::boot::Shop;
use crate::clock;
use crate::learn_words;
use crate::limits::{Budget, Limits};
use crate::models_api::{JudgedBody, ModelRunBody, RunBody};
use crate::rankers;
use crate::trials::{self, Asked};
use crate::writer::Job;
use anyhow::{Context as _, bail};
use bespoke_domain::entry::ModelChange;
use bespoke_domain::id::ArtifactId;
use bespoke_domain::{Offset, Settings};
use bespoke_engine::Snapshot;
use bespoke_engine::backtest::measures::Yardstick;
use bespoke_engine::backtest::{Cases, Judged};
use bespoke_engine::meaning::Ready;
use bespoke_engine::shelf;
use bespoke_engine::source::MATCHES;
use bespoke_engine::training::Training;
use bespoke_models::interactions::Interactions;
use bespoke_models::learned::{LEARNED, Learned, LearnedSpec, TEXT_VECTORS};
use bespoke_models::recommender::FitRun;
use bespoke_models::training_set::TrainingSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Entries of the log that are looked at, the last ones.
const ENTRIES_MAX: u64 = 50_000_000;
/// Share of acts before the split of a backtest.
pub const PAST: f64 = 0.8;
/// Fewest cases of which a backtest says something.
pub const CASES_MIN: usize = 50;
/// The same data gives the same models.
pub const RUN: FitRun = FitRun { seed: 1, threads: 1 };
/// Artifacts kept of each model, besides the one in force.
const KEPT: usize = 3;

/// What is wanted of a run.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whether what is worth it comes into force.
    pub publish: bool,
    /// The moment of the split, in seconds of the epoch; `None`: four fifths of all acts are before it.
    pub split_s: Option<u32>,
    /// Only these models; empty: those that the placements name.
    pub models: Vec<String>,
    /// The moment from which on placements are not judged, in seconds of the epoch; `None`: to the end.
    pub until_s: Option<u32>,
    /// Placements that are judged instead, with models fitted on the past; nothing comes into force then.
    pub placements: Vec<Asked>,
}

/// What is known of an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The model's name.
    pub name: String,
    /// The data directory whose product numbers it holds.
    pub shop: String,
    /// The version that fitted it.
    pub code: String,
    /// The last entry of the log that it rests on.
    pub cut_off: u64,
    /// When it was fitted, in milliseconds of the epoch.
    pub trained_at_ms: i64,
    /// Shoppers, products and pairs in the training data; of a ranker, occasions, features and candidates.
    pub shoppers: usize,
    /// Products with a number.
    pub products: usize,
    /// Pairs of both.
    pub pairs: usize,
    /// A hash of these pairs and their weights.
    pub data: String,
    /// Bytes that it takes in memory.
    pub bytes: usize,
    /// The values of its parameters.
    #[serde(default)]
    pub values: BTreeMap<String, f64>,
    /// Time to judge it and to fit it on everything.
    #[serde(default)]
    pub seconds: f64,
    /// What the same specification was worth, fitted on the past.
    pub backtest: JudgedBody,
}

/// The runs of one server.
#[derive(Default)]
pub struct Learner {
    /// Runs that are still to begin.
    left: AtomicUsize,
    run: Mutex<Option<RunBody>>,
    judged: Mutex<BTreeMap<String, PlacementBacktestBody>>,
    limits: Limits,
}

impl Wanted {
    /// What a run that does it is called.
    fn kind(&self) -> String {
        match self.placements.as_slice() {
            [] => "train".to_owned(),
            placements => {
                let names: Vec<&str> = placements.iter().map(|one| one.placement.as_str()).collect();
                format!("backtest of {}", names.join(", "))
            }
        }
    }
}

impl Learner {
    /// No run yet; each may take so much.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What a run may take.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The run going on, or the last one.
    pub fn run(&self) -> Option<RunBody> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last backtest of each placement since the server started.
    pub fn judged(&self) -> BTreeMap<String, PlacementBacktestBody> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts runs, one after the other, on a thread of its own; `false` where one is going on.
    pub fn start(self: &Arc<Self>, shop: Arc<Shop>, wanted: Vec<Wanted>) -> bool {
        let kind = wanted.first().map_or_else(String::new, Wanted::kind);
        self.begin(&kind, wanted.len(), move |own| {
            for wanted in &wanted {
                own.note(|run| *run = RunBody::of(&wanted.kind(), clock::now().0));
                own.left.fetch_sub(1, Ordering::AcqRel);
                own.learn(&shop, wanted);
            }
        })
    }

    /// Starts `work` on a thread of its own, of low priority; `false` where a run is going on. `runs` are to begin in it, each
    /// of which it takes off [`Learner::left`].
    pub(crate) fn begin(
        self: &Arc<Self>,
        kind: &str,
        runs: usize,
        work: impl FnOnce(&Self) + Send + 'static,
    ) -> bool {
        {
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            let is_running = run.as_ref().is_some_and(|run| run.state == "running");
            if is_running || self.left.load(Ordering::Acquire) > 0 {
                return false;
            }
            self.left.store(runs, Ordering::Release);
            *run = Some(RunBody::of(kind, clock::now().0));
        }
        let own = self.clone();
        let work = move || {
            // Of this thread alone, so that shoppers do not wait for it; where it cannot be had, they wait a little.
            _ = rustix::process::nice(19);
            work(&own);
        };
        let started = std::thread::Builder::new().name("learn".into()).spawn(work);
        if let Err(error) = started {
            self.left.store(0, Ordering::Release);
            self.note(|run| (run.state, run.stage) = ("failed".to_owned(), error.to_string()));
        }
        true
    }

    /// Learns on this thread.
    pub fn learn(&self, shop: &Shop, wanted: &Wanted) {
        self.record(&wanted.kind(), |started| self.all(shop, wanted, started));
    }

    /// Does `work` as a run, and notes how it ended.
    pub(crate) fn record(&self, kind: &str, work: impl FnOnce(Instant) -> anyhow::Result<()>) {
        let started = Instant::now();
        self.note(|run| *run = RunBody::of(kind, clock::now().0));
        let done = work(started);
        let seconds = started.elapsed().as_secs_f64();
        self.note(|run| {
            run.seconds = seconds;
            run.state = if done.is_ok() { "done" } else { "failed" }.to_owned();
            run.stage = done.as_ref().err().map_or_else(String::new, |error| format!("{error:#}"));
        });
        match done {
            Ok(()) => tracing::info!(kind, seconds, "learnt from the log"),
            Err(error) => tracing::info!(kind, "nothing was learnt: {error:#}"),
        }
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut RunBody)) {
        change(self.run.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default());
    }

    pub(crate) fn stage(&self, stage: &str, percent: u8) {
        self.note(|run| (run.stage, run.percent) = (stage.to_owned(), percent));
    }

    pub(crate) fn all(&self, shop: &Shop, wanted: &Wanted, started: Instant) -> anyhow::Result<()> {
        let snapshot = shop.live.snapshot();
        if wanted.placements.is_empty() {
            self.stage("reading what products say", 0);
            let words = learn_words::learn(shop, &snapshot, wanted, Budget::new(self.limits, started, 0))?;
            self.note(|run| run.models.extend(words));
        }
        self.stage("reading the log", 0);
        let training = read(shop, &snapshot)?;
        if training.deeds.is_empty() {
            bail!("the log has no acts of shoppers who allow personalization");
        }
        let split_s = wanted.split_s.unwrap_or_else(|| training.time_at(PAST));
        if !wanted.placements.is_empty() {
            let (training, models) = (&training, wanted.models.as_slice());
            self.note(|run| (run.acts, run.split_ms) = (training.deeds.len(), i64::from(split_s) * 1000));
            let (snapshot, until_s) = (&snapshot, wanted.until_s.unwrap_or(u32::MAX));
            let budget = Budget::new(self.limits, started, training.size_bytes() as u64);
            let stage = &|stage: String| self.stage(&stage, 0);
            let run =
                trials::Run { shop, snapshot, training, split_s, until_s, models, budget, started, stage };
            let bodies = trials::judge(&run, &wanted.placements)?;
            let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
            judged.extend(bodies.into_iter().map(|body| (body.placement.clone(), body)));
            return Ok(());
        }
        let settings = snapshot.aggregates.settings.as_deref();
        let ranked = rankers::wanted(settings, &wanted.models);
        let mut specs = specs(settings, &wanted.models, !ranked.is_empty())?;
        specs.retain(|spec| !spec.is_for_search);
        let past = training.set(split_s, &snapshot.aggregates.catalog);
        let yardstick = Yardstick::new(&training, split_s, &snapshot.aggregates.catalog);
        let cases = Cases::new(&training, split_s, &past, yardstick);
        let popular = cases.judge_popularity();
        self.note(|run| {
            (run.acts, run.cases) = (training.deeds.len(), cases.len());
            (run.split_ms, run.popular) = (i64::from(split_s) * 1000, JudgedBody::of(&popular));
        });
        // As of the last act, not of the clock: the same log gives the same bytes.
        let until_s = training.time_at(1.0).saturating_add(1);
        let whole = training.set(until_s, &snapshot.aggregates.catalog);
        let held = training.size_bytes() + past.size_bytes() + whole.size_bytes();
        let budget = Budget::new(self.limits, started, held as u64);
        let data = Data { past: &past, whole: &whole, cases: &cases, budget };
        for (at, spec) in specs.iter().enumerate() {
            self.stage(&format!("fitting {}", spec.name), (100 * at / specs.len()) as u8);
            let one = fit(shop, &snapshot, spec, &data, wanted)?;
            self.note(|run| run.models.push(one));
        }
        let (training, models) = (&training, wanted.models.as_slice());
        let (snapshot, stage, until_s) = (&snapshot, &|stage: String| self.stage(&stage, 99), u32::MAX);
        let run = trials::Run { shop, snapshot, training, split_s, until_s, models, budget, started, stage };
        let bodies = rankers::learn(&run, &ranked, wanted.publish);
        self.note(|run| {
            run.models.extend(bodies);
            run.percent = 100;
        });
        Ok(())
    }
}

/// The models that are named, or that the placements name.
pub(crate) fn specs(
    settings: Option<&Settings>,
    named: &[String],
    may_be_none: bool,
) -> anyhow::Result<Vec<&'static LearnedSpec>> {
    let placements = settings.map_or(&[][..], |settings| &settings.placements);
    let sources = placements.iter().flat_map(|one| one.sources.iter().map(|used| used.source.as_str()));
    let scorers = placements.iter().flat_map(|one| one.scorers.iter().map(|used| used.scorer.as_str()));
    let mut used: Vec<&str> = sources.chain(scorers).collect();
    // Search reads the words that are learnt whatever its placement is called.
    if used.contains(&MATCHES.name) {
        used.push(TEXT_VECTORS);
    }
    let is_wanted = |spec: &&LearnedSpec| match named {
        [] => used.contains(&spec.name),
        named => named.iter().any(|name| name == spec.name),
    };
    let specs: Vec<&LearnedSpec> = LEARNED.iter().filter(is_wanted).collect();
    if specs.is_empty() && !may_be_none {
        let names: Vec<&str> = LEARNED.iter().map(|spec| spec.name).collect();
        bail!(
            "no placement names a source or scorer that is learnt ({}), or has an objective",
            names.join(", ")
        );
    }
    Ok(specs)
}

/// The values of a model's parameters, as the shop has set them.
pub(crate) fn values(settings: Option<&Settings>, spec: &LearnedSpec) -> Vec<f64> {
    spec.values(settings.map_or(&[], |settings| settings.model(spec.name)))
}

/// Everything that was done, from the last entries of the log.
pub(crate) fn read(shop: &Shop, snapshot: &Snapshot) -> anyhow::Result<Training> {
    let last = snapshot.aggregates.offset;
    let first = Offset(last.0.saturating_sub(ENTRIES_MAX));
    let mut training = Training::default();
    shop.each_entry(
        (first, last),
        |_| Ok(()),
        |offset, entry| training.feed(snapshot, &shop.live, offset, &entry),
    )?;
    training.sort();
    Ok(training)
}

/// What a model is fitted on and judged by.
struct Data<'a> {
    past: &'a TrainingSet,
    whole: &'a TrainingSet,
    cases: &'a Cases,
    budget: Budget,
}

/// Time of a fit to `data`, by one that took `seconds` for so many pairs.
fn seconds_for(data: &TrainingSet, seconds: f64, pairs: usize) -> f64 {
    seconds * data.interactions.len() as f64 / pairs.max(1) as f64
}

/// Judges the specification on the past, and where it is worth it publishes a fit on everything.
fn fit(
    shop: &Shop,
    snapshot: &Snapshot,
    spec: &LearnedSpec,
    data: &Data<'_>,
    wanted: &Wanted,
) -> anyhow::Result<ModelRunBody> {
    let started = Instant::now();
    let values = values(snapshot.aggregates.settings.as_deref(), spec);
    let champion = snapshot.aggregates.models.get(spec.name).and_then(|id| about(shop, *id).ok());
    let mut one = ModelRunBody::of(spec.name);
    if let Some(why) = spec.refusal(data.whole.product_count()) {
        (one.outcome, one.why) = ("skipped".to_owned(), why);
        return Ok(one);
    }
    let named: BTreeMap<String, f64> =
        spec.params.iter().map(|param| param.name.to_owned()).zip(values.iter().copied()).collect();
    let alike = champion.as_ref().filter(|last| last.values == named);
    let took = alike.map_or(0.0, |last| seconds_for(data.past, last.seconds, last.pairs));
    if let Some(why) = data.budget.refusal((spec.fit_bytes)(data.past, &values), took) {
        (one.outcome, one.why) = ("skipped".to_owned(), why);
        return Ok(one);
    }
    let model = (spec.fit)(data.past, &values, RUN);
    let took = seconds_for(data.whole, started.elapsed().as_secs_f64(), data.past.interactions.len());
    let judged = data.cases.judge_model(&model);
    drop(model);
    one.judged = Some(JudgedBody::of(&judged));
    one.seconds = started.elapsed().as_secs_f64();
    let too_much = || {
        let why = data.budget.refusal((spec.fit_bytes)(data.whole, &values), took);
        why.filter(|_| wanted.publish)
    };
    let refused = refusal(&judged, champion.as_ref()).or_else(too_much);
    if !wanted.publish || refused.is_some() {
        one.outcome = if wanted.publish { "not published" } else { "judged" }.to_owned();
        one.why = refused.unwrap_or_default();
        return Ok(one);
    }
    let model = (spec.fit)(data.whole, &values, RUN);
    one.seconds = started.elapsed().as_secs_f64();
    one.bytes = model.size_bytes();
    let about = About {
        name: spec.name.to_owned(),
        shop: shop_name(shop),
        code: env!("CARGO_PKG_VERSION").to_owned(),
        cut_off: snapshot.aggregates.offset.0,
        trained_at_ms: clock::now().0,
        shoppers: data.whole.interactions.row_count(),
        products: data.whole.product_count(),
        pairs: data.whole.interactions.len(),
        data: data_hash(&data.whole.interactions),
        bytes: one.bytes,
        values: named,
        seconds: one.seconds,
        backtest: JudgedBody::of(&judged),
    };
    one.artifact = publish(shop, &about, model)?.to_string();
    "published".clone_into(&mut one.outcome);
    Ok(one)
}

/// Why a model does not come into force: too few cases, no better than popularity, or worse than the champion was.
fn refusal(judged: &Judged, champion: Option<&About>) -> Option<String> {
    if judged.cases < CASES_MIN {
        return Some(format!("{} cases are too few to tell; it takes {CASES_MIN}", judged.cases));
    }
    if judged.ahead.low <= 0.0 {
        return Some("it is not better than popularity beyond doubt".to_owned());
    }
    let champion = champion.filter(|champion| judged.ndcg.high < champion.backtest.ndcg_low)?;
    let (now, then) = (judged.ndcg.high, champion.backtest.ndcg_low);
    Some(format!("its NDCG@20 is at most {now:.4}, that of the one in force was at least {then:.4}"))
}

/// Writes the artifact and puts it into force.
///
/// # Errors
/// When it cannot be written, or the log cannot.
pub fn publish(shop: &Shop, about: &About, model: Learned) -> anyhow::Result<ArtifactId> {
    let bytes = shelf::bytes(&model);
    let id = id_of(&bytes);
    shop.artifacts.put(id, &serde_json::to_vec(about)?, &bytes)?;
    put_in_force(shop, &about.name, Some((id, Arc::new(model))))?;
    prune(shop, &about.name)?;
    Ok(id)
}

/// Puts a loaded model into force, or none.
///
/// # Errors
/// When the log cannot be written.
pub fn put_in_force(
    shop: &Shop,
    name: &str,
    model: Option<(ArtifactId, Arc<Learned>)>,
) -> anyhow::Result<()> {
    let change = ModelChange { name: name.to_owned(), artifact: model.as_ref().map(|(id, _)| *id) };
    // Here and not in the fold: of a large shop it takes many seconds.
    let loaded = model.map(|(artifact, model)| {
        let ready = Ready::new(&model, &shop.live.snapshot());
        (artifact, model, ready.map(Box::new))
    });
    let put = shop.queue.call(|reply| Job::Model(change, loaded, reply));
    put.map(|_| ()).map_err(|failure| anyhow::anyhow!("the model was not put into force: {failure:?}"))
}

/// What is known of an artifact of this shop, its bytes unread.
///
/// # Errors
/// When it cannot be read, or is of another data directory.
pub fn about(shop: &Shop, id: ArtifactId) -> anyhow::Result<About> {
    let known = shop.artifacts.about(id).map_err(|why| anyhow::anyhow!("model {id}: {why}"))?;
    own(shop, id, &known)
}

fn own(shop: &Shop, id: ArtifactId, known: &[u8]) -> anyhow::Result<About> {
    let about: About = serde_json::from_slice(known).with_context(|| format!("model {id}"))?;
    if about.shop != shop_name(shop) {
        bail!("model {id} is of another data directory: its product numbers mean other products");
    }
    Ok(about)
}

/// The fitted model of an artifact of this shop.
///
/// # Errors
/// When it is damaged, of another data directory, or of a version that is not known.
pub fn load(shop: &Shop, id: ArtifactId) -> anyhow::Result<Arc<Learned>> {
    let artifact = shop.artifacts.get(id).map_err(|why| anyhow::anyhow!("model {id}: {why}"))?;
    own(shop, id, &artifact.about)?;
    if id_of(&artifact.bytes) != id {
        bail!("model {id}: its bytes are not those it is named after");
    }
    let model = shelf::read(&artifact.bytes);
    model.map(Arc::new).with_context(|| format!("model {id} is of a version that is not known"))
}

/// Lets go of all but the newest artifacts of a model and the one in force.
fn prune(shop: &Shop, name: &str) -> anyhow::Result<()> {
    let in_force = shop.live.snapshot().aggregates.models.get(name).copied();
    let mut own: Vec<(i64, ArtifactId)> = Vec::new();
    for id in shop.artifacts.list()? {
        own.extend(
            about(shop, id).ok().filter(|about| about.name == name).map(|one| (one.trained_at_ms, id)),
        );
    }
    own.sort_unstable_by(|a, b| b.cmp(a));
    for (_, old) in own.into_iter().skip(KEPT).filter(|(_, id)| Some(*id) != in_force) {
        shop.artifacts.remove(old)?;
    }
    Ok(())
}

pub(crate) fn id_of(bytes: &[u8]) -> ArtifactId {
    let hash = blake3::hash(bytes);
    ArtifactId(u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap_or_default()))
}

/// What product numbers are of: the data directory.
pub fn shop_name(shop: &Shop) -> String {
    format!("{:016x}", shop.secret.hash64("shop", "models"))
}

pub(crate) fn data_hash(data: &Interactions) -> String {
    let mut hasher = blake3::Hasher::new();
    for row in 0..data.row_count() {
        let (columns, weights) = data.row(row);
        hasher.update(&(columns.len() as u64).to_le_bytes());
        for (column, weight) in columns.iter().zip(weights) {
            hasher.update(&column.to_le_bytes());
            hasher.update(&weight.to_le_bytes());
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
