//! The one clock of the server. Everything below it takes time as an argument.

use bespoke_domain::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds of the epoch.
#[allow(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
