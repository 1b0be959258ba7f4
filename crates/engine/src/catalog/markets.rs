//! Where products are sold: few different sets of markets, so that a row holds the number of its own.

use super::Catalog;
use bespoke_domain::product::Content;
use std::sync::Arc;

/// Most different sets of markets; a row with one more is sold in none that can be asked for.
const MARKET_SETS_MAX: usize = 255;

impl Catalog {
    /// By set of markets whether `market` is in it, whatever the letter case.
    pub fn sold_in(&self, market: &str) -> Vec<bool> {
        let market = market.to_lowercase();
        let mut sets: Vec<bool> =
            self.market_sets.names.iter().map(|set| set.split(',').any(|one| one == market)).collect();
        sets.resize(sets.len().max(1), true);
        sets[0] = true;
        sets
    }

    /// Whether a row says that it is sold in `market`, whatever the letter case.
    pub fn knows_market(&self, market: &str) -> bool {
        let is_it = |one: &str| one.eq_ignore_ascii_case(market);
        !market.is_empty() && self.market_sets.names.iter().any(|set| set.split(',').any(is_it))
    }

    /// The number of the set that the attribute `market` names; 0 = everywhere.
    pub(super) fn market_set(&mut self, content: &Content) -> u8 {
        let named = content.attributes.iter().filter(|(name, _)| name.eq_ignore_ascii_case("market"));
        let mut markets: Vec<String> =
            named.flat_map(|(_, list)| list.split(',')).map(|one| one.trim().to_lowercase()).collect();
        markets.retain(|market| !market.is_empty());
        if markets.is_empty() {
            return 0;
        }
        markets.sort_unstable();
        markets.dedup();
        let name = markets.join(",");
        if let Some(number) = self.market_sets.get(&name) {
            return number as u8;
        }
        let sets = Arc::make_mut(&mut self.market_sets);
        if sets.names.is_empty() {
            sets.number("");
        }
        if sets.names.len() < MARKET_SETS_MAX { sets.number(&name) as u8 } else { MARKET_SETS_MAX as u8 }
    }
}
