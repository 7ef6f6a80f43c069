//! One memory, two clocks, and whoever would like to use a proof twice.

use super::*;
use crate::grant::Thumbprint;

/// Room for 10 proofs of each of 64 keys.
const CAPACITY: usize = 640;

const TURN: i64 = GENERATION.as_secs().cast_signed();

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A memory, and a clock that nobody sets.
struct World {
    replays: Replays,
    began: Instant,
}

impl World {
    fn new() -> Self {
        Self::with(CAPACITY, at(-1000))
    }

    fn with(capacity: usize, started: Timestamp) -> Self {
        let began = Instant::now();
        Self { replays: Replays::new(capacity, started, began), began }
    }

    /// Uses a proof that was made at a second, when so many seconds have passed.
    fn remember(&self, of: &str, id: &str, made: i64, passed: i64) -> Result<(), ProofError> {
        let proof = CheckedProof::new(Thumbprint::of(of.as_bytes()), id, at(made));
        let passed = Duration::from_secs(passed.try_into().unwrap());
        self.replays.remember(&proof, self.began + passed)
    }

    /// The same, where both clocks agree and the proof is of now.
    fn use_at(&self, id: &str, second: i64) -> Result<(), ProofError> {
        self.remember("a", id, second, second)
    }
}

#[test]
fn remembers_for_as_long_as_a_proof_is_good() {
    for first in 0..2 * TURN {
        let world = World::new();
        world.use_at("turn", 0).unwrap();
        world.use_at("id", first).unwrap();
        for later in [1, TURN / 2, TURN - 1] {
            let again = world.remember("a", "id", first, first + later);
            assert_eq!(again, Err(ProofError::Replayed), "{first} {later}");
        }
        let late = world.remember("a", "id", first, first + 3 * TURN);
        assert_eq!(late, Err(ProofError::Forgotten), "refused by its time from then on");
    }
}

#[test]
fn a_proof_of_now_is_taken_whatever_was_forgotten() {
    let world = World::new();
    let window = PROOF_WINDOW.as_secs().cast_signed();
    for second in 0..20 * TURN {
        // By a clock that is as far ahead as may be, and by one that is as far behind.
        for (of, made) in [("ahead", second + window), ("behind", second - window)] {
            if second % 13 == 0 {
                let id = second.to_string();
                assert_eq!(world.remember(of, &id, made, second), Ok(()), "{of} {second}");
            }
        }
    }
}

#[test]
fn nothing_from_before_the_start_is_taken() {
    let started = at(0) + jiff::SignedDuration::from_millis(1);
    let world = World::with(CAPACITY, started);
    for before in [0, -1, -60, i64::from(i32::MIN) / 2] {
        let refused = world.remember("a", "id", before, 0);
        assert_eq!(refused, Err(ProofError::Forgotten), "{before}");
    }
    assert_eq!(world.remember("a", "id", 1, 0), Ok(()));
    let on_the_second = World::with(CAPACITY, at(0));
    assert_eq!(on_the_second.use_at("id", 0), Ok(()));
}

#[test]
fn ids_of_holders_are_their_own() {
    let world = World::new();
    world.remember("a", "id", 0, 0).unwrap();
    assert_eq!(world.remember("b", "id", 0, 0), Ok(()));
}

#[test]
fn nothing_passes_where_there_is_no_room() {
    let world = World::with(2, at(0));
    for of in ["a", "b"] {
        world.remember(of, "1", 0, 0).unwrap();
    }
    assert_eq!(world.remember("c", "1", 0, 0), Err(ProofError::Full));
    assert_eq!(world.remember("a", "1", 0, 0), Err(ProofError::Replayed));
    assert_eq!(world.remember("c", "1", TURN, TURN), Ok(()));
}

#[test]
fn one_holder_does_not_take_the_room_of_all() {
    let world = World::new();
    for id in 0..10 {
        world.use_at(&id.to_string(), 0).unwrap();
    }
    assert_eq!(world.use_at("10", 0), Err(ProofError::HolderFull));
    assert_eq!(world.use_at("0", 0), Err(ProofError::Replayed));
    for other in 1..64 {
        for id in 0..10 {
            let taken = world.remember(&format!("other {other}"), &id.to_string(), 0, 0);
            assert_eq!(taken, Ok(()), "{other} {id}");
        }
    }
    assert_eq!(world.remember("one more", "0", 0, 0), Err(ProofError::Full));
    assert_eq!(world.use_at("10", TURN), Ok(()));
}

#[test]
fn a_clock_that_jumps_ahead_and_back_makes_nothing_good_twice() {
    const DAY: i64 = 86_400;
    let world = World::new();
    world.use_at("before", 0).unwrap();
    // Ahead for a moment: what was used is still remembered.
    world.remember("a", "ahead", DAY, 1).unwrap();
    assert_eq!(world.remember("a", "before", 0, 2), Err(ProofError::Replayed));
    // Ahead for ten minutes, then back.
    for second in 2..600 {
        let id = second.to_string();
        assert_eq!(world.remember(&id, &id, DAY + second, second), Ok(()));
    }
    assert_eq!(world.use_at("after", 600), Ok(()), "what is of now is taken at once");
    // A day later, what was used while the clock was ahead.
    for passed in [DAY, DAY + TURN] {
        for id in ["ahead", "2", "300", "599"] {
            let made = DAY + id.parse::<i64>().unwrap_or_default();
            assert!(world.remember("a", id, made, passed).is_err(), "{id}");
            assert!(world.remember(id, id, made, passed).is_err(), "{id}");
        }
    }
    // And it is taken again when that time is over.
    assert_eq!(world.use_at("now", DAY + 700), Ok(()));
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_good_twice() {
    let world = World::new();
    for second in 0..1000 {
        let id = second.to_string();
        world.remember(&id, &id, second, second).unwrap();
    }
    // Back by ten minutes: it is 400 again.
    for id in [340, 400, 600] {
        let text = id.to_string();
        let again = world.remember(&text, &text, id, 1000);
        assert!(matches!(again, Err(ProofError::Forgotten | ProofError::Replayed)), "{id}");
    }
    // When it is as late as it was, all is well.
    assert_eq!(world.remember("a", "new", 1000, 1600), Ok(()));
}

#[test]
fn a_clock_that_is_far_ahead_does_not_fill_the_memory_for_good() {
    let world = World::with(1, at(0));
    world.remember("a", "1", 1 << 30, 0).unwrap();
    assert_eq!(world.remember("b", "2", 1, 1), Err(ProofError::Full));
    assert_eq!(world.remember("b", "2", TURN, TURN), Ok(()));
}

#[test]
fn spans_hold_all_that_was_added_and_stay_few() {
    let mut spans = Spans::default();
    let far: Vec<i64> = (0..100).map(|n| n * 10 * SPAN_GAP).collect();
    for second in far.iter().rev() {
        spans.add(*second, *second);
        spans.add(second + SPAN_GAP, second + SPAN_GAP);
    }
    assert!(far.iter().all(|second| spans.has(*second)) && spans.0.len() <= MAX_SPANS);
    let last = *far.last().unwrap();
    assert!(spans.has(last + 1) && !spans.has(last - 1) && !spans.has(last + SPAN_GAP + 1));
    assert!(!spans.has(-1), "and none before the first");
}
