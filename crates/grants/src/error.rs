//! Why a token is refused, why none can be made as asked, and why there are no keys.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};

use crate::wire::Malformed;

/// A token is refused. Nothing of what is in the token is said: the message may be shown to whoever sent it, and
/// be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// It is not looked at.
    #[error("the token is longer than {limit_bytes} bytes")]
    TooLong {
        /// Longest that is looked at.
        limit_bytes: usize,
    },
    /// It does not begin with [`PREFIX`](crate::PREFIX).
    #[error("the token does not begin with `bzt_`")]
    Prefix,
    /// It is not base64url, or the bytes are not those of a token.
    #[error("the token is malformed")]
    Malformed,
    /// It was narrowed too often.
    #[error("the token has more than {limit} blocks")]
    TooManyBlocks {
        /// Most that are looked at.
        limit: usize,
    },
    /// A block is signed by somebody else as well.
    #[error("the token has a block of a third party")]
    ThirdParty,
    /// A key of it is none for Ed25519.
    #[error("the token is signed by an algorithm that is not allowed")]
    Algorithm,
    /// It names no root key, or one that is not known here, or not any more.
    #[error("the root key of the token is not known")]
    UnknownKey,
    /// A block names a key for which anybody can sign.
    #[error("a key of the token is one for which anybody can sign")]
    WeakKey,
    /// A signature is wrong, or the secret that goes with the last block is missing.
    #[error("the signature of the token is wrong")]
    Signature,
    /// The first block is signed, and says something that nobody knows here.
    #[error("the first block of the token says something that is not known")]
    FirstBlock,
    /// A block says something else than a limit, or says it in another form than the documented one.
    #[error("block {number} of the token is not a limit in a form that is known")]
    Block {
        /// Which; the first is 0.
        number: usize,
    },
    /// It was made later than now, so some clock is wrong.
    #[error("the token was issued in the future")]
    NotYet,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It lives longer than tokens may.
    #[error("the token lives longer than {} s", crate::MAX_LIFETIME.as_secs())]
    LivesTooLong,
    /// It, a token that it was narrowed from, or what it was made for was revoked.
    #[error("the token was revoked")]
    Revoked,
}

impl From<Malformed> for GrantError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

impl Coded for GrantError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::TooManyBlocks { .. } => "bartizan::grants::token-too-long",
            Self::Prefix | Self::Malformed | Self::FirstBlock => {
                "bartizan::grants::token-malformed"
            }
            Self::Block { .. } | Self::ThirdParty => "bartizan::grants::token-block",
            Self::Algorithm => "bartizan::grants::token-algorithm",
            Self::UnknownKey => "bartizan::grants::token-key",
            Self::Signature | Self::WeakKey => "bartizan::grants::token-signature",
            Self::NotYet => "bartizan::grants::token-early",
            Self::Expired => "bartizan::grants::token-expired",
            Self::LivesTooLong => "bartizan::grants::token-lives-too-long",
            Self::Revoked => "bartizan::grants::token-revoked",
        }
    }

    fn class(&self) -> Class {
        Class::Unauthenticated
    }
}

