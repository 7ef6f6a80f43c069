//! The file of the store: one JSON document whose secrets are sealed each for itself, and as a whole.
//!
//! ```json
//! {"schema":"bartizan.secrets/v1","store":"…","serial":7,"history":"…","seal":"…","secrets":[…]}
//! ```
//!
//! `seal` is an empty text, sealed for the store, the serial, the history and the very bytes of `secrets`. It is
//! checked before these are read, so that whatever is read was written by somebody who has the master key. Within the
//! file nothing can be changed, added, left out, or put back from an earlier file.
//!
//! `history` has a [`SealMark`] of each of the last [`HISTORY_MAX`] files, by which whoever knows one of them sees
//! whether this one came of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::contents::{Contents, Entry, SECRETS_MAX, VERSIONS_MAX, Version};
use crate::error::{SealError, SecretsError};
use crate::keyring::KeyId;
use crate::name::{RandomId, SecretName, VersionId};
use crate::sealer::Sealer;

/// Longest file, in bytes: 10,000 secrets of 4 KiB. Every change reads and writes it whole.
pub const FILE_BYTES: u64 = 64 << 20;

const SCHEMA: &str = "bartizan.secrets/v1";
/// What all names of schemas begin with.
const SCHEMAS: &str = "bartizan.secrets/";

/// Why bytes are no file of a store.
#[derive(Debug)]
pub(crate) enum Problem {
    Schema,
    Damaged(&'static str),
    Seal(SealError),
}

/// What tells a seal from all others: the first bytes of its SHA-256. Whoever makes seals has a master key, and no
/// need of two that look alike.
pub(crate) type SealMark = [u8; SEAL_MARK_BYTES];

/// Bytes of a [`SealMark`].
const SEAL_MARK_BYTES: usize = 16;

/// How many files before are known in a file. A process that reads it again after more changes cannot tell whether
/// this one came of what it knows.
pub(crate) const HISTORY_MAX: usize = 256;

/// What a file says, verified.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) contents: Contents,
    /// The seal of the file, by which two of one serial are told apart.
    pub(crate) seal: Vec<u8>,
}

impl Document {
    /// What the next file begins with.
    pub(crate) fn into_next(self) -> Contents {
        let mark = self.mark();
        let mut contents = self.contents;
        let excess = (contents.history.len() + 1).saturating_sub(HISTORY_MAX);
        contents.history.drain(..excess);
        contents.history.push(mark);
        contents
    }

    /// Whether this is the same file as one that is known, or one that came of it.
    pub(crate) fn follows(&self, known: &Self) -> bool {
        let (before, after) = (&known.contents, &self.contents);
        if before.store != after.store {
            return false;
        }
        match after.serial.checked_sub(before.serial).map(usize::try_from) {
            Some(Ok(0)) => known.seal == self.seal,
            Some(Ok(changes)) => after.history.iter().nth_back(changes - 1) == Some(&known.mark()),
            _ => false,
        }
    }

    fn mark(&self) -> SealMark {
        let hash = digest(&SHA256, &self.seal);
        // INVARIANT: SHA-256 has more bytes.
        hash.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Id of the master key with which the file is sealed.
    pub(crate) fn sealed_by(&self) -> Result<KeyId, SealError> {
        Sealer::key_id(&self.seal)
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    schema: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(borrow)]
    schema: Cow<'a, str>,
    store: RandomId,
    serial: u64,
    #[serde(borrow)]
    history: Cow<'a, str>,
    #[serde(borrow)]
    seal: Cow<'a, str>,
    #[serde(borrow)]
    secrets: Cow<'a, RawValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretRow {
    name: SecretName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    created: Timestamp,
    versions: Vec<VersionRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionRow {
    id: VersionId,
    set: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    sealed: String,
}

/// Reads a file. Every seal in it is checked.
pub(crate) fn read(bytes: &[u8], sealer: &Sealer) -> Result<Document, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::Damaged("it is not UTF-8"))?;
    // What JSON libraries say quotes the text, and is left out.
    let head: Head<'_> = serde_json::from_str(text)
        .map_err(|_| Problem::Damaged("it is not the JSON of a store"))?;
    if head.schema != SCHEMA {
        let known = head.schema.starts_with(SCHEMAS);
        return Err(if known { Problem::Schema } else { Problem::Damaged("it has no schema") });
    }
    let envelope: Envelope<'_> = serde_json::from_str(text)
        .map_err(|_| Problem::Damaged("it is not laid out as a store"))?;
    let seal = decode(&envelope.seal)?;
    let history = decode(&envelope.history)?;
    let place = place(envelope.store, envelope.serial, &history, envelope.secrets.get());
    match sealer.open(&place, &seal) {
        Ok(nothing) if nothing.is_empty() => {}
        Ok(_) => return Err(Problem::Seal(SealError::Damaged)),
        Err(error) => return Err(Problem::Seal(error)),
    }
    let rows: Vec<SecretRow> = serde_json::from_str(envelope.secrets.get())
        .map_err(|_| Problem::Damaged("its secrets are not laid out as such"))?;
    let (store, serial) = (envelope.store, envelope.serial);
    let (history, rest) = history.as_chunks::<SEAL_MARK_BYTES>();
    if history.len() > HISTORY_MAX || !rest.is_empty() {
        return Err(Problem::Damaged("its history is not laid out as such"));
    }
    let contents = Contents { store, serial, history: history.to_vec(), entries: entries(rows)? };
    contents.verify(sealer).map_err(Problem::Seal)?;
    Ok(Document { contents, seal })
}

