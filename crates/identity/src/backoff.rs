//! How long to leave an issuer alone whose keys could not be fetched.

use std::time::Duration;

/// Wait after the first failure, at most.
const FIRST: Duration = Duration::from_secs(1);
/// Longest wait.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);

/// Failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure and says how long to wait after it: half of a time that doubles from a second to
    /// five minutes, and a random part of the other half.
    pub(crate) fn failed(&mut self) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(9)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // Processes that lost an issuer together must not come back together.
        let part = getrandom::u32().unwrap_or(u32::MAX / 2);
        whole / 2 + (whole / 2).mul_f64(f64::from(part) / f64::from(u32::MAX))
    }

    /// Forgets the failures.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes_and_begin_again() {
        let mut backoff = Backoff::default();
        for whole in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
            let (whole, wait) = (Duration::from_secs(whole), backoff.failed());
            assert!(wait >= whole / 2 && wait <= whole, "{wait:?} of {whole:?}");
        }
        backoff.succeeded();
        assert!(backoff.failed() <= FIRST);
    }
}
