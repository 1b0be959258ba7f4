//! What can go wrong in the lab: always with the file, the line and the reason where there is one.

use std::path::PathBuf;

/// Why an evaluation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line makes no sense.
    #[error("{0}\n\n{usage}", usage = crate::args::USAGE)]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of a data file is not as it should be.
    #[error("{path}:{line}: {reason}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A bench met what it must not.
    #[error("{0}")]
    Bench(String),
    /// A parameter file is not as it should be.
    #[error("{path}: {reason}", path = path.display())]
    Params {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
