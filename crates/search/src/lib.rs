//! From words to products, in the order in which a query meets it: text into terms, the index of what products say, the
//! query with its corrections and synonyms, the products that match and how well. Pure: no I/O, no clock, no thread randomness.

/// Text into terms.
pub mod analysis;
/// What of a product is searched.
pub mod document;
/// Which products say what.
pub mod index;
/// The products that match a query, and how well.
pub mod matching;
/// What numbers of attributes are measured in.
pub mod measures;
/// Where a term stands.
pub mod postings;
/// What a query asks for.
pub mod query;
/// How much of the query results must cover, and their order.
pub mod ranking;
/// What completes what is being typed.
pub mod suggest;
/// The words that the catalogue knows.
pub mod vocabulary;
