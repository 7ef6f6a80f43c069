//! Whose certificates stand for a caller. How a certificate is read is for the room that recognises callers.

use std::sync::Arc;

use crate::id::Name;
use crate::settings::Member;
use crate::tags::Tags;

/// Certificates that stand for a caller. That an authority of the policy signed them was checked before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRule {
    /// Names it in logs.
    pub id: Name,
    /// Which certificates.
    pub name: CertificateName,
    /// Who calls with them; absent where the name of the certificate says it.
    pub principal: Option<Member>,
    /// Groups of the policy that the certificate puts its holder into.
    pub groups: Vec<Name>,
    /// The only endpoints that it opens, whatever else the policy would allow; absent where it opens all that are.
    pub endpoints: Option<Arc<[Name]>>,
    /// What use with it is put down to.
    pub tags: Arc<Tags>,
}

/// What a certificate is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateName {
    /// An address of electronic mail (`rfc822Name`). The star stands for what is before the `@`. The caller is the person
    /// with that address.
    Email(OneStar),
    /// A URI, such as a SPIFFE id. The star stands for one segment of its path, and the caller is the program of that
    /// name.
    Uri(OneStar),
    /// A name of a host (`dNSName`), in lower case. The star stands for one label. The caller is the program of that
    /// name.
    Dns(OneStar),
    /// The SHA-256 of one certificate.
    Sha256([u8; 32]),
}

/// A text in which one star can stand for something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneStar {
    before: String,
    after: Option<String>,
}

impl OneStar {
    /// Reads a text with at most one `*`.
    pub fn new(text: &str) -> Option<Self> {
        let (before, after) = match text.split_once('*') {
            Some((_, after)) if after.contains('*') => return None,
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        Some(Self { before: before.to_owned(), after: after.map(str::to_owned) })
    }

    /// Whether there is a star in it.
    pub const fn has_star(&self) -> bool {
        self.after.is_some()
    }

    /// What stands before the star, or the whole text.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// What stands after the star.
    pub fn after(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }

    /// What the star stands for in a text that fits: at least one character, and none of `ends`. A text without a star
    /// fits itself, and stands for all of it.
    pub fn find<'t>(&self, text: &'t str, ends: char) -> Option<&'t str> {
        let Some(after) = &self.after else { return (text == self.before).then_some(text) };
        let found = text.strip_prefix(self.before.as_str())?.strip_suffix(after.as_str())?;
        (!found.is_empty() && !found.contains(ends)).then_some(found)
    }
}

impl std::fmt::Display for OneStar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.before)?;
        match &self.after {
            None => Ok(()),
            Some(after) => write!(f, "*{after}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_part_that_is_not_empty() {
        let star = OneStar::new("spiffe://example.org/agent/*").unwrap();
        assert_eq!(star.find("spiffe://example.org/agent/a", '/'), Some("a"));
        for other in [
            "spiffe://example.org/agent/",
            "spiffe://example.org/agent/a/b",
            "spiffe://example.org/agents/a",
            "spiffe://example.net/agent/a",
            "a",
            "",
        ] {
            assert_eq!(star.find(other, '/'), None, "{other}");
        }
        let both = OneStar::new("ab*ba").unwrap();
        assert_eq!(both.find("ab.ba", '/'), Some("."));
        assert_eq!(both.find("aba", '/'), None, "the two sides do not overlap");
    }

    #[test]
    fn without_a_star_a_text_fits_itself() {
        let plain = OneStar::new("a@example.com").unwrap();
        assert_eq!(plain.find("a@example.com", '@'), Some("a@example.com"));
        assert_eq!(plain.find("a@example.co", '@'), None);
        assert_eq!(OneStar::new("*.*"), None);
        for text in ["a*b", "*", "plain", ""] {
            assert_eq!(OneStar::new(text).unwrap().to_string(), text);
        }
    }
}
