//! Why a token is refused, and why there are no keys to check it with.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::error::{Class, Coded};
use bartizan_core::id::Name;

use crate::json::JsonError;

/// A token is refused. What it says, names of claims that the policy asks for, never what is in them: the
/// message may be shown to whoever sent the token, and be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not looked at.
    #[error("the token is longer than {limit_bytes} bytes")]
    TooLong {
        /// Longest that is looked at.
        limit_bytes: usize,
    },
    /// It is no signed token (RFC 7515, section 7.1).
    #[error("the token is not made of three parts")]
    Parts,
    /// A part is not base64url (RFC 4648, section 5), without padding and in its one canonical form.
    #[error("the {part} of the token is not base64url")]
    Base64 {
        /// Which.
        part: &'static str,
    },
    /// A part is not the JSON that it should be.
    #[error("the {part} of the token cannot be read")]
    Json {
        /// Which.
        part: &'static str,
        /// What is wrong with it.
        #[source]
        source: JsonError,
    },
    /// Its header is about something that nobody here knows.
    #[error("the header of the token demands extensions (`crit`), and none are known")]
    Critical,
    /// It says that it is something else.
    #[error("the header of the token says (`typ`) that it is something else")]
    Type,
    /// A member of its header is no string.
    #[error("the header of the token has no text for `{member}`")]
    Header {
        /// Which.
        member: &'static str,
    },
    /// It is signed in a way that the policy does not allow for its issuer, or not at all.
    #[error("the token is signed by an algorithm (`alg`) that is not allowed")]
    Algorithm,
    /// It is signed in a way that its key is not for.
    #[error("the algorithm (`alg`) of the token is none of its key")]
    AlgorithmOfKey,
    /// Nobody whose tokens are taken.
    #[error("the issuer (`iss`) of the token is not one of the policy")]
    UnknownIssuer,
    /// Its issuer has several keys.
    #[error("the token does not name its key (`kid`), and `{issuer}` has several")]
    KeyUnnamed {
        /// Id of the issuer.
        issuer: Name,
    },
    /// Its issuer is not known to have this key. It may be a new one: see
    /// [`Issuers::wait_for_key`](crate::Issuers::wait_for_key).
    #[error("the key (`kid`) of the token is none of `{issuer}`")]
    UnknownKey {
        /// Id of the issuer.
        issuer: Name,
    },
    /// The keys of its issuer were never fetched.
    #[error("the keys of `{issuer}` are not there yet")]
    KeysNotLoaded {
        /// Id of the issuer.
        issuer: Name,
    },
    /// The keys of its issuer are too old to be relied on.
    #[error("the keys of `{issuer}` could not be fetched for too long")]
    KeysStale {
        /// Id of the issuer.
        issuer: Name,
    },
    /// The signature is not one of the key over these bytes.
    #[error("the signature of the token is wrong")]
    Signature,
    /// A claim is not there.
    #[error("the token has no `{claim}`")]
    MissingClaim {
        /// Which.
        claim: String,
    },
    /// A claim is of the wrong kind.
    #[error("`{claim}` of the token is {what}")]
    MalformedClaim {
        /// Which.
        claim: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It ended.
    #[error("the token has expired")]
    Expired,
    /// It begins later.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It was made later than now, so some clock is wrong.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// It lives longer than the policy lets tokens live.
    #[error("the token lives longer than {} s", limit.as_secs())]
    LivesTooLong {
        /// How long it may.
        limit: Duration,
    },
    /// It is for others.
    #[error("the token is meant for others (`aud`)")]
    Audience,
    /// The name is an address that the issuer does not vouch for.
    #[error("the issuer did not verify the `email` of the token")]
    EmailUnverified,
    /// The name is none that a principal can have.
    #[error("`{claim}` of the token names nobody: {what}")]
    Name {
        /// Which.
        claim: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Coded for TokenError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "bartizan::identity::token-too-long",
            Self::Parts
            | Self::Base64 { .. }
            | Self::Json { .. }
            | Self::Critical
            | Self::Type
            | Self::Header { .. } => "bartizan::identity::token-malformed",
            Self::Algorithm | Self::AlgorithmOfKey => "bartizan::identity::token-algorithm",
            Self::UnknownIssuer => "bartizan::identity::token-issuer",
            Self::KeyUnnamed { .. } | Self::UnknownKey { .. } => "bartizan::identity::token-key",
            Self::KeysNotLoaded { .. } => "bartizan::identity::keys-not-loaded",
            Self::KeysStale { .. } => "bartizan::identity::keys-stale",
            Self::Signature => "bartizan::identity::token-signature",
            Self::MissingClaim { .. } | Self::MalformedClaim { .. } => {
                "bartizan::identity::token-claim"
            }
            Self::Expired => "bartizan::identity::token-expired",
            Self::NotYetValid | Self::IssuedInFuture => "bartizan::identity::token-early",
            Self::LivesTooLong { .. } => "bartizan::identity::token-lives-too-long",
            Self::Audience => "bartizan::identity::token-audience",
            Self::EmailUnverified | Self::Name { .. } => "bartizan::identity::token-name",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::KeysNotLoaded { .. } | Self::KeysStale { .. } => Class::Unavailable,
            _ => Class::Unauthenticated,
        }
    }
}

