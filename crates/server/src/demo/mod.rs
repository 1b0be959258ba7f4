//! The demo's shop: real orders of a British giftware seller, turned into what the public import takes. The files stand
//! in the order of the data: rows of the file, the ledger they fill, titles and categories, the two streams, the report.

mod calendar;
mod catalog;
mod categories;
/// Simulated shoppers who come while it runs.
pub mod crowd;
mod events;
mod json;
mod ledger;
mod lines;
mod report;
mod retail;
mod simulated;
/// The shop's pages.
pub mod storefront;
mod titles;

pub use report::{Report, SKIPS, Skip};
pub use retail::{Converted, Error, convert};
pub use simulated::{Simulated, simulate};

/// The orders of the demo shop as gzipped CSV: UCI "Online Retail", CC BY 4.0. `demo/README.md` has the attribution.
pub const ONLINE_RETAIL: &[u8] = include_bytes!("../../../../demo/online_retail.csv.gz");

/// The placements of the demo shop as TOML.
pub const PLACEMENTS: &str = include_str!("../../../../demo/placements.toml");

/// The placements of the page that compares, to be put after a shop's own.
pub const COMPARE: &str = include_str!("../../../../demo/compare.toml");

/// The placements and the experiment of the page that shows one running, to be put after those.
pub const EXPERIMENT: &str = include_str!("../../../../demo/experiment.toml");
