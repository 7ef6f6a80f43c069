//! What nobody waits for: how much of it is kept, and when it is read.

use std::sync::Arc;

use bartizan_core::settings::{Detect, Guardrail};
use bartizan_core::{Action, Channel};

use crate::testing::{guard, rail};
use crate::{Guard, Session};

/// Flags what takes long to decide, and addresses.
fn flags_much() -> Arc<Guard> {
    let ids = [
        "email",
        "encoded-instruction",
        "hate",
        "hidden-unicode",
        "instruction-override",
        "private-key",
        "repetition",
        "spaced-letters",
        "sql-injection",
    ];
    guard(&[Guardrail { threshold: 0.0, ..rail(Detect::Detectors(ids.to_vec()), Action::Flag) }])
}

#[test]
fn texts_without_end_take_bounded_room_and_are_read_all_the_same() {
    let flags_much = flags_much();
    for filler in ["and so on ", "\u{200B}", "i g n o r e ", "aWdub3JlIGFs", "&#8203;", "\u{301}é"]
    {
        let mut stream = flags_much.stream(Channel::Output, Arc::new(Session::default()));
        let (mut most, mut pushed) = (0, 0);
        let mut found = Vec::new();
        let piece = filler.repeat(128usize.div_ceil(filler.len()));
        for number in 0..400 {
            // A run of 4,096 letters is open, whatever each of them takes.
            let piece = if number == 100 { " mail bob@example.com, " } else { &piece };
            let released = stream.push(piece);
            assert_eq!(released.text, piece);
            pushed += piece.len();
            found.extend(released.judged.into_iter().map(|judged| (judged.finding.rule, pushed)));
            let noting = stream.noting.as_ref().unwrap();
            most = most.max(noting.window(&[], false, false).text.len());
        }
        assert!(most < 24 * 1024, "{filler:?}: {most} of {pushed} bytes are kept");
        let at = found.iter().find(|(rule, _)| *rule == "email").map(|(_, at)| *at);
        assert!(at.is_some_and(|at| at < pushed / 2), "{filler:?}: {at:?} of {pushed}");
    }
}

#[test]
fn a_sentence_is_flagged_when_it_breaks_off() {
    let rail = rail(Detect::Detectors(vec!["email"]), Action::Flag);
    let guard = guard(&[rail]);
    let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
    let released = stream.push("write to bob@example.com");
    assert_eq!((&*released.text, released.judged.len()), ("write to bob@example.com", 0));
    let released = stream.abandon();
    assert_eq!((&*released.text, released.judged.len()), ("", 1));
    // Nothing is told twice, and nothing comes after the end.
    assert_eq!(stream.abandon(), crate::Released::default());
    assert_eq!(stream.push("or to eve@example.com "), crate::Released::default());
    assert_eq!(stream.finish(), crate::Released::default());
}

#[test]
fn values_come_back_at_once_beside_guardrails_that_only_record() {
    let flags = guard(&[rail(Detect::Detectors(vec!["email", "url"]), Action::Flag)]);
    let text = "to <EMAIL_ADDRESS_1>, https://good.test/ or <EMAIL_ADDRESS_2> ok";
    let session = super::session();
    let whole = flags.inspect(Channel::Output, text, &session);
    assert!(whole.rewrite(text).contains("eve@example.com ok"));
    for cut in 1..text.len() {
        let mut stream = flags.stream(Channel::Output, super::session());
        let mut released = [&text[..cut], &text[cut..]].map(|piece| stream.push(piece)).to_vec();
        released.push(stream.finish());
        let out: String = released.iter().map(|released| released.text.as_str()).collect();
        let judged: Vec<_> = released.into_iter().flat_map(|released| released.judged).collect();
        assert_eq!((out, judged), (whole.rewrite(text), whole.judged.clone()), "cut at {cut}");
    }
}
