//! Rankers of placements that have an objective: what candidates were like at moments of the past and what became of them –
//! or, once enough slates were seen, what became of those – is learnt from, judged on what came after, and published where
//! its order is worth more than the one set by hand.

use crate::clock;
use crate::learn::{self, About, CASES_MIN, RUN};
use crate::models_api::{JudgedBody, ModelRunBody};
use crate::trials::{Models, Run, fit_named, in_time, names, walk};
use anyhow::Context as _;
use bespoke_domain::settings::{Objective, Placement, Shows};
use bespoke_domain::{Body, Millis, Offset, Purpose, Settings};
use bespoke_engine::backtest::Judged;
use bespoke_engine::backtest::placement::page_of;
use bespoke_engine::foresight::ranker_name;
use bespoke_engine::lessons::{Lessons, RankerJudged, Slates};
use bespoke_engine::occasions::{FOLLOWS_S, Given, Sample, choose};
use bespoke_models::learned::Learned;
use bespoke_models::ranker::{HEADS, Ranker};
use std::collections::BTreeMap;
use std::time::Instant;

/// Most occasions of a page; of more, a seeded part.
const OCCASIONS_MAX: usize = 3_000;
/// Share of the acts before the split on which the models that describe candidates are fitted.
const DESCRIBED_BY: f64 = 0.75;
/// Slots seen and clicked from which on a ranker learns from slates that were shown.
const SEEN_MIN: usize = 5_000;
const CLICKED_MIN: usize = 200;
/// What a ranker learns from.
const SLATES: &str = "slates that were seen";
const MOMENTS: &str = "moments of the past";
/// Entries of the log, the last ones, in which shown slates are looked for.
const ENTRIES_MAX: u64 = 5_000_000;

/// The placements whose rankers are named, or all that have an objective.
pub fn wanted(settings: Option<&Settings>, named: &[String]) -> Vec<Placement> {
    let all = settings.map_or(&[][..], |settings| &settings.placements);
    let is_named = |one: &Placement| named.is_empty() || named.contains(&ranker_name(&one.name));
    let is_meant =
        |one: &&Placement| one.objective.is_some() && one.shows == Shows::Products && is_named(one);
    all.iter().filter(is_meant).cloned().collect()
}

/// Learns the rankers of `placements`, tells what became of each, and publishes what is worth it where that is wanted. Where the
/// log cannot be read, an artifact not be written, or the run has taken its time, the rest is skipped and says so.
pub fn learn(run: &Run<'_>, placements: &[Placement], publish: bool) -> Vec<ModelRunBody> {
    let mut bodies = Vec::new();
    if let Err(why) = learn_into(&mut bodies, run, placements, publish) {
        let skipped = |placement: &Placement| ModelRunBody {
            outcome: "skipped".to_owned(),
            why: format!("{why:#}"),
            ..ModelRunBody::of(&ranker_name(&placement.name))
        };
        bodies.extend(placements[bodies.len()..].iter().map(skipped));
    }
    bodies
}

fn learn_into(
    bodies: &mut Vec<ModelRunBody>,
    run: &Run<'_>,
    placements: &[Placement],
    publish: bool,
) -> anyhow::Result<()> {
    if placements.is_empty() {
        return Ok(());
    }
    let of_past = of_past(run, placements, u32::MAX)?;
    let of_slates = of_slates(run, placements)?;
    for ((placement, past), slates) in placements.iter().zip(of_past).zip(of_slates) {
        in_time(run)?;
        (run.stage)(format!("fitting {}", ranker_name(&placement.name)));
        bodies.push(match slates {
            Some(slates) => {
                let split_s = slates.time_at(0.8);
                one(run, placement, (&slates, split_s), SLATES, publish)?
            }
            None => one(run, placement, (&past, run.split_s), MOMENTS, publish)?,
        });
    }
    Ok(())
}

/// The rankers of placements, learnt from occasions before the split alone; none where too little happened.
///
/// # Errors
/// When the log cannot be read, or the run has taken its time.
pub fn of_the_past(run: &Run<'_>, placements: &[Placement]) -> anyhow::Result<Vec<Option<Ranker>>> {
    let lessons = of_past(run, placements, run.split_s)?;
    lessons.iter().map(|lessons| Ok(Ranker::fit(&lessons.rows, RUN)?)).collect()
}

/// How long what follows an occasion may take to come: 7 days, in a short history a twentieth of it.
fn margin_s(run: &Run<'_>) -> u32 {
    let span_s = run.training.time_at(1.0).saturating_sub(run.training.time_at(0.0));
    FOLLOWS_S.min(span_s / 20)
}

