//! How far a sink got, on the disk: the log and the number of the next entry.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bartizan_core::id::RuleId;
use bartizan_core::limits::read_text_file;
use bartizan_core::private;
use serde::{Deserialize, Serialize};

use crate::error::RelayError;

/// Schema name of the file.
const SCHEMA: &str = "bartizan.cursor/v1";
/// Most bytes of the file.
const FILE_BYTES: u64 = 4 << 10;

/// The file that says how far a sink got.
#[derive(Debug)]
pub(crate) struct Cursor {
    path: PathBuf,
    /// Key of the log, as `log.vkey` has it.
    log: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    schema: String,
    log: String,
    next: u64,
}

impl Cursor {
    /// The cursor of a sink in a folder, and the next entry that it says; none while nothing was shipped.
    /// `earlier` are the keys that the log had before: a cursor under one of them is of the same log, and
    /// is under the current one from then on.
    ///
    /// # Errors
    /// [`RelayError::OtherLog`] for the cursor of another log, [`RelayError::Cursor`] for a file that
    /// cannot be read.
    pub(crate) fn open(
        folder: &Path,
        sink: &RuleId,
        log: String,
        earlier: &[String],
    ) -> Result<(Self, Option<u64>), RelayError> {
        let path = folder.join(format!("{sink}.cursor"));
        let failed = |source| RelayError::Cursor { sink: sink.clone(), path: path.clone(), source };
        let content = match read_text_file(&path, FILE_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Self { path, log }, None));
            }
            Err(error) => return Err(failed(error)),
            Ok(text) => {
                let wrong = |error| io::Error::new(io::ErrorKind::InvalidData, error);
                let content: Content = serde_json::from_str(&text)
                    .map_err(|error| failed(wrong(error.to_string())))?;
                if content.schema != SCHEMA {
                    return Err(failed(wrong(format!("it is no {SCHEMA}"))));
                }
                content
            }
        };
        let is_under_current = content.log == log;
        if !is_under_current && !earlier.contains(&content.log) {
            let (found, sink) = (content.log, sink.clone());
            return Err(RelayError::OtherLog { sink, path, found, log });
        }
        let cursor = Self { path, log };
        if !is_under_current {
            cursor.save(content.next).map_err(|source| RelayError::Cursor {
                sink: sink.clone(),
                path: cursor.path.clone(),
                source,
            })?;
        }
        Ok((cursor, Some(content.next)))
    }

    /// Puts the number of the next entry on the disk, in one step.
    pub(crate) fn save(&self, next: u64) -> io::Result<()> {
        let content = Content { schema: SCHEMA.to_owned(), log: self.log.clone(), next };
        let mut text = serde_json::to_vec(&content)?;
        text.push(b'\n');
        let new = self.path.with_extension("cursor.new");
        let open = || private::file().create(true).truncate(true).write(true).open(&new);
        let mut file = match (open(), self.path.parent()) {
            (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
                private::make_folder(folder)?;
                open()?
            }
            (opened, _) => opened?,
        };
        file.write_all(&text)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&new, &self.path)?;
        sync_folder(&self.path)
    }
}

/// Makes the name of a file in its folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows cannot open a folder like a file, and does not need it.
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_and_refuses_the_cursor_of_another_log() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("relay");
        let sink: RuleId = "s-file".parse().unwrap();
        let open = |log: &str, earlier: &[&str]| {
            let earlier: Vec<String> = earlier.iter().map(|key| (*key).to_owned()).collect();
            Cursor::open(&folder, &sink, log.to_owned(), &earlier)
        };
        let (cursor, next) = open("log+a", &[]).unwrap();
        assert_eq!(next, None);
        for number in [7, 9_000_000_000] {
            cursor.save(number).unwrap();
            let (_, next) = open("log+a", &[]).unwrap();
            assert_eq!(next, Some(number));
        }
        for earlier in [&[][..], &["log+c"]] {
            let other = open("log+b", earlier).unwrap_err();
            assert!(matches!(other, RelayError::OtherLog { .. }), "{other}");
        }
        // A key that took the place of the one before.
        for (log, earlier) in
            [("log+b", &["log+a"][..]), ("log+b", &[]), ("log+d", &["log+c", "log+b"])]
        {
            let (_, next) = open(log, earlier).unwrap();
            assert_eq!(next, Some(9_000_000_000));
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_no_cursor_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let sink: RuleId = "s".parse().unwrap();
        for text in ["", "12", r#"{"schema":"bartizan.cursor/v2","log":"l","next":1}"#] {
            fs::write(dir.path().join("s.cursor"), text).unwrap();
            let error = Cursor::open(dir.path(), &sink, "l".to_owned(), &[]).unwrap_err();
            assert!(matches!(error, RelayError::Cursor { .. }), "{text}: {error}");
        }
    }
}
