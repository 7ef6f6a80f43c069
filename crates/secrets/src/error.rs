//! What can go wrong with keys, sealed data and the store, and who has to act.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};
use bartizan_core::time::{self, Timestamp};

use crate::contents::{NOTE_BYTES, OVERLAP_MAX, SECRETS_MAX, VALUE_BYTES};
use crate::document::{FILE_BYTES, HISTORY_MAX};
use crate::keyring::{KEYS_MAX, KeyId};

/// Master keys cannot be read, made or changed. Says lines and ids, never what stands in a line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The system refuses the file or its folder.
    #[error("the key file `{}` cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others may read the file, or may change it.
    #[error(
        "the key file `{}` is open to others (mode {mode:04o}): run `chmod 600 {}`",
        path.display(),
        path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to somebody else, who knows what is in it and can change it.
    #[error(
        "the key file `{}` belongs to user {owner}, who is neither this one nor root",
        path.display()
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// Id of the user to whom it belongs.
        owner: u32,
    },
    /// A new key file would take the place of something.
    #[error("the key file `{}` exists; what it seals would be lost without it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else changes the file for too long.
    #[error("another process holds the lock of the key file `{}`", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// There is no key at all.
    #[error("there is no master key in it; a line holds `bzk1_` and 43 characters of base64url")]
    Empty,
    /// A line is no key.
    #[error("line {line} is no master key, which is `bzk1_` and 43 characters of base64url")]
    Malformed {
        /// Which, from 1.
        line: usize,
    },
    /// A line is a key that nobody made by chance.
    #[error("line {line} is a master key of one repeated byte, which anybody can guess")]
    Guessable {
        /// Which, from 1.
        line: usize,
    },
    /// Two lines hold the same key, or keys that cannot be told apart by their ids.
    #[error("line {line} holds the master key `{id}` once more")]
    Twice {
        /// The second of them, from 1.
        line: usize,
        /// Id of the key.
        id: KeyId,
    },
    /// There are more keys than anybody rotates.
    #[error("there are more than {KEYS_MAX} master keys; retire old ones")]
    TooMany,
    /// There is no key with this id.
    #[error("there is no master key `{id}`")]
    Unknown {
        /// The id that was asked for.
        id: KeyId,
    },
    /// New data is sealed with this key.
    #[error("the master key `{id}` is the current one; add a new key before this one is retired")]
    Current {
        /// Its id.
        id: KeyId,
    },
    /// What a key is derived for has no proper name.
    #[error("the purpose of a key is 1 to 64 of a-z, 0-9 and `-`")]
    Purpose,
    /// The cryptographic library refuses a key of the right length.
    #[error("no key can be derived from a master key")]
    Derive,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

impl Coded for KeyringError {
    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "bartizan::keyring::file",
            Self::OpenToOthers { .. } => "bartizan::keyring::open-to-others",
            Self::Owner { .. } => "bartizan::keyring::owner",
            Self::Exists { .. } => "bartizan::keyring::exists",
            Self::Locked { .. } => "bartizan::keyring::locked",
            Self::Empty => "bartizan::keyring::empty",
            Self::Malformed { .. } => "bartizan::keyring::malformed",
            Self::Guessable { .. } => "bartizan::keyring::guessable",
            Self::Twice { .. } => "bartizan::keyring::twice",
            Self::TooMany => "bartizan::keyring::too-many",
            Self::Unknown { .. } => "bartizan::keyring::unknown",
            Self::Current { .. } => "bartizan::keyring::current",
            Self::Purpose => "bartizan::keyring::purpose",
            Self::Derive => "bartizan::keyring::derive",
            Self::Random(_) => "bartizan::keyring::random",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::File { .. }
            | Self::OpenToOthers { .. }
            | Self::Owner { .. }
            | Self::Exists { .. }
            | Self::Empty
            | Self::Malformed { .. }
            | Self::Guessable { .. }
            | Self::Twice { .. }
            | Self::TooMany
            | Self::Current { .. } => Class::Usage,
            Self::Unknown { .. } => Class::NotFound,
            Self::Locked { .. } | Self::Random(_) => Class::Unavailable,
            Self::Purpose | Self::Derive => Class::Internal,
        }
    }
}

/// Data cannot be sealed or opened. Says nothing about what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It ends before what every sealed text has.
    #[error("the sealed data is too short to be any")]
    TooShort,
    /// It was sealed in a way that this version does not know, or is something else.
    #[error("the sealed data has format {found}, which this version does not know")]
    Version {
        /// Its first byte.
        found: u8,
    },
    /// The master key that it was sealed with is not among those given.
    #[error("the data is sealed with the master key `{id}`, which is not in the keyring")]
    UnknownKey {
        /// Id of the key.
        id: KeyId,
    },
    /// It was changed, it was sealed for another place or purpose, or the key is another one with the same id.
    #[error("the sealed data is damaged, or belongs elsewhere")]
    Damaged,
    /// The cryptographic library refuses to seal.
    #[error("the data cannot be sealed")]
    Refused,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

impl Coded for SealError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort => "bartizan::seal::too-short",
            Self::Version { .. } => "bartizan::seal::version",
            Self::UnknownKey { .. } => "bartizan::seal::unknown-key",
            Self::Damaged => "bartizan::seal::damaged",
            Self::Refused => "bartizan::seal::refused",
            Self::Random(_) => "bartizan::seal::random",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::UnknownKey { .. } => Class::Usage,
            Self::TooShort | Self::Version { .. } | Self::Damaged | Self::Random(_) => {
                Class::Unavailable
            }
            Self::Refused => Class::Internal,
        }
    }
}

