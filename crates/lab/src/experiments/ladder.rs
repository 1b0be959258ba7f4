//! The ladder from end to end, in process: a shop of eight products whose shoppers buy by what stands first, a challenger that puts something better, worse or just
//! as good there, and a look a day – valued on logged clicks, shadowed, canary, test – until it is over. Decisions, log and state are those that serve;
//! shoppers are simulated, each there once.

use super::{Check, Wanted};
use crate::error::Error;
use bespoke::ladder::told;
use bespoke::placements;
use bespoke_domain::challenge::{Challenge, Stage};
use bespoke_domain::entry::Body;
use bespoke_domain::event::Details;
use bespoke_domain::product::{Availability, Content};
use bespoke_domain::time::{DAY_MS, MINUTE_MS};
use bespoke_domain::{
    Candidate, Consent, Currency, DecisionId, Entry, Event, EventItem, EventKind, Millis, Money, Offset,
    ProductPatch, Request, Settings, ShopperNo,
};
use bespoke_engine::challenge::{Disagreement, Known, next, stepped};
use bespoke_engine::occasions::Given;
use bespoke_engine::valued::Valuing;
use bespoke_engine::{Engine, decide};
use bespoke_models::seeded::Seeded;

/// Shoppers a day, and days before the challenge.
const A_DAY: u32 = 2_000;
const BEFORE: i64 = 2;
/// Who buys where what is usual stands first.
const CONVERSION: f64 = 0.2;
const CLICKS: f64 = 0.1;
/// By what something better or worse multiplies it.
const BETTER: f64 = 1.15;
const WORSE: f64 = 0.85;
const START: i64 = 1_780_012_800_000;
const NAME: &str = "newer";

/// Products p0 to p7; p5 is better, p6 worse, all others the same.
fn quality(product: u32) -> f64 {
    match product {
        5 => BETTER,
        6 => WORSE,
        _ => 1.0,
    }
}

fn file(first: &str) -> String {
    format!(
        r#"
[shop]
currency = "EUR"
time_zone = "UTC"
unknown_consent = "granted"

[holdout]
share = 5

[[placement]]
name = "home"
headline = "For you"
slots = 3
sources = [{{ source = "popular", weight = 1.0, limit = 100 }}]
explore = {{ share = 20, among = 8 }}

[[placement]]
name = "home_new"
headline = "For you"
slots = 3
sources = [{{ source = "popular", weight = 1.0, limit = 100 }}]

[[placement.rule]]
name = "first"
rule = "pin"
items = ["{first}"]
position = 0
"#
    )
}

/// A shop that lives day by day.
struct Life {
    engine: Engine,
    entries: Vec<Entry>,
    seeded: Seeded,
    now: Millis,
    shoppers: u32,
    shadow: Disagreement,
}

impl Life {
    fn new(seed: u64, first: &str) -> Result<Self, Error> {
        let settings =
            placements::parse(&file(first)).map_err(|faults| Error::Bench(format!("{faults:?}")))?;
        let mut life = Self {
            engine: Engine::default(),
            entries: Vec::new(),
            seeded: super::simulated::seeded(seed, 0x1add),
            now: Millis(START),
            shoppers: 0,
            shadow: Disagreement::default(),
        };
        life.push(None, Body::Settings(Box::new(settings)));
        for no in 0..8 {
            let content = Content { title: format!("Product {no}"), ..Content::default() };
            let patch = ProductPatch {
                id: format!("p{no}"),
                as_of: Millis(START),
                content: Some(Box::new(content)),
                price: Some(Money { minor: 4_000, currency: Currency::EUR }),
                availability: Some(Availability::InStock),
                ..ProductPatch::default()
            };
            life.push(None, Body::Catalog(Box::new(patch)));
        }
        Ok(life)
    }

    fn push(&mut self, shopper: Option<u32>, body: Body) {
        let entry = Entry { received: self.now, shopper: shopper.map(ShopperNo), body };
        self.entries.push(entry);
        let offset = Offset(self.entries.len() as u64);
        self.engine.apply(offset, &self.entries[self.entries.len() - 1]);
    }

