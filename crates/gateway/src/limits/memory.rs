//! Counters in the memory of this process.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bartizan_core::counters::{
    Change, CounterKey, Counters, Demand, Held, NoRoom, Reserving, Taken,
};
use parking_lot::Mutex;

/// Windows that have ended are swept when there are more counters than this, and again when there are twice as
/// many as a sweep has left.
const SWEEP_ABOVE: usize = 100_000;

/// All counters of this process.
#[derive(Debug)]
pub struct MemoryCounters {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    counters: HashMap<CounterKey, Counter>,
    /// Number of the next window, so that no two are mistaken for each other.
    next_window: u64,
    sweep_above: usize,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    window: u64,
    began: Instant,
    length: Duration,
    used: u64,
}

impl Counter {
    fn has_ended(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= self.length
    }

    fn left(&self, now: Instant) -> Duration {
        self.length.saturating_sub(now.saturating_duration_since(self.began))
    }
}

impl Default for MemoryCounters {
    fn default() -> Self {
        let counters = HashMap::new();
        Self { state: Mutex::new(State { counters, next_window: 0, sweep_above: SWEEP_ABOVE }) }
    }
}

impl MemoryCounters {
    /// [`Counters::reserve`], decided at once.
    ///
    /// # Errors
    /// [`NoRoom::Full`].
    pub fn take(&self, demands: &[Demand], now: Instant) -> Result<Taken, NoRoom> {
        let mut state = self.state.lock();
        state.sweep(now);
        let mut after = Vec::with_capacity(demands.len());
        for (index, Demand { key, rate, planned, .. }) in demands.iter().enumerate() {
            let known = state.counters.get(key).filter(|counter| {
                // A policy may have changed the window.
                now.saturating_duration_since(counter.began) < rate.window
            });
            let mut counter = if let Some(counter) = known {
                Counter { length: rate.window, ..*counter }
            } else {
                let window = state.next_window;
                state.next_window = window.wrapping_add(1);
                Counter { window, began: now, length: rate.window, used: 0 }
            };
            counter.used = counter.used.saturating_add(*planned);
            if counter.used > rate.amount {
                return Err(NoRoom::Full { index, left: counter.left(now) });
            }
            after.push(counter);
        }
        let mut held = Vec::with_capacity(demands.len());
        for (Demand { key, rate, .. }, counter) in demands.iter().zip(after) {
            let remaining = rate.amount.saturating_sub(counter.used);
            held.push(Held { window: counter.window, remaining, left: counter.left(now) });
            state.counters.insert(key.clone(), counter);
        }
        Ok(Taken { held, is_alone: false })
    }
}

impl State {
    fn sweep(&mut self, now: Instant) {
        if self.counters.len() > self.sweep_above {
            self.counters.retain(|_, counter| !counter.has_ended(now));
            self.sweep_above = self.counters.len().saturating_mul(2).max(SWEEP_ABOVE);
        }
    }
}

impl Counters for MemoryCounters {
    fn is_shared(&self) -> bool {
        false
    }

    fn reserve(&self, demands: Vec<Demand>, now: Instant) -> Reserving {
        Reserving::Done(self.take(&demands, now))
    }

    fn settle(&self, changes: Vec<Change>) {
        let mut state = self.state.lock();
        for Change { key, window, planned, used } in changes {
            let counter = state.counters.get_mut(&key);
            // A window that has ended owes nothing to the next one.
            if let Some(counter) = counter.filter(|counter| counter.window == window) {
                counter.used = counter.used.saturating_sub(planned).saturating_add(used);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bartizan_core::counters::Unit;
    use bartizan_core::settings::Rate;

    use super::*;

    #[test]
    fn counters_of_windows_that_ended_are_let_go() {
        let counters = MemoryCounters::default();
        let window = Duration::from_secs(60);
        let demand = |whose: usize| {
            let limit = "b-loop".parse().unwrap();
            let (endpoint, whose) = ("e".into(), whose.to_string());
            let key = CounterKey { endpoint, limit, unit: Unit::Requests, whose };
            Demand { key, rate: Rate { amount: 1, window }, planned: 1, is_whole: false }
        };
        let began = Instant::now();
        for whose in 0..SWEEP_ABOVE {
            counters.take(&[demand(whose)], began).unwrap();
        }
        // One that is still open stays, and is still full.
        counters.take(&[demand(SWEEP_ABOVE)], began + window / 2).unwrap();
        counters.take(&[demand(SWEEP_ABOVE + 1)], began + window).unwrap();
        assert_eq!(counters.state.lock().counters.len(), 2);
        assert!(counters.take(&[demand(SWEEP_ABOVE)], began + window).is_err());
    }
}
