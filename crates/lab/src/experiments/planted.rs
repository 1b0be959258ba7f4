//! What is planted must be found: shoppers whose behaviour differs by arm in known ways go through the functions that serve – assignment, ledger,
//! report –, hundreds of experiments long. The shoppers are simulated here: independent, each there once.

use super::simulated::with_doubt;
use super::{Check, Wanted};
use crate::error::Error;
use bespoke::placements;
use bespoke_domain::event::Details;
use bespoke_domain::experiment::{Experiment, Guardrail};
use bespoke_domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use bespoke_domain::{
    Consent, Currency, Decision, Event, EventItem, EventKind, Millis, Request, Settings, ShopperNo,
};
use bespoke_engine::catalog::Catalog;
use bespoke_engine::counting::Counting;
use bespoke_engine::experiment::ledger::{Ledger, Run, Who};
use bespoke_engine::experiment::result::{Compared, plan, report};
use bespoke_engine::experiment::{Epochs, assigned};
use bespoke_engine::kpis::Kpis;
use bespoke_engine::orders::{Orders, Prices};
use bespoke_engine::{Snapshot, decide};
use bespoke_models::seeded::Seeded;
use bespoke_models::statistics::verdict::Verdict;

/// What of a hundred shoppers buys, what orders are worth at the median in minor units, how much they vary, and what comes back.
const CONVERSION: f64 = 0.2;
const MEDIAN: f64 = 4_000.0;
const SPREAD: f64 = 0.6;
const RETURNED: f64 = 0.1;
/// When it begins.
const START: i64 = 1_780_000_000_000;
/// The experiment.
pub const NAME: &str = "lift";

pub const SETTINGS: &str = r#"
[shop]
currency = "EUR"
time_zone = "UTC"
unknown_consent = "granted"

[holdout]
share = 0

[[placement]]
name = "home"
headline = "For you"
slots = 4
sources = [{ source = "popular", weight = 1.0, limit = 100 }]

[[experiment]]
name = "lift"
placements = ["home"]
arms = [{ name = "control", share = 50 }, { name = "new", share = 50 }]
metric = "conversion"
"#;

/// By what the treated differ.
#[derive(Clone, Copy, Debug)]
pub struct Lift {
    /// Added to the share that buys.
    pub conversion: f64,
    /// What orders are worth more, as a share.
    pub value: f64,
    /// Added to the share that comes back.
    pub returned: f64,
}

/// Nothing.
const NONE: Lift = Lift { conversion: 0.0, value: 0.0, returned: 0.0 };
/// Conversion 20 to 21 %, order value + 3 %, returns + 2 points.
pub const LIFT: Lift = Lift { conversion: 0.01, value: 0.03, returned: 0.02 };

/// Whether an order comes back.
pub fn returns(seeded: &mut Seeded, is_treated: bool) -> bool {
    seeded.unit() < RETURNED + f64::from(u8::from(is_treated)) * LIFT.returned
}

/// What a shopper does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Act {
    /// What is paid, in minor units; 0 = nothing is bought.
    pub minor: i64,
    /// Whether it comes back.
    pub is_returned: bool,
}

impl Lift {
    /// What the next shopper does, treated or not.
    pub fn act(self, seeded: &mut Seeded, is_treated: bool) -> Act {
        let on = f64::from(u8::from(is_treated));
        if seeded.unit() >= CONVERSION + on * self.conversion {
            return Act::default();
        }
        let amount = MEDIAN * (1.0 + on * self.value) * (SPREAD * seeded.normal()).exp();
        let is_returned = seeded.unit() < RETURNED + on * self.returned;
        Act { minor: amount.round().max(1.0) as i64, is_returned }
    }

    /// By what the treated differ in truth: share that buys, minor units an order, share that comes back.
    pub fn truth(self) -> [f64; 3] {
        let mean = MEDIAN * (0.5 * SPREAD * SPREAD).exp();
        [self.conversion, mean * self.value, self.returned]
    }
}

/// The three questions, with what is planned for each.
pub fn questions() -> [Experiment; 3] {
    let one = |metric: &str, effect| Experiment {
        name: NAME.to_owned(),
        metric: metric.to_owned(),
        effect,
        slice: (0, 10_000),
        days: 365,
        ..Experiment::default()
    };
    [one("conversion", 0.05), one("order_value", 0.03), one("return_rate", 0.2)]
}

/// An experiment with everything that it goes through, but for the network and the disk.
struct World {
    settings: Settings,
    epochs: Epochs,
    ledger: Ledger,
    kpis: Kpis,
    orders: Orders,
    catalog: Catalog,
    template: Decision,
    shoppers: u32,
}

impl World {
    fn new(settings: &Settings) -> Self {
        let mut epochs = Epochs::default();
        epochs.fold(settings, Millis(START));
        Self {
            settings: settings.clone(),
            epochs,
            ledger: Ledger::default(),
            kpis: Kpis::default(),
            orders: Orders::default(),
            catalog: Catalog::default(),
            template: decide(&Snapshot::default(), None, &Request::default()),
            shoppers: 0,
        }
    }

