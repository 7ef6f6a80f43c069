//! What this gateway has used of each window that is open, and what it has seen of others.
//!
//! The server that counts for all is told again what it lost. Where it is away and the policy lets gateways count
//! alone, this is where they do.
//!
//! INVARIANT: whatever is lost on the way, more is charged and never less. What this gateway settled is told as a
//! whole and numbered, so that it may be told any number of times and in any order. What the server has planned for
//! a request whose answer was lost stays charged: nobody knows whether it did.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bartizan_core::counters::{Change, CounterKey, Demand, Held, NoRoom, Taken};

use crate::script::{EXACT, Window};

/// Windows that have ended are swept when there are more than this, and again at twice what is left.
const SWEEP_ABOVE: usize = 100_000;
/// A window that ends so soon is as good as over: the clocks of two machines do not agree any better.
const NEARLY_OVER: Duration = Duration::from_millis(50);
/// A window that had more than this left, and has another one in its place, was lost and not over.
const PLENTY: Duration = Duration::from_secs(1);
/// Most that is ever settled: what sums of it still count exactly.
const SETTLED_MOST: i64 = EXACT.cast_signed();

/// Counters that this gateway has touched.
#[derive(Debug)]
pub(crate) struct Own {
    counters: HashMap<CounterKey, Counter>,
    /// Counters of which the server has to hear, each once.
    owing: Vec<CounterKey>,
    /// Number of the last message about any counter.
    number: u64,
    /// How often everything was reported.
    reports: u64,
    sweep_above: usize,
}

#[derive(Debug, Clone)]
struct Counter {
    window: u64,
    /// What the server has planned for this gateway, as far as it was heard.
    planned: u64,
    /// By how much what was used differs from that.
    settled: i64,
    /// What of `settled` the server is known to have heard.
    heard: i64,
    ends: Instant,
    /// What others had used when they were last seen.
    others: Vec<(u64, u64)>,
    /// There was no room for something until then.
    full_until: Option<Instant>,
    /// Whether something was counted here while the server was away.
    is_alone: bool,
    is_listed: bool,
}

/// What the server is told of one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    pub(crate) window: u64,
    pub(crate) planned: u64,
    pub(crate) settled: i64,
    pub(crate) number: u64,
    /// Until the window ends; zero where nothing is told.
    pub(crate) left: Duration,
    pub(crate) is_alone: bool,
    /// Reports before it was told.
    reports: u64,
}

/// What the server is told of one counter when it may have lost its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) told: Told,
    pub(crate) others: Vec<(u64, u64)>,
}

impl Default for Own {
    fn default() -> Self {
        let (counters, owing) = (HashMap::new(), Vec::new());
        Self { counters, owing, number: 0, reports: 0, sweep_above: SWEEP_ABOVE }
    }
}

impl Counter {
    fn new(window: u64, ends: Instant, before: Option<&Self>) -> Self {
        Self {
            window,
            planned: 0,
            settled: 0,
            heard: 0,
            ends,
            others: Vec::new(),
            full_until: None,
            is_alone: false,
            is_listed: before.is_some_and(|before| before.is_listed),
        }
    }

    /// What this gateway used.
    fn used(&self) -> u64 {
        self.planned.saturating_add_signed(self.settled)
    }

    fn settle(&mut self, delta: i64) {
        self.settled = self.settled.saturating_add(delta).clamp(-SETTLED_MOST, SETTLED_MOST);
    }
}

impl Own {
    /// What to tell the server.
    pub(crate) fn tell(&mut self, key: &CounterKey, now: Instant) -> Told {
        self.number += 1;
        let (number, reports) = (self.number, self.reports);
        let nothing = Told { number, reports, ..Told::default() };
        let Some(counter) = self.counters.get(key) else { return nothing };
        let left = counter.ends.saturating_duration_since(now);
        if left < NEARLY_OVER {
            return nothing;
        }
        let Counter { window, planned, settled, is_alone, .. } = *counter;
        Told { window, planned, settled, number, left, is_alone, reports }
    }

    /// Whether the server has heard it.
    pub(crate) fn told(&mut self, key: &CounterKey, told: &Told, is_heard: bool) {
        let Some(counter) = self.counters.get_mut(key) else { return };
        if counter.window != told.window || told.left.is_zero() {
            return;
        }
        if is_heard {
            counter.heard = told.settled;
            counter.is_alone &= counter.settled != told.settled;
        }
        if counter.heard != counter.settled {
            self.list(key);
        }
    }

    /// Gives up telling the server of a counter: it cannot be told.
    pub(crate) fn leave(&mut self, key: &CounterKey) {
        if let Some(counter) = self.counters.get_mut(key) {
            counter.heard = counter.settled;
        }
    }

    /// All that is known of windows that are open.
    pub(crate) fn report(&mut self, now: Instant) -> Vec<(CounterKey, Report)> {
        self.reports += 1;
        let keys: Vec<CounterKey> = self.counters.keys().cloned().collect();
        let mut reports = Vec::with_capacity(keys.len());
        for key in keys {
            let told = self.tell(&key, now);
            if let Some(counter) = self.counters.get(&key)
                && !told.left.is_zero()
            {
                let others = counter.others.clone();
                reports.push((key, Report { told, others }));
            }
        }
        reports
    }

