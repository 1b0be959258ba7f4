//! What a decision is asked for, and the certificate it leaves: enough to explain it, and to recompute it from the log.

use crate::condition::Condition;
use crate::content::Draw;
use crate::event::{BOT_MIN, PageType};
use crate::experiment::{Arm, Team};
use crate::id::{ArtifactId, BlockNo, CategoryNo, DecisionId, Offset, ProductNo, ShopperNo};
use crate::search::{Met, Search};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// One thing under consideration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Candidate {
    /// A sellable row.
    Product(ProductNo),
    /// A category.
    Category(CategoryNo),
    /// A content block.
    Content(BlockNo),
}

/// All that a decision depends on besides the snapshot and the profile.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Request {
    /// The decision's name; also the seed of whatever is drawn.
    pub id: DecisionId,
    /// The moment of asking.
    pub now: Millis,
    /// Name of the placement.
    pub placement: String,
    /// Who asks; `None` without consent or identity.
    pub shopper: Option<ShopperNo>,
    /// By what the shopper is put into arms: the key of the first identity seen; 0 = unknown, and in no arm.
    pub bucket: u64,
    /// Keyed hash of the visit, as events carry it; 0 where it is not said.
    pub session: u64,
    /// Where it will be shown.
    pub page: PageType,
    /// External ids of the products the page is about, at most 50.
    pub items: Vec<String>,
    /// Path of the category the page is about.
    pub category: Option<String>,
    /// External ids in the cart, as the shop knows it, at most 200.
    pub cart: Vec<String>,
    /// External ids that must not be shown, at most 500.
    pub exclude: Vec<String>,
    /// External ids that are put in order, all of them and nothing else, at most 500; empty = the placement's sources
    /// yield the candidates.
    pub given: Vec<String>,
    /// The decision whose order this one goes on with, and the place in it where it begins, from 0: `given` holds what
    /// comes there, and stays in its order.
    pub follows: Option<(DecisionId, u32)>,
    /// What every candidate must be like, pinned or not.
    pub filter: Option<Condition>,
    /// The market the page is for, such as a country; empty where the shop has one or does not say.
    pub market: String,
    /// The language that the page is read in, as [`crate::locale::canonical`] writes it; empty where it is not said.
    pub locale: String,
    /// Slots that are left on the page; `None` = as many as wanted, 0 = its budget is spent.
    pub room: Option<u16>,
    /// Minutes by which the shop's clock is ahead of UTC at `now`.
    pub utc_offset_min: i16,
    /// Slots wanted; 0 = as the placement says; at most 100.
    pub slots: u16,
    /// Whether the full candidate list is wanted.
    pub explain: bool,
    /// What is searched for; `None` where nothing is.
    pub search: Option<Box<Search>>,
    /// Sources left out by the server for want of time. An input, so that replay leaves them out too.
    pub skipped: Vec<String>,
    /// How likely a program asks, in per cent, as of events. It is answered like anybody; nothing is learnt from it or counted.
    pub bot: u8,
}

impl Request {
    /// Whether it is taken for a program's.
    pub fn is_bot(&self) -> bool {
        self.bot >= BOT_MIN
    }
}

/// The versions a decision read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Versions {
    /// Last entry folded into the aggregates.
    pub snapshot_offset: Offset,
    /// Last entry folded into the shopper's profile.
    pub profile_offset: Offset,
    /// Offset of the settings entry in force.
    pub settings_offset: Offset,
    /// Engine version: the crate version.
    pub engine: String,
    /// The learnt models that the placement uses, by name.
    pub models: Vec<(String, ArtifactId)>,
}

/// How much of the shopper went into the slate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Personalization {
    /// Nothing about the shopper: page, cart and popularity only.
    #[default]
    None,
    /// This visit only.
    Session,
    /// This visit and what came before it.
    Full,
}

