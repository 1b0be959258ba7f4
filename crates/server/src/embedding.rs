//! Vectors by a model that the shop drops in: of products in the background, kept as artifacts named after their bytes, in force by entries of
//! the log; of queries at the edge, on one thread, before anything is decided. What cannot be told in time is left out and named.

use crate::boot::Shop;
use crate::clock;
use crate::learn::{About, publish, put_in_force, shop_name};
use crate::models_api::JudgedBody;
use bespoke_domain::search::QueryVector;
use bespoke_domain::{Offset, ProductNo};
use bespoke_engine::{Snapshot, meaning};
use bespoke_models::embedded::Embedded;
use bespoke_models::lanes::padded;
use bespoke_models::learned::{EMBEDDED, Learned};
use bespoke_models::product_vectors::Direction;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Queries that may wait for the thread.
const WAITING_MAX: usize = 16;
/// Queries whose vectors are remembered.
const REMEMBERED: usize = 10_000;
/// How often products without a vector are looked for.
const EVERY: Duration = Duration::from_secs(5);
/// Products whose vectors are put in force at once, and texts that go to the model at once.
const AT_ONCE: usize = 4_096;
const BATCH: usize = 64;

/// A model of texts.
pub trait Embeds: Send + Sync + 'static {
    /// Its id: vectors of two must not be compared.
    fn id(&self) -> &str;
    /// Numbers of a vector.
    fn width(&self) -> usize;
    /// The vectors of texts of products.
    ///
    /// # Errors
    /// What the model says.
    fn passages(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String>;
    /// The vector of a query.
    ///
    /// # Errors
    /// What the model says.
    fn query(&self, text: &str) -> Result<Vec<f32>, String>;
}

#[cfg(feature = "embed")]
impl Embeds for bespoke_embed::Embedder {
    fn id(&self) -> &str {
        Self::id(self)
    }

    fn width(&self) -> usize {
        self.dimension()
    }

    fn passages(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        self.embed(texts, bespoke_embed::Role::Passage).map_err(|error| error.to_string())
    }

    fn query(&self, text: &str) -> Result<Vec<f32>, String> {
        let vectors = self.embed(&[text], bespoke_embed::Role::Query).map_err(|error| error.to_string())?;
        vectors.into_iter().next().ok_or_else(|| "it gave no vector".to_owned())
    }
}

type Remembered = (HashMap<String, Option<QueryVector>>, VecDeque<String>);
type Asked = (String, SyncSender<Option<QueryVector>>);

/// A model at work.
pub struct Embedding {
    ask: SyncSender<Asked>,
    remembered: Arc<Mutex<Remembered>>,
}

impl Embedding {
    /// Starts the thread that answers for queries, and the one that keeps the vectors of products up to date.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(model: Arc<dyn Embeds>, shop: &Arc<Shop>) -> std::io::Result<Arc<Self>> {
        let (ask, asked) = sync_channel(WAITING_MAX);
        let remembered = Arc::new(Mutex::new(Remembered::default()));
        let own = Arc::new(Self { ask, remembered: remembered.clone() });
        let of_queries = model.clone();
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        thread("embed-query").spawn(move || answer(&*of_queries, &asked, &remembered))?;
        let (shop, awake): (Weak<Shop>, Weak<Self>) = (Arc::downgrade(shop), Arc::downgrade(&own));
        thread("embed").spawn(move || watch(&*model, &shop, &awake))?;
        Ok(own)
    }

    /// Where a query stands; `None` where that cannot be told within `wait`.
    pub fn vector(&self, text: &str, wait: Duration) -> Option<QueryVector> {
        let text = text.trim().to_lowercase();
        let known = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).0.get(&text).cloned();
        if let Some(known) = known {
            return known;
        }
        let (reply, answer) = sync_channel(1);
        self.ask.try_send((text, reply)).ok()?;
        answer.recv_timeout(wait).ok()?
    }
}

/// Answers until nobody can ask any more.
fn answer(model: &dyn Embeds, asked: &Receiver<Asked>, remembered: &Mutex<Remembered>) {
    while let Ok((text, reply)) = asked.recv() {
        let vector = model.query(&text).inspect_err(|error| tracing::error!("no vector of a query: {error}"));
        let direction = vector.ok().and_then(|vector| Direction::new(&vector));
        let vector = direction
            .map(|direction| QueryVector { model: model.id().to_owned(), bytes: direction.bytes().to_vec() });
        let (known, order) = &mut *remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if known.insert(text.clone(), vector.clone()).is_none() {
            order.push_back(text);
        }
        if order.len() > REMEMBERED
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
        // Whoever asked may have gone on without it.
        _ = reply.try_send(vector);
    }
}

