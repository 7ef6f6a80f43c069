//! Follows a log for one sink: reads, ships, remembers how far it got, and tries again for ever.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::settings;
use bartizan_ledger::subjects::Names;
use tokio::sync::watch;
use tokio::task::JoinError;

use crate::backoff::Backoff;
use crate::batch::Batch;
use crate::cursor::Cursor;
use crate::error::{Causes, Interrupted, RelayError, SinkError};
use crate::metrics::SinkMetrics;
use crate::reader::{Read, Reader};
use crate::sinks::{self, Sink};

/// How often the log is looked at while there is nothing new.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Longest time for a batch. A sink has its own, shorter bounds; this one holds if it forgets one.
const SHIP_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a follower that is asked to stop goes on to ship what is signed.
const LAST_TIMEOUT: Duration = Duration::from_secs(5);

/// Ships the entries of one log to one sink.
pub struct Follower {
    settings: settings::Sink,
    /// Given away while a thread reads; made again if that was given up.
    reader: Option<Reader>,
    dir: PathBuf,
    cursor: Arc<Cursor>,
    /// Number of the next entry; none before the first.
    next: Option<u64>,
    /// What was read and not shipped, with pseudonyms.
    pending: Option<Read>,
    /// None before the first use.
    names: Option<Names>,
    sink: Box<dyn Sink>,
    metrics: SinkMetrics,
    backoff: Backoff,
    /// Whether the cursor could not be saved the last time.
    is_unsaved: bool,
}

/// What came of one turn.
enum Turn {
    Shipped,
    Idle,
    Failed(Duration),
}

impl Follower {
    /// A follower of the log in the folder `log`, with its cursor in the folder `cursors`.
    ///
    /// # Errors
    /// [`RelayError`], when the sink cannot be made, or the cursor is of another log.
    pub fn open(
        log: &Path,
        cursors: &Path,
        sink: &settings::Sink,
        metrics: SinkMetrics,
    ) -> Result<Self, RelayError> {
        let made = sinks::make(sink, &metrics)
            .map_err(|source| RelayError::Sink { sink: sink.id.clone(), source })?;
        Self::with_sink(log, cursors, sink, metrics, made)
    }

    /// A follower that ships to a sink of the caller's own making.
    ///
    /// # Errors
    /// [`RelayError`], when the cursor is of another log.
    pub fn with_sink(
        log: &Path,
        cursors: &Path,
        settings: &settings::Sink,
        metrics: SinkMetrics,
        sink: Box<dyn Sink>,
    ) -> Result<Self, RelayError> {
        let unknown = |source| RelayError::Unknown { path: log.to_owned(), source };
        let key = bartizan_ledger::public_key(log).map_err(unknown)?.to_string();
        let earlier = bartizan_ledger::earlier_keys(log).map_err(unknown)?;
        let earlier: Vec<String> = earlier.iter().map(ToString::to_string).collect();
        let (cursor, next) = Cursor::open(cursors, &settings.id, key, &earlier)?;
        Ok(Self {
            reader: None,
            dir: log.to_owned(),
            settings: settings.clone(),
            cursor: Arc::new(cursor),
            next,
            pending: None,
            names: None,
            sink,
            metrics,
            backoff: Backoff::default(),
            is_unsaved: false,
        })
    }

    /// Number of the entry that the sink gets next; none before the first.
    pub fn next_entry(&self) -> Option<u64> {
        self.next
    }

