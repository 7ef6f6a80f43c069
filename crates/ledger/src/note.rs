//! Signed notes: a text, and below it the signatures of those who stand for it (C2SP signed-note).
//!
//! A note that was parsed says nothing yet; [`Note::verify`] says who signed it. What a text means is
//! decided by who reads it (`checkpoint`).

mod key;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use key::{Algorithm, KeyError, KeyName, SigningKey, VerifyingKey};

/// Most bytes of a note. One with a hundred signatures has some twenty thousand.
pub const NOTE_BYTES: usize = 256 << 10;
/// Most signatures of a note.
const SIGNATURES: usize = 128;
/// Begins the line of a signature.
const MARK: &str = "\u{2014} ";
/// Bytes that name a key before its signature.
const ID_BYTES: usize = 4;

/// Why a note cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is larger than a note may be.
    #[error("the note has more than {NOTE_BYTES} bytes or {SIGNATURES} signatures")]
    TooLarge,
    /// It does not have the form of a note.
    #[error("this is no signed note: {what}")]
    Form {
        /// What is wrong about it.
        what: &'static str,
    },
    /// A known key is named, and the signature is not by it.
    #[error("the signature of `{name}` does not fit the text")]
    Forged {
        /// Name of the key.
        name: String,
    },
    /// No known key has signed.
    #[error("none of the known keys has signed the note")]
    Unsigned,
}

const fn form(what: &'static str) -> NoteError {
    NoteError::Form { what }
}

/// A text and its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// What a key says about a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: KeyName,
    /// Tells keys of one name apart.
    pub id: u32,
    /// As the algorithm of the key has it.
    pub bytes: Vec<u8>,
}

/// A signature that was found to be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'k> {
    /// By which key.
    pub key: &'k VerifyingKey,
    /// When, in seconds since 1970, as a cosigner says.
    pub time: Option<u64>,
}

impl Note {
    /// A note that nobody has signed.
    ///
    /// # Errors
    /// [`NoteError::Form`] for a text that does not end in a line break, or holds other control
    /// characters.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_text(&text)?;
        Ok(Self { text, signatures: Vec::new() })
    }

    /// The text, with its last line break.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, good or not.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, unless the same is there already.
    pub fn add(&mut self, signature: Signature) {
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
        }
    }

    /// Which of the keys have signed.
    ///
    /// # Errors
    /// [`NoteError::Forged`] when one of them is named under a signature that is not by it,
    /// [`NoteError::Unsigned`] when there is none by any of them.
    pub fn verify<'k>(&self, keys: &'k [VerifyingKey]) -> Result<Vec<Signed<'k>>, NoteError> {
        let mut signed: Vec<Signed<'k>> = Vec::new();
        for signature in &self.signatures {
            let is_by =
                |key: &&VerifyingKey| key.name() == &signature.name && key.id() == signature.id;
            let Some(key) = keys.iter().find(is_by) else { continue };
            let time =
                key.verify(&self.text, &signature.bytes).map_err(|KeyError { .. }| {
                    NoteError::Forged { name: signature.name.to_string() }
                })?;
            if signed.iter().all(|other| other.key != key) {
                signed.push(Signed { key, time });
            }
        }
        if signed.is_empty() { Err(NoteError::Unsigned) } else { Ok(signed) }
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        // The text may hold empty lines of its own; the last one ends it.
        let (text, signatures) = note
            .rsplit_once("\n\n")
            .ok_or(form("an empty line before the signatures is missing"))?;
        let text = format!("{text}\n");
        check_text(&text)?;
        let signatures = parse_signatures(signatures)?;
        if signatures.is_empty() {
            return Err(form("there are no signatures"));
        }
        Ok(Self { text, signatures })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// The line, without its end.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(f, "{MARK}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// Reads lines of signatures, each with its end.
///
/// # Errors
/// [`NoteError`], when a line is anything else or there are too many.
pub fn parse_signatures(lines: &str) -> Result<Vec<Signature>, NoteError> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let lines = lines.strip_suffix('\n').ok_or(form("the last line is cut off"))?;
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        if signatures.len() == SIGNATURES {
            return Err(NoteError::TooLarge);
        }
        signatures.push(parse_signature(line).ok_or(form("a line of a signature is malformed"))?);
    }
    Ok(signatures)
}

fn parse_signature(line: &str) -> Option<Signature> {
    let (name, bytes) = line.strip_prefix(MARK)?.split_once(' ')?;
    let name = name.parse().ok()?;
    let bytes = STANDARD.decode(bytes).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<ID_BYTES>()?;
    if bytes.is_empty() {
        return None;
    }
    Some(Signature { name, id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(form("the text does not end in a line break"));
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(form("the text holds control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
