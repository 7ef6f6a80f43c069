//! Exceptions: what policy lets pass although it is found.

use std::sync::Arc;

use bartizan_core::settings::{Detect, Excepted, Exception, Guardrail, Member, Subject};
use bartizan_core::time::end_of_day;
use bartizan_core::{Action, Channel, Principal, PrincipalKind, Verdict};

use crate::testing::{guard, rail};
use crate::{Guard, Session};

const TEXT: &str = "write to bob@example.com, eve@example.com and bob@example.com.";

fn excepting(action: Action, what: Excepted, until: Option<&str>) -> Arc<Guard> {
    let exception = Exception {
        what,
        reason: "address of the manual".to_owned(),
        until: until.map(|day| end_of_day(day).unwrap()),
    };
    let rail = rail(Detect::Detectors(vec!["email"]), action);
    guard(&[Guardrail { exceptions: vec![exception], ..rail }])
}

fn literal(text: &str) -> Excepted {
    Excepted::Literal(text.to_owned())
}

#[test]
fn an_excepted_text_passes_and_is_told() {
    for what in [literal("bob@example.com"), Excepted::Pattern("bo[a-z]@example[.]com".into())] {
        let guard = excepting(Action::Mask, what, None);
        let report = guard.inspect(Channel::User, TEXT, &Session::default());
        let masked = "write to bob@example.com, <EMAIL_ADDRESS_1> and bob@example.com.";
        assert_eq!(report.rewrite(TEXT), masked);
        let told: Vec<_> = report.judged.iter().map(|judged| judged.exception.as_deref()).collect();
        let reason = Some("address of the manual");
        assert_eq!(told, [reason, None, reason]);
        assert_eq!(report.verdict(), Verdict::Mask);
    }
}

#[test]
fn an_exception_is_no_part_of_another_text() {
    for what in [
        literal("bob@example"),
        literal("Bob@example.com"),
        literal("bob@example.com."),
        Excepted::Pattern("bob".into()),
        Excepted::Pattern("bob|@example[.]com".into()),
    ] {
        let guard = excepting(Action::Block, what.clone(), None);
        let report = guard.inspect(Channel::User, TEXT, &Session::default());
        assert_eq!(report.blocked_at.map(|(at, _)| at), Some(9), "{what:?}");
    }
}

#[test]
fn nothing_decides_where_everything_is_excepted() {
    let guard = excepting(Action::Block, literal("bob@example.com"), None);
    let report = guard.inspect(Channel::User, "bob@example.com", &Session::default());
    assert_eq!((report.verdict(), report.deciding_rule()), (Verdict::Allow, None));
    assert_eq!(report.judged.len(), 1);
}

#[test]
fn an_exception_ends_with_its_day_and_needs_the_time() {
    let guard = excepting(Action::Block, literal("bob@example.com"), Some("2027-01-31"));
    let verdict = |now: Option<&str>| {
        let mut session = Session::builder();
        if let Some(now) = now {
            session = session.now(now.parse().unwrap());
        }
        guard.inspect(Channel::User, "bob@example.com", &session.build()).verdict()
    };
    assert_eq!(verdict(Some("2027-01-31T23:59:59Z")), Verdict::Allow);
    assert_eq!(verdict(Some("2027-02-01T00:00:00Z")), Verdict::Block);
    assert_eq!(verdict(None), Verdict::Block);
}

#[test]
fn a_caller_is_excepted_by_name_or_group_from_one_detector() {
    let bob = Principal {
        kind: PrincipalKind::User,
        name: "bob".to_owned(),
        groups: vec!["support".parse().unwrap()],
    };
    let program = Principal { kind: PrincipalKind::ServicePrincipal, ..bob.clone() };
    let by_name = Subject::Principal(Member { kind: bob.kind, name: bob.name.clone() });
    let by_group = Subject::Group("support".parse().unwrap());
    let other = Subject::Group("sales".parse().unwrap());
    for (subject, rule, caller, verdict) in [
        (&by_name, "email", Some(&bob), Verdict::Allow),
        (&by_name, "email", Some(&program), Verdict::Block),
        (&by_name, "email", None, Verdict::Block),
        (&by_name, "iban", Some(&bob), Verdict::Block),
        (&by_group, "email", Some(&program), Verdict::Allow),
        (&other, "email", Some(&bob), Verdict::Block),
    ] {
        let what = Excepted::Caller { subject: subject.clone(), rule };
        let guard = excepting(Action::Block, what, None);
        let mut session = Session::builder();
        if let Some(caller) = caller {
            session = session.caller(caller.clone());
        }
        let report = guard.inspect(Channel::User, TEXT, &session.build());
        assert_eq!(report.verdict(), verdict, "{subject:?} {rule} {caller:?}");
    }
}

#[test]
fn exceptions_stream_like_the_whole() {
    for action in [Action::Mask, Action::Block, Action::Flag] {
        for what in [literal("bob@example.com"), Excepted::Pattern("eve@[a-z.]{1,40}".into())] {
            let guard = excepting(action, what, None);
            let whole = guard.inspect(Channel::Output, TEXT, &Session::default());
            for cut in 1..TEXT.len() {
                let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
                let mut text = String::new();
                let mut judged = Vec::new();
                for piece in [&TEXT[..cut], &TEXT[cut..]] {
                    let released = stream.push(piece);
                    text.push_str(&released.text);
                    judged.extend(released.judged);
                }
                let released = stream.finish();
                text.push_str(&released.text);
                judged.extend(released.judged);
                assert_eq!(text, whole.rewrite(TEXT), "cut at {cut}");
                if action != Action::Block {
                    assert_eq!(judged, whole.judged, "cut at {cut}");
                }
            }
        }
    }
}
