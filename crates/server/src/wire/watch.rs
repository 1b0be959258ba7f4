//! What a placement file says of watches, `[watch]`; and what the API tells of them.

use super::settings::Reader;
use bespoke_domain::Problem;
use bespoke_domain::settings::{SENSITIVITIES, WatchSettings};
use bespoke_engine::watch::table::{WATCHES, WatchSpec};
use serde::{Deserialize, Serialize};
use toml::Spanned;
use utoipa::ToSchema;

/// Longest address of a webhook.
const ADDRESS_MAX: usize = 2_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WatchToml {
    off: Vec<String>,
    sensitivity: String,
    webhook: String,
}

impl Default for WatchToml {
    fn default() -> Self {
        Self { off: Vec::new(), sensitivity: "normal".to_owned(), webhook: String::new() }
    }
}

impl Reader<'_> {
    pub(super) fn watch(&mut self, file: Option<Spanned<WatchToml>>) -> WatchSettings {
        let Some(file) = file else { return WatchSettings::default() };
        let at = file.span().start;
        let WatchToml { off, sensitivity, webhook } = file.into_inner();
        for name in off.iter().filter(|name| WatchSpec::named(name).is_none()) {
            let known: Vec<&str> = WATCHES.iter().map(|spec| spec.name).collect();
            let detail = format!("{name:?} is none of {}", known.join(", "));
            self.fault(at, Problem::new("watch.off", "unknown_name", detail));
        }
        let known = SENSITIVITIES.iter().find(|(_, name)| *name == sensitivity);
        if known.is_none() {
            let names = SENSITIVITIES.map(|(_, name)| name).join(", ");
            let detail = format!("{sensitivity:?} is none of {names}");
            self.fault(at, Problem::new("watch.sensitivity", "unknown_name", detail));
        }
        if !webhook.is_empty() && !is_address(&webhook) {
            let detail = "must be an address such as \"https://ops.example/hooks/bespoke\"";
            self.fault(at, Problem::new("watch.webhook", "invalid_value", detail));
        }
        let sensitivity = known.map(|(sensitivity, _)| *sensitivity).unwrap_or_default();
        WatchSettings { off, sensitivity, webhook }
    }
}

fn is_address(text: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let is_host = |host: &str| host.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty());
    text.len() <= ADDRESS_MAX
        && host.is_some_and(is_host)
        && ureq::http::Uri::try_from(text).is_ok_and(|address| address.host().is_some())
}

/// Everything that is watched.
#[derive(Serialize, ToSchema, Debug)]
pub struct WatchesBody {
    /// The newest day that was looked at.
    pub day: Option<String>,
    /// Every watch, in the order of the guide.
    pub watches: Vec<WatchBody>,
    /// Alarms raised and cleared lately, newest first.
    pub changes: Vec<ChangeBody>,
    /// Where alarms are sent.
    pub webhook: WebhookBody,
}

/// One watch.
#[derive(Serialize, ToSchema, Debug)]
pub struct WatchBody {
    /// Its name.
    pub name: String,
    /// What is measured.
    pub doc: String,
    /// What to do when it is raised.
    pub fix: String,
    /// When not to trust it.
    pub doubt: String,
    /// `raised`, `ok`, `learning` (too few days or cases so far) or `off`.
    pub state: String,
    /// Everything that it is measured of: what is raised first, then by name.
    pub of: Vec<WatchedBody>,
}

/// One thing that is watched.
#[derive(Serialize, ToSchema, Debug)]
pub struct WatchedBody {
    /// What: a placement, a field, a brand, …; empty where there is only one.
    pub of: String,
    /// `raised`, `ok` or `learning`.
    pub state: String,
    /// The day whose look raised or cleared it.
    pub since: Option<String>,
    /// The newest look in a sentence.
    pub text: String,
    /// The newest look.
    pub look: Option<LookBody>,
    /// The looks of the last 28 days, oldest first, where one watch is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<LookBody>,
}

/// A day beside what is usual.
#[derive(Serialize, ToSchema, Debug)]
pub struct LookBody {
    /// The day.
    pub day: String,
    /// Cases of the day.
    pub cases: u64,
    /// The measure.
    pub value: f64,
    /// What it is on days of the reference.
    pub usual: f64,
    /// Below which it is bad; `null` where less is no harm.
    pub low: Option<f64>,
    /// Above which it is bad; `null` where more is no harm.
    pub high: Option<f64>,
}

/// An alarm that was raised or cleared.
#[derive(Serialize, ToSchema, Debug)]
pub struct ChangeBody {
    /// Its number.
    pub number: u64,
    /// When it was, by the log; milliseconds of the epoch.
    pub at_ms: i64,
    /// The watch.
    pub watch: String,
    /// Of what.
    pub of: String,
    /// `raised`, `cleared`, or `settled`: it stayed for four weeks and is what is usual now, or the watch was switched off.
    pub state: String,
    /// In a sentence.
    pub text: String,
    /// What to do.
    pub fix: String,
    /// The look that did it.
    pub look: LookBody,
    /// Whether a message about it was accepted.
    pub delivered: bool,
}

/// How messages about alarms fare.
#[derive(Serialize, ToSchema, Debug, Default, Clone, PartialEq)]
pub struct WebhookBody {
    /// `off`, `no_secret`, `ok`, `failing`, or `gone`: the address answered that it is (410), and nothing is sent until it changes.
    pub state: String,
    /// Messages that wait.
    pub pending: usize,
    /// What came of the last attempt that failed.
    pub last_failure: String,
}

#[cfg(test)]
mod tests {
    use crate::placements;

    const SHOP: &str = "[shop]\ncurrency = \"EUR\"\ntime_zone = \"UTC\"\n";

    #[test]
    fn faults_name_the_field_and_the_fix() {
        let faults = |watch: &str| -> Vec<String> {
            let faults = placements::parse(&format!("{SHOP}[watch]\n{watch}\n")).expect_err("it has faults");
            faults.iter().map(|fault| format!("{}: {}", fault.line, fault.problem)).collect()
        };
        assert!(faults("off = ['clicks']")[0].starts_with("4: watch.off: \"clicks\" is none of event_mix,"));
        assert_eq!(
            faults("sensitivity = 'loud'"),
            ["4: watch.sensitivity: \"loud\" is none of low, normal, high [unknown_name]"]
        );
        for bad in ["ops.example", "ftp://a", "http://", "https:// a", "https:///x"] {
            let fault = &faults(&format!("webhook = '{bad}'"))[0];
            assert!(fault.starts_with("4: watch.webhook: must be an address"), "{bad}: {fault}");
        }
        assert!(faults("loud = true")[0].contains("unknown field `loud`"));
        let good =
            format!("{SHOP}[watch]\noff = ['gini']\nsensitivity = 'low'\nwebhook = 'http://127.0.0.1:9/x'");
        let read = placements::parse(&good).expect("it is good").watch;
        assert_eq!((read.off[0].as_str(), read.webhook.as_str()), ("gini", "http://127.0.0.1:9/x"));
    }
}
