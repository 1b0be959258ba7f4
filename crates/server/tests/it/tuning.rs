//! The search for better parameters: chosen on one part of the log, reported on a later one, in force only where that is better
//! beyond doubt; what a run may take; what a placement file sets is what is fitted.

use crate::learning::{LEARNT, beside, fill, history, run_of};
use crate::{Bench, PLACEMENTS};
use axum::http::StatusCode;
use bespoke::boot::Shop;
use bespoke::learn::{self, Learner, Wanted};
use bespoke::limits::Limits;
use bespoke::tune::Tuning;
use bespoke::{import, placements};
use bespoke_models::learned::LEARNED;
use serde_json::{Value, json};
use std::time::Duration;

/// One sweep with next to no regularization: far from the best.
const BAD: &str = "\n[models.als]\nfactors = 32\nsweeps = 1\nregularization = 0.003\nunobserved = 1\n";

fn tuning(models: &[&str], apply: bool) -> Tuning {
    let models = models.iter().map(|name| (*name).to_owned()).collect();
    Tuning { models, time: Duration::from_secs(600), apply }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_chosen_on_one_part_and_reported_on_a_later_one() {
    let bench = Bench::new();
    beside(|| fill(&bench.shop));
    let body = run_of(&bench, "tune", json!({"models": ["slim"], "minutes": 5})).await;
    let run = &body["run"];
    assert_eq!((&run["kind"], &run["state"], &run["percent"]), (&json!("tune"), &json!("done"), &json!(100)));
    let tuned = &run["tuned"][0];
    let tried = tuned["tried"].as_array().cloned().unwrap_or_default();
    assert!(tried.len() > 8, "{tuned}");
    assert_eq!(tried[0]["values"], tuned["in_force"], "the values in force are the first");
    let ndcg = |one: &Value| one["ndcg"].as_f64().expect("a number");
    let chosen = tried.iter().find(|one| one["values"] == tuned["chosen"]).expect("it was tried");
    assert!(tried.iter().all(|one| ndcg(one) <= ndcg(chosen)), "the best was chosen: {tuned}");
    assert!(tuned["why"].as_str().is_some_and(|why| !why.is_empty()), "{tuned}");
    assert_eq!(body["artifacts"], json!([]), "a search alone puts nothing into force");
    for (ask, field) in [
        (json!({"models": ["magic"]}), "models.0"),
        (json!({"minutes": 0}), "minutes"),
        (json!({"minutes": 1441}), "minutes"),
        (json!({"apply": "perhaps"}), "apply"),
        (json!({"aply": true}), "aply"),
    ] {
        let (status, body) = bench.post("/v1/models/tune", &ask).await;
        assert_eq!(
            (status, &body["errors"][0]["pointer"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{ask}"
        );
    }
    let refused = bench.ask("POST", "/v1/models/tune", &bench.publishable, String::new()).await;
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
}

#[test]
fn what_is_better_beyond_doubt_comes_into_force_with_its_model_and_nothing_else_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let shop = Shop::open(&directory.path().join("shop")).expect("it opens");
    fill(&shop);
    placements::apply(&shop, &format!("{PLACEMENTS}{LEARNT}{BAD}"), "test").expect("good placements");
    import::events_from(&shop, history(400, 120).as_bytes(), &mut |_| {}).expect("good events");
    // Vectors of hundreds of numbers are refused, so that the search is short.
    let learner = Learner::new(Limits { bytes: 600 << 10, ..Limits::default() });
    let round = || {
        let before = shop.live.snapshot().aggregates.settings_offset;
        learner.tune(&shop, &tuning(&["als"], true));
        let run = learner.run().expect("it ran");
        let is_set = shop.live.snapshot().aggregates.settings_offset > before;
        let tuned = run.tuned[0].clone();
        assert_eq!(run.state, "done", "{run:?}");
        assert_eq!(
            (tuned.outcome == "applied", is_set),
            (tuned.gain_low > 0.0, tuned.gain_low > 0.0),
            "{tuned:?}"
        );
        assert_eq!(run.models.len(), usize::from(is_set), "what is set is learnt: {run:?}");
        (tuned, run)
    };
    let (tuned, run) = round();
    assert_eq!(tuned.outcome, "applied", "{tuned:?}");
    assert!(tuned.tried.iter().any(|one| one.why.contains("--train-memory")), "{tuned:?}");
    assert!(tuned.after.ndcg > tuned.before.ndcg, "{tuned:?}");
    assert_eq!(run.models[0].outcome, "published", "{:?}", run.models);
    let snapshot = shop.live.snapshot();
    let settings = snapshot.aggregates.settings.as_deref().expect("there are some");
    let chosen: Vec<(String, f64)> = tuned.chosen.clone().into_iter().collect();
    assert_eq!(settings.model("als"), chosen);
    let about = learn::about(&shop, snapshot.aggregates.models["als"]).expect("it is there");
    assert_eq!(about.values, tuned.chosen, "what was fitted is what was chosen");
    let parsed =
        placements::parse(&format!("{PLACEMENTS}{LEARNT}\n{}", tuned.toml)).expect("the snippet is good");
    let spec = LEARNED.iter().find(|spec| spec.name == "als").expect("it is there");
    assert_eq!(spec.values(parsed.model("als")), spec.values(&chosen));
    // From what is in force now on, until what is left to gain is no more than chance: then nothing changes.
    let last = (0..8).map(|_| round().0.outcome).find(|outcome| outcome != "applied");
    assert!(["unchanged", "not better"].contains(&last.as_deref().unwrap_or_default()), "{last:?}");
    shop.close();
}

#[test]
fn what_does_not_fit_a_run_is_skipped_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let shop = Shop::open(&directory.path().join("shop")).expect("it opens");
    fill(&shop);
    let wanted = Wanted { publish: true, ..Wanted::default() };
    let outcomes = |limits: Limits| {
        let learner = Learner::new(limits);
        learner.learn(&shop, &wanted);
        let run = learner.run().expect("it ran");
        run.models.into_iter().map(|one| (one.name, one.outcome, one.why)).collect::<Vec<_>>()
    };
    let skipped = |limits: Limits, said: &str| {
        let outcomes = outcomes(limits);
        assert_eq!(outcomes.len(), 2, "{outcomes:?}");
        assert!(outcomes.iter().all(|one| one.1 == "skipped" && one.2.contains(said)), "{outcomes:?}");
    };
    skipped(Limits { bytes: 1 << 10, ..Limits::default() }, "--train-memory");
    skipped(Limits { time: Duration::ZERO, ..Limits::default() }, "--train-minutes");
    // The vectors of shoppers and products are what does not fit: neighbours of twenty products take less.
    placements::apply(&shop, &format!("{PLACEMENTS}{LEARNT}\n[models.als]\nfactors = 512\n"), "test")
        .expect("good placements");
    let outcomes = outcomes(Limits { bytes: 256 << 10, ..Limits::default() });
    let named: Vec<(&str, &str)> = outcomes.iter().map(|one| (one.0.as_str(), one.1.as_str())).collect();
    assert_eq!(named, [("slim", "published"), ("als", "skipped")], "{outcomes:?}");
    let learner = Learner::new(Limits { bytes: 1 << 10, ..Limits::default() });
    learner.tune(&shop, &tuning(&["slim"], true));
    let run = learner.run().expect("it ran");
    assert_eq!(run.tuned[0].outcome, "skipped", "{:?}", run.tuned[0]);
    shop.close();
}

#[test]
fn too_little_to_choose_by_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let shop = Shop::open(&directory.path().join("shop")).expect("it opens");
    placements::apply(&shop, &format!("{PLACEMENTS}{LEARNT}"), "test").expect("good placements");
    import::events_from(&shop, history(10, 0).as_bytes(), &mut |_| {}).expect("good events");
    let learner = Learner::default();
    learner.tune(&shop, &tuning(&[], false));
    let run = learner.run().expect("it ran");
    assert!(run.state == "failed" && run.stage.contains("too few to tell"), "{run:?}");
    shop.close();
}
