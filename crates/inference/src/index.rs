//! What is in a segment, record by record, so that one is found without reading the others.
//!
//! Beside each segment that is closed lies its index, `payloads-N.idx`. It is made from the segment where it is missing
//! or does not fit, and nothing in it is believed: a record is looked at before it counts.

use std::io;
use std::path::Path;

use bartizan_core::RequestId;
use bartizan_core::limits::read_capped;
use bartizan_core::private;

use crate::frame::{Frame, NoFrame, SubjectId};
use crate::segment::{self, HEAD_LEN, SegmentFile};

/// What an index begins with.
const MAGIC: &[u8; 16] = b"bartizan-infidx1";
/// Bytes before the first entry: the above, number and length of the segment.
const HEAD: usize = 16 + 8 + 8;
/// Bytes of an entry.
const ENTRY: usize = 16 + 16 + 8 + 8 + 8 + 4;
/// Largest index that is read; a segment of 64 MiB with the shortest records has one of some 25 MiB.
const INDEX_BYTES: u64 = 256 << 20;

/// A record of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Id of the request.
    pub request_id: RequestId,
    /// Who asked.
    pub subject: SubjectId,
    /// When it was written, in microseconds since 1970.
    pub time: u64,
    /// Until when it is kept, in seconds since 1970.
    pub until: u64,
    /// Where it begins.
    pub(crate) offset: u64,
    /// Bytes that it takes.
    pub(crate) len: u32,
}

impl Entry {
    /// Where it lies in a segment.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn of(frame: &Frame<'_>) -> Self {
        Self {
            request_id: frame.head.request_id,
            subject: frame.head.subject,
            time: frame.head.time,
            until: frame.head.until,
            offset: frame.receipt.offset,
            len: frame.len as u32,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.request_id.bytes());
        out.extend_from_slice(&self.subject.0);
        out.extend_from_slice(&self.time.to_be_bytes());
        out.extend_from_slice(&self.until.to_be_bytes());
        out.extend_from_slice(&self.offset.to_be_bytes());
        out.extend_from_slice(&self.len.to_be_bytes());
    }

    fn read(bytes: &[u8; ENTRY]) -> Option<Self> {
        let (request_id, rest) = bytes.split_first_chunk::<16>()?;
        let (subject, rest) = rest.split_first_chunk::<16>()?;
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let (offset, rest) = rest.split_first_chunk::<8>()?;
        let (len, _) = rest.split_first_chunk::<4>()?;
        Some(Self {
            request_id: RequestId::from_bytes(*request_id),
            subject: SubjectId(*subject),
            time: u64::from_be_bytes(*time),
            until: u64::from_be_bytes(*until),
            offset: u64::from_be_bytes(*offset),
            len: u32::from_be_bytes(*len),
        })
    }
}

/// What a scan of a segment found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Records that are as they were written.
    pub entries: Vec<Entry>,
    /// Where the last of these ends.
    pub end: u64,
    /// Records before that which are not.
    pub changed: u64,
    /// Bytes behind it, which are no records.
    pub rest: u64,
}

/// Reads a segment from end to end.
pub(crate) fn scan(dir: &Path, number: u64) -> io::Result<Scan> {
    scan_file(SegmentFile::open(dir, number)?)
}

/// Records behind a head that is not as it was. They are what they were: their place is the file's name.
pub(crate) fn salvaged(dir: &Path, number: u64) -> io::Result<Vec<Entry>> {
    Ok(scan_file(SegmentFile::open_any(dir, number)?)?.entries)
}

fn scan_file(mut file: SegmentFile) -> io::Result<Scan> {
    let len = file.len;
    let mut found = Scan { end: HEAD_LEN, ..Scan::default() };
    // Those behind which nothing good comes count as the end.
    let mut changed = 0;
    let mut at = HEAD_LEN;
    while at < len {
        match file.read(at)? {
            Ok(frame) => {
                found.entries.push(Entry::of(&frame));
                at += frame.len as u64;
                found.end = at;
                found.changed += std::mem::take(&mut changed);
            }
            Err(NoFrame::Changed { len }) => {
                changed += 1;
                at += len as u64;
            }
            Err(NoFrame::Unfinished | NoFrame::NoLength) => break,
        }
    }
    found.rest = len.saturating_sub(found.end);
    Ok(found)
}

