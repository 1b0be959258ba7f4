//! The store's tests: one conformance suite for every implementation, then what only the one on disk can do.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

/// Checkpoint files and what can happen to them.
mod checkpoint_files;
/// What every store does.
mod conformance;
/// Opening, reopening, damage, sealing.
mod data_directory;
/// No space left.
mod full;
/// The bytes of records.
mod records;
/// Entries, stores and shorthands.
mod samples;
