//! What is compared: experiments with their arms, the permanent holdout, and what a decision says of the arms it was in.

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Shares of traffic are counted in parts of this.
pub const WHOLE: u16 = 10_000;
/// The name under which the holdout stands among experiments.
pub const HOLDOUT: &str = "holdout";
/// Its arm without personalization; the control.
pub const HELD: &str = "held";
/// Its other arm.
pub const PERSONALIZED: &str = "personalized";

/// What is put into an arm, and counted as one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Unit {
    /// A shopper, by the key of the first identity.
    #[default]
    Shopper,
    /// A visit, by the shop's session id.
    Session,
    /// What is searched for, by its folded words.
    Query,
    /// All shoppers of a market for so many minutes.
    Switchback(u32),
}

impl Unit {
    /// Its name; what the minutes of a switchback are is said beside it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Session => "session",
            Self::Query => "query",
            Self::Switchback(_) => "switchback",
        }
    }
}

/// How arms are compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Design {
    /// Each unit is in one arm.
    #[default]
    Split,
    /// Each unit is shown both arms in one list, and clicks tell which it prefers.
    Interleaving,
}

/// The arm that every unit of an interleaved experiment is in.
pub const INTERLEAVED: &str = "interleaved";

/// One of two interleaved rankings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the two")]
pub enum Team {
    Control,
    Treated,
}

/// How intervals are made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Analysis {
    /// They hold on every day at once: looking early does no harm.
    #[default]
    AlwaysValid,
    /// They hold on the day that was planned, and on no other.
    FixedHorizon,
}

/// A comparison that goes on, or went on.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// How its arms are compared.
    pub design: Design,
    /// What is put into an arm.
    pub unit: Unit,
    /// Minutes at the start of each stretch of a switchback that do not count, since what came before lingers.
    pub burn_in: u16,
    /// Experiments of one layer share its units out among themselves.
    pub layer: String,
    /// The part of the layer's units that is in it: from, and up to but not including, in parts of [`WHOLE`].
    pub slice: (u16, u16),
    /// The placements whose decisions it changes, or is measured at.
    pub placements: Vec<String>,
    /// The arms; the first is the control. Shares add up to [`WHOLE`].
    pub arms: Vec<ArmUse>,
    /// The metric that decides.
    pub metric: String,
    /// Metrics that must not get worse by more than their margin.
    pub guardrails: Vec<Guardrail>,
    /// How intervals are made.
    pub analysis: Analysis,
    /// The least change of the metric that would matter, as a share of the control's value, such as .02.
    pub effect: f64,
    /// Days that it is planned for.
    pub days: u16,
    /// Units of all arms that it is planned for: where a look of [`Analysis::FixedHorizon`] is valid, and where intervals that always
    /// are become sharpest; 0 = not said.
    pub planned_units: u64,
    /// Largest value of the metric that one unit counts with, money in minor units; 0 = whatever it is.
    pub cap: f64,
    /// What of the time before each unit's first exposure is taken out of the noise (CUPED), by the engine's table; empty = nothing.
    pub covariate: String,
    /// From when on it goes on; `None` = from when it was set.
    pub from: Option<Millis>,
    /// Up to when; `None` = until it is stopped.
    pub until: Option<Millis>,
    /// Whether it is stopped: everyone gets the control, and nothing is counted any more.
    pub is_stopped: bool,
    /// Why, where it is known; empty = nobody has said.
    pub stopped_for: String,
    /// Whether it is stopped without being asked once an arm does harm, or the arms do not get their units.
    pub rolls_back: bool,
}

impl Experiment {
    /// Whether it goes on at `now`.
    pub fn is_on(&self, now: Millis) -> bool {
        !self.is_stopped
            && self.from.is_none_or(|from| from <= now)
            && self.until.is_none_or(|until| now < until)
    }
}

/// One arm of an experiment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ArmUse {
    /// Its name.
    pub name: String,
    /// Its share of the experiment's units, in parts of [`WHOLE`].
    pub share: u16,
    /// The placements that stand in for others: what is asked for, and what answers.
    pub uses: Vec<(String, String)>,
    /// Whether something else than Bespoke answers: decisions of the experiment's placements are empty.
    pub is_external: bool,
}

impl ArmUse {
    /// The placement that stands in for another.
    pub fn used_for(&self, asked: &str) -> Option<&str> {
        self.uses.iter().find(|(name, _)| name == asked).map(|(_, used)| used.as_str())
    }
}

/// A metric that must not get worse.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Guardrail {
    /// The metric.
    pub metric: String,
    /// By which share of the control's value it may be worse, such as .02.
    pub margin: f64,
}

/// The permanent share of shoppers that gets no personalization.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holdout {
    /// Its share in parts of [`WHOLE`]; 0 = there is none.
    pub share: u16,
}

impl Default for Holdout {
    /// One shopper in twenty.
    fn default() -> Self {
        Self { share: 500 }
    }
}

/// The arm of one experiment that a decision was made in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Arm {
    /// The experiment.
    pub experiment: String,
    /// Which of its epochs: a change of split or configuration begins another.
    pub epoch: u32,
    /// The arm.
    pub arm: String,
}
