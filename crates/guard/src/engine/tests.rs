//! Guardrails, overlaps, blocks and restoration, through the public surface.

mod except;
mod failures;
mod operators;
mod refine;

use std::sync::Arc;

use bartizan_core::settings::{Detect, Guardrail};
use bartizan_core::{Action, Channel, ChannelSet, Disguise, Mode, Span, Verdict};

use crate::testing::{self, guard};
use crate::{Guard, Session};

fn rail(id: &str, detector: &'static str, action: Action) -> Guardrail {
    let id = id.parse().unwrap();
    Guardrail { id, restore: true, ..testing::rail(Detect::Detectors(vec![detector]), action) }
}

#[test]
fn masks_and_restores() {
    let guard = guard(&[rail("g-pii", "email", Action::Mask)]);
    let session = Arc::new(Session::default());
    let text = "mail bob@example.com and eve@example.com";
    let masked = guard.inspect(Channel::User, text, &session).rewrite(text);
    assert_eq!(masked, "mail <EMAIL_ADDRESS_1> and <EMAIL_ADDRESS_2>");

    let answer = "done: <email_address_2>, <EMAIL_ADDRESS_1>, new@example.com";
    let restored = guard.inspect(Channel::Output, answer, &session).rewrite(answer);
    assert_eq!(restored, "done: eve@example.com, bob@example.com, <EMAIL_ADDRESS_3>");

    let mut stream = guard.stream(Channel::Output, session);
    let mut streamed = String::new();
    for piece in answer.as_bytes().chunks(3) {
        streamed.push_str(&stream.push(std::str::from_utf8(piece).unwrap()).text);
    }
    streamed.push_str(&stream.finish().text);
    assert_eq!(streamed, restored);
}

#[test]
fn a_dry_run_flags_and_changes_nothing() {
    let mut dry = rail("g-dry", "email", Action::Block);
    dry.mode = Mode::DryRun;
    let text = "mail bob@example.com";
    let report = guard(&[dry]).inspect(Channel::User, text, &Session::default());
    assert_eq!(report.verdict(), Verdict::Flag);
    assert_eq!(report.rewrite(text), text);
    assert_eq!(report.judged.first().map(|judged| judged.dry_run), Some(true));
}

#[test]
fn the_strictest_guardrail_decides() {
    let guard =
        guard(&[rail("g-mask", "email", Action::Mask), rail("g-stop", "email", Action::Block)]);
    let text = "mail bob@example.com now";
    let report = guard.inspect(Channel::User, text, &Session::default());
    assert_eq!(report.verdict(), Verdict::Block);
    assert_eq!(report.deciding_rule().map(ToString::to_string).as_deref(), Some("g-stop"));
    assert_eq!(report.rewrite(text), "mail ");
}

/// A guard of one detector that policy makes.
fn custom(detect: Detect, action: Action) -> Arc<Guard> {
    let mut rail = rail("g-custom", "email", action);
    rail.on = ChannelSet::INPUT;
    rail.detect = detect;
    guard(&[rail])
}

#[test]
fn sizes_and_topics_are_judged_text_by_text() {
    let texts = ["the first boat is longer", "and has room for everybody on board", "a boat"];
    let joined = texts.join("\n\n");
    let spans: Vec<Span> = texts
        .iter()
        .map(|text| joined.find(text).map(|start| Span::new(start, start + text.len())).unwrap())
        .collect();
    let found = |detect, texts: &[Span]| -> Vec<String> {
        let guard = custom(detect, Action::Flag);
        let report = guard.inspect_joined(Channel::User, &joined, texts, &[], &Session::default());
        report.judged.iter().map(|judged| joined[judged.finding.span.range()].to_owned()).collect()
    };
    let size = |max_bytes| Detect::Size { max_bytes };
    assert_eq!(found(size(35), &spans), Vec::<String>::new());
    assert_eq!(found(size(30), &spans), ["b"]);
    assert_eq!(found(size(35), &[]).len(), 1);
    let topics = Detect::Topics([("boats".to_owned(), vec!["boat".to_owned()])].into());
    assert_eq!(found(topics.clone(), &spans), ["and has room for everybody on board"]);
    assert_eq!(found(topics, &[]), Vec::<String>::new());
}

#[test]
fn keywords_are_found_across_texts() {
    let guard = custom(Detect::Keywords(vec!["project falcon".to_owned()]), Action::Flag);
    let texts = [Span::new(0, 7), Span::new(9, 15)];
    let report =
        guard.inspect_joined(Channel::User, "project\n\nfalcon", &texts, &[], &Session::default());
    assert_eq!(report.judged.len(), 1);
}

/// The label of the one stretch that is masked in a text.
fn label(rails: &[Guardrail], text: &str) -> String {
    let report = guard(rails).inspect(Channel::User, text, &Session::default());
    let [edit] = report.edits.as_slice() else { panic!("{:?}", report.edits) };
    edit.text.clone()
}

