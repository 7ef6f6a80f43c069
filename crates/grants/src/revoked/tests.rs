//! How long it is remembered, how much, and what becomes of the rest.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn id(n: usize) -> RevocationId {
    let mut id = [0; 64];
    id[..8].copy_from_slice(&n.to_be_bytes());
    RevocationId::new(id)
}

fn origin(n: usize) -> Origin {
    format!("key-{n}").parse().unwrap()
}

/// Full of tokens that end at a second.
fn full(until: Timestamp) -> Revocations {
    let mut revocations = Revocations::default();
    for n in 0..MAX_REVOCATIONS {
        revocations.revoke(id(n), until, at(0)).unwrap();
    }
    revocations
}

#[test]
fn the_later_end_counts_and_then_it_is_forgotten() {
    let mut revocations = Revocations::default();
    revocations.revoke(id(7), at(10), at(0)).unwrap();
    revocations.revoke(id(7), at(5), at(0)).unwrap();
    revocations.revoke_origin(origin(1), at(3), at(0)).unwrap();
    revocations.purge(at(10));
    assert_eq!((revocations.len(), revocations.has_any(&[id(7)])), (1, true));
    revocations.purge(at(11));
    assert!(revocations.is_empty());
}

#[test]
fn lasts_as_long_as_any_token_that_was_made_unheard() {
    let unheard = Duration::from_secs(30);
    assert_eq!(Revocations::until(at(0), Duration::ZERO), at(15 * 60 + 60 + 1));
    assert_eq!(Revocations::until(at(0), unheard), at(15 * 60 + 60 + 1 + 30));
    assert_eq!(Revocations::until(at(0), Duration::MAX), Timestamp::MAX);
    // The last token that somebody makes who has not heard of it, by a clock that is ahead, in its last moment.
    let expires = at(30) + CLOCK_SKEW + MAX_LIFETIME;
    let last = expires + Duration::from_nanos(999_999_999);
    let mut revocations = Revocations::default();
    revocations.revoke_origin(origin(1), Revocations::until(at(0), unheard), at(0)).unwrap();
    revocations.purge(last);
    assert_eq!(revocations.len(), 1);
}

#[test]
fn travels_as_json_and_merges() {
    let mut one = Revocations::default();
    one.revoke(RevocationId::new([0xab; 64]), at(1), at(0)).unwrap();
    one.revoke_origin("https://id.example".parse().unwrap(), at(2), at(0)).unwrap();
    let text = serde_json::to_string(&one).unwrap();
    assert!(text.contains(&"ab".repeat(64)), "{text}");
    let mut other: Revocations = serde_json::from_str(&text).unwrap();
    assert_eq!(other, one);
    other.revoke(id(1), at(1), at(0)).unwrap();
    one.merge(&other, at(0)).unwrap();
    assert_eq!(one, other);
    for wrong in [
        "{}",
        r#"{"blocks":{}}"#,
        r#"{"blocks":{},"origins":{},"more":1}"#,
        r#"{"blocks":[],"origins":{}}"#,
    ] {
        assert!(serde_json::from_str::<Revocations>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn refuses_to_forget_when_full() {
    let mut revocations = full(at(1));
    let more = id(MAX_REVOCATIONS);
    assert_eq!(revocations.revoke(more, at(1), at(0)), Err(RevocationsFull::TOKENS));
    assert_eq!(revocations.revoke(more, at(1), at(1)), Err(RevocationsFull::TOKENS));
    assert_eq!(revocations.revoke(id(0), at(2), at(0)), Ok(()));
    assert_eq!(revocations.len(), MAX_REVOCATIONS);
}

#[test]
fn what_has_ended_makes_room() {
    let mut revocations = full(at(1));
    assert_eq!(revocations.revoke(id(MAX_REVOCATIONS), at(9), at(2)), Ok(()));
    assert_eq!(revocations.len(), 1);
    for n in 0..MAX_REVOKED_ORIGINS {
        revocations.revoke_origin(origin(n), at(3), at(2)).unwrap();
    }
    let more = || origin(MAX_REVOKED_ORIGINS);
    assert_eq!(revocations.revoke_origin(more(), at(9), at(3)), Err(RevocationsFull::ORIGINS));
    assert_eq!(revocations.revoke_origin(more(), at(9), at(4)), Ok(()));
    assert_eq!(revocations.len(), 2);
}

#[test]
fn tokens_take_no_room_of_origins() {
    let mut revocations = full(at(1));
    assert_eq!(revocations.revoke_origin(origin(1), at(1), at(0)), Ok(()));
    let mut other = Revocations::default();
    other.revoke(id(MAX_REVOCATIONS), at(1), at(0)).unwrap();
    for n in 0..100 {
        other.revoke_origin(origin(n), at(1), at(0)).unwrap();
    }
    assert_eq!(revocations.merge(&other, at(0)), Err(RevocationsFull::TOKENS));
    assert_eq!(revocations.len(), MAX_REVOCATIONS + 100, "all origins were taken");
    assert_eq!(revocations.merge(&other, at(2)), Ok(()));
    assert!(revocations.is_empty(), "what has ended is neither kept nor taken");
}

#[test]
fn a_text_with_more_than_may_be_is_not_read() {
    let text = |blocks: usize, origins: usize| {
        let entry = |key: String| format!(r#""{key}":"2026-11-01T12:00:00Z""#);
        let blocks: Vec<String> = (0..blocks).map(|n| entry(id(n).to_string())).collect();
        let origins: Vec<String> = (0..origins).map(|n| entry(origin(n).to_string())).collect();
        format!(r#"{{"blocks":{{{}}},"origins":{{{}}}}}"#, blocks.join(","), origins.join(","))
    };
    let read = |text: String| serde_json::from_str::<Revocations>(&text);
    let most = read(text(MAX_REVOCATIONS, MAX_REVOKED_ORIGINS)).unwrap();
    assert_eq!(most.len(), MAX_REVOCATIONS + MAX_REVOKED_ORIGINS);
    assert!(read(text(MAX_REVOCATIONS + 1, 0)).is_err());
    assert!(read(text(0, MAX_REVOKED_ORIGINS + 1)).is_err());
}

#[test]
fn ids_have_one_spelling() {
    let id = "0123456789abcdef".repeat(8);
    assert_eq!(id.parse::<RevocationId>().unwrap().to_string(), id);
    for wrong in ["", "ab", &id.to_uppercase(), &"g".repeat(128)] {
        assert!(wrong.parse::<RevocationId>().is_err());
    }
}
