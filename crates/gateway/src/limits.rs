//! Rate limits and budgets: reserve before the upstream call, settle after.
//!
//! Each counter is a window that begins with its first use. A request reserves on all counters it
//! touches under one lock, or on none, so that no number of concurrent requests goes over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::settings::{Limit, LimitSubject, Rate};
use bartizan_core::{Principal, RuleId};
use parking_lot::Mutex;

/// Expired windows are swept when there are more counters than this.
const SWEEP_ABOVE: usize = 100_000;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Tokens of prompt and answer.
    Tokens,
    /// 10⁻⁹ US dollars.
    NanoUsd,
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::NanoUsd => "dollars",
        }
    }

    /// An amount for people.
    fn written(self, amount: u64) -> String {
        match self {
            Self::Requests | Self::Tokens => amount.to_string(),
            Self::NanoUsd => format!("{:.4}", amount as f64 / 1e9),
        }
    }
}

/// A limit has no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Exhausted {
    /// The limit.
    pub limit: RuleId,
    /// What it counts.
    pub unit: Unit,
    /// Most per window.
    pub amount: u64,
    /// Most that the request may use.
    pub planned: u64,
    /// Whole seconds until the window ends, at least 1.
    pub retry_after_s: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    endpoint: Arc<str>,
    limit: RuleId,
    unit: Unit,
    /// Whose counter; empty where all share one.
    whose: String,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    began: Instant,
    window: Duration,
    used: u64,
}

/// All counters of this process.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    counters: Mutex<HashMap<Key, Counter>>,
}

/// What a request will use, as far as is known before it is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) tokens: u64,
    pub(crate) nano_usd: u64,
}

impl Use {
    const fn of(self, unit: Unit) -> u64 {
        match unit {
            Unit::Requests => 1,
            Unit::Tokens => self.tokens,
            Unit::NanoUsd => self.nano_usd,
        }
    }
}

/// Room that was taken; give back what was not used with [`Limiter::settle`].
#[derive(Debug)]
pub(crate) struct Reservation {
    taken: Vec<(Key, Instant)>,
    /// What was planned.
    pub(crate) reserved: Use,
    /// The tightest requests and tokens windows, for `x-ratelimit-*`.
    pub(crate) requests: Option<Room>,
    pub(crate) tokens: Option<Room>,
    /// Limits that are used beyond their soft share.
    pub(crate) near: Vec<Near>,
}

/// A limit that is used beyond its soft share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Near {
    pub(crate) limit: RuleId,
    pub(crate) unit: Unit,
    /// How much of it is used, what was just reserved included: 1..=100.
    pub(crate) percent: u8,
}

/// State of one counter after a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Most per window.
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset: Duration,
}

impl Exhausted {
    /// Whether the request is refused in any window, so that waiting does not help.
    pub(crate) const fn is_for_ever(&self) -> bool {
        self.planned > self.amount
    }

    fn message(&self) -> String {
        let Self { limit, unit, retry_after_s, .. } = self;
        let what = unit.name();
        if !self.is_for_ever() {
            return format!("limit `{limit}` is reached: no more {what} for {retry_after_s} s");
        }
        let (planned, amount) = (unit.written(self.planned), unit.written(self.amount));
        format!(
            "limit `{limit}` allows {amount} {what} in all, and this request may use {planned}: shorten it, or lower the most that the answer may take (`max_tokens` and the like)"
        )
    }

    /// The counter as it stands, with the unit it counts.
    pub(crate) const fn room(&self) -> Room {
        Room { limit: self.amount, remaining: 0, reset: Duration::from_secs(self.retry_after_s) }
    }
}