/// Writes the index of a segment that has so many bytes.
pub(crate) fn write(dir: &Path, number: u64, len: u64, entries: &[Entry]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(HEAD + entries.len() * ENTRY);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(&len.to_be_bytes());
    for entry in entries {
        entry.write(&mut bytes);
    }
    private::put(&segment::index_path(dir, number), &bytes).map(|_| ())
}

/// The index that lies beside a segment of so many bytes; none where it does not fit.
fn load(dir: &Path, number: u64, len: u64) -> Option<Vec<Entry>> {
    let file = private::open(&segment::index_path(dir, number)).ok()?;
    let bytes = read_capped(file, INDEX_BYTES).ok()?;
    parse(&bytes, number, len)
}

pub(crate) fn parse(bytes: &[u8], number: u64, len: u64) -> Option<Vec<Entry>> {
    let (head, entries) = bytes.split_first_chunk::<HEAD>()?;
    let expected = MAGIC.iter().copied().chain(number.to_be_bytes()).chain(len.to_be_bytes());
    if !expected.eq(head.iter().copied()) {
        return None;
    }
    let (entries, rest) = entries.as_chunks::<ENTRY>();
    if !rest.is_empty() {
        return None;
    }
    entries.iter().map(Entry::read).collect()
}

/// What is in a segment: as its index says, or as it is found.
pub(crate) fn of(dir: &Path, number: u64) -> io::Result<Vec<Entry>> {
    let len = std::fs::metadata(segment::path(dir, number))?.len();
    match load(dir, number, len) {
        Some(entries) => Ok(entries),
        None => Ok(scan(dir, number)?.entries),
    }
}

#[cfg(test)]
mod tests {
    use bartizan_secrets::DataKey;
    use proptest::prelude::*;

    use super::*;
    use crate::frame::tests::head_of;
    use crate::frame::{self, Place};

    fn segment(dir: &Path, records: usize) -> Vec<u8> {
        let key = DataKey::generate().unwrap();
        let mut bytes = segment::head(1).to_vec();
        for _ in 0..records {
            let place = Place { segment: 1, offset: bytes.len() as u64 };
            frame::append(&mut bytes, place, &head_of("e"), &key, b"words").unwrap();
        }
        std::fs::write(segment::path(dir, 1), &bytes).unwrap();
        bytes
    }

    #[test]
    fn an_index_is_what_a_scan_finds_and_is_made_again_where_it_does_not_fit() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = segment(dir.path(), 3);
        let found = scan(dir.path(), 1).unwrap();
        assert_eq!((found.entries.len(), found.end, found.rest), (3, bytes.len() as u64, 0));
        write(dir.path(), 1, found.end, &found.entries).unwrap();
        assert_eq!(load(dir.path(), 1, found.end), Some(found.entries.clone()));
        assert_eq!(load(dir.path(), 1, found.end + 1), None);
        assert_eq!(load(dir.path(), 2, found.end), None);
        // An index of an older state is not taken.
        write(dir.path(), 1, found.end - 1, &[]).unwrap();
        assert_eq!(of(dir.path(), 1).unwrap(), found.entries);
        std::fs::write(segment::index_path(dir.path(), 1), "nonsense").unwrap();
        assert_eq!(of(dir.path(), 1).unwrap(), found.entries);
    }

    #[test]
    fn a_damaged_record_hides_none_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = segment(dir.path(), 3);
        let second = scan(dir.path(), 1).unwrap().entries[1];
        bytes[second.offset as usize + 30] ^= 1;
        std::fs::write(segment::path(dir.path(), 1), &bytes).unwrap();
        let found = scan(dir.path(), 1).unwrap();
        assert_eq!((found.entries.len(), found.changed, found.rest), (2, 1, 0));
    }

    proptest! {
        #[test]
        fn whatever_lies_at_the_end_is_told_from_records(
            tail in prop::collection::vec(any::<u8>(), 0..300),
            cut in 0_usize..200,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let whole = segment(dir.path(), 2);
            let first = scan(dir.path(), 1).unwrap().entries[0];
            let end = whole.len() - cut.min(first.len as usize - 1);
            let bytes = [&whole[..end], &tail].concat();
            std::fs::write(segment::path(dir.path(), 1), &bytes).unwrap();
            let found = scan(dir.path(), 1).unwrap();
            prop_assert!(!found.entries.is_empty());
            prop_assert_eq!(found.end + found.rest, bytes.len() as u64);
            prop_assert!(found.end <= whole.len() as u64);
        }
    }
}
