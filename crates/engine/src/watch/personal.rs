//! What shoppers were shown lately, for repetition; and how personal a reason is against what page and consent suggest.

use bespoke_domain::decision::{Personalization, Reason};
use bespoke_domain::event::PageType;
use bespoke_domain::{Consent, Decision, ProductNo, Purpose, ShopperNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Products remembered of a shopper.
pub const SHOWN_MAX: usize = 48;
/// Decisions, the newest, whose shoppers are remembered.
const FOLLOWED_MAX: usize = 50_000;

/// What each shopper was shown lately.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// When the shopper was last shown something, as a count of decisions, and the newest products.
    shown: BTreeMap<ShopperNo, (u64, VecDeque<ProductNo>)>,
    order: VecDeque<(u64, ShopperNo)>,
    decisions: u64,
}

impl Memory {
    /// Notes what a shopper is shown; gives how many of it were among the last.
    pub fn show(&mut self, shopper: ShopperNo, products: &[ProductNo]) -> u64 {
        self.decisions += 1;
        let (last, held) = self.shown.entry(shopper).or_default();
        *last = self.decisions;
        let again = products.iter().filter(|product| held.contains(product)).count() as u64;
        held.extend(products);
        let much = held.len().saturating_sub(SHOWN_MAX);
        held.drain(..much);
        self.order.push_back((self.decisions, shopper));
        while self.order.len() > FOLLOWED_MAX
            && let Some((then, shopper)) = self.order.pop_front()
        {
            if self.shown.get(&shopper).is_some_and(|(last, _)| *last == then) {
                self.shown.remove(&shopper);
            }
        }
        again
    }

    /// Forgets a shopper.
    pub fn forget(&mut self, shopper: ShopperNo) {
        self.shown.remove(&shopper);
    }
}

/// How personal a reason is: 0 not at all, 1 by this visit, 2 by what the shopper did before, 3 by a product of it that it names.
pub fn level(decision: &Decision, reason: &Reason) -> u8 {
    match (reason.personal, decision.personalization) {
        (false, _) | (_, Personalization::None) => 0,
        (true, Personalization::Session) => 1,
        (true, Personalization::Full) if reason.based_on.is_empty() => 2,
        (true, Personalization::Full) => 3,
    }
}

/// How personal reasons may be without surprise: all of it where one deals with one's own things, on others' pages only what is not named;
/// in a mail, which others may see, one level less, and one less again without consent to messages; nothing without consent.
pub fn expected(decision: &Decision, consent: Consent) -> u8 {
    if !consent.allows(Purpose::Personalization) {
        return 0;
    }
    if decision.request.placement.split('_').next() == Some("mail") {
        return if consent.allows(Purpose::Marketing) { 2 } else { 1 };
    }
    match decision.request.page {
        PageType::Cart | PageType::Checkout | PageType::Confirmation | PageType::Account => 3,
        PageType::Home | PageType::Category | PageType::Product | PageType::Search | PageType::Other => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_counted_until_it_is_long_ago() {
        let (mut memory, shopper) = (Memory::default(), ShopperNo(1));
        let products = |from: u32, count: u32| (from..from + count).map(ProductNo).collect::<Vec<_>>();
        assert_eq!(memory.show(shopper, &products(0, 8)), 0);
        assert_eq!(memory.show(ShopperNo(2), &products(0, 8)), 0);
        assert_eq!(memory.show(shopper, &products(4, 8)), 4);
        assert_eq!(memory.show(shopper, &products(100, SHOWN_MAX as u32)), 0);
        assert_eq!(memory.show(shopper, &products(0, 8)), 0, "so much later it is new again");
        memory.forget(shopper);
        assert_eq!(memory.show(shopper, &products(100, 40)), 0);
    }
}
