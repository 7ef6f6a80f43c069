//! What must hold for any bytes: the oracle of the fuzz target in `fuzz/`.

#![cfg_attr(not(test), expect(clippy::panic, reason = "an oracle speaks by panicking"))]

use crate::content;
use crate::frame::{self, NoFrame, Place, RECORD_BYTES};
use crate::index;

/// An oracle: panics when something does not hold for the input.
pub type Oracle = fn(&[u8]);

/// Every target of this crate, by name.
pub const TARGETS: &[(&str, Oracle)] = &[("payload_segment", payload_segment)];

/// Whatever a segment holds, its records are read one after the other without a panic, none is longer than the cap or
/// than what is there, and none reads the same in another place. Its index and what would be sealed in it are read
/// without a panic too.
///
/// # Panics
/// When something does not hold.
pub fn payload_segment(input: &[u8]) {
    let place = |offset: usize| Place { segment: 1, offset: offset as u64 };
    let mut at = 0;
    while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
        let len = match frame::read(rest, place(at)) {
            Ok(frame) => {
                assert!(frame.len <= rest.len() && frame.len <= RECORD_BYTES);
                assert!(frame::read(rest, place(at + 1)).is_err(), "a record that was moved");
                frame.len
            }
            Err(NoFrame::Changed { len }) => {
                assert!(len <= rest.len() && len <= RECORD_BYTES);
                len
            }
            Err(NoFrame::Unfinished | NoFrame::NoLength) => break,
        };
        assert!(len > 0, "reading goes on");
        at += len;
    }
    let _ = index::parse(input, 1, input.len() as u64);
    if let Some(content) = content::read(input) {
        let sides = [content.request, content.answer];
        let bytes: usize = sides.iter().flatten().map(|side| side.bytes().len()).sum();
        assert!(bytes <= input.len());
    }
}

#[cfg(test)]
mod tests {
    use bartizan_secrets::DataKey;

    use super::*;
    use crate::frame::tests::head_of;

    #[test]
    fn everything_holds_for_the_corpus() {
        bartizan_testkit::corpus::holds(TARGETS);
    }

    /// With `BARTIZAN_WRITE_SEEDS=1`, writes the seed: two records, the second changed.
    #[test]
    fn a_seed_has_records() {
        let key = DataKey::generate().unwrap();
        let mut bytes = Vec::new();
        for text in [&b"words"[..], b"more words"] {
            let place = Place { segment: 1, offset: bytes.len() as u64 };
            frame::append(&mut bytes, place, &head_of("demo"), &key, text).unwrap();
        }
        let last = bytes.len() - 20;
        bytes[last] ^= 1;
        payload_segment(&bytes);
        if std::env::var_os("BARTIZAN_WRITE_SEEDS").is_some() {
            let dir = bartizan_testkit::corpus::fuzz().join("corpus/payload_segment");
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join("seed-records"), bytes).unwrap();
        }
    }
}
