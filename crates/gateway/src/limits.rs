//! Rate limits and budgets: reserve before the upstream call, settle after.
//!
//! Each counter is a window that begins with its first use. A request reserves on all counters it
//! touches under one lock, or on none, so that no number of concurrent requests goes over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::settings::{Limit, LimitSubject, Rate, Subject};
use bartizan_core::{Principal, PrincipalKind, RuleId};
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
    const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::NanoUsd => "dollars",
        }
    }
}

/// A limit has no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limit `{limit}` is reached: no more {} for {retry_after_s} s", unit.name())]
pub struct Exhausted {
    /// The limit.
    pub limit: RuleId,
    /// What it counts.
    pub unit: Unit,
    /// Most per window.
    pub amount: u64,
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
        let mut reservation =
            Reservation { taken: Vec::new(), reserved: planned, requests: None, tokens: None };
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
                // A request larger than the whole window may still go when nothing else has.
                if used > rate.amount && (counter.used > 0 || unit == Unit::Requests) {
                    let left = rate.window.saturating_sub(now.duration_since(counter.began));
                    let retry_after_s = left.as_secs_f64().ceil().max(1.0) as u64;
                    let (limit, amount) = (limit.id.clone(), rate.amount);
                    return Err(Exhausted { limit, unit, amount, retry_after_s });
                }
                counter.used = used;
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
    let meant = limit.only.is_empty()
        || limit.only.iter().any(|subject| match subject {
            Subject::Principal(member) => member.kind == caller.kind && member.name == caller.name,
            Subject::Group(group) => caller.groups.contains(group),
        });
    if !meant {
        return None;
    }
    match &limit.per {
        LimitSubject::User => (caller.kind == PrincipalKind::User).then(|| caller.name.clone()),
        LimitSubject::ServicePrincipal => {
            (caller.kind == PrincipalKind::ServicePrincipal).then(|| caller.name.clone())
        }
        LimitSubject::Group(group) => caller.groups.contains(group).then(String::new),
        LimitSubject::Endpoint => Some(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn limit(per: LimitSubject, requests: Option<u64>, tokens: Option<u64>) -> Limit {
        let rate = |amount| Rate { amount, window: Duration::from_secs(60) };
        Limit {
            id: "l-test".parse().unwrap(),
            per,
            only: BTreeSet::new(),
            requests: requests.map(rate),
            tokens: tokens.map(rate),
            nano_usd: None,
        }
    }

    fn user(name: &str) -> Principal {
        Principal { kind: PrincipalKind::User, name: name.to_owned(), groups: Vec::new() }
    }

    #[test]
    fn never_admits_more_than_the_limit_under_concurrency() {
        let limiter = Limiter::default();
        let limits = [limit(LimitSubject::Endpoint, Some(100), None)];
        let endpoint: Arc<str> = "e".into();
        let now = Instant::now();
        let admitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        (0..125)
                            .filter(|_| {
                                limiter
                                    .reserve(&endpoint, &limits, &user("a"), Use::default(), now)
                                    .is_ok()
                            })
                            .count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 100);
    }

    #[test]
    fn users_do_not_share_a_counter_and_windows_end() {
        let limiter = Limiter::default();
        let limits = [limit(LimitSubject::User, Some(1), None)];
        let endpoint: Arc<str> = "e".into();
        let now = Instant::now();
        let ask =
            |name: &str, at| limiter.reserve(&endpoint, &limits, &user(name), Use::default(), at);
        assert!(ask("a", now).is_ok());
        let refused = ask("a", now + Duration::from_millis(500)).unwrap_err();
        assert_eq!(refused.retry_after_s, 60);
        assert!(ask("b", now).is_ok());
        assert!(ask("a", now + Duration::from_secs(60)).is_ok());
    }

    #[test]
    fn a_refused_request_takes_nothing() {
        let limiter = Limiter::default();
        let mut tokens = limit(LimitSubject::Endpoint, None, Some(10));
        tokens.id = "l-tokens".parse().unwrap();
        let limits = [limit(LimitSubject::Endpoint, Some(2), None), tokens];
        let endpoint: Arc<str> = "e".into();
        let now = Instant::now();
        let ask = |tokens| {
            limiter.reserve(&endpoint, &limits, &user("a"), Use { tokens, nano_usd: 0 }, now)
        };
        assert!(ask(5).is_ok());
        assert!(ask(6).is_err());
        assert_eq!(ask(5).unwrap().requests.unwrap().remaining, 0);
    }

    #[test]
    fn settling_gives_back_and_charges_more() {
        let limiter = Limiter::default();
        let limits = [limit(LimitSubject::Endpoint, None, Some(100))];
        let endpoint: Arc<str> = "e".into();
        let now = Instant::now();
        let ask = |tokens| {
            limiter.reserve(&endpoint, &limits, &user("a"), Use { tokens, nano_usd: 0 }, now)
        };
        let first = ask(90).unwrap();
        limiter.settle(&first, Use { tokens: 10, nano_usd: 0 });
        let second = ask(90).unwrap();
        limiter.settle(&second, Use { tokens: 200, nano_usd: 0 });
        assert!(ask(1).is_err());
    }

    proptest! {
        #[test]
        fn reserved_tokens_never_exceed_the_limit(plans in proptest::collection::vec(1u64..50, 1..40)) {
            let limiter = Limiter::default();
            let limits = [limit(LimitSubject::Endpoint, None, Some(100))];
            let endpoint: Arc<str> = "e".into();
            let now = Instant::now();
            let admitted: u64 = plans
                .iter()
                .filter(|tokens| {
                    let planned = Use { tokens: **tokens, nano_usd: 0 };
                    limiter.reserve(&endpoint, &limits, &user("a"), planned, now).is_ok()
                })
                .sum();
            prop_assert!(admitted <= 100);
        }
    }
}
