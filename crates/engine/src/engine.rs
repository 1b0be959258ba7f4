//! The fold and its published snapshots. One writer owns the [`Engine`]; any number of requests share a [`Live`], which
//! gives them one immutable snapshot and the shopper's own profile at its last acknowledged event.

use crate::aggregates::Aggregates;
use crate::condition::Lookup;
use crate::context::Context;
use crate::counting::Counting;
use crate::experiment::ledger::Who;
use crate::facets::Facet;
use crate::meaning::Ready;
use crate::names::Names;
use crate::orders::Prices;
use crate::profile::Profile;
use crate::profiles::{Kept, Profiles};
use crate::seen;
use crate::shelf::{Changed, Models, Shelf};
use crate::tables::{Plan, PlannedPlacement};
use crate::texts::Texts;
use crate::watch::{Seen, Watch};
use bespoke_domain::content::Block;
use bespoke_domain::id::ArtifactId;
use bespoke_domain::{
    BlockNo, Body, Consent, Decision, Entry, Event, EventKind, Millis, Offset, ProductNo, Purpose, Request,
    Settings, ShopperNo,
};
use bespoke_models::learned::Learned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, PoisonError, RwLock};

/// Version of the checkpoint's bytes; another one is rebuilt from the log.
pub const CHECKPOINT_VERSION: u32 = 13;

/// The aggregates after one offset, with the compiled placements. Immutable.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The aggregates.
    pub aggregates: Aggregates,
    /// External ids; those given later than the snapshot do not exist in it.
    pub names: Arc<Names>,
    /// The placements, checked and resolved.
    pub plan: Arc<Plan>,
    /// The learnt models in force.
    pub models: Arc<Models>,
}

impl Snapshot {
    /// The placement that answered a decision: in an arm that may be another than the one that was asked for.
    pub fn planned(&self, decision: &Decision) -> Option<&PlannedPlacement> {
        let settings = self.aggregates.settings.as_deref()?;
        let asked = &decision.request.placement;
        let variant = decision.arms.iter().find_map(|taken| {
            let one = settings.experiments.iter().find(|one| one.name == taken.experiment)?;
            let arm = one.arms.iter().find(|arm| arm.name == taken.arm)?;
            arm.uses.iter().find(|(name, _)| name == asked).map(|(_, variant)| variant)
        });
        self.plan.get(variant.unwrap_or(asked))
    }

    /// The number of a content block, of one that is gone too.
    pub fn block(&self, name: &str) -> Option<BlockNo> {
        self.aggregates.blocks.get(name).map(BlockNo)
    }

    /// A content block's name; empty where there is no such number.
    pub fn block_name(&self, block: BlockNo) -> &str {
        self.aggregates.blocks.names.get(block.index()).map_or("", |name| name)
    }

    /// What a content block says, as long as it is set.
    pub fn block_said(&self, block: BlockNo) -> Option<&Block> {
        let name = self.block_name(block);
        self.aggregates.settings.as_deref()?.content.iter().find(|one| one.name == name)
    }

    /// The product with this external id, if it had a number when the snapshot was taken.
    pub fn product(&self, id: &str) -> Option<ProductNo> {
        self.names.get(id).filter(|number| number.index() < self.aggregates.catalog.len())
    }
}

/// What requests share.
#[derive(Debug, Default)]
pub struct Live {
    names: Arc<Names>,
    profiles: Profiles,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl Live {
    /// The latest published snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The shopper's profile at its last folded event.
    pub fn profile(&self, shopper: ShopperNo) -> Option<Arc<Profile>> {
        self.profiles.get(shopper)
    }

    /// By what the shopper is put into arms; 0 = unknown.
    pub fn bucket(&self, shopper: ShopperNo) -> u64 {
        self.profiles.bucket(shopper)
    }

    /// The number under which the shopper's profile is kept.
    pub fn root(&self, shopper: ShopperNo) -> ShopperNo {
        self.profiles.root(shopper)
    }

    /// Decides, with the latest snapshot and profile.
    pub fn decide(&self, request: &Request) -> Decision {
        self.decide_on(&self.snapshot(), request)
    }

    /// Decides on a search; with the facets that it wants of its results.
    pub fn search_on(&self, snapshot: &Snapshot, request: &Request) -> (Decision, Vec<Facet>) {
        let profile = request.shopper.and_then(|shopper| self.profile(shopper));
        let context = Context::new(snapshot, profile.as_deref(), request);
        let decision = crate::decide::decide_in(&context);
        let facets = context.into_facets();
        (decision, facets)
    }

    /// Decides, with a snapshot that is not newer than the latest, and the latest profile: it never lacks an entry that
    /// the snapshot has.
    pub fn decide_on(&self, snapshot: &Snapshot, request: &Request) -> Decision {
        let profile = request.shopper.and_then(|shopper| self.profile(shopper));
        crate::decide::decide(snapshot, profile.as_deref(), request)
    }
}

/// The state of the fold.
#[derive(Debug, Default)]
pub struct Engine {
    aggregates: Aggregates,
    plan: Arc<Plan>,
    /// What the plan was made for: offset of the settings, number of products, categories and tags.
    planned_for: (Offset, (usize, usize, usize)),
    seen: seen::Seen,
    shelf: Shelf,
    /// Products patched since the last snapshot.
    changed: Changed,
    live: Arc<Live>,
}

/// A consistent copy of the whole state, cheap to take and slow to write.
#[derive(Serialize, Deserialize)]
pub struct Checkpoint {
    version: u32,
    aggregates: Aggregates,
    seen: seen::Seen,
    profiles: Kept,
}

impl Checkpoint {
    /// The last entry it has folded in.
    pub fn offset(&self) -> Offset {
        self.aggregates.offset
    }

