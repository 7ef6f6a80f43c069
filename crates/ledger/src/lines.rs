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
    /// Bytes of the whole lines that were returned.
    len: u64,
}

impl Lines {
    pub(crate) fn new(file: File, path: PathBuf) -> Self {
        Self { file: BufReader::with_capacity(64 << 10, file), path, number: 0, len: 0 }
    }

    /// Puts the next line, newline included, into `line`.
    pub(crate) fn next_into(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        let limited = &mut (&mut self.file).take(LINE_BYTES as u64);
        let read = limited.read_until(b'\n', line)?;
        if read == 0 {
            return Ok(Line::End);
        }
        self.number += 1;
        if line.ends_with(b"\n") {
            self.len += read as u64;
            return Ok(Line::Whole);
        }
        if read < LINE_BYTES {
            return Ok(Line::Unfinished);
        }
        line.clear();
        Ok(if self.skip_line()? { Line::TooLong } else { Line::Unfinished })
    }

    /// Goes back to the end of the last whole line. What was read ahead is forgotten: the writer takes
    /// back what it could not write whole, and may have written something else in its place.
    pub(crate) fn go_back(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.len)).map(|_| ())
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

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
