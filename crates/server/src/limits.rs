//! What a run of learning may take: time and memory. A fit whose estimate does not fit into what is left is not begun, and the
//! run says so.

use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From its start to its end, as far as earlier fits of the same model tell.
    pub time: Duration,
    /// The data that models are fitted on, and what a fit takes beside it.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(15 * 60), bytes: 8 * GIB }
    }
}

/// Reads an amount of memory: `8GiB`, `512MiB`.
///
/// # Errors
/// What it must look like.
pub fn bytes(text: &str) -> Result<u64, String> {
    let units = [("GiB", GIB), ("MiB", MIB)];
    let read = units.iter().find_map(|(unit, size)| {
        let count: u64 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
        count.checked_mul(*size).filter(|bytes| *bytes > 0)
    });
    read.ok_or_else(|| "must be a whole number of GiB or MiB, such as 8GiB or 512MiB".to_owned())
}

/// What is left of a run.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    limits: Limits,
    started: Instant,
    /// Bytes of the data that models are fitted on.
    held: u64,
}

impl Budget {
    /// Of a run that began at `started` and holds so many bytes of data.
    pub fn new(limits: Limits, started: Instant, held: u64) -> Self {
        Self { limits, started, held }
    }

    /// Why a fit is not begun that takes at most so many bytes and, as far as is known, so many seconds.
    pub fn refusal(&self, bytes: u64, seconds: f64) -> Option<String> {
        let most = self.limits.bytes;
        if self.held + bytes > most {
            let gib = |bytes: u64| bytes as f64 / GIB as f64;
            return Some(format!(
                "its fit takes up to {:.2} GiB beside {:.2} GiB of training data, and --train-memory allows {:.2} GiB",
                gib(bytes),
                gib(self.held),
                gib(most)
            ));
        }
        let left = self.limits.time.saturating_sub(self.started.elapsed()).as_secs_f64();
        (left <= 0.0 || seconds > left).then(|| {
            format!(
                "its fit takes about {seconds:.0} seconds, and {left:.0} are left of the run's {} minutes (--train-minutes; of a search, --minutes)",
                self.limits.time.as_secs() / 60
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory_are_read() {
        assert_eq!((bytes("8GiB"), bytes("512 MiB")), (Ok(8 * GIB), Ok(512 * MIB)));
        for text in ["8", "8GB", "-1GiB", "0GiB", "1.5GiB", "99999999999999GiB", ""] {
            assert!(bytes(text).is_err_and(|why| why.contains("such as 8GiB")), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let limits = Limits { time: Duration::from_secs(600), bytes: 4 * GIB };
        let budget = Budget::new(limits, Instant::now(), GIB);
        assert_eq!(budget.refusal(3 * GIB, 500.0), None);
        let why = budget.refusal(3 * GIB + 1, 0.0).expect("too much memory");
        assert!(why.contains("3.00 GiB beside 1.00 GiB") && why.contains("--train-memory"), "{why}");
        let why = budget.refusal(0, 700.0).expect("too long");
        assert!(
            why.contains("about 700 seconds") && why.contains("the run's 10 minutes (--train-minutes"),
            "{why}"
        );
        let over = Budget::new(Limits { time: Duration::ZERO, ..limits }, Instant::now(), 0);
        assert!(over.refusal(0, 0.0).is_some());
    }
}
