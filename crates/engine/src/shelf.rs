//! Models that are loaded, and which of them are in force. Which ones are is in the log; what they are is in artifacts, which
//! whoever owns the engine loads and puts here before they are used. What a model makes of products that came after its fit
//! follows from the artifact and the catalogue of the moment alone, so that a replay finds the same.

use crate::attributes::keys;
use crate::catalog::Catalog;
use crate::meaning::{Meanings, Ready};
use crate::texts::Texts;
use bespoke_domain::ProductNo;
use bespoke_domain::id::ArtifactId;
use bespoke_models::learned::Learned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Products changed between two looks that are told one by one; of more, every product is looked at.
const CHANGED_MAX: usize = 10_000;

/// A model in force under a name.
type InForce = (String, ArtifactId, Arc<Learned>);

/// Models by name, each with its artifact, in the order of names.
#[derive(Clone, Debug, Default)]
pub struct Models {
    list: Vec<InForce>,
    /// What products and queries mean by them.
    pub meanings: Meanings,
}

impl Models {
    /// The model in force under this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Learned>> {
        self.list.iter().find(|(held, ..)| held == name).map(|(.., model)| model)
    }

    /// Name and artifact of each.
    pub fn versions(&self) -> impl Iterator<Item = (&str, ArtifactId)> {
        self.list.iter().map(|(name, artifact, _)| (name.as_str(), *artifact))
    }
}

/// A model's bytes: equal models give equal bytes.
pub fn bytes(model: &Learned) -> Vec<u8> {
    postcard::to_allocvec(model).unwrap_or_default()
}

/// The model of such bytes; `None` where they are of another version, or what they say does not belong together.
pub fn read(bytes: &[u8]) -> Option<Learned> {
    let (model, rest) = postcard::take_from_bytes::<Learned>(bytes).ok()?;
    (rest.is_empty() && model.is_sound()).then_some(model)
}

/// Products of which the catalogue says something else since the last look.
#[derive(Debug, Default)]
pub struct Changed {
    products: Vec<ProductNo>,
    is_all: bool,
}

impl Changed {
    /// Notes one.
    pub fn note(&mut self, product: ProductNo) {
        self.is_all |= self.products.len() == CHANGED_MAX;
        if !self.is_all && self.products.last() != Some(&product) {
            self.products.push(product);
        }
    }

    fn is_empty(&self) -> bool {
        self.products.is_empty() && !self.is_all
    }

    /// Those that were told one by one.
    pub fn products(&self) -> &[ProductNo] {
        &self.products
    }

    /// Whether every product may have changed.
    pub fn is_all(&self) -> bool {
        self.is_all
    }
}

/// What is loaded.
#[derive(Debug, Default)]
pub struct Shelf {
    /// As they were fitted.
    loaded: BTreeMap<ArtifactId, Arc<Learned>>,
    shown: Arc<Models>,
    /// What was made beforehand of a model that is to come into force.
    ready: Option<Ready>,
}

impl Shelf {
    /// Puts a model on the shelf.
    pub fn put(&mut self, artifact: ArtifactId, model: Arc<Learned>) {
        self.loaded.insert(artifact, model);
    }

    /// Takes what was made beforehand of a model, until models are shown.
    pub fn make_ready(&mut self, ready: Ready) {
        self.ready = Some(ready);
    }

    /// The models in force, as far as they are on the shelf; all others leave it. Products of `catalog` that came after the fit
    /// are introduced to those that can tell what they are like; `changed` since the last call.
    pub fn show(
        &mut self,
        in_force: &BTreeMap<String, ArtifactId>,
        (catalog, texts): (&Catalog, &Texts),
        changed: &Changed,
    ) -> Arc<Models> {
        let wanted = || in_force.iter().filter(|(_, artifact)| self.loaded.contains_key(artifact));
        let is_same = self.shown.list.len() == wanted().count()
            && self.shown.versions().zip(wanted()).all(|((a, b), (c, d))| (a, b) == (c, *d));
        if !is_same || !changed.is_empty() || !self.shown.meanings.is_in(texts.language()) {
            let models = wanted().map(|(name, artifact)| {
                (name.clone(), *artifact, self.introduced(name, *artifact, catalog, changed))
            });
            let list: Vec<InForce> = models.collect();
            let model = |name: &str| list.iter().find(|(held, ..)| held == name).map(|(.., model)| model);
            let meanings =
                self.shown.meanings.follow(model, (catalog, texts), changed, self.ready.take().as_ref());
            self.shown = Arc::new(Models { meanings, list });
            self.loaded.retain(|artifact, _| in_force.values().any(|held| held == artifact));
        }
        self.shown.clone()
    }

    /// The model with what it makes of products that came after its fit.
    fn introduced(
        &self,
        name: &str,
        artifact: ArtifactId,
        catalog: &Catalog,
        changed: &Changed,
    ) -> Arc<Learned> {
        let shown = self.shown.list.iter().find(|(held, id, _)| held == name && *id == artifact);
        let (start, is_new) = match shown.filter(|_| !changed.is_all) {
            Some((.., shown)) => (shown, false),
            None => (&self.loaded[&artifact], true),
        };
        let every = (0..catalog.len() as u32).map(ProductNo).filter(|_| is_new);
        let some = changed.products.iter().copied().filter(|_| !is_new);
        let mut later = every.chain(some).filter(|product| start.wants(*product)).peekable();
        if later.peek().is_none() {
            return start.clone();
        }
        let mut model = Learned::clone(start);
        later.for_each(|product| model.introduce(product, &keys(catalog, product)));
        Arc::new(model)
    }
}
