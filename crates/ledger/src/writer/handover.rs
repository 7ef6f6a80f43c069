//! The key of a log is changed: both keys sign for a while, and the log says so itself.
//!
//! Adding a key is one step, the private keys being in one file. What follows, the entry that names it and the
//! public keys beside the log, is done again by the next start where a crash came between: it is done when
//! `log.vkey` is the new key. Retiring a key ends with one step in the same file. What was written before,
//! the entry and the proof of it, then speaks of a key that still signs, and is written again by the next try.

use std::io;
use std::path::PathBuf;

use super::{EventLogWriter, Shared};
use crate::error::LedgerError;
use crate::handover;
use crate::note::VerifyingKey;
use crate::witness::{countersign, follows_witnessed};

/// A key that signs nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// The key.
    pub key: VerifyingKey,
    /// The key in its place.
    pub next: VerifyingKey,
    /// The file with the proof of the entry that says so, which both keys have signed.
    pub proof: PathBuf,
}

impl EventLogWriter {
    /// Gives the log a new key, and says which. From then on its checkpoints are signed by that and by the
    /// one before, until [`retire_key`](Self::retire_key).
    ///
    /// # Errors
    /// [`LedgerError::TwoKeys`], when there are two already, [`LedgerError::Checkpoint`], when the log does
    /// not go on from what witnesses have signed, and [`LedgerError`] with what the system says. Where the
    /// key was made and could not be announced, the next start does that.
    pub fn add_key(&self) -> Result<VerifyingKey, LedgerError> {
        let shared = &self.shared;
        shared.bring_and_sign()?;
        let mut tree = shared.tree.lock();
        let size = tree.signed().map_or(0, |signed| signed.size);
        // The new key must not stand for a log that was put back or written anew under the old one.
        follows_witnessed(&shared.dir, tree.keys(), size)?;
        tree.keys_mut().add(shared.disk.as_ref(), &shared.dir)?;
        let added = tree.keys().current().clone();
        drop(tree);
        shared.announce()?;
        Ok(added)
    }

    /// Ends the time in which two keys sign: the older one is dropped.
    ///
    /// # Errors
    /// [`LedgerError::OneKey`], when there is only one, and [`LedgerError`] with what the system says.
    pub fn retire_key(&self) -> Result<Retired, LedgerError> {
        let shared = &self.shared;
        shared.announce()?;
        let both = shared.tree.lock().keys().both();
        let (next, key) = both.ok_or(LedgerError::OneKey)?;
        shared.bring_and_sign()?;
        // What witnesses have signed has to be believed by whoever knows the new key alone.
        shared.countersign()?;
        let entry = shared.write(&handover::retired(&key, &next)).map_err(LedgerError::Sync)?;
        shared.bring_and_sign()?;
        let proof = handover::keep(shared.disk.as_ref(), &shared.dir, &key, entry)?;
        let mut tree = shared.tree.lock();
        tree.keys_mut().retire(shared.disk.as_ref(), &shared.dir)?;
        // Not only with the next entry, which may be long in coming.
        if let Err(error) = tree.sign_again(shared.disk.as_ref()) {
            tracing::warn!(%error, dir = %shared.dir.display(), "the old key stays under the last checkpoint");
        }
        Ok(Retired { key, next, proof })
    }
}

impl Shared {
    /// Says in the log which key is new, if it has not said so.
    pub(super) fn announce(&self) -> Result<(), LedgerError> {
        let tree = self.tree.lock();
        let new = tree.keys().both().filter(|_| !tree.keys().is_announced());
        drop(tree);
        let Some((current, older)) = new else { return Ok(()) };
        self.bring_and_sign()?;
        match self.countersign() {
            // Whoever verifies is told; the log goes on.
            Err(LedgerError::Checkpoint { source, .. })
                if source.kind() == io::ErrorKind::InvalidData =>
            {
                let dir = self.dir.display();
                tracing::error!(error = %source, %dir, "the new key does not stand for what witnesses have signed");
            }
            countersigned => countersigned?,
        }
        self.write(&handover::added(&current, &older)).map_err(LedgerError::Sync)?;
        self.bring_and_sign()?;
        self.tree.lock().keys_mut().announced(self.disk.as_ref(), &self.dir)
    }

    fn countersign(&self) -> Result<(), LedgerError> {
        let tree = self.tree.lock();
        let size = tree.signed().map_or(0, |signed| signed.size);
        countersign(self.disk.as_ref(), &self.dir, tree.keys(), size)
    }

    fn bring_and_sign(&self) -> Result<(), LedgerError> {
        self.sync().map_err(LedgerError::Sync)?;
        self.sign().map_err(LedgerError::Sign)
    }
}
