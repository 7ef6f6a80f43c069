//! State that several gateways share, in place of what each keeps for itself.

use std::path::PathBuf;
use std::time::Duration;

use crate::redact::Secret;

/// Where state is kept that several gateways share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shared {
    /// Keys and endpoints; absent for a file in the data folder.
    pub postgres: Option<Postgres>,
    /// Counters of limits; absent for the memory of each process.
    pub redis: Option<Redis>,
}

/// A database of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// The server.
    pub server: SharedServer,
    /// Name of the database, which has to be there.
    pub database: String,
    /// How long keys are taken as they were known when the database is not reached any more. Afterwards no key is.
    pub trust_for: Duration,
}

impl Postgres {
    /// Port where the policy names none.
    pub const PORT: u16 = 5432;
    /// [`Postgres::trust_for`] where the policy names none.
    pub const TRUST_FOR: Duration = Duration::from_secs(300);
}

/// A server of Redis or Valkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// The server.
    pub server: SharedServer,
    /// Number of the database.
    pub database: u32,
    /// What the names of all keys begin with.
    pub prefix: String,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// What becomes of requests while nobody answers.
    pub when_away: WhenAway,
}

impl Redis {
    /// Port where the policy names none.
    pub const PORT: u16 = 6379;
    /// [`Redis::prefix`] where the policy names none.
    pub const PREFIX: &str = "bartizan";
    /// [`Redis::timeout`] where the policy names none.
    pub const TIMEOUT: Duration = Duration::from_millis(250);
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedServer {
    /// Name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who signs in; absent for the server's default.
    pub user: Option<String>,
    /// What with.
    pub password: Option<Secret>,
    /// How the connection is encrypted; absent for none.
    pub tls: Option<SharedTls>,
}

/// Encryption of a connection to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedTls {
    /// Certificates in PEM to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

/// What becomes of requests with limits while the server that counts for all gateways is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenAway {
    /// They are refused.
    Deny,
    /// Each gateway counts alone, up to an equal share of each limit.
    CountAlone {
        /// How many gateways there are, at least 1.
        gateways: u32,
    },
}
