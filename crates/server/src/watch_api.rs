//! Watches over HTTP: everything that is looked at every day, how it stands, and what to do.

use crate::clock;
use crate::http::App;
use crate::kpis_api::date;
use crate::wire::error::ApiError;
use crate::wire::watch::{ChangeBody, LookBody, WatchBody, WatchedBody, WatchesBody};
use bespoke_engine::Snapshot;
use bespoke_engine::watch::judge::Look;
use bespoke_engine::watch::table::{WATCHES, WatchSpec};
use bespoke_engine::watch::{Change, State, Turn};

/// Everything.
pub fn list(app: &App) -> WatchesBody {
    let snapshot = app.shop.live.snapshot();
    let watch = &snapshot.aggregates.watch;
    WatchesBody {
        day: watch.days().next_back().map(|(day, _)| date(day).to_string()),
        watches: WATCHES.iter().map(|spec| watch_body(&snapshot, spec, false)).collect(),
        changes: watch.changes().iter().rev().map(change_body).collect(),
        webhook: app.alarms.body(&snapshot, clock::now()),
    }
}

/// One watch, with its days.
///
/// # Errors
/// Where there is no such watch.
pub fn get(app: &App, name: &str) -> Result<WatchBody, ApiError> {
    let Some(spec) = WatchSpec::named(name) else {
        let names: Vec<&str> = WATCHES.iter().map(|spec| spec.name).collect();
        return Err(ApiError::new("not_found", format!("{name:?} is none of {}", names.join(", "))));
    };
    Ok(watch_body(&app.shop.live.snapshot(), spec, true))
}

fn watch_body(snapshot: &Snapshot, spec: &WatchSpec, with_days: bool) -> WatchBody {
    let states = snapshot.aggregates.watch.states().iter();
    let own = states.filter(|(key, _)| key.watch == spec.watch);
    let mut of: Vec<WatchedBody> = own.map(|(key, state)| watched(spec, &key.of, state, with_days)).collect();
    of.sort_by_key(|one| one.state != "raised");
    let settings = snapshot.aggregates.settings.as_deref();
    let is_off = settings.is_some_and(|settings| settings.watch.off.iter().any(|name| *name == spec.name));
    let has = |state: &str| of.iter().any(|one| one.state == state);
    let state = match (is_off, has("raised"), has("ok")) {
        (true, ..) => "off",
        (_, true, _) => "raised",
        (_, _, true) => "ok",
        _ => "learning",
    };
    WatchBody {
        name: spec.name.to_owned(),
        doc: spec.doc.to_owned(),
        fix: spec.fix.to_owned(),
        doubt: spec.doubt.to_owned(),
        state: state.to_owned(),
        of,
    }
}

fn watched(spec: &WatchSpec, of: &str, state: &State, with_days: bool) -> WatchedBody {
    let look = state.look();
    let name = match (state.is_raised(), look) {
        (true, _) => "raised",
        (_, Some(_)) => "ok",
        _ => "learning",
    };
    WatchedBody {
        of: of.to_owned(),
        state: name.to_owned(),
        since: state.since.map(|day| date(day).to_string()),
        text: look.map(|look| spec.sentence(of, look)).unwrap_or_default(),
        look: look.map(look_body),
        days: state.looks.iter().filter(|_| with_days).map(look_body).collect(),
    }
}

fn look_body(look: &Look) -> LookBody {
    let Look { day, cases, value, usual, low, high } = *look;
    LookBody { day: date(day).to_string(), cases, value, usual, low, high }
}

/// What became of an alarm, in a word.
pub fn name(turn: Turn) -> &'static str {
    match turn {
        Turn::Raised => "raised",
        Turn::Cleared => "cleared",
        Turn::Settled => "settled",
    }
}

/// An alarm that was raised or cleared.
pub fn change_body(change: &Change) -> ChangeBody {
    let spec = change.key.watch.spec();
    ChangeBody {
        number: change.number,
        at_ms: change.time.0,
        watch: spec.name.to_owned(),
        of: change.key.of.to_string(),
        state: name(change.turn).to_owned(),
        text: spec.sentence(&change.key.of, &change.look),
        fix: spec.fix.to_owned(),
        look: look_body(&change.look),
        delivered: change.is_delivered,
    }
}