/// There are no keys, or no new ones.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// Nobody has this id.
    #[error("there is no issuer `{id}`")]
    UnknownIssuer {
        /// As it was given.
        id: Name,
    },
    /// It could not be said whose a token is.
    #[error("`{first}` and `{second}` are one issuer, `{url}`")]
    Twice {
        /// Id of one.
        first: Name,
        /// Id of the other.
        second: Name,
        /// What both are said to be.
        url: String,
    },
    /// Nobody should take keys from there.
    #[error("keys cannot be taken from `{url}`: {what}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The keys in the policy cannot be used.
    #[error("the keys of `{issuer}` cannot be used")]
    Inline {
        /// Id of the issuer.
        issuer: Name,
        /// What is wrong with them.
        #[source]
        source: KeySetError,
    },
    /// Nothing came.
    #[error("`{url}` could not be fetched")]
    Fetch {
        /// What was asked for.
        url: String,
        /// What the one who fetches says.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Nothing came in time.
    #[error("`{url}` was not answered within {} s", limit.as_secs())]
    TimedOut {
        /// What was asked for.
        url: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// More came than is read.
    #[error("`{url}` is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// Most that is read.
        limit_bytes: u64,
    },
    /// A discovery document cannot be read.
    #[error("`{url}` is no discovery document")]
    Discovery {
        /// Where it is.
        url: String,
        /// What is wrong with it.
        #[source]
        source: JsonError,
    },
    /// A discovery document lacks what it is asked for.
    #[error("the discovery document `{url}` has no text for `{member}`")]
    DiscoveryMember {
        /// Where it is.
        url: String,
        /// What is missing.
        member: &'static str,
    },
    /// A discovery document is about somebody else (OIDC Discovery 1.0, section 4.3).
    #[error("the discovery document `{url}` is that of another issuer")]
    OtherIssuer {
        /// Where it is.
        url: String,
    },
    /// A discovery document sends us where nobody should take keys from. Where that is, is not said: it could
    /// be any text.
    #[error("the discovery document `{url}` sends us where nothing can be taken from: {what}")]
    DiscoveryAddress {
        /// Where the document is.
        url: String,
        /// What is wrong with the other address.
        what: &'static str,
    },
    /// A discovery document sends us elsewhere.
    #[error(
        "the discovery document `{url}` sends us to another host, `{host}`; if that is right, give the whole \
         URL in the policy"
    )]
    ForeignHost {
        /// Where it is.
        url: String,
        /// Where it says that the keys are.
        host: String,
    },
    /// What came holds no keys that can be used.
    #[error("there are no keys in `{url}` that can be used")]
    Document {
        /// Where it is.
        url: String,
        /// What is wrong with it.
        #[source]
        source: KeySetError,
    },
}

impl Coded for KeysError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownIssuer { .. } => "bartizan::identity::issuer-unknown",
            Self::Twice { .. } => "bartizan::identity::issuer-twice",
            Self::Address { .. } => "bartizan::identity::keys-address",
            Self::Inline { .. } => "bartizan::identity::keys-inline",
            Self::Fetch { .. } | Self::TimedOut { .. } => "bartizan::identity::keys-unreachable",
            Self::TooLarge { .. } | Self::Document { .. } => "bartizan::identity::keys-document",
            Self::Discovery { .. }
            | Self::DiscoveryMember { .. }
            | Self::DiscoveryAddress { .. }
            | Self::OtherIssuer { .. }
            | Self::ForeignHost { .. } => "bartizan::identity::keys-discovery",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::UnknownIssuer { .. } => Class::NotFound,
            Self::Twice { .. } | Self::Address { .. } | Self::Inline { .. } => Class::Usage,
            Self::Fetch { .. } | Self::TimedOut { .. } => Class::Unavailable,
            Self::TooLarge { .. }
            | Self::Document { .. }
            | Self::Discovery { .. }
            | Self::DiscoveryMember { .. }
            | Self::DiscoveryAddress { .. }
            | Self::OtherIssuer { .. }
            | Self::ForeignHost { .. } => Class::Upstream,
        }
    }
}

/// A document is no set of keys (RFC 7517, section 5) that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is larger than a set of keys may be.
    #[error("it is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Largest that is read.
        limit_bytes: u64,
    },
    /// It cannot be read.
    #[error("it cannot be read")]
    Json(#[source] JsonError),
    /// It has no list of keys.
    #[error("it has no list of `keys`")]
    NoKeys,
    /// It has more keys than are looked at.
    #[error("it has more than {limit} keys")]
    TooMany {
        /// Most that are looked at.
        limit: usize,
    },
    /// None of its keys fits the algorithms of the issuer.
    #[error("none of its keys can check a signature by the algorithms that the policy allows")]
    NoneUsable,
}
