//! [`Counters`] that several gateways share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bartizan_core::counters::{Change, Counters, Demand, Held, NoRoom, Reserving, Taken};
use bartizan_core::settings::{Redis, WhenAway};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::connection::{Link, Open};
use crate::error::CountersError;
use crate::own::{Heard, Own, Told};
use crate::script::{Counted, Counting};

/// Most counters in one message that settles.
const SETTLE_AT_ONCE: usize = 128;
/// Wait before settling again after a message was lost.
const SETTLE_AGAIN: Duration = Duration::from_millis(100);
/// First wait before another try to connect, doubled after each that fails.
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// Longest wait before another try.
const RETRY_MOST: Duration = Duration::from_millis(500);
/// How long gateways have to report to a server that lost its memory: one that tries to connect all the time is there
/// within a try and a wait, with as much again to report.
const REPORT_WITHIN: Duration = Duration::from_secs(2);
/// How often a gateway sees whether the server still knows what it was told; several times while it may report.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the end looks whether everything is settled.
const FINISH_LOOK: Duration = Duration::from_millis(5);

/// Counters in Redis or Valkey.
#[derive(Debug)]
pub struct RedisCounters {
    shared: Arc<Inner>,
    runtime: Handle,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug)]
struct Inner {
    link: Link,
    counting: Counting,
    when_away: WhenAway,
    own: Mutex<Own>,
    /// The last time that everything was reported.
    reported: Mutex<Option<Reported>>,
    /// Told when the server seems to have forgotten something.
    look: Notify,
    owes: Notify,
    is_settling: AtomicBool,
    /// Told whenever something that was on its way has arrived, or not.
    settled: Notify,
    failures: AtomicU64,
    alone: AtomicU64,
}

/// A report of everything that a gateway knows.
#[derive(Debug)]
struct Reported {
    /// Of the server.
    run: String,
    at: Instant,
}

/// How it stands with the server that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether it answers.
    pub is_up: bool,
    /// Whether requests with limits are refused while it does not.
    pub denies_when_away: bool,
    /// Calls that were not answered, or with an error.
    pub failures: u64,
    /// Requests that were counted by this gateway alone.
    pub counted_alone: u64,
}

impl RedisCounters {
    /// Connects. A server that is away is waited for in the background; one that does not let this gateway in, or
    /// settings that make no sense, are errors. Has to be called on a runtime, and runs there until it is dropped.
    ///
    /// # Errors
    /// [`CountersError`].
    pub async fn open(settings: &Redis) -> Result<Self, CountersError> {
        let mut name = [0; 12];
        getrandom::fill(&mut name).map_err(CountersError::Random)?;
        let shared = Arc::new(Inner {
            link: Link::new(settings)?,
            counting: Counting::new(&settings.prefix, URL_SAFE_NO_PAD.encode(name)),
            when_away: settings.when_away,
            own: Mutex::default(),
            reported: Mutex::default(),
            look: Notify::new(),
            owes: Notify::new(),
            is_settling: AtomicBool::new(false),
            settled: Notify::new(),
            failures: AtomicU64::new(0),
            alone: AtomicU64::new(0),
        });
        match shared.connect().await {
            // Whoever begins with a server that knows nothing waits for what others know.
            Ok(reporting) => tokio::time::sleep(reporting).await,
            Err(error) => {
                let server = shared.link.server.clone();
                if Link::is_refused(&error) {
                    return Err(CountersError::Refused { server, source: error });
                }
                tracing::warn!(server, %error, "the server that counts for all gateways is away");
            }
        }
        let keep = Arc::clone(&shared);
        let keep = tokio::spawn(async move { keep.keep().await });
        let settle = Arc::clone(&shared);
        let settle = tokio::spawn(async move { settle.settle_all().await });
        Ok(Self { shared, runtime: Handle::current(), tasks: [keep, settle] })
    }

    /// How it stands with the server.
    pub fn standing(&self) -> Standing {
        Standing {
            is_up: self.shared.link.open().is_some(),
            denies_when_away: self.shared.when_away == WhenAway::Deny,
            failures: self.shared.failures.load(Ordering::Relaxed),
            counted_alone: self.shared.alone.load(Ordering::Relaxed),
        }
    }

