//! The entries of a log as they were written: lines of its files, by number.

use std::path::Path;

use crate::disk;
use crate::error::LedgerError;
use crate::lines::{Line, Lines};
use crate::segment::{self, Segment};

/// Where an entry begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its number.
    pub(crate) entry: u64,
    /// Number of the first entry of its file.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// Goes through the entries of a log from one of them on, from any process, also while its writer runs.
/// Memory is bounded by one line. Whether they are those that were signed is for
/// [`verify`](crate::verify::verify) to say.
#[derive(Debug)]
pub(crate) struct EntryReader {
    segments: std::iter::Peekable<std::vec::IntoIter<Segment>>,
    /// The file that is read, and the number of its first entry.
    current: Option<(u64, Lines)>,
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

    /// The entries from a known place in the file of entry `number` on, or from the beginning of that file
    /// if the place is none of it. The first may be one before `number`.
    pub(crate) fn near(dir: &Path, number: u64, known: Option<Place>) -> Result<Self, LedgerError> {
        let mut entries = Self::from(dir, number)?;
        entries.from = entries.next;
        let known = known.filter(|place| place.entry <= number);
        if let (Some(segment), Some(place)) = (entries.segments.peek(), known)
            && segment.first == place.segment
        {
            let path = segment.path.clone();
            let failed = |source| LedgerError::Segment { path: path.clone(), source };
            let lines = disk::open(&path)
                .and_then(|file| Lines::from(file, path.clone(), place.offset))
                .map_err(failed)?;
            if let Some(lines) = lines {
                entries.segments.next();
                entries.current = Some((place.segment, lines));
                (entries.next, entries.from) = (place.entry, place.entry);
            }
        }
        Ok(entries)
    }

    /// Where the next entry begins, if its file is being read.
    pub(crate) fn place(&self) -> Option<Place> {
        let (segment, lines) = self.current.as_ref()?;
        Some(Place { entry: self.next, segment: *segment, offset: lines.offset() })
    }

    /// Number of the next entry.
    pub(crate) fn number(&self) -> u64 {
        self.next.max(self.from)
    }

    /// Reads on from the disk, not from what was read ahead before.
    pub(crate) fn refresh(&mut self) -> Result<(), LedgerError> {
        let Some((_, lines)) = &mut self.current else { return Ok(()) };
        let gone_back = lines.go_back();
        gone_back.map_err(|source| LedgerError::Segment { path: lines.path().to_owned(), source })
    }

    /// Looks in the folder for files behind the one that was read to its end, and says whether there
    /// are any.
    pub(crate) fn find_more(&mut self, dir: &Path) -> Result<bool, LedgerError> {
        let Some((_, lines)) = &self.current else {
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
    ///
    /// # Errors
    /// [`LedgerError`], when a file cannot be read, entries are missing or a line is too long.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, LedgerError> {
        loop {
            let Some((_, lines)) = &mut self.current else {
                let Some(segment) = self.segments.next() else { return Ok(None) };
                if segment.first != self.next {
                    let (path, expected, found) = (segment.path, self.next, segment.first);
                    return Err(LedgerError::Gap { path, expected, found });
                }
                let opened = disk::open(&segment.path);
                let failed = |source| LedgerError::Segment { path: segment.path.clone(), source };
                let lines = Lines::new(opened.map_err(failed)?, segment.path.clone());
                self.current = Some((segment.first, lines));
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
