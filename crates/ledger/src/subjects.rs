//! Who is who: the log names people and programs by pseudonyms, and their names are kept beside it.
//!
//! An entry cannot be changed, so that a name in it could never be erased. What stands in the log is
//! `subject:` and 96 random bits; one line of the file [`FILE`] says whose they are. [`erase`]
//! takes the name out of that line: entries, proofs and checkpoints stay as they are, and nobody can
//! say any more whom the entries are about. Random bits are not made from the name, so that
//! trying names does not help.
//!
//! [`Names`] gives the names back to whoever reads the log where it lies. Whoever gets only its
//! entries, to verify them, gets no names.

mod pseudonyms;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bartizan_core::event::Event;
use bartizan_core::private;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, Durably, FileSystem};
use crate::error::LedgerError;

pub(crate) use pseudonyms::Pseudonyms;

/// The file of the names, in the folder of the log; readable by its owner alone.
pub const FILE: &str = "subjects.jsonl";
/// What every pseudonym begins with.
pub const PREFIX: &str = "subject:";

/// Held by whoever changes the file.
const LOCK_FILE: &str = ".subjects.lock";
/// Longest wait for that.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);
/// Longest line of the file, in bytes.
const ROW_BYTES: u64 = 16 << 10;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Row {
    /// A subject with a name.
    Named {
        /// The pseudonym.
        id: String,
        /// Whose it is.
        name: String,
    },
    /// A subject whose name is gone.
    Erased {
        /// The pseudonym.
        id: String,
        /// When, in the form of event times.
        erased: String,
        /// Whether an entry of the log says so.
        recorded: bool,
    },
}

impl Row {
    fn id(&self) -> &str {
        match self {
            Self::Named { id, .. } | Self::Erased { id, .. } => id,
        }
    }
}

/// Which file it is and how long. A file that was put in the place of another is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    #[cfg(unix)]
    file: (u64, u64),
}

impl Stamp {
    fn of(metadata: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            len: metadata.len(),
            #[cfg(unix)]
            file: (metadata.dev(), metadata.ino()),
        }
    }

    /// Whether this is what became of a file that was only added to.
    fn continues(self, before: Self) -> bool {
        // Where files cannot be told apart, each change is taken for another file.
        cfg!(unix) && self.len >= before.len && self == Self { len: self.len, ..before }
    }

    /// Of the file at a path; none where there is no file.
    fn at(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The file that was read last. As long as it is open, here or elsewhere, no other file is taken for it: the
/// system gives numbers of files that are gone to new ones.
type Seen = (Stamp, Option<File>);

fn stamp(seen: Option<&Seen>) -> Option<Stamp> {
    seen.map(|(stamp, _)| *stamp)
}

/// What a file of names holds.
#[derive(Debug, Default)]
struct Content {
    rows: Vec<Row>,
    /// Bytes of whole lines.
    whole: u64,
    seen: Option<Seen>,
    /// The rows are those behind the ones that were read before.
    goes_on: bool,
}

/// Reads the file, as far as its lines are whole. A line that says nothing is left out: the entries
/// stay without a name.
fn load(path: &Path) -> io::Result<Content> {
    load_behind(path, None)
}

/// Reads the file from where reading stopped before, if it is still the same file.
fn load_behind(path: &Path, before: Option<(Stamp, u64)>) -> io::Result<Content> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::default()),
        Err(error) => return Err(error),
    };
    // Before it is read: what is added since is read the next time.
    let stamp = Stamp::of(&file.metadata()?);
    let seen = Some((stamp, Some(file.try_clone()?)));
    let mut content = Content { seen, ..Content::default() };
    if let Some((before, whole)) = before
        && stamp.continues(before)
    {
        file.seek(SeekFrom::Start(whole))?;
        (content.whole, content.goes_on) = (whole, true);
    }
    let (mut file, mut line, mut unreadable) = (BufReader::new(file), Vec::new(), 0_u64);
    loop {
        line.clear();
        let read = (&mut file).take(ROW_BYTES).read_until(b'\n', &mut line)? as u64;
        if read == 0 || (!line.ends_with(b"\n") && read < ROW_BYTES) {
            break;
        }
        content.whole += read;
        match serde_json::from_slice(&line) {
            Ok(row) => content.rows.push(row),
            Err(_) => unreadable += 1,
        }
    }
    if unreadable > 0 {
        tracing::warn!(unreadable, file = %path.display(), "lines that name nobody are left out");
    }
    Ok(content)
}

/// The right to change the file.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing gives it back too, and where that fails the file stays open.
        let _ = self.0.unlock();
    }
}

/// Waits for the lock under which the file may be changed, but not for long: events wait for it, too.
fn lock(dir: &Path) -> io::Result<Lock> {
    let lock =
        private::file().create(true).truncate(false).write(true).open(dir.join(LOCK_FILE))?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(Lock(lock)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "another process holds the lock of the names",
                ));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Puts a new file in the place of the old one.