/// What the slate fell back to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Fallback {
    /// Nothing: it is as the placement intends.
    #[default]
    None,
    /// Popular products, under the fallback headline.
    Popular,
    /// An empty slate, as the placement says.
    Hidden,
    /// An empty slate: the placement is switched off, or not rolled out to this shopper.
    Off,
    /// An empty slate: the page shows enough already.
    Clutter,
    /// An empty slate: the arm of an experiment leaves it to something else.
    External,
}

/// Why something is shown, in plain words.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Reason {
    /// A stable code: the name of the source, or `pinned`.
    pub code: String,
    /// A sentence for the shopper.
    pub text: String,
    /// The products it is based on.
    pub based_on: Vec<ProductNo>,
    /// Whether it rests on what this shopper did.
    pub personal: bool,
}

/// One place of the slate.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Slot {
    /// What is shown.
    pub candidate: Candidate,
    /// The blended score; 0 for a pinned candidate that no source yielded.
    pub score: f32,
    /// Index into [`Decision::sources`], and after them [`Decision::scorers`], and the weighted part of the score that
    /// came from it, before rules multiply.
    pub parts: Vec<(u8, f32)>,
    /// Why, in plain words.
    pub reason: Reason,
    /// The rule that placed it, by its name.
    pub placed_by: Option<String>,
    /// The rules that raised or lowered its score, or kept a slot for it.
    pub moved_by: Vec<String>,
    /// The probability with which this candidate was chosen for this position, given what stands above it.
    pub probability: f32,
    /// Which of two interleaved rankings put it here; `None` where both would have, a rule did, or nothing is interleaved.
    pub team: Option<Team>,
    /// What the learned order foresees: probabilities of a click, the cart, a purchase, a return; empty without one. The
    /// score is then what the objective makes of them, times what rules multiply by.
    pub foreseen: Vec<f32>,
    /// What the candidate was like at this moment, where the placement has an objective: the upper halves of 32-bit floats,
    /// in the order of the list that [`Decision::feature_set`] names.
    pub features: Vec<u16>,
}

/// One candidate of an explained decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Considered {
    /// What was considered.
    pub candidate: Candidate,
    /// Its blended score.
    pub score: f32,
    /// Index into [`Decision::sources`] and weighted part of the score.
    pub parts: Vec<(u8, f32)>,
    /// The filter or rule that removed it, or the step that left it out (`diversity`, `not_in_top`); `None`: shown.
    pub removed_by: Option<String>,
}

/// The result and its certificate. Candidates = slate ∪ removed, each with a name.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// What was asked.
    pub request: Request,
    /// What was read.
    pub versions: Versions,
    /// The arms that it was made in: of the holdout, and of the experiment that its placement is in.
    pub arms: Vec<Arm>,
    /// The headline to show.
    pub headline: String,
    /// The ordered result.
    pub slate: Vec<Slot>,
    /// How much of the shopper went in.
    pub personalization: Personalization,
    /// What it fell back to.
    pub fallback: Fallback,
    /// How it was drawn, where a bandit chose.
    pub draw: Option<Box<Draw>>,
    /// Each source with the number of candidates it yielded.
    pub sources: Vec<(String, u32)>,
    /// The scorers, in the placement's order.
    pub scorers: Vec<String>,
    /// Name of the objective that the slate was put in order by; empty where sources and scorers did it.
    pub objective: String,
    /// Hash of the names of [`Slot::features`]; 0 where there are none.
    pub feature_set: u32,
    /// Number of different candidates.
    pub candidate_count: u32,
    /// Each filter, rule or step with the number of candidates it removed.
    pub removed: Vec<(String, u32)>,
    /// Named ids of the request that the catalogue does not know.
    pub missing_ids: Vec<String>,
    /// How the search was met; `None` where nothing was searched for.
    pub met: Option<Box<Met>>,
    /// What comes after the slate, in order, where the placement is a listing.
    pub rest: Vec<Candidate>,
    /// Every candidate, best first, where `explain` was asked.
    pub considered: Option<Vec<Considered>>,
}
