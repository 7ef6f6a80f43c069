//! The script that counts: what goes in and what comes out.

use std::time::Duration;

use bartizan_core::counters::{CounterKey, Demand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, Script, ScriptInvocation};
use sha2::{Digest as _, Sha256};

use crate::own::{Report, Told};

/// Lua counts exactly up to here: a larger amount counts as this one, some nine million dollars or nine quadrillion
/// tokens per window.
pub(crate) const EXACT: u64 = (1 << 53) - 1;
/// Bytes of the hash in the name of a key.
const NAME_BYTES: usize = 18;

/// The script, by its hash.
#[derive(Debug)]
pub(crate) struct Counting {
    script: Script,
    prefix: String,
    /// Random number of this process among those who count.
    gateway: u64,
}

/// What a server says to a greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Greeted {
    /// Another one after the server has lost its memory.
    pub(crate) generation: u64,
    /// How long gateways may still be reporting.
    pub(crate) reporting: Duration,
}

/// What the server decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// There is room on all counters, and it is taken.
    Taken(Vec<Window>),
    /// One of them has too little, and nothing is taken.
    Full { index: usize, left: Duration },
    /// The server has lost its memory, and gateways are still telling it what they know. Nothing was done.
    Recovering,
    /// This gateway counted alone in a window of its own, while others began another one. Nothing was done.
    Elsewhere { index: usize, window: Window },
    /// The server is of another generation than the one that this gateway has reported to. Nothing was done.
    Unknown,
}

/// One counter, as it is after room was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) id: u64,
    /// By all.
    pub(crate) used: u64,
    pub(crate) left: Duration,
    /// What the server has planned for this gateway.
    pub(crate) planned: u64,
    /// What the server was told of this gateway's settlements.
    pub(crate) settled: i64,
    /// What other gateways used.
    pub(crate) others: Vec<(u64, u64)>,
}

impl Counting {
    pub(crate) fn new(prefix: &str, random: u64) -> Self {
        let script = Script::new(include_str!("count.lua"));
        Self { script, prefix: prefix.to_owned(), gateway: random & EXACT }
    }

    /// Names the run of a server. Where it is a new one, all gateways have until `report_within` to say what they
    /// know.
    pub(crate) async fn greet(
        &self,
        connection: &mut MultiplexedConnection,
        run: &str,
        report_within: Duration,
    ) -> RedisResult<Greeted> {
        let mut call = self.call("greet");
        call.arg(run).arg(millis(report_within));
        let reply: Vec<i64> = call.invoke_async(connection).await?;
        let &[0, left, generation] = reply.as_slice() else { return Err(nonsense()) };
        let reporting = Duration::from_millis(amount(left));
        Ok(Greeted { generation: amount(generation), reporting })
    }

    /// Says what this gateway knows, to a server that may have lost its memory.
    pub(crate) async fn report(
        &self,
        connection: &mut MultiplexedConnection,
        generation: u64,
        reports: &[(CounterKey, Report)],
    ) -> RedisResult<()> {
        let mut call = self.call("report");
        call.arg(generation);
        for (key, Report { told, others }) in reports {
            call.key(self.name(key));
            call.arg(told.window).arg(millis(told.left));
            call.arg(told.planned.min(EXACT)).arg(told.settled).arg(told.number);
            call.arg(others.len());
            for (gateway, used) in others {
                call.arg(gateway).arg((*used).min(EXACT));
            }
        }
        let reply: Vec<i64> = call.invoke_async(connection).await?;
        if reply.first() == Some(&0) { Ok(()) } else { Err(nonsense()) }
    }

    /// Takes room, in one round trip; in two where the server does not know the script yet.
    pub(crate) async fn reserve(
        &self,
        connection: &mut MultiplexedConnection,
        generation: u64,
        demands: &[Demand],
        told: &[Told],
    ) -> RedisResult<Counted> {
        let mut call = self.call("reserve");
        call.arg(generation);
        for (Demand { key, rate, planned, .. }, told) in demands.iter().zip(told) {
            call.key(self.name(key));
            write_told(&mut call, told);
            call.arg(rate.amount.min(EXACT)).arg((*planned).min(EXACT + 1));
            call.arg(millis(rate.window).max(1));
        }
        let reply: Vec<i64> = call.invoke_async(connection).await?;
        Ok(read(&reply, demands.len()))
    }

    /// Says what this gateway settled.
    pub(crate) async fn settle(
        &self,
        connection: &mut MultiplexedConnection,
        generation: u64,
        changes: &[(CounterKey, Told)],
    ) -> RedisResult<Counted> {
        let mut call = self.call("settle");
        call.arg(generation);
        for (key, told) in changes {
            call.key(self.name(key));
            write_told(&mut call, told);
            call.arg(0).arg(0).arg(0);
        }
        let reply: Vec<i64> = call.invoke_async(connection).await?;
        // With success comes nothing about any counter.
        Ok(if reply == [0] { Counted::Taken(Vec::new()) } else { read(&reply, changes.len()) })
    }

