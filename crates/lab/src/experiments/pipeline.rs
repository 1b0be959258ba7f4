//! A/A tests through everything that an experiment goes through: a server that runs assigns over HTTP, is told what shoppers do over HTTP, and
//! its log says what became of whom. A test in which nothing differs is run on the same shoppers as often as is asked, each time with
//! another salt: their p-values must be uniform. The shop is simulated (`bespoke_sim`).

#![allow(clippy::disallowed_methods, reason = "it waits for a server")]

use super::planted::{self, Lift};
use super::{Check, Wanted};
use crate::bench::load::Connection;
use crate::bench::process::{Server, import, now_ms, write_lines, write_text};
use crate::error::Error;
use bespoke::boot::Shop;
use bespoke_domain::experiment::{Analysis, Experiment};
use bespoke_domain::{Millis, Offset};
use bespoke_engine::experiment::baseline::Baseline;
use bespoke_engine::experiment::ledger::Run;
use bespoke_engine::experiment::place;
use bespoke_engine::experiment::result::{LEAST_UNITS, report};
use bespoke_models::seeded::Seeded;
use bespoke_models::statistics::uniformity::from_uniform;
use bespoke_sim::{Params, Stream, json as sim_json};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::PathBuf;

/// Where it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineOptions {
    /// The release binary `bespoke`.
    pub server: PathBuf,
    /// An empty or new directory.
    pub scratch: PathBuf,
}

/// Shoppers of the simulated shop, and their events.
const SHOPPERS: u32 = 12_000;
const EVENTS: u64 = 200_000;
/// Events of one request, and tests on the same shoppers.
const BATCH: usize = 200;
const TESTS: usize = 1_000;
/// Looks at each of them.
const LOOKS: u64 = 40;
/// The experiment.
const NAME: &str = "aa";

const SETTINGS: &str = r#"
[shop]
currency = "EUR"
time_zone = "UTC"
unknown_consent = "granted"

[holdout]
share = 5

[[placement]]
name = "home"
headline = "For you"
fallback_headline = "Popular"
slots = 8
sources = [{ source = "favourites", weight = 1.0, limit = 100 }, { source = "popular", weight = 0.5, limit = 100 }]

[[experiment]]
name = "aa"
placements = ["home"]
arms = [{ name = "one", share = 50 }, { name = "other", share = 50 }]
metric = "conversion"
"#;

/// Runs it.
///
/// # Errors
/// A server that does not do what it is asked.
pub fn checks(options: &PipelineOptions, seed: u64) -> Result<Vec<Check>, Error> {
    let scratch = &options.scratch;
    std::fs::create_dir_all(scratch).map_err(|source| Error::File { path: scratch.clone(), source })?;
    let params = Params {
        seed,
        products: 2_000,
        shoppers: SHOPPERS,
        events: EVENTS,
        start: Millis(now_ms() - 400 * bespoke_domain::time::DAY_MS),
        days: 365,
        ..Params::default()
    };
    let shop = bespoke_sim::Shop::new(params);
    write_text(&scratch.join("placements.toml"), SETTINGS)?;
    let rows = (0..params.products).map(|no| sim_json::row(&shop.patch(no)));
    write_lines(&scratch.join("catalog.jsonl"), rows)?;
    import(&options.server, scratch, "catalog", &scratch.join("catalog.jsonl"))?;
    let mut server = Server::start(&options.server, scratch, &[], &[])?;
    let exposed = play(&server, &shop)?;
    let ask = json!({});
    let told = server.ask(
        &mut Connection::open(server.address)?,
        "GET",
        &format!("/v1/experiments/{NAME}"),
        &ask,
    )?;
    server.signal("-TERM")?;
    drop(server);
    let opened = Shop::open(&scratch.join("shop")).map_err(|error| Error::Bench(error.to_string()))?;
    let snapshot = opened.live.snapshot();
    let run = snapshot.aggregates.ledger.latest(NAME);
    let run = run.ok_or_else(|| Error::Bench("the log knows of no experiment".to_owned()))?;
    let mut checks = same_as_asked(&told, run, &exposed);
    for metric in ["conversion", "revenue", "order_value"] {
        checks.extend(uniform(run, metric));
    }
    checks.extend(independent(run));
    checks.extend(peeked(&opened)?);
    opened.close();
    Ok(checks)
}

/// Settings of the planted lifts: one placement where treated shoppers buy more and spend more, one where more comes back.
const PLANTED: &str = r#"
[shop]
currency = "EUR"
time_zone = "UTC"
unknown_consent = "granted"

[holdout]
share = 0

[[placement]]
name = "home"
headline = "For you"
slots = 8
sources = [{ source = "popular", weight = 1.0, limit = 100 }]

