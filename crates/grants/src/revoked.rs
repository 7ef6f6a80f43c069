//! Tokens that ended before their time. Few, and for minutes only: an entry is dropped when every token that it
//! could be about has expired.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

use bartizan_core::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::container::SignatureBytes;
use crate::grant::Origin;
use crate::verify::Verified;
use crate::{CLOCK_SKEW, MAX_LIFETIME};

/// Most entries that are held.
pub const MAX_REVOCATIONS: usize = 1 << 17;

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

/// What was revoked, until when it has to be remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocations {
    blocks: HashMap<RevocationId, Timestamp>,
    origins: HashMap<Origin, Timestamp>,
}

/// There are so many entries that no more can be remembered. Whoever revokes has to know; a whole root key can be
/// retired instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_REVOCATIONS} revocations are remembered, and no more can be")]
pub struct RevocationsFull;

impl bartizan_core::error::Coded for RevocationsFull {
    fn code(&self) -> &'static str {
        "bartizan::grants::revocations-full"
    }

    fn class(&self) -> bartizan_core::error::Class {
        bartizan_core::error::Class::Unavailable
    }
}

impl Revocations {
    /// Until when a revocation of now has to be remembered: a token may have been made just now, by a clock that
    /// is ahead.
    pub fn until(now: Timestamp) -> Timestamp {
        now.checked_add(MAX_LIFETIME + CLOCK_SKEW).unwrap_or(Timestamp::MAX)
    }

    /// Ends a token and all that were narrowed from it, by the id of its last block.
    ///
    /// # Errors
    /// [`RevocationsFull`].
    pub fn revoke(&mut self, block: RevocationId, until: Timestamp) -> Result<(), RevocationsFull> {
        let is_full = self.len() >= MAX_REVOCATIONS;
        put(&mut self.blocks, block, until, is_full)
    }

    /// Ends all tokens that were made for an API key, or for tokens of an issuer.
    ///
    /// # Errors
    /// [`RevocationsFull`].
    pub fn revoke_origin(
        &mut self,
        origin: Origin,
        until: Timestamp,
    ) -> Result<(), RevocationsFull> {
        let is_full = self.len() >= MAX_REVOCATIONS;
        put(&mut self.origins, origin, until, is_full)
    }

    /// Takes over what others revoked.
    ///
    /// # Errors
    /// [`RevocationsFull`], after as many were taken as there was room for.
    pub fn merge(&mut self, other: &Self) -> Result<(), RevocationsFull> {
        for (block, until) in &other.blocks {
            self.revoke(*block, *until)?;
        }
        for (origin, until) in &other.origins {
            self.revoke_origin(origin.clone(), *until)?;
        }
        Ok(())
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

/// The later end counts, so that nobody can shorten what somebody else wanted.
fn put<K: Eq + Hash>(
    entries: &mut HashMap<K, Timestamp>,
    key: K,
    until: Timestamp,
    is_full: bool,
) -> Result<(), RevocationsFull> {
    if let Some(before) = entries.get_mut(&key) {
        *before = until.max(*before);
        return Ok(());
    }
    if is_full {
        return Err(RevocationsFull);
    }
    entries.insert(key, until);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn the_later_end_counts_and_then_it_is_forgotten() {
        let id = RevocationId::new([7; 64]);
        let mut revocations = Revocations::default();
        revocations.revoke(id, at(10)).unwrap();
        revocations.revoke(id, at(5)).unwrap();
        revocations.revoke_origin("key-1".parse().unwrap(), at(3)).unwrap();
        revocations.purge(at(10));
        assert_eq!((revocations.len(), revocations.has_any(&[id])), (1, true));
        revocations.purge(at(11));
        assert!(revocations.is_empty());
        assert_eq!(Revocations::until(at(0)), at(15 * 60 + 60));
    }

    #[test]
    fn travels_as_json_and_merges() {
        let mut one = Revocations::default();
        one.revoke(RevocationId::new([0xab; 64]), at(1)).unwrap();
        one.revoke_origin("https://id.example".parse().unwrap(), at(2)).unwrap();
        let text = serde_json::to_string(&one).unwrap();
        assert!(text.contains(&"ab".repeat(64)), "{text}");
        let mut other: Revocations = serde_json::from_str(&text).unwrap();
        assert_eq!(other, one);
        other.revoke(RevocationId::new([1; 64]), at(1)).unwrap();
        one.merge(&other).unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn refuses_to_forget_when_full() {
        let mut revocations = Revocations::default();
        for n in 0..MAX_REVOCATIONS {
            let mut id = [0; 64];
            id[..8].copy_from_slice(&n.to_be_bytes());
            revocations.revoke(RevocationId::new(id), at(1)).unwrap();
        }
        assert_eq!(revocations.revoke(RevocationId::new([9; 64]), at(1)), Err(RevocationsFull));
        assert_eq!(revocations.revoke_origin("k".parse().unwrap(), at(1)), Err(RevocationsFull));
        assert_eq!(revocations.revoke(RevocationId::new([0; 64]), at(2)), Ok(()));
    }

    #[test]
    fn ids_have_one_spelling() {
        let id = "0123456789abcdef".repeat(8);
        assert_eq!(id.parse::<RevocationId>().unwrap().to_string(), id);
        for wrong in ["", "ab", &id.to_uppercase(), &"g".repeat(128)] {
            assert!(wrong.parse::<RevocationId>().is_err());
        }
    }
}