    fn call(&self, mode: &str) -> ScriptInvocation<'_> {
        let mut call = self.script.prepare_invoke();
        // Braces keep all keys of a prefix in one slot, so that one script may touch them.
        call.key(format!("{{{}}}:run", self.prefix));
        call.key(format!("{{{}}}:reporting", self.prefix));
        call.arg(mode).arg(self.gateway);
        call
    }

    /// Name of a counter; no name of a person stands in it.
    fn name(&self, key: &CounterKey) -> String {
        let CounterKey { endpoint, limit, unit, whose } = key;
        let mut hash = Sha256::new();
        for part in [endpoint, limit.as_str(), unit.name(), whose] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let hash = hash.finalize();
        let hash = hash.get(..NAME_BYTES).unwrap_or_default();
        format!("{{{}}}:{}", self.prefix, URL_SAFE_NO_PAD.encode(hash))
    }
}

fn write_told(call: &mut ScriptInvocation<'_>, told: &Told) {
    call.arg(told.window).arg(millis(told.left)).arg(told.planned.min(EXACT));
    call.arg(told.settled).arg(told.number).arg(u8::from(told.is_alone));
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(EXACT).min(EXACT)
}

fn amount(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn nonsense() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "the script answered what it never answers").into()
}

/// Reads a reply about so many counters. One that makes no sense is read as "no room": nothing passes by it.
fn read(reply: &[i64], counters: usize) -> Counted {
    let nothing = Counted::Full { index: 0, left: Duration::from_secs(1) };
    match reply {
        [-1, _] => Counted::Recovering,
        [-2, _] => Counted::Unknown,
        &[-3, number, id, left, planned, settled] => match usize::try_from(number - 1) {
            Ok(index) if index < counters => {
                let left = Duration::from_millis(amount(left));
                let (id, planned, others) = (amount(id), amount(planned), Vec::new());
                let used = planned.saturating_add_signed(settled);
                let window = Window { id, used, left, planned, settled, others };
                Counted::Elsewhere { index, window }
            }
            _ => nothing,
        },
        [0, rest @ ..] => {
            let mut rest = rest;
            let mut windows = Vec::with_capacity(counters);
            for _ in 0..counters {
                let Some((window, after)) = read_window(rest) else { return nothing };
                windows.push(window);
                rest = after;
            }
            if rest.is_empty() { Counted::Taken(windows) } else { nothing }
        }
        [number, left] => match usize::try_from(number - 1) {
            Ok(index) if index < counters => {
                Counted::Full { index, left: Duration::from_millis(amount(*left)) }
            }
            _ => nothing,
        },
        _ => nothing,
    }
}

fn read_window(reply: &[i64]) -> Option<(Window, &[i64])> {
    let (&[id, used, left, planned, settled, count], rest) = reply.split_first_chunk()?;
    let (others, rest) = rest.split_at_checked(usize::try_from(count).ok()?.checked_mul(2)?)?;
    let (others, _) = others.as_chunks::<2>();
    let window = Window {
        id: amount(id),
        used: amount(used),
        left: Duration::from_millis(amount(left)),
        planned: amount(planned),
        settled,
        others: others.iter().map(|&[id, used]| (amount(id), amount(used))).collect(),
    };
    Some((window, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_by_a_reply_without_sense() {
        let full = |index, millis| Counted::Full { index, left: Duration::from_millis(millis) };
        assert_eq!(read(&[2, 1_500], 2), full(1, 1_500));
        let window = Window {
            id: 7,
            used: 3,
            left: Duration::from_millis(9),
            planned: 5,
            settled: -4,
            others: vec![(11, 2)],
        };
        let reply = [0, 7, 3, 9, 5, -4, 1, 11, 2];
        assert_eq!(read(&reply, 1), Counted::Taken(vec![window]));
        assert_eq!(read(&[-1, 20], 2), Counted::Recovering);
        assert_eq!(read(&[-2, 0], 2), Counted::Unknown);
        let wrong: [&[i64]; 9] = [
            &[],
            &[0, 7, 3, 9, 5, -4],
            &reply,
            &[0, 7, 3, 9, 5, -4, 2, 11, 2],
            &[0, 7, 3, 9, 5, -4, -1],
            &[3, 1],
            &[-3, 1],
            &[1],
            &[i64::MAX, 1],
        ];
        for wrong in wrong {
            assert_eq!(read(wrong, 2), full(0, 1_000), "{wrong:?}");
        }
    }

    #[test]
    fn names_say_nobody_and_differ_in_every_part() {
        let counting = Counting::new("bartizan", 1);
        let key = |limit: &str, whose: &str| CounterKey {
            endpoint: "chat".into(),
            limit: limit.parse().unwrap(),
            unit: bartizan_core::counters::Unit::Tokens,
            whose: whose.to_owned(),
        };
        let name = counting.name(&key("l-user", "alice@example.com"));
        assert!(name.starts_with("{bartizan}:") && !name.contains("alice"), "{name}");
        assert_ne!(name, counting.name(&key("l-user", "bob@example.com")));
        assert_ne!(name, counting.name(&key("l-users", "alice@example.com")));
    }
}
