//! The search that serves, without a shopper: a shop of all products with the default placements, asked as `/v1/search` asks it, by words and
//! with each kind of vectors.

use super::DEPTH;
use super::data::{Product, Store};
use crate::error::Error;
use bespoke_domain::entry::ModelChange;
use bespoke_domain::id::ArtifactId;
use bespoke_domain::product::{Availability, Content};
use bespoke_domain::search::{QueryVector, Search};
use bespoke_domain::{
    Body, Candidate, Currency, Decision, DecisionId, Entry, Millis, Money, Offset, ProductNo, ProductPatch,
    Request,
};
use bespoke_embed::{Embedder, Role};
use bespoke_engine::{Engine, Snapshot, meaning};
use bespoke_models::embedded::Embedded;
use bespoke_models::interactions::Interactions;
use bespoke_models::lanes::padded;
use bespoke_models::learned::{EMBEDDED, LEARNED, Learned, TEXT_VECTORS};
use bespoke_models::orders::Orders;
use bespoke_models::product_vectors::Direction;
use bespoke_models::recommender::FitRun;
use bespoke_models::training_set::TrainingSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Threads that learn and embed; they change no figure.
const THREADS: usize = 2;
/// What is measured: by words alone, and with each kind of vectors; and what each goes without.
pub const WORDS: [(&str, &[&str]); 4] = [
    ("bespoke", &[TEXT_VECTORS, EMBEDDED[0]]),
    ("bespoke+learned", &[EMBEDDED[0]]),
    ("bespoke+embedder", &[TEXT_VECTORS]),
    ("bespoke+both", &[]),
];

/// Vectors that are in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vectors {
    /// Whether vectors are learned from the texts.
    pub learned: bool,
    /// A model folder by which titles have vectors.
    pub embedder: Option<PathBuf>,
    /// Where those vectors are kept.
    pub cache: Option<PathBuf>,
}

impl Vectors {
    /// Whether a line of [`WORDS`] is to be measured.
    pub fn is_wanted(&self, name: &str) -> bool {
        match name {
            "bespoke+learned" => self.learned,
            "bespoke+embedder" => self.embedder.is_some(),
            "bespoke+both" => self.learned && self.embedder.is_some(),
            _ => true,
        }
    }
}

/// A shop.
#[derive(Debug)]
pub struct Served {
    engine: Engine,
    offset: Offset,
    /// For queries.
    embedder: Option<Embedder>,
}

impl Served {
    /// Of all products, all of them in stock.
    ///
    /// # Errors
    /// When the default placements are not as they should be, or the model folder or the file of its vectors is not.
    pub fn new(store: &Store, vectors: &Vectors) -> Result<Self, Error> {
        let settings = bespoke::placements::parse(bespoke::placements::DEFAULT)
            .map_err(|error| Error::Bench(format!("the default placements: {error:?}")))?;
        let mut served = Self { engine: Engine::default(), offset: Offset(0), embedder: None };
        served.push(Body::Settings(Box::new(settings)));
        store.products.iter().for_each(|product| served.push(Body::Catalog(Box::new(patch(product)))));
        served.engine.publish();
        if vectors.learned {
            let model = learned(&served.engine.live().snapshot());
            served.put_in_force(TEXT_VECTORS, model);
        }
        if let Some(folder) = &vectors.embedder {
            let model = embedded(store, folder, vectors.cache.as_deref())?;
            served.put_in_force(EMBEDDED[0], Learned::Embedded(model));
            served.embedder = Some(load(folder, 1)?);
        }
        Ok(served)
    }

    fn push(&mut self, body: Body) {
        self.offset = self.offset.next();
        self.engine.apply(self.offset, &Entry { received: Millis(1), shopper: None, body });
    }

    fn put_in_force(&mut self, name: &str, model: Learned) {
        let artifact = ArtifactId(self.offset.0);
        self.engine.shelve(artifact, Arc::new(model));
        self.push(Body::Model(ModelChange { name: name.to_owned(), artifact: Some(artifact) }));
        self.engine.publish();
    }

