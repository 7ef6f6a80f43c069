//! How long to wait for a sink that failed: longer each time, and never as long as all others do.

use std::time::Duration;

/// Wait after the first failure, at most.
const FIRST: Duration = Duration::from_secs(1);
/// Longest wait.
const LONGEST: Duration = Duration::from_secs(60);
/// Longest wait that a sink may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure and says how long to wait after it: half of a time that doubles up to a minute,
    /// and a random part of the other half, but not less than the sink asked for.
    pub(crate) fn failed(&mut self, asked: Option<Duration>) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // Followers that failed together must not come back together.
        let part = getrandom::u32().unwrap_or(u32::MAX / 2);
        let wait = whole / 2 + (whole / 2).mul_f64(f64::from(part) / f64::from(u32::MAX));
        wait.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// Forgets the failures, and says how many there were.
    pub(crate) fn succeeded(&mut self) -> u32 {
        std::mem::take(&mut self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_begin_again() {
        let mut backoff = Backoff::default();
        for whole in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let (whole, wait) = (Duration::from_secs(whole), backoff.failed(None));
            assert!(wait >= whole / 2 && wait <= whole, "{wait:?} of {whole:?}");
        }
        assert_eq!(backoff.succeeded(), 9);
        assert!(backoff.failed(None) <= FIRST);
    }

    #[test]
    fn a_sink_may_ask_for_more_time_within_reason() {
        let asked = |seconds| Backoff::default().failed(Some(Duration::from_secs(seconds)));
        assert_eq!(asked(30), Duration::from_secs(30));
        assert_eq!(asked(1 << 20), LONGEST_ASKED);
        assert!(asked(0) >= FIRST / 2);
    }
}