    /// Writes its bytes to `to`, piece by piece: they can be as many as the state's. Equal states give equal bytes.
    ///
    /// # Errors
    /// What `to` says.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let pieces = BufWriter::with_capacity(1 << 16, to);
        postcard::to_io(self, pieces).map_err(io::Error::other)?.flush()
    }
}

impl Engine {
    /// What requests share with this engine.
    pub fn live(&self) -> Arc<Live> {
        self.live.clone()
    }

    /// The last entry folded in.
    pub fn offset(&self) -> Offset {
        self.aggregates.offset
    }

    /// Whether an event with this key is in the log, within the window of de-duplication.
    pub fn has_seen(&self, key: u64) -> bool {
        self.seen.contains(key)
    }

    /// What a shopper allows as of the last folded entry.
    pub fn consent(&self, shopper: Option<ShopperNo>) -> Consent {
        let unknown = self.aggregates.unknown_consent();
        let profile = shopper.and_then(|shopper| self.live.profiles.get(shopper));
        profile.map_or(unknown, |profile| profile.consent(unknown))
    }

    /// Folds the entry at `offset` in. Entries MUST come in log order, each once.
    pub fn apply(&mut self, offset: Offset, entry: &Entry) {
        let Aggregates { bandits, settings, .. } = &mut self.aggregates;
        bandits.advance(entry.received, settings.as_deref());
        match &entry.body {
            Body::Event(event) => self.apply_event(offset, entry, event),
            Body::Catalog(patch) => {
                self.aggregates.pulse_mut().patch(entry.received);
                self.aggregates.fold_patch(&self.live.names, patch);
                let Aggregates { watch, settings, .. } = &mut self.aggregates;
                if let Some(settings) = settings.as_deref() {
                    watch.fold_patch(entry.received, patch, settings);
                }
                if let Some(product) = self.live.names.get(&patch.id) {
                    self.changed.note(product);
                }
            }
            Body::Settings(settings) => {
                self.aggregates.fold_settings(offset, entry.received, settings);
            }
            Body::Key(key) => self.aggregates.fold_key(key),
            Body::Decision(decision) => {
                self.fold_exposure(decision);
                let root = decision.request.shopper.map(|shopper| self.live.profiles.root(shopper));
                self.aggregates.kpis.fold_decision(decision, root);
                let Aggregates { bandits, settings, .. } = &mut self.aggregates;
                bandits.fold_decision(decision, settings.as_deref());
                self.aggregates.pulse_mut().decision(&decision.request.placement, decision.request.now);
                let consent = self.consent(root);
                if let Some((watch, seen)) = self.watched(offset, decision.request.now) {
                    watch.fold_decision(decision, (root, consent), seen);
                }
                let profiles = &self.live.profiles;
                self.aggregates.queries.fold_decision(decision, |shopper| profiles.root(shopper));
                if let Some(shopper) = decision.request.shopper {
                    let Aggregates { demand, catalog, .. } = &mut self.aggregates;
                    demand.fold(catalog, decision, profiles.root(shopper));
                }
            }
            Body::Model(change) => self.aggregates.fold_model(change),
            Body::Import(mark) => self.aggregates.fold_import(offset, entry.received, *mark),
            Body::Delivery(delivery) => self.aggregates.watch.fold_delivery(*delivery),
        }
        self.aggregates.offset = offset;
    }

