//! What can go wrong with a model folder: always with the file and what to do.

use std::path::PathBuf;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is missing.
    #[error("{path} is missing: {fix}", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do.
        fix: &'static str,
    },
    /// A file says what cannot be followed.
    #[error("{path}: {reason}", path = path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The model failed on a text.
    #[error("the model cannot embed: {0}")]
    Model(String),
}