    /// A shopper comes, is put into an arm, and does what is said of it.
    fn visit(&mut self, key: u64, (now, market): (Millis, &str), act: &mut dyn FnMut(bool) -> Act) {
        self.shoppers += 1;
        let shopper = Some(ShopperNo(self.shoppers));
        let request = Request {
            now,
            placement: "home".to_owned(),
            shopper,
            bucket: key,
            market: market.to_owned(),
            ..Request::default()
        };
        let arms = assigned(&self.settings, &self.epochs, &request).arms;
        let is_treated = arms.iter().any(|arm| arm.arm == "new");
        let decision = Decision { request, arms, ..self.template.clone() };
        let who = Who { shopper, bucket: key };
        let of = (&self.catalog, &self.epochs, &self.settings);
        self.ledger.fold_decision(&decision, (who, None), of);
        let act = act(is_treated);
        if act.minor > 0 {
            self.tell(who, (EventKind::Purchase, now), act.minor);
        }
        if act.is_returned {
            self.tell(who, (EventKind::Refund, now.plus(DAY_MS)), act.minor);
        }
    }

    fn tell(&mut self, who: Who, (kind, time): (EventKind, Millis), minor: i64) {
        let id = format!("t{}", self.shoppers);
        let item = EventItem {
            item_id: "a".to_owned(),
            quantity: 1,
            price_minor: Some(minor),
            ..EventItem::default()
        };
        let event = Event {
            consent: Consent::GRANTED,
            currency: Some(Currency::EUR),
            items: vec![item],
            details: Some(Box::new(Details { transaction_id: Some(id.into()), ..Details::default() })),
            ..Event::new(kind, time)
        };
        let prices = Prices { catalog: &self.catalog, find: &|_| None, currency: Currency::EUR };
        let Self { ledger, kpis, orders, settings, .. } = self;
        Counting { ledger, kpis, orders }.fold(&event, (who, &[]), (&prices, settings));
    }

    fn run(&self) -> Result<&Run, Error> {
        self.ledger.latest(NAME).ok_or_else(|| Error::Bench("nobody was exposed".to_owned()))
    }
}

fn settings(text: &str) -> Result<Settings, Error> {
    placements::parse(text).map_err(|faults| Error::Bench(format!("{faults:?}")))
}

/// Units that each question needs, planned on shoppers before anything differs.
///
/// # Errors
/// When nothing can be planned.
pub fn planned() -> Result<[u64; 3], Error> {
    let mut world = World::new(&settings(SETTINGS)?);
    let mut seeded = Seeded::new(77);
    for no in 0..40_000_u64 {
        world.visit(seeded.bits() | 1, (Millis(START + no as i64 * MINUTE_MS), ""), &mut |_| {
            NONE.act(&mut Seeded::new(no ^ 0x5eed_0000), false)
        });
    }
    let arms = &world.settings.experiments[0].arms;
    let mut units = [0; 3];
    for (units, question) in units.iter_mut().zip(questions()) {
        let found = plan(world.run()?, &Experiment { arms: arms.clone(), ..question });
        *units = found.ok_or_else(|| Error::Bench("nothing can be planned".to_owned()))?.units.ceil() as u64;
    }
    Ok(units)
}

/// Lifts of three kinds at once, `runs` experiments long.
///
/// # Errors
/// When nothing can be planned.
pub fn lifts(seed: u64, runs: usize) -> Result<Vec<Check>, Error> {
    let units = planned()?;
    let text = settings(SETTINGS)?;
    let (mut held, mut right) = ([0_usize; 3], [0_usize; 3]);
    for run in 0..runs {
        let mut seeded = super::simulated::seeded(seed, 0x1f00 + run as u64);
        let mut world = World::new(&text);
        let last = units.into_iter().max().unwrap_or_default();
        for no in 1..=last {
            let key = seeded.bits() | 1;
            let at = Millis(START + no as i64 * 1_000);
            world.visit(key, (at, ""), &mut |is_treated| LIFT.act(&mut seeded, is_treated));
            for question in 0..3 {
                if units[question] == no {
                    let (is_held, is_right) = answered(world.run()?, (question, units[question]));
                    held[question] += usize::from(is_held);
                    right[question] += usize::from(is_right);
                }
            }
        }
    }
    let share = |count: usize| count as f64 / runs.max(1) as f64;
    let names = ["conversion 20 to 21 %", "order value + 3 %", "returns + 2 points"];
    let answers = ["a win", "a win", "harm by the guardrail"];
    let mut checks = Vec::new();
    for question in 0..3 {
        let name = names[question];
        let line = |what: &str, found: f64, wanted| {
            Check::new(format!("{name}, {} units, {runs} runs: {what}", units[question]), found, wanted)
        };
        let cover = Wanted::AtLeast(1.0 - with_doubt(0.05, runs));
        let power = Wanted::AtLeast(0.8 - (with_doubt(0.2, runs) - 0.2));
        checks.push(line("the interval holds the truth", share(held[question]), cover));
        checks.push(line(answers[question], share(right[question]), power));
    }
    Ok(checks)
}

