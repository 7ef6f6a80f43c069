//! Tokens that ended before their time. Few, and for minutes only: an entry is dropped when every token that it
//! could be about has expired.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use bartizan_core::time::Timestamp;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::container::SignatureBytes;
use crate::grant::Origin;
use crate::verify::Verified;
use crate::{CLOCK_SKEW, MAX_LIFETIME};

/// Most tokens that are remembered as revoked.
pub const MAX_REVOCATIONS: usize = 1 << 17;

/// Most origins that are remembered as revoked. They have room of their own: one stands for any number of tokens, and
/// whoever revokes it is an administrator.
pub const MAX_REVOKED_ORIGINS: usize = 1 << 14;

/// Id of a block: its signature, which is what every library for Biscuits calls a revocation id. 128 hex digits as
/// text.
///
/// It is no secret, and without the rest of the token it opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RevocationId(SignatureBytes);

impl RevocationId {
    pub(crate) const fn new(signature: SignatureBytes) -> Self {
        Self(signature)
    }

    /// The id as bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for RevocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RevocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RevocationId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let wrong = "a revocation id is 128 lower-case hex digits";
        let digit = |byte: &u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut id = [0; 64];
        if text.len() != 2 * id.len() {
            return Err(wrong);
        }
        for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits: Option<Vec<u8>> = pair.iter().map(digit).collect();
            *byte = digits.ok_or(wrong)?.into_iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Ok(Self(id))
    }
}

impl Serialize for RevocationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RevocationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What was revoked, until when it has to be remembered. As JSON, it is read as far as it keeps to the limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocations {
    #[serde(deserialize_with = "read_blocks")]
    blocks: HashMap<RevocationId, Timestamp>,
    #[serde(deserialize_with = "read_origins")]
    origins: HashMap<Origin, Timestamp>,
}

/// There are so many entries that no more can be remembered. Whoever revokes has to know; a whole root key can be
/// retired instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit} revocations of {of} are remembered, and no more can be")]
pub struct RevocationsFull {
    /// Of what: `tokens` or `origins`.
    pub of: &'static str,
    /// Most that are remembered: [`MAX_REVOCATIONS`] or [`MAX_REVOKED_ORIGINS`].
    pub limit: usize,
}

impl RevocationsFull {
    const TOKENS: Self = Self { of: "tokens", limit: MAX_REVOCATIONS };
    const ORIGINS: Self = Self { of: "origins", limit: MAX_REVOKED_ORIGINS };
}

impl bartizan_core::error::Coded for RevocationsFull {
    fn code(&self) -> &'static str {
        "bartizan::grants::revocations-full"
    }

    fn class(&self) -> bartizan_core::error::Class {
        bartizan_core::error::Class::Unavailable
    }
}

impl Revocations {
    /// Until when a revocation of now has to be remembered: a gateway that has not heard of it may make a token for
    /// as long as `longest_unheard`, by a clock that is [`CLOCK_SKEW`] ahead, which is good for all of its last second.
    ///
    /// `longest_unheard` is zero where whoever mints always asks first what was revoked, and otherwise the longest
    /// time for which one mints that cannot hear of it: without such an end, there is no right value.
    pub fn until(now: Timestamp, longest_unheard: Duration) -> Timestamp {
        let token = MAX_LIFETIME + CLOCK_SKEW + Duration::from_secs(1);
        now.checked_add(token.saturating_add(longest_unheard)).unwrap_or(Timestamp::MAX)
    }

    /// Ends a token and all that were narrowed from it, by the id of its last block. Where there is no room, what has
    /// ended before `now` is forgotten first.
    ///
    /// # Errors
    /// [`RevocationsFull`].
    pub fn revoke(
        &mut self,
        block: RevocationId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), RevocationsFull> {
        if put(&mut self.blocks, MAX_REVOCATIONS, block, until) {
            return Ok(());
        }
        self.purge(now);
        let is_put = put(&mut self.blocks, MAX_REVOCATIONS, block, until);
        is_put.then_some(()).ok_or(RevocationsFull::TOKENS)
    }