    /// Ships until `stop` resolves, and then what is signed by then, for a few seconds at most.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        let deadline = async {
            stop.await;
            stopping.send_replace(true);
            tokio::time::sleep(LAST_TIMEOUT).await;
        };
        let id = self.settings.id.clone();
        tokio::select! {
            () = self.follow(stopped) => {}
            () = deadline => {
                tracing::warn!(sink = %id, "last entries not shipped; they go after the next start");
            }
        }
    }

    /// Ships until asked to stop, and then until there is nothing more or a try fails.
    async fn follow(&mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let is_last = *stopped.borrow();
            let wait = match self.turn().await {
                Turn::Shipped => continue,
                Turn::Idle => POLL_EVERY,
                Turn::Failed(wait) => wait,
            };
            if is_last {
                return;
            }
            // A sender that is gone means the same as a stop.
            let _ = tokio::time::timeout(wait, stopped.wait_for(|stopped| *stopped)).await;
        }
    }

    /// Reads a batch, or takes the one that was not shipped, and ships it.
    async fn turn(&mut self) -> Turn {
        let read = match self.pending.take() {
            Some(read) => read,
            None => match self.read().await {
                Ok(read) => read,
                Err(error) => return self.unreadable(&error),
            },
        };
        self.set_lag(&read);
        if read.batch.entries.is_empty() {
            // Nothing for this sink, but perhaps much that it does not get.
            let has_moved = self.next != Some(read.next);
            self.next = Some(read.next);
            self.set_lag(&read);
            if has_moved {
                self.save(read.next).await;
            }
            return if has_moved && read.next < read.signed { Turn::Shipped } else { Turn::Idle };
        }
        let batch = match self.named(read.batch.clone()).await {
            Ok(batch) => batch,
            Err(error) => {
                self.pending = Some(read);
                return self.unreadable(&error);
            }
        };
        let shipping = tokio::time::timeout(SHIP_TIMEOUT, self.sink.ship(&batch)).await;
        match shipping.unwrap_or_else(|_| Err(self.too_slow().into())) {
            Ok(()) => {
                self.taken(read.batch.entries.len(), read.next).await;
                self.set_lag(&read);
                Turn::Shipped
            }
            Err(interrupted) => self.interrupted(read, &interrupted).await,
        }
    }

    async fn read(&mut self) -> Result<Read, RelayError> {
        let mut reader = self
            .reader
            .take()
            .unwrap_or_else(|| Reader::new(self.dir.clone(), self.settings.clone()));
        let from = self.next;
        let reading = move || {
            let read = reader.read(from);
            (reader, read)
        };
        let gone = |error: JoinError| RelayError::Unknown {
            path: self.dir.clone(),
            source: io::Error::other(error),
        };
        let (reader, read) = tokio::task::spawn_blocking(reading).await.map_err(gone)?;
        self.reader = Some(reader);
        let read = read?;
        if read.missed > 0 {
            self.metrics.missed.inc_by(read.missed);
            tracing::error!(
                sink = %self.settings.id,
                entries = read.missed,
                "entries were removed from the log before the sink took them; give the log more room"
            );
        }
        Ok(read)
    }

    /// The batch as the sink gets it: with the names that there are now, which may be fewer than when it was
    /// read.
    async fn named(&mut self, mut batch: Batch) -> Result<Batch, RelayError> {
        if !self.settings.names {
            return Ok(batch);
        }
        let (dir, names) = (self.dir.clone(), self.names.take());
        let revealing = move || -> Result<(Batch, Names), RelayError> {
            let mut names = match names {
                Some(names) => names,
                None => Names::of(&dir)?,
            };
            names.refresh()?;
            for entry in &mut batch.entries {
                entry.line = names.reveal_line(entry.line.to_vec()).into();
            }
            Ok((batch, names))
        };
        let gone = |error: JoinError| RelayError::Unknown {
            path: self.dir.clone(),
            source: io::Error::other(error),
        };
        let (batch, names) = tokio::task::spawn_blocking(revealing).await.map_err(gone)??;
        self.names = Some(names);
        Ok(batch)
    }

    fn unreadable(&mut self, error: &RelayError) -> Turn {
        self.metrics.failures.inc();
        let wait = self.backoff.failed(None);
        tracing::error!(sink = %self.settings.id, error = %Causes(error), ?wait, "log not followed");
        Turn::Failed(wait)
    }

    async fn interrupted(&mut self, mut read: Read, interrupted: &Interrupted) -> Turn {
        let taken = interrupted.taken.min(read.batch.entries.len());
        read.batch.entries.drain(..taken);
        if taken > 0 {
            let next = read.batch.entries.first().map_or(read.next, |entry| entry.number);
            self.taken(taken, next).await;
        }
        self.metrics.failures.inc();
        self.set_lag(&read);
        self.pending = Some(read);
        let error = &interrupted.error;
        let wait = self.backoff.failed(error.retry_after());
        let (help, error) = (error.help(), Causes(error));
        tracing::warn!(sink = %self.settings.id, %error, help, ?wait, "entries not shipped; tried again");
        Turn::Failed(wait)
    }

    /// Moves the cursor behind entries that the sink has.
    async fn taken(&mut self, entries: usize, next: u64) {
        self.metrics.entries.inc_by(entries as u64);
        let failures = self.backoff.succeeded();
        if failures > 0 {
            tracing::info!(sink = %self.settings.id, failures, "entries are shipped again");
        }
        self.next = Some(next);
        self.save(next).await;
    }

    /// A cursor that cannot be saved costs entries that arrive twice, after the next start.
    async fn save(&mut self, next: u64) {
        let cursor = Arc::clone(&self.cursor);
        let saving = tokio::task::spawn_blocking(move || cursor.save(next));
        match saving.await.map_err(io::Error::other).and_then(|saved| saved) {
            Ok(()) => self.is_unsaved = false,
            Err(error) if !self.is_unsaved => {
                self.is_unsaved = true;
                tracing::error!(sink = %self.settings.id, %error, "the cursor of the sink cannot be saved");
            }
            Err(_) => {}
        }
    }

    fn set_lag(&self, read: &Read) {
        let first = read.batch.entries.first().map(|entry| entry.number);
        let at = self.next.or(first).unwrap_or(read.next);
        let lag = read.signed.saturating_sub(at);
        self.metrics.lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
    }

    fn too_slow(&self) -> SinkError {
        SinkError::TimedOut { address: self.settings.id.to_string(), wait: SHIP_TIMEOUT }
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("id", &self.settings.id)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
