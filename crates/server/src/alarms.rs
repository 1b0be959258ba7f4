//! Tells of alarms that were raised or cleared: a line in the log, and a message to the shop's webhook. What was accepted is noted in the log of
//! entries, so that a restart sends what was not, and nothing twice that was; an answer that is lost on the way is sent again under the same id.

use crate::boot::Shop;
use crate::clock;
use crate::watch_api::{change_body, name};
use crate::webhook::{Message, Secret, Sent, send};
use crate::wire::watch::WebhookBody;
use crate::writer::Job;
use bespoke_domain::Millis;
use bespoke_domain::entry::Delivery;
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use bespoke_engine::Snapshot;
use bespoke_engine::watch::{CHANGES_MAX, Change, Turn};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// Between two looks for something to tell.
const EVERY: Duration = Duration::from_secs(2);
/// After how long an attempt is followed by the next, as Standard Webhooks has it; the last holds for all later ones.
const RETRIES_MS: [i64; 9] = [
    5_000,
    5 * MINUTE_MS,
    30 * MINUTE_MS,
    120 * MINUTE_MS,
    300 * MINUTE_MS,
    600 * MINUTE_MS,
    840 * MINUTE_MS,
    1_200 * MINUTE_MS,
    DAY_MS,
];
/// An alarm that is older is not sent any more: with history that is imported nobody need be woken.
const AGE_MAX_MS: i64 = 4 * DAY_MS;
/// Messages sent in one turn.
const TURN_MAX: usize = 20;

/// Attempts at one message.
#[derive(Clone, Copy, Default)]
struct Attempts {
    failed: usize,
    next: Millis,
}

/// What was told so far.
#[derive(Default)]
struct Told {
    /// The newest change that stands in the log; `None` before the first look.
    logged: Option<u64>,
    attempts: BTreeMap<u64, Attempts>,
    /// The address that said it is gone.
    gone: Option<String>,
    last_failure: String,
    has_asked_for_secret: bool,
}

/// Tells of alarms.
#[derive(Default)]
pub struct Alarms {
    secret: OnceLock<Secret>,
    told: Mutex<Told>,
}

impl Alarms {
    /// Signs messages with this secret.
    pub fn sign_with(&self, secret: Secret) {
        _ = self.secret.set(secret);
    }

