//! The entries of a log as they were written: lines of its files, by number.

use std::fs::File;
use std::path::Path;

use crate::error::LedgerError;
use crate::lines::{Line, Lines};
use crate::segment::{self, Segment};

/// Goes through the lines of a log from one of them on.
#[derive(Debug)]
pub(crate) struct Entries {
    segments: std::iter::Peekable<std::vec::IntoIter<Segment>>,
    current: Option<Lines>,
    /// Number of the next line.
    next: u64,
    from: u64,
    line: Vec<u8>,
}

impl Entries {
    /// The entries of the log in the folder `dir` from number `from` on; from the first that is left if
    /// that is not there any more.
    pub(crate) fn from(dir: &Path, from: u64) -> Result<Self, LedgerError> {
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
    pub(crate) fn number(&self) -> u64 {
        self.next.max(self.from)
    }

    /// Reads on from the disk, not from what was read ahead before.
    pub(crate) fn refresh(&mut self) -> Result<(), LedgerError> {
        let Some(lines) = &mut self.current else { return Ok(()) };
        let gone_back = lines.go_back();
        gone_back.map_err(|source| LedgerError::Segment { path: lines.path().to_owned(), source })
    }

    /// Looks in the folder for files behind the one that was read to its end, and says whether there
    /// are any.
    pub(crate) fn find_more(&mut self, dir: &Path) -> Result<bool, LedgerError> {
        let Some(lines) = &self.current else {
            *self = Self::from(dir, self.number())?;
            return Ok(self.segments.peek().is_some());
        };
        let folder = |source| LedgerError::Folder { path: dir.to_owned(), source };
        let mut behind = segment::list(dir).map_err(folder)?;
        behind.retain(|segment| segment.first >= self.next && segment.path != lines.path());
        self.segments = behind.into_iter().peekable();
        Ok(self.segments.peek().is_some())
    }

    /// The next entry, without its line break; none at the end, or where the last line is not finished.
    /// After that it gives what was written to the same file since.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, LedgerError> {
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
                Line::End if self.segments.peek().is_some() => self.current = None,
                Line::Unfinished | Line::End => {
                    self.refresh()?;
                    return Ok(None);
                }
            }
        }
    }
}
