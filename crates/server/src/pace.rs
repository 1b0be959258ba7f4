//! How long requests wait and how long deciding takes, so that one with little time left gets a quick answer instead of a
//! late one. The only place where a decision depends on wall time; what it leads to is recorded in the request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a caller gets who names no time.
pub const TIMEOUT: Duration = Duration::from_millis(150);
/// Longest time that a caller may name, in milliseconds.
pub const TIMEOUT_MAX_MS: u64 = 10_000;
/// How often waiting is measured.
const TICK: Duration = Duration::from_millis(10);

/// Measured by the server while it runs.
#[derive(Default, Debug)]
pub struct Pace {
    /// How late the runtime comes to a task that is ready, in microseconds.
    lag_us: AtomicU64,
    /// A slowly moving average of the time to decide, in microseconds.
    decide_us: AtomicU64,
}

impl Pace {
    /// Whether a decision with every source would be later than `timeout` after its request came in.
    pub fn is_short(&self, timeout: Duration) -> bool {
        let needed = self.lag_us.load(Ordering::Relaxed) + self.decide_us.load(Ordering::Relaxed);
        timeout.is_zero() || Duration::from_micros(needed) > timeout
    }

    /// Notes how long a decision with every source took.
    pub fn decided(&self, took: Duration) {
        let (was, now) = (self.decide_us.load(Ordering::Relaxed), took.as_micros() as u64);
        // Two that note at once may lose one of the two: it is an estimate.
        self.decide_us.store((was * 15 + now) / 16, Ordering::Relaxed);
    }

    /// Measures for ever how late the runtime is.
    pub async fn watch(&self) {
        loop {
            let due = Instant::now() + TICK;
            tokio::time::sleep_until(due.into()).await;
            self.lag_us.store(due.elapsed().as_micros() as u64, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_short_when_waiting_and_deciding_need_more() {
        let pace = Pace::default();
        assert!(!pace.is_short(Duration::from_micros(1)) && pace.is_short(Duration::ZERO));
        (0..200).for_each(|_| pace.decided(Duration::from_millis(2)));
        assert!(pace.is_short(Duration::from_millis(1)) && !pace.is_short(Duration::from_millis(3)));
        pace.lag_us.store(160_000, Ordering::Relaxed);
        assert!(pace.is_short(TIMEOUT));
    }
}
