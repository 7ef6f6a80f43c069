//! Whose tokens are taken in place of keys, and what their claims mean here. How a token is checked is for the
//! room that recognises callers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::id::Name;
use crate::tags::TagName;

/// Somebody whose JSON Web Tokens (RFC 7519) say who calls: an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Names it in logs.
    pub id: Name,
    /// Its `iss`, byte for byte; no two issuers share one.
    pub url: String,
    /// A token has to be meant for one of these (`aud`); at least one.
    pub audiences: BTreeSet<String>,
    /// How its tokens may be signed; at least one.
    pub algorithms: BTreeSet<JwtAlgorithm>,
    /// Where its public keys are.
    pub keys: IssuerKeys,
    /// Claim that holds the name of the caller.
    pub user_claim: String,
    /// Claim that holds the groups of the caller; absent when tokens put nobody into a group.
    pub groups_claim: Option<String>,
    /// What tells tokens of programs from those of persons; absent when all callers are persons.
    pub program: Option<ClaimTest>,
    /// What a claimed group is called here; a group that is not listed counts for nothing.
    pub groups: BTreeMap<String, Name>,
    /// Claims whose texts are the values of tags; a token without one of them is not taken.
    pub tags: BTreeMap<TagName, String>,
    /// How far the clock of the issuer may be off; at most [`Issuer::LONGEST_CLOCK_SKEW`].
    pub clock_skew: Duration,
    /// Longest time from the making of a token to its end.
    pub max_age: Duration,
}

impl Issuer {
    /// Claim for the name of the caller, where policy names none.
    pub const DEFAULT_USER_CLAIM: &'static str = "sub";
    /// How far clocks may be off, where policy says nothing.
    pub const DEFAULT_CLOCK_SKEW: Duration = Duration::from_secs(60);
    /// How far policy may let clocks be off.
    pub const LONGEST_CLOCK_SKEW: Duration = Duration::from_secs(300);
    /// Longest life of a token, where policy says nothing.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_hours(24);
}

/// Where the public keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerKeys {
    /// Where its discovery document says (`OpenID` Connect Discovery 1.0, section 4), on its own host.
    Discovery,
    /// At this URL, on whatever host.
    Url(String),
    /// In this document (RFC 7517), which was read from a file.
    Inline(String),
}

/// A claim that has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimTest {
    /// Name of the claim.
    pub claim: String,
    /// What it has to be; absent where any value will do.
    pub value: Option<String>,
}

/// How a token is signed (RFC 7518, section 3.1; RFC 8037, section 3.1).
///
/// All are signatures with a key pair. A secret that both sides know (`HS256`) and no signature at all (`none`)
/// have no value here, so that no policy and no token can ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JwtAlgorithm {
    /// RSA, padded by PKCS #1 v1.5, with SHA-256.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
    /// RSA, padded by PSS, with SHA-256.
    Ps256,
    /// The same with SHA-384.
    Ps384,
    /// The same with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl JwtAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Name used in policy, tokens and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Reads a name written by [`JwtAlgorithm::name`]; upper and lower case differ.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_have_names_and_secrets_have_none() {
        for algorithm in JwtAlgorithm::ALL {
            assert_eq!(JwtAlgorithm::from_name(algorithm.name()), Some(algorithm));
        }
        for name in ["none", "None", "", "HS256", "HS512", "rs256", "RS256 ", "ES512", "RS1"] {
            assert_eq!(JwtAlgorithm::from_name(name), None, "{name}");
        }
    }
}