    fn settings(&self) -> Settings {
        let snapshot = self.engine.live().snapshot();
        snapshot
            .aggregates
            .settings
            .as_deref()
            .cloned()
            .unwrap_or_else(|| unreachable!("they were the first entry"))
    }

    /// A day of shoppers; what slates show is told only where it is asked for, as views are what most of a log is.
    fn day(&mut self, is_told: bool, is_shadowed: bool) {
        let begin = self.now;
        for no in 0..A_DAY {
            self.now = begin.plus(i64::from(no) * DAY_MS / i64::from(A_DAY));
            if no % 100 == 0 {
                self.engine.publish();
            }
            self.shopper(is_told, is_shadowed);
        }
        self.now = begin.plus(DAY_MS);
        self.engine.publish();
    }

    fn shopper(&mut self, is_told: bool, is_shadowed: bool) {
        self.shoppers += 1;
        let shopper = self.shoppers;
        let bucket = self.seeded.bits() | 1;
        let id = DecisionId((self.now.0 as u128) << 80 | u128::from(self.seeded.bits()));
        let request = Request {
            id,
            now: self.now,
            placement: "home".to_owned(),
            shopper: Some(ShopperNo(shopper)),
            bucket,
            ..Request::default()
        };
        let live = self.engine.live();
        let decision = live.decide(&request);
        if is_shadowed {
            let snapshot = live.snapshot();
            let other = decide(&snapshot, None, &Request { placement: "home_new".to_owned(), ..request });
            self.shadow.add((&decision, &other), [1, 1]);
        }
        let shown: Vec<u32> = decision.slate.iter().map(|slot| number(slot.candidate)).collect();
        let first = shown.first().copied();
        self.push(Some(shopper), Body::Decision(Box::new(decision)));
        self.now = self.now.plus(MINUTE_MS / 60);
        if is_told {
            self.look(id, &shown, (shopper, bucket));
        }
        let is_bought = self.seeded.unit() < first.map_or(0.0, |first| CONVERSION * quality(first));
        let kind = if is_bought { EventKind::Purchase } else { EventKind::PageView };
        let mut event = self.event(kind, bucket, first.filter(|_| is_bought).as_slice());
        event.details = Some(Box::new(Details {
            transaction_id: Some(format!("t{shopper}").into()),
            ..Details::default()
        }));
        self.push(Some(shopper), Body::Event(Box::new(event)));
    }

    /// The slate is seen, and clicked by what stands there.
    fn look(&mut self, id: DecisionId, shown: &[u32], (shopper, bucket): (u32, u64)) {
        let seen =
            Event { decision: Some(id), visible: true, ..self.event(EventKind::ViewItemList, bucket, shown) };
        self.push(Some(shopper), Body::Event(Box::new(seen)));
        for product in shown {
            if self.seeded.unit() < CLICKS * quality(*product) {
                let click = self.event(EventKind::SelectItem, bucket, &[*product]);
                self.push(Some(shopper), Body::Event(Box::new(Event { decision: Some(id), ..click })));
            }
        }
    }

    fn event(&self, kind: EventKind, bucket: u64, products: &[u32]) -> Event {
        let item = |no: &u32| EventItem {
            item_id: format!("p{no}"),
            quantity: 1,
            price_minor: Some(4_000),
            ..EventItem::default()
        };
        Event {
            consent: Consent::GRANTED,
            currency: Some(Currency::EUR),
            buckets: (bucket, 0),
            items: products.iter().map(item).collect(),
            ..Event::new(kind, self.now)
        }
    }

    /// Takes the challenge's next step, if there is one; where it stands.
    fn climb(&mut self) -> Stage {
        let settings = self.settings();
        let challenge = &settings.challenges[0];
        let valued = (challenge.stage == Stage::Valuing).then(|| {
            let given = Given { settings: Some(settings.clone()), models: Vec::new() };
            let mut valuing = Valuing::new(("home", "home_new"), (Offset(0), Millis(0)), given);
            (1..).zip(&self.entries).for_each(|(offset, entry)| valuing.feed(Offset(offset), entry));
            valuing.finish()
        });
        let snapshot = self.engine.live().snapshot();
        let report = told(&snapshot, NAME);
        let known = Known {
            valued: valued.as_ref(),
            shadow: Some(&self.shadow),
            report: report.as_ref(),
            in_the_way: None,
        };
        if let Some(step) = next(challenge, &known, self.now)
            && let Some(settings) = stepped(&settings, NAME, step)
        {
            self.push(None, Body::Settings(Box::new(settings)));
            self.engine.publish();
        }
        self.settings().challenges[0].stage
    }
}

