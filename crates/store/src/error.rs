//! What can go wrong with the state, and who has to act.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};

use crate::changes::{ChangeState, WAITING_MAX};
use crate::endpoints::ENDPOINT_BYTES;
use crate::key::NOTE_BYTES;

/// The state could not be opened, read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file or its folder cannot be created.
    #[error("the state file `{}` cannot be created", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no SQLite database, or cannot be read.
    #[error("the state file `{}` cannot be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer version wrote the state.
    #[error("the state {place} has format {found}, this version knows {known}")]
    TooNew {
        /// Where it is: `file …`, or the server.
        place: String,
        /// Format of the file.
        found: i64,
        /// Newest format this version knows.
        known: i64,
    },
    /// A statement failed: locked for too long, damaged.
    #[error("the state database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server of the database cannot be reached, or does not let this process in.
    #[error("cannot connect to the state database at `{server}`")]
    Connect {
        /// Host and port.
        server: String,
        /// What was said.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The server of the database does not answer.
    #[error("the state database at `{server}` does not answer")]
    Silent {
        /// Host and port.
        server: String,
    },
    /// The system gives no means to wait for a database.
    #[error("cannot wait for a database")]
    Threads(#[source] io::Error),
    /// The file of certificates to trust cannot be used.
    #[error("cannot use the certificates `{}`: {why}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The TLS library does not do what is needed.
    #[error("no TLS to the state database")]
    Tls(#[source] rustls::Error),
    /// The disk has no room.
    #[error("the state database has no room on the disk")]
    Full(#[source] rusqlite::Error),
    /// A row holds a value that no version writes.
    #[error("the {table} row `{id}` in the state database is damaged")]
    Damaged {
        /// Its table.
        table: &'static str,
        /// Its id.
        id: String,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// The principal of a new key has no valid name.
    #[error("{0}")]
    Principal(&'static str),
    /// What a new key is narrowed to makes no sense.
    #[error("{0}")]
    KeyEndpoints(&'static str),
    /// A key that calls no models has tags.
    #[error("only a client key has tags")]
    KeyTags,
    /// The key does not work any more, so that nothing takes its place.
    #[error("the key `{id}` has ended")]
    KeyEnded {
        /// Its id.
        id: String,
    },
    /// The note of a new key is too long.
    #[error("the note of a key takes at most {NOTE_BYTES} bytes")]
    NoteTooLong,
    /// A new key would be of no use.
    #[error("the key would expire before it exists")]
    AlreadyExpired,
    /// There is no key with this id.
    #[error("there is no key `{id}`")]
    KeyNotFound {
        /// The id that was asked for.
        id: String,
    },
    /// What was removed may still be in the write-ahead log, since another process reads the state.
    #[error("keys are removed, and the name may still be in a file that another process reads")]
    Read,
    /// Without this key nobody could manage Bartizan any more.
    #[error("this is the last admin key that works")]
    LastAdminKey,
    /// There is an account of this name already.
    #[error("there is an account `{name}`")]
    AccountExists {
        /// Its name.
        name: String,
    },
    /// There is no account of this name.
    #[error("there is no account `{name}`")]
    AccountNotFound {
        /// The name that was asked for.
        name: String,
    },
    /// An account is for a person, and for the console.
    #[error("{0}")]
    Account(&'static str),
    /// There is no session with this id.
    #[error("there is no session `{id}`")]
    SessionNotFound {
        /// The id that was asked for.
        id: String,
    },
    /// The text of an endpoint is too long.
    #[error("an endpoint takes at most {ENDPOINT_BYTES} bytes")]
    EndpointTooLarge,
    /// There is no change with this id.
    #[error("there is no change `{id}`")]
    ChangeNotFound {
        /// The id that was asked for.
        id: String,
    },
    /// The change does not wait any more.
    #[error("the change `{id}` does not wait any more: it is {}", state.name())]
    ChangeOver {
        /// Its id.
        id: String,
        /// What has become of it.
        state: ChangeState,
    },
    /// More changes wait than anybody would read.
    #[error("{WAITING_MAX} changes wait already")]
    TooManyChanges,
    /// A program wants to approve.
    #[error("only a person approves a change, and the key belongs to a program")]
    NoPerson,
    /// Whoever asked for the change wants to approve it.
    #[error("another person than the one who asked has to approve a change")]
    SamePerson,
    /// One person may know the keys of both.
    #[error(
        "the key was made by somebody who may know the key of whoever asked too, or by nobody knows whom"
    )]
    SameHand,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if is_full(&error) { Self::Full(error) } else { Self::Database(error.into()) }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Whether SQLite found no room on the disk.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

impl Coded for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "bartizan::store::file",
            Self::Open { .. } => "bartizan::store::open",
            Self::TooNew { .. } => "bartizan::store::too-new",
            Self::Database(_) => "bartizan::store::database",
            Self::Connect { .. } => "bartizan::store::connect",
            Self::Silent { .. } => "bartizan::store::silent",
            Self::Threads(_) => "bartizan::store::threads",
            Self::Certificates { .. } => "bartizan::store::certificates",
            Self::Tls(_) => "bartizan::store::tls",
            Self::Full(_) => "bartizan::store::full",
            Self::Damaged { .. } => "bartizan::store::damaged",
            Self::Random(_) => "bartizan::store::random",
            Self::Principal(_) => "bartizan::store::principal",
            Self::KeyEndpoints(_) => "bartizan::store::key-endpoints",
            Self::KeyTags => "bartizan::store::key-tags",
            Self::KeyEnded { .. } => "bartizan::store::key-ended",
            Self::NoteTooLong => "bartizan::store::note-too-long",
            Self::AlreadyExpired => "bartizan::store::already-expired",
            Self::KeyNotFound { .. } => "bartizan::store::key-not-found",
            Self::Read => "bartizan::store::read",
            Self::LastAdminKey => "bartizan::store::last-admin-key",
            Self::AccountExists { .. } => "bartizan::store::account-exists",
            Self::AccountNotFound { .. } => "bartizan::store::account-not-found",
            Self::Account(_) => "bartizan::store::account",
            Self::SessionNotFound { .. } => "bartizan::store::session-not-found",
            Self::EndpointTooLarge => "bartizan::store::endpoint-too-large",
            Self::ChangeNotFound { .. } => "bartizan::store::change-not-found",
            Self::ChangeOver { .. } => "bartizan::store::change-over",
            Self::TooManyChanges => "bartizan::store::too-many-changes",
            Self::NoPerson => "bartizan::store::no-person",
            Self::SamePerson => "bartizan::store::same-person",
            Self::SameHand => "bartizan::store::same-hand",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::File { .. }
            | Self::Open { .. }
            | Self::TooNew { .. }
            | Self::Certificates { .. }
            | Self::Tls(_)
            | Self::Principal(_)
            | Self::KeyEndpoints(_)
            | Self::KeyTags
            | Self::KeyEnded { .. }
            | Self::NoteTooLong
            | Self::AlreadyExpired
            | Self::LastAdminKey
            | Self::AccountExists { .. }
            | Self::Account(_)
            | Self::EndpointTooLarge
            | Self::ChangeOver { .. } => Class::Usage,
            Self::KeyNotFound { .. }
            | Self::AccountNotFound { .. }
            | Self::SessionNotFound { .. }
            | Self::ChangeNotFound { .. } => Class::NotFound,
            Self::NoPerson | Self::SamePerson | Self::SameHand => Class::Denied,
            Self::TooManyChanges => Class::Limit,
            Self::Database(_)
            | Self::Connect { .. }
            | Self::Silent { .. }
            | Self::Threads(_)
            | Self::Full(_)
            | Self::Damaged { .. }
            | Self::Random(_)
            | Self::Read => Class::Unavailable,
        }
    }
}
