//! Events about callers who were not let in: enough of them to be noticed, too few to push other events out of the
//! log.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::GatewayError;

/// Least time between two events of a kind. With an event of half a kilobyte this is less than a
/// megabyte a day, however many ask.
const PAUSE: Duration = Duration::from_mins(1);

/// Most holders of tokens who are counted by themselves. They were let in once, so that few are many.
const HOLDERS: usize = 1024;

/// Refusals since the last event, by kind.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    missing: Mutex<Tally>,
    unknown: Mutex<Tally>,
    /// Tokens that are refused although it is beyond doubt whose they are: strangers cannot hide these among theirs.
    holders: Mutex<HashMap<(String, &'static str), Tally>>,
}

#[derive(Debug, Default)]
struct Tally {
    last: Option<Instant>,
    left_out: u64,
}

impl Tally {
    fn notice(&mut self, now: Instant) -> Option<u64> {
        if !self.is_quiet(now) {
            self.left_out += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }

    /// Whether the last event is long enough ago for another.
    fn is_quiet(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.duration_since(last) >= PAUSE)
    }
}

impl Strangers {
    /// Whether a refusal gets an event of its own: then, how many before it did not.
    pub(crate) fn notice(&self, error: &GatewayError, now: Instant) -> Option<u64> {
        let tally = match error {
            GatewayError::KeyMissing | GatewayError::SchemeMissing => &self.missing,
            GatewayError::TokenRefused { holder: Some(holder), code, .. } => {
                if let Some(noticed) = self.notice_holder((holder.clone(), code), now) {
                    return noticed;
                }
                &self.unknown
            }
            GatewayError::KeyUnknown | GatewayError::TokenRefused { .. } => &self.unknown,
            _ => return None,
        };
        tally.lock().notice(now)
    }

    /// [`Strangers::notice`] of one holder and one reason; none where there is no room to count another by itself.
    #[expect(clippy::option_option, reason = "the caller asks both")]
    fn notice_holder(&self, holder: (String, &'static str), now: Instant) -> Option<Option<u64>> {
        let mut holders = self.holders.lock();
        if let Some(tally) = holders.get_mut(&holder) {
            return Some(tally.notice(now));
        }
        if holders.len() >= HOLDERS {
            holders.retain(|_, tally| !tally.is_quiet(now) || tally.left_out > 0);
        }
        if holders.len() >= HOLDERS {
            return None;
        }
        Some(holders.entry(holder).or_default().notice(now))
    }
}

#[cfg(test)]
mod tests {
    use bartizan_core::Class;

    use super::*;

    fn refused(holder: Option<&str>) -> GatewayError {
        GatewayError::TokenRefused {
            code: "code",
            class: Class::Unauthenticated,
            message: String::new(),
            holder: holder.map(str::to_owned),
        }
    }

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

    #[test]
    fn strangers_do_not_hide_a_holder() {
        let strangers = Strangers::default();
        let start = Instant::now();
        assert_eq!(strangers.notice(&refused(None), start), Some(0));
        assert_eq!(strangers.notice(&refused(None), start), None);
        for holder in ["a@example.com", "sp:b"] {
            assert_eq!(strangers.notice(&refused(Some(holder)), start), Some(0));
            assert_eq!(strangers.notice(&refused(Some(holder)), start), None);
            assert_eq!(strangers.notice(&refused(Some(holder)), start + PAUSE), Some(1));
        }
    }

    #[test]
    fn holders_beyond_the_cap_share_a_tally_until_others_are_quiet() {
        let strangers = Strangers::default();
        let start = Instant::now();
        for holder in 0..HOLDERS {
            assert_eq!(strangers.notice(&refused(Some(&holder.to_string())), start), Some(0));
        }
        assert_eq!(strangers.notice(&refused(Some("one more")), start), Some(0));
        assert_eq!(strangers.notice(&refused(Some("another")), start), None);
        assert_eq!(strangers.holders.lock().len(), HOLDERS);
        assert_eq!(strangers.notice(&refused(Some("another")), start + PAUSE), Some(0));
        assert_eq!(strangers.holders.lock().len(), 1);
    }
}