    /// The shop as it is served.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.engine.live().snapshot()
    }

    /// Whether a word of a query is corrected, and whether no product has all its words.
    pub fn told(&self, query: &str) -> (bool, bool) {
        let by_words = [TEXT_VECTORS, EMBEDDED[0]];
        let met = self.decide(query, &by_words).met.unwrap_or_default();
        (!met.corrected.is_empty(), !met.given_up.is_empty() || !met.unknown.is_empty())
    }

    /// The best products for a query, going without some vectors. Numbers of products are their places in the store.
    pub fn search(&self, query: &str, skipped: &[&str]) -> Vec<u32> {
        let product = |candidate| match candidate {
            Candidate::Product(product) => Some(product.0),
            Candidate::Category(_) | Candidate::Content(_) => None,
        };
        let slate = self.decide(query, skipped).slate;
        slate.into_iter().filter_map(|slot| product(slot.candidate)).collect()
    }

    /// Answers a query, going without some vectors.
    pub fn decide(&self, query: &str, skipped: &[&str]) -> Decision {
        let embedder = self.embedder.as_ref().filter(|_| !skipped.contains(&EMBEDDED[0]));
        let vector = embedder.and_then(|embedder| {
            let vector = embedder.embed(&[query], Role::Query).ok()?.pop()?;
            let bytes = Direction::new(&vector)?.bytes().to_vec();
            Some(QueryVector { model: embedder.id().to_owned(), bytes })
        });
        let request = Request {
            id: DecisionId(1),
            now: Millis(2),
            placement: "search".to_owned(),
            slots: DEPTH as u16,
            search: Some(Box::new(Search { text: query.to_owned(), vector, ..Search::default() })),
            skipped: skipped.iter().map(|name| (*name).to_owned()).collect(),
            ..Request::default()
        };
        self.engine.live().decide(&request)
    }
}

/// The model of words, as `bespoke train` fits it.
pub fn learned(snapshot: &Snapshot) -> Learned {
    let data = TrainingSet {
        interactions: Interactions::new([[]; 0]),
        sequences: Vec::new(),
        orders: Orders::new(Vec::new()),
        attributes: Vec::new(),
        texts: Some(meaning::texts(snapshot)),
    };
    let spec = LEARNED.iter().find(|spec| spec.name == TEXT_VECTORS);
    let run = FitRun { seed: 1, threads: THREADS };
    spec.map_or(Learned::TextVectors(Default::default()), |spec| (spec.fit)(&data, &spec.values(&[]), run))
}

fn load(folder: &Path, threads: usize) -> Result<Embedder, Error> {
    Embedder::load(folder, threads).map_err(|error| Error::Bench(error.to_string()))
}

/// The vectors of all titles, from `cache` where it has them.
fn embedded(store: &Store, folder: &Path, cache: Option<&Path>) -> Result<Embedded, Error> {
    let embedder = load(folder, THREADS)?;
    let width = embedder.dimension();
    let kept = cache.and_then(|path| std::fs::read(path).ok());
    let kept = kept.filter(|bytes| bytes.len() == 4 * width * store.products.len());
    let rows: Vec<f32> = match kept {
        Some(bytes) => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        None => {
            let titles: Vec<&str> = store.products.iter().map(|one| one.title.as_str()).collect();
            let rows =
                embedder.embed(&titles, Role::Passage).map_err(|error| Error::Bench(error.to_string()))?;
            rows.concat()
        }
    };
    if let Some(path) = cache {
        let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(path, bytes).map_err(|source| Error::File { path: path.to_owned(), source })?;
    }
    let mut kept = Embedded::new(embedder.id(), padded(width));
    for (no, row) in (0..).zip(rows.chunks_exact(width)) {
        meaning::keep(&mut kept, ProductNo(no), 0, row);
    }
    Ok(kept)
}

/// A product as the log has it.
pub(super) fn patch(product: &Product) -> ProductPatch {
    let (codes, attributes) = (product.codes.iter().map(|code| ("mpn", code)), product.attributes.iter());
    let attributes = attributes.map(|(name, value)| (name.as_str(), value)).chain(codes);
    let content = Content {
        title: product.title.clone(),
        brand: product.brand.clone(),
        description: product.description.clone(),
        categories: Some(&product.category).filter(|path| !path.is_empty()).into_iter().cloned().collect(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        ..Content::default()
    };
    ProductPatch {
        id: product.id.clone(),
        as_of: Millis(1),
        price: product.price.map(|minor| Money { minor, currency: Currency::EUR }),
        availability: Some(Availability::InStock),
        content: Some(Box::new(content)),
        ..ProductPatch::default()
    }
}
