//! Why counters cannot be kept where the policy says.

use std::io;
use std::path::PathBuf;

use bartizan_core::error::{Class, Coded};

/// The server that counts cannot be used as the policy says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CountersError {
    /// The file of certificates to trust cannot be read.
    #[error("cannot read the certificates `{}`", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server takes the user or the password for wrong, or they may not do what is needed.
    #[error("the Redis server `{server}` does not let this gateway in")]
    Refused {
        /// Host and port.
        server: String,
        /// What the server said.
        #[source]
        source: redis::RedisError,
    },
    /// The address or the certificates make no sense to the client.
    #[error("the Redis server `{server}` cannot be reached as the policy says")]
    Settings {
        /// Host and port.
        server: String,
        /// What the client said.
        #[source]
        source: redis::RedisError,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

impl Coded for CountersError {
    fn code(&self) -> &'static str {
        match self {
            Self::Certificates { .. } => "bartizan::counters::certificates",
            Self::Refused { .. } => "bartizan::counters::refused",
            Self::Settings { .. } => "bartizan::counters::settings",
            Self::Random(_) => "bartizan::counters::random",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Certificates { .. } | Self::Refused { .. } | Self::Settings { .. } => {
                Class::Usage
            }
            Self::Random(_) => Class::Unavailable,
        }
    }
}