/// A token cannot be made or narrowed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Nobody could be called that.
    #[error("the name of the principal cannot be one")]
    Principal,
    /// The session is not a UUIDv7.
    #[error("the session is not a UUIDv7")]
    Session,
    /// A token that opens none of these is worth nothing.
    #[error("the set of {of} is empty; leave it out to open all that policy allows")]
    Empty {
        /// Of what.
        of: &'static str,
    },
    /// A set is too large.
    #[error("there are more than {limit} {of}")]
    TooMany {
        /// Of what.
        of: &'static str,
        /// Most that there may be.
        limit: usize,
    },
    /// A budget is too large.
    #[error("a budget is larger than 2^63-1")]
    Budget,
    /// It would end before it began.
    #[error("the token would be good for less than a second")]
    Lifetime,
    /// The time is before 1970.
    #[error("the time is before 1970")]
    Time,
    /// The note cannot be written.
    #[error(
        "a note has 1 to 128 bytes, and no control characters or ones that change how text is shown"
    )]
    Note,
    /// Nothing is asked for.
    #[error("nothing would be narrowed")]
    Nothing,
    /// The token does not open any of what should stay open.
    #[error("the token opens none of these {of}, so nothing would be left")]
    NothingLeft {
        /// Of what.
        of: &'static str,
    },
    /// The token would be longer than what is looked at.
    #[error("the token would be longer than {limit_bytes} bytes")]
    TooLong {
        /// Longest that is looked at.
        limit_bytes: usize,
    },
    /// The token was narrowed too often already.
    #[error("the token already has {limit} blocks")]
    TooManyBlocks {
        /// Most that there may be.
        limit: usize,
    },
    /// Whoever sealed the token wanted that.
    #[error("the token is sealed and cannot be narrowed")]
    Sealed,
    /// What should be narrowed is no token.
    #[error("the token cannot be narrowed")]
    Token(#[from] GrantError),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

impl Coded for WriteError {
    fn code(&self) -> &'static str {
        match self {
            Self::Principal | Self::Session | Self::Time => "bartizan::grants::holder",
            Self::Empty { .. } | Self::TooMany { .. } | Self::Budget | Self::Note => {
                "bartizan::grants::limits"
            }
            Self::Lifetime => "bartizan::grants::lifetime",
            Self::Nothing | Self::NothingLeft { .. } => "bartizan::grants::nothing-left",
            Self::TooLong { .. } | Self::TooManyBlocks { .. } => "bartizan::grants::too-long",
            Self::Sealed => "bartizan::grants::sealed",
            Self::Token(error) => error.code(),
            Self::Random => "bartizan::grants::random",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Random => Class::Internal,
            Self::Token(error) => error.class(),
            _ => Class::Usage,
        }
    }
}

/// Keys cannot be read, made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("`{}` cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another process changes the file for too long.
    #[error("another process holds the lock of `{}`", path.display())]
    Locked {
        /// Which.
        path: PathBuf,
    },
    /// The file belongs to somebody else, who knows what is in it and can change it.
    #[error("`{}` belongs neither to this user nor to root", path.display())]
    Owner {
        /// Which.
        path: PathBuf,
    },
    /// Others than its owner may read the file, and whoever has it can make tokens.
    #[error("`{}` is open to others than its owner; its mode has to be 0600", path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
    },
    /// The text is not what [`SigningKeys`](crate::SigningKeys) or [`PublicKeys`](crate::PublicKeys) write.
    #[error("the keys cannot be read: {what}")]
    Format {
        /// What is wrong with them.
        what: &'static str,
    },
    /// There are too many keys.
    #[error("there are more than {limit} keys")]
    TooMany {
        /// Most that there may be.
        limit: usize,
    },
    /// No key has this id.
    #[error("there is no key {id}")]
    Unknown {
        /// As it was given.
        id: u32,
    },
    /// Somebody has to sign.
    #[error("key {id} is the one that signs; make a new one before it is retired")]
    Newest {
        /// Which.
        id: u32,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

impl Coded for KeysError {
    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "bartizan::grants::keys-file",
            Self::Locked { .. } => "bartizan::grants::keys-locked",
            Self::Owner { .. } => "bartizan::grants::keys-owner",
            Self::Exposed { .. } => "bartizan::grants::keys-exposed",
            Self::Format { .. } | Self::TooMany { .. } => "bartizan::grants::keys-format",
            Self::Unknown { .. } => "bartizan::grants::keys-unknown",
            Self::Newest { .. } => "bartizan::grants::keys-newest",
            Self::Random => "bartizan::grants::random",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::File { .. } | Self::Locked { .. } => Class::Unavailable,
            Self::Unknown { .. } => Class::NotFound,
            Self::Exposed { .. }
            | Self::Owner { .. }
            | Self::Format { .. }
            | Self::TooMany { .. }
            | Self::Newest { .. } => Class::Usage,
            Self::Random => Class::Internal,
        }
    }
}

