//! The entries of a log as they were written: lines of its files, by number.

use std::fs::File;
use std::path::Path;

use crate::error::LedgerError;
use crate::lines::{Line, Lines};
use crate::segment::{self, Segment};

/// Goes through the entries of a log from one of them on, from any process, also while its writer runs.
/// Memory is bounded by one line. Whether they are those that were signed is for
/// [`verify`](crate::verify::verify) to say.
#[derive(Debug)]
pub struct EntryReader {
    segments: std::iter::Peekable<std::vec::IntoIter<Segment>>,
    current: Option<Lines>,
    /// Number of the next line.
    next: u64,
    from: u64,
    line: Vec<u8>,
}

impl EntryReader {
    /// The entries of the log in the folder `dir` from number `from` on; from the first that is left if
    /// that is not there any more.
    ///
    /// # Errors
    /// [`LedgerError::Folder`] when the folder cannot be listed, [`LedgerError::Gap`] when its files are
    /// not those of one log.
    pub fn from(dir: &Path, from: u64) -> Result<Self, LedgerError> {
        let folder = |source| LedgerError::Folder { path: dir.to_owned(), source };
        let mut segments = segment::list(dir).map_err(folder)?;
        // Two that begin with one entry are never the log's own.
        if let Some([first, second]) = segments.array_windows().find(|[a, b]| a.first == b.first) {
            let (path, expected) = (second.path.clone(), first.first + 1);
            return Err(LedgerError::Gap { path, expected, found: second.first });
        }
        let before = segments.iter().skip(1).take_while(|next| next.first <= from).count();
        segments.drain(..before);
        let next = segments.first().map_or(from, |segment| segment.first);
        let segments = segments.into_iter().peekable();
        Ok(Self { segments, current: None, next, from: from.max(next), line: Vec::new() })
    }

    /// Number of the next entry.
    pub fn number(&self) -> u64 {
        self.next.max(self.from)
    }

    /// The next entry, without its line break; none at the end, or where the last line is not finished.
    ///
    /// # Errors
    /// [`LedgerError`], when a file cannot be read, entries are missing or a line is too long.
    #[expect(clippy::should_implement_trait, reason = "an entry is borrowed from the reader")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, LedgerError> {
        loop {
            let Some(lines) = &mut self.current else {
                let Some(segment) = self.segments.next() else { return Ok(None) };
                if segment.first != self.next {
                    let (path, expected, found) = (segment.path, self.next, segment.first);
                    return Err(LedgerError::Gap { path, expected, found });
                }
                let opened = File::open(&segment.path);
                let failed = |source| LedgerError::Segment { path: segment.path.clone(), source };
                self.current = Some(Lines::new(opened.map_err(failed)?, segment.path.clone()));
                continue;
            };
            let read = lines.next_into(&mut self.line);
            let failed = |source| LedgerError::Segment { path: lines.path().to_owned(), source };
            match read.map_err(failed)? {
                Line::Whole if self.line.trim_ascii().is_empty() => {}
                Line::Whole => {
                    self.next += 1;
                    if self.next > self.from {
                        return Ok(Some(self.line.strip_suffix(b"\n").unwrap_or(&self.line)));
                    }
                }
                Line::TooLong => return Err(lines.too_long()),
                Line::Unfinished if self.segments.peek().is_some() => return Err(lines.torn()),
                Line::Unfinished | Line::End => self.current = None,
            }
        }
    }
}
