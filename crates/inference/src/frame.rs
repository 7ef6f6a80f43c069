//! One record as it lies in a segment. Pure: bytes in, records out.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of all that follows, big endian like all numbers here |
//! | 16 | id of the request |
//! | 16 | id of who asked, see [`crate::keys`] |
//! | 8 | when it was written, in microseconds since 1970 |
//! | 8 | until when it is kept, in seconds since 1970 |
//! | 1, and as many as that says | name of the endpoint |
//! | the rest but 8 | the sealed [content](crate::content), see [`DataKey`] |
//! | 8 | the first bytes of the digest |
//!
//! The digest is the SHA-256 of the place and of all between length and digest; it needs no key. The content is sealed
//! for the place and for all that stands before it. The place is the number of the segment and where in it the record
//! begins, so that a record that was moved, repeated or put into another segment is none.

use bartizan_core::RequestId;
use bartizan_core::id::MAX_NAME_BYTES;
use bartizan_core::payload::{ANSWER_BYTES, REQUEST_BYTES, Receipt};
use bartizan_secrets::{DataKey, SealError};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::content::EVENT_BYTES;

/// Longest record, in bytes: none is read or written that is longer.
pub const RECORD_BYTES: usize = REQUEST_BYTES + ANSWER_BYTES + EVENT_BYTES + (4 << 10);

/// What stands before the name of the endpoint, without the length.
const FIXED: usize = 16 + 16 + 8 + 8 + 1;
/// Bytes of the digest at the end.
const CHECK: usize = 8;
/// Fewest bytes behind the length.
const LEAST: usize = FIXED + DataKey::OVERHEAD + CHECK;
/// Separates these digests from all others.
const FOR_DIGEST: &[u8] = b"bartizan inference record v1\0";
/// Separates what is sealed for a place from all else.
const FOR_SEAL: &[u8] = b"bartizan inference content v1\0";

/// Whose record it is: random, and found beside the log under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId(pub(crate) [u8; 16]);

/// What stands in the open, so that records can be found, removed and erased without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) request_id: RequestId,
    pub(crate) subject: SubjectId,
    /// Microseconds since 1970.
    pub(crate) time: u64,
    /// Seconds since 1970.
    pub(crate) until: u64,
    pub(crate) endpoint: String,
}

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

impl Place {
    fn receipt(self, body: &[u8]) -> Receipt {
        let mut hash = Sha256::new_with_prefix(FOR_DIGEST);
        hash.update(self.segment.to_be_bytes());
        hash.update(self.offset.to_be_bytes());
        hash.update(body);
        let digest = hash.finalize().into();
        Receipt { segment: self.segment, offset: self.offset, digest }
    }

    fn aad(self, head: &[u8]) -> Vec<u8> {
        [FOR_SEAL, &self.segment.to_be_bytes(), &self.offset.to_be_bytes(), head].concat()
    }
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame<'b> {
    pub(crate) head: Head,
    /// Bytes that it takes in the segment.
    pub(crate) len: usize,
    pub(crate) receipt: Receipt,
    place: Place,
    open: &'b [u8],
    sealed: &'b [u8],
}

impl Frame<'_> {
    /// What is sealed in it.
    ///
    /// # Errors
    /// [`SealError`], when it was not sealed so, for this place, with this key.
    pub(crate) fn unseal(&self, key: &DataKey) -> Result<Zeroizing<Vec<u8>>, SealError> {
        key.open(&self.place.aad(self.open), self.sealed)
    }
}

/// Why there is no record at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoFrame {
    /// The bytes end before it does.
    Unfinished,
    /// The length is none that a record has, so that nobody knows where the next one begins.
    NoLength,
    /// It is not as it was written. It takes so many bytes.
    Changed {
        /// Bytes that it takes.
        len: usize,
    },
}

