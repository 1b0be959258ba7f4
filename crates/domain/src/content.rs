//! Content blocks – banners, teasers, notices that the shop's people write – and how a placement chooses among them.

use crate::condition::Condition;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Most blocks of all placements together.
pub const BLOCKS_MAX: usize = 500;
/// Most blocks of one placement: what choosing one costs grows with their square.
pub const PLACED_MAX: usize = 20;

/// A content block.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Block {
    /// Its name, unique; events name it as GA4 `promotion_id`.
    pub name: String,
    /// The placements that it may be shown at, of those that show content.
    pub placements: Vec<String>,
    /// What stands above it.
    pub title: String,
    /// What it says.
    pub text: String,
    /// The address of its picture; empty = it has none.
    pub image: String,
    /// Where it leads; empty = nowhere.
    pub link: String,
    /// The markets that it is for; empty = all.
    pub markets: Vec<String>,
    /// Whom and what moment it is for; `None` = all.
    pub when: Option<Condition>,
    /// From when on it may be shown.
    pub from: Option<Millis>,
    /// Up to when.
    pub until: Option<Millis>,
}

impl Block {
    /// Whether it may be shown at `now`.
    pub fn is_on(&self, now: Millis) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// How a placement tries its blocks: by Thompson sampling, each with a least probability.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bandit {
    /// The least probability of a block that may be shown, .01 to .5.
    pub floor: f64,
    /// Minutes after which a block that was shown and not clicked counts as not clicked.
    pub window_min: u32,
    /// Days after which what was learnt counts half; 0 = always whole.
    pub half_life_days: f64,
    /// By what shoppers are told apart: each part of them is learnt for by itself.
    pub by: Vec<Trait>,
}

impl Default for Bandit {
    fn default() -> Self {
        Self { floor: 0.02, window_min: 60, half_life_days: 0.0, by: Vec::new() }
    }
}

/// By what a bandit may tell shoppers apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its name in TRAITS")]
pub enum Trait {
    Returning,
    HighIntent,
}

/// Every trait with its name: the segments of experiments that are called so.
pub const TRAITS: [(Trait, &str); 2] = [(Trait::Returning, "returning"), (Trait::HighIntent, "high_intent")];

/// How a slate was drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Draw {
    /// The placement whose bandit drew.
    pub placement: String,
    /// The part of shoppers that it was drawn for: a bit for each of [`Bandit::by`], the first the lowest.
    pub part: u8,
    /// The blocks that could be drawn, each with its probability of the first place that no rule fills. What stands in a later place was
    /// drawn by the same numbers, without what stands above it.
    pub chances: Vec<(crate::id::BlockNo, f32)>,
}
