//! Rate limits and budgets: reserve before the upstream call, settle after.
//!
//! This room knows which counters a request touches; who keeps them is a choice of the policy
//! ([`Counters`]).

mod memory;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::access::TokenBounds;
use bartizan_core::counters::{Change, CounterKey, Counters, Demand, Held, NoRoom, Taken, Unit};
use bartizan_core::settings::{Limit, LimitSubject, Rate};
use bartizan_core::{Principal, RuleId, Tags};

use crate::auth::Caller;
use crate::brakes::{Braked, Counted};

pub use memory::MemoryCounters;

/// Names the budget of a short token among limits.
pub(crate) const TOKEN_BUDGET: &str = "token-budget";
/// Names the proof of a short token among limits.
pub(crate) const TOKEN_PROOF: &str = "token-proof";
/// As long as no short token lives: what was used of its budget is not forgotten before it ends.
const TOKEN_WINDOW: Duration = Duration::from_secs(20 * 60);
/// Longer than a proof is good.
const PROOF_WINDOW: Duration = Duration::from_secs(3 * 60);

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

/// Why a request gets no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A limit has none.
    Exhausted(Exhausted),
    /// A brake counted too much.
    Braked(Braked),
    /// The limits are counted elsewhere, and nobody answers there.
    Uncounted,
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

/// Room that was taken; give back what was not used with [`settle`].
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    taken: Vec<(CounterKey, u64)>,
    /// What was planned.
    pub(crate) reserved: Use,
    /// The tightest requests and tokens windows, for `x-ratelimit-*`.
    pub(crate) requests: Option<Room>,
    pub(crate) tokens: Option<Room>,
    /// Limits that are used beyond their soft share.
    pub(crate) near: Vec<Near>,
    /// Places of brakes, among those that were counted, that the request goes over and that do not stop it.
    pub(crate) over: Vec<usize>,
    /// Whether this process counted alone, where several should have counted together.
    pub(crate) is_alone: bool,
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
        let (planned, amount) = (written(*unit, self.planned), written(*unit, self.amount));
        format!(
            "limit `{limit}` allows {amount} {what} in all, and this request may use {planned}: shorten it, or lower the most that the answer may take (`max_tokens` and the like)"
        )
    }

    /// The counter as it stands, with the unit it counts.
    pub(crate) const fn room(&self) -> Room {
        Room { limit: self.amount, remaining: 0, reset: Duration::from_secs(self.retry_after_s) }
    }
}

/// Limits that stand before an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits<'l> {
    pub(crate) endpoint: &'l Arc<str>,
    /// Those of the endpoint.
    pub(crate) own: &'l [Limit],
    /// Those over all endpoints.
    pub(crate) over_all: &'l [Limit],
}

impl<'l> Limits<'l> {
    fn all(self) -> impl Iterator<Item = &'l Limit> {
        self.over_all.iter().chain(self.own)
    }
}

