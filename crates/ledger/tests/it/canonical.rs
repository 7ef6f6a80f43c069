//! Events are written in the one way that RFC 8785 allows, so that whoever has an event can make its
//! hash.

use bartizan_core::event::{Event, FindingRecord, Outcome, RefinedRecord};
use bartizan_core::id::RequestId;
use bartizan_core::{Channel, Disguise, Verdict};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "\\PC{0,8}", "[\u{0}-\u{1f}\\\\\"/\u{7f}\u{2028}]{0,6}"]
}

fn share() -> impl Strategy<Value = f32> {
    prop_oneof![0.0..=1.0_f32, Just(0.0), Just(1.0), Just(1e-9), Just(0.5), Just(0.000_05)]
}

fn finding() -> impl Strategy<Value = FindingRecord> {
    (text(), share(), any::<bool>(), proptest::option::of(any::<u32>()), any::<bool>()).prop_map(
        |(text, score, dry_run, turns, more)| FindingRecord {
            guardrail: text.clone(),
            rule: text.clone(),
            category: "pii".to_owned(),
            channel: Channel::User,
            pointer: if more { text.clone() } else { String::new() },
            turns,
            score,
            disguise: more.then_some(Disguise::Respelled),
            verdict: Verdict::Flag,
            dry_run,
            exception: more.then_some(text),
        },
    )
}

prop_compose! {
    fn event()(
        texts in proptest::collection::vec(text(), 9),
        numbers in proptest::collection::vec(0..1_u64 << 53, 4),
        findings in proptest::collection::vec(finding(), 0..3),
        scores in (share(), share()),
        more in any::<bool>(),
    ) -> Event {
        let mut event = Event::new(RequestId::new(), &texts[0], &texts[1]);
        if more {
            event.principal = Some(texts[2].clone());
            event.endpoint = Some(texts[3].clone());
            event.provider = Some(texts[4].clone());
            event.model = Some(texts[5].clone());
            event.rule = Some(texts[6].clone());
            event.detail = Some(texts[7].clone());
            event.status = Some(200);
            event.streamed = true;
            event.tokens_in = Some(numbers[0]);
            event.tokens_out = Some(numbers[1]);
            event.nano_usd = Some(numbers[2]);
            event.duration_us = Some(numbers[3]);
            event.not_evaluated.clone_from(&texts);
            event.brakes.clone_from(&texts);
            for (name, value) in [("team", "Österreich"), ("cost-center", "\"\\"), ("t-1", "x")] {
                event.tags.add(name.parse().unwrap(), value).unwrap();
            }
            event.policy.clone_from(&texts[8]);
        }
        event.outcome = Outcome::AnswerRefused;
        event.refined = vec![RefinedRecord {
            model: texts[8].clone(),
            channel: Channel::Output,
            before: scores.0,
            after: scores.1,
            duration_us: numbers[0],
        }];
        event.findings = findings;
        event
    }
}

proptest! {
    #[test]
    fn an_event_is_written_in_canonical_form(event in event()) {
        let written = serde_json::to_string(&event).unwrap();
        let value: serde_json::Value = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(&written, &serde_json_canonicalizer::to_string(&value).unwrap());
        let read: Event = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), written);
    }
}
