//! The tables for questions, kept up with the log, so that the first question does not wait for them.

use std::time::Duration;

use bartizan_query::Tables;

/// How often the log is looked at. What is written in between is read line by line by whoever asks.
const EVERY: Duration = Duration::from_secs(5);

/// Makes files of tables as the log grows. A failure is said once until it is over; the log and the
/// gateway do not depend on it.
pub(super) async fn follow(tables: Tables, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut failed = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = &mut stop => return,
        }
        let tables = tables.clone();
        let refreshing = tokio::task::spawn_blocking(move || tables.refresh(&mut |_, _| ()));
        match refreshing.await {
            Ok(Ok(refreshed)) => {
                failed = false;
                if refreshed.read > 0 {
                    tracing::debug!(entries = refreshed.read, "tables follow the log");
                }
            }
            Ok(Err(error)) if !failed => {
                failed = true;
                let error = crate::format::chain(&error);
                tracing::warn!(
                    error,
                    "tables do not follow the log; questions still see all of it"
                );
            }
            Ok(Err(_)) => {}
            Err(error) => tracing::error!(%error, "the tables are not followed any more"),
        }
    }
}