    /// Waits until the server has heard of everything, no longer than `most`.
    pub async fn finish(&self, most: Duration) {
        let deadline = Instant::now() + most;
        let is_settled = || {
            let owes_nothing = self.shared.own.lock().owes_nothing();
            owes_nothing && !self.shared.is_settling.load(Ordering::Acquire)
        };
        while !is_settled() && Instant::now() < deadline {
            tokio::time::sleep(FINISH_LOOK).await;
        }
    }
}

impl Drop for RedisCounters {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Counters for RedisCounters {
    fn reserve(&self, demands: Vec<Demand>, now: Instant) -> Reserving {
        let Some(open) = self.shared.link.open() else {
            return Reserving::Done(self.shared.without(&demands, now));
        };
        let shared = Arc::clone(&self.shared);
        let (decided, waiting) = oneshot::channel();
        // A request whose client has gone is not asked for any more; what it took is given back all the same.
        self.runtime.spawn(async move {
            let taken = shared.ask(&open, &demands).await;
            if let Err(Ok(taken)) = decided.send(taken) {
                shared.settle(&unused(&demands, &taken));
            }
        });
        Reserving::Asking(Box::pin(async move { waiting.await.unwrap_or(Err(NoRoom::Away)) }))
    }

    fn settle(&self, changes: Vec<Change>) {
        self.shared.settle(&changes);
    }
}

impl Inner {
    /// Asks, and once more where there is no room and what this gateway gives back was still on its way.
    async fn ask(&self, open: &Arc<Open>, demands: &[Demand]) -> Result<Taken, NoRoom> {
        let mut settled = std::pin::pin!(self.settled.notified());
        settled.as_mut().enable();
        let is_settling = self.is_settling.load(Ordering::Acquire);
        let taken = self.ask_once(open, demands).await;
        if !is_settling || !matches!(taken, Err(NoRoom::Full { .. })) {
            return taken;
        }
        let _ = tokio::time::timeout(SETTLE_AGAIN, settled).await;
        self.ask_once(open, demands).await
    }

    async fn ask_once(&self, open: &Arc<Open>, demands: &[Demand]) -> Result<Taken, NoRoom> {
        let now = Instant::now();
        let told: Vec<Told> = {
            let mut own = self.own.lock();
            demands.iter().map(|demand| own.tell(&demand.key, now)).collect()
        };
        let counted = self.counting.reserve(&mut open.connection(), demands, &told).await;
        let heard = match &counted {
            Ok(Counted::Taken(_) | Counted::Full { .. }) => Heard::Yes,
            Ok(Counted::Recovering | Counted::Unknown) => Heard::No,
            Err(_) => Heard::Perhaps,
        };
        {
            let mut own = self.own.lock();
            if let Ok(Counted::Taken(windows)) = counted {
                let mut held = Vec::with_capacity(windows.len());
                for ((demand, told), window) in demands.iter().zip(&told).zip(&windows) {
                    // By the clock before the call: the window ends no later than that.
                    own.taken(&demand.key, told, window, demand.planned, now);
                    let remaining = demand.rate.amount.saturating_sub(window.used);
                    held.push(Held { window: window.id, remaining, left: window.left });
                }
                return Ok(Taken { held, is_alone: false });
            }
            for (demand, told) in demands.iter().zip(&told) {
                own.told(&demand.key, told, heard);
            }
        }
        match counted {
            Ok(Counted::Full { index, left }) => return Err(NoRoom::Full { index, left }),
            // Whoever keeps the connection says what this gateway knows.
            Ok(Counted::Unknown | Counted::Recovering) => self.look.notify_one(),
            Ok(Counted::Taken(_)) => {}
            Err(error) => self.failed(open, &error),
        }
        self.without(demands, Instant::now())
    }

    /// What the policy says about a request that the server did not count.
    fn without(&self, demands: &[Demand], now: Instant) -> Result<Taken, NoRoom> {
        let WhenAway::CountAlone { gateways } = self.when_away else { return Err(NoRoom::Away) };
        self.alone.fetch_add(1, Ordering::Relaxed);
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let new_window = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let taken = self.own.lock().count_alone(demands, gateways, now, new_window);
        self.owes.notify_one();
        taken
    }

    fn settle(&self, changes: &[Change]) {
        let mut own = self.own.lock();
        let mut owes = false;
        for change in changes {
            owes |= own.settle(change);
        }
        if owes {
            self.owes.notify_one();
        }
    }