/// A file whose secrets are this text, for the fuzzer; none where the text is no JSON.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn sealed_around(secrets: &str, sealer: &Sealer) -> Option<Vec<u8>> {
    let secrets = RawValue::from_string(secrets.to_owned()).ok()?;
    let store = Contents::empty().ok()?.store;
    let seal = sealer.seal(&place(store, 1, &[], secrets.get()), b"").ok()?;
    let envelope = Envelope {
        schema: SCHEMA.into(),
        store,
        serial: 1,
        history: "".into(),
        seal: URL_SAFE_NO_PAD.encode(&seal).into(),
        secrets: Cow::Owned(secrets),
    };
    serde_json::to_vec(&envelope).ok()
}

/// Writes a file, sealed with the current key.
pub(crate) fn write(
    contents: Contents,
    sealer: &Sealer,
) -> Result<(Document, Vec<u8>), SecretsError> {
    let rows: Vec<SecretRow> =
        contents.entries.iter().map(|(name, entry)| row(name, entry)).collect();
    let secrets = serde_json::value::to_raw_value(&rows).map_err(|_| SecretsError::Full)?;
    let history = contents.history.as_flattened();
    let place = place(contents.store, contents.serial, history, secrets.get());
    let seal = sealer.seal(&place, b"").map_err(SecretsError::Seal)?;
    let envelope = Envelope {
        schema: SCHEMA.into(),
        store: contents.store,
        serial: contents.serial,
        history: URL_SAFE_NO_PAD.encode(history).into(),
        seal: URL_SAFE_NO_PAD.encode(&seal).into(),
        secrets: Cow::Owned(secrets),
    };
    let mut bytes = serde_json::to_vec(&envelope).map_err(|_| SecretsError::Full)?;
    bytes.push(b'\n');
    if bytes.len() as u64 > FILE_BYTES {
        return Err(SecretsError::Full);
    }
    Ok((Document { contents, seal }, bytes))
}

/// Joins parts so that no others give the same bytes.
pub(crate) fn bind(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [SCHEMA.as_bytes()].iter().chain(parts) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn place(store: RandomId, serial: u64, history: &[u8], secrets: &str) -> Vec<u8> {
    let hash = digest(&SHA256, secrets.as_bytes());
    bind(&[b"file", store.bytes(), &serial.to_be_bytes(), history, hash.as_ref()])
}

fn row(name: &SecretName, entry: &Entry) -> SecretRow {
    let version = |version: &Version| VersionRow {
        id: version.id,
        set: version.set,
        expires: version.expires,
        until: version.until,
        sealed: URL_SAFE_NO_PAD.encode(&version.sealed),
    };
    SecretRow {
        name: name.clone(),
        note: entry.note.clone(),
        created: entry.created,
        versions: entry.versions.iter().map(version).collect(),
    }
}

/// Checks what a newer or broken version of Bartizan could have written, since everybody else is ruled out.
fn entries(rows: Vec<SecretRow>) -> Result<BTreeMap<SecretName, Entry>, Problem> {
    if rows.len() > SECRETS_MAX {
        return Err(Problem::Damaged("it has too many secrets"));
    }
    let mut entries = BTreeMap::new();
    for row in rows {
        let ends: Vec<bool> = row.versions.iter().map(|version| version.until.is_some()).collect();
        let one_is_current = ends.split_first().is_some_and(|(first, rest)| {
            !first && rest.len() < VERSIONS_MAX && rest.iter().all(|ends| *ends)
        });
        if !one_is_current {
            return Err(Problem::Damaged("a secret has not one current value"));
        }
        let versions = row.versions.iter().map(version).collect::<Result<_, _>>()?;
        let entry = Entry { note: row.note, created: row.created, versions };
        if entries.insert(row.name, entry).is_some() {
            return Err(Problem::Damaged("a secret stands there twice"));
        }
    }
    Ok(entries)
}

fn version(row: &VersionRow) -> Result<Version, Problem> {
    let sealed = decode(&row.sealed)?;
    Ok(Version { id: row.id, set: row.set, expires: row.expires, until: row.until, sealed })
}

fn decode(text: &str) -> Result<Vec<u8>, Problem> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Problem::Damaged("a part is not base64url"))
}