    fn apply_event(&mut self, offset: Offset, entry: &Entry, event: &Event) {
        if event.key != 0 {
            self.seen.insert(event.key, entry.received);
        }
        self.aggregates.pulse_mut().event(entry.received, event);
        self.aggregates.fold_promotion(event);
        if event.is_bot() {
            // Whoever it was, what it says about consent holds.
            self.note_keys(entry.shopper, event);
            let root = entry.shopper.map(|shopper| self.live.profiles.root(shopper));
            self.count(root, event, &[]);
            if let Some(root) = root {
                self.absorb(offset, root, event, &[]);
            }
            return;
        }
        let products = self.aggregates.number_items(&self.live.names, event);
        self.meet(entry.shopper, event);
        let root = entry.shopper.map(|shopper| self.live.profiles.root(shopper));
        self.count(root, event, &products);
        if let Some((watch, seen)) = self.watched(offset, event.time) {
            watch.fold_event(event, &products, seen);
        }
        if let Some(profile) =
            root.filter(|_| is_personal_purchase(event)).and_then(|root| self.live.profile(root))
        {
            self.aggregates.note_repurchase(event, &products, profile.bought());
            self.aggregates.note_delay(event, &products, profile.recent());
        }
        self.aggregates.fold_event(root, event, &products);
        let profiles = &self.live.profiles;
        self.aggregates.queries.fold(root, event, &products, |shopper| profiles.root(shopper));
        if let Some(root) = root {
            self.absorb(offset, root, event, &products);
        }
    }

    /// Notes new identities, and makes those that are seen together one shopper.
    fn meet(&mut self, shopper: Option<ShopperNo>, event: &Event) {
        self.note_keys(shopper, event);
        let profiles = &self.live.profiles;
        if let (Some(shopper), Some(other)) = (shopper, event.link) {
            let (one, two) = (profiles.root(shopper), profiles.root(other));
            let keys = (profiles.bucket(one.min(two)), profiles.bucket(one.max(two)));
            profiles.link(one, two);
            self.aggregates.ledger.join(keys, (one.min(two), one.max(two)));
            let rule =
                self.aggregates.settings.as_ref().map(|settings| settings.attribution).unwrap_or_default();
            self.aggregates.kpis.join((one.min(two), one.max(two)), &rule);
            if one != two {
                self.aggregates.watch.forget(one.max(two));
            }
        }
    }

    fn note_keys(&self, shopper: Option<ShopperNo>, event: &Event) {
        for (shopper, key) in [(shopper, event.buckets.0), (event.link, event.buckets.1)] {
            if let Some(shopper) = shopper.filter(|_| key != 0) {
                self.live.profiles.note_key(shopper, key);
            }
        }
    }

    /// Folds the exposures of a decision in.
    fn fold_exposure(&mut self, decision: &Decision) {
        let Some(settings) = self.aggregates.settings.clone().filter(|_| !decision.arms.is_empty()) else {
            return;
        };
        let profiles = &self.live.profiles;
        let shopper = decision.request.shopper.map(|shopper| profiles.root(shopper));
        let bucket = shopper.map_or(0, |shopper| profiles.bucket(shopper));
        let who = Who { shopper, bucket: if bucket == 0 { decision.request.bucket } else { bucket } };
        // Of who denies analytics nothing that follows would be told: a unit that never does anything.
        if !self.consent(shopper).allows(Purpose::Analytics) {
            return;
        }
        let profile = shopper.and_then(|shopper| profiles.get(shopper));
        let Aggregates { ledger, catalog, epochs, .. } = &mut self.aggregates;
        ledger.fold_decision(decision, (who, profile.as_deref()), (catalog, epochs, &settings));
    }

    /// Counts an event: for the units of experiments, and by day.
    fn count(&mut self, root: Option<ShopperNo>, event: &Event, products: &[ProductNo]) {
        let Some(settings) = self.aggregates.settings.clone() else { return };
        let (names, profiles) = (&self.live.names, &self.live.profiles);
        let who = Who { shopper: root, bucket: root.map_or(0, |shopper| profiles.bucket(shopper)) };
        let Aggregates { ledger, kpis, orders, catalog, .. } = &mut self.aggregates;
        let prices = Prices { catalog, find: &|id| names.get(id), currency: settings.shop.currency };
        Counting { ledger, kpis, orders }.fold(event, (who, products), (&prices, &settings));
    }

    /// Ends the days that are over at `time`; what folds something in that happened then, and what it needs.
    fn watched(&mut self, offset: Offset, time: Millis) -> Option<(&mut Watch, Seen<'_>)> {
        let Aggregates { watch, catalog, kpis, settings, .. } = &mut self.aggregates;
        let seen = Seen { catalog, kpis, settings: settings.as_deref()?, offset };
        watch.turn(time, seen);
        Some((watch, seen))
    }