    fn failed(&self, open: &Arc<Open>, error: &RedisError) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(server = self.link.server, %error, "not counted");
        self.link.give_up(open, error);
    }

    /// Connects, says what this gateway knows where the server may not know it, and lets requests use it. Returns how
    /// long others may still take to report.
    async fn connect(&self) -> RedisResult<Duration> {
        let (mut connection, run) = self.link.connect().await?;
        let reporting = self.counting.greet(&mut connection, &run, REPORT_WITHIN).await?;
        let is_known = self.reported.lock().as_ref().is_some_and(|reported| reported.run == run);
        if !reporting.is_zero() || !is_known {
            self.report(&mut connection, &run).await?;
        }
        self.link.publish(connection, run);
        Ok(reporting)
    }

    /// Says everything that this gateway knows.
    async fn report(&self, connection: &mut MultiplexedConnection, run: &str) -> RedisResult<()> {
        // Whatever fails from here on is reported to the next connection.
        *self.reported.lock() = None;
        let now = Instant::now();
        let reports = self.own.lock().report(now);
        for reports in reports.chunks(SETTLE_AT_ONCE) {
            self.counting.report(connection, reports).await?;
        }
        self.own.lock().reported();
        *self.reported.lock() = Some(Reported { run: run.to_owned(), at: now });
        Ok(())
    }

    /// Sees whether the server is there and still knows what it was told.
    async fn look(&self, open: &Arc<Open>) {
        let mut connection = open.connection();
        let looked = async {
            let left = self.counting.greet(&mut connection, &open.run, REPORT_WITHIN).await?;
            // Saying it twice changes nothing, so that what is not sure is said again.
            let asked_for = REPORT_WITHIN.saturating_sub(left);
            let is_since = |reported: &Reported| reported.at.elapsed() < asked_for;
            if left.is_zero() || self.reported.lock().as_ref().is_some_and(is_since) {
                return Ok(());
            }
            self.report(&mut connection, &open.run).await
        };
        if let Err(error) = looked.await {
            self.failed(open, &error);
        }
    }

    /// Connects again whenever there is no connection. Never ends.
    async fn keep(&self) {
        loop {
            let mut wait = RETRY_FIRST;
            while self.link.open().is_none() {
                match self.connect().await {
                    Ok(_) => {
                        tracing::info!(server = self.link.server, "the server that counts is back");
                    }
                    Err(error) => {
                        tracing::debug!(server = self.link.server, %error, "no connection");
                        tokio::time::sleep(wait).await;
                        wait = (wait * 2).min(RETRY_MOST);
                    }
                }
            }
            tokio::select! {
                () = self.link.lost() => {}
                () = self.look.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Some(open) = self.link.open() {
                self.look(&open).await;
            }
        }
    }

    /// Tells the server what was settled, as soon as there is something. Never ends.
    async fn settle_all(&self) {
        loop {
            if self.own.lock().owes_nothing() {
                self.owes.notified().await;
            }
            let Some(open) = self.link.open() else {
                // One that is made in between is not missed: a notice is kept.
                self.link.made.notified().await;
                continue;
            };
            // Not before: what is in a message that is on its way is not yet settled.
            self.is_settling.store(true, Ordering::Release);
            let told = self.own.lock().owing(SETTLE_AT_ONCE, Instant::now());
            if told.is_empty() {
                self.is_settling.store(false, Ordering::Release);
                continue;
            }
            let settled = self.counting.settle(&mut open.connection(), &told).await;
            let heard = match &settled {
                Ok(true) => Heard::Yes,
                Ok(false) => Heard::No,
                Err(_) => Heard::Perhaps,
            };
            {
                let mut own = self.own.lock();
                for (key, told) in &told {
                    own.told(key, told, heard);
                }
            }
            self.is_settling.store(false, Ordering::Release);
            self.settled.notify_waiters();
            if let Err(error) = settled {
                self.failed(&open, &error);
            }
            if heard != Heard::Yes {
                tokio::time::sleep(SETTLE_AGAIN).await;
            }
        }
    }
}

/// That nothing of what was taken was used.
fn unused(demands: &[Demand], taken: &Taken) -> Vec<Change> {
    let change = |(demand, held): (&Demand, &Held)| Change {
        key: demand.key.clone(),
        window: held.window,
        planned: demand.planned,
        used: 0,
    };
    demands.iter().zip(&taken.held).map(change).collect()
}
