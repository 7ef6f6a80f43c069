//! Events about callers whom nobody recognised: enough of them to be noticed, too few to push other
//! events out of the log.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::GatewayError;

/// Least time between two events of a kind. With an event of half a kilobyte this is less than a
/// megabyte a day, however many ask.
const PAUSE: Duration = Duration::from_mins(1);

/// Refusals since the last event, by kind.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    missing: Mutex<Tally>,
    unknown: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    last: Option<Instant>,
    left_out: u64,
}

impl Strangers {
    /// Whether a refusal gets an event of its own: then, how many before it did not.
    pub(crate) fn notice(&self, error: &GatewayError, now: Instant) -> Option<u64> {
        let tally = match error {
            GatewayError::KeyMissing | GatewayError::SchemeMissing => &self.missing,
            GatewayError::KeyUnknown | GatewayError::TokenRefused { .. } => &self.unknown,
            _ => return None,
        };
        let mut tally = tally.lock();
        if tally.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            tally.left_out += 1;
            return None;
        }
        tally.last = Some(now);
        Some(std::mem::take(&mut tally.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_a_minute_speaks_for_all() {
        let strangers = Strangers::default();
        let start = Instant::now();
        assert_eq!(strangers.notice(&GatewayError::KeyUnknown, start), Some(0));
        for second in 1..60 {
            let now = start + Duration::from_secs(second);
            assert_eq!(strangers.notice(&GatewayError::KeyUnknown, now), None);
        }
        // The other kind has its own.
        assert_eq!(strangers.notice(&GatewayError::KeyMissing, start), Some(0));
        let later = start + PAUSE;
        assert_eq!(strangers.notice(&GatewayError::KeyUnknown, later), Some(59));
        assert_eq!(strangers.notice(&GatewayError::KeyUnknown, later + PAUSE), Some(0));
        assert_eq!(strangers.notice(&GatewayError::UnknownPath, later), None);
    }
}
