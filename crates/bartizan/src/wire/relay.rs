//! Sinks of the policy, each followed by a task of its own.

use std::path::Path;
use std::sync::Arc;

use bartizan_core::settings::Sink;
use bartizan_relay::{Follower, Metrics, RelayError};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Tasks that ship the event log to others.
pub(crate) struct Relay {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    metrics: Arc<Metrics>,
}

impl Relay {
    /// Starts to ship the log in the folder `log` to every sink. Has to be called when the log is open,
    /// which gives it its key.
    ///
    /// # Errors
    /// [`RelayError`], when a sink cannot be made or got entries of another log before.
    pub(crate) fn start(log: &Path, data_dir: &Path, sinks: &[Sink]) -> Result<Self, RelayError> {
        let cursors = data_dir.join(bartizan_relay::FOLDER);
        let metrics = Arc::new(Metrics::default());
        let followers: Vec<Follower> = sinks
            .iter()
            .map(|sink| Follower::open(log, &cursors, sink, metrics.of(&sink.id)))
            .collect::<Result<_, _>>()?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for follower in followers {
            let mut stopped = stopped.clone();
            tasks.spawn(follower.run(async move {
                // A sender that is gone means the same as a stop.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }));
        }
        for sink in sinks {
            tracing::info!(sink = %sink.id, kind = sink.kind.name(), "event log is shipped");
        }
        Ok(Self { tasks, stop, metrics })
    }

    /// Counters of all sinks.
    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Ships what is signed by now, within a few seconds. What is left goes after the next start.
    pub(crate) async fn finish(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a sink ended before its time");
            }
        }
    }
}
