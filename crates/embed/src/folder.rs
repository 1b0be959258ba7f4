//! The files of a model folder: each is read once, and the hash of all that were read is the model's id.

use crate::Error;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Bytes of a settings file, at most, and of weights: what is greater was not meant to run beside a shop.
const SETTINGS_MAX: u64 = 64 << 20;
const WEIGHTS_MAX: u64 = 4 << 30;

/// A folder, and what was read of it.
pub(crate) struct Folder {
    path: PathBuf,
    /// Names and hashes, in the order of reading.
    read: Vec<(String, blake3::Hash)>,
}

impl Folder {
    /// A folder that is there.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        if !path.is_dir() {
            return Err(Error::Missing {
                path: path.to_owned(),
                fix: "name the folder that holds model.safetensors and tokenizer.json",
            });
        }
        Ok(Self { path: path.to_owned(), read: Vec::new() })
    }

    /// The whole path of a file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Refuses a file for `reason`.
    pub(crate) fn refuse(&self, name: &str, reason: impl Into<String>) -> Error {
        Error::Refused { path: self.file(name), reason: reason.into() }
    }

    /// Settings that must be there.
    pub(crate) fn settings<T: DeserializeOwned>(
        &mut self,
        name: &str,
        fix: &'static str,
    ) -> Result<T, Error> {
        self.settings_if_any(name)?.ok_or_else(|| Error::Missing { path: self.file(name), fix })
    }

    /// Settings that may be there.
    pub(crate) fn settings_if_any<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Error> {
        let Some(bytes) = self.bytes_if_any(name, SETTINGS_MAX)? else {
            return Ok(None);
        };
        let parsed = serde_json::from_slice(&bytes);
        parsed
            .map(Some)
            .map_err(|error| self.refuse(name, format!("{error}; take the file from the model's makers")))
    }

    /// The bytes of `tokenizer.json`.
    pub(crate) fn tokenizer(&mut self) -> Result<Vec<u8>, Error> {
        let name = "tokenizer.json";
        let fix = "save the model with its fast tokenizer, which writes this file";
        self.bytes_if_any(name, SETTINGS_MAX)?.ok_or_else(|| Error::Missing { path: self.file(name), fix })
    }

    /// The bytes of `model.safetensors`.
    pub(crate) fn weights(&mut self) -> Result<Vec<u8>, Error> {
        let name = "model.safetensors";
        let fix = "save the model as safetensors; pickled and ONNX weights are not read";
        self.bytes_if_any(name, WEIGHTS_MAX)?.ok_or_else(|| Error::Missing { path: self.file(name), fix })
    }

    fn bytes_if_any(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Error> {
        let path = self.file(name);
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path, source }),
        };
        if metadata.len() > most {
            return Err(self.refuse(name, format!("it has more than {most} bytes; take a smaller model")));
        }
        let bytes = std::fs::read(&path).map_err(|source| Error::Read { path, source })?;
        if !self.read.iter().any(|(held, _)| held == name) {
            self.read.push((name.to_owned(), blake3::hash(&bytes)));
        }
        Ok(Some(bytes))
    }

    /// The hash of every file that was read, in hexadecimal digits.
    pub(crate) fn hash(&self) -> String {
        let mut files = self.read.clone();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let mut hasher = blake3::Hasher::new();
        for (name, hash) in &files {
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(hash.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}
