//! The simulated shop's promises: the same seed gives the same bytes, and what was planted can be found in what it sends.

mod catalogue;
mod shoppers;

use bespoke_sim::{Fact, Params, Shop, Stream};

fn shop(params: Params) -> Shop {
    Shop::new(params)
}

fn facts(params: Params) -> Vec<Fact> {
    let shop = shop(params);
    Stream::new(&shop).collect()
}

/// A shop of which a test can count enough.
fn busy() -> Params {
    Params { events: 400_000, ..Params::default() }
}