/// What occasions between the fit of the models that describe candidates and `until_s` teach, by placement.
fn of_past(run: &Run<'_>, placements: &[Placement], until_s: u32) -> anyhow::Result<Vec<Lessons>> {
    if placements.is_empty() {
        return Ok(Vec::new());
    }
    let from_s = run.training.time_before(run.split_s, DESCRIBED_BY);
    // What follows the last ones is not known yet; and what is judged by must not be what is learnt from.
    let last_s = until_s.min(run.training.time_at(1.0)).saturating_sub(margin_s(run));
    let sample = Sample { from_s, until_s: last_s, per_page: OCCASIONS_MAX, seed: 2 };
    let mut occasions = choose(run.training, &sample);
    occasions.retain(|one| placements.iter().any(|placement| page_of(&placement.name) == one.page));
    let models = describing(run, placements, from_s)?;
    let settings = run.snapshot.aggregates.settings.as_deref().context("the shop has no placements")?;
    let settings = Settings { placements: placements.to_vec(), ..settings.clone() };
    let given = Given { settings: Some(settings), models };
    let mut lessons: Vec<Lessons> = Vec::new();
    for placement in placements {
        let planned = run.snapshot.plan.get(&placement.name);
        lessons.push(Lessons::new(planned.map(|planned| planned.features.clone()).unwrap_or_default()));
    }
    walk(run, &occasions, given, &mut |snapshot, profile, occasion| {
        let asked = placements.iter().zip(&mut lessons);
        for (placement, lessons) in asked.filter(|(one, _)| page_of(&one.name) == occasion.page) {
            lessons.take(snapshot, profile, occasion, &placement.name);
        }
    })?;
    Ok(lessons)
}

/// The learnt models that placements name, fitted on what came before a moment.
fn describing(run: &Run<'_>, placements: &[Placement], until_s: u32) -> anyhow::Result<Models> {
    let is_named = |name: &str| placements.iter().any(|placement| names(placement, name));
    fit_named(run, until_s, is_named, |_| Ok(()))
}

/// What slates that were shown teach, by placement, where enough of them were seen and clicked.
fn of_slates(run: &Run<'_>, placements: &[Placement]) -> anyhow::Result<Vec<Option<Lessons>>> {
    let planned =
        |placement: &Placement| run.snapshot.plan.get(&placement.name).map_or(0, |one| one.feature_set);
    let mut all: Vec<Slates> = placements.iter().map(|one| Slates::new(&one.name, planned(one))).collect();
    let last = run.snapshot.aggregates.offset;
    let first = Offset(last.0.saturating_sub(ENTRIES_MAX));
    (run.stage)("looking for slates that were shown".to_owned());
    run.shop.each_entry((first, last), |_| in_time(run), |_, entry| look(run, &entry, &mut all))?;
    let enough = |slates: &Slates| slates.counts().0 >= SEEN_MIN && slates.counts().1 >= CLICKED_MIN;
    let lessons = |slates: &Slates| enough(slates).then(|| slates.lessons(run.snapshot, run.training));
    Ok(all.iter().map(lessons).collect())
}

/// Gives slates an entry of the log, where it is of a person who allows to learn from it.
fn look(run: &Run<'_>, entry: &bespoke_domain::Entry, all: &mut [Slates]) {
    let Some(shopper) = entry.shopper.map(|shopper| run.shop.live.root(shopper)) else { return };
    let unknown = run.snapshot.aggregates.unknown_consent();
    let allows = |time: Millis| {
        let profile = run.shop.live.profile(shopper);
        profile.is_some_and(|profile| {
            profile.consent(unknown).allows(Purpose::Personalization) && profile.remembers(time)
        })
    };
    match &entry.body {
        Body::Decision(decision)
            if decision.feature_set != 0 && !decision.request.is_bot() && allows(entry.received) =>
        {
            all.iter_mut().for_each(|slates| slates.decided(shopper, decision));
        }
        Body::Event(event)
            if event.decision.is_some()
                && !event.is_bot()
                && event.consent.allows(Purpose::Personalization)
                && allows(event.time) =>
        {
            let number = |item: &bespoke_domain::EventItem| run.snapshot.product(&item.item_id);
            let products: Vec<_> = event.items.iter().filter_map(number).collect();
            all.iter_mut().for_each(|slates| slates.happened(shopper, event, &products));
        }
        _ => {}
    }
}

