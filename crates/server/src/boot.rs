//! From a data directory to a running writer: open the store, take the newest checkpoint, fold the rest of the log in,
//! start the thread.

use crate::identities::{Identities, Secret, identity_key};
use crate::integrity::{self, Fault};
use crate::learn;
use crate::writer::{Queue, Writer};
use anyhow::Context as _;
use bespoke_domain::{Entry, Offset};
use bespoke_engine::{Engine, Live};
use bespoke_store::{Artifacts, Error, Reader, Sqlite, Store};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Entries of the log read in one go.
const AT_ONCE: u64 = 20_000;

/// A shop that runs: what every way in (HTTP, import, demo) works with.
pub struct Shop {
    /// What requests share.
    pub live: Arc<Live>,
    /// The way to the writer.
    pub queue: Queue,
    /// Shopper numbers.
    pub identities: Arc<Identities>,
    /// This data directory's secret.
    pub secret: Secret,
    /// Its fitted models.
    pub artifacts: Artifacts,
    /// Held while settings are changed.
    pub changing: tokio::sync::Mutex<()>,
    /// What was wrong at the start.
    faults: Vec<Fault>,
    reader: Mutex<Box<dyn Reader>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Shop {
    /// Opens the data directory, made if it is not there, and starts its writer. What is wrong with it is said in the log.
    ///
    /// # Errors
    /// When it cannot be opened; where its log is damaged, with what to do.
    pub fn open(directory: &Path) -> anyhow::Result<Arc<Self>> {
        let is_damage = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<Error>().is_some_and(Error::is_damage)
        };
        let shop = Self::start(directory).map_err(|error| {
            if error.chain().any(is_damage) { error.context(integrity::RESTORE) } else { error }
        })?;
        for fault in shop.faults() {
            tracing::warn!(code = fault.code, "{}; {}", fault.text, fault.fix);
        }
        Ok(shop)
    }

    fn start(directory: &Path) -> anyhow::Result<Arc<Self>> {
        let mut store =
            Sqlite::open(directory).with_context(|| format!("cannot open {}", directory.display()))?;
        let reader = store.reader()?;
        let secret = secret(&mut store, reader.as_ref())?;
        let identities = Arc::new(Identities::default());
        let mut numbers = Vec::new();
        reader.identities(&mut |identity| {
            numbers.push((identity_key(&secret, identity.kind, &identity.external_id), identity.shopper));
        })?;
        identities.extend(numbers);
        let last = reader.last_offset()?;
        let engine = recover(reader.as_ref(), last)?;
        let faults = integrity::look(reader.as_ref(), last)?;
        let artifacts = store.artifacts();
        let writer = Writer::new(Box::new(store), engine, identities.clone(), secret.clone())?;
        let (queue, live, thread) = writer.start()?;
        let (reader, thread) = (Mutex::new(reader), Mutex::new(Some(thread)));
        let changing = tokio::sync::Mutex::default();
        let shop =
            Arc::new(Self { live, queue, identities, secret, artifacts, changing, faults, reader, thread });
        shop.load_models();
        Ok(shop)
    }

    /// Loads the models in force; one that cannot be used is said so, and the sources that it stands for yield nothing.
    fn load_models(&self) {
        for (name, id) in self.live.snapshot().aggregates.models.clone() {
            let loaded =
                learn::load(self, id).and_then(|model| learn::put_in_force(self, &name, Some((id, model))));
            if let Err(error) = loaded {
                tracing::error!(name, "a model is not in force: {error:#}; train again, or roll back");
            }
        }
    }

    /// What is wrong with the data directory, by what was seen at the start and by what the log says now.
    pub fn faults(&self) -> Vec<Fault> {
        let broken_off = integrity::broken_off(&self.live.snapshot());
        self.faults.iter().cloned().chain(broken_off).collect()
    }

    /// Runs `read` with the handle for reading the log; one at a time.
    pub fn read<T>(&self, read: impl FnOnce(&dyn Reader) -> T) -> T {
        let reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        read(reader.as_ref())
    }

    /// Looks at the entries of the log after `after` up to `until`, some at a time, so that others who read get their turn;
    /// `between` hears where each part begins and may end the walk.
    ///
    /// # Errors
    /// When the log cannot be read, or as `between` says.
    pub fn each_entry(
        &self,
        (mut after, until): (Offset, Offset),
        mut between: impl FnMut(Offset) -> anyhow::Result<()>,
        mut look: impl FnMut(Offset, Entry),
    ) -> anyhow::Result<()> {
        while after < until {
            between(after)?;
            let to = Offset((after.0 + AT_ONCE).min(until.0));
            self.read(|reader| {
                reader.read(after, to, &mut |offset, entry| {
                    look(offset, entry);
                    ControlFlow::Continue(())
                })
            })?;
            after = to;
        }
        Ok(())
    }

    /// Stops the writer after what is queued, with a last checkpoint.
    pub fn close(&self) {
        self.queue.stop();
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writer stopped by a panic; the log holds what was acknowledged");
        }
    }
}

fn secret(store: &mut Sqlite, reader: &dyn Reader) -> anyhow::Result<Secret> {
    if let Some(kept) = reader.meta("secret")? {
        let bytes = kept.as_slice().try_into().context("the data directory's secret is not 32 bytes")?;
        return Ok(Secret(bytes));
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    store.put_meta("secret", &bytes)?;
    Ok(Secret(bytes))
}

/// The engine that has folded the log up to `until`: the newest usable checkpoint not past it, and the rest of the log.
pub fn recover(reader: &dyn Reader, until: Offset) -> anyhow::Result<Engine> {
    let mut engine = start_at_or_before(reader, until)?.unwrap_or_default();
    reader.read(engine.offset(), until, &mut |offset, entry| {
        engine.apply(offset, &entry);
        ControlFlow::Continue(())
    })?;
    engine.publish();
    Ok(engine)
}

/// The engine of the newest usable checkpoint that is not past `until`.
pub fn start_at_or_before(reader: &dyn Reader, until: Offset) -> anyhow::Result<Option<Engine>> {
    let kept = reader.checkpoint_at_or_before(until)?;
    Ok(kept.and_then(|(offset, bytes)| {
        let engine = Engine::restore(&bytes);
        if engine.is_none() {
            tracing::warn!(
                offset = offset.0,
                "a checkpoint is of another version; the log is read from its start"
            );
        }
        engine
    }))
}
