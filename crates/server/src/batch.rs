//! What one commit will hold: jobs become entries, with shopper numbers, resolved consent and repeats left out. It sees
//! what earlier jobs of the same commit did, and changes nothing outside itself.

use crate::bots::Paces;
use crate::identities::{Identities, IdentityKey, Secret, bucket_key, identity_key};
use crate::wire::event::{Clamp, WireEvent, judge_time};
use crate::wire::token;
use crate::writer::{Counts, EventsOutcome, Failure, Job, Loaded};
use bespoke_domain::entry::{Identity, IdentityKind};
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use bespoke_domain::{Body, Consent, Entry, Event, EventKind, Millis, Problem, Purpose, ShopperNo};
use bespoke_engine::Engine;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use tokio::sync::oneshot::Sender;

/// Identities that this commit numbers.
pub type Numbers = HashMap<IdentityKey, ShopperNo>;

/// What is known before a commit.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "each is its type")]
pub struct Known<'a> {
    pub engine: &'a Engine,
    pub identities: &'a Identities,
    pub secret: &'a Secret,
}

/// One commit in the making.
pub struct Batch<'a> {
    known: Known<'a>,
    paces: &'a mut Paces,
    received: Millis,
    next: ShopperNo,
    keys: HashSet<u64>,
    consents: HashMap<ShopperNo, Consent>,
    /// Entries, in order.
    pub entries: Vec<Entry>,
    /// New identities.
    pub identities: Vec<Identity>,
    /// Their numbers.
    pub numbers: Numbers,
    /// Models that come into force.
    pub models: Vec<Loaded>,
    /// Whether something in it should be visible at once rather than at the next tick.
    pub is_urgent: bool,
}

/// Who waits for what.
pub enum Acknowledgement {
    /// Events, with what became of each.
    Events(EventsOutcome, Sender<Result<EventsOutcome, Failure>>),
    /// A number of entries.
    Entries(u32, Sender<Result<u32, Failure>>),
    /// Nobody.
    Nobody,
}

impl Acknowledgement {
    /// Tells who waits how the commit went.
    pub fn send(self, outcome: Result<(), Failure>, counts: &Counts) {
        match self {
            Self::Events(events, reply) => {
                if outcome.is_ok() {
                    let numbers = [
                        events.accepted,
                        events.duplicates,
                        events.rejected.len() as u32,
                        events.without_consent,
                    ];
                    for (count, number) in counts.events.iter().zip(numbers) {
                        count.fetch_add(u64::from(number), Ordering::Relaxed);
                    }
                    counts.ahead.fetch_add(u64::from(events.ahead), Ordering::Relaxed);
                    counts.late.fetch_add(u64::from(events.late), Ordering::Relaxed);
                }
                _ = reply.send(outcome.map(|()| events));
            }
            Self::Entries(count, reply) => _ = reply.send(outcome.map(|()| count)),
            Self::Nobody => {}
        }
    }
}

impl<'a> Batch<'a> {
    /// An empty commit at `received`.
    pub fn new(known: Known<'a>, paces: &'a mut Paces, received: Millis) -> Self {
        Self {
            known,
            paces,
            received,
            next: known.identities.next(),
            keys: HashSet::new(),
            consents: HashMap::new(),
            entries: Vec::new(),
            identities: Vec::new(),
            numbers: HashMap::new(),
            models: Vec::new(),
            is_urgent: false,
        }
    }

    /// Takes a job in.
    pub fn take(&mut self, job: Job) -> Acknowledgement {
        match job {
            Job::Events(events, clamp, reply) => {
                Acknowledgement::Events(self.take_events(events, clamp), reply)
            }
            Job::Patches(patches, reply) => {
                let count = patches.len() as u32;
                patches.into_iter().for_each(|patch| self.push(None, Body::Catalog(Box::new(patch))));
                Acknowledgement::Entries(count, reply)
            }
            Job::Settings(settings, reply) => self.take_one(Body::Settings(settings), reply),
            Job::Model(change, model, reply) => {
                self.models.extend(model);
                // What is in force already needs no entry, only to be loaded.
                if self.known.engine.in_force(&change.name) == change.artifact {
                    self.is_urgent = true;
                    return Acknowledgement::Entries(0, reply);
                }
                self.take_one(Body::Model(change), reply)
            }
            Job::Delivery(delivery, reply) => self.take_one(Body::Delivery(delivery), reply),
            Job::Import(mark, reply) => self.take_one(Body::Import(mark), reply),
            Job::Key(key, reply) => self.take_one(Body::Key(key), reply),
            Job::Decision(decision) => {
                self.push(decision.request.shopper, Body::Decision(decision));
                Acknowledgement::Nobody
            }
            Job::Checkpoint(reply) => {
                self.is_urgent = true;
                Acknowledgement::Entries(0, reply)
            }
            Job::Stop => Acknowledgement::Nobody,
        }
    }

    fn take_one(&mut self, body: Body, reply: Sender<Result<u32, Failure>>) -> Acknowledgement {
        self.push(None, body);
        self.is_urgent = true;
        Acknowledgement::Entries(1, reply)
    }

    fn push(&mut self, shopper: Option<ShopperNo>, body: Body) {
        self.entries.push(Entry { received: self.received, shopper, body });
    }

