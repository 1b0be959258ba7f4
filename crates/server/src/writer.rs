//! The one writer: drains a bounded queue, commits a group durably, folds it in log order, publishes, acknowledges.
//! A job that is acknowledged is on disk and visible; a job that fails has changed nothing.

use crate::batch::{Batch, Known};
use crate::bots::Paces;
use crate::clock;
use crate::identities::{Identities, Secret};
use crate::wire::event::{Clamp, WireEvent};
use bespoke_domain::entry::{Delivery, ImportMark, ModelChange};
use bespoke_domain::id::ArtifactId;
use bespoke_domain::settings::KeyChange;
use bespoke_domain::{Decision, Entry, Millis, Offset, Problem, ProductPatch, Settings};
use bespoke_engine::meaning::Ready;
use bespoke_engine::{Engine, Live};
use bespoke_models::learned::Learned;
use bespoke_store::{Error, Sealer, Store};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Jobs that may wait.
const QUEUE_LEN: usize = 1024;
/// Entries committed at once, at most (one job more may pass it).
const GROUP_ENTRIES: usize = 4096;
/// How long the shop's aggregates may lag.
const TICK: Duration = Duration::from_millis(250);
/// Entries after which a checkpoint is due, and the time after which it is due anyway.
const CHECKPOINT_ENTRIES: u64 = 1_000_000;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(300);
/// Checkpoints kept.
const CHECKPOINTS_KEPT: usize = 7;

/// What became of a job's events.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EventsOutcome {
    /// Taken in.
    pub accepted: u32,
    /// In the log already.
    pub duplicates: u32,
    /// Not kept for want of consent; counted towards popularity only.
    pub without_consent: u32,
    /// Of any of these, those whose own clock is ahead by more than a minute.
    pub ahead: u32,
    /// Of live ones, those that happened more than a day ago.
    pub late: u32,
    /// Of the accepted ones, those taken for a program's.
    pub programs: u32,
    /// Of the accepted ones, those without consent to personalization.
    pub impersonal: u32,
    /// Index within the job, and why it was not taken.
    pub rejected: Vec<(u32, Problem)>,
}

/// What a job failed with; nothing of it is in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// No space on disk.
    DiskFull,
    /// The queue is full, or the server is stopping.
    Busy,
    /// Anything else; the log file says what.
    Internal,
}

type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// A model that comes into force, with what was made of it beforehand.
pub type Loaded = (ArtifactId, Arc<Learned>, Option<Box<Ready>>);

/// One piece of work.
pub enum Job {
    /// Events of one request.
    Events(Vec<WireEvent>, Clamp, Reply<EventsOutcome>),
    /// Catalogue patches of one request.
    Patches(Vec<ProductPatch>, Reply<u32>),
    /// A catalogue file begins or ends.
    Import(ImportMark, Reply<u32>),
    /// A model comes into force, with what it is.
    Model(ModelChange, Option<Loaded>, Reply<u32>),
    /// New settings.
    Settings(Box<Settings>, Reply<u32>),
    /// A key, or the end of one.
    Key(KeyChange, Reply<u32>),
    /// A message about an alarm was accepted.
    Delivery(Delivery, Reply<u32>),
    /// A decision that was served; nobody waits for it.
    Decision(Box<Decision>),
    /// Make everything visible and write a checkpoint.
    Checkpoint(Reply<u32>),
    /// Stop after what is queued before.
    Stop,
}

/// Counts that `/metrics` shows.
#[derive(Default)]
pub struct Counts {
    /// Events by what became of them: accepted, duplicate, rejected, without consent.
    pub events: [AtomicU64; 4],
    /// Events whose own clock was ahead by more than a minute.
    pub ahead: AtomicU64,
    /// Live events that happened more than a day before.
    pub late: AtomicU64,
    /// Decisions not logged because the queue was full.
    pub decisions_lost: AtomicU64,
    /// Commits, and entries in them.
    pub commits: AtomicU64,
    /// Entries committed.
    pub entries: AtomicU64,
}

