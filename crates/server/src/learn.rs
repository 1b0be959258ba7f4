//! Learning from the log while the shop serves: fit on the past, judge by what came after, fit on everything, publish what is
//! worth it. One run at a time, on a thread of low priority, within limits of memory and time.

use crate::backtest_api::PlacementBacktestBody;
use crate::boot::Shop;
use crate::clock;
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
use bespoke_engine::profile::seconds;
use bespoke_engine::shelf;
use bespoke_engine::training::Training;
use bespoke_models::learned::{LEARNED, Learned, LearnedSpec};
use bespoke_models::recommender::FitRun;
use bespoke_models::training_set::TrainingSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Entries of the log that are looked at, the last ones, and how many in one go.
const ENTRIES_MAX: u64 = 50_000_000;
pub(crate) const AT_ONCE: u64 = 20_000;
/// Share of acts before the split of a backtest.
const PAST: f64 = 0.8;
/// Fewest cases of which a backtest says something.
pub(crate) const CASES_MIN: usize = 50;
/// Most memory of a fit, and most time of a run.
pub(crate) const FIT_BYTES_MAX: u64 = 8 << 30;
pub(crate) const RUN_MAX: Duration = Duration::from_secs(15 * 60);
/// The same data gives the same models.
pub(crate) const RUN: FitRun = FitRun { seed: 1, threads: 1 };
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
    /// What the same specification was worth, fitted on the past.
    pub backtest: JudgedBody,
}

/// The runs of one server.
#[derive(Default)]
pub struct Learner {
    run: Mutex<Option<RunBody>>,
    judged: Mutex<BTreeMap<String, PlacementBacktestBody>>,
}

impl Wanted {
    fn name(&self) -> String {
        match self.placements.as_slice() {
            [] => "learning from the log".to_owned(),
            placements => {
                let names: Vec<&str> = placements.iter().map(|one| one.placement.as_str()).collect();
                format!("asking the past about {}", names.join(", "))
            }
        }
    }
}

impl Learner {
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
        {
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            if run.as_ref().is_some_and(|run| run.state == "running") {
                return false;
            }
            *run = Some(RunBody::begins());
        }
        let own = self.clone();
        let work = move || {
            // Of this thread alone, so that shoppers do not wait for it; where it cannot be had, they wait a little.
            _ = rustix::process::nice(10);
            wanted.iter().for_each(|wanted| own.learn(&shop, wanted));
        };
        let started = std::thread::Builder::new().name("learn".into()).spawn(work);
        if let Err(error) = started {
            self.note(|run| (run.state, run.stage) = ("failed".to_owned(), error.to_string()));
        }
        true
    }

    /// Learns on this thread.
    pub fn learn(&self, shop: &Shop, wanted: &Wanted) {
        let started = Instant::now();
        self.note(|run| *run = RunBody::begins());
        let done = self.all(shop, wanted, started);
        self.note(|run| {
            run.seconds = started.elapsed().as_secs_f64();
            run.state = if done.is_ok() { "done" } else { "failed" }.to_owned();
            run.stage = done.as_ref().err().map_or_else(String::new, |error| format!("{error:#}"));
        });
        let (seconds, what) = (started.elapsed().as_secs_f64(), wanted.name());
        match done {
            Ok(()) => tracing::info!(seconds, "{what}"),
            Err(error) => tracing::info!(seconds, "{what}: {error:#}"),
        }
    }

    fn note(&self, change: impl FnOnce(&mut RunBody)) {
        change(self.run.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default());
    }

    fn all(&self, shop: &Shop, wanted: &Wanted, started: Instant) -> anyhow::Result<()> {
        let snapshot = shop.live.snapshot();
        let stage = |stage: String| self.note(|run| run.stage = stage);
        stage("reading the log".to_owned());
        let training = read(shop, &snapshot)?;
        if training.deeds.is_empty() {
            bail!("the log has no acts of shoppers who allow personalization");
        }
        let split_s = wanted.split_s.unwrap_or_else(|| training.time_at(PAST));
        if !wanted.placements.is_empty() {
            let (training, models) = (&training, wanted.models.as_slice());
            self.note(|run| (run.acts, run.split_ms) = (training.deeds.len(), i64::from(split_s) * 1000));
            let run =
                trials::Run { shop, snapshot: &snapshot, training, split_s, models, started, stage: &stage };
            let bodies = trials::judge(&run, &wanted.placements)?;
            let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
            judged.extend(bodies.into_iter().map(|body| (body.placement.clone(), body)));
            return Ok(());
        }
        let settings = snapshot.aggregates.settings.as_deref();
        let ranked = rankers::wanted(settings, &wanted.models);
        let specs = specs(settings, &wanted.models, !ranked.is_empty())?;
        let past = training.set(split_s, &snapshot.aggregates.catalog);
        let yardstick = Yardstick::new(&training, split_s, &snapshot.aggregates.catalog);
        let cases = Cases::new(&training, split_s, &past, yardstick);
        let popular = cases.judge_popularity();
        self.note(|run| {
            (run.acts, run.cases) = (training.deeds.len(), cases.len());
            (run.split_ms, run.popular) = (i64::from(split_s) * 1000, JudgedBody::of(&popular));
        });
        let now_s = seconds(clock::now()).max(training.time_at(1.0)).saturating_add(1);
        let whole = training.set(now_s, &snapshot.aggregates.catalog);
        for spec in specs {
            self.note(|run| run.stage = format!("fitting {}", spec.name));
            let one = if started.elapsed() > RUN_MAX {
                skipped(spec, "the run has taken its 15 minutes")
            } else if let Some(why) = spec.refusal(whole.product_count()) {
                skipped(spec, &why)
            } else if (spec.fit_bytes)(&whole, &spec.values(&[])) > FIT_BYTES_MAX {
                skipped(spec, "the fit would take more than 8 GiB")
            } else {
                let data = Data { past: &past, whole: &whole, cases: &cases };
                fit(shop, &snapshot, spec, &data, wanted)?
            };
            self.note(|run| run.models.push(one));
        }
        let (training, models) = (&training, wanted.models.as_slice());
        let run =
            trials::Run { shop, snapshot: &snapshot, training, split_s, models, started, stage: &stage };
        let bodies = rankers::learn(&run, &ranked, wanted.publish)?;
        self.note(|run| run.models.extend(bodies));
        Ok(())
    }
}

