//! The public keys of one issuer (JSON Web Key Set, RFC 7517, section 5).

use std::collections::BTreeSet;

use aws_lc_rs::signature::ParsedPublicKey;
use bartizan_core::id::Name;
use bartizan_core::settings::{Issuer, JwtAlgorithm};
use serde_json::Value;

use crate::error::{KeySetError, TokenError};
use crate::json;
use crate::key::{Key, LeftOut};

/// Largest document that is read, in bytes: a set of keys, or what says where one is.
pub const DOCUMENT_BYTES: u64 = 256 << 10;
/// Most entries of a set. Issuers have two or three while they change keys, and the largest some dozens.
const MAX_KEYS: usize = 64;

/// Keys that can check signatures of one issuer; at least one.
#[derive(Debug)]
pub(crate) struct KeySet {
    issuer: Name,
    keys: Vec<Key>,
}

impl KeySet {
    /// Reads the keys of an issuer that fit the algorithms that policy allows it. Others are left out; a log line
    /// says so where somebody should look at them.
    ///
    /// # Errors
    /// [`KeySetError`], when the document is no set of keys or has none that fits.
    pub(crate) fn parse(issuer: &Issuer, document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() as u64 > DOCUMENT_BYTES {
            return Err(KeySetError::TooLarge { limit_bytes: DOCUMENT_BYTES });
        }
        let document = json::object(document).map_err(KeySetError::Json)?;
        let entries = document.get("keys").and_then(Value::as_array).ok_or(KeySetError::NoKeys)?;
        if entries.len() > MAX_KEYS {
            return Err(KeySetError::TooMany { limit: MAX_KEYS });
        }
        let mut names = BTreeSet::new();
        let mut keys = Vec::new();
        for (position, entry) in entries.iter().enumerate() {
            match Key::read(entry, &issuer.algorithms) {
                Ok(mut key) => {
                    // INVARIANT: name and algorithm lead to one key, so no token is checked twice. Keys
                    // without a name are never chosen from.
                    if let Some(id) = &key.id {
                        key.checks.retain(|(algorithm, _)| names.insert((id.clone(), *algorithm)));
                    }
                    if key.checks.is_empty() {
                        leave_out(&issuer.id, position, "another has its name and algorithms");
                    } else {
                        keys.push(key);
                    }
                }
                Err(LeftOut::Faulty(reason)) => leave_out(&issuer.id, position, reason),
                Err(LeftOut::OtherUse) => {
                    tracing::debug!(issuer = %issuer.id, position, "a key is for something else");
                }
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoneUsable);
        }
        Ok(Self { issuer: issuer.id.clone(), keys })
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key that a token names, for its algorithm. A token may leave the name out where there is no choice.
    ///
    /// # Errors
    /// [`TokenError`] that says why there is none.
    pub(crate) fn find(
        &self,
        id: Option<&str>,
        algorithm: JwtAlgorithm,
    ) -> Result<&ParsedPublicKey, TokenError> {
        let Some(id) = id else {
            return match self.keys.as_slice() {
                [only] => only.for_algorithm(algorithm).ok_or(TokenError::AlgorithmOfKey),
                _ => Err(TokenError::KeyUnnamed { issuer: self.issuer.clone() }),
            };
        };
        let mut named = self.keys.iter().filter(|key| key.id.as_deref() == Some(id)).peekable();
        if named.peek().is_none() {
            return Err(TokenError::UnknownKey { issuer: self.issuer.clone() });
        }
        named.find_map(|key| key.for_algorithm(algorithm)).ok_or(TokenError::AlgorithmOfKey)
    }
}

fn leave_out(issuer: &Name, position: usize, reason: &'static str) {
    tracing::warn!(%issuer, position, reason, "a key of the issuer is left out");
}
