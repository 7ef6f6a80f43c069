//! Witnesses: who saw a log grow, and says so under its checkpoints (C2SP tlog-witness).
//!
//! A witness signs a checkpoint only if it begins with all that it signed before, and remembers that
//! before it answers. So a log cannot show one history to some and another one to others, unless enough
//! witnesses help it. This is what a witness decides ([`decide`]) and remembers ([`Witness`]), and what a
//! log submits and [`keep`]s; how submissions travel is for others.

mod kept;
mod published;

use std::fmt;
use std::str::FromStr;

use crate::checkpoint::{Checkpoint, parse_number};
use crate::merkle::{Hash, ProofError, verify_consistency};
use crate::note::{NOTE_BYTES, Note, NoteError, Signature, SigningKey, VerifyingKey};

pub use kept::{Witness, WitnessError, public_key};
pub(crate) use published::{countersign, follows_witnessed, read};
pub use published::{forget, keep, submission};

/// Most hashes of a proof that is submitted.
const HASHES: usize = 63;
/// Most bytes of a submission.
pub const SUBMISSION_BYTES: usize = NOTE_BYTES + HASHES * 64;
/// Type of the answer that says how far a witness has followed.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// A checkpoint that a log submits, and the proof that it goes on from where the witness was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Size of the checkpoint that the witness signed last.
    pub old: u64,
    /// That the new tree begins with the old one.
    pub proof: Vec<Hash>,
    /// The new checkpoint.
    pub checkpoint: Note,
}

/// A body that is no submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a submission is `old <size>`, lines of hashes, an empty line and a checkpoint")]
pub struct SubmissionError;

impl FromStr for Submission {
    type Err = SubmissionError;

