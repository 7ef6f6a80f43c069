//! SHA-256 hashes of leaves and nodes.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Bytes of a hash.
const BYTES: usize = 32;
/// Hashed before an entry, so that no entry can pass for a node (RFC 6962, section 2.1).
const LEAF: u8 = 0;
/// Hashed before the two children of a node.
const NODE: u8 = 1;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; BYTES]);

/// A hash is 32 bytes, in text as 44 characters of standard base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 32 bytes in standard base64, 44 characters that end in `=`")]
pub struct HashError;

impl Hash {
    /// Root of a tree without entries: the hash of nothing.
    #[must_use]
    pub fn of_empty_tree() -> Self {
        Self(Sha256::digest(b"").into())
    }

    /// Hash of an entry.
    #[must_use]
    pub fn of_leaf(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([LEAF]).chain_update(entry).finalize().into())
    }

    /// Hash of the node over two others.
    #[must_use]
    pub fn of_node(left: Self, right: Self) -> Self {
        let mut message = [NODE; 1 + 2 * BYTES];
        let (_, children) = message.split_at_mut(1);
        let (one, other) = children.split_at_mut(BYTES);
        one.copy_from_slice(&left.0);
        other.copy_from_slice(&right.0);
        Self(Sha256::digest(message).into())
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }
}

impl From<[u8; BYTES]> for Hash {
    fn from(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        bytes.try_into().map(Self).map_err(|_| HashError)
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = STANDARD.decode(text).map_err(|_| HashError)?;
        Self::try_from(bytes.as_slice())
    }
}

/// Standard base64, as notes and proofs write it.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
