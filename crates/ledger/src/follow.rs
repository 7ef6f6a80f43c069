//! The lines of a log by number, for whoever follows it while it is written.
//!
//! Where a checkpoint ends is for the caller to know: lines behind it may still be taken back, and
//! nothing here looks at signatures.

use std::io;
use std::path::{Path, PathBuf};

use crate::entries::EntryReader;
use crate::error::LedgerError;

/// The entries of the log in the folder `dir` from number `from` on, each with its number; from the
/// first that is left if that was removed.
///
/// Finding entry `from` reads the lines before it in its file, 64 MiB by default; every entry after
/// that is read once, also over many calls.
///
/// # Errors
/// [`LedgerError::Folder`], when the folder cannot be listed, or [`LedgerError::Gap`], when two files
/// begin with one entry.
pub fn entries(dir: &Path, from: u64) -> Result<Follow, LedgerError> {
    Ok(Follow { dir: dir.to_owned(), entries: EntryReader::from(dir, from)? })
}

/// Iterator over the entries of a log, without their line breaks; see [`entries`].
///
/// It ends where the log ends, and goes on when it is asked again and there is more. Memory is bounded
/// by one line.
#[derive(Debug)]
pub struct Follow {
    dir: PathBuf,
    entries: EntryReader,
}

impl Follow {
    /// Number of the next entry; the first that is left where others were removed.
    pub fn number(&self) -> u64 {
        self.entries.number()
    }

    /// Forgets what was read ahead. Has to be called after a pause in which the log was written and
    /// the end of it was not reached: a line that was not whole yet may be another one now.
    ///
    /// # Errors
    /// [`LedgerError::Segment`], with what the system says.
    pub fn refresh(&mut self) -> Result<(), LedgerError> {
        self.entries.refresh()
    }
}

impl Iterator for Follow {
    type Item = Result<(u64, Vec<u8>), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut looked_again = false;
        loop {
            let number = self.entries.number();
            match self.entries.next() {
                Ok(Some(line)) => return Some(Ok((number, line.to_vec()))),
                Ok(None) => match self.entries.find_more(&self.dir) {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(Err(error)),
                },
                Err(error) if is_removed(&error) && !looked_again => {
                    looked_again = true;
                    match EntryReader::from(&self.dir, number) {
                        Ok(entries) => self.entries = entries,
                        Err(error) => return Some(Err(error)),
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Whether a file was removed for its age since the folder was listed.
fn is_removed(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Segment { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write as _;

    use jiff::Timestamp;

    use super::*;
    use crate::segment::Segment;

    #[test]
    fn goes_on_where_it_stopped_over_files_that_come_later() {
        let dir = tempfile::tempdir().unwrap();
        let first = put(dir.path(), 0, "a\nb\n");
        let mut log = entries(dir.path(), 1).unwrap();
        assert_eq!(rest(&mut log), [(1, "b".to_owned())]);
        add(&first, "c\nhalf");
        assert_eq!(rest(&mut log), [(2, "c".to_owned())]);
        add(&first, " and half\n");
        put(dir.path(), 4, "e\n");
        assert_eq!(rest(&mut log), [(3, "half and half".to_owned()), (4, "e".to_owned())]);
        assert_eq!(log.number(), 5);
        assert!(log.next().is_none());
    }

    #[test]
    fn a_line_that_was_taken_back_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = put(dir.path(), 0, "a\nnot who");
        let mut log = entries(dir.path(), 0).unwrap();
        assert_eq!(log.next().unwrap().unwrap().1, b"a");
        // What was read ahead holds the half that the writer takes back now.
        OpenOptions::new().write(true).open(&path).unwrap().set_len(2).unwrap();
        add(&path, "other\n");
        log.refresh().unwrap();
        assert_eq!(rest(&mut log), [(1, "other".to_owned())]);
        add(&path, "x");
        assert!(log.next().is_none());
        OpenOptions::new().write(true).open(&path).unwrap().set_len(8).unwrap();
        add(&path, "y\n");
        assert_eq!(rest(&mut log), [(2, "y".to_owned())]);
    }

    #[test]
    fn entries_that_were_removed_are_left_out_and_the_numbers_say_so() {
        let dir = tempfile::tempdir().unwrap();
        let first = put(dir.path(), 0, "a\n");
        let second = put(dir.path(), 1, "b\n");
        put(dir.path(), 2, "c\n");
        let mut log = entries(dir.path(), 0).unwrap();
        assert_eq!(log.next().unwrap().unwrap().0, 0);
        fs::remove_file(first).unwrap();
        fs::remove_file(second).unwrap();
        assert_eq!(rest(&mut log), [(2, "c".to_owned())]);
        assert_eq!(entries(dir.path(), 0).unwrap().number(), 2);
    }

    #[test]
    fn a_file_that_is_missing_between_two_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), 0, "a\n");
        let mut log = entries(dir.path(), 0).unwrap();
        assert_eq!(rest(&mut log).len(), 1);
        put(dir.path(), 3, "d\n");
        let gap = log.next().unwrap().unwrap_err();
        assert!(matches!(gap, LedgerError::Gap { expected: 1, found: 3, .. }), "{gap}");
    }

    #[test]
    fn waits_for_the_first_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = entries(dir.path(), 0).unwrap();
        assert!(log.next().is_none());
        put(dir.path(), 0, "a\n");
        assert_eq!(rest(&mut log), [(0, "a".to_owned())]);
    }

    fn rest(log: &mut Follow) -> Vec<(u64, String)> {
        log.map(|entry| entry.map(|(number, line)| (number, String::from_utf8(line).unwrap())))
            .collect::<Result<_, _>>()
            .unwrap()
    }

    fn put(dir: &Path, first: u64, text: &str) -> PathBuf {
        let start = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(first.cast_signed());
        let path = Segment::at(dir, first, start).path;
        fs::write(&path, text).unwrap();
        path
    }

    fn add(path: &Path, text: &str) {
        OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }
}
