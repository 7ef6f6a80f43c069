//! A detector that fails: what passes, what stops, and that it is said.

use std::sync::Arc;

use bartizan_core::catalog::Meta;
use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, Channel, Mode, NotEvaluated, Verdict};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::View;
use crate::{Guard, Session, testing};

/// Panics on one word.
struct Fragile;

impl Detector for Fragile {
    fn meta(&self) -> &'static Meta {
        crate::detectors::find("email").unwrap().meta()
    }

    fn reads(&self) -> Reads {
        Reads::Folded
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        if let Some(at) = view.text().find("boo") {
            findings.undecided(at);
        }
        assert!(!view.text().contains("boom"), "as it was asked to");
    }
}

fn guard(on_error: OnError, mode: Mode) -> Arc<Guard> {
    guard_that(Action::Flag, on_error, mode)
}

fn guard_that(action: Action, on_error: OnError, mode: Mode) -> Arc<Guard> {
    let rail = testing::rail(Detect::Detectors(Vec::new()), action);
    let fragile = Guardrail { on_error, mode, ..rail };
    let mut words = testing::rail(Detect::Keywords(vec!["zanzibar".to_owned()]), Action::Mask);
    words.id = "g-word".parse().unwrap();
    let builder = Guard::builder().detector(&fragile, Box::new(Fragile));
    Arc::new(builder.guardrail(&words).unwrap().build().unwrap())
}

const TEXT: &str = "to zanzibar and boom it goes";

fn failed() -> Vec<NotEvaluated> {
    vec![NotEvaluated::DetectorFailed("email".to_owned())]
}

#[test]
fn a_text_that_a_detector_could_not_read_is_refused_and_the_detector_named() {
    let guard = guard(OnError::Block, Mode::Enforce);
    let report = guard.inspect(Channel::User, TEXT, &Session::default());
    assert_eq!(report.verdict(), Verdict::Block);
    assert_eq!(report.deciding_rule().map(ToString::to_string).as_deref(), Some("g-test"));
    assert_eq!(report.not_evaluated, failed());
    assert_eq!(report.rewrite(TEXT), "");
}

#[test]
fn where_policy_lets_it_pass_the_others_still_do_their_work() {
    for (on_error, mode) in [(OnError::Allow, Mode::Enforce), (OnError::Block, Mode::DryRun)] {
        let guard = guard(on_error, mode);
        let report = guard.inspect(Channel::User, TEXT, &Session::default());
        assert_eq!(report.blocked_at, None);
        assert_eq!(report.not_evaluated, failed());
        assert_eq!(report.rewrite(TEXT), "to <KEYWORD_1> and boom it goes");
    }
}

/// What leaves of a text in pieces of one byte, what could not be inspected, and who ends it.
fn streamed(guard: &Arc<Guard>, text: &str) -> (String, Vec<NotEvaluated>, Option<String>) {
    let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
    let mut released: Vec<_> = text.split("").map(|piece| stream.push(piece)).collect();
    released.push(stream.finish());
    let out = released.iter().map(|released| released.text.as_str()).collect();
    let blocked = released.iter().find_map(|released| released.blocked.as_ref());
    let blocked = blocked.map(ToString::to_string);
    let mut not_evaluated: Vec<_> =
        released.into_iter().flat_map(|released| released.not_evaluated).collect();
    not_evaluated.dedup();
    (out, not_evaluated, blocked)
}

#[test]
fn a_stream_ends_where_a_detector_fails_or_goes_on_without_it() {
    let strict = guard_that(Action::Mask, OnError::Block, Mode::Enforce);
    let (out, not_evaluated, blocked) = streamed(&strict, TEXT);
    assert_eq!((&*out, blocked.as_deref()), ("to <KEYWORD_1> and ", Some("g-test")));
    assert_eq!(not_evaluated, failed());
    for action in [Action::Mask, Action::Flag] {
        let guard = guard_that(action, OnError::Allow, Mode::Enforce);
        let (out, not_evaluated, blocked) = streamed(&guard, TEXT);
        assert_eq!((&*out, blocked), ("to <KEYWORD_1> and boom it goes", None));
        assert_eq!(not_evaluated, failed());
    }
}

#[test]
fn a_stream_ends_soon_after_a_detector_failed_that_nobody_waited_for() {
    let guard = guard(OnError::Block, Mode::Enforce);
    let (_, not_evaluated, blocked) = streamed(&guard, TEXT);
    assert_eq!((not_evaluated, blocked.as_deref()), (failed(), Some("g-test")));
    let long = format!("{TEXT} {}", "and on ".repeat(200));
    let (out, not_evaluated, blocked) = streamed(&guard, &long);
    assert_eq!((not_evaluated, blocked.as_deref()), (failed(), Some("g-test")));
    assert!(out.len() <= 256, "{}", out.len());
    let (out, ..) = streamed(&guard, &format!("{}{TEXT}", "and on ".repeat(200)));
    assert!(!out.contains("it goes"), "{out}");
}

/// Finds every letter on its own.
struct Letters;

impl Detector for Letters {
    fn meta(&self) -> &'static Meta {
        crate::detectors::find("email").unwrap().meta()
    }

    fn reads(&self) -> Reads {
        Reads::Folded
    }

    fn needs_whole_text(&self) -> bool {
        true
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let letters =
            view.text().bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphabetic());
        letters.for_each(|(at, _)| findings.push(at, at + 1, 0.9));
    }
}

#[test]
fn a_long_list_counts_as_one_finding_and_more_than_that_fails() {
    let on = bartizan_core::ChannelSet::of(&[Channel::User]);
    let rail = testing::rail(Detect::Detectors(Vec::new()), Action::Mask);
    let rail = Guardrail { on, on_error: OnError::Allow, ..rail };
    let guard = Guard::builder().detector(&rail, Box::new(Letters)).build().unwrap();
    let judge = |text: &str| guard.inspect(Channel::User, text, &Session::default());
    for gap in ["", " ", ", "] {
        let text = format!("ab{gap}").repeat(60_000);
        let report = judge(&text);
        assert!(report.not_evaluated.is_empty(), "{gap:?}");
        assert!(!report.rewrite(&text).contains("ab"), "{gap:?}");
    }
    assert_eq!(judge(&"a;".repeat(100_001)).not_evaluated, failed());
    assert!(judge(&"a;".repeat(5)).not_evaluated.is_empty());
}
