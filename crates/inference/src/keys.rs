//! One data key for each person and program, beside the log, so that each can be destroyed by itself.
//!
//! The file [`FILE`] has a line for each: a random id, which stands in records, the name, and the data key, sealed with a
//! key of the master key for this id and this name. [`erase`] writes the file anew without name and key. What was sealed
//! with that key cannot be opened by anybody after that, whatever keys they have; records stay as they are, and so do
//! their digests. Where master keys are changed, only this file is sealed again.
//!
//! Lines are added under a lock that other processes take too. Who adds looks first whether the file is the one that they
//! know.

use std::collections::{BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_core::payload::NotKept;
use bartizan_core::private;
use bartizan_core::time;
use bartizan_secrets::disk::{Seen, Stamp};
use bartizan_secrets::{DataKey, KeyId, SealError, Sealer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::error::InferenceError;
use crate::frame::SubjectId;

/// The file of the keys, in the folder of the log.
pub const FILE: &str = "keys.jsonl";
/// Largest file of keys, in bytes.
const FILE_BYTES: u64 = 512 << 20;
/// Most people and programs that have a key.
const SUBJECTS_MAX: usize = 1 << 20;
/// Longest name, in bytes.
const NAME_BYTES: usize = 2048;
/// Keys that are kept opened.
const OPENED_MAX: usize = 4096;
/// What a data key is sealed for, before id and name.
const FOR_KEY: &[u8] = b"bartizan inference key v1\0";

/// Gives what opens the data keys. It is asked again where master keys may have changed.
pub type KeySource =
    Arc<dyn Fn() -> Result<Sealer, Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Row {
    /// Somebody with a key.
    Kept {
        /// The id, in hexadecimal digits.
        id: String,
        /// Whose it is.
        name: String,
        /// The data key, sealed, in base64.
        key: String,
    },
    /// Somebody whose key was destroyed.
    Erased {
        /// The id, in hexadecimal digits.
        id: String,
        /// When, in the form of event times.
        erased: String,
    },
}

impl Row {
    fn id(&self) -> Option<SubjectId> {
        let (Self::Kept { id, .. } | Self::Erased { id, .. }) = self;
        from_hex(id)
    }
}

fn hex(id: SubjectId) -> String {
    format!("{:032x}", u128::from_be_bytes(id.0))
}

fn from_hex(text: &str) -> Option<SubjectId> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32 && digits)?;
    Some(SubjectId(number.to_be_bytes()))
}

fn aad(id: SubjectId, name: &str) -> Vec<u8> {
    [FOR_KEY, &id.0, name.as_bytes()].concat()
}

/// What is known about whose record it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Somebody with a key.
    Kept { name: String, sealed: Vec<u8> },
    /// Somebody whose key was destroyed, and when.
    Erased(String),
}

/// What the file holds.
#[derive(Debug, Default)]
struct Loaded {
    rows: Vec<Row>,
    /// Bytes of whole lines.
    whole: u64,
    seen: Option<Seen>,
}

fn load(path: &Path) -> io::Result<Loaded> {
    let file = match private::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Loaded::default()),
        Err(error) => return Err(error),
    };
    let seen = Seen::new(file)?;
    let bytes = seen.read(FILE_BYTES)?;
    let (mut rows, mut whole, mut unreadable) = (Vec::new(), 0, 0_u64);
    for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        whole += line.len() as u64;
        match serde_json::from_slice::<Row>(line) {
            Ok(row) if row.id().is_some() => rows.push(row),
            _ => unreadable += 1,
        }
    }
    if unreadable > 0 {
        tracing::warn!(unreadable, file = %path.display(), "lines that hold no key are left out");
    }
    Ok(Loaded { rows, whole, seen: Some(seen) })
}

/// The keys as one process knows them.
pub(crate) struct Keys {
    path: PathBuf,
    source: KeySource,
    sealer: Sealer,
    by_name: HashMap<String, SubjectId>,
    by_id: HashMap<SubjectId, Whose>,
    opened: HashMap<SubjectId, DataKey>,
    seen: Option<Seen>,
    whole: u64,
}

impl Keys {
    /// Reads the keys of the log in the folder `dir`.
    pub(crate) fn open(dir: &Path, source: KeySource) -> Result<Self, InferenceError> {
        let sealer = source().map_err(InferenceError::MasterKey)?;
        let path = dir.join(FILE);
        let mut keys = Self {
            path: path.clone(),
            source,
            sealer,
            by_name: HashMap::new(),
            by_id: HashMap::new(),
            opened: HashMap::new(),
            seen: None,
            whole: 0,
        };
        keys.read().map_err(|source| InferenceError::Keys { path, source })?;
        Ok(keys)
    }

    fn read(&mut self) -> io::Result<()> {
        let loaded = load(&self.path)?;
        self.by_name.clear();
        self.by_id.clear();
        // Those of somebody who was erased are forgotten with them.
        self.opened.clear();
        for row in loaded.rows {
            self.take(row);
        }
        (self.whole, self.seen) = (loaded.whole, loaded.seen);
        Ok(())
    }