/// The models that are named, or that the placements name.
fn specs(
    settings: Option<&Settings>,
    named: &[String],
    may_be_none: bool,
) -> anyhow::Result<Vec<&'static LearnedSpec>> {
    let placements = settings.map_or(&[][..], |settings| &settings.placements);
    let sources = placements.iter().flat_map(|one| one.sources.iter().map(|used| used.source.as_str()));
    let scorers = placements.iter().flat_map(|one| one.scorers.iter().map(|used| used.scorer.as_str()));
    let used: Vec<&str> = sources.chain(scorers).collect();
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

/// Everything that was done, from the last entries of the log.
fn read(shop: &Shop, snapshot: &Snapshot) -> anyhow::Result<Training> {
    let last = snapshot.aggregates.offset;
    let mut after = Offset(last.0.saturating_sub(ENTRIES_MAX));
    let mut training = Training::default();
    // The reader is for one at a time: others get their turn in between.
    while after < last {
        let until = Offset((after.0 + AT_ONCE).min(last.0));
        shop.read(|reader| {
            reader.read(after, until, &mut |offset, entry| {
                training.feed(snapshot, &shop.live, offset, &entry);
                ControlFlow::Continue(())
            })
        })?;
        after = until;
    }
    training.sort();
    Ok(training)
}

fn skipped(spec: &LearnedSpec, why: &str) -> ModelRunBody {
    ModelRunBody { outcome: "skipped".to_owned(), why: why.to_owned(), ..ModelRunBody::of(spec.name) }
}

/// What a model is fitted on and judged by.
struct Data<'a> {
    past: &'a TrainingSet,
    whole: &'a TrainingSet,
    cases: &'a Cases,
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
    let values = spec.values(&[]);
    let judged = data.cases.judge_model(&(spec.fit)(data.past, &values, RUN));
    let mut one = ModelRunBody {
        judged: Some(JudgedBody::of(&judged)),
        seconds: started.elapsed().as_secs_f64(),
        ..ModelRunBody::of(spec.name)
    };
    let champion = snapshot.aggregates.models.get(spec.name).and_then(|id| about(shop, *id).ok());
    let refused = refusal(&judged, champion.as_ref());
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
        data: data_hash(data.whole),
        bytes: one.bytes,
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
    let put = shop.queue.call(|reply| Job::Model(change, model, reply));
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

fn id_of(bytes: &[u8]) -> ArtifactId {
    let hash = blake3::hash(bytes);
    ArtifactId(u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap_or_default()))
}

/// What product numbers are of: the data directory.
pub fn shop_name(shop: &Shop) -> String {
    format!("{:016x}", shop.secret.hash64("shop", "models"))
}

fn data_hash(data: &TrainingSet) -> String {
    let data = &data.interactions;
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