    /// Folds an event into a shopper's profile; who withdraws personalization is forgotten elsewhere too.
    fn absorb(&mut self, offset: Offset, root: ShopperNo, event: &Event, products: &[ProductNo]) {
        let unknown = self.aggregates.unknown_consent();
        let allows = |profile: &Profile| profile.consent(unknown).allows(Purpose::Personalization);
        let mut withdraws = false;
        self.live.profiles.change(root, |profile| {
            let allowed = !event.statement.is_silent() && allows(profile);
            profile.absorb(offset, event, products);
            withdraws = allowed && !allows(profile);
        });
        if withdraws {
            self.aggregates.queries.forget(root);
            self.aggregates.demand.forget(root);
            self.aggregates.watch.forget(root);
        }
    }

    /// Puts a loaded model where it is found when it comes into force.
    pub fn shelve(&mut self, artifact: ArtifactId, model: Arc<Learned>) {
        self.shelf.put(artifact, model);
    }

    /// Takes what was made beforehand of a model that comes into force next.
    pub fn make_ready(&mut self, ready: Ready) {
        self.shelf.make_ready(ready);
    }

    /// Puts settings and models into force that no entry of the log does: for questions about the past.
    pub(crate) fn suppose(
        &mut self,
        settings: Option<&Settings>,
        models: Vec<(String, ArtifactId, Arc<Learned>)>,
    ) {
        if let Some(settings) = settings {
            self.aggregates.fold_settings(Offset::default(), Millis::default(), settings);
        }
        for (name, artifact, model) in models {
            self.shelve(artifact, model);
            self.aggregates.models.insert(name, artifact);
        }
    }

    /// The model that is in force under a name.
    pub fn in_force(&self, name: &str) -> Option<ArtifactId> {
        self.aggregates.models.get(name).copied()
    }

    /// Makes everything folded so far visible to requests.
    pub fn publish(&mut self) {
        self.plan();
        let changed = std::mem::take(&mut self.changed);
        let said = (&self.aggregates.catalog, &self.aggregates.texts);
        let models = self.shelf.show(&self.aggregates.models, said, &changed);
        let snapshot = Snapshot {
            aggregates: self.aggregates.freeze(),
            names: self.live.names.clone(),
            plan: self.plan.clone(),
            models,
        };
        *self.live.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// Resolves the settings anew where they or what they may name have changed.
    fn plan(&mut self) {
        let catalog = &self.aggregates.catalog;
        let counts = (catalog.len(), catalog.category_count(), catalog.tag_count());
        let now = (self.aggregates.settings_offset, counts);
        let Some(settings) = self.aggregates.settings.as_deref().filter(|_| now != self.planned_for) else {
            return;
        };
        let blocks = &self.aggregates.blocks;
        let ids = Lookup {
            product: &|id| self.live.names.get(id),
            block: &|name| blocks.get(name).map(BlockNo),
            catalog,
            segments: &settings.segments,
        };
        self.plan = Arc::new(Plan::new(settings, &ids));
        self.planned_for = now;
    }

    /// A consistent copy of the state.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            version: CHECKPOINT_VERSION,
            aggregates: self.aggregates.clone(),
            seen: self.seen.clone(),
            profiles: self.live.profiles.keep(),
        }
    }

    /// The engine of a checkpoint's bytes, published; `None` where they are of another version or damaged.
    pub fn restore(bytes: &[u8]) -> Option<Self> {
        let (version, _) = postcard::take_from_bytes::<u32>(bytes).ok()?;
        if version != CHECKPOINT_VERSION {
            return None;
        }
        let kept: Checkpoint = postcard::from_bytes(bytes).ok()?;
        let names = Arc::new(Names::default());
        let mut aggregates = kept.aggregates;
        aggregates.catalog.restore(|id, number| names.set(id, number));
        aggregates.compatibility.restore();
        aggregates.queries.restore();
        Arc::make_mut(&mut aggregates.blocks).restore();
        aggregates.ledger.restore();
        let search = aggregates.settings.as_ref().map(|settings| settings.search.clone()).unwrap_or_default();
        aggregates.texts = Texts::of(&aggregates.catalog, &search);
        let live = Live { names, profiles: Profiles::restore(kept.profiles), snapshot: RwLock::default() };
        let mut engine = Self { aggregates, seen: kept.seen, live: Arc::new(live), ..Self::default() };
        engine.publish();
        Some(engine)
    }
}

fn is_personal_purchase(event: &Event) -> bool {
    event.kind == EventKind::Purchase && event.consent.allows(Purpose::Personalization)
}