    /// Starts the thread that tells as long as the app is there.
    #[allow(clippy::disallowed_methods, reason = "a thread of its own that waits for its next turn")]
    pub fn watch(self: &Arc<Self>, shop: &Arc<Shop>) {
        let (alarms, shop): (Weak<Self>, Weak<Shop>) = (Arc::downgrade(self), Arc::downgrade(shop));
        let watch = move || {
            while let (Some(alarms), Some(shop)) = (alarms.upgrade(), shop.upgrade()) {
                alarms.look(&shop, clock::now());
                drop((alarms, shop));
                std::thread::sleep(EVERY);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("alarms".into()).spawn(watch) {
            tracing::error!(%error, "no thread for alarms; GET /v1/watch still tells of them");
        }
    }

    /// Tells what is new, and sends what is due.
    pub fn look(&self, shop: &Shop, now: Millis) {
        let snapshot = shop.live.snapshot();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        log(&snapshot, &mut told.logged);
        let address = address(&snapshot);
        if address.is_empty() || told.gone.as_deref() == Some(address) {
            return;
        }
        let Some(secret) = self.secret.get() else {
            if !std::mem::replace(&mut told.has_asked_for_secret, true) {
                tracing::warn!(
                    "alarms are sent nowhere: set the webhook's secret in {} or with --webhook-secret-file",
                    crate::webhook::SECRET_VARIABLE
                );
            }
            return;
        };
        let pending: Vec<&Change> = pending(&snapshot, now).collect();
        told.attempts.retain(|number, _| pending.iter().any(|change| change.number == *number));
        let is_due = |change: &&&Change| told.attempts.get(&change.number).is_none_or(|one| one.next <= now);
        let due: Vec<Change> =
            pending.iter().filter(is_due).take(TURN_MAX).map(|change| (*change).clone()).collect();
        drop(told);
        for change in due {
            let message = message(shop, &change);
            let sent = send(address, secret, &message, clock::now().0.div_euclid(1_000));
            if !self.note(shop, (&change, &message), address, (sent, now)) {
                break;
            }
        }
    }

    /// Notes what became of an attempt; whether another makes sense now.
    fn note(
        &self,
        shop: &Shop,
        (change, message): (&Change, &Message),
        address: &str,
        (sent, now): (Sent, Millis),
    ) -> bool {
        let number = change.number;
        match sent {
            Sent::Accepted => {
                let noted = shop.queue.call(|reply| Job::Delivery(Delivery { change: number }, reply));
                if noted.is_err() {
                    tracing::warn!(
                        id = message.id,
                        "a message was accepted and that is not noted: it is sent again"
                    );
                }
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                told.attempts.remove(&number);
                told.last_failure.clear();
                true
            }
            Sent::Gone => {
                tracing::warn!("the webhook's address is gone (410): nothing is sent until it changes");
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                told.gone = Some(address.to_owned());
                told.last_failure = "it answered 410".to_owned();
                false
            }
            Sent::Failed(why) => {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                let held = told.attempts.entry(number).or_default();
                let wait = RETRIES_MS[held.failed.min(RETRIES_MS.len() - 1)];
                held.failed += 1;
                // Up to a tenth more, by the message: those that fail together do not come back together.
                let jitter = shop.secret.hash64("retry", &format!("{}.{}", message.id, held.failed)) % 100;
                held.next = now.plus(wait + wait * jitter as i64 / 1_000);
                tracing::warn!(
                    id = message.id,
                    "the webhook did not take an alarm: {why}; it is tried again"
                );
                told.last_failure = why;
                true
            }
        }
    }

    /// How messages fare.
    pub fn body(&self, snapshot: &Snapshot, now: Millis) -> WebhookBody {
        let address = address(snapshot);
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let state = if address.is_empty() {
            "off"
        } else if self.secret.get().is_none() {
            "no_secret"
        } else if told.gone.as_deref() == Some(address) {
            "gone"
        } else if told.last_failure.is_empty() {
            "ok"
        } else {
            "failing"
        };
        let pending = if address.is_empty() { 0 } else { pending(snapshot, now).count() };
        WebhookBody { state: state.to_owned(), pending, last_failure: told.last_failure.clone() }
    }
}

fn address(snapshot: &Snapshot) -> &str {
    snapshot.aggregates.settings.as_deref().map_or("", |settings| &settings.watch.webhook)
}

/// Changes that a message is owed for; at most [`CHANGES_MAX`].
fn pending(snapshot: &Snapshot, now: Millis) -> impl Iterator<Item = &Change> {
    let changes = snapshot.aggregates.watch.changes().iter().take(CHANGES_MAX);
    changes.filter(move |change| !change.is_delivered && now.since(change.time) < AGE_MAX_MS)
}

/// Writes what is new to the server's log; at the first look, what is raised.
fn log(snapshot: &Snapshot, logged: &mut Option<u64>) {
    let watch = &snapshot.aggregates.watch;
    let newest = watch.changes().back().map_or(0, |change| change.number);
    let Some(last) = logged.replace(newest) else {
        for (key, state) in watch.states().iter().filter(|(_, state)| state.is_raised()) {
            let spec = key.watch.spec();
            let text = state.look().map(|look| spec.sentence(&key.of, look)).unwrap_or_default();
            tracing::warn!(watch = spec.name, of = &*key.of, "still raised: {text}. {}", spec.fix);
        }
        return;
    };
    for change in watch.changes().iter().filter(|change| change.number > last) {
        let (spec, of) = (change.key.watch.spec(), &*change.key.of);
        let text = spec.sentence(of, &change.look);
        match change.turn {
            Turn::Raised => tracing::warn!(watch = spec.name, of, "{text}. {}", spec.fix),
            Turn::Cleared => tracing::info!(watch = spec.name, of, "as usual again: {text}"),
            Turn::Settled => tracing::info!(watch = spec.name, of, "is what is usual now: {text}"),
        }
    }
}

/// The message of a change; the same whenever it is made.
fn message(shop: &Shop, change: &Change) -> Message {
    let of = format!("{}.{}", change.offset.0, change.number);
    let id = format!("msg_{:016x}", shop.secret.hash64("alarm", &of));
    let time = jiff::Timestamp::from_millisecond(change.time.0).unwrap_or_default();
    let body = json!({
        "type": format!("watch.alarm.{}", name(change.turn)),
        "timestamp": time.to_string(),
        "data": change_body(change),
    });
    Message { id, body: body.to_string() }
}
