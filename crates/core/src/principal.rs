//! Who acts.

use serde::{Deserialize, Serialize};

use crate::id::Name;

/// Kind of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program: agent, job, service.
    ServicePrincipal,
}

impl PrincipalKind {
    /// Name used in policy and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServicePrincipal => "service-principal",
        }
    }
}

/// A known caller. There is no anonymous principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Principal {
    /// Person or program.
    pub kind: PrincipalKind,
    /// Name without prefix, such as `alice@example.com` or `support-bot`.
    pub name: String,
    /// Groups the principal is in, sorted.
    pub groups: Vec<Name>,
}

impl Principal {
    /// Text form used in policy: `alice@example.com`, `sp:support-bot`.
    pub fn qualified(&self) -> String {
        match self.kind {
            PrincipalKind::User => self.name.clone(),
            PrincipalKind::ServicePrincipal => format!("sp:{}", self.name),
        }
    }
}

/// Splits `sp:NAME` from a user name.
///
/// # Errors
/// A sentence saying what is wrong with the name.
pub fn parse_qualified(text: &str) -> Result<(PrincipalKind, &str), &'static str> {
    let (kind, name) = match text.strip_prefix("sp:") {
        Some(name) => (PrincipalKind::ServicePrincipal, name),
        None => (PrincipalKind::User, text),
    };
    if name.is_empty() {
        return Err("the name of a principal is empty");
    }
    if name.len() > crate::id::MAX_NAME_BYTES {
        return Err("the name of a principal is longer than 128 bytes");
    }
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    if !name.chars().all(fine) {
        return Err("the name of a principal takes letters, digits and `.`, `-`, `_`, `@`, `+`");
    }
    Ok((kind, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_principals_carry_a_prefix() {
        assert_eq!(parse_qualified("sp:bot"), Ok((PrincipalKind::ServicePrincipal, "bot")));
        assert_eq!(parse_qualified("a@example.com"), Ok((PrincipalKind::User, "a@example.com")));
        assert!(parse_qualified("sp:").is_err());
        assert!(parse_qualified("a b").is_err());
    }
}