/// Takes room on every counter that the caller touches, or on none.
pub(crate) async fn reserve(
    counters: &dyn Counters,
    limits: Limits<'_>,
    brakes: &[Counted<'_>],
    caller: &Caller,
    planned: Use,
) -> Result<Reservation, Refused> {
    let mut wanted: Vec<Demand> =
        brakes.iter().map(|counted| brake_demand(limits.endpoint, counted, planned)).collect();
    wanted.extend(demands(limits, &caller.principal, &caller.tags, planned));
    if let Some(token) = &caller.token {
        wanted.extend(token_demands(token, planned, counters.is_shared()));
    }
    let nothing = || Reservation { reserved: planned, ..Reservation::default() };
    if wanted.is_empty() {
        return Ok(nothing());
    }
    let is_watched = wanted.len() == brakes.len() && brakes.iter().all(|it| !it.brake.stops());
    match counters.reserve(wanted.clone(), Instant::now()).decided().await {
        Ok(taken) => Ok(reservation(limits, brakes, wanted, &taken, planned)),
        // What only watches holds nobody up.
        Err(NoRoom::Away) if is_watched => Ok(Reservation { is_alone: true, ..nothing() }),
        Err(none) => Err(refused(brakes, &wanted, none)),
    }
}

/// [`reserve`] at a moment that the caller names, in the memory of this process, without brakes.
pub(crate) fn reserve_at(
    counters: &MemoryCounters,
    limits: Limits<'_>,
    caller: &Principal,
    tags: &Tags,
    planned: Use,
    now: Instant,
) -> Result<Reservation, Refused> {
    let wanted = demands(limits, caller, tags, planned);
    match counters.take(&wanted, now) {
        Ok(taken) => Ok(reservation(limits, &[], wanted, &taken, planned)),
        Err(none) => Err(refused(&[], &wanted, none)),
    }
}

/// Replaces what was planned by what was used. More than planned is charged as well.
pub(crate) fn settle(counters: &dyn Counters, reservation: &Reservation, used: Use) {
    let change = |(key, window): &(CounterKey, u64)| Change {
        planned: reservation.reserved.of(key.unit),
        used: used.of(key.unit),
        key: key.clone(),
        window: *window,
    };
    let changes: Vec<Change> = reservation.taken.iter().map(change).collect();
    if changes.iter().any(|change| change.planned != change.used) {
        counters.settle(changes);
    }
}

fn demands(limits: Limits<'_>, caller: &Principal, tags: &Tags, planned: Use) -> Vec<Demand> {
    let mut demands = Vec::new();
    // No endpoint has an empty name.
    let nowhere: Arc<str> =
        if limits.over_all.is_empty() { Arc::clone(limits.endpoint) } else { "".into() };
    let over_all = limits.over_all.iter().map(|limit| (&nowhere, limit));
    for (endpoint, limit) in over_all.chain(limits.own.iter().map(|own| (limits.endpoint, own))) {
        let Some(whose) = whose(limit, caller, tags) else { continue };
        for (unit, rate) in rates(limit) {
            let (endpoint, limit) = (Arc::clone(endpoint), limit.id.clone());
            let key = CounterKey { endpoint, limit, unit, whose: whose.clone() };
            let planned = planned.of(unit);
            demands.push(Demand { key, rate, planned, is_whole: false });
        }
    }
    demands
}

/// What a brake asks for.
fn brake_demand(endpoint: &Arc<str>, counted: &Counted<'_>, planned: Use) -> Demand {
    let (endpoint, limit) = (Arc::clone(endpoint), counted.brake.id.clone());
    let (unit, whose) = (counted.unit, counted.whose.clone());
    let key = CounterKey { endpoint, limit, unit, whose };
    // Where gateways count alone, whoever only watches sees all that it knows of.
    let is_whole = !counted.brake.stops();
    Demand { key, rate: counted.ceiling(), planned: planned.of(unit), is_whole }
}

/// What a short token asks for: its budgets, and that its proof is used once. Whoever recognises callers sees to that
/// inside this process, so that it is counted only where others could take the proof as well.
fn token_demands(token: &TokenBounds, planned: Use, is_shared: bool) -> Vec<Demand> {
    let mut demands = Vec::new();
    let mut demand = |limit: &str, unit, whose: &str, amount, planned, window| {
        // Both are ids.
        let limit_is_proof = limit == TOKEN_PROOF;
        let Ok(limit) = limit.parse() else { return };
        let key = CounterKey { endpoint: "".into(), limit, unit, whose: whose.to_owned() };
        let is_whole = limit_is_proof;
        demands.push(Demand { key, rate: Rate { amount, window }, planned, is_whole });
    };
    if let (Some(proof), true) = (&token.proof, is_shared) {
        demand(TOKEN_PROOF, Unit::Requests, proof, 1, 1, PROOF_WINDOW);
    }
    for allowance in &token.allowances {
        let amounts = [(Unit::Tokens, allowance.tokens), (Unit::NanoUsd, allowance.nano_usd)];
        for (unit, amount) in amounts {
            let Some(amount) = amount else { continue };
            demand(TOKEN_BUDGET, unit, &allowance.id, amount, planned.of(unit), TOKEN_WINDOW);
        }
    }
    demands
}

fn reservation(
    limits: Limits<'_>,
    brakes: &[Counted<'_>],
    wanted: Vec<Demand>,
    taken: &Taken,
    planned: Use,
) -> Reservation {
    let mut reservation = Reservation { reserved: planned, ..Reservation::default() };
    reservation.is_alone = taken.is_alone;
    for (index, (Demand { key, rate, .. }, held)) in wanted.into_iter().zip(&taken.held).enumerate()
    {
        match brakes.get(index) {
            Some(counted) if counted.is_over(held.remaining) => reservation.over.push(index),
            Some(_) => {}
            None => reservation.note(limits, &key, rate, held),
        }
        reservation.taken.push((key, held.window));
    }
    reservation
}

impl Reservation {
    /// Notes how much room a limit has left.
    fn note(&mut self, limits: Limits<'_>, key: &CounterKey, rate: Rate, held: &Held) {
        let room = Room { limit: rate.amount, remaining: held.remaining, reset: held.left };
        let tightest = match key.unit {
            Unit::Requests => Some(&mut self.requests),
            Unit::Tokens => Some(&mut self.tokens),
            Unit::NanoUsd => None,
        };
        if let Some(slot) = tightest
            && key.limit.as_str() != TOKEN_PROOF
            && slot.is_none_or(|other| room.remaining < other.remaining)
        {
            *slot = Some(room);
        }
        let used = rate.amount.saturating_sub(held.remaining);
        // Amounts are above 0, and what is used is no more than they are.
        let percent = (u128::from(used) * 100 / u128::from(rate.amount.max(1))) as u8;
        let limit = limits.all().find(|limit| limit.id == key.limit);
        let soft = limit.and_then(|limit| limit.soft_percent);
        if soft.is_some_and(|soft| percent >= soft) {
            self.near.push(Near { limit: key.limit.clone(), unit: key.unit, percent });
        }
    }
}

fn refused(brakes: &[Counted<'_>], wanted: &[Demand], none: NoRoom) -> Refused {
    let NoRoom::Full { index, left } = none else { return Refused::Uncounted };
    let Some(demand) = wanted.get(index) else { return Refused::Uncounted };
    let retry_after_s = left.as_secs_f64().ceil().max(1.0) as u64;
    if let Some(counted) = brakes.get(index) {
        return Refused::Braked(counted.braked(demand, retry_after_s));
    }
    Refused::Exhausted(Exhausted {
        limit: demand.key.limit.clone(),
        unit: demand.key.unit,
        amount: demand.rate.amount,
        planned: demand.planned,
        retry_after_s,
    })
}

/// An amount for people.
fn written(unit: Unit, amount: u64) -> String {
    match unit {
        Unit::Requests | Unit::Tokens => amount.to_string(),
        Unit::NanoUsd => format!("{:.4}", amount as f64 / 1e9),
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

/// Whose counter a limit uses for this caller; none when the limit is not about the caller. Who has no such tag shares
/// a counter with all who have none: no value of a tag is empty.
fn whose(limit: &Limit, caller: &Principal, tags: &Tags) -> Option<String> {
    limit.counts(caller).then(|| match &limit.per {
        LimitSubject::User | LimitSubject::ServicePrincipal => caller.name.clone(),
        LimitSubject::Tag(name) => tags.get(name).unwrap_or_default().to_owned(),
        LimitSubject::Group(_) | LimitSubject::Endpoint | LimitSubject::All => String::new(),
    })
}

#[cfg(test)]
mod tests;