    fn take(&mut self, row: Row) {
        let Some(id) = row.id() else { return };
        match row {
            Row::Kept { name, key, .. } => {
                let Ok(sealed) = STANDARD.decode(key) else { return };
                self.by_name.insert(name.clone(), id);
                self.by_id.insert(id, Whose::Kept { name, sealed });
            }
            Row::Erased { erased, .. } => {
                self.by_id.insert(id, Whose::Erased(erased));
            }
        }
    }

    /// Reads the file again if it is another one now.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        if Stamp::at(&self.path)? == self.seen.as_ref().map(Seen::stamp) {
            return Ok(());
        }
        self.read()
    }

    /// Whose records have this id.
    pub(crate) fn whose(&self, id: SubjectId) -> Option<&Whose> {
        self.by_id.get(&id)
    }

    /// The id of a name, if it has one.
    pub(crate) fn id_of(&self, name: &str) -> Option<SubjectId> {
        self.by_name.get(name).copied()
    }

    /// Makes keys for the names that have none, and brings them to the disk: before anything is sealed with them.
    pub(crate) fn prepare(&mut self, names: &BTreeSet<&str>) -> Result<(), NotKept> {
        let failed = |path: &Path, error: &io::Error| {
            tracing::error!(%error, file = %path.display(), "keys of the inference log cannot be kept");
            NotKept::Disk
        };
        self.refresh().map_err(|error| failed(&self.path, &error))?;
        let is_new = |keys: &Self, name: &&str| !keys.by_name.contains_key(*name);
        if !names.iter().any(|name| is_new(self, name)) {
            return Ok(());
        }
        let locked = private::lock(&self.path).and_then(|lock| self.refresh().map(|()| lock));
        let _lock = locked.map_err(|error| failed(&self.path, &error))?;
        // With the key that is current now: the one before may be retired soon.
        self.sealer = (self.source)().map_err(|error| {
            tracing::error!(%error, "the master key of the inference log cannot be read");
            NotKept::Key
        })?;
        let mut rows = Vec::new();
        for name in names.iter().filter(|name| name.len() <= NAME_BYTES) {
            if is_new(self, name) && self.by_id.len() + rows.len() < SUBJECTS_MAX {
                let row = self.row(name).map_err(|error| {
                    tracing::error!(%error, "a key of the inference log cannot be made");
                    NotKept::Key
                })?;
                rows.push(row);
            }
        }
        self.add(rows).map_err(|error| failed(&self.path, &error))
    }

    fn row(&mut self, name: &str) -> Result<Row, SealError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(SealError::Random)?;
        let id = SubjectId(bytes);
        let key = DataKey::generate()?;
        let sealed = key.wrap(&self.sealer, &aad(id, name))?;
        Ok(Row::Kept { id: hex(id), name: name.to_owned(), key: STANDARD.encode(sealed) })
    }

    /// Adds lines to the file that was read under the lock.
    fn add(&mut self, rows: Vec<Row>) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        for row in &rows {
            serde_json::to_writer(&mut text, row)?;
            text.push(b'\n');
        }
        if self.seen.is_none() {
            private::put(&self.path, &text)?;
        } else {
            let mut file = OpenOptions::new().write(true).open(&self.path)?;
            // A line that a crash cut off.
            file.set_len(self.whole)?;
            file.seek(SeekFrom::Start(self.whole))?;
            file.write_all(&text)?;
            file.sync_data()?;
        }
        self.whole += text.len() as u64;
        self.seen = Some(Seen::new(private::open(&self.path)?)?);
        for row in rows {
            self.take(row);
        }
        Ok(())
    }

    /// The key of a name that [`Keys::prepare`] was told of.
    pub(crate) fn of(&mut self, name: &str) -> Result<(SubjectId, &DataKey), NotKept> {
        let id = self.id_of(name).ok_or(NotKept::Subjects)?;
        let key = self.key(id).map_err(|error| {
            tracing::error!(%error, "a key of the inference log cannot be opened");
            NotKept::Key
        })?;
        Ok((id, key.ok_or(NotKept::Key)?))
    }

    /// The key of an id; none where it was destroyed, or is of nobody.
    pub(crate) fn key(&mut self, id: SubjectId) -> Result<Option<&DataKey>, SealError> {
        if !self.opened.contains_key(&id) {
            let Some(Whose::Kept { name, sealed }) = self.by_id.get(&id) else { return Ok(None) };
            let aad = aad(id, name);
            let mut key = DataKey::unwrap(&self.sealer, &aad, sealed);
            if let Err(SealError::UnknownKey { .. }) = key
                && let Ok(sealer) = (self.source)()
            {
                key = DataKey::unwrap(&sealer, &aad, sealed);
                self.sealer = sealer;
            }
            let key = key?;
            if self.opened.len() >= OPENED_MAX {
                self.opened.clear();
            }
            self.opened.insert(id, key);
        }
        Ok(self.opened.get(&id))
    }

    /// Drops the lines of all who have no record any more.
    pub(crate) fn retain(&mut self, with_records: &BTreeSet<SubjectId>) -> io::Result<()> {
        if self.by_id.keys().all(|id| with_records.contains(id)) {
            return Ok(());
        }
        change(&self.path, |rows| {
            let before = rows.len();
            rows.retain(|row| row.id().is_some_and(|id| with_records.contains(&id)));
            before - rows.len()
        })?;
        self.read()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Changes the lines of a file, and says how many. What stood in the file before is overwritten, as far as the disk
/// writes where it wrote before.
fn change(path: &Path, edit: impl FnOnce(&mut Vec<Row>) -> usize) -> io::Result<usize> {
    if Stamp::at(path)?.is_none() {
        return Ok(0);
    }
    let _lock = private::lock(path)?;
    let Loaded { mut rows, .. } = load(path)?;
    let changed = edit(&mut rows);
    if changed == 0 {
        return Ok(0);
    }
    let mut text = Vec::new();
    for row in &rows {
        serde_json::to_writer(&mut text, row)?;
        text.push(b'\n');
    }
    let before = OpenOptions::new().read(true).write(true).open(path)?;
    private::put(path, &text)?;
    // The file has no name any more. Whoever still reads it reads it again; where this fails, the new one holds.
    let overwritten = overwrite(before);
    if let Err(error) = overwritten {
        tracing::warn!(%error, file = %path.display(), "what stood in the file of keys before is not overwritten");
    }
    Ok(changed)
}

fn overwrite(mut file: std::fs::File) -> io::Result<()> {
    let mut left = file.metadata()?.len();
    let zeros = [0; 8192];
    file.seek(SeekFrom::Start(0))?;
    while left > 0 {
        let part = left.min(zeros.len() as u64) as usize;
        file.write_all(zeros.get(..part).unwrap_or_default())?;
        left -= part as u64;
    }
    file.sync_data()
}

/// Destroys the keys of a name in the log in the folder `dir`, and says how many. Needs no master key. A process that
/// writes the log notices before it writes the next record.
///
/// # Errors
/// [`InferenceError::Keys`], with what the system says.
pub fn erase(dir: &Path, name: &str) -> Result<usize, InferenceError> {
    let path = dir.join(FILE);
    let erased = time::format(time::now());
    let result = change(&path, |rows| {
        let mut count = 0;
        for row in rows {
            if let Row::Kept { id, name: whose, .. } = row
                && whose == name
            {
                *row = Row::Erased { id: std::mem::take(id), erased: erased.clone() };
                count += 1;
            }
        }
        count
    });
    result.map_err(|source| InferenceError::Keys { path, source })
}

/// Seals the data keys of the log in the folder `dir` with the current master key, and says how many were not. Records
/// stay as they are.
///
/// # Errors
/// [`InferenceError::Keys`], with what the system says.
pub fn reseal(dir: &Path, sealer: &Sealer) -> Result<usize, InferenceError> {
    let path = dir.join(FILE);
    let result =
        change(&path, |rows| rows.iter_mut().filter_map(|row| resealed(row, sealer)).count());
    result.map_err(|source| InferenceError::Keys { path, source })
}

fn resealed(row: &mut Row, sealer: &Sealer) -> Option<()> {
    let id = row.id()?;
    let Row::Kept { name, key, .. } = row else { return None };
    let before = STANDARD.decode(&*key).ok().filter(|before| sealer.needs_reseal(before))?;
    let aad = aad(id, name);
    let again = DataKey::unwrap(sealer, &aad, &before).and_then(|key| key.wrap(sealer, &aad));
    match again {
        Ok(again) => {
            *key = STANDARD.encode(again);
            Some(())
        }
        Err(error) => {
            tracing::warn!(%error, id = hex(id), "a key of the inference log cannot be sealed again");
            None
        }
    }
}

/// Ids of the master keys with which data keys of the log in the folder `dir` are sealed.
///
/// # Errors
/// [`InferenceError::Keys`], with what the system says.
pub fn keys_in_use(dir: &Path) -> Result<BTreeSet<KeyId>, InferenceError> {
    let path = dir.join(FILE);
    let loaded = load(&path).map_err(|source| InferenceError::Keys { path, source })?;
    let sealed = loaded.rows.into_iter().filter_map(|row| match row {
        Row::Kept { key, .. } => STANDARD.decode(key).ok(),
        Row::Erased { .. } => None,
    });
    Ok(sealed.filter_map(|sealed| Sealer::key_id(&sealed).ok()).collect())
}

/// Makes the folder of the log, for its owner alone.
pub(crate) fn make_folder(dir: &Path) -> io::Result<()> {
    private::make_folder(dir)?;
    #[cfg(unix)]
    std::fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
