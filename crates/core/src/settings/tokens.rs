//! Short tokens that are made of other credentials.

use std::path::PathBuf;
use std::time::Duration;

/// How short tokens are made and taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// How long one is good, at most [`Tokens::LIFETIME`].
    pub lifetime: Duration,
    /// Scheme, host and port by which callers know the gateway, without a path; empty for this machine
    /// alone.
    pub origins: Vec<String>,
    /// File of the keys that sign them; absent for `token-keys.json` in the data folder. Gateways that take each
    /// other's tokens have the same one.
    pub keys: Option<PathBuf>,
}

impl Tokens {
    /// The longest that a token is good, and how long one is where the policy does not say.
    pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
}
