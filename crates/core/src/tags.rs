//! Tags: what a use of models is put down to, such as a team or a project.
//!
//! An administrator gives them, to a key, to an endpoint, or by naming a claim of tokens. No caller can choose one:
//! limits count by them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Most tags that a key, a token or an endpoint has.
pub const MAX_TAGS: usize = 16;
/// Longest name of a tag, in bytes.
const NAME_BYTES: usize = 64;
/// Longest value of a tag, in bytes.
const VALUE_BYTES: usize = 128;

/// Name of a tag: kebab-case ASCII, at most 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TagName(Arc<str>);

impl TagName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TagName {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let is_name = begins && text.len() <= NAME_BYTES && text.bytes().all(fits);
        if is_name { Ok(Self(text.into())) } else { Err(TagError::Name) }
    }
}

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TagName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Tags by name. No value is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<TagName, String>);

/// Why something can be no tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// The name has another form.
    #[error(
        "the name of a tag has 1 to {NAME_BYTES} characters of a-z, 0-9 and `-`, and begins with a letter"
    )]
    Name,
    /// The value has another form.
    #[error(
        "the value of a tag has 1 to {VALUE_BYTES} bytes of letters, digits, single spaces and ASCII punctuation"
    )]
    Value,
    /// There is no `=`.
    #[error("a tag is written `NAME=VALUE`")]
    Form,
    /// There is one with this name.
    #[error("a tag is given twice")]
    Twice,
    /// There are more than [`MAX_TAGS`].
    #[error("there are more than {MAX_TAGS} tags")]
    TooMany,
}

impl Tags {
    /// Adds a tag.
    ///
    /// # Errors
    /// [`TagError`]: then nothing is added.
    pub fn add(&mut self, name: TagName, value: &str) -> Result<(), TagError> {
        if !is_value(value) {
            return Err(TagError::Value);
        }
        if self.0.contains_key(&name) {
            return Err(TagError::Twice);
        }
        if self.0.len() >= MAX_TAGS {
            return Err(TagError::TooMany);
        }
        self.0.insert(name, value.to_owned());
        Ok(())
    }

    /// Adds a tag that is written `NAME=VALUE`.
    ///
    /// # Errors
    /// [`TagError`]: then nothing is added.
    pub fn add_written(&mut self, text: &str) -> Result<(), TagError> {
        let (name, value) = text.split_once('=').ok_or(TagError::Form)?;
        self.add(name.parse()?, value)
    }

    /// The value of a tag.
    pub fn get(&self, name: &TagName) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tags by their names.
    pub fn iter(&self) -> impl Iterator<Item = (&TagName, &str)> {
        self.0.iter().map(|(name, value)| (name, value.as_str()))
    }

    /// These, and of others those whose names are not taken; there can be twice [`MAX_TAGS`] then.
    #[must_use]
    pub fn or(&self, others: &Self) -> Self {
        let mut all = others.0.clone();
        all.extend(self.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self(all)
    }
}

/// Whether a text can be the value of a tag: what is seen is what there is, so that no two values look the same
/// to people and are counted apart.
fn is_value(text: &str) -> bool {
    let fits = |c: char| c == ' ' || c.is_ascii_graphic() || !c.is_ascii() && c.is_alphanumeric();
    (1..=VALUE_BYTES).contains(&text.len())
        && text.chars().all(fits)
        && text.trim() == text
        && !text.contains("  ")
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What the log says was checked when it was written, of a key and of an endpoint.
        let read = BTreeMap::<TagName, String>::deserialize(deserializer)?;
        if read.len() > 2 * MAX_TAGS {
            return Err(serde::de::Error::custom(TagError::TooMany));
        }
        if !read.values().all(|value| is_value(value)) {
            return Err(serde::de::Error::custom(TagError::Value));
        }
        Ok(Self(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(written: &[&str]) -> Result<Tags, TagError> {
        let mut tags = Tags::default();
        for text in written {
            tags.add_written(text)?;
        }
        Ok(tags)
    }

    #[test]
    fn a_tag_has_a_plain_name_and_a_value_that_can_be_seen() {
        let good = tags(&["team=search", "project=R&D, phase 2", "land=Österreich", "a=b=c"]);
        let good = good.unwrap();
        let name = "a".parse().unwrap();
        assert_eq!(good.get(&name), Some("b=c"));
        for (wrong, error) in [
            ("team", TagError::Form),
            ("=x", TagError::Name),
            ("Team=x", TagError::Name),
            ("1=x", TagError::Name),
            ("te am=x", TagError::Name),
            ("team=", TagError::Value),
            ("team= x", TagError::Value),
            ("team=x  y", TagError::Value),
            ("team=x\ny", TagError::Value),
            ("team=x\u{200b}y", TagError::Value),
            ("team=x\u{202e}y", TagError::Value),
        ] {
            assert_eq!(tags(&[wrong]), Err(error), "{wrong:?}");
        }
        let long = "x".repeat(NAME_BYTES);
        assert!(tags(&[&format!("{long}={}", "v".repeat(VALUE_BYTES))]).is_ok());
        assert_eq!(tags(&[&format!("{long}x=v")]), Err(TagError::Name));
        assert_eq!(tags(&[&format!("a={}", "v".repeat(VALUE_BYTES + 1))]), Err(TagError::Value));
        assert_eq!(tags(&["team=a", "team=b"]), Err(TagError::Twice));
        let many: Vec<String> = (0..=MAX_TAGS).map(|n| format!("t{n}=x")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(tags(&many), Err(TagError::TooMany));
    }

    #[test]
    fn whose_tag_it_is_first_stays() {
        let key = tags(&["team=search", "project=x"]).unwrap();
        let endpoint = tags(&["team=other", "cost-center=4711"]).unwrap();
        let all = tags(&["team=search", "project=x", "cost-center=4711"]).unwrap();
        assert_eq!(key.or(&endpoint), all);
    }

    #[test]
    fn tags_are_written_by_name_and_read_back() {
        let tags = tags(&["team=search", "project=x"]).unwrap();
        let written = serde_json::to_string(&tags).unwrap();
        assert_eq!(written, r#"{"project":"x","team":"search"}"#);
        assert_eq!(serde_json::from_str::<Tags>(&written).unwrap(), tags);
        assert!(serde_json::from_str::<Tags>(r#"{"team":""}"#).is_err());
    }
}
