//! Proofs to be carried away: that an entry is in a log, in one file that needs no network (C2SP
//! tlog-proof).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{CheckpointError, parse_number};
use crate::merkle::{Hash, ProofError, verify_inclusion};
use crate::note::{NOTE_BYTES, Note, NoteError};
use crate::trust::{Trust, TrustError, Witnessed};

/// Ends the name of a file with a proof.
pub const EXTENSION: &str = "tlog-proof";
/// Most bytes of a proof.
pub const PROOF_BYTES: usize = NOTE_BYTES + EXTRA_BYTES * 2;
/// First line of a proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Begins the line of what goes along.
const EXTRA: &str = "extra ";
/// Most hashes of a proof: one per bit of a number.
const HASHES: usize = 64;
/// Most bytes beside the proof: an entry fits.
const EXTRA_BYTES: usize = 64 << 10;

/// Proof that an entry is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// What goes along; nobody vouches for it by itself.
    pub extra: Option<Vec<u8>>,
    /// Number of the entry.
    pub index: u64,
    /// From the sibling of its leaf up.
    pub hashes: Vec<Hash>,
    /// Of the tree that it is in.
    pub checkpoint: Note,
}

/// Why a file with a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogProofError {
    /// It does not have the form of a proof.
    #[error("this is no proof of an entry: {what}")]
    Form {
        /// What is wrong about it.
        what: &'static str,
    },
    /// Its checkpoint is no signed note.
    #[error("the checkpoint in the proof cannot be read")]
    Note(#[from] NoteError),
    /// The note is no checkpoint.
    #[error("the checkpoint in the proof cannot be read")]
    Checkpoint(#[from] CheckpointError),
    /// Nobody who is trusted stands for the checkpoint.
    #[error("the checkpoint in the proof is not trusted")]
    Trust(#[from] TrustError),
    /// The entry is not where the proof says.
    #[error("the entry is not in the log at this place")]
    Proof(#[from] ProofError),
}

impl LogProof {
    /// Checks that the entry with the hash `leaf` is in a log that is trusted, and says in which.
    ///
    /// # Errors
    /// [`LogProofError`], when it does not follow.
    pub fn verify(&self, leaf: Hash, trust: &Trust) -> Result<Witnessed, LogProofError> {
        let witnessed = trust.check(&self.checkpoint)?;
        let tree = &witnessed.checkpoint;
        verify_inclusion(leaf, self.index, tree.size, tree.root, &self.hashes)?;
        Ok(witnessed)
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "{EXTRA}{}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for LogProof {
    type Err = LogProofError;

    fn from_str(text: &str) -> Result<Self, LogProofError> {
        let form = |what| LogProofError::Form { what };
        if text.len() > PROOF_BYTES {
            return Err(form("it is too large"));
        }
        let (proof, checkpoint) = text
            .split_once("\n\n")
            .ok_or(form("an empty line before the checkpoint is missing"))?;
        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(form("it does not begin with `c2sp.org/tlog-proof@v1`"));
        }
        let extra = lines.next_if(|line| line.starts_with(EXTRA));
        let extra = extra.and_then(|line| line.strip_prefix(EXTRA));
        let extra = extra.map(|extra| STANDARD.decode(extra));
        let extra = extra.transpose().map_err(|_| form("what follows `extra` is no base64"))?;
        let index = lines.next().and_then(|line| parse_number(line.strip_prefix("index ")?));
        let index = index.ok_or(form("the line `index <number>` is missing"))?;
        let hashes: Result<Vec<Hash>, _> = lines.take(HASHES + 1).map(str::parse).collect();
        let hashes = hashes.map_err(|_| form("a line of the proof is no hash"))?;
        if hashes.len() > HASHES {
            return Err(form("it has too many hashes"));
        }
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::merkle::{inclusion_proof, root};
    use crate::note::{Algorithm, SigningKey};

    fn log() -> SigningKey {
        SigningKey::generate("example.org/log".parse().unwrap(), Algorithm::Ed25519).unwrap()
    }

    fn leaf(index: u64) -> Hash {
        Hash::of_leaf(&index.to_be_bytes())
    }

    fn proof(log: &SigningKey, index: u64, size: u64) -> LogProof {
        let mut nodes = |height: u32, index: u64| {
            let entries = (index << height)..((index + 1) << height);
            let mut frontier = crate::merkle::Frontier::new();
            entries.for_each(|entry| frontier.push(leaf(entry), |_, _, _| ()));
            Ok::<_, std::convert::Infallible>(frontier.root())
        };
        let root = root(&mut nodes, size).unwrap();
        let hashes = inclusion_proof(&mut nodes, index, size).unwrap();
        let origin = log.verifying().name().to_string();
        let text = Checkpoint { origin, size, root, extensions: Vec::new() }.to_string();
        let mut checkpoint = Note::new(text.clone()).unwrap();
        checkpoint.add(log.sign(&text, 0));
        LogProof { extra: None, index, hashes, checkpoint }
    }

    #[test]
    fn a_proof_is_read_and_verified_without_the_log() {
        let log = log();
        let trust = Trust::of_log(log.verifying().clone());
        for (index, size) in [(0, 1), (0, 2), (6, 7), (3, 300), (299, 300)] {
            for extra in [None, Some(b"the entry".to_vec())] {
                let proof = LogProof { extra, ..proof(&log, index, size) };
                let read: LogProof = proof.to_string().parse().unwrap();
                assert_eq!(read, proof);
                assert_eq!(read.verify(leaf(index), &trust).unwrap().checkpoint.size, size);
                assert!(matches!(read.verify(leaf(999), &trust), Err(LogProofError::Proof(_))));
                let other = Trust::of_log(super::tests::log().verifying().clone());
                assert!(matches!(read.verify(leaf(index), &other), Err(LogProofError::Trust(_))));
            }
        }
    }

    #[test]
    fn no_byte_of_a_proof_can_be_changed() {
        let log = log();
        let trust = Trust::of_log(log.verifying().clone());
        let text = proof(&log, 5, 12).to_string();
        for at in 0..text.len() {
            for flip in [1, 2, 4, 16, 32] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= flip;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let read = changed.parse::<LogProof>();
                assert!(!read.is_ok_and(|read| read.verify(leaf(5), &trust).is_ok()), "{changed}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_proof_that_is_read_is_written_again(
            extra in "((extra ){1,2}[A-Z]{0,4}\n)?", index in "[0-9]{1,3}", hash in "([A-Z]{43}=\n)?",
        ) {
            let note = "log\n1\nx\n\n\u{2014} log AAAAAAA=\n";
            let text = format!("{HEADER}\n{extra}index {index}\n{hash}\n{note}");
            if let Ok(proof) = text.parse::<LogProof>() {
                prop_assert_eq!(proof.to_string(), text);
            }
        }
    }
}
