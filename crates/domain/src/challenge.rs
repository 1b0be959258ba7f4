//! A challenge: a placement that wants to stand in for another, and the ladder it climbs – valued on logged decisions, shadowed, shown to a few,
//! tested, promoted. Each step is kept with what it rested on.

use crate::experiment::Guardrail;
use crate::settings::Placement;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Steps that are kept of a challenge, the last ones.
pub const STEPS_MAX: usize = 32;

/// Where on the ladder a challenge stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Stage {
    /// Logged decisions are to tell what it would have been worth.
    #[default]
    Valuing,
    /// It decides beside the champion, and nothing of it is shown.
    Shadow,
    /// A few shoppers get it.
    Canary,
    /// Half of the shoppers get it.
    Test,
    /// It answers for the champion.
    Promoted,
    /// It was worse, or somebody ended it: the champion answers.
    Stopped,
    /// It made no difference that matters, or none could be found: the champion answers.
    Held,
}

/// Every stage with its name, in their order.
pub const STAGES: [(Stage, &str); 7] = [
    (Stage::Valuing, "valuing"),
    (Stage::Shadow, "shadow"),
    (Stage::Canary, "canary"),
    (Stage::Test, "test"),
    (Stage::Promoted, "promoted"),
    (Stage::Stopped, "stopped"),
    (Stage::Held, "held"),
];

impl Stage {
    /// Its name.
    pub fn name(self) -> &'static str {
        STAGES[self as usize].1
    }

    /// Whether nothing comes after it by itself.
    pub fn is_over(self) -> bool {
        self >= Self::Promoted
    }
}

/// A placement that wants to stand in for another.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Challenge {
    /// Its name; also that of the experiment that it becomes.
    pub name: String,
    /// The placement that serves.
    pub champion: String,
    /// The placement that wants to.
    pub challenger: String,
    /// The metric that decides.
    pub metric: String,
    /// Metrics that must not get worse by more than their margin.
    pub guardrails: Vec<Guardrail>,
    /// The least change of the metric that would matter, as a share of the champion's value.
    pub effect: f64,
    /// What of the time before is taken out of the noise; empty = nothing.
    pub covariate: String,
    /// Requests that the shadow compares.
    pub shadow_requests: u32,
    /// Share of the shoppers that get the challenger as canaries, in parts of ten thousand.
    pub canary: u16,
    /// Hours that the canary lasts at least.
    pub canary_hours: u16,
    /// Days that the test is planned for; after twice as many without an answer the champion stays.
    pub days: u16,
    /// Units at which the test's intervals are sharpest; 0 = not said.
    pub planned_units: u64,
    /// Where it stands.
    pub stage: Stage,
    /// Since when.
    pub since: Millis,
    /// How it came there, the oldest first.
    pub steps: Vec<Step>,
    /// The champion as it was before the promotion, so that it can come back.
    pub before: Option<Box<Placement>>,
}

/// A step, with what it rested on.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Millis,
    /// From where.
    pub from: Stage,
    /// To where.
    pub to: Stage,
    /// Why, in plain words.
    pub why: String,
    /// The figures it rested on, by name.
    pub evidence: Vec<(String, f64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_the_enum() {
        assert!(STAGES.iter().all(|(stage, name)| stage.name() == *name));
        assert!(!Stage::Test.is_over() && Stage::Promoted.is_over() && Stage::Held.is_over());
    }
}