    fn take_events(&mut self, events: Vec<WireEvent>, clamp: Clamp) -> EventsOutcome {
        let mut outcome = EventsOutcome::default();
        for (index, event) in (0..).zip(events) {
            let ahead = event.event_time.map_or(0, |time| time.since(self.received));
            outcome.ahead += u32::from(ahead > MINUTE_MS);
            outcome.late += u32::from(clamp == Clamp::Live && ahead < -DAY_MS);
            match self.take_event(event, clamp) {
                Ok(Fate::Accepted) => {
                    outcome.accepted += 1;
                    if let Some(Body::Event(event)) = self.entries.last().map(|entry| &entry.body) {
                        outcome.programs += u32::from(event.is_bot());
                        outcome.impersonal += u32::from(!event.consent.allows(Purpose::Personalization));
                    }
                }
                Ok(Fate::Duplicate) => outcome.duplicates += 1,
                Ok(Fate::WithoutConsent) => outcome.without_consent += 1,
                Err(problem) => outcome.rejected.push((index, problem)),
            }
        }
        outcome
    }

    fn take_event(&mut self, wire: WireEvent, clamp: Clamp) -> Result<Fate, Problem> {
        let time = self.time(&wire, clamp)?;
        let key = wire.event_id.as_deref().map_or(0, |id| self.known.secret.hash64("event", id));
        if key != 0 && (self.keys.contains(&key) || self.known.engine.has_seen(key)) {
            return Ok(Fate::Duplicate);
        }
        let shopper = self.peek(&wire);
        let consent = wire.event.statement.over(self.consent(shopper));
        let mut event = Event { key, time, consent, ..wire.event };
        let fate = if consent.allows(Purpose::Analytics) || event.kind == EventKind::ConsentUpdate {
            Fate::Accepted
        } else if event.statement.is_silent() || shopper.is_none() {
            return Ok(Fate::WithoutConsent);
        } else {
            event = refusal(event);
            Fate::WithoutConsent
        };
        event.decision =
            wire.rec_token.and_then(|token| token::read(&self.known.secret.0, &token, self.received));
        event.session = wire.session_id.as_deref().map_or(0, |id| self.known.secret.hash64("session", id));
        let anonymous = wire.anonymous_id.map(|id| self.number(IdentityKind::Anonymous, id));
        let user = wire.user_id.map(|id| self.number(IdentityKind::User, id));
        let pair = (anonymous.or(user), anonymous.and(user));
        let number = |one: Option<(ShopperNo, u64)>| one.map(|(shopper, _)| shopper);
        let bucket = |one: Option<(ShopperNo, u64)>| one.map_or(0, |(_, key)| key);
        event.buckets = (bucket(pair.0), bucket(pair.1));
        event.link = number(pair.1);
        let shopper = number(pair.0);
        if let Some(shopper) = shopper {
            self.consents.insert(shopper, consent);
            if clamp == Clamp::Live {
                event.bot = event.bot.max(self.paces.judge(shopper, event.kind, self.received));
            }
        }
        self.keys.extend((key != 0).then_some(key));
        self.push(shopper, Body::Event(Box::new(event)));
        Ok(fate)
    }

    fn time(&self, wire: &WireEvent, clamp: Clamp) -> Result<Millis, Problem> {
        wire.event_time.map_or(Ok(self.received), |time| judge_time(time, self.received, clamp))
    }

    /// The shopper an event is about, if it has a number already.
    fn peek(&self, wire: &WireEvent) -> Option<ShopperNo> {
        let find = |kind, id: &String| self.find(identity_key(self.known.secret, kind, id));
        let anonymous = wire.anonymous_id.as_ref().and_then(|id| find(IdentityKind::Anonymous, id));
        anonymous.or_else(|| wire.user_id.as_ref().and_then(|id| find(IdentityKind::User, id)))
    }

    fn find(&self, key: IdentityKey) -> Option<ShopperNo> {
        self.numbers.get(&key).copied().or_else(|| self.known.identities.get(key))
    }

    /// The number of an identity, and, where it is new, by what it is put into arms.
    fn number(&mut self, kind: IdentityKind, external_id: String) -> (ShopperNo, u64) {
        let key = identity_key(self.known.secret, kind, &external_id);
        if let Some(shopper) = self.find(key) {
            return (shopper, 0);
        }
        let shopper = self.next;
        self.next = ShopperNo(shopper.0 + 1);
        self.numbers.insert(key, shopper);
        self.identities.push(Identity { shopper, kind, external_id });
        (shopper, bucket_key(key))
    }

    fn consent(&self, shopper: Option<ShopperNo>) -> Consent {
        let pending = shopper.and_then(|shopper| self.consents.get(&shopper));
        pending.copied().unwrap_or_else(|| self.known.engine.consent(shopper))
    }
}

/// What became of an event that is no fault.
enum Fate {
    Accepted,
    Duplicate,
    WithoutConsent,
}

/// All that is kept of an event whose shopper refuses analytics with it: the refusal.
fn refusal(event: Event) -> Event {
    Event {
        key: event.key,
        consent: event.consent,
        statement: event.statement,
        ..Event::new(EventKind::ConsentUpdate, event.time)
    }
}
