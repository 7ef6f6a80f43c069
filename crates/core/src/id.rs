//! Ids that were checked when they were made.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Id of one request through any door; UUIDv7, so that ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A fresh id.
    #[expect(clippy::new_without_default, reason = "a fresh id is never a default")]
    pub fn new() -> Self {
        let ticks = ticks();
        let part = ((ticks % TICKS_PER_MILLI) as u16).to_be_bytes();
        let mut rest = [0; 10];
        let bytes = part.into_iter().chain(random_part());
        rest.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        let builder = uuid::Builder::from_unix_timestamp_millis(ticks / TICKS_PER_MILLI, &rest);
        Self(builder.into_uuid())
    }

    /// Its 16 bytes, which sort as ids do.
    pub const fn bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// The id that has these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

/// Parts of a millisecond that fit the 12 bits behind it (RFC 9562, section 6.2, method 3).
const TICKS_PER_MILLI: u64 = 1 << 12;

/// Ticks since 1970, later than all that were given before in this process.
fn ticks() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let part = u64::from(since.subsec_nanos() % 1_000_000) * TICKS_PER_MILLI / 1_000_000;
    let now = since.as_millis() as u64 * TICKS_PER_MILLI + part;
    let later = |last: u64| now.max(last + 1);
    // The closure always gives a value, so there is a value before.
    LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(later(last)))
        .map_or(now, later)
}

/// Random bytes of one UUIDv7.
type RandomPart = [u8; 8];

/// Bytes asked of the system at once, for 256 ids: asking for each costs more than the rest of it.
const RANDOM_BYTES: usize = 256 * size_of::<RandomPart>();

thread_local! {
    static RANDOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[expect(clippy::expect_used, reason = "the system's source does not fail once a process runs")]
fn random_part() -> RandomPart {
    RANDOM.with_borrow_mut(|pool| {
        if let Some(part) = pool.last_chunk().copied() {
            pool.truncate(pool.len() - size_of::<RandomPart>());
            return part;
        }
        pool.resize(RANDOM_BYTES, 0);
        getrandom::fill(pool).expect("the system has random bytes");
        let part = pool.last_chunk().copied().unwrap_or_default();
        pool.truncate(RANDOM_BYTES - size_of::<RandomPart>());
        part
    })
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RequestId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("the name is empty")]
    Empty,
    /// More than [`MAX_NAME_BYTES`] bytes.
    #[error("the name is longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// A character outside the allowed set.
    #[error("`{character}` is not allowed here; use {allowed}")]
    Character {
        /// The offending character.
        character: char,
        /// What may be used.
        allowed: &'static str,
    },
}

/// Longest id or name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// Id of a policy rule or guardrail: kebab-case ASCII, at most 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RuleId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        check(text, "a-z, 0-9 and `-`", |c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
        })?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Name of an endpoint, provider or group: ASCII letters, digits, `-`, `_`, `.`; at most 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Name(Arc<str>);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        check(text, "letters, digits, `-`, `_` and `.`", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
        })?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn check(text: &str, allowed: &'static str, accept: impl Fn(char) -> bool) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(IdError::TooLong);
    }
    match text.chars().find(|c| !accept(*c)) {
        Some(character) => Err(IdError::Character { character, allowed }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_ids_are_kebab_case() {
        assert!("g-pii".parse::<RuleId>().is_ok());
        assert_eq!("".parse::<RuleId>(), Err(IdError::Empty));
        assert!(matches!(
            "G pii".parse::<RuleId>(),
            Err(IdError::Character { character: 'G', .. })
        ));
        assert_eq!("x".repeat(129).parse::<RuleId>(), Err(IdError::TooLong));
    }

    #[test]
    fn request_ids_sort_by_time() {
        let first = RequestId::new();
        let second = RequestId::new();
        assert!(first < second);
        assert_eq!(first.to_string().parse::<RequestId>(), Ok(first));
    }

    #[test]
    fn request_ids_of_all_threads_differ_and_rise_in_each() {
        let ids: Vec<Vec<RequestId>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..5000).map(|_| RequestId::new()).collect()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|ids| ids.is_sorted()));
        let all: std::collections::BTreeSet<_> = ids.iter().flatten().collect();
        assert_eq!(all.len(), 4 * 5000);
    }

    #[test]
    fn request_ids_are_version_7_of_now() {
        let RequestId(id) = RequestId::new();
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        let (seconds, _) = id.get_timestamp().unwrap().to_unix();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(now.abs_diff(seconds) <= 60);
    }
}
