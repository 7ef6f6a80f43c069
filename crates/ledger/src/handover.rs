//! What a log says of its keys when one takes the place of another.
//!
//! The entry `key-added` names the new key, and `key-retired` the old one with the new. Both are under
//! checkpoints that both keys have signed, and a proof of the second is kept beside the log: so that whoever
//! knows the old key alone learns, also when it has long signed nothing any more and the entry was removed
//! for its age, that it was retired, and in favour of which.

use std::io;
use std::path::{Path, PathBuf};

use bartizan_core::event::{Event, Outcome};
use bartizan_core::id::RequestId;

use crate::disk::{Disk, Durably, read_text};
use crate::entries::EntryReader;
use crate::error::LedgerError;
use crate::log_proof::{EXTENSION, LogProof, PROOF_BYTES};
use crate::note::VerifyingKey;
use crate::prove::{ProveError, prove};
use crate::trust::Trust;

const AREA: &str = "ledger";
const ADDED: &str = "key-added";
const RETIRED: &str = "key-retired";
/// Between a new key and the one that still signs along.
const BESIDE: &str = " beside ";
/// Between a key that is retired and the one in its place.
const REPLACED_BY: &str = " replaced by ";

/// The event that says that a log has a new key, beside the one that it had.
pub(crate) fn added(new: &VerifyingKey, older: &VerifyingKey) -> Event {
    event(ADDED, format!("{new}{BESIDE}{older}"))
}

/// The event that says that a key signs nothing any more, and which does in its place.
pub(crate) fn retired(old: &VerifyingKey, next: &VerifyingKey) -> Event {
    event(RETIRED, format!("{old}{REPLACED_BY}{next}"))
}

fn event(operation: &str, detail: String) -> Event {
    let mut event = Event::new(RequestId::new(), AREA, operation);
    event.outcome = Outcome::Changed;
    event.detail = Some(detail);
    event
}

/// The key in whose place a key has come, if the entry says so.
fn replacement(entry: &[u8], old: &VerifyingKey) -> Option<VerifyingKey> {
    let event: Event = serde_json::from_slice(entry).ok()?;
    let is_about_keys = event.area == AREA && event.operation == RETIRED;
    let detail = event.detail.filter(|_| is_about_keys)?;
    let (retired, next) = detail.split_once(REPLACED_BY)?;
    let next: VerifyingKey = next.parse().ok()?;
    // A log has one name, whatever its key.
    (retired == old.to_string() && next.name() == old.name()).then_some(next)
}

/// What is known of a key that was retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handover {
    /// Number of the entry that says so.
    pub(crate) entry: u64,
    /// The key in its place.
    pub(crate) next: VerifyingKey,
    /// Whether the old key has signed the entry. Otherwise anybody may have written it.
    pub(crate) is_signed: bool,
}

/// Looks for what the log in the folder `dir` says about a key that signs nothing there any more. What cannot
/// be read says nothing.
pub(crate) fn find(dir: &Path, old: &VerifyingKey) -> Option<Handover> {
    proved(dir, old).or_else(|| written(dir, old))
}

fn proved(dir: &Path, old: &VerifyingKey) -> Option<Handover> {
    let text = read_text(&proof_path(dir, old), PROOF_BYTES as u64).ok()?;
    let proof: LogProof = text.parse().ok()?;
    proof.verify(proof.leaf()?, &Trust::of_log(old.clone())).ok()?;
    let next = replacement(proof.extra.as_deref()?, old)?;
    Some(Handover { entry: proof.index, next, is_signed: true })
}

fn written(dir: &Path, old: &VerifyingKey) -> Option<Handover> {
    let finder = memchr::memmem::Finder::new(RETIRED);
    let mut entries = EntryReader::from(dir, 0).ok()?;
    let mut found = None;
    loop {
        let entry = entries.number();
        let Ok(Some(line)) = entries.next() else { return found };
        if finder.find(line).is_some()
            && let Some(next) = replacement(line, old)
        {
            found = Some(Handover { entry, next, is_signed: false });
        }
    }
}

/// Where the proof lies that a key was retired.
pub(crate) fn proof_path(dir: &Path, old: &VerifyingKey) -> PathBuf {
    dir.join(format!("retired-{:08x}.{EXTENSION}", old.id()))
}

/// Keeps the proof that a key was retired, which that key has signed itself, and says where.
///
/// # Errors
/// [`LedgerError`], when there is no such proof, or it cannot be kept.
pub(crate) fn keep(
    disk: &dyn Disk,
    dir: &Path,
    old: &VerifyingKey,
    entry: u64,
) -> Result<PathBuf, LedgerError> {
    let path = proof_path(dir, old);
    let failed = |source| LedgerError::Key { path: path.clone(), source };
    let proof = prove(dir, entry).map_err(|error| match error {
        ProveError::Unreadable(error) => error,
        error => failed(io::Error::other(error)),
    })?;
    disk.put(&path, proof.to_string().as_bytes(), Durably::Yes).map_err(failed)?;
    // INVARIANT: no key is dropped before whoever knows it alone can find out by which it was replaced.
    match proved(dir, old) {
        Some(_) => Ok(path),
        None => Err(failed(io::Error::other("the key has not signed that it was retired"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{Algorithm, SigningKey};

    #[test]
    fn says_which_key_took_the_place_of_which_and_nothing_else_does() {
        let key = |name: &str| {
            let made = SigningKey::generate(name.parse().unwrap(), Algorithm::Ed25519);
            made.unwrap().verifying().clone()
        };
        let line = |event: &Event| serde_json::to_vec(event).unwrap();
        let [old, new, foreign] = ["log", "log", "other"].map(key);
        let said = retired(&old, &new);
        assert_eq!(replacement(&line(&said), &old), Some(new.clone()));
        assert_eq!(replacement(&line(&said), &new), None);
        assert_eq!(replacement(&line(&added(&new, &old)), &old), None);
        assert_eq!(replacement(&line(&retired(&old, &foreign)), &old), None);
        let other = Event { area: "gateway".to_owned(), ..said.clone() };
        assert_eq!(replacement(&line(&other), &old), None);
        let other = Event { detail: None, ..said };
        assert_eq!(replacement(&line(&other), &old), None);
        assert_eq!(replacement(b"key-retired", &old), None);
    }
}