#[test]
fn the_best_finding_names_a_stretch() {
    let keyword = |word: &str| {
        let mut rail = rail("g-word", "email", Action::Mask);
        rail.detect = Detect::Keywords(vec![word.to_owned()]);
        rail
    };
    let email = rail("g-mail", "email", Action::Mask);
    let (text, whole) = ("bob@example.com", "bob@example.com");
    // As sure, and says less, in whichever order they stand, and however long it is.
    assert_eq!(label(&[keyword(whole), email.clone()], text), "<EMAIL_ADDRESS_1>");
    assert_eq!(label(&[email.clone(), keyword(whole)], text), "<EMAIL_ADDRESS_1>");
    let longer = "to bob@example.com";
    assert_eq!(label(&[keyword(longer), email], longer), "<EMAIL_ADDRESS_1>");
    // Surer, and says less.
    let phone = rail("g-phone", "phone-number", Action::Mask);
    let report = guard(std::slice::from_ref(&phone)).inspect(
        Channel::User,
        "415-555-2671",
        &Session::default(),
    );
    assert!(report.judged.iter().all(|judged| judged.finding.score < 1.0));
    assert_eq!(label(&[phone, keyword("2671")], "415-555-2671"), "<KEYWORD_1>");
}

#[test]
fn a_stretch_comes_back_only_if_every_guardrail_lets_it() {
    let email = rail("g-mail", "email", Action::Mask);
    let mut word = rail("g-word", "email", Action::Mask);
    word.detect = Detect::Keywords(vec!["example".to_owned()]);
    word.restore = false;
    let guard = guard(&[email, word]);
    let session = Session::default();
    let text = "mail bob@example.com";
    assert_eq!(
        guard.inspect(Channel::User, text, &session).rewrite(text),
        "mail <EMAIL_ADDRESS_1>"
    );
    let answer = "to <EMAIL_ADDRESS_1> then";
    assert_eq!(guard.inspect(Channel::Output, answer, &session).rewrite(answer), answer);
}

#[test]
fn findings_name_the_outermost_disguise() {
    let guard = guard(&[rail("g-mail", "email", Action::Flag)]);
    for (text, disguise) in [
        ("bob@example.com", None),
        ("ｂｏｂ@example.com", None),
        ("bob%40example.com", Some(Disguise::Escaped)),
        ("Ym9iQGV4YW1wbGUuY29t", Some(Disguise::Base64)),
        ("626f62406578616d706c652e636f6d", Some(Disguise::Hex)),
        // Hex of the base64 above.
        ("596d3969514756345957317762475575593239740a", Some(Disguise::Hex)),
    ] {
        let report = guard.inspect(Channel::User, text, &Session::default());
        let seen: Vec<_> = report.judged.iter().map(|judged| judged.finding.disguise).collect();
        assert_eq!(seen, [disguise], "{text}");
    }
}

#[test]
fn a_stream_holds_only_what_may_still_match() {
    let guard = guard(&[rail("g-pii", "email", Action::Mask)]);
    let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
    assert_eq!(stream.push("Hello there, wri").text, "Hello there, ");
    assert_eq!(stream.push("te to bo").text, "write to ");
    assert_eq!(stream.push("b@example.com").text, "");
    assert_eq!(stream.push(" now").text, "<EMAIL_ADDRESS_1> ");
    assert_eq!(stream.finish().text, "now");
}

#[test]
fn what_was_clean_once_is_read_where_it_may_not_be() {
    let mut words = rail("g-words", "email", Action::Block);
    words.detect = Detect::Keywords(vec!["zanzibar".to_owned()]);
    words.on = ChannelSet::INPUT;
    let mut canary = rail("g-canary", "canary-leak", Action::Block);
    canary.on = ChannelSet::ALL;
    let guard = guard(&[words, canary, rail("g-pii", "email", Action::Mask)]);
    let plain = Session::default();
    let blocks = |channel, text: &str, session: &Session| {
        guard.inspect(channel, text, session).blocked_at.is_some()
    };
    for _ in 0..3 {
        assert!(!blocks(Channel::Output, "zanzibar", &plain));
        assert!(blocks(Channel::User, "zanzibar", &plain));
        assert!(!blocks(Channel::Output, "bz-7f3a-harbour", &plain));
        let watched = Session::builder().canary("bz-7f3a-harbour").build();
        assert!(blocks(Channel::Output, "bz-7f3a-harbour", &watched));
    }
    // A placeholder that was nobody's is somebody's in the next request.
    let text = "to <EMAIL_ADDRESS_1>";
    assert_eq!(guard.inspect(Channel::Output, text, &plain).rewrite(text), text);
    let _ = guard.inspect(Channel::User, "I am bob@example.com", &plain);
    assert_eq!(guard.inspect(Channel::Output, text, &plain).rewrite(text), "to bob@example.com");
}

#[test]
fn channels_without_guardrails_pass() {
    let mut only_input = rail("g-pii", "email", Action::Mask);
    only_input.on = ChannelSet::INPUT;
    let guard = guard(&[only_input]);
    assert!(!guard.reads(Channel::Output));
    let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
    assert_eq!(stream.push("bob@example").text, "bob@example");
}
