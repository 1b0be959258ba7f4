//! Offline evaluation on public data sets, through the code that serves: data in, models with their knobs, tuning on a
//! part of the training data, measures out; and benches of the same code. Development only; nothing here runs in a shop.

/// Speed and memory on the seeded shop.
pub mod bench;

/// The command line.
pub mod args;
/// What can go wrong, said so that it can be mended.
pub mod error;
/// Sessions from gzip TSV files.
pub mod session_data;

/// Queries for a brand, a kind, attributes and a price, and whether a product is what was asked for.
pub mod attribute_queries;
/// The next order of a shopper, on public data.
pub mod baskets;
/// Iterative reveal on the test data.
pub mod evaluate;
/// Statistics of experiments, on published results and planted truth.
pub mod experiments;
/// Accessories on a real catalogue.
pub mod fits;
/// The same predictions over HTTP.
pub mod http;
/// What every model under test offers.
pub mod model;
/// The models under test, and the table of them.
pub mod models;
/// The trees against their peer.
pub mod ranker;
/// Results as a table for people or one object for programs.
pub mod report;
/// Candidates of several models, ranked by trees.
pub mod reranked;
/// Product search on judged queries.
pub mod search;
/// The default placements on the seeded shop.
pub mod seeded;
/// Search results in the order of clicks on the seeded shop.
pub mod seeded_clicks;
/// Facets and tastes in search on the seeded shop.
pub mod seeded_search;
/// What comes next, on public sequences.
pub mod sequences;
/// Top-N recommendation on public data.
pub mod topn;
/// Coordinate search on the end of the training data.
pub mod tune;
