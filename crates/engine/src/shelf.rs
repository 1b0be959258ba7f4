//! Models that are loaded, and which of them are in force. Which ones are is in the log; what they are is in artifacts, which
//! whoever owns the engine loads and puts here before they are used.

use bespoke_domain::id::ArtifactId;
use bespoke_models::learned::Learned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Models by name, each with its artifact, in the order of names.
#[derive(Clone, Debug, Default)]
pub struct Models(Vec<(String, ArtifactId, Arc<Learned>)>);

impl Models {
    /// The model in force under this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Learned>> {
        self.0.iter().find(|(held, ..)| held == name).map(|(.., model)| model)
    }

    /// Name and artifact of each.
    pub fn versions(&self) -> impl Iterator<Item = (&str, ArtifactId)> {
        self.0.iter().map(|(name, artifact, _)| (name.as_str(), *artifact))
    }
}

/// A model's bytes: equal models give equal bytes.
pub fn bytes(model: &Learned) -> Vec<u8> {
    postcard::to_allocvec(model).unwrap_or_default()
}

/// The model of such bytes; `None` where they are of another version.
pub fn read(bytes: &[u8]) -> Option<Learned> {
    postcard::from_bytes(bytes).ok()
}

/// What is loaded.
#[derive(Debug, Default)]
pub struct Shelf {
    loaded: BTreeMap<ArtifactId, Arc<Learned>>,
    shown: Arc<Models>,
}

impl Shelf {
    /// Puts a model on the shelf.
    pub fn put(&mut self, artifact: ArtifactId, model: Arc<Learned>) {
        self.loaded.insert(artifact, model);
    }

    /// The models in force, as far as they are on the shelf; all others leave it.
    pub fn show(&mut self, in_force: &BTreeMap<String, ArtifactId>) -> Arc<Models> {
        let wanted = || in_force.iter().filter(|(_, artifact)| self.loaded.contains_key(artifact));
        let is_same = self.shown.0.len() == wanted().count()
            && self.shown.versions().zip(wanted()).all(|((a, b), (c, d))| (a, b) == (c, *d));
        if !is_same {
            let models =
                wanted().map(|(name, artifact)| (name.clone(), *artifact, self.loaded[artifact].clone()));
            self.shown = Arc::new(Models(models.collect()));
            self.loaded.retain(|artifact, _| in_force.values().any(|held| held == artifact));
        }
        self.shown.clone()
    }
}
