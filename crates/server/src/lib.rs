//! The server, in the order in which data comes in: wire formats, the one writer and what it commits, the shop that runs,
//! the ways in (HTTP, import, demo) and the way out (decisions). The only crate with HTTP, JSON and async.

/// Tells of alarms that were raised or cleared.
pub mod alarms;
/// What a backtest of a placement says.
pub mod backtest_api;
/// What bandits have learnt over HTTP.
pub mod bandit_api;
/// What one commit will hold.
pub mod batch;
/// From a data directory to a running shop.
pub mod boot;
/// Programs among the shoppers.
pub mod bots;
/// The way back from a catalogue file.
pub mod catalog_versions;
/// Challenges over HTTP.
pub mod challenges_api;
/// The one clock.
pub mod clock;
/// Rules at odds.
pub mod conflicts;
/// Who may connect, and for how long.
pub mod connections;
/// A real shop's data.
pub mod demo;
/// On what something was done.
pub mod device;
/// What is wrong with what the shop sends.
pub mod doctor;
/// Vectors by a model that the shop drops in.
pub mod embedding;
/// Experiments over HTTP.
pub mod experiments_api;
/// The log as tables.
pub mod export;
/// A file that is the whole catalogue.
mod full_import;
/// The routes.
pub mod http;
/// Shopper ids and their numbers.
pub mod identities;
/// Files into the shop.
pub mod import;
/// Events and patches over HTTP.
pub mod intake;
/// What is wrong with a data directory.
pub mod integrity;
/// How relevant search is, by judgments.
pub mod judge;
/// API keys.
pub mod keys;
/// KPIs over HTTP.
pub mod kpis_api;
/// Up the ladder, and back.
pub mod ladder;
/// Learning from the log.
pub mod learn;
/// Learning what words mean.
mod learn_words;
/// What a run of learning may take.
pub mod limits;
/// The next page of a listing.
pub mod listing;
/// What `/metrics` shows.
pub mod metrics;
/// Models over HTTP.
pub mod models_api;
/// The API's description.
pub mod openapi;
/// Changes of the settings in force.
pub mod operate;
/// How late the server is.
pub mod pace;
/// Whether a placement is worth having.
pub mod pilot;
/// Placement files into the log.
pub mod placements;
/// What the system allows.
pub mod process;
/// What searches teach, over HTTP.
pub mod queries_api;
/// Rankers of placements that have an objective.
pub mod rankers;
/// Slates over HTTP, and decisions again.
pub mod recommend;
/// Decisions in words.
pub mod render;
/// New tables over the old catalogue.
pub mod renew;
/// Search and category pages.
pub mod search_api;
/// What personalization added, month by month.
pub mod statements;
/// What completes what is typed.
pub mod suggest_api;
/// Backtests of placements.
pub mod trials;
/// The search for better parameters.
pub mod tune;
/// Searches and what came of them, for other tools.
pub mod ubi;
/// Watches over HTTP.
pub mod watch_api;
/// What has collapsed of what comes in.
pub mod watchdog;
/// Signed messages to an address of the shop's.
pub mod webhook;
/// Requests and responses, feeds, settings files, errors, tokens.
pub mod wire;
/// The one writer.
pub mod writer;