/// Whether the interval of a question holds the truth, and whether the verdict is right.
pub fn answered(run: &Run, (question, units): (usize, u64)) -> (bool, bool) {
    let mut asked = questions()[question].clone();
    asked.planned_units = units;
    let is_guardrail = question == 2;
    if is_guardrail {
        let guardrails = vec![Guardrail { metric: asked.metric.clone(), margin: 0.05 }];
        asked = Experiment { metric: "conversion".to_owned(), effect: 0.05, guardrails, ..asked };
    }
    let told = report(run, &asked);
    let Some(result) = told.results.first() else { return (false, false) };
    let Some(compared) = result.metrics.get(usize::from(is_guardrail)) else { return (false, false) };
    let is_right = match &result.verdict {
        Verdict::Win => !is_guardrail,
        Verdict::Harm(metric) => is_guardrail && metric == "return_rate",
        _ => false,
    };
    (compared.absolute.1.holds(LIFT.truth()[question]), is_right)
}

/// Markets, shoppers that each has an hour, what it has in stock for an hour, and for how long.
const MARKETS: [&str; 4] = ["DE", "FR", "NL", "AT"];
const SHOPPERS_AN_HOUR: usize = 40;
const STOCK: usize = 10;
const HOURS: i64 = 24 * 28;
/// Who buys at the old price, and at the new.
const AT_PRICE: [f64; 2] = [0.2, 0.4];

/// A lower price where stock is short: who gets it buys what others would have bought. By shoppers the price looks twice as good as it is.
///
/// # Errors
/// When nobody was exposed.
pub fn switchback(seed: u64) -> Result<Vec<Check>, Error> {
    let by_shopper = SETTINGS.replace("\"conversion\"", "\"orders\"");
    let by_market =
        by_shopper.replace("name = \"lift\"", "name = \"lift\"\nunit = \"switchback\"\nminutes = 60");
    let compare = |text: &str| -> Result<Compared, Error> {
        let settings = settings(text)?;
        let mut world = World::new(&settings);
        hours(&mut super::simulated::seeded(seed, 0x5b00), &mut |seeded, at, sold| {
            let key = seeded.bits() | 1;
            let chance = seeded.unit();
            let mut bought = false;
            world.visit(key, at, &mut |is_treated| {
                bought = *sold < STOCK && chance < AT_PRICE[usize::from(is_treated)];
                Act { minor: if bought { 4_000 } else { 0 }, is_returned: false }
            });
            *sold += usize::from(bought);
        });
        let told = report(world.run()?, &settings.experiments[0]);
        let first = told.results.first().and_then(|one| one.metrics.first()).cloned();
        first.ok_or_else(|| Error::Bench("there is no result".to_owned()))
    };
    let sold = AT_PRICE.map(|chance| {
        let mut all = 0.0;
        hours(&mut super::simulated::seeded(seed, 0x5b01), &mut |seeded, _, sold| {
            let bought = *sold < STOCK && seeded.unit() < chance;
            *sold += usize::from(bought);
            all += f64::from(u8::from(bought));
        });
        all
    });
    let truth = sold[1] / sold[0] - 1.0;
    let (shopper, market) = (compare(&by_shopper)?, compare(&by_market)?);
    let relative = |one: &Compared| one.relative.map_or(f64::NAN, |(estimate, _)| estimate);
    let held = market.relative.is_some_and(|(_, interval)| interval.holds(truth));
    Ok(vec![
        Check::new("a lower price where stock is short: orders, in truth", truth, Wanted::Any),
        Check::new("the same by shoppers, which is wrong", relative(&shopper), Wanted::AtLeast(2.0 * truth)),
        Check::new("the same by markets and hours (switchback)", relative(&market), Wanted::Near(truth, 0.1)),
        Check::new("its interval holds the truth", f64::from(u8::from(held)), Wanted::AtLeast(1.0)),
    ])
}

/// What a shopper does at a moment in a market that has sold so much in the hour.
type Visit<'a> = dyn FnMut(&mut Seeded, (Millis, &str), &mut usize) + 'a;

/// Every shopper of every market and hour; the number is of what the market has sold in the hour.
fn hours(seeded: &mut Seeded, visit: &mut Visit<'_>) {
    // Whole hours, as the switchback cuts them.
    let start = START - START % HOUR_MS;
    for hour in 0..HOURS {
        let mut sold = [0_usize; MARKETS.len()];
        for no in 0..SHOPPERS_AN_HOUR {
            for (market, sold) in MARKETS.iter().zip(&mut sold) {
                let at = Millis(start + hour * HOUR_MS + no as i64 * MINUTE_MS);
                visit(seeded, (at, market), sold);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_planted_lifts_and_a_switchback() {
        let checks = lifts(5, 2).expect("they run");
        assert_eq!(checks.len(), 6);
        assert!(checks.iter().all(|check| (0.0..=1.0).contains(&check.found)), "{checks:?}");
        let checks = switchback(5).expect("it runs");
        assert!(checks.iter().all(Check::holds), "{checks:?}");
    }
}