fn replace(disk: &dyn Disk, dir: &Path, rows: &[Row]) -> io::Result<()> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row)?;
        text.push(b'\n');
    }
    disk.put(&dir.join(FILE), &text, Durably::Yes)
}

/// Takes a name out of the file of the log in the folder `dir`, and says under which pseudonyms its
/// entries are; none where it has no entries. With `always`, a name without entries gets a pseudonym, so that
/// the log says that something was erased. A process that writes the log notices within a second and
/// adds an entry that says so; otherwise the next one that opens it does.
///
/// # Errors
/// [`LedgerError::Subjects`], with what the system says.
pub fn erase(dir: &Path, name: &str, always: bool) -> Result<Vec<String>, LedgerError> {
    let path = dir.join(FILE);
    let erased = || -> io::Result<Vec<String>> {
        let _lock = lock(dir)?;
        let mut rows = load(&path)?.rows;
        let mut ids = Vec::new();
        let erased = bartizan_core::time::format(bartizan_core::time::now());
        for row in &mut rows {
            if let Row::Named { id, name: whose } = row
                && whose == name
            {
                let id = std::mem::take(id);
                ids.push(id.clone());
                *row = Row::Erased { id, erased: erased.clone(), recorded: false };
            }
        }
        if ids.is_empty() && always {
            let id = pseudonyms::random()?;
            ids.push(id.clone());
            rows.push(Row::Erased { id, erased, recorded: false });
        }
        if !ids.is_empty() {
            replace(&FileSystem, dir, &rows)?;
        }
        Ok(ids)
    };
    erased().map_err(|source| LedgerError::Subjects { path, source })
}

/// The names of the subjects of a log, for reading it.
#[derive(Debug, Default)]
pub struct Names {
    path: PathBuf,
    by_pseudonym: HashMap<String, String>,
    seen: Option<Seen>,
    /// Bytes that were read.
    whole: u64,
}

impl Names {
    /// The names that the log in the folder `dir` has now.
    ///
    /// # Errors
    /// [`LedgerError::Subjects`], when they cannot be read.
    pub fn of(dir: &Path) -> Result<Self, LedgerError> {
        let mut names = Self { path: dir.join(FILE), ..Self::default() };
        names.refresh()?;
        Ok(names)
    }

    /// Reads them again if there are others now.
    ///
    /// # Errors
    /// [`LedgerError::Subjects`], when they cannot be read.
    pub fn refresh(&mut self) -> Result<(), LedgerError> {
        let failed = |source| LedgerError::Subjects { path: self.path.clone(), source };
        let before = stamp(self.seen.as_ref());
        if Stamp::at(&self.path).map_err(failed)? == before {
            return Ok(());
        }
        let before = before.map(|stamp| (stamp, self.whole));
        let content = load_behind(&self.path, before).map_err(failed)?;
        if !content.goes_on {
            self.by_pseudonym.clear();
        }
        for row in content.rows {
            if let Row::Named { id, name } = row {
                self.by_pseudonym.insert(id, name);
            }
        }
        (self.seen, self.whole) = (content.seen, content.whole);
        Ok(())
    }

    /// Whose pseudonym it is; none for one whose name was erased, and for what is no pseudonym.
    pub fn name_of(&self, id: &str) -> Option<&str> {
        self.by_pseudonym.get(id).map(String::as_str)
    }

    /// Puts names in the place of pseudonyms; false where one has none.
    pub fn reveal(&self, event: &mut Event) -> bool {
        let mut all = true;
        for subject in [&mut event.principal, &mut event.subject].into_iter().flatten() {
            match self.name_of(subject) {
                Some(name) => name.clone_into(subject),
                None => all &= !subject.starts_with(PREFIX),
            }
        }
        all
    }

    /// Puts names in the place of the pseudonyms of an entry. All else stays as it was written, whatever
    /// version wrote it.
    pub fn reveal_line(&self, mut line: Vec<u8>) -> Vec<u8> {
        // Inside of a text, quotes are escaped, so that each is found at most once.
        for key in [r#""principal":""#, r#""subject":""#] {
            let marked = [key.as_bytes(), PREFIX.as_bytes()].concat();
            let Some(found) = memchr::memmem::find(&line, &marked) else { continue };
            let start = found + key.len();
            let rest = line.get(start..).unwrap_or_default();
            let len = memchr::memchr(b'"', rest).unwrap_or(rest.len());
            let id = rest.get(..len).and_then(|id| std::str::from_utf8(id).ok());
            let name = id.and_then(|id| self.name_of(id));
            if let Some(name) = name.and_then(|name| serde_json::to_string(name).ok()) {
                // With its quotes.
                let replaced = start - 1..(start + len + 1).min(line.len());
                line.splice(replaced, name.into_bytes());
            }
        }
        line
    }
}
