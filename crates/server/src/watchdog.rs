//! Looks once a minute at what comes in, and says once when something of it has collapsed: in the log, in `/metrics`, and in
//! what the doctor says.

use crate::boot::Shop;
use crate::clock;
use bespoke_engine::pulse::Alarm;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);

/// Something that came in and hardly comes any more.
#[derive(Serialize, ToSchema, Clone, Debug, PartialEq)]
pub struct AlarmBody {
    /// `events`, `decisions`, `kind`, `token`, `placement` or `feed`.
    pub code: String,
    /// Which kind of event or which placement; empty where there is only one.
    pub of: String,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub fix: String,
}

/// What is known of alarms.
#[derive(Default)]
pub struct Watchdog {
    raised: Mutex<Vec<AlarmBody>>,
}

impl Watchdog {
    /// The alarms of the last look.
    pub fn raised(&self) -> Vec<AlarmBody> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks now; tells of each alarm once, and when it is over.
    pub fn look(&self, shop: &Shop) {
        let alarms = shop.live.snapshot().aggregates.pulse.alarms(clock::now());
        let found: Vec<AlarmBody> = alarms.iter().map(body).collect();
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |a: &AlarmBody, b: &AlarmBody| (&a.code, &a.of) == (&b.code, &b.of);
        for one in found.iter().filter(|one| !raised.iter().any(|held| is_same(one, held))) {
            tracing::warn!(code = one.code, of = one.of, "{}; {}", one.text, one.fix);
        }
        for one in raised.iter().filter(|one| !found.iter().any(|now| is_same(one, now))) {
            tracing::info!(code = one.code, of = one.of, "comes in again as usual");
        }
        *raised = found;
    }

    /// Looks again and again, as long as the server runs.
    pub async fn watch(self: Arc<Self>, shop: Arc<Shop>) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.look(&shop);
        }
    }
}

/// The alarm in words.
pub fn body(alarm: &Alarm) -> AlarmBody {
    let Alarm { code, of, count, usual, hours } = alarm;
    let (what, fix) = match *code {
        "events" => {
            ("events".to_owned(), "see whether the shop's pages still load the tag, and send the right key")
        }
        "decisions" => {
            ("asked decisions".to_owned(), "see whether the shop's pages still ask for placements")
        }
        "kind" => (format!("`{of}` events"), "see whether the last release of the shop still sends them"),
        "token" => (
            format!("`{of}` events that name their decision"),
            "see whether the last release of the shop still sends `rec_token`",
        ),
        "placement" => (format!("decisions of `{of}`"), "see whether the page still asks for it"),
        _ => ("rows of the feed".to_owned(), "see whether the export of the catalogue still runs"),
    };
    let text = format!("{count:.0} {what} in {hours} h, where {usual:.0} are usual");
    AlarmBody { code: (*code).to_owned(), of: of.clone(), text, fix: fix.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_says_what_and_what_to_do() {
        let alarm = Alarm { code: "kind", of: "add_to_cart".to_owned(), count: 2.0, usual: 60.4, hours: 6 };
        let body = body(&alarm);
        assert_eq!(body.text, "2 `add_to_cart` events in 6 h, where 60 are usual");
        assert!(body.fix.contains("release"));
    }
}
