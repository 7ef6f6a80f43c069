//! Names of secrets, and ids of their versions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bartizan_core::id::MAX_NAME_BYTES;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::SecretsError;

/// Name of a secret: ASCII letters, digits, `.`, `_`, `-`, in parts between single `/`; 1 to 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SecretName(Arc<str>);

impl SecretName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = SecretsError;

    fn from_str(text: &str) -> Result<Self, SecretsError> {
        if text.is_empty() || text.len() > MAX_NAME_BYTES {
            return Err(SecretsError::Name("the name of a secret takes 1 to 128 bytes"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        if !text.bytes().all(plain) {
            return Err(SecretsError::Name(
                "the name of a secret has letters, digits, `.`, `_`, `-` and `/`",
            ));
        }
        // Names stand in paths of URLs, where such parts go elsewhere.
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(SecretsError::Name(
                "between the `/` of the name of a secret stands more than nothing, `.` or `..`",
            ));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

/// Eight random bytes, written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RandomId([u8; 8]);

impl RandomId {
    pub(crate) fn new() -> Result<Self, SecretsError> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(SecretsError::Random)?;
        Ok(Self(bytes))
    }

    pub(crate) const fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for RandomId {
    type Err = SecretsError;

    fn from_str(text: &str) -> Result<Self, SecretsError> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u64::from_str_radix(text, 16) {
            Ok(number) if text.len() == 16 && digits => Ok(Self(number.to_be_bytes())),
            _ => Err(SecretsError::Name("an id has 16 of 0-9 and a-f")),
        }
    }
}

impl fmt::Display for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RandomId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RandomId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

/// Public id of one value that a secret has or had: 16 hexadecimal digits, made by chance and not from the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(RandomId);

impl VersionId {
    pub(crate) fn new() -> Result<Self, SecretsError> {
        RandomId::new().map(Self)
    }

    pub(crate) const fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl FromStr for VersionId {
    type Err = SecretsError;

    fn from_str(text: &str) -> Result<Self, SecretsError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = SecretsError>,
    D: Deserializer<'de>,
{
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_parts_of_plain_characters() {
        let longest = "x".repeat(128);
        for name in ["a", "openai/prod-key", "A.b_c-9", "...", "a/..b", &longest] {
            assert_eq!(name.parse::<SecretName>().unwrap().as_str(), name);
        }
        let too_long = "x".repeat(129);
        for wrong in [
            "", "/", "/a", "a/", "a//b", "..", "a/../b", "a/.", "a b", "ä", "a\n", "a\0", &too_long,
        ] {
            assert!(matches!(wrong.parse::<SecretName>(), Err(SecretsError::Name(_))), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_name_is_not_repeated() {
        let error = "sk-canary value!".parse::<SecretName>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    #[test]
    fn ids_have_one_form() {
        let id = VersionId::new().unwrap();
        assert_eq!(id.to_string().parse::<VersionId>().unwrap(), id);
        for wrong in ["", "0", "+123456789abcdef", "0123456789ABCDEF", "0123456789abcdef0"] {
            assert!(wrong.parse::<VersionId>().is_err(), "{wrong}");
        }
    }
}
