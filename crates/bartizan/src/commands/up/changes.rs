//! Changes that wait: ended when their time is over, and counted for Prometheus.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bartizan_core::event::EventSink;
use bartizan_store::{ChangeState, Store, StoreError};

use crate::wire::approvals;
use crate::wire::prometheus::gauge;

/// How often they are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// How many wait, as of the last look.
#[derive(Debug, Default)]
pub(super) struct Waiting(AtomicUsize);

impl Waiting {
    /// The number as Prometheus reads it, without the line that ends a page.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let waiting = self.0.load(Ordering::Relaxed);
        let help = "Changes that wait for a second person";
        gauge(&mut text, "bartizan_console_waiting_changes", help, waiting);
        text
    }
}

/// Looks after changes until the process ends.
pub(super) async fn follow(
    store: Arc<Store>,
    events: Arc<dyn EventSink>,
    waiting: Arc<Waiting>,
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    loop {
        let (store, events, counted) =
            (Arc::clone(&store), Arc::clone(&events), Arc::clone(&waiting));
        match tokio::task::spawn_blocking(move || look(&store, &*events, &counted)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "changes that wait are not looked after"),
            Err(error) => tracing::error!(%error, "changes that wait are not looked after"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = &mut stop => return,
        }
    }
}

fn look(store: &Store, events: &dyn EventSink, waiting: &Waiting) -> Result<(), StoreError> {
    for change in store.expire_changes()? {
        // It has expired whether or not the log takes it: nothing came into force.
        if let Err(error) = approvals::note(events, "change-expired", &change) {
            tracing::error!(%error, change = %change.id, "a change expired, and the event log does not say so");
        }
    }
    let all = store.list_changes()?;
    let count = all.iter().filter(|change| change.state == ChangeState::Waiting).count();
    waiting.0.store(count, Ordering::Relaxed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use bartizan_core::Event;
    use bartizan_core::event::{RecordError, Recorded};
    use bartizan_store::{ChangeKind, NewChange};
    use parking_lot::Mutex;

    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<Event>>);

    impl EventSink for Log {
        fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
            self.0.lock().push(event.clone());
            Ok(Recorded::Settled)
        }
    }

    #[test]
    fn what_waited_for_too_long_is_over_once_and_the_log_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).unwrap();
        let change = |name: &str, expires| {
            let new = NewChange {
                kind: ChangeKind::EndpointDelete,
                name: name.to_owned(),
                body: String::new(),
                against: "absent".to_owned(),
                target: String::new(),
                proposer: None,
                weaknesses: r#"[{"kind":"endpoint-removed"}]"#.to_owned(),
                expires,
            };
            store.propose_change(&new).unwrap().0
        };
        let now = bartizan_core::time::now();
        let over = change("over", now - Duration::from_secs(1));
        change("waits", now + Duration::from_hours(1));
        let (log, waiting) = (Log::default(), Waiting::default());
        for _ in 0..2 {
            look(&store, &log, &waiting).unwrap();
        }
        let said = log.0.lock();
        let said: Vec<_> =
            said.iter().map(|event| (&*event.operation, event.detail.clone())).collect();
        let detail = format!("change {}: endpoint-removed", over.id);
        assert_eq!(said, [("change-expired", Some(detail))]);
        let text = waiting.text();
        assert!(text.ends_with("gauge\nbartizan_console_waiting_changes 1\n"), "{text}");
    }
}
