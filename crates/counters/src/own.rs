//! What this gateway has used of each window that is open, whoever else has used how much.
//!
//! The server that counts for all is told again what it lost, and what it was not told. Where it is away and the
//! policy lets gateways count alone, this is where they do.
//!
//! INVARIANT: whatever is lost on the way, more is charged and never less. What was owed to the server and may have
//! arrived is said again; what the server owes and may have given back is not asked for again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bartizan_core::counters::{Change, CounterKey, Demand, Held, NoRoom, Taken};

use crate::script::Window;

/// Windows that have ended are swept when there are more than this, and again at twice what is left.
const SWEEP_ABOVE: usize = 100_000;
/// A window that ends so soon is as good as over: the clocks of two machines do not agree any better.
const NEARLY_OVER: Duration = Duration::from_millis(50);

/// Counters that this gateway has touched.
#[derive(Debug)]
pub(crate) struct Own {
    counters: HashMap<CounterKey, Counter>,
    /// Counters with something owed, each once.
    owing: Vec<CounterKey>,
    sweep_above: usize,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    window: u64,
    /// What this gateway used in it, what is owed included.
    used: u64,
    /// What all together had used, as the server said last.
    seen: u64,
    /// What the server was not told: above 0 what it has to add, below 0 what it may give back.
    owed: i64,
    ends: Instant,
    /// Whether something was counted here while the server was away.
    is_alone: bool,
    is_listed: bool,
}

/// What the server is told of one counter while it remembers the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    pub(crate) window: u64,
    pub(crate) owed: i64,
    /// Until the window ends; zero where nothing is told.
    pub(crate) left: Duration,
    pub(crate) is_alone: bool,
}

/// What the server is told of one counter when it may have lost its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) window: u64,
    /// What this gateway used.
    pub(crate) used: u64,
    /// What all together had used when the server was last heard.
    pub(crate) seen: u64,
    pub(crate) left: Duration,
    pub(crate) is_alone: bool,
}

/// What became of something that the server was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It was heard.
    Yes,
    /// It was not.
    No,
    /// Nobody knows.
    Perhaps,
}

impl Default for Own {
    fn default() -> Self {
        Self { counters: HashMap::new(), owing: Vec::new(), sweep_above: SWEEP_ABOVE }
    }
}

impl Own {
    /// What to tell the server; from here on it counts as told.
    pub(crate) fn tell(&mut self, key: &CounterKey, now: Instant) -> Told {
        let Some(counter) = self.counters.get_mut(key) else { return Told::default() };
        let owed = std::mem::take(&mut counter.owed);
        let left = counter.ends.saturating_duration_since(now);
        if left < NEARLY_OVER {
            return Told::default();
        }
        let Counter { window, is_alone, .. } = *counter;
        Told { window, owed, left, is_alone }
    }

    /// What became of it.
    pub(crate) fn told(&mut self, key: &CounterKey, told: &Told, heard: Heard) {
        let Some(counter) = self.counters.get_mut(key) else { return };
        if counter.window != told.window || told.left.is_zero() {
            return;
        }
        match heard {
            Heard::Yes => counter.is_alone &= counter.owed > 0,
            Heard::Perhaps if told.owed < 0 => {}
            Heard::No | Heard::Perhaps => {
                counter.owed = counter.owed.saturating_add(told.owed);
                if counter.owed != 0 {
                    self.list(key);
                }
            }
        }
    }

    /// All that is known of windows that are open, to be told in whole; nothing is owed besides.
    pub(crate) fn report(&mut self, now: Instant) -> Vec<(CounterKey, Report)> {
        let mut reports = Vec::new();
        for (key, counter) in &mut self.counters {
            let left = counter.ends.saturating_duration_since(now);
            counter.owed = 0;
            if left >= NEARLY_OVER {
                let Counter { window, used, seen, is_alone, .. } = *counter;
                reports.push((key.clone(), Report { window, used, seen, left, is_alone }));
            }
        }
        reports
    }

    /// Everything was reported and heard.
    pub(crate) fn reported(&mut self) {
        for counter in self.counters.values_mut() {
            counter.is_alone &= counter.owed > 0;
        }
    }

    /// The server has taken room.
    pub(crate) fn taken(
        &mut self,
        key: &CounterKey,
        told: &Told,
        window: &Window,
        planned: u64,
        now: Instant,
    ) {
        self.sweep(now);
        let ends = now + window.left;
        match self.counters.get_mut(key) {
            Some(counter) if counter.window == window.id => {
                counter.used = counter.used.saturating_add(planned);
                counter.seen = window.used;
                counter.ends = ends;
                counter.is_alone &= counter.owed > 0;
            }
            found => {
                // What was counted alone is in the window of the others now.
                let before = if told.is_alone { told.owed } else { 0 };
                let is_listed = found.is_some_and(|counter| counter.is_listed);
                let used = u64::try_from(before).unwrap_or(0).saturating_add(planned);
                let (window, seen) = (window.id, window.used);
                let (owed, is_alone) = (0, false);
                let counter = Counter { window, used, seen, owed, ends, is_alone, is_listed };
                self.counters.insert(key.clone(), counter);
            }
        }
    }

    /// Takes what was not used back, or adds what was used beyond the plan. True when the server has to hear of it.
    pub(crate) fn settle(&mut self, change: &Change) -> bool {
        let Some(counter) = self.counters.get_mut(&change.key) else { return false };
        if counter.window != change.window || change.used == change.planned {
            return false;
        }
        counter.used = counter.used.saturating_sub(change.planned).saturating_add(change.used);
        let signed = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
        let delta = signed(change.used).saturating_sub(signed(change.planned));
        counter.owed = counter.owed.saturating_add(delta);
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
        for (index, Demand { key, rate, planned }) in demands.iter().enumerate() {
            let share = rate.amount / u64::from(gateways.max(1));
            let open = self.counters.get(key).filter(|counter| counter.ends > now);
            let mut counter = open.copied().unwrap_or(Counter {
                window: new_window,
                used: 0,
                seen: 0,
                owed: 0,
                ends: now + rate.window,
                is_alone: true,
                is_listed: self.counters.get(key).is_some_and(|counter| counter.is_listed),
            });
            counter.used = counter.used.saturating_add(*planned);
            if counter.used > share {
                return Err(NoRoom::Full { index, left: counter.ends.duration_since(now) });
            }
            let planned = i64::try_from(*planned).unwrap_or(i64::MAX);
            counter.owed = counter.owed.saturating_add(planned);
            counter.is_alone = true;
            after.push((counter, share));
        }
        let mut held = Vec::with_capacity(demands.len());
        for (Demand { key, .. }, (counter, share)) in demands.iter().zip(after) {
            let remaining = share.saturating_sub(counter.used);
            let left = counter.ends.duration_since(now);
            held.push(Held { window: counter.window, remaining, left });
            self.counters.insert(key.clone(), counter);
            self.list(key);
        }
        Ok(Taken { held, is_alone: true })
    }

    /// Some of the counters with something owed, and what to tell; they count as told.
    pub(crate) fn owing(&mut self, most: usize, now: Instant) -> Vec<(CounterKey, Told)> {
        let rest = self.owing.split_off(most.min(self.owing.len()));
        let keys = std::mem::replace(&mut self.owing, rest);
        let mut told = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(counter) = self.counters.get_mut(&key) else { continue };
            counter.is_listed = false;
            if counter.owed != 0 {
                let telling = self.tell(&key, now);
                if !telling.left.is_zero() {
                    told.push((key, telling));
                }
            }
        }
        told
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

#[cfg(test)]
mod tests;
