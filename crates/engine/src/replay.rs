//! The same decision again, recomputed from the log alone: entries up to the snapshot's offset make the snapshot,
//! entries up to the profile's offset make the profile, and the request is the one that was recorded. It never reads the
//! stored slate.

use crate::decide::decide;
use crate::engine::{Engine, Snapshot};
use bespoke_domain::id::ArtifactId;
use bespoke_domain::{Decision, Entry, Offset, Request};
use bespoke_models::learned::Learned;
use std::sync::Arc;

/// A replay in progress. Feed it the log's entries in order, from [`Replay::from`] on, up to [`Replay::until`].
pub struct Replay {
    engine: Engine,
    request: Request,
    snapshot_offset: Offset,
    profile_offset: Offset,
    snapshot: Option<Arc<Snapshot>>,
}

impl Replay {
    /// Starts from an empty engine or from a checkpoint that is not newer than the decision's snapshot.
    pub fn new(decision: &Decision, start: Option<Engine>) -> Self {
        let (snapshot_offset, profile_offset) =
            (decision.versions.snapshot_offset, decision.versions.profile_offset);
        let engine = start.filter(|engine| engine.offset() <= snapshot_offset).unwrap_or_default();
        Self { engine, request: decision.request.clone(), snapshot_offset, profile_offset, snapshot: None }
    }

    /// Puts a model where the replay finds it.
    pub fn shelve(&mut self, artifact: ArtifactId, model: Arc<Learned>) {
        self.engine.shelve(artifact, model);
    }

    /// The last offset it has; feeding starts after it.
    pub fn from(&self) -> Offset {
        self.engine.offset()
    }

    /// The last offset it needs.
    pub fn until(&self) -> Offset {
        self.snapshot_offset.max(self.profile_offset)
    }

    /// Takes the next entry.
    pub fn feed(&mut self, offset: Offset, entry: &Entry) {
        if offset > self.snapshot_offset {
            self.freeze();
        }
        self.engine.apply(offset, entry);
    }

    fn freeze(&mut self) {
        if self.snapshot.is_none() {
            self.engine.publish();
            self.snapshot = Some(self.engine.live().snapshot());
        }
    }

    /// The recomputed decision.
    pub fn finish(mut self) -> Decision {
        self.freeze();
        let live = self.engine.live();
        let snapshot = self.snapshot.take().unwrap_or_default();
        let profile = self.request.shopper.and_then(|shopper| live.profile(shopper));
        decide(&snapshot, profile.as_deref(), &self.request)
    }
}

/// The bytes by which two decisions are compared.
pub fn bytes(decision: &Decision) -> Vec<u8> {
    postcard::to_allocvec(decision).unwrap_or_default()
}
