//! What the event log says about logins: who, and never what was typed.
//!
//! Strangers can make as many refusals as they like; one a minute speaks for all that are about the same account, or
//! about none.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bartizan_core::event::{Event, EventSink, Outcome, Recorded};
use bartizan_core::id::RequestId;
use bartizan_core::verdict::Verdict;
use parking_lot::Mutex;

use crate::error::ConsoleError;

/// Least time between two events about the same.
const PAUSE: Duration = Duration::from_mins(1);
/// Most accounts that are told apart; there are hardly ever more.
const ACCOUNTS_MAX: usize = 1_024;

/// Whom a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose<'a> {
    /// An account that there is.
    Account(&'a str),
    /// Nobody who is known.
    Nobody,
    /// Somebody who came back from an identity provider.
    Provider,
    /// Somebody with a code for enrolment.
    Enrolment,
}

/// Refusals since the last event, by whom they are about.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<String, Tally>>);

#[derive(Debug, Default)]
struct Tally {
    last: Option<Instant>,
    left_out: u64,
}

impl Refusals {
    /// Whether a refusal gets an event of its own: then, how many before it did not.
    fn notice(&self, whose: Whose<'_>, now: Instant) -> Option<u64> {
        let mut tallies = self.0.lock();
        let key = match whose {
            Whose::Account(name) if tallies.contains_key(name) => name,
            Whose::Account(name) if tallies.len() < ACCOUNTS_MAX => name,
            // Blanks and brackets are in no name.
            Whose::Account(_) | Whose::Nobody => "(nobody)",
            Whose::Provider => "(provider)",
            Whose::Enrolment => "(enrolment)",
        };
        let tally = tallies.entry(key.to_owned()).or_default();
        if tally.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            tally.left_out += 1;
            return None;
        }
        tally.last = Some(now);
        Some(std::mem::take(&mut tally.left_out))
    }

    /// Records a refusal, unless enough was said about such ones.
    pub(crate) async fn record(
        &self,
        events: &dyn EventSink,
        request: RequestId,
        whose: Whose<'_>,
        refused: &ConsoleError,
        why: &str,
    ) {
        let Some(left_out) = self.notice(whose, Instant::now()) else { return };
        let mut event = Event::new(request, "admin", "login-refused");
        if let Whose::Account(name) = whose {
            event.principal = Some(name.to_owned());
        }
        event.verdict = Verdict::Block;
        event.outcome = Outcome::Refused;
        event.status = Some(refused.status().as_u16());
        event.detail = Some(match left_out {
            0 => why.to_owned(),
            more => format!("{why}; {more} more since the last of these"),
        });
        let recorded = match events.record(&event) {
            Ok(recorded) => recorded.settled().await,
            Err(error) => Err(error),
        };
        if let Err(error) = recorded {
            tracing::error!(%error, "refused login is not in the event log");
        }
    }
}

/// Something that happened to a session or an account.
pub(crate) struct Kept<'a> {
    /// `login`, `logout`, `account-enrolled`.
    pub(crate) operation: &'a str,
    pub(crate) request: RequestId,
    /// Who did it.
    pub(crate) name: &'a str,
    /// Whom it is about, where that may be somebody else.
    pub(crate) subject: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) detail: String,
}

impl Kept<'_> {
    /// Records it before it is answered; false when the log does not take it. Holds the thread up for as long as the
    /// policy asks.
    pub(crate) fn record(self, events: &dyn EventSink) -> bool {
        let mut event = Event::new(self.request, "admin", self.operation);
        event.principal = Some(self.name.to_owned());
        event.subject = self.subject.map(str::to_owned);
        event.status = Some(self.status);
        event.outcome = Outcome::Changed;
        event.detail = Some(self.detail);
        match events.record(&event).and_then(Recorded::wait) {
            Ok(()) => {
                tracing::info!(operation = self.operation, name = self.name, "console");
                true
            }
            Err(error) => {
                tracing::error!(%error, operation = self.operation, "not in the event log");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_a_minute_speaks_for_all_that_are_about_the_same() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        for whose in [Whose::Nobody, Whose::Account("alice"), Whose::Account("bob")] {
            assert_eq!(refusals.notice(whose, start), Some(0));
            assert_eq!(refusals.notice(whose, start + PAUSE / 2), None);
        }
        assert_eq!(refusals.notice(Whose::Nobody, start + PAUSE), Some(1));
        for number in 0..2 * ACCOUNTS_MAX {
            refusals.notice(Whose::Account(&format!("account-{number}")), start);
        }
        assert!(refusals.0.lock().len() <= ACCOUNTS_MAX + 1);
        assert_eq!(refusals.notice(Whose::Provider, start), Some(0));
    }
}
