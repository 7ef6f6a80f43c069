//! Which proofs were used. Bounded in memory: when there is no room, nothing more is let through.
//!
//! How long a proof is remembered goes by a clock that is never set; of when it is goes by one that is. What was used
//! at a time of which nothing is remembered any more is refused by that time, so a clock that is set ahead or back
//! makes nothing good twice.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bartizan_core::time::Timestamp;
use parking_lot::Mutex;

use crate::PROOF_WINDOW;
use crate::error::ProofError;
use crate::proof::CheckedProof;

/// A proof that is good from `PROOF_WINDOW` before until as long after its time can be used again for this long, and
/// a second for rounding.
const GENERATION: Duration = Duration::from_secs(2 * PROOF_WINDOW.as_secs() + 1);

/// The part of all room that the proofs of one key may take.
const HOLDERS: usize = 64;

/// Most spans of time that are kept apart.
const MAX_SPANS: usize = 16;

/// Times that are no further apart than this, in seconds, become one span: as many as a generation has.
const SPAN_GAP: i64 = GENERATION.as_secs().cast_signed();

/// As much of a SHA-256 as tells two apart.
type Mark = [u8; 16];

/// The proofs that were used of late.
#[derive(Debug)]
pub(crate) struct Replays {
    capacity: usize,
    capacity_of_one: u32,
    state: Mutex<State>,
}

/// Two generations of which the older is dropped as a whole, so that a proof is remembered for one to two of them and
/// nothing has to be searched for what is old.
#[derive(Debug)]
struct State {
    began: Instant,
    young: Generation,
    old: Generation,
    /// Times of proofs of which some may have been used and are not remembered.
    forgotten: Spans,
}

#[derive(Debug, Default)]
struct Generation {
    marks: HashSet<Mark>,
    /// How many of them are of each key; of the young one only.
    of_one: HashMap<Mark, u32>,
    /// When they were made.
    times: Spans,
}

impl Replays {
    /// Remembers this many proofs per generation, from now on: those that were made before `now` are refused.
    pub(crate) fn new(capacity: usize, now: Timestamp, steady: Instant) -> Self {
        // Proofs say whole seconds, so one of the second that has begun may be from before.
        let first = now.as_second().saturating_add(i64::from(now.subsec_nanosecond() > 0));
        let mut forgotten = Spans::default();
        forgotten.add(i64::MIN, first.saturating_sub(1));
        let (young, old) = Default::default();
        let capacity_of_one = u32::try_from(capacity / HOLDERS).unwrap_or(u32::MAX).max(1);
        let state = Mutex::new(State { began: steady, young, old, forgotten });
        Self { capacity, capacity_of_one, state }
    }

    /// Remembers a proof.
    ///
    /// # Errors
    /// [`ProofError::Replayed`] for one that was used before, [`ProofError::Forgotten`] for one that may have been,
    /// [`ProofError::Full`] and [`ProofError::HolderFull`] where there is no room.
    pub(crate) fn remember(&self, proof: &CheckedProof, steady: Instant) -> Result<(), ProofError> {
        let mark = start(proof.mark());
        let holder = start(proof.thumbprint().as_bytes());
        let mut state = self.state.lock();
        state.turn(steady);
        if state.young.marks.contains(&mark) || state.old.marks.contains(&mark) {
            return Err(ProofError::Replayed);
        }
        if state.forgotten.has(proof.second()) {
            return Err(ProofError::Forgotten);
        }
        if state.young.marks.len() >= self.capacity {
            return Err(ProofError::Full);
        }
        let used = state.young.of_one.entry(holder).or_default();
        if *used >= self.capacity_of_one {
            return Err(ProofError::HolderFull);
        }
        *used += 1;
        state.young.marks.insert(mark);
        state.young.times.add(proof.second(), proof.second());
        Ok(())
    }
}

fn start(hash: &[u8; 32]) -> Mark {
    hash.first_chunk().copied().unwrap_or_default()
}

impl State {
    fn turn(&mut self, steady: Instant) {
        let age = steady.saturating_duration_since(self.began);
        if age < GENERATION {
            return;
        }
        let young = std::mem::take(&mut self.young);
        let old = std::mem::replace(&mut self.old, Generation { of_one: HashMap::new(), ..young });
        self.forgotten.add_all(&old.times);
        if age >= 2 * GENERATION {
            let old = std::mem::take(&mut self.old);
            self.forgotten.add_all(&old.times);
        }
        self.began = steady;
    }
}

/// Some seconds since 1970, as few spans. May come to hold more than was added, between two that were.
#[derive(Debug, Default)]
struct Spans(Vec<(i64, i64)>);

impl Spans {
    fn has(&self, second: i64) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&second))
    }

    fn add_all(&mut self, other: &Self) {
        for (first, last) in &other.0 {
            self.add(*first, *last);
        }
    }

    fn add(&mut self, first: i64, last: i64) {
        if self.has(first) && first == last {
            return;
        }
        self.0.push((first, last));
        self.0.sort_unstable();
        self.0.dedup_by(|later, earlier| {
            let is_near = later.0 <= earlier.1.saturating_add(SPAN_GAP);
            if is_near {
                earlier.1 = earlier.1.max(later.1);
            }
            is_near
        });
        // Those of longest ago, so that no time is lost that is still to come.
        if self.0.len() > MAX_SPANS
            && let [(_, end), (_, last), ..] = self.0.as_mut_slice()
        {
            *end = *last;
            self.0.remove(1);
        }
    }
}

#[cfg(test)]
mod tests;
