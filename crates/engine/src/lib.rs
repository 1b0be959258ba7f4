//! Everything that folds the log or decides, in the order in which data flows: entries become state, state is published
//! as snapshots, a snapshot and a profile become a decision, and the log alone gives the same decision again.
//! Pure and synchronous: no I/O, no clock, no thread randomness.

/// What the log adds up to, but for the profiles.
pub mod aggregates;
/// What must not go on at once.
pub mod apart;
/// What the catalogue says of a product, as keys for models.
pub mod attributes;
/// What a model would have been worth.
pub mod backtest;
/// What placements of content have learnt.
pub mod bandits;
/// The catalogue's columns.
pub mod catalog;
/// The tree of categories.
pub mod category_tree;
/// The ladder that a challenger climbs.
pub mod challenge;
/// What fits what.
pub mod compatibility;
/// Conditions over products, shoppers and moments.
pub mod condition;
/// What describes a product, packed.
pub mod content;
/// What a source, filter or rule can see.
pub mod context;
/// What an event counts for.
pub mod counting;
/// The decision.
pub mod decide;
/// What shoppers narrow results by.
pub mod demand;
/// Content blocks drawn by a bandit.
pub mod draw;
/// The fold and its published snapshots.
pub mod engine;
/// Arms, and what became of their units.
pub mod experiment;
/// What results can be narrowed by.
pub mod facets;
/// What candidates are like, as numbers.
pub mod features;
/// What removes candidates.
pub mod filter;
/// The learned order, by what is foreseen and what it is worth.
pub mod foresight;
/// What a search finds.
pub mod found;
/// Words and vectors together.
pub mod fused;
/// Two rankings in one list.
pub mod interleaved;
/// Counts by day, and what they come to.
pub mod kpis;
/// What a ranker learns from.
pub mod lessons;
/// What products of a category usually cost.
pub mod levels;
/// What texts mean: where products and queries stand in a space of meaning.
pub mod meaning;
/// What a search means beyond its words.
pub mod meant;
/// Which products stand in which category.
pub mod members;
/// What reading a placement file changes.
pub mod merged;
/// External ids and their numbers.
pub mod names;
/// Names and their numbers.
pub mod numbering;
/// Moments of the past, and the state as it was then.
pub mod occasions;
/// Orders and what comes back of them.
pub mod orders;
/// The candidates of one decision.
pub mod pool;
/// The category that a search is about.
pub mod predicted;
/// One shopper's projection.
pub mod profile;
/// All profiles, and which identities are one shopper.
pub mod profiles;
/// What came in by the hour, and what has collapsed.
pub mod pulse;
/// What searches teach.
pub mod queries;
/// The same decision again, from the log.
pub mod replay;
/// Merchandisers' instructions.
pub mod rule;
/// What scores candidates.
pub mod scorer;
/// Event keys seen, for de-duplication.
pub mod seen;
/// Models that are loaded, and which are in force.
pub mod shelf;
/// How often a shopper was shown what.
pub mod shown;
/// Where candidates come from.
pub mod source;
/// What completes what a shopper is typing.
pub mod suggest;
/// What may be named in a placement: sources, filters, rules, with their parameters.
pub mod tables;
/// The texts as they are searched.
pub mod texts;
/// What models are fitted on.
pub mod training;
/// What a placement would have been worth at another's place.
pub mod valued;
/// Which rows are variants of one product.
pub mod variants;
/// Visits that are still going on.
pub mod visits;
/// What is looked at every day for changes that nobody asked for.
pub mod watch;

pub use decide::decide;
pub use engine::{Engine, Live, Snapshot};
