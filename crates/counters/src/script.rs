//! The script that counts: what goes in and what comes out.

use std::time::Duration;

use bartizan_core::counters::{CounterKey, Demand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script, ScriptInvocation};
use sha2::{Digest as _, Sha256};

use crate::own::{Report, Told};

/// Lua counts exactly up to here: a larger amount counts as this one, some nine million dollars or nine quadrillion
/// tokens per window.
const EXACT: u64 = (1 << 53) - 1;
/// Bytes of the hash in the name of a key.
const NAME_BYTES: usize = 18;

/// The script, by its hash.
#[derive(Debug)]
pub(crate) struct Counting {
    script: Script,
    prefix: String,
    /// Random name of this process among those who count.
    gateway: String,
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
    /// The server has lost its memory, and nobody has greeted it since. Nothing was done.
    Unknown,
}

/// One counter, as it is after room was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) id: u64,
    pub(crate) used: u64,
    pub(crate) left: Duration,
}

impl Counting {
    pub(crate) fn new(prefix: &str, gateway: String) -> Self {
        let script = Script::new(include_str!("count.lua"));
        Self { script, prefix: prefix.to_owned(), gateway }
    }

    /// Names the run of a server that was just connected to. Where it is a new one, all gateways have until
    /// `report_within` to say what they know; returns what is left of that.
    pub(crate) async fn greet(
        &self,
        connection: &mut MultiplexedConnection,
        run: &str,
        report_within: Duration,
    ) -> RedisResult<Duration> {
        let mut call = self.call("greet");
        call.arg(run).arg(millis(report_within));
        let reply: Vec<i64> = call.invoke_async(connection).await?;
        let left = reply.get(1).copied().unwrap_or_default();
        Ok(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }

    /// Says in whole what this gateway knows, to a server that may have lost its memory.
    pub(crate) async fn report(
        &self,
        connection: &mut MultiplexedConnection,
        reports: &[(CounterKey, Report)],
    ) -> RedisResult<()> {
        let mut call = self.call("report");
        call.arg("");
        for (key, report) in reports {
            let Report { window, used, seen, left, is_alone } = *report;
            call.key(self.name(key));
            call.arg(window).arg(used.min(EXACT)).arg(seen.max(used).min(EXACT));
            call.arg(millis(left)).arg(u8::from(is_alone)).arg(0).arg(0);
        }
        let _: Vec<i64> = call.invoke_async(connection).await?;
        Ok(())
    }

    /// Takes room, in one round trip; in two where the server does not know the script yet.
    pub(crate) async fn reserve(
        &self,
        connection: &mut MultiplexedConnection,
        demands: &[Demand],
        told: &[Told],
    ) -> RedisResult<Counted> {
        let mut call = self.call("reserve");
        call.arg("");
        for (Demand { key, rate, planned }, told) in demands.iter().zip(told) {
            call.key(self.name(key));
            write_told(&mut call, told);
            call.arg(rate.amount.min(EXACT)).arg((*planned).min(EXACT + 1));
            call.arg(millis(rate.window).max(1));
        }
        let reply: Vec<i64> = call.invoke_async(connection).await?;
        Ok(read(&reply, demands.len()))
    }

    /// Says what this gateway settled. False when the server took nothing of it.
    pub(crate) async fn settle(
        &self,
        connection: &mut MultiplexedConnection,
        changes: &[(CounterKey, Told)],
    ) -> RedisResult<bool> {
        let mut call = self.call("settle");
        call.arg("");
        for (key, told) in changes {
            call.key(self.name(key));
            write_told(&mut call, told);
            call.arg(0).arg(0).arg(0);
        }
        let reply: Vec<i64> = call.invoke_async(connection).await?;
        Ok(reply.first() == Some(&0))
    }

    fn call(&self, mode: &str) -> ScriptInvocation<'_> {
        let mut call = self.script.prepare_invoke();
        // Braces keep all keys of a prefix in one slot, so that one script may touch them.
        call.key(format!("{{{}}}:run", self.prefix));
        call.key(format!("{{{}}}:reporting", self.prefix));
        call.arg(mode).arg(&self.gateway);
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
    call.arg(told.window).arg(told.owed).arg(millis(told.left)).arg(u8::from(told.is_alone));
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(EXACT).min(EXACT)
}

/// Reads a reply about so many counters. One that makes no sense is read as "no room": nothing passes by it.
fn read(reply: &[i64], counters: usize) -> Counted {
    let amount = |number: i64| u64::try_from(number).unwrap_or(0);
    let nonsense = Counted::Full { index: 0, left: Duration::from_secs(1) };
    match reply {
        [-1, _] => Counted::Recovering,
        [-2, _] => Counted::Unknown,
        [0, windows @ ..] => {
            let (windows, rest) = windows.as_chunks::<3>();
            if !rest.is_empty() || windows.len() != counters {
                return nonsense;
            }
            let window = |&[id, used, left]: &[i64; 3]| Window {
                id: amount(id),
                used: amount(used),
                left: Duration::from_millis(amount(left)),
            };
            Counted::Taken(windows.iter().map(window).collect())
        }
        [number, left] => match usize::try_from(number - 1) {
            Ok(index) if index < counters => {
                Counted::Full { index, left: Duration::from_millis(amount(*left)) }
            }
            _ => nonsense,
        },
        _ => nonsense,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_by_a_reply_without_sense() {
        let full = |index, millis| Counted::Full { index, left: Duration::from_millis(millis) };
        assert_eq!(read(&[2, 1_500], 2), full(1, 1_500));
        let window = Window { id: 7, used: 3, left: Duration::from_millis(9) };
        assert_eq!(read(&[0, 7, 3, 9], 1), Counted::Taken(vec![window]));
        assert_eq!(read(&[-1, 20], 2), Counted::Recovering);
        assert_eq!(read(&[-2, 0], 2), Counted::Unknown);
        for wrong in [&[][..], &[0, 7, 3], &[0, 7, 3, 9], &[3, 1], &[-3, 1], &[1], &[i64::MAX, 1]] {
            assert_eq!(read(wrong, 2), full(0, 1_000), "{wrong:?}");
        }
    }

    #[test]
    fn names_say_nobody_and_differ_in_every_part() {
        let counting = Counting::new("bartizan", String::new());
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
