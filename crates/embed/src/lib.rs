//! Texts into vectors with a model folder that a shop drops in. Which kind it is, is decided by the files in it: a
//! sentence-transformers folder of BERT's family, or a static table of Model2Vec. Nothing is downloaded and nothing guessed:
//! a folder that would not be read as its makers meant it is refused, with the file and what to do.
//!
//! Loading reads the folder once; embedding does no I/O. The same text gives the same vector alone and among others.

/// What can go wrong.
pub mod error;

/// The files of a folder.
mod folder;
/// Texts into tokens.
mod tokens;

/// BERT's layers.
mod bert;
/// sentence-transformers: tokens, BERT, pooling.
mod sentence;
/// Model2Vec: a vector a token, and their mean.
mod static_table;

pub use error::Error;

use folder::Folder;
use sentence::Sentence;
use static_table::StaticTable;
use std::path::Path;

/// What a text is for: some models put other words before queries than before passages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// What somebody looks for.
    Query,
    /// What is to be found: the text of a product.
    Passage,
}

/// A loaded model.
#[derive(Debug)]
pub struct Embedder {
    id: String,
    model: Model,
}

#[derive(Debug)]
enum Model {
    Sentence(Sentence),
    Static(StaticTable),
}

impl Embedder {
    /// Loads the model in `path`. At most `threads` are at work for it at a time; they never change a vector. One is best for
    /// queries that come one by one, all of them for a whole catalogue.
    ///
    /// # Errors
    /// When a file is missing or not as it should be, or asks for what is not supported; the message names it and the fix.
    pub fn load(path: &Path, threads: usize) -> Result<Self, Error> {
        let mut folder = Folder::open(path)?;
        let model = if StaticTable::is_in(&mut folder)? {
            Model::Static(StaticTable::load(&mut folder)?)
        } else {
            Model::Sentence(Sentence::load(&mut folder, threads)?)
        };
        Ok(Self { id: folder.hash(), model })
    }

    /// The hash of the files it was made of: vectors of two models must not be compared.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Numbers of a vector.
    pub fn dimension(&self) -> usize {
        match &self.model {
            Model::Sentence(model) => model.dimension(),
            Model::Static(model) => model.dimension(),
        }
    }

    /// What kind it is, for people.
    pub fn kind(&self) -> &'static str {
        match &self.model {
            Model::Sentence(_) => "sentence-transformers",
            Model::Static(_) => "Model2Vec",
        }
    }

    /// The vectors of `texts`, in their order. A text without a token that the model knows has nought from a static table.
    ///
    /// # Errors
    /// When the model gives what is not a number.
    pub fn embed(&self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>, Error> {
        let vectors = match &self.model {
            Model::Sentence(model) => model.embed(texts, role)?,
            Model::Static(model) => model.embed(texts)?,
        };
        match vectors.iter().flatten().all(|value| value.is_finite()) {
            true => Ok(vectors),
            false => Err(Error::Model("a vector is not finite: its weights are damaged".into())),
        }
    }
}

/// Makes a vector one long; nought stays nought.
fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}
