//! The admin behind a request, and the record of what they change.

use bartizan_core::access::{Identity, Scope};
use bartizan_core::event::{Event, EventSink, Outcome, Recorded};
use bartizan_core::id::RequestId;
use bartizan_core::principal::Principal;
use bartizan_core::verdict::Verdict;
use bartizan_store::{Hand, SessionRecord};

use crate::error::ConsoleError;

/// Set by the door on every request to an admin route.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) identity: Identity,
    pub(crate) request_id: RequestId,
    /// The session by which they came; absent for a key.
    pub(crate) session: Option<Session>,
}

/// The session of a request.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) record: SessionRecord,
    /// What its forms bring along.
    pub(crate) csrf: String,
}

/// A change that took effect.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// Such as `key-created`.
    pub(crate) operation: &'a str,
    /// Status of the answer.
    pub(crate) status: u16,
    /// Endpoint that was changed.
    pub(crate) endpoint: Option<&'a str>,
    /// Whom it is about.
    pub(crate) subject: Option<String>,
    /// What is worth adding; never a key, never a name.
    pub(crate) detail: Option<String>,
}

impl Admin {
    /// Who it is, and with which key.
    pub(crate) fn hand(&self) -> Hand {
        let Identity { kind, name, key_id, .. } = self.identity.clone();
        Hand { principal: Principal { kind, name, groups: Vec::new() }.qualified(), key: key_id }
    }

    /// An event of this request.
    pub(crate) fn event(&self, operation: &str) -> Event {
        let Identity { kind, name, key_id, .. } = self.identity.clone();
        let mut event = Event::new(self.request_id, "admin", operation);
        event.credential = Some(key_id);
        event.principal = Some(Principal { kind, name, groups: Vec::new() }.qualified());
        event
    }

    /// Records that somebody may not do what they asked for.
    pub(crate) async fn note_refusal(&self, events: &dyn EventSink) {
        let mut event = self.event("refused");
        event.verdict = Verdict::Block;
        event.outcome = Outcome::Refused;
        event.status = Some(403);
        let recorded = match events.record(&event) {
            Ok(recorded) => recorded.settled().await,
            Err(error) => Err(error),
        };
        if let Err(error) = recorded {
            tracing::error!(%error, "refused admin request is not in the event log");
        }
    }

    /// Refuses to change a key that opens more than this admin may hand out.
    pub(crate) fn must_change(&self, scope: Scope) -> Result<(), ConsoleError> {
        if self.identity.scope.may(scope.to_change()) {
            return Ok(());
        }
        Err(ConsoleError::NotAllowed { scope: self.identity.scope })
    }

    /// Records a change, before it is answered; false when the log does not take it. Holds the thread up
    /// for as long as the policy asks.
    pub(crate) fn record(&self, events: &dyn EventSink, change: Change<'_>) -> bool {
        let mut event = self.event(change.operation);
        event.outcome = Outcome::Changed;
        event.status = Some(change.status);
        event.endpoint = change.endpoint.map(str::to_owned);
        event.subject = change.subject;
        event.detail = change.detail;
        match events.record(&event).and_then(Recorded::wait) {
            Ok(()) => {
                tracing::info!(
                    operation = change.operation,
                    admin = event.principal,
                    subject = event.subject,
                    detail = event.detail,
                    "admin change"
                );
                true
            }
            Err(error) => {
                tracing::error!(%error, operation = change.operation, "admin change not recorded");
                false
            }
        }
    }
}
