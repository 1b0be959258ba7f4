//! What a placement's bandit has learnt of its blocks, over HTTP.

use crate::boot::Shop;
use crate::experiments_api::IntervalBody;
use crate::wire::error::ApiError;
use bespoke_domain::content::{Bandit, Block, TRAITS};
use bespoke_domain::{BlockNo, Millis};
use bespoke_engine::Snapshot;
use bespoke_engine::bandits::{Arm, Learner};
use bespoke_engine::experiment::result::ALPHA;
use bespoke_models::bandit::aipw::{CHOICES_FLOORED, is_enough};
use bespoke_models::bandit::probability::with_floor;
use bespoke_models::statistics::sample::Look;
use bespoke_models::statistics::sequential::Sequence;
use serde::Serialize;
use utoipa::ToSchema;

/// Choices from which it is said that hardly any came into view.
const VIEWED_FROM: u64 = 100;

/// What a bandit has learnt.
#[derive(Serialize, ToSchema, Debug)]
pub struct BanditBody {
    /// The placement.
    pub placement: String,
    /// The least probability of a block.
    pub floor: f64,
    /// Minutes after which a block that was not clicked counts as not clicked.
    pub window_minutes: u32,
    /// Days after which what was learnt counts half; 0 = always whole.
    pub half_life_days: f64,
    /// By what shoppers are told apart.
    pub by: Vec<String>,
    /// Decisions that were learnt from.
    pub choices: u64,
    /// Decisions whose window is not over.
    pub waiting: u64,
    /// The blocks that are set, in the order of the file; after them those that were.
    pub blocks: Vec<BanditBlockBody>,
    /// The answer in plain words.
    pub words: String,
    /// What not to read into these numbers, and what is wrong with them.
    pub warnings: Vec<String>,
}

/// What became of one block.
#[derive(Serialize, ToSchema, Debug)]
pub struct BanditBlockBody {
    /// Its name.
    pub block: String,
    /// Its title; empty where it is no longer set.
    pub title: String,
    /// Whether it is set and in its time.
    pub is_on: bool,
    /// Times it was shown and the window is over.
    pub exposures: u64,
    /// Those that were in view, as far as that was told.
    pub viewed: u64,
    /// Those that were clicked.
    pub clicks: u64,
    /// Clicks over exposures: not to be compared with another block's, see `warnings`.
    pub naive_click_rate: f64,
    /// What its click rate is, corrected for when it was tried (AIPW), with an interval that holds at every look; `null` until there are choices
    /// enough.
    pub click_rate: Option<IntervalBody>,
    /// The probability with which it would be drawn now, by part of shoppers, if all that are in their time could be shown.
    pub probabilities: Vec<PartBody>,
}

/// A part of shoppers and a probability.
#[derive(Serialize, ToSchema, Debug)]
pub struct PartBody {
    /// Its traits; `everyone` where shoppers are not told apart.
    pub part: String,
    /// The probability.
    pub probability: f64,
}

/// What a placement's bandit has learnt.
///
/// # Errors
/// There is no such placement, or it has no bandit.
pub fn get(shop: &Shop, name: &str) -> Result<BanditBody, ApiError> {
    let snapshot = shop.live.snapshot();
    let settings = snapshot.aggregates.settings.as_deref().ok_or_else(ApiError::internal)?;
    let placement = settings.placements.iter().find(|one| one.name == name);
    let placement = placement
        .ok_or_else(|| ApiError::new("unknown_placement", format!("there is no placement {name:?}")))?;
    let bandit = placement.bandit.as_ref().ok_or_else(|| {
        let detail =
            format!("{name:?} has no bandit: set `bandit = {{}}` at a placement with `shows = \"content\"`");
        ApiError::new("not_found", detail)
    })?;
    let set: Vec<&Block> =
        settings.content.iter().filter(|block| block.placements.iter().any(|one| one == name)).collect();
    let none = Learner::default();
    let learner = snapshot.aggregates.bandits.learner(name).unwrap_or(&none);
    let blocks = blocks(&snapshot, (bandit, learner), &set, crate::clock::now());
    Ok(BanditBody {
        placement: name.to_owned(),
        floor: bandit.floor,
        window_minutes: bandit.window_min,
        half_life_days: bandit.half_life_days,
        by: bandit.by.iter().map(|one| trait_name(*one).to_owned()).collect(),
        choices: learner.choices,
        waiting: snapshot.aggregates.bandits.waiting(name),
        words: words(&blocks, learner.choices, bandit.floor),
        warnings: warnings(&blocks),
        blocks,
    })
}