/// The way to the writer.
#[derive(Clone)]
pub struct Queue {
    sender: SyncSender<Job>,
    /// Counts since the start.
    pub counts: Arc<Counts>,
}

impl Queue {
    /// Queues a job without waiting for room; where there is none, the answer is that nobody will answer.
    pub fn send<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> oneshot::Receiver<Result<T, Failure>> {
        let (reply, answer) = oneshot::channel();
        _ = self.sender.try_send(job(reply));
        answer
    }

    /// Queues a job, waiting for room. For threads, never for async tasks.
    pub fn submit<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> oneshot::Receiver<Result<T, Failure>> {
        let (reply, answer) = oneshot::channel();
        _ = self.sender.send(job(reply));
        answer
    }

    /// Queues a job, waiting for room and for its answer. For threads, never for async tasks.
    pub fn call<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, Failure> {
        self.submit(job).blocking_recv().unwrap_or(Err(Failure::Busy))
    }

    /// Queues a served decision without waiting; when the queue is full it is lost and counted.
    pub fn log_decision(&self, decision: Decision) {
        if self.sender.try_send(Job::Decision(Box::new(decision))).is_err() {
            self.counts.decisions_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Asks the writer to stop after what is queued.
    pub fn stop(&self) {
        _ = self.sender.send(Job::Stop);
    }
}

/// What the writer owns.
pub struct Writer {
    store: Box<dyn Store>,
    engine: Engine,
    identities: Arc<Identities>,
    secret: Secret,
    counts: Arc<Counts>,
    published: Instant,
    is_dirty: bool,
    paces: Paces,
    checkpointed: (Instant, Offset),
    /// Builds the indexes of full segments; whoever holds it is the one background job.
    sealer: Arc<Mutex<Box<dyn Sealer>>>,
    last_received: Millis,
}

impl Writer {
    /// A writer over a store and the engine that has folded all of it.
    pub fn new(
        store: Box<dyn Store>,
        engine: Engine,
        identities: Arc<Identities>,
        secret: Secret,
    ) -> Result<Self, Error> {
        let (offset, last_received) = (engine.offset(), store.last_received());
        let sealer = Arc::new(Mutex::new(store.sealer()?));
        Ok(Self {
            store,
            engine,
            identities,
            secret,
            counts: Arc::default(),
            published: Instant::now(),
            is_dirty: false,
            paces: Paces::default(),
            checkpointed: (Instant::now(), offset),
            sealer,
            last_received,
        })
    }

    /// Starts the thread; returns the way to it.
    pub fn start(mut self) -> std::io::Result<(Queue, Arc<Live>, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_LEN);
        let (counts, live) = (self.counts.clone(), self.engine.live());
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || self.run(&receiver))?;
        Ok((Queue { sender, counts }, live, thread))
    }