    /// The server has taken room.
    pub(crate) fn taken(
        &mut self,
        key: &CounterKey,
        told: &Told,
        window: Window,
        planned: u64,
        now: Instant,
    ) {
        self.sweep(now);
        let ends = now + window.left;
        let reports = self.reports;
        let Some(counter) = self.counters.get_mut(key) else {
            let mut counter = Counter::new(window.id, ends, None);
            counter.adopt(window);
            self.counters.insert(key.clone(), counter);
            return;
        };
        if counter.window == window.id {
            if told.reports == reports {
                counter.planned = counter.planned.saturating_add(planned);
            } else {
                // Everything was reported in between, and this was not in it.
                counter.settle(signed(planned));
            }
            if told.window == window.id {
                counter.heard = told.settled;
            }
            counter.is_alone &= counter.settled != told.settled;
            (counter.ends, counter.others) = (ends, window.others);
        } else if window.id > counter.window || counter.ends <= now || counter.is_alone {
            let before = counter.clone();
            let mut after = Counter::new(window.id, ends, Some(&before));
            after.adopt(window);
            // What was counted alone, and a window that was lost before its time, are charged to this one.
            if before.is_alone || before.ends.saturating_duration_since(now) > PLENTY {
                after.settle(signed(before.used()));
            }
            *counter = after;
        }
        // A reply about a window before this one is late, and changes nothing.
        if self.counters.get(key).is_some_and(|counter| counter.heard != counter.settled) {
            self.list(key);
        }
    }

    /// What was counted alone in a window of this gateway's own goes to the one that others began.
    pub(crate) fn move_to(&mut self, key: &CounterKey, told: &Told, window: Window, now: Instant) {
        let Some(before) = self.counters.get(key).cloned() else { return };
        // Another message may have moved it already.
        if before.window != told.window {
            return;
        }
        let mut after = Counter::new(window.id, now + window.left, Some(&before));
        after.adopt(window);
        after.settle(signed(before.used()));
        self.counters.insert(key.clone(), after);
        self.list(key);
    }

    /// The server has no room for so long.
    pub(crate) fn full(&mut self, key: &CounterKey, left: Duration, now: Instant) {
        if let Some(counter) = self.counters.get_mut(key) {
            counter.full_until = Some(now + left);
        }
    }

    /// Takes what was not used back, or adds what was used beyond the plan. True when the server has to hear of it.
    pub(crate) fn settle(&mut self, change: &Change) -> bool {
        let Some(counter) = self.counters.get_mut(&change.key) else { return false };
        if counter.window != change.window || change.used == change.planned {
            return false;
        }
        counter.settle(signed(change.used).saturating_sub(signed(change.planned)));
        self.list(&change.key);
        true
    }

    /// Takes room here, up to an equal share of each limit, on every counter or on none.
    pub(crate) fn count_alone(
        &mut self,
        demands: &[Demand],
        gateways: u32,
        now: Instant,
        new_window: u64,
    ) -> Result<Taken, NoRoom> {
        self.sweep(now);
        let mut after = Vec::with_capacity(demands.len());
        for (index, Demand { key, rate, planned, is_whole }) in demands.iter().enumerate() {
            // What happens once does not come in shares.
            let share =
                if *is_whole { rate.amount } else { rate.amount / u64::from(gateways.max(1)) };
            let known = self.counters.get(key);
            let mut counter = match known.filter(|counter| counter.ends > now) {
                Some(open) => open.clone(),
                None => Counter::new(new_window, now + rate.window, known),
            };
            let left = counter.ends.duration_since(now);
            counter.settle(signed(*planned));
            let others: u64 = counter.others.iter().map(|(_, used)| *used).sum();
            let is_full = counter.full_until.is_some_and(|until| until > now);
            // What others were seen to use is gone as well.
            let room = share.min(rate.amount.saturating_sub(others));
            if is_full || *planned > EXACT || counter.used() > room {
                return Err(NoRoom::Full { index, left });
            }
            counter.is_alone = true;
            after.push((counter, room, left));
        }
        let mut held = Vec::with_capacity(demands.len());
        for (Demand { key, .. }, (counter, room, left)) in demands.iter().zip(after) {
            let remaining = room.saturating_sub(counter.used());
            held.push(Held { window: counter.window, remaining, left });
            self.counters.insert(key.clone(), counter);
            self.list(key);
        }
        Ok(Taken { held, is_alone: true })
    }

    /// Some of the counters of which the server has to hear, and what to tell.
    pub(crate) fn owing(&mut self, most: usize, now: Instant) -> Vec<(CounterKey, Told)> {
        let rest = self.owing.split_off(most.min(self.owing.len()));
        let keys = std::mem::replace(&mut self.owing, rest);
        let mut telling = Vec::with_capacity(keys.len());
        for key in keys {
            let told = self.tell(&key, now);
            let Some(counter) = self.counters.get_mut(&key) else { continue };
            counter.is_listed = false;
            if counter.heard != counter.settled && !told.left.is_zero() {
                telling.push((key, told));
            }
        }
        telling
    }

    /// Whether the server has heard of everything that it has to.
    pub(crate) fn owes_nothing(&self) -> bool {
        self.owing.is_empty()
    }

    fn list(&mut self, key: &CounterKey) {
        if let Some(counter) = self.counters.get_mut(key)
            && !std::mem::replace(&mut counter.is_listed, true)
        {
            self.owing.push(key.clone());
        }
    }

    fn sweep(&mut self, now: Instant) {
        if self.counters.len() > self.sweep_above {
            self.counters.retain(|_, counter| counter.ends > now);
            let counters = &self.counters;
            self.owing.retain(|key| counters.contains_key(key));
            self.sweep_above = self.counters.len().saturating_mul(2).max(SWEEP_ABOVE);
        }
    }
}

impl Counter {
    /// Begins with what the server says about this gateway in a window that is new to it.
    fn adopt(&mut self, window: Window) {
        let Window { planned, settled, others, .. } = window;
        (self.planned, self.settled, self.heard, self.others) = (planned, settled, settled, others);
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX).min(SETTLED_MOST)
}

#[cfg(test)]
mod tests;
