//! Which proofs were used. Bounded in memory: when there is no room, nothing more is let through.

use std::collections::HashSet;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use bartizan_core::time::Timestamp;
use parking_lot::Mutex;

use crate::PROOF_WINDOW;
use crate::error::ProofError;
use crate::grant::Thumbprint;

/// A proof that is good from `PROOF_WINDOW` before until as long after its time can be used again for this long,
/// in seconds, and one for rounding.
const GENERATION_SECONDS: i64 = 2 * PROOF_WINDOW.as_secs().cast_signed() + 1;

/// A keyed hash, so that nobody can choose proofs that collide.
type Mark = [u8; 16];

/// The proofs that were used of late.
#[derive(Debug)]
pub(crate) struct Replays {
    key: Key,
    capacity: usize,
    state: Mutex<State>,
}

/// Two sets of which the older is dropped as a whole, so that a proof is remembered for one to two generations and
/// nothing has to be searched for what is old.
#[derive(Debug, Default)]
struct State {
    began: i64,
    young: HashSet<Mark>,
    old: HashSet<Mark>,
}

impl Replays {
    /// Remembers this many proofs per generation.
    ///
    /// # Errors
    /// [`aws_lc_rs::error::Unspecified`], when the system gives no random bytes.
    pub(crate) fn new(capacity: usize) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|_| aws_lc_rs::error::Unspecified)?;
        let key = Key::new(HMAC_SHA256, &*secret);
        Ok(Self { key, capacity, state: Mutex::default() })
    }

    /// Remembers a proof.
    ///
    /// # Errors
    /// [`ProofError::Replayed`] for one that was used before, [`ProofError::Full`] where there is no room.
    pub(crate) fn remember(
        &self,
        thumbprint: &Thumbprint,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ProofError> {
        // One holder cannot use up the ids of another.
        let tag = sign(&self.key, &[thumbprint.as_bytes(), id.as_bytes()].concat());
        let mark = tag.as_ref().first_chunk().copied().unwrap_or_default();
        let mut state = self.state.lock();
        state.turn(now.as_second());
        if state.young.contains(&mark) || state.old.contains(&mark) {
            return Err(ProofError::Replayed);
        }
        if state.young.len() >= self.capacity {
            return Err(ProofError::Full);
        }
        state.young.insert(mark);
        Ok(())
    }
}

impl State {
    fn turn(&mut self, now: i64) {
        // A clock that was set back waits until it is where it was.
        let age = now.saturating_sub(self.began);
        if age < GENERATION_SECONDS {
            return;
        }
        self.old = std::mem::take(&mut self.young);
        if age >= 2 * GENERATION_SECONDS {
            self.old = HashSet::new();
        }
        self.began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn remembers_for_as_long_as_a_proof_is_good() {
        let holder = Thumbprint::of(b"a");
        for first in 0..2 * GENERATION_SECONDS {
            let replays = Replays::new(10).unwrap();
            replays.remember(&holder, "turn", at(0)).unwrap();
            replays.remember(&holder, "id", at(first)).unwrap();
            for later in [1, GENERATION_SECONDS / 2, GENERATION_SECONDS - 1] {
                let again = replays.remember(&holder, "id", at(first + later));
                assert_eq!(again, Err(ProofError::Replayed), "{first} {later}");
            }
            assert_eq!(replays.remember(&holder, "id", at(first + 3 * GENERATION_SECONDS)), Ok(()));
        }
    }

    #[test]
    fn ids_of_holders_are_their_own() {
        let replays = Replays::new(10).unwrap();
        replays.remember(&Thumbprint::of(b"a"), "id", at(0)).unwrap();
        assert_eq!(replays.remember(&Thumbprint::of(b"b"), "id", at(0)), Ok(()));
    }

    #[test]
    fn nothing_passes_where_there_is_no_room() {
        let (replays, holder) = (Replays::new(2).unwrap(), Thumbprint::of(b"a"));
        for id in ["1", "2"] {
            replays.remember(&holder, id, at(0)).unwrap();
        }
        assert_eq!(replays.remember(&holder, "3", at(0)), Err(ProofError::Full));
        assert_eq!(replays.remember(&holder, "1", at(0)), Err(ProofError::Replayed));
        assert_eq!(replays.remember(&holder, "3", at(GENERATION_SECONDS)), Ok(()));
    }

    #[test]
    fn a_clock_set_back_forgets_nothing() {
        let (replays, holder) = (Replays::new(9).unwrap(), Thumbprint::of(b"a"));
        replays.remember(&holder, "1", at(1000)).unwrap();
        replays.remember(&holder, "2", at(-5000)).unwrap();
        assert_eq!(replays.remember(&holder, "1", at(-5000)), Err(ProofError::Replayed));
        assert_eq!(replays.remember(&holder, "2", at(1001)), Err(ProofError::Replayed));
    }
}