/// Learns one ranker before the split, judges it after, and publishes one that has learnt from all where it is worth it.
fn one(
    run: &Run<'_>,
    placement: &Placement,
    (lessons, split_s): (&Lessons, u32),
    from: &str,
    publish: bool,
) -> anyhow::Result<ModelRunBody> {
    let (started, name) = (Instant::now(), ranker_name(&placement.name));
    let objective = placement.objective.clone().unwrap_or_default();
    let mut body = ModelRunBody { learnt_from: from.to_owned(), ..ModelRunBody::of(&name) };
    let judged = judge(lessons, (split_s, margin_s(run)), &objective, usize::from(placement.slots))?;
    let judged_body = judged.as_ref().map(|judged| JudgedBody::of(&as_judged(judged)));
    body.calibration =
        judged.iter().flat_map(|one| &one.calibration).map(|(head, of)| ((*head).to_owned(), *of)).collect();
    body.judged.clone_from(&judged_body);
    let values = specification(run, placement, from);
    let champion = run.snapshot.aggregates.models.get(&name).and_then(|id| learn::about(run.shop, *id).ok());
    let champion = champion.filter(|champion| champion.values == values);
    let refused = match &judged {
        None => Some(too_little(lessons)),
        Some(judged) => refusal(judged, champion.as_ref(), from),
    };
    body.seconds = started.elapsed().as_secs_f64();
    body.outcome = if publish { "not published" } else { "judged" }.to_owned();
    body.why = refused.clone().unwrap_or_default();
    if publish
        && refused.is_none()
        && let Some(ranker) = Ranker::fit(&lessons.rows, RUN)?
    {
        let model = Learned::Ranker(Box::new(ranker));
        body.bytes = model.size_bytes();
        let about = About {
            name,
            shop: learn::shop_name(run.shop),
            code: env!("CARGO_PKG_VERSION").to_owned(),
            cut_off: run.snapshot.aggregates.offset.0,
            trained_at_ms: clock::now().0,
            shoppers: lessons.len(),
            products: lessons.rows.features.len(),
            pairs: lessons.rows.len(),
            data: hash(lessons),
            bytes: body.bytes,
            values,
            seconds: body.seconds,
            backtest: judged_body.unwrap_or_default(),
        };
        body.artifact = learn::publish(run.shop, &about, model)?.to_string();
        "published".clone_into(&mut body.outcome);
        body.seconds = started.elapsed().as_secs_f64();
    }
    Ok(body)
}

/// What makes one ranker comparable with another: the objective, and what it is learnt and judged by.
fn specification(run: &Run<'_>, placement: &Placement, from: &str) -> BTreeMap<String, f64> {
    let objective = placement.objective.clone().unwrap_or_default();
    let feature_set = run.snapshot.plan.get(&placement.name).map_or(0, |planned| planned.feature_set);
    let Objective { click, cart, buy, returned, margin, stock, rows, .. } = objective;
    let weights = [("click", click), ("cart", cart), ("buy", buy), ("return", returned)];
    let weights = weights.into_iter().chain([("margin", margin), ("stock", stock)]);
    let counts = [
        ("rows", f64::from(rows)),
        ("slots", f64::from(placement.slots)),
        ("feature_set", f64::from(feature_set)),
        ("from_slates", f64::from(u8::from(from == SLATES))),
    ];
    let weights = weights.map(|(name, weight)| (name.to_owned(), f64::from(weight)));
    weights.chain(counts.map(|(name, count)| (name.to_owned(), count))).collect()
}

fn judge(
    lessons: &Lessons,
    (split_s, margin_s): (u32, u32),
    objective: &Objective,
    slots: usize,
) -> anyhow::Result<Option<RankerJudged>> {
    let (before, _) = lessons.split(split_s.saturating_sub(margin_s));
    let (_, after) = lessons.split(split_s);
    let ranker = Ranker::fit(&before.rows, RUN)?;
    Ok(ranker.map(|ranker| after.judge(&ranker, objective, slots)))
}

fn as_judged(judged: &RankerJudged) -> Judged {
    Judged { cases: judged.cases, ndcg: judged.ndcg, ahead: judged.ahead, ..Judged::default() }
}

/// Why there is nothing to judge.
fn too_little(lessons: &Lessons) -> String {
    let counts: Vec<String> =
        HEADS.iter().zip(lessons.happened()).map(|(head, count)| format!("{head} {count}")).collect();
    format!("too little happened on {} occasions to learn from: {}", lessons.len(), counts.join(", "))
}

/// Why a ranker does not come into force: too few cases, no better than the order set by hand, or worse than the champion was.
fn refusal(judged: &RankerJudged, champion: Option<&About>, from: &str) -> Option<String> {
    if judged.cases < CASES_MIN {
        return Some(format!("{} cases are too few to tell; it takes {CASES_MIN}", judged.cases));
    }
    if champion.is_some() && from == SLATES {
        // These stood in the order of the champion.
        let is_worse = judged.ahead.high < 0.0;
        return is_worse.then(|| "its order is worse beyond doubt than the one in force".to_owned());
    }
    if judged.ahead.low <= 0.0 {
        return Some("its order is not better beyond doubt than the one set by hand".to_owned());
    }
    let champion = champion.filter(|champion| judged.ndcg.high < champion.backtest.ndcg_low)?;
    let (now, then) = (judged.ndcg.high, champion.backtest.ndcg_low);
    Some(format!("its NDCG is at most {now:.4}, that of the one in force was at least {then:.4}"))
}

fn hash(lessons: &Lessons) -> String {
    let mut hasher = blake3::Hasher::new();
    let rows = &lessons.rows;
    rows.groups.iter().for_each(|size| _ = hasher.update(&size.to_le_bytes()));
    let numbers = rows.values.iter().chain(rows.labels.iter().flatten()).chain(&rows.weights);
    numbers.for_each(|number| _ = hasher.update(&number.to_le_bytes()));
    hasher.finalize().to_hex()[..16].to_owned()
}