/// A proof that the holder has the key is refused. Nothing of what is in the proof is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// It is not looked at.
    #[error("the proof is longer than {limit_bytes} bytes")]
    TooLong {
        /// Longest that is looked at.
        limit_bytes: usize,
    },
    /// It is no signed token of three parts in base64url (RFC 7515, section 7.1), or a part is no JSON object in
    /// which each member stands once.
    #[error("the {part} of the proof cannot be read")]
    Malformed {
        /// Which.
        part: &'static str,
    },
    /// A member is missing, or of the wrong kind.
    #[error("the proof has no `{member}` that can be used")]
    Member {
        /// Which.
        member: &'static str,
    },
    /// It is another kind of token (`typ`).
    #[error("the header of the proof says (`typ`) that it is something else")]
    Type,
    /// It is not signed by `EdDSA` or `ES256`, or not by the one that its key is for.
    #[error("the proof is signed by an algorithm (`alg`) that is not allowed")]
    Algorithm,
    /// It demands something that nobody knows (`crit`).
    #[error("the header of the proof demands extensions (`crit`), and none are known")]
    Critical,
    /// The key (`jwk`) shows a secret, so that it is nobody's any more.
    #[error("the key (`jwk`) of the proof shows a secret")]
    PrivateKey,
    /// The token is bound to another key, or to a certificate.
    #[error("the token is bound to something else than the key of the proof")]
    OtherKey,
    /// The signature is not one of the key over these bytes.
    #[error("the signature of the proof is wrong")]
    Signature,
    /// It is for another method (`htm`).
    #[error("the proof is for another method (`htm`)")]
    Method,
    /// It is for another address (`htu`).
    #[error("the proof is for another address (`htu`)")]
    Url,
    /// It is for another token (`ath`).
    #[error("the proof is for another token (`ath`)")]
    Token,
    /// It is too old, or made later than now (`iat`).
    #[error("the proof was not made within {} s of now (`iat`)", crate::PROOF_WINDOW.as_secs())]
    Time,
    /// It was used before (`jti`).
    #[error("the proof was used before (`jti`)")]
    Replayed,
    /// It is of a time (`iat`) of which it is not known any more what was used: from before this process started, or
    /// gone through before a clock was set back.
    #[error("it is not known any more which proofs of that time (`iat`) were used; make a new one")]
    Forgotten,
    /// So many proofs with this key were used that no more of it can be remembered for now.
    #[error("too many proofs with this key were used within two minutes")]
    HolderFull,
    /// So many proofs were used that no more can be remembered for now.
    #[error("too many proofs were used within two minutes")]
    Full,
}

impl Coded for ProofError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::Malformed { .. } | Self::Member { .. } => {
                "bartizan::grants::proof-malformed"
            }
            Self::Type | Self::Critical => "bartizan::grants::proof-type",
            Self::Algorithm => "bartizan::grants::proof-algorithm",
            Self::PrivateKey | Self::OtherKey => "bartizan::grants::proof-key",
            Self::Signature => "bartizan::grants::proof-signature",
            Self::Method | Self::Url | Self::Token => "bartizan::grants::proof-request",
            Self::Time => "bartizan::grants::proof-time",
            Self::Replayed => "bartizan::grants::proof-replayed",
            Self::Forgotten => "bartizan::grants::proof-forgotten",
            Self::HolderFull => "bartizan::grants::proofs-of-key-full",
            Self::Full => "bartizan::grants::proofs-full",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Full => Class::Unavailable,
            Self::HolderFull => Class::Limit,
            _ => Class::Unauthenticated,
        }
    }
}