/// How long the record is that begins with these bytes, its length included.
pub(crate) fn length(bytes: &[u8]) -> Result<usize, NoFrame> {
    let length = bytes.first_chunk::<4>().ok_or(NoFrame::Unfinished)?;
    let length = u32::from_be_bytes(*length) as usize;
    if (LEAST..=RECORD_BYTES - 4).contains(&length) {
        Ok(length + 4)
    } else {
        Err(NoFrame::NoLength)
    }
}

/// Reads the record that the bytes begin with.
pub(crate) fn read(bytes: &[u8], place: Place) -> Result<Frame<'_>, NoFrame> {
    let len = length(bytes)?;
    let rest = bytes.get(4..len).ok_or(NoFrame::Unfinished)?;
    let changed = NoFrame::Changed { len };
    let (body, check) = rest.split_last_chunk::<CHECK>().ok_or(changed)?;
    let receipt = place.receipt(body);
    if receipt.digest.first_chunk() != Some(check) {
        return Err(changed);
    }
    let (head, open_len) = head(body).ok_or(changed)?;
    let (open, sealed) = body.split_at_checked(open_len).ok_or(changed)?;
    Ok(Frame { head, len, receipt, place, open, sealed })
}

fn head(body: &[u8]) -> Option<(Head, usize)> {
    let (request_id, rest) = body.split_first_chunk::<16>()?;
    let (subject, rest) = rest.split_first_chunk::<16>()?;
    let (time, rest) = rest.split_first_chunk::<8>()?;
    let (until, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first()?;
    let endpoint = rest.get(..usize::from(*length))?;
    let head = Head {
        request_id: RequestId::from_bytes(*request_id),
        subject: SubjectId(*subject),
        time: u64::from_be_bytes(*time),
        until: u64::from_be_bytes(*until),
        endpoint: std::str::from_utf8(endpoint).ok()?.to_owned(),
    };
    Some((head, FIXED + endpoint.len()))
}

/// Seals a record for a place and adds it to `out`.
///
/// # Errors
/// [`SealError`]; then nothing is added.
pub(crate) fn append(
    out: &mut Vec<u8>,
    place: Place,
    head: &Head,
    key: &DataKey,
    content: &[u8],
) -> Result<Receipt, SealError> {
    let before = out.len();
    let result = append_sealed(out, place, head, key, content);
    if result.is_err() {
        out.truncate(before);
    }
    result
}

fn append_sealed(
    out: &mut Vec<u8>,
    place: Place,
    head: &Head,
    key: &DataKey,
    content: &[u8],
) -> Result<Receipt, SealError> {
    let end = head.endpoint.floor_char_boundary(MAX_NAME_BYTES);
    let endpoint = head.endpoint.get(..end).unwrap_or_default();
    let mut open = Vec::with_capacity(FIXED + endpoint.len());
    open.extend_from_slice(&head.request_id.bytes());
    open.extend_from_slice(&head.subject.0);
    open.extend_from_slice(&head.time.to_be_bytes());
    open.extend_from_slice(&head.until.to_be_bytes());
    open.push(endpoint.len() as u8);
    open.extend_from_slice(endpoint.as_bytes());
    let length = open.len() + content.len() + DataKey::OVERHEAD + CHECK;
    if length > RECORD_BYTES - 4 {
        return Err(SealError::Refused);
    }
    out.reserve(4 + length);
    out.extend_from_slice(&(length as u32).to_be_bytes());
    let body_at = out.len();
    out.extend_from_slice(&open);
    key.seal_onto(&place.aad(&open), content, out)?;
    let receipt = place.receipt(out.get(body_at..).unwrap_or_default());
    out.extend_from_slice(receipt.digest.get(..CHECK).unwrap_or_default());
    Ok(receipt)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::index::Entry;

    pub(crate) fn head_of(endpoint: &str) -> Head {
        Head {
            request_id: RequestId::new(),
            subject: SubjectId([7; 16]),
            time: 1_000_000,
            until: 99,
            endpoint: endpoint.to_owned(),
        }
    }

    /// Another time in the open part of a record of a segment, with the digest that belongs to it.
    pub(crate) fn forge_until(segment: &mut [u8], number: u64, entry: &Entry, until: u64) {
        let from = entry.offset as usize;
        let record = &mut segment[from..from + entry.len as usize];
        record[44..52].copy_from_slice(&until.to_be_bytes());
        let end = record.len() - CHECK;
        let place = Place { segment: number, offset: entry.offset };
        let digest = place.receipt(&record[4..end]).digest;
        record[end..].copy_from_slice(&digest[..CHECK]);
    }

    const PLACE: Place = Place { segment: 3, offset: 24 };

    fn record(key: &DataKey, content: &[u8]) -> (Vec<u8>, Receipt) {
        let mut out = Vec::new();
        let receipt = append(&mut out, PLACE, &head_of("protected-llm"), key, content).unwrap();
        (out, receipt)
    }

    #[test]
    fn a_record_reads_back_where_it_was_written_and_nowhere_else() {
        let key = DataKey::generate().unwrap();
        let (bytes, receipt) = record(&key, b"words");
        let frame = read(&bytes, PLACE).unwrap();
        assert_eq!((frame.len, frame.receipt), (bytes.len(), receipt));
        assert_eq!(frame.head.endpoint, "protected-llm");
        assert_eq!(*frame.unseal(&key).unwrap(), b"words");
        for elsewhere in [Place { segment: 4, ..PLACE }, Place { offset: 25, ..PLACE }] {
            assert_eq!(read(&bytes, elsewhere), Err(NoFrame::Changed { len: bytes.len() }));
        }
        // With a digest that fits the other place, the content still does not open there.
        let elsewhere = Place { segment: 4, ..PLACE };
        let mut moved = bytes.clone();
        let end = moved.len() - CHECK;
        let digest = elsewhere.receipt(&moved[4..end]).digest;
        moved[end..].copy_from_slice(&digest[..CHECK]);
        let frame = read(&moved, elsewhere).unwrap();
        assert_eq!(frame.unseal(&key), Err(SealError::Damaged));
    }

    #[test]
    fn a_head_that_was_changed_with_its_digest_does_not_open() {
        let key = DataKey::generate().unwrap();
        let (mut bytes, _) = record(&key, b"words");
        // Whose it is.
        bytes[4 + 16] ^= 1;
        let end = bytes.len() - CHECK;
        let digest = PLACE.receipt(&bytes[4..end]).digest;
        bytes[end..].copy_from_slice(&digest[..CHECK]);
        assert_eq!(read(&bytes, PLACE).unwrap().unseal(&key), Err(SealError::Damaged));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let (bytes, _) = record(&DataKey::generate().unwrap(), b"words");
        for at in 0..bytes.len() {
            assert_eq!(read(&bytes[..at], PLACE), Err(NoFrame::Unfinished), "{at}");
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert!(read(&changed, PLACE).is_err(), "{at}");
        }
    }

    #[test]
    fn no_length_asks_for_more_than_a_record_may_take() {
        for length in [0, 1, LEAST - 1, RECORD_BYTES - 3, u32::MAX as usize] {
            let bytes = (length as u32).to_be_bytes();
            assert_eq!(super::length(&bytes), Err(NoFrame::NoLength), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(read(&bytes, PLACE).is_err());
        }

        #[test]
        fn whatever_is_written_reads_back(
            content in prop::collection::vec(any::<u8>(), 0..2000),
            endpoint in "[a-z.]{0,140}",
            segment in any::<u64>(),
            offset in any::<u64>(),
        ) {
            let key = DataKey::generate().unwrap();
            let place = Place { segment, offset };
            let mut out = b"before".to_vec();
            let receipt = append(&mut out, place, &head_of(&endpoint), &key, &content).unwrap();
            let frame = read(&out[6..], place).unwrap();
            prop_assert_eq!(frame.receipt, receipt);
            prop_assert!(endpoint.starts_with(&frame.head.endpoint));
            prop_assert_eq!(&*frame.unseal(&key).unwrap(), &content);
        }
    }
}