/// The store cannot be opened, read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The system refuses to read the file, or it is longer than any that Bartizan writes.
    #[error("the secrets file `{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refuses to write the file or its folder. Where only the last step failed, the change is there.
    #[error("the secrets file `{}` cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody else changes the file for too long.
    #[error("another process holds the lock of the secrets file `{}`", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is none that Bartizan wrote.
    #[error("the secrets file `{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another version of Bartizan wrote the file.
    #[error("the secrets file `{}` has a schema that this version does not know", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
    },
    /// The file was changed by others, or the keyring is not the one that it was written with.
    #[error("the secrets file `{}` cannot be verified", path.display())]
    Unverified {
        /// The file.
        path: PathBuf,
        /// What is wrong with its seals.
        #[source]
        source: SealError,
    },
    /// The file was there before. What it held is still known.
    #[error("the secrets file `{}` has disappeared", path.display())]
    Disappeared {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what became of the one before: an old copy, one that was changed since it was put back, or the
    /// file of another store. It may also be more than 256 changes later. What the one before held is still known.
    #[error(
        "the secrets file `{}` does not follow from the one before: it comes from an older copy or another store, or \
         was changed more than {HISTORY_MAX} times; restart if it is the right one",
        path.display()
    )]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// No key for the store can be had from the keyring.
    #[error("the keyring gives no key for the store of secrets")]
    Keyring(#[source] KeyringError),
    /// A value cannot be sealed or opened.
    #[error("a secret cannot be sealed or opened")]
    Seal(#[source] SealError),
    /// A secret has no proper name. The name is not repeated: it may be a value in the wrong place.
    #[error("{0}")]
    Name(&'static str),
    /// A value is empty or too long.
    #[error("the value of a secret takes 1 to {VALUE_BYTES} bytes")]
    Value,
    /// A note is too long, or has characters that are no text.
    #[error("the note of a secret takes at most {NOTE_BYTES} bytes without control characters")]
    Note,
    /// A new value would be of no use.
    #[error("the value would expire before it is set")]
    AlreadyExpired,
    /// Two values would be good for longer than any rotation takes.
    #[error("an overlap takes at most {} days", OVERLAP_MAX.as_secs() / 86_400)]
    OverlapTooLong,
    /// There is a secret with this name.
    #[error("the secret `{name}` exists; rotate it to give it another value")]
    Exists {
        /// The name.
        name: String,
    },
    /// There is no secret with this name.
    #[error("there is no secret `{name}`")]
    NotFound {
        /// The name that was asked for.
        name: String,
    },
    /// No earlier value of the secret is still good.
    #[error("the secret `{name}` has no earlier value whose overlap lasts")]
    NoPrevious {
        /// The name.
        name: String,
    },
    /// The value is no longer to be used.
    #[error("the secret `{name}` expired at {}; rotate it", time::format(*expired))]
    Expired {
        /// The name.
        name: String,
        /// When.
        expired: Timestamp,
    },
    /// A rotation would only make the value look young.
    #[error("the secret `{name}` has this value already")]
    SameValue {
        /// The name.
        name: String,
    },
    /// There are as many secrets as there may be.
    #[error("there are {SECRETS_MAX} secrets already")]
    TooMany,
    /// The file would be longer than what is read again.
    #[error("the secrets take more than {FILE_BYTES} bytes")]
    Full,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

impl Coded for SecretsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "bartizan::secrets::read",
            Self::Write { .. } => "bartizan::secrets::write",
            Self::Locked { .. } => "bartizan::secrets::locked",
            Self::Damaged { .. } => "bartizan::secrets::damaged",
            Self::Schema { .. } => "bartizan::secrets::schema",
            Self::Unverified { .. } => "bartizan::secrets::unverified",
            Self::Disappeared { .. } => "bartizan::secrets::disappeared",
            Self::Replaced { .. } => "bartizan::secrets::replaced",
            Self::Keyring(_) => "bartizan::secrets::keyring",
            Self::Seal(_) => "bartizan::secrets::seal",
            Self::Name(_) => "bartizan::secrets::name",
            Self::Value => "bartizan::secrets::value",
            Self::Note => "bartizan::secrets::note",
            Self::AlreadyExpired => "bartizan::secrets::already-expired",
            Self::OverlapTooLong => "bartizan::secrets::overlap-too-long",
            Self::Exists { .. } => "bartizan::secrets::exists",
            Self::NotFound { .. } => "bartizan::secrets::not-found",
            Self::NoPrevious { .. } => "bartizan::secrets::no-previous",
            Self::Expired { .. } => "bartizan::secrets::expired",
            Self::SameValue { .. } => "bartizan::secrets::same-value",
            Self::TooMany => "bartizan::secrets::too-many",
            Self::Full => "bartizan::secrets::full",
            Self::Random(_) => "bartizan::secrets::random",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Schema { .. }
            | Self::Name(_)
            | Self::Value
            | Self::Note
            | Self::AlreadyExpired
            | Self::OverlapTooLong
            | Self::Exists { .. }
            | Self::NoPrevious { .. }
            | Self::SameValue { .. }
            | Self::TooMany
            | Self::Full => Class::Usage,
            Self::NotFound { .. } => Class::NotFound,
            Self::Read { .. }
            | Self::Write { .. }
            | Self::Locked { .. }
            | Self::Damaged { .. }
            | Self::Unverified { .. }
            | Self::Disappeared { .. }
            | Self::Replaced { .. }
            | Self::Expired { .. }
            | Self::Random(_) => Class::Unavailable,
            Self::Keyring(source) => source.class(),
            Self::Seal(source) => source.class(),
        }
    }
}