[[placement]]
name = "cart"
headline = "Goes with it"
slots = 4
sources = [{ source = "popular", weight = 1.0, limit = 100 }]

[[experiment]]
name = "lift"
placements = ["home"]
arms = [{ name = "control", share = 50 }, { name = "new", share = 50 }]
metric = "conversion"

[[experiment]]
name = "harm"
placements = ["cart"]
layer = "cart"
arms = [{ name = "control", share = 50 }, { name = "new", share = 50 }]
metric = "conversion"
guardrails = [{ metric = "return_rate", margin = 0.05 }]
rollback = true
"#;

/// Shoppers with planted lifts through a server: they ask, are told their arms, and do what is planted for these, over HTTP. The answers are those of the API.
///
/// # Errors
/// A server that does not do what it is asked.
pub fn planted(options: &PipelineOptions, seed: u64) -> Result<Vec<Check>, Error> {
    let scratch = &options.scratch.join("planted");
    std::fs::create_dir_all(scratch).map_err(|source| Error::File { path: scratch.clone(), source })?;
    let units = planted::planned()?;
    let file = PLANTED.replace(
        "metric = \"conversion\"\n",
        &format!("metric = \"conversion\"\nplanned_units = {}\n", units[0]),
    );
    write_text(&scratch.join("placements.toml"), &file)?;
    let rows =
        ["a", "b", "c"].map(|id| json!({"id": id, "title": id, "price": "40", "availability": "in_stock"}));
    write_lines(&scratch.join("catalog.jsonl"), rows.into_iter())?;
    import(&options.server, scratch, "catalog", &scratch.join("catalog.jsonl"))?;
    let mut server = Server::start(&options.server, scratch, &[], &[])?;
    let mut seeded = super::simulated::seeded(seed, 0x4771);
    let mut connection = Connection::open(server.address)?;
    let mut ask =
        |name: &str| server.ask(&mut connection, "GET", &format!("/v1/experiments/{name}"), &json!({}));
    // By then the harm is to be found; the server looks once a minute, which here is as long as many days.
    live(&server, &mut seeded, 0..units[2])?;
    let mut harm = ask("harm")?;
    for _ in 0..60 {
        if harm["is_on"] == false {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(3));
        harm = ask("harm")?;
    }
    live(&server, &mut seeded, units[2]..units[0].max(units[1]))?;
    let lift = ask("lift")?;
    server.signal("-TERM")?;
    drop(server);
    Ok(found(&lift, &harm, units))
}

/// What the API says of the two experiments.
fn found(lift: &Value, harm: &Value, units: [u64; 3]) -> Vec<Check> {
    let metric = |name: &str| {
        let all = lift["results"][0]["metrics"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|one| one["metric"] == name).unwrap_or_default()
    };
    let holds = |name: &str, truth: f64| {
        let difference = metric(name)["difference"].clone();
        let [low, high] = ["low", "high"].map(|end| difference[end].as_f64().unwrap_or(f64::NAN));
        f64::from(u8::from((low..=high).contains(&truth)))
    };
    let yes = |is: bool| f64::from(u8::from(is));
    let why = harm["stopped_for"].as_str().unwrap_or_default();
    let exposed: u64 =
        harm["arms"].as_array().into_iter().flatten().filter_map(|arm| arm["units"].as_u64()).sum();
    let truth = planted::LIFT.truth();
    let line = |what: &str, found, wanted| Check::new(format!("through HTTP: {what}"), found, wanted);
    vec![
        line(
            "the interval of conversion holds + 1 point",
            holds("conversion", truth[0]),
            Wanted::AtLeast(1.0),
        ),
        line(
            "the interval of order value holds + 3 %",
            holds("order_value", truth[1] / 100.0),
            Wanted::AtLeast(1.0),
        ),
        line("conversion is a win", yes(lift["results"][0]["verdict"] == "win"), Wanted::AtLeast(1.0)),
        line(
            "2 points more returns stop their experiment",
            yes(why.contains("Harm: return_rate")),
            Wanted::AtLeast(1.0),
        ),
        line("units until then", exposed as f64, Wanted::AtMost(units[2] as f64)),
    ]
}

