//! Values that know where in the file they stand.

use std::borrow::Cow;
use std::cmp::Ordering;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

/// A stretch of the source text, on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line, 1-based.
    pub line: u64,
    /// Column in characters, 1-based.
    pub column: u64,
    /// Characters covered; at least 1 is shown.
    pub chars: u64,
    /// Byte offset of the first character, 0-based, where known.
    pub byte: Option<u64>,
}

impl Place {
    /// The place a parser location speaks of; none when it is unknown.
    pub(crate) fn from_location(location: Location) -> Option<Self> {
        (location != Location::UNKNOWN && location.line() > 0).then(|| Self {
            line: location.line(),
            column: location.column(),
            chars: location.span().len(),
            byte: location.span().byte_offset(),
        })
    }

    /// `chars` characters from a byte of the text on; none when no character begins there.
    pub(crate) fn at(text: &str, byte: usize, chars: usize) -> Option<Self> {
        let before = text.get(..byte)?;
        let line = before.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(start..)?.chars().count() as u64 + 1;
        Some(Self { line, column, chars: chars.max(1) as u64, byte: Some(byte as u64) })
    }

    /// Where `key` stands that has its value at `self`; `self` when the text does not say.
    ///
    /// The parser locates values only, and a problem with a key reads better at the key.
    pub(crate) fn of_key(self, key: &str, text: &str) -> Self {
        let found = self.byte.and_then(|byte| {
            let before = text.get(..usize::try_from(byte).ok()?)?;
            let start = before.rmatch_indices(key).map(|(start, _)| start).find(|start| {
                let after = text.get(start + key.len()..).unwrap_or_default();
                after.trim_start_matches(['"', '\'', ' ', '\t']).starts_with(':')
            })?;
            let line_start = before.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
            Some(Self {
                line: before.get(..start)?.matches('\n').count() as u64 + 1,
                column: before.get(line_start..start)?.chars().count() as u64 + 1,
                chars: key.chars().count() as u64,
                byte: Some(start as u64),
            })
        });
        found.unwrap_or(self)
    }
}

/// A value with its place.
///
/// Order and equality are those of the value, so that located keys can be looked up in maps.
#[derive(Debug, Clone)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) place: Option<Place>,
}

impl Located<String> {
    /// The key of a map that is written so, wherever it stands: keys are compared by their text alone.
    pub(crate) fn key(text: &str) -> Self {
        Self { value: text.to_owned(), place: None }
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Located<T> {}

impl<T: PartialOrd> PartialOrd for Located<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for Located<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        // The place of definition: a problem inside an anchored value is said once, where it can
        // be mended, and not at each alias.
        Ok(Self { value: spanned.value, place: Place::from_location(spanned.defined) })
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// What is said about a key with nothing behind it.
pub(crate) const MISSING_VALUE: &str = "a value is missing";

/// Reads a value that must be there when its key is.
///
/// YAML reads `allow:` with nothing behind it, or with all its entries commented out, as null, and
/// null as "not given" would open what was meant to be closed.
pub(crate) fn filled<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)?.ok_or_else(|| D::Error::custom(MISSING_VALUE))
}

/// [`filled`], for keys that may be left out.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    filled(deserializer).map(Some)
}

/// A key that the design knows and this build cannot enforce. Its value is not read.
#[derive(Debug, Default)]
pub(crate) enum Unsupported {
    /// The key is not there.
    #[default]
    Absent,
    /// The key is there, with its value at this place.
    Present(Option<Place>),
}

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Located::<IgnoredAny>::deserialize(deserializer).map(|value| Self::Present(value.place))
    }
}
