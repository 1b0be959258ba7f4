//! Clicks over expected clicks (COEC: Zhang, Jones, "Comparing click logs and editorial labels for training query rewriting", 2007; Chapelle,
//! Zhang, WWW 2009): what shoppers did with a product that a query showed, against what the places that it was shown at bring, so that standing in
//! front is no merit. Everything is counted in ten-thousandths of a click.
//!
//! Both sides are of the same searches: those that a decision answered for a shopper who may be followed, in the order of relevance and not
//! narrowed. A search of a visit shows a product once, however often it is asked again, and counts one click of it at most.

use super::Query;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Places of results that are told apart, a default page; what stands further back is not counted at all.
pub const PLACES_MAX: usize = 24;
/// Products of a query of which it is kept. One that is never clicked gives way to one that is.
pub const SHOWN_MAX: usize = 32;
/// Steps of a click.
pub const CLICK: u32 = 10_000;
/// What it counts beyond the click that a product is carted, or bought, afterwards.
pub const CART: u32 = 10_000;
/// Clicks that the first place is guessed to bring; the second brings half of it, the third a third.
const GUESS: u64 = CLICK as u64 / 5;
/// Times shown whose weight the guess has.
const PRIOR: u64 = 50;
/// Expected clicks whose weight it has that a product is as good as any (the mean of a gamma prior), in clicks.
pub const USUAL: u32 = 5;
/// Steps of how good a product is.
const WORTH: u64 = 1 << 10;
/// Times shown after which a place's counts are halved, so that they tell of what is.
const AGE_AT: u64 = 100_000;

/// What it counts that a shopper took up a product that a search showed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gain {
    /// Where it stood, from 0; below [`PLACES_MAX`].
    pub place: u8,
    /// In ten-thousandths of a click.
    pub gained: u32,
}

/// What a product gained where a query showed it, and what its places would bring; both in ten-thousandths of a click.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// The product.
    pub product: ProductNo,
    /// What an average product would have gained.
    pub expected: u32,
    /// What this one did.
    pub gained: u32,
}

/// Times shown and what was gained, by place, over all searches for common queries. A place is not told apart from what stands there by
/// itself: better products stand in front. So a product counts as shown as often as it is known to be good, and what is left is how likely the
/// place is looked at: the position-based model, its two sides learned in turn (Wang et al., WSDM 2018, without their features).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Places {
    /// Times shown, each in steps of [`WORTH`].
    counts: Vec<(u64, u64)>,
}

impl Places {
    /// What each place brings.
    pub fn rates(&self) -> [u32; PLACES_MAX] {
        std::array::from_fn(|place| {
            let (shown, gained) = self.counts.get(place).copied().unwrap_or_default();
            let guess = PRIOR * GUESS / (place as u64 + 1);
            // Nobody clicks a thing ten times.
            ((gained + guess) * WORTH / (shown + PRIOR * WORTH)).min(10 * u64::from(CLICK)) as u32
        })
    }

    /// A product was shown there that is so good.
    pub(super) fn show(&mut self, place: u8, worth: u64) {
        self.counts.resize(PLACES_MAX, (0, 0));
        if let Some((shown, gained)) = self.counts.get_mut(usize::from(place)) {
            *shown += worth;
            if *shown >= AGE_AT * WORTH {
                (*shown, *gained) = (*shown / 2, *gained / 2);
            }
        }
    }

    /// It gained something there.
    pub fn gain(&mut self, gain: Gain) {
        if let Some((_, gained)) = self.counts.get_mut(usize::from(gain.place)) {
            *gained += u64::from(gain.gained);
        }
    }
}

impl Query {
    /// What is known of the products that it shows; not sorted. Nothing from before it was common.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// How good a product is for this query, in steps of [`WORTH`]: what it gained over what was expected, or as any where nothing is known.
    pub(super) fn worth(&self, product: ProductNo) -> u64 {
        let known = self.evidence.iter().find(|one| one.product == product);
        let (expected, gained) = known.map_or((0, 0), |one| (one.expected, one.gained));
        let prior = u64::from(USUAL * CLICK);
        (u64::from(gained) + prior) * WORTH / (u64::from(expected) + prior)
    }

    /// A product was shown at a place that brings so much.
    pub(super) fn show(&mut self, product: ProductNo, expected: u32) {
        match self.evidence.iter_mut().find(|one| one.product == product) {
            Some(one) => one.expected = one.expected.saturating_add(expected),
            None => self.take_in(Evidence { product, expected, gained: 0 }),
        }
    }

    /// It gained something where it was shown, at a place that brings so much.
    pub(super) fn gain(&mut self, product: ProductNo, gained: u32, expected: u32) {
        match self.evidence.iter_mut().find(|one| one.product == product) {
            Some(one) => one.gained = one.gained.saturating_add(gained),
            // It had no room when it was shown.
            None => self.take_in(Evidence { product, expected, gained }),
        }
    }

    /// Where there are too many the one that says least gives way to one that gained something, or, where that one gained nothing either,
    /// to one of which more is expected.
    fn take_in(&mut self, new: Evidence) {
        if self.evidence.len() < SHOWN_MAX {
            self.evidence.push(new);
        } else if let Some(least) = self.evidence.iter_mut().min_by_key(|one| (one.gained, one.expected))
            && (new.gained > 0 || least.gained == 0 && least.expected < new.expected)
        {
            *least = new;
        }
    }

    /// Halves what is known.
    pub(super) fn age_evidence(&mut self) {
        for one in &mut self.evidence {
            (one.expected, one.gained) = (one.expected / 2, one.gained / 2);
        }
    }
}