/// So many shoppers, those of a batch side by side: each asks for both placements, then does what its arms make it do.
fn live(server: &Server, seeded: &mut Seeded, shoppers: std::ops::Range<u64>) -> Result<(), Error> {
    let mut connection = Connection::open(server.address)?;
    let (mut batch, mut later) = (Vec::new(), Vec::new());
    for no in shoppers {
        let shopper = format!("planted-{no}");
        let ask =
            json!({"anonymous_id": shopper, "placements": [{"placement": "home"}, {"placement": "cart"}]});
        let told = server.ask(&mut connection, "POST", "/v1/recommend:batch", &ask)?;
        let is_treated = |at: usize, name: &str| {
            let arms = told["results"][at]["arms"].as_array().cloned().unwrap_or_default();
            arms.iter().any(|one| one["experiment"] == name && one["arm"] == "new")
        };
        let bought = Lift { returned: 0.0, ..planted::LIFT }.act(seeded, is_treated(0, "lift"));
        let back = planted::returns(seeded, is_treated(1, "harm"));
        let order = |event: &str| {
            json!({
                "event": event, "anonymous_id": shopper, "transaction_id": format!("t{no}"), "currency": "EUR",
                "items": [{"item_id": "a", "price": bought.minor as f64 / 100.0, "quantity": 1}],
            })
        };
        batch.push(json!({"event": "page_view", "anonymous_id": shopper}));
        if bought.minor > 0 {
            batch.push(order("purchase"));
            later.extend(back.then(|| order("refund")));
        }
        if batch.len() >= BATCH {
            // What comes back comes after its order.
            send(server, &mut connection, &std::mem::take(&mut batch))?;
            if !later.is_empty() {
                send(server, &mut connection, &std::mem::take(&mut later))?;
            }
        }
    }
    batch.append(&mut later);
    send(server, &mut connection, &batch)?;
    std::thread::sleep(std::time::Duration::from_secs(1));
    Ok(())
}

/// Who was exposed, by the arm that the answer named.
type Exposed = [HashSet<String>; 2];

/// Asks for each shopper before the first event, and sends the events, without their times: they happen now.
fn play(server: &Server, shop: &bespoke_sim::Shop) -> Result<Exposed, Error> {
    let mut connection = Connection::open(server.address)?;
    let (mut seen, mut exposed) = (HashSet::new(), Exposed::default());
    let mut batch: Vec<Value> = Vec::new();
    for fact in Stream::new(shop) {
        let mut event = sim_json::event(shop, &fact);
        if let Some(fields) = event.as_object_mut() {
            fields.remove("event_time");
        }
        if let Some(shopper) = event["anonymous_id"].as_str()
            && seen.insert(shopper.to_owned())
        {
            let ask = json!({"placement": "home", "anonymous_id": shopper});
            let slate = server.ask(&mut connection, "POST", "/v1/recommend", &ask)?;
            let arms = slate["arms"].as_array().cloned().unwrap_or_default();
            if let Some(arm) = arms.iter().find(|one| one["experiment"] == NAME) {
                exposed[usize::from(arm["arm"] == "other")].insert(shopper.to_owned());
            }
        }
        batch.push(event);
        if batch.len() == BATCH {
            send(server, &mut connection, &std::mem::take(&mut batch))?;
        }
    }
    send(server, &mut connection, &batch)?;
    std::thread::sleep(std::time::Duration::from_secs(1));
    Ok(exposed)
}

fn send(server: &Server, connection: &mut Connection, batch: &[Value]) -> Result<(), Error> {
    server.ask(connection, "POST", "/v1/events", &json!(batch)).map(|_| ())
}

/// What the server tells is what its answers said.
fn same_as_asked(told: &Value, run: &Run, exposed: &Exposed) -> Vec<Check> {
    let arm = |no: usize, field: &str| told["arms"][no][field].as_f64().unwrap_or(f64::NAN);
    let asked = [exposed[0].len() as f64, exposed[1].len() as f64];
    let crossed = run.rows.iter().filter(|row| row.is_crossed).count() as f64;
    let joined = run.rows.iter().filter(|row| row.key == 0).count() as f64;
    vec![
        Check::new(
            "units in the arms are those that were told so, but for those found to be one",
            arm(0, "exposed") + arm(1, "exposed") + joined,
            Wanted::Near(asked[0] + asked[1], 0.0),
        ),
        Check::new("units in both arms, by a login", crossed, Wanted::AtMost(0.02 * (asked[0] + asked[1]))),
        Check::new(
            "the sample ratio gate is open (p)",
            told["mismatch_p"].as_f64().unwrap_or(0.0),
            Wanted::AtLeast(0.01),
        ),
    ]
}

/// P-values of tests in which nothing differs.
fn uniform(run: &Run, metric: &str) -> Vec<Check> {
    let experiment = Experiment {
        metric: metric.to_owned(),
        analysis: Analysis::FixedHorizon,
        planned_units: 1,
        effect: 0.05,
        ..Experiment::default()
    };
    let mut run = run.clone();
    let mut values = Vec::with_capacity(TESTS);
    for test in 0..TESTS {
        assign(&mut run, test);
        let told = report(&run, &experiment);
        values.extend(told.results.first().and_then(|result| result.metrics.first()).map(|one| one.p));
    }
    let below = values.iter().filter(|p| **p < 0.05).count() as f64 / values.len().max(1) as f64;
    let error = (0.05 * 0.95 / TESTS as f64).sqrt();
    let most = if metric == "order_value" { 0.06 } else { 0.05 } + 2.0 * error;
    vec![
        Check::new(
            format!("{metric}: {TESTS} A/A tests, Kolmogorov-Smirnov p"),
            from_uniform(&values).1,
            Wanted::AtLeast(0.01),
        ),
        Check::new(format!("{metric}: share of them below .05"), below, Wanted::AtMost(most)),
    ]
}

