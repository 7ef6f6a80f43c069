//! What lies across a break is found, whole and streamed alike, and nothing else is.

use bartizan_core::Action;
use bartizan_core::settings::Detect;
use proptest::prelude::*;

use super::*;
use crate::fixtures::guardrail;
use crate::protocols::DeltaKind;

fn guard() -> Arc<Guard> {
    let word = guardrail("g-word", Detect::Keywords(vec!["zanzibar".to_owned()]), Action::Block);
    let address = guardrail("g-pii", Detect::Detectors(vec!["email"]), Action::Mask);
    let guard = Guard::builder().guardrail(&word).unwrap().guardrail(&address).unwrap();
    Arc::new(guard.build().unwrap())
}

fn whole(blocks: &[&str]) -> Result<(), Stop> {
    let texts = blocks.iter().map(|text| std::borrow::Cow::Borrowed(*text));
    read_whole(texts, &guard(), &Session::default())
}

/// Streams blocks in pieces of at most `size` characters, each through a guard of its own; what goes
/// out, or that it was stopped and what had gone out before.
fn streamed(blocks: &[&str], size: usize) -> Result<Vec<String>, Vec<String>> {
    let (guard, session) = (guard(), Arc::new(Session::default()));
    let mut seams = Seams::default();
    let mut out = Vec::new();
    for (index, block) in (0..).zip(blocks) {
        let key = DeltaKey { index, part: 0, kind: DeltaKind::Text };
        let mut own = guard.stream(Channel::Output, Arc::clone(&session));
        out.push(String::new());
        let chars: Vec<char> = block.chars().collect();
        for piece in chars.chunks(size) {
            let piece: String = piece.iter().collect();
            let released = own.push(&piece).text;
            match seams.take(&key, &piece, released, &guard, &session) {
                Ok(text) => out.last_mut().unwrap().push_str(&text),
                Err(_) => return Err(out),
            }
        }
        match seams.end(&key, own.finish().text, &guard, &session) {
            Ok(text) => out.last_mut().unwrap().push_str(&text),
            Err(_) => return Err(out),
        }
    }
    Ok(out)
}

#[test]
fn what_lies_across_a_break_ends_the_answer_before_its_second_half_leaves() {
    for blocks in [
        &["all is zan", "zibar they said"][..],
        &["zan", "zi", "bar"],
        &["a zan", "", "zibar"],
        &["write to jane.doe@exam", "ple.com today"],
        &["write to jane.doe", "@example.com"],
    ] {
        assert!(whole(blocks).is_err(), "{blocks:?}");
        for size in [1, 2, 5, 100] {
            let out = streamed(blocks, size).unwrap_err();
            assert_eq!(out.last().unwrap(), "", "{blocks:?} by {size}");
        }
    }
}

#[test]
fn what_is_found_on_one_side_alone_and_what_only_touches_the_break_passes() {
    for blocks in [
        &["it is all well", "in zebra land"][..],
        &["write to jane.doe@example.com", "Thanks"],
        &["x", "jane.doe@example.com is the address"],
        &["see jane.doe@example.com", "john.doe@example.com"],
        &["one", "", "two"],
    ] {
        assert!(whole(blocks).is_ok(), "{blocks:?}");
        for size in [1, 3, 100] {
            let out = streamed(blocks, size).unwrap_or_else(|out| panic!("{blocks:?}: {out:?}"));
            let masked = out.concat();
            assert!(!masked.contains("doe@example.com"), "{masked}");
        }
    }
}

#[test]
fn a_block_is_not_held_up_once_nothing_lies_across() {
    let (guard, session) = (guard(), Arc::new(Session::default()));
    let mut seams = Seams::default();
    let key = |index| DeltaKey { index, part: 0, kind: DeltaKind::Text };
    let mut say = |index, text: &str| {
        seams.take(&key(index), text, text.to_owned(), &guard, &session).unwrap()
    };
    assert_eq!(say(0, "all is well. "), "all is well. ");
    assert_eq!(say(1, "And so it goes on "), "And so it goes on ");
}

#[test]
fn two_blocks_that_grow_at_once_are_refused_while_a_break_is_open() {
    let (guard, session) = (guard(), Arc::new(Session::default()));
    let mut seams = Seams::default();
    let key = |index| DeltaKey { index, part: 0, kind: DeltaKind::Text };
    seams.take(&key(0), "zan", "zan".to_owned(), &guard, &session).unwrap();
    assert_eq!(seams.take(&key(1), "zi", "zi".to_owned(), &guard, &session).unwrap(), "");
    let tangled = seams.take(&key(0), "x", "x".to_owned(), &guard, &session);
    assert!(matches!(tangled, Err(Stop::Tangled)), "{tangled:?}");
}

proptest! {
    #[test]
    fn streams_and_whole_answers_are_stopped_by_the_same(
        blocks in proptest::collection::vec("(zan|zibar|zi|bar|jane\\.doe|@example|\\.com|[a-z]{1,4}|[ .,é]){0,6}", 1..5),
        size in 1usize..7,
    ) {
        let blocks: Vec<&str> = blocks.iter().map(String::as_str).collect();
        // A block that is refused by itself ends the answer there.
        let ends = |text: &&str| guard().inspect(Channel::Output, text, &Session::default()).blocked_at.is_some();
        prop_assume!(!blocks.iter().any(ends));
        prop_assert_eq!(whole(&blocks).is_ok(), streamed(&blocks, size).is_ok());
    }
}
