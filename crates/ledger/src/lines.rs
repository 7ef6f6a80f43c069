//! Lines of one file of the log, each at most as long as the writer makes them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::LINE_BYTES;
use crate::error::LedgerError;

/// What a call to [`Lines::next_into`] found.
pub(crate) enum Line {
    Whole,
    TooLong,
    Unfinished,
    End,
}

/// Lines of one file, capped.
#[derive(Debug)]
pub(crate) struct Lines {
    file: BufReader<File>,
    path: PathBuf,
    /// Of the line returned last, from 1.
    number: u64,
    /// Where the next line begins.
    offset: u64,
    /// Where the last whole line ends.
    whole: u64,
}

impl Lines {
    pub(crate) fn new(file: File, path: PathBuf) -> Self {
        Self {
            file: BufReader::with_capacity(64 << 10, file),
            path,
            number: 0,
            offset: 0,
            whole: 0,
        }
    }

    /// The lines from an offset on, if one begins there.
    pub(crate) fn from(mut file: File, path: PathBuf, offset: u64) -> io::Result<Option<Self>> {
        if let Some(before) = offset.checked_sub(1) {
            let mut end = [0];
            file.seek(SeekFrom::Start(before))?;
            if file.read(&mut end)? == 0 || end != *b"\n" {
                return Ok(None);
            }
        }
        Ok(Some(Self { offset, whole: offset, ..Self::new(file, path) }))
    }

    /// Puts the next line, newline included, into `line`.
    pub(crate) fn next_into(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        let limited = &mut (&mut self.file).take(LINE_BYTES as u64);
        let read = limited.read_until(b'\n', line)?;
        self.offset += read as u64;
        if read == 0 {
            return Ok(Line::End);
        }
        self.number += 1;
        if line.ends_with(b"\n") {
            self.whole = self.offset;
            return Ok(Line::Whole);
        }
        if read < LINE_BYTES {
            return Ok(Line::Unfinished);
        }
        line.clear();
        if !self.skip_line()? {
            return Ok(Line::Unfinished);
        }
        self.whole = self.offset;
        Ok(Line::TooLong)
    }

    /// Goes back to the end of the last whole line. What was read ahead is forgotten: the writer takes
    /// back what it could not write whole, and may have written something else in its place.
    pub(crate) fn go_back(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.whole))?;
        self.offset = self.whole;
        Ok(())
    }

    /// Leaves the line that is being read; false when the file ends first.
    fn skip_line(&mut self) -> io::Result<bool> {
        loop {
            let buffer = self.file.fill_buf()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let used = newline.map_or(buffer.len(), |at| at + 1);
            self.file.consume(used);
            self.offset += used as u64;
            if newline.is_some() {
                return Ok(true);
            }
        }
    }

    pub(crate) fn malformed(&self, source: serde_json::Error) -> LedgerError {
        LedgerError::Malformed { path: self.path.clone(), line: self.number, source }
    }

    pub(crate) fn too_long(&self) -> LedgerError {
        let (path, line) = (self.path.clone(), self.number);
        LedgerError::LineTooLong { path, line, limit_bytes: LINE_BYTES }
    }

    pub(crate) fn torn(&self) -> LedgerError {
        LedgerError::Torn { path: self.path.clone(), line: self.number }
    }

    /// Where the next line begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
