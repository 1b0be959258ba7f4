//! From words to products, in the order in which a query meets it: text into terms, the index of what products say, the
//! query with its corrections and synonyms, the products that match and how well. Pure: no I/O, no clock, no thread randomness.

/// Text into terms.
pub mod analysis;
/// What of a product is searched.
pub mod document;
/// What a query asks for.
pub mod query;
/// What completes what is being typed.
pub mod suggest;
/// The words that the catalogue knows.
pub mod vocabulary;