    /// Ends all tokens that were made for an API key, or for tokens of an issuer. Where there is no room, what has
    /// ended before `now` is forgotten first.
    ///
    /// # Errors
    /// [`RevocationsFull`].
    pub fn revoke_origin(
        &mut self,
        origin: Origin,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), RevocationsFull> {
        if put(&mut self.origins, MAX_REVOKED_ORIGINS, origin.clone(), until) {
            return Ok(());
        }
        self.purge(now);
        let is_put = put(&mut self.origins, MAX_REVOKED_ORIGINS, origin, until);
        is_put.then_some(()).ok_or(RevocationsFull::ORIGINS)
    }

    /// Takes over what others revoked, the origins first, and forgets what has ended before `now`.
    ///
    /// # Errors
    /// [`RevocationsFull`], after as many of both were taken as there was room for.
    pub fn merge(&mut self, other: &Self, now: Timestamp) -> Result<(), RevocationsFull> {
        self.purge(now);
        let (mut origins, mut blocks) = (true, true);
        for (origin, until) in other.origins.iter().filter(|(_, until)| now <= **until) {
            origins &= put(&mut self.origins, MAX_REVOKED_ORIGINS, origin.clone(), *until);
        }
        for (block, until) in other.blocks.iter().filter(|(_, until)| now <= **until) {
            blocks &= put(&mut self.blocks, MAX_REVOCATIONS, *block, *until);
        }
        match (origins, blocks) {
            (false, _) => Err(RevocationsFull::ORIGINS),
            (_, false) => Err(RevocationsFull::TOKENS),
            _ => Ok(()),
        }
    }

    /// Whether a token was revoked, one that it was narrowed from, or what it was made for. Takes the same time
    /// however many entries there are.
    pub fn is_revoked(&self, token: &Verified) -> bool {
        self.has_any(token.blocks()) || self.origins.contains_key(&token.grant().origin)
    }

    pub(crate) fn has_any(&self, blocks: &[RevocationId]) -> bool {
        !self.blocks.is_empty() && blocks.iter().any(|block| self.blocks.contains_key(block))
    }

    /// Forgets what need not be remembered any more.
    pub fn purge(&mut self, now: Timestamp) {
        self.blocks.retain(|_, until| now <= *until);
        self.origins.retain(|_, until| now <= *until);
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.blocks.len() + self.origins.len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether there was room. The later end counts, so that nobody can shorten what somebody else wanted.
fn put<K: Eq + Hash>(
    entries: &mut HashMap<K, Timestamp>,
    limit: usize,
    key: K,
    until: Timestamp,
) -> bool {
    if let Some(before) = entries.get_mut(&key) {
        *before = until.max(*before);
        return true;
    }
    if entries.len() >= limit {
        return false;
    }
    entries.insert(key, until);
    true
}

fn read_blocks<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<HashMap<RevocationId, Timestamp>, D::Error> {
    deserializer.deserialize_map(Entries { limit: MAX_REVOCATIONS, of: PhantomData })
}

fn read_origins<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<HashMap<Origin, Timestamp>, D::Error> {
    deserializer.deserialize_map(Entries { limit: MAX_REVOKED_ORIGINS, of: PhantomData })
}

/// Reads at most so many entries.
struct Entries<K> {
    limit: usize,
    of: PhantomData<K>,
}

impl<'de, K: Deserialize<'de> + Eq + Hash> Visitor<'de> for Entries<K> {
    type Value = HashMap<K, Timestamp>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} revocations with their ends", self.limit)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = HashMap::new();
        while let Some((key, until)) = map.next_entry()? {
            if !put(&mut entries, self.limit, key, until) {
                return Err(A::Error::invalid_length(self.limit + 1, &self));
            }
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests;
