//! Error classes and the one table that maps them to HTTP, exit codes and retry hints.

/// Who has to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The caller sent something that cannot be served as it is.
    Usage,
    /// Nobody is known under the credentials given.
    Unauthenticated,
    /// A rule forbids it.
    Denied,
    /// What was named does not exist.
    NotFound,
    /// A model provider or another upstream failed.
    Upstream,
    /// A rate limit, budget or size cap was reached.
    Limit,
    /// Bartizan cannot serve right now, and may later.
    Unavailable,
    /// A bug in Bartizan.
    Internal,
}

impl Class {
    /// HTTP status for errors of this class, unless a protocol demands another.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Usage => 400,
            Self::Unauthenticated => 401,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Upstream => 502,
            Self::Limit => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// Process exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Denied => 1,
            Self::Usage | Self::NotFound => 2,
            Self::Limit => 3,
            Self::Unauthenticated | Self::Upstream | Self::Unavailable => 4,
            Self::Internal => 70,
        }
    }

    /// Whether the same call may succeed later without a change.
    pub const fn may_retry(self) -> bool {
        matches!(self, Self::Limit | Self::Unavailable | Self::Upstream)
    }
}

/// An error with a stable code and a class.
pub trait Coded: std::error::Error {
    /// Stable id such as `bartizan::gateway::body-too-large`; documented in `docs/reference/errors.md`.
    fn code(&self) -> &'static str;
    /// Who has to act.
    fn class(&self) -> Class;
}
