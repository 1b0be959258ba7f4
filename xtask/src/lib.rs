//! The repository's own tools. `cargo xtask test` is everything CI checks, `cargo xtask quality` holds the
//! recommenders against published bars, `cargo xtask bench` holds speed and memory against the design's numbers.
//!
//! In reading order: where the repository is ([`repo`]), the steps of a test run ([`steps`]), the rules that keep the
//! architecture as it was drawn ([`arch`]), the bars on public data ([`quality`], [`topn`]), those on speed ([`mod@bench`], and [`peers`] and [`tantivy`] beside other libraries), and arbitrary
//! bytes into every parser ([`fuzz`]).

#![allow(clippy::print_stdout, reason = "these tools speak to a person at a terminal")]

pub mod repo;
pub mod steps;

pub mod arch;

pub mod quality;
pub mod topn;

pub mod bench;
pub mod peers;
pub mod tantivy;

pub mod fuzz;
