//! [`Counters`] that several gateways share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bartizan_core::counters::{
    Change, CounterKey, Counters, Demand, Held, NoRoom, Reserving, Taken,
};
use bartizan_core::settings::{Redis, WhenAway};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::connection::{Link, Open};
use crate::error::CountersError;
use crate::own::{Own, Told};
use crate::script::{Counted, Counting, Greeted};

/// Most counters in one message that settles or reports.
const AT_ONCE: usize = 128;
/// Wait before settling again after a message was lost.
const SETTLE_AGAIN: Duration = Duration::from_millis(100);
/// First wait before another try to connect, doubled after each that fails.
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// Longest wait before another try.
const RETRY_MOST: Duration = Duration::from_millis(500);
/// Least time that gateways have to report to a server that lost its memory: one that tries to connect all the time is
/// there within a try and a wait, with as much again to report.
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
    /// The generation of the server that everything was reported to; none is 0.
    generation: AtomicU64,
    /// How long gateways have to report to a server that lost its memory.
    report_within: Duration,
    /// Whether the last call was answered.
    is_well: AtomicBool,
    /// Told when the server seems to have forgotten something.
    look: Notify,
    owes: Notify,
    is_settling: AtomicBool,
    /// Told whenever something that was on its way has arrived, or not.
    settled: Notify,
    failures: AtomicU64,
    alone: AtomicU64,
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
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(CountersError::Random)?;
        let shared = Arc::new(Inner {
            link: Link::new(settings)?,
            counting: Counting::new(&settings.prefix, u64::from_le_bytes(random)),
            when_away: settings.when_away,
            own: Mutex::default(),
            generation: AtomicU64::new(0),
            report_within: REPORT_WITHIN.max(settings.timeout * 2 + RETRY_MOST * 2),
            is_well: AtomicBool::new(false),
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
            is_up: self.shared.link.open().is_some() && self.shared.is_well.load(Ordering::Relaxed),
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
    fn is_shared(&self) -> bool {
        true
    }

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

    /// Asks, and again where something that was counted alone had to be moved first.
    async fn ask_once(&self, open: &Arc<Open>, demands: &[Demand]) -> Result<Taken, NoRoom> {
        for _ in 0..=demands.len() {
            if let Some(decided) = self.try_once(open, demands).await {
                return decided;
            }
        }
        self.without(demands, Instant::now())
    }

    async fn try_once(
        &self,
        open: &Arc<Open>,
        demands: &[Demand],
    ) -> Option<Result<Taken, NoRoom>> {
        let now = Instant::now();
        let told: Vec<Told> = {
            let mut own = self.own.lock();
            demands.iter().map(|demand| own.tell(&demand.key, now)).collect()
        };
        let generation = self.generation();
        let counted =
            self.counting.reserve(&mut open.connection(), generation, demands, &told).await;
        {
            let mut own = self.own.lock();
            match counted {
                Ok(Counted::Taken(windows)) => {
                    let mut held = Vec::with_capacity(windows.len());
                    for ((demand, told), window) in demands.iter().zip(&told).zip(windows) {
                        let remaining = demand.rate.amount.saturating_sub(window.used);
                        held.push(Held { window: window.id, remaining, left: window.left });
                        // By the clock before the call: the window ends no later than that.
                        own.taken(&demand.key, told, window, demand.planned, now);
                    }
                    self.is_well.store(true, Ordering::Relaxed);
                    return Some(Ok(Taken { held, is_alone: false }));
                }
                Ok(Counted::Full { index, left }) => {
                    for (demand, told) in demands.iter().zip(&told) {
                        own.told(&demand.key, told, true);
                    }
                    if let Some(demand) = demands.get(index) {
                        own.full(&demand.key, left, now);
                    }
                    self.is_well.store(true, Ordering::Relaxed);
                    return Some(Err(NoRoom::Full { index, left }));
                }
                Ok(Counted::Elsewhere { index, window }) => {
                    if let (Some(demand), Some(told)) = (demands.get(index), told.get(index)) {
                        own.move_to(&demand.key, told, window, now);
                    }
                    return None;
                }
                // Whoever keeps the connection says what this gateway knows.
                Ok(Counted::Unknown | Counted::Recovering) => self.look.notify_one(),
                Err(error) => self.failed(open, &error),
            }
        }
        Some(self.without(demands, Instant::now()))
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
        if !is_about_keys(error) {
            self.is_well.store(false, Ordering::Relaxed);
        }
        tracing::debug!(server = self.link.server, %error, "not counted");
        self.link.give_up(open, error);
    }

    /// The generation of the server that everything was reported to; none is 0.
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Connects, says what this gateway knows where the server may not know it, and lets requests use it. Returns how
    /// long others may still take to report.
    async fn connect(&self) -> RedisResult<Duration> {
        let (mut connection, run) = self.link.connect().await?;
        let reporting = self.greet(&mut connection, &run).await?;
        self.link.publish(connection, run);
        self.is_well.store(true, Ordering::Relaxed);
        Ok(reporting)
    }

    /// Greets the server, and says everything that this gateway knows to one of another generation.
    async fn greet(
        &self,
        connection: &mut MultiplexedConnection,
        run: &str,
    ) -> RedisResult<Duration> {
        let Greeted { generation, reporting } =
            self.counting.greet(connection, run, self.report_within).await?;
        if generation != self.generation() {
            let reports = self.own.lock().report(Instant::now());
            for reports in reports.chunks(AT_ONCE) {
                self.counting.report(connection, generation, reports).await?;
            }
            let mut own = self.own.lock();
            for (key, report) in &reports {
                own.told(key, &report.told, true);
            }
            // Only now: until then requests say that they do not know this one.
            self.generation.store(generation, Ordering::Release);
        }
        Ok(reporting)
    }

    /// Sees whether the server is there, takes writes and still knows what it was told.
    async fn look(&self, open: &Arc<Open>) {
        match self.greet(&mut open.connection(), &open.run).await {
            Ok(_) => self.is_well.store(true, Ordering::Relaxed),
            Err(error) => self.failed(open, &error),
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
            let told = self.own.lock().owing(AT_ONCE, Instant::now());
            if told.is_empty() {
                self.is_settling.store(false, Ordering::Release);
                continue;
            }
            let generation = self.generation();
            let mut connection = open.connection();
            let settled = self.counting.settle(&mut connection, generation, &told).await;
            let is_heard = matches!(settled, Ok(Counted::Taken(_)));
            {
                let mut own = self.own.lock();
                if let Ok(Counted::Elsewhere { index, window }) = &settled
                    && let Some((key, told)) = told.get(*index)
                {
                    own.move_to(key, told, window.clone(), Instant::now());
                }
                for (key, told) in &told {
                    own.told(key, told, is_heard);
                }
            }
            self.is_settling.store(false, Ordering::Release);
            self.settled.notify_waiters();
            match settled {
                Ok(Counted::Taken(_) | Counted::Elsewhere { .. }) => continue,
                Ok(_) => self.look.notify_one(),
                Err(error) => {
                    self.failed(&open, &error);
                    if is_about_keys(&error) {
                        self.settle_singly(&mut connection, &told).await;
                    }
                }
            }
            tokio::time::sleep(SETTLE_AGAIN).await;
        }
    }

    /// One counter that cannot be told of keeps none of the others from being told.
    async fn settle_singly(
        &self,
        connection: &mut MultiplexedConnection,
        told: &[(CounterKey, Told)],
    ) {
        for one in told {
            let alone = std::slice::from_ref(one);
            let settled = self.counting.settle(connection, self.generation(), alone).await;
            let (key, told) = one;
            let mut own = self.own.lock();
            match settled {
                Ok(settled) => own.told(key, told, matches!(settled, Counted::Taken(_))),
                Err(error) if is_about_keys(&error) => own.leave(key),
                Err(_) => return,
            }
        }
    }
}

/// Whether the server counts, and cannot count this: there is something else where a counter should be.
fn is_about_keys(error: &RedisError) -> bool {
    error.code().is_some_and(|code| matches!(code, "WRONGTYPE" | "ERR"))
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
