//! What an answer of Vault means.

use std::collections::BTreeMap;
use std::fmt;

use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::VaultError;
use super::reference::Reference;
use crate::contents::VALUE_BYTES;

/// Longest answer, in bytes: Vault keeps at most 1 MiB in an entry.
pub const REPLY_BYTES: usize = 2 << 20;

/// Deepest nesting of an answer, in containers. Vault's own take three; a value of a field may nest, too.
const DEPTH_MAX: usize = 32;
/// Most names of fields in an error, and most characters of each.
const NAMES_SHOWN: usize = 16;
const NAME_CHARS: usize = 64;

/// A secret that Vault gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSecret {
    /// The value of the field.
    pub value: Secret,
    /// Which version of the secret it is; from 1.
    pub version: u64,
    /// When this version was made.
    pub created: Timestamp,
    /// When Vault will delete this version; never, when absent.
    pub deletes: Option<Timestamp>,
}

/// Reads an answer to the request for a reference.
///
/// # Errors
/// [`VaultError`]. An answer that leaves any doubt is an error.
pub fn read_reply(
    status: u16,
    body: &[u8],
    reference: &Reference,
    now: Timestamp,
) -> Result<VaultSecret, VaultError> {
    let place = || reference.place();
    match status {
        200 => {}
        404 => return Err(not_found(body, reference)),
        300..=399 => return Err(VaultError::Redirect { status }),
        400 | 401 | 403 | 405 => {
            let complaint = Complaint::of(body);
            return Err(match status {
                _ if complaint.token => VaultError::TokenRefused,
                400 | 405 => VaultError::Refused { place: place(), status },
                _ => VaultError::Denied { place: place() },
            });
        }
        412 => return Err(VaultError::Behind),
        429 => return Err(VaultError::Limited),
        472 | 473 => return Err(VaultError::Standby { status }),
        503 if Complaint::of(body).sealed => return Err(VaultError::Sealed),
        503 => return Err(VaultError::Unavailable),
        500..=599 => return Err(VaultError::Failed { status }),
        _ => return Err(VaultError::Unexpected { status }),
    }
    let text = checked(body)?;
    let version = Version::of(text, reference)?;
    let metadata = &version.metadata;
    if metadata.destroyed {
        return Err(VaultError::Destroyed { place: place(), version: metadata.version });
    }
    let deletes = metadata.deletes()?;
    if let Some(at) = deletes.filter(|at| *at <= now) {
        return Err(VaultError::Deleted { place: place(), at });
    }
    let fields = version.data.ok_or(VaultError::Malformed("it has no data"))?;
    let Fields(fields) = parse(fields.get(), "its data is no object, or names a field twice")?;
    let field = reference.field();
    let Some(value) = fields.get(field) else {
        let found = names(fields.keys());
        return Err(VaultError::NoField { place: place(), field: field.to_owned(), found });
    };
    let problem = |problem| VaultError::Field { place: place(), field: field.to_owned(), problem };
    if !value.get().starts_with('"') {
        return Err(problem("no text"));
    }
    let value: String = serde_json::from_str(value.get()).map_err(|_| problem("no text"))?;
    let value = Secret::new(value);
    match value.expose().len() {
        0 => return Err(problem("empty")),
        len if len > VALUE_BYTES => return Err(problem("longer than 65536 bytes")),
        _ => {}
    }
    Ok(VaultSecret { value, version: metadata.version, created: metadata.created()?, deletes })
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata {
    created_time: String,
    /// Empty for never.
    deletion_time: String,
    destroyed: bool,
    version: u64,
}

impl Metadata {
    fn created(&self) -> Result<Timestamp, VaultError> {
        time(&self.created_time)
    }

    fn deletes(&self) -> Result<Option<Timestamp>, VaultError> {
        let text = &self.deletion_time;
        (!text.is_empty()).then(|| time(text)).transpose()
    }
}

fn time(text: &str) -> Result<Timestamp, VaultError> {
    text.parse().map_err(|_| VaultError::Malformed("one of its times is none"))
}

/// The newest version of a secret.
struct Version<'a> {
    data: Option<&'a RawValue>,
    metadata: Metadata,
}

impl<'a> Version<'a> {
    fn of(text: &'a str, reference: &Reference) -> Result<Self, VaultError> {
        let reply: Reply<'a> = parse(text, "it is not laid out as one")?;
        let data = reply.data.ok_or(VaultError::Malformed("it has no data"))?;
        let data: Data<'a> = parse(data.get(), "its data is not laid out as such")?;
        let Some(metadata) = data.metadata else {
            return Err(VaultError::NotVersioned { mount: reference.mount().to_owned() });
        };
        let metadata: Metadata =
            parse(metadata.get(), "what it says of the version is not laid out as such")?;
        if metadata.version == 0 {
            return Err(VaultError::Malformed("its version is 0"));
        }
        Ok(Self { data: data.data, metadata })
    }
}

/// For a version that is gone, Vault says so under the same status as for what never was.
fn not_found(body: &[u8], reference: &Reference) -> VaultError {
    let place = reference.place();
    let Ok(version) = checked(body).and_then(|text| Version::of(text, reference)) else {
        return VaultError::NotFound { place };
    };
    match version.metadata.deletes() {
        _ if version.metadata.destroyed => {
            VaultError::Destroyed { place, version: version.metadata.version }
        }
        Ok(Some(at)) => VaultError::Deleted { place, at },
        _ => VaultError::NotFound { place },
    }
}

/// What is known of the sentences in `errors`.
#[derive(Debug, Default, Clone, Copy)]
struct Complaint {
    /// They are about the token.
    token: bool,
    /// Vault is sealed.
    sealed: bool,
}

impl Complaint {
    fn of(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Errors {
            errors: Vec<String>,
        }
        let errors = checked(body).and_then(|text| parse::<Errors>(text, "it says no errors"));
        let Ok(Errors { errors }) = errors else { return Self::default() };
        let says = |words: &str| errors.iter().any(|error| error.contains(words));
        Self {
            token: ["invalid token", "bad token", "missing client token"].into_iter().any(says),
            sealed: says("Vault is sealed"),
        }
    }
}

/// What JSON libraries say quotes the text, and is left out.
fn parse<'a, T: Deserialize<'a>>(text: &'a str, problem: &'static str) -> Result<T, VaultError> {
    serde_json::from_str(text).map_err(|_| VaultError::Malformed(problem))
}

/// The text of a body that is neither too long nor too deep.
fn checked(body: &[u8]) -> Result<&str, VaultError> {
    if body.len() > REPLY_BYTES {
        return Err(VaultError::TooLong);
    }
    if depth(body) > DEPTH_MAX {
        return Err(VaultError::Malformed("it nests too deeply"));
    }
    std::str::from_utf8(body).map_err(|_| VaultError::Malformed("it is not UTF-8"))
}

/// Deepest nesting of what may be JSON, in containers.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Fields by their names, each of which stands once: two readers may take different ones.
struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = BTreeMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if fields.insert(name, value).is_some() {
                        return Err(A::Error::custom("a field stands twice"));
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object).map(Fields)
    }
}

/// The first names of fields, in a form that cannot be taken for anything else where they are shown.
fn names<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let fine = |c: char| if c.is_alphanumeric() || "-_. ".contains(c) { c } else { '\u{fffd}' };
    let shown: Vec<String> = names
        .take(NAMES_SHOWN)
        .map(|name| format!("`{}`", name.chars().take(NAME_CHARS).map(fine).collect::<String>()))
        .collect();
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}