fn trait_name(one: bespoke_domain::content::Trait) -> &'static str {
    TRAITS.iter().find(|(held, _)| *held == one).map_or("", |(_, name)| name)
}

/// The traits of a part, such as `returning, not high_intent`.
fn part_name(bandit: &Bandit, part: u8) -> String {
    let one = |(bit, one): (usize, &bespoke_domain::content::Trait)| {
        let not = if part >> bit & 1 == 1 { "" } else { "not " };
        format!("{not}{}", trait_name(*one))
    };
    let all: Vec<String> = bandit.by.iter().enumerate().map(one).collect();
    if all.is_empty() { "everyone".to_owned() } else { all.join(", ") }
}

fn blocks(
    snapshot: &Snapshot,
    (bandit, learner): (&Bandit, &Learner),
    set: &[&Block],
    now: Millis,
) -> Vec<BanditBlockBody> {
    let number = |block: &&&Block| snapshot.block(&block.name);
    let mut on: Vec<BlockNo> =
        set.iter().filter(|block| block.is_on(now)).filter_map(|block| number(&block)).collect();
    on.sort_unstable();
    let parts = 0..1_u8 << bandit.by.len();
    let chances: Vec<Vec<f64>> =
        parts.map(|part| with_floor(&learner.chances(part, &on), bandit.floor)).collect();
    let one = |name: &str, said: Option<&Block>, number: Option<BlockNo>| {
        let arm = number.and_then(|number| learner.arm(number));
        let place = number.and_then(|number| on.binary_search(&number).ok());
        let of_part = |(part, chances): (u8, &Vec<f64>)| PartBody {
            part: part_name(bandit, part),
            probability: place.map_or(0.0, |at| chances[at]),
        };
        let count = |of: fn(&Arm) -> u64| arm.map_or(0, of);
        let (exposures, clicks) = (count(|arm| arm.shown), count(|arm| arm.clicked));
        BanditBlockBody {
            block: name.to_owned(),
            title: said.map_or(String::new(), |block| block.title.clone()),
            is_on: place.is_some(),
            exposures,
            viewed: count(|arm| arm.viewed),
            clicks,
            naive_click_rate: clicks as f64 / exposures.max(1) as f64,
            click_rate: arm.and_then(|arm| estimate(arm, bandit.floor)),
            probabilities: (0..).zip(&chances).map(of_part).collect(),
        }
    };
    let is_gone = |arm: &&Arm| set.iter().all(|block| number(&block) != Some(arm.block));
    let gone = learner.arms.iter().filter(is_gone);
    let gone = gone.map(|arm| one(snapshot.block_name(arm.block), None, Some(arm.block)));
    set.iter().map(|block| one(&block.name, Some(block), number(&block))).chain(gone).collect()
}

fn estimate(arm: &Arm, floor: f64) -> Option<IntervalBody> {
    is_enough(arm.sums.count() as usize, floor).then(|| {
        let effect = arm.sums.mean();
        let range = effect.interval(ALPHA, Look::Always(Sequence::default()));
        IntervalBody { estimate: effect.estimate, low: range.low.max(0.0), high: range.high.min(1.0) }
    })
}

