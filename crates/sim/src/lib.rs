//! A seeded shop that does not exist: its catalogue, its shoppers and what they do, with the truth behind it open to
//! ask. Everything of a product or shopper follows from the seed and its number, so that a million of them cost no
//! memory, and the same parameters give the same bytes on every machine. A simulation: what it shows holds for shops that
//! behave by its equations, which are written here and nowhere in `models/`.

mod after;
/// Products and where they stand: what is sold, at what price, with what margin, and what goes with what.
pub mod catalogue;
/// Numbers that look random and follow from a key.
pub mod dice;
/// What such a shop sends: lines of the public import.
pub mod json;
/// By what searches are narrowed.
pub mod narrowing;
/// Who shops there: taste and price sensitivity.
pub mod shopper;
/// All events of the shop, in the order of time.
pub mod stream;
/// Why shoppers do what they do.
pub mod truth;
mod visit;
mod words;

pub use catalogue::{Product, Shop};
pub use shopper::Shopper;
pub use stream::{Fact, Stream};

use bespoke_domain::Millis;

/// What a shop is made from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Params {
    /// Everything random follows from it.
    pub seed: u64,
    /// Sellable rows, 100 to 1,000,000.
    pub products: u32,
    /// Shoppers, at least 1.
    pub shoppers: u32,
    /// Events, at most 10,000,000.
    pub events: u64,
    /// When the first day begins.
    pub start: Millis,
    /// Days over which the events spread, at least 1.
    pub days: u32,
    /// Share of rows that cannot be bought, 0 to 1.
    pub out_of_stock_share: f64,
}

impl Params {
    /// The shop of `bespoke demo --shop simulated`: three months of a small shop.
    pub fn demo() -> Self {
        Self { products: 3_000, shoppers: 3_000, events: 150_000, days: 90, ..Self::default() }
    }
}

impl Default for Params {
    fn default() -> Self {
        Self {
            seed: 1,
            products: 1_000,
            shoppers: 2_000,
            events: 50_000,
            start: Millis(1_735_689_600_000),
            days: 365,
            out_of_stock_share: 0.1,
        }
    }
}
