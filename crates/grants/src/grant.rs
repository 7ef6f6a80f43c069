//! What a token says: who its holder is, to which key it is bound, and what it opens.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use bartizan_core::id::Name;
use bartizan_core::principal::{Principal, PrincipalKind};
use bartizan_core::tags::Tags;
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::reach::Reach;

/// Longest id of an origin, in bytes.
const MAX_ORIGIN_BYTES: usize = 128;

/// What a token says, of the first block and all that narrow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Person or program.
    pub kind: PrincipalKind,
    /// Name without prefix.
    pub name: String,
    /// Groups that the credential brought for which the token was made, sorted; those of the policy come on top.
    pub groups: Vec<Name>,
    /// Tags that the credential brought; nobody who narrows a token changes them.
    pub tags: Arc<Tags>,
    /// Session in which it is used (UUIDv7). It stays the same when a token is replaced.
    pub session: Uuid,
    /// What it was made for: when that ends, so does the token.
    pub origin: Origin,
    /// Who may use it.
    pub binding: Binding,
    /// When it was made, in whole seconds.
    pub issued: Timestamp,
    /// The last second in which it is good.
    pub expires: Timestamp,
    /// What it opens.
    pub reach: Reach,
}

impl Grant {
    /// The caller as the policy knows it, with the groups of the token only.
    pub fn principal(&self) -> Principal {
        Principal { kind: self.kind, name: self.name.clone(), groups: self.groups.clone() }
    }
}

/// Id of an API key, or of an issuer of tokens: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Origin(Arc<str>);

impl Origin {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > MAX_ORIGIN_BYTES {
            return Err("an origin has 1 to 128 bytes");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("an origin takes visible ASCII characters");
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// To what a token is bound, so that it is worth nothing to whoever only has the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binding {
    /// A public key, by its thumbprint (`jkt` of RFC 9449, section 6.1): see [`Proofs`](crate::Proofs).
    Key(Thumbprint),
    /// The certificate of a client (`x5t#S256` of RFC 8705, section 3.1).
    Certificate(Thumbprint),
}

impl Binding {
    /// The binding to a certificate in DER.
    pub fn of_certificate(der: &[u8]) -> Self {
        Self::Certificate(Thumbprint::of(der))
    }

    /// Whether the certificate that a client showed in its handshake is the one.
    pub fn is_certificate(&self, der: &[u8]) -> bool {
        match self {
            Self::Certificate(thumbprint) => Thumbprint::of(der).is(thumbprint),
            Self::Key(_) => false,
        }
    }

    /// Name of the kind, as in the claim `cnf` of a JSON Web Token.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Key(_) => "jkt",
            Self::Certificate(_) => "x5t#S256",
        }
    }

    /// What it is bound to.
    pub const fn thumbprint(&self) -> &Thumbprint {
        match self {
            Self::Key(thumbprint) | Self::Certificate(thumbprint) => thumbprint,
        }
    }

    /// Reads what [`Binding::method`] and the thumbprint write.
    pub(crate) fn read(method: &str, thumbprint: &str) -> Option<Self> {
        let thumbprint = thumbprint.parse().ok()?;
        match method {
            "jkt" => Some(Self::Key(thumbprint)),
            "x5t#S256" => Some(Self::Certificate(thumbprint)),
            _ => None,
        }
    }
}

/// SHA-256 of a key or certificate; base64url without padding as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        // INVARIANT: SHA-256 has 32 bytes.
        Self(digest(&SHA256, bytes).as_ref().try_into().unwrap_or_default())
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }

    /// The thumbprint itself.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Thumbprint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a thumbprint is 32 bytes in base64url without padding")
    }
}