    fn from_str(body: &str) -> Result<Self, SubmissionError> {
        if body.len() > SUBMISSION_BYTES {
            return Err(SubmissionError);
        }
        let (head, checkpoint) = body.split_once("\n\n").ok_or(SubmissionError)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| parse_number(line.strip_prefix("old ")?));
        let proof: Result<Vec<Hash>, _> = lines.take(HASHES + 1).map(str::parse).collect();
        let proof = proof.map_err(|_| SubmissionError)?;
        if proof.len() > HASHES {
            return Err(SubmissionError);
        }
        let checkpoint = checkpoint.parse().map_err(|_| SubmissionError)?;
        Ok(Self { old: old.ok_or(SubmissionError)?, proof, checkpoint })
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// What a witness signed last of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// Entries.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

impl Followed {
    /// Of a log that nobody has seen yet.
    #[must_use]
    pub fn nothing() -> Self {
        Self { size: 0, root: Hash::of_empty_tree() }
    }
}

/// Why a witness does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The note is no checkpoint, or it is smaller than what it claims to go on from.
    #[error("the submission is malformed")]
    Malformed,
    /// The log is not among those that the witness follows.
    #[error("this witness does not follow `{origin}`")]
    Unknown {
        /// The log.
        origin: String,
    },
    /// The log has not signed it.
    #[error("the log has not signed the checkpoint")]
    Unsigned(#[source] NoteError),
    /// The witness has followed further, or not as far.
    #[error("this witness has signed {size} entries of the log")]
    Elsewhere {
        /// How far.
        size: u64,
    },
    /// The tree does not begin with the one before.
    #[error("the checkpoint does not begin with the one before")]
    Inconsistent(#[source] ProofError),
}

impl Refused {
    /// Status of the answer, as the specification has it. The body of a 409 is the size.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unknown { .. } => 404,
            Self::Unsigned(_) => 403,
            Self::Elsewhere { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }
}

/// Decides about a submission. `logs` are the keys of the logs that are followed, `last` what was signed
/// of this one before. What comes back has to be remembered, in one step with the look at `last`, before
/// [`cosign`] is asked for.
///
/// # Errors
/// [`Refused`], when the witness must not sign.
pub fn decide(
    submission: &Submission,
    logs: &[VerifyingKey],
    last: impl FnOnce(&str) -> Followed,
) -> Result<(Checkpoint, Followed), Refused> {
    let checkpoint: Checkpoint =
        submission.checkpoint.text().parse().map_err(|_| Refused::Malformed)?;
    let own = |key: &&VerifyingKey| key.name().as_str() == checkpoint.origin;
    let keys: Vec<VerifyingKey> = logs.iter().filter(own).cloned().collect();
    if keys.is_empty() {
        return Err(Refused::Unknown { origin: checkpoint.origin });
    }
    submission.checkpoint.verify(&keys).map_err(Refused::Unsigned)?;
    if submission.old > checkpoint.size {
        return Err(Refused::Malformed);
    }
    let last = last(&checkpoint.origin);
    if submission.old != last.size {
        return Err(Refused::Elsewhere { size: last.size });
    }
    let now = Followed { size: checkpoint.size, root: checkpoint.root };
    if last.size == now.size && last.root != now.root {
        return Err(Refused::Elsewhere { size: last.size });
    }
    let follows = if last.size == 0 && now.size > 0 {
        // Everything begins with nothing, and there is nothing to prove.
        if submission.proof.is_empty() { Ok(()) } else { Err(ProofError::TooLong) }
    } else {
        verify_consistency(last.size, last.root, now.size, now.root, &submission.proof)
    };
    follows.map_err(Refused::Inconsistent)?;
    Ok((checkpoint, now))
}

/// The line by which a witness says that it saw a checkpoint, at `time` in seconds since 1970.
#[must_use]
pub fn cosign(checkpoint: &Checkpoint, key: &SigningKey, time: u64) -> Signature {
    // The first three lines are what was checked; the specification has the others signed as well.
    key.sign(&checkpoint.to_string(), time)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;
    use crate::merkle::{Frontier, consistency_proof};
    use crate::note::Algorithm;
    use crate::trust::Trust;

    pub(super) fn key(name: &str, algorithm: Algorithm) -> SigningKey {
        SigningKey::generate(name.parse().unwrap(), algorithm).unwrap()
    }

    /// Entries of one history: those from `fork` on are others than in any other history.
    fn leaf(entry: u64, fork: u64, history: u8) -> Hash {
        Hash::of_leaf(&[entry as u8, if entry >= fork { history } else { 0 }])
    }

    fn root(size: u64, fork: u64, history: u8) -> Hash {
        let mut frontier = Frontier::new();
        (0..size).for_each(|entry| frontier.push(leaf(entry, fork, history), |_, _, _| ()));
        frontier.root()
    }

    pub(super) fn submission(
        log: &SigningKey,
        old: u64,
        size: u64,
        fork: u64,
        history: u8,
    ) -> Submission {
        let mut nodes = |height: u32, index: u64| {
            let mut frontier = Frontier::new();
            for entry in (index << height)..((index + 1) << height) {
                frontier.push(leaf(entry, fork, history), |_, _, _| ());
            }
            Ok::<_, Infallible>(frontier.root())
        };
        let proof = consistency_proof(&mut nodes, old, size).unwrap();
        let origin = log.verifying().name().to_string();
        let root = root(size, fork, history);
        let text = Checkpoint { origin, size, root, extensions: Vec::new() }.to_string();
        let mut checkpoint = Note::new(text.clone()).unwrap();
        checkpoint.add(log.sign(&text, 0));
        Submission { old, proof, checkpoint }
    }

    #[test]
    fn a_log_that_grows_is_signed_and_one_that_forks_is_not() {
        let log = key("example.org/log", Algorithm::Ed25519);
        let witness = key("witness.example", Algorithm::Cosignature);
        let logs = [log.verifying().clone()];
        let mut seen: BTreeMap<String, Followed> = BTreeMap::new();
        let mut submit = |submission: Submission| {
            let read: Submission = submission.to_string().parse().unwrap();
            assert_eq!(read, submission);
            let last = |origin: &str| seen.get(origin).copied().unwrap_or(Followed::nothing());
            let (checkpoint, now) = decide(&read, &logs, last)?;
            seen.insert(checkpoint.origin.clone(), now);
            let mut note = read.checkpoint;
            note.add(cosign(&checkpoint, &witness, 1_700_000_000));
            Ok::<_, Refused>(note)
        };
        let file =
            format!("log {}\nwitness W {}\nquorum W\n", log.verifying(), witness.verifying());
        let trust: Trust = file.parse().unwrap();
        for (old, size) in [(0, 3), (3, 3), (3, 8), (8, 21)] {
            let note = submit(submission(&log, old, size, 99, 0)).unwrap();
            assert_eq!(trust.check(&note).unwrap().witnesses, [("W".to_owned(), 1_700_000_000)]);
        }
        let status = |refused: Result<Note, Refused>| refused.unwrap_err().status();
        // Back, from somewhere else, onto another history, and without a proof.
        assert_eq!(status(submit(submission(&log, 8, 21, 99, 0))), 409);
        assert_eq!(status(submit(submission(&log, 0, 30, 99, 0))), 409);
        assert_eq!(status(submit(submission(&log, 21, 21, 20, 1))), 409);
        assert_eq!(status(submit(submission(&log, 21, 30, 20, 1))), 422);
        let bare = Submission { proof: Vec::new(), ..submission(&log, 21, 30, 99, 0) };
        assert_eq!(status(submit(bare)), 422);
        assert_eq!(status(submit(Submission { old: 22, ..submission(&log, 21, 21, 99, 0) })), 400);
        let forged = key("example.org/log", Algorithm::Ed25519);
        assert_eq!(status(submit(submission(&forged, 21, 30, 99, 0))), 403);
        let other = key("example.org/other", Algorithm::Ed25519);
        assert_eq!(status(submit(submission(&other, 0, 3, 99, 0))), 404);
        // None of that was remembered.
        submit(submission(&log, 21, 30, 99, 0)).unwrap();
    }

    #[test]
    fn what_is_no_submission_is_refused() {
        let log = key("log", Algorithm::Ed25519);
        let good = submission(&log, 0, 1, 99, 0).to_string();
        assert!(good.parse::<Submission>().is_ok());
        for body in [
            String::new(),
            good.replacen("old 0", "old 00", 1),
            good.replacen("old 0", "old -1", 1),
            good.replacen("old 0\n", "", 1),
            good.replacen("old 0\n", "old 0\nAAAA\n", 1),
            good.replacen(
                "old 0\n",
                &format!("old 0\n{}", format!("{}\n", Hash::of_empty_tree()).repeat(64)),
                1,
            ),
            "old 0\n\nno note\n".to_owned(),
            format!("old 0\n\n{}", "x".repeat(SUBMISSION_BYTES)),
        ] {
            assert_eq!(
                body.parse::<Submission>(),
                Err(SubmissionError),
                "{}",
                &body[..body.len().min(60)]
            );
        }
    }
}