fn number(candidate: Candidate) -> u32 {
    match candidate {
        Candidate::Product(product) => product.0,
        Candidate::Category(category) => category.0,
        Candidate::Content(block) => block.0,
    }
}

/// What became of a challenger that puts `first` first: where it ended, from where, and after how many days.
fn climbed(seed: u64, first: &str, planned: (u64, u16)) -> Result<(Stage, Stage, i64), Error> {
    let mut life = Life::new(seed, first)?;
    // What stands first by itself is p0: what was looked at most.
    for no in 0..8_u32 {
        for _ in 0..80 - 10 * no {
            let event = life.event(EventKind::ViewItem, 0, &[no]);
            life.push(Some(1_000_000 + no), Body::Event(Box::new(event)));
        }
    }
    for _ in 0..BEFORE {
        life.day(true, false);
    }
    let challenge = Challenge {
        name: NAME.to_owned(),
        champion: "home".to_owned(),
        challenger: "home_new".to_owned(),
        metric: "conversion".to_owned(),
        effect: 0.1,
        shadow_requests: 1_000,
        canary: 500,
        canary_hours: 24,
        days: planned.1,
        planned_units: planned.0,
        since: life.now,
        ..Challenge::default()
    };
    let settings = Settings { challenges: vec![challenge], ..life.settings() };
    life.push(None, Body::Settings(Box::new(settings)));
    life.engine.publish();
    for day in 0..10 + 2 * i64::from(planned.1) {
        let stage = life.climb();
        if stage.is_over() {
            let from = life.settings().challenges[0].steps.last().map_or(stage, |step| step.from);
            return Ok((stage, from, day));
        }
        life.day(false, stage == Stage::Shadow);
    }
    Err(Error::Bench("the ladder has no end".to_owned()))
}

/// `seeds` challengers of each kind.
///
/// # Errors
/// A ladder without an end.
pub fn checks(seed: u64, seeds: u64) -> Result<Vec<Check>, Error> {
    use bespoke_models::statistics::power::{Arms, Demand, units_needed};
    let demand = Demand { sequential: true, ..Demand::default() };
    let units = units_needed(0.1 * CONVERSION, &Arms::alike(CONVERSION * (1.0 - CONVERSION)), &demand);
    let planned = (units.ceil() as u64, (units / f64::from(A_DAY)).ceil() as u16);
    let kinds = [
        ("better (+15 %)", "p5", Stage::Promoted),
        ("worse (-15 %)", "p6", Stage::Stopped),
        ("just as good", "p1", Stage::Held),
    ];
    let mut checks = vec![Check::new("units planned for a challenger", units, Wanted::Any)];
    for (name, first, wanted) in kinds {
        let (mut right, mut days, mut early) = (0_u64, Vec::new(), 0_u64);
        for no in 0..seeds {
            let (stage, from, day) = climbed(seed.wrapping_mul(1_000) + no, first, planned)?;
            right += u64::from(stage == wanted);
            early += u64::from(stage == wanted && from != Stage::Test);
            days.push(day);
        }
        days.sort_unstable();
        // Of challengers that are just as good one in twenty seems not to be: that is what 95 % means.
        let least = if wanted == Stage::Held { seeds - seeds.div_ceil(20) } else { seeds };
        let line = |what: &str, found: f64, wanted| {
            Check::new(format!("{seeds} challengers, {name}: {what}"), found, wanted)
        };
        checks.push(line(wanted.name(), right as f64, Wanted::AtLeast(least as f64)));
        checks.push(line("of them before the test", early as f64, Wanted::Any));
        checks.push(line("days, median", days.get(days.len() / 2).copied().unwrap_or(0) as f64, Wanted::Any));
    }
    Ok(checks)
}
