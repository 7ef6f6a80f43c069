//! Which changes take a second person before they count.

use std::time::Duration;

/// Which changes wait until another person approves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approvals {
    /// Changes of endpoints by the admin API that weaken something.
    pub weaker_endpoints: Approval,
    /// Changes of the policy file that weaken something.
    pub policy_file: Approval,
    /// How long a change waits, [`Approvals::SHORTEST`] to [`Approvals::LONGEST`].
    pub expire: Duration,
}

impl Approvals {
    /// How long a change waits where the policy does not say.
    pub const EXPIRE: Duration = Duration::from_hours(24);
    /// The least that [`Approvals::expire`] may be.
    pub const SHORTEST: Duration = Duration::from_hours(1);
    /// The most that [`Approvals::expire`] may be.
    pub const LONGEST: Duration = Duration::from_hours(30 * 24);
}

impl Default for Approvals {
    fn default() -> Self {
        let (weaker_endpoints, policy_file) = (Approval::None, Approval::None);
        Self { weaker_endpoints, policy_file, expire: Self::EXPIRE }
    }
}

/// How many people a change takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Approval {
    /// Whoever may make it.
    None,
    /// Another person besides.
    TwoPeople,
}

impl Approval {
    /// Name used in policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::TwoPeople => "two-people",
        }
    }
}
