//! What is asked of Vault: `vault:MOUNT/PATH#FIELD`, and in which namespace.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::error::VaultError;

/// Longest reference or namespace, in bytes.
pub const REFERENCE_BYTES: usize = 512;

/// What every reference begins with.
const SCHEME: &str = "vault:";

/// One field of a secret in Vault, such as `vault:secret/providers/openai#api-key`.
///
/// `MOUNT` is one part, `PATH` one or more between single `/`. Parts are written as they are and percent-encoded when
/// they are sent. They have letters, digits and visible ASCII characters, and spaces that stand between others, but
/// no `%`, `\`, `?`, `#` (which some proxy on the way would read in its own way), and are not `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    mount: String,
    path: String,
    field: String,
}

impl Reference {
    /// Whether a text means to be a reference.
    pub fn looks_like(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Where the engine is mounted.
    pub fn mount(&self) -> &str {
        &self.mount
    }

    /// Where the secret is, below the mount.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Which field of it is meant.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Mount and path, for people.
    pub fn place(&self) -> String {
        format!("{}/{}", self.mount, self.path)
    }

    /// Path of the request (`GET`): `/v1/MOUNT/data/PATH`, percent-encoded.
    pub fn request_path(&self) -> String {
        let mut path = String::from("/v1/");
        encode(&self.mount, &mut path);
        path.push_str("/data");
        for part in self.path.split('/') {
            path.push('/');
            encode(part, &mut path);
        }
        path
    }
}

impl FromStr for Reference {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let wrong = VaultError::Reference;
        if text.len() > REFERENCE_BYTES {
            return Err(wrong("a reference to Vault takes at most 512 bytes"));
        }
        let form = || wrong("a reference to Vault is written `vault:MOUNT/PATH#FIELD`");
        let rest = text.strip_prefix(SCHEME).ok_or_else(form)?;
        let (place, field) = rest.split_once('#').ok_or_else(form)?;
        let (mount, path) = place.split_once('/').ok_or_else(form)?;
        if !place.split('/').all(is_part) {
            return Err(wrong(
                "a part of a reference to Vault is empty, `.` or `..`, or has `%`, `\\`, `?` or characters that \
                 cannot be seen",
            ));
        }
        if !is_part(field) {
            return Err(wrong(
                "the field of a reference to Vault is empty, or has `#`, `%`, `\\`, `?` or characters that cannot \
                 be seen",
            ));
        }
        Ok(Self { mount: mount.to_owned(), path: path.to_owned(), field: field.to_owned() })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}#{}", self.mount, self.path, self.field)
    }
}

/// A namespace of Vault, such as `team/prod`; parts as in a [`Reference`], ASCII only since they are sent in a header.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Namespace(String);

impl Namespace {
    /// The namespace as text, without `/` at its ends.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Namespace {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        // Vault itself writes namespaces with a `/` behind.
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.len() > REFERENCE_BYTES || !text.is_ascii() || !text.split('/').all(is_part) {
            return Err(VaultError::Namespace(
                "a namespace of Vault is written `PART/PART`, in at most 512 visible ASCII characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_part(text: &str) -> bool {
    // Letters and digits of all scripts; what cannot be seen or changes direction is none of them.
    let fine = |c: char| {
        c == ' ' || c.is_alphanumeric() || (c.is_ascii_graphic() && !"%\\?#/".contains(c))
    };
    !matches!(text, "" | "." | "..") && text.trim_matches(' ') == text && text.chars().all(fine)
}

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
fn encode(part: &str, into: &mut String) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}
