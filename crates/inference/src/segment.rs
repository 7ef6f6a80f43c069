//! The files of the log: `payloads-N.bin`, N from 1 in twenty digits, each with a head of 24 bytes and then records.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::frame::{self, Frame, NoFrame, Place, RECORD_BYTES};
use bartizan_core::private;

/// What every segment begins with, before its number.
const MAGIC: &[u8; 16] = b"bartizan-infer1\n";
/// Bytes before the first record.
pub(crate) const HEAD_LEN: u64 = 16 + 8;
const PREFIX: &str = "payloads-";
const SUFFIX: &str = ".bin";

/// The head of a segment.
pub(crate) fn head(number: u64) -> [u8; HEAD_LEN as usize] {
    let mut head = [0; HEAD_LEN as usize];
    let bytes = MAGIC.iter().copied().chain(number.to_be_bytes());
    head.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    head
}

/// The file of a segment.
pub(crate) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{number:020}{SUFFIX}"))
}

/// The file beside a segment that says what is in it.
pub(crate) fn index_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{number:020}.idx"))
}

/// Where the end of a segment goes that a crash left unusable.
pub(crate) fn torn_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{number:020}.torn"))
}

/// Numbers of the segments in a folder, rising.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        let digits = digits.filter(|digits| digits.len() == 20);
        // `parse` takes a sign.
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Whether an error says that a file is not the segment that it should be, rather than that it cannot be read now.
pub(crate) fn is_none(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// A segment that is read.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    file: File,
    pub(crate) number: u64,
    pub(crate) len: u64,
    buffer: Vec<u8>,
}

impl SegmentFile {
    /// Opens a segment.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`], when it does not begin as this segment does.
    pub(crate) fn open(dir: &Path, number: u64) -> io::Result<Self> {
        let Self { mut file, number, len, buffer } = Self::open_any(dir, number)?;
        let mut start = [0; HEAD_LEN as usize];
        file.read_exact(&mut start)?;
        if start != head(number) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is no segment of this number",
            ));
        }
        Ok(Self { file, number, len, buffer })
    }

    /// Opens a file in the place of a segment, whatever it begins with.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open_any(dir: &Path, number: u64) -> io::Result<Self> {
        let file = private::open(&path(dir, number))?;
        let len = file.metadata()?.len();
        Ok(Self { file, number, len, buffer: Vec::new() })
    }

    /// The record at an offset. Takes memory for that record alone, and for none that the file does not hold.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn read(&mut self, offset: u64) -> io::Result<Result<Frame<'_>, NoFrame>> {
        let left = self.len.saturating_sub(offset);
        self.buffer.clear();
        self.file.seek(SeekFrom::Start(offset))?;
        self.fill(left.min(4))?;
        let len = match frame::length(&self.buffer) {
            Ok(len) => len,
            Err(none) => return Ok(Err(none)),
        };
        debug_assert!(len <= RECORD_BYTES);
        if len as u64 > left {
            return Ok(Err(NoFrame::Unfinished));
        }
        self.fill(len as u64 - 4)?;
        Ok(frame::read(&self.buffer, Place { segment: self.number, offset }))
    }

    fn fill(&mut self, bytes: u64) -> io::Result<()> {
        let from = self.buffer.len();
        self.buffer.resize(from + bytes as usize, 0);
        self.file.read_exact(self.buffer.get_mut(from..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_segments_are_listed_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for number in [10, 2, u64::MAX] {
            std::fs::write(path(dir.path(), number), "").unwrap();
        }
        for other in ["payloads-3.bin", "payloads-+0000000000000000003.bin", "keys.jsonl"] {
            std::fs::write(dir.path().join(other), "").unwrap();
        }
        assert_eq!(list(dir.path()).unwrap(), [2, 10, u64::MAX]);
    }

    #[test]
    fn a_segment_under_another_number_is_none() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(path(dir.path(), 2), head(1)).unwrap();
        let error = SegmentFile::open(dir.path(), 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        std::fs::write(path(dir.path(), 2), &head(2)[..20]).unwrap();
        assert!(SegmentFile::open(dir.path(), 2).is_err());
    }
}