/// Makes vectors of what is new or changed, as long as shop and server are there.
#[allow(clippy::disallowed_methods, reason = "a thread of its own that waits for its next turn")]
fn watch(model: &dyn Embeds, shop: &Weak<Shop>, server: &Weak<Embedding>) {
    _ = rustix::process::nice(19);
    let mut seen = Offset(u64::MAX);
    while let (Some(shop), Some(_)) = (shop.upgrade(), server.upgrade()) {
        let offset = shop.live.snapshot().aggregates.offset;
        let is_done = seen == offset || {
            seen = offset;
            renew(model, &shop).unwrap_or_else(|error| {
                tracing::error!("vectors of products are not up to date: {error:#}");
                true
            })
        };
        drop(shop);
        if is_done {
            std::thread::sleep(EVERY);
        }
    }
}

/// What is kept of products by this model, in force.
fn kept(snapshot: &Snapshot, name: &str, id: &str) -> Option<Arc<Learned>> {
    let model = snapshot.models.get(name)?;
    matches!(&**model, Learned::Embedded(kept) if kept.model() == id).then(|| model.clone())
}

fn rows(model: Option<&Arc<Learned>>) -> Option<&Embedded> {
    match model.map(|model| &**model) {
        Some(Learned::Embedded(kept)) => Some(kept),
        _ => None,
    }
}

/// Makes the vectors of the next products that have none, or that of another text, and puts them in force; `true` where all have one.
///
/// # Errors
/// What the model says, or that the artifact or the log cannot be written.
pub fn renew(model: &dyn Embeds, shop: &Shop) -> anyhow::Result<bool> {
    let snapshot = shop.live.snapshot();
    let catalog = &snapshot.aggregates.catalog;
    let held = EMBEDDED.map(|name| kept(&snapshot, name, model.id()));
    let [base, later] = [rows(held[0].as_ref()), rows(held[1].as_ref())];
    let held_text =
        |product| later.and_then(|one| one.get(product)).or_else(|| base?.get(product)).map(|one| one.0);
    let all = (0..catalog.len() as u32).map(ProductNo);
    let passages = all.filter_map(|product| Some((product, meaning::passage(catalog, product)?)));
    let mut wanted = passages.filter(|(product, (hash, _))| held_text(*product) != Some(*hash));
    let now: Vec<_> = wanted.by_ref().take(AT_ONCE).collect();
    if now.is_empty() {
        return Ok(true);
    }
    let is_done = wanted.next().is_none();
    let mut made: BTreeMap<ProductNo, (u64, Vec<i8>)> = BTreeMap::new();
    for batch in now.chunks(BATCH) {
        let texts: Vec<&str> = batch.iter().map(|(_, (_, text))| text.as_str()).collect();
        let vectors = model.passages(&texts).map_err(|error| anyhow::anyhow!(error))?;
        for ((product, (hash, _)), vector) in batch.iter().zip(vectors) {
            // Nought says nothing; it is kept, so that it is not asked for again.
            let bytes = Direction::new(&vector).map(|one| one.bytes().to_vec());
            made.insert(*product, (*hash, bytes.unwrap_or_else(|| vec![0; padded(model.width())])));
        }
    }
    // What came later is told beside the whole until it is a quarter of it.
    let base_len = base.map_or(0, Embedded::len);
    let is_whole = base.is_none() || later.map_or(0, Embedded::len) + made.len() > AT_ONCE.max(base_len / 4);
    let kept = if is_whole { [base, later] } else { [None, later] };
    for (product, text, bytes) in kept.into_iter().rev().flatten().flat_map(Embedded::iter) {
        made.entry(product).or_insert_with(|| (text, bytes.to_vec()));
    }
    let mut next = Embedded::new(model.id(), padded(model.width()));
    made.iter().for_each(|(product, (text, bytes))| next.push(*product, *text, bytes));
    put(shop, &snapshot, EMBEDDED[usize::from(!is_whole)], next)?;
    if is_whole && snapshot.aggregates.models.contains_key(EMBEDDED[1]) {
        put_in_force(shop, EMBEDDED[1], None)?;
    }
    Ok(is_done)
}

fn put(shop: &Shop, snapshot: &Snapshot, name: &str, kept: Embedded) -> anyhow::Result<()> {
    let about = About {
        name: name.to_owned(),
        shop: shop_name(shop),
        code: env!("CARGO_PKG_VERSION").to_owned(),
        cut_off: snapshot.aggregates.offset.0,
        trained_at_ms: clock::now().0,
        shoppers: 0,
        products: kept.len(),
        pairs: kept.len(),
        data: kept.model().chars().take(16).collect(),
        bytes: kept.size_bytes(),
        values: BTreeMap::new(),
        seconds: 0.0,
        backtest: JudgedBody::default(),
    };
    publish(shop, &about, Learned::Embedded(kept)).map(|_| ())
}

/// Loads a model folder; one thread for queries and products.
///
/// # Errors
/// When the folder is not as it should be, or this binary cannot read any.
pub fn load(folder: &std::path::Path) -> anyhow::Result<Arc<dyn Embeds>> {
    #[cfg(feature = "embed")]
    return Ok(Arc::new(bespoke_embed::Embedder::load(folder, 1)?));
    #[cfg(not(feature = "embed"))]
    anyhow::bail!(
        "{}: this binary reads no model folders; build it with `cargo build --release -p bespoke --features embed`",
        folder.display()
    )
}
