//! What was asked and answered, on its way to whoever keeps it.
//!
//! The gateway knows only [`PayloadSink`]; the inference log implements it. What is handed over is the text after
//! masking: what went to the provider and what went to the caller, with placeholders where values were put back.

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::time::Duration;

use crate::event::Event;

/// Most bytes of a request that are kept; the rest is counted.
pub const REQUEST_BYTES: usize = 1 << 20;
/// Most bytes of an answer that are kept; the rest is counted.
pub const ANSWER_BYTES: usize = 1 << 20;

/// One exchange as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// What was decided about it, as far as that is known before it is kept.
    pub event: Event,
    /// How long it is kept.
    pub keep: Duration,
    /// What went to the provider; absent where nothing did.
    pub request: Option<Side>,
    /// What went to the caller of the provider's answer; absent where nothing did.
    pub answer: Option<Side>,
}

/// One side of an exchange, up to a bound.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Side {
    bytes: Vec<u8>,
    length: u64,
}

impl Side {
    /// A side as it was found where it is kept.
    pub const fn new(bytes: Vec<u8>, length: u64) -> Self {
        Self { bytes, length }
    }

    /// Adds what was sent, as long as no more than `most` bytes are kept in all.
    pub fn push(&mut self, sent: &[u8], most: usize) {
        // What was left out before is not followed by what comes after it.
        if !self.is_cut() {
            let room = most.saturating_sub(self.bytes.len()).min(sent.len());
            self.bytes.extend_from_slice(sent.get(..room).unwrap_or_default());
        }
        self.length = self.length.saturating_add(sent.len() as u64);
    }

    /// What is kept of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes there were.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Whether there were more bytes than are kept.
    pub fn is_cut(&self) -> bool {
        self.length > self.bytes.len() as u64
    }
}

impl fmt::Debug for Side {
    /// Says how long it is, and nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Side({} of {} bytes)", self.bytes.len(), self.length)
    }
}

/// Is told once what became of a payload, on a thread that must not be held up for long.
pub type Done = Box<dyn FnOnce(Result<Receipt, NotKept>) + Send>;

/// Where payloads go. The gateway knows only this trait.
pub trait PayloadSink: Send + Sync {
    /// Takes an exchange and waits for nothing. `done` is called when it is on the disk, or will never be.
    fn keep(&self, payload: Payload, done: Done);

    /// Whether an exchange would be taken now, as far as that is known.
    fn is_ready(&self) -> bool;
}

/// Where a payload is kept, and what it is there: anybody can check that without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Receipt {
    /// Number of the segment.
    pub segment: u64,
    /// Where the record begins in it, in bytes.
    pub offset: u64,
    /// SHA-256 of the place and the sealed record.
    pub digest: [u8; 32],
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/sha256:", self.segment, self.offset)?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text is no [`Receipt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a receipt is written like `12/4096/sha256:` and 64 hexadecimal digits")]
pub struct ReceiptError;

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        let (segment, rest) = text.split_once('/').ok_or(ReceiptError)?;
        let (offset, digest) = rest.split_once("/sha256:").ok_or(ReceiptError)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| ReceiptError);
        let (segment, offset) = (number(segment)?, number(offset)?);
        if digest.len() != 64 || !digest.is_ascii() {
            return Err(ReceiptError);
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            let pair = digest.get(at..at + 2).ok_or(ReceiptError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ReceiptError)?;
        }
        let receipt = Self { segment, offset, digest: bytes };
        // One way to write it: no sign, no leading zero, no capital.
        let mut again = String::new();
        write!(again, "{receipt}").map_err(|_| ReceiptError)?;
        if again == text { Ok(receipt) } else { Err(ReceiptError) }
    }
}

/// Why a payload is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotKept {
    /// More wait for the disk than may.
    QueueFull,
    /// The disk refuses.
    Disk,
    /// The keys cannot be used.
    Key,
    /// There are more people and programs than there may be keys.
    Subjects,
    /// The log is closed.
    Closed,
}

impl NotKept {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::QueueFull, Self::Disk, Self::Key, Self::Subjects, Self::Closed];

    /// What an event says before it in `payload`.
    pub const PREFIX: &str = "not-kept:";

    /// Name used in events and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::Disk => "disk",
            Self::Key => "key",
            Self::Subjects => "subjects",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_written_in_one_way() {
        let receipt = Receipt { segment: 12, offset: 4096, digest: [0xab; 32] };
        let text = receipt.to_string();
        assert_eq!(text, format!("12/4096/sha256:{}", "ab".repeat(32)));
        assert_eq!(text.parse(), Ok(receipt));
        let hex = "ab".repeat(32);
        for wrong in [
            String::new(),
            "not-kept:disk".to_owned(),
            format!("12/4096/{hex}"),
            format!("+12/4096/sha256:{hex}"),
            format!("012/4096/sha256:{hex}"),
            format!("12/4096/sha256:{}", "AB".repeat(32)),
            format!("12/4096/sha256:{}", "é".repeat(32)),
            format!("12/4096/sha256:{hex}0"),
            format!("99999999999999999999/0/sha256:{hex}"),
        ] {
            assert_eq!(wrong.parse::<Receipt>(), Err(ReceiptError), "{wrong}");
        }
    }

    #[test]
    fn a_side_is_cut_once_and_counts_on() {
        let mut side = Side::default();
        side.push(b"abc", 5);
        side.push(b"defg", 5);
        side.push(b"h", 5);
        assert_eq!((side.bytes(), side.length(), side.is_cut()), (&b"abcde"[..], 8, true));
        let mut side = Side::default();
        side.push(b"abcde", 5);
        assert!(!side.is_cut());
        side.push(b"", 5);
        assert!(!side.is_cut());
        assert_eq!(format!("{side:?}"), "Side(5 of 5 bytes)");
    }
}
