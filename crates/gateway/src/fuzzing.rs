//! What must hold for any bytes: the oracles of the fuzz targets in `fuzz/`.
//!
//! An oracle takes the input of a target and panics when something does not hold. The targets are
//! thin shells around them; the tests here put every file of the committed corpora to the same
//! oracles, on any compiler.
//!
//! Requests and answers go through [`crate::Gateway`] as they do in service; `rig` puts a provider
//! behind it that needs no network.

#![expect(clippy::expect_used, clippy::panic, reason = "an oracle speaks by panicking")]

mod answers;
mod envelope;
mod json;
mod rig;
mod said;
mod sse;
mod translate;

pub use answers::{answer_bytes, answer_stream};
pub use envelope::protocol_envelope;
pub use json::{json_envelope, json_splice};
pub use sse::sse_split;
pub use translate::{translate_answer, translate_request, translate_stream};

/// An oracle: panics when something does not hold for the input.
pub type Oracle = fn(&[u8]);

/// Every target of this crate, by name.
pub const TARGETS: &[(&str, Oracle)] = &[
    ("answer_bytes", answer_bytes),
    ("answer_stream", answer_stream),
    ("json_envelope", json_envelope),
    ("json_splice", json_splice),
    ("protocol_envelope", protocol_envelope),
    ("sse_split", sse_split),
    ("translate_answer", translate_answer),
    ("translate_request", translate_request),
    ("translate_stream", translate_stream),
];

/// Cuts bytes into pieces of the pattern's sizes plus one, over and over.
fn pieces<'b>(mut bytes: &'b [u8], pattern: &[u8]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    for size in pattern.iter().cycle().map(|size| usize::from(*size) + 1) {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

#[cfg(test)]
mod tests;
