//! Guardrails, overlaps, blocks and restoration, through the public surface.

use std::sync::Arc;

use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, Channel, ChannelSet, Mode, Verdict};

use crate::{Guard, Session};

fn rail(id: &str, detector: &'static str, action: Action) -> Guardrail {
    Guardrail {
        id: id.parse().unwrap(),
        on: ChannelSet::ALL,
        detect: Detect::Detectors(vec![detector]),
        action,
        mode: Mode::Enforce,
        restore: true,
        on_error: OnError::Block,
        threshold: 0.5,
    }
}

fn guard(rails: &[Guardrail]) -> Arc<Guard> {
    let mut builder = Guard::builder();
    for rail in rails {
        builder = builder.guardrail(rail).unwrap();
    }
    Arc::new(builder.build().unwrap())
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
fn channels_without_guardrails_pass() {
    let mut only_input = rail("g-pii", "email", Action::Mask);
    only_input.on = ChannelSet::INPUT;
    let guard = guard(&[only_input]);
    assert!(!guard.reads(Channel::Output));
    let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
    assert_eq!(stream.push("bob@example").text, "bob@example");
}