/// The same tests looked at again and again while the log grows, as the server would have said: how often a look of theirs finds something
/// where nothing is. Visits are the nearest to a Gaussian that a shop has.
fn peeked(opened: &Shop) -> Result<Vec<Check>, Error> {
    let metrics = ["visits", "conversion", "revenue", "order_value"];
    let snapshot = opened.live.snapshot();
    let settings = snapshot.aggregates.settings.as_deref();
    let found = settings.and_then(|held| Some((held, held.experiments.iter().find(|one| one.name == NAME)?)));
    let Some((settings, experiment)) = found else {
        return Err(Error::Bench("the log knows of no experiment".to_owned()));
    };
    let mut baseline =
        Baseline::new((&opened.live, &snapshot), settings, experiment.clone(), Millis::default());
    let (until, mut looks) = (snapshot.aggregates.offset, Vec::new());
    let part = until.0.div_ceil(LOOKS);
    opened
        .each_entry(
            (Offset::default(), until),
            |_| Ok(()),
            |offset, entry| {
                baseline.take(&entry);
                if offset.0 % part == 0 || offset == until {
                    looks.extend(baseline.run().cloned());
                }
            },
        )
        .map_err(|error| Error::Bench(error.to_string()))?;
    // By metric, and last the gate.
    let mut ever = vec![[false; 5]; TESTS];
    for run in &mut looks {
        for (test, ever) in ever.iter_mut().enumerate() {
            assign(run, test);
            let told = report(run, experiment);
            ever[metrics.len()] |= told.mismatch.is_found();
            let units: u64 = told.arms.iter().map(|arm| arm.units).sum();
            let compared = told.results.first().filter(|_| units as f64 >= LEAST_UNITS);
            for one in compared.into_iter().flat_map(|result| &result.metrics) {
                if let Some(at) = metrics.iter().position(|name| *name == one.metric) {
                    ever[at] |= !one.absolute.1.holds(0.0);
                }
            }
        }
    }
    let share = |at: usize| ever.iter().filter(|one| one[at]).count() as f64 / TESTS as f64;
    let most = |rate: f64| Wanted::AtMost(rate + 2.0 * (rate * (1.0 - rate) / TESTS as f64).sqrt());
    let looks = looks.len();
    let mut checks: Vec<Check> = (0..)
        .zip(metrics)
        .map(|(at, name)| {
            let rate = if name == "order_value" { 0.06 } else { 0.05 };
            Check::new(
                format!("{name}: share of them in which one of {looks} looks finds something"),
                share(at),
                most(rate),
            )
        })
        .collect();
    let gate = format!("share of them whose sample ratio gate one of {looks} looks finds closed");
    checks.push(Check::new(gate, share(metrics.len()), Wanted::AtMost(0.01)));
    Ok(checks)
}

fn assign(run: &mut Run, test: usize) {
    let salt = format!("aa-{test}");
    for at in 0..run.rows.len() {
        if let Some(row) = run.rows.get_mut(at) {
            row.arm = u8::from(place("arm", &salt, row.key) >= 5_000);
        }
    }
}

/// Arms of two experiments on the same shoppers know nothing of each other.
fn independent(run: &Run) -> Vec<Check> {
    let keys: Vec<u64> = run.rows.iter().map(|row| row.key).filter(|key| *key != 0).collect();
    let places =
        |name: &str| keys.iter().map(|key| f64::from(place("arm", name, *key))).collect::<Vec<f64>>();
    let (a, b) = (places("aa-1"), places("aa-2"));
    let n = keys.len().max(1) as f64;
    let mean = |all: &[f64]| all.iter().sum::<f64>() / n;
    let (x, y) = (mean(&a), mean(&b));
    let joint: f64 = a.iter().zip(&b).map(|(p, q)| (p - x) * (q - y)).sum();
    let spread = |all: &[f64], mean: f64| all.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
    let correlation = joint / (spread(&a, x) * spread(&b, y)).sqrt();
    // At so many keys chance alone gives 2 / √n once in twenty times.
    vec![Check::new(
        "correlation of two experiments' places",
        correlation.abs(),
        Wanted::AtMost(0.01_f64.max(2.6 / n.sqrt())),
    )]
}
