//! Caps on untrusted input. Every reader in the workspace has one, and they are listed here so that
//! they can be reviewed in one place.

use std::io::{self, Read};

/// Largest request body the gateway accepts, in bytes.
pub const REQUEST_BODY_BYTES: usize = 16 << 20;
/// Largest form that asks for a token, in bytes: a token of an issuer, and what is asked.
pub const TOKEN_FORM_BYTES: usize = 16 << 10;
/// Largest answer body the gateway buffers to guard it whole, in bytes.
pub const RESPONSE_BODY_BYTES: usize = 64 << 20;
/// Largest single server-sent event, in bytes.
pub const SSE_EVENT_BYTES: usize = 4 << 20;
/// Deepest nesting of JSON, in containers.
pub const JSON_DEPTH: usize = 128;
/// Most values and keys in one JSON document.
pub const JSON_NODES: usize = 1 << 20;
/// Most bytes of one line that `bartizan check` reads.
pub const CHECK_LINE_BYTES: usize = 16 << 20;
/// Largest file of rows that `bartizan train` reads.
pub const TRAIN_FILE_BYTES: u64 = 1 << 30;
/// Largest policy file, in bytes.
pub const POLICY_BYTES: u64 = 16 << 20;
/// Largest file of members of a group, in bytes; a million of them take some 25 MiB.
pub const MEMBER_LIST_BYTES: u64 = 128 << 20;
/// Largest file of names of packages, in bytes; the names of all of npm take some 90 MiB.
pub const PACKAGE_LIST_BYTES: u64 = 128 << 20;

/// Largest `config.json` of a classifier, in bytes.
pub const CLASSIFIER_CONFIG_BYTES: u64 = 1 << 20;
/// Largest `tokenizer.json` of a classifier, in bytes; those of 250,000 words have 17 MB.
pub const CLASSIFIER_TOKENIZER_BYTES: u64 = 64 << 20;
/// Largest file of weights of a classifier, in bytes.
pub const CLASSIFIER_WEIGHTS_BYTES: u64 = 4 << 30;

/// Reads all of `reader`, at most `cap` bytes.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] when more than `cap` bytes come, or the reader's own error.
pub fn read_capped(reader: impl Read, cap: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "this is the capped helper the lint points to")]
    reader.take(cap.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > cap {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {cap} bytes")));
    }
    Ok(bytes)
}

/// Reads a UTF-8 file of at most `cap` bytes.
///
/// # Errors
/// The reader's error, [`io::ErrorKind::FileTooLarge`], or [`io::ErrorKind::InvalidData`] when the
/// bytes are not UTF-8.
pub fn read_text_file(path: &std::path::Path, cap: u64) -> io::Result<String> {
    let bytes = read_capped(std::fs::File::open(path)?, cap)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_one_byte_too_many() {
        assert_eq!(read_capped(&b"abc"[..], 3).unwrap(), b"abc");
        assert_eq!(read_capped(&b"abcd"[..], 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
