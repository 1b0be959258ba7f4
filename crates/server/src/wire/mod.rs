//! What goes over the wire: the only place where JSON, CSV and TOML shapes live.

/// Values as they are meant.
pub mod canonical;
/// Catalogue rows.
pub mod catalog;
/// Challenges as they are sent.
pub mod challenges;
/// Content blocks and bandits, of placement files.
mod content;
/// Product files of shop systems.
mod dialect;
/// Errors, from one table.
pub mod error;
/// Events.
pub mod event;
/// Experiments and the holdout, of placement files.
pub mod experiments;
/// Conditions as text.
pub mod expression;
/// Product feeds in XML.
mod feed;
/// Reading JSON fields with clear faults.
pub mod field;
/// The GA4 export to BigQuery.
mod ga4;
/// Files of events or catalogue rows.
pub mod lines;
/// What is set of learnt models, of placement files.
mod models;
/// Packed files.
pub mod packed;
/// Recommendation requests and responses.
pub mod recommend;
/// Searches and their answers.
pub mod search;
/// Placement files.
pub mod settings;
/// The shop as a whole, of placement files.
mod shop;
/// Suggestions.
pub mod suggest;
/// Recommendation tokens.
pub mod token;
/// Watches, of placement files and of the API.
pub mod watch;
/// The language of search and its synonyms.
pub mod words;