fn words(blocks: &[BanditBlockBody], choices: u64, floor: f64) -> String {
    let mean = |block: &BanditBlockBody| {
        block.probabilities.iter().map(|part| part.probability).sum::<f64>()
            / block.probabilities.len().max(1) as f64
    };
    let Some(best) = blocks.iter().filter(|block| block.is_on).max_by(|a, b| mean(a).total_cmp(&mean(b)))
    else {
        return "No block is in its time: nothing is shown.".to_owned();
    };
    let often = format!("{:.0} %", 100.0 * mean(best));
    let Some(rate) = &best.click_rate else {
        let wanted = (CHOICES_FLOORED / floor).ceil();
        return format!(
            "Cannot tell yet: {wanted:.0} choices are needed for numbers that hold, and there are {choices}. {:?} is shown most, {often} of the time.",
            best.block
        );
    };
    let percent = |value: f64| format!("{:.2} %", 100.0 * value);
    let seen = format!("{} ({} to {})", percent(rate.estimate), percent(rate.low), percent(rate.high));
    let others = blocks.iter().filter(|block| block.is_on && block.block != best.block);
    let is_ahead =
        others.clone().all(|block| block.click_rate.as_ref().is_some_and(|one| one.high < rate.low));
    if others.count() == 0 {
        format!("{:?} is the only block in its time: it is clicked {seen} of the time.", best.block)
    } else if is_ahead {
        format!(
            "{:?} is clicked most, {seen} of the time, beyond doubt; it is shown {often} of the time.",
            best.block
        )
    } else {
        format!(
            "{:?} looks best, clicked {seen} of the time, but the others are not ruled out; it is shown {often} of the time.",
            best.block
        )
    }
}

fn warnings(blocks: &[BanditBlockBody]) -> Vec<String> {
    let sum = |of: fn(&BanditBlockBody) -> u64| blocks.iter().map(of).sum::<u64>();
    let (exposures, viewed) = (sum(|block| block.exposures), sum(|block| block.viewed));
    let mut warnings = vec![
        "Do not compare `naive_click_rate`s: a bandit shows less of what looks bad, also where that was chance, so that plain rates are too low \
         and a test of their difference is wrong more often than it says. Compare `click_rate`s."
            .to_owned(),
    ];
    if exposures >= VIEWED_FROM && viewed * 2 < exposures {
        warnings.push(format!(
            "Of {exposures} choices {viewed} came into view: either `view_promotion` with the `rec_token` is not sent, or the place is hardly seen."
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: &str, rate: Option<(f64, f64, f64)>, probability: f64) -> BanditBlockBody {
        let click_rate = rate.map(|(estimate, low, high)| IntervalBody { estimate, low, high });
        let probabilities = vec![PartBody { part: "everyone".to_owned(), probability }];
        BanditBlockBody {
            block: name.to_owned(),
            title: String::new(),
            is_on: true,
            exposures: 200,
            viewed: 20,
            clicks: 4,
            naive_click_rate: 0.02,
            click_rate,
            probabilities,
        }
    }

    #[test]
    fn each_answer_in_words() {
        let told = |blocks: &[BanditBlockBody]| words(blocks, 900, 0.05);
        assert_eq!(told(&[]), "No block is in its time: nothing is shown.");
        let (early, late) = (block("a", None, 0.3), block("b", None, 0.7));
        assert_eq!(
            told(&[early, late]),
            "Cannot tell yet: 1000 choices are needed for numbers that hold, and there are 900. \"b\" is shown most, 70 % of the time."
        );
        let good = || block("a", Some((0.1, 0.08, 0.12)), 0.9);
        let rates = [(0.05, 0.03, 0.07), (0.09, 0.06, 0.11)];
        let beside = |rate| told(&[block("b", Some(rate), 0.1), good()]);
        assert_eq!(
            beside(rates[0]),
            "\"a\" is clicked most, 10.00 % (8.00 % to 12.00 %) of the time, beyond doubt; it is shown 90 % of the time."
        );
        assert!(beside(rates[1]).contains("the others are not ruled out"));
        assert!(told(&[good()]).contains("the only block"));
        assert_eq!(warnings(&[good()]).len(), 2, "hardly any came into view");
    }
}
