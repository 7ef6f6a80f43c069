//! Counting what limits allow: the words between the gateway, which knows the limits, and whoever keeps the
//! counters.
//!
//! Each counter is a window that begins with its first use. A request takes room on all counters that it touches
//! or on none, before it is sent; what it did not use comes back when it is done.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::id::RuleId;
use crate::settings::Rate;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Tokens of prompt and answer.
    Tokens,
    /// 10⁻⁹ US dollars.
    NanoUsd,
}

impl Unit {
    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::NanoUsd => "dollars",
        }
    }
}

/// Which counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CounterKey {
    /// The endpoint that has the limit.
    pub endpoint: Arc<str>,
    /// The limit.
    pub limit: RuleId,
    /// What it counts.
    pub unit: Unit,
    /// Whose counter it is; empty where all share one.
    pub whose: String,
}

/// What a request may use of one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// The counter.
    pub key: CounterKey,
    /// Most per window.
    pub rate: Rate,
    /// The most that the request may use.
    pub planned: u64,
    /// Whether it does not come in shares where gateways count alone: it is about something that happens once.
    pub is_whole: bool,
}

/// Room that was taken on one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Which window of the counter; [`Change::window`] names it again.
    pub window: u64,
    /// How much is free after it: `0..=rate.amount`.
    pub remaining: u64,
    /// Until the window ends.
    pub left: Duration,
}

/// Room on every counter that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// One per demand, in their order.
    pub held: Vec<Held>,
    /// Whether this process counted alone, where several should have counted together.
    pub is_alone: bool,
}

/// Why no room was taken anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// One of the counters has too little.
    Full {
        /// Its place among the demands.
        index: usize,
        /// Until its window ends.
        left: Duration,
    },
    /// Whoever counts cannot be reached, and the policy lets nothing pass uncounted.
    Away,
}

/// What a request used of a counter, in place of what was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The counter.
    pub key: CounterKey,
    /// The window in which room was taken.
    pub window: u64,
    /// What was taken.
    pub planned: u64,
    /// What is owed; more than planned is charged as well.
    pub used: u64,
}

/// An attempt to take room.
pub enum Reserving {
    /// It is decided.
    Done(Result<Taken, NoRoom>),
    /// Somebody else is being asked.
    Asking(Pin<Box<dyn Future<Output = Result<Taken, NoRoom>> + Send>>),
}

impl Reserving {
    /// Waits for the decision, for a bounded time.
    ///
    /// # Errors
    /// [`NoRoom`]: then nothing was taken.
    pub async fn decided(self) -> Result<Taken, NoRoom> {
        match self {
            Self::Done(decided) => decided,
            Self::Asking(asking) => asking.await,
        }
    }
}

impl Debug for Reserving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Done(_) => "Done",
            Self::Asking(_) => "Asking",
        })
    }
}

/// Keeps counters.
pub trait Counters: Debug + Send + Sync {
    /// Takes room on every counter, or on none. `now` is this process's clock.
    fn reserve(&self, demands: Vec<Demand>, now: Instant) -> Reserving;

    /// Whether other processes count here too.
    fn is_shared(&self) -> bool;

    /// Replaces what was planned by what was used. Does not wait, and a window that has ended owes nothing.
    fn settle(&self, changes: Vec<Change>);
}