    fn run(&mut self, queue: &Receiver<Job>) {
        loop {
            let wait = TICK.saturating_sub(self.published.elapsed());
            match queue.recv_timeout(if self.is_dirty { wait } else { CHECKPOINT_EVERY }) {
                Ok(first) => {
                    let (jobs, stop) = drain(first, queue);
                    self.work(jobs);
                    if stop {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tick();
        }
        self.publish();
        self.checkpoint(true);
        self.gather();
    }

    /// Leaves the log in one file.
    fn gather(&mut self) {
        // Who still seals would write more.
        let _alone = self.sealer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = self.store.gather() {
            tracing::warn!(%error, "the log is in two files, log.sqlite and log.sqlite-wal; copy both");
        }
    }

    fn tick(&mut self) {
        if self.is_dirty && self.published.elapsed() >= TICK {
            self.publish();
        }
        let (when, offset) = self.checkpointed;
        let behind = self.engine.offset().0 - offset.0;
        if behind >= CHECKPOINT_ENTRIES || (behind > 0 && when.elapsed() >= CHECKPOINT_EVERY) {
            self.checkpoint(false);
        }
    }

    fn publish(&mut self) {
        self.engine.publish();
        self.published = Instant::now();
        self.is_dirty = false;
    }

    fn work(&mut self, jobs: Vec<Job>) {
        self.last_received = self.last_received.max(clock::now());
        let known = Known { engine: &self.engine, identities: &self.identities, secret: &self.secret };
        let mut batch = Batch::new(known, &mut self.paces, self.last_received);
        let acknowledgements: Vec<_> = jobs.into_iter().map(|job| batch.take(job)).collect();
        let Batch { entries, identities, numbers, is_urgent, models, .. } = batch;
        for (artifact, model, ready) in models {
            self.engine.shelve(artifact, model);
            if let Some(ready) = ready {
                self.engine.make_ready(*ready);
            }
        }
        let outcome = self.commit(&entries, &identities, numbers);
        if outcome.is_ok() && is_urgent {
            self.publish();
        }
        for acknowledge in acknowledgements {
            acknowledge.send(outcome, &self.counts);
        }
    }

    fn commit(
        &mut self,
        entries: &[Entry],
        identities: &[bespoke_domain::entry::Identity],
        numbers: crate::batch::Numbers,
    ) -> Result<(), Failure> {
        if entries.is_empty() {
            return Ok(());
        }
        let last = self.store.append(entries, identities).map_err(|error| explain(&error))?;
        self.identities.extend(numbers);
        let first = last.0 + 1 - entries.len() as u64;
        for (entry, offset) in entries.iter().zip(first..) {
            self.engine.apply(Offset(offset), entry);
            self.is_dirty = true;
        }
        self.counts.commits.fetch_add(1, Ordering::Relaxed);
        self.counts.entries.fetch_add(entries.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Writes a checkpoint and indexes full segments; beside the writer unless it is the last one.
    fn checkpoint(&mut self, wait: bool) {
        if self.engine.offset() == self.checkpointed.1 {
            return;
        }
        self.checkpointed = (Instant::now(), self.engine.offset());
        let (copy, directory) = (self.engine.checkpoint(), self.store.checkpoints());
        let sealer = self.sealer.clone();
        let write = move || {
            let mut sealer = sealer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let written = directory.write(copy.offset(), CHECKPOINTS_KEPT, &mut |to| copy.write(to));
            if let Err(error) = written {
                tracing::error!(%error, "no checkpoint written; a restart will read more of the log");
            }
            if let Err(error) = sealer.finish() {
                tracing::error!(%error, "full segments have no index by shopper yet; it is tried again later");
            }
        };
        if wait {
            return write();
        }
        let behind = move || {
            // Of this thread alone, so that shoppers do not wait for it; where it cannot be had, they wait a little.
            _ = rustix::process::nice(10);
            write();
        };
        if let Err(error) = std::thread::Builder::new().name("checkpoint".into()).spawn(behind) {
            tracing::error!(%error, "no thread for a checkpoint");
        }
    }
}

fn drain(first: Job, queue: &Receiver<Job>) -> (Vec<Job>, bool) {
    let mut entry_count = first.len();
    let mut jobs = vec![first];
    while entry_count < GROUP_ENTRIES
        && let Ok(job) = queue.try_recv()
    {
        entry_count += job.len();
        jobs.push(job);
    }
    let is_stop = |job: &Job| matches!(job, Job::Stop);
    let stop = jobs.iter().any(is_stop);
    jobs.retain(|job| !is_stop(job));
    (jobs, stop)
}

impl Job {
    fn len(&self) -> usize {
        match self {
            Self::Events(events, ..) => events.len(),
            Self::Patches(patches, _) => patches.len(),
            _ => 1,
        }
    }
}

/// What a store's error means for who waits; the details go to the log file only.
fn explain(error: &Error) -> Failure {
    match error {
        Error::Full => {
            tracing::error!("the disk is full: nothing is taken in until space returns; serving goes on");
            Failure::DiskFull
        }
        error => {
            tracing::error!(%error, "a commit failed; nothing of it is in the log");
            Failure::Internal
        }
    }
}