impl Limiter {
    /// Takes room on every counter that the caller touches, or on none.
    pub(crate) fn reserve(
        &self,
        endpoint: &Arc<str>,
        limits: &[Limit],
        caller: &Principal,
        planned: Use,
        now: Instant,
    ) -> Result<Reservation, Exhausted> {
        let mut reservation = Reservation {
            taken: Vec::new(),
            reserved: planned,
            requests: None,
            tokens: None,
            near: Vec::new(),
        };
        if limits.is_empty() {
            return Ok(reservation);
        }
        let mut counters = self.counters.lock();
        if counters.len() > SWEEP_ABOVE {
            counters.retain(|_, counter| now.duration_since(counter.began) < counter.window);
        }
        let mut planned_counts: Vec<(Key, Counter, Rate)> = Vec::new();
        for limit in limits {
            let Some(whose) = whose(limit, caller) else { continue };
            for (unit, rate) in rates(limit) {
                let key = Key {
                    endpoint: Arc::clone(endpoint),
                    limit: limit.id.clone(),
                    unit,
                    whose: whose.clone(),
                };
                let fresh = Counter { began: now, window: rate.window, used: 0 };
                let mut counter = match counters.get(&key) {
                    Some(counter) if now.duration_since(counter.began) < rate.window => *counter,
                    _ => fresh,
                };
                let used = counter.used.saturating_add(planned.of(unit));
                if used > rate.amount {
                    let left = rate.window.saturating_sub(now.duration_since(counter.began));
                    let retry_after_s = left.as_secs_f64().ceil().max(1.0) as u64;
                    let (limit, amount) = (limit.id.clone(), rate.amount);
                    let planned = planned.of(unit);
                    return Err(Exhausted { limit, unit, amount, planned, retry_after_s });
                }
                counter.used = used;
                // Amounts are above 0, and what is used is no more than they are.
                let percent = (u128::from(used) * 100 / u128::from(rate.amount.max(1))) as u8;
                if limit.soft_percent.is_some_and(|soft| percent >= soft) {
                    reservation.near.push(Near { limit: limit.id.clone(), unit, percent });
                }
                planned_counts.push((key, counter, rate));
            }
        }
        for (key, counter, rate) in planned_counts {
            let room = Room {
                limit: rate.amount,
                remaining: rate.amount.saturating_sub(counter.used),
                reset: rate.window.saturating_sub(now.duration_since(counter.began)),
            };
            let tightest = match key.unit {
                Unit::Requests => Some(&mut reservation.requests),
                Unit::Tokens => Some(&mut reservation.tokens),
                Unit::NanoUsd => None,
            };
            if let Some(slot) = tightest
                && slot.is_none_or(|other| room.remaining < other.remaining)
            {
                *slot = Some(room);
            }
            reservation.taken.push((key.clone(), counter.began));
            counters.insert(key, counter);
        }
        Ok(reservation)
    }

    /// Replaces what was planned by what was used. More than planned is charged as well.
    pub(crate) fn settle(&self, reservation: &Reservation, used: Use) {
        if reservation.taken.is_empty() {
            return;
        }
        let mut counters = self.counters.lock();
        for (key, began) in &reservation.taken {
            let Some(counter) = counters.get_mut(key).filter(|counter| counter.began == *began)
            else {
                // The window has ended; the next one owes nothing.
                continue;
            };
            let planned = reservation.reserved.of(key.unit);
            counter.used = counter.used.saturating_sub(planned).saturating_add(used.of(key.unit));
        }
    }
}

fn rates(limit: &Limit) -> impl Iterator<Item = (Unit, Rate)> {
    [
        (Unit::Requests, limit.requests),
        (Unit::Tokens, limit.tokens),
        (Unit::NanoUsd, limit.nano_usd),
    ]
    .into_iter()
    .filter_map(|(unit, rate)| Some((unit, rate?)))
}

/// Whose counter a limit uses for this caller; none when the limit is not about the caller.
fn whose(limit: &Limit, caller: &Principal) -> Option<String> {
    limit.counts(caller).then(|| match &limit.per {
        LimitSubject::User | LimitSubject::ServicePrincipal => caller.name.clone(),
        LimitSubject::Group(_) | LimitSubject::Endpoint => String::new(),
    })
}

#[cfg(test)]
mod tests;
